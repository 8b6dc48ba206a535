"""Generators and arrays of the kinds that an answer which draws may be written for."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

KINDS = ("torch tensors", "float32 torch tensors", "NumPy arrays")


def make_generator(kind: str, seed: int) -> Any:
    """Of torch, or of NumPy for NumPy arrays."""
    return np.random.default_rng(seed) if kind == "NumPy arrays" else torch.Generator().manual_seed(seed)


def hand_over(array: np.ndarray, kind: str) -> Any:
    """A fresh array of the kind."""
    if kind == "NumPy arrays":
        return array.copy()
    tensor = torch.from_numpy(array.copy())
    return tensor.float() if kind.startswith("float32") and tensor.is_floating_point() else tensor


def read_draws(draws: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The draws as an array; ValueError if they have another shape, or are not finite."""
    array = np.asarray(draws.detach() if isinstance(draws, torch.Tensor) else draws, dtype=float)
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"draws of shape {array.shape}, wanted finite ones of {shape}")
    return array


def features(z: np.ndarray) -> np.ndarray:
    """Powers and products of the columns of z, (n, d), and of its neighbouring rows; whether numbers repeat."""
    d = z.shape[1]
    after = np.roll(z, -1, axis=0)
    pairs = [z[:, i] * z[:, j] for i in range(d) for j in range(i)]
    parts = [z, z**2, np.abs(z), np.clip(z, -3, 3) ** 3, np.exp(-(z**2)), z * after, z**2 * after**2]
    alike = [np.abs(z[:, i] - z[:, j]) < 1e-9 for i in range(d) for j in range(i)]
    return np.column_stack([*parts, *pairs, *alike, (np.abs(z - after) < 1e-9).all(axis=1)]).astype(float)


def looks_normal(eps: np.ndarray, *, tolerance: float = 0.06) -> bool:
    """Whether thousands of numbers have the moments of N(0, 1)."""
    moments = [
        eps.mean(),
        eps.var() - 1,
        np.abs(eps).mean() - np.sqrt(2 / np.pi),
        (np.clip(eps, -4, 4) ** 4).mean() / 3 - 1,
    ]
    return max(abs(moment) for moment in moments) < tolerance
