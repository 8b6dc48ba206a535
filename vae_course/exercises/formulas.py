"""Answers that are formulas: SymPy expressions, text, or functions of symbols. Text is parsed, never run.

SymPy is imported when the first formula is read, since that takes a quarter of a second.
"""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from vae_course.exercises.asking import WrongTypeError, describe

LONGEST = 500  # characters of text, and parts of an expression
HIGHEST = 16  # power
_SPELLINGS = {"^": "**", "²": "**2", "·": "*", "×": "*", "−": "-"}
_OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_HOW_TO_WRITE = "Write it as in Python, with `*` for every product and `sqrt(...)` for a root: `2 * sqrt(b) * z`."


def formula_reader(*names: str) -> Callable[[Any], Callable[..., Any]]:
    """What makes a function of numbers from an answer that is a formula in the symbols `names`.

    The formula is read at the first call, where errors can be caught: WrongTypeError if it is none.
    """

    def read(answer: Any) -> Callable[..., Any]:
        expression_once = functools.cache(lambda: to_expression(answer, names))

        def value(*numbers: Any) -> Any:
            expression = expression_once()
            if expression is None or expression is ...:
                return expression
            # a formula without some of the symbols still has a value for each of the numbers
            return _evaluate(expression, dict(zip(names, numbers, strict=True))) + 0.0 * numbers[0]

        return value

    return read


def to_expression(answer: Any, names: Sequence[str]) -> Any:
    """The answer as a SymPy expression in real symbols `names`, or `...` or None as it is.

    answer: an expression (symbols are found by name), a number, text, or a function of the symbols or of nothing that
    returns one of these. Raises WrongTypeError for anything else.
    """
    import sympy

    symbols = tuple(sympy.Symbol(name, real=True) for name in names)
    if callable(answer) and not isinstance(answer, sympy.Basic):
        answer = _call(answer, symbols)
    if answer is None or answer is ...:
        return answer
    if isinstance(answer, sympy.MatrixBase) and answer.shape == (1, 1):
        answer = answer[0, 0]
    if isinstance(answer, str):
        answer = _parse(answer, dict(zip(names, symbols, strict=True)))
    elif type(answer) is not bool and isinstance(answer, int | float | np.number):
        answer = sympy.Float(float(answer))
    if isinstance(answer, sympy.Equality):
        raise WrongTypeError("That is an equation. Hand over its right-hand side alone.")
    if not isinstance(answer, sympy.Expr):
        raise WrongTypeError(f"That is {describe(answer)}, where a formula is wanted.")
    if len(list(itertools.islice(sympy.preorder_traversal(answer), LONGEST))) == LONGEST:
        raise WrongTypeError("The formula is far longer than it need be.")
    strange = sorted({symbol.name for symbol in answer.free_symbols} - set(names))
    if strange:
        raise WrongTypeError(f"The formula holds {_quoted(strange)}. Use the symbols {_quoted(names)} alone.")
    by_name = dict(zip(names, symbols, strict=True))
    return answer.xreplace({symbol: by_name[symbol.name] for symbol in answer.free_symbols})


def looks_symmetric(expression: Any, one: str, other: str) -> bool:
    """Whether the expression stays the same, as it is written, when two symbols change places.

    The order of terms does not matter, nor the sign of what stands under an even power.
    """
    import sympy

    a, b = sympy.Symbol(one, real=True), sympy.Symbol(other, real=True)
    return bool(_unsigned(expression.xreplace({a: b, b: a})) == _unsigned(expression))


def _call(function: Callable[..., Any], symbols: Sequence[Any]) -> Any:
    try:
        takes_symbols = bool(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # some built-in functions have no signature
        takes_symbols = True
    returned = function(*symbols) if takes_symbols else function()
    if inspect.isfunction(returned) or inspect.isclass(returned):
        raise WrongTypeError(f"It returned {describe(returned)}.")
    return returned


def _parse(text: str, symbols: Mapping[str, Any]) -> Any:
    for sign, python in _SPELLINGS.items():
        text = text.replace(sign, python)
    if len(text) > LONGEST:
        raise WrongTypeError("The text is far longer than it need be.")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError):
        raise WrongTypeError(f"The text cannot be read as a formula. {_HOW_TO_WRITE}") from None
    return _build(tree.body, symbols)


def _build(node: ast.expr, symbols: Mapping[str, Any]) -> Any:
    import sympy

    match node:
        case ast.Name(id=name) if name in symbols:
            return symbols[name]
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool) and abs(value) < 1e6:
            return sympy.sympify(value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_build(operand, symbols)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _build(operand, symbols)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            a, b = _build(left, symbols), _build(right, symbols)
            if isinstance(op, ast.Pow):
                _check_power(b)
            return _OPERATORS[type(op)](a, b)
        case ast.Call(func=ast.Name(id="sqrt") | ast.Attribute(attr="sqrt"), args=[argument], keywords=[]):
            return sympy.sqrt(_build(argument, symbols))
        case ast.Name(id=name):
            raise WrongTypeError(f"The text holds `{name[:40]}`. Use the symbols {_quoted(tuple(symbols))} alone.")
    raise WrongTypeError(f"The text holds something else than numbers, symbols, + - * / ** and sqrt. {_HOW_TO_WRITE}")


def _check_power(power: Any) -> float:
    if not power.is_Number or not abs(float(power)) <= HIGHEST:
        raise WrongTypeError(
            "The formula holds a power that is too high, or no plain number. Squares and roots will do."
        )
    return float(power)


def _evaluate(expression: Any, values: Mapping[str, Any]) -> Any:
    """The expression's value. Only sums, products, powers and sizes are known, so that this is quick and safe."""
    import sympy

    if expression.is_Symbol:
        return values[expression.name]
    if expression.is_Number or expression.is_NumberSymbol:
        return float(expression)
    if expression.is_Add:
        return sum(_evaluate(part, values) for part in expression.args)
    if expression.is_Mul:
        return math.prod(_evaluate(part, values) for part in expression.args)
    if expression.is_Pow:
        return _evaluate(expression.base, values) ** _check_power(expression.exp)
    if isinstance(expression, sympy.Abs):
        return abs(_evaluate(expression.args[0], values))
    if isinstance(expression, sympy.UnevaluatedExpr):
        return _evaluate(expression.args[0], values)
    raise WrongTypeError(f"The formula holds {type(expression).__name__}. Sums, products, powers and roots will do.")


def _unsigned(expression: Any) -> Any:
    """Built again, with the sign of what stands under an even power chosen in one way."""
    import sympy

    if not expression.args:
        return expression
    parts = [_unsigned(part) for part in expression.args]
    even = expression.is_Pow and parts[1].is_Integer and parts[1] % 2 == 0
    if (even or isinstance(expression, sympy.Abs)) and parts[0].could_extract_minus_sign():
        parts[0] = -parts[0]
    return expression.func(*parts)


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
