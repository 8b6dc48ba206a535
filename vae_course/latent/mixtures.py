"""Densities of the mixtures of posteriors, as logarithms in nats and float64."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vae_course.latent.checks import (
    as_gaussian,
    check_labels,
    check_no_empty_class,
    check_points,
    check_posterior,
    cholesky,
    log_det,
)

_LOG_2PI = math.log(2 * math.pi)
_COMPONENTS = 4096  # of the mixture, at a time
_NUMBERS = 2_000_000  # of float64 in the largest intermediate result: 16 MB
_STABLE = 1e9  # terms of the expanded square up to here cancel to within 1e-6 nats in float64


def mixture_log_density(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """log of (1/m) sum_i N(z; mu_i, diag exp(logvar_i)), the mixture of posteriors, at each z; (n,) float64.

    z: (n, d); mu, logvar: (m, d), of any floating type. Each component keeps its own normaliser. Summed by
    log-sum-exp in blocks: no underflow far from all components, and memory that grows with n + m only. Chapter 4.
    """
    check_posterior(mu, logvar)
    check_points("z", z, mu.shape[1])
    # Both relative to the middle of the mixture: smaller numbers cancel better in the expanded square.
    middle = mu.double().mean(dim=0)
    z, mu, logvar = z.double() - middle, mu.double() - middle, logvar.double()
    terms = _expanded if _is_stable(z, mu, logvar) else _direct
    width = _COMPONENTS * (mu.shape[1] if terms is _direct else 1)
    rows = max(1, _NUMBERS // min(width, mu.numel()))
    components = list(zip(mu.split(_COMPONENTS), logvar.split(_COMPONENTS), strict=True))
    densities = []
    for points in z.split(rows):
        parts = [terms(points, *component).logsumexp(dim=1) for component in components]
        densities.append(torch.stack(parts).logsumexp(dim=0))
    return torch.cat(densities) - math.log(len(mu))


def class_log_density(z: Tensor, mu: Tensor, logvar: Tensor, labels: Tensor, *, n_classes: int = 10) -> Tensor:
    """log p(z | c) at each z, with p(z | c) the mixture of the posteriors of class c; (n, c) float64.

    z: (n, d); mu, logvar: (m, d); labels: (m,), 0 to n_classes - 1. Raises ValueError that names a class without
    images.
    """
    check_posterior(mu, logvar)
    _count(labels, len(mu), n_classes)
    classes = [labels == c for c in range(n_classes)]
    return torch.stack([mixture_log_density(z, mu[chosen], logvar[chosen]) for chosen in classes], dim=1)


def class_probabilities(z: Tensor, mu: Tensor, logvar: Tensor, labels: Tensor, *, n_classes: int = 10) -> Tensor:
    """p(c | z) by Bayes' rule, each class weighted by its share of the posteriors; (n, c) float64, rows sum to 1.

    z: (n, d); mu, logvar: (m, d); labels: (m,), 0 to n_classes - 1. Raises as class_log_density does.
    """
    log_density = class_log_density(z, mu, logvar, labels, n_classes=n_classes)
    return (log_density + _count(labels, len(mu), n_classes).log()).softmax(dim=1)


def gaussian_log_density(z: Tensor, mean: Tensor, cov: Tensor) -> Tensor:
    """log N(z; mean, cov) at each z, (n,) float64. z: (n, d); mean: (d,); cov: (d, d), positive definite."""
    mean, cov = as_gaussian(mean, cov)
    if mean.ndim != 1 or cov.ndim != 2:
        raise ValueError(
            f"one Gaussian is wanted, mean (d,) and cov (d, d), got {tuple(mean.shape)}, {tuple(cov.shape)}"
        )
    check_points("z", z, len(mean))
    factor = cholesky("cov", cov)
    white = torch.linalg.solve_triangular(factor, (z.double() - mean).T, upper=False)  # (d, n)
    log_density: Tensor = -0.5 * ((white**2).sum(dim=0) + log_det(factor) + len(mean) * _LOG_2PI)
    return log_density


def _count(labels: Tensor, n: int, n_classes: int) -> Tensor:
    check_labels(labels, n, n_classes)
    count = labels.bincount(minlength=n_classes)
    check_no_empty_class(count)
    return count.double()


def _expanded(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """log N(z_n; mu_i, diag exp(logvar_i)), (n, m), with the square multiplied out: one matrix product, fast."""
    precision = (-logvar).exp()
    weights = torch.cat([-0.5 * precision, mu * precision], dim=1)  # (m, 2d)
    constant = -0.5 * (mu**2 * precision + logvar + _LOG_2PI).sum(dim=1)  # (m,)
    return torch.addmm(constant, torch.cat([z**2, z], dim=1), weights.T)


def _direct(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """The same, latent by latent: slower, and exact for the narrowest posteriors."""
    white = (z[:, None] - mu) * (-0.5 * logvar).exp()  # (n, m, d)
    return -0.5 * ((white**2).sum(dim=2) + (logvar + _LOG_2PI).sum(dim=1))


def _is_stable(z: Tensor, mu: Tensor, logvar: Tensor) -> bool:
    largest = z.abs().amax(dim=0) + mu.abs().amax(dim=0)
    return bool((largest**2 * (-logvar.amin(dim=0)).exp()).sum() < _STABLE)
