"""How much single latents tell about single known factors: mutual information and its gap."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vae_course.checks import check_count, check_positive
from vae_course.latent.checks import check_finite, check_labels, check_points, check_posterior
from vae_course.objectives import reparameterize

_BLOCK = 500  # draws compared with all images at a time


def mutual_information(
    mu: Tensor, logvar: Tensor, factors: Tensor, *, n_samples: int = 2000, generator: torch.Generator
) -> Tensor:
    """I(z_j; v_k) between each latent and each factor, (d, factors) float64, in nats, under the encoder.

    mu, logvar: (n, d), the posteriors of a set of images in which each combination of the factors' values occurs
    equally often. factors: (n, factors), whole numbers from 0. I = E[log q(z_j | v_k) - log q(z_j)], where q(z_j) mixes
    the posteriors of all images and q(z_j | v_k) those of the images with the value v_k. The expectation is taken over
    n_samples draws, an image and then its z_j. Estimates of a true 0 scatter around it by about 1 / sqrt(n_samples).
    Chen et al. (2018), "Isolating sources of disentanglement". Chapter 10.
    """
    check_posterior(mu, logvar)
    sizes = _check_factors(factors, len(mu))
    check_count("n_samples", n_samples)
    chosen = torch.randint(len(mu), (n_samples,), generator=generator)
    eps = torch.randn(n_samples, mu.shape[1], generator=generator, dtype=mu.dtype)
    z = reparameterize(mu[chosen], logvar[chosen], eps)
    total = torch.zeros(mu.shape[1], len(sizes), dtype=torch.float64)
    for rows in torch.arange(n_samples).split(_BLOCK):
        for j in range(mu.shape[1]):
            density = _densities(z[rows, j], mu[:, j], logvar[:, j])  # (block, n)
            whole = density.mean(dim=1).log()
            for k, size in enumerate(sizes):
                same = factors[:, k]
                of_value = torch.zeros(len(rows), size, dtype=density.dtype).index_add_(1, same, density)
                value = factors[chosen[rows], k]
                mean = of_value[torch.arange(len(rows)), value] / (same == value[:, None]).sum(dim=1)
                total[j, k] += (mean.log() - whole).double().sum()
    return total / n_samples


def factor_entropies(factors: Tensor) -> Tensor:
    """H(v_k) of each column of factors, (n, factors) whole numbers from 0: (factors,) float64, in nats."""
    entropies = []
    for k, size in enumerate(_check_factors(factors)):
        share = factors[:, k].bincount(minlength=size).double() / len(factors)
        entropies.append(-torch.special.xlogy(share, share).sum())
    return torch.stack(entropies)


def information_gaps(information: Tensor, entropies: Tensor) -> Tensor:
    """Of each factor: the information of its best latent minus that of the next, over the factor's entropy, (factors,).

    information: (d, factors) from mutual_information, d >= 2; entropies: (factors,). 1 if one latent tells all about
    the factor and the others nothing, 0 if two tell equally much. Their mean over the factors is the mutual
    information gap (MIG) of Chen et al. (2018). Chapter 10.
    """
    if information.ndim != 2 or len(information) < 2 or entropies.shape != information.shape[1:]:
        raise ValueError(
            "information must have shape (d, factors) with d >= 2, and entropies (factors,), "
            f"got {tuple(information.shape)} and {tuple(entropies.shape)}"
        )
    check_points("information", information)
    check_finite("entropies", entropies)
    check_positive("the smallest entropy", float(entropies.min()))
    first, second = information.topk(2, dim=0).values
    gaps: Tensor = (first - second) / entropies
    return gaps


def _densities(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """q(z | x_i) of each draw under each image, (draws, n), scaled in each row by the same number."""
    log_density = -0.5 * ((z[:, None] - mu) ** 2 * (-logvar).exp() + logvar + math.log(2 * math.pi))
    return (log_density - log_density.amax(dim=1, keepdim=True)).exp()


def _check_factors(factors: Tensor, n: int | None = None) -> list[int]:
    """How many values each factor takes. n: of how many images, any number if None."""
    if factors.ndim != 2 or factors.numel() == 0:
        raise ValueError(
            f"factors must have shape (n, factors) with n > 0, got {tuple(factors.shape)}; for one pass v[:, None]"
        )
    sizes = [int(size) + 1 for size in factors.amax(dim=0)]
    for column, size in zip(factors.T, sizes, strict=True):
        check_labels(column, len(factors) if n is None else n, max(size, 1))
    return sizes
