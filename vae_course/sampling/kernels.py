"""What all samplers share: state, info, the checked start and the Metropolis decision.

A kernel is a module (or any object) with `init(z0, log_likelihood) -> State` and
`step(state, log_likelihood, *, step, generator, ...) -> (State, Info)`. Both are pure but for the generator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from vae_course.latent.checks import check_points

LogLikelihood = Callable[[Tensor], Tensor]
"""log p(x | z) up to a constant, of each chain: z (chains, d) -> (chains,), in nats."""


class State(NamedTuple):
    """Where the chains are.

    z: (chains, d). log_likelihood: (chains,), at z, in nats; always finite.
    """

    z: Tensor
    log_likelihood: Tensor


class Info(NamedTuple):
    """What happened in a step.

    proposal: (chains, d), the last one. log_ratio: (chains,), log of the acceptance ratio before it is cut at 0;
    accepted: (chains,) bool. evaluations: how often the log-likelihood of all chains was taken.
    """

    proposal: Tensor
    log_ratio: Tensor
    accepted: Tensor
    evaluations: int = 1


class Kernel(Protocol):
    """A module or object with `init` and `step`; options of a kernel are keywords of its `step`."""

    @property
    def init(self) -> Callable[[Tensor, LogLikelihood], State]:
        """The first state from z0."""

    @property
    def step(self) -> Callable[..., tuple[State, Info]]:
        """The next state."""


def init(z0: Tensor, log_likelihood: LogLikelihood) -> State:
    """The state at z0, (chains, d).

    Raises ValueError if z0 or its log-likelihood is not finite: a chain that starts where the density is 0 or NaN
    would accept anything, or nothing.
    """
    check_points("z0", z0)
    z0 = z0.detach()
    value = log_likelihood(z0)
    if value.shape != (len(z0),):
        raise ValueError(
            f"log_likelihood must give one number for each chain, shape ({len(z0)},), got {tuple(value.shape)}; "
            "sum over the pixels, not over the chains"
        )
    bad = (~value.isfinite()).nonzero().flatten().tolist()
    if bad:
        raise ValueError(
            f"the log-likelihood at the start is {float(value[bad[0]])} for {len(bad)} of {len(z0)} chains, first for "
            f"chain {bad[0]}; start where it is finite, at draws from the prior or from the encoder's posterior, say"
        )
    return State(z0, value)


def decide(
    state: State, proposal: Tensor, proposed: Tensor, correction: Tensor | float, generator: torch.Generator
) -> tuple[State, Info]:
    """The Metropolis decision of each chain: accept with probability min(1, exp(log_ratio)), else stay.

    proposal: (chains, d), from a proposal that is reversible for some measure; proposed: (chains,), its log-likelihood;
    correction: (chains,), the difference of log(prior / that measure). A proposal whose log-likelihood or ratio is not
    finite is rejected. Metropolis et al. (1953), Hastings (1970).
    """
    log_ratio = proposed - state.log_likelihood + correction
    u = torch.rand(len(proposal), generator=generator, dtype=torch.float64)  # below 1, so that log u < 0
    accepted = (u.log() < log_ratio) & log_ratio.isfinite()
    z = torch.where(accepted[:, None], proposal, state.z)
    return State(z, torch.where(accepted, proposed, state.log_likelihood)), Info(proposal, log_ratio, accepted)


def check_step(step: float | None, largest: float | None) -> float:
    """`step`, if it lies in (0, largest]. Raises ValueError otherwise."""
    if step is None or not 0 < step or (largest is not None and step > largest) or step == float("inf"):
        limits = "above 0" if largest is None else f"above 0 and at most {largest:g}"
        raise ValueError(f"step must be {limits}, got {step}")
    return step


def check_no_step(step: float | None, name: str) -> None:
    """Raises ValueError if a step is given to a sampler that has none."""
    if step is not None:
        raise ValueError(f"{name} has no step to set, got step={step}; leave it out")
