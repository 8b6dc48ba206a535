"""Ways to spoil an argument, by the role that it plays: each is one mistake that a caller makes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_course.checks import make_generator

Spoilt = Mapping[str, Any]
Role = Callable[[Any], Spoilt]


@dataclass(frozen=True)
class Subject:
    """A public function with arguments that are right, and the role of each argument that can be wrong.

    make: seed -> arguments by name, made anew at each call. roles: argument -> role. called: what the error may call an
    argument where it is not its own name.
    """

    function: Callable[..., Any]
    make: Callable[[int], dict[str, Any]]
    roles: dict[str, Role]
    called: dict[str, str] = field(default_factory=dict)

    def call(self, **changed: Any) -> Any:
        """The function's result with right arguments, but for those given."""
        return self.function(**{**self.make(0), **changed})

    def spoilt(self, seed: int = 0) -> dict[tuple[str, str], dict[str, Any]]:
        """(argument, mistake) -> arguments of which that one is wrong."""
        right = self.make(seed)
        return {
            (name, mistake): {**right, name: value}
            for name, role in self.roles.items()
            for mistake, value in role(right.get(name)).items()
        }


def both(*roles: Role) -> Role:
    """All mistakes of several roles."""
    return lambda value: {mistake: wrong for role in roles for mistake, wrong in role(value).items()}


def but(role: Role, *mistakes: str) -> Role:
    """A role for which some values are right after all."""
    return lambda value: {mistake: wrong for mistake, wrong in role(value).items() if mistake not in mistakes}


# --- tensors ---


def table(value: Tensor) -> Spoilt:
    """(n, d) with n and d above 0."""
    return {
        "one-dimensional": value[0],
        "three-dimensional": value[None],
        "a number": value.reshape(-1)[0],
        "without rows": value[:0],
        "without columns": value[:, :0],
    }


def row(value: Tensor) -> Spoilt:
    """(d,) with d above 0."""
    return {"two-dimensional": value[None], "a number": value[0], "empty": value[:0]}


def narrower(value: Tensor) -> Spoilt:
    """The last dimension belongs to something else too."""
    return {"a column short": value[..., :-1]}


def shorter(value: Tensor) -> Spoilt:
    """The rows belong to something else too."""
    return {"a row short": value[:-1]}


def floats(value: Tensor) -> Spoilt:
    """Floating point."""
    return {"whole numbers": value.long(), "truth values": value > 0}


def finite(value: Tensor) -> Spoilt:
    """Neither NaN nor infinite."""
    return {"NaN": _with(value, math.nan), "infinity": _with(value, math.inf), "-infinity": _with(value, -math.inf)}


def square(value: Tensor) -> Spoilt:
    """(..., d, d)."""
    return {"not square": value[..., :-1], "one-dimensional": value.reshape(-1), "empty": value[..., :0, :0]}


def symmetric(value: Tensor) -> Spoilt:
    """Equal to its transpose."""
    skew = value.clone()
    skew[..., 0, 1] += 1
    return {"not symmetric": skew}


def positive_definite(value: Tensor) -> Spoilt:
    """A covariance with a density."""
    return {"negative definite": -value, "flat": torch.ones_like(value)}


points = both(table, floats, finite)
covariance = both(square, floats, finite, symmetric)
density = both(covariance, positive_definite)


def labels(value: Tensor) -> Spoilt:
    """(n,) whole numbers from 0 to n_classes - 1."""
    return {
        **shorter(value),
        "two-dimensional": value[:, None],
        "floats": value.double(),
        "truth values": value > 0,
        "negative": value - 1 - value.min(),
        "too large": value + 1000,
        "empty": value[:0],
    }


def pixels(value: Tensor) -> Spoilt:
    """(n, input_dim) uint8."""
    return {**table(value), **narrower(value), "floats": value.float(), "int64": value.long()}


def fractions(value: Tensor) -> Spoilt:
    """(n, input_dim) floats in [0, 1]."""
    return {**but(table, "without rows", "without columns")(value), **narrower(value), "whole numbers": value.long()}


def _with(value: Tensor, wrong: float) -> Tensor:
    spoilt = value.clone()
    spoilt[(-1,) * value.ndim] = wrong
    return spoilt


# --- NumPy arrays ---


def array(role: Role) -> Role:
    """A role of tensors, for what is given as a NumPy array."""

    def of_array(value: np.ndarray) -> Spoilt:
        spoilt = role(torch.from_numpy(value)).items()
        return {mistake: wrong.numpy() for mistake, wrong in spoilt}

    return of_array


# --- numbers, names and the rest ---


def count(value: int) -> Spoilt:
    """A whole number above 0."""
    return {"zero": 0, "negative": -1, "half": value + 0.5, "NaN": math.nan, "a word": "three"}


def positive(value: float) -> Spoilt:
    """A number above 0."""
    return {"zero": 0.0, "negative": -1.0, "NaN": math.nan}


def not_negative(value: float) -> Spoilt:
    """A number of 0 or above."""
    return {"negative": -1.0, "NaN": math.nan}


def choice(value: str) -> Spoilt:
    """One of a few names."""
    return {"unknown": "no such name", "empty": ""}


def a_generator() -> torch.Generator:
    """One for the arguments of a call."""
    return make_generator(1)
