"""Exercise of chapter 9: the direction in which a Gaussian spreads most."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.asking import to_array
from vae_course.exercises.base import Ask, Exercise, Faulty, Inputs, Slip, faulty_family
from vae_course.exercises.chapter08.reading import reader
from vae_course.exercises.chapter09.draws import draw_covariance

_EQUAL = 1e-3  # largest difference of two unit vectors' entries that are the same but for rounding


def principal_direction(cov: Tensor) -> Tensor:
    """The unit vector along which N(0, cov) has the largest variance, (d,), its largest entry positive.

    cov: (d, d), symmetric. The eigenvector of the largest eigenvalue; chapter 9.
    """
    return _upright(torch.linalg.eigh(cov).eigenvectors[:, -1])


def _upright(vector: Tensor) -> Tensor:
    """The vector or its opposite, whichever has a positive entry of largest size."""
    return vector * torch.where(vector[vector.abs().argmax()] < 0, -1.0, 1.0).to(vector.dtype)


def _direction(cov: Tensor, *, axis: int, length: str) -> Tensor:
    values, vectors = torch.linalg.eigh(cov)
    scale = {"one": 1.0, "value": values[axis], "root": values[axis].sqrt(), "inverse": 1 / values[axis]}[length]
    return _upright(scale * vectors[:, axis])


def _one_axis(cov: Tensor) -> Tensor:
    direction = torch.zeros(len(cov), dtype=cov.dtype)
    direction[cov.diagonal().argmax()] = 1
    return direction


def _read(returned: Any, cov: np.ndarray) -> Any:
    """The vector with the sign of `_upright`."""
    vector = to_array(returned)
    if vector.ndim == 1 and vector.size and np.isfinite(vector).all():
        return vector * (-1.0 if vector[np.abs(vector).argmax()] < 0 else 1.0)
    return vector


def _is_row(ask: Ask, rng: np.random.Generator) -> bool:
    """Whether it is always a row of the eigenvectors' matrix, whatever its columns' signs and order, and no column."""
    away_from_columns = []
    for _ in range(6):
        cov = _draw_spread(rng)["cov"]
        values, vectors = ask({"cov": cov}), np.linalg.eigh(cov)[1]
        if values is None or values[0].shape != (len(cov),) or not np.any(values[0]):
            return False
        sizes = np.sort(np.abs(values[0]) / np.linalg.norm(values[0]))
        to_row, to_column = (
            np.abs(sizes - np.sort(np.abs(matrix), axis=1)).max(axis=1).min() for matrix in (vectors, vectors.T)
        )
        if not to_row < _EQUAL:
            return False
        away_from_columns.append(to_column > 10 * _EQUAL)
    return any(away_from_columns)


def _is_stretched(ask: Ask, rng: np.random.Generator) -> bool:
    """Whether it always points in the right direction, and has not always length 1."""
    lengths = []
    for _ in range(6):
        cov = _draw_spread(rng)["cov"]
        values = ask({"cov": cov})
        if values is None or values[0].shape != (len(cov),) or not np.isfinite(values[0]).all():
            return False
        lengths.append(float(np.linalg.norm(values[0])))
        right = principal_direction(torch.from_numpy(cov)).numpy()
        if not np.abs(values[0] - lengths[-1] * right).max() < _EQUAL * lengths[-1]:
            return False
    return max(abs(length - 1) for length in lengths) > _EQUAL


def _draw_spread(rng: np.random.Generator) -> Inputs:
    """A covariance with axes of clearly different length, none of length 1, and signs that rounding cannot turn."""
    d = int(rng.integers(3, 6))
    while True:
        variances = np.cumprod(rng.uniform(1.8, 2.5, size=d)) * rng.uniform(0.15, 0.8)
        cov = draw_covariance(rng, variances)
        sizes = np.sort(np.abs(np.linalg.eigh(cov)[1]), axis=0)
        steep = np.diff(np.sort(cov.diagonal()))[-1] > 0.05
        if (sizes[-1] - sizes[-2] > 0.02).all() and np.abs(variances - 1).min() > 0.1 and steep:
            return {"cov": cov}


PRINCIPAL_DIRECTION = Exercise(
    name="principal_direction",
    chapter=9,
    returns="one unit vector of shape (d,), shown with its largest entry positive",
    draw=_draw_spread,
    examples=(
        {"cov": np.array([[1.0, 0.0], [0.0, 4.0]])},
        {"cov": np.array([[6.8, 2.4, 0.0], [2.4, 8.2, 0.0], [0.0, 0.0, 1.0]])},
    ),
    reference=principal_direction,
    read=reader("cov", then=_read),
    slips={
        "smallest": Slip(
            "It gives the direction of the smallest variance.",
            "You gave the axis along which the class is narrowest. In which order do the eigenvalues come? `eigh` "
            "sorts them upwards, and `svd` downwards.",
        ),
        "row_not_column": Slip(
            "It takes a row of the matrix of eigenvectors.",
            "You took a row of the matrix of eigenvectors. They stand in its columns; a row holds one entry of each. "
            "It has length 1 as well, so that nothing looks wrong: multiply the covariance by your vector, and see "
            "whether the result points the same way.",
            shown_by=_is_row,
        ),
        "not_unit": Slip(
            "Its length is not 1.",
            "Your vector points the right way, but its length is not 1. How far the class spreads is another question "
            "than in which direction: angles between directions need unit vectors.",
            shown_by=_is_stretched,
        ),
    },
    faulty=(
        *faulty_family(
            _direction,
            axis={-1: None, 0: "smallest"},
            length={"one": None, "value": "not_unit", "root": "not_unit", "inverse": "not_unit"},
        ),
        Faulty(
            (),
            lambda cov: torch.linalg.eigvalsh(cov)[-1],
            remark="You gave the largest variance itself. Asked is the direction that belongs to it.",
        ),
        Faulty(
            (),
            lambda cov: torch.linalg.eigvalsh(cov),
            remark="You gave the eigenvalues. Asked is the eigenvector of the largest.",
        ),
        Faulty(
            (),
            _one_axis,
            remark="You chose the latent with the largest variance. A direction may lie between the latents' axes.",
        ),
        Faulty(
            (),
            lambda cov: cov.diagonal() / cov.diagonal().norm(),
            remark="You took the diagonal of the covariance as a direction. It holds the variances of the latents, and "
            "says nothing of how they go together.",
        ),
        Faulty(
            (),
            lambda cov: _direction(cov, axis=-2, length="one"),
            remark="You gave the second longest axis.",
        ),
    ),
    hints=(
        r"For a unit vector $v$ the variance along it is $v^T \Sigma v$. For which $v$ is it largest?",
        r"$\Sigma v = \lambda v$ with the largest $\lambda$, and $|v| = 1$.",
        "`values, vectors = torch.linalg.eigh(cov)`; the eigenvalues rise and the eigenvectors stand in columns, so "
        "it is the last column.",
    ),
    praise="The eigenvector of the largest eigenvalue, with length 1; its sign is a matter of taste.",
)
