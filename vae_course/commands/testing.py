"""`vae-course test`: every stage is run, also after a failure, and the last lines say what was left out.

`--store` puts the stages, their seconds and the slowest tests where the book's page "How is it tested?" looks, and
the names of the package's slow tests where `--fast` does, which leaves them out. `--fast --store` then adds those that
are slow only now: the first of several that share something pays for it, and it may have been left out.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from vae_course.commands.browser import VARIABLE, find_browser, install_browser, why_not_installable
from vae_course.commands.shell import (
    PATIENT_THREADS,
    clone_root,
    in_words,
    kernel_environment,
    module,
    run,
    stopwatch,
)
from vae_course.commands.site import build_book
from vae_course.commands.tallies import SLOWEST, read_slow, slow_tests, store, tally
from vae_course.cpu import describe_machine

WORKERS = ("-n", "2", "--dist", "loadfile")
SANITIZER = Path("tests", "notebooks", "sanitize.cfg")


class Outcome(NamedTuple):
    """What became of a stage: whether it passed, what it did not test with the reason, and its tests in figures."""

    passed: bool
    left_out: tuple[str, ...] = ()
    tests: dict[str, Any] | None = None
    slow: tuple[str, ...] = ()


Stage = Callable[[], Outcome]


def run_tests(*, fast: bool, keep: bool = False) -> int:
    """Runs all stages, or only the quick ones. Returns 0 if all that was run has passed.

    keep: whether the figures are stored for the book's page, and what is slow for the next fast run.
    """
    root, machine = clone_root(), describe_machine()
    stages = _stages(root, fast=fast)
    results: dict[str, tuple[Outcome, float]] = {}
    for number, (name, stage) in enumerate(stages.items(), 1):
        print(f"\n== {number}/{len(stages)} {name}", flush=True)
        with stopwatch() as seconds:
            outcome = stage()
        results[name] = (outcome, seconds[0])
        print(f"== {name}: {_verdict(outcome)}, {in_words(seconds[0])}", flush=True)
    print("\n" + summary(results, fast=fast), flush=True)
    if keep and not fast:
        print(f"Stored for the book: {store(root, 'day', {'machine': machine, **figures(results)})}", flush=True)
    if keep and results["package"][0].slow:  # none where pytest itself did not start
        slow = sorted({*results["package"][0].slow, *(read_slow(root) if fast else ())})
        print(f"Stored for `make test-fast`: {store(root, 'slow', {'slow': slow})}", flush=True)
    return 0 if all(outcome.passed for outcome, _ in results.values()) else 1


def summary(results: dict[str, tuple[Outcome, float]], *, fast: bool) -> str:
    """The closing lines: each stage's verdict and time, then what was left out, then the verdict on all."""
    width = max(len(name) for name in results)
    lines = [
        f"  {name:<{width}}  {_verdict(outcome):<6}  {in_words(took)}" for name, (outcome, took) in results.items()
    ]
    left_out = [f"{name}: {reason}" for name, (outcome, _) in results.items() for reason in outcome.left_out]
    if fast:
        left_out.append("the slow tests, the notebooks, the book and the browser (`make test` runs them)")
    elif not os.environ.get("VAE_COURSE_NIGHTLY"):
        left_out.append("other seeds and the longest tests (`make nightly` runs them, for hours)")
    lines.append("Left out: " + ("nothing." if not left_out else ""))
    lines += [f"  - {reason}" for reason in left_out]
    failed = [name for name, (outcome, _) in results.items() if not outcome.passed]
    total = in_words(sum(took for _, took in results.values()))
    lines.append(f"FAILED: {', '.join(failed)} ({total})" if failed else f"All that was run passed ({total}).")
    return "\n".join(lines)


def figures(results: dict[str, tuple[Outcome, float]]) -> dict[str, Any]:
    """The stages with their seconds and tests, and the slowest tests of all."""
    tests = {name: outcome.tests or {} for name, (outcome, _) in results.items()}
    slowest = [test for found in tests.values() for test in found.get("slowest", [])]
    ends = ("passed", "failed", "skipped")
    return {
        "stages": [
            {
                "stage": name,
                "ended": _verdict(outcome),
                "seconds": round(took),
                "tests": {end: tests[name][end] for end in ends} if tests[name] else None,
            }
            for name, (outcome, took) in results.items()
        ],
        "slowest": sorted(slowest, key=lambda test: -test["seconds"])[:SLOWEST],
    }


def _stages(root: Path, *, fast: bool) -> dict[str, Stage]:
    def command(*words: str | Path) -> Stage:
        return lambda: Outcome(run(words, cwd=root) == 0)

    def tests(*words: str | Path) -> Stage:
        return lambda: _pytest(root, *words)

    stages: dict[str, Stage] = {
        "ruff check": command(*module("ruff", "check", ".")),
        "ruff format": command(*module("ruff", "format", "--check", ".")),
        "mypy": command(*module("mypy")),
        "package": tests(*package_words(fast=fast), "--durations=5", "--durations-min=5"),
    }
    if not fast:
        stages |= {
            "notebooks": lambda: _pytest(root, *notebook_words(root), env=kernel_environment()),
            "book": lambda: Outcome(build_book() == 0),
            "pages": tests("tests/book"),
            "browser": lambda: _browser(root),
        }
    return stages


def package_words(*, fast: bool) -> tuple[str, ...]:
    """The package's tests, or only the quick ones, as words for pytest."""
    package = ("tests", "--ignore", "tests/book", "--ignore", "tests/browser", *WORKERS)
    return (*package, "-m", "not slow") if fast else package


def notebook_words(root: Path) -> tuple[str | Path, ...]:
    """The clone's notebooks, each output compared with the stored one (nbval), as words for pytest."""
    strict = ("--nbval", "--nbval-sanitize-with", SANITIZER, "--nbval-cell-timeout", "120")
    start_page = [Path("book", "index.ipynb")] if (root / "book" / "index.ipynb").is_file() else []
    return (*strict, *WORKERS, "notebooks", *start_page)


def _browser(root: Path) -> Outcome:
    browser = find_browser()
    if browser is None:
        reason = why_not_installable()
        if reason is None and install_browser():
            browser = find_browser()
        if browser is None:
            why = reason or "apt-get could not install it"
            # Where it may be installed, a machine that tests for others must not pass without it.
            passed = reason is not None or os.environ.get("CI", "").lower() not in ("1", "true")
            return Outcome(passed, (f"ALL browser tests: no Chromium found, and {why}; install Chromium or Chrome",))
    outcome = _pytest(root, "tests/browser", *WORKERS, env={VARIABLE: browser})
    return outcome._replace(passed=outcome.passed and not outcome.left_out)  # there is a browser: no skip is right


def _pytest(root: Path, *words: str | Path, env: dict[str, str] | None = None) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        code = run(
            module("pytest", "-q", *words, f"--junit-xml={report}"), cwd=root, env={**PATIENT_THREADS, **(env or {})}
        )
        if not report.is_file():
            return Outcome(code == 0)
        tests = tally(report)
        return Outcome(code == 0, tuple(tests["skips"]), tests, slow_tests(report))


def _verdict(outcome: Outcome) -> str:
    return "passed" if outcome.passed else "FAILED"
