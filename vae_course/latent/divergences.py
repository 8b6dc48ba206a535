"""KL divergences between Gaussians and to the prior, in nats and float64."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from vae_course.checks import check_whole
from vae_course.latent.checks import as_gaussian, check_posterior, cholesky, log_det
from vae_course.latent.mixtures import mixture_log_density
from vae_course.objectives import kl_standard_normal, reparameterize


class KLParts(NamedTuple):
    """The mean KL of the ELBO and its two parts, in nats: total = mutual_information + marginal_kl.

    total: mean over the images of KL(q(z | x) || p(z)), exact. mutual_information: between the image's index and z,
    between 0 and log n. marginal_kl: KL(q(z) || p(z)) of the mixture of all posteriors. The two parts are estimates,
    with the same standard_error.
    """

    total: float
    mutual_information: float
    marginal_kl: float
    standard_error: float


def gaussian_kl(mean1: Tensor, cov1: Tensor, mean2: Tensor, cov2: Tensor) -> Tensor:
    """KL(N(mean1, cov1) || N(mean2, cov2)), (...), >= 0.

    mean: (..., d), cov: (..., d, d), positive definite; leading dimensions are broadcast. Not symmetric.
    """
    mean1, cov1 = as_gaussian(mean1, cov1, "1")
    mean2, cov2 = as_gaussian(mean2, cov2, "2")
    factor1, factor2 = cholesky("cov1", cov1), cholesky("cov2", cov2)
    factor1, factor2 = torch.broadcast_tensors(factor1, factor2)
    shift = (mean2 - mean1).expand(factor2.shape[:-1])
    # tr(C2^-1 C1) = |L2^-1 L1|^2, and the same triangular system gives the distance of the means.
    solved = torch.linalg.solve_triangular(factor2, torch.cat([factor1, shift[..., None]], dim=-1), upper=False)
    kl: Tensor = 0.5 * ((solved**2).sum(dim=(-2, -1)) - mean1.shape[-1] + log_det(factor2) - log_det(factor1))
    return kl


def kl_to_prior(mean: Tensor, cov: Tensor) -> Tensor:
    """KL(N(mean, cov) || N(0, I)), (...), >= 0. mean: (..., d); cov: (..., d, d), positive definite. Chapter 4."""
    mean, cov = as_gaussian(mean, cov)
    trace = cov.diagonal(dim1=-2, dim2=-1).sum(dim=-1)
    return 0.5 * (trace + (mean**2).sum(dim=-1) - mean.shape[-1] - log_det(cholesky("cov", cov)))


def decompose_kl(mu: Tensor, logvar: Tensor, *, n_samples: int, generator: torch.Generator) -> KLParts:
    """Splits the mean KL of n posteriors into mutual information and KL of their mixture to the prior.

    mu, logvar: (n, d). Draws i uniformly, z from q(z | x_i), and averages log q(z | x_i) - log q(z), with q(z) the
    exact mixture of all n posteriors: each term is at most log n. What is left of the exact total is the marginal KL.
    Takes n_samples x n densities. Hoffman & Johnson (2016), "ELBO surgery"; chapter 4.
    """
    check_posterior(mu, logvar)
    check_whole("n_samples", n_samples)
    if n_samples < 2:
        raise ValueError(f"n_samples must be at least 2, or there is no standard error, got {n_samples}")
    mu, logvar = mu.double(), logvar.double()
    total = float(kl_standard_normal(mu, logvar).mean())
    index = torch.randint(len(mu), (n_samples,), generator=generator)
    eps = torch.randn(n_samples, mu.shape[1], generator=generator, dtype=torch.float64)
    z = reparameterize(mu[index], logvar[index], eps)
    log_posterior = -0.5 * (eps**2 + logvar[index] + math.log(2 * math.pi)).sum(dim=1)
    gain = log_posterior - mixture_log_density(z, mu, logvar)
    mutual_information = float(gain.mean())
    standard_error = float(gain.std()) / math.sqrt(n_samples)
    return KLParts(total, mutual_information, total - mutual_information, standard_error)
