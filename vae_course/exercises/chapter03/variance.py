"""The exercise of chapter 3 on how far a latent is spread over the data: the law of total variance."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.base import Exercise, Faulty, Slip, faulty_family
from vae_course.exercises.chapter01.draws import draw_posterior
from vae_course.latent import aggregate_variance


def _aggregate_variance(mu: Tensor, logvar: Tensor, *, between: str, within: str) -> Tensor:
    n = len(mu)
    betweens = {
        "over n": mu.var(dim=0, correction=0),
        "over n - 1": mu.var(dim=0, correction=1),
        "none": torch.zeros_like(mu[0]),
    }
    withins = {
        "variance": logvar.exp().mean(dim=0),
        "over n - 1": logvar.exp().sum(dim=0) / (n - 1),
        "logvar": logvar.mean(dim=0),
        "none": torch.zeros_like(mu[0]),
    }
    return betweens[between] + withins[within]


_AGGREGATE_FAMILY = faulty_family(
    _aggregate_variance,
    between={"over n": None, "over n - 1": "unbiased_divisor", "none": "within_only"},
    within={"variance": None, "over n - 1": "unbiased_divisor", "logvar": "logvar_as_variance", "none": "between_only"},
)


def _full_covariance(mu: Tensor, logvar: Tensor, *, correction: int) -> Tensor:
    return logvar.exp().mean(dim=0).diag() + torch.cov(mu.T, correction=correction)


_AGGREGATE_REMARKS: tuple[tuple[Callable[[Tensor, Tensor], Tensor], str], ...] = (
    (
        lambda mu, logvar: aggregate_variance(mu, logvar).sqrt(),
        "You gave the standard deviation. Wanted is the variance, its square.",
    ),
    (
        lambda mu, logvar: logvar.exp().sum(dim=0) + mu.var(dim=0, correction=0),
        "You added up the posteriors' variances. The aggregate is a mixture of the images, so average them.",
    ),
    (
        lambda mu, logvar: (logvar.exp() + (mu - mu.mean(dim=0)) ** 2).sum(dim=0),
        "You added up over the images. Average: the variance must not grow when the same images are given twice.",
    ),
    (
        lambda mu, logvar: (0.5 * logvar).exp().mean(dim=0) + mu.var(dim=0, correction=0),
        "Your posteriors' share averages standard deviations. Variances add up, standard deviations do not.",
    ),
    (
        lambda mu, logvar: (0.5 * logvar).exp().mean(dim=0) ** 2 + mu.var(dim=0, correction=0),
        "You squared the mean of the standard deviations. The mean of their squares is larger.",
    ),
    (
        lambda mu, logvar: logvar.mean(dim=0).exp() + mu.var(dim=0, correction=0),
        "You averaged the log-variances and then took exp. Average the variances themselves: exp comes first.",
    ),
    (
        lambda mu, logvar: (2 * logvar).exp().mean(dim=0) + mu.var(dim=0, correction=0),
        "You squared the variances: `logvar` is the logarithm of the variance, not of the standard deviation.",
    ),
    (
        lambda mu, logvar: (-logvar).exp().mean(dim=0) + mu.var(dim=0, correction=0),
        "The sign in your exponent is turned round: a larger log-variance must give a larger variance.",
    ),
    (
        lambda mu, logvar: logvar.exp().mean(dim=0) + mu.std(dim=0, correction=0),
        "Your share of the means is a standard deviation. Variances add up, standard deviations do not.",
    ),
    (
        lambda mu, logvar: logvar.exp().mean(dim=0) + (mu**2).mean(dim=0),
        "You took the mean of mu squared. That is the spread around 0; a variance is the spread around the mean.",
    ),
    (
        lambda mu, logvar: logvar.exp().mean(dim=0) + mu.mean(dim=0) ** 2,
        "You added the square of the mean. It is to be taken away, from the mean of the squares.",
    ),
    (
        lambda mu, logvar: logvar.exp() + mu.var(dim=0, correction=0),
        "The posteriors' variances are not averaged: you have one number for each image and latent.",
    ),
    *(
        (
            lambda mu, logvar, correction=correction: logvar.exp().mean(dim=1) + mu.var(dim=1, correction=correction),
            "You took mean and variance over the latents, for each image. Take them over the images, for each latent.",
        )
        for correction in (0, 1)
    ),
    (
        lambda mu, logvar: aggregate_variance(mu, logvar).mean(),
        "You averaged over the latents at the end. Keep one number for each latent.",
    ),
    (
        lambda mu, logvar: aggregate_variance(mu, logvar).sum(),
        "You added up the latents at the end. Keep one number for each latent.",
    ),
    (
        lambda mu, logvar: logvar.exp().mean() + mu.var(correction=0),
        "You took mean and variance over all numbers at once. Keep one number for each latent.",
    ),
    *(
        (
            partial(_full_covariance, correction=correction),
            "You gave a covariance matrix. Wanted are the latents' variances alone.",
        )
        for correction in (0, 1)
    ),
)

AGGREGATE_VARIANCE = Exercise(
    name="aggregate_variance",
    chapter=3,
    returns="one variance for each latent, of shape (d,)",
    draw=draw_posterior,
    examples=(
        {
            "mu": np.array([[1.0, 0.0], [-1.0, 3.0], [0.0, 3.0]]),
            "logvar": np.array([[0.0, 0.0], [0.0, -2.0], [0.0, 1.0]]),
        },
    ),
    reference=aggregate_variance,
    slips={
        "between_only": Slip(
            "It gives the variance of the means and leaves out the posteriors' own variances.",
            "You have the spread of the means over the images. A code is drawn around its mean, and this noise "
            "spreads the codes further: one share is missing.",
        ),
        "within_only": Slip(
            "It gives the mean of the posteriors' variances and leaves out the spread of the means.",
            "You have the mean width of one image's posterior. The images also lie in different places, and for a "
            "latent that codes something this share is the larger one.",
        ),
        "logvar_as_variance": Slip(
            "It averages logvar itself where the variance belongs.",
            "You averaged `logvar` itself. It is the logarithm of the variance, mostly below 0 for a useful latent, "
            "and no variance can be. What undoes a logarithm?",
        ),
        "unbiased_divisor": Slip(
            "It divides by n - 1 where it should divide by n.",
            "You divided by n - 1. That estimates the variance of a population from a sample; here the n images are "
            "the whole mixture, each with weight 1/n. Look up which divisor your library takes by default.",
        ),
    },
    faulty=(
        # nothing plus nothing is a constant 0, which is not two slips but no answer
        *(fault for fault in _AGGREGATE_FAMILY if set(fault.slips) != {"within_only", "between_only"}),
        *(Faulty((), function, remark=remark) for function, remark in _AGGREGATE_REMARKS),
    ),
    hints=(
        "Draw an image at random, then a code from its posterior. Two things make the code vary: which image it was, "
        "and the noise around that image's mean.",
        r"$\mathrm{Var}(z_j) = \frac{1}{n} \sum_i \sigma_{ij}^2 + \frac{1}{n} \sum_i (\mu_{ij} - \bar\mu_j)^2$, with "
        r"$\bar\mu_j$ the mean of $\mu_{ij}$ over the images.",
        "Add `logvar.exp().mean(dim=0)` to the variance of `mu` along the same axis, with divisor n "
        "(`correction=0` in PyTorch; NumPy's default).",
    ),
    praise="Mean of the variances plus variance of the means. The two shares tell noise from information.",
)
