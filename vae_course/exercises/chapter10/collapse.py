"""Exercise of chapter 10: which latents of a linear VAE collapse."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.base import Exercise, Faulty, Inputs, Slip


def collapse_threshold(eigenvalues: Tensor, sigma2: float, beta: float) -> Tensor:
    """How many latents of a linear beta-VAE are active at its optimum.

    eigenvalues: (p,), of the data's covariance, in any order; the model has a latent for each. sigma2: variance of the
    decoder's noise. Returns a whole number. Lucas, Tucker, Grosse & Norouzi (2019); chapter 10.
    """
    return (eigenvalues > beta * sigma2).sum()


def _threshold(
    threshold: Callable[[float, float], float], *slips: str, collapsed: bool = False, remark: str = ""
) -> Faulty:
    """Counts the eigenvalues on one side of another threshold, a function of sigma2 and beta."""

    def function(eigenvalues: Tensor, sigma2: float, beta: float) -> Tensor:
        active = eigenvalues > threshold(sigma2, beta)
        return (~active if collapsed else active).sum()

    return Faulty(slips, function, remark)


def _nats(eigenvalues: Tensor, sigma2: float, beta: float) -> Tensor:
    return 0.5 * (eigenvalues / (beta * sigma2)).clamp(min=1).log().sum()


def _draw_spectrum(rng: np.random.Generator) -> Inputs:
    """Eigenvalues around every threshold that may be taken for the right one, some of them very near to that."""
    sigma2 = round(float(rng.uniform(0.03, 0.4)), 3)
    beta = round(float(rng.uniform(0.2, 0.5) if rng.random() < 0.5 else rng.uniform(2.0, 6.0)), 2)
    t = beta * sigma2
    others = (sigma2, sigma2 / beta, beta, beta**2 * sigma2, beta * sigma2**0.5, t**0.5, beta * sigma2**2)
    around = np.concatenate([v * np.exp(rng.uniform(-0.5, 0.5, size=rng.integers(1, 12))) for v in others])
    around = around[np.abs(around / t - 1) > 0.02]
    far = t * np.exp(rng.uniform(0.05, 3, size=8) * rng.choice([-1, 1], size=8))
    near = t * np.array([0.96, 0.975, 1.025, 1.04])[rng.random(4) < 0.7]
    return {"eigenvalues": rng.permutation(np.concatenate([around, far, near])), "sigma2": sigma2, "beta": beta}


_VARIANCES = "The eigenvalues and `sigma2` are variances already: compare them as they are."

COLLAPSE_THRESHOLD = Exercise(
    name="collapse_threshold",
    chapter=10,
    returns="one whole number, how many latents are active",
    draw=_draw_spectrum,
    examples=(
        {"eigenvalues": np.array([0.3, 5.0, 1.0, 2.0, 0.05]), "sigma2": 0.1, "beta": 4.0},
        {"eigenvalues": np.array([2.0, 1.5, 0.8, 0.6]), "sigma2": 1.0, "beta": 0.5},
    ),
    reference=collapse_threshold,
    slips={
        "ignores_beta": Slip(
            "It compares with the noise alone and leaves beta out.",
            "You compared with the noise's variance alone. Beta makes each nat dearer, so that more latents do not "
            "earn what they cost: the threshold must rise with it.",
        ),
        "counts_collapsed": Slip(
            "It counts the latents that are off.",
            "You counted the latents that are off. A latent is used where the data vary MORE along its direction than "
            "the threshold; the others stay at the prior, with a KL of 0.",
        ),
    },
    faulty=(
        _threshold(lambda s, b: s, "ignores_beta"),
        _threshold(lambda s, b: b * s, "counts_collapsed", collapsed=True),
        _threshold(lambda s, b: s, "ignores_beta", "counts_collapsed", collapsed=True),
        _threshold(lambda s, b: b, remark="`sigma2` has no part in your result: noise hides what varies less than it."),
        _threshold(
            lambda s, b: s / b,
            remark="You divided by beta. A larger beta must turn latents off, not on.",
        ),
        _threshold(lambda s, b: b**2 * s, remark="You squared beta. It is the weight of the KL as it is."),
        _threshold(lambda s, b: b + s, remark="You added beta and `sigma2`. They are one knob: their product counts."),
        _threshold(
            lambda s, b: (1 + b) * s,
            remark="You took the noise off the eigenvalue before you compared. Compare the eigenvalue itself.",
        ),
        _threshold(lambda s, b: b * s**0.5, remark=_VARIANCES),
        _threshold(lambda s, b: b * s**2, remark=_VARIANCES),
        _threshold(lambda s, b: (b * s) ** 0.5, remark=_VARIANCES),
        _threshold(lambda s, b: (b * s) ** 2, remark=_VARIANCES),
        Faulty(
            (),
            lambda eigenvalues, sigma2, beta: (eigenvalues > beta * sigma2).cumprod(dim=0).sum(),
            remark="You stopped at the first eigenvalue that is too small. They come in any order: look at all.",
        ),
        Faulty(
            (),
            lambda eigenvalues, sigma2, beta: eigenvalues > beta * sigma2,
            remark="You have True or False for each latent, and they are right. Count those that are True.",
        ),
        Faulty(
            (),
            lambda eigenvalues, sigma2, beta: (eigenvalues > beta * sigma2).double().mean(),
            remark="You gave the share of active latents. Asked is how many they are.",
        ),
        Faulty(
            (),
            lambda eigenvalues, sigma2, beta: torch.tensor(beta * sigma2),
            remark="That is the threshold itself, and it is right. Count the eigenvalues above it.",
        ),
        Faulty(
            (),
            _nats,
            remark="You gave the nats that all latents carry together. Asked is how many carry any.",
        ),
        Faulty(
            (),
            lambda eigenvalues, sigma2, beta: eigenvalues[eigenvalues > beta * sigma2],
            remark="You gave the eigenvalues above the threshold, and they are right. Count them.",
        ),
    ),
    hints=(
        "A latent costs KL and saves squared error. Along a direction in which the data vary by less than the noise, "
        "how much is there to save?",
        r"Latent $i$ is active if $\lambda_i > \beta \sigma^2$, with $\lambda_i$ the variance of the data along its "
        "direction.",
        "Compare `eigenvalues` with `beta * sigma2`, and count with `sum` where they are larger.",
    ),
    praise="One latent for each direction in which the data vary by more than beta times the noise.",
)
