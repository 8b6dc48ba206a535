"""Exercise of chapter 7: the quadratic form in which z and its proposal may change places, as a formula."""

from __future__ import annotations

from typing import Any

import numpy as np

from vae_course.exercises.base import Ask, Exercise, Faulty, Inputs, Slip
from vae_course.exercises.chapter04.draws import away_from_zero
from vae_course.exercises.formulas import formula_reader, looks_symmetric, to_expression

_SYMBOLS = ("z", "w", "b")
_CLOSE = 1e-4  # relative; float32 passes


def symmetric_form(z: Any, w: Any, b: Any) -> Any:
    """z^2 + (w - sqrt(1 - b^2) z)^2 / b^2, with everything over b^2 and the terms in z^2 gathered.

    z, w, b: numbers, tensors or SymPy symbols; b in (0, 1]. Minus twice the logarithm of prior times
    proposal in one dimension, up to a constant; chapter 7.
    """
    half = 1 / 2
    if hasattr(b, "free_symbols"):
        import sympy

        half = sympy.Rational(1, 2)
    return (z**2 + w**2 - 2 * (1 - b**2) ** half * z * w) / b**2


def _draw_points(rng: np.random.Generator) -> Inputs:
    return {"z": away_from_zero(rng, 5), "w": away_from_zero(rng, 5), "b": rng.uniform(0.3, 0.9, size=5)}


def _coefficients(ask: Ask, rng: np.random.Generator) -> tuple[np.ndarray, ...] | None:
    """b, and those of z^2, w^2 and z w at each b, relative to the right one of z^2; None if it is no such form."""
    b = np.linspace(0.25, 0.85, 7)
    one, zero = np.ones_like(b), np.zeros_like(b)
    points = [(one, zero), (zero, one), (one, one), *((rng.uniform(-2, 2, 7), rng.uniform(-2, 2, 7)) for _ in range(4))]
    replies = [ask({"z": z, "w": w, "b": b}) for z, w in points]
    values = [reply[0].astype(float) * b**2 for reply in replies if reply is not None]
    if len(values) < len(points) or not all(v.shape == b.shape and np.isfinite(v).all() for v in values):
        return None
    of_z, of_w, both = values[:3]
    cross = both - of_z - of_w
    largest = max(np.abs(values).max(), 1e-6)
    for (z, w), value in zip(points[3:], values[3:], strict=True):
        if np.abs(of_z * z**2 + of_w * w**2 + cross * z * w - value).max() > _CLOSE * largest:
            return None
    return b, of_z, of_w, cross


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.abs(one - other).max() <= _CLOSE * max(np.abs(other).max(), 1.0))


def _is_not_symmetric(ask: Ask, rng: np.random.Generator) -> bool:
    found = _coefficients(ask, rng)
    return found is not None and not _equal(found[1], found[2])


def _has_wrong_cross_term(ask: Ask, rng: np.random.Generator) -> bool:
    """Whether the squares are right and the cross term is not."""
    found = _coefficients(ask, rng)
    if found is None:
        return False
    b, of_z, of_w, cross = found
    right = np.ones_like(b)
    return _equal(of_z, right) and _equal(of_w, right) and not _equal(cross, -2 * np.sqrt(1 - b**2))


def _has_wrong_denominator(ask: Ask, rng: np.random.Generator) -> bool:
    """Whether the form is the right one but for what it is divided by, as a whole or in the squares alone.

    A plain factor is no denominator, unless it is the 2 from the Gaussian's exponent.
    """
    found = _coefficients(ask, rng)
    if found is None or not _equal(found[1], found[2]) or (found[1] <= 0).any():
        return False
    b, of_z, _, cross = found
    plain_factor = _equal(of_z, np.full_like(b, of_z[0]))
    right = -2 * np.sqrt(1 - b**2)
    if plain_factor and not _equal(of_z, np.full_like(b, 0.5)):
        return False
    return _equal(cross, right * of_z) or _equal(cross, right)


def _what_is_left(answer: Any) -> str:
    if looks_symmetric(to_expression(answer, _SYMBOLS), "z", "w"):
        return ""
    return (
        "Your formula is equal to the form that you started from, so nothing in it is wrong. But write it down "
        "with `z` and `w` swapped, and it looks different: the symmetry is not to be seen yet. Multiply the "
        "square out, and gather the terms in `z**2`."
    )


SYMMETRIC_FORM = Exercise(
    name="symmetric_form",
    chapter=7,
    returns="one SymPy expression in z, w and b",
    draw=_draw_points,
    examples=(
        {"z": np.array([1.0, 0.0, 1.0, 2.0]), "w": np.array([0.0, 1.0, 1.0, -1.0]), "b": np.full(4, 0.6)},
        {"z": np.array([1.0, 2.0]), "w": np.array([3.0, 1.0]), "b": np.array([1.0, 0.8])},
    ),
    reference=symmetric_form,
    read=formula_reader(*_SYMBOLS),
    unfinished=_what_is_left,
    slips={
        "not_symmetric": Slip(
            "It changes when z and w change places.",
            "Your form changes when z and w change places: z^2 and w^2 do not have the same coefficient. The term "
            "in z^2 comes from two places, from the prior and from the square. What do the two add up to?",
            shown_by=_is_not_symmetric,
        ),
        "wrong_cross_term": Slip(
            "The squares are right, the product of z and w is not.",
            "The terms in z^2 and w^2 are right, but the one in the product of z and w is not. Multiply the square "
            "out once more, and look at its factor, its sign, its root, and what it is divided by.",
            shown_by=_has_wrong_cross_term,
        ),
        "wrong_denominator": Slip(
            "It is divided by the wrong thing.",
            "Your form is symmetric, but divided by the wrong thing. Look at w^2, which comes from one place "
            "alone, and see what it is divided by there; then bring the term z^2 of the prior to the same denominator.",
            shown_by=_has_wrong_denominator,
        ),
    },
    faulty=(
        Faulty(
            (),
            lambda z, w, b: -0.5 * symmetric_form(z, w, b),
            remark="That is the log-density itself, with its factor of minus a half. Asked is minus twice that: "
            "the form alone.",
        ),
        Faulty(
            (),
            lambda z, w, b: -symmetric_form(z, w, b),
            remark="The sign of the whole is turned round: the form must be above 0.",
        ),
    ),
    hints=(
        "Multiply the square out. How often do you find $z^2$, and with which coefficients?",
        r"$z^2 + \frac{1 - b^2}{b^2} z^2 = \frac{1}{b^2} z^2$. So all three terms stand over $b^2$.",
        "`z**2 + w**2`, minus twice the root times `z * w`, all divided by `b**2`; the root is `sympy.sqrt(1 - b**2)`. "
        "`sympy.expand` of the form you started from shows the same.",
    ),
    praise="Swap z and w, and it is the same formula: prior times proposal is the same in both directions.",
)
