"""What students handed in: which files are whose, and the answers in them. Nothing is run, and nothing is trusted."""

from __future__ import annotations

import builtins
import json
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vae_course.classroom.chapters import Chapter, Task, find_checks, imported_name, parse
from vae_course.classroom.helpers import defined, find_helpers, with_helpers
from vae_course.classroom.records import printable

LARGEST = 20 * 2**20  # bytes of a notebook
_DEEPEST = 4  # folders below a student's
_MOST_FILES = 500
_PASSED_OVER = (".ipynb_checkpoints", "__pycache__", "__MACOSX")


class UnreadableError(ValueError):
    """A file cannot be graded; the message says why, and ends in no full stop."""


class Cell(NamedTuple):
    """A code cell. key: what nbgrader knows it by, or its own id. source: without its checks.

    checks: the exercises that it checked; defines: names that its statements give a value to.
    """

    key: str
    source: str
    checks: tuple[str, ...]
    defines: frozenset[str]


class Notebook(NamedTuple):
    """A notebook that was handed in. chapter: what its metadata say, or ""."""

    path: Path
    cells: tuple[Cell, ...]
    chapter: str


class Handed(NamedTuple):
    """What one student handed in. problems: files that can't be graded, with the reason."""

    student: str
    notebooks: tuple[Notebook, ...]
    problems: tuple[tuple[Path, str], ...]


def find_students(folder: Path) -> dict[str, list[Path]]:
    """Each student's notebooks: those in the folder with the student's name, or the one with it as file name."""
    found: dict[str, list[Path]] = {}
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") or entry.name in _PASSED_OVER:
            continue
        if entry.is_dir() and not entry.is_symlink():
            found.setdefault(entry.name, []).extend(_notebooks_below(entry))
        elif entry.suffix == ".ipynb":
            found.setdefault(entry.stem, []).append(entry)
        elif entry.is_symlink():
            found.setdefault(entry.name, []).append(entry)
    return found


def find_strays(folder: Path) -> list[Path]:
    """Files that are no student's notebook, such as archives that were not unpacked."""
    entries = [entry for entry in sorted(folder.iterdir()) if not entry.name.startswith(".")]
    return [entry for entry in entries if entry.is_file() and not entry.is_symlink() and entry.suffix != ".ipynb"]


def _notebooks_below(folder: Path) -> list[Path]:
    found: list[Path] = []
    for place, folders, files in os.walk(folder, followlinks=False):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = sorted(f for f in folders if f not in _PASSED_OVER and not f.startswith(".") and depth < _DEEPEST)
        found += [Path(place, name) for name in sorted(files) if name.endswith(".ipynb") and not name.startswith(".")]
        if len(found) > _MOST_FILES:
            break
    return found[:_MOST_FILES]


def read_handed(student: str, paths: Sequence[Path]) -> Handed:
    """Reads a student's files, as far as they can be read."""
    notebooks, problems = [], []
    for path in paths:
        try:
            notebooks.append(read_notebook(path))
        except UnreadableError as error:
            problems.append((path, str(error)))
    return Handed(student, tuple(notebooks), tuple(problems))


def read_notebook(path: Path) -> Notebook:
    """The code cells of a notebook. Raises UnreadableError."""
    text = _read_text(path)
    try:
        notebook = json.loads(text)
    except RecursionError:
        raise UnreadableError("the file is no notebook: its parts are nested too deeply") from None
    except ValueError as error:
        raise UnreadableError(f"the file is no notebook: it is not valid JSON ({str(error)[:100]})") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise UnreadableError("the file is no notebook: it holds no list of cells")
    metadata = notebook.get("metadata")
    course = metadata.get("vae_course") if isinstance(metadata, dict) else None
    chapter = course.get("chapter") if isinstance(course, dict) else ""
    found = (_read_cell(cell) for cell in cells)
    return Notebook(path, tuple(cell for cell in found if cell is not None), str(chapter))


def _read_text(path: Path) -> str:
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            raise UnreadableError("the file is a link, and links are not followed")
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableError("this is no plain file")
        if status.st_size > LARGEST:
            size, most = status.st_size / 2**20, LARGEST // 2**20
            raise UnreadableError(f"the file has {size:.0f} MB, at most {most} are read: clear the outputs")
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise UnreadableError(f"the file cannot be read ({error.strerror})") from error
    if not content.strip():
        raise UnreadableError("the file is empty")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableError("the file is no notebook: it is not UTF-8 text") from None


def _read_cell(cell: Any) -> Cell | None:
    if not isinstance(cell, dict) or cell.get("cell_type") != "code":
        return None
    source = cell.get("source")
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    if not isinstance(source, str):
        return None
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    key = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else cell.get("id")
    source = source.encode("utf-8", "replace").decode()
    if parse(source) is None:  # what only a notebook understands: %magic, !command
        source = re.sub(r"^([ \t]*)[%!].*$", r"\1pass", source, flags=re.MULTILINE)
    checks = find_checks(source)
    kept = checks[0][1] if checks else source.strip("\n")
    return Cell(str(key), kept, tuple(name for name, _ in checks), frozenset(defined(kept)))


def answer_key(name: str) -> str:
    """What the cell of an answer is known by."""
    return f"answer-{name}"


def count_answers(notebook: Notebook, chapter: Chapter) -> int:
    """How many of the chapter's exercises have a cell in the notebook, answered or not."""
    keys = {cell.key for cell in notebook.cells}
    names = {name for cell in notebook.cells for name in cell.defines}
    return sum(answer_key(task.name) in keys or task.name in names for task in chapter.tasks)


def find_answers(notebook: Notebook, chapter: Chapter) -> dict[str, str]:
    """The source of each answer that is there, with what it uses from the student's other cells before it."""
    found = {task.name: _find_answer(notebook.cells, task) for task in chapter.tasks}
    known = {*dir(builtins), *map(imported_name, chapter.imports)}
    try:
        helpers = find_helpers([cell.source for cell in notebook.cells], known)
        return {name: with_helpers(source, helpers, known) for name, source in found.items() if source is not None}
    except RecursionError:  # nested more deeply than anybody writes
        return {name: source for name, source in found.items() if source is not None}


def _find_answer(cells: Sequence[Cell], task: Task) -> str | None:
    """The cell with the answer's key that defines its name; else any that does; else the one with the key."""
    keyed = [cell for cell in cells if cell.key == answer_key(task.name)]
    for among in (keyed, cells):
        defining = [cell.source for cell in among if task.name in cell.defines]
        written = [source for source in defining if source.strip() != task.stub.strip()]
        if written or defining:
            return (written or defining)[-1]
    return keyed[-1].source if keyed else None


def choose_notebook(handed: Handed, chapter: Chapter, chapters: Sequence[Chapter]) -> tuple[Notebook | None, str]:
    """The notebook to grade as this chapter, and why there is none, or why it may be the wrong one."""
    mine = [one for one in handed.notebooks if recognise(one, chapters) == chapter.name]
    if mine:
        named = [one for one in mine if one.path.stem == chapter.name]
        return max(named or mine, key=lambda one: one.path.lstat().st_mtime_ns), ""
    broken = [(path, problem) for path, problem in handed.problems if path.stem == chapter.name] or [
        (path, problem) for path, problem in handed.problems if path.stem not in {other.name for other in chapters}
    ]
    if broken:
        path, problem = broken[0]
        return None, f"{printable(path.name)}: {problem}."
    others = sorted({recognise(one, chapters) or printable(one.path.name) for one in handed.notebooks})
    if others:
        return None, f"The notebook of {chapter.name} was not handed in; handed in was {', '.join(others)[:200]}."
    return None, "No notebook was handed in."


def recognise(notebook: Notebook, chapters: Sequence[Chapter]) -> str:
    """The chapter that the notebook is of: what most of its answers are of; else what it says, or is called."""
    found = {chapter.name: count_answers(notebook, chapter) for chapter in chapters}
    best = max(found, key=lambda name: found[name], default="")
    if best and found[best]:
        return best
    known = set(found)
    return next((name for name in (notebook.path.stem, notebook.chapter) if name in known), "")
