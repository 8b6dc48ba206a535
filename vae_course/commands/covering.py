"""`vae-course coverage`: which lines of the package the tests run, those of the browser and the book too.

Programs that tests start are measured like the tests. A process that is killed, or that ends behind walls which let no
file be written, can't say what it has run: its lines count as not run.
"""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

from vae_course.commands.browser import VARIABLE, find_browser
from vae_course.commands.shell import PATIENT_THREADS, clone_root, in_words, module, run, stopwatch
from vae_course.commands.tallies import store, tally
from vae_course.commands.testing import WORKERS
from vae_course.cpu import describe_machine

LEAST = 95.0  # per cent of the lines
TEST_SECONDS = 1500  # for one test: being measured takes time
Table = dict[str, dict[str, float]]


def measure_coverage(*, keep: bool = False) -> int:
    """Runs all tests under coverage and prints what was run of each part of the package.

    keep: whether the figures are stored for the book's page. Returns 0 if the tests passed and 95 % was run, else 1.
    """
    root = clone_root()
    folder = root / "build" / "coverage"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    machine, report, found = describe_machine(), folder / "tests.xml", folder / "coverage.json"
    data = f"--data-file={folder / 'data'}"
    tests = module(
        "pytest", "-q", "tests", "-m", "not unwatched", *WORKERS, f"--timeout={TEST_SECONDS}", f"--junit-xml={report}"
    )
    browser = find_browser()
    with stopwatch() as seconds:
        words = module("coverage", "run", data, *tests[1:])
        code = run(words, cwd=root, env={**PATIENT_THREADS, **({VARIABLE: browser} if browser else {})})
    for step in (("combine", "-q", data), ("json", "-q", data, "-o", found)):
        if failed := run(module("coverage", *step), cwd=root):
            return failed
    figures = {"machine": machine, "seconds": round(seconds[0]), "tests": tally(report), **summary(found)}
    print(table(figures), flush=True)
    print(f"Tests: {'passed' if code == 0 else 'FAILED'}, {in_words(seconds[0])}.", flush=True)
    if keep:
        print(f"Stored for the book: {store(root, 'coverage', figures)}", flush=True)
    return 0 if code == 0 and figures["total"]["percent"] >= LEAST else 1


def summary(found: Path) -> dict[str, Any]:
    """Lines, and lines run: of all, of each folder of the package, of each module under 95 % (from coverage's JSON)."""
    parts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    modules: Table = {}
    for name, file in json.loads(found.read_text("utf-8"))["files"].items():
        path = Path(name).parts[Path(name).parts.index("vae_course") + 1 :]
        lines, run_of_them = file["summary"]["num_statements"], file["summary"]["covered_lines"]
        for key in (path[0] if len(path) > 1 else "the modules above", "total"):
            parts[key][0] += lines
            parts[key][1] += run_of_them
        if lines and 100 * run_of_them / lines < LEAST:
            modules["/".join(path)] = _share(lines, run_of_them)
    total = parts.pop("total")
    return {
        "total": _share(*total),
        "parts": {name: _share(*part) for name, part in sorted(parts.items())},
        "low": dict(sorted(modules.items(), key=lambda item: item[1]["percent"])),
    }


def table(figures: dict[str, Any]) -> str:
    """The parts with their shares, the modules under 95 %, and the share of all."""
    rows = {**figures["parts"], **figures["low"], "all": figures["total"]}
    width = max(map(len, rows))
    return "\n".join(
        f"  {name:<{width}}  {share['run']:>6,} of {share['lines']:>6,} lines  {share['percent']:5.1f} %"
        for name, share in rows.items()
    )


def _share(lines: int, run_of_them: int) -> dict[str, float]:
    return {"lines": lines, "run": run_of_them, "percent": round(100 * run_of_them / lines, 1) if lines else 100.0}
