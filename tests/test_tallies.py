"""Counts of a run of tests against a run of pytest that is known, and shares of lines against counted ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from vae_course.commands import covering
from vae_course.commands.tallies import read_notes, skip_reasons, slow_tests, tally

TESTS = {
    "tests/latent/test_a.py": """
        import time, pytest
        def test_slow(): time.sleep(0.3)
        @pytest.mark.parametrize("i", range(3))
        def test_many(i): assert i < 2
        @pytest.mark.skip(reason="no disk")
        def test_left(): pass
        @pytest.fixture
        def broken(): raise OSError
        def test_of_a_broken_fixture(broken): pass
    """,
    "tests/test_b.py": """
        import pytest
        def test_quick(): pass
        @pytest.mark.xfail
        def test_wrong(): assert False
        @pytest.mark.skip(reason="no disk")
        def test_left(): pass
    """,
    "tests/test_c.py": """
        import time, pytest
        @pytest.mark.parametrize("seconds", [0, 0, 0.3], ids=["a", "b::[c]", "d"])
        def test_one_long_case(seconds): time.sleep(seconds)
        @pytest.mark.parametrize("seconds", [0] * 9 + [0.2])
        def test_one_case_of_many(seconds): time.sleep(seconds)
    """,
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The JUnit report of a run with every kind of end."""
    folder = tmp_path_factory.mktemp("small")
    for name, text in TESTS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("\n".join(line[8:] for line in text.splitlines()), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", "--junit-xml=found.xml"]
    subprocess.run([sys.executable, *words], cwd=folder, stdout=subprocess.DEVNULL, check=False)
    return folder / "found.xml"


def test_ends_are_counted_by_part(report: Path) -> None:
    found = tally(report)
    parts = {name: [part[end] for end in ("passed", "failed", "skipped")] for name, part in found["parts"].items()}
    assert parts == {"latent": [3, 2, 1], "the rest": [14, 0, 2]}  # what is expected to fail counts as skipped
    assert [found[end] for end in ("passed", "failed", "skipped")] == [17, 2, 3]


def test_the_slowest_test_comes_first(report: Path) -> None:
    slowest = tally(report)["slowest"]
    assert slowest[0]["test"] == "latent/test_a: test_slow" and 0.3 <= slowest[0]["seconds"] < 3
    assert [one["seconds"] for one in slowest] == sorted((one["seconds"] for one in slowest), reverse=True)


def test_slow_is_what_takes_long_on_average(report: Path) -> None:
    assert slow_tests(report) == ("tests/latent/test_a.py::test_slow", "tests/test_c.py::test_one_long_case")


def test_reasons_are_said_once_with_their_number(report: Path) -> None:
    assert skip_reasons(report)[0] == "2 tests skipped: no disk"
    assert tally(report)["skips"] == list(skip_reasons(report))


def test_notes_are_read_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text('{"part": "faults"}\n{"part": "mutants"}\n', encoding="utf-8")
    assert [note["part"] for note in read_notes(tmp_path / "notes")] == ["faults", "mutants"]
    assert read_notes(tmp_path / "none") == []


# --- coverage ---

PACKAGE = {
    "__init__.py": "from vae_course.latent import whole, half\n",
    "latent/__init__.py": "",
    "latent/whole.py": "x = 1\ny = 2\n",
    "latent/half.py": "def f():\n    return 1\n\n\ndef g():\n    return 2\n\n\ng()\n",  # 5 lines, 4 of them run
}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Coverage's own JSON of a package of eight lines, of which seven run."""
    folder = tmp_path_factory.mktemp("package")
    for name, text in PACKAGE.items():
        (folder / "vae_course" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "vae_course" / name).write_text(text, encoding="utf-8")
    (folder / "main.py").write_text("import vae_course\n", encoding="utf-8")
    for words in (["run", "--source=vae_course", "main.py"], ["json", "-q", "-o", "found.json"]):
        words = [sys.executable, "-m", "coverage", *words]
        subprocess.run(words, cwd=folder, env={"PATH": "", "PYTHONPATH": str(folder)}, check=True)
    return folder / "found.json"


def test_lines_are_counted_by_part(measured: Path) -> None:
    found = covering.summary(measured)
    assert found["total"] == {"lines": 8, "run": 7, "percent": 87.5}
    assert found["parts"] == {
        "latent": {"lines": 7, "run": 6, "percent": 85.7},
        "the modules above": {"lines": 1, "run": 1, "percent": 100.0},
    }
    assert found["low"] == {"latent/half.py": {"lines": 5, "run": 4, "percent": 80.0}}
    assert "7 of      8 lines   87.5 %" in covering.table(found).splitlines()[-1]


@pytest.mark.parametrize(
    ("least", "tests", "code"), [(87.0, 0, 0), (88.0, 0, 1), (87.0, 1, 1)], ids=["enough", "too few lines", "failed"]
)
def test_too_few_lines_or_a_failed_test_is_a_failure(
    least: float, tests: int, code: int, measured: Path, report: Path, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    asked: list[list[str]] = []

    def run(words: Any, *, cwd: Path, env: Any = None) -> int:
        words = [str(word) for word in words]
        asked.append(words[2:])
        folder = cwd / "build" / "coverage"
        if words[3] == "run":
            (folder / "tests.xml").write_bytes(report.read_bytes())
            return tests
        if words[3] == "json":
            (folder / "coverage.json").write_bytes(measured.read_bytes())
        return 0

    monkeypatch.setattr(covering, "run", run)
    monkeypatch.setattr(covering, "clone_root", lambda: tmp_path)
    monkeypatch.setattr(covering, "LEAST", least)
    assert covering.measure_coverage(keep=True) == code
    assert [words[:2] for words in asked] == [["coverage", "run"], ["coverage", "combine"], ["coverage", "json"]]
    assert asked[0][3:7] == ["-m", "pytest", "-q", "tests"]
    stored = json.loads((tmp_path / "tests" / "results" / "coverage.json").read_text("utf-8"))
    assert stored["total"]["percent"] == 87.5 and stored["tests"]["passed"] == 17
    assert ("FAILED" if tests else "passed") in capsys.readouterr().out
