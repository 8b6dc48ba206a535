"""Mutants of a piece of source: the same functions with one thing changed.

Changed are operators, constants (and so axes), comparisons, arguments, names of functions and of variables, indices;
terms, calls, keywords and statements are left out. What a mutant computes is for others to find out.
"""

from __future__ import annotations

import ast
import copy
import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

from lookalikes import OTHER_FUNCTIONS

ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)
COMPARISONS = (ast.Gt, ast.GtE, ast.Lt, ast.LtE, ast.Eq, ast.NotEq)
OTHER_OPERATORS = {ast.MatMult: (ast.Mult, ast.Add), ast.BitAnd: (ast.BitOr,), ast.FloorDiv: (ast.Div, ast.Mult)}
_MODULES = ("torch", "np", "math", "itertools", "sympy", "functional", "functools", "linalg")


class Mutant(NamedTuple):
    """change: what was done to the source, in words. line: of the source as it is written anew, from 1."""

    change: str
    line: int
    source: str


class _Change(NamedTuple):
    name: str
    make: Callable[[ast.AST], ast.AST | list[ast.stmt] | None]  # works on a copy of the node; None: changed in place


def make_mutants(source: str) -> list[Mutant]:
    """All mutants of the source, each once, in the order of the source; none is the source itself."""
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    seen, found = {ast.unparse(tree)}, []
    for index, node in enumerate(nodes):
        for change in _changes(node, _scope(tree, node)):
            text = _apply(tree, index, change)
            if text is not None and text not in seen:
                seen.add(text)
                found.append(Mutant(change.name, getattr(node, "lineno", 0), text))
    return found


def _apply(tree: ast.Module, index: int, change: _Change) -> str | None:
    """The source with the change at node number `index`, or None if that is no Python."""
    mutant = copy.deepcopy(tree)
    target = list(ast.walk(mutant))[index]
    replacement = change.make(target)
    if replacement is not None:
        mutant = _Replace(target, replacement).visit(mutant)
    try:
        text = ast.unparse(ast.fix_missing_locations(mutant))
        compile(text, "<mutant>", "exec")
    except (SyntaxError, TypeError, ValueError, AttributeError):
        return None
    return text


class _Replace(ast.NodeTransformer):
    def __init__(self, target: ast.AST, replacement: ast.AST | list[ast.stmt]) -> None:
        self._target, self._replacement = target, replacement

    def visit(self, node: ast.AST) -> ast.AST | list[ast.stmt]:
        return self._replacement if node is self._target else self.generic_visit(node)


def _scope(tree: ast.Module, node: ast.AST) -> tuple[str, ...]:
    """Names of the arguments and variables of the innermost function that holds the node."""
    holders = [f for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) and any(n is node for n in ast.walk(f))]
    if not holders:
        return tuple(sorted({n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and len(n.id) == 1}))
    inner = holders[-1]
    stored = {n.id for n in ast.walk(inner) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return tuple(sorted({argument.arg for argument in (*inner.args.args, *inner.args.kwonlyargs)} | stored))


def _set(**fields: object) -> Callable[[ast.AST], None]:
    def make(node: ast.AST) -> None:
        for name, value in fields.items():
            setattr(node, name, value)

    return make


def _changes(node: ast.AST, names: tuple[str, ...]) -> Iterator[_Change]:
    for kind, changes in _BY_KIND.items():
        if isinstance(node, kind):
            yield from changes(node, names)


# ---- what can be changed of each kind of node


def _of_operation(node: ast.BinOp | ast.AugAssign, names: tuple[str, ...]) -> Iterator[_Change]:
    others = OTHER_OPERATORS.get(type(node.op), ARITHMETIC)
    for op in others:
        if not isinstance(node.op, op):
            yield _Change(f"{type(node.op).__name__} to {op.__name__}", _set(op=op()))
    if isinstance(node, ast.BinOp):
        yield _Change("right operand left out", lambda n: n.left)
        yield _Change("left operand left out", lambda n: n.right)
        yield _Change("operands swapped", lambda n: _set(left=n.right, right=n.left)(n))
        for factor in (2.0, 0.5):
            yield _Change(f"times {factor:g}", lambda n, f=factor: ast.BinOp(ast.Constant(f), ast.Mult(), n))
        yield _Change("negated", lambda n: ast.UnaryOp(ast.USub(), n))


def _of_comparison(node: ast.Compare, names: tuple[str, ...]) -> Iterator[_Change]:
    for op in COMPARISONS:
        if not isinstance(node.ops[0], op):
            yield _Change(f"{type(node.ops[0]).__name__} to {op.__name__}", lambda n, o=op: _set(ops=[o()])(n))


def _of_constant(node: ast.Constant, names: tuple[str, ...]) -> Iterator[_Change]:
    value = node.value
    if isinstance(value, bool):
        yield _Change("truth turned round", _set(value=not value))
    elif isinstance(value, int | float):
        for other in sorted({value + 1, value - 1, -value, 2 * value, value / 2, 0, 1} - {value}):
            other = int(other) if isinstance(value, int) and other == int(other) else other
            yield _Change(f"{value} to {other}", _set(value=other))


def _of_sign(node: ast.UnaryOp, names: tuple[str, ...]) -> Iterator[_Change]:
    yield _Change("sign left out", lambda n: n.operand)


def _of_junction(node: ast.BoolOp, names: tuple[str, ...]) -> Iterator[_Change]:
    yield _Change("and for or", _set(op=ast.And() if isinstance(node.op, ast.Or) else ast.Or()))


def _of_call(node: ast.Call, names: tuple[str, ...]) -> Iterator[_Change]:
    function = node.func
    if isinstance(function, ast.Attribute) and not _is_module(function.value):
        yield _Change("method left out", lambda n: n.func.value)
    elif node.args:
        yield _Change("function left out", lambda n: n.args[0])
    for i in range(len(node.keywords)):
        yield _Change("keyword left out", lambda n, i=i: _set(keywords=n.keywords[:i] + n.keywords[i + 1 :])(n))
    for i in range(len(node.args)):
        yield _Change("argument left out", lambda n, i=i: _set(args=n.args[:i] + n.args[i + 1 :])(n))
    for i, j in itertools.combinations(range(len(node.args)), 2):
        yield _Change("arguments swapped", lambda n, i=i, j=j: _set(args=_swapped(n.args, i, j))(n))


def _of_attribute(node: ast.Attribute, names: tuple[str, ...]) -> Iterator[_Change]:
    for other in OTHER_FUNCTIONS.get(node.attr, ()):
        yield _Change(f"{node.attr} to {other}", _set(attr=other))
    if node.attr in ("T", "mT"):
        yield _Change("transpose left out", lambda n: n.value)


def _of_name(node: ast.Name, names: tuple[str, ...]) -> Iterator[_Change]:
    if not isinstance(node.ctx, ast.Load):
        return
    others = names if node.id in names else OTHER_FUNCTIONS.get(node.id, ()) if node.id in ("min", "max", "sum") else ()
    for other in others:
        if other != node.id:
            yield _Change(f"{node.id} to {other}", _set(id=other))


def _of_index(node: ast.Subscript, names: tuple[str, ...]) -> Iterator[_Change]:
    if isinstance(node.ctx, ast.Load):
        yield _Change("index left out", lambda n: n.value)


def _of_slice(node: ast.Slice, names: tuple[str, ...]) -> Iterator[_Change]:
    for end in ("lower", "upper"):
        if getattr(node, end) is not None:
            yield _Change(f"{end} end left out", _set(**{end: None}))


def _of_row(node: ast.Tuple | ast.List, names: tuple[str, ...]) -> Iterator[_Change]:
    if not isinstance(node.ctx, ast.Load):
        return
    for i, j in itertools.combinations(range(len(node.elts)), 2):
        yield _Change("entries swapped", lambda n, i=i, j=j: _set(elts=_swapped(n.elts, i, j))(n))
        yield _Change("entry twice", lambda n, i=i, j=j: _set(elts=[*n.elts[:j], n.elts[i], *n.elts[j + 1 :]])(n))
        yield _Change("entry moved", lambda n, i=i, j=j: _set(elts=_moved(n.elts, i, j))(n))
        yield _Change("entry moved up", lambda n, i=i, j=j: _set(elts=_moved(n.elts, j, i))(n))
    if len(node.elts) > 1:
        for i in range(len(node.elts)):
            yield _Change("entry left out", lambda n, i=i: _set(elts=n.elts[:i] + n.elts[i + 1 :])(n))
            yield _Change("one entry kept", lambda n, i=i: n.elts[i])


def _of_dict(node: ast.Dict, names: tuple[str, ...]) -> Iterator[_Change]:
    for i, j in itertools.combinations(range(len(node.values)), 2):
        yield _Change("values swapped", lambda n, i=i, j=j: _set(values=_swapped(n.values, i, j))(n))
    for i in range(len(node.values)):
        yield _Change(
            "entry left out",
            lambda n, i=i: _set(keys=n.keys[:i] + n.keys[i + 1 :], values=n.values[:i] + n.values[i + 1 :])(n),
        )


def _of_statement(node: ast.stmt, names: tuple[str, ...]) -> Iterator[_Change]:
    yield _Change("statement left out", lambda n: ast.Pass())


def _of_branch(node: ast.If, names: tuple[str, ...]) -> Iterator[_Change]:
    yield _Change("condition left out", lambda n: n.body)
    yield _Change("branch left out", lambda n: n.orelse or ast.Pass())


def _of_choice(node: ast.IfExp, names: tuple[str, ...]) -> Iterator[_Change]:
    yield _Change("always the first choice", lambda n: n.body)
    yield _Change("always the second choice", lambda n: n.orelse)


_BY_KIND: dict[type | tuple[type, ...], Callable[..., Iterator[_Change]]] = {
    (ast.BinOp, ast.AugAssign): _of_operation,
    ast.Compare: _of_comparison,
    ast.Constant: _of_constant,
    ast.UnaryOp: _of_sign,
    ast.BoolOp: _of_junction,
    ast.Call: _of_call,
    ast.Attribute: _of_attribute,
    ast.Name: _of_name,
    ast.Subscript: _of_index,
    ast.Slice: _of_slice,
    (ast.Tuple, ast.List): _of_row,
    ast.Dict: _of_dict,
    (ast.Assign, ast.AugAssign, ast.Expr, ast.For): _of_statement,
    ast.If: _of_branch,
    ast.IfExp: _of_choice,
}


def _is_module(node: ast.expr) -> bool:
    return (isinstance(node, ast.Name) and node.id in _MODULES) or (
        isinstance(node, ast.Attribute) and node.attr in _MODULES and _is_module(node.value)
    )


def _swapped(entries: list[ast.expr], i: int, j: int) -> list[ast.expr]:
    entries = list(entries)
    entries[i], entries[j] = entries[j], entries[i]
    return entries


def _moved(entries: list[ast.expr], i: int, to: int) -> list[ast.expr]:
    entries = list(entries)
    entries.insert(to, entries.pop(i))
    return entries
