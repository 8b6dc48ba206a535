"""The right answers that mutants are made of: the package's references, and the solutions in the notebooks."""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import math
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import sympy
import torch

from vae_course import exercises, sampling
from vae_course.classroom.chapters import read_chapters

ROOT = Path(__file__).resolve().parents[3]
_Z, _W, _B = sympy.symbols("z w b", real=True)
NOTEBOOK_NAMES = {
    "torch": torch, "np": np, "math": math, "itertools": itertools, "sympy": sympy, "sampling": sampling,
    "z": _Z, "w": _W, "b": _B,
}  # fmt: skip


class Source(NamedTuple):
    """name: of the exercise. where: "package" or "notebook". answer: the name that the code gives the answer."""

    name: str
    where: str
    text: str
    answer: str
    names: dict[str, Any]

    def build(self, text: str | None = None) -> Any:
        """The answer that this text, or the source's own, defines. Whatever the text raises is raised here."""
        namespace = dict(self.names)
        exec(compile(self.text if text is None else text, f"<{self.where}>", "exec"), namespace)
        return namespace[self.answer]


@functools.cache
def all_sources() -> dict[str, tuple[Source, ...]]:
    """The sources of every exercise."""
    found: dict[str, list[Source]] = {name: [of_package(name)] for name in exercises.names()}
    for chapter, _ in read_chapters(ROOT / "notebooks").values():
        for task in chapter.tasks:
            text = ast.unparse(ast.parse(task.solution))
            found[task.name].append(Source(task.name, "notebook", text, task.name, NOTEBOOK_NAMES))
    return {name: tuple(sources) for name, sources in found.items()}


def of_package(name: str) -> Source:
    """The reference and the helpers of its module that it calls; docstrings and annotations are taken off."""
    reference = inspect.unwrap(exercises.reference(name))
    module = sys.modules[reference.__module__]
    bundle = [*_helpers(reference, module), reference]
    text = "\n".join(ast.unparse(_stripped(function)) for function in bundle)
    return Source(name, "package", text, reference.__name__, {"torch": torch, **vars(module)})


def _helpers(function: Callable[..., Any], module: Any) -> list[Callable[..., Any]]:
    """Private functions of the module that the function calls, those that they call themselves first."""
    found: list[Callable[..., Any]] = []
    for name in dict.fromkeys(node.id for node in ast.walk(_stripped(function)) if isinstance(node, ast.Name)):
        helper = vars(module).get(name)
        plain = inspect.isfunction(helper) and helper.__module__ == module.__name__
        if plain and name.startswith("_") and helper is not function:
            found += [one for one in [*_helpers(helper, module), helper] if one not in found]
    return found


def _stripped(function: Callable[..., Any]) -> ast.Module:
    """The source of a function, without what says and checks how it is called."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            _strip(node)
    return tree


def _strip(function: ast.FunctionDef) -> None:
    """Takes off what a mutant of it would change without any effect: docstring, annotations, errors on bad input."""
    if ast.get_docstring(function) is not None:
        function.body = function.body[1:]
    function.returns = None
    for argument in (*function.args.args, *function.args.kwonlyargs):
        argument.annotation = None
    function.body = [_without_annotation(node) for node in function.body if not _refuses(node)]


def _refuses(node: ast.stmt) -> bool:
    """Whether the statement does nothing but raise an error on input that no exercise hands over."""
    raises = isinstance(node, ast.If) and not node.orelse and all(isinstance(part, ast.Raise) for part in node.body)
    call = node.value if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) else None
    checks = call is not None and isinstance(call.func, ast.Name) and call.func.id.lstrip("_").startswith("check_")
    return raises or checks


def _without_annotation(node: ast.stmt) -> ast.stmt:
    return ast.Assign([node.target], node.value, lineno=0) if isinstance(node, ast.AnnAssign) and node.value else node
