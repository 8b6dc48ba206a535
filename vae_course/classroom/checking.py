"""The checks of one notebook, without running the rest of it: for learners, at the command line."""

from __future__ import annotations

from pathlib import Path

from vae_course import exercises
from vae_course.classroom.chapters import Chapter, Task, imports_of, needed_imports
from vae_course.classroom.grading import modules_of
from vae_course.classroom.intake import find_answers, read_notebook
from vae_course.classroom.judging import judge_source
from vae_course.classroom.limits import Bounds
from vae_course.classroom.nursery import Nursery
from vae_course.exercises.progress import note
from vae_course.exercises.verdict import Verdict


def check_notebook(path: Path, *, bounds: Bounds) -> list[Verdict]:
    """The verdict on each answer that the notebook checks, in its order, each in a process of its own.

    What passes is noted as progress. Raises UnreadableError if this is no notebook.
    """
    notebook = read_notebook(path)
    known = exercises.names()
    names = dict.fromkeys(name for cell in notebook.cells for name in cell.checks if name in known)
    imports = dict.fromkeys(line for cell in notebook.cells for line in imports_of(cell.source))
    tasks = tuple(Task(name, name, "", "", "", 1) for name in names)
    chapter = Chapter(path.stem, path.stem, tasks, tuple(imports))
    answers = find_answers(notebook, chapter)
    verdicts = []
    with Nursery(modules_of([chapter])) as nursery:
        for name in names:
            source = answers.get(name)
            if source is None:
                verdicts.append(Verdict(name, "not answered yet", "No cell defines it."))
                continue
            prelude = needed_imports(chapter.imports, source)
            verdict = judge_source(name, source, prelude=prelude, nursery=nursery, bounds=bounds)
            verdicts.append(note(verdict, anywhere=True))
    return verdicts
