"""Right answers pass in whatever form and dress they come: for each exercise some dozens are made, at random.

A few of them are tried; sixty for each exercise where VAE_COURSE_NIGHTLY is set to a whole number, which they are
drawn from.
"""

import random

import composing
import mutant_values
import pytest
from mutant_sources import all_sources
from nightly import NIGHTLY
from rewriting import rewrite

from vae_course import exercises
from vae_course.exercises import _EXERCISES
from vae_course.exercises.base import Exercise

pytestmark = pytest.mark.filterwarnings("ignore")  # of libraries, at NumPy arrays of their own kind
N_ANSWERS = 60 if NIGHTLY else 6
BY_VALUES = [name for name in exercises.names() if isinstance(_EXERCISES[name], Exercise)]


@pytest.fixture(autouse=True)
def quick(no_rehearsal, trials_made_once):
    """Without the forked child, and with the inputs of a seed made once."""


@pytest.mark.parametrize("name", exercises.names())
def test_right_answers_in_unusual_dress_pass(name):
    rng = random.Random(f"{name} {NIGHTLY}")
    for i, right in enumerate(composing.right_answers(name, rng, N_ANSWERS)):
        verdict = exercises.check(name, right.answer, seed=i % 4, time_limit=60.0)
        assert verdict.passed, f"{right.made}\n{verdict}"


@pytest.mark.parametrize("name", exercises.names())
def test_there_are_fifty_right_answers_or_more(name):
    made = {right.made for right in composing.right_answers(name, random.Random(1), 60)}
    assert len(made) >= 50


@pytest.mark.parametrize("name", [name for name in BY_VALUES if name != "symmetric_form"])
def test_rewritten_sources_compute_the_same(name):
    """Without the check: on inputs of their own, compared with the reference."""
    rng = random.Random(f"{name} {NIGHTLY}")
    for source in all_sources()[name]:
        text = rewrite(source.text, rng)
        assert mutant_values.compare(name, source.build(text)) == "same", text
