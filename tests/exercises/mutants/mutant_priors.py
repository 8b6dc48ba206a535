"""Scenes and slips for answers that draw from the prior."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from drawing import features, looks_normal, make_generator, read_draws

Answer = Callable[..., Any]


def _long(answer: Answer, kind: str, seed: int) -> np.ndarray:
    return features(read_draws(answer(20_000, 3, make_generator(kind, seed)), (20_000, 3)))


def _short(answer: Answer, kind: str, seed: int) -> np.ndarray:
    """Many calls for a few draws, and one for a lone number."""
    generator = make_generator(kind, seed)
    read_draws(answer(1, 1, generator), (1, 1))
    return features(np.concatenate([read_draws(answer(2, 4, generator), (2, 4)) for _ in range(2000)]))


def draw_few(answer: Answer, kind: str, generator: Any) -> np.ndarray:
    """Draws of one call."""
    return read_draws(answer(3, 2, generator), (3, 2))


def _is_uniform(answer: Answer, kind: str) -> bool:
    z = read_draws(answer(20_000, 2, make_generator(kind, 1)), (20_000, 2))
    u = (z - z.min(axis=0)) / np.ptp(z, axis=0)
    places = np.linspace(0, 1, 20_000)
    return bool(np.abs(np.sort(u, axis=0) - places[:, None]).max() < 0.02)


def _is_scaled(answer: Answer, kind: str) -> bool:
    draws = [read_draws(answer(20_000, d, make_generator(kind, d)), (20_000, d)) for d in (1, 4)]
    sizes = [float(np.sqrt((z**2).mean())) for z in draws]
    normal = all(looks_normal(column / size) for z, size in zip(draws, sizes, strict=True) for column in z.T)
    return normal and max(abs(size - 1) for size in sizes) > 0.02


SCENES = (_long, _short)
PREDICATES = {"uniform": _is_uniform, "scaled": _is_scaled}
WAYS: dict[str, tuple[Answer, ...]] = {}
