"""Sprites: every combination once, and each factor does what its name says."""

from __future__ import annotations

import hashlib
from functools import cache

import pytest
import torch
from torch import Tensor

from vae_course.sprites import FACTORS, SHAPES, SIDE, Sprites, make_sprites


@cache
def sprites() -> Sprites:
    return make_sprites()


def moments() -> tuple[Tensor, Tensor, Tensor]:
    """Ink, in pixels, and its centre, right and down, of each image."""
    ink = sprites().images.double().reshape(-1, SIDE, SIDE) / 255
    total = ink.sum(dim=(1, 2))
    ticks = torch.arange(SIDE).double() + 0.5
    return total, (ink.sum(dim=1) @ ticks) / total, (ink.sum(dim=2) @ ticks) / total


def column(name: str) -> Tensor:
    return sprites().factors[:, list(FACTORS).index(name)]


def test_every_combination_is_there_once() -> None:
    images, factors = sprites()
    n = 1
    for size in FACTORS.values():
        n *= size
    assert images.shape == (n, SIDE * SIDE) and images.dtype == torch.uint8
    assert len(factors.unique(dim=0)) == len(images.unique(dim=0)) == n
    assert factors.amin(dim=0).tolist() == [0] * 5
    assert (factors.amax(dim=0) + 1).tolist() == list(FACTORS.values())
    assert len(SHAPES) == FACTORS["shape"]


def test_the_pictures_are_the_same_everywhere() -> None:
    digest = hashlib.sha256(sprites().images.numpy().tobytes()).hexdigest()
    assert digest == DIGEST


DIGEST = "24caaa823cb2aac5621eeb03364ed49dec55e95dabeae964b6e8be5f2b6c6853"


def test_nothing_is_cut_off_at_the_edge() -> None:
    picture = sprites().images.reshape(-1, SIDE, SIDE)
    for edge in (picture[:, 0], picture[:, -1], picture[:, :, 0], picture[:, :, -1]):
        assert int(edge.max()) == 0


@pytest.mark.parametrize("axis", ["x", "y"])
def test_place_moves_the_centre_evenly_and_nothing_else(axis: str) -> None:
    total, right, down = moments()
    moved, still = (right, down) if axis == "x" else (down, right)
    places = column(axis)
    for shape in range(3):
        means = torch.stack([moved[(places == i) & (column("shape") == shape)].mean() for i in range(FACTORS[axis])])
        torch.testing.assert_close(means.diff(), torch.full((7,), 10 / 7).double(), atol=1e-2, rtol=0)
        others = torch.stack([still[(places == i) & (column("shape") == shape)].mean() for i in range(FACTORS[axis])])
        torch.testing.assert_close(others, others[:1].expand(8), atol=1e-2, rtol=0)
    ink = torch.stack([total[places == i].mean() for i in range(8)])
    torch.testing.assert_close(ink, ink[:1].expand(8), rtol=2e-2, atol=0)


def test_ink_is_the_area_of_the_shape() -> None:
    total, _, _ = moments()
    area = {"square": 1.6**2, "ellipse": torch.pi * 1.1 * 0.6, "triangle": (1.15 + 0.75) * 0.75}
    for i, shape in enumerate(SHAPES):
        for size in range(FACTORS["size"]):
            radius = 3.2 + 0.9 * size
            ink = total[(column("shape") == i) & (column("size") == size)].mean()
            assert float(ink) == pytest.approx(area[shape] * radius**2, rel=0.04)


def test_a_turn_keeps_ink_and_place() -> None:
    total, right, down = moments()
    for i, shape in enumerate(SHAPES):
        largest = (column("shape") == i) & (column("size") == 3) & (column("x") == 4) & (column("y") == 4)
        assert float(total[largest].std() / total[largest].mean()) < 0.02, shape
        if shape != "triangle":  # whose centre of mass is not the point it turns about
            assert float(right[largest].std()) < 0.05 and float(down[largest].std()) < 0.05
