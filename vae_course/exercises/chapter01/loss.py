"""Exercises of chapter 1 on the loss: the KL to the prior, and the negative ELBO."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from vae_course import objectives
from vae_course.exercises.base import Exercise, Faulty, Inputs, Slip, faulty_family
from vae_course.exercises.chapter01.draws import draw_posterior

# --- kl_standard_normal ----------------------------------------------------------------------------------------


def _kl(mu: Tensor, logvar: Tensor, *, terms: str, over: str, half: bool, sign: int) -> Tensor:
    per_latent = {
        "right": lambda: mu**2 + logvar.exp() - 1 - logvar,
        "log std": lambda: mu**2 + (2 * logvar).exp() - 1 - 2 * logvar,
        "log std in the variance": lambda: mu**2 + (2 * logvar).exp() - 1 - logvar,
        "no one": lambda: mu**2 + logvar.exp() - logvar,
        "reverse": lambda: (1 + mu**2) * (-logvar).exp() - 1 + logvar,
    }[terms]()
    reduced = {
        "latents": lambda: per_latent.sum(dim=1),
        "mean of latents": lambda: per_latent.mean(dim=1),
        "batch": lambda: per_latent.sum(dim=0),
        "all": lambda: per_latent.sum(),
        "mean of images": lambda: per_latent.sum(dim=1).mean(),
        "nothing": lambda: per_latent,
    }[over]()
    return sign * (0.5 if half else 1.0) * reduced


_RIGHT_KL = {"terms": "right", "over": "latents", "half": True, "sign": 1}

KL_STANDARD_NORMAL = Exercise(
    name="kl_standard_normal",
    chapter=1,
    returns="one number for each image, of shape (batch,)",
    draw=draw_posterior,
    examples=(
        {
            "mu": np.array([[0.0, 0.0], [1.0, 0.0], [2.0, -1.0]]),
            "logvar": np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 1.0]]),
        },
    ),
    reference=objectives.kl_standard_normal,
    slips={
        "mean_over_latents": Slip(
            "It averages over the latents where it should sum.",
            "You averaged over the latents. The KL of independent latents adds up: each one's cost is paid in full. "
            "An average makes the whole term smaller by a factor of `latent_dim`, as if beta were below 1.",
        ),
        "summed_over_batch": Slip(
            "It sums over the images of the batch.",
            "You summed over the images. Each image has a Gaussian of its own and so a KL of its own; keep one number "
            "for each image. Which axis runs over the latents?",
        ),
        "missing_half": Slip(
            "The factor 1/2 is missing.",
            "The half in front is missing, so that every nat counts double. It comes from the half in the Gaussian's "
            "exponent and from the logarithm of a square root.",
        ),
        "wrong_sign": Slip(
            "The whole KL has the wrong sign.",
            "Your values have the wrong sign. A KL divergence is never below 0, and is 0 only where both "
            "distributions are the same; test yours at `mu = 1`, `logvar = 0`.",
        ),
        "std_for_logvar": Slip(
            "It reads logvar as the logarithm of the standard deviation.",
            "You read `logvar` as the logarithm of the standard deviation, so that your variance is exp(2 logvar). It "
            "is the logarithm of the variance already, and there is nothing left to square.",
        ),
        "missing_minus_one": Slip(
            "The -1 of each latent is missing.",
            "The -1 of each latent is missing. Without it a posterior equal to the prior (`mu = 0`, `logvar = 0`) "
            "would cost something; it must cost exactly 0.",
        ),
        "reverse_kl": Slip(
            "It gives KL(prior || posterior), the other way round.",
            "You computed the KL from the prior to the posterior. The two directions differ: the average is taken "
            "over the first distribution, and in the ELBO the code z is drawn from the posterior.",
        ),
    },
    faulty=(
        *faulty_family(
            _kl,
            terms={
                "right": None,
                "log std": "std_for_logvar",
                "log std in the variance": "std_for_logvar",
                "no one": "missing_minus_one",
                "reverse": "reverse_kl",
            },
            over={
                "latents": None,
                "mean of latents": "mean_over_latents",
                "batch": "summed_over_batch",
                "all": "summed_over_batch",
            },
            half={True: None, False: "missing_half"},
            sign={1: None, -1: "wrong_sign"},
        ),
        Faulty(
            (),
            lambda mu, logvar: _kl(mu, logvar, **{**_RIGHT_KL, "over": "mean of images"}),  # type: ignore[arg-type]
            remark="You averaged over the images at the end. That is right in a loss, but here each image keeps "
            "its own.",
        ),
        Faulty(
            (),
            lambda mu, logvar: _kl(mu, logvar, **{**_RIGHT_KL, "over": "nothing"}),  # type: ignore[arg-type]
            remark="You have the KL of each latent. Add them up for each image.",
        ),
        Faulty(
            (),
            lambda mu, logvar: 0.5 * ((mu**2 + logvar.exp() - logvar).sum(dim=1) - 1),
            remark="You subtract 1 once for each image. It is to be subtracted once for each latent.",
        ),
    ),
    hints=(
        "The latents are independent, so treat one at a time and add up. What is the KL of a Gaussian that equals "
        "the prior?",
        r"$\mathrm{KL} = \frac{1}{2} \sum_j (\mu_j^2 + \sigma_j^2 - 1 - \log \sigma_j^2)$, with "
        r"$\sigma_j^2 = \exp(\mathrm{logvar}_j)$.",
        "Build the bracket from `mu**2`, `logvar.exp()`, 1 and `logvar`, elementwise; then sum along `dim=1` "
        "(`axis=1` in NumPy) and halve.",
    ),
    praise="One number for each image, in nats, never below 0, and 0 only where the posterior is the prior.",
)

# --- negative_elbo ---------------------------------------------------------------------------------------------


def negative_elbo(x: Tensor, x_mean: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """Negative ELBO in nats per image, averaged over the batch, without the Gaussian likelihood's constant.

    x, x_mean: (batch, pixels); mu, logvar: (batch, latent_dim). Returns a scalar. The likelihood is Gaussian with
    unit variance, whose negative logarithm is half the squared error. Kingma & Welling (2014), equation 10.
    """
    squared_error = ((x - x_mean) ** 2).sum(dim=1)
    return (0.5 * squared_error + objectives.kl_standard_normal(mu, logvar)).mean()


def _negative_elbo(
    x: Tensor,
    x_mean: Tensor,
    mu: Tensor,
    logvar: Tensor,
    *,
    pixels: str,
    half: bool,
    images: str,
    kl_sign: int,
    kl_half: bool,
    kl_images: str,
) -> Tensor:
    errors = (x - x_mean) ** 2
    error = (0.5 if half else 1.0) * (errors.sum(dim=1) if pixels == "sum" else errors.mean(dim=1))
    kl = kl_sign * (1.0 if kl_half else 2.0) * objectives.kl_standard_normal(mu, logvar)
    return (error.mean() if images == "mean" else error.sum()) + (kl.mean() if kl_images == "mean" else kl.sum())


def _draw_elbo(rng: np.random.Generator) -> Inputs:
    batch, latent_dim, pixels = (int(n) for n in rng.choice(np.arange(3, 10), size=3, replace=False))
    return {
        "x": rng.uniform(0, 2, size=(batch, pixels)),
        "x_mean": rng.uniform(0, 2, size=(batch, pixels)),
        "mu": rng.normal(size=(batch, latent_dim)),
        "logvar": rng.uniform(-2, 1, size=(batch, latent_dim)),
    }


NEGATIVE_ELBO = Exercise(
    name="negative_elbo",
    chapter=1,
    returns="one number, the mean over the images",
    draw=_draw_elbo,
    examples=(
        {
            "x": np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]]),
            "x_mean": np.array([[0.0, 0.0, 1.0], [0.5, 0.5, 0.0]]),
            "mu": np.array([[1.0, 0.0], [0.0, -1.0]]),
            "logvar": np.array([[0.0, 0.0], [0.0, 1.0]]),
        },
    ),
    reference=negative_elbo,
    slips={
        "pixel_mean": Slip(
            "It averages the squared error over the pixels where it should sum.",
            "You averaged the squared error over the pixels. The log-likelihood of an image is a sum over its pixels; "
            "an average shrinks it by their number, and the KL then outweighs it: a hidden beta.",
        ),
        "kl_subtracted": Slip(
            "It subtracts the KL from the reconstruction term.",
            "You subtracted the KL. Both terms of the negative ELBO are costs: the reconstruction's error and "
            "the price of leaving the prior. With your sign, training would reward codes far from the prior.",
        ),
        "missing_half": Slip(
            "A factor 1/2 is missing.",
            "A half is missing. The negative logarithm of a unit-variance Gaussian is HALF the squared error, and "
            "the KL has a half as well; without one of them the two terms have the wrong weights.",
        ),
        "batch_sum": Slip(
            "It sums over the images of the batch where it should average.",
            "You summed over the images, in one term or in both. The loss is the average over the batch, in nats per "
            "image: it must not grow when the same images are given twice.",
        ),
    },
    faulty=(
        *faulty_family(
            _negative_elbo,
            pixels={"sum": None, "mean": "pixel_mean"},
            half={True: None, False: "missing_half"},
            images={"mean": None, "sum": "batch_sum"},
            kl_sign={1: None, -1: "kl_subtracted"},
            kl_half={True: None, False: "missing_half"},
            kl_images={"mean": None, "sum": "batch_sum"},
        ),
        Faulty(
            (),
            lambda x, x_mean, mu, logvar: (
                objectives.gaussian_nll(x, x_mean).mean() + objectives.kl_standard_normal(mu, logvar).mean()
            ),
            remark="Your value includes the Gaussian's constant, half of log(2 pi) for each pixel. It is correct, "
            "but the exercise asks to leave it out.",
        ),
        Faulty(
            (),
            lambda x, x_mean, mu, logvar: (
                0.5 * ((x - x_mean) ** 2).sum(dim=1) + objectives.kl_standard_normal(mu, logvar)
            ),
            remark="You have the right value for each image. Average over the images at the end.",
        ),
    ),
    hints=(
        "Two costs for each image: how far the reconstruction is from the image, and how far the posterior is from "
        "the prior. Keep both per image, and average at the very end.",
        r"For each image $\frac{1}{2} \sum_i (x_i - \bar x_i)^2 + \mathrm{KL}$, where $\bar x$ is `x_mean`; then the "
        "mean over the batch.",
        "Sum `(x - x_mean)**2` along `dim=1` and halve it; add your `kl_standard_normal(mu, logvar)`; both have the "
        "shape (batch,); end with `.mean()`.",
    ),
    praise="Half the squared error plus the KL, both in nats, summed within an image and averaged over the images.",
)
