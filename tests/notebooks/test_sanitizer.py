"""nbval with the course's sanitizer: what it must notice, and what it must not mind."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from vae_course.commands.notebooks import execute_in_place
from vae_course.commands.shell import environment, kernel_environment

SANITIZER = Path(__file__).with_name("sanitize.cfg")
CELLS = (
    "print('bound', 105.25)",
    "from IPython.display import HTML, display\nHTML('<b>nats: 12.5</b>')",
    "object()",
    "import time\nprintable = time.perf_counter()\nprint(f'took {printable:.3f} ms')",
    "from tqdm import tqdm\nfor _ in tqdm(range(3), desc='fit'):\n    time.sleep(0.001)",
    "for _ in tqdm(iter(range(3))):\n    time.sleep(0.001)",
    # A live curve: one display, updated. nbval sees its first state, the file holds the last: the text beside the
    # picture (size and number of axes) must not change.
    "import matplotlib.pyplot as plt\n"
    "figure, ax = plt.subplots()\n"
    "live = display(figure, display_id='live')\n"
    "for n in range(3):\n"
    "    ax.plot(range(n + 2))\n"
    "    live.update(figure)\n"
    "plt.close(figure)",
)


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("executed") / "small.ipynb"
    cells = [new_code_cell(source, id=f"cell-{i}") for i, source in enumerate(CELLS)]
    nbformat.write(new_notebook(cells=cells), path)
    assert execute_in_place(path) is None
    return nbformat.read(path, as_version=4)


def validate(notebook: Any, folder: Path) -> subprocess.CompletedProcess[str]:
    path = folder / "small.ipynb"
    nbformat.write(notebook, path)
    words = ("--nbval", "--nbval-sanitize-with", SANITIZER, "-p", "no:cacheprovider", "-q", "--rootdir", folder, path)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-c", "/dev/null", *map(str, words)],
        cwd=folder,
        env=environment(kernel_environment()),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_an_unchanged_notebook_passes(executed: Any, tmp_path: Path) -> None:
    answer = validate(executed, tmp_path)
    assert answer.returncode == 0, answer.stdout
    assert f"{len(CELLS)} passed" in answer.stdout


def other_number(cells: list[Any]) -> None:
    cells[0].outputs[0].text = "bound 105.26\n"


def other_html(cells: list[Any]) -> None:
    cells[1].outputs[0].data["text/html"] = "<b>nats: 12.6</b>"


def no_output(cells: list[Any]) -> None:
    cells[1].outputs = []


def other_code(cells: list[Any]) -> None:
    cells[0].source = "print('bound', 105.20)"


def other_type(cells: list[Any]) -> None:
    cells[2].outputs[0].data["text/plain"] = "<list at 0x7f0000000000>"


def no_progress_bar(cells: list[Any]) -> None:
    cells[4].outputs = []


def test_every_change_of_an_output_is_noticed(executed: Any, tmp_path: Path) -> None:
    changes: tuple[Callable[[list[Any]], None], ...] = (other_number, other_html, other_type, no_progress_bar)
    notebook = nbformat.from_dict(executed)
    for change in changes:
        change(notebook.cells)
    answer = validate(notebook, tmp_path)
    assert answer.returncode == 1
    assert f"{len(changes)} failed, {len(CELLS) - len(changes)} passed" in answer.stdout


@pytest.mark.parametrize("change", [no_output, other_code])
def test_a_missing_output_or_changed_code_is_noticed(executed: Any, tmp_path: Path, change: Any) -> None:
    notebook = nbformat.from_dict({**executed, "cells": executed.cells[:2]})
    change(notebook.cells)
    answer = validate(notebook, tmp_path)
    assert answer.returncode == 1
    assert "1 failed, 1 passed" in answer.stdout


def test_a_line_of_a_million_characters_takes_no_time() -> None:
    """An explorer's HTML is one: a pattern that tries every character to its end would take hours (seen)."""
    lines = SANITIZER.read_text().splitlines()
    patterns = [line.removeprefix("regex: ") for line in lines if line.startswith("regex: ")]
    assert len(patterns) == 4
    line = "QUJD1xyz" * 20_000
    start = time.perf_counter()
    for pattern in patterns:
        assert re.sub(pattern, "", line) == line
    assert time.perf_counter() - start < 5
