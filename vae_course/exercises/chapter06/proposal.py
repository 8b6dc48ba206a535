"""Exercise of chapter 6: the pCN proposal."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from vae_course.exercises.base import Exercise, Faulty, Inputs, Slip, faulty_family
from vae_course.exercises.chapter04.draws import away_from_zero, draw_sizes
from vae_course.exercises.chapter06.draws import draw_step


def pcn_proposal(z: Tensor, step: float, eps: Tensor) -> Tensor:
    """pCN's proposal sqrt(1 - step^2) z + step eps, reversible for N(0, I).

    z, eps: (chains, d). step: in (0, 1]. Returns (chains, d).
    Cotter, Roberts, Stuart & White (2013); chapter 6.
    """
    return math.sqrt(1 - step**2) * z + step * eps


def _pcn_proposal(z: Tensor, step: float, eps: Tensor, *, kept: str, noise: str) -> Tensor:
    root = math.sqrt(1 - step**2)
    weight = {"root": root, "all": 1.0, "one minus step": 1 - step, "step": step}[kept]
    return weight * z + {"step": step, "squared": step**2, "root": root}[noise] * eps


def _draw_move(rng: np.random.Generator) -> Inputs:
    chains, d = draw_sizes(rng, 2)
    return {"z": away_from_zero(rng, chains, d), "step": draw_step(rng), "eps": away_from_zero(rng, chains, d)}


def _weights(remark: str, kept: str, noise: str) -> Faulty:
    """Other weights of z and eps, by their names."""

    def function(z: Tensor, step: float, eps: Tensor) -> Tensor:
        root = math.sqrt(1 - step**2)
        known = {
            "root": root, "step": step, "none": 0.0, "minus step": -step, "no root": 1 - step**2,
            "root of one minus step": math.sqrt(1 - step), "root of step": math.sqrt(step), "one": 1.0,
            "plus": math.sqrt(1 + step**2), "minus root": -root,
        }  # fmt: skip
        return known[kept] * z + known[noise] * eps

    return Faulty((), function, remark)


PCN_PROPOSAL = Exercise(
    name="pcn_proposal",
    chapter=6,
    returns="one proposal for each chain, of shape (chains, d)",
    draw=_draw_move,
    examples=(
        {"z": np.array([[1.0, 0.0], [2.0, -1.0]]), "step": 0.6, "eps": np.array([[0.0, 1.0], [1.0, 1.0]])},
        {"z": np.array([[1.0, -2.0]]), "step": 1.0, "eps": np.array([[0.5, 0.5]])},
    ),
    reference=pcn_proposal,
    slips={
        "random_walk": Slip(
            "It keeps all of z, as a random walk does.",
            "You kept the whole of `z` and added noise: that is the random walk. Repeated, it wanders off without "
            "end, since the variance grows at every step. pCN shrinks `z` a little first, by just as much as the noise "
            "spreads it.",
        ),
        "one_minus_step": Slip(
            "It weights z by 1 - step instead of the square root.",
            "You weighted `z` by 1 - step. Weights that add up to 1 keep a mean, but the variance of independent "
            "parts adds up with the SQUARES of the weights. Which weight of `z` makes the two squares add up to 1?",
        ),
        "swapped_weights": Slip(
            "It gives z the weight of the noise and the noise that of z.",
            "You swapped the two weights. A small step should leave the chain almost where it is: put step = 0.01 "
            "into yours, and see what is left of `z`.",
        ),
        "step_squared_noise": Slip(
            "It weights the noise by the square of the step.",
            "You weighted the noise by the square of the step. The square is the VARIANCE that the noise adds; the "
            "noise itself is multiplied by a standard deviation.",
        ),
    },
    faulty=(
        # z whole, or less than its due: with the wrong noise that is no pCN, and only the single slips are sure
        *faulty_family(
            _pcn_proposal,
            kept={"root": None, "all": "random_walk", "one minus step": "one_minus_step"},
            noise={"step": None, "squared": "step_squared_noise"},
        ),
        Faulty(("swapped_weights",), lambda z, step, eps: _pcn_proposal(z, step, eps, kept="step", noise="root")),
        _weights("The root is missing: the SQUARES of the two weights must add up to 1.", "no root", "step"),
        _weights("You left out the square under the root.", "root of one minus step", "step"),
        _weights(
            "Your weights are the roots of 1 - step and of step. Their squares add up to 1, so the prior is kept, but "
            "the step is another one: asked is `step` itself as the weight of the noise.",
            "root of one minus step",
            "root of step",
        ),
        _weights("The noise is not weighted: multiply `eps` by the step.", "root", "one"),
        _weights("There is no noise in it, so that every chain shrinks to 0.", "root", "none"),
        _weights(
            "You subtracted the noise. That has the same distribution, since `eps` and its negative are equally "
            "likely, but asked is the sum.",
            "root",
            "minus step",
        ),
        _weights("There is a plus under the root where a minus belongs.", "plus", "step"),
        _weights("You used the same weight for both.", "root", "root"),
        _weights("You used the same weight for both.", "step", "step"),
    ),
    hints=(
        "If $z$ has variance 1 and you multiply it by $a$, what variance is left? How much does the noise add? The "
        "two should make 1 again.",
        r"$z' = \sqrt{1 - b^2}\, z + b \varepsilon$ with $b$ the step.",
        "`math.sqrt(1 - step**2)` times `z`, plus `step` times `eps`.",
    ),
    praise="The squares of the two weights add up to 1, so N(0, I) is kept.",
)
