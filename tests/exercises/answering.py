"""What the chapters' tests share: answers as test cases, and what the check must say about each kind of them."""

from __future__ import annotations

import numpy as np
import pytest

from vae_course import exercises
from vae_course.exercises import _EXERCISES
from vae_course.exercises.base import Exercise

# exercises that are judged by values on fresh inputs: the answer is a function, or is read as one
NAMES_OF_FUNCTIONS = [name for name in exercises.names() if isinstance(_EXERCISES[name], Exercise)]

# ---- answers written for other kinds of values than tensors


def arrays(function):
    """An answer written for NumPy, given whatever kind of arrays."""
    return lambda *values: function(*(value if callable(value) else np.asarray(value) for value in values))


def floats(function):
    """An answer written with nested lists of Python floats."""
    return lambda *values: function(*(np.asarray(value).tolist() for value in values))


# ---- tables of answers as parameters of tests


def each_right(table):
    """(name, answer) for {name: {style: answer}}."""
    return [
        pytest.param(name, answer, id=f"{name}-{style}")
        for name, styles in table.items()
        for style, answer in styles.items()
    ]


def each_wrong(table):
    """(name, slip, answer) for {name: {slip: [answer, ...]}}."""
    return [
        pytest.param(name, slip, answer, id=f"{name}-{slip}-{i}")
        for name, by_slip in table.items()
        for slip, answers in by_slip.items()
        for i, answer in enumerate(answers)
    ]


def each(table):
    """(name, *case) for {name: [case, ...]} or [(name, *case), ...]; a case may be a lone answer."""
    if isinstance(table, dict):
        table = [
            (name, *(case if isinstance(case, tuple) else (case,))) for name, cases in table.items() for case in cases
        ]
    return [pytest.param(*case, id=f"{case[0]}-{i}") for i, case in enumerate(table)]


# ---- verdicts, each on the inputs of many seeds


def assert_passes(name, answer, seeds):
    for seed in seeds:
        verdict = exercises.check(name, answer, seed=seed)
        assert verdict.passed, verdict
        assert verdict.status == "passed"
        assert verdict.diagnosis is None


def assert_named(name, slip, answer, seeds):
    """The slip is named, and no other."""
    for seed in seeds:
        verdict = exercises.check(name, answer, seed=seed)
        assert verdict.diagnosis == slip, verdict
        assert verdict.also == ()
        assert verdict.status == "wrong"
        assert not verdict.passed


def assert_both_named(name, slips, answer, seeds):
    for seed in seeds:
        verdict = exercises.check(name, answer, seed=seed)
        assert {verdict.diagnosis, *verdict.also} == slips, verdict
        assert "two slips" in verdict.message


def assert_not_named(name, answer, seeds, words=""):
    """Wrong, but none of the slips; the message holds one of the `words`, which "|" parts."""
    for seed in seeds:
        verdict = exercises.check(name, answer, seed=seed)
        assert verdict.status == "wrong", verdict
        assert verdict.diagnosis is None, verdict
        assert any(part in verdict.message for part in words.split("|")), verdict


def assert_broken(name, answer, words):
    """It could not be judged, and the message says why; the answer's own line, which it may quote, does not count."""
    verdict = exercises.check(name, answer, seed=0)
    assert verdict.status == "broken", verdict
    assert verdict.diagnosis is None, verdict
    assert words in verdict.message.partition(" The line is:")[0], verdict


def assert_random_formulas_are_not_named(make, coefficients, seeds):
    """Wrong, but none of the slips, whichever coefficients are drawn. make: three of them -> {name: answer}."""
    rng = np.random.default_rng(0)
    for i in range(60):
        drawn = [float(number) for number in rng.choice(coefficients, size=3)]
        for name, answer in make(*drawn).items():
            verdict = exercises.check(name, answer, seed=seeds[i % len(seeds)])
            assert (verdict.status, verdict.diagnosis) == ("wrong", None), (verdict, drawn)


# ---- whether the tables of answers hold what they should


def assert_names_and_slips(chapter, table):
    """The chapter's exercises, in the order of {name: slips}, with just these slips."""
    assert exercises.names(chapter=chapter) == tuple(table)
    assert {name: set(exercises.slips(name)) for name in table} == table


def assert_many_styles(chapter, right, *, least):
    assert set(right) == set(exercises.names(chapter=chapter))
    assert min(len(styles) for styles in right.values()) >= least


def assert_many_ways(chapter, wrong):
    """Every slip of the chapter is written in four ways or more."""
    slips = {name: set(exercises.slips(name)) for name in exercises.names(chapter=chapter)}
    assert {name: set(ways) for name, ways in wrong.items()} == slips
    assert min(len(ways) for by_slip in wrong.values() for ways in by_slip.values()) >= 4
