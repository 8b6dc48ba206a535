"""Fixtures for the exercises' tests."""

import pytest

from vae_course.exercises import running

pytest.register_assert_rewrite("answering")  # its failures show the values, as those of a test do


@pytest.fixture
def no_rehearsal(monkeypatch):
    """Skips the forked child, which costs five times as much as the check itself: for harmless answers, many times."""
    monkeypatch.setattr(running, "REHEARSE", False)
