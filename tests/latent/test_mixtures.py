"""Densities of mixtures, against torch.distributions and SciPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from agreement import agree, library
from scipy.stats import multivariate_normal
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal
from torch.utils._python_dispatch import TorchDispatchMode

from vae_course.checks import make_generator
from vae_course.latent import (
    class_log_density,
    class_probabilities,
    gaussian_log_density,
    mixture_log_density,
    mixtures,
)

DISTRIBUTIONS = library("torch", "torch.distributions")


def oracle(mu: Tensor, logvar: Tensor) -> MixtureSameFamily:
    mu, logvar = mu.double(), logvar.double()
    components = Independent(Normal(mu, (0.5 * logvar).exp()), 1)
    return MixtureSameFamily(Categorical(torch.ones(len(mu), dtype=torch.float64)), components)


def posteriors(n: int, d: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = make_generator(seed)
    mu = 2 * torch.randn(n, d, generator=generator) + 1
    return mu, 2 * torch.randn(n, d, generator=generator) - 3


@pytest.mark.parametrize("d", [1, 2, 20])
@pytest.mark.parametrize("n", [1, 37, 5000])  # one component, one block, two blocks
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_mixture_agrees_with_torch_distributions(n: int, d: int, dtype: torch.dtype) -> None:
    mu, logvar = (tensor.to(dtype) for tensor in posteriors(n, d))
    z = (3 * torch.randn(50, d, generator=make_generator(1))).to(dtype)
    found = mixture_log_density(z, mu, logvar)
    assert found.shape == (50,) and found.dtype == torch.float64
    expected = oracle(mu, logvar).log_prob(z.double())
    agree("log-density of a mixture of posteriors", DISTRIBUTIONS, found, expected, rtol=1e-9, atol=1e-7)


def test_each_component_keeps_its_own_normaliser() -> None:
    # At the common centre of a narrow and a broad one: log((1 / (2 pi 0.01) + 1 / (2 pi)) / 2)
    found = mixture_log_density(torch.zeros(1, 2), torch.zeros(2, 2), torch.tensor([[0.01] * 2, [1.0] * 2]).log())
    assert float(found) == pytest.approx(math.log((100 + 1) / (2 * math.pi) / 2), abs=1e-6)


def test_many_points_in_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    mu, logvar = posteriors(300, 3)
    z = 3 * torch.randn(400, 3, generator=make_generator(1))
    whole = mixture_log_density(z, mu, logvar)
    monkeypatch.setattr(mixtures, "_COMPONENTS", 7)
    monkeypatch.setattr(mixtures, "_NUMBERS", 50)
    torch.testing.assert_close(mixture_log_density(z, mu, logvar), whole, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("distance", [1e2, 1e6, 1e100])
def test_far_away_nothing_underflows(distance: float) -> None:
    mu, logvar = (tensor.double() for tensor in posteriors(50, 2))
    z = torch.tensor([[distance, -distance]], dtype=torch.float64)
    found = mixture_log_density(z, mu, logvar)
    assert found.isfinite().all()
    expected = oracle(mu, logvar).log_prob(z)
    agree("log-density of a mixture, far away", DISTRIBUTIONS, found, expected, rtol=1e-12)


def test_the_narrowest_posteriors_are_exact() -> None:
    # Multiplied out, the squares here are 1e18 times the answer; then the terms are taken latent by latent.
    mu = torch.tensor([[1.0, -3.0], [2.0, 5.0]], dtype=torch.float64)
    logvar = torch.full((2, 2), -40.0, dtype=torch.float64)
    z = mu + math.exp(-20) * torch.tensor([[1.0, 0.5], [0.0, -2.0]], dtype=torch.float64)
    found, expected = mixture_log_density(z, mu, logvar), oracle(mu, logvar).log_prob(z)
    agree("log-density of a mixture of the narrowest posteriors", DISTRIBUTIONS, found, expected, atol=1e-6)


def test_both_ways_to_the_terms_agree() -> None:
    mu, logvar = (tensor.double() for tensor in posteriors(40, 6))
    z = torch.randn(30, 6, generator=make_generator(2), dtype=torch.float64)
    fast, slow = mixtures._expanded(z, mu, logvar), mixtures._direct(z, mu, logvar)
    torch.testing.assert_close(fast, slow, rtol=1e-11, atol=1e-9)
    for i in range(5):
        truth = multivariate_normal(mu[i].numpy(), np.diag(np.exp(logvar[i].numpy()))).logpdf(z.numpy())
        np.testing.assert_allclose(slow[:, i], truth, rtol=1e-11, atol=1e-9)


def test_the_density_integrates_to_one() -> None:
    mu, logvar = posteriors(20, 2)
    axis = torch.linspace(-14, 14, 561, dtype=torch.float64)
    z = torch.cartesian_prod(axis, axis)
    mass = mixture_log_density(z, mu, logvar.clamp_min(-4)).exp().sum() * (axis[1] - axis[0]) ** 2
    assert float(mass) == pytest.approx(1, abs=1e-6)


class Largest(TorchDispatchMode):
    numbers = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and not func.is_view:
            self.numbers = max(self.numbers, result.numel())
        return result


@pytest.mark.parametrize("stable", [True, False])
def test_memory_is_bounded(stable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixtures, "_is_stable", lambda *_: stable)
    mu, logvar = posteriors(10_000, 5)
    with Largest() as largest:
        mixture_log_density(torch.randn(500, 5, generator=make_generator(0)), mu, logvar)
    assert largest.numbers <= mixtures._NUMBERS  # of the 500 x 10,000 (x 5) that all together would be


def test_gradients_pass_through() -> None:
    mu, logvar = (tensor.double() for tensor in posteriors(9, 2))
    z = torch.randn(4, 2, generator=make_generator(0), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: mixture_log_density(z, mu, logvar), (z,))


# --- classes ---


def test_class_densities_and_bayes_rule() -> None:
    mu, logvar = posteriors(300, 2)
    labels = torch.cat([torch.zeros(200), torch.ones(70), torch.full((30,), 2)]).long()
    z = 3 * torch.randn(40, 2, generator=make_generator(3))
    density = class_log_density(z, mu, logvar, labels, n_classes=3)
    expected = torch.stack([oracle(mu[labels == c], logvar[labels == c]).log_prob(z.double()) for c in range(3)], 1)
    agree("log-density of a class", DISTRIBUTIONS, density, expected, rtol=1e-9, atol=1e-7)
    joint = expected.exp() * torch.tensor([200, 70, 30]) / 300
    found = class_probabilities(z, mu, logvar, labels, n_classes=3)
    bayes = f"Bayes' rule on {DISTRIBUTIONS}"
    agree("probability of a class", bayes, found, joint / joint.sum(dim=1, keepdim=True), rtol=1e-6, atol=1e-9)
    # Weighted by the classes' shares, the densities add up to the whole mixture's.
    torch.testing.assert_close(joint.sum(dim=1).log(), mixture_log_density(z, mu, logvar), rtol=1e-9, atol=1e-7)


def test_probabilities_sum_to_one_far_away_too() -> None:
    mu, logvar = posteriors(20, 2)
    found = class_probabilities(torch.tensor([[1e5, 1e5]]), mu, logvar, torch.arange(20) % 10)
    assert float(found.sum()) == pytest.approx(1, abs=1e-12)


def test_an_empty_class_has_no_density() -> None:
    mu, logvar = posteriors(18, 2)
    for function in (class_log_density, class_probabilities):
        with pytest.raises(ValueError, match="label 9"):
            function(mu, mu, logvar, torch.arange(18) % 9)


# --- one Gaussian ---


@pytest.mark.parametrize("d", [1, 3, 20])
def test_the_gaussian_agrees_with_scipy(d: int) -> None:
    generator = make_generator(4)
    factor = torch.randn(d, d, generator=generator, dtype=torch.float64)
    mean, cov = torch.randn(d, generator=generator, dtype=torch.float64), factor @ factor.T + 0.1 * torch.eye(d)
    z = 3 * torch.randn(20, d, generator=generator, dtype=torch.float64)
    truth = multivariate_normal(mean.numpy(), cov.numpy()).logpdf(z.numpy())
    agree("log-density of a Gaussian", library("scipy", "SciPy"), gaussian_log_density(z, mean, cov), truth, rtol=1e-9)


@pytest.mark.parametrize(
    ("z", "mean", "cov", "words"),
    [
        (torch.zeros(1, 2), torch.zeros(2), torch.ones(2, 2), "not positive definite"),
        (torch.zeros(1, 2), torch.zeros(2), torch.tensor([[1.0, 0.5], [0.0, 1.0]]), "symmetric"),
        (torch.zeros(1, 2), torch.zeros(3), torch.eye(2), "mean must have shape"),
        (torch.zeros(1, 3), torch.zeros(2), torch.eye(2), r"z must have shape \(n, 2\)"),
        (torch.zeros(2), torch.zeros(2), torch.eye(2), r"pass z\[None, :\]"),
        (torch.zeros(1, 2), torch.zeros(4, 2), torch.eye(2).expand(4, 2, 2), "one Gaussian"),
        (torch.zeros(1, 2), torch.zeros(2), torch.ones(2), "var.diag"),
        (torch.full((1, 2), torch.nan), torch.zeros(2), torch.eye(2), "z holds NaN"),
    ],
)
def test_wrong_gaussians(z: Tensor, mean: Tensor, cov: Tensor, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        gaussian_log_density(z, mean, cov)


@pytest.mark.parametrize(
    ("z", "mu", "logvar", "words"),
    [
        (torch.zeros(4, 3), torch.zeros(5, 2), torch.zeros(5, 2), r"z must have shape \(n, 2\)"),
        (torch.zeros(4, 2), torch.zeros(5, 2), torch.zeros(5, 1), "same shape"),
        (torch.zeros(4, 2), torch.zeros(0, 2), torch.zeros(0, 2), "n > 0"),
        (torch.zeros(4, 2), torch.zeros(5, 2), torch.full((5, 2), -torch.inf), "no density"),
        (torch.zeros(4, 2), torch.zeros(5, 2), torch.full((5, 2), torch.nan), "logvar holds NaN"),
        (torch.full((4, 2), torch.nan), torch.zeros(5, 2), torch.zeros(5, 2), "z holds NaN"),
    ],
)
def test_wrong_mixtures(z: Tensor, mu: Tensor, logvar: Tensor, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        mixture_log_density(z, mu, logvar)
