"""Elliptical slice sampling: walks along an ellipse that keeps a Gaussian, with nothing to tune."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vae_course.sampling.kernels import Info, LogLikelihood, State, check_no_step, init
from vae_course.sampling.normal import Normal, log_prior_over, rotate

__all__ = ["init", "step"]

_SHRINKS = 200  # halving 2 pi so often leaves less than float64 can tell from 0


def step(
    state: State,
    log_likelihood: LogLikelihood,
    *,
    generator: torch.Generator,
    prior: Normal | None = None,
    reference: Normal | None = None,
    step: float | None = None,
) -> tuple[State, Info]:
    """One step of elliptical slice sampling for the prior N(m, C) (None: N(0, I)).

    A draw nu from the prior and z span an ellipse about m, z'(angle) = m + cos (z - m) + sin (nu - m). A height below
    the likelihood at z is drawn, then angles from a bracket that shrinks towards z, until one lies above the height.
    Murray, Adams & MacKay (2010). With a `reference` the ellipse keeps it, and the height is one of
    likelihood times prior over reference: Nishihara, Murray & Adams (2014). All chains go on until the last is done;
    `evaluations` counts the rounds. Every chain moves, so all are accepted, except one whose bracket shrank to
    nothing in rounding. It has no step.
    """
    check_no_step(step, "elliptical slice sampling")
    chains, kept = len(state.z), prior if reference is None else reference

    def uniform() -> Tensor:
        return torch.rand(chains, generator=generator, dtype=torch.float64)

    eps = torch.randn(state.z.shape, generator=generator, dtype=state.z.dtype)
    height = state.log_likelihood + log_prior_over(state.z, prior, reference) + uniform().log()
    angle = 2 * math.pi * uniform()
    low, high = angle - 2 * math.pi, angle
    found, proposal = state, state.z
    log_ratio = torch.full_like(height, -math.inf)
    done = torch.zeros(chains, dtype=torch.bool)
    evaluations = 0
    while evaluations < _SHRINKS:
        evaluations += 1
        cos, sin = angle.cos().to(state.z.dtype)[:, None], angle.sin().to(state.z.dtype)[:, None]
        proposal = torch.where(done[:, None], proposal, rotate(state.z, eps, cos, sin, kept))
        value = log_likelihood(proposal)
        excess = value + log_prior_over(proposal, prior, reference) - height  # NaN and infinities are never inside
        inside = ~done & (excess >= 0) & excess.isfinite()
        found = State(torch.where(inside[:, None], proposal, found.z), torch.where(inside, value, found.log_likelihood))
        log_ratio = torch.where(inside, excess, log_ratio)
        done = done | inside
        if bool(done.all()):
            break
        low, high = torch.where(angle < 0, angle, low), torch.where(angle < 0, high, angle)
        angle = low + (high - low) * uniform()
    return found, Info(proposal, log_ratio, done, evaluations)
