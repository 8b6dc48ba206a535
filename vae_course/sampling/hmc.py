"""Hamiltonian Monte Carlo: proposals that follow the gradient of the log posterior for a while."""

from __future__ import annotations

import torch
from torch import Tensor

from vae_course.checks import check_count
from vae_course.sampling.kernels import Info, LogLikelihood, State, check_step, decide, init
from vae_course.sampling.normal import Normal, log_prior

__all__ = ["init", "step"]

_JITTER = 0.2  # of the step, up and down


def step(
    state: State,
    log_likelihood: LogLikelihood,
    *,
    step: float,
    generator: torch.Generator,
    n_leapfrog: int = 5,
    prior: Normal | None = None,
    reference: Normal | None = None,
) -> tuple[State, Info]:
    """One step of Hamiltonian Monte Carlo: n_leapfrog leapfrog steps from z with a momentum drawn anew.

    The ratio is that of likelihood times prior (None: N(0, I)) times the momentum's density. Paths run in coordinates
    where the `reference` N(m, L L^T), or else the prior, is N(0, I): z = m + L w, so that the mass matrix is its
    precision. A posterior like the reference then has the same scale along all directions; the draws are
    right with any reference. step: above 0, the leapfrog's; above 2 / sqrt(largest curvature by w) it is unstable, and
    all is refused. Each chain's step is drawn within 20 % of it, since a path that closes would return to its
    start. The log-likelihood must let gradients through: what it hides is taken to be flat, which is slow, not
    wrong. Every evaluation comes with a gradient.
    Neal (2011).
    """
    step = check_step(step, None)
    check_count("n_leapfrog", n_leapfrog)
    kept = prior if reference is None else reference
    start = torch.randn(state.z.shape, generator=generator, dtype=state.z.dtype)
    spread = torch.rand(len(state.z), 1, generator=generator, dtype=state.z.dtype)
    length = step * (1 + _JITTER * (2 * spread - 1))  # (chains, 1)
    z, momentum = state.z, start
    _, force = _value_and_force(log_likelihood, z, prior, kept)
    for _ in range(n_leapfrog):
        momentum = momentum + length / 2 * force
        z = z + length * (momentum if kept is None else kept.scale(momentum))
        proposed, force = _value_and_force(log_likelihood, z, prior, kept)
        momentum = momentum + length / 2 * force
    kinetic = 0.5 * (momentum**2 - start**2).sum(dim=1)
    correction = log_prior(z, prior) - log_prior(state.z, prior) - kinetic
    new, info = decide(state, z, proposed, correction, generator)
    return new, info._replace(evaluations=n_leapfrog + 1)


def _value_and_force(
    log_likelihood: LogLikelihood, z: Tensor, prior: Normal | None, kept: Normal | None
) -> tuple[Tensor, Tensor]:
    """log p(x | z), (chains,), and the gradient of log p(x | z) p(z) by w, (chains, d)."""
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        value = log_likelihood(z)
        (gradient,) = torch.autograd.grad((value + log_prior(z, prior)).sum(), z)
    return value.detach(), gradient if kept is None else kept.scale_transposed(gradient)
