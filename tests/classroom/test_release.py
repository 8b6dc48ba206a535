"""What students get holds no solution, in no place; what they need is there."""

from __future__ import annotations

import inspect
import json
import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from small_chapter import LAST, NAME, small_notebook

from vae_course import cli, exercises
from vae_course.classroom import chapters, release

# lines of solutions that a chapter's own code has as well, because they say nothing by themselves
TAUGHT = {"for _ in range(n_steps):"}


@pytest.fixture(scope="module")
def book(root):
    return chapters.read_chapters(root / "notebooks")


@pytest.fixture(scope="module")
def released(book):
    return {name: release.make_student_notebook(*pair) for name, pair in book.items()}


def lines(text):
    """The lines that hold a word: a bracket alone tells nothing, nor does `return {`."""
    return [line.strip() for line in text.splitlines() if re.search(r"\w\w", line.strip().removeprefix("return"))]


def strings(node):
    """All texts in a notebook, wherever they are."""
    if isinstance(node, str):
        yield from lines(node)
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from strings(key)
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)


def test_no_line_of_a_solution_is_in_any_released_notebook(book, released):
    tasks = [task for chapter, _ in book.values() for task in chapter.tasks]
    assert len(tasks) >= 27
    secret = {line for task in tasks for line in lines(task.solution) if line not in lines(task.stub)} - TAUGHT
    for name, notebook in released.items():
        found = set(strings(json.loads(nbformat.writes(notebook))))
        assert found & secret == set(), name
        text = "\n".join(found)
        assert [line for line in secret if len(line) > 24 and line in text] == [], name


def test_no_line_of_the_references_is_in_any_released_notebook(book, released):
    secret = set()
    for name in exercises.names():
        reference = exercises.reference(name)
        if inspect.isfunction(reference) and reference.__module__.startswith("vae_course.exercises"):
            secret |= {
                line for line in lines(inspect.getsource(reference)) if line.startswith("return ") and len(line) > 20
            }
    assert len(secret) > 10
    for name, notebook in released.items():
        assert set(strings(json.loads(nbformat.writes(notebook)))) & secret - TAUGHT == set(), name


def test_released_notebooks_hold_no_outputs_solutions_or_hidden_tests(book, released):
    for name, notebook in released.items():
        nbformat.validate(notebook)
        assert set(notebook.metadata) == {"kernelspec", "vae_course"}
        for cell in notebook.cells:
            assert not cell.get("outputs") and not cell.get("attachments") and cell.get("execution_count") is None
            assert "{solution}" not in cell.source and "HIDDEN TESTS" not in cell.source
            assert set(cell.metadata) <= {"tags", "nbgrader", "deletable", "editable"}
        graded = [cell.metadata["nbgrader"] for cell in notebook.cells if "nbgrader" in cell.metadata]
        points = sum(entry.get("points", 0) for entry in graded if entry["grade"])
        assert points == book[name][0].points
        assert all(entry["locked"] == entry["grade"] != entry["solution"] and entry["checksum"] for entry in graded)


def test_each_exercise_keeps_stub_and_check(book, released):
    for name, notebook in released.items():
        cells = {cell.metadata["nbgrader"]["grade_id"]: cell for cell in notebook.cells if "nbgrader" in cell.metadata}
        for task in book[name][0].tasks:
            assert cells[f"answer-{task.name}"].source == task.stub
            assert "..." in task.stub
            assert cells[f"test-{task.name}"].source == f'exercises.check("{task.name}", {task.name})'
            assert cells[f"answer-{task.name}"].metadata.get("editable", True)
            assert cells[f"test-{task.name}"].metadata["editable"] is False


def test_the_text_around_solutions_stays(released, book):
    for name, notebook in released.items():
        text = "\n".join(cell.source for cell in notebook.cells)
        source = "\n".join(cell.source for cell in book[name][1].cells)
        for words in ("## Exercises", "Common mistakes", "```{exercise}"):
            assert text.count(words) == source.count(words)
            assert text.count(words) > 0 or not book[name][0].tasks  # the projects have no exercises


def test_without_hints_all_else_stays(book, released):
    hidden = 0
    for name, pair in book.items():
        bare = release.make_student_notebook(*pair, hints=False)
        kept = [cell for cell in released[name].cells if "exercises.hint" not in cell.source]
        assert bare.cells == kept
        hidden += len(released[name].cells) - len(kept)
        assert all(exercises.hint(task.name).text not in nbformat.writes(bare) for task in pair[0].tasks)
    assert hidden == sum(len(chapter.tasks) for chapter, _ in book.values())


@pytest.mark.parametrize(
    ("source", "only_hints"),
    [
        ('exercises.hints("kl")', True),
        ('# stuck?\nexercises.hint("kl", 1)\nexercises.hint("kl", 2)', True),
        ('exercises.hints("kl")\nx = 1', False),
        ('print("exercises.hints(1)")', False),
        ("# exercises.hints", False),
        ("def f(:", False),
    ],
)
def test_a_cell_that_does_more_than_show_hints_stays(source, only_hints):
    assert release.shows_hints(new_code_cell(source)) == only_hints
    assert not release.shows_hints(new_markdown_cell(source))


def test_the_command_leaves_hints_out_and_says_where_they_still_are(tmp_path, capsys):
    assert cli.main(["release", "1", "--to", str(tmp_path), "--without-hints"]) == 0
    said = capsys.readouterr().out
    assert "Left out: solutions, hints, outputs" in said and "The package still has the hints" in said
    assert "exercises.hint" not in (tmp_path / "notebooks" / "01-bottleneck.ipynb").read_text("utf-8")


def test_what_would_leak_is_left_out():
    notebook = small_notebook()
    secret = "return 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(dim=1)"
    notebook.metadata["solutions"] = secret
    notebook.cells[0].metadata["author"] = secret
    notebook.cells[1].outputs = [new_output("stream", text=secret)]
    notebook.cells.append(new_markdown_cell(LAST, attachments={"a.txt": {"text/plain": secret}}))
    notebook.cells.append(new_markdown_cell("![x](attachment:b.png)", attachments={"b.png": {"image/png": "AAAA"}}))
    notebook.cells.append(new_code_cell("1", metadata={"tags": ["hide-input", secret]}))
    made = release.make_student_notebook(chapters.read_chapter(NAME, notebook), notebook)
    assert secret not in nbformat.writes(made)
    assert made.cells[-2].attachments == {"b.png": {"image/png": "AAAA"}}
    assert made.cells[-1].metadata == {"tags": ["hide-input"]}


def test_the_master_has_hidden_tests_and_points(chapter):
    master = release.make_master(chapter)
    tests = [cell for cell in master.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert [cell.metadata["nbgrader"]["points"] for cell in tests] == [1, 2]
    for cell in tests:
        assert re.search(r"BEGIN HIDDEN TESTS\n\d \* all\(.*\n### END HIDDEN TESTS$", cell.source, re.DOTALL)


def test_the_command_writes_all_and_goes_on_where_it_was(tmp_path, capsys, root):
    assert cli.main(["release", "6", "01-bottleneck", "--to", str(tmp_path)]) == 0
    assert "2 notebooks with 8 exercises and 13 points" in capsys.readouterr().out
    found = {
        path.relative_to(tmp_path).as_posix(): path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()
    }
    assert set(found) == {
        "README.md", "notebooks/01-bottleneck.ipynb", "notebooks/06-pcn.ipynb", "benchmarks/results/sampling.json"
    }  # fmt: skip
    data = json.loads((tmp_path / "notebooks/../benchmarks/results/sampling.json").read_text("utf-8"))
    assert data == json.loads((root / "benchmarks/results/sampling.json").read_text("utf-8"))
    (tmp_path / "notebooks" / "06-pcn.ipynb").write_text("cut sh")
    assert cli.main(["release", "6", "01-bottleneck", "--to", str(tmp_path)]) == 0
    nbformat.read(tmp_path / "notebooks" / "06-pcn.ipynb", as_version=4)
    assert (tmp_path / "notebooks" / "01-bottleneck.ipynb").stat().st_mtime_ns == found["notebooks/01-bottleneck.ipynb"]


def test_a_chapter_that_is_not_there_is_said(tmp_path, capsys):
    assert cli.main(["release", "99", "--to", str(tmp_path)]) == 2
    assert "there is no chapter '99'; there are 01-bottleneck" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("*Difficulty 2, 10 minutes.*", "Hard.", "lacks its :label: or its difficulty"),
        (":label: ex-kl", "", "lacks its :label: or its difficulty"),
        ("{solution} ex-kl", "{solution} ex-other", "exercise ex-kl has no solution"),
    ],
)
def test_a_source_with_a_gap_is_refused(old, new, words):
    notebook = small_notebook()
    for cell in notebook.cells:
        cell.source = cell.source.replace(old, new)
    with pytest.raises(chapters.SourceError, match=words):
        chapters.read_chapter(NAME, notebook)
