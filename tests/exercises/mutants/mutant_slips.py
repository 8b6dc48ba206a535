"""What the slips of chapters 1 to 7 and 9 are that no single function has, each said anew, without the check's code.

A predicate takes `ask`, which calls the answer with inputs and gives its values or None, and a generator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from vae_course.exercises.base import Inputs

Ask = Callable[[Inputs], tuple[np.ndarray, ...] | None]
Predicate = Callable[[Ask, np.random.Generator], bool]


def _same(one: Any, other: Any) -> bool:
    return one is not None and other is not None and np.allclose(one[0], other[0], rtol=1e-4, atol=1e-4)


def ignores_eps(ask: Ask, rng: np.random.Generator) -> bool:
    inputs = {name: rng.normal(size=(4, 3)) for name in ("mu", "logvar", "eps")}
    return _same(ask(inputs), ask({**inputs, "eps": rng.normal(size=(4, 3))}))


def uses_logvar(ask: Ask, rng: np.random.Generator) -> bool:
    inputs = {name: rng.normal(size=(6, 2)) for name in ("mu", "logvar")}
    first, other = ask(inputs), ask({**inputs, "logvar": rng.normal(size=(6, 2))})
    return first is not None and other is not None and first[0].shape == (6, 2) and not _same(first, other)


def _log_mixture(z: np.ndarray, mu: np.ndarray, logvar: np.ndarray) -> np.ndarray:
    logs = -0.5 * ((z[:, None] - mu) ** 2 / np.exp(logvar) + logvar + np.log(2 * np.pi)).sum(axis=2)
    return np.asarray(np.logaddexp.reduce(logs, axis=1) - np.log(len(mu)))


def underflows(ask: Ask, rng: np.random.Generator) -> bool:
    """Right near the components; far from all of them no number, or one and the same for all points."""
    mu, logvar = rng.normal(size=(4, 3)), rng.normal(scale=0.3, size=(4, 3))
    near = {"z": rng.normal(size=(5, 3)), "mu": mu, "logvar": logvar}
    if not _same(ask(near), (_log_mixture(**near),)):
        return False
    far = ask({**near, "z": near["z"] + 150 * np.array([[1], [2], [3], [4], [5]])})
    return far is None or not np.isfinite(far[0]).all() or np.ptp(far[0]) == 0


def adds_up_chains(ask: Ask, rng: np.random.Generator) -> bool:
    """One number to which every chain adds something, whatever their order."""
    x, x_mean = rng.normal(size=4), rng.normal(size=(3, 4))
    first = ask({"x": x, "x_mean": x_mean, "sigma": 0.7})
    if (
        first is None
        or first[0].size != 1
        or not _same(first, ask({"x": x, "x_mean": x_mean[[2, 0, 1]], "sigma": 0.7}))
    ):
        return False
    changed = [ask({"x": x, "x_mean": x_mean + np.eye(3)[:, [i]], "sigma": 0.7}) for i in range(3)]
    return all(other is not None and other[0].size == 1 and not _same(first, other) for other in changed)


def _covariance(rng: np.random.Generator, variances: np.ndarray) -> np.ndarray:
    directions, _ = np.linalg.qr(rng.normal(size=(len(variances), len(variances))))
    return np.asarray((directions * variances) @ directions.T)


def determinant_underflows(ask: Ask, rng: np.random.Generator) -> bool:
    """Right for a wide class with many latents; for a narrow one no number, or a floor."""
    wide = _covariance(rng, np.exp(rng.uniform(-1, 1, size=40)))
    if not _same(ask({"cov": wide}), (np.linalg.slogdet(wide)[1] / 2,)):
        return False
    values = [ask({"cov": _covariance(rng, np.exp(rng.uniform(low - 1, low, size=60)))}) for low in (-28, -29)]
    return any(value is None or not np.isfinite(value[0]).all() for value in values) or _same(*values)


def _spread(rng: np.random.Generator) -> np.ndarray:
    return _covariance(rng, 0.3 * np.array([1.0, 2.2, 4.5, 9.5]))


def takes_row(ask: Ask, rng: np.random.Generator) -> bool:
    """A row of the eigenvectors' matrix up to the columns' signs and order, or a multiple of it, and no eigenvector."""
    none_is_a_column = True
    for _ in range(5):
        cov = _spread(rng)
        values, vectors = ask({"cov": cov}), np.linalg.eigh(cov)[1]
        if values is None or values[0].shape != (4,) or not np.linalg.norm(values[0]) > 0:
            return False
        unit = values[0] / np.linalg.norm(values[0])
        rows = np.sort(np.abs(vectors), axis=1)
        if not np.abs(np.sort(np.abs(unit)) - rows).max(axis=1).min() < 1e-3:
            return False
        none_is_a_column &= bool((np.abs(vectors.T @ unit) < 0.999).all())
    return none_is_a_column


def is_stretched(ask: Ask, rng: np.random.Generator) -> bool:
    """An eigenvector of the largest eigenvalue, of another length than 1."""
    lengths = []
    for _ in range(5):
        cov = _spread(rng)
        values = ask({"cov": cov})
        if values is None or values[0].shape != (4,) or not np.isfinite(values[0]).all():
            return False
        lengths.append(np.linalg.norm(values[0]))
        if not np.allclose(
            cov @ values[0], np.linalg.eigvalsh(cov)[-1] * values[0], rtol=1e-3, atol=1e-3 * lengths[-1]
        ):
            return False
    return min(lengths) > 0 and max(abs(length - 1) for length in lengths) > 1e-3


# ---- the form of chapter 7: a z^2 + c w^2 + e z w at every b


def _coefficients(ask: Ask, rng: np.random.Generator) -> np.ndarray | None:
    """(5, 4): a, c, e and b at five values of b, from least squares; None if it is no such form."""
    rows = []
    for b in rng.uniform(0.2, 0.9, size=5):
        z, w = rng.normal(size=(2, 20))
        values = ask({"z": z, "w": w, "b": np.full(20, b)})
        if values is None or values[0].shape != (20,) or not np.isfinite(values[0]).all():
            return None
        terms = np.stack([z**2, w**2, z * w], axis=1)
        found = np.linalg.lstsq(terms, values[0], rcond=None)[0]
        if np.abs(terms @ found - values[0]).max() > 1e-3 * max(np.abs(values[0]).max(), 1e-6):
            return None
        rows.append([*found, b])
    return np.array(rows)


def is_asymmetric(ask: Ask, rng: np.random.Generator) -> bool:
    found = _coefficients(ask, rng)
    return found is not None and not np.allclose(found[:, 0], found[:, 1], rtol=1e-3, atol=1e-3)


def has_other_cross_term(ask: Ask, rng: np.random.Generator) -> bool:
    found = _coefficients(ask, rng)
    if found is None:
        return False
    of_z, of_w, cross, b = found.T
    squares = np.allclose(of_z * b**2, 1, atol=1e-3) and np.allclose(of_w * b**2, 1, atol=1e-3)
    return squares and not np.allclose(cross * b**2, -2 * np.sqrt(1 - b**2), atol=1e-3)


def has_other_denominator(ask: Ask, rng: np.random.Generator) -> bool:
    """The right form divided by something else: all of it, or the squares alone. Not merely a number, but 2."""
    found = _coefficients(ask, rng)
    if found is None:
        return False
    of_z, of_w, cross, b = found.T
    ratio = of_z * b**2
    plain = np.ptp(ratio) < 1e-3 and abs(ratio[0] - 0.5) > 1e-3
    right = -2 * np.sqrt(1 - b**2) / b**2
    of_all, of_squares = np.allclose(cross, right * ratio, rtol=1e-3), np.allclose(cross, right, rtol=1e-3)
    return np.allclose(of_z, of_w, rtol=1e-3) and not plain and (of_all or of_squares)


PREDICATES: dict[tuple[str, str], Predicate] = {
    ("reparameterize", "ignores_eps"): ignores_eps,
    ("scatter_coordinates", "uses_logvar"): uses_logvar,
    ("mixture_log_density", "underflow"): underflows,
    ("decoder_log_likelihood", "summed_over_chains"): adds_up_chains,
    ("symmetric_form", "not_symmetric"): is_asymmetric,
    ("symmetric_form", "wrong_cross_term"): has_other_cross_term,
    ("symmetric_form", "wrong_denominator"): has_other_denominator,
    ("log_volume", "det_underflow"): determinant_underflows,
    ("principal_direction", "row_not_column"): takes_row,
    ("principal_direction", "not_unit"): is_stretched,
}
