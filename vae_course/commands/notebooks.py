"""Executing the notebooks in place, so that the same code leaves the same file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from vae_course.commands.shell import CommandError, clone_root, in_words, kernel_environment, stopwatch
from vae_course.files import replace_file

CELL_SECONDS = 600
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {"file_extension": ".py", "mimetype": "text/x-python", "name": "python", "pygments_lexer": "ipython3"}


def execute_notebooks(paths: Sequence[Path] = ()) -> int:
    """Executes the notebooks, all of the book's if none is named, and stores their outputs.

    A notebook is replaced only when all of its cells ran. Stops at the first that fails. Returns 0 or 1.
    """
    chosen = [path.resolve() for path in paths] or book_notebooks(clone_root())
    for path in chosen:
        if not path.is_file() or path.suffix != ".ipynb":
            raise CommandError(f"{path} is no notebook; name .ipynb files, or none for all of the book's")
    for number, path in enumerate(chosen, 1):
        print(f"[{number}/{len(chosen)}] {path.name} ... ", end="", flush=True)
        with stopwatch() as seconds:
            failure = execute_in_place(path)
        print(("FAILED after " if failure else "") + in_words(seconds[0]), flush=True)
        if failure:
            print(f"{failure}\n{path.name} was left as it was; {len(chosen) - number} notebooks were not run.")
            return 1
    print(f"{len(chosen)} notebooks were executed and stored. Left out: nothing.")
    return 0


def book_notebooks(root: Path) -> list[Path]:
    """The chapters in order, then the notebooks among the book's other pages."""
    found = [*sorted((root / "notebooks").glob("*.ipynb")), *sorted((root / "book").glob("*.ipynb"))]
    if not found:
        raise CommandError(f"there is no notebook in {root}/notebooks or {root}/book")
    return found


def execute_in_place(path: Path) -> str | None:
    """Executes one notebook and replaces the file. Returns the failing cell's error, with the file untouched."""
    notebook = nbformat.read(path, as_version=4)
    if failure := execute(notebook, path.parent):
        return failure
    normalise(notebook)
    nbformat.validate(notebook)
    replace_file(path, (nbformat.writes(notebook) + "\n").encode())
    return None


def execute(notebook: Any, folder: Path, *, allow_errors: bool = False) -> str | None:
    """Executes a notebook in memory, in this folder. Returns what ended it early, a failing cell's error by default.

    allow_errors: a cell that fails keeps its error as an output, and the next ones are executed.
    """
    client = NotebookClient(
        notebook,
        kernel_name=KERNEL["name"],
        timeout=CELL_SECONDS,
        allow_errors=allow_errors,
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--log-level=ERROR"],  # no warning of each kernel that its ports are not encrypted
        store_widget_state=False,
        record_timing=False,
        coalesce_streams=True,
    )
    try:
        client.execute(env={**os.environ, **kernel_environment()})
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        return str(error)
    return None


def normalise(notebook: Any) -> None:
    """Takes out what differs from one machine or run to the next: versions, timings, widget state."""
    notebook.metadata["kernelspec"] = dict(KERNEL)
    notebook.metadata["language_info"] = dict(LANGUAGE)
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            for output in cell.outputs:
                output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
