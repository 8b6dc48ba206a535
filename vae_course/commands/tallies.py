"""What a run of tests leaves behind, in figures: counts and slowest tests of JUnit reports, and the notes of tests."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any
from xml.etree import ElementTree

from vae_course.files import replace_file, write_json_text

SLOWEST = 15
SLOW = 0.05  # seconds, on average over the cases of a test: more, and `make test-fast` leaves it out
FOLDER = Path("tests", "results")  # in the clone: where the book's page takes its figures from


def tally(report: Path) -> dict[str, Any]:
    """How the tests of a JUnit report ended, their seconds, the reasons of skips, and the slowest of them.

    parts: the same counts for each folder of tests (or file that lies in none). Seconds of tests that ran side by
    side are added up.
    """
    parts: dict[str, Counter[str]] = {}
    slowest: list[dict[str, Any]] = []
    for case in _cases(report):
        part = parts.setdefault(_part(case), Counter(passed=0, failed=0, skipped=0, seconds=0))
        part.update({_end(case): 1, "seconds": float(case.get("time", 0))})
        slowest.append({"test": _name(case), "seconds": round(float(case.get("time", 0)), 1)})
    total = sum(parts.values(), Counter())
    return {
        **{end: total[end] for end in ("passed", "failed", "skipped")},
        "seconds": round(total["seconds"]),
        "skips": list(skip_reasons(report)),
        "parts": {name: {**part, "seconds": round(part["seconds"])} for name, part in sorted(parts.items())},
        "slowest": sorted(slowest, key=lambda one: -one["seconds"])[:SLOWEST],
    }


def slow_tests(report: Path) -> tuple[str, ...]:
    """The tests of a JUnit report whose cases took more than SLOW on average, as pytest names them: file.py::test."""
    cases: dict[str, list[float]] = {}
    for case in _cases(report):
        file = case.get("classname", "").replace(".", "/")
        test = case.get("name", "").partition("[")[0]
        cases.setdefault(f"{file}.py::{test}", []).append(float(case.get("time", 0)))
    return tuple(sorted(test for test, seconds in cases.items() if fmean(seconds) > SLOW))


def read_slow(root: Path) -> list[str]:
    """The tests that were slow when last measured; none where none were."""
    path = root / FOLDER / "slow.json"
    return list(json.loads(path.read_bytes())["slow"]) if path.is_file() else []


def skip_reasons(report: Path) -> tuple[str, ...]:
    """The reasons for which tests were skipped, each with the number of tests, from a JUnit report."""
    skips = (case.find("skipped") for case in _cases(report))
    reasons = Counter((skip.get("message") or "no reason given").strip() for skip in skips if skip is not None)
    return tuple(f"{n} test{'s' * (n > 1)} skipped: {reason}" for reason, n in reasons.items())


def read_notes(file: Path) -> list[dict[str, Any]]:
    """What tests noted (tests/nightly.py), one JSON object a line; none where there is no file."""
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.is_file() else []


def store(root: Path, name: str, figures: dict[str, Any]) -> Path:
    """Writes figures for the book's page. Returns the file."""
    path = root / FOLDER / f"{name}.json"
    replace_file(path, write_json_text(figures).encode())
    return path


def _cases(report: Path) -> Iterator[ElementTree.Element]:
    return ElementTree.parse(report).iter("testcase")


def _end(case: ElementTree.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def _part(case: ElementTree.Element) -> str:
    """The folder below tests/, of a class name like tests.latent.test_tours."""
    names = [name for name in case.get("classname", "").split(".") if name != "tests"]
    return names[0] if len(names) > 1 and not names[0].startswith("test_") else "the rest"


def _name(case: ElementTree.Element) -> str:
    return f"{case.get('classname', '').removeprefix('tests.').replace('.', '/')}: {case.get('name')}"
