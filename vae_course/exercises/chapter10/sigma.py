"""Exercises of chapter 10 on the decoder's standard deviation: it is beta under another name, and data choose it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.base import Exercise, Faulty, Inputs, Slip
from vae_course.exercises.chapter04.draws import draw_sizes

# --- sigma_to_beta ---------------------------------------------------------------------------------------------


def sigma_to_beta(sigma: float) -> float:
    """The beta at which "half the squared error + beta KL" has the optimum of a VAE with decoder N(x_mean, sigma^2).

    sigma: standard deviation of every pixel, above 0. The VAE's loss times sigma^2 is that loss, up to a constant;
    Lucas, Tucker, Grosse & Norouzi (2019); chapter 10.
    """
    return sigma**2


def _draw_sigma(rng: np.random.Generator) -> Inputs:
    sigma = rng.uniform(0.12, 0.45) if rng.random() < 0.5 else rng.uniform(1.7, 3.0)
    return {"sigma": round(float(sigma), 3)}


_PIXELS = (
    "The number of pixels has no part in it: squared error and KL are sums, over the pixels and over the latents, in "
    "both losses."
)

SIGMA_TO_BETA = Exercise(
    name="sigma_to_beta",
    chapter=10,
    returns="one number",
    draw=_draw_sigma,
    examples=({"sigma": 0.1}, {"sigma": 2.0}),
    reference=sigma_to_beta,
    slips={
        "not_squared": Slip(
            "It takes sigma itself where its square belongs.",
            "You used `sigma` where its square belongs. The Gaussian's exponent divides the squared error by twice the "
            "VARIANCE; what must the whole loss be multiplied by, so that half the squared error is left?",
        ),
        "inverted": Slip(
            "It is upside down: a noisier decoder gives a smaller beta.",
            "Your beta is upside down. A noisy decoder forgives errors, so that the KL weighs more beside them: beta "
            "must grow with `sigma`. Try `sigma` near 0, where the codes should be as precise as they can be.",
        ),
    },
    faulty=(
        Faulty(("not_squared",), lambda sigma: sigma),
        Faulty(("inverted",), lambda sigma: 1 / sigma**2),
        Faulty(("inverted",), lambda sigma: 1 / (2 * sigma**2)),
        Faulty(("inverted",), lambda sigma: 2 / sigma**2),
        Faulty(("not_squared", "inverted"), lambda sigma: 1 / sigma),
        Faulty(("not_squared", "inverted"), lambda sigma: 1 / (2 * sigma)),
        Faulty(
            (),
            lambda sigma: 2 * sigma**2,
            remark="You have twice the right value. That is the beta beside the whole squared error; here the loss "
            "holds half of it.",
        ),
        Faulty(
            (),
            lambda sigma: sigma**2 / 2,
            remark="You have half the right value. The half in front of the squared error stands in both losses, so "
            "it stays where it is.",
        ),
        Faulty((), lambda sigma: sigma**4, remark="You squared twice. `sigma` is the standard deviation."),
        Faulty(
            (), lambda sigma: sigma**0.5, remark="You took the root. `sigma` is the standard deviation, so square it."
        ),
        *(Faulty((), lambda sigma, n=n: n * sigma**2, remark=_PIXELS) for n in (784, 1 / 784)),
    ),
    hints=(
        "Write down both losses. To multiply a loss by a number above 0 does not move its lowest point: which number "
        "makes the first one look like the second?",
        # in two parts, so that a narrow page can break the line between them
        r"$\sigma^2 \left(\frac{1}{2 \sigma^2} |x - \bar x|^2 + \mathrm{KL}\right)$ "
        r"$= \frac{1}{2} |x - \bar x|^2 + \sigma^2\, \mathrm{KL}$.",
        "Read off what stands before the KL: the square of `sigma`.",
    ),
    praise="Beta is the decoder's variance: two names of one knob.",
)

# --- optimal_sigma ---------------------------------------------------------------------------------------------


def optimal_sigma(x: Tensor, x_mean: Tensor) -> Tensor:
    """The one sigma, shared by all images and pixels, at which the Gaussian log-likelihood is the highest.

    x, x_mean: (batch, pixels). Returns a scalar, the root of the mean squared error.
    Rybkin, Daniilidis & Levine (2021); chapter 10.
    """
    return ((x - x_mean) ** 2).mean().sqrt()


def _draw_reconstructions(rng: np.random.Generator) -> Inputs:
    """Errors whose mean is not 0, and whose size differs from image to image and from pixel to pixel."""
    batch, pixels = draw_sizes(rng, 2)
    x = rng.uniform(0, 1, size=(batch, pixels))
    sizes = rng.permutation(np.geomspace(0.1, 0.6, batch))[:, None] * rng.permutation(np.geomspace(0.5, 1.5, pixels))
    return {"x": x, "x_mean": x + sizes * rng.normal(0.6, 0.8, size=(batch, pixels))}


def _errors(function: Callable[[Tensor], Tensor], *slips: str, remark: str = "") -> Faulty:
    """Some other function of the errors x - x_mean."""
    return Faulty(slips, lambda x, x_mean: function(x - x_mean), remark)


_CENTRED = (
    "You took the standard deviation of the errors, which leaves their mean out. Sigma is measured around `x_mean`: a "
    "decoder that is too bright everywhere by 0.1 is wrong by 0.1."
)
_EACH_IMAGE = "You have a sigma for each image. Asked is one, shared by all images and pixels."
_EACH_PIXEL = "You have a sigma for each pixel. Asked is one, shared by all images and pixels."

OPTIMAL_SIGMA = Exercise(
    name="optimal_sigma",
    chapter=10,
    returns="one number, a standard deviation",
    draw=_draw_reconstructions,
    examples=(
        {"x": np.array([[0.0, 0.0], [1.0, 1.0]]), "x_mean": np.array([[0.3, 0.4], [1.0, 1.0]])},
        {"x": np.array([[1.0, 0.0, 0.5]]), "x_mean": np.array([[0.9, 0.1, 0.6]])},
    ),
    reference=optimal_sigma,
    slips={
        "variance_returned": Slip(
            "It returns the variance.",
            "You returned the variance, in squared units of a pixel. Asked is the standard deviation, which can be "
            "compared with the pixels themselves.",
        ),
        "sum_not_mean": Slip(
            "It adds up squared errors that should be averaged.",
            "You added up over the pixels, or the images, where you should average. Sigma is how far ONE pixel is off: "
            "it must not grow when the images get larger, or more. The sum in the log-likelihood holds a logarithm of "
            "sigma for each pixel, too.",
        ),
    },
    faulty=(
        _errors(lambda e: (e**2).mean(), "variance_returned"),
        _errors(lambda e: (e**2).mean(dim=1), "variance_returned"),
        _errors(lambda e: (e**2).mean(dim=0), "variance_returned"),
        _errors(lambda e: (e**2).sum().sqrt(), "sum_not_mean"),
        _errors(lambda e: (e**2).sum(dim=1).mean().sqrt(), "sum_not_mean"),
        _errors(lambda e: (e**2).sum(dim=0).mean().sqrt(), "sum_not_mean"),
        _errors(lambda e: e.norm(dim=1).mean(), "sum_not_mean"),
        _errors(lambda e: e.norm(dim=1), "sum_not_mean"),
        _errors(lambda e: (e**2).sum(), "variance_returned", "sum_not_mean"),
        _errors(lambda e: (e**2).sum(dim=1).mean(), "variance_returned", "sum_not_mean"),
        _errors(lambda e: (e**2).sum(dim=0).mean(), "variance_returned", "sum_not_mean"),
        _errors(lambda e: e.std(correction=0), remark=_CENTRED),
        _errors(lambda e: e.std(), remark=_CENTRED),
        _errors(lambda e: (e**2).mean(dim=1).sqrt(), remark=_EACH_IMAGE),
        _errors(lambda e: (e**2).mean(dim=0).sqrt(), remark=_EACH_PIXEL),
        *(
            _errors(
                lambda e, dim=dim: (e**2).mean(dim=dim).sqrt().mean(),  # type: ignore[misc]
                remark="You took roots first and averaged them. Variances are what is averaged; the root comes last.",
            )
            for dim in (0, 1)
        ),
        _errors(
            lambda e: e.abs().mean(),
            remark="You averaged the sizes of the errors. That is the best scale of a Laplace distribution; a "
            "Gaussian's log-likelihood holds squares.",
        ),
        _errors(
            lambda e: e.mean().abs(),
            remark="You averaged the errors before you squared them, so that those of both signs cancel.",
        ),
        _errors(
            lambda e: ((e**2).mean() / 2).sqrt(),
            remark="There is a half too much. Set the derivative of the log-likelihood to 0: the 2 of the square and "
            "the half of the exponent cancel.",
        ),
        _errors(
            lambda e: ((e**2).sum() / (e.numel() - 1)).sqrt(),
            remark="You divided by one less than the number of errors. That corrects for an estimated mean, and there "
            "is none here; the maximum of the likelihood divides by their number.",
        ),
        _errors(lambda e: (e**2).mean().sqrt().log(), remark="You returned the logarithm of sigma."),
        _errors(lambda e: (e**2).mean().log(), remark="You returned the logarithm of the variance."),
        _errors(lambda e: 1 / (e**2).mean().sqrt(), remark="You returned one over sigma."),
        _errors(lambda e: 1 / (e**2).mean(), remark="You returned the precision, one over the variance."),
        *(
            Faulty(
                (),
                lambda x, x_mean, correction=correction: torch.std(x, correction=correction),
                remark="You took the spread of the images themselves. Sigma is the spread around `x_mean`.",
            )
            for correction in (0, 1)
        ),
    ),
    hints=(
        "Write the negative log-likelihood of one pixel as a function of sigma. One term falls as sigma grows, one "
        "rises. Add up over all pixels of all images, and find where the derivative is 0.",
        r"$\frac{1}{2 \sigma^2} \sum_{ij} (x_{ij} - \bar x_{ij})^2 + n p \log \sigma$ with $n$ images of $p$ pixels is "
        r"the lowest at $\sigma^2 = \frac{1}{n p} \sum_{ij} (x_{ij} - \bar x_{ij})^2$.",
        "Square `x - x_mean`, average over everything at once, and take the root.",
    ),
    praise="The root of the mean squared error: as much noise as there is error.",
)
