"""Runs many chains of any kernel at once."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import torch
from torch import Tensor
from tqdm import tqdm

from vae_course.checks import check_count
from vae_course.sampling.kernels import Kernel, LogLikelihood

_QUIET = 2.0  # seconds before a progress bar appears


class Chain(NamedTuple):
    """The states after each step; the start is not among them. A rejected step repeats the state.

    z: (n_steps, chains, d). accepted: (n_steps, chains) bool. log_likelihood: (n_steps, chains), in nats.
    """

    z: Tensor
    accepted: Tensor
    log_likelihood: Tensor


def run(
    kernel: Kernel,
    log_likelihood: LogLikelihood,
    z0: Tensor,
    *,
    n_steps: int,
    step: float | None = None,
    generator: torch.Generator,
    progress: bool = True,
    **options: Any,
) -> Chain:
    """n_steps of `kernel` (sampling.pcn, sampling.random_walk, ...) from z0, (chains, d), without gradients.

    step: left out for kernels that have none. options: what the kernel takes beside (prior, reference). A progress
    bar appears on runs of more than two seconds. Interrupted, it warns and returns the steps that were done.
    Raises ValueError on a start that is not finite.
    """
    check_count("n_steps", n_steps)
    if step is not None:
        options["step"] = step
    with torch.no_grad():
        state = kernel.init(z0, log_likelihood)
        z = torch.empty(n_steps, *state.z.shape, dtype=state.z.dtype)
        accepted = torch.empty(n_steps, len(state.z), dtype=torch.bool)
        value = torch.empty(n_steps, len(state.z), dtype=state.log_likelihood.dtype)
        done = 0
        try:
            for i in tqdm(range(n_steps), unit="step", delay=_QUIET, disable=not progress):
                state, info = kernel.step(state, log_likelihood, generator=generator, **options)
                z[i], accepted[i], value[i] = state.z, info.accepted, state.log_likelihood
                done = i + 1
        except KeyboardInterrupt:
            warnings.warn(f"interrupted after {done} of {n_steps} steps; these are returned", stacklevel=2)
    return Chain(z[:done], accepted[:done], value[:done])
