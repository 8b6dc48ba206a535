"""What the figures ask of their data, in one wording (level 4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def as_floats(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """`values` as an array of floats. Raises TypeError where they are no numbers, ValueError on NaN or an infinity."""
    numbers = as_numbers(name, values)
    if not np.isfinite(numbers).all():
        raise ValueError(f"{name} must be finite, but holds NaN or an infinity; look where it comes from")
    return numbers


def as_numbers(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """`values` as an array of floats, NaN and infinities let through. Raises TypeError where they are no numbers."""
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be an array of numbers ({error})") from error


def as_points(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Points on a plane, (n, 2) with n > 0. Raises ValueError on another shape, and as as_floats does."""
    points = as_floats(name, values)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ValueError(f"{name} must be (n, 2) with n > 0, got {points.shape}")
    return points


def as_map(name: str, values: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Points on a plane, (n, 2) with n > 0, and their labels, (n,) from 0 to 9. Raises ValueError on other shapes."""
    points = as_points(name, values)
    return points, as_digits(labels, len(points))


def as_columns(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """A column for each latent, (n, d) with n > 0. Raises ValueError on another shape, and as as_floats does."""
    columns = as_floats(name, values)
    if columns.ndim != 2 or not columns.size:
        raise ValueError(f"{name} must be (n, d) with n > 0, got {columns.shape}; for one latent pass z[:, None]")
    return columns


def as_digits(labels: ArrayLike, n: int) -> NDArray[np.int64]:
    """One label for each of n rows, (n,) whole numbers from 0 to 9: these have colours. Raises ValueError."""
    numbers = as_floats("labels", labels)
    if numbers.shape != (n,):
        raise ValueError(f"labels must be one a row, ({n},), got {numbers.shape}")
    digits = numbers.astype(np.int64)
    if not (digits == numbers).all() or digits.min() < 0 or digits.max() > 9:
        raise ValueError(f"labels must be whole numbers from 0 to 9, got {numbers.min():g} to {numbers.max():g}")
    return digits


def check_length(name: str, value: float) -> None:
    """Raises ValueError unless `value`, a length in the figure, is finite and above 0."""
    if not 0 < value < np.inf:
        raise ValueError(f"{name} must be a finite number above 0, got {value}")
