"""A small chapter, and what students get of it."""

from __future__ import annotations

import pytest
from small_chapter import NAME, small_notebook

from vae_course.classroom import chapters, release


@pytest.fixture(scope="session")
def chapter():
    return chapters.read_chapter(NAME, small_notebook())


@pytest.fixture(scope="session")
def student_notebook(chapter):
    return release.make_student_notebook(chapter, small_notebook())


@pytest.fixture(scope="session")
def right(chapter):
    """Exercise -> the book's solution."""
    return {task.name: task.solution for task in chapter.tasks}
