"""Exercise of chapter 10: how many latents a model uses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.base import Exercise, Faulty, Inputs, Slip


def active_units(mu: Tensor, threshold: float) -> Tensor:
    """How many latents have a mean whose variance over the images is above the threshold.

    mu: (n, latent_dim), the posterior means of n images. Returns a whole number.
    Burda, Grosse & Salakhutdinov (2016); chapter 10.
    """
    return (mu.var(dim=0, correction=0) > threshold).sum()


def _draw_means(rng: np.random.Generator) -> Inputs:
    """Latents of every sort, in random order; none so close to the threshold that n or n - 1 as divisor decides."""
    n, t = int(rng.integers(38, 45)), round(float(rng.uniform(0.02, 0.2)), 3)
    ranges = (
        (t / 3000, t / 300),  # asleep, even when added up over the images
        (0.3 * t**2, 0.9 * t**2),
        (1.1 * t**2, 1.5 * t**2),
        (1.5 * t**2, 0.8 * t),  # its standard deviation is above the threshold, its variance is not
        (0.93 * t, 0.96 * t),
        (1.04 * t, 1.08 * t),
        (1.2 * t, 0.8 * t**0.5),
        (1.2 * t**0.5, 3.0),
    )
    variance = np.concatenate(
        [np.exp(rng.uniform(np.log(low), np.log(high), size=int(rng.integers(1, 12)))) for low, high in ranges]
    )
    noise = rng.normal(size=(n, len(variance)))
    noise = (noise - noise.mean(axis=0)) / noise.std(axis=0)
    # many means lie away from 0, on both sides, by less or more than the threshold, some so far down that exp is small
    mean = np.exp(rng.uniform(np.log(t / 20), np.log(2.0), size=len(variance)))
    mean *= rng.choice([-1.0, 1.0], size=len(variance))
    mean[rng.random(len(variance)) < 0.25] = rng.uniform(-6, -4.5)
    mu = mean + noise * np.sqrt(variance)
    return {"mu": rng.permutation(mu, axis=1), "threshold": t}


def _count(active: Callable[[Tensor, float], Tensor], *slips: str, remark: str = "") -> Faulty:
    """How many entries of a mask are True."""
    return Faulty(slips, lambda mu, threshold: active(mu, threshold).sum(), remark)


def _each_divisor(
    active: Callable[[Tensor, float, int], Tensor], *slips: str, remark: str = ""
) -> tuple[Faulty, Faulty]:
    """Of variances that divide by n and by n - 1, where no care was taken that it makes no difference."""
    n, less = ((lambda mu, t, c=c: active(mu, t, c)) for c in (0, 1))
    return _count(n, *slips, remark=remark), _count(less, *slips, remark=remark)


_NOT_CENTRED = (
    "You averaged the squares of the means, and took nothing off. A latent that stands still at 3 for all images says "
    "nothing about them, and counts as active with yours."
)
_ALL_AT_ONCE = "You took the variance of all numbers at once. Each latent has one of its own."

ACTIVE_UNITS = Exercise(
    name="active_units",
    chapter=10,
    returns="one whole number, how many latents are active",
    draw=_draw_means,
    examples=(
        {
            "mu": np.array(
                [[1.0, 0.0, 2.0, 0.1], [-1.0, 0.3, 2.0, -0.1], [1.0, 0.0, 2.0, 0.1], [-1.0, 0.3, 2.0, -0.1]]
            ),
            "threshold": 0.05,
        },
        {"mu": np.array([[0.0, 3.0], [0.5, 3.0], [1.0, 3.0]]), "threshold": 0.01},
    ),
    reference=active_units,
    slips={
        "std_for_variance": Slip(
            "It compares the standard deviation with the threshold.",
            "You compared the standard deviation with the threshold, which is one for a variance. Below 1 the "
            "standard deviation is the larger of the two, so that latents which hardly move are counted.",
        ),
        "uses_logvar": Slip(
            "It treats the means as log-variances.",
            "You took the exponential, as if `mu` were a log-variance. Whether a latent is active is asked of the "
            "MEANS here: does the mean move when the image changes? How wide the posteriors are is another question.",
        ),
    },
    faulty=(
        _count(lambda mu, t: mu.std(dim=0) > t, "std_for_variance"),
        _count(lambda mu, t: mu.exp().mean(dim=0) > t, "uses_logvar"),
        _count(lambda mu, t: mu.exp().mean(dim=0) < t, "uses_logvar"),
        _count(lambda mu, t: mu.exp().mean(dim=0) < 1 - t, "uses_logvar"),
        _count(lambda mu, t: (mu / 2).exp().mean(dim=0) < 1 - t, "uses_logvar"),
        _count(lambda mu, t: 0.5 * (mu.exp() - 1 - mu).mean(dim=0) > t, "uses_logvar"),
        *_each_divisor(lambda mu, t, c: mu.exp().var(dim=0, correction=c) > t, "uses_logvar"),
        *_each_divisor(lambda mu, t, c: mu.exp().std(dim=0, correction=c) > t, "std_for_variance", "uses_logvar"),
        Faulty((), lambda mu, t: torch.tensor(mu.shape[1]), remark="You counted all latents."),
        Faulty((), lambda mu, t: torch.tensor(0), remark="Your count is always 0."),
        _count(lambda mu, t: mu.var(dim=0) <= t, remark="You counted the latents that are NOT active."),
        _count(lambda mu, t: (mu**2).mean(dim=0) > t, remark=_NOT_CENTRED),
        _count(lambda mu, t: mu.mean(dim=0) > t, remark="You compared the mean over the images. Take the variance."),
        _count(
            lambda mu, t: mu.mean(dim=0).abs() > t,
            remark="You compared the size of the mean over the images. Take the variance: does it move?",
        ),
        _count(
            lambda mu, t: (mu.abs() > t).any(dim=0),
            remark="You counted the latents with a mean beyond the threshold for some image. Take the variance.",
        ),
        _count(lambda mu, t: mu > t, remark="You counted single numbers. Count latents, by their variance."),
        _count(lambda mu, t: mu.abs() > t, remark="You counted single numbers. Count latents, by their variance."),
        *_each_divisor(
            lambda mu, t, c: mu.var(dim=1, correction=c) > t,
            remark="You took the variance over the latents, and counted images. Take it over the images.",
        ),
        _count(
            lambda mu, t: ((mu - mu.mean(dim=0)) ** 2).sum(dim=0) > t,
            remark="You added the squares up over the images. A variance is their average.",
        ),
        _count(
            lambda mu, t: mu.var(dim=0) > t**0.5,
            remark="You took the root of the threshold, but not of the variance.",
        ),
        *_each_divisor(lambda mu, t, c: mu.var(correction=c) > t, remark=_ALL_AT_ONCE),
        *(
            Faulty((), lambda mu, t, c=c: mu.var(dim=0, correction=c), remark="You have the variances. Count them.")
            for c in (0, 1)
        ),
        Faulty(
            (),
            lambda mu, t: mu.var(dim=0) > t,
            remark="You have True or False for each latent, and they are right. Count those that are True.",
        ),
        Faulty(
            (),
            lambda mu, t: (mu.var(dim=0) > t).double().mean(),
            remark="You gave the share of active latents. Asked is how many they are.",
        ),
        *(
            Faulty((), lambda mu, t, c=c: mu.var(dim=0, correction=c).sum(), remark="You added the variances up.")
            for c in (0, 1)
        ),
        Faulty(
            (),
            lambda mu, t: torch.nonzero(mu.var(dim=0) > t)[:, 0],
            remark="You gave which latents are active. Asked is how many they are.",
        ),
    ),
    hints=(
        "A latent that carries something about the image must take other values for other images. Which number says "
        "how much it changes over the images?",
        r"Latent $j$ is active if $\mathrm{Var}_i(\mu_{ij}) > \mathrm{threshold}$, over the images $i$.",
        "The variance of `mu` along `dim=0` (`axis=0` in NumPy), compared with `threshold`, and the True ones counted "
        "with `sum`.",
    ),
    praise="Latents whose mean moves from image to image, by a variance above the threshold.",
)
