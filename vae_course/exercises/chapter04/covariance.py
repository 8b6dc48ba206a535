"""Exercise of chapter 4: the covariance of a class, by the law of total covariance."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.base import Exercise, Faulty, Slip, faulty_family
from vae_course.exercises.chapter04.draws import draw_class


def class_covariance(mu: Tensor, logvar: Tensor) -> Tensor:
    """Covariance of z given the class: of the mixture, in equal parts, of the posteriors of its images.

    mu, logvar: (n, latent_dim), of the images of one class. Returns (latent_dim, latent_dim): the mean of
    Lambda + mu mu^T minus mean(mu) mean(mu)^T, where Lambda is the diagonal matrix of a posterior's variances; that
    is the mean covariance within images plus the covariance between their means (law of total covariance); chapter 4.
    """
    centered = mu - mu.mean(dim=0)
    return torch.diag(logvar.exp().mean(dim=0)) + centered.T @ centered / len(mu)


def _class_covariance(mu: Tensor, logvar: Tensor, *, within: str, between: str) -> Tensor:
    n, mean = len(mu), mu.mean(dim=0)
    second_moment = mu.T @ mu / n
    covariance = second_moment - torch.outer(mean, mean)
    diagonal = {
        "variance": lambda: logvar.exp().mean(dim=0),
        "unbiased": lambda: logvar.exp().sum(dim=0) / (n - 1),
        "std": lambda: (logvar / 2).exp().mean(dim=0),
        "root of variance": lambda: logvar.exp().mean(dim=0).sqrt(),
        "logvar": lambda: logvar.mean(dim=0),
        "none": lambda: torch.zeros_like(mean),
    }[within]()
    of_means = {
        "covariance": lambda: covariance,
        "unbiased": lambda: covariance * n / (n - 1),
        "second moment": lambda: second_moment,
        "minus row": lambda: second_moment - mean**2,
        "minus column": lambda: second_moment - (mean**2)[:, None],
        "minus diagonal": lambda: second_moment - torch.diag(mean**2),
        "none": lambda: torch.zeros_like(covariance),
    }[between]()
    return torch.diag(diagonal) + of_means


def _variances(mu: Tensor, logvar: Tensor, *, correction: int = 0) -> Tensor:
    return logvar.exp().mean(dim=0) + mu.var(dim=0, correction=correction)


_VARIANCES_ALONE = (
    "You have the variance of each latent. A covariance matrix says as well how every two latents go together."
)
_DIAGONAL_ALONE = (
    "Your matrix has the right diagonal and zeros beside it. Each image's Gaussian is diagonal, but the means of "
    "different latents can rise and fall together, which makes the class covariance a full matrix."
)
_VARIANCES_EVERYWHERE = (
    "You added the posterior variances to every row of the matrix. Within an image the latents are independent, so "
    "that their variances belong on the diagonal alone."
)
_GEOMETRIC = (
    "You averaged the log-variances and took exp afterwards. The mean is to be taken over the variances themselves; "
    "exp of a mean is less than the mean of exp."
)

CLASS_COVARIANCE = Exercise(
    name="class_covariance",
    chapter=4,
    returns="one matrix of shape (latent_dim, latent_dim)",
    draw=draw_class,
    examples=(
        {
            "mu": np.array([[1.0, 0.0], [3.0, 2.0], [2.0, 4.0]]),
            "logvar": np.array([[0.0, 0.0], [0.0, 1.0], [1.0, -1.0]]),
        },
    ),
    reference=class_covariance,
    slips={
        "between_only": Slip(
            "It leaves out the variances of the posteriors.",
            "Your matrix is the spread of the means alone. A draw from the class differs from the class mean "
            "for two reasons: its image is another one, and z is drawn from that image's Gaussian, not placed at its "
            "mean. Which argument tells of the second?",
        ),
        "within_only": Slip(
            "It leaves out the spread of the means.",
            "You averaged the posterior variances and stopped there. That would be the whole spread if all images had "
            "the same mean; but the means lie apart, and that spreads the class as well.",
        ),
        "std_on_diagonal": Slip(
            "It puts standard deviations where variances belong.",
            "You put standard deviations on the diagonal. A covariance matrix holds variances there, in units of z "
            "squared, and only variances add up. What is `logvar` the logarithm of?",
        ),
        "logvar_on_diagonal": Slip(
            "It puts log-variances where variances belong.",
            "You put the log-variances themselves on the diagonal. They can be below 0, which no variance can be. "
            "Turn them into variances before you average.",
        ),
        "elementwise_square": Slip(
            "It subtracts the squares of the mean's entries instead of the outer product.",
            "You subtracted the squares of the mean's entries, a vector. What is to be subtracted is a matrix, whose "
            "entry (j, k) is the product of means j and k. A covariance matrix is symmetric, and 0 beside the "
            "diagonal where two latents have nothing to do with each other: is yours?",
        ),
        "unbiased_divisor": Slip(
            "It divides by n - 1 where it should divide by n.",
            "You divided by n - 1 somewhere. That corrects an estimate from a sample of something larger; but here the "
            "mixture IS these n Gaussians, each with weight 1/n, and its covariance is an average, not an estimate.",
        ),
        "not_centered": Slip(
            "It does not subtract the product of the means.",
            "Your matrix is the second moment, measured from the origin. A covariance is measured from the mean: it "
            "must not change when all means are shifted by the same vector.",
        ),
    },
    faulty=(
        # to leave out both parts gives zeros, which is none of the two slips
        *(
            fault
            for fault in faulty_family(
                _class_covariance,
                within={
                    "variance": None,
                    "unbiased": "unbiased_divisor",
                    "std": "std_on_diagonal",
                    "root of variance": "std_on_diagonal",
                    "logvar": "logvar_on_diagonal",
                    "none": "between_only",
                },
                between={
                    "covariance": None,
                    "unbiased": "unbiased_divisor",
                    "second moment": "not_centered",
                    "minus row": "elementwise_square",
                    "minus column": "elementwise_square",
                    "minus diagonal": "elementwise_square",
                    "none": "within_only",
                },
            )
            if set(fault.slips) != {"between_only", "within_only"}
        ),
        Faulty((), _variances, remark=_VARIANCES_ALONE),
        Faulty((), partial(_variances, correction=1), remark=_VARIANCES_ALONE),
        Faulty((), lambda mu, logvar: torch.diag(_variances(mu, logvar, correction=1)), remark=_DIAGONAL_ALONE),
        Faulty((), lambda mu, logvar: torch.diag(_variances(mu, logvar)), remark=_DIAGONAL_ALONE),
        Faulty(
            (),
            lambda mu, logvar: logvar.exp().mean(dim=0) + torch.cov(mu.T, correction=0),
            remark=_VARIANCES_EVERYWHERE,
        ),
        Faulty((), lambda mu, logvar: logvar.exp().mean(dim=0) + torch.cov(mu.T), remark=_VARIANCES_EVERYWHERE),
        Faulty(
            (),
            lambda mu, logvar: torch.diag(logvar.mean(dim=0).exp()) + torch.cov(mu.T, correction=0),
            remark=_GEOMETRIC,
        ),
        Faulty((), lambda mu, logvar: torch.diag(logvar.mean(dim=0).exp()) + torch.cov(mu.T), remark=_GEOMETRIC),
        Faulty(
            (),
            lambda mu, logvar: len(mu) * class_covariance(mu, logvar),
            remark="You added up over the images and did not divide by how many they are.",
        ),
        Faulty(
            (),
            lambda mu, logvar: torch.diag((2 * logvar).exp().mean(dim=0)) + torch.cov(mu.T, correction=0),
            remark="You squared the variances. exp(logvar) is the variance already.",
        ),
        Faulty(
            (),
            lambda mu, logvar: torch.diag(logvar.exp().sum(dim=0)) + torch.cov(mu.T, correction=0),
            remark="You added up the posterior variances and did not divide by the number of images.",
        ),
        Faulty(
            (),
            lambda mu, logvar: torch.diag(logvar.exp().mean(dim=0)) - torch.cov(mu.T, correction=0),
            remark="The two parts are to be added: yours has the spread of the means with a minus sign.",
        ),
        Faulty(
            (),
            lambda mu, logvar: torch.cov(mu),
            remark="Your matrix compares images with images. Compare latents with latents: NumPy and PyTorch take "
            "each ROW as one variable.",
        ),
        Faulty(
            (),
            lambda mu, logvar: torch.corrcoef(mu.T),
            remark="That is a matrix of correlations: each covariance was divided by two standard deviations.",
        ),
    ),
    hints=(
        "There are two reasons why draws from a class differ: they come from different images, and each image's "
        "Gaussian has a width. Find a matrix for each, then add.",
        r"$\mathrm{Cov}[z] = \frac{1}{n} \sum_i (\Lambda_i + \mu_i \mu_i^T) - \bar\mu \bar\mu^T$ with "
        r"$\Lambda_i = \mathrm{diag}(\exp(\mathrm{logvar}_i))$ and $\bar\mu = \frac{1}{n} \sum_i \mu_i$.",
        "Subtract the class mean from `mu`; the matrix product of the transposed result with itself, divided by n, "
        "is the spread of the means. Add a diagonal matrix made of the mean of `logvar.exp()` along `dim=0`.",
    ),
    praise="The mean covariance within images plus the covariance of their means: the law of total covariance.",
)
