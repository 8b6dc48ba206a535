"""Digits as pictures."""

from __future__ import annotations

import math
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import Tensor

from vae_course.checks import check_count, check_whole
from vae_course.plots.style import with_defaults


def plot_images(images: Tensor, *, n_columns: int = 10, gap: int = 0, ax: Axes | None = None, **imshow_kw: Any) -> Axes:
    """Draws images in rows of `n_columns`, ink dark on paper.

    images: (n, 784), floats in [0, 1] or uint8. Empty places of the last row stay blank. gap: pixels of paper between
    images, for pictures whose own paper is not white.
    Raises ValueError on another shape.
    """
    if images.ndim != 2 or images.shape[1] != 784 or len(images) == 0:
        raise ValueError(
            f"images must have shape (n, 784) with n > 0, got {tuple(images.shape)}; flatten 28 x 28 first"
        )
    check_count("n_columns", n_columns)
    check_whole("gap", gap)
    if gap < 0:
        raise ValueError(f"gap must be 0 pixels or more, got {gap}")
    white = 255 if images.dtype == torch.uint8 else 1
    n_rows = math.ceil(len(images) / n_columns)
    blank = images.new_zeros(n_rows * n_columns - len(images), 784)
    tiles = torch.cat([images, blank]).reshape(n_rows, n_columns, 28, 28)
    tiles = torch.nn.functional.pad(tiles, (0, gap, 0, gap))
    sheet = tiles.transpose(1, 2).reshape(n_rows * (28 + gap), n_columns * (28 + gap))
    sheet = sheet[: len(sheet) - gap, : sheet.shape[1] - gap]
    ax = ax or plt.gca()
    ax.imshow(sheet.numpy(), **with_defaults(imshow_kw, cmap="gray_r", vmin=0, vmax=white, interpolation="nearest"))
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    return ax
