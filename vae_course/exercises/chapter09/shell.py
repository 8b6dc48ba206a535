"""Exercise of chapter 9: the radius of the shell in which draws from N(0, I) lie."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from vae_course.exercises.asking import to_array
from vae_course.exercises.base import Exercise, Faulty, Inputs, Slip
from vae_course.exercises.chapter08.reading import reader

CLOSE = 0.02  # relative: what counts as right, and as a slip


def shell_radius(d: int) -> float:
    """E |z| of z ~ N(0, I_d): sqrt(2) Gamma((d + 1) / 2) / Gamma(d / 2), the mean of a chi distribution; chapter 9."""
    return math.sqrt(2) * math.exp(math.lgamma((d + 1) / 2) - math.lgamma(d / 2))


def _read(returned: Any, d: np.ndarray) -> Any:
    """The radius itself in place of a number within 2 % of it, and likewise 1 or d; so that a simulation is as good."""
    value = to_array(returned)
    if value.size == 1:
        number = float(value.ravel()[0])
        for known in (shell_radius(int(d)), 1.0, float(d)):
            if abs(number - known) <= CLOSE * known:
                return np.full(value.shape, known)
    return value


def _draw_dimension(rng: np.random.Generator) -> Inputs:
    """A few latents or many. From 20 on sqrt(d) is within 1.3 %; up to 300 a gamma function does not overflow."""
    return {"d": int(rng.integers(20, 40) if rng.random() < 0.6 else rng.integers(40, 301))}


SHELL_RADIUS = Exercise(
    name="shell_radius",
    chapter=9,
    returns="one number, within 2 % of the right one",
    draw=_draw_dimension,
    examples=({"d": 100}, {"d": 25}),
    reference=shell_radius,
    read=reader("d", then=_read),
    slips={
        "radius_one": Slip(
            "It gives 1, the standard deviation of one latent.",
            "You gave 1, which is the standard deviation of ONE latent. A length adds up the squares of all of them: "
            "with every latent that is added a draw lies farther from 0.",
        ),
        "squared": Slip(
            "It gives the mean of the squared length.",
            "You gave the mean of the SQUARED length: one for each latent, d in all. Asked is the length.",
        ),
    },
    faulty=(
        Faulty(("radius_one",), lambda d: 1.0),
        Faulty(("squared",), lambda d: float(d)),
        Faulty(
            (),
            lambda d: 0.0,
            remark="You gave the length of the mean, which is 0. Asked is the mean of the lengths: no draw has a "
            "length below 0, so they cannot cancel.",
        ),
        Faulty(
            (),
            lambda d: math.sqrt(2 / math.pi),
            remark="You gave the mean size of ONE latent. The length of z takes all of them.",
        ),
        Faulty(
            (),
            lambda d: d * math.sqrt(2 / math.pi),
            remark="You added up the sizes of the latents. A length is the root of the sum of the squares.",
        ),
        Faulty(
            (),
            lambda d: math.sqrt(d / 2),
            remark="You took the root of half of d. Each latent's square has the mean 1.",
        ),
        Faulty((), lambda d: math.sqrt(2 * d), remark="You took the root of 2 d. Each latent's square has the mean 1."),
        Faulty((), lambda d: 1 / math.sqrt(d), remark="You divided by the root of d. The length grows with d."),
        Faulty((), lambda d: d / 2, remark="You halved d. Asked is about the root of d."),
        Faulty(
            (),
            lambda d: math.log(d),
            remark="You took the logarithm of d. A length is the root of a sum of squares.",
        ),
    ),
    hints=(
        "Which number do you expect for the SQUARED length? Each latent's square has a mean that you know.",
        r"$\mathrm{E}|z|^2 = d$, and $|z|^2$ varies by only about $\sqrt{2 d}$; so $|z|$ is close to $\sqrt{d}$.",
        "`math.sqrt(d)`; or draw `torch.randn(100_000, d)` and average `norm(dim=1)`.",
    ),
    praise="Close to the root of d: a shell, though the density is highest at 0.",
)
