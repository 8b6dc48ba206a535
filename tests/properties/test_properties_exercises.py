"""The public functions of the exercises: what holds for each exercise, and for anything handed to a check."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from profiles import FEW
from public_names import about

from vae_course import exercises
from vae_course.exercises import Hint, Hints, Verdict

NAMES = exercises.names()
QUICK = NAMES[0]
nonsense = st.one_of(
    st.none(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=4),
    st.sampled_from([..., len, print, dict, object(), lambda *_: None, lambda: 1, lambda *_: "word", lambda *_: 1 / 0]),
)


@about(*(f"exercises.{name}" for name in ("check", "hint", "hints", "reference", "slips")))
@settings(max_examples=FEW)
@given(name=st.text(max_size=12))
def test_an_unknown_exercise_lists_the_known_ones(name: str) -> None:
    calls = (
        lambda: exercises.check(name, len),
        lambda: exercises.hint(name),
        lambda: exercises.hints(name),
        lambda: exercises.reference(name),
        lambda: exercises.slips(name),
    )
    for call in calls:
        with pytest.raises(ValueError, match="there is no exercise") as caught:
            call()
        assert all(known in str(caught.value) for known in NAMES)


@about("exercises.names", "exercises.hint", "exercises.hints", "exercises.slips", "exercises.reference")
@pytest.mark.parametrize("name", NAMES)
def test_each_exercise_has_hints_slips_and_a_reference(name: str) -> None:
    hints = exercises.hints(name)
    assert isinstance(hints, Hints)
    for level in (1, 2, 3):
        hint = exercises.hint(name, level)
        assert isinstance(hint, Hint) and str(hint).strip()
    for level in (0, 4, -1, "one", None, 1.5):
        with pytest.raises(ValueError, match="level must be from 1 to 3"):
            exercises.hint(name, level)  # type: ignore[arg-type]
    slips = exercises.slips(name)
    assert slips and all(key and summary.strip() for key, summary in slips.items())
    slips.clear()
    assert exercises.slips(name)
    assert callable(exercises.reference(name)) or exercises.reference(name)


@about("exercises.names")
def test_the_chapters_share_the_exercises_out() -> None:
    of_chapters = [exercises.names(chapter=chapter) for chapter in range(1, 13)]
    assert tuple(name for names in of_chapters for name in names) == NAMES
    assert len(set(NAMES)) == len(NAMES)
    assert exercises.names(chapter=99) == ()


@about("exercises.check", "exercises.Verdict")
@settings(max_examples=FEW)
@given(answer=nonsense, seed=st.integers(0, 2**31))
def test_whatever_is_handed_in_a_verdict_comes_back(answer: Any, seed: int) -> None:
    verdict = exercises.check(QUICK, answer, seed=seed)
    assert isinstance(verdict, Verdict) and verdict.passed is False and verdict.diagnosis is None
    assert verdict.message.strip()
    assert exercises.check(QUICK, answer, seed=seed).message == verdict.message


@about("exercises.check", "exercises.reference", "exercises.Verdict")
@settings(max_examples=FEW)
@given(seed=st.integers(0, 2**31))
def test_the_reference_passes_for_every_seed(seed: int) -> None:
    verdict = exercises.check(QUICK, exercises.reference(QUICK), seed=seed)
    assert verdict.passed and verdict.diagnosis is None


@about("exercises.progress", "exercises.Progress", "exercises.Hint", "exercises.Hints", "exercises.Verdict")
def test_what_is_shown_in_a_notebook_has_words_and_html() -> None:
    progress = exercises.progress()
    assert isinstance(progress, exercises.Progress)
    shown = (progress, exercises.hint(QUICK), exercises.hints(QUICK), exercises.check(QUICK, len, seed=0))
    for each in shown:
        assert repr(each).strip()
        rich = each._repr_html_() if hasattr(each, "_repr_html_") else each._repr_mimebundle_()["text/html"]
        assert "<" in rich
