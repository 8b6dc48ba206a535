"""Exercise of chapter 7: the density of pCN's proposal."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from vae_course.exercises.base import Exercise, Faulty, Inputs, Slip, faulty_family
from vae_course.exercises.chapter04.draws import away_from_zero, draw_sizes
from vae_course.exercises.chapter06.draws import draw_step


def proposal_log_density(z_to: Tensor, z_from: Tensor, step: float) -> Tensor:
    """log N(z_to; sqrt(1 - step^2) z_from, step^2 I) up to the constant, which is free of both.

    z_to, z_from: (n, d), row by row. step: in (0, 1]. Returns (n,).
    Cotter, Roberts, Stuart & White (2013); chapter 7.
    """
    return -0.5 * ((z_to - math.sqrt(1 - step**2) * z_from) ** 2).sum(dim=1) / step**2


def _log_density(z_to: Tensor, z_from: Tensor, step: float, *, mean: str, scale: str, swapped: bool) -> Tensor:
    a, b = (z_from, z_to) if swapped else (z_to, z_from)
    weight = {
        "root": math.sqrt(1 - step**2),
        "all": 1.0,
        "one minus step": 1 - step,
        "no root": 1 - step**2,
        "no square": math.sqrt(1 - step),
        "none": 0.0,
        "minus": -math.sqrt(1 - step**2),
    }[mean]
    return -0.5 * ((a - weight * b) ** 2).sum(dim=1) / {"variance": step**2, "sd": step}[scale]


def _times(factor: float, remark: str, **powers: float) -> Faulty:
    """The right value times a factor, and times powers of the step and of the other weight."""

    def function(z_to: Tensor, z_from: Tensor, step: float) -> Tensor:
        scale: float = step ** powers.get("step", 0) * (1 - step**2) ** powers.get("rest", 0)
        return factor * scale * proposal_log_density(z_to, z_from, step)

    return Faulty((), function, remark)


def _draw_pairs(rng: np.random.Generator) -> Inputs:
    n, d = draw_sizes(rng, 2)
    lengths = rng.permutation(np.linspace(0.4, 1.6, n))[:, None]
    return {"z_to": lengths * away_from_zero(rng, n, d), "z_from": away_from_zero(rng, n, d), "step": draw_step(rng)}


PROPOSAL_LOG_DENSITY = Exercise(
    name="proposal_log_density",
    chapter=7,
    returns="one log-density for each pair of rows, of shape (n,)",
    draw=_draw_pairs,
    examples=(
        {
            "z_to": np.array([[0.8, 0.0], [0.0, 1.0], [1.0, 1.0]]),
            "z_from": np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 1.0]]),
            "step": 0.6,
        },
        {"z_to": np.array([[1.0], [2.0]]), "z_from": np.array([[5.0], [-5.0]]), "step": 0.8},
    ),
    reference=proposal_log_density,
    up_to_constant=True,
    slips={
        "wrong_mean": Slip(
            "It centres the Gaussian elsewhere than at sqrt(1 - step^2) z_from.",
            "Your Gaussian has another mean than the proposal. Put `eps` = 0 into the proposal: where does the step "
            "arrive then? That is the mean, and the noise spreads around it.",
        ),
        "variance_not_squared": Slip(
            "It divides by step instead of step squared.",
            "You divided by the step. The noise is the step times a standard normal, so that the step is its "
            "standard deviation. What stands below the square in a Gaussian's exponent is the variance.",
        ),
        "swapped_arguments": Slip(
            "It gives the density of the way back.",
            "You have the density of the way back, from `z_to` to `z_from`. The two differ, since it is the START of a "
            "step that is shrunk. This is the very pair that must not be mixed up in the ratio.",
        ),
    },
    faulty=(
        # around the whole of z the density is the same in both directions
        *(
            fault
            for fault in faulty_family(
                _log_density,
                mean={
                    "root": None,
                    "all": "wrong_mean",
                    "one minus step": "wrong_mean",
                    "no root": "wrong_mean",
                    "no square": "wrong_mean",
                    "none": "wrong_mean",
                    "minus": "wrong_mean",
                },
                scale={"variance": None, "sd": "variance_not_squared"},
                swapped={False: None, True: "swapped_arguments"},
            )
            if set(fault.slips) != {"wrong_mean", "swapped_arguments"}
        ),
        _times(-1, "The sign is turned round: the density must be the highest at the mean."),
        _times(2, "A half is missing: the exponent of a Gaussian is minus the square over twice the variance."),
        _times(-2, "The sign is turned round, and a half is missing."),
        _times(1, "You left out the division by the variance: without it the width of the step is lost.", step=2),
        _times(2, "Without a half and without the variance it is no log-density of this proposal.", step=2),
        _times(1, "You multiplied by the variance. Divide by it.", step=4),
        _times(1, "You divided by 1 - step^2. The variance is that of the noise.", step=2, rest=-1),
        Faulty(
            (),
            lambda z_to, z_from, step: proposal_log_density(z_to, z_from, step).exp(),
            remark="You returned the density itself. Its logarithm is asked for.",
        ),
        Faulty(
            (),
            lambda z_to, z_from, step: -0.5 * ((z_to - math.sqrt(1 - step**2) * z_from) / step) ** 2,
            remark="You have the log-density of every coordinate. Add them up, to one number for each pair.",
        ),
        Faulty(
            (),
            lambda z_to, z_from, step: -0.5 * (z_to - math.sqrt(1 - step**2) * z_from).norm(dim=1) / step**2,
            remark="You took the length where its square belongs.",
        ),
    ),
    hints=(
        "The proposal is a fixed part plus Gaussian noise. So, given where it starts, it is a Gaussian: with which "
        "mean, and with which variance of each coordinate?",
        r"$P(z \to z') = \mathcal{N}(z';\, \sqrt{1 - b^2}\, z,\, b^2 I)$, so its logarithm is "
        r"$-|z' - \sqrt{1 - b^2}\, z|^2 / (2 b^2)$ plus a constant.",
        "Subtract `math.sqrt(1 - step**2) * z_from` from `z_to`, square, add up along `dim=1`, and multiply by "
        "`-0.5 / step**2`.",
    ),
    praise="A Gaussian around the shrunk start, with the step as its standard deviation.",
)
