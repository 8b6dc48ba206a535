"""Whatever is handed in, everybody gets a grade and a reason, and nobody loses a mark by it."""

from __future__ import annotations

import csv
import sys
from collections import defaultdict

import pytest
from submissions import CANARY, HOSTILE, OUTSIDE, TRACE, honest, hostile_students, running_commands

from vae_course.classroom import grading, walls
from vae_course.classroom.limits import MEGABYTE, Bounds

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")

# a second each is plenty for these answers; a busy machine makes one wait, but gives no more processor time
RULES = grading.Rules(Bounds(seconds=2, waiting=30.0, memory=512 * MEGABYTE))
# what only a wall can hold: without one, these would do on this machine what they try
NEED_WALLS = ("writes outside", "attacks", "leaves children")


def grade(students, chapter, blank, folder):
    """Points and reasons of these and of honest students between them, by student and exercise."""
    handed, to = folder / "handed-in", folder / "grades"
    honest_ones = [f"honest-{i}" for i in range(2 + len(students) // 20)]
    for student, (_, make) in students.items():
        make(handed / student, blank)
    for student in honest_ones:
        honest(handed / student, blank)
    CANARY.mkdir(exist_ok=True)
    done = list(grading.grade_all(handed, [chapter], to=to, rules=RULES))
    assert len(done) == len(students) + len(honest_ones)
    rows = defaultdict(dict)
    with (to / "grades.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows[row["student"]][row["exercise"]] = row
    return rows, honest_ones, to


def assert_all_is_well(students, rows, honest_ones, to, chapter):
    faults = []
    for student, (due, _) in students.items():
        assert set(rows[student]) == {task.name for task in chapter.tasks}
        points = sum(float(row["points"]) for row in rows[student].values())
        if points != due:
            faults.append((student, points, due, [row["reason"] for row in rows[student].values()]))
        assert all(row["reason"] and row["verdict"] for row in rows[student].values()), student
        page = to / "feedback" / student / chapter.name / f"{chapter.name}.html"
        assert page.stat().st_size < 2 * MEGABYTE, student
    assert faults == []
    for student in honest_ones:
        assert {row["verdict"] for row in rows[student].values()} == {"passed"}
    assert CANARY.is_dir()
    CANARY.rmdir()
    assert not (OUTSIDE / TRACE).exists()
    assert not [place for place in to.rglob(TRACE)]
    assert [command for command in running_commands() if "9973" in command or "classroom.nursery" in command] == []


def test_there_are_a_hundred_of_twenty_kinds():
    assert len(HOSTILE) == 20
    assert {len(variants) for variants in HOSTILE.values()} == {5}


@pytest.fixture
def kinds():
    safe = set(walls.enforced()) == {"files", "calls"}
    return [kind for kind in HOSTILE if safe or kind not in NEED_WALLS]


def test_a_dozen_hostile_submissions(chapter, student_notebook, tmp_path, kinds):
    students = hostile_students(variants=[0], kinds=kinds)
    chosen = dict(list(students.items())[::2]) | {"dies-0": students["dies-0"]}
    rows, honest_ones, to = grade(chosen, chapter, student_notebook, tmp_path)
    assert_all_is_well(chosen, rows, honest_ones, to, chapter)


@pytest.mark.nightly
@pytest.mark.timeout(3000)
def test_a_hundred_hostile_submissions(chapter, student_notebook, tmp_path, kinds):
    students = hostile_students(kinds=kinds)
    rows, honest_ones, to = grade(students, chapter, student_notebook, tmp_path)
    assert_all_is_well(students, rows, honest_ones, to, chapter)
