"""Exercises that answer back: `check("kl_standard_normal", f)` says whether f is right, and names the slip if not.

A check calls the function on fixed examples and on fresh random inputs, and compares it with the right function
and with faulty ones that contain the slips people make. A slip is named only if the answer
equals such a faulty function on all of the fresh inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from vae_course.exercises import (
    chapter01,
    chapter02,
    chapter03,
    chapter04,
    chapter05,
    chapter06,
    chapter07,
    chapter08,
    chapter09,
    chapter10,
    chapter11,
)
from vae_course.exercises.base import Exercise, Question
from vae_course.exercises.judging import judge
from vae_course.exercises.ordering import Ordering, judge_order
from vae_course.exercises.progress import Progress, make_progress, note
from vae_course.exercises.sampling_answers import Sampling, judge_draws
from vae_course.exercises.verdict import Hint, Hints, Verdict

__all__ = [
    "Hint",
    "Hints",
    "Progress",
    "Verdict",
    "check",
    "hint",
    "hints",
    "names",
    "progress",
    "reference",
    "slips",
]

_EXERCISES: dict[str, Question] = {
    exercise.name: exercise
    for chapter in (
        chapter01,
        chapter02,
        chapter03,
        chapter04,
        chapter05,
        chapter06,
        chapter07,
        chapter08,
        chapter09,
        chapter10,
        chapter11,
    )
    for exercise in chapter.EXERCISES
}


_JUDGES: dict[type[Question], Callable[..., Verdict]] = {Exercise: judge, Ordering: judge_order, Sampling: judge_draws}


def check(name: str, answer: Any, *, seed: int | None = None, time_limit: float = 5.0) -> Verdict:
    """The verdict on `answer`: the function written for exercise `name`, or the formula or list that it asks for.

    The function is handed torch tensors (float64, then float32), then NumPy arrays, and passes if it is right
    on any of them; it may return tensors, arrays, numbers or lists. A function that draws at random is handed a
    generator last, of torch, or of NumPy along with NumPy arrays, and is judged by the law of its draws.
    Inputs are new at every call, unless `seed` is given. It is given up after `time_limit` seconds.
    Nothing that the function does raises an error here. In a notebook, `progress` shows what has passed.
    Raises ValueError if there is no such exercise.
    """
    exercise = _find(name)
    return note(_JUDGES[type(exercise)](exercise, answer, rng=np.random.default_rng(seed), time_limit=time_limit))


def progress() -> Progress:
    """What you have solved so far, chapter by chapter, in this notebook and in others."""
    return make_progress({name: exercise.chapter for name, exercise in _EXERCISES.items()})


def names(*, chapter: int | None = None) -> tuple[str, ...]:
    """The exercises' names in the order of the book, of one chapter or of all."""
    return tuple(name for name, exercise in _EXERCISES.items() if chapter in (None, exercise.chapter))


def slips(name: str) -> dict[str, str]:
    """The slips that the check of exercise `name` can name: key -> one sentence."""
    return {key: slip.summary for key, slip in _find(name).slips.items()}


def hint(name: str, level: int = 1) -> Hint:
    """A hint for exercise `name`: level 1 is a nudge, 2 the formula, 3 nearly the code."""
    hints = _find(name).hints
    if level not in range(1, len(hints) + 1):
        raise ValueError(f"level must be from 1 to {len(hints)}, got {level!r}")
    return Hint(name, level, hints[level - 1])


def hints(name: str) -> Hints:
    """All hints for exercise `name`, folded: each opens to the next."""
    return Hints(name, tuple(_find(name).hints))


def reference(name: str) -> Callable[..., Any]:
    """The right function of exercise `name`, on tensors."""
    return _find(name).reference


def _find(name: str) -> Question:
    if name not in _EXERCISES:
        raise ValueError(f"there is no exercise {name!r}; the exercises are {', '.join(_EXERCISES)}")
    return _EXERCISES[name]
