"""Right answers in unusual dress: other kinds of arrays come in and go out, and the function is other than a `def`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

Answer = Callable[..., Any]


def _tensors(value: Any, change: Callable[[torch.Tensor], Any], other: Callable[[np.ndarray], Any]) -> Any:
    """Arrays changed, each in its own library; anything else is left alone."""
    if isinstance(value, torch.Tensor):
        return change(value)
    return other(value) if isinstance(value, np.ndarray) and value.ndim else value


def _floating(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda tensor: change(tensor) if tensor.is_floating_point() else tensor


def _strided(tensor: torch.Tensor) -> torch.Tensor:
    """The same numbers, with others between them in memory."""
    return torch.stack([tensor, torch.zeros_like(tensor)], dim=-1)[..., 0]


def _strided_array(array: np.ndarray) -> np.ndarray:
    return np.stack([array, np.zeros_like(array)], axis=-1)[..., 0]


def _read_only(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array


def _in_columns(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.mT.contiguous().mT if tensor.ndim > 1 else tensor


def _there_and_back(tensor: torch.Tensor) -> torch.Tensor:
    return torch.tensor(tensor.tolist(), dtype=tensor.dtype)


class Measured(np.ndarray):
    """A subclass of NumPy's arrays."""


# what is done to each array that comes in
INWARD: dict[str, Callable[[Any], Any]] = {
    "as it is": lambda value: value,
    "copies": lambda value: _tensors(value, torch.clone, np.copy),
    "with gradients": lambda value: _tensors(value, _floating(lambda t: t.clone().requires_grad_()), np.copy),
    "strided": lambda value: _tensors(value, _strided, _strided_array),
    "Fortran order": lambda value: _tensors(
        value, lambda t: t.mT.contiguous().mT if t.ndim > 1 else t, np.asfortranarray
    ),
    "read-only": lambda value: _tensors(value, lambda t: t, _read_only),
    "subclass": lambda value: _tensors(value, nn.Parameter, lambda a: a.view(Measured)) if _is_float(value) else value,
    "float32": lambda value: _tensors(value, _floating(torch.Tensor.float), lambda a: a.astype(_narrow(a))),
    "there and back": lambda value: _tensors(
        value, lambda t: torch.tensor(t.tolist(), dtype=t.dtype), lambda a: np.array(a.tolist())
    ),
}


def _is_float(value: Any) -> bool:
    return (isinstance(value, torch.Tensor) and value.is_floating_point()) or (
        isinstance(value, np.ndarray) and value.dtype.kind == "f"
    )


def _narrow(array: np.ndarray) -> Any:
    return np.float32 if array.dtype.kind == "f" else array.dtype


def _to_numpy(value: Any) -> Any:
    return value.detach().numpy() if isinstance(value, torch.Tensor) else value


def _to_list(value: Any) -> Any:
    return (
        value.detach().tolist()
        if isinstance(value, torch.Tensor)
        else value.tolist()
        if hasattr(value, "tolist")
        else value
    )


def _to_tuple(value: Any) -> Any:
    listed = _to_list(value)
    return tuple(listed) if isinstance(listed, list) else listed


def _to_tensor(value: Any) -> Any:
    return value if isinstance(value, torch.Tensor) else torch.as_tensor(np.array(value, dtype=np.asarray(value).dtype))


# what is done to each result
OUTWARD: dict[str, Callable[[Any], Any]] = {
    "as it is": lambda value: value,
    "NumPy": lambda value: np.array(_to_numpy(value)),
    "list": _to_list,
    "tuple": _to_tuple,
    "list of rows": lambda value: list(_to_tensor(value)) if _to_tensor(value).ndim else value,
    "big-endian": lambda value: np.array(_to_numpy(value)).astype(np.array(_to_numpy(value)).dtype.newbyteorder(">")),
    "objects": lambda value: np.array(_to_numpy(value)).astype(object),
    "strided": lambda value: _strided(_to_tensor(value)),
    "with a gradient": lambda value: _floating(lambda t: t.detach().requires_grad_() * 1)(_to_tensor(value)),
    "float32": lambda value: _to_tensor(value).float(),
    "Fortran order": lambda value: np.array(_to_numpy(value), order="F"),
    "conjugate view": lambda value: _floating(lambda t: torch.complex(t, 0 * t).conj().real)(_to_tensor(value)),
}


class Callable_:
    """An object that is called."""

    def __init__(self, function: Answer) -> None:
        self._function = function

    def __call__(self, *args: Any) -> Any:
        return self._function(*args)

    def method(self, *args: Any) -> Any:
        """The same, as a bound method."""
        return self._function(*args)


class AsModule(nn.Module):
    """A network without parameters that are used."""

    def __init__(self, function: Answer) -> None:
        super().__init__()
        self.unused = nn.Linear(1, 1)
        self._function = function

    def forward(self, *args: Any) -> Any:
        """The answer's result."""
        return self._function(*args)


def _by_keyword(function: Answer) -> Answer:
    """Hands the arguments over by name, last one first."""
    names = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]

    def call(*args: Any) -> Any:
        if len(names) != len(args):
            return function(*args)
        return function(**dict(reversed(list(zip(names, args, strict=True)))))

    return call


def _logged(function: Answer) -> Answer:
    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        print("called with", len(args), "arguments")
        return function(*args, **options)

    return call


def _with_options(function: Answer) -> Answer:
    def call(*args: Any, scale: float = 1.0, **more: Any) -> Any:
        return function(*args)

    return call


# what kind of thing the function is
MAKES: dict[str, Callable[[Answer], Answer]] = {
    "function": lambda f: f,
    "lambda": lambda f: lambda *args: f(*args),
    "partial": functools.partial,
    "object": Callable_,
    "bound method": lambda f: Callable_(f).method,
    "module": AsModule,
    "keywords": lambda f: f,  # see `dress`
    "decorated": _logged,
    "options": _with_options,
    "no gradients": lambda f: torch.no_grad()(lambda *args: f(*args)),
    "inference": lambda f: torch.inference_mode()(lambda *args: f(*args)),
    "NumPy's warnings as errors": lambda f: lambda *args: _careful(f, args),
}


def _careful(function: Answer, args: tuple[Any, ...]) -> Any:
    with np.errstate(invalid="ignore", divide="ignore"):
        return function(*args)


def dress(answer: Answer, inward: str, outward: str, make: str, *, n_outputs: int) -> Answer:
    """The answer with its inputs and results changed as named; several results come as a tuple or a list."""

    inner = _by_keyword(answer) if make == "keywords" else answer

    @functools.wraps(answer, assigned=(), updated=())
    def dressed(*args: Any) -> Any:
        returned = inner(*(INWARD[inward](value) for value in args))
        change = OUTWARD[outward]
        if isinstance(returned, Mapping):
            return {key: change(value) for key, value in returned.items()}
        if n_outputs == 1:
            return change(returned)
        parts = [change(value) for value in returned]
        return parts if outward in ("list", "objects", "strided") else tuple(parts)

    return MAKES[make](dressed)
