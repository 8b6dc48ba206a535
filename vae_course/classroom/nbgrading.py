"""The gradebook and the feedback pages: nbgrader's converters, fed with verdicts instead of executing notebooks."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbformat.v4 import new_output
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import CheckCellMetadata, LimitOutput, NbGraderPreprocessor, SaveAutoGrades
from traitlets.config import Config

from vae_course.classroom.chapters import Chapter
from vae_course.classroom.feedback import exporter_config
from vae_course.classroom.intake import answer_key
from vae_course.classroom.records import STATE, state_file
from vae_course.classroom.release import make_master, test_key
from vae_course.files import replace_file

_HIDDEN = re.compile(r"\n### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS", re.DOTALL)


class Score(NamedTuple):
    """What the gradebook says of one exercise. points: by hand where a teacher has entered them, else the verdict's."""

    points: float
    of: float


class FillIn(NbGraderPreprocessor):  # type: ignore[misc]
    """Puts the kept verdicts in the place of what running the tests would have put out."""

    def preprocess(self, nb: Any, resources: Any) -> Any:
        """Each test cell gets its verdict and its points; nothing is run."""
        who = resources["nbgrader"]
        record = json.loads(state_file(self.root, who["student"], who["notebook"]).read_text("utf-8"))
        outputs = {test_key(mark["exercise"]): _outputs(mark) for mark in record["marks"]}
        nb.cells = [cell for cell in nb.cells if cell.get("id") != "imports"]
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.source = _HIDDEN.sub("", cell.source)  # the student is to see this page
                cell.outputs = outputs.get(cell.metadata.get("nbgrader", {}).get("grade_id"), [])
        return nb, resources


def _outputs(mark: Mapping[str, Any]) -> list[Any]:
    points = new_output("execute_result", data={"text/plain": f"{mark['points']:g}"}, execution_count=1)
    return [new_output("display_data", data={"text/html": mark["html"]}), points]


def register(root: Path, chapter: Chapter) -> None:
    """Makes the chapter an assignment of the gradebook, with its exercises and their points."""
    content = nbformat.writes(make_master(chapter)) + "\n"
    path = root / "source" / chapter.name / f"{chapter.name}.ipynb"
    if not path.is_file() or path.read_text("utf-8") != content or not _is_registered(root, chapter):
        replace_file(path, content.encode())
        with _log(root), _own_programs():
            GenerateAssignment(coursedir=_course(root, chapter.name), config=_config(), force=True).start()


def _is_registered(root: Path, chapter: Chapter) -> bool:
    with _gradebook(root) as book:
        try:
            return bool(book.find_assignment(chapter.name).notebooks)
        except MissingEntry:
            return False


def publish(
    root: Path, chapter: Chapter, students: Sequence[str], answers: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """Enters the kept verdicts of these students into the gradebook and writes their feedback pages.

    answers: source by exercise, of each student. Returns the students with whom it failed.
    """
    failed = []
    with _log(root), _own_programs():
        course = _course(root, chapter.name)
        FillIn.root = root
        grader = Autograde(coursedir=course, config=_config(), force=True, autograde_preprocessors=_STEPS)
        pages = GenerateFeedback(coursedir=course, config=_config(), force=True)
        for student in students:
            course.student_id = student
            path = root / "submitted" / student / chapter.name / f"{chapter.name}.ipynb"
            replace_file(path, (nbformat.writes(_hand_in(chapter, answers[student])) + "\n").encode())
            try:
                _convert(grader, root)
                _convert(pages, root)
            except Exception as error:  # whatever it is, the others are to get their pages
                logging.getLogger("traitlets").error("%s: %r", student, error)
                failed.append(student)
    return failed


def _hand_in(chapter: Chapter, answers: Mapping[str, str]) -> Any:
    """The notebook to be graded, with the student's answers in their cells and nothing else of theirs."""
    notebook = make_master(chapter)
    sources = {answer_key(name): source for name, source in answers.items()}
    for cell in notebook.cells:
        cell.source = sources.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
    return notebook


def _convert(converter: Any, root: Path) -> None:
    """Starts the converter on the student that its course names; from the second on it keeps its compiled templates."""
    if not converter.trait_has_value("exporter"):
        converter.start()
        return
    with contextlib.chdir(root):
        converter.init_notebooks()
        converter.convert_notebooks()


_STEPS = [FillIn, ClearMetadataPreprocessor, LimitOutput, SaveAutoGrades, CheckCellMetadata]


def feedback_file(root: Path, student: str, chapter: str) -> Path:
    """The page that a student gets back."""
    return root / "feedback" / student / chapter / f"{chapter}.html"


def scores(root: Path, chapter: Chapter, student: str) -> dict[str, Score]:
    """The gradebook's points by exercise; empty if the student has none there."""
    with _gradebook(root) as book:
        try:
            submission = book.find_submission_notebook(chapter.name, chapter.name, student)
        except MissingEntry:
            return {}
        found = {grade.name: Score(float(grade.score), float(grade.max_score)) for grade in submission.grades}
    return {task.name: found[test_key(task.name)] for task in chapter.tasks if test_key(task.name) in found}


@contextlib.contextmanager
def _gradebook(root: Path) -> Iterator[Any]:
    with _own_programs(), Gradebook(_address(root), "course_id") as book:
        yield book


def _address(root: Path) -> str:
    return f"sqlite:///{root / 'gradebook.db'}"


def _course(root: Path, chapter: str, student: str = "*") -> Any:
    course = CourseDirectory()
    course.root, course.assignment_id, course.student_id = str(root), chapter, student
    course.db_url = _address(root)
    return course


def _config() -> Any:
    config = Config()
    config.LimitOutput.max_lines = 200
    config.LimitOutput.max_traceback = 20
    config.merge(exporter_config())
    return config


@contextlib.contextmanager
def _own_programs() -> Iterator[None]:
    """nbgrader asks the program alembic for its version: that of this environment."""
    before = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


@contextlib.contextmanager
def _log(root: Path) -> Iterator[None]:
    """nbgrader tells each of its steps: into a file, for whom something fails."""
    logger = logging.getLogger("traitlets")
    before = logger.handlers, logger.propagate, logger.level
    path = root / STATE / "nbgrader.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(logging.FileHandler(path)) as handler:
        logger.handlers, logger.propagate, logger.level = [handler], False, logging.WARNING
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            logger.handlers, logger.propagate, logger.level = before
