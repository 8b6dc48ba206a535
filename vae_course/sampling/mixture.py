"""A density fitted to codes: a mixture of a few Gaussians with full covariances."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from vae_course.checks import check_count, check_whole
from vae_course.latent.checks import check_points
from vae_course.latent.mixtures import gaussian_log_density

_LEAST_VARIANCE = 1e-3  # added to all variances: no Gaussian shrinks to a single code


class Mixture(NamedTuple):
    """sum_k weight_k N(z; mean_k, cov_k), all float64.

    weight: (k,), sums to 1. mean: (k, d). cov: (k, d, d), positive definite.
    """

    weight: Tensor
    mean: Tensor
    cov: Tensor

    def log_density(self, z: Tensor) -> Tensor:
        """The mixture's log-density at each z, (n,) float64, in nats. z: (n, d), of any floating type."""
        parts = [gaussian_log_density(z, mean, cov) for mean, cov in zip(self.mean, self.cov, strict=True)]
        log_density: Tensor = (torch.stack(parts, dim=1) + self.weight.log()).logsumexp(dim=1)
        return log_density

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """n independent draws, (n, d) float64: a Gaussian by its weight, then z from it."""
        check_count("n", n)
        index = torch.multinomial(self.weight, n, replacement=True, generator=generator)
        eps = torch.randn(n, self.mean.shape[1], generator=generator, dtype=torch.float64)
        factor: Tensor = torch.linalg.cholesky(self.cov)
        return self.mean[index] + (factor[index] @ eps[:, :, None]).squeeze(2)


def fit_mixture(z: Tensor, n_components: int, *, seed: int = 0) -> Mixture:
    """The mixture of `n_components` Gaussians that expectation-maximisation finds for the codes z.

    z: (n, d), n >= n_components, of any floating type: draws from posteriors, not their means, if the posteriors'
    widths are to count. seed: of the k-means start. By scikit-learn, on one thread, since with more the threads mostly
    wait for each other: the matrices are small. Raises ValueError for too few codes. Chapter 5.
    """
    check_points("z", z)
    check_whole("n_components", n_components)
    if not 1 <= n_components <= len(z):
        raise ValueError(f"n_components must lie between 1 and {len(z)}, the number of codes, got {n_components}")
    from sklearn.mixture import GaussianMixture  # seconds to import, so only where it is used
    from threadpoolctl import threadpool_limits

    model = GaussianMixture(n_components, reg_covar=_LEAST_VARIANCE, random_state=seed)
    with threadpool_limits(1):
        model.fit(z.double().numpy())
    return Mixture(*(torch.from_numpy(part) for part in (model.weights_, model.means_, model.covariances_)))
