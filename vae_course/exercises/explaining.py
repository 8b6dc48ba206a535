"""What a check says about the replies that it got."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from vae_course.exercises.asking import Reply
from vae_course.exercises.base import Exercise, Faulty, Values
from vae_course.exercises.comparing import Trial, agree
from vae_course.exercises.verdict import Verdict


@dataclass(frozen=True)
class Attempt:
    """The replies to all trials in one kind of array, and to the last trial once more."""

    kind: str
    replies: tuple[Reply, ...]
    again: Reply
    right: bool = False
    fault: Faulty | None = None

    @property
    def problem(self) -> Reply | None:
        """The first reply that holds no values, if there is one."""
        return next((reply for reply in (*self.replies, self.again) if reply.problem), None)

    @property
    def repeatable(self) -> bool:
        """Whether the last trial gave the same values both times."""
        return agree(self.again.values, self.replies[-1].values)


def explain(exercise: Exercise, attempt: Attempt, trials: Sequence[Trial]) -> Verdict:
    """What the attempt shows: right, a known slip, something that can be said of it, or two columns to compare."""
    verdict = partial(Verdict, exercise.name, given_as=attempt.kind, printed=attempt.replies[0].printed)
    problem = attempt.problem
    if problem is not None:
        if problem.problem == "unanswered":
            return verdict("not answered yet", problem.text)
        slips = tuple(key for key, slip in exercise.slips.items() if slip.problem == problem.problem)
        if slips:
            return explain_slips(exercise, attempt, slips)
        if problem.problem == "changed":
            return verdict(
                "broken",
                f"It changes its input {problem.text} in place. Whoever called it still needs those values: "
                "make new ones.",
            )
        if problem.problem == "type":
            return verdict("broken", f"{problem.text} Wanted: {exercise.returns}.")
        return verdict("broken", problem.text)
    if attempt.right:
        return Verdict(exercise.name, "passed", exercise.praise, given_as=attempt.kind)
    if not attempt.repeatable:
        return verdict(
            "wrong",
            "It gives different results for the same inputs. The result must follow from the arguments alone, "
            "without randomness of its own and without memory of earlier calls.",
        )
    note = _note_on_shape(exercise, attempt, trials)
    if attempt.fault is not None and attempt.fault.slips:
        return explain_slips(exercise, attempt, attempt.fault.slips, note=note)
    remarks = [attempt.fault.remark] if attempt.fault is not None else []
    remarks += [text for text in (note, _note_on_values(attempt, trials)) if text]
    if not remarks:
        remarks = ["This is none of the slips that the check knows. Compare the values below, by hand where you can."]
    if exercise.up_to_constant and all(value.size > 1 for value in attempt.replies[0].values):
        remarks.append("Only differences count, so both are shown with the first value taken off.")
    return verdict("wrong", " ".join(remarks), comparison=_compare(attempt, trials))


def explain_slips(exercise: Exercise, attempt: Attempt, slips: tuple[str, ...], *, note: str = "") -> Verdict:
    """The verdict that names these slips. note: a sentence to add, on the shape."""
    messages = [exercise.slips[key].message for key in slips]
    if len(slips) > 1:
        messages = ["There are two slips.", *messages]
    return Verdict(
        exercise.name,
        "wrong",
        " ".join([*messages, *([note] if note else [])]),
        diagnosis=slips[0],
        also=slips[1:],
        given_as=attempt.kind,
        printed=attempt.replies[0].printed,
    )


def _note_on_shape(exercise: Exercise, attempt: Attempt, trials: Sequence[Trial]) -> str:
    """A sentence if the shape is neither the wanted one nor explained by the slip that was found."""
    pairs = list(zip(attempt.replies, trials, strict=True))
    numbers_are_right = all(agree(reply.values, trial.wanted, whatever_shape=True) for reply, trial in pairs)
    for reply, trial in pairs:
        expected = trial.wanted
        if attempt.fault is not None:
            expected = trial.faulty[exercise.faulty.index(attempt.fault)]
        for given, wanted in zip(reply.values, expected, strict=True):
            if given.shape == wanted.shape:
                continue
            text = f"The result has shape {given.shape}; wanted is {exercise.returns}, here {trial.wanted[0].shape}."
            if attempt.fault is None and numbers_are_right:
                text += " The numbers themselves are right."
            return text
    return ""


def _note_on_values(attempt: Attempt, trials: Sequence[Trial]) -> str:
    """What can be said of an unknown wrong answer for certain."""
    pairs = [
        (given.astype(float), wanted.astype(float))
        for reply, trial in zip(attempt.replies, trials, strict=True)
        for given, wanted in zip(reply.values, trial.wanted, strict=True)
    ]
    if not all(np.isfinite(given).all() for given, _ in pairs):
        return (
            "Some of the values are nan or infinite. Look for a division by 0, or for a root or logarithm of "
            "something that can be below 0."
        )
    if any(given.shape != wanted.shape for given, wanted in pairs):
        return ""
    given = np.concatenate([g.ravel() for g, _ in pairs])
    wanted = np.concatenate([w.ravel() for _, w in pairs])
    if np.abs(given + wanted).max() <= 1e-4 * np.abs(wanted).max():
        return "Every value has the opposite sign of the wanted one."
    whole = all(value.dtype.kind in "biu" for reply in attempt.replies for value in reply.values)
    if whole and not np.array_equal(wanted, np.round(wanted)):
        return "It returns whole numbers: something rounds or cuts off the digits behind the point."
    return ""


def _compare(attempt: Attempt, trials: Sequence[Trial]) -> tuple[tuple[str, str], ...]:
    """Inputs, wanted and given values of the first trial that went wrong: a fixed example where possible."""
    for reply, trial in zip(attempt.replies, trials, strict=True):
        if not agree(reply.values, trial.wanted):
            inputs = [(name, _format(value)) for name, value in trial.inputs.items()]
            return (*inputs, *_rows("wanted", trial.wanted), *_rows("given", reply.values))
    return ()


def _rows(name: str, values: Values) -> list[tuple[str, str]]:
    if len(values) == 1:
        return [(name, _format(values[0]))]
    return [(f"{name}[{i}]", _format(value)) for i, value in enumerate(values)]


def _format(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return str(value)
    if value.ndim == 0:
        return f"{value.item():.4g}" if value.dtype.kind == "f" and abs(value) < 1e4 else str(value.item())
    return np.array2string(value, precision=3, suppress_small=True, threshold=60, separator=", ")
