"""Checks of single values, and the random generator that all draws are given (level 0)."""

from __future__ import annotations

import math
import operator

import torch


def make_generator(seed: int) -> torch.Generator:
    """A CPU random generator that starts from `seed`, a whole number."""
    check_whole("seed", seed)
    return torch.Generator().manual_seed(seed)


def check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    """Raises ValueError that lists the known values if `value` is not among them."""
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, got {value!r}")


def check_positive(name: str, value: float) -> None:
    """Raises ValueError unless value > 0 (NaN is refused too)."""
    if not value > 0:
        raise ValueError(f"{name} must be above 0, got {value}")


def check_whole(name: str, value: int) -> None:
    """Raises TypeError unless `value` is a whole number, of Python's kind or NumPy's."""
    try:
        operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, got {value!r}") from None


def check_count(name: str, value: int) -> None:
    """Raises TypeError unless `value` is a whole number, ValueError unless it is above 0."""
    check_whole(name, value)
    check_positive(name, value)


def check_sizes(name: str, sizes: tuple[int, ...]) -> None:
    """Raises TypeError unless all of them are whole numbers, ValueError unless there are some, all above 0."""
    for size in sizes:
        check_whole(f"each of {name}", size)
    if not sizes or min(sizes) < 1:
        raise ValueError(f"{name} must list at least one size above 0, got {sizes}")


def check_below_infinity(name: str, value: float) -> None:
    """Raises ValueError if `value` is infinite (NaN is not: other checks refuse it)."""
    if value == math.inf:
        raise ValueError(f"{name} must be a finite number, got {value}")
