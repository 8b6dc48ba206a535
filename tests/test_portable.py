"""Notebooks that install the course: the cell does nothing where it is there, and calls pip where it is not."""

from __future__ import annotations

import ast
import importlib.util
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from test_repository import project

from vae_course.commands import portable
from vae_course.commands.shell import CommandError

SOURCE = "git+https://example.org/vae-course.git@v1"


def run(cell: Any, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The magics that the cell calls, run as a notebook runs it."""
    shell = InteractiveShell()
    called: list[tuple[str, str]] = []
    monkeypatch.setattr(shell, "run_line_magic", lambda name, line, **_: called.append((name, line)))
    shell.run_cell(cell.source).raise_error()
    return called


def test_the_cell_does_nothing_where_the_course_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(portable.install_cell(SOURCE), monkeypatch) == []


@pytest.mark.parametrize("missing", portable.NEEDED)
def test_the_cell_installs_where_a_part_is_missing(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == missing else find(name, *rest))
    assert run(portable.install_cell(SOURCE), monkeypatch) == [("pip", f'install --quiet "{SOURCE}" myst-nb')]


@pytest.mark.parametrize("source", ["", 'a" b', "$HOME", "{x}", "a\nb", "`ls`", "a; b", "--user", "a|b", "a\\"])
def test_a_source_that_the_shell_would_read_is_refused(source: str) -> None:
    with pytest.raises(CommandError, match="cannot install from"):
        portable.install_cell(source)


def test_a_copy_has_one_such_cell_at_the_top_and_the_original_none() -> None:
    notebook = new_notebook(cells=[new_markdown_cell("# Title"), new_code_cell("x = 1")])
    once = portable.with_install_cell(notebook, "elsewhere")
    twice = portable.with_install_cell(once, SOURCE)
    assert len(notebook.cells) == 2
    assert [cell.id for cell in twice.cells] == [portable.CELL_ID, *(cell.id for cell in notebook.cells)]
    assert SOURCE in twice.cells[0].source


def test_copies_of_all_chapters_are_written_and_the_chapters_left_alone(root: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in (root / "notebooks").glob("*.ipynb")}
    assert portable.write_portable([], source=SOURCE, to=tmp_path / "copies") == 0
    copies = sorted((tmp_path / "copies" / "notebooks").iterdir())
    assert [path.name for path in copies] == sorted(before)
    for path in copies:
        assert nbformat.read(path, as_version=4).cells[0].id == portable.CELL_ID
    read = Path("benchmarks", "results", "architectures.json")  # chapter 11 reads it
    assert (tmp_path / "copies" / read).read_bytes() == (root / read).read_bytes()
    assert {path.name: path.read_bytes() for path in (root / "notebooks").glob("*.ipynb")} == before
    with pytest.raises(CommandError, match="another folder"):
        portable.write_portable([], source=SOURCE, to=root)


def test_what_the_chapters_import_is_what_the_cell_installs(root: Path) -> None:
    """The course's own needs, which pip installs with it, and what the cell asks for besides."""
    needs = {canonicalize_name(Requirement(text).name) for text in project()["dependencies"]}
    owners = packages_distributions()
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type != "code":
                continue
            for node in ast.walk(ast.parse(cell.source)):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
                for name in {name.split(".")[0] for name in names} - set(sys.stdlib_module_names):
                    given = {canonicalize_name(owner) for owner in owners.get(name, [])}
                    assert name in portable.NEEDED or given & needs, f"{path.name} imports {name}"
