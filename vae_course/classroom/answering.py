"""The answer's side: runs the cell of an answer, then calls its function as often as the grader asks (`wire`).

Nothing here is trusted by the grader. A cell that takes over this process can send other values, and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import io
import random
import socket
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vae_course.classroom import wire

NO_MEMORY = 77  # exit code
_KEPT = 2000  # characters of what is printed


class Printed(io.TextIOBase):
    """Takes what is printed and keeps the beginning."""

    def __init__(self) -> None:
        self.kept = ""

    def writable(self) -> bool:
        """True, as for every stream that is written to."""
        return True

    def write(self, text: str) -> int:
        """Keeps what there is room for."""
        self.kept += text[: _KEPT - len(self.kept)]
        return len(text)


def serve(channel: socket.socket, folder: Path) -> None:
    """Runs the answer that comes first, says what it is, and answers calls until the grader hangs up."""
    begin = wire.receive(channel)
    name, file = begin["name"], begin["file"]
    namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
    _stand_in_for_the_exercises()
    for line in begin["prelude"]:
        with contextlib.suppress(Exception):  # what is missing will be missed where it is used
            exec(compile(line, "<imports>", "exec"), namespace)
    printed = Printed()
    try:
        with _silence(printed):
            exec(compile(begin["source"], file, "exec"), namespace)
    except BaseException as error:
        wire.send(channel, {"failed": _describe(error, file), "printed": printed.kept})
        return
    if name not in namespace:
        wire.send(channel, {"missing": True})
        return
    answer = namespace[name]
    if not callable(answer) or isinstance(answer, type) or type(answer).__module__.startswith("sympy."):
        wire.send(channel, {"value": wire.pack(answer)})
        return
    wire.send(channel, {"function": _parameters(answer)})
    while True:
        try:
            call = wire.receive(channel)
        except EOFError:
            return
        wire.send(channel, _call(answer, call, channel, file))


def _call(answer: Callable[..., Any], call: dict[str, Any], channel: socket.socket, file: str) -> dict[str, Any]:
    arguments = [wire.unpack(part, answer=lambda i: _make_callback(channel, i)) for part in call["call"]]
    draws = any(isinstance(value, torch.Generator | np.random.Generator) for value in arguments)
    before = _global_states() if draws else b""
    printed = Printed()
    try:
        with _silence(printed):
            returned = wire.pack(answer(*arguments))
    except BaseException as error:
        return {"raised": _describe(error, file), "printed": printed.kept}
    # arrays may have been changed in place, and generators have moved on
    after = {i: wire.pack(value) for i, value in enumerate(arguments) if not callable(value)}
    touched = draws and _global_states() != before
    return {"returned": returned, "after": after, "touched": touched, "printed": printed.kept}


def _make_callback(channel: socket.socket, number: int) -> Callable[..., Any]:
    def function(*args: Any, **kwargs: Any) -> Any:
        packed = {"args": [wire.pack(value) for value in args], "kwargs": {k: wire.pack(v) for k, v in kwargs.items()}}
        wire.send(channel, {"callback": number, **packed})
        reply = wire.receive(channel)
        if "error" in reply:
            raise ValueError(reply["error"])
        return wire.unpack(reply["returned"])

    return function


def _parameters(answer: Callable[..., Any]) -> list[list[Any]] | None:
    try:
        signature = inspect.signature(answer)
    except Exception:
        return None
    return [[p.name, int(p.kind), p.default is not p.empty] for p in signature.parameters.values()]


def _describe(error: BaseException, file: str) -> dict[str, Any]:
    try:
        text = str(error)[:1000]
    except Exception:
        text = ""
    line = error.lineno if isinstance(error, SyntaxError) and error.filename == file else None
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == file:
            line = frame.lineno
    kinds = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins"]
    return {"type": type(error).__name__, "kinds": kinds, "text": text, "line": line}


@contextlib.contextmanager
def _silence(printed: Printed) -> Iterator[None]:
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        yield


def _global_states() -> bytes:
    """Of the global generators of torch, NumPy and Python, as a digest."""
    digest = hashlib.sha256(torch.get_rng_state().numpy().tobytes())
    digest.update(repr(random.getstate()).encode())
    _, keys, *rest = np.random.get_state()  # noqa: NPY002
    digest.update(np.asarray(keys).tobytes() + repr(rest).encode())
    return digest.digest()


def _stand_in_for_the_exercises() -> None:
    """`exercises.check(...)` in a cell does nothing here: the grader checks, and keeps the right functions."""
    module = types.ModuleType("vae_course.exercises")

    def nothing(*args: object, **kwargs: object) -> None:
        return None

    for name in ("check", "hint", "hints", "progress", "names", "slips"):
        setattr(module, name, nothing)
    sys.modules["vae_course.exercises"] = module
    package = sys.modules.get("vae_course")
    if package is not None:
        package.__dict__["exercises"] = module
