"""Sweeps over beta: a figure against beta with a bar for its seeds, and distortion against rate (level 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_course.checks import check_whole
from vae_course.plots.checks import as_floats, as_numbers
from vae_course.plots.style import RIGHT, with_defaults

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STEP = 3.0  # how far left of the smallest beta above 0 the place of 0 is, as a factor


def plot_sweep(
    beta: ArrayLike,
    values: ArrayLike,
    *,
    best: int | None = None,
    ticks: Sequence[float] | None = None,
    ax: Axes | None = None,
    **line_kw: Any,
) -> Axes:
    """Draws a figure of merit against beta: a line through the means, a bar from the lowest seed to the highest.

    beta: (k,), rising, none below 0; 0 has a place of its own left of the logarithmic axis. values: (seeds, k), or
    (k,) of one run. best: which beta gets a large dot. ticks: the betas that are written below the axis, all if None.
    """
    places, table = beta_places(beta), np.atleast_2d(as_numbers("values", values))
    if table.ndim != 2 or not len(table) or table.shape[1] != len(places):
        raise ValueError(f"values must be (seeds, {len(places)}), a column for each beta, got {np.shape(values)}")
    if best is not None:
        check_whole("best", best)
        if not 0 <= best < len(places):
            raise ValueError(f"best must lie between 0 and {len(places) - 1}, a column of values, got {best}")
    ax = ax or _current_axes()
    middle = table.mean(axis=0)
    # The mean of three equal numbers may round to more than the largest of them.
    reach = np.stack([middle - table.min(axis=0), table.max(axis=0) - middle]).clip(min=0)
    look = with_defaults(line_kw, color=RIGHT, marker="o", markersize=3, linewidth=1.2)
    (line, *_) = ax.errorbar(places, middle, yerr=reach, **look)
    if best is not None:
        ax.plot(places[best], middle[best], "o", color=line.get_color(), markersize=8)
    return _name_betas(ax, np.asarray(beta, dtype=float), places, ticks)


def plot_rate_distortion(
    kl: ArrayLike, nll: ArrayLike, *, beta: ArrayLike | None = None, ax: Axes | None = None, **line_kw: Any
) -> Axes:
    """Draws distortion against rate: a dot for each run, and a line through the means of the seeds.

    kl, nll: (seeds, k) nats per image, a column for each beta, in the order of the betas; or (k,) of one run.
    beta: (k,), written beside the means; None writes nothing.
    """
    rate, distortion = (np.atleast_2d(as_numbers(name, value)) for name, value in (("kl", kl), ("nll", nll)))
    if rate.ndim != 2 or rate.shape != distortion.shape or not rate.size:
        raise ValueError(f"kl and nll must both be (seeds, betas), got {np.shape(kl)} and {np.shape(nll)}")
    betas = None if beta is None else as_floats("beta", beta)
    if betas is not None and betas.shape != rate.shape[1:]:
        raise ValueError(f"beta must be ({rate.shape[1]},), one for each column of kl, got {betas.shape}")
    ax = ax or _current_axes()
    look = with_defaults(line_kw, color=RIGHT, linewidth=1.2)
    (line,) = ax.plot(rate.mean(axis=0), distortion.mean(axis=0), **look)
    ax.plot(rate.ravel(), distortion.ravel(), "o", color=line.get_color(), markersize=4, alpha=0.6)
    if betas is not None:
        points = zip(rate.mean(axis=0), distortion.mean(axis=0), betas, strict=True)
        for x, y, value in points:
            ax.annotate(f"{value:g}", (x, y), xytext=(4, 4), textcoords="offset points", fontsize="small")
    ax.set(xlabel="rate: KL (nats)", ylabel="distortion: nll (nats)")
    return ax


def beta_places(beta: ArrayLike) -> NDArray[np.float64]:
    """Where each beta stands on a logarithmic axis: at itself, and 0 at a third of the smallest one above 0.

    beta: (k,), rising, none below 0, at least one above. Returns (k,).
    """
    values = as_numbers("beta", beta)
    if (
        values.ndim != 1
        or not np.isfinite(values).all()
        or not (np.diff(values) > 0).all()
        or not (values >= 0).all()
        or not values.any()
    ):
        raise ValueError(f"beta must rise from 0 or above, (k,), with one above 0, got {values.tolist()}")
    return np.where(values > 0, values, values[values > 0].min() / _STEP)


def _name_betas(
    ax: Axes, beta: NDArray[np.float64], places: NDArray[np.float64], ticks: Sequence[float] | None
) -> Axes:
    named = np.ones(len(beta), bool) if ticks is None else np.isin(beta, np.asarray(ticks, dtype=float))
    ax.set_xscale("log")
    ax.set_xticks(places[named], [f"{value:g}" for value in beta[named]])
    ax.set_xticks([], minor=True)
    ax.set_xlabel(r"$\beta$")
    return ax


def _current_axes() -> Axes:
    import matplotlib.pyplot as plt

    return plt.gca()
