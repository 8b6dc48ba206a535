"""The static picture of one snapshot of a training (level 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.functional import pad

from vae_course.explore.training_scrubber_data import N_STRETCHES, PHASES, batch_of, place, round_limit, thin
from vae_course.plots.images import plot_images
from vae_course.plots.latent_map import plot_latent_map
from vae_course.plots.style import NEUTRAL, RIGHT
from vae_course.runs import TrainingRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

N_COLUMNS = 5  # of digits
TICKS = (0, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000)


def draw_snapshot(
    run: TrainingRun,
    packed: dict[str, Any],
    *,
    snapshot: int,
    latents: tuple[int, int],
    fitted: bool,
    originals: np.ndarray,
) -> Figure:
    """The curves with a line at the snapshot, and what the model made of the digits there.

    packed: what `pack_run` made of the run. latents: counted from 0. originals: (n, 784) uint8.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 6.0), dpi=85, layout="constrained")
    axes = figure.subplot_mosaic(
        [["nll", "nll"], ["kl", "kl"], ["map", "bars"], ["map", "pictures"]],
        height_ratios=[1, 1, 1, 1.9],
        width_ratios=[1.25, 1],
    )
    phases = {phase["name"]: phase["step"] for phase in packed["phases"]}
    for name, title in (("nll", "NLL, nats per image"), ("kl", "KL, nats per image")):
        _draw_curve(axes[name], getattr(run.history, name), packed["steps"], snapshot, phases)
        axes[name].set_title(title)
    axes["nll"].set(yscale="log")
    axes["nll"].set_yticks([100, 200, 400], ["100", "200", "400"])
    axes["nll"].minorticks_off()
    axes["nll"].tick_params(labelbottom=False)
    axes["kl"].set(ylim=(0, None), xlabel=_name_phases(phases))
    mu = run.mu[snapshot].numpy()[:, list(latents)]
    limit = round_limit(float(np.abs(mu).max())) if fitted else packed["limit"]
    plot_latent_map(mu, run.labels, ax=axes["map"], limit=limit, s=5)
    axes["map"].set(xlabel=f"$z_{{{latents[0] + 1}}}$", ylabel=f"$z_{{{latents[1] + 1}}}$")
    numbers = range(1, packed["latent_dim"] + 1)
    axes["bars"].bar(numbers, packed["kl_per_latent"][snapshot], color=RIGHT, width=0.6)
    axes["bars"].set_xticks(numbers, [f"$z_{{{number}}}$" for number in numbers])
    axes["bars"].set_title("KL of each latent, nats")
    pairs = torch.stack([torch.as_tensor(originals), run.x_mean[snapshot]]).split(N_COLUMNS, dim=1)
    sheet = torch.cat([pad(pair, (0, 0, 0, N_COLUMNS - pair.shape[1])).flatten(0, 1) for pair in pairs])
    plot_images(sheet, n_columns=N_COLUMNS, gap=2, ax=axes["pictures"])
    axes["pictures"].set_title("digits over their reconstructions")
    return figure


def _draw_curve(ax: Axes, values: Any, steps: list[int], snapshot: int, phases: dict[str, int]) -> None:
    """Mean, lowest and highest of each stretch, the snapshot's line and dot, and numbered ticks at the phases."""
    thinned = thin(values, N_STRETCHES)
    ends = np.append(thinned.start[1:], len(values))
    x = place(steps, (thinned.start + ends - 1) / 2)
    ax.fill_between(x, thinned.low, thinned.high, color=RIGHT, alpha=0.25, linewidth=0)
    ax.plot(x, thinned.mean, color=RIGHT, linewidth=1.2)
    ax.axvline(snapshot, color="black", linewidth=0.8)
    ax.plot([snapshot], [values[int(batch_of(steps[snapshot], len(values)))]], "o", color="black", markersize=4)
    for step in phases.values():
        ax.axvline(float(place(steps, step)), color=NEUTRAL, linewidth=0.8, linestyle=":")
    shown = [tick for tick in TICKS if tick <= steps[-1]]
    ax.set_xticks(place(steps, shown), [f"{tick:,}" for tick in shown])
    ax.set(xlim=(-0.5, len(steps) - 0.5))


def _name_phases(phases: dict[str, int]) -> str:
    named = ", ".join(f"{PHASES[name]} {step:,}" for name, step in phases.items())
    return f"step; dotted: {named}" if named else "step"
