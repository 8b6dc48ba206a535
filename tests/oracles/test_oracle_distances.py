"""Distances between Gaussians, and between points, against POT, torch.distributions and SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from agreement import agree, agree_within_errors, library
from scipy.spatial import geometric_slerp
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from torch import Tensor
from torch.distributions import MultivariateNormal

from vae_course import load_digits, make_generator, to_unit, zoo
from vae_course.latent import (
    ClassGaussians,
    bhattacharyya,
    dataset_class_gaussians,
    pairwise,
    slerp,
    wasserstein2,
)


def gaussians(n: int, d: int, seed: int = 0, *, rank: int | None = None) -> ClassGaussians:
    generator = make_generator(seed)
    factor = torch.randn(n, d, rank or d, generator=generator, dtype=torch.float64)
    mean = torch.randn(n, d, generator=generator, dtype=torch.float64)
    return ClassGaussians(mean, factor @ factor.mT, torch.full((n,), 1 / n, dtype=torch.float64))


def trained(name: str) -> ClassGaussians:
    digits = load_digits()
    return dataset_class_gaussians(zoo.load(name), digits.images[::10], digits.labels[::10])


@pytest.mark.parametrize("d", [1, 2, 20])
def test_pot_finds_the_same_wasserstein_distances(d: int) -> None:
    ot = pytest.importorskip("ot", reason="POT is not installed: pip install pot")
    g = gaussians(6, d)
    theirs = ot.gaussian.bures_wasserstein_distance(g.mean, g.mean, g.cov, g.cov)
    table = pairwise(wasserstein2, g)
    i, j = torch.triu_indices(6, 6, offset=1)
    agree(
        "2-Wasserstein distance of two Gaussians",
        library("pot", "POT"),
        table[i, j],
        theirs[i, j],
        rtol=1e-6,
        atol=1e-6,
    )


@pytest.mark.parametrize("name", ["vae-bernoulli-2d-s0", "vae-bernoulli-20d-s0"])
def test_pot_agrees_on_the_ten_digits_of_a_trained_model(name: str) -> None:
    ot = pytest.importorskip("ot", reason="POT is not installed: pip install pot")
    g = trained(name)
    theirs = ot.gaussian.bures_wasserstein_distance(g.mean, g.mean, g.cov, g.cov)
    table = pairwise(wasserstein2, g)
    i, j = torch.triu_indices(10, 10, offset=1)
    what = "2-Wasserstein distance of two digits in a trained model"
    agree(what, library("pot", "POT"), table[i, j], theirs[i, j], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("rank", [1, 3])
def test_flat_gaussians_have_the_distance_of_the_matrix_root(rank: int) -> None:
    """|A - B|^2 minimised over couplings is the nuclear-norm form; the eigenvalues of C1 C2 are another way to it."""
    g = gaussians(4, 5, rank=rank)
    found, expected = [], []
    for i in range(4):
        for j in range(i):
            product = np.linalg.eigvals(g.cov[i].numpy() @ g.cov[j].numpy())
            cross = np.sqrt(product.real.clip(min=0)).sum()
            squared = float(((g.mean[i] - g.mean[j]) ** 2).sum() + (g.cov[i] + g.cov[j]).trace()) - 2 * cross
            expected.append(math.sqrt(squared))
            found.append(float(wasserstein2(g.mean[i], g.cov[i], g.mean[j], g.cov[j])))
    roots = f"eigenvalues of the product of covariances, by {library('numpy', 'NumPy')}"
    agree("2-Wasserstein distance of two flat Gaussians", roots, found, expected, rtol=1e-5)


@pytest.mark.parametrize("d", [1, 3, 20])
def test_bhattacharyya_is_the_renyi_divergence_of_order_one_half(d: int) -> None:
    """-log E_1 sqrt(N2 / N1), by the moment-generating form of exponential families: log Z at the mean parameter."""
    g = gaussians(4, d)
    eye = 0.5 * torch.eye(d, dtype=torch.float64)
    cov = g.cov + eye

    def log_z(precision: Tensor, shift: Tensor) -> Tensor:
        """Log-normaliser of exp(-z P z / 2 + shift z)."""
        return 0.5 * (
            shift @ torch.linalg.solve(precision, shift) - torch.logdet(precision) + d * math.log(2 * math.pi)
        )

    found, expected = [], []
    for i in range(4):
        for j in range(i):
            natural = [(torch.linalg.inv(cov[k]), torch.linalg.solve(cov[k], g.mean[k])) for k in (i, j)]
            middle = tuple((one + other) / 2 for one, other in zip(*natural, strict=True))
            expected.append(float((log_z(*natural[0]) + log_z(*natural[1])) / 2 - log_z(*middle)))
            found.append(float(bhattacharyya(g.mean[i], cov[i], g.mean[j], cov[j])))
    family = "the log-normaliser of the exponential family"
    agree("Bhattacharyya distance of two Gaussians", family, found, expected, rtol=1e-8)


def test_bhattacharyya_is_the_overlap_of_drawn_points() -> None:
    g = gaussians(2, 3, seed=4)
    cov = g.cov + torch.eye(3, dtype=torch.float64)
    one, two = (MultivariateNormal(g.mean[i], cov[i]) for i in (0, 1))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        z = one.sample((100_000,))
    weight = (0.5 * (two.log_prob(z) - one.log_prob(z))).exp()
    error = float(weight.std() / weight.mean()) / math.sqrt(len(z))
    assert 5 * error < 0.05
    found = float(bhattacharyya(g.mean[0], cov[0], g.mean[1], cov[1]))
    apart, drawn = (found + math.log(float(weight.mean()))) / error, library("torch", "draws of torch.distributions")
    agree_within_errors("Bhattacharyya distance of two Gaussians", drawn, apart, limit=5)


def test_the_class_gaussians_of_points_are_those_of_scikit_learns_discriminant_analysis() -> None:
    digits, model = load_digits(), zoo.load("ae-3d-s0")
    images, labels = digits.images[::20], digits.labels[::20]
    found = dataset_class_gaussians(model, images, labels)
    theirs = QuadraticDiscriminantAnalysis(store_covariance=True)
    theirs.fit(model.encode_point(to_unit(images)).double().numpy(), labels.numpy())
    scikit = library("scikit-learn")
    agree("means of the digits' codes", scikit, found.mean, theirs.means_, rtol=1e-6, atol=1e-6)
    agree("covariances of the digits' codes", scikit, found.cov, np.stack(theirs.covariance_), rtol=1e-5, atol=1e-6)
    agree("shares of the digits", scikit, found.weight, theirs.priors_, rtol=1e-9)


@pytest.mark.parametrize("d", [2, 3, 7])
def test_scipy_goes_the_same_way_along_a_great_circle(d: int) -> None:
    generator = make_generator(d)
    start, end = (torch.randn(d, generator=generator, dtype=torch.float64) for _ in range(2))
    start, end = start / start.norm(), end / end.norm()
    theirs = geometric_slerp(start.numpy(), end.numpy(), np.linspace(0, 1, 9))
    agree("way along a great circle (slerp)", library("scipy", "SciPy"), slerp(start, end, 9), theirs, atol=1e-9)
