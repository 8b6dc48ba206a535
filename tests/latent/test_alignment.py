"""Alignment of latent spaces against SciPy, brute force and constructed cases."""

from __future__ import annotations

import itertools

import pytest
import torch
from scipy.linalg import orthogonal_procrustes
from torch import Tensor

from vae_course.checks import make_generator
from vae_course.latent import align, linear_cka, match_latents


def draw(n: int, d: int, seed: int) -> Tensor:
    return torch.randn(n, d, generator=make_generator(seed), dtype=torch.float64)


def rotation(d: int, seed: int) -> Tensor:
    return torch.linalg.qr(draw(d, d, seed)).Q


@pytest.mark.parametrize("d", [1, 2, 8, 20])
def test_a_rotation_that_was_made_is_found(d: int) -> None:
    a, turn = draw(60, d, 0) + 3, rotation(d, 1)
    b = a @ turn - 7
    result = align(a, b)
    torch.testing.assert_close(result.rotation, turn)
    torch.testing.assert_close(result.aligned, b)
    assert result.r_squared == pytest.approx(1)


def test_the_rotation_is_scipys_on_centred_codes() -> None:
    a, b = draw(50, 5, 0) * 2 + 1, draw(50, 5, 1) - 4
    expected, _ = orthogonal_procrustes((a - a.mean(dim=0)).numpy(), (b - b.mean(dim=0)).numpy())
    torch.testing.assert_close(align(a, b).rotation, torch.as_tensor(expected))


def test_no_other_rotation_fits_better() -> None:
    a, b = draw(40, 3, 0), draw(40, 3, 1)
    best = align(a, b)
    spread = float(((b - b.mean(dim=0)) ** 2).sum())
    for seed in range(200):
        other = (a - a.mean(dim=0)) @ rotation(3, seed) + b.mean(dim=0)
        assert 1 - float(((other - b) ** 2).sum()) / spread <= best.r_squared
    assert best.r_squared < 1


def test_lengths_are_not_scaled() -> None:
    a = draw(40, 3, 0)
    result = align(a, 5 * a)
    torch.testing.assert_close(result.rotation, torch.eye(3, dtype=torch.float64))
    assert result.r_squared == pytest.approx(1 - (4 / 5) ** 2)


def test_types_are_those_of_b() -> None:
    a, b = draw(40, 3, 0).float(), draw(40, 3, 1).float()
    assert align(a, b).aligned.dtype == align(a, b).rotation.dtype == torch.float32


def test_a_permutation_with_signs_is_found() -> None:
    a = draw(200, 6, 0) * torch.arange(1, 7)
    order, sign = torch.tensor([3, 0, 5, 1, 4, 2]), torch.tensor([1, -1, 1, 1, -1, -1], dtype=torch.float64)
    result = match_latents(a, 2 * a[:, order] * sign + 1)
    assert result.latent.tolist() == order.tolist()
    assert result.sign.tolist() == sign.tolist()
    torch.testing.assert_close(result.correlation, torch.ones(6, dtype=torch.float64))


def test_the_matching_is_the_best_of_all_permutations() -> None:
    a, b = draw(30, 5, 0), draw(30, 5, 1)
    table = torch.corrcoef(torch.cat([a, b], dim=1).T)[:5, 5:].abs()
    best = max(sum(float(table[i, j]) for j, i in enumerate(order)) for order in itertools.permutations(range(5)))
    assert float(match_latents(a, b).correlation.sum()) == pytest.approx(best)


def test_cka_is_blind_to_rotation_scale_and_place_only() -> None:
    a = draw(100, 4, 0) * torch.tensor([3.0, 1, 1, 0.2])
    assert linear_cka(a, 7 * a @ rotation(4, 1) + 2) == pytest.approx(1)
    assert linear_cka(a, a * torch.tensor([0.1, 1, 1, 5])) < 0.5


def test_cka_is_the_alignment_of_centred_kernels() -> None:
    # The other form of Kornblith et al.: HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)) of K = A A^T, L = B B^T.
    a, b = draw(50, 3, 0) + 5, draw(50, 7, 1) - 2
    centring = torch.eye(50, dtype=torch.float64) - 1 / 50
    k, other = (centring @ x @ x.T @ centring for x in (a, b))
    expected = (k * other).sum() / ((k * k).sum() * (other * other).sum()).sqrt()
    assert linear_cka(a, b) == pytest.approx(float(expected))


@pytest.mark.parametrize("function", [align, match_latents])
def test_codes_of_other_shapes_are_refused(function: object) -> None:
    with pytest.raises(ValueError, match=r"same shape \(n, d\)"):
        function(draw(5, 2, 0), draw(5, 3, 0))  # type: ignore[operator]


def test_other_images_are_refused() -> None:
    with pytest.raises(ValueError, match="same number of rows"):
        linear_cka(draw(5, 2, 0), draw(6, 2, 0))


def test_constant_codes_are_refused() -> None:
    constant = draw(5, 2, 0)
    constant[:, 1] = 0
    with pytest.raises(ValueError, match=r"latent 1 \(from 0\) of b"):
        match_latents(draw(5, 2, 0), constant)
    with pytest.raises(ValueError, match="one and the same code"):
        align(draw(5, 2, 0), torch.zeros(5, 2, dtype=torch.float64))
    with pytest.raises(ValueError, match="one and the same code"):
        linear_cka(draw(5, 2, 0), torch.zeros(5, 2, dtype=torch.float64))
