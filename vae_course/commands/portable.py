"""Copies of notebooks that run anywhere: their first cell installs the course where it is missing (Colab, VS Code)."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell

from vae_course.classroom.release import FROM, files_read_by
from vae_course.commands.shell import CommandError, clone_root
from vae_course.files import replace_file

CELL_ID = "install-the-course"
NEEDED = ("vae_course", "myst_nb")  # what the chapters import and a bare Colab does not have
# What pip takes (a folder, a file, git+https://...), and neither the shell nor IPython reads anything into.
SOURCE = re.compile(r"[\w./:@+~=,%\[\] -]+")


def install_cell(source: str) -> Any:
    """A code cell that installs the course from `source` where it is missing, and does nothing where it is there.

    source: what pip takes: a folder, a wheel, `git+https://...`. Raises CommandError if it holds other signs.
    """
    if not SOURCE.fullmatch(source) or source.startswith("-"):
        raise CommandError(f"cannot install from {source!r}: name a folder, a wheel or an address that pip takes")
    code = (
        "# Installs the course where it is missing, as in Colab; elsewhere it does nothing.\n"
        "import importlib.util\n\n"
        f"if not all(map(importlib.util.find_spec, {NEEDED!r})):\n".replace("'", '"')
        + f'    %pip install --quiet "{source}" myst-nb\n'
        "    importlib.invalidate_caches()"
    )
    return new_code_cell(code, id=CELL_ID, metadata={"tags": ["remove-cell"]})


def with_install_cell(notebook: Any, source: str) -> Any:
    """A copy of the notebook that begins with the cell; one that a copy has already is replaced."""
    made = copy.deepcopy(notebook)
    made.cells = [install_cell(source), *(cell for cell in made.cells if cell.get("id") != CELL_ID)]
    nbformat.validate(made)
    return made


def write_portable(paths: Sequence[Path], *, source: str, to: Path) -> int:
    """Writes the notebooks, all chapters if none is named, with the cell into `to`/notebooks. Returns 0.

    The files of the clone that they read go beside them, as they lie in the clone.
    """
    root = clone_root()
    chosen = list(paths) or sorted((root / "notebooks").glob("*.ipynb"))
    cell, folder = install_cell(source), to / FROM  # refuses a source before anything is written
    for path in chosen:
        if not path.is_file() or path.suffix != ".ipynb":
            raise CommandError(f"{path} is no notebook; name .ipynb files, or none for all chapters")
        if path.resolve().parent == folder.resolve():
            raise CommandError(f"{folder} holds {path.name} itself; name another folder for the copies")
    for path in chosen:
        made = with_install_cell(nbformat.read(path, as_version=4), source)
        for read in files_read_by(made, path.resolve().parent, root):
            replace_file(to / read.relative_to(root), read.read_bytes())
        replace_file(folder / path.name, (nbformat.writes(made) + "\n").encode())
    print(f"{len(chosen)} notebooks are in {folder}; their cell {cell.id!r} installs from {source}.")
    return 0
