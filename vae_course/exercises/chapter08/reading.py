"""Answers of chapters 8 and 9 that are read before they are compared: dicts, and values of which several are right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from vae_course.exercises.asking import WrongTypeError, describe, to_array
from vae_course.exercises.judging import can_be_called

Reader = Callable[[Any], Callable[..., Any]]


def reader(*arguments: str, then: Callable[..., Any]) -> Reader:
    """What makes of an answer a function that hands what it returns to `then`, along with the inputs.

    arguments: the names of the inputs. then: takes the returned value and the inputs as NumPy arrays, taken before
    the call; gives what is to be compared. It is not called where the answer returned `...` or None.
    """
    call = f"f({', '.join(arguments)})"

    def read(answer: Any) -> Callable[..., Any]:
        def function(*inputs: Any) -> Any:
            if not callable(answer):
                raise WrongTypeError(f"That is {describe(answer)}. Hand over the function itself, `{call}`.")
            if not can_be_called(answer, len(arguments)):
                raise WrongTypeError(f"Your function must take the arguments ({', '.join(arguments)}), in this order.")
            kept = [to_array(value) for value in inputs]
            returned = answer(*inputs)
            return returned if returned is None or returned is ... else then(returned, *kept)

        return function

    return read


def as_order(values: np.ndarray, n: int) -> list[int] | None:
    """The numbers as indices from 0 to n - 1, each once, or None if they are not."""
    if values.shape != (n,) or not np.array_equal(np.sort(values), np.arange(n)):
        return None
    return [int(value) for value in values]
