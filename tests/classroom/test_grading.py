"""From students' folders to grades and pages, and on from where a run was stopped."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sys
from dataclasses import asdict

import pytest
from nbformat.v4 import new_code_cell, new_notebook
from small_chapter import NAME, small_notebook
from submissions import RIGHT, fill, write

from vae_course.classroom import chapters, grading, intake, nbgrading, records
from vae_course.classroom.limits import Bounds
from vae_course.classroom.release import make_master, make_student_notebook

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")
RULES = grading.Rules(Bounds(seconds=20, waiting=240.0))
KL = "kl_standard_normal"
SLIP = "def kl_standard_normal(mu, logvar):\n    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean(dim=1)"


def table(to):
    with (to / "grades.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == grading.COLUMNS
    return {(row["student"], row["exercise"]): row for row in rows}


@pytest.fixture(scope="module")
def class_room(tmp_path_factory, chapter, student_notebook):
    """A folder graded once, and what was yielded."""
    folder = tmp_path_factory.mktemp("class")
    handed, to = folder / "handed-in", folder / "grades"
    write(handed / "full", fill(student_notebook, RIGHT))
    write(handed / "part", fill(student_notebook, RIGHT | {KL: SLIP}))
    write(handed / "empty", student_notebook)
    (handed / "nothing").mkdir()
    write(handed, fill(student_notebook, RIGHT), "alone.ipynb")
    write(handed / "Zoë *[1] =x" / "deeper" / NAME, fill(student_notebook, RIGHT))
    done = list(grading.grade_all(handed, [chapter], to=to, rules=RULES))
    return handed, to, done


@LINUX
def test_full_part_and_empty_get_what_is_theirs(class_room):
    _, to, done = class_room
    points = {one.student: one.points for one in done}
    assert points == {"full": 3, "part": 2, "empty": 0, "nothing": 0, "alone": 3, "Zoë *[1] =x": 3}
    rows = table(to)
    assert rows["full", KL]["verdict"] == "passed"
    part = rows["part", KL]
    assert (part["points"], part["of"], part["verdict"], part["diagnosis"]) == ("1", "2", "wrong", "mean_over_latents")
    assert part["reason"].startswith("You averaged over the latents.")
    assert rows["empty", KL]["verdict"] == "not answered yet"
    assert rows["nothing", KL]["verdict"] == "not handed in"
    assert rows["nothing", KL]["reason"] == "No notebook was handed in."


@LINUX
def test_each_has_a_page_with_answer_verdict_and_score(class_room, chapter):
    _, to, _ = class_room
    text = nbgrading.feedback_file(to, "part", NAME).read_text("utf-8")
    for words in ("Score: 2 / 3", "Score: 1 / 2", "You averaged over the latents", "How small?", "mean"):
        assert words in text
    assert "HIDDEN TESTS" not in text and "exp() - 1 - logvar).sum" not in text
    assert len(list((to / "feedback").rglob("*.html"))) == 6
    assert nbgrading.scores(to, chapter, "part")[KL] == nbgrading.Score(1.0, 2.0)


def test_what_an_answer_printed_is_said_once(chapter):
    verdict = grading.Verdict("count_outputs", "wrong", "No.", printed="what it printed")
    mark = asdict(grading._mark(chapter.tasks[0], verdict, RULES))
    said = "".join(output.data.get("text/html", "") for output in nbgrading._outputs(mark))
    assert said.count("what it printed") == 1


@LINUX
def test_what_is_done_is_not_done_again(class_room, chapter, tmp_path, student_notebook, monkeypatch):
    handed, to = (shutil.copytree(path, tmp_path / path.name) for path in class_room[:2])
    before = (to / "grades.csv").read_text("utf-8")
    judged = []

    def judge(name, source, **_):
        judged.append(name)
        return grading.Verdict(name, "broken", "A stand-in.")

    monkeypatch.setattr(grading, "judge_source", judge)
    done = list(grading.grade_all(handed, [chapter], to=to, rules=RULES))
    assert judged == [] and not any(one.judged for one in done)
    assert (to / "grades.csv").read_text("utf-8") == before

    # a run that was killed: one student's verdicts are missing, one's are cut short, and one hands in again
    records.state_file(to, "full", NAME).unlink()
    records.state_file(to, "part", NAME).write_text('{"marks": [')
    write(handed / "empty", fill(student_notebook, {KL: SLIP}))
    done = list(grading.grade_all(handed, [chapter], to=to, rules=RULES))
    assert {one.student for one in done if one.judged} == {"full", "part", "empty"}
    assert table(to)["full", KL]["reason"] == "A stand-in."
    assert all(one.judged for one in grading.grade_all(handed, [chapter], to=to, rules=RULES, again=True))


@LINUX
def test_points_that_a_teacher_enters_count(class_room, chapter, tmp_path):
    handed, to = (shutil.copytree(path, tmp_path / path.name) for path in class_room[:2])
    from nbgrader.api import Gradebook

    with nbgrading._own_programs(), Gradebook(f"sqlite:///{to / 'gradebook.db'}", "course_id") as book:
        book.find_grade(f"test-{KL}", NAME, NAME, "part").manual_score = 1.5
        book.db.commit()
    list(grading.grade_all(handed, [chapter], to=to, rules=RULES))
    assert table(to)["part", KL]["points"] == "1.5"


@LINUX
def test_a_page_that_cannot_be_made_costs_nobody_else_theirs(class_room, chapter, tmp_path, monkeypatch):
    handed, to = (shutil.copytree(path, tmp_path / path.name) for path in class_room[:2])
    shutil.rmtree(to / "feedback")
    convert = nbgrading._convert

    def fail(converter, root):
        if converter.coursedir.student_id == "full":
            raise RuntimeError("no page today")
        convert(converter, root)

    monkeypatch.setattr(nbgrading, "_convert", fail)
    list(grading.grade_all(handed, [chapter], to=to, rules=RULES))
    assert grading.without_page(to, [chapter], handed) == ["full"]
    assert table(to)["full", KL]["points"] == "2"
    assert nbgrading.feedback_file(to, "alone", NAME).is_file()
    assert "no page today" in (to / "state" / "nbgrader.log").read_text("utf-8")


# --- what is taken from a submission ---


def found(notebook, chapter, tmp_path, name=KL):
    path = tmp_path / f"{NAME}.ipynb"
    path.write_text(json.dumps(notebook), "utf-8")
    return intake.find_answers(intake.read_notebook(path), chapter).get(name)


def test_helpers_and_imports_of_other_cells_come_along(chapter, tmp_path):
    cells = [
        "import numpy as np\nimport os",
        "HALF = 0.5\nUNUSED = 3\nMADE = print('side effect')",
        "def inner(x):\n    return HALF * np.asarray(x)",
        "def helper(x):\n    return inner(x).sum(axis=1)",
        "def kl_standard_normal(mu, logvar):\n    return helper(mu)",
        'exercises.check("kl_standard_normal", kl_standard_normal)',
    ]
    source = found(new_notebook(cells=[new_code_cell(cell) for cell in cells]), chapter, tmp_path)
    space = {}
    exec(source, space)
    assert space[KL]([[1.0, 3.0]], None).tolist() == [2.0]
    assert "os" not in source.split() and "UNUSED" not in source and "MADE" not in source


def test_only_what_is_taken_from_outside_comes_along(chapter, tmp_path):
    cells = [
        "mu = 1\nlogvar = 2\ntotal = 3\nlabels = digits.labels\nSCALE = 4\nTWICE = SCALE * 2",
        "class Part:\n    width = TWICE",
        "def kl_standard_normal(mu, logvar):\n    total = Part.width\n    return [total for logvar in mu if labels]",
    ]
    source = found(new_notebook(cells=[new_code_cell(cell) for cell in cells]), chapter, tmp_path)
    assert source == f"SCALE = 4\nTWICE = SCALE * 2\n{cells[1]}\n{cells[2]}"


def test_answers_of_the_book_need_nothing_of_its_other_cells(root, tmp_path):
    """They would take what the chapter computes, which is not there when they are graded."""
    for name, (chapter, notebook) in chapters.read_chapters(root / "notebooks").items():
        solved = {task.name: f"{task.stub}\n\n{task.solution}" for task in chapter.tasks}
        write(tmp_path, fill(make_student_notebook(chapter, notebook), solved), f"{name}.ipynb")
        assert intake.find_answers(intake.read_notebook(tmp_path / f"{name}.ipynb"), chapter) == solved


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (
            ["def kl_standard_normal(mu, logvar):\n    return 1", "def kl_standard_normal(a, b):\n    return 2"],
            "return 2",
        ),
        (["kl_standard_normal = lambda mu, logvar: 3"], "lambda"),
        (["%timeit 1\ndef kl_standard_normal(mu, logvar):\n    return 4"], "pass\ndef"),
        (["!ls\nx = 1\nkl_standard_normal = helper"], "pass\nx = 1"),
        (["def kl_standard_normal(mu, logvar:\n    return 5"], "return 5"),
        (["def kl(mu): return 1"], None),
    ],
)
def test_the_answer_is_found_by_its_name(chapter, tmp_path, cells, wanted):
    source = found(new_notebook(cells=[new_code_cell(cell) for cell in cells]), chapter, tmp_path)
    assert source is None if wanted is None else wanted in source


def test_an_answer_written_elsewhere_beats_the_stub(chapter, student_notebook, tmp_path):
    notebook = fill(student_notebook, {})
    notebook.cells.append(new_code_cell(RIGHT[KL]))
    assert "return ..." in found(notebook, chapter, tmp_path)  # the cell of the answer comes first
    for cell in notebook.cells:
        cell.metadata.pop("nbgrader", None)
        cell["id"] = "x"
    assert "sum(dim=1)" in found(notebook, chapter, tmp_path)


def test_old_notebooks_store_their_source_as_a_list(chapter, tmp_path):
    cell = {"cell_type": "code", "source": RIGHT[KL].splitlines(keepends=True)}
    assert found({"cells": [cell, 3, None, {"cell_type": "code", "source": 5}]}, chapter, tmp_path) == RIGHT[KL]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xe9\xff", "the file is no notebook: it is not UTF-8 text"),
        (b"", "the file is empty"),
        (b"{", "the file is no notebook: it is not valid JSON (Expecting property name"),
        (b" " * (intake.LARGEST + 1), "the file has 20 MB, at most 20 are read: clear the outputs"),
    ],
)
def test_what_cannot_be_read_is_said_once(tmp_path, content, words):
    (tmp_path / "x.ipynb").write_bytes(content)
    with pytest.raises(intake.UnreadableError, match=f"^{re.escape(words)}"):
        intake.read_notebook(tmp_path / "x.ipynb")


def test_what_nobody_writes_is_passed_over(chapter, tmp_path):
    cells = ["x = " + "1 + " * 11_000 + "1", "y = " + "(" * 5000 + ")" * 5000, "z = " + "-" * 40_000 + "1", RIGHT[KL]]
    source = found(new_notebook(cells=[new_code_cell(cell) for cell in cells]), chapter, tmp_path)
    assert source == RIGHT[KL]


def test_the_chapter_is_known_by_its_answers(chapter, student_notebook, tmp_path):
    write(tmp_path, student_notebook, "my homework.ipynb")
    assert intake.recognise(intake.read_notebook(tmp_path / "my homework.ipynb"), [chapter]) == NAME


@pytest.mark.parametrize("name", ["ann", "Zoë", "a b", "=cmd()", "*", "..", "a/b", "x" * 300, "\udcff"])
def test_every_name_gets_a_key_that_is_safe(name):
    key = records.student_key(name)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", key)
    assert key == name or key != records.student_key(name + "x")


def test_a_spreadsheet_takes_text_for_text():
    assert grading._cell("=1+1") == "'=1+1"
    assert grading._cell("ann") == "ann"


def test_master_and_hidden_tests_hold_for_nbgrader_alone(chapter):
    """The tests in the teacher's notebook give points by themselves: their last value is the partial credit."""
    for answers, points in ((RIGHT, [1, 2]), ({**RIGHT, KL: SLIP}, [1, 0])):
        space = {}
        values = []
        for cell in fill(make_master(chapter), answers).cells:
            if cell.cell_type != "code":
                continue
            *rest, last = [line for line in cell.source.splitlines() if not line.startswith("###")]
            if cell.metadata.get("nbgrader", {}).get("grade"):
                exec("\n".join(rest), space)
                values.append(eval(last, space))
            else:
                exec(cell.source, space)
        assert values == points


def test_chapters_are_those_that_somebody_handed_in(tmp_path, student_notebook):
    chapter = chapters.read_chapter(NAME, small_notebook())
    other = chapters.read_chapter("04-other", new_notebook())
    write(tmp_path / "ann", student_notebook)
    assert grading.chapters_handed_in(tmp_path, [chapter, other]) == [chapter]
