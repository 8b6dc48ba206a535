"""What an answer uses from other cells of its notebook, found without running anything."""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Mapping, Sequence

from vae_course.classroom.chapters import parse


def defined(source: str) -> set[str]:
    """Names that the cell's own statements give a value to; a guess by lines where it cannot be parsed."""
    tree = parse(source)
    if tree is None:
        return set(re.findall(r"^(?:(?:async +)?def +|class +)?(\w+) *(?:=(?!=)|\()", source, flags=re.MULTILINE))
    return {name for statement in tree.body for name in _binds(statement)}


def _binds(statement: ast.stmt) -> set[str]:
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return {statement.name}
        case ast.Import() | ast.ImportFrom():
            return {alias.asname or alias.name.split(".")[0] for alias in statement.names}
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def find_helpers(sources: Sequence[str], known: set[str]) -> dict[str, ast.stmt]:
    """Functions, classes, imports and constants of the cells with these sources, by name.

    known: names that are there without them.
    """
    helpers: dict[str, ast.stmt] = {}
    for source in sources:
        tree = parse(source)
        for statement in tree.body if tree is not None else []:
            if _is_helper(statement, known | set(helpers)):
                helpers |= dict.fromkeys(_binds(statement), statement)
    return helpers


def _is_helper(statement: ast.stmt, known: set[str]) -> bool:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
        return True
    calls = any(isinstance(node, ast.Call) for node in ast.walk(statement))
    return isinstance(statement, ast.Assign) and not calls and _used(ast.unparse(statement)) <= known


def with_helpers(source: str, helpers: Mapping[str, ast.stmt], known: set[str]) -> str:
    """Before the source, those of the helpers that it uses, in the order in which they stand in the notebook."""
    have = known | defined(source)
    taken: list[ast.stmt] = []
    waiting = [source]
    while waiting:
        for name in _used(waiting.pop()) - have:
            have.add(name)
            if name in helpers and helpers[name] not in taken:
                taken.append(helpers[name])
                waiting.append(ast.unparse(helpers[name]))
    order = list(dict.fromkeys(helpers.values()))
    return "\n".join([*(ast.unparse(statement) for statement in sorted(taken, key=order.index)), source])


def _used(source: str) -> set[str]:
    """Names that the code takes from outside of it: neither arguments nor variables of its functions."""
    try:
        tables = [symtable.symtable(source, "<answer>", "exec")]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    names = set()
    while tables:
        table = tables.pop()
        tables += table.get_children()
        outermost = table.get_type() == "module"
        names |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_referenced() and (outermost or symbol.is_global())
        }
    return names
