"""Independent draws: their moments with the stated error, and their generators."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.stats import chisquare, kstest
from torch import Tensor

from vae_course.checks import make_generator
from vae_course.latent import mixture_log_density, moment_match
from vae_course.sampling import sample_class, sample_dataset_posterior, sample_prior


def posteriors() -> tuple[Tensor, Tensor, Tensor]:
    generator = make_generator(1)
    mu = 3 * torch.randn(30, 2, generator=generator)
    return mu, torch.randn(30, 2, generator=generator) - 2, torch.arange(30) % 3


def errors(z: Tensor, mean: Tensor, cov: Tensor) -> Tensor:
    """How far mean and covariance of the draws are off, in their standard errors."""
    z, n = z.double(), len(z)
    products = (z - mean)[:, :, None] * (z - mean)[:, None, :]
    of_mean = (z.mean(dim=0) - mean) / (cov.diag() / n).sqrt()
    of_cov = (products.mean(dim=0) - cov) / (products.std(dim=0) / math.sqrt(n))
    return torch.cat([of_mean, of_cov.flatten()]).abs()


def test_the_prior_is_standard_normal() -> None:
    z = sample_prior(20_000, 3, generator=make_generator(0))
    assert z.shape == (20_000, 3) and z.dtype == torch.float32
    assert float(errors(z, torch.zeros(3).double(), torch.eye(3).double()).max()) < 4
    assert kstest(z[:, 1].numpy(), "norm").pvalue > 1e-4


def test_the_data_set_has_the_moments_of_its_mixture() -> None:
    mu, logvar, _ = posteriors()
    z = sample_dataset_posterior(mu, logvar, 50_000, generator=make_generator(0))
    assert z.shape == (50_000, 2) and z.dtype == mu.dtype
    assert float(errors(z, *moment_match(mu, logvar)).max()) < 4


def test_every_image_has_the_same_chance() -> None:
    mu = torch.arange(20.0)[:, None] * 100
    z = sample_dataset_posterior(mu, torch.zeros(20, 1), 20_000, generator=make_generator(0))
    assert chisquare((z[:, 0] / 100).round().long().bincount(minlength=20).numpy()).pvalue > 1e-4


def test_the_entropy_of_the_draws_is_that_of_the_mixture() -> None:
    mu = torch.tensor([[-1.0], [1.5], [2.0]], dtype=torch.float64)
    logvar = torch.tensor([[-1.0], [-3.0], [0.5]], dtype=torch.float64)
    axis = torch.linspace(-15, 15, 100_001, dtype=torch.float64)[:, None]
    log_q = mixture_log_density(axis, mu, logvar)
    entropy = -float((log_q.exp() * log_q).sum() * (axis[1] - axis[0]))
    surprise = -mixture_log_density(
        sample_dataset_posterior(mu, logvar, 40_000, generator=make_generator(2)), mu, logvar
    )
    assert abs(float(surprise.mean()) - entropy) < 4 * float(surprise.std()) / math.sqrt(40_000)


@pytest.mark.parametrize("c", [0, 2])
def test_a_class_has_the_moments_of_its_own_mixture(c: int) -> None:
    mu, logvar, labels = posteriors()
    z = sample_class(mu, logvar, labels, c, 50_000, generator=make_generator(0))
    assert float(errors(z, *moment_match(mu[labels == c], logvar[labels == c])).max()) < 4


def test_points_are_drawn_as_they_are() -> None:
    mu, _, _ = posteriors()
    z = sample_dataset_posterior(mu, torch.full_like(mu, -torch.inf), 100, generator=make_generator(0))
    assert {tuple(row) for row in z.tolist()} <= {tuple(row) for row in mu.tolist()}


def test_the_generator_alone_decides() -> None:
    mu, logvar, labels = posteriors()
    draws = {
        "prior": lambda seed: sample_prior(5, 2, generator=make_generator(seed)),
        "data set": lambda seed: sample_dataset_posterior(mu, logvar, 5, generator=make_generator(seed)),
        "class": lambda seed: sample_class(mu, logvar, labels, 1, 5, generator=make_generator(seed)),
    }
    for draw in draws.values():
        state = torch.get_rng_state()
        assert torch.equal(draw(3), draw(3)) and not torch.equal(draw(3), draw(4))
        assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("c", [3, -1])
def test_a_class_without_images_is_named(c: int) -> None:
    with pytest.raises(ValueError, match=f"label {c}; the labels that occur are 0, 1, 2"):
        sample_class(*posteriors(), c, 5, generator=make_generator(0))


@pytest.mark.parametrize(("n", "d"), [(0, 2), (5, 0)])
def test_wrong_sizes(n: int, d: int) -> None:
    with pytest.raises(ValueError, match="above 0"):
        sample_prior(n, d, generator=make_generator(0))


@pytest.mark.parametrize(
    ("mu", "logvar", "words"),
    [
        (torch.zeros(3, 2), torch.zeros(2, 2), "same shape"),
        (torch.full((3, 2), torch.nan), torch.zeros(3, 2), "mu holds NaN"),
        (torch.zeros(3, 2), torch.full((3, 2), torch.nan), "logvar holds NaN"),
    ],
)
def test_wrong_posteriors(mu: Tensor, logvar: Tensor, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        sample_dataset_posterior(mu, logvar, 5, generator=make_generator(0))
