"""The static picture of a Markov chain beside the exact posterior (level 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vae_course.explore.latent_map import SIDE
from vae_course.explore.pcn_chain_data import Floats, GridPosterior, Walk
from vae_course.plots.style import NEUTRAL, RIGHT, WRONG

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_chain(grid: GridPosterior, path: Floats, chain: Walk, images: dict[str, Floats]) -> Figure:
    """The close-up with the chain, the images by their titles, and the traces.

    path: (n_steps + 1, 2), the start first. images: (784,) each, NaN where a pixel is hidden.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.1), dpi=90, layout="constrained")
    axes = figure.subplot_mosaic(
        [["map", *images], ["map", *["z1"] * len(images)], ["map", *["z2"] * len(images)]],
        width_ratios=[1.4 * len(images)] + [1] * len(images),
        height_ratios=[1.4, 1, 1],
    )
    _draw_map(axes["map"], grid, path, chain)
    for title, image in images.items():
        axes[title].imshow(image.reshape(SIDE, SIDE), cmap="gray_r", vmin=0, vmax=1)
        axes[title].set_facecolor("0.85")
        axes[title].set(xticks=[], yticks=[], title=title)
    for name, values in zip(("z1", "z2"), path.T, strict=True):
        axes[name].plot(values, color=NEUTRAL, linewidth=0.8)
        axes[name].set_ylabel(f"${name[0]}_{name[1]}$")
    axes["z2"].set_xlabel("step")
    return figure


def _draw_map(ax: Axes, grid: GridPosterior, path: Floats, chain: Walk) -> None:
    """A square around the posterior's mass, the path, accepted proposals as dots, rejected ones as crosses."""
    extent = (grid.low[0], grid.high[0], grid.low[1], grid.high[1])
    shade = np.sqrt(grid.mass).T
    ax.imshow(shade, origin="lower", extent=extent, cmap="Greys", vmax=1.5 * shade.max(), interpolation="bilinear")
    ax.plot(*path.T, color=RIGHT, linewidth=0.6, alpha=0.6)
    ax.plot(*chain.proposal[~chain.accepted].T, "x", color=WRONG, markersize=4, markeredgewidth=0.9, label="rejected")
    ax.plot(*chain.z[chain.accepted].T, "o", color=RIGHT, markersize=3, label="accepted")
    ax.plot(*path[0], "D", color="black", fillstyle="none", label="start")
    centre, half = (grid.low + grid.high) / 2, (grid.high - grid.low).max() / 2
    limits = np.stack([centre - half, centre + half], axis=1)
    ax.set(xlim=limits[0], ylim=limits[1], aspect="equal", xlabel="$z_1$", ylabel="$z_2$", title="posterior and chain")
    ax.legend(loc="best", fontsize=8, frameon=True)
    ax.grid(visible=False)
