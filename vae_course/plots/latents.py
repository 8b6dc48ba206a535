"""Codes of images, latent by latent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from torch import Tensor

from vae_course.plots.checks import as_floats, as_numbers
from vae_course.plots.style import RIGHT, with_defaults


def plot_code(mu: Tensor, std: Tensor, *, ax: Axes | None = None, **errorbar_kw: Any) -> Axes:
    """Draws one image's posterior, latent by latent, over the prior's band of one standard deviation.

    mu, std: (latent_dim,). Raises ValueError on other shapes, NaN and a std below 0.
    """
    places, reach = as_floats("mu", mu), as_floats("std", std)
    if places.ndim != 1 or not len(places) or reach.shape != places.shape or reach.min() < 0:
        raise ValueError(
            "mu and std must both have shape (latent_dim,), std nowhere below 0, "
            f"got {places.shape} and {reach.shape}; for one image of a batch pass mu[0], std[0]"
        )
    ax = ax or plt.gca()
    ax.axhspan(-1, 1, color="0.92", label="prior")
    style = with_defaults(errorbar_kw, fmt="o", color=RIGHT, markersize=4, label="posterior of one digit")
    ax.errorbar(range(1, len(mu) + 1), places, yerr=reach, **style)
    ax.set(xlabel="latent", ylabel="mean and one std", xticks=range(1, len(mu) + 1, max(1, len(mu) // 10)))
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return ax


def plot_runs(values: Mapping[str, Sequence[float]], *, ax: Axes | None = None, **line_kw: Any) -> Axes:
    """Draws one dot a run, one row a kind of run, the first kind on top.

    values: kind -> one number a run. Raises ValueError without any kind, and unless a kind's values are a row.
    """
    rows = {kind: as_numbers(f"values[{kind!r}]", numbers) for kind, numbers in values.items()}
    if not rows or any(numbers.ndim != 1 for numbers in rows.values()):
        raise ValueError("values must hold at least one kind of run, and one number a run for each")
    ax = ax or plt.gca()
    for row, numbers in enumerate(rows.values()):
        ax.plot(
            numbers, [row] * len(numbers), **with_defaults(line_kw, marker="o", linestyle="", color=RIGHT, alpha=0.6)
        )
    ax.set(yticks=range(len(values)), yticklabels=list(values), ylim=(len(values) - 0.5, -0.5))
    return ax
