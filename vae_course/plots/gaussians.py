"""Gaussians as ellipses and densities on a plane, numbers by digit, and trees (level 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_course.latent.checks import check_tree
from vae_course.plots.checks import as_floats, as_numbers, check_length
from vae_course.plots.style import DIGIT_COLOURS, RIGHT, SERIES, with_defaults

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Kinds that are neither digits nor right or wrong, told apart by shape as well.
_ROUNDING = 1e-6  # relative, by which a flat covariance's eigenvalue may lie below 0
_KINDS = tuple(zip(SERIES, "os^D", strict=True))


def plot_gaussians(
    mean: ArrayLike,
    cov: ArrayLike,
    *,
    n_std: float = 2,
    colours: Sequence[str] | None = None,
    ax: Axes | None = None,
    **ellipse_kw: Any,
) -> Axes:
    """Draws the ellipse of each Gaussian at `n_std` standard deviations along its principal axes.

    mean: (n, 2). cov: (n, 2, 2). colours: one for each, or None. The axes' limits are left as they are.
    Raises ValueError on other shapes.
    """
    from matplotlib.patches import Ellipse

    means, covs = as_floats("mean", mean), as_floats("cov", cov)
    if means.ndim != 2 or means.shape[1] != 2 or covs.shape != (len(means), 2, 2):
        raise ValueError(
            f"mean must be (n, 2) and cov (n, 2, 2), got {means.shape} and {covs.shape}; for one pass mean[None]"
        )
    check_length("n_std", n_std)
    if colours is not None and len(colours) != len(means):
        raise ValueError(f"colours must be one for each of {len(means)} Gaussians, got {len(colours)}")
    variance, axis = np.linalg.eigh(covs)
    if (variance < -_ROUNDING * np.abs(variance).max(initial=0)).any():
        raise ValueError("cov holds a matrix with a negative eigenvalue, which is no covariance")
    ax = ax or _current_axes()
    width = 2 * n_std * np.sqrt(variance.clip(min=0))
    angle = np.degrees(np.arctan2(axis[:, 1, 1], axis[:, 0, 1]))  # of the longest axis
    for i, centre in enumerate(means):
        colour = {"edgecolor": colours[i]} if colours is not None else {}
        look = with_defaults({**colour, **ellipse_kw}, facecolor="none", edgecolor=RIGHT, linewidth=1.6)
        ax.add_patch(Ellipse((centre[0], centre[1]), width[i, 1], width[i, 0], angle=angle[i], **look))
    return ax


def plot_density(density: ArrayLike, *, limit: float, ax: Axes | None = None, **imshow_kw: Any) -> Axes:
    """Shades a density on the square [-limit, limit] x [-limit, limit], dark where it is high.

    density: (cells, cells) >= 0; rows go with z2 upwards, columns with z1. The shade is its square root, and the
    densest half percent of the cells is equally dark, so that thin parts show.
    """
    values = as_floats("density", density)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or not values.size or values.min() < 0:
        raise ValueError(f"density must be (cells, cells) and nowhere negative, got {values.shape}")
    check_length("limit", limit)
    ax = ax or _current_axes()
    extent = (-limit, limit, -limit, limit)
    shade = np.sqrt(values)
    darkest = float(np.quantile(shade, 0.995)) or float(shade.max())
    look = with_defaults(imshow_kw, origin="lower", extent=extent, cmap="Greys", vmin=0, vmax=darkest)
    ax.imshow(shade, **look)
    ax.set(xlabel="$z_1$", ylabel="$z_2$")
    ax.grid(visible=False)
    return ax


def plot_by_digit(values: Mapping[str, ArrayLike], *, ax: Axes | None = None, **line_kw: Any) -> Axes:
    """Draws numbers of the ten digits, a dot a run: each kind of number in its own colour, side by side.

    values: at most four kinds -> (runs, 10), or (10,) for one run.
    """
    if not 0 < len(values) <= len(_KINDS):
        raise ValueError(f"values must hold between 1 and {len(_KINDS)} kinds, got {len(values)}")
    tables = {kind: np.atleast_2d(as_numbers(f"values[{kind!r}]", numbers)) for kind, numbers in values.items()}
    for kind, rows in tables.items():
        if rows.ndim != 2 or rows.shape[1] != 10:
            raise ValueError(f"values[{kind!r}] must have shape (runs, 10) or (10,), got {np.shape(values[kind])}")
    ax = ax or _current_axes()
    for i, (kind, rows) in enumerate(tables.items()):
        place = np.arange(10) + 0.22 * (i - (len(values) - 1) / 2)
        colour, marker = _KINDS[i]
        look = with_defaults(line_kw, color=colour, marker=marker, linestyle="", markersize=4, alpha=0.75, label=kind)
        ax.plot(np.tile(place, len(rows)), rows.ravel(), **look)
    ax.set(xticks=range(10), xlabel="digit")
    ax.grid(visible=False, axis="x")
    return ax


def plot_tree(tree: NDArray[np.float64], *, ax: Axes | None = None, **dendrogram_kw: Any) -> Axes:
    """Draws how the digits join into groups, nearest first; a join is as high as its two groups are apart.

    tree: a linkage matrix (c - 1, 4), from `latent.hierarchy`. The digits stand below in their colours.
    """
    from scipy.cluster.hierarchy import dendrogram

    check_tree(tree)
    ax = ax or _current_axes()
    options = with_defaults(dendrogram_kw, color_threshold=0, above_threshold_color="0.25", leaf_font_size=12)
    dendrogram(tree, ax=ax, **options)
    for label in ax.get_xticklabels():
        digit = int(label.get_text())
        label.set(color=DIGIT_COLOURS[digit % 10], fontweight="bold")
    ax.grid(visible=False, axis="x")
    return ax


def _current_axes() -> Axes:
    import matplotlib.pyplot as plt

    return plt.gca()
