"""Exercise of chapter 6: the decoder's log-likelihood of an image, of every chain."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from vae_course.exercises.base import Ask, Exercise, Faulty, Inputs, Slip, faulty_family
from vae_course.exercises.chapter04.draws import away_from_zero, draw_sizes


def decoder_log_likelihood(x: Tensor, x_mean: Tensor, sigma: float) -> Tensor:
    """log N(x; x_mean, sigma^2 I) of each chain, up to the constant, in nats.

    x: (pixels,). x_mean: (chains, pixels), the decoder's means. sigma: standard deviation of every pixel, above 0.
    Returns (chains,); chapter 6.
    """
    return -0.5 * ((x - x_mean) ** 2).sum(dim=1) / sigma**2


def _log_likelihood(x: Tensor, x_mean: Tensor, sigma: float, *, sign: int, half: bool, scale: str, over: str) -> Tensor:
    total = sign * (0.5 if half else 1.0) * (x - x_mean) ** 2 / {"variance": sigma**2, "sd": sigma}[scale]
    if over == "chains":
        return total.sum(dim=0)
    return total.mean(dim=1) if over == "mean" else total.sum(dim=1)


def _draw_images(rng: np.random.Generator) -> Inputs:
    """Squared errors that differ much from chain to chain, and a sigma far from 1."""
    chains, pixels = draw_sizes(rng, 2)
    x = rng.uniform(0, 1, size=pixels)
    sizes = rng.permutation(np.linspace(0.3, 1.2, chains))[:, None]
    sigma = float(rng.uniform(0.3, 0.45) if rng.random() < 0.5 else rng.uniform(1.7, 2.2))
    return {"x": x, "x_mean": x + sizes * away_from_zero(rng, chains, pixels), "sigma": sigma}


def _adds_up_the_chains(ask: Ask, rng: np.random.Generator) -> bool:
    """Whether one number comes back that goes with the squared error of all chains together, whatever the constant."""
    inputs = _draw_images(rng)
    errors, values = [], []
    for size in (1.0, 0.3, 1.7, 0.6):
        # each chain is moved by a factor of its own
        factors = size * rng.uniform(0.5, 1.5, size=(len(inputs["x_mean"]), 1))
        x_mean = inputs["x"] + factors * (inputs["x_mean"] - inputs["x"])
        reply = ask({**inputs, "x_mean": x_mean})
        if reply is None or reply[0].size != 1 or not np.isfinite(reply[0]).all():
            return False
        errors.append(((x_mean - inputs["x"]) ** 2).sum())
        values.append(float(reply[0].item()))
    error_steps, value_steps = np.diff(errors), np.diff(values)
    slope = value_steps @ error_steps / (error_steps @ error_steps)
    rest = np.abs(value_steps - slope * error_steps).max()
    return bool(np.abs(value_steps).max() > 1e-4 and rest < 1e-4 * np.abs(value_steps).max())


_SIZES = "You took the size of the error where its square belongs: the Gaussian's exponent holds squares."

DECODER_LOG_LIKELIHOOD = Exercise(
    name="decoder_log_likelihood",
    chapter=6,
    returns="one log-likelihood for each chain, of shape (chains,)",
    draw=_draw_images,
    examples=(
        {"x": np.array([0.0, 1.0]), "x_mean": np.array([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0]]), "sigma": 1.0},
        {"x": np.array([1.0, 0.0]), "x_mean": np.array([[1.0, 0.5], [0.0, 0.0]]), "sigma": 0.5},
    ),
    reference=decoder_log_likelihood,
    up_to_constant=True,
    slips={
        "positive": Slip(
            "It has the wrong sign.",
            "The sign is turned round: yours grows with the error, so the chain would look for the image that fits "
            "worst. A log-likelihood is the highest where the decoder's image is equal to `x`.",
        ),
        "missing_half": Slip(
            "A factor 1/2 is missing.",
            "A half is missing. In the exponent of a Gaussian the square stands over twice the variance; without the "
            "half the posterior is too narrow, as if there were two copies of the image.",
        ),
        "sigma_not_squared": Slip(
            "It divides by sigma instead of sigma squared.",
            "You divided by `sigma`. The squared error has the unit of a variance, and so must be divided by the "
            "variance. `sigma` is a standard deviation.",
        ),
        "pixel_mean": Slip(
            "It averages over the pixels instead of adding them up.",
            "You averaged over the pixels. They are independent given z, so that their densities multiply and the "
            "logarithms add up. The average divides the log-likelihood by the number of pixels: the chain would sample "
            "a far broader distribution, nearly the prior.",
        ),
        "summed_over_chains": Slip(
            "It adds up over the chains.",
            "You added up over the chains. Each is a walk of its own, which is accepted or rejected by its own "
            "likelihood. Add up over the pixels, and keep one number for each chain.",
            shown_by=_adds_up_the_chains,
        ),
    },
    faulty=(
        *faulty_family(
            _log_likelihood,
            sign={-1: None, 1: "positive"},
            half={True: None, False: "missing_half"},
            scale={"variance": None, "sd": "sigma_not_squared"},
            over={"pixels": None, "mean": "pixel_mean", "chains": "summed_over_chains"},
        ),
        Faulty(
            (),
            lambda x, x_mean, sigma: -0.5 * ((x - x_mean) ** 2).sum(dim=1),
            remark="`sigma` has no part in your result. It says how much noise a pixel has, and so how sharply the "
            "likelihood tells one image from another.",
        ),
        Faulty(
            (),
            lambda x, x_mean, sigma: -0.5 * ((x - x_mean) ** 2).sum(dim=1) * sigma**2,
            remark="You multiplied by the variance. Divide by it: the less noise, the more an error costs.",
        ),
        Faulty((), lambda x, x_mean, sigma: -0.5 * (x - x_mean).abs().sum(dim=1) / sigma**2, remark=_SIZES),
        Faulty((), lambda x, x_mean, sigma: -0.5 * (x - x_mean).norm(dim=1) / sigma**2, remark=_SIZES),
        Faulty(
            (),
            lambda x, x_mean, sigma: (-0.5 * ((x - x_mean) ** 2).sum(dim=1) / sigma**2).exp(),
            remark="You returned the likelihood itself. Its logarithm is asked for: with 784 pixels the likelihood is "
            "rounded to 0.",
        ),
        Faulty(
            (),
            lambda x, x_mean, sigma: -0.5 * (x - x_mean) ** 2 / sigma**2,
            remark="You have the log-likelihood of every pixel. Add them up, to one number for each chain.",
        ),
        Faulty(
            (),
            lambda x, x_mean, sigma: -0.5 * ((x - x_mean).sum(dim=1) / sigma) ** 2,
            remark="You added the errors up before you squared them, so that errors of both signs cancel.",
        ),
        Faulty(
            (),
            lambda x, x_mean, sigma: -0.5 * (x**2 - x_mean**2).sum(dim=1) / sigma**2,
            remark="You subtracted the squares. It is the difference that is to be squared.",
        ),
    ),
    hints=(
        "What is the log-density of ONE pixel under $\\mathcal{N}(g, \\sigma^2)$? Which of its terms change when $z$, "
        "and with it $g$, changes? Then: what happens to logarithms when independent densities multiply?",
        r"$\log p(x \mid z) = -\frac{1}{2 \sigma^2} \sum_j (x_j - g_j(z))^2 + \mathrm{const}$.",
        "`(x - x_mean)**2` has a row for each chain; add up along `dim=1` (`axis=1` in NumPy), and multiply by "
        "`-0.5 / sigma**2`.",
    ),
    praise="Summed over pixels, one number for each chain, and the half and the square of sigma in their places.",
)
