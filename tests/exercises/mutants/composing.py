"""Right answers, made by the dozen: the forms of the chapters' tests and rewritten sources, in every unusual dress."""

from __future__ import annotations

import functools
import importlib
import random
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import sympy
from dressing import INWARD, MAKES, OUTWARD, dress
from mutant_slips_of_orders import CHAINS
from mutant_sources import all_sources
from mutant_values import probes
from rewriting import rewrite

from vae_course.exercises import _EXERCISES
from vae_course.exercises.base import Exercise

WITHOUT_GRADIENT = ("shortest_tour", "pcn_chain")  # a form takes tensors to NumPy, which refuses those with a gradient
GRADIENTS = ("with gradients", "subclass")
MODULES = {1: "test_exercise_right_answers"} | {chapter: f"test_chapter{chapter:02d}" for chapter in range(2, 12)}


class Right(NamedTuple):
    """An answer that is right, and how it was made."""

    made: str
    answer: Any


def right_answers(name: str, rng: random.Random, n: int) -> list[Right]:
    """n right answers to an exercise, or all that there are of those whose answer is no function."""
    if name == "symmetric_form":
        return rng.sample(found := _formulas(), min(n, len(found)))
    if name == "order_the_proof":
        return rng.sample(found := _proofs(), min(n, len(found)))
    forms = _forms(name)
    exercise = _EXERCISES[name]
    n_outputs = len(probes(name)[0].wanted) if isinstance(exercise, Exercise) else 1
    found = []
    for i in range(n):
        if i % 3 == 2:
            form, answer = _rewritten(name, rng)
        else:
            form = rng.choice(list(forms))
            answer = forms[form]
        plain = [key for key in INWARD if name not in WITHOUT_GRADIENT or key not in GRADIENTS]
        inward, outward, make = (rng.choice(list(keys)) for keys in (plain, OUTWARD, MAKES))
        dressed = dress(answer, inward, outward, make, n_outputs=n_outputs)
        found.append(Right(f"{form} | {inward} | {outward} | {make}", dressed))
    return found


def _forms(name: str) -> dict[str, Callable[..., Any]]:
    """The right answers of the chapters' tests, which are written by hand."""
    if name == "pcn_chain":
        return {answer.__name__: answer for answer in importlib.import_module("test_chapter06_chain").RIGHT}
    table = importlib.import_module(MODULES[_EXERCISES[name].chapter]).RIGHT
    found: dict[str, Callable[..., Any]] = table.get(name, {})
    sources = {f"source of the {source.where}": source.build() for source in all_sources()[name]}
    return {**found, **sources}


def _rewritten(name: str, rng: random.Random) -> tuple[str, Callable[..., Any]]:
    source = rng.choice(all_sources()[name])
    text = rewrite(source.text, rng)
    return f"rewritten:\n{text}\n", source.build(text)


# ---- answers that are no functions


@functools.cache
def _formulas() -> tuple[Right, ...]:
    """The form of chapter 7 in other shapes, symbols and containers."""
    real, plain, positive = (
        sympy.symbols("z w b", **assumptions) for assumptions in ({"real": True}, {}, {"positive": True})
    )
    found = []
    for kind, (z, w, b) in {"real": real, "plain": plain, "positive": positive}.items():
        root = sympy.sqrt(1 - b**2)
        shapes = {
            "gathered": (z**2 + w**2 - 2 * root * z * w) / b**2,
            "terms": z**2 / b**2 + w**2 / b**2 - 2 * root * z * w / b**2,
            "expanded": sympy.expand((z**2 + w**2 - 2 * root * z * w) / b**2),
            "factors under the root": (z**2 + w**2 - 2 * sympy.sqrt((1 - b) * (1 + b)) * z * w) / b**2,
            "squares": ((z - w) ** 2 + 2 * z * w * (1 - root)) / b**2,
            "sum": ((z + w) ** 2 - 2 * z * w * (1 + root)) / b**2,
            "mean": ((1 - root) * (z + w) ** 2 + (1 + root) * (z - w) ** 2) / (2 * b**2),
        }
        for shape, form in shapes.items():
            found += [
                Right(f"{shape}, {kind}", form),
                Right(f"{shape}, {kind}, text", str(form)),
                Right(f"{shape}, {kind}, function of nothing", _always(form)),
                Right(f"{shape}, {kind}, text from a function", _always(str(form))),
                Right(f"{shape}, {kind}, matrix", sympy.Matrix([[form]])),
                Right(f"{shape}, {kind}, held", sympy.UnevaluatedExpr(form)),
            ]
    return tuple(found)


def _always(value: Any) -> Callable[[], Any]:
    return lambda: value


@functools.cache
def _proofs() -> tuple[Right, ...]:
    """Every right order of the proof's lines, in four containers."""
    found = []
    containers: dict[str, Callable[[list[str]], Any]] = {
        "list": list,
        "tuple": tuple,
        "array": np.array,
        "function": _always,
    }
    for order in _merged(CHAINS[0][:-1], CHAINS[1][:-1]):
        for word, contain in containers.items():
            found.append(Right(f"{word} {order}", contain([*order, "cancel"])))
    return tuple(found)


def _merged(one: tuple[str, ...], other: tuple[str, ...]) -> list[list[str]]:
    """All ways to join two rows that keep the order of each."""
    if not one or not other:
        return [[*one, *other]]
    first = [[one[0], *rest] for rest in _merged(one[1:], other)]
    return first + [[other[0], *rest] for rest in _merged(one, other[1:])]
