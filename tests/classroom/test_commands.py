"""`vae-course check` and what `grade` refuses."""

from __future__ import annotations

import json
import sys

import pytest
from small_chapter import small_notebook
from submissions import KL, RIGHT, fill

from vae_course import cli

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")


def solve(answers):
    """The book's own form of a notebook: answer and check in one cell."""
    notebook = small_notebook()
    for cell in notebook.cells:
        for name, source in answers.items():
            if f"def {name}" in cell.source and cell.cell_type == "code":
                cell.source = f'{source}\n\n\nexercises.check("{name}", {name})'
    return notebook


@LINUX
@pytest.mark.parametrize(
    ("answers", "code", "words"),
    [
        (RIGHT, 0, ["count_outputs       passed", "2 of 2 solved"]),
        ({KL: RIGHT[KL].replace("sum", "mean")}, 1, ["wrong (mean_over_latents)", "You averaged", "0 of 2 solved"]),
    ],
)
def test_check_says_what_each_answer_is(answers, code, words, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("VAE_COURSE_PROGRESS", str(tmp_path / "progress.json"))
    path = tmp_path / "any.ipynb"
    path.write_text(json.dumps(solve(answers)), "utf-8")
    assert cli.main(["check", str(path)]) == code
    out = capsys.readouterr().out
    assert [word for word in words if word not in out] == []
    kept = json.loads((tmp_path / "progress.json").read_text("utf-8"))["exercises"]
    assert {name: value[0] for name, value in kept.items()} == dict.fromkeys(answers, "tried" if code else "solved")


@LINUX
def test_check_reads_students_notebooks_too(tmp_path, capsys, monkeypatch, student_notebook):
    monkeypatch.setenv("VAE_COURSE_PROGRESS", "off")
    path = tmp_path / "mine.ipynb"
    path.write_text(json.dumps(fill(student_notebook, RIGHT)), "utf-8")
    assert cli.main(["check", str(path), "--seconds", "60"]) == 0
    assert "2 of 2 solved" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        (b"", "the file is empty"),
        (b"x = 1", "not valid JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"{}", "holds no list of cells"),
        (b'{"cells": []}', "holds no exercise"),
    ],
)
def test_what_cannot_be_checked_ends_with_2(content, words, tmp_path, capsys):
    path = tmp_path / "any.ipynb"
    if content is not None:
        path.write_bytes(content)
    assert cli.main(["check", str(path)]) == 2
    assert words in capsys.readouterr().err


def test_grade_refuses_what_cannot_be_meant(tmp_path, capsys):
    there, empty = tmp_path / "there", tmp_path / "empty"
    (there / "ann").mkdir(parents=True)
    empty.mkdir()
    for words, said in {
        ("nowhere", "--to", "x"): "is no folder",
        (str(there), "--to", str(there / "grades")): "are taken for students",
        (str(empty), "--to", str(tmp_path / "x")): "no notebook in",
        (str(there), "--to", str(tmp_path / "x")): "name the chapters with --chapters",
        (str(there), "--to", str(tmp_path / "x"), "--slip-share", "2"): "--slip-share must be from 0 to 1, got 2",
        (str(there), "--to", str(tmp_path / "x"), "--chapters", "77"): "there is no chapter '77'",
    }.items():
        assert cli.main(["grade", *words]) == 2
        assert said in capsys.readouterr().err


@LINUX
@pytest.mark.timeout(900)
def test_grade_from_the_command_line(tmp_path, capsys):
    students = tmp_path / "students"
    assert cli.main(["release", "1", "--to", str(students)]) == 0
    blank = (students / "notebooks" / "01-bottleneck.ipynb").read_text("utf-8")
    handed = tmp_path / "handed-in"
    handed.mkdir()
    (handed / "ann.ipynb").write_text(blank.replace("return ...", "return 2 * latent_dim"), "utf-8")
    (handed / "ben.ipynb").write_text("{", "utf-8")
    (handed / "cleo.zip").write_text("PK", "utf-8")
    words = ["grade", str(handed), "--to", str(tmp_path / "grades")]
    assert cli.main([*words, "--seconds", "60"]) == 0
    out = capsys.readouterr().out
    assert "ann  01-bottleneck  1/6\n" in out
    assert "ben  01-bottleneck  0/6  ben.ipynb: the file is no notebook: it is not valid JSON" in out
    assert "2 grades, 2 of them new" in out
    assert "Not read: cleo.zip is neither a folder nor a notebook" in out
    assert cli.main(words) == 0
    assert "2 grades, 0 of them new" in capsys.readouterr().out
