"""What changes from update to update of a training: the learning rate and the weight of the KL (level 2)."""

from __future__ import annotations

import math
from typing import NamedTuple

from vae_course.configs import TrainConfig

_SPEED, _MOST, _SMALLEST = 1.0, 0.01, 0.01  # of constrained_beta
_KEPT = 0.95  # of the smoothed nll from one update to the next


def learning_rate(config: TrainConfig, step: int, n_steps: int) -> float:
    """The learning rate of update `step` (from 0) of `n_steps`.

    "onecycle" rises along half a cosine from lr / 25 to lr over the first quarter of the updates and falls along
    another to lr / 250,000. Smith & Topin (2018), in the form of torch.optim.lr_scheduler.OneCycleLR.
    """
    if config.schedule == "constant":
        return config.lr
    peak = 0.25 * n_steps - 1
    if step <= peak:  # with 4 updates the peak is the first of them
        start, end, share = config.lr / 25, config.lr, step / peak if peak else 1.0
    else:
        start, end, share = config.lr, config.lr / 250_000, (step - peak) / (n_steps - 1 - peak)
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def kl_weight(config: TrainConfig, step: int, steps_per_epoch: int) -> float:
    """The beta of update `step` (from 0): config.beta, or on its way there, from 0 in a straight line, in the warm-up.

    Bowman et al. (2016) and Sønderby et al. (2016) warm up so. Chapter 8.
    """
    n_warm = config.warmup * steps_per_epoch
    return config.beta * min(1.0, step / n_warm) if n_warm else config.beta


def constrained_beta(beta: float, nll: float, target: float, *, input_dim: int) -> float:
    """The next beta of a training that is to reach the nll `target`: larger if `nll` lies below it, else smaller.

    nll: the batches' smoothed nll, in nats per image. log beta moves in proportion to how far that is from the target,
    in nats per pixel, at most by 0.01 an update, and beta stays between 0.01 and 100. 1 / beta is a Lagrange multiplier
    for "KL as small as may be, with this nll", found as in GECO: Rezende & Viola (2018), "Taming VAEs". Chapter 10.
    """
    move = _SPEED * (target - nll) / input_dim
    return min(max(beta * math.exp(min(max(move, -_MOST), _MOST)), _SMALLEST), 1 / _SMALLEST)


class Constraint(NamedTuple):
    """The beta of the next update, and the smoothed nll of those before it, None before the first."""

    beta: float
    nll: float | None = None

    def after(self, nll: float, target: float, input_dim: int) -> Constraint:
        """What follows an update whose batch had this nll."""
        smoothed = nll if self.nll is None else _KEPT * self.nll + (1 - _KEPT) * nll
        return Constraint(constrained_beta(self.beta, smoothed, target, input_dim=input_dim), smoothed)
