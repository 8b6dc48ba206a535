"""Small pictures whose factors are known, drawn by the package (level 1): a shape of some size, turned, somewhere."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

SIDE = 28  # pixels, as a digit has
SHAPES = ("square", "ellipse", "triangle")
FACTORS: dict[str, int] = {"shape": 3, "size": 4, "angle": 10, "x": 8, "y": 8}
"""Name of each factor of variation -> how many values it takes."""

_REACH = 5  # pixels from the middle to the outermost place
_ROWS = 256  # images drawn at a time: an array over their pixels takes 1.6 MB


class Sprites(NamedTuple):
    """Every combination of the factors once.

    images: (7680, 784) uint8, 0 is paper and 255 is ink, 28 x 28 rows laid end to end.
    factors: (7680, 5) int64, the value of each factor of FACTORS, from 0 up; the last factor changes fastest.
    """

    images: Tensor
    factors: Tensor


def make_sprites() -> Sprites:
    """All sprites: each of 3 shapes in 4 sizes, 10 angles and 8 x 8 places, 7,680 images. The same on every machine.

    Edges are smooth over one pixel. No two images are the same: a square is turned by up to a quarter, an ellipse by
    up to a half, an isosceles triangle by up to a whole turn. After the dSprites of Matthey et al. (2017).
    """
    factors = torch.cartesian_prod(*(torch.arange(n) for n in FACTORS.values()))
    images = [_draw(block) for of_shape in factors.chunk(FACTORS["shape"]) for block in of_shape.split(_ROWS)]
    return Sprites(torch.cat(images), factors)


def _draw(factors: Tensor) -> Tensor:
    """uint8 images, (n, 784), of rows of factors, (n, 5), all of one shape."""
    size, angle, x, y = (column.double()[:, None] for column in factors[:, 1:].T)  # (n, 1)
    turn, distance = _OF_SHAPE[int(factors[0, 0])]
    theta = 2 * math.pi * turn * angle / FACTORS["angle"]
    radius = 3.2 + 0.9 * size  # pixels
    left, top = (SIDE / 2 + _REACH * (2 * place / (n - 1) - 1) for place, n in ((x, FACTORS["x"]), (y, FACTORS["y"])))
    ticks = torch.arange(SIDE, dtype=torch.float64) + 0.5  # the pixels' centres
    rows, columns = torch.cartesian_prod(ticks, ticks).T  # (784,)
    across, down = columns - left, rows - top  # (n, 784)
    u, v = theta.cos() * across + theta.sin() * down, theta.cos() * down - theta.sin() * across
    ink = (0.5 - distance(u / radius, v / radius) * radius).clamp(0, 1)
    pixels: Tensor = (255 * ink).round().to(torch.uint8)
    return pixels


def _square(u: Tensor, v: Tensor) -> Tensor:
    return torch.maximum(u.abs(), v.abs()) - 0.8


def _ellipse(u: Tensor, v: Tensor) -> Tensor:
    # To first order: the level divided by the length of its gradient.
    level = torch.hypot(u / 1.1, v / 0.6)
    slope = torch.hypot(u / 1.1**2, v / 0.6**2) / level.clamp_min(1e-9)
    distance: Tensor = (level - 1) / slope.clamp_min(1e-9)
    return distance


def _triangle(u: Tensor, v: Tensor) -> Tensor:
    # Isosceles, its tip to the right: no turn but a whole one brings it back.
    tip, back, half = 1.15, -0.75, 0.75
    length = math.hypot(tip - back, half)
    side = ((u - tip) * half + v.abs() * (tip - back)) / length
    return torch.maximum(side, back - u)


# Each shape's turn from its first to its last angle and one step on, and its signed distance, in radii, below 0 inside.
_OF_SHAPE: tuple[tuple[float, Callable[[Tensor, Tensor], Tensor]], ...] = (
    (0.25, _square),
    (0.5, _ellipse),
    (1.0, _triangle),
)
