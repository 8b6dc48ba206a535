"""Points on a plane that has no axes of its own, and images where their points are (level 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from vae_course.plots.checks import as_digits, as_floats, as_points, check_length
from vae_course.plots.latent_map import label_spots
from vae_course.plots.style import DIGIT_COLOURS, NEUTRAL, with_defaults

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_embedding(
    points: ArrayLike, labels: ArrayLike | None = None, *, ax: Axes | None = None, **scatter_kw: Any
) -> Axes:
    """Draws a map such as t-SNE gives, without ticks: its axes mean nothing.

    points: (n, 2). labels: (n,) from 0 to 9, which colour the points and are written where a class is densest; None
    draws all points grey. Raises ValueError on other shapes.
    """
    spots = as_points("points", points)
    classes = None if labels is None else as_digits(labels, len(spots))
    ax = ax or _current_axes()
    colours: Any = NEUTRAL if classes is None else np.array(DIGIT_COLOURS)[classes]
    ax.scatter(spots[:, 0], spots[:, 1], **with_defaults(scatter_kw, s=4, c=colours, linewidths=0))
    if classes is not None:
        reach = float(np.ptp(spots, axis=0).max())
        for digit, (x, y) in label_spots(spots, classes, gap=0.08 * reach).items():
            edge = {"boxstyle": "circle,pad=0.15", "fc": "white", "ec": DIGIT_COLOURS[digit], "lw": 1.2, "alpha": 0.9}
            ax.annotate(str(digit), (x, y), ha="center", va="center", fontsize=7.5, fontweight="bold", bbox=edge)
    return _bare(ax, adjustable="datalim")  # maps side by side get frames of one size


def plot_images_at(
    points: ArrayLike,
    images: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    width: float = 0.05,
    ax: Axes | None = None,
) -> Axes:
    """Draws 28 x 28 images where their points are; one that would cover an earlier one is left out.

    points: (n, 2). images: (n, 784), floats in [0, 1] or uint8. labels: (n,) from 0 to 9, for the ink's colour; None
    takes black. width: of an image, as a share of the map's. Raises ValueError on other shapes.
    """
    from matplotlib.colors import to_rgb

    spots, ink = as_points("points", points), as_floats("images", images)
    if ink.shape != (len(spots), 784):
        raise ValueError(f"images must be ({len(spots)}, 784), one a point, got {ink.shape}")
    classes = None if labels is None else as_digits(labels, len(spots))
    check_length("width", width)
    ink = (ink / (255 if np.asarray(images).dtype == np.uint8 else 1)).reshape(-1, 28, 28)
    ax = ax or _current_axes()
    low, high = spots.min(axis=0), spots.max(axis=0)
    half = width * float((high - low).max()) / 2
    drawn = np.empty((0, 2))
    for i, (x, y) in enumerate(spots):
        if (np.abs(drawn - (x, y)) < 2 * half).all(axis=1).any():
            continue
        drawn = np.vstack([drawn, (x, y)])
        colour = "black" if classes is None else DIGIT_COLOURS[classes[i]]
        rgba = np.dstack([np.broadcast_to(to_rgb(colour), (28, 28, 3)), ink[i]])
        ax.imshow(rgba, extent=(x - half, x + half, y - half, y + half), interpolation="nearest")
    ax.set(xlim=(low[0] - half, high[0] + half), ylim=(low[1] - half, high[1] + half))
    return _bare(ax, adjustable="box")


def _bare(ax: Axes, *, adjustable: str) -> Axes:
    ax.set(xticks=[], yticks=[], adjustable=adjustable, aspect="equal")
    ax.grid(visible=False)
    ax.spines[:].set_visible(True)
    ax.spines[:].set_color("0.8")
    return ax


def _current_axes() -> Axes:
    import matplotlib.pyplot as plt

    return plt.gca()
