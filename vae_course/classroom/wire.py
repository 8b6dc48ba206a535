"""Values on their way between the grader and the process that runs an answer: JSON, never pickle.

What comes from an answer is read without running anything, and what is of no known kind comes as a `Stranger` that only
says what it was. So a forged message can hold wrong values, and nothing else.
"""

from __future__ import annotations

import base64
import json
import math
import select
import socket
import time
from collections.abc import Callable, Mapping
from numbers import Number
from typing import Any

import numpy as np
import torch

from vae_course.classroom.formulas import MOST_PARTS, pack_formula, plain_name, unpack_formula

LONGEST = 32 * 2**20  # bytes of one message
MOST_NUMBERS = 100_000  # in one value; the checks take no more either
_DEEPEST = 20
_DTYPES = {"?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"}


class BrokenMessageError(ValueError):
    """What came is no message."""


class Callback:
    """Stands, in the answer's process, for a function among the inputs."""

    def __init__(self, number: int) -> None:
        self.number = number


def send(channel: socket.socket, message: Mapping[str, Any]) -> None:
    """Sends one message: its length in 4 bytes, then JSON."""
    content = json.dumps(message).encode()
    if len(content) > LONGEST:
        raise BrokenMessageError(f"the message has {len(content)} bytes, at most {LONGEST}")
    channel.sendall(len(content).to_bytes(4, "big") + content)


def receive(channel: socket.socket, *, deadline: float = math.inf) -> dict[str, Any]:
    """The next message. deadline: of time.monotonic().

    Raises EOFError if the other side is gone, TimeoutError, or BrokenMessageError.
    """
    size = int.from_bytes(_read(channel, 4, deadline), "big")
    if size > LONGEST:
        raise BrokenMessageError(f"the message has {size} bytes, at most {LONGEST}")
    try:
        message = json.loads(_read(channel, size, deadline))
    except (ValueError, RecursionError) as error:
        raise BrokenMessageError("the message is no JSON") from error
    if not isinstance(message, dict):
        raise BrokenMessageError("the message is no object")
    return message


def _read(channel: socket.socket, size: int, deadline: float) -> bytes:
    parts: list[bytes] = []
    while size:
        # in short waits, so that the check's own time limit can end this thread
        while not select.select([channel], [], [], 0.05)[0]:
            if time.monotonic() > deadline:
                raise TimeoutError
        try:
            part = channel.recv(min(size, 2**20))
        except ConnectionError:
            part = b""
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def pack(value: Any, *, callbacks: list[Callable[..., Any]] | None = None, depth: int = 0) -> Any:
    """The value as JSON-ready parts. callbacks: takes the functions among them, which the other side may call."""
    if depth > _DEEPEST:
        return {"t": "other", "name": type(value).__name__}
    deeper: dict[str, Any] = {"callbacks": callbacks, "depth": depth + 1}
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if value.bit_length() < 10_000 else {"t": "other", "name": "int"}
        case float():
            return float(value)
        case complex():
            return {"t": "complex", "v": [value.real, value.imag]}
        case list() | tuple():
            if len(value) > MOST_NUMBERS:
                return {"t": "big", "n": len(value), "list": True}
            kind = "list" if isinstance(value, list) else "tuple"
            return {"t": kind, "v": [pack(part, **deeper) for part in value]}
        case dict():
            pairs = list(value.items())[:MOST_PARTS]
            return {"t": "dict", "v": [[pack(key, **deeper), pack(part, **deeper)] for key, part in pairs]}
        case torch.Tensor():
            return _pack_tensor(value)
        case np.ndarray() | np.generic():
            return _pack_array(value, **deeper)
        case torch.Generator():
            return {"t": "torch generator", "state": _to_text(value.get_state().numpy().tobytes())}
        case np.random.Generator():
            return {"t": "numpy generator", "state": value.bit_generator.state}
    if value is ...:
        return {"t": "..."}
    if (formula := pack_formula(value)) is not None:
        return formula
    if callable(value):
        if callbacks is None or isinstance(value, type):
            return {"t": "class" if isinstance(value, type) else "function", "name": getattr(value, "__name__", "f")}
        callbacks.append(value)
        return {"t": "callback", "i": len(callbacks) - 1}
    if isinstance(value, Number) or hasattr(value, "__array__"):
        return _pack_array(np.asarray(value), **deeper)
    return {"t": "other", "name": type(value).__name__}


def unpack(packed: Any, *, answer: Callable[[int], Any] = Callback) -> Any:
    """The value. answer: makes what stands for function number i of the other side. Raises BrokenMessageError."""
    try:
        return _unpack(packed, answer)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError, AttributeError) as error:
        raise BrokenMessageError(f"a value cannot be read: {error}") from error


def _unpack(packed: Any, answer: Callable[[int], Any]) -> Any:
    if not isinstance(packed, dict):
        if isinstance(packed, list):
            raise ValueError("a bare list")
        return packed
    match packed["t"]:
        case "...":
            return ...
        case "complex":
            return complex(*packed["v"])
        case "list":
            return [_unpack(part, answer) for part in packed["v"]]
        case "tuple":
            return tuple(_unpack(part, answer) for part in packed["v"])
        case "dict":
            return {_unpack(key, answer): _unpack(part, answer) for key, part in packed["v"]}
        case "array":
            return _unpack_array(packed)
        case "scalar":
            return _unpack_array(packed)[()]
        case "tensor":
            return torch.from_numpy(_unpack_array(packed))
        case "big":
            size = int(packed["n"])
            return [0.0] * min(size, MOST_NUMBERS + 1) if packed.get("list") else np.broadcast_to(0.0, (size,))
        case "torch generator":
            generator = torch.Generator()
            generator.set_state(torch.frombuffer(bytearray(_to_bytes(packed["state"])), dtype=torch.uint8))
            return generator
        case "numpy generator":
            made = np.random.default_rng(0)
            made.bit_generator.state = packed["state"]
            return made
        case "formula":
            return unpack_formula(packed["v"])
        case "callback":
            return answer(int(packed["i"]))
        case "function":
            return lambda *_: None
        case "class":
            return type(plain_name(packed["name"]), (), {})
    return type(plain_name(packed["name"]), (), {})()


def _pack_tensor(value: torch.Tensor) -> Any:
    if value.numel() > MOST_NUMBERS:
        return {"t": "big", "n": value.numel()}
    value = value.detach().cpu()
    value = value.to_dense() if value.layout != torch.strided else value
    value = value.float() if value.dtype == torch.bfloat16 else value
    return {**_pack_array(value.resolve_conj().resolve_neg().numpy()), "t": "tensor"}


def _pack_array(value: Any, **deeper: Any) -> Any:
    if value.dtype == object:
        return pack(value.tolist(), **deeper)
    code = value.dtype.str.lstrip("<>|=").replace("b1", "?")
    if code not in _DTYPES:
        return {"t": "array", "dtype": "U", "shape": [], "name": str(value.dtype)}
    if value.size > MOST_NUMBERS:
        return {"t": "big", "n": value.size}
    content = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<")).tobytes()
    kind = "scalar" if isinstance(value, np.generic) else "array"
    return {"t": kind, "dtype": code, "shape": list(value.shape), "b": _to_text(content)}


def _unpack_array(packed: dict[str, Any]) -> np.ndarray:
    if packed["dtype"] == "U":  # texts, dates: of no use to a check, which says so by their type
        return np.array("")
    if packed["dtype"] not in _DTYPES:
        raise ValueError("unknown dtype")
    dtype = np.dtype(packed["dtype"] if packed["dtype"] == "?" else f"<{packed['dtype']}")
    shape = tuple(int(n) for n in packed["shape"])
    if any(n < 0 for n in shape) or math.prod(shape) > MOST_NUMBERS:
        raise ValueError("impossible shape")
    return np.frombuffer(_to_bytes(packed["b"]), dtype=dtype).reshape(shape).astype(dtype.newbyteorder("="))


def _to_text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _to_bytes(text: Any) -> bytes:
    return base64.b64decode(str(text), validate=True)
