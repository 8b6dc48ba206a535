"""Notebooks for students: the book's, without solutions and outputs, with cells that nbgrader knows."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from vae_course.classroom.chapters import Chapter, Task, find_checks, parse, without_solutions
from vae_course.classroom.intake import answer_key
from vae_course.files import replace_file

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
KEPT_TAGS = ("hide-input", "hide-output", "remove-input", "remove-stderr")
FROM = "notebooks"  # the folder that the chapters run in, whose place beside others their paths rest on
_HINT = re.compile(r"exercises\.hints?\(")
HOW_TO = """\
> **To hand in.** Write each answer in its own cell, in the place of `...`, and run the check below it. What an answer
> needs (imports, helpers) belongs in its cell. Then save, and hand in this file. Only the answers are graded: you can
> change all else as you like.
"""
README = """\
# Notebooks to work in

Open a notebook of the folder `notebooks` in JupyterLab or VS Code. It needs the package of the course (`vae_course`).
Each exercise has a cell for the answer and a check below it, which you can run as often as you like.
`exercises.progress()` shows what is solved. `vae-course check notebooks/NAME.ipynb` checks a whole notebook.
"""


def test_key(name: str) -> str:
    """What the cell that grades an answer is known by."""
    return f"test-{name}"


def make_student_notebook(chapter: Chapter, notebook: Any, *, hints: bool = True) -> Any:
    """The notebook without solutions, outputs, attachments of solutions, and metadata but tags; locked where graded.

    hints: whether the cells that show an exercise's hints stay.
    """
    tasks = {task.name: task for task in chapter.tasks}
    cells: list[Any] = []
    for cell in notebook.cells:
        if hints or not shows_hints(cell):
            cells += _student_cells(cell, tasks)
    cells.insert(1, new_markdown_cell(HOW_TO, id="how-to-hand-in"))
    return _finish(chapter, cells)


def shows_hints(cell: Any) -> bool:
    """Whether a cell does nothing but show hints: `exercises.hints("kl")`, `exercises.hint("kl", 2)`."""
    tree = parse(cell.source) if cell.cell_type == "code" else None
    return tree is not None and bool(tree.body) and all(_HINT.match(ast.unparse(line)) for line in tree.body)


def make_master(chapter: Chapter) -> Any:
    """The notebook that is graded: each exercise's statement, a cell for the answer, and a locked test with points."""
    cells = [new_markdown_cell(f"# {chapter.title}", id="title")]
    if chapter.imports:
        cells.append(new_code_cell("\n".join(chapter.imports), id="imports"))
    for task in chapter.tasks:
        cells += [
            new_markdown_cell(f"## {task.title}\n\n{task.statement}", id=f"statement-{task.name}"),
            answer_cell(task, task.stub),
            _test_cell(task, hidden=True),
        ]
    return _finish(chapter, cells)


def answer_cell(task: Task, source: str) -> Any:
    """The cell of an answer, as nbgrader knows it."""
    return _graded(new_code_cell(source, id=answer_key(task.name)), answer_key(task.name), solution=True)


def _test_cell(task: Task, *, hidden: bool) -> Any:
    check = f'exercises.check("{task.name}", {task.name})'
    if hidden:
        again = f'exercises.check("{task.name}", {task.name}, seed=seed).passed'
        check += (
            f"\n### BEGIN HIDDEN TESTS\n{task.points} * all({again} for seed in (101, 102, 103))\n### END HIDDEN TESTS"
        )
    return _graded(new_code_cell(check, id=test_key(task.name)), test_key(task.name), points=task.points)


def _graded(cell: Any, key: str, *, solution: bool = False, points: int | None = None) -> Any:
    cell.metadata["nbgrader"] = {
        "schema_version": 3, "grade_id": key, "grade": points is not None, "solution": solution,
        "locked": points is not None, "task": False, "cell_type": "code",
        **({"points": points} if points is not None else {}),
    }  # fmt: skip
    return cell


def _student_cells(cell: Any, tasks: dict[str, Task]) -> Iterator[Any]:
    tags = [tag for tag in cell.metadata.get("tags", []) if tag in KEPT_TAGS]
    metadata = {"tags": tags} if tags else {}
    if cell.cell_type == "markdown":
        source = without_solutions(cell.source)
        if source:
            made = new_markdown_cell(source, id=cell.id, metadata=metadata)
            kept = {name: part for name, part in cell.get("attachments", {}).items() if f"attachment:{name}" in source}
            if kept and source == cell.source.strip():
                made["attachments"] = copy.deepcopy(kept)
            yield made
    elif cell.cell_type == "code":
        checked = [tasks[name] for name, _ in find_checks(cell.source)]
        if checked:
            yield answer_cell(checked[0], checked[0].stub)
            yield from (_test_cell(task, hidden=False) for task in checked)
        else:
            yield new_code_cell(cell.source, id=cell.id, metadata=metadata)


def _finish(chapter: Chapter, cells: list[Any]) -> Any:
    from nbgrader.preprocessors import CheckCellMetadata, ComputeChecksums, LockCells

    notebook = new_notebook(cells=cells, metadata={"kernelspec": KERNEL, "vae_course": {"chapter": chapter.name}})
    for step in (LockCells(), ComputeChecksums(), CheckCellMetadata()):
        notebook, _ = step.preprocess(notebook, {})
    nbformat.validate(notebook)
    return notebook


def files_read_by(notebook: Any, folder: Path, root: Path) -> list[Path]:
    """Files of the clone that the notebook's code or text names by a path from its own folder."""
    texts: list[str] = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            texts += re.findall(r"\]\(([^)#\s]+)\)", without_solutions(cell.source))
            continue
        tree = parse(cell.source)
        nodes = ast.walk(tree) if tree is not None else []
        texts += [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    found = []
    for text in texts:
        if "://" in text or "\n" in text or len(text) > 200:
            continue
        path = (folder / text).resolve()
        if path.is_relative_to(root) and path.is_file() and path.suffix not in (".ipynb", ".md", ".py"):
            found.append(path)
    return list(dict.fromkeys(found))


def write_release(
    chapters: dict[str, tuple[Chapter, Any]], *, source: Path, root: Path, to: Path, hints: bool = True
) -> Iterator[Path]:
    """Writes the students' notebooks, and what they read, each whole or not at all. Yields all of these files.

    A file that is as it should be is left alone, so that a stopped run is gone on with.
    """
    yield from _put(to / "README.md", README.encode())
    for name, (chapter, notebook) in chapters.items():
        content = nbformat.writes(make_student_notebook(chapter, notebook, hints=hints)) + "\n"
        yield from _put(to / FROM / f"{name}.ipynb", content.encode())
        for path in files_read_by(notebook, source, root):
            yield from _put(to / path.relative_to(root), path.read_bytes())


def _put(path: Path, content: bytes) -> Iterator[Path]:
    if not path.is_file() or path.read_bytes() != content:
        replace_file(path, content)
    yield path
