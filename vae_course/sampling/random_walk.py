"""Random-walk Metropolis: the symmetric proposal, whose ratio keeps the prior."""

from __future__ import annotations

import torch

from vae_course.sampling.kernels import Info, LogLikelihood, State, check_step, decide, init
from vae_course.sampling.normal import Normal, log_prior

__all__ = ["init", "step"]


def step(
    state: State,
    log_likelihood: LogLikelihood,
    *,
    step: float,
    generator: torch.Generator,
    prior: Normal | None = None,
) -> tuple[State, Info]:
    """One step of random-walk Metropolis: z' = z + step eps, eps ~ N(0, I).

    The proposal is symmetric, so the acceptance ratio is that of likelihood times prior (None: N(0, I)). step: above 0.
    Metropolis et al. (1953); chapters 6 and 7.
    """
    step = check_step(step, None)
    eps = torch.randn(state.z.shape, generator=generator, dtype=state.z.dtype)
    proposal = state.z + step * eps
    correction = log_prior(proposal, prior) - log_prior(state.z, prior)
    return decide(state, proposal, log_likelihood(proposal), correction, generator)
