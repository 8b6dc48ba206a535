"""Fixtures for the exercises' tests."""

import functools

import numpy as np
import pytest

from vae_course.exercises import _EXERCISES, check, comparing, judging, running

pytest.register_assert_rewrite("answering")  # its failures show the values, as those of a test do


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """A right answer is not called endless because the machine is busy. Tests of the limit give their own."""
    assert check.__kwdefaults__["time_limit"] == 5.0
    monkeypatch.setitem(check.__kwdefaults__, "time_limit", 60.0)


@pytest.fixture
def no_rehearsal(monkeypatch):
    """Skips the forked child, which costs five times as much as the check itself: for harmless answers, many times."""
    monkeypatch.setattr(running, "REHEARSE", False)


@pytest.fixture
def trials_made_once(monkeypatch):
    """Each seed's inputs, and what the faulty functions give on them, are made once for all answers."""
    monkeypatch.setattr(judging, "draw_trials", lambda exercise, rng: _draw(exercise.name, int(rng.integers(2**31))))
    monkeypatch.setattr(judging, "make_trial", lambda exercise, inputs: _examples(exercise.name)[id(inputs)])


@functools.cache
def _draw(name, seed):
    return comparing.draw_trials(_EXERCISES[name], np.random.default_rng(seed))


@functools.cache
def _examples(name):
    exercise = _EXERCISES[name]
    return {id(inputs): comparing.make_trial(exercise, inputs) for inputs in exercise.examples}
