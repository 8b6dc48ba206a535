"""The likelihood by importance sampling: against quadrature, and in what it must do as draws are added."""

from __future__ import annotations

import math

import pytest
import torch

from vae_course import VAE, VAEConfig, loss_terms, make_generator, to_unit
from vae_course.evaluation import importance_log_likelihood


@pytest.fixture(params=["bernoulli", "gaussian"])
def model(request: pytest.FixtureRequest) -> VAE:
    """A small random VAE with one latent, so that p(x) is an integral over a line."""
    config = VAEConfig(input_dim=6, hidden_dims=(5,), latent_dim=1, likelihood=request.param, sigma=0.3)
    made = VAE(config, generator=make_generator(3))
    with torch.no_grad():
        made.decoder_body[0].weight.mul_(4)
        made.logvar_head.bias.sub_(0.5)
    return made.requires_grad_(False)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randint(0, 256, (7, 6), generator=make_generator(5), dtype=torch.uint8)


def by_quadrature(model: VAE, images: torch.Tensor) -> torch.Tensor:
    """log p(x) by the trapezoidal rule over z from -8 to 8, (n,)."""
    z = torch.linspace(-8, 8, 4001)[:, None]
    log_prior = -0.5 * (z[:, 0] ** 2 + math.log(2 * math.pi))
    rows = [log_prior - model.nll(x.expand(len(z), -1), z) for x in to_unit(images)]
    return torch.stack(rows).logsumexp(dim=1) + math.log(16 / 4000)


def test_many_draws_give_the_integral(model: VAE, images: torch.Tensor) -> None:
    estimate = importance_log_likelihood(model, images, n_samples=5000, generator=make_generator(0))
    torch.testing.assert_close(estimate, by_quadrature(model, images), atol=0.05, rtol=0)


def test_one_draw_gives_the_elbo_on_average(model: VAE, images: torch.Tensor) -> None:
    many = images.repeat(4000, 1)
    bound = importance_log_likelihood(model, many, n_samples=1, generator=make_generator(0))
    nll, kl = loss_terms(model, many, generator=make_generator(1))
    difference = bound - (-nll - kl.sum(dim=1))
    assert abs(float(difference.mean())) < 4 * float(difference.std()) / len(many) ** 0.5


def test_the_bound_rises_with_the_draws_and_stays_below(model: VAE, images: torch.Tensor) -> None:
    many = images.repeat(2000, 1)
    means = [
        float(importance_log_likelihood(model, many, n_samples=n, generator=make_generator(n)).mean())
        for n in (1, 4, 16)
    ]
    assert means[0] < means[1] < means[2] < float(by_quadrature(model, images).mean()) + 0.01


def test_no_draws_are_refused(model: VAE, images: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="n_samples"):
        importance_log_likelihood(model, images, n_samples=0, generator=make_generator(0))
