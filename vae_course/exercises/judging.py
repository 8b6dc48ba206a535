"""From a learner's function to a verdict."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from vae_course.exercises.asking import KINDS, Reply, ask
from vae_course.exercises.base import Exercise, Inputs, Values
from vae_course.exercises.comparing import Trial, agree, draw_trials, make_trial
from vae_course.exercises.explaining import Attempt, explain, explain_slips
from vae_course.exercises.running import Sink, Stopped, run_guarded
from vae_course.exercises.verdict import Verdict

STOPPED = {
    "endless": "Your function did not come to an end within {limit:g} seconds. Is there a loop that never stops?",
    "died": "Your function ends the whole Python process, so it was not run here.",
    "memory": "Your function asks for more memory than there is. Does a list or an array grow without end?",
}


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
            return explain(exercise, attempt, trials)
    for attempt in attempts:
        # an answer that raises at some inputs may still show its slip at others
        ran = attempt.problem is None or attempt.problem.problem == "raised"
        slips = _slips_by_behaviour(exercise, answer, attempt.kind, trials[0], seed, sink) if ran else ()
        if slips:
            return explain_slips(exercise, attempt, slips)
    return explain(exercise, min(attempts, key=_rank), trials)


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
