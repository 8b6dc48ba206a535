"""Exercise of chapter 7: pCN for a Gaussian prior with any mean and covariance."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.base import Exercise, Faulty, Inputs, Slip, faulty_family
from vae_course.exercises.chapter04.draws import away_from_zero, draw_sizes
from vae_course.exercises.chapter06.draws import draw_step


def general_prior_proposal(z: Tensor, mean: Tensor, chol: Tensor, step: float, eps: Tensor) -> Tensor:
    """pCN's proposal m + sqrt(1 - step^2) (z - m) + step L eps, reversible for N(m, L L^T).

    z, eps: (chains, d). mean: (d,). chol: L, (d, d), lower triangular. step: in (0, 1]. Returns (chains, d).
    Cotter, Roberts, Stuart & White (2013); chapter 7.
    """
    return mean + math.sqrt(1 - step**2) * (z - mean) + step * eps @ chol.T


def _proposal(z: Tensor, mean: Tensor, chol: Tensor, step: float, eps: Tensor, *, center: str, noise: str) -> Tensor:
    root = math.sqrt(1 - step**2)
    kept = {
        "right": mean + root * (z - mean),
        "no mean": root * z,
        "mean added": mean + root * z,
        "mean not added": root * (z - mean),
        "noise around": mean * (1 - step) + root * z,
    }[center]
    shaped = {
        "factor": eps @ chol.T,
        "covariance": eps @ chol @ chol.T,
        "plain": eps,
    }[noise]
    return kept + step * shaped


def _other_move(kept: str, noise: str, remark: str) -> Faulty:
    """Other weights of the deviation and of the noise."""

    def function(z: Tensor, mean: Tensor, chol: Tensor, step: float, eps: Tensor) -> Tensor:
        root = math.sqrt(1 - step**2)
        weights = {"root": root, "all": 1.0, "one minus step": 1 - step, "step": step, "no root": 1 - step**2,
                   "squared": step**2, "minus": -step, "one": 1.0, "none": 0.0}  # fmt: skip
        return mean + weights[kept] * (z - mean) + weights[noise] * eps @ chol.T

    return Faulty((), function, remark)


def _draw_prior(rng: np.random.Generator) -> Inputs:
    """A mean away from 0 and a factor that is far from diagonal and from its own square."""
    chains, d = draw_sizes(rng, 2)
    chol = np.tril(0.8 * away_from_zero(rng, d, d), k=-1) + np.diag(rng.choice([0.5, 1.8], size=d))
    return {
        "z": away_from_zero(rng, chains, d),
        "mean": 1.5 * away_from_zero(rng, d),
        "chol": chol,
        "step": draw_step(rng),
        "eps": away_from_zero(rng, chains, d),
    }


GENERAL_PRIOR_PROPOSAL = Exercise(
    name="general_prior_proposal",
    chapter=7,
    returns="one proposal for each chain, of shape (chains, d)",
    draw=_draw_prior,
    examples=(
        {
            "z": np.array([[3.0, 1.0]]),
            "mean": np.array([2.0, 0.0]),
            "chol": np.array([[1.0, 0.0], [1.0, 2.0]]),
            "step": 0.6,
            "eps": np.array([[1.0, 1.0]]),
        },
        {
            "z": np.array([[1.0], [2.0]]),
            "mean": np.array([1.0]),
            "chol": np.array([[2.0]]),
            "step": 0.8,
            "eps": np.array([[1.0], [0.0]]),
        },
    ),
    reference=general_prior_proposal,
    slips={
        "not_centered": Slip(
            "It does not shrink z towards the prior's mean.",
            "Your proposal does not shrink `z` towards the prior's mean. It is the deviation from the mean that "
            "shrinks: a chain that stands at the mean, with `eps` = 0, must stay there.",
        ),
        "covariance_for_cholesky": Slip(
            "It multiplies the noise by the covariance instead of its Cholesky factor.",
            "You multiplied the noise by the covariance. Noise multiplied by a matrix A has the covariance A A^T, so "
            "yours would have the square of C. What must A be for A A^T = C?",
        ),
        "noise_not_shaped": Slip(
            "Its noise has covariance I instead of the prior's.",
            "Your noise is the same in all directions. It has to refill what the shrinking takes away, and the prior "
            "is wide in some directions and narrow in others: the noise must have the prior's covariance.",
        ),
    },
    faulty=(
        *faulty_family(
            _proposal,
            center={
                "right": None,
                "no mean": "not_centered",
                "mean added": "not_centered",
                "mean not added": "not_centered",
                "noise around": "not_centered",
            },
            noise={"factor": None, "covariance": "covariance_for_cholesky", "plain": "noise_not_shaped"},
        ),
        Faulty(
            (),
            lambda z, mean, chol, step, eps: mean + math.sqrt(1 - step**2) * (z - mean) + step * eps @ chol,
            remark="You multiplied each row of `eps` by `chol` from the right, which is the transposed factor: the "
            "covariance is L^T L then, and not L L^T.",
        ),
        Faulty(
            (),
            lambda z, mean, chol, step, eps: mean + math.sqrt(1 - step**2) * (z - mean) + step * eps * chol.diagonal(),
            remark="You used the diagonal of `chol` alone, so that the latents' noise is independent.",
        ),
        Faulty(
            (),
            lambda z, mean, chol, step, eps: (
                mean
                + math.sqrt(1 - step**2) * (z - mean)
                + step * torch.linalg.solve_triangular(chol, eps.T, upper=False).T
            ),
            remark="You divided by the factor. That makes noise of the inverse covariance.",
        ),
        Faulty(
            (),
            lambda z, mean, chol, step, eps: mean + math.sqrt(1 - step**2) * (z - mean) @ chol.T + step * eps @ chol.T,
            remark="You multiplied the deviation by the factor too. It has the prior's shape already.",
        ),
        _other_move("all", "step", "You kept the whole of `z`, as the random walk does. The deviation must shrink."),
        _other_move("one minus step", "step", "You shrink by 1 - step. The squares of the weights must add up to 1."),
        _other_move("no root", "step", "The root is missing: the SQUARES of the two weights must add up to 1."),
        _other_move("step", "root", "You swapped the two weights."),
        _other_move("root", "squared", "You weighted the noise by the square of the step."),
        _other_move("root", "one", "The noise is not weighted by the step."),
        _other_move("root", "none", "There is no noise in it, so that every chain shrinks to the mean."),
        _other_move(
            "root",
            "minus",
            "You subtracted the noise. That has the same distribution, but asked is the sum.",
        ),
    ),
    hints=(
        r"A draw from $\mathcal{N}(m, C)$ can be written as $m + L y$ with $y$ from $\mathcal{N}(0, I)$. What does "
        "plain pCN do to $y$, and what does $z$ do then?",
        r"$z' = m + \sqrt{1 - b^2}\, (z - m) + b L \varepsilon$.",
        "`mean`, plus `math.sqrt(1 - step**2)` times `z - mean`, plus `step` times `eps @ chol.T`: with a chain in "
        "each row, the factor comes from the right, transposed.",
    ),
    praise="Plain pCN in the coordinates in which the prior is N(0, I).",
)
