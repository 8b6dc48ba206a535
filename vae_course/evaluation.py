"""How good a trained model is: its likelihood by importance sampling (level 2)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vae_course.data import to_unit
from vae_course.models import VAE
from vae_course.objectives import reparameterize
from vae_course.types import check_positive


def importance_log_likelihood(
    model: VAE, images: Tensor, *, n_samples: int, generator: torch.Generator, batch_size: int = 1000
) -> Tensor:
    """log p(x) of each image, in nats, estimated with `n_samples` draws from its posterior q(z | x).

    images: (n, input_dim) uint8. Returns (n,): log of the mean over k of p(x | z_k) p(z_k) / q(z_k | x). With one
    draw its mean is the ELBO; it rises with n_samples and on average never exceeds log p(x), so state n_samples with
    the figure. A Bernoulli model of grey images has no normalised likelihood: its figure compares such models only.
    Burda, Grosse & Salakhutdinov (2016), equation 8; chapter 1.
    """
    check_positive("n_samples", n_samples)
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
