"""The same function written in another way: operands and comparisons turned round, squares as products, other names."""

from __future__ import annotations

import ast
import copy
import random
from collections.abc import Callable

FUNCTIONS = ("exp", "log", "sqrt", "sum", "mean", "var", "logsumexp", "trace", "clamp", "argmax", "roll", "diag")
_TURNED = {ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE}


def rewrite(source: str, rng: random.Random, *, most: int = 8) -> str:
    """The source with up to `most` rewritings at random places; the same values come out, up to rounding."""
    tree = ast.parse(source)
    for _ in range(rng.randint(1, most)):
        nodes = [node for node in ast.walk(tree) if any(rule(node) is not None for rule in RULES)]
        if not nodes:
            break
        target = rng.choice(nodes)
        found = [new for rule in RULES if (new := rule(target)) is not None]
        tree = ast.fix_missing_locations(_Swap(target, rng.choice(found)).visit(tree))
    return ast.unparse(_with_other_names(tree) if rng.random() < 0.5 else tree)


class _Swap(ast.NodeTransformer):
    def __init__(self, target: ast.AST, new: ast.AST | list[ast.stmt]) -> None:
        self._target, self._new = target, new

    def visit(self, node: ast.AST) -> ast.AST | list[ast.stmt]:
        return self._new if node is self._target else self.generic_visit(node)


# ---- rules: a node's other form, or None


def _turn_sum(node: ast.AST) -> ast.AST | None:
    match node:
        case ast.BinOp(left, ast.Add() | ast.Mult() as op, right):
            return ast.BinOp(right, op, left)
        case ast.BinOp(left, ast.Sub(), right):
            return ast.BinOp(ast.UnaryOp(ast.USub(), right), ast.Add(), left)
    return None


def _multiply_square(node: ast.AST) -> ast.AST | None:
    match node:
        case ast.BinOp(left, ast.Pow(), ast.Constant(2)):
            return ast.BinOp(left, ast.Mult(), copy.deepcopy(left))
    return None


def _divide(node: ast.AST) -> ast.AST | None:
    match node:
        case ast.BinOp(ast.Constant(0.5), ast.Mult(), right):
            return ast.BinOp(right, ast.Div(), ast.Constant(2))
        case ast.BinOp(left, ast.Div(), ast.Constant(int() | float() as number)) if number:
            return ast.BinOp(ast.Constant(1 / number), ast.Mult(), left)
        case ast.BinOp(left, ast.Div(), right):
            return ast.BinOp(left, ast.Mult(), ast.BinOp(right, ast.Pow(), ast.Constant(-1.0)))
    return None


def _turn_comparison(node: ast.AST) -> ast.AST | None:
    match node:
        case ast.Compare(left, [op], [right]) if type(op) in _TURNED:
            return ast.Compare(right, [_TURNED[type(op)]()], [left])
    return None


def _call_function(node: ast.AST) -> ast.AST | None:
    """`x.exp()` as `torch.exp(x)`."""
    match node:
        case ast.Call(ast.Attribute(value, name), args, keywords) if name in FUNCTIONS and not _is_module(value):
            if any(word.arg == "axis" for word in keywords):  # NumPy's
                return None
            return ast.Call(ast.Attribute(ast.Name("torch", ast.Load()), name, ast.Load()), [value, *args], keywords)
    return None


def _count_from_end(node: ast.AST) -> ast.AST | None:
    """`dim=1` as `dim=-1`: where it stands in these sources there are two axes."""
    match node:
        case ast.keyword("dim", ast.Constant(1)):
            return ast.keyword("dim", ast.Constant(-1))
        case ast.keyword("dim", ast.Constant(0)):
            return ast.keyword("axis", ast.Constant(0))
    return None


def _keep_result(node: ast.AST) -> list[ast.stmt] | None:
    """The result under a name of its own before it is returned."""
    match node:
        case ast.Return(ast.expr() as value) if not isinstance(value, ast.Name):
            return [ast.Assign([ast.Name("result", ast.Store())], value), ast.Return(ast.Name("result", ast.Load()))]
    return None


def _transpose(node: ast.AST) -> ast.AST | None:
    match node:
        case ast.Attribute(value, "T"):
            return ast.Call(ast.Attribute(value, "transpose", ast.Load()), [ast.Constant(0), ast.Constant(1)], [])
    return None


RULES: tuple[Callable[[ast.AST], ast.AST | list[ast.stmt] | None], ...] = (
    _turn_sum, _multiply_square, _divide, _turn_comparison, _call_function, _count_from_end, _keep_result, _transpose,
)  # fmt: skip


def _is_module(node: ast.expr) -> bool:
    return isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node) in (
        "torch", "math", "sympy", "itertools", "torch.linalg", "functional", "sampling", "np",
    )  # fmt: skip


def _with_other_names(tree: ast.Module) -> ast.Module:
    """The arguments of the last function, and its variables, under other names."""
    function = tree.body[-1]
    if not isinstance(function, ast.FunctionDef):
        return tree
    stored = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    other = {name: f"{name}_" for name in {argument.arg for argument in function.args.args} | stored}
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            node.id = other.get(node.id, node.id)
        elif isinstance(node, ast.arg):
            node.arg = other.get(node.arg, node.arg)
    return tree
