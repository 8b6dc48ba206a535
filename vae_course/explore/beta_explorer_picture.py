"""The static picture of the explorer of betas (level 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_course.explore.beta_explorer_data import TRAVERSED, BetaModel
from vae_course.explore.latent_map import SIDE
from vae_course.plots.images import plot_images
from vae_course.plots.latent_map import plot_latent_map
from vae_course.plots.style import NEUTRAL, RIGHT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MINUS = "\N{MINUS SIGN}"


def draw_beta(
    model: BetaModel,
    labels: NDArray[np.uint8],
    beta: float,
    curve: list[tuple[float, float, float]],
    pictures: Tensor,
) -> Figure:
    """Scatter and curve above; digits, reconstructions and samples beside the traversals with their KL below.

    labels: (n_points,). curve: of each beta (beta, rate, distortion). pictures: (30, 784), three rows of ten.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 5.8), dpi=110, layout="constrained")
    axes = figure.subplot_mosaic(
        [["scatter", "curve"], ["scatter", "latents"], ["pictures", "latents"]],
        width_ratios=[1.15, 1],
        height_ratios=[1.25, 0.9, 1],
    )
    plot_latent_map(model.mu, labels, ax=axes["scatter"], limit=model.entry["limit"], s=7)
    first, second = (f"$z_{{{j + 1}}}$" for j in model.order[:2])
    axes["scatter"].set(xlabel=first, ylabel=second)
    axes["scatter"].set_title(f"β = {beta:g}, {model.latent_dim} latents: means of digits", loc="left")
    _draw_curve(axes["curve"], beta, curve)
    plot_images(pictures, n_columns=10, ax=axes["pictures"])
    axes["pictures"].set_yticks([14 + SIDE * row for row in range(3)], ["digit", "decoded", "prior"])
    axes["pictures"].tick_params(length=0)
    axes["pictures"].set_title("reconstructions and samples", loc="left")
    _draw_traversals(axes["latents"], model)
    return figure


def _draw_curve(ax: Axes, beta: float, curve: list[tuple[float, float, float]]) -> None:
    """Distortion against rate; beta 0 may have a rate far beyond the others and is then left out of the view."""
    _, rates, distortions = (np.array(column) for column in zip(*curve, strict=True))
    ax.plot(rates, distortions, color=RIGHT, marker="o", markersize=4)
    for each, rate, distortion in curve:
        if each > 0:
            ax.annotate(f"{each:g}", (rate, distortion), (5, 4), textcoords="offset points", fontsize=8)
        if each == beta:
            ax.plot(rate, distortion, "o", color="black", markersize=9)
    ax.set(xlabel="rate (nats)", ylabel="distortion (nats)", xlim=(0, 1.15 * rates[1:].max()))
    ax.set_title("held out, each β", loc="left")


def _draw_traversals(ax: Axes, model: BetaModel) -> None:
    """A row of images for each latent, the largest KL first; inactive ones are named in grey."""
    plot_images(torch.from_numpy(model.traversals()), n_columns=len(TRAVERSED), ax=ax)
    names = [f"$z_{{{j + 1}}}$  {model.kl[j]:.2f}" for j in model.order]
    ax.set_yticks([14 + SIDE * row for row in range(len(names))], names, fontsize=8)
    for name, j in zip(ax.get_yticklabels(), model.order, strict=True):
        name.set_color("black" if model.active[j] else NEUTRAL)
    ax.tick_params(length=0)
    ax.set_title(f"KL in nats; {MINUS}3 to 3", loc="left")
