"""The command line, without the long things that it can do."""

from __future__ import annotations

import asyncio
import json
import subprocess
import threading
import urllib.request
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from vae_course import cli
from vae_course.commands import browser, notebooks, shell, site, testing, upkeep
from vae_course.commands.shell import CommandError
from vae_course.commands.tallies import read_slow
from vae_course.commands.testing import Outcome

VERBS = (
    "book",
    "serve",
    "pdf",
    "zip",
    "lab",
    "test",
    "nightly",
    "coverage",
    "notebooks",
    "equations",
    "data",
    "zoo",
    "maps",
    "runs",
    "sweeps",
    "bench",
    "portable",
    "release",
    "grade",
    "check",
    "format",
    "clean",
)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The programs that would have been run; each succeeds."""
    ran: list[list[str]] = []

    def run(words: Any, **_: Any) -> subprocess.CompletedProcess[str]:
        ran.append(list(words))
        return subprocess.CompletedProcess(words, 0)

    monkeypatch.setattr(shell.subprocess, "run", run)
    return ran


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main([verb, "--help"])
    assert end.value.code == 0
    assert f"example:\n  vae-course {verb}" in capsys.readouterr().out


def test_the_help_lists_all_verbs_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    text = capsys.readouterr().out
    assert [verb for verb in VERBS if f"\n    {verb}" not in text] == []
    assert "examples:" in text


@pytest.mark.parametrize("arguments", [[], ["bake"], ["test", "--slowly"], ["serve", "--port", "eighty"]])
def test_what_is_not_understood_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    assert end.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_the_makefile_has_a_target_for_every_verb(root: Path) -> None:
    answer = subprocess.run(["make"], cwd=root, capture_output=True, text=True, check=True).stdout
    assert [verb for verb in (*VERBS, "test-fast") if verb != "data" and f"make {verb} " not in answer] == []


def test_the_book_says_where_it_is(commands: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["book"]) == 0
    assert commands == [["jupyter-book", "build", ".", "-W", "--keep-going"]]
    assert "_build/html/index.html" in capsys.readouterr().out


def test_a_book_with_warnings_is_a_failure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(site, "run", lambda *_, **__: 3)
    assert cli.main(["book"]) == 3
    assert "NOT" in capsys.readouterr().out


def test_a_folder_that_is_no_clone_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> None:
    monkeypatch.setattr(shell, "__file__", str(tmp_path / "vae_course" / "commands" / "shell.py"))
    assert cli.main(["format"]) == 2
    assert f"{tmp_path} is no clone" in capsys.readouterr().err


# --- serve ---


def test_the_server_gives_the_pages_to_this_machine(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("the book", encoding="utf-8")
    with site.make_server(tmp_path, port=0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host, port = server.server_address[:2]
        assert host == "127.0.0.1"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as response:
            assert response.read() == b"the book"
        with pytest.raises(CommandError, match="choose another with --port"):
            site.make_server(tmp_path, port=int(port))
        server.shutdown()


# --- notebooks ---


def write_notebook(path: Path, *sources: str) -> Path:
    cells = [new_code_cell(source, id=f"mine-{i}") for i, source in enumerate(sources)]
    nbformat.write(new_notebook(cells=cells), path)
    return path


def test_executing_twice_leaves_the_same_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_notebook(tmp_path / "a.ipynb", "import ipywidgets\nipywidgets.IntSlider()", "print(1)\nprint(2)")
    assert cli.main(["notebooks", str(path)]) == 0
    first = path.read_bytes()
    assert cli.main(["notebooks", str(path)]) == 0
    assert path.read_bytes() == first
    assert "[1/1] a.ipynb" in capsys.readouterr().out
    notebook = nbformat.read(path, as_version=4)
    assert [cell.id for cell in notebook.cells] == ["mine-0", "mine-1"]
    assert [cell.execution_count for cell in notebook.cells] == [1, 2]
    assert notebook.cells[1].outputs == [new_output("stream", text="1\n2\n")]
    assert list(notebook.metadata) == ["kernelspec", "language_info"]
    assert "version" not in notebook.metadata.language_info
    assert all("execution" not in cell.metadata for cell in notebook.cells)


def test_notebooks_are_executed_from_a_notebook_too(tmp_path: Path) -> None:
    """There, as beside a browser that a test has opened, an event loop is running already."""
    path = write_notebook(tmp_path / "a.ipynb", "print(1)")

    async def inside() -> str | None:
        return notebooks.execute_in_place(path)

    assert asyncio.run(inside()) is None
    assert nbformat.read(path, as_version=4).cells[0].outputs == [new_output("stream", text="1\n")]


def test_a_progress_bar_is_stored_as_it_ended(tmp_path: Path) -> None:
    bar = "from tqdm import tqdm\nfor _ in tqdm(range(9), mininterval=0):\n    pass"
    path = write_notebook(tmp_path / "a.ipynb", bar)
    assert notebooks.execute_in_place(path) is None
    (output,) = nbformat.read(path, as_version=4).cells[0].outputs
    assert "9/9" in output.text
    assert "\r" not in output.text.rstrip("\r\n")
    assert "8/9" not in output.text


def test_a_failing_cell_is_shown_and_the_file_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_notebook(tmp_path / "a.ipynb", "print(1)", "wrong = 1 / 0")
    other = write_notebook(tmp_path / "b.ipynb", "print(1)")
    before = path.read_bytes(), other.read_bytes()
    assert cli.main(["notebooks", str(path), str(other)]) == 1
    text = capsys.readouterr().out
    assert "ZeroDivisionError" in text
    assert "wrong = 1 / 0" in text
    assert "1 notebooks were not run" in text
    assert (path.read_bytes(), other.read_bytes()) == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.ipynb", "b.ipynb"]


def test_what_is_no_notebook_is_refused_before_anything_runs(tmp_path: Path, capsys: Any) -> None:
    assert cli.main(["notebooks", str(tmp_path / "none.ipynb")]) == 2
    assert "none.ipynb is no notebook" in capsys.readouterr().err


def test_normalise_takes_out_what_differs_between_machines() -> None:
    cell = new_code_cell("1", metadata={"execution": {"iopub.status.busy": "2020"}, "tags": ["kept"]})
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "4f"}, "text/plain": "1"}
    cell.outputs = [new_output("display_data", data=view)]
    notebook = new_notebook(cells=[cell], metadata={"widgets": {}})
    notebook.metadata["language_info"] = {"name": "python", "version": "3.11.7"}
    notebooks.normalise(notebook)
    assert notebook.cells[0].metadata == {"tags": ["kept"]}
    assert notebook.cells[0].outputs[0].data == {"text/plain": "1"}
    assert "version" not in notebook.metadata.language_info
    assert "widgets" not in notebook.metadata


# --- test ---


def stages(monkeypatch: pytest.MonkeyPatch, **outcomes: Outcome) -> list[str]:
    ran: list[str] = []

    def stage(name: str) -> Any:
        return lambda: (ran.append(name), outcomes[name])[1]

    monkeypatch.setattr(testing, "_stages", lambda *_, **__: {name: stage(name) for name in outcomes})
    return ran


def test_later_stages_run_after_a_failure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    ran = stages(monkeypatch, mypy=Outcome(False), pages=Outcome(True, ("1 test skipped: no data",)))
    monkeypatch.delenv("VAE_COURSE_NIGHTLY", raising=False)
    assert cli.main(["test"]) == 1
    assert ran == ["mypy", "pages"]
    last = capsys.readouterr().out.splitlines()[-4:]
    assert last[0] == "Left out: "
    assert last[1] == "  - pages: 1 test skipped: no data"
    assert last[2].startswith("  - other seeds and the longest tests")
    assert last[3].startswith("FAILED: mypy")


def test_all_passing_and_nothing_left_out(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    stages(monkeypatch, mypy=Outcome(True))
    monkeypatch.setenv("VAE_COURSE_NIGHTLY", "1000001")
    assert cli.main(["test"]) == 0
    last = capsys.readouterr().out.splitlines()[-2:]
    assert last[0] == "Left out: nothing."
    assert last[1].startswith("All that was run passed")


def test_fast_says_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    stages(monkeypatch, mypy=Outcome(True))
    assert cli.main(["test", "--fast"]) == 0
    assert "the browser (`make test` runs them)" in capsys.readouterr().out


def test_the_figures_of_all_stages_can_be_stored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ends = {"passed": 2, "failed": 1, "skipped": 0}
    slow, slower = {"test": "a: b", "seconds": 3.5}, {"test": "c: d", "seconds": 8.1}
    package = Outcome(False, (), {**ends, "slowest": [slow]}, ("a.py::b",))
    pages = Outcome(True, (), {**ends, "slowest": [slower]})
    stages(monkeypatch, mypy=Outcome(True), package=package, pages=pages)
    monkeypatch.setattr(testing, "clone_root", lambda: tmp_path)
    assert cli.main(["test", "--store"]) == 1
    stored = json.loads((tmp_path / "tests" / "results" / "day.json").read_text(encoding="utf-8"))
    assert [(stage["stage"], stage["ended"], stage["tests"]) for stage in stored["stages"]] == [
        ("mypy", "passed", None),
        ("package", "FAILED", ends),
        ("pages", "passed", ends),
    ]
    assert stored["slowest"] == [slower, slow]
    assert read_slow(tmp_path) == ["a.py::b"]


def test_a_fast_run_adds_what_is_slow_now(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(testing, "clone_root", lambda: tmp_path)
    for arguments, slow, wanted in (
        (["--fast"], ("b",), ["b"]),
        (["--fast"], ("c", "a"), ["a", "b", "c"]),
        ([], ("d",), ["d"]),
        ([], (), ["d"]),  # pytest did not start
    ):
        stages(monkeypatch, package=Outcome(True, slow=slow))
        assert cli.main(["test", *arguments, "--store"]) == 0
        assert read_slow(tmp_path) == wanted
        assert (tmp_path / "tests" / "results" / "day.json").is_file() == (not arguments)


def test_the_stages_are_all_there(root: Path) -> None:
    everything = ["ruff check", "ruff format", "mypy", "package", "notebooks", "book", "pages", "browser"]
    assert list(testing._stages(root, fast=False)) == everything
    assert list(testing._stages(root, fast=True)) == everything[:4]


def test_skips_are_counted_by_reason(root: Path, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "def test_a(): pytest.skip('no data')\n"
        "def test_b(): pytest.skip('no data')\n"
        "@pytest.mark.skip(reason='not here')\ndef test_c(): pass\n"
        "def test_d(): pass\n",
        encoding="utf-8",
    )
    outcome = testing._pytest(tmp_path, "-c", "/dev/null", "-p", "no:cacheprovider", "test_it.py")
    assert outcome[:2] == (True, ("2 tests skipped: no data", "1 test skipped: not here"))
    assert not testing._pytest(tmp_path, "-c", "/dev/null", "-p", "no:cacheprovider", "-k", "none", "test_it.py").passed


@pytest.mark.parametrize(
    ("ci", "forbidden", "passed"),
    [("", None, True), ("true", None, False), ("true", "only root may install one", True), ("", "no Debian", True)],
)
def test_without_a_browser_the_last_lines_say_so(
    monkeypatch: pytest.MonkeyPatch, root: Path, ci: str, forbidden: str | None, passed: bool
) -> None:
    installs: list[int] = []
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(testing, "find_browser", lambda: None)
    monkeypatch.setattr(testing, "why_not_installable", lambda: forbidden)
    monkeypatch.setattr(testing, "install_browser", lambda: bool(installs.append(1)))
    outcome = testing._browser(root)
    assert outcome.passed == passed
    assert outcome.left_out[0].startswith("ALL browser tests: no Chromium found")
    assert len(installs) == (forbidden is None)


@pytest.mark.parametrize(("skips", "passed"), [((), True), (("1 test skipped: why?",), False)])
def test_with_a_browser_no_browser_test_may_be_skipped(
    monkeypatch: pytest.MonkeyPatch, root: Path, skips: tuple[str, ...], passed: bool
) -> None:
    given: list[dict[str, str]] = []
    monkeypatch.setattr(testing, "find_browser", lambda: "/a/browser")
    monkeypatch.setattr(testing, "_pytest", lambda *_, env: (given.append(env), Outcome(True, skips))[1])
    assert testing._browser(root).passed == passed
    assert given == [{browser.VARIABLE: "/a/browser"}]


def test_a_program_that_does_not_start_is_no_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "chromium"
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(browser.VARIABLE, raising=False)
    program.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    assert browser.find_browser() != str(program)
    program.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    assert browser.find_browser() == str(program)


# --- the small verbs ---


def test_data_says_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> None:
    from vae_course import data

    monkeypatch.setattr(data, "download_mnist", lambda *_, **__: ("train-images-idx3-ubyte",))
    assert cli.main(["data", "--root", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert f"MNIST is in {tmp_path / 'MNIST' / 'raw'}: fetched train-images-idx3-ubyte" in text
    assert f"VAE_COURSE_DATA={tmp_path}" in text


@pytest.mark.parametrize("error", ["DownloadError", "PermissionError"])
def test_data_that_cannot_be_had_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: str
) -> None:
    from vae_course import data

    kind = {"DownloadError": data.DownloadError, "PermissionError": PermissionError}[error]

    def fail(*_: Any, **__: Any) -> None:
        raise kind("no luck")

    monkeypatch.setattr(data, "download_mnist", fail)
    assert cli.main(["data"]) == 2
    assert "no luck" in capsys.readouterr().err


def test_benchmarks_go_on_after_a_failure(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "benchmarks").mkdir()
    for name in ("a", "b", "_helper"):
        (tmp_path / "benchmarks" / f"{name}.py").touch()
    ran: list[str] = []
    monkeypatch.setattr(upkeep, "clone_root", lambda: tmp_path)
    monkeypatch.setattr(upkeep, "run", lambda words, **_: (ran.append(Path(words[1]).name), 1)[1])
    assert cli.main(["bench"]) == 1
    assert ran == ["a.py", "b.py"]
    assert cli.main(["bench", "c"]) == 2


def test_clean_removes_only_what_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("_build/html", "vae_course/__pycache__", ".venv/bin", "notebooks"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setattr(upkeep, "clone_root", lambda: tmp_path)
    assert cli.main(["clean"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [".venv", "notebooks", "vae_course"]
    assert list((tmp_path / "vae_course").iterdir()) == []


@pytest.mark.parametrize(("seconds", "words"), [(0.04, "0.0 s"), (59.94, "59.9 s"), (125.2, "2 min 05 s")])
def test_durations_in_words(seconds: float, words: str) -> None:
    assert shell.in_words(seconds) == words
