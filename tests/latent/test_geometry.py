"""Volumes, axes and traversals."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from vae_course.checks import make_generator
from vae_course.latent import log_volume, principal_axes, traverse


def covariances(n: int, d: int) -> Tensor:
    factor = torch.randn(n, d, d, generator=make_generator(0), dtype=torch.float64)
    return factor @ factor.mT


@pytest.mark.parametrize("d", [1, 2, 20])
def test_the_volume_is_half_the_log_determinant(d: int) -> None:
    cov = covariances(5, d)
    np.testing.assert_allclose(log_volume(cov), np.linalg.slogdet(cov.numpy())[1] / 2, rtol=1e-8)
    logvar = torch.randn(7, d, generator=make_generator(1), dtype=torch.float64)
    torch.testing.assert_close(log_volume(logvar.exp().diag_embed()), logvar.sum(dim=1) / 2)


def test_the_volume_of_an_ellipse_counted_on_a_grid() -> None:
    cov = torch.tensor([[2.0, 0.9], [0.9, 1.0]], dtype=torch.float64)
    axis = torch.linspace(-2, 2, 2001, dtype=torch.float64)
    z = torch.cartesian_prod(axis, axis)
    inside = (z * torch.linalg.solve(cov, z.T).T).sum(dim=1) <= 1
    area = float(inside.sum() * (axis[1] - axis[0]) ** 2)
    assert float(log_volume(cov)) == pytest.approx(math.log(area / math.pi), abs=1e-3)


def test_no_determinant_underflows_and_a_flat_one_has_no_volume() -> None:
    assert float(log_volume(1e-10 * torch.eye(64, dtype=torch.float64))) == pytest.approx(32 * math.log(1e-10))
    assert float(log_volume(torch.tensor([[1.0, 0.0], [0.0, 0.0]]))) == -math.inf


@pytest.mark.parametrize("d", [1, 2, 20])
def test_the_axes_make_up_the_covariance(d: int) -> None:
    cov = covariances(5, d)
    std, axis = principal_axes(cov)
    torch.testing.assert_close(axis.mT @ (std**2).diag_embed() @ axis, cov)
    torch.testing.assert_close(axis @ axis.mT, torch.eye(d).double().expand(5, d, d))
    assert bool((std.diff(dim=-1) <= 0).all())
    assert bool((axis.gather(-1, axis.abs().argmax(dim=-1, keepdim=True)) > 0).all())


def test_the_longest_axis_comes_first() -> None:
    std, axis = principal_axes(torch.tensor([[5.0, 4.0], [4.0, 5.0]]))  # 9 along (1, 1), 1 along (1, -1)
    assert std.tolist() == pytest.approx([3, 1])
    assert axis[0].tolist() == pytest.approx([math.sqrt(0.5)] * 2)
    assert principal_axes(torch.zeros(2, 2)).std.tolist() == [0, 0]


@pytest.mark.parametrize("function", [log_volume, principal_axes])
@pytest.mark.parametrize(
    ("cov", "words"),
    [
        (torch.ones(3), r"\(..., d, d\)"),
        (torch.ones(2, 3), r"\(..., d, d\)"),
        (torch.tensor([[1.0, 0.1], [0.0, 1.0]]), "symmetric"),
        (-torch.eye(2), "negative eigenvalue"),
        (torch.full((2, 2), torch.inf), "infinity"),
    ],
)
def test_wrong_covariances(function: object, cov: Tensor, words: str) -> None:
    assert callable(function)
    with pytest.raises(ValueError, match=words):
        function(cov)


def test_rounding_in_float32_is_no_asymmetry() -> None:
    factor = torch.randn(20, 20, generator=make_generator(0))
    log_volume((factor @ torch.linspace(0.1, 3, 20).diag() @ factor.T).float())


# --- traversals ---


def test_one_latent_moves_and_the_others_stay() -> None:
    z = torch.tensor([0.5, -1.0, 2.0])
    path = traverse(z, 1, [-3.0, 0.0, 3.0])
    assert path.tolist() == [[0.5, -3, 2], [0.5, 0, 2], [0.5, 3, 2]]
    assert z.tolist() == [0.5, -1, 2] and path.dtype == z.dtype
    assert torch.equal(traverse(z, 1, torch.linspace(-3, 3, 3, dtype=torch.float64)), path)


@pytest.mark.parametrize(
    ("z", "dim", "values", "words"),
    [
        (torch.zeros(1, 3), 0, [1.0], r"pass z\[0\]"),
        (torch.zeros(3), 3, [1.0], "between 0 and 2"),
        (torch.zeros(3), -1, [1.0], "between 0 and 2"),
        (torch.zeros(3), 0, [math.nan], "values holds NaN"),
        (torch.zeros(3), 0, [[1.0]], "row of numbers"),
        (torch.full((3,), math.nan), 0, [1.0], "z holds NaN"),
    ],
)
def test_wrong_traversals(z: Tensor, dim: int, values: list[float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        traverse(z, dim, values)


def test_whole_numbers_are_refused() -> None:
    with pytest.raises(TypeError, match="floating point"):
        traverse(torch.zeros(3, dtype=torch.int64), 0, [0.5])
