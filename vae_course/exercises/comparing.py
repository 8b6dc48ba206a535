"""When two results agree, and inputs that tell every slip from the right answer and from the other slips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from vae_course.exercises.asking import hand_over, read
from vae_course.exercises.base import Exercise, Inputs, Values

TOLERANCE = 5e-5  # relative to the largest number: float32 arithmetic passes with room to spare
APART = 400 * TOLERANCE  # how far two different functions must be on the drawn inputs
N_DRAWS = 5
MOST_TRIES = 200


class Trial(NamedTuple):
    """Inputs with the right values and those of every faulty function, in the exercise's order.

    Where a constant does not count, it is taken off all of them.
    """

    inputs: Inputs
    wanted: Values
    faulty: tuple[Values, ...]


def agree(given: Values, wanted: Values, *, whatever_shape: bool = False) -> bool:
    """Whether all outputs are equal up to rounding. `whatever_shape` compares the numbers alone."""
    return len(given) == len(wanted) and all(
        (a.size == b.size if whatever_shape else a.shape == b.shape) and _distance(a, b) <= TOLERANCE
        for a, b in zip(given, wanted, strict=True)
    )


def without_constant(values: Values) -> Values:
    """Every array shifted so that its first finite number is 0, for results up to a constant; a lone number stays."""
    return tuple(_from_first(value) for value in values)


def _from_first(value: np.ndarray) -> np.ndarray:
    numbers = value.astype(float) if value.dtype.kind in "bu" else value
    finite = numbers.ravel()[np.isfinite(numbers.ravel())]
    return numbers - finite[0] if numbers.size > 1 and finite.size else numbers


def _distance(given: np.ndarray, wanted: np.ndarray) -> float:
    """Largest difference over the largest wanted number; nan equals nan, and infinity itself."""
    a, b = given.ravel().astype(float), wanted.ravel().astype(float)
    finite = np.isfinite(b)
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return np.inf
    if not np.isfinite(a[finite]).all():
        return np.inf
    if not finite.any():
        return 0.0
    return float(np.abs(a[finite] - b[finite]).max() / max(np.abs(b[finite]).max(), 1e-6))


def evaluate(function: Callable[..., Any], inputs: Inputs, *, n_outputs: int) -> Values:
    """One of the package's own functions on float64 tensors."""
    return read(function(*hand_over(inputs, "torch tensors").values()), n_outputs=n_outputs)


def make_trial(exercise: Exercise, inputs: Inputs) -> Trial:
    """The right and the faulty values for these inputs."""
    returned = exercise.reference(*hand_over(inputs, "torch tensors").values())
    n_outputs = len(returned) if isinstance(returned, tuple) else 1
    wanted = read(returned, n_outputs=n_outputs)
    faulty = tuple(evaluate(fault.function, inputs, n_outputs=n_outputs) for fault in exercise.faulty)
    if exercise.up_to_constant:
        wanted, faulty = without_constant(wanted), tuple(without_constant(values) for values in faulty)
    return Trial(inputs, wanted, faulty)


def draw_trials(exercise: Exercise, rng: np.random.Generator) -> list[Trial]:
    """Fresh trials on which the right function and all differently labelled faulty ones are far apart.

    Raises RuntimeError when that does not come about: the exercise's slips are not different mistakes on
    such inputs.
    """
    labels = [("right",), *(fault.slips or (fault.remark,) for fault in exercise.faulty)]
    different = np.array([[set(a) != set(b) for a in labels] for b in labels])
    for _ in range(MOST_TRIES):
        trials = [make_trial(exercise, exercise.draw(rng)) for _ in range(N_DRAWS)]
        if (_separation(trials)[different] > APART).all():
            return trials
    close = different & (_separation(trials) <= APART)
    pairs = {tuple(sorted((str(labels[i]), str(labels[j])))) for i, j in np.argwhere(close)}
    raise RuntimeError(f"exercise {exercise.name}: these faults look alike on the inputs drawn: {sorted(pairs)}")


def _separation(trials: Sequence[Trial]) -> np.ndarray:
    """Largest relative distance over the trials, between every two functions: (functions, functions)."""
    functions = [[trial.wanted, *trial.faulty] for trial in trials]
    n = len(functions[0])
    widest = np.zeros((n, n))
    for results in functions:
        flat = [np.concatenate([part.ravel().astype(float) for part in result]) for result in results]
        sizes = np.array([len(values) for values in flat])
        distance = np.full((n, n), np.inf)  # different numbers of values are never confused
        for size in np.unique(sizes):
            rows = np.flatnonzero(sizes == size)
            values = np.nan_to_num(np.stack([flat[row] for row in rows]), posinf=1e300, neginf=-1e300, nan=1e299)
            gap = np.abs(values[:, None] - values[None]).max(axis=2)
            scale = np.maximum(np.abs(values).max(axis=1), 1e-6)
            distance[np.ix_(rows, rows)] = gap / np.maximum(scale[:, None], scale[None])
        widest = np.maximum(widest, distance)
    return widest
