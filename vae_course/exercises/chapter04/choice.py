"""Exercise of chapter 4: a mixture chooses one of its components, a sum adds them all."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from vae_course.exercises.base import Exercise, Faulty, Inputs, Slip
from vae_course.exercises.chapter04.draws import away_from_zero


def mixture_or_sum(means: Tensor, variances: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of the mixture, in equal parts, of one-dimensional distributions.

    means, variances: (components,). Returns two scalars: the mean of the means, and the mean of the variances plus
    the variance of the means (law of total variance); chapter 4.
    """
    return means.mean(), variances.mean() + means.var(correction=0)


def _with_variance(remark: str, variance: str, mean: str = "mean") -> Faulty:
    def function(means: Tensor, variances: Tensor) -> tuple[Tensor, Tensor]:
        spread, n = means.var(correction=0), len(means)
        value = {
            "right": lambda: variances.mean() + spread,
            "std": lambda: (variances.mean() + spread).sqrt(),
            "unbiased": lambda: variances.mean() + means.var(),
            "second moment": lambda: (variances + means**2).mean(),
            "means alone": lambda: spread,
            "unbiased means alone": lambda: means.var(),
            "sum": lambda: variances.sum(),
            "sum and spread": lambda: variances.sum() + spread,
            "average of variables": lambda: variances.sum() / n**2,
            "squared": lambda: (variances**2).mean() + spread,
            "rooted": lambda: variances.sqrt().mean() + spread,
            "mean of squares": lambda: variances.mean() + (means**2).mean() - means.mean(),
            "precision": lambda: 1 / (1 / variances).sum(),
        }[variance]()
        average = {
            "mean": lambda: means.mean(),
            "sum": lambda: means.sum(),
            "precision": lambda: (means / variances).sum() / (1 / variances).sum(),
        }[mean]()
        return average, value

    return Faulty((), function, remark)


def _draw_mixture(rng: np.random.Generator) -> Inputs:
    """Components that lie apart by about as much as they are wide, around a centre that is not 0."""
    n = int(rng.integers(3, 8))
    center = 3 * away_from_zero(rng, 1)
    return {"means": center + rng.normal(scale=1.5, size=n), "variances": rng.uniform(0.3, 3.0, size=n)}


_MEANS_ALONE = (
    "Your variance is that of the means alone. Each component has a width of its own, which spreads the mixture too."
)

MIXTURE_OR_SUM = Exercise(
    name="mixture_or_sum",
    chapter=4,
    returns="two numbers, the mean and the variance",
    draw=_draw_mixture,
    examples=(
        {"means": np.array([0.0, 4.0]), "variances": np.array([1.0, 1.0])},
        {"means": np.array([1.0, 1.0, 4.0]), "variances": np.array([2.0, 1.0, 3.0])},
    ),
    reference=mixture_or_sum,
    slips={
        "sum_of_variables": Slip(
            "It gives the mean and variance of the sum of the variables.",
            "You gave the mean and variance of a SUM of variables, one drawn from each component and all added "
            "up. A draw from the mixture is no sum: one component is chosen at random, and the draw comes from that "
            "one alone.",
        ),
        "average_of_variables": Slip(
            "It gives the variance of the average of the variables.",
            "You gave the variance of the AVERAGE of variables, one drawn from each component. In an average their "
            "deviations cancel; in the mixture one component is chosen and nothing cancels. The mean is the same for "
            "both, but a mixture of far-off components must be wide.",
        ),
        "ignores_means": Slip(
            "Its variance leaves out how far apart the means are.",
            "Your variance is the average of the variances, wherever the means lie. Move one component far away: the "
            "draws spread over a longer range. What does the distance of the means add?",
        ),
    },
    faulty=(
        Faulty(("sum_of_variables",), lambda means, variances: (means.sum(), variances.sum())),
        Faulty(("average_of_variables",), lambda means, variances: (means.mean(), variances.sum() / len(means) ** 2)),
        Faulty(("ignores_means",), lambda means, variances: (means.mean(), variances.mean())),
        _with_variance("Your mean is right. For the variance you added the variances up, as for a sum.", "sum"),
        _with_variance(
            "You added the variances up, as for a sum. Average them: one component is chosen at a time.",
            "sum and spread",
        ),
        _with_variance(
            "Your variance is right, but the mean is a sum: divide it by the number of components.", "right", "sum"
        ),
        _with_variance("Your second number is a standard deviation. The variance is asked for.", "std"),
        _with_variance(
            "You divided the spread of the means by one less than their number. That corrects an estimate from a "
            "sample; these means ARE the mixture, each with the same weight.",
            "unbiased",
        ),
        _with_variance(
            "Your second number is the second moment, measured from 0. The variance is measured from the mean.",
            "second moment",
        ),
        _with_variance(_MEANS_ALONE, "means alone"),
        _with_variance(_MEANS_ALONE, "unbiased means alone"),
        _with_variance("You squared the variances. They are variances already, no standard deviations.", "squared"),
        _with_variance("You took the root of the variances. Variances are what adds up here.", "rooted"),
        _with_variance("You subtracted the mean where its square belongs.", "mean of squares"),
        _with_variance(
            "You multiplied the densities, as if all components had to be true of one value. In a mixture a draw "
            "comes from one of them.",
            "precision",
            "precision",
        ),
        Faulty(
            (),
            lambda means, variances: (variances.mean() + means.var(correction=0), means.mean()),
            remark="The two numbers are in the wrong order: first the mean, then the variance.",
        ),
    ),
    hints=(
        "Draw from the mixture in two steps: choose a component at random, then draw from it. Which of the two "
        "steps makes the draws differ, and by how much?",
        r"$\mathrm{E}[z] = \bar\mu = \frac{1}{n} \sum_i \mu_i$ and $\mathrm{Var}[z] = \frac{1}{n} \sum_i (\sigma_i^2 "
        r"+ \mu_i^2) - \bar\mu^2$.",
        "The mean of `means`; and the mean of `variances` plus the mean of `(means - means.mean())**2`. Return both.",
    ),
    praise="A mixture chooses, a sum adds: its variance holds the mean variance and the spread of the means.",
)
