"""`vae-course nightly`: draws a seed that no one looked at, and asks whether what the course says still stands.

Every notebook is executed in memory with all of its seeds moved (see reseeding.py), and each verdict on a claim must be
of the kind that is stored. Stored models and tables are as they were: their own seeds were drawn in training. Then all
tests run, with this seed in VAE_COURSE_NIGHTLY, which brings new cases and all of those that are left out by day.
build/nightly/SEED gets what was found; `--store` also puts it where the book's page "How is it tested?" looks.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import nbformat

from vae_course.claims import MIME
from vae_course.commands.notebooks import book_notebooks, execute
from vae_course.commands.reseeding import reseed_notebook
from vae_course.commands.shell import PATIENT_THREADS, CommandError, clone_root, in_words, module, run, stopwatch
from vae_course.commands.tallies import read_notes, store, tally
from vae_course.commands.testing import WORKERS
from vae_course.cpu import describe_machine
from vae_course.files import replace_file, write_json_text

VARIABLE = "VAE_COURSE_NIGHTLY"
REPORT = "VAE_COURSE_REPORT"  # the file in which tests note their figures
FIRST, LAST = 10**6, 2**31  # beyond the seeds that were written by hand, and good for scikit-learn too
TEST_SECONDS = 3600  # for one test


class Found(NamedTuple):
    """A verdict as stored and as found anew; `now` is None where the notebook did not reach it."""

    notebook: str
    claim: str
    stored: dict[str, str]
    now: dict[str, str] | None

    @property
    def stands(self) -> bool:
        """Whether the verdict is of the kind that is stored."""
        return self.now is not None and self.now["verdict"] == self.stored["verdict"]

    @property
    def drawn(self) -> bool:
        """Whether the figures that it says depend on the seeds."""
        return self.now is not None and self.now["evidence"] != self.stored["evidence"]


def nightly(notebooks: Sequence[Path] = (), *, seed: int | None = None, tests: bool = True, keep: bool = False) -> int:
    """Runs the notebooks (all of the book's if none is named) and the tests with a new seed.

    keep: whether the figures are stored for the book's page. Returns 0 if every verdict stands, no cell failed and the
    tests passed, else 1.
    """
    root = clone_root()
    seed = secrets.randbelow(LAST - FIRST) + FIRST if seed is None else seed
    if not FIRST <= seed < LAST:
        raise CommandError(f"--seed must lie from {FIRST} to {LAST - 1}, got {seed}; smaller ones were looked at")
    if keep and (notebooks or not tests):
        raise CommandError("--store is for a whole night: name no notebooks, and leave out --no-tests")
    chosen = [path.resolve() for path in notebooks] or book_notebooks(root)
    for path in chosen:
        if not path.is_file() or path.suffix != ".ipynb":
            raise CommandError(f"{path} is no notebook; name .ipynb files, or none for all of the book's")
    print(f"The seed of this night is {seed} (again: vae-course nightly --seed {seed}).", flush=True)
    folder = root / "build" / "nightly" / str(seed)
    night: dict[str, Any] = {"seed": seed, "machine": describe_machine()}
    found: list[Found] = []
    faults: list[str] = []
    with stopwatch() as notebooks_took:
        for number, path in enumerate(chosen, 1):
            print(f"[{number}/{len(chosen)}] {path.name} ... ", end="", flush=True)
            with stopwatch() as seconds:
                verdicts, errors = run_again(path, seed)
            found += verdicts
            faults += [f"{path.name}, {error}" for error in errors]
            fallen = sum(not verdict.stands for verdict in verdicts)
            took = in_words(seconds[0])
            print(f"{len(verdicts)} verdicts, {fallen} changed, {len(errors)} faults, {took}", flush=True)
    night |= {"verdicts": _plain(found), "faults": faults, "seconds": {"notebooks": round(notebooks_took[0])}}
    replace_file(folder / "verdicts.json", write_json_text(night).encode())
    passed = True
    if tests:
        with stopwatch() as tests_took:
            passed, figures = run_tests(root, seed, folder)
        night["seconds"]["tests"] = round(tests_took[0])
        night |= figures
        replace_file(folder / "night.json", write_json_text(night).encode())
    print("\n" + table(found, faults, passed=passed, tests=tests, seed=seed), flush=True)
    if keep:
        print(f"Stored for the book: {store(root, 'night', night)}", flush=True)
    return 0 if passed and not faults and all(verdict.stands for verdict in found) else 1


def run_again(path: Path, shift: int) -> tuple[list[Found], list[str]]:
    """A notebook's verdicts beside those it reaches with its seeds moved, and what its cells failed with."""
    notebook = nbformat.read(path, as_version=4)
    stored = verdicts_in(notebook)
    errors = reseed_notebook(notebook, shift)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []  # a kernel that dies must not leave the stored verdicts standing
    ended = execute(notebook, path.parent, allow_errors=True)
    now = verdicts_in(notebook)
    errors += [
        f"cell {number}: {output.ename}: {output.evalue}"
        for number, cell in enumerate(notebook.cells, 1)
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]
    if ended:
        errors.append(ended.strip().splitlines()[-1])
    return [Found(path.stem, claim, verdict, now.get(claim)) for claim, verdict in stored.items()], errors


def verdicts_in(notebook: Any) -> dict[str, dict[str, str]]:
    """The verdicts in a notebook's outputs, by the claim's id."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    verdicts = (output.get("data", {}).get(MIME) for output in outputs)
    return {verdict["id"]: dict(verdict) for verdict in verdicts if verdict}


def run_tests(root: Path, seed: int, folder: Path) -> tuple[bool, dict[str, Any]]:
    """Runs all tests with the night's seed, those too that are left out by day.

    Returns whether they passed, and the figures: `tests` (see tallies.tally) and `notes`, what tests noted.
    """
    notes, report = folder / "notes.jsonl", folder / "tests.xml"
    for old in (notes, report):  # of a night with the same seed
        old.unlink(missing_ok=True)
    words = module("pytest", "-q", "tests", *WORKERS, f"--timeout={TEST_SECONDS}", f"--junit-xml={report}")
    code = run(words, cwd=root, env={**PATIENT_THREADS, VARIABLE: str(seed), REPORT: str(notes)})
    return code == 0, {"tests": tally(report) if report.is_file() else None, "notes": read_notes(notes)}


def table(found: Sequence[Found], faults: Sequence[str], *, passed: bool, tests: bool, seed: int) -> str:
    """The closing lines: each verdict that changed with both evidences, each cell that failed, and the sum of it."""
    lines = []
    for verdict in (verdict for verdict in found if not verdict.stands):
        now = verdict.now or {"verdict": "not reached", "condition": "", "evidence": ""}
        lines += [
            f"{verdict.claim} in {verdict.notebook}: {_words(verdict.stored)} -> {_words(now)}",
            f"  stored: {verdict.stored['evidence']}",
            f"  now:    {now['evidence']}",
        ]
    lines += [f"FAILED: {fault}" for fault in faults]
    fallen = sum(not verdict.stands for verdict in found)
    drawn = sum(verdict.drawn for verdict in found)
    lines.append(
        f"Of {len(found)} verdicts {len(found) - fallen} stand with seed {seed}, {fallen} changed; "
        f"{drawn} say other figures."
    )
    lines.append(f"Tests with this seed: {'left out' if not tests else 'passed' if passed else 'FAILED'}.")
    return "\n".join(lines)


def _words(verdict: dict[str, str]) -> str:
    return re.sub(r"\s+", " ", f"{verdict['verdict']} {verdict['condition']}").strip()


def _plain(found: Sequence[Found]) -> list[dict[str, Any]]:
    return [{**verdict._asdict(), "stands": verdict.stands, "drawn": verdict.drawn} for verdict in found]
