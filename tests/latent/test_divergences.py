"""KL between Gaussians against torch.distributions; the parts of the ELBO's KL against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, kl_divergence

from vae_course.checks import make_generator
from vae_course.latent import decompose_kl, gaussian_kl, kl_to_prior, mixture_log_density
from vae_course.objectives import kl_standard_normal
from vae_course.sampling import sample_dataset_posterior


def gaussians(n: int, d: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = make_generator(seed)
    factor = torch.randn(n, d, d, generator=generator, dtype=torch.float64)
    mean = torch.randn(n, d, generator=generator, dtype=torch.float64)
    return mean, factor @ factor.mT + 0.2 * torch.eye(d, dtype=torch.float64)


@pytest.mark.parametrize("d", [1, 2, 20])
def test_kl_agrees_with_torch_distributions(d: int) -> None:
    a, b = gaussians(6, d, 0), gaussians(6, d, 1)
    expected = kl_divergence(MultivariateNormal(*a), MultivariateNormal(*b))
    torch.testing.assert_close(gaussian_kl(*a, *b), expected, rtol=1e-9, atol=1e-9)
    prior = MultivariateNormal(torch.zeros(d).double(), torch.eye(d).double())
    torch.testing.assert_close(kl_to_prior(*a), kl_divergence(MultivariateNormal(*a), prior), rtol=1e-9, atol=1e-9)


def test_leading_dimensions_are_broadcast() -> None:
    mean, cov = gaussians(4, 3, 0)
    table = gaussian_kl(mean[:, None], cov[:, None], mean, cov)
    assert table.shape == (4, 4)
    torch.testing.assert_close(table.diagonal(), torch.zeros(4).double(), rtol=0, atol=1e-12)
    assert bool((table + torch.eye(4) > 0.1).all())
    torch.testing.assert_close(table[1, 2], gaussian_kl(mean[1], cov[1], mean[2], cov[2]))
    one, eye = torch.zeros(3), torch.eye(3)
    torch.testing.assert_close(gaussian_kl(mean, cov, one, eye), kl_to_prior(mean, cov))
    torch.testing.assert_close(gaussian_kl(one, eye, mean, cov)[0], gaussian_kl(one, eye, mean[0], cov[0]))


def test_a_diagonal_covariance_gives_the_kl_of_the_elbo() -> None:
    generator = make_generator(0)
    mu, logvar = torch.randn(9, 4, generator=generator), torch.randn(9, 4, generator=generator)
    found = kl_to_prior(mu, logvar.exp().diag_embed())
    torch.testing.assert_close(found, kl_standard_normal(mu, logvar).double(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("mean", "cov", "words"),
    [
        (torch.zeros(2), torch.zeros(2, 2), "not positive definite"),
        (torch.zeros(2), -torch.eye(2), "not positive definite"),
        (torch.zeros(2), torch.tensor([[1.0, 0.1], [0.0, 1.0]]), "symmetric"),
        (torch.zeros(3), torch.eye(2), "mean"),
        (torch.zeros(2), torch.full((2, 2), torch.nan), "NaN"),
        (torch.full((2,), torch.nan), torch.eye(2), "NaN"),
    ],
)
def test_wrong_gaussians(mean: Tensor, cov: Tensor, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        kl_to_prior(mean, cov)
    with pytest.raises(ValueError, match=words):
        gaussian_kl(torch.zeros(2), torch.eye(2), mean, cov)


# --- the parts of the ELBO's KL ---


def test_posteriors_far_apart_tell_their_image() -> None:
    # No two overlap, so z gives the index away: log n nats.
    mu = torch.arange(8.0)[:, None] * torch.tensor([[1000.0, 0.0]])
    parts = decompose_kl(mu, torch.zeros(8, 2), n_samples=500, generator=make_generator(0))
    assert parts.mutual_information == pytest.approx(math.log(8), abs=1e-9)
    assert parts.standard_error == pytest.approx(0, abs=1e-9)


def test_equal_posteriors_tell_nothing() -> None:
    mu, logvar = torch.full((5, 2), 0.7), torch.full((5, 2), -1.0)
    parts = decompose_kl(mu, logvar, n_samples=500, generator=make_generator(0))
    assert parts.mutual_information == pytest.approx(0, abs=1e-9)
    assert parts.marginal_kl == pytest.approx(parts.total, abs=1e-9)
    assert parts.total == pytest.approx(float(kl_standard_normal(mu, logvar)[0]), abs=1e-6)


def test_the_parts_agree_with_integrals_in_one_dimension() -> None:
    mu = torch.tensor([[-1.0], [0.2], [0.5], [2.0]], dtype=torch.float64)
    logvar = torch.tensor([[0.1], [-1.0], [0.3], [-2.0]], dtype=torch.float64)
    z = torch.linspace(-12, 12, 200_001, dtype=torch.float64)[:, None]
    log_q = mixture_log_density(z, mu, logvar)
    log_p = -0.5 * (z[:, 0] ** 2 + math.log(2 * math.pi))
    marginal = float((log_q.exp() * (log_q - log_p)).sum() * (z[1] - z[0]))
    total = float(kl_standard_normal(mu, logvar).mean())
    parts = decompose_kl(mu, logvar, n_samples=40_000, generator=make_generator(1))
    assert parts.total == pytest.approx(total, abs=1e-12)
    assert abs(parts.marginal_kl - marginal) < 4 * parts.standard_error < 0.03
    assert abs(parts.mutual_information - (total - marginal)) < 4 * parts.standard_error


def test_the_marginal_part_agrees_with_its_own_estimate() -> None:
    generator = make_generator(2)
    mu, logvar = 2 * torch.randn(100, 5, generator=generator), torch.randn(100, 5, generator=generator) - 2
    parts = decompose_kl(mu, logvar, n_samples=20_000, generator=make_generator(3))
    z = sample_dataset_posterior(mu.double(), logvar.double(), 20_000, generator=make_generator(4))
    log_p = -0.5 * (z**2 + math.log(2 * math.pi)).sum(dim=1)
    gain = mixture_log_density(z, mu, logvar) - log_p
    error = math.hypot(parts.standard_error, float(gain.std()) / math.sqrt(20_000))
    assert abs(float(gain.mean()) - parts.marginal_kl) < 4 * error
    assert 0 < parts.mutual_information <= math.log(100)
    assert parts.total == pytest.approx(parts.mutual_information + parts.marginal_kl, abs=1e-12)


def test_the_standard_error_is_the_spread_over_seeds() -> None:
    generator = make_generator(5)
    mu, logvar = torch.randn(50, 2, generator=generator), torch.randn(50, 2, generator=generator) - 1
    runs = [decompose_kl(mu, logvar, n_samples=400, generator=make_generator(seed)) for seed in range(100)]
    spread = torch.tensor([run.mutual_information for run in runs]).std()
    stated = torch.tensor([run.standard_error for run in runs]).mean()
    assert float(spread / stated) == pytest.approx(1, abs=0.3)  # 4 standard errors of a spread over 100 runs


def test_the_same_generator_gives_the_same_parts() -> None:
    mu, logvar = torch.randn(20, 2, generator=make_generator(0)), torch.zeros(20, 2)
    runs = [decompose_kl(mu, logvar, n_samples=50, generator=make_generator(7)) for _ in range(2)]
    assert runs[0] == runs[1]


def test_one_sample_has_no_standard_error() -> None:
    with pytest.raises(ValueError, match="n_samples"):
        decompose_kl(torch.zeros(2, 2), torch.zeros(2, 2), n_samples=1, generator=make_generator(0))
