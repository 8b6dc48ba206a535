"""Codes latent by latent: violins, boxes, two runs side by side, violins around a circle, profiles (level 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_course.plots.checks import as_columns, as_digits, as_floats
from vae_course.plots.style import DIGIT_COLOURS, NEUTRAL, RIGHT, SERIES, with_defaults

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.projections.polar import PolarAxes

_HALF = 0.42  # of a violin's width at its widest; the next latent is 1 away
_HEIGHTS = 100  # at which an outline is drawn

Outline = tuple[NDArray[np.float64], NDArray[np.float64]]


def plot_violins(values: ArrayLike, *, ax: Axes | None = None, **fill_kw: Any) -> Axes:
    """Draws the distribution of each latent as a violin, all equally wide at their widest.

    values: (n, d). A violin's outline is a Gaussian kernel density estimate with Scott's bandwidth, cut off at the
    smallest and the largest value; a bar stands at the median. A constant latent is a flat line.
    """
    columns = as_columns("values", values)
    ax = ax or _current_axes()
    # The edge keeps a latent that hardly moves in sight.
    look = with_defaults(fill_kw, facecolor=RIGHT, edgecolor="face", linewidth=0.8, alpha=0.8)
    for place, column in enumerate(columns.T, start=1):
        height, width = outline(column)
        ax.fill_betweenx(height, place - _HALF * width, place + _HALF * width, **look)
        ax.plot([place - 0.15, place + 0.15], [np.median(column)] * 2, color="white", linewidth=1.2)
    return _name_latents(ax, columns.shape[1])


def plot_split_violins(
    left: ArrayLike,
    right: ArrayLike,
    *,
    names: Sequence[str] = ("left", "right"),
    ax: Axes | None = None,
    **fill_kw: Any,
) -> Axes:
    """Draws two runs in one violin a latent: the left half is one run, the right half the other.

    left, right: (n, d) and (m, d). names: of the two runs, for a legend; a caller that wants one calls ax.legend().
    Each half is as wide as in plot_violins. Which latent of one run belongs beside which of the other is the caller's
    to decide: see `latent.match_latents`.
    """
    runs = as_columns("left", left), as_columns("right", right)
    if runs[0].shape[1] != runs[1].shape[1] or len(names) != 2:
        raise ValueError(
            "left and right must have as many latents as each other, and names two entries, "
            f"got {runs[0].shape[1]} and {runs[1].shape[1]} latents and {len(names)} names"
        )
    ax = ax or _current_axes()
    for columns, side, name, colour in zip(runs, (-1, 1), names, SERIES[:2], strict=True):
        look = with_defaults(fill_kw, facecolor=colour, edgecolor="face", linewidth=0.8, alpha=0.8)
        for place, column in enumerate(columns.T, start=1):
            height, width = outline(column)
            ax.fill_betweenx(height, place, place + side * _HALF * width, label=name if place == 1 else None, **look)
    return _name_latents(ax, runs[0].shape[1])


def plot_boxes(values: ArrayLike, *, ax: Axes | None = None, **boxplot_kw: Any) -> Axes:
    """Draws each latent as a box from quartile to quartile, with the median, and whiskers to the 5 and 95 % points.

    values: (n, d). What lies outside the whiskers is not drawn.
    """
    columns = as_columns("values", values)
    ax = ax or _current_axes()
    look = with_defaults(
        boxplot_kw, whis=(5, 95), showfliers=False, widths=0.6, patch_artist=True,
        boxprops={"facecolor": "0.9", "edgecolor": RIGHT}, whiskerprops={"color": RIGHT},
        capprops={"color": RIGHT}, medianprops={"color": RIGHT, "linewidth": 2},
    )  # fmt: skip
    ax.boxplot(columns, positions=range(1, columns.shape[1] + 1), manage_ticks=False, **look)
    return _name_latents(ax, columns.shape[1])


def plot_polar_violins(
    values: ArrayLike, *, ax: PolarAxes, origin: float = -5, limit: float = 4, **fill_kw: Any
) -> PolarAxes:
    """Draws the violins of plot_violins around a circle, latent 1 on top and the others clockwise.

    values: (n, d). ax: axes made with projection="polar". origin: the value at the centre, below all others; limit: the
    value at the rim. A violin's width is an angle, so that the same shape is larger farther out.
    """
    columns = as_columns("values", values)
    if getattr(ax, "name", "") != "polar":
        raise ValueError('ax must be polar; make it with plt.subplots(subplot_kw={"projection": "polar"})')
    low, high = float(columns.min()), float(columns.max())
    if not origin < low or not high <= limit:
        raise ValueError(
            f"values go from {low:.3g} to {high:.3g}, but the centre is {origin:g} and the rim {limit:g}; "
            "set origin and limit around them"
        )
    n_latents = columns.shape[1]
    look = with_defaults(fill_kw, facecolor=RIGHT, edgecolor="none", alpha=0.8)
    turn = 2 * np.pi / n_latents
    for place, column in enumerate(columns.T):
        height, width = outline(column)
        ax.fill_betweenx(height, turn * (place - _HALF * width), turn * (place + _HALF * width), **look)
    ring = np.linspace(0, 2 * np.pi, 200)
    ax.plot(ring, np.zeros_like(ring), color=NEUTRAL, linewidth=0.8)
    ax.set_theta_zero_location("N")
    ax.set_theta_direction(-1)
    ax.set_rlim(origin, limit)
    ax.set_rlabel_position(180 / n_latents)  # between two violins
    ax.set_xticks(turn * np.arange(n_latents), [str(i) for i in range(1, n_latents + 1)])
    ax.set_yticks([tick for tick in (-2, 0, 2) if origin < tick < limit])
    return ax


def plot_profiles(
    values: ArrayLike, labels: ArrayLike | None = None, *, ax: Axes | None = None, **line_kw: Any
) -> Axes:
    """Draws each row as a line across the latents (parallel coordinates), in its digit's colour.

    values: (n, d). labels: (n,) from 0 to 9, or None for grey lines.
    """
    rows = as_columns("values", values)
    digits = None if labels is None else as_digits(labels, len(rows))
    ax = ax or _current_axes()
    places = range(1, rows.shape[1] + 1)
    for i, row in enumerate(rows):
        colour = NEUTRAL if digits is None else DIGIT_COLOURS[digits[i]]
        ax.plot(places, row, **with_defaults(line_kw, color=colour, linewidth=1.2))
    return _name_latents(ax, rows.shape[1])


def outline(values: ArrayLike) -> Outline:
    """A violin's heights and its widths there, 1 at the widest: a kernel density between the extremes.

    values: (n,). Gaussian kernels, Scott's bandwidth. A constant gives two equal heights of width 1.
    """
    from scipy.stats import gaussian_kde

    numbers = as_floats("values", values)
    if numbers.ndim != 1 or not numbers.size:
        raise ValueError(f"values must be a row of finite numbers, got shape {numbers.shape}")
    low, high = float(numbers.min()), float(numbers.max())
    if low == high:
        return np.array([low, high]), np.ones(2)
    height = np.linspace(low, high, _HEIGHTS)
    density = gaussian_kde(numbers)(height)
    return height, density / density.max()


def _name_latents(ax: Axes, n_latents: int) -> Axes:
    step = max(1, n_latents // 10)
    ax.set(xlabel="latent", xlim=(0.4, n_latents + 0.6), xticks=range(1, n_latents + 1, step))
    ax.grid(visible=False, axis="x")
    return ax


def _current_axes() -> Axes:
    import matplotlib.pyplot as plt

    return plt.gca()
