"""Reads draws from a mixture of posteriors: which image each came from, and the noise that was added to its mean.

That is possible where the means lie far apart. The recipe then has two parts, each with a law of its own: the image,
equally likely among those that may be drawn, and the noise, N(0, I) times the image's standard deviation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from vae_course.exercises import chances

_APART = 100.0  # between neighbouring means: many standard deviations and variances
_FAR = 30.0
NO_IMAGE = (
    "Most of your draws lie far from the means of all images that may be drawn, further than their Gaussians reach. "
    "Each draw is to come from the Gaussian of ONE image."
)
# what was used for the standard deviation, as a function of logvar -> what to say
_WIDTHS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
    "logvar": (np.abs, "You used `logvar` itself where the standard deviation belongs."),
    "inverse std": (
        lambda logvar: np.exp(-logvar / 2),
        "You used `exp(-logvar / 2)`, one over the standard deviation. What is the sign in the exponent?",
    ),
    "logvar as log std, squared": (
        lambda logvar: np.exp(2 * logvar),
        "You used `exp(2 * logvar)` where the standard deviation belongs. Its exponent is half of `logvar`.",
    ),
    "one": (np.ones_like, "The noise has standard deviation 1 for every image and latent. `logvar` is not used."),
}
_NO_NOISE = "Your draws are the means of the images. The noise of their Gaussians is missing."
_ONE_NUMBER = "Within a draw all latents get the same noise. Each latent has noise of its own."
_ONE_NOISE = "All your draws in a call have the same noise. Each draw is to get noise of its own."
_ONE_PER_IMAGE = (
    "Whenever an image is drawn again, the same z comes back: you drew one z for each image first. Draw the image "
    "first, and then a fresh z from its Gaussian, as often as it is drawn."
)
_OTHER_NOISE = (
    "Your draws lie near the right images, but their noise does not have the law that is wanted: for each latent "
    "N(0, 1) times the standard deviation of the image that was drawn."
)
_ONE_IMAGE = "All draws of a call come from one image. An image is to be drawn anew for each of them."
_NO_REPEATS = (
    "No image is drawn twice in a call. Each draw is to choose among all of them, also among those that were drawn "
    "before; else there could be no more draws than images."
)
_UNEQUAL = (
    "The images are not equally likely in your draws, or some never come. Each has the same chance at every draw."
)


class Reading(NamedTuple):
    """image: (n,), the nearest image's number. noise: (n, d), z - mu of it. near: whether (nearly) all lie near one."""

    image: np.ndarray
    noise: np.ndarray
    near: bool


def place_means(rng: np.random.Generator, m: int, d: int) -> np.ndarray:
    """m means, (m, d), at least 90 apart, and none near 0, where the draws of who forgets the images lie."""
    corners = rng.permutation(3**d)[:m]
    grid = np.stack([corners // 3**j % 3 for j in range(d)], axis=1)
    shift = rng.uniform(35, 50, size=d) * rng.choice([-1, 1], size=d)
    return np.asarray(_APART * grid + rng.uniform(-3, 3, size=(m, d)) + shift)


def draw_logvar(rng: np.random.Generator, m: int, d: int) -> np.ndarray:
    """(m, d) numbers from -2.5 to 1.5, none near 0, where variance and standard deviation are the same."""
    return np.asarray(np.where(rng.random((m, d)) < 0.6, rng.uniform(-2.5, -1, (m, d)), rng.uniform(0.8, 1.5, (m, d))))


def read_draws(z: np.ndarray, mu: np.ndarray) -> Reading:
    """z: (n, d), mu: (m, d)."""
    distance = np.abs(z[:, None] - mu).max(axis=2)
    index = distance.argmin(axis=1)
    return Reading(index, z - mu[index], bool((distance.min(axis=1) < _FAR).mean() > 0.99))


def noise_tests(noise: np.ndarray, index: np.ndarray, width: np.ndarray) -> dict[str, float]:
    """Tests of the noise against N(0, I) times the width of the draw's image. width: (m, d)."""
    eps = noise / width[index]
    tests = {
        "repeated noise": float(len(np.unique(np.abs(eps), axis=0)) == len(eps)),
        "far": float(np.abs(eps).max() < 12),
    }
    tests |= chances.of_independent_rows(eps)
    for image in np.unique(index):
        own = eps[index == image]
        tests |= {f"mean of image {image}": chances.of_mean(own), f"spread of image {image}": chances.of_spread(own)}
    return tests


def join(readings: list[Reading]) -> Reading:
    """Several calls as one."""
    image, noise = (np.concatenate([r[i] for r in readings]) for i in range(2))
    return Reading(image, noise, all(r.near for r in readings))


def repeat_test(calls: list[np.ndarray], n_allowed: int) -> float:
    """How likely so many calls draw an image more than once, each choosing among n_allowed. calls: their images."""
    size = len(calls[0])
    chance = 1 - math.prod(1 - i / n_allowed for i in range(size))
    return chances.of_count(sum(len(set(image)) < size for image in calls), len(calls), chance)


def choice_tests(index: np.ndarray, allowed: np.ndarray) -> dict[str, float]:
    """Tests of the images drawn against equal chances for the allowed ones, and none for the others."""
    tests = {"not allowed": float(np.isin(index, allowed).all())}
    for image in allowed:
        tests[f"share of image {image}"] = chances.of_count(int((index == image).sum()), index.size, 1 / len(allowed))
    return tests


def is_one_noise(reading: Reading, logvar: np.ndarray) -> bool:
    """Whether all draws share their noise, in units of the standard deviation or of the variance."""
    for width in (np.exp(logvar / 2), np.exp(logvar), np.ones_like(logvar)):
        eps = reading.noise / width[reading.image]
        if np.abs(eps - eps[0]).max() < 1e-3 * max(1.0, np.abs(eps).max()):  # a shared number may be near 0
            return True
    return False


def is_no_noise(reading: Reading) -> bool:
    """Whether all draws are means, up to rounding."""
    return bool(np.abs(reading.noise).max() < 1e-3)


def remark_on_noise(reading: Reading, logvar: np.ndarray) -> str:
    """What can be said of noise that has not the right law."""
    if is_no_noise(reading):
        return _NO_NOISE
    if is_one_noise(reading, logvar):
        return _ONE_NOISE
    for width, text in _WIDTHS.values():
        if chances.likely(noise_tests(reading.noise, reading.image, width(logvar)).values()):
            return text
    eps = reading.noise / np.exp(logvar / 2)[reading.image]
    if np.abs(eps - eps[:, :1]).max() < 1e-3:
        return _ONE_NUMBER
    if len(np.unique(eps.round(5), axis=0)) <= len(logvar):
        return _ONE_PER_IMAGE
    return _OTHER_NOISE


def remark_on_choice(calls: list[np.ndarray]) -> str:
    """What can be said of images that are not drawn as they should be. calls: the index of each call."""
    if all(len(set(index)) == 1 for index in calls):
        return _ONE_IMAGE
    if all(len(set(index)) == len(index) for index in calls):
        return _NO_REPEATS
    return _UNEQUAL


def compare_moments(mu: np.ndarray, logvar: np.ndarray, z: np.ndarray) -> tuple[tuple[str, str], ...]:
    """Mean and variance of draws from the mixture of all images given: as wanted, and of z (n, d)."""
    variance = np.exp(logvar).mean(axis=0) + mu.var(axis=0)
    error = 5 * np.sqrt(variance / len(z))
    return (
        ("wanted mean", f"{_text(mu.mean(axis=0))}, give or take {_text(error)}"),
        ("given mean", _text(z.mean(axis=0))),
        ("wanted variance", f"{_text(variance)}, give or take {100 * 8 / math.sqrt(len(z)):.0f} %"),
        ("given variance", _text(z.var(axis=0))),
    )


def _text(values: np.ndarray) -> str:
    return np.array2string(values, precision=2, suppress_small=True, separator=", ")
