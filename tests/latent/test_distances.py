"""Distances between Gaussians against SciPy's matrix root, transport and integrals; the tree against SciPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.cluster.hierarchy import linkage
from scipy.linalg import sqrtm
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist, squareform
from scipy.stats import multivariate_normal
from torch import Tensor

from vae_course.checks import make_generator
from vae_course.latent import ClassGaussians, bhattacharyya, gaussian_kl, hierarchy, pairwise, wasserstein2


def gaussians(n: int, d: int, seed: int = 0, *, rank: int | None = None) -> ClassGaussians:
    generator = make_generator(seed)
    factor = torch.randn(n, d, rank or d, generator=generator, dtype=torch.float64)
    mean = torch.randn(n, d, generator=generator, dtype=torch.float64)
    return ClassGaussians(mean, factor @ factor.mT, torch.full((n,), 1 / n, dtype=torch.float64))


def by_sqrtm(m1: Any, c1: Any, m2: Any, c2: Any) -> float:
    root = sqrtm(c1)
    cross = np.real(sqrtm(root @ c2 @ root))
    return math.sqrt(max(0.0, float(((m1 - m2) ** 2).sum() + np.trace(c1 + c2 - 2 * cross))))


@pytest.mark.parametrize("d", [1, 2, 20])
def test_wasserstein_agrees_with_scipys_matrix_root(d: int) -> None:
    a, b = gaussians(5, d, 0), gaussians(5, d, 1)
    found = wasserstein2(a.mean, a.cov, b.mean, b.cov)
    for i in range(5):
        expected = by_sqrtm(a.mean[i].numpy(), a.cov[i].numpy(), b.mean[i].numpy(), b.cov[i].numpy())
        assert float(found[i]) == pytest.approx(expected, rel=1e-7)


def test_wasserstein_of_samples_tends_to_it() -> None:
    # The optimal matching of 1,000 draws each costs about W2, by an error that falls with n (here some percent).
    generator = make_generator(2)
    g = gaussians(2, 2, 5)
    factor = torch.linalg.cholesky(g.cov)
    x, y = ((g.mean[i] + torch.randn(1000, 2, generator=generator).double() @ factor[i].T).numpy() for i in (0, 1))
    cost = cdist(x, y, "sqeuclidean")
    matched = math.sqrt(cost[linear_sum_assignment(cost)].mean())
    assert float(wasserstein2(g.mean[0], g.cov[0], g.mean[1], g.cov[1])) == pytest.approx(matched, rel=0.08)


def test_wasserstein_in_one_dimension_and_with_a_common_basis() -> None:
    one = torch.ones(1)
    found = wasserstein2(0 * one, 4 * one[:, None], 3 * one, 36 * one[:, None])
    assert float(found) == pytest.approx(5)  # sqrt(3^2 + (6 - 2)^2)
    a, b = torch.tensor([1.0, 4.0, 9.0]).diag(), torch.tensor([4.0, 4.0, 1.0]).diag()
    assert float(wasserstein2(torch.zeros(3), a, torch.zeros(3), b)) == pytest.approx(math.sqrt(1 + 0 + 4))


def test_singular_covariances_have_a_distance() -> None:
    mean = torch.zeros(2)
    line, point = torch.tensor([[1.0, 0.0], [0.0, 0.0]]), torch.zeros(2, 2)
    across = torch.tensor([[0.0, 0.0], [0.0, 1.0]])
    assert float(wasserstein2(mean, line, mean, point)) == pytest.approx(1)
    assert float(wasserstein2(mean, line, mean, across)) == pytest.approx(math.sqrt(2))
    assert float(wasserstein2(mean, line, mean, torch.eye(2))) == pytest.approx(1)
    assert float(wasserstein2(mean, point, mean + 3, point)) == pytest.approx(math.sqrt(18))
    flat = gaussians(4, 6, rank=2)  # some eigenvalues come out a little below 0
    table = pairwise(wasserstein2, flat)
    near = pairwise(wasserstein2, flat._replace(cov=flat.cov + 1e-12 * torch.eye(6)))
    torch.testing.assert_close(table, near, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("d", [2, 20])
def test_wasserstein_is_a_metric(d: int) -> None:
    g = gaussians(8, d)
    table = pairwise(wasserstein2, g)
    assert bool((table[:, :, None] <= table[:, None, :] + table.T[None] + 1e-9).all())
    itself = wasserstein2(g.mean, g.cov, g.mean, g.cov)
    assert float(itself.max()) < 1e-6
    shift = torch.randn(d, generator=make_generator(1), dtype=torch.float64)
    torch.testing.assert_close(wasserstein2(g.mean, g.cov, g.mean + shift, g.cov), shift.norm().expand(8))
    rotation = torch.linalg.qr(torch.randn(d, d, generator=make_generator(1), dtype=torch.float64)).Q
    turned = g._replace(mean=g.mean @ rotation.T, cov=rotation @ g.cov @ rotation.T)
    torch.testing.assert_close(pairwise(wasserstein2, turned), table)


def test_bhattacharyya_agrees_with_an_integral() -> None:
    g = gaussians(2, 2, 3)
    axis = np.linspace(-25, 25, 1501)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1)
    one, two = (multivariate_normal(g.mean[i].numpy(), g.cov[i].numpy()).pdf(grid) for i in (0, 1))
    coefficient = np.sqrt(one * two).sum() * (axis[1] - axis[0]) ** 2
    found = bhattacharyya(g.mean[0], g.cov[0], g.mean[1], g.cov[1])
    assert float(found) == pytest.approx(-math.log(coefficient), rel=1e-6)


def test_bhattacharyya_has_its_closed_forms() -> None:
    g = gaussians(5, 4)
    torch.testing.assert_close(bhattacharyya(g.mean, g.cov, g.mean, g.cov), torch.zeros(5).double(), atol=1e-12, rtol=0)
    other = gaussians(5, 4, seed=1)
    # Equal covariances: an eighth of the Mahalanobis distance squared
    gap = other.mean - g.mean
    expected = (gap * torch.linalg.solve(g.cov, gap)).sum(dim=1) / 8
    torch.testing.assert_close(bhattacharyya(g.mean, g.cov, other.mean, g.cov), expected)
    # Equal means: log-determinants alone
    logdets = torch.logdet((g.cov + other.cov) / 2) - (torch.logdet(g.cov) + torch.logdet(other.cov)) / 2
    torch.testing.assert_close(bhattacharyya(g.mean, g.cov, g.mean, other.cov), logdets / 2)
    # A determinant of 1e-400 underflows; its logarithm does not.
    small = 1e-10 * torch.eye(40, dtype=torch.float64)
    found = bhattacharyya(torch.zeros(40), small, torch.zeros(40), 4 * small)
    assert float(found) == pytest.approx(20 * math.log(2.5 / 2))


@pytest.mark.parametrize("distance", [wasserstein2, bhattacharyya])
def test_pairwise_holds_every_pair(distance: Any) -> None:
    g = gaussians(6, 3)
    table = pairwise(distance, g)
    assert torch.equal(table, table.T) and not table.diagonal().any()
    for i in range(6):
        for j in range(i):
            expected = distance(g.mean[i], g.cov[i], g.mean[j], g.cov[j])
            assert float(table[i, j]) == pytest.approx(float(expected), rel=1e-10)
    assert pairwise(distance, ClassGaussians(*(tensor[:1] for tensor in g))).tolist() == [[0.0]]


def test_pairwise_refuses_what_is_not_symmetric() -> None:
    with pytest.raises(ValueError, match="symmetric"):
        pairwise(gaussian_kl, gaussians(3, 2))


@pytest.mark.parametrize("method", ["average", "single", "complete"])
def test_the_tree_is_scipys(method: str) -> None:
    table = pairwise(wasserstein2, gaussians(10, 3))
    expected = linkage(squareform(table.numpy()), method=method)
    np.testing.assert_array_equal(hierarchy(table, method=method), expected)


def test_the_tree_joins_what_is_near() -> None:
    # Two pairs, 1 and 2 apart, whose members are 10 from each other on average (9, 10, 10, 11)
    table = torch.tensor([[0, 1, 9, 10], [1, 0, 10, 11], [9, 10, 0, 2], [10, 11, 2, 0]])
    expected = [[0, 1, 1, 2], [2, 3, 2, 2], [4, 5, 10, 4]]
    assert hierarchy(table.float()).tolist() == expected


@pytest.mark.parametrize(
    ("table", "method", "words"),
    [
        (torch.tensor([[0.0, 1.0], [2.0, 0.0]]), "average", "symmetric"),
        (torch.eye(3), "average", "diagonal"),
        (torch.eye(2) - 1, "average", "negative"),
        (torch.zeros(3), "average", r"\(c, c\)"),
        (torch.full((2, 2), torch.nan), "average", "NaN"),
        (torch.ones(2, 2) - torch.eye(2), "nearest", "'average'"),
    ],
)
def test_wrong_tables(table: Tensor, method: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        hierarchy(table, method=method)


@pytest.mark.parametrize("distance", [wasserstein2, bhattacharyya])
@pytest.mark.parametrize(
    ("mean", "cov", "words"),
    [
        (torch.zeros(3), torch.eye(2), "mean2 must have shape"),
        (torch.zeros(2), torch.tensor([[1.0, 0.2], [0.0, 1.0]]), "cov2 must be symmetric"),
        (torch.zeros(2), torch.tensor([1.0, -1.0]).diag(), "cov2|positive definite"),
        (torch.zeros(2), torch.full((2, 2), torch.nan), "cov2 holds NaN"),
    ],
)
def test_wrong_gaussians(distance: Any, mean: Tensor, cov: Tensor, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        distance(torch.zeros(2), torch.eye(2), mean, cov)


def test_bhattacharyya_needs_a_density() -> None:
    line = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    with pytest.raises(ValueError, match="cov1 is not positive definite"):
        bhattacharyya(torch.zeros(2), line, torch.zeros(2), torch.eye(2))
