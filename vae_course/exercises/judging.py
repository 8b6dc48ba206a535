"""From a learner's function to a verdict."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from vae_course.exercises.asking import KINDS, Reply, ask
from vae_course.exercises.base import Exercise, Inputs, Question, Values
from vae_course.exercises.comparing import Trial, agree, draw_trials, make_trial, without_constant
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
        wanted = "Write your function" if exercise.read is None else "Put your answer in the place of `...`"
        return verdict("not answered yet", f"{wanted} and hand it to the check.")
    if exercise.read is not None:
        function = exercise.read(answer)
    elif not callable(answer):
        return verdict("broken", f"Hand over the function itself, {call}, not the result of calling it.")
    elif not can_be_called(answer, len(exercise.arguments)):
        wanted = ", ".join(exercise.arguments)
        return verdict("broken", f"Your function must take the arguments ({wanted}), in this order.")
    else:
        function = answer
    examples = [make_trial(exercise, inputs) for inputs in exercise.examples]
    drawn = draw_trials(exercise, rng)
    seed = int(rng.integers(2**31))

    def work(sink: Sink) -> Verdict:
        found = _examine(exercise, function, examples, drawn, seed, sink)
        rest = exercise.unfinished(answer) if found.passed and exercise.unfinished is not None else ""
        return replace(found, status="wrong", explanation=rest) if rest else found

    outcome = run_guarded(work, time_limit=time_limit)
    return explain_stop(exercise, outcome, time_limit) if isinstance(outcome, Stopped) else outcome


def explain_stop(exercise: Question, outcome: Stopped, time_limit: float) -> Verdict:
    """The verdict on an answer that did not come to its end."""
    text = STOPPED[outcome.reason].format(limit=time_limit)
    if outcome.left_behind:
        text += " It could not be stopped and still runs; restart the kernel if it slows you down."
    return Verdict(exercise.name, "broken", text)


def can_be_called(answer: Callable[..., Any], n_arguments: int) -> bool:
    """Whether `answer` takes so many arguments by position."""
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
    call = partial(_ask, exercise, answer, kind=kind, n_outputs=len(trials[0].wanted), sink=sink)
    replies: list[Reply] = []
    for trial in trials:
        replies.append(call(trial.inputs))
        if replies[-1].problem:
            return Attempt(kind, tuple(replies), replies[-1])
    attempt = Attempt(kind, tuple(replies), call(trials[-1].inputs))
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


def _ask(
    exercise: Exercise, answer: Callable[..., Any], inputs: Inputs, *, kind: str, n_outputs: int, sink: Sink
) -> Reply:
    reply = ask(answer, inputs, kind=kind, n_outputs=n_outputs, sink=sink)
    return replace(reply, values=without_constant(reply.values)) if exercise.up_to_constant else reply


def _slips_by_behaviour(
    exercise: Exercise, answer: Callable[..., Any], kind: str, trial: Trial, seed: int, sink: Sink
) -> tuple[str, ...]:
    def ask_once(inputs: Inputs) -> Values | None:
        reply = _ask(exercise, answer, inputs, kind=kind, n_outputs=len(trial.wanted), sink=sink)
        return None if reply.problem else reply.values

    for key, slip in exercise.slips.items():
        if slip.shown_by is not None and slip.shown_by(ask_once, np.random.default_rng(seed)):
            return (key,)
    return ()
