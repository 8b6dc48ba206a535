"""Exercise of chapter 7: what is left in pCN's acceptance ratio."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.base import Exercise, Faulty, Inputs, Slip, faulty_family
from vae_course.exercises.chapter04.draws import away_from_zero, draw_sizes


def acceptance_log_ratio(z: Tensor, z_new: Tensor, loglik: Callable[[Tensor], Tensor]) -> Tensor:
    """The logarithm of pCN's acceptance ratio under an N(0, I) prior: that of the likelihoods alone.

    z, z_new: (n, d). loglik: (n, d) -> (n,). Returns (n,), from z[i] to z_new[i].
    Cotter, Roberts, Stuart & White (2013); chapter 7.
    """
    return loglik(z_new) - loglik(z)


class SquaredDistance:
    """A log-likelihood for points of any kind of array: minus the weighted squared distance from a centre."""

    def __init__(self, center: np.ndarray, weight: float) -> None:
        self.center = center
        self.weight = weight

    def __call__(self, z: Any) -> Any:
        """(n, d) -> (n,), or (d,) -> one number."""
        if isinstance(z, Tensor):
            return -self.weight * ((z - torch.as_tensor(self.center, dtype=z.dtype)) ** 2).sum(-1)
        return -self.weight * ((np.asarray(z) - self.center) ** 2).sum(-1)

    def __repr__(self) -> str:
        if self.weight == 0:
            return "a function that is 0 everywhere"
        return f"the function -{self.weight:.3g} |z - {np.array2string(self.center, precision=3, separator=', ')}|^2"


def _log_ratio(
    z: Tensor, z_new: Tensor, loglik: Callable[[Tensor], Tensor], *, prior: str, inverted: bool, result: str
) -> Tensor:
    change = (z_new**2 - z**2).sum(dim=1)
    log_ratio = loglik(z_new) - loglik(z) - {"out": 0.0, "in": 0.5, "no half": 1.0}[prior] * change
    log_ratio = -log_ratio if inverted else log_ratio
    return {"log": log_ratio, "ratio": log_ratio.exp(), "probability": log_ratio.clamp(max=0).exp()}[result]


def _draw_step(rng: np.random.Generator) -> Inputs:
    """Changes of the likelihood and of the prior of both signs, small enough for exp."""
    n, d = draw_sizes(rng, 2)
    loglik = SquaredDistance(away_from_zero(rng, d), float(rng.uniform(0.15, 0.3)))
    scale = 1.6 / np.sqrt(d)
    return {"z": scale * rng.normal(size=(n, d)), "z_new": scale * rng.normal(size=(n, d)), "loglik": loglik}


ACCEPTANCE_LOG_RATIO = Exercise(
    name="acceptance_log_ratio",
    chapter=7,
    returns="one log ratio for each pair of rows, of shape (n,)",
    draw=_draw_step,
    examples=(
        {
            "z": np.array([[0.0, 0.0], [1.0, 0.0]]),
            "z_new": np.array([[1.0, 0.0], [0.0, 2.0]]),
            "loglik": SquaredDistance(np.array([1.0, 0.0]), 0.5),
        },
        {
            "z": np.array([[0.0, 0.0], [3.0, 0.0]]),
            "z_new": np.array([[2.0, 0.0], [0.0, 1.0]]),
            "loglik": SquaredDistance(np.array([0.0, 0.0]), 0.0),
        },
    ),
    reference=acceptance_log_ratio,
    slips={
        "prior_counted_twice": Slip(
            "It holds the prior, which the proposal has taken care of.",
            "Your ratio holds the prior. The pCN proposal keeps the prior by itself, so that prior and proposal "
            "cancel; to weigh by the prior once more samples a distribution that is too narrow. Under a flat "
            "likelihood every step of pCN must be accepted: is it, with yours?",
        ),
        "inverted": Slip(
            "It gives the ratio of the old point to the new one.",
            "Your ratio is upside down: it prefers steps that make the likelihood smaller. The place that the step "
            "would go to belongs in the numerator.",
        ),
        "exponentiated": Slip(
            "It returns the ratio instead of its logarithm.",
            "You returned the ratio, or the probability made of it. Its logarithm is asked for: with 784 pixels the "
            "log-likelihoods differ by hundreds, and the ratio overflows or is rounded to 0.",
        ),
    },
    faulty=(
        *faulty_family(
            _log_ratio,
            prior={"out": None, "in": "prior_counted_twice", "no half": "prior_counted_twice"},
            inverted={False: None, True: "inverted"},
            result={"log": None, "ratio": "exponentiated", "probability": "exponentiated"},
        ),
        Faulty(
            (),
            lambda z, z_new, loglik: _log_ratio(z, z_new, loglik, prior="out", inverted=False, result="log").clamp(
                max=0
            ),
            remark="You cut the log ratio off at 0. That is the logarithm of the probability of accepting; asked is "
            "the ratio itself, which is compared with a number below 1, so that nothing need be cut off.",
        ),
        Faulty(
            (),
            lambda z, z_new, loglik: loglik(z_new) - loglik(z) + 0.5 * (z_new**2 - z**2).sum(dim=1),
            remark="You divided by the prior. It has cancelled already.",
        ),
        Faulty(
            (),
            lambda z, z_new, loglik: -0.5 * (z_new**2 - z**2).sum(dim=1),
            remark="You have the ratio of the priors. It is the likelihood that is left over.",
        ),
        Faulty(
            (),
            lambda z, z_new, loglik: loglik(z_new) / loglik(z) if (loglik(z) != 0).all() else 0 * loglik(z) + 2.0,
            remark="You divided one log-likelihood by the other. The logarithm of a ratio is a difference.",
        ),
        Faulty(
            (),
            lambda z, z_new, loglik: loglik(z_new),
            remark="You returned the log-likelihood of the new points alone. A ratio compares it with the old ones.",
        ),
        Faulty(
            (),
            lambda z, z_new, loglik: (loglik(z_new) - loglik(z)).sum()[None],
            remark="You added up over the chains. Each has a ratio of its own.",
        ),
        Faulty(
            (),
            lambda z, z_new, loglik: loglik(z_new - z),
            remark="You took the log-likelihood of the difference. Take the difference of the log-likelihoods.",
        ),
    ),
    hints=(
        "Write the whole ratio first: posterior times proposal, over posterior times proposal. Which of the factors "
        "did the proof show to be equal?",
        r"$\log \bar\alpha = \log p(\mathcal D \mid z') - \log p(\mathcal D \mid z)$.",
        "`loglik` at `z_new`, minus `loglik` at `z`. No prior, no proposal, no `exp`.",
    ),
    praise="The likelihood alone: prior and proposal have cancelled.",
)
