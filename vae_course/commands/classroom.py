"""For teachers: students' notebooks and grades. For learners: the checks of a notebook, from the command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vae_course.classroom.chapters import Chapter, SourceError, read_chapters
from vae_course.commands.shell import CommandError, clone_root, in_words, stopwatch


def release(chapters: Sequence[str], *, to: Path, hints: bool = True) -> int:
    """Writes the students' notebooks of these chapters, or of all, into a folder."""
    _need_nbgrader()
    from vae_course.classroom.release import write_release

    root = clone_root()
    found = _read(chapters)
    with stopwatch() as seconds:
        try:
            written = list(write_release(found, source=root / "notebooks", root=root, to=to, hints=hints))
        except OSError as error:
            raise CommandError(f"{to} can't be written to: {error}") from error
    count = sum(len(chapter.tasks) for chapter, _ in found.values())
    done = "1 notebook" if len(found) == 1 else f"{len(found)} notebooks"
    print(f"{done} with {count} exercises and {sum(chapter.points for chapter, _ in found.values())} points in {to}")
    left_out = "solutions, outputs and hidden tests" if hints else "solutions, hints, outputs and hidden tests"
    print(f"({len(written)} files, {in_words(seconds[0])}). Left out: {left_out}.")
    if not hints:
        print("The package still has the hints: exercises.hints(NAME) shows them to who calls it.")
    print(f"Give away the folder {to} as it is. Grade what comes back with: vae-course grade SUBMISSIONS --to GRADES")
    return 0


def grade(
    submissions: Path,
    *,
    to: Path,
    chapters: Sequence[str],
    seconds: int,
    memory: int,
    slip_share: float,
    again: bool,
) -> int:
    """Grades a folder of submissions. Returns 0 when each has a grade."""
    _need_unix()
    _need_nbgrader()
    if not submissions.is_dir():
        raise CommandError(f"{submissions} is no folder; name the one with a folder or a notebook of each student")
    if not 0 <= slip_share <= 1:
        raise CommandError(f"--slip-share must be from 0 to 1, got {slip_share:g}")
    if submissions.resolve() == to.resolve() or to.resolve().is_relative_to(submissions.resolve()):
        raise CommandError(f"{to} lies in {submissions}, whose folders are taken for students; choose another --to")
    from vae_course.classroom import grading, intake, walls
    from vae_course.classroom.limits import MEGABYTE, Bounds
    from vae_course.classroom.nursery import NurseryError

    found = _chapters_to_grade(submissions, chapters)
    if not intake.find_students(submissions):
        raise CommandError(f"{submissions} holds no folder and no notebook of a student")
    for stray in intake.find_strays(submissions):
        print(f"Not read: {stray.name} is neither a folder nor a notebook (.ipynb).", flush=True)
    standing = walls.enforced()
    for wall, without in (("files", "keeps answers from other files"), ("calls", "keeps answers from other processes")):
        if wall not in standing:
            print(f"This system has nothing that {without}: grade where nothing of worth can be lost.", flush=True)
    bounds = Bounds(seconds=seconds, waiting=3.0 * seconds, memory=memory * MEGABYTE)
    rules = grading.Rules(bounds, slip_share)
    done = []
    with stopwatch() as took:
        try:
            for one in grading.grade_all(submissions, found, to=to, rules=rules, again=again):
                done.append(one)
                kept = "" if one.judged else "  (graded before)"
                remark = f"  {one.remark}" if one.remark else ""
                print(f"{one.student}  {one.chapter}  {one.points:g}/{one.of}{kept}{remark}", flush=True)
        except OSError as error:
            raise CommandError(f"{to} can't be written to: {error}") from error
        except NurseryError as error:
            raise CommandError(f"{error}; what is graded is kept") from error
    fresh = sum(one.judged for one in done)
    print(f"{len(done)} grades, {fresh} of them new, in {in_words(took[0])}: {to / 'grades.csv'}")
    print(f"Pages to hand back: {to / 'feedback'}. The gradebook is nbgrader's: {to / 'gradebook.db'}")
    failed = grading.without_page(to, found, submissions)
    if failed:
        print(f"Graded, but without a page: {', '.join(failed)}; {to / 'state' / 'nbgrader.log'} says why.")
    return 1 if failed else 0


def check(path: Path, *, seconds: int) -> int:
    """Checks the answers in a notebook. Returns 0 if all are right, 1 if not."""
    _need_unix()
    from vae_course.classroom.checking import check_notebook
    from vae_course.classroom.intake import UnreadableError
    from vae_course.classroom.limits import Bounds

    try:
        verdicts = check_notebook(path, bounds=Bounds(seconds=seconds, waiting=3.0 * seconds))
    except UnreadableError as error:
        raise CommandError(f"{path}: {error}") from error
    if not verdicts:
        raise CommandError(f"{path} holds no exercise: no cell calls exercises.check")
    width = max(len(verdict.exercise) for verdict in verdicts)
    for verdict in verdicts:
        slips = [slip for slip in (verdict.diagnosis, *verdict.also) if slip]
        said = verdict.status + (f" ({' and '.join(slips)})" if slips else "")
        print(f"{verdict.exercise:<{width}}  {said}")
        if not verdict.passed and verdict.status != "not answered yet":
            print("\n".join(f"{'':<{width}}    {line}" for line in verdict.message.splitlines()))
    solved = sum(verdict.passed for verdict in verdicts)
    print(f"{solved} of {len(verdicts)} solved.")
    return 0 if solved == len(verdicts) else 1


def _chapters_to_grade(submissions: Path, wanted: Sequence[str]) -> list[Chapter]:
    """Those wanted, or all of which somebody handed in a notebook."""
    found = [chapter for chapter, _ in _read(wanted).values() if chapter.tasks]
    if wanted:
        return found
    from vae_course.classroom.grading import chapters_handed_in

    handed = chapters_handed_in(submissions, found)
    if not handed:
        raise CommandError(f"no notebook in {submissions} is known as a chapter's; name the chapters with --chapters")
    return handed


def _read(wanted: Sequence[str]) -> dict[str, tuple[Chapter, Any]]:
    try:
        return read_chapters(clone_root() / "notebooks", wanted)
    except SourceError as error:
        raise CommandError(str(error)) from error


def _need_unix() -> None:
    if sys.platform == "win32":
        raise CommandError("this needs Linux or macOS; on Windows use WSL, or run the checks in the notebook")


def _need_nbgrader() -> None:
    import importlib.util

    if importlib.util.find_spec("nbgrader") is None:
        raise CommandError("nbgrader is missing; install the extra: pip install 'vae-course[classroom]'")
