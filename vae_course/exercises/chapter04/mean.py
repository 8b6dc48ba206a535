"""Exercise of chapter 4: the mean of a class, which is the mean of its images' means."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.base import Exercise, Faulty, Slip, faulty_family
from vae_course.exercises.chapter04.draws import draw_class


def class_mean(mu: Tensor, logvar: Tensor) -> Tensor:
    """Mean of z given the class: of the mixture, in equal parts, of the posteriors of its images.

    mu, logvar: (n, latent_dim), of the images of one class. Returns (latent_dim,). The mean of a mixture is the mean
    of its components' means (law of total expectation); chapter 4.
    """
    return mu.mean(dim=0)


def _class_mean(mu: Tensor, logvar: Tensor, *, weights: str, over: str) -> Tensor:
    dim = {"images": 0, "latents": 1}[over]
    weight = {"equal": torch.ones_like(mu), "precision": (-logvar).exp()}[weights]
    return (weight * mu).sum(dim=dim) / weight.sum(dim=dim)


CLASS_MEAN = Exercise(
    name="class_mean",
    chapter=4,
    returns="one number for each latent, of shape (latent_dim,)",
    draw=draw_class,
    examples=(
        {
            "mu": np.array([[0.0, 0.0], [2.0, 4.0], [4.0, -1.0]]),
            "logvar": np.array([[0.0, 0.0], [0.0, 1.0], [2.0, -1.0]]),
        },
    ),
    reference=class_mean,
    slips={
        "precision_weighted": Slip(
            "It weights each image by one over its variance.",
            "You weighted each image by one over its variance. That combines several measurements of ONE quantity, but "
            "these images are different things, each with a code of its own. To draw from the class, pick an image, "
            "all of them equally likely, then draw from its Gaussian: does the Gaussian's width change how often it is "
            "picked?",
        ),
        "wrong_axis": Slip(
            "It averages over the latents instead of the images.",
            "You averaged over the latents, which leaves one number for each image. Latents are different coordinates, "
            "which are not to be mixed; the class has one mean in the latent space, with one number for each latent. "
            "Which axis runs over the images?",
        ),
    },
    faulty=(
        *faulty_family(
            _class_mean,
            weights={"equal": None, "precision": "precision_weighted"},
            over={"images": None, "latents": "wrong_axis"},
        ),
        Faulty(
            (),
            lambda mu, logvar: mu.sum(dim=0),
            remark="You added up the means of the images and did not divide by how many they are.",
        ),
        Faulty(
            (),
            lambda mu, logvar: mu.mean(),
            remark="You averaged over everything at once. Keep one number for each latent.",
        ),
        Faulty(
            (),
            lambda mu, logvar: mu.median(dim=0).values,
            remark="That is the median. The mean of a mixture is an average, in which each image counts.",
        ),
        Faulty(
            (),
            lambda mu, logvar: (mu * (-logvar / 2).exp()).sum(dim=0) / (-logvar / 2).exp().sum(dim=0),
            remark="You weighted each image by one over its standard deviation. Every image of the class is as likely "
            "as the others, however wide its Gaussian is.",
        ),
        Faulty(
            (),
            lambda mu, logvar: (mu * logvar.exp()).sum(dim=0) / logvar.exp().sum(dim=0),
            remark="You weighted each image by its variance. Every image of the class is as likely as the others, "
            "however wide its Gaussian is.",
        ),
        Faulty(
            (),
            lambda mu, logvar: torch.stack([mu.mean(dim=0), logvar.exp().mean(dim=0)]),
            remark="You returned a mean and a variance. Only the mean is asked for here; the spread is the next "
            "exercise.",
        ),
        Faulty(
            (),
            lambda mu, logvar: (mu + (logvar / 2).exp()).mean(dim=0),
            remark="You added the standard deviations to the means. A Gaussian spreads as far below its mean as above "
            "it, so its width does not move the average.",
        ),
        Faulty(
            (),
            lambda mu, logvar: (mu + logvar.exp()).mean(dim=0),
            remark="You added the variances to the means. A Gaussian spreads as far below its mean as above it, so "
            "its width does not move the average.",
        ),
    ),
    hints=(
        "To draw a z of this class, pick one of its images at random, then draw from that image's Gaussian. What do "
        "you get on average, if you do it many times?",
        r"$\mathrm{E}[z] = \frac{1}{n} \sum_i \mathrm{E}[z \mid x_i] = \frac{1}{n} \sum_i \mu_i$: the law of total "
        "expectation.",
        "The average of `mu` along `dim=0` (`axis=0` in NumPy), which runs over the images; `logvar` is not needed.",
    ),
    praise="The mean of a mixture is the mean of the means. The variances do not enter.",
)
