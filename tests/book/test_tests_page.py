"""The page of the tests: what it shows is what runs have stored, and what it lacks fails the build."""

from __future__ import annotations

import json
import shutil

import pytest
from book_site import ROOT
from small_book import build_page, words
from vae_book_figures import FiguresError, minutes, place, power, read_figures
from vae_book_tests import PARTS

MACHINE = {"processor": "a slow one", "cores": 2}


def verdict(claim, kind, now, evidence, notebook="01-a"):
    told = {"verdict": kind, "condition": "", "evidence": "seen 3 times"}
    again = now and {"verdict": now, "condition": "", "evidence": evidence}
    return {
        "notebook": notebook,
        "claim": claim,
        "stored": told,
        "now": again,
        "stands": now == kind,
        "drawn": evidence != "seen 3 times",
    }


def oracle(what, difference, measure="relative", compared=5):
    said = {"what": what, "against": "a <library>", "difference": difference, "allowed": 1e-5}
    return {"part": "oracles", "measure": measure, "scale": 0.0, "compared": compared, **said}


def mutants(name, *counts):
    keys = ("mutants", "behavioural", "rejected", "named", "named falsely")
    return {"part": "mutants", "exercise": name, **dict(zip(keys, counts, strict=True))}


def setting(python, threads, verdict, failed):
    kind = {"what": "notebooks", "torch": "2.15", "capability": "AVX2", "skipped": 0, "seconds": 10}
    return {"python": python, "threads": threads, "verdict": verdict, "passed": 450 - failed, "failed": failed, **kind}


RESULTS = {
    "night": {
        "seed": 1234567,
        "machine": MACHINE,
        "verdicts": [
            verdict("A1", "holds", "holds", "seen 3 times"),
            verdict("A2", "holds", "holds", "seen 4 times"),
            verdict("A3", "holds", "does not hold", "seen once"),
            verdict("A4", "holds", None, "seen 3 times"),
            verdict("A5", "holds", "holds", "seen 3 times"),
            verdict("A5", "holds", "holds", "seen 4 times", "02-b"),
        ],
        "notes": [
            oracle("distance", 0.0),
            oracle("distance", 1e-8),
            oracle("mean", 2.1, "standard errors", 1000),
            mutants("kl", 100, 90, 90, 20, 0),
            mutants("elbo", 10, 9, 8, 2, 1),
            {"part": "faults", "fault": "killed: training", "trials": 30, "outcome": "no half file"},
            {"part": "faults", "fault": "killed: grading", "trials": 12, "outcome": "no half file"},
            {"part": "faults", "fault": "disk full", "trials": 2, "outcome": "says so"},
        ],
        "tests": {"passed": 8000},
    },
    "coverage": {
        "machine": MACHINE,
        "total": {"lines": 1000, "run": 970, "percent": 97.0},
        "parts": {"latent": {"lines": 400, "run": 400, "percent": 100.0}},
        "low": {"classroom/walls.py": {"lines": 90, "run": 60, "percent": 66.7}},
    },
    "day": {
        "machine": MACHINE,
        "stages": [
            {"stage": "mypy", "ended": "passed", "seconds": 25, "tests": None},
            {
                "stage": "package",
                "ended": "passed",
                "seconds": 435,
                "tests": {"passed": 5734, "failed": 0, "skipped": 3},
            },
        ],
        "slowest": [{"test": "sampling/test_grid: test_it", "seconds": 19.6}],
    },
    "everywhere": {
        "machine": MACHINE,
        "settings": [setting("3.12.1", 1, "passed", 0), setting("3.13.0", 2, "failed", 1)],
    },
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tests" / "results").mkdir(parents=True)
    for name, figures in RESULTS.items():
        (tmp_path / "tests" / "results" / f"{name}.json").write_text(json.dumps(figures), encoding="utf-8")
    return tmp_path


def shown(folder, *parts):
    (folder / "page.md").write_text("# How?\n" + "".join(f"\n```{{tested}} {part}\n```\n" for part in parts))
    return build_page(folder, "page")


def rows(page, number=0):
    return [[words(cell) for cell in row.find_all("td")] for row in page.select("table")[number].select("tbody tr")]


def test_the_overview_adds_up_what_runs_have_stored(folder):
    page, said = shown(folder, "overview")
    assert said == ""
    assert [words(line) for line in page.select("li p")] == [
        "4 of 6 verdicts stand with a seed that no one had looked at; 3 say other figures.",
        "1,010 numbers agree with those of 1 other libraries and papers.",
        "98 of 99 answers with a mistake put in are rejected; 1 got a false reason.",
        "42 times some work was killed: nothing half-written was left, and all went on to the same end.",
        "1 of 2 settings of Python, threads and instructions pass.",
        "97.0 % of the package's 1,000 lines are run by tests.",
        "7 min 40 s is what make test takes with its 5,734 tests; 8,000 passed at night.",
    ]


def test_each_part_shows_its_figures(folder):
    page, said = shown(folder, "verdicts", "mutants", "faults", "everywhere", "day")
    assert said == ""
    assert rows(page, 0) == [
        ["A2", "holds", "stands", "seen 4 times"],
        ["A3", "holds", "now: does not hold", "seen once"],
        ["A4", "holds", "now: not reached", "not reached"],
        ["A5 in chapter 2", "holds", "stands", "seen 4 times"],
    ]
    assert "A1 , A5 in chapter 1 : nothing in these is drawn" in words(page)
    assert page.select_one("td a")["href"] == "../notebooks/01-a.html#claim-a2"
    assert [len(page.select(f"td .verdict.{kind}")) for kind in ("holds", "does-not-hold")] == [5, 3]
    assert rows(page, 1)[1:] == [["elbo", "10", "9", "8", "2", "1"], ["all", "110", "99", "98", "22", "1"]]
    assert rows(page, 2) == [
        ["disk full", "2", "says so"],
        ["killed: training (30), grading (12)", "42", "no half file"],
    ]
    assert rows(page, 3)[1] == ["notebooks", "3.13.0", "2", "avx2", "449 of 450", "fail"]
    assert rows(page, 4) == [
        ["mypy", "–", "25 s", "passed"],
        ["package", "5,734", "7 min 15 s", "passed"],
        ["all", "–", "7 min 40 s", "–"],
    ]
    assert rows(page, 5) == [["sampling/test_grid: test_it", "20 s"]]
    assert "seed 1234567, processor a slow one" in words(page)


def test_a_bar_ends_at_the_largest_difference(folder):
    page, said = shown(folder, "oracles", "coverage")
    assert said == ""
    first, *shares = page.select("ul.benchmark-bars > li")
    assert words(first.select_one(".figures")) == "a <library>; 10 numbers, at most 10 -8 apart, 10 -5 allowed"
    styles = [first.select_one(mark)["style"] for mark in (".spread", ".limit")]
    assert styles == ["left:0;width:50.0%", "left:66.7%"]  # 9 and 12 of the 18 powers of ten from 1e-17 to 10
    assert rows(page, 0) == [["mean", "a <library>", "1,000", "2.1", "1e-05"]]
    assert [words(bar) for bar in shares] == ["latent 100.0 % of 400 lines", "all 97.0 % of 1,000 lines"]
    assert rows(page, 1) == [["classroom/walls.py", "90", "67 %"]]


def test_what_is_lacking_is_a_warning(folder):
    (folder / "tests" / "results" / "day.json").unlink()
    cut = RESULTS["night"] | {"notes": [{"part": "faults", "fault": "disk full", "trials": 2}]}
    (folder / "tests" / "results" / "night.json").write_text(json.dumps(cut), encoding="utf-8")
    _, said = shown(folder, "day", "mutants", "faults", "nonsense")
    for message in (
        "day.json can't be read",
        "night.json has no notes on mutants; run `vae-course nightly --store`",
        "the results for 'faults' lack 'outcome'",
        "{tested} knows overview, verdicts, oracles, mutants, faults, everywhere, coverage, day, and no 'nonsense'",
    ):
        assert message in said, said


def test_figures_without_what_the_page_needs_are_refused_by_name(tmp_path):
    (tmp_path / "coverage.json").write_text('{"machine": {"cores": 2}, "parts": {}}', encoding="utf-8")
    with pytest.raises(FiguresError, match=r"coverage\.json lacks total, parts; run `vae-course coverage --store`"):
        read_figures(tmp_path, "coverage")


def test_the_books_own_page_shows_every_part(tmp_path):
    shutil.copytree(ROOT / "tests" / "results", tmp_path / "tests" / "results")
    (tmp_path / "testing.md").write_text((ROOT / "book" / "testing.md").read_text("utf-8"), encoding="utf-8")
    page, said = build_page(tmp_path, "testing")
    assert [line for line in said.splitlines() if "'claims.md'" not in line] == []  # the other pages are not there
    text = (ROOT / "book" / "testing.md").read_text("utf-8")
    assert all(f"{{tested}} {part}\n" in text for part in PARTS)
    night = read_figures(ROOT / "tests" / "results", "night")
    assert len(rows(page)) == sum(verdict["drawn"] or not verdict["stands"] for verdict in night["verdicts"])


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (0.25, "0.25"), (2e-9, "2.0×10<sup>-9</sup>"), (1e-9, "10<sup>-9</sup>")]
)
def test_small_numbers_are_powers_of_ten(value, shown):
    assert power(value) == shown


def test_what_lies_beyond_an_end_of_the_axis_is_put_there():
    assert [place(value) for value in (0, 1e-30, 1e-17, 1e-8, 10, 1e6)] == [0, 0, 0, 50, 100, 100]


def test_times_are_read_in_minutes():
    assert [minutes(seconds) for seconds in (9.6, 60, 605)] == ["10 s", "1 min 00 s", "10 min 05 s"]
