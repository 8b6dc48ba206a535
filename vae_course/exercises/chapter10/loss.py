"""Exercise of chapter 10: the loss of a beta-VAE."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.base import Exercise, Faulty, Inputs, Slip
from vae_course.exercises.chapter04.draws import draw_sizes


def beta_loss(nll: Tensor, kl: Tensor, beta: float) -> Tensor:
    """The loss of a beta-VAE: nll + beta kl, in nats per image, averaged over the batch.

    nll, kl: (batch,). beta: 0 or above. Returns a scalar. Higgins et al. (2017); chapter 10.
    """
    return (nll + beta * kl).mean()


def _weighted(
    nll_weight: str, kl_weight: str, *slips: str, remark: str = "", over: tuple[str, ...] = ("mean", "sum", "none")
) -> tuple[Faulty, ...]:
    """Other weights of the two terms, averaged over the batch or not."""

    def make(reduction: str) -> Faulty:
        def function(nll: Tensor, kl: Tensor, beta: float) -> Tensor:
            weights = {
                "none": 0.0,
                "one": 1.0,
                "minus one": -1.0,
                "beta": beta,
                "minus beta": -beta,
                "beta squared": beta**2,
                "one over beta": 1 / beta,
                "one minus beta": 1 - beta,
                "one plus beta": 1 + beta,
            }
            values = weights[nll_weight] * nll + weights[kl_weight] * kl
            return {"mean": values.mean(), "sum": values.sum(), "none": values}[reduction]

        return Faulty(slips, function, remark)

    return tuple(make(reduction) for reduction in over)


def _draw_terms(rng: np.random.Generator) -> Inputs:
    """Terms of about the same size, so that each weight shows, and a beta far from 1."""
    batch, _ = draw_sizes(rng, 2)
    beta = rng.uniform(0.2, 0.4) if rng.random() < 0.5 else rng.uniform(2.5, 4.0)
    return {
        "nll": rng.uniform(1.0, 4.0, size=batch),
        "kl": rng.uniform(1.0, 4.0, size=batch),
        "beta": round(float(beta), 3),
    }


_MEAN = ("mean",)

BETA_LOSS = Exercise(
    name="beta_loss",
    chapter=10,
    returns="one number, the mean over the batch",
    draw=_draw_terms,
    examples=(
        {"nll": np.array([2.0, 4.0]), "kl": np.array([1.0, 3.0]), "beta": 4.0},
        {"nll": np.array([3.0, 5.0, 4.0]), "kl": np.array([2.0, 0.0, 1.0]), "beta": 0.5},
    ),
    reference=beta_loss,
    slips={
        "beta_on_nll": Slip(
            "It multiplies the reconstruction term by beta instead of the KL.",
            "You put beta on the reconstruction term. Beta is the price of a nat of KL: with a large one the codes "
            "must come close to the prior, with 0 they cost nothing. Yours does the opposite.",
        ),
        "beta_twice": Slip(
            "Beta multiplies more than the KL once.",
            "Beta enters twice: on both terms, or on one of them as a square. With the same factor on both, the two "
            "are weighed against each other as if there were no beta. Which term is it the price of?",
        ),
    },
    faulty=(
        *_weighted("beta", "one", "beta_on_nll"),
        *_weighted("beta", "beta", "beta_twice"),
        *_weighted("one", "beta squared", "beta_twice"),
        *_weighted("beta", "beta squared", "beta_twice"),
        *_weighted("beta squared", "one", "beta_on_nll", "beta_twice"),
        *_weighted("beta squared", "beta", "beta_on_nll", "beta_twice"),
        *_weighted("one", "beta", remark="You added up over the batch. Average, as in chapter 1.", over=("sum",)),
        *_weighted("one", "beta", remark="You have the loss of each image. Average them at the end.", over=("none",)),
        *_weighted("one", "one", remark="Beta has no part in your result: that is the negative ELBO.", over=_MEAN),
        *_weighted(
            "one",
            "one over beta",
            remark="You divided the KL by beta. A larger beta must make the KL cost more.",
            over=_MEAN,
        ),
        *_weighted(
            "one over beta",
            "one",
            remark="That is the right loss divided by beta. It is the lowest at the same weights of the network, but "
            "asked is the loss in which the reconstruction term keeps its weight of 1.",
            over=_MEAN,
        ),
        *_weighted(
            "one minus beta",
            "beta",
            remark="You weighted the terms by 1 - beta and beta. Beta may be above 1, and the reconstruction term "
            "keeps its weight of 1.",
            over=_MEAN,
        ),
        *_weighted(
            "one",
            "one plus beta",
            remark="You added beta times the KL to a loss that holds the KL already. Beta is its whole weight.",
            over=_MEAN,
        ),
        *_weighted("one", "minus beta", remark="You subtracted the KL. Both terms are costs.", over=_MEAN),
        *_weighted("none", "beta", remark="The reconstruction term is missing.", over=_MEAN),
        *_weighted("one", "none", remark="The KL is missing.", over=_MEAN),
        Faulty(
            (),
            lambda nll, kl, beta: (nll + kl).mean() + beta,
            remark="You added beta itself. It is a factor, of the KL.",
        ),
        Faulty(
            (),
            lambda nll, kl, beta: nll.mean() + beta * kl.sum(),
            remark="You averaged the reconstruction term and added up the KL, which then weighs more the larger the "
            "batch is. Average both.",
        ),
        Faulty(
            (),
            lambda nll, kl, beta: nll.sum() + beta * kl.mean(),
            remark="You added up the reconstruction term and averaged the KL, which then weighs less the larger the "
            "batch is. Average both.",
        ),
        Faulty(
            (),
            lambda nll, kl, beta: torch.stack([nll.mean(), beta * kl.mean()]),
            remark="You have the two terms. The loss is their sum.",
        ),
    ),
    hints=(
        "With beta = 1 it must be the negative ELBO. Which of the two terms is to cost more when beta grows?",
        r"$\frac{1}{n} \sum_i (\mathrm{nll}_i + \beta\, \mathrm{kl}_i)$, over the $n$ images of the batch.",
        "Multiply `kl` by `beta`, add `nll`, and take the mean.",
    ),
    praise="The KL at a price of beta, averaged over the batch; with beta = 1 the negative ELBO.",
)
