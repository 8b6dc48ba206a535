"""Progress is kept, merged, and never in the way."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import nbformat
import pytest

from vae_course import exercises
from vae_course.exercises.verdict import Verdict

progress = importlib.import_module("vae_course.exercises.progress")  # the package's `progress` is the function

PASSED = Verdict("count_outputs", "passed", "Yes.")
WRONG = Verdict("count_outputs", "wrong", "No.")


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    path = tmp_path / "kept" / "progress.json"
    monkeypatch.setenv(progress.VARIABLE, str(path))
    monkeypatch.setattr(progress, "_said", set())
    return path


def state(name="count_outputs"):
    return next(entry.state for entry in exercises.progress().entries if entry.name == name)


def test_a_check_is_noted_and_outlives_the_process(file, root):
    code = (
        "from vae_course import exercises\n"
        "exercises.check('count_outputs', lambda d: 2 * d)\n"
        "exercises.check('mh_accept', lambda a, b: a)\n"
        "exercises.check('kl_standard_normal', ...)\n"
        "exercises.check('traversal', lambda z, dim, values: ...)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True, timeout=250)
    assert set(json.loads(file.read_text("utf-8"))["exercises"]) == {"count_outputs", "mh_accept"}
    found = {entry.name: entry for entry in exercises.progress().entries}
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", found["count_outputs"].on)
    assert (found["count_outputs"].state, found["mh_accept"].state) == ("solved", "tried")
    assert (found["kl_standard_normal"].state, found["kl_standard_normal"].on) == ("open", "")
    assert exercises.progress().solved == ("count_outputs",)


def test_a_notebook_notes_what_passes_in_the_user_s_folder(tmp_path):
    from jupyter_client.manager import start_new_kernel

    env = {**os.environ, "XDG_DATA_HOME": str(tmp_path), "HOME": str(tmp_path), "APPDATA": str(tmp_path)}
    del env[progress.VARIABLE]
    manager, client = start_new_kernel(kernel_name="python3", env=env)
    try:
        code = "from vae_course import exercises\nexercises.check('count_outputs', lambda d: 2 * d)"
        client.execute_interactive(code, timeout=200, output_hook=lambda message: None, allow_stdin=False)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    (kept,) = tmp_path.rglob("vae-course/progress.json")
    assert json.loads(kept.read_text("utf-8"))["exercises"]["count_outputs"][0] == "solved"


def test_what_is_solved_stays_solved_since_the_first_day():
    progress.keep("count_outputs", "tried", on="2020-01-01")
    progress.keep("count_outputs", "solved", on="2020-01-02")
    progress.keep("count_outputs", "tried", on="2020-01-03")
    progress.keep("count_outputs", "solved", on="2020-01-04")
    entry = exercises.progress().entries[0]
    assert (entry.name, entry.state, entry.on) == ("count_outputs", "solved", "2020-01-02")


def test_nothing_is_written_when_nothing_changes(file):
    progress.note(PASSED)
    before = file.stat().st_mtime_ns
    progress.note(PASSED)
    progress.note(WRONG)
    assert file.stat().st_mtime_ns == before


def test_nothing_is_noted_outside_notebooks_or_when_paused_or_switched_off(file, monkeypatch, tmp_path):
    with progress.paused():
        progress.note(PASSED)
    monkeypatch.setenv(progress.VARIABLE, "off")
    progress.note(PASSED, anywhere=True)
    assert exercises.progress().file is None
    monkeypatch.delenv(progress.VARIABLE)
    for name in ("XDG_DATA_HOME", "APPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    progress.note(PASSED)
    assert list(tmp_path.rglob("*")) == []
    progress.note(PASSED, anywhere=True)
    assert [path.name for path in tmp_path.rglob("*.json")] == ["progress.json"]


def test_many_processes_lose_none_of_their_lines(file, root):
    names = exercises.names()[:4]
    code = (
        "import sys, importlib\n"
        "progress = importlib.import_module('vae_course.exercises.progress')\n"
        "sys.stdin.readline()\n"
        "for day in range(10, 25): progress.keep(f'{sys.argv[1]}-{day}', 'solved', on=f'2020-01-{day}')"
    )
    words = [sys.executable, "-c", code]
    runs = [subprocess.Popen([*words, name], cwd=root, stdin=subprocess.PIPE, text=True) for name in names]
    for run in runs:
        run.stdin.write("go\n")
        run.stdin.flush()
    assert [run.wait(timeout=280) for run in runs] == [0] * len(runs)
    kept = json.loads(file.read_text("utf-8"))["exercises"]
    assert set(kept) == {f"{name}-{day}" for name in names for day in range(10, 25)}
    assert [path.name for path in file.parent.iterdir() if path.suffix == ".part"] == []


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[]", b'{"exercises": 3}', b'{"exercises": {"a": ["won", "today"]}}']
)
def test_a_broken_file_is_set_aside_not_lost(file, content):
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.warns(UserWarning, match=r"was damaged; it is kept as progress\.json\.broken-"):
        progress.note(PASSED)
    assert state() == "solved"
    (aside,) = file.parent.glob("progress.json.broken-*")
    assert aside.read_bytes() == content


def test_two_broken_files_are_both_kept(file):
    file.parent.mkdir()
    for content in ("one", "two", "three"):
        file.write_text(content)
        with pytest.warns(UserWarning, match="was damaged"):
            exercises.progress()
    assert {path.read_text() for path in file.parent.glob("*broken*")} == {"one", "two", "three"}


def test_where_nothing_can_be_written_it_works_and_says_so_once(file, tmp_path, monkeypatch):
    (tmp_path / "taken").write_text("no folder")
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "taken" / "progress.json"))
    with pytest.warns(UserWarning, match="cannot be kept in .* To keep it elsewhere, set VAE_COURSE_PROGRESS"):
        assert progress.note(PASSED) is PASSED
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        progress.note(PASSED)
        assert exercises.check("count_outputs", lambda d: 2 * d).passed
    assert state() == "open"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_home(file):
    file.parent.mkdir(mode=0o500)
    with pytest.warns(UserWarning, match="cannot be kept"):
        progress.note(PASSED)


def test_an_entry_of_a_newer_course_is_kept(file):
    progress.keep("of_chapter_99", "solved", on="2030-01-01")
    progress.note(PASSED)
    assert set(json.loads(file.read_text())["exercises"]) == {"of_chapter_99", "count_outputs"}
    assert "of_chapter_99" not in repr(exercises.progress())


def test_the_table_says_all_in_words():
    progress.keep("count_outputs", "solved", on="2020-01-02")
    progress.keep("mh_accept", "tried", on="2020-01-03")
    shown = exercises.progress()
    total = len(exercises.names())
    assert repr(shown).startswith(f"1 of {total} exercises solved.\nChapter 1: 1 of 4 solved\n")
    assert re.search(r"✓ count_outputs +difficulty 1  solved  2020-01-02", repr(shown))
    assert re.search(r"~ mh_accept +difficulty 1  tried   2020-01-03", repr(shown))
    html = shown._repr_html_()
    assert html.count("<tr>") == 1 + total + len({entry.chapter for entry in shown.entries})
    for word in ("Chapter 6: 0 of 4 solved", "<code>mh_accept</code>", "tried", "2020-01-03", "Exercise", "Difficulty"):
        assert word in html
    assert "<th></th>" not in html


def test_each_exercise_has_the_difficulty_that_its_chapter_states(root):
    assert set(progress.DIFFICULTY) == set(exercises.names())
    stated = {}
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        difficulty = 0
        for cell in nbformat.read(path, as_version=4).cells:
            found = re.findall(r"\*Difficulty (\d)", cell.source) if cell.cell_type == "markdown" else []
            difficulty = int(found[-1]) if found else difficulty
            if cell.cell_type == "code":
                stated |= dict.fromkeys(re.findall(r'exercises\.check\("(\w+)"', cell.source), difficulty)
    assert len(stated) >= 27
    assert {name: progress.DIFFICULTY[name] for name in stated} == stated


def test_the_place_of_the_file(monkeypatch):
    monkeypatch.delenv(progress.VARIABLE)
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    monkeypatch.setattr(progress.sys, "platform", "linux")
    assert progress.progress_file() == Path("/data/vae-course/progress.json")
