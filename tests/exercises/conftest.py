"""Fixtures for the exercises' tests."""

import pytest

from vae_course.exercises import running


@pytest.fixture
def no_rehearsal(monkeypatch):
    """Skips the forked child, which costs five times as much as the check itself: for harmless answers, many times."""
    monkeypatch.setattr(running, "REHEARSE", False)
