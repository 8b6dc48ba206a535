"""From a learner's function to a verdict."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from vae_course.exercises.asking import KINDS, Reply, ask
from vae_course.exercises.base import Exercise, Faulty, Inputs, Values
from vae_course.exercises.comparing import Trial, agree, draw_trials, make_trial
from vae_course.exercises.running import Sink, Stopped, run_guarded
from vae_course.exercises.verdict import Verdict

STOPPED = {
    "endless": "Your function did not come to an end within {limit:g} seconds. Is there a loop that never stops?",
    "died": "Your function ends the whole Python process, so it was not run here.",
    "memory": "Your function asks for more memory than there is. Does a list or an array grow without end?",
}


@dataclass(frozen=True)
class Attempt:
    """The replies to all trials in one kind of array, and to the first trial once more."""

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
        """Whether the first trial gave the same values both times."""
        return agree(self.again.values, self.replies[0].values)


def judge(exercise: Exercise, answer: Any, *, rng: np.random.Generator, time_limit: float) -> Verdict:
    """The verdict on an answer, which is run under guard on the fixed examples and on fresh inputs from `rng`."""
    verdict = partial(Verdict, exercise.name)
    call = f"`f({', '.join(exercise.arguments)})`"
    if answer is ... or answer is None:
        return verdict("not answered yet", "Write your function and hand it to the check.")
    if not callable(answer):
        return verdict("broken", f"Hand over the function itself, {call}, not the result of calling it.")
    if not _can_be_called(answer, len(exercise.arguments)):
        wanted = ", ".join(exercise.arguments)
        return verdict("broken", f"Your function must take the arguments ({wanted}), in this order.")
    examples = [make_trial(exercise, inputs) for inputs in exercise.examples]
    drawn = draw_trials(exercise, rng)
    seed = int(rng.integers(2**31))
    outcome = run_guarded(lambda sink: _examine(exercise, answer, examples, drawn, seed, sink), time_limit=time_limit)
    if isinstance(outcome, Stopped):
        text = STOPPED[outcome.reason].format(limit=time_limit)
        if outcome.left_behind:
            text += " It could not be stopped and still runs; restart the kernel if it slows you down."
        return verdict("broken", text)
    return outcome


def _can_be_called(answer: Callable[..., Any], n_arguments: int) -> bool:
    try:
        signature = inspect.signature(answer)
    except Exception:  # many built-in functions have no signature: calling will tell
        return True
    try:
        signature.bind(*range(n_arguments))
    except TypeError:
        return False
    return True


def _examine(
    exercise: Exercise,
    answer: Callable[..., Any],
    examples: Sequence[Trial],
    drawn: Sequence[Trial],
    seed: int,
    sink: Sink,
) -> Verdict:
    trials = [*examples, *drawn]
    arrays = any(isinstance(value, np.ndarray) for value in exercise.examples[0].values())
    attempts: list[Attempt] = []
    for kind in KINDS if arrays else list(KINDS)[:1]:
        attempt = _attempt(exercise, answer, trials, len(examples), kind, sink)
        attempts.append(attempt)
        if attempt.right or (attempt.problem is not None and attempt.problem.problem in ("unanswered", "changed")):
            return _verdict(exercise, attempt, trials)
    for attempt in attempts:
        slips = () if attempt.problem else _slips_by_behaviour(exercise, answer, attempt.kind, trials[0], seed, sink)
        if slips:
            return _named(exercise, attempt, slips, note="")
    return _verdict(exercise, min(attempts, key=_rank), trials)


def _rank(attempt: Attempt) -> int:
    """Which attempt tells most: one that shows a known fault, then one that ran, then an error in the right kind."""
    if attempt.fault is not None:
        return 0
    if attempt.problem is None:
        return 1
    return 3 if attempt.problem.wrong_kind else 2


def _attempt(
    exercise: Exercise, answer: Callable[..., Any], trials: Sequence[Trial], n_examples: int, kind: str, sink: Sink
) -> Attempt:
    call = partial(ask, answer, kind=kind, n_outputs=len(trials[0].wanted), sink=sink)
    replies: list[Reply] = []
    for trial in trials:
        replies.append(call(trial.inputs))
        if replies[-1].problem:
            return Attempt(kind, tuple(replies), replies[-1])
    attempt = Attempt(kind, tuple(replies), call(trials[0].inputs))
    if attempt.problem is not None or not attempt.repeatable:
        return attempt
    right = all(agree(reply.values, trial.wanted) for reply, trial in zip(replies, trials, strict=True))
    # the examples are small and do not tell the faults apart: the fresh inputs alone decide
    drawn = list(zip(replies, trials, strict=True))[n_examples:]
    for whatever_shape in (False, True):
        for index, fault in enumerate(exercise.faulty):
            if not right and all(
                agree(reply.values, trial.faulty[index], whatever_shape=whatever_shape) for reply, trial in drawn
            ):
                return Attempt(kind, attempt.replies, attempt.again, fault=fault)
    return Attempt(kind, attempt.replies, attempt.again, right=right)


def _slips_by_behaviour(
    exercise: Exercise, answer: Callable[..., Any], kind: str, trial: Trial, seed: int, sink: Sink
) -> tuple[str, ...]:
    def ask_once(inputs: Inputs) -> Values | None:
        reply = ask(answer, inputs, kind=kind, n_outputs=len(trial.wanted), sink=sink)
        return None if reply.problem else reply.values

    for key, slip in exercise.slips.items():
        if slip.shown_by is not None and slip.shown_by(ask_once, np.random.default_rng(seed)):
            return (key,)
    return ()


def _verdict(exercise: Exercise, attempt: Attempt, trials: Sequence[Trial]) -> Verdict:
    verdict = partial(Verdict, exercise.name, given_as=attempt.kind, printed=attempt.replies[0].printed)
    problem = attempt.problem
    if problem is not None:
        if problem.problem == "unanswered":
            return verdict("not answered yet", problem.text)
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
        return _named(exercise, attempt, attempt.fault.slips, note=note)
    remarks = [attempt.fault.remark] if attempt.fault is not None else []
    remarks += [text for text in (note, _note_on_values(attempt, trials)) if text]
    if not remarks:
        remarks = ["This is none of the slips that the check knows. Compare the values below, by hand where you can."]
    return verdict("wrong", " ".join(remarks), comparison=_compare(attempt, trials))


def _named(exercise: Exercise, attempt: Attempt, slips: tuple[str, ...], *, note: str) -> Verdict:
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
            wanted, given = (" and ".join(map(_format, values)) for values in (trial.wanted, reply.values))
            return (*inputs, ("wanted", wanted), ("given", given))
    return ()


def _format(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return str(value)
    if value.ndim == 0:
        return f"{value.item():.4g}" if value.dtype.kind == "f" and abs(value) < 1e4 else str(value.item())
    return np.array2string(value, precision=3, suppress_small=True, threshold=60, separator=", ")
