"""Preconditioned Crank-Nicolson (pCN): a proposal that keeps a Gaussian, so that Gaussian leaves the ratio."""

from __future__ import annotations

import math

import torch

from vae_course.sampling.kernels import Info, LogLikelihood, State, check_step, decide, init
from vae_course.sampling.normal import Normal, log_prior_over, rotate

__all__ = ["init", "step"]


def step(
    state: State,
    log_likelihood: LogLikelihood,
    *,
    step: float,
    generator: torch.Generator,
    prior: Normal | None = None,
    reference: Normal | None = None,
) -> tuple[State, Info]:
    """One step of pCN: z' = m + sqrt(1 - step^2) (z - m) + step L eps, eps ~ N(0, I).

    The proposal is reversible for N(m, L L^T). Without a `reference` that is the prior (None: N(0, I)), and the
    acceptance ratio holds the likelihood alone, p(x | z') / p(x | z). With one, N(m, L L^T) is the reference, and the
    ratio is that of likelihood times prior over reference. step: in (0, 1]; 1 forgets z, the independence sampler.
    Cotter, Roberts, Stuart & White (2013); chapters 6 and 7.
    """
    step = check_step(step, 1)
    eps = torch.randn(state.z.shape, generator=generator, dtype=state.z.dtype)
    kept = prior if reference is None else reference
    proposal = rotate(state.z, eps, math.sqrt(1 - step**2), step, kept)
    correction = log_prior_over(proposal, prior, reference) - log_prior_over(state.z, prior, reference)
    return decide(state, proposal, log_likelihood(proposal), correction, generator)
