"""Hands mutants to the checks and says what is wrong with the verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import mutant_draws
import mutant_slips
import mutant_slips_of_orders
import mutant_values as values
import numpy as np
from mutant_slips_of_orders import is_proof, shows_in_proof
from mutant_sources import Source, all_sources
from mutation import Mutant, make_mutants

from vae_course import exercises
from vae_course.exercises import _EXERCISES
from vae_course.exercises.base import Exercise, Inputs
from vae_course.exercises.ordering import Ordering
from vae_course.exercises.running import Stopped, run_guarded
from vae_course.exercises.verdict import Verdict

PREDICATES = {**mutant_slips.PREDICATES, **mutant_slips_of_orders.PREDICATES}
SECONDS = 60.0  # for a check


class Case(NamedTuple):
    """A mutant of one of an exercise's sources."""

    source: Source
    mutant: Mutant


class Found(NamedTuple):
    """behaviour: "different", "same", or "close". rejected, named: by the check. trouble: what is wrong, or ""."""

    behaviour: str
    rejected: bool
    named: bool
    trouble: str


def cases(name: str) -> list[Case]:
    """All mutants of an exercise's sources, each text once."""
    texts: dict[str, Case] = {}
    for source in all_sources()[name]:
        for mutant in make_mutants(source.text):
            texts.setdefault(mutant.source, Case(source, mutant))
    return list(texts.values())


def examine(case: Case, seeds: Iterator[int] | list[int]) -> Found:
    """Compares what the mutant does with what the check says of it, for each of the seeds."""
    try:
        answer = case.source.build(case.mutant.source)
    except Exception:
        return Found("no code", True, False, "")
    name = case.source.name
    behaviour = _behaviour(name, answer)
    verdicts = [exercises.check(name, answer, seed=seed, time_limit=SECONDS) for seed in seeds]
    trouble = "; ".join(dict.fromkeys(t for v in verdicts if (t := _trouble(name, answer, behaviour, v))))
    rejected = not any(verdict.passed for verdict in verdicts)
    named = any(verdict.diagnosis is not None for verdict in verdicts)
    return Found(behaviour, rejected, named, f"{describe(case)}\n{trouble}" if trouble else "")


def describe(case: Case) -> str:
    """The mutant, for a person."""
    change = f"{case.source.where}, line {case.mutant.line}: {case.mutant.change}"
    return f"--- {case.source.name} ({change})\n{case.mutant.source}"


def _behaviour(name: str, answer: Any) -> str:
    exercise = _EXERCISES[name]
    if isinstance(exercise, Exercise):
        found = values.compare(name, answer)
        if found == "same" and exercise.unfinished is not None and exercise.unfinished(answer):
            return "unfinished"
        return found
    if isinstance(exercise, Ordering):
        order = list_of(answer)
        return "same" if order is not None and is_proof(order) else "different"
    return mutant_draws.compare(name, answer)


def list_of(answer: Any) -> list[str] | None:
    """The lines that the answer puts in order, or None if it gives no list of them."""
    try:
        given = answer() if callable(answer) else answer
    except Exception:
        return None
    return list(given) if isinstance(given, list | tuple) and all(isinstance(line, str) for line in given) else None


def _trouble(name: str, answer: Any, behaviour: str, verdict: Verdict) -> str:
    if behaviour in ("different", "unfinished") and verdict.passed:
        return f"passes ({behaviour})"
    if behaviour == "same" and not verdict.passed:
        return f"is right, and rejected: {verdict}"
    slips = {slip for slip in (verdict.diagnosis, *verdict.also) if slip is not None}
    if slips and not has_slips(name, answer, slips, verdict.given_as):
        return f"is wrongly named {sorted(slips)}"
    return ""


def has_slips(name: str, answer: Any, slips: set[str], kind: str) -> bool:
    """Whether the answer has just these slips, on other inputs than those of the check."""
    exercise = _EXERCISES[name]
    if isinstance(exercise, Ordering):
        order = list_of(answer)
        return order is not None and {slip for slip in exercise.slips if shows_in_proof(slip, order)} == slips
    if not isinstance(exercise, Exercise):
        return mutant_draws.has_slips(name, answer, slips, kind)
    if exercise.slips[min(slips)].problem == "changed":
        return _changes_inputs(exercise, answer, kind)
    if values.is_that_faulty_function(name, answer, slips, kind):
        return True
    shown = [PREDICATES[name, slip] for slip in slips if (name, slip) in PREDICATES]

    def ask(inputs: Inputs) -> Any:
        return values.call(exercise, answer, inputs, kind)

    def work(sink: object) -> bool:
        return all(predicate(ask, np.random.default_rng(seed)) for predicate in shown for seed in (1, 2))

    outcome = run_guarded(work, time_limit=SECONDS)
    return len(shown) == len(slips) and not isinstance(outcome, Stopped) and outcome


def _changes_inputs(exercise: Exercise, answer: Any, kind: str) -> bool:
    for probe in values.probes(exercise.name):
        handed = values.hand_over(probe.inputs, kind)
        try:
            answer(*handed.values())
        except Exception:
            continue
        if values.changed(handed, values.hand_over(probe.inputs, kind)):
            return True
    return False


def tally(found: list[Found]) -> dict[str, int]:
    """How many mutants there were, behaved differently, were rejected, were given a name, and a false one."""
    different = [one for one in found if one.behaviour in ("different", "unfinished")]
    return {
        "mutants": len(found),
        "behavioural": len(different),
        "rejected": sum(one.rejected for one in different),
        "named": sum(one.named for one in found),
        "named falsely": sum("wrongly named" in one.trouble for one in found),
        "right": sum(one.behaviour == "same" for one in found),
        "right and rejected": sum(one.behaviour == "same" and one.rejected for one in found),
    }


def in_words(figures: dict[str, int]) -> str:
    """The figures in a row."""
    return ", ".join(f"{number} {what}" for what, number in figures.items())
