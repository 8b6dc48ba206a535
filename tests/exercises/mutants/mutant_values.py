"""What a mutant computes: whether it differs from the right answer, and whether it is the slip that a check names.

Decided on inputs of other seeds than the check's, in every kind of array that the check hands over: an answer that is
right in one of them is right.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
import wider_inputs

from vae_course.exercises import _EXERCISES
from vae_course.exercises.asking import KINDS, hand_over, read, to_array
from vae_course.exercises.base import Exercise, Inputs, Values
from vae_course.exercises.comparing import evaluate, make_trial
from vae_course.exercises.running import Stopped, run_guarded

N_TRIALS = 24  # inputs of the exercise's own kind; to these come its examples, and wider inputs
DIFFERENT = 2e-4  # largest relative difference from which on an answer is another one
SAME = 5e-5  # up to which it is the right one; float32 passes
SECONDS = 60.0  # for all inputs; the slowest right answer takes one

Kind = Literal["different", "same", "close"]


class Probe(NamedTuple):
    """Inputs and the right values for them. wider: whether they are of a kind that the check does not draw."""

    inputs: Inputs
    wanted: Values
    wider: bool = False


@functools.cache
def probes(name: str) -> tuple[Probe, ...]:
    """Inputs that the exercise's contract allows, the same at every call."""
    exercise = _EXERCISES[name]
    rng = np.random.default_rng([2607, *name.encode()])
    drawn = [Probe(inputs, _right(exercise, inputs)) for inputs in exercise.examples]
    drawn += [Probe(inputs, _right(exercise, inputs)) for inputs in (exercise.draw(rng) for _ in range(N_TRIALS))]
    wide = [make(rng) for make in wider_inputs.MAKERS.get(name, ()) for _ in range(6)]
    return (*drawn, *(Probe(inputs, _right(exercise, inputs), wider=True) for inputs in wide))


def _right(exercise: Exercise, inputs: Inputs) -> Values:
    return evaluate(exercise.reference, inputs, n_outputs=len(make_trial(exercise, exercise.examples[0]).wanted))


def compare(name: str, answer: Any) -> Kind:
    """Whether the answer differs from the right one on some of the probes, in every kind of array."""
    smallest = min(_farthest(name, answer, kind) for kind in _kinds(name))
    return "different" if smallest > DIFFERENT else "same" if smallest <= SAME else "close"


def share(name: str, answer: Any) -> float:
    """Of the probes that are no wider ones, on how many it differs, in the kind of array in which it does best."""
    own = [probe for probe in probes(name) if not probe.wider]
    return min(np.mean([distance > SAME for distance in _distances(name, answer, kind, own)]) for kind in _kinds(name))


def _kinds(name: str) -> list[str]:
    arrays = any(isinstance(value, np.ndarray) for value in _EXERCISES[name].examples[0].values())
    return list(KINDS) if arrays else list(KINDS)[:1]


def _farthest(name: str, answer: Any, kind: str) -> float:
    def work(sink: object) -> float:
        farthest = 0.0
        for distance in _distances(name, answer, kind, probes(name)):
            farthest = max(farthest, distance)
            if farthest > DIFFERENT:
                break
        return farthest

    found = run_guarded(work, time_limit=SECONDS)
    return np.inf if isinstance(found, Stopped) else found


def _distances(name: str, answer: Any, kind: str, where: tuple[Probe, ...] | list[Probe]) -> Iterator[float]:
    exercise = _EXERCISES[name]
    for probe in where:
        values = call(exercise, answer, probe.inputs, kind)
        yield np.inf if values is None else distance(exercise, values, probe.wanted)


def call(exercise: Exercise, answer: Any, inputs: Inputs, kind: str) -> Values | None:
    """What the answer gives, or None if it fails, gives no numbers, or changes its inputs."""
    try:
        function = answer if exercise.read is None else exercise.read(answer)
        handed = hand_over(inputs, kind)
        values = read(function(*handed.values()), n_outputs=len(probes(exercise.name)[0].wanted))
    except Exception:
        return None
    return None if changed(handed, hand_over(inputs, kind)) else values


def changed(handed: Inputs, before: Inputs) -> bool:
    """Whether an array among the inputs is not what it was."""
    return any(
        not np.array_equal(to_array(handed[key]), to_array(value), equal_nan=True)
        for key, value in before.items()
        if hasattr(value, "shape")
    )


def distance(exercise: Exercise, given: Values, wanted: Values, *, whatever_shape: bool = False) -> float:
    """Largest relative difference of all outputs, each relative to its largest wanted number; inf for other shapes."""
    if not whatever_shape and [a.shape for a in given] != [b.shape for b in wanted]:
        return np.inf
    if [a.size for a in given] != [b.size for b in wanted]:
        return np.inf
    return max(_difference(a, b, up_to_constant=exercise.up_to_constant) for a, b in zip(given, wanted, strict=True))


def _difference(given: np.ndarray, wanted: np.ndarray, *, up_to_constant: bool) -> float:
    a, b = given.ravel().astype(float), wanted.ravel().astype(float)
    whole = np.isfinite(b)
    if not np.array_equal(a[~whole], b[~whole], equal_nan=True) or not np.isfinite(a[whole]).all():
        return np.inf
    a, b = a[whole], b[whole]
    if up_to_constant and a.size > 1:
        a, b = a - a[0], b - b[0]
    return float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-6)) if b.size else 0.0


def is_that_faulty_function(name: str, answer: Any, slips: set[str], kind: str) -> bool:
    """Whether the answer gives what one of the exercise's faulty functions with just these slips gives, every time."""
    exercise = _EXERCISES[name]
    own = [probe for probe in probes(name) if not probe.wider][len(exercise.examples) :]
    given = [call(exercise, answer, probe.inputs, kind) for probe in own]
    if any(values is None for values in given):
        return False

    def equals(function: Callable[..., Any]) -> bool:
        return all(
            distance(exercise, a, evaluate(function, probe.inputs, n_outputs=len(a)), whatever_shape=True) <= SAME
            for a, probe in zip(given, own, strict=True)
        )

    return any(set(fault.slips) == slips and equals(fault.function) for fault in exercise.faulty)
