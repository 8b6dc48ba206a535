"""Scenes and slips for answers that draw an image and then a z of it, from all images or from those of a class."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from drawing import features, hand_over, looks_normal, make_generator, read_draws

Answer = Callable[..., Any]

_RNG = np.random.default_rng(17)
_MU = np.array([[0.0, 0.0], [400.0, 0.0], [0.0, 500.0], [400.0, 500.0], [-300.0, 250.0], [800.0, 250.0]])
_LOGVAR = _RNG.uniform(-2.5, 1.5, size=_MU.shape)
_LABELS = np.array([4, 7, 2, 7, 2, 4])
_C = 4  # the class in the middle: neither the largest nor the smallest label


def _of_dataset(answer: Answer, kind: str, n: int, generator: Any) -> np.ndarray:
    return read_draws(answer(hand_over(_MU, kind), hand_over(_LOGVAR, kind), n, generator), (n, 2))


def _of_class(answer: Answer, kind: str, n: int, generator: Any) -> np.ndarray:
    images = (hand_over(array, kind) for array in (_MU, _LOGVAR, _LABELS))
    return read_draws(answer(*images, _C, n, generator), (n, 2))


def _read(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Image and deviation from its mean, of each draw."""
    image = np.abs(z[:, None] - _MU).max(axis=2).argmin(axis=1)
    return image, z - _MU[image]


def _features(z: np.ndarray) -> np.ndarray:
    image, deviation = _read(z)
    chosen = (image[:, None] == np.arange(len(_MU))).astype(float)
    eps = np.clip(deviation / np.exp(_LOGVAR / 2)[image], -50, 50)
    by_image = [chosen * power for power in (eps[:, :1], eps[:, 1:], eps[:, :1] ** 2, eps[:, 1:] ** 2)]
    return np.column_stack(
        [chosen, *by_image, features(eps), image == np.roll(image, -1), chosen * np.roll(chosen, -1, 0)]
    )


def _part(draw: Callable[..., np.ndarray], predicates: dict[str, Callable[..., bool]]) -> SimpleNamespace:
    """The same scenes and slips for both exercises; draw: (answer, kind, n, generator) -> draws."""

    def long(answer: Answer, kind: str, seed: int) -> np.ndarray:
        return _features(draw(answer, kind, 20_000, make_generator(kind, seed)))

    def short(answer: Answer, kind: str, seed: int) -> np.ndarray:
        generator = make_generator(kind, seed)
        return _features(np.concatenate([draw(answer, kind, 3, generator) for _ in range(1500)]))

    def draw_few(answer: Answer, kind: str, generator: Any) -> np.ndarray:
        return draw(answer, kind, 3, generator)

    def slip(shows: Callable[..., bool]) -> Callable[[Answer, str], bool]:
        def predicate(answer: Answer, kind: str) -> bool:
            generator = make_generator(kind, 3)
            return shows([_read(draw(answer, kind, 3, generator)) for _ in range(400)])

        return predicate

    return SimpleNamespace(
        SCENES=(long, short), draw_few=draw_few, WAYS={}, PREDICATES={key: slip(one) for key, one in predicates.items()}
    )


Calls = list[tuple[np.ndarray, np.ndarray]]


def _all(calls: Calls) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([image for image, _ in calls]), np.concatenate([deviation for _, deviation in calls])


def _means_only(calls: Calls) -> bool:
    return bool(np.abs(_all(calls)[1]).max() < 1e-3)


def _variance_as_std(calls: Calls) -> bool:
    image, deviation = _all(calls)
    return looks_normal(deviation / np.exp(_LOGVAR)[image], tolerance=0.12)


def _first_images(calls: Calls) -> bool:
    return all(image.tolist() == [0, 1, 2] for image, _ in calls)


def _one_noise(calls: Calls) -> bool:
    """In each call all rows have the same noise, in units of the standard deviation, of the variance, or of 1."""
    widths = (np.exp(_LOGVAR / 2), np.exp(_LOGVAR), np.ones_like(_LOGVAR))
    return any(all(np.ptp(d / width[i], axis=0).max() < 1e-3 for i, d in calls) for width in widths)


def _every_class(calls: Calls) -> bool:
    shares = np.bincount(_all(calls)[0], minlength=len(_MU)) / (3 * len(calls))
    return bool(np.abs(shares - 1 / len(_MU)).max() < 0.06)


OF_DATASET = _part(
    _of_dataset,
    {
        "means_only": _means_only,
        "variance_as_std": _variance_as_std,
        "first_images_only": _first_images,
        "one_noise_for_all": _one_noise,
    },
)
OF_CLASS = _part(_of_class, {"ignores_class": _every_class})
