"""What a classifier reads along a path of images (level 4)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from vae_course.plots.checks import as_floats
from vae_course.plots.style import DIGIT_COLOURS, with_defaults

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_readings(probabilities: ArrayLike, *, ax: Axes | None = None, **bar_kw: Any) -> Axes:
    """Draws a bar for each image of a path: as high as the greatest probability, in the colour of the digit read.

    probabilities: (n, 10), of the images in their order. The digit stands above the middle of each run of bars that
    are read alike.
    """
    shares = as_floats("probabilities", probabilities)
    if shares.ndim != 2 or shares.shape[1] != 10 or not len(shares):
        raise ValueError(f"probabilities must be (n, 10) with n > 0, got {shares.shape}")
    if shares.min() < 0 or shares.max() > 1 + 1e-6:  # a softmax rounds
        raise ValueError("probabilities must lie between 0 and 1; logits go through a softmax")
    ax = ax or _current_axes()
    read = shares.argmax(axis=1)
    colours = np.array(DIGIT_COLOURS)[read]
    ax.bar(range(len(shares)), shares.max(axis=1), **with_defaults(bar_kw, color=colours, width=1.0))
    starts = [0, *(np.flatnonzero(np.diff(read)) + 1), len(read)]
    for start, end in pairwise(starts):
        digit = int(read[start])
        look: dict[str, Any] = {"ha": "center", "va": "bottom", "fontweight": "bold", "color": DIGIT_COLOURS[digit]}
        ax.text((start + end - 1) / 2, 1.02, str(digit), **look)
    ax.set(xlim=(-0.5, len(shares) - 0.5), ylim=(0, 1.25), yticks=(0, 0.5, 1), xticks=())
    ax.grid(visible=False, axis="x")
    return ax


def _current_axes() -> Axes:
    import matplotlib.pyplot as plt

    return plt.gca()
