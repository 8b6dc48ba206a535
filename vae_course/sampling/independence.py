"""The independence sampler: every proposal is a fresh draw from one Gaussian."""

from __future__ import annotations

import torch

from vae_course.sampling.kernels import Info, LogLikelihood, State, check_no_step, decide, init
from vae_course.sampling.normal import Normal, log_prior_over, rotate

__all__ = ["init", "step"]


def step(
    state: State,
    log_likelihood: LogLikelihood,
    *,
    generator: torch.Generator,
    prior: Normal | None = None,
    reference: Normal | None = None,
    step: float | None = None,
) -> tuple[State, Info]:
    """One step of the independence sampler: z' ~ reference, whatever z was.

    The acceptance ratio is that of the importance weights, likelihood times prior over reference. Without a
    reference proposals come from the prior (None: N(0, I)). A reference with lighter tails than the posterior has
    unbounded weights, and chains that stay where one is large. It has no step; it is pCN with step 1.
    Hastings (1970); Tierney (1994); chapter 7.
    """
    check_no_step(step, "the independence sampler")
    eps = torch.randn(state.z.shape, generator=generator, dtype=state.z.dtype)
    proposal = rotate(state.z, eps, 0.0, 1.0, prior if reference is None else reference)
    correction = log_prior_over(proposal, prior, reference) - log_prior_over(state.z, prior, reference)
    return decide(state, proposal, log_likelihood(proposal), correction, generator)
