"""How good a trained model is: its likelihood by importance sampling, and the figures of its card (level 2)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from vae_course.checks import check_count, make_generator
from vae_course.data import to_unit
from vae_course.models import VAE, Autoencoder, Classifier, UNetVAE
from vae_course.models.layers import check_images
from vae_course.objectives import reparameterize
from vae_course.training import loss_terms
from vae_course.types import Digits

IMPORTANCE_SAMPLES = 100  # for the figure of a card


def importance_log_likelihood(
    model: VAE, images: Tensor, *, n_samples: int, generator: torch.Generator, batch_size: int = 1000
) -> Tensor:
    """log p(x) of each image, in nats, estimated with `n_samples` draws from its posterior q(z | x).

    images: (n, input_dim) uint8. Returns (n,): log of the mean over k of p(x | z_k) p(z_k) / q(z_k | x). With one
    draw its mean is the ELBO; it rises with n_samples and on average never exceeds log p(x), so state n_samples with
    the figure. A Bernoulli model of grey images has no normalised likelihood: its figure compares such models only.
    Burda, Grosse & Salakhutdinov (2016), equation 8; chapter 1.
    """
    check_count("n_samples", n_samples)
    check_count("batch_size", batch_size)
    check_images("images", images, model.config.input_dim)
    log_likelihood = torch.empty(len(images))
    with torch.no_grad():
        for start in range(0, len(images), batch_size):
            batch = slice(start, start + batch_size)
            x = to_unit(images[batch])
            mu, logvar = model.encode(x)
            total = torch.full((len(x),), -math.inf)
            for _ in range(n_samples):
                eps = torch.randn(mu.shape, generator=generator)
                z = reparameterize(mu, logvar, eps)
                # The constants of log p(z) and log q(z | x) cancel.
                log_prior = -0.5 * (z**2).sum(dim=1)
                log_posterior = -0.5 * (eps**2 + logvar).sum(dim=1)
                total = torch.logaddexp(total, log_prior - log_posterior - model.nll(x, z))
            log_likelihood[batch] = total - math.log(n_samples)
    return log_likelihood


def held_out_figures(model: Autoencoder | Classifier, digits: Digits) -> dict[str, Any]:
    """The figures of a card, on images that were not trained on. In nats per image, except accuracy and sigma.

    A U-Net with skips has no bound: `nll` and `kl` are what it was trained on, each image being its own context, and
    `elbo_of_empty_context` is what it is worth as a model that starts from z alone.
    """
    if isinstance(model, Classifier):
        x = to_unit(digits.images)
        with torch.no_grad():
            cross_entropy = torch.nn.functional.cross_entropy(model(x), digits.labels, reduction="none")
            accuracy = (model(x).argmax(dim=1) == digits.labels).float()
        return {
            "images": len(x),
            "accuracy": round(float(accuracy.mean()), 4),
            "cross_entropy": round(float(cross_entropy.mean()), 4),
            "cross_entropy_standard_error": round(_standard_error(cross_entropy), 4),
        }
    nll, kl = loss_terms(model, digits.images, generator=make_generator(0))
    figures: dict[str, Any] = {"images": len(nll), "nll": round(float(nll.mean()), 2)}
    if not isinstance(model, VAE):
        return {**figures, "nll_standard_error": round(_standard_error(nll), 2)}
    figures["kl"] = round(float(kl.sum(dim=1).mean()), 2)
    if model.config.learn_sigma:
        figures["sigma"] = round(model.sigma, 4)
    if isinstance(model, UNetVAE) and model.config.skips:
        empty = _nll_of_empty_context(model, digits.images) + kl.sum(dim=1)
        figures["elbo_of_empty_context"] = -round(float(empty.mean()), 2)
        return {**figures, "nll_standard_error": round(_standard_error(nll), 2)}
    elbo = -nll - kl.sum(dim=1)
    log_likelihood = importance_log_likelihood(
        model, digits.images, n_samples=IMPORTANCE_SAMPLES, generator=make_generator(1)
    )
    return {
        **figures,
        "elbo": round(float(elbo.mean()), 2),
        "elbo_standard_error": round(_standard_error(elbo), 2),
        "importance_log_likelihood": round(float(log_likelihood.mean()), 2),
        "importance_log_likelihood_standard_error": round(_standard_error(log_likelihood), 2),
        "importance_samples": IMPORTANCE_SAMPLES,
    }


def _nll_of_empty_context(model: UNetVAE, images: Tensor) -> Tensor:
    generator = make_generator(0)
    nll = []
    with torch.no_grad():
        for block in images.split(1000):
            x = to_unit(block)
            mu, logvar = model.encode(x)
            z = reparameterize(mu, logvar, torch.randn(mu.shape, generator=generator))
            nll.append(model.nll(x, z))
    return torch.cat(nll)


def _standard_error(values: Tensor) -> float:
    return float(values.std() / len(values) ** 0.5)
