"""Exercises whose answer is an order: names of lines in a list, each after those that it rests on."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from vae_course.exercises.asking import WrongTypeError, ask, describe
from vae_course.exercises.base import Question
from vae_course.exercises.judging import explain_stop
from vae_course.exercises.running import Sink, Stopped, run_guarded
from vae_course.exercises.verdict import Steps, Verdict

MOST_NAMES = 100


@dataclass(frozen=True, kw_only=True)
class Ordering(Question):
    """An exercise whose answer is a list of names, or a function that returns one. Every order that fits is right.

    steps: what may be in the list. needs: each line that belongs there, and those that it directly rests on. strays:
    lines that do not belong, and the slip that they are. early: slip -> (line, needed one), shown by a list in which
    the line stands before the needed one.
    """

    steps: Steps
    needs: Mapping[str, tuple[str, ...]]
    strays: Mapping[str, str]
    early: Mapping[str, tuple[str, str]]

    def __post_init__(self) -> None:
        if set(self.steps) != {*self.needs, *self.strays}:
            raise ValueError(f"exercise {self.name}: every line must either belong or be a stray")
        shown = {*self.strays.values(), *self.early}
        if shown != set(self.slips):
            raise ValueError(f"exercise {self.name}: nothing shows the slips {sorted(set(self.slips) - shown)}")


def judge_order(exercise: Ordering, answer: Any, *, rng: np.random.Generator, time_limit: float) -> Verdict:
    """The verdict on a list of names. It is read under guard, as a function may stand for it."""
    verdict = partial(Verdict, exercise.name)
    if answer is ... or answer is None:
        return verdict("not answered yet", "Put your list in the place of `...` and hand it to the check.")
    names = list(exercise.steps)

    def work(sink: Sink) -> Verdict:
        reply = ask(_numbered(answer, names), {}, kind="NumPy arrays", n_outputs=1, sink=sink)
        if reply.problem == "unanswered":
            return verdict("not answered yet", "Put the name of a line in the place of every `...`.")
        if reply.problem == "type":
            return verdict("broken", f"{reply.text} Wanted: {exercise.returns}.", printed=reply.printed)
        if reply.problem:
            return verdict("broken", reply.text, printed=reply.printed)
        return judge_names(exercise, [names[i] for i in reply.values[0]])

    outcome = run_guarded(work, time_limit=time_limit)
    return explain_stop(exercise, outcome, time_limit) if isinstance(outcome, Stopped) else outcome


def _numbered(answer: Any, names: Sequence[str]) -> Callable[[], Any]:
    """A function that returns the places of the answer's names among all names."""

    def numbers() -> Any:
        given = answer() if callable(answer) else answer
        given = given.tolist() if isinstance(given, np.ndarray) else given
        if given is None or given is ...:
            return given
        if not isinstance(given, list | tuple):
            raise WrongTypeError(f"That is {describe(given)}, where a list is wanted.")
        if not 0 < len(given) <= MOST_NAMES:
            raise WrongTypeError(f"The list has {len(given)} entries.")
        if any(name is None or name is ... for name in given):
            return ...
        return [_find(name, names) for name in given]

    return numbers


def _find(name: Any, names: Sequence[str]) -> int:
    if not isinstance(name, str):
        raise WrongTypeError(f"The list holds {describe(name)}, where the name of a line is wanted, in quotes.")
    if name not in names:
        close = difflib.get_close_matches(name[:80], names, n=1)
        meant = f" Did you mean `{close[0]}`?" if close else ""
        raise WrongTypeError(f"There is no line `{name[:80]}`.{meant} The lines are {_quoted(names)}.")
    return names.index(name)


def judge_names(exercise: Ordering, given: Sequence[str]) -> Verdict:
    """The verdict on names that all belong to lines of the exercise."""
    verdict = partial(Verdict, exercise.name, "wrong")
    twice = [name for name in exercise.steps if given.count(name) > 1]
    if twice:
        return verdict(f"Each line can stand in the list once; you have {_quoted(twice)} more than once.")
    place = {name: i for i, name in enumerate(given)}
    found = {slip for stray, slip in exercise.strays.items() if stray in place}
    found |= {
        slip
        for slip, (line, needed) in exercise.early.items()
        if line in place and needed in place and place[line] < place[needed]
    }
    slips = tuple(key for key in exercise.slips if key in found)
    if slips:
        messages = [exercise.slips[key].message for key in slips]
        messages = ["There are two slips.", *messages] if len(slips) > 1 else messages
        return verdict(" ".join(messages), diagnosis=slips[0], also=slips[1:])
    missing = [name for name in exercise.needs if name not in place]
    if missing:
        return verdict(f"The proof has a gap: {len(missing)} of its lines {_is_are(missing)} missing.")
    for name in given:
        late = [needed for needed in exercise.needs[name] if place[needed] > place[name]]
        if late:
            return verdict(f"The line `{name}` rests on {_quoted(late)}, which you put after it.")
    return Verdict(exercise.name, "passed", exercise.praise)


def _is_are(things: Sequence[object]) -> str:
    return "is" if len(things) == 1 else "are"


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
