"""Likelihoods, ELBO and importance-weighted bounds of whole models, against torch.distributions on the same draws."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from agreement import agree, agree_within_errors, library
from torch import Tensor
from torch.distributions import (
    Bernoulli,
    Categorical,
    Independent,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
    kl_divergence,
)

from vae_course import load_digits, loss_terms, make_generator, to_unit, zoo
from vae_course.configs import UNetConfig, VAEConfig
from vae_course.evaluation import importance_log_likelihood
from vae_course.latent import decompose_kl
from vae_course.models import VAE, ConvolutionalVAE, UNetVAE
from vae_course.sampling import fit_mixture

DISTRIBUTIONS = library("torch", "torch.distributions")
TINY: dict[str, Any] = {"input_dim": 16, "hidden_dims": (6,), "latent_dim": 3}


def learned(sigma: float) -> VAE:
    """A model whose sigma has been learned: another one than its config's."""
    model = VAE(VAEConfig(**TINY, likelihood="gaussian", sigma=1.0, learn_sigma=True))
    with torch.no_grad():
        model.log_sigma.fill_(math.log(sigma))
    return model


MODELS = {
    "Bernoulli": (lambda: VAE(VAEConfig(**TINY)), None),
    "Gaussian, sigma fixed": (lambda: VAE(VAEConfig(**TINY, likelihood="gaussian", sigma=0.3)), 0.3),
    "Gaussian, sigma learned": (lambda: learned(0.17), "learned"),
    "convolutions": (lambda: ConvolutionalVAE(VAEConfig(**{**TINY, "hidden_dims": (3, 4)})), None),
    "U-Net without skips": (lambda: UNetVAE(UNetConfig(**{**TINY, "hidden_dims": (3, 4)}, skips=False)), None),
    "trained, Bernoulli": (lambda: zoo.load("vae-bernoulli-2d-s0"), None),
    "trained, Gaussian": (lambda: zoo.load("vae-gaussian-20d-s0"), 0.2),
    "trained, sigma learned": (lambda: zoo.load("vae-sigma-10d-s0"), "learned"),
}


def make(name: str) -> tuple[VAE, float | None, Tensor]:
    """The model in float64, its sigma (None: Bernoulli), and black and white images for it, uint8."""
    maker, sigma = MODELS[name]
    model = maker().double().requires_grad_(False)
    if sigma == "learned":
        sigma = float(model.log_sigma.exp())
    if model.config.input_dim == 784:
        images = load_digits().images[::700]
    else:
        images = torch.randint(0, 256, (7, 16), generator=make_generator(0), dtype=torch.uint8)
    return model, sigma, (images > 127).to(torch.uint8) * 255  # for grey pixels Bernoulli's nll is no log-probability


def log_likelihood(model: VAE, sigma: float | None, x: Tensor, z: Tensor) -> Tensor:
    logits = model.decode_logits(z)
    pixels = Bernoulli(logits=logits) if sigma is None else Normal(logits.sigmoid(), sigma)
    return Independent(pixels, 1).log_prob(x)


def posterior(model: VAE, x: Tensor) -> Independent:
    mu, logvar = model.encode(x)
    return Independent(Normal(mu, logvar.exp().sqrt()), 1)


@pytest.mark.parametrize("name", MODELS)
def test_both_terms_of_the_elbo(name: str) -> None:
    model, sigma, images = make(name)
    x = to_unit(images).double()
    q = posterior(model, x)
    eps = torch.randn(q.mean.shape, generator=make_generator(1), dtype=torch.float64)
    nll, kl = model.loss_terms(x, eps)
    z = q.mean + q.stddev * eps
    expected = -log_likelihood(model, sigma, x, z)
    agree("reconstruction loss of an image", DISTRIBUTIONS, nll, expected, rtol=1e-9, atol=1e-9)
    prior = Independent(Normal(torch.zeros_like(z), torch.ones_like(z)), 1)
    expected = kl_divergence(q, prior)
    agree("KL of an encoder's Gaussian to the prior", DISTRIBUTIONS, kl.sum(dim=1), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", [name for name in MODELS if "trained" not in name])
@pytest.mark.parametrize("n_samples", [1, 7])
def test_the_importance_weighted_bound_is_its_definition(name: str, n_samples: int) -> None:
    """Burda et al. (2016), equation 8, with every density and constant from torch.distributions, on the same draws."""
    model, sigma, images = make(name)
    model = model.float()
    found = importance_log_likelihood(model, images, n_samples=n_samples, generator=make_generator(2), batch_size=100)
    x, generator = to_unit(images), make_generator(2)
    q = posterior(model, x)
    prior = Independent(Normal(torch.zeros_like(q.mean), torch.ones_like(q.mean)), 1)
    weights = []
    for _ in range(n_samples):
        z = q.mean + q.stddev * torch.randn(q.mean.shape, generator=generator)
        weights.append(log_likelihood(model, sigma, x, z) + prior.log_prob(z) - q.log_prob(z))
    expected = torch.stack(weights).logsumexp(dim=0) - math.log(n_samples)
    paper = f"Burda et al. (2016), equation 8, with {DISTRIBUTIONS}"
    agree("importance-weighted bound, 32 bits", paper, found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["trained, Bernoulli", "trained, Gaussian", "trained, sigma learned"])
def test_the_figures_of_a_card_are_means_over_images_of_these_terms(name: str) -> None:
    model, sigma, images = make(name)
    model = model.float()
    nll, kl = loss_terms(model, images, generator=make_generator(3))
    x = to_unit(images)
    q = posterior(model, x)
    z = q.mean + q.stddev * torch.randn(q.mean.shape, generator=make_generator(3))
    expected = -log_likelihood(model, sigma, x, z)
    agree("reconstruction loss of a trained model, 32 bits", DISTRIBUTIONS, nll, expected, rtol=1e-4, atol=1e-3)
    each = kl_divergence(q.base_dist, Normal(0.0, 1.0))
    agree("KL of each latent of a trained model, 32 bits", DISTRIBUTIONS, kl, each, rtol=1e-4, atol=1e-5)


def test_elbo_surgery_is_that_of_a_mixture_of_distributions() -> None:
    """Both parts from MixtureSameFamily's log-density at draws of its own, within their standard errors."""
    model, _, images = make("trained, Bernoulli")
    mu, logvar = model.encode(to_unit(images).double())
    mixture = MixtureSameFamily(
        Categorical(torch.ones(len(mu), dtype=torch.float64)), Independent(Normal(mu, logvar.exp().sqrt()), 1)
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        z = mixture.sample((20_000,))
    prior = Independent(Normal(torch.zeros(2).double(), torch.ones(2).double()), 1)
    gain = mixture.log_prob(z) - prior.log_prob(z)
    parts = decompose_kl(mu, logvar, n_samples=20_000, generator=make_generator(0))
    error = math.hypot(float(gain.std()) / math.sqrt(len(z)), parts.standard_error)
    assert 5 * error < 0.2
    apart = (parts.marginal_kl - float(gain.mean())) / error
    agree_within_errors("KL of the aggregate posterior to the prior", DISTRIBUTIONS, apart, limit=5)


@pytest.mark.parametrize(("k", "d"), [(1, 2), (3, 4), (5, 1)])
def test_a_fitted_mixture_is_that_of_torch_distributions(k: int, d: int) -> None:
    z = torch.randn(200, d, generator=make_generator(0), dtype=torch.float64)
    made = fit_mixture(z, k)
    theirs = MixtureSameFamily(Categorical(made.weight), MultivariateNormal(made.mean, made.cov))
    found, expected = made.log_density(3 * z), theirs.log_prob(3 * z)
    agree("log-density of a fitted mixture", DISTRIBUTIONS, found, expected, rtol=1e-10, atol=1e-10)
    draws = made.sample(50_000, generator=make_generator(1))
    error = (theirs.variance / len(draws)).sqrt()
    apart = (draws.mean(dim=0) - theirs.mean) / error
    agree_within_errors("mean of a fitted mixture's draws", DISTRIBUTIONS, apart, limit=5)
    agree("variance of a fitted mixture's draws", DISTRIBUTIONS, draws.var(dim=0), theirs.variance, rtol=0.05)
