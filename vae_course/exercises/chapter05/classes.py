"""Exercise of chapter 5: draws from the mixture of one class."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises import chances
from vae_course.exercises.base import Inputs, Slip
from vae_course.exercises.chapter05 import reading
from vae_course.exercises.sampling_answers import Finding, Interview, Sampling

_MANY = 2000  # draws in one call
_FEW, _CALLS = 3, 40  # draws in one call, fewer than there are images in the class
_D = 2


def sample_class(mu: Tensor, logvar: Tensor, labels: Tensor, c: int, n: int, generator: torch.Generator) -> Tensor:
    """n independent draws from the mixture of the posteriors of class c, (n, d).

    mu, logvar: (m, d); labels: (m,) integers, among which c occurs. Chapter 5.
    """
    index = (labels == c).nonzero().flatten()
    index = index[torch.randint(len(index), (n,), generator=generator)]
    eps = torch.randn(n, mu.shape[1], generator=generator, dtype=mu.dtype)
    return mu[index] + (logvar[index] / 2).exp() * eps


def _draw_images(rng: np.random.Generator) -> tuple[Inputs, int, int]:
    """Three classes with three images each, in no order, and two of the classes. Every class lies in far modes.

    The first is that in the middle, so that `labels <= c` is not every class; its spread is not that of all images.
    """
    m = 9
    while True:
        mu, logvar = reading.place_means(rng, m, _D), reading.draw_logvar(rng, m, _D)
        names = rng.choice(10, size=3, replace=False)
        labels = rng.permutation(np.repeat(names, 3))
        low, c, high = (int(name) for name in np.sort(names))
        widest = np.ptp(mu[labels == c], axis=0) / np.ptp(mu, axis=0)
        if widest.min() < 0.6:  # narrower along some latent by far
            return {"mu": mu, "logvar": logvar, "labels": labels}, c, int(rng.choice([low, high]))


def _examine(interview: Interview, rng: np.random.Generator) -> Finding:
    images, c, other = _draw_images(rng)
    mu, logvar, labels = images["mu"], images["logvar"], images["labels"]
    few = [interview.draw({**images, "c": other, "n": _FEW}, (_FEW, _D), rng) for _ in range(_CALLS)]
    many = interview.draw({**images, "c": c, "n": _MANY}, (_MANY, _D), rng)
    readings = [reading.read_draws(z, mu) for z in (*few, many)]
    if not all(r.near for r in readings):
        return _judge_without_images(many, interview, images, c)
    drawn = readings[-1]
    members, others = (np.flatnonzero(labels == label) for label in (c, other))
    short = np.concatenate([r.image for r in readings[:-1]])
    choice = reading.choice_tests(drawn.image, members)
    choice |= {f"{name}, few": value for name, value in reading.choice_tests(short, others).items()}
    choice["repeats"] = reading.repeat_test([r.image for r in readings[:-1]], len(others))
    noise = reading.noise_tests(drawn.noise, drawn.image, np.exp(logvar / 2))
    slips, remarks = [], []
    if not chances.likely(choice.values()):
        everyone = np.arange(len(mu))
        if chances.likely(
            [*reading.choice_tests(drawn.image, everyone).values(), *reading.choice_tests(short, everyone).values()]
        ):
            slips.append("ignores_class")
        elif choice["not allowed"] and choice["not allowed, few"]:
            remarks.append(reading.remark_on_choice([r.image for r in readings[:-1]]))
        else:
            remarks.append("Some or all of your draws come from images whose label is not `c`.")
    if not chances.likely(noise.values()):
        remarks.append(reading.remark_on_noise(drawn, logvar))
    if not slips and not reading.is_no_noise(drawn):  # means alone may repeat by chance
        misuse = interview.misuse_of_generator({**images, "c": c, "n": _FEW}, (_FEW, _D), rng)
        remarks = [misuse] if misuse else remarks
    comparison = _compare(interview) if remarks and not slips else ()
    return Finding({**choice, **noise}, tuple(slips), " ".join(remarks), comparison)


def _judge_without_images(z: np.ndarray, interview: Interview, images: Inputs, c: int) -> Finding:
    """What draws show that lie near no image: perhaps they come from one Gaussian with the moments of the class."""
    chosen = images["labels"] == c
    slips: tuple[str, ...] = ()
    for whose, keys in ((chosen, ("moment_matched",)), (chosen | True, ("moment_matched", "ignores_class"))):
        for mean, cov in _moments(images["mu"][whose], images["logvar"][whose]):
            white = np.linalg.solve(np.linalg.cholesky(cov), (z - mean).T).T
            if not slips and chances.likely(chances.of_independent_rows(white).values()):
                slips = keys
    return Finding({"near": 0.0}, slips, reading.NO_IMAGE, () if slips else _compare(interview))


def _moments(mu: np.ndarray, logvar: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Mean and covariance of a Gaussian fitted to images, in all the ways in which people compute it."""
    widths = (np.exp(logvar).mean(axis=0), np.zeros(mu.shape[1]))  # of the mixture, or of the means alone
    for divisor, width, diagonal in itertools.product((len(mu), len(mu) - 1), widths, (False, True)):
        centred = mu - mu.mean(axis=0)
        cov = centred.T @ centred / divisor + np.diag(width)
        yield mu.mean(axis=0), np.diag(np.diag(cov)) if diagonal else cov


def _compare(interview: Interview) -> tuple[tuple[str, str], ...]:
    """Moments of many draws from two images of class 1 that a person can follow, with a third that is of class 0."""
    mu, logvar = np.array([[0.0, 0.0], [9.0, 9.0], [4.0, 2.0]]), np.array([[0.0, 0.0], [0.0, 0.0], [0.0, -2.0]])
    labels, n = np.array([1, 0, 1]), 2000
    inputs = {"mu": mu, "logvar": logvar, "labels": labels, "c": 1, "n": n}
    z = interview.compare(inputs, (n, 2))
    if z is None:
        return ()
    given = [(name, str(value.tolist())) for name, value in (("mu", mu), ("logvar", logvar), ("labels", labels))]
    chosen = labels == 1
    return (*given, ("c, n", f"1, {n}"), *reading.compare_moments(mu[chosen], logvar[chosen], z))


SAMPLE_CLASS = Sampling(
    name="sample_class",
    chapter=5,
    arguments=("mu", "logvar", "labels", "c", "n", "generator"),
    returns="n rows of d latents, of shape (n, d)",
    reference=sample_class,
    examine=_examine,
    slips={
        "ignores_class": Slip(
            "It draws from images of every class.",
            "Your draws come from images of all classes, as if `c` were not there. To draw given the class, choose "
            "only among the images that have its label; whatever else you have written can stay.",
        ),
        "moment_matched": Slip(
            "It draws from one Gaussian with the mean and covariance of the class.",
            "You drew from ONE Gaussian that was fitted to the images by its mean and covariance. Given the class, z "
            "follows a mixture with a Gaussian for each image: it has the same moments, but another shape, and where "
            "it falls into separate groups the one Gaussian puts many draws into the gap between them. Draw an image "
            "first.",
        ),
    },
    hints=(
        "You have solved this for the whole dataset. What changes if only the images of one class may be drawn?",
        r"$p(z \mid C) = \frac{1}{|C|} \sum_{x \in C} \mathcal{N}(z; \mu_x, \mathrm{diag}\, \sigma_x^2)$: an image "
        "of the class at random, then a z from its Gaussian.",
        "`labels == c` says which rows of `mu` and `logvar` to keep: `mu[labels == c]`. With those, do as in "
        "`sample_dataset_posterior`.",
    ),
    praise="Only images of the class are drawn, then a z of each: a mixture, with its gaps left open.",
)
