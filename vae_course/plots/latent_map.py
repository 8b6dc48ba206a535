"""The map of a 2-D latent space (level 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_course.plots.checks import as_map, check_length
from vae_course.plots.style import DIGIT_COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_latent_map(
    mu: ArrayLike, labels: ArrayLike, *, ax: Axes | None = None, limit: float | None = None, **scatter_kw: Any
) -> Axes:
    """Points in a 2-D latent space, coloured by digit, each class labelled where it is densest.

    mu: (n, 2). labels: (n,) from 0 to 9. limit: half the width of the map; None takes what holds every point.
    Dashed circles lie at one and two standard deviations of the prior N(0, I). Raises ValueError on wrong shapes.
    """
    points, classes = as_map("mu", mu, labels)
    if limit is not None:
        check_length("limit", limit)
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.gca()
    colours = np.array(DIGIT_COLOURS)[classes]
    ax.scatter(points[:, 0], points[:, 1], **{"s": 8, "c": colours, "linewidths": 0, "alpha": 0.8, **scatter_kw})
    angles = np.linspace(0, 2 * np.pi, 181)
    for sd in (1, 2):
        ax.plot(sd * np.cos(angles), sd * np.sin(angles), color="0.35", linewidth=0.8, linestyle=(0, (4, 3)))
        reach = sd * np.sqrt(0.5)
        ax.annotate(f"{sd} sd", (reach, -reach), (2, -2), textcoords="offset points", fontsize=8, color="0.3", va="top")
    limit = limit or 1.05 * float(np.abs(points).max())
    for digit, spot in label_spots(points, classes, gap=0.13 * limit).items():
        ax.annotate(
            str(digit),
            spot,
            ha="center",
            va="center",
            fontsize=10,
            fontweight="bold",
            bbox={"boxstyle": "circle,pad=0.25", "fc": "white", "ec": DIGIT_COLOURS[digit], "lw": 1.8, "alpha": 0.92},
        )
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xlabel="$z_1$", ylabel="$z_2$")
    return ax


def label_spots(mu: ArrayLike, labels: ArrayLike, *, gap: float) -> dict[int, tuple[float, float]]:
    """Where each class's label goes: where its points are densest, moved where two labels would overlap.

    mu: (n, 2). labels: (n,). gap: the least distance between two labels, in units of mu. Rounded to 0.01.
    (A class may lie in two parts, and then its median lies between them, among other digits.)
    """
    points, classes = np.asarray(mu, dtype=float), np.asarray(labels, dtype=int)
    digits = [int(digit) for digit in np.unique(classes)]
    spots = np.array([_densest(points[classes == digit]) for digit in digits])
    for _ in range(200):
        apart = spots[:, None] - spots[None, :]
        distance = np.hypot(apart[..., 0], apart[..., 1])
        overlap = np.clip(1.02 * gap - distance, 0, None)
        np.fill_diagonal(overlap, 0)
        if not overlap.any():
            break
        # Two labels on one spot part sideways, the smaller digit to the left.
        direction = np.sign(np.subtract.outer(digits, digits))[..., None] * np.array([1.0, 0.0])
        unit = np.where((distance > 0)[..., None], apart / np.maximum(distance, 1e-9)[..., None], direction)
        spots = spots + 0.5 * (overlap[..., None] * unit).sum(axis=1)
    return {digit: (round(float(x), 2), round(float(y), 2)) for digit, (x, y) in zip(digits, spots, strict=True)}


def _densest(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The point, (2,), that a third of all points lie nearest to; at most 300 points, evenly spaced, are asked."""
    points = points[:: 1 + len(points) // 300]
    distance = np.hypot(*(points[:, None] - points[None, :]).transpose(2, 0, 1))
    reach = np.sort(distance, axis=1)[:, len(points) // 3]
    return points[reach.argmin()]  # type: ignore[no-any-return]
