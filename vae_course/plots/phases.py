"""The KL of a training step by step, with its phases, and a cloud of codes as training moves it (level 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from vae_course.checks import check_whole
from vae_course.plots.checks import as_map, as_numbers, check_length
from vae_course.plots.style import DIGIT_COLOURS, NEUTRAL, RIGHT, with_defaults

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_phases(
    kl: ArrayLike, phases: Mapping[str, int] | None = None, *, ax: Axes | None = None, **line_kw: Any
) -> Axes:
    """Draws the KL of every step, with a line and a name at the step of each phase.

    kl: (steps,) in nats per image, step 0 first. phases: name -> step, as `locate_phases` gives them, or None. The
    steps stand on a logarithmic axis on which 0 has a place of its own. Raises ValueError on other shapes and on a
    phase outside the steps.
    """
    values = as_numbers("kl", kl)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"kl must have shape (steps,), got {values.shape}; pass history.kl, say")
    phases = phases or {}
    for name, step in phases.items():
        check_whole(f"phases[{name!r}]", step)
    if outside := {name: step for name, step in phases.items() if not 0 <= step < len(values)}:
        raise ValueError(f"phases must lie between 0 and {len(values) - 1}, the last step, got {outside}")
    ax = ax or _current_axes()
    ax.plot(values, **with_defaults(line_kw, color=RIGHT, linewidth=1.2))
    for i, (name, step) in enumerate(sorted(phases.items(), key=lambda phase: phase[1])):
        ax.axvline(step, color=NEUTRAL, linewidth=0.8, linestyle=":")
        # in two rows, and the second name ends at its line: steps that lie close keep their names apart
        side, row = "right" if i % 4 == 1 else "left", 1.01 + 0.09 * (i % 2)
        words, place = name.replace("_", " "), ("data", "axes fraction")
        ax.annotate(words, (step, row), xycoords=place, fontsize=9, ha=side, va="bottom")
    ax.set_xscale("symlog", linthresh=1, linscale=0.3)
    ticks = [0, *(10**power for power in range(len(str(len(values)))))]
    ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    ax.set(xlim=(-0.3, len(values)), xlabel="update", ylabel="KL, nats per image")
    ax.minorticks_off()
    return ax


def plot_cloud(codes: ArrayLike, labels: ArrayLike, *, limit: float, ax: Axes | None = None, **scatter_kw: Any) -> Axes:
    """Draws codes on the square [-limit, limit] x [-limit, limit], coloured by digit, over the prior's two circles.

    codes: (n, 2). labels: (n,) from 0 to 9. The circles lie one and two standard deviations from 0. All pictures of one
    `limit` can be laid over each other, so that a cloud that moves is seen to move. Raises ValueError on other shapes.
    """
    from matplotlib.patches import Circle

    spots, classes = as_map("codes", codes, labels)
    check_length("limit", limit)
    ax = ax or _current_axes()
    for radius in (1, 2):
        ax.add_patch(Circle((0, 0), radius, facecolor="none", edgecolor=NEUTRAL, linewidth=0.7))
    colours: Any = np.array(DIGIT_COLOURS)[classes]
    ax.scatter(spots[:, 0], spots[:, 1], **with_defaults(scatter_kw, s=2, c=colours, linewidths=0))
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), xticks=[], yticks=[], aspect="equal")
    ax.grid(visible=False)
    ax.spines[:].set_visible(True)
    ax.spines[:].set_color("0.8")
    return ax


def _current_axes() -> Axes:
    import matplotlib.pyplot as plt

    return plt.gca()
