"""The static picture of class Gaussians: density, points and ellipses on one pair of axes (level 5)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vae_course.explore.plane_mixture import SplitGaussian
from vae_course.plots.style import DIGIT_COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]


def draw_density(
    ax: Axes, densities: Mapping[str, Floats], name: str, *, limit: float, tints: Mapping[str, str]
) -> None:
    """Shades one of the densities, (cells, cells) each on [-limit, limit], by its square root as the page does.

    "difference" has two colours, `tints` "more" and "less". All share one scale, full at twice the peak of Gaussian and
    prior.
    """
    from matplotlib.colors import LinearSegmentedColormap

    strongest = 2 * max(float(densities["gaussian"].max()), float(densities["prior"].max()))
    shown = np.sign(densities[name]) * np.sqrt(np.minimum(np.abs(densities[name]) / strongest, 1))
    extent = (-limit, limit, -limit, limit)
    if name == "difference":
        colours = LinearSegmentedColormap.from_list(name, [tints["less"], "white", tints["more"]])
        ax.imshow(shown, origin="lower", extent=extent, cmap=colours, vmin=-1, vmax=1)
    else:
        ax.imshow(shown, origin="lower", extent=extent, cmap="Greys", vmin=0, vmax=1.5)
    ax.grid(visible=False)


def draw_points(ax: Axes, mu: Floats, labels: NDArray[np.uint8], classes: Sequence[int]) -> None:
    """Points in their digits' colours, pale where the class is not among `classes`. mu: (n, 2); labels: (n,)."""
    for digit, colour in enumerate(DIGIT_COLOURS):
        points = mu[labels == digit]
        alpha = 0.8 if digit in classes else 0.12
        ax.scatter(points[:, 0], points[:, 1], s=5, c=colour, alpha=alpha, linewidths=0)


def draw_ellipses(
    ax: Axes, gaussians: Mapping[int, SplitGaussian], together: SplitGaussian | None, share: str, *, limit: float
) -> None:
    """Ellipses at one and two standard deviations of a share of each class's covariance, of all together, of the prior.

    The one of all together is black, and left out where there is but one class; the prior's are dashed.
    """
    if together and len(gaussians) > 1:
        _ellipses(ax, together, share, "black")
    for digit, gaussian in gaussians.items():
        std, axis = _ellipses(ax, gaussian, share, DIGIT_COLOURS[digit])
        # The label lies beyond the ellipse's end, so that the smallest can be seen.
        ring = {"boxstyle": "circle,pad=0.2", "fc": "white", "ec": DIGIT_COLOURS[digit], "lw": 1.6, "alpha": 0.92}
        end = gaussian.mean + (2 * std + 0.05 * limit) * axis
        ax.annotate(str(digit), (float(end[0]), float(end[1])), ha="center", va="center", fontsize=9, bbox=ring)
    angles = np.linspace(0, 2 * np.pi, 181)
    for sd in (1, 2):
        ax.plot(sd * np.cos(angles), sd * np.sin(angles), color="0.35", linewidth=0.8, linestyle=(0, (4, 3)))


def _ellipses(ax: Axes, gaussian: SplitGaussian, share: str, colour: str) -> tuple[float, Floats]:
    """Draws two ellipses. Returns the long axis: its sd, and its direction, (2,), away from the middle."""
    from matplotlib.patches import Ellipse

    cov = {"total": gaussian.cov, "within": gaussian.within, "between": gaussian.between}[share]
    variance, axes = np.linalg.eigh(cov)
    axis = axes[:, 1]
    # An eigenvector's sign is the library's choice; the picture is to be the same everywhere.
    away = axis if axis @ gaussian.mean > 0 else -axis
    minor, major = np.sqrt(np.maximum(variance, 0))
    for sd in (1, 2):
        angle = math.degrees(math.atan2(away[1], away[0]))
        shape = Ellipse(
            (float(gaussian.mean[0]), float(gaussian.mean[1])), 2 * sd * major, 2 * sd * minor, angle=angle,
            fill=False, edgecolor=colour, linewidth=1.6,
        )  # fmt: skip
        ax.add_patch(shape)
    return float(major), away
