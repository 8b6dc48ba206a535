"""SymPy expressions on their way between the processes: trees of a few known parts, never text that is run."""

from __future__ import annotations

import re
from typing import Any

MOST_PARTS = 2000
_HEADS = ("Add", "Mul", "Pow", "Abs", "UnevaluatedExpr", "Equality")


def plain_name(name: Any) -> str:
    """Letters and digits of the name, forty at most."""
    return re.sub(r"\W", "", str(name))[:40] or "object"


def pack_formula(value: Any) -> Any:
    """A SymPy expression as a tree; None if it is none, or of more than MOST_PARTS parts."""
    if not type(value).__module__.startswith("sympy."):
        return None
    import sympy

    if isinstance(value, sympy.MatrixBase) and value.shape == (1, 1):
        value = value[0, 0]
    if not isinstance(value, sympy.Basic):
        return None
    left = iter(range(MOST_PARTS))

    def tree(node: Any) -> Any:
        next(left)
        if isinstance(node, sympy.Symbol):
            return ["Symbol", node.name[:40], bool(node.is_real)]
        if isinstance(node, sympy.Rational):
            return ["Rational", int(node.p), int(node.q)]
        if isinstance(node, sympy.Float):
            return ["Float", str(node)]
        head = next((name for name in _HEADS if type(node) is getattr(sympy, name)), None)
        if head is None:
            return ["Other", str(node.func.__name__)]
        return [head, *(tree(part) for part in node.args)]

    try:
        return {"t": "formula", "v": tree(value)}
    except (StopIteration, RuntimeError):
        return {"t": "other", "name": "formula of more parts than it need have"}


def unpack_formula(tree: Any) -> Any:
    """The expression, built from the parts that are known. Raises ValueError, TypeError or KeyError for others."""
    import sympy

    head, *parts = tree
    if head == "Symbol":
        return sympy.Symbol(str(parts[0]), real=True if parts[1] else None)
    if head == "Rational":
        return sympy.Rational(int(parts[0]), int(parts[1]))
    if head == "Float":
        return sympy.Float(str(parts[0])[:60])
    if head == "Other":
        return sympy.Function(plain_name(parts[0]))(sympy.Symbol("x"))
    if head not in _HEADS:
        raise ValueError("unknown part of a formula")
    below = [unpack_formula(part) for part in parts]
    maker = getattr(sympy, head)
    return maker(*below, evaluate=False) if head in ("Add", "Mul", "Pow", "Equality") else maker(*below)
