"""Hands inputs to an answer in the kinds that people write for, and reads whatever comes back."""

from __future__ import annotations

import copy
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Number
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from vae_course.exercises.base import Inputs, Values
from vae_course.exercises.running import Sink, TimeIsUp

# float32 is tried because torch.zeros(n) is float32 and does not multiply with float64 matrices
KINDS: Mapping[str, Callable[[np.ndarray], Any]] = {
    "torch tensors": lambda array: torch.from_numpy(array.copy()),
    "float32 torch tensors": lambda array: torch.from_numpy(
        array.astype(np.float32) if array.dtype.kind == "f" else array.copy()
    ),
    "NumPy arrays": lambda array: array.copy(),
}
_HERE = str(Path(__file__).parent)
LARGEST = 100_000  # numbers in a returned value; the inputs are tiny, so more is a mistake


@dataclass(frozen=True)
class AsItIs:
    """An input that is handed over itself, not as a copy: a generator that is to move on, say."""

    value: Any


class WrongTypeError(TypeError):
    """A returned value is not made of numbers."""


@dataclass(frozen=True)
class Reply:
    """What came of one call: `values`, or a problem with `text` that describes it."""

    values: Values = ()
    problem: Literal["", "raised", "unanswered", "changed", "type"] = ""
    text: str = ""
    wrong_kind: bool = False  # the error may come from the kind of array handed over
    printed: str = ""


def ask(answer: Callable[..., Any], inputs: Inputs, *, kind: str, n_outputs: int, sink: Sink) -> Reply:
    """Calls the answer with fresh copies of the inputs. Whatever the answer does, a Reply comes back."""
    handed = hand_over(inputs, kind)
    sink.take()
    try:
        returned = answer(*handed.values())
        changed = _changed(handed, inputs, kind)
        if _is_blank(returned):
            return Reply(problem="unanswered", text=_why_blank(returned), printed=sink.take())
        if changed:
            return Reply(problem="changed", text=" and ".join(f"`{name}`" for name in changed), printed=sink.take())
        return Reply(read(returned, n_outputs=n_outputs), printed=sink.take())
    except (TimeIsUp, MemoryError):
        raise
    except WrongTypeError as error:
        return Reply(problem="type", text=str(error), printed=sink.take())
    except BaseException as error:
        return _reply_to_error(error, printed=sink.take())


def hand_over(inputs: Inputs, kind: str) -> Inputs:
    """Fresh copies of the inputs, arrays in the given kind."""
    return {name: _fresh(value, KINDS[kind]) for name, value in inputs.items()}


def _fresh(value: Any, make: Callable[[np.ndarray], Any]) -> Any:
    if isinstance(value, np.ndarray):
        return make(value)
    if isinstance(value, AsItIs):
        return value.value
    if isinstance(value, torch.Generator):
        return value.clone_state()
    return copy.deepcopy(value) if isinstance(value, list | dict) else value


def _changed(handed: Inputs, inputs: Inputs, kind: str) -> list[str]:
    before = hand_over(inputs, kind)
    return [
        name
        for name, value in handed.items()
        if isinstance(value, np.ndarray | torch.Tensor)
        and not np.array_equal(to_array(value), to_array(before[name]), equal_nan=True)
    ]


def _is_blank(returned: Any) -> bool:
    if isinstance(returned, tuple | list) and 0 < len(returned) < 10:
        return any(part is ... or part is None for part in returned)
    return returned is ... or returned is None


def _why_blank(returned: Any) -> str:
    if returned is None:
        return "Your function returns nothing yet. If you have written it, it may lack a `return`."
    return "Your function still returns `...`. Replace it with your own code."


def read(returned: Any, *, n_outputs: int) -> Values:
    """The returned value as NumPy arrays. Raises WrongTypeError in words a learner can use."""
    if n_outputs == 1:
        return (to_array(returned),)
    if not isinstance(returned, tuple | list) or len(returned) != n_outputs:
        raise WrongTypeError(f"It must return {n_outputs} values, and returned {describe(returned)}.")
    return tuple(to_array(part) for part in returned)


def to_array(value: Any) -> np.ndarray:
    """Tensor (any dtype, device, with gradient or not), array, number or nested list -> a NumPy array of its own."""
    if isinstance(value, torch.Tensor):
        _check_size(value.numel())
        value = value.detach().cpu()
        value = value.to_dense() if value.layout != torch.strided else value
        value = value.float() if value.dtype in (torch.float16, torch.bfloat16) else value
        array = np.array(value.resolve_conj().resolve_neg().numpy())
    elif isinstance(value, tuple | list):
        _check_size(len(value))
        parts = [to_array(part) for part in value]
        if len({part.shape for part in parts}) > 1:
            raise WrongTypeError("It returned a list whose parts have different lengths.")
        array = np.array(parts)
    elif isinstance(value, np.ndarray) and value.dtype == object:
        array = to_array(value.tolist())
    elif isinstance(value, np.ndarray):
        _check_size(value.size)
        array = np.array(value)
    elif isinstance(value, np.generic | Number) or hasattr(value, "__array__"):
        array = np.array(value)
    else:
        _dismiss(value)
        raise WrongTypeError(f"It returned {describe(value)}, where numbers are wanted.")
    if array.dtype.kind == "c" and not array.imag.any():  # real numbers, as `eig` gives them
        array = array.real
    if array.dtype.kind not in "biuf":
        raise WrongTypeError(f"It returned values of type {array.dtype}, where real numbers are wanted.")
    _check_size(array.size)
    return array


def _check_size(size: int) -> None:
    if size > LARGEST:
        raise WrongTypeError(f"It returned {size} numbers, far more than there should be.")


def _dismiss(value: Any) -> None:
    if hasattr(value, "cr_await"):  # a coroutine complains when it is thrown away unused
        value.close()


def describe(value: Any) -> str:
    """What kind of thing a value is, in words."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if callable(value):
        return "a function (did you forget to call it?)"
    name = type(value).__name__
    if isinstance(value, tuple | list):
        return f"a {name} of {len(value)}"
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _reply_to_error(error: BaseException, *, printed: str) -> Reply:
    try:
        words = " ".join(str(error).split())[:240]
    except Exception:
        words = ""
    if isinstance(error, NotImplementedError):
        return Reply(problem="unanswered", text="Your function raises NotImplementedError.", printed=printed)
    if isinstance(error, TypeError) and "ellipsis" in words:
        return Reply(problem="unanswered", text="There is still a `...` in your function.", printed=printed)
    if isinstance(error, SystemExit):
        text = "It tries to end Python (SystemExit). A function hands back its result with `return`."
    elif isinstance(error, KeyboardInterrupt):
        text = "It raises KeyboardInterrupt, as if it had been stopped by hand."
    else:
        text = f"It stops with {type(error).__name__}{': ' if words else ''}{words.rstrip('.')}.{_where(error)}"
    wrong_kind = isinstance(error, TypeError | AttributeError)
    return Reply(problem="raised", text=text, wrong_kind=wrong_kind, printed=printed)


def _where(error: BaseException) -> str:
    """The learner's line that raised: the last one in the file or cell that was entered first."""
    # the first is the call in `ask`, and more may be of this package, which reads formulas and the like
    frames = [f for f in traceback.extract_tb(error.__traceback__)[1:] if not f.filename.startswith(_HERE)]
    lines = [(frame.lineno, frame.line or "") for frame in frames if frame.filename == frames[0].filename]
    if not lines:
        return ""
    number, line = lines[-1]
    return f" The line is: `{line.strip()}`" if line.strip() else f" It happens in line {number}."
