"""Grading a folder of submissions: each answer in a process of its own, what is done kept, a table at the end."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from vae_course.classroom import nbgrading
from vae_course.classroom.chapters import Chapter, Task, needed_imports
from vae_course.classroom.intake import Handed, choose_notebook, find_answers, find_students, read_handed, recognise
from vae_course.classroom.judging import judge_source
from vae_course.classroom.limits import Bounds
from vae_course.classroom.nursery import Nursery, NurseryError
from vae_course.classroom.records import (
    Mark,
    common_seed,
    fingerprint,
    is_done,
    load,
    make_marker,
    printable,
    store,
    student_key,
)
from vae_course.exercises.verdict import Verdict
from vae_course.files import replace_file

COLUMNS = ("student", "chapter", "exercise", "points", "of", "verdict", "diagnosis", "reason")
_SLOW = ("vae_course.exercises", "vae_course.explore", "vae_course.claims", "vae_course.plots", "myst_nb", "tqdm")


class Rules(NamedTuple):
    """slip_share: of the points, for an answer in which one known slip and nothing else is wrong."""

    bounds: Bounds = Bounds()
    slip_share: float = 0.5


RULES = Rules()


class Graded(NamedTuple):
    """What became of a student's chapter. judged: whether it was now, not in an earlier run."""

    student: str
    chapter: str
    points: float
    of: int
    judged: bool
    remark: str


def modules_of(chapters: Sequence[Chapter]) -> tuple[str, ...]:
    """What the nursery should have imported, without what takes long and no answer needs."""
    names = set()
    for line in (line for chapter in chapters for line in chapter.imports):
        words = line.split()
        module = words[1]
        if words[0] == "from" and module == "vae_course":
            module = f"vae_course.{words[3]}"
        if not module.startswith((*_SLOW, "matplotlib")):
            names.add(module)
    return tuple(sorted(names))


def grade_all(
    submissions: Path, chapters: Sequence[Chapter], *, to: Path, rules: Rules = RULES, again: bool = False
) -> Iterator[Graded]:
    """Judges what has not been judged yet, or all `again`; writes gradebook, feedback pages and grades.csv.

    Yields each student's chapter when it is done, so a run that is stopped goes on from there.
    """
    to.mkdir(parents=True, exist_ok=True)
    seed = common_seed(to)
    found = find_students(submissions)
    names = {student_key(name): name for name in found}
    with Nursery(modules_of(chapters)) as nursery:
        for key, name in names.items():
            marker = make_marker(found[name])
            if not again and all(is_done(load(to, key, chapter), chapter, marker) for chapter in chapters):
                for chapter in chapters:
                    yield _sum_up(name, chapter, load(to, key, chapter), judged=False)
                continue
            handed = read_handed(name, found[name])
            for chapter in chapters:
                record = load(to, key, chapter)
                judged = again or not is_done(record, chapter, marker)
                if judged:
                    record = _judge_safely(handed, chapter, chapters, nursery, rules, seed)
                    record |= {"marker": marker, "source": fingerprint(chapter), "published": False}
                    store(to, key, chapter, record)
                yield _sum_up(name, chapter, record, judged=judged)
    for chapter in chapters:
        _publish(to, chapter, list(names))
    write_table(to, chapters, names)


def _judge_safely(
    handed: Handed, chapter: Chapter, chapters: Sequence[Chapter], nursery: Nursery, rules: Rules, seed: int
) -> dict[str, Any]:
    """The marks; should the grader itself fail with a submission, nothing of it counts, and the reason says so."""
    try:
        return _judge_chapter(handed, chapter, chapters, nursery, rules, seed)
    except NurseryError:
        raise
    except Exception as error:  # whatever it is, the others are to be graded
        remark = printable(f"The grader failed with this submission; look at it by hand ({error!r:.200}).")
        verdicts = [Verdict(task.name, "broken", remark) for task in chapter.tasks]
        marks = [_mark(task, verdict, rules) for task, verdict in zip(chapter.tasks, verdicts, strict=True)]
        return {"marks": [asdict(mark) for mark in marks], "answers": {}, "remark": remark, "file": "", "failed": True}


def _judge_chapter(
    handed: Handed, chapter: Chapter, chapters: Sequence[Chapter], nursery: Nursery, rules: Rules, seed: int
) -> dict[str, Any]:
    """The marks of one student's chapter, with the answers' sources, JSON-ready."""
    notebook, remark = choose_notebook(handed, chapter, chapters)
    answers = find_answers(notebook, chapter) if notebook is not None else {}
    marks = []
    for task in chapter.tasks:
        source = answers.get(task.name)
        if source is None:
            reason = remark or "There is no cell with this answer in the notebook."
            verdict = Verdict(task.name, "not answered yet", reason)
            marks.append(_mark(task, verdict, rules, said="not handed in"))
            continue
        verdict = judge_source(
            task.name,
            source,
            prelude=needed_imports(chapter.imports, source),
            nursery=nursery,
            bounds=rules.bounds,
            seed=seed,
        )
        marks.append(_mark(task, verdict, rules))
    kept = {name: printable(source)[:10_000] for name, source in answers.items()}
    file = notebook.path.name if notebook is not None else ""
    return {
        "marks": [asdict(mark) for mark in marks],
        "answers": kept,
        "remark": printable(remark),
        "file": printable(file),
    }


def _mark(task: Task, verdict: Verdict, rules: Rules, *, said: str = "") -> Mark:
    share = 1.0 if verdict.passed else 0.0
    if verdict.status == "wrong" and verdict.diagnosis is not None and not verdict.also:
        share = rules.slip_share
    return Mark(
        exercise=task.name,
        points=round(share * task.points, 2),
        of=task.points,
        verdict=said or verdict.status,
        diagnosis=" and ".join(slip for slip in (verdict.diagnosis, *verdict.also) if slip),
        reason=" ".join(printable(verdict.explanation).split()),
        html=verdict._repr_html_(),
    )


def chapters_handed_in(submissions: Path, chapters: Sequence[Chapter]) -> list[Chapter]:
    """Those of which somebody handed in a notebook."""
    names = set()
    for student, paths in find_students(submissions).items():
        names |= {recognise(one, chapters) for one in read_handed(student, paths).notebooks}
        names |= {path.stem for path in paths}
    return [chapter for chapter in chapters if chapter.name in names]


def without_page(to: Path, chapters: Sequence[Chapter], submissions: Path) -> list[str]:
    """Students whose feedback page could not be made."""
    names = {student_key(name): name for name in find_students(submissions)}
    return [
        printable(name) for key, name in names.items() if not all(_has_page(to, key, chapter) for chapter in chapters)
    ]


def _has_page(to: Path, key: str, chapter: Chapter) -> bool:
    """Whether the feedback page is there and says what is kept."""
    return bool(load(to, key, chapter).get("published")) and nbgrading.feedback_file(to, key, chapter.name).is_file()


def _publish(to: Path, chapter: Chapter, names: Sequence[str]) -> None:
    nbgrading.register(to, chapter)
    waiting: dict[str, dict[str, Any]] = {}
    for name in names:
        record = load(to, name, chapter)
        if record and not _has_page(to, name, chapter):
            waiting[name] = record
    answers = {key: record["answers"] for key, record in waiting.items()}
    failed = nbgrading.publish(to, chapter, list(waiting), answers)
    for key, record in waiting.items():
        if key not in failed:
            store(to, key, chapter, record | {"published": True})


def write_table(to: Path, chapters: Sequence[Chapter], names: Mapping[str, str]) -> Path:
    """grades.csv: a line for each exercise of each student, with points as the gradebook has them."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for key, name in names.items():
        for chapter in chapters:
            record = load(to, key, chapter)
            booked = nbgrading.scores(to, chapter, key)
            for mark in record["marks"]:
                points = booked[mark["exercise"]].points if mark["exercise"] in booked else mark["points"]
                row = (name, chapter.name, mark["exercise"], f"{points:g}", mark["of"])
                table.writerow([*map(_cell, row), mark["verdict"], mark["diagnosis"], _cell(mark["reason"])])
    path = to / "grades.csv"
    replace_file(path, text.getvalue().encode())
    return path


def _cell(value: Any) -> str:
    """Text that a spreadsheet takes for text: what starts like a formula gets an apostrophe."""
    text = printable(str(value))
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _sum_up(name: str, chapter: Chapter, record: Mapping[str, Any], *, judged: bool) -> Graded:
    points = sum(mark["points"] for mark in record["marks"])
    return Graded(printable(name), chapter.name, points, chapter.points, judged, record["remark"])
