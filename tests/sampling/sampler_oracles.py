"""What a right sampler does, each as a function that measures by how much a kernel fails; and how to read a failure.

Each oracle takes a kernel with its options and returns the worst error in units of its limit: below 1 is right. Errors
are in Monte Carlo standard errors over independent chains, so that no autocorrelation has to be known.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from vae_course.checks import make_generator
from vae_course.sampling import Kernel, Normal, run, sample_prior
from vae_course.sampling.targets import LinearGaussian

LIMIT = 5.0  # standard errors: exceeded by chance once in a million comparisons
_CHAINS = 5_000  # in a half-space
_THIN = 60  # steps between draws whose ranks are counted


@dataclass(frozen=True)
class Sampler:
    """A kernel as it is used: its step, and the options it takes."""

    kernel: Kernel
    step: float | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def draws(self, log_likelihood: Callable[[Tensor], Tensor], z0: Tensor, n_steps: int, seed: int) -> Tensor:
        """The states after each of n_steps, (n_steps, chains, d)."""
        return run(
            self.kernel,
            log_likelihood,
            z0,
            n_steps=n_steps,
            step=self.step,
            generator=make_generator(seed),
            progress=False,
            **self.options,
        ).z

    def last(self, log_likelihood: Callable[[Tensor], Tensor], z0: Tensor, n_steps: int, seed: int) -> Tensor:
        """The states after the last of n_steps, (chains, d), for chains too many and long to be kept."""
        options = self.options if self.step is None else {**self.options, "step": self.step}
        state, generator = self.kernel.init(z0, log_likelihood), make_generator(seed)
        for _ in range(n_steps):
            state, _info = self.kernel.step(state, log_likelihood, generator=generator, **options)
        return state.z


def linear_gaussian(d: int, *, prior: Normal | None = None, seed: int = 0) -> LinearGaussian:
    """A posterior that differs from its prior in mean, widths and correlation, along four directions at most."""
    generator = make_generator(seed)
    p = min(d, 4)
    weight = torch.randn(p, d, generator=generator, dtype=torch.float64) / math.sqrt(d)
    x = 1.5 * torch.randn(p, generator=generator, dtype=torch.float64)
    sigma = 0.5 if d <= 2 else 1.0  # proposals from the prior must find the posterior too
    return LinearGaussian(x, weight, torch.full((p,), 0.3, dtype=torch.float64), sigma, prior)


def exact_draws(target: LinearGaussian, n: int, *, seed: int) -> Tensor:
    """n independent draws from the posterior, (n, d) float64."""
    mean, cov = target.posterior()
    eps = torch.randn(n, len(mean), generator=make_generator(seed), dtype=torch.float64)
    return mean + eps @ torch.linalg.cholesky(cov).T


def moment_error(z: Tensor, mean: Tensor, cov: Tensor) -> float:
    """The worst error of mean and covariance of independent draws z, (n, d), over LIMIT standard errors."""
    if not bool(z.isfinite().all()):
        return math.inf
    n, centred = len(z), z.double() - mean
    of_mean = centred.mean(dim=0) / (cov.diag() / n).sqrt()
    variance = cov.diag()[:, None] * cov.diag() + cov**2  # of a product of two Gaussians
    of_cov = (centred.T @ centred / n - cov) / (variance / n).sqrt()
    return float(torch.cat([of_mean, of_cov.flatten()]).abs().max()) / LIMIT


def keeps_the_posterior(sampler: Sampler, *, target: LinearGaussian | None = None, n_steps: int = 20) -> float:
    """Chains that start at exact draws from a linear-Gaussian posterior still have its mean and covariance."""
    target = target or linear_gaussian(2)
    z = sampler.last(target, exact_draws(target, 20_000, seed=1), n_steps, seed=2)
    return moment_error(z, *target.posterior())


def finds_the_posterior(sampler: Sampler, *, target: LinearGaussian | None = None, n_steps: int = 100) -> float:
    """Chains that start at one point end up with a linear-Gaussian posterior's mean and covariance."""
    chains, target = (10_000, linear_gaussian(2)) if target is None else (2_500, target)
    z0 = torch.zeros(chains, target.weight.shape[1], dtype=torch.float64)
    return moment_error(sampler.last(target, z0, n_steps, seed=3), *target.posterior())


def is_reversible(sampler: Sampler, *, target: LinearGaussian | None = None) -> float:
    """Two steps in a row are as likely forwards as backwards: E f(z) g(z') = E g(z) f(z') from exact draws."""
    target = target or linear_gaussian(1)
    return _asymmetry(sampler, target, exact_draws(target, 200_000, seed=4))


def is_reversible_for_the_prior(sampler: Sampler) -> float:
    """With a flat likelihood the same holds for N(0, I), and the prior is kept."""
    z0 = sample_prior(200_000, 1, generator=make_generator(5)).double()
    z = sampler.draws(flat, z0, 1, seed=6)[0]
    kept = moment_error(z, torch.zeros(1, dtype=torch.float64), torch.eye(1, dtype=torch.float64))
    return max(kept, _asymmetry(sampler, flat, z0))


def accepts_every_step_of_a_flat_likelihood(sampler: Sampler) -> float:
    """The share of steps refused where the likelihood says nothing; for kernels that keep the prior."""
    chain = run(
        sampler.kernel,
        flat,
        sample_prior(500, 3, generator=make_generator(7)),
        n_steps=20,
        step=sampler.step,
        generator=make_generator(8),
        progress=False,
        **sampler.options,
    )
    return math.inf if not bool(chain.accepted.all()) else 0.0


def never_leaves_the_support(sampler: Sampler) -> float:
    """Where the log-density is NaN, -inf or +inf no chain ever goes, and the rest is a Gaussian's half."""
    for value in (math.nan, -math.inf, math.inf):
        z0 = sample_prior(_CHAINS, 1, generator=make_generator(9)).abs()
        z = sampler.draws(lambda z, value=value: torch.where(z[:, 0] > 0, 0.0, value), z0, 50, seed=10)
        if not bool((z > 0).all()):
            return math.inf
    return abs(float(z[-1].mean()) - math.sqrt(2 / math.pi)) / math.sqrt((1 - 2 / math.pi) / _CHAINS) / LIMIT


def is_calibrated(sampler: Sampler) -> float:
    """Simulation-based calibration: z from the prior, x from p(x | z); z's rank among posterior draws is uniform.

    Talts et al. (2018). 3,000 pairs at once, each with a chain of its own, started far off; 9 draws, each 60 steps
    after the last, since correlated draws give ranks that lie too far out.
    """
    n, d, ranks = 3_000, 2, 10
    base, generator = linear_gaussian(d), make_generator(11)
    z = torch.randn(n, d, generator=generator, dtype=torch.float64)
    noise = torch.randn(n, len(base.bias), generator=generator, dtype=torch.float64)
    target = base._replace(x=z @ base.weight.T + base.bias + base.sigma * noise)
    draws = sampler.draws(target, torch.ones_like(z), _THIN * ranks, seed=12)[2 * _THIN - 1 :: _THIN]  # (9, n, d)
    rank = (draws < z).sum(dim=0)  # 0 ... 9
    counts = torch.stack([column.bincount(minlength=ranks) for column in rank.T]).double()
    expected = n / ranks
    chi2 = ((counts - expected) ** 2 / expected).sum(dim=1).max()
    # A chi-squared with k degrees of freedom, as a number of standard deviations (Wilson & Hilferty, 1931).
    k = ranks - 1
    return float((chi2 / k) ** (1 / 3) - (1 - 2 / (9 * k))) / math.sqrt(2 / (9 * k)) / LIMIT


def flat(z: Tensor) -> Tensor:
    """A likelihood that says nothing."""
    return torch.zeros(len(z), dtype=z.dtype)


def _asymmetry(sampler: Sampler, log_likelihood: Callable[[Tensor], Tensor], z0: Tensor) -> float:
    z1 = sampler.draws(log_likelihood, z0, 1, seed=13)[0]
    if not bool(z1.isfinite().all()):
        return math.inf
    features = [lambda z: z, lambda z: z.square(), lambda z: z**3, lambda z: (z > 0.5).double()]
    worst = 0.0
    for i, f in enumerate(features):
        for g in features[:i]:
            difference = f(z0) * g(z1) - g(z0) * f(z1)
            error = difference.mean() / (difference.std() / math.sqrt(len(z0))).clamp_min(1e-12)
            worst = max(worst, abs(float(error)) / LIMIT)
    return worst


ORACLES: dict[str, Callable[[Sampler], float]] = {
    oracle.__name__: oracle
    for oracle in (
        keeps_the_posterior,
        finds_the_posterior,
        is_reversible,
        is_reversible_for_the_prior,
        accepts_every_step_of_a_flat_likelihood,
        never_leaves_the_support,
        is_calibrated,
    )
}
