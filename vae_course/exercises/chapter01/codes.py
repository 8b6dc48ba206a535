"""Exercises of chapter 1 on codes: what the encoder gives for an image, and drawing from it."""

from __future__ import annotations

import random
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from vae_course import objectives
from vae_course.exercises.base import Ask, Exercise, Faulty, Inputs, Slip, faulty_family
from vae_course.exercises.chapter01.draws import draw_posterior

# --- count_outputs ---------------------------------------------------------------------------------------------


def count_outputs(latent_dim: int) -> int:
    """How many numbers an encoder gives for one image: a mean and a log-variance for each latent."""
    return 2 * latent_dim


COUNT_OUTPUTS = Exercise(
    name="count_outputs",
    chapter=1,
    returns="one whole number",
    draw=lambda rng: {"latent_dim": int(rng.integers(3, 100))},
    examples=({"latent_dim": 20}, {"latent_dim": 3}),
    reference=count_outputs,
    slips={
        "means_only": Slip(
            "It counts the means and forgets the log-variances.",
            "You counted the means alone. The encoder describes a whole Gaussian for each image, and a Gaussian needs "
            "to know how wide it is as well as where it lies. What else does each latent need?",
        )
    },
    faulty=(
        Faulty(("means_only",), lambda latent_dim: latent_dim),
        Faulty(
            (),
            lambda d: d + d * d,
            remark="You counted a full covariance matrix. The encoder's Gaussian "
            "has independent latents: its covariance is diagonal.",
        ),
        Faulty(
            (),
            lambda d: d + d * (d + 1) // 2,
            remark="You counted a full covariance matrix. The encoder's "
            "Gaussian has independent latents: its covariance is diagonal.",
        ),
    ),
    hints=(
        "What does the encoder say about one latent of one image? It is not a single value.",
        r"Each latent $j$ of an image has a Gaussian $N(\mu_j, \sigma_j^2)$ of its own. Count the numbers that one "
        "Gaussian needs, then count the latents.",
        "A mean and a log-variance for each latent: multiply `latent_dim` by the number of heads.",
    ),
    praise="A mean and a log-variance for each latent: with 20 latents, 40 numbers that describe one Gaussian in 20 "
    "dimensions.",
)

# --- reparameterize --------------------------------------------------------------------------------------------

Spread = Literal["std", "logvar", "variance", "inverse std"]


def _reparameterize(mu: Tensor, logvar: Tensor, eps: Tensor, *, spread: Spread, noise: str) -> Tensor:
    widths = {
        "std": (0.5 * logvar).exp(),
        "logvar": logvar,
        "variance": logvar.exp(),
        "inverse std": (-0.5 * logvar).exp(),
    }
    noises = {"eps": eps, "one": torch.ones_like(eps), "zero": torch.zeros_like(eps)}
    return mu + widths[spread] * noises[noise]


def _draws_noise_of_its_own(ask: Ask, rng: np.random.Generator) -> bool:
    """Whether the answer is mu + std * noise with standard normal noise that has nothing to do with eps."""
    shape = (400, 5)
    inputs = {"mu": rng.normal(size=shape), "logvar": rng.uniform(-2, 2, size=shape), "eps": rng.normal(size=shape)}

    def noise(eps: np.ndarray) -> np.ndarray | None:
        with _same_global_noise(seed=0):
            values = ask({**inputs, "eps": eps})
        if values is None or values[0].shape != shape:
            return None
        return np.asarray((values[0] - inputs["mu"]) / np.exp(inputs["logvar"] / 2))

    first, again, other = noise(inputs["eps"]), noise(inputs["eps"]), noise(rng.normal(size=shape))
    if first is None or again is None or other is None or not np.isfinite([first, again, other]).all():
        return False
    if np.allclose(first, again) and not np.allclose(first, other):
        return False  # it depends on eps after all, in some way
    # 2000 values: six standard errors of a mean, a variance and a correlation
    related = np.corrcoef(first.ravel(), inputs["eps"].ravel())[0, 1]
    return bool(abs(first.mean()) < 0.14 and abs(first.var() - 1) < 0.19 and abs(related) < 0.14)


class _same_global_noise:
    """Seeds the global generators of torch, NumPy and Python inside a `with`, and restores them after it."""

    def __init__(self, *, seed: int) -> None:
        self._seed = seed

    def __enter__(self) -> None:
        self._before = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
        torch.default_generator.manual_seed(self._seed)  # torch.manual_seed would seed the GPUs too
        np.random.seed(self._seed)  # noqa: NPY002
        random.seed(self._seed)

    def __exit__(self, *_: object) -> None:
        torch.set_rng_state(self._before[0])
        np.random.set_state(self._before[1])  # noqa: NPY002
        random.setstate(self._before[2])


def _draw_posterior_and_noise(rng: np.random.Generator) -> Inputs:
    posterior = draw_posterior(rng)
    return {**posterior, "eps": rng.normal(size=posterior["mu"].shape)}


REPARAMETERIZE = Exercise(
    name="reparameterize",
    chapter=1,
    returns="one code for each image, of the same shape (batch, latent_dim) as mu",
    draw=_draw_posterior_and_noise,
    examples=(
        {
            "mu": np.array([[0.0, 1.0], [2.0, 3.0]]),
            "logvar": np.array([[0.0, 2.0], [-2.0, 0.0]]),
            "eps": np.array([[1.0, -1.0], [0.5, 2.0]]),
        },
    ),
    reference=objectives.reparameterize,
    slips={
        "logvar_as_std": Slip(
            "It uses logvar itself where the standard deviation belongs.",
            "You used `logvar` itself as the standard deviation. It is a logarithm and can be below 0, which no width "
            "can be. First turn it into a variance, then ask how far a typical draw lies from the mean.",
        ),
        "variance_as_std": Slip(
            "It uses the variance where the standard deviation belongs.",
            "You multiplied eps by the variance. A draw's distance from the mean is measured by the standard "
            "deviation, which has the units of z; the variance has those of z squared. What turns one into "
            "the other, and what does that do to a logarithm?",
        ),
        "ignores_eps": Slip(
            "The result does not depend on eps.",
            "Your result does not depend on `eps`. All the randomness comes in through this argument, so that the rest "
            "is a plain function that gradients can pass through. Where does the noise enter?",
            shown_by=_draws_noise_of_its_own,
        ),
        "minus_logvar": Slip(
            "It has the wrong sign in the exponent: exp(-logvar / 2).",
            "The sign in your exponent is turned round, so you divide by the standard deviation where you should "
            "multiply. A larger log-variance must spread the draws further; yours draws them together.",
        ),
    },
    faulty=(
        *faulty_family(
            _reparameterize,
            spread={
                "std": None,
                "logvar": "logvar_as_std",
                "variance": "variance_as_std",
                "inverse std": "minus_logvar",
            },
            noise={"eps": None, "one": "ignores_eps"},
        ),
        Faulty(("ignores_eps",), lambda mu, logvar, eps: mu + 0 * eps),
        Faulty(("minus_logvar", "variance_as_std"), lambda mu, logvar, eps: mu + (-logvar).exp() * eps),
        Faulty(
            (),
            lambda mu, logvar, eps: mu - (0.5 * logvar).exp() * eps,
            remark="You subtract the noise where it should be added. The draws have the same distribution, but the "
            "check compares them one by one.",
        ),
        Faulty(
            (),
            lambda mu, logvar, eps: mu + logvar.sqrt() * eps,
            remark="You took the square root of `logvar`. It is the logarithm of the variance, so it can be below 0, "
            "and the root is then nan.",
        ),
    ),
    hints=(
        "A draw from a Gaussian is its mean plus a step. The step is standard noise, stretched by something that "
        "depends on `logvar`.",
        r"$z = \mu + \sigma \epsilon$, and $\mathrm{logvar} = \log \sigma^2$, so that "
        r"$\sigma = \exp(\mathrm{logvar} / 2)$.",
        "Two steps: `std = (0.5 * logvar).exp()`, then combine `mu`, `std` and `eps`, all of the same shape.",
    ),
    praise="Mean plus standard deviation times noise. As eps comes from outside, gradients reach mu and logvar.",
)
