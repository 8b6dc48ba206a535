"""What an exercise is made of: inputs, the right function, the slips people make, faulty functions to know them by."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

Inputs = dict[str, Any]  # argument name -> NumPy array (handed over as a tensor or an array) or any other value
Values = tuple[np.ndarray, ...]  # what a function returned: one array for each output
Ask = Callable[[Inputs], Values | None]  # calls the learner's function; None if it gave nothing usable


@dataclass(frozen=True)
class Slip:
    """A mistake that a check can name.

    summary: one sentence, for a list of slips. message: what the learner reads - the mistake, why it
    is one, how to think about it, without the code. shown_by: a test of behaviour, for slips that are no single
    function of the inputs (noise of one's own, say); it must be True only when the slip is certain. problem: the
    trouble with a call that is this very slip; "changed", where the exercise is about leaving the inputs alone.
    """

    summary: str
    message: str
    shown_by: Callable[[Ask, np.random.Generator], bool] | None = None
    problem: Literal["", "changed"] = ""


@dataclass(frozen=True)
class Faulty:
    """A wrong function and the slips in it. Without slips, `remark` says what is wrong and no slip is named."""

    slips: tuple[str, ...]
    function: Callable[..., Any]
    remark: str = ""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What every exercise has, whatever kind of answer it wants.

    returns: the answer's form in words. reference: the right function. praise: said when the answer is right, so
    it must not vary. hints: a nudge, the formula, nearly the code.
    """

    name: str
    chapter: int
    returns: str
    reference: Callable[..., Any]
    slips: Mapping[str, Slip]
    hints: tuple[str, str, str]
    praise: str


@dataclass(frozen=True, kw_only=True)
class Exercise(Question):
    """An exercise whose answer is a function, compared with the right one and with faulty ones.

    draw: fresh random inputs, in the order of the arguments. examples: fixed small inputs that a person can
    follow by hand; the first where an answer is wrong is shown. up_to_constant: the result may be shifted by any number
    that is the same for all of its entries. read: makes a function of the inputs from an answer that is something
    else (a formula, say); raises WrongTypeError when called if there is nothing to make of it. unfinished: says
    of an answer that gives the right values what is still to be done, or "".
    """

    draw: Callable[[np.random.Generator], Inputs]
    examples: tuple[Inputs, ...]
    faulty: tuple[Faulty, ...]
    up_to_constant: bool = False
    read: Callable[[Any], Callable[..., Any]] | None = None
    unfinished: Callable[[Any], str] | None = None

    def __post_init__(self) -> None:
        known_by_function = {fault.slips for fault in self.faulty}
        for fault in self.faulty:
            unknown = set(fault.slips) - set(self.slips)
            if unknown:
                raise ValueError(f"exercise {self.name}: a faulty function has unknown slips {sorted(unknown)}")
            if not fault.slips and not fault.remark:
                raise ValueError(f"exercise {self.name}: a faulty function needs slips or a remark")
        for key, slip in self.slips.items():
            if (key,) not in known_by_function and slip.shown_by is None and not slip.problem:
                raise ValueError(f"exercise {self.name}: nothing shows the slip {key!r}; give a faulty function")

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names of the arguments, in order."""
        return tuple(self.examples[0])


def faulty_family(
    function: Callable[..., Any], *, most: int = 2, **axes: Mapping[Any, str | None]
) -> tuple[Faulty, ...]:
    """Every faulty version of `function` with at most `most` different slips.

    function: takes the exercise's inputs and one keyword for each axis. axes: choice -> the slip that it is, or None
    for the right choice. Ordered by number of slips, so that the simplest explanation is found first.
    """
    family = []
    for choices in itertools.product(*(axis.items() for axis in axes.values())):
        slips = tuple(dict.fromkeys(slip for _, slip in choices if slip is not None))
        if 1 <= len(slips) <= most:
            settings = dict(zip(axes, (choice for choice, _ in choices), strict=True))
            family.append(Faulty(slips, partial(function, **settings)))
    return tuple(sorted(family, key=lambda fault: len(fault.slips)))
