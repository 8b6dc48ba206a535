"""Other random draws for a notebook: its code with every seed moved, at the place where the seed is used."""

from __future__ import annotations

import ast
from typing import Any

GENERATORS = ("make_generator", "manual_seed", "default_rng")  # the seed is their first argument
TRAININGS = ("TrainConfig", "replace")  # the seed is their keyword `seed`
ANYWHERE = "random_state"  # scikit-learn's keyword


def reseed(source: str, shift: int) -> str:
    """The code with `shift` added to each seed that a generator, a training or scikit-learn is given.

    A seed is moved only there, so that names, keys and loops over seeds stay as they are: what shared a seed still
    does, and what had two seeds still has two. Raises SyntaxError on what is no plain Python.
    """
    lines = [line.encode() for line in source.splitlines(keepends=True)]  # ast counts bytes
    for seed in sorted(_seeds(ast.parse(source)), key=lambda seed: (seed.lineno, seed.col_offset), reverse=True):
        end = (seed.end_lineno or seed.lineno) - 1
        lines[end] = _insert(lines[end], seed.end_col_offset or 0, f") + {shift})")
        lines[seed.lineno - 1] = _insert(lines[seed.lineno - 1], seed.col_offset, "((")
    return b"".join(lines).decode()


def reseed_notebook(notebook: Any, shift: int) -> list[str]:
    """Moves the seeds of all code cells, in place. Returns what is wrong with cells whose seeds can't be moved."""
    faults = []
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "code":
            try:
                cell.source = reseed(cell.source, shift)
            except SyntaxError as error:
                faults.append(f"cell {number}: its seeds can't be moved, since it is no plain Python ({error.msg})")
    return faults


def _seeds(tree: ast.Module) -> list[ast.expr]:
    found = []
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name in GENERATORS:
            found += [seed for seed in call.args[:1] if not isinstance(seed, ast.Starred)]
        for keyword in call.keywords:
            known = name in (*GENERATORS, *TRAININGS) and keyword.arg == "seed"
            if known or (keyword.arg == ANYWHERE and not _is_none(keyword.value)):
                found.append(keyword.value)
    return found


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _insert(line: bytes, column: int, text: str) -> bytes:
    return line[:column] + text.encode() + line[column:]
