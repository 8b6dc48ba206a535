"""The verdict on one answer, which runs in a process of its own: the grader sends inputs and judges what comes back."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vae_course import exercises
from vae_course.classroom import answering, wire
from vae_course.classroom.chapters import LONGEST_CELL
from vae_course.classroom.limits import Bounds
from vae_course.classroom.nursery import Ended, Nursery
from vae_course.exercises import running
from vae_course.exercises.judging import STOPPED
from vae_course.exercises.progress import paused
from vae_course.exercises.remote import Raised, RemoteAnswer
from vae_course.exercises.verdict import Verdict

FILE = "<answer>"
_MOST_QUESTIONS, _MOST_NUMBERS = 50_000, 20_000_000  # that an answer may put to functions among its inputs
_LONGEST_TEXT = 4000
_GARBLED = "It breaks the channel on which its results come back, so nothing of it could be judged."
_LEFT = " It left {} behind, which {} ended."


class Lost(Exception):
    """The process of the answer is of no more use. reason: why, as in `STOPPED`, or a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def judge_source(
    name: str, source: str, *, prelude: Sequence[str], nursery: Nursery, bounds: Bounds, seed: int | None = None
) -> Verdict:
    """The verdict on the cell `source`, which should define the answer to exercise `name`.

    prelude: import statements to run before it; one that fails is left out.
    """
    if len(source) > LONGEST_CELL:
        return Verdict(name, "broken", f"The cell has {len(source)} characters, at most {LONGEST_CELL} are read.")
    folder = Path(tempfile.mkdtemp(prefix="answer-")).resolve()
    try:
        talk = Conversation(name, source, prelude, *nursery.start(folder, bounds), bounds=bounds)
        try:
            verdict = talk.judge(seed)
        except Lost as lost:
            verdict = Verdict(name, "broken", lost.reason)
        finally:
            talk.channel.close()
            ended = nursery.end(talk.pid)
        return _clean(_explain(verdict, talk.lost, ended, bounds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Conversation:
    """With the process of one answer. lost: why there is no more use in it, or ""."""

    def __init__(
        self,
        name: str,
        source: str,
        prelude: Sequence[str],
        pid: int,
        channel: socket.socket,
        *,
        bounds: Bounds,
    ) -> None:
        self.name, self.source, self.prelude, self.bounds = name, source, prelude, bounds
        self.pid, self.channel = pid, channel
        self.channel.settimeout(bounds.waiting)
        self.deadline = time.monotonic() + bounds.waiting
        self.lost = ""
        self._questions = self._numbers = 0

    def judge(self, seed: int | None) -> Verdict:
        """Runs the cell, then the check. Raises Lost if there is nothing to check."""
        begin = {"name": self.name, "file": FILE, "prelude": list(self.prelude), "source": self.source}
        with self._mind_losses():
            wire.send(self.channel, begin)
            answer = self._read_answer(wire.receive(self.channel, deadline=self.deadline))
        if isinstance(answer, Verdict):
            return answer
        # the channel's own deadline comes first, and is told in whole seconds; the check's is for callbacks without end
        left = max(self.deadline - time.monotonic(), 0.0) + 1.0
        with _no_rehearsal(), paused():
            return exercises.check(self.name, answer, seed=seed, time_limit=left)

    def _read_answer(self, message: dict[str, Any]) -> Any:
        if "failed" in message:
            raised = _read_raised(message["failed"])
            return Verdict(self.name, "broken", _say_failure(raised, self.source), printed=str(message["printed"]))
        if "missing" in message:
            return Verdict(self.name, "not answered yet", f"The cell defines no `{self.name}`.")
        if "value" in message:
            return wire.unpack(message["value"])
        return RemoteAnswer(self._call, source=self.source, parameters=message["function"])

    def _call(self, args: tuple[Any, ...]) -> Any:
        """Hands the arguments over, and gives what came back. What was changed there in place is changed here."""
        callbacks: list[Callable[..., Any]] = []
        try:
            with self._mind_losses():
                wire.send(self.channel, {"call": [wire.pack(value, callbacks=callbacks) for value in args]})
                while "callback" in (message := wire.receive(self.channel, deadline=self.deadline)):
                    wire.send(self.channel, self._ask_back(callbacks, message))
                print(str(message["printed"])[: running.KEPT_CHARACTERS], end="")
                if "raised" in message:
                    raised = _read_raised(message["raised"])
                    if "MemoryError" in raised.kinds or "DefaultCPUAllocator" in raised.text:  # PyTorch's way to say it
                        raise Lost("memory")
                    return raised
                for index, packed in message["after"].items():
                    _change(args[int(index)], wire.unpack(packed))
                if message["touched"]:
                    torch.rand(())  # so that the check sees the global generator move
                return wire.unpack(message["returned"])
        except Lost:
            raise running.TimeIsUp from None  # ends the check, whatever it would have asked next

    def _ask_back(self, callbacks: Sequence[Callable[..., Any]], message: dict[str, Any]) -> dict[str, Any]:
        args = [wire.unpack(value) for value in message["args"]]
        named = {key: wire.unpack(value) for key, value in message["kwargs"].items()}
        self._questions += 1
        self._numbers += sum(_size(value) for value in [*args, *named.values()])
        if self._questions > _MOST_QUESTIONS or self._numbers > _MOST_NUMBERS:
            raise Lost("endless")
        function = callbacks[message["callback"]]
        try:
            return {"returned": wire.pack(function(*args, **named))}
        except Exception as error:
            return {"error": str(error)[:300]}

    @contextlib.contextmanager
    def _mind_losses(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, ConnectionError):
            self.lost = "died"
        except TimeoutError:
            self.lost = "endless"
        except Lost as lost:
            self.lost = lost.reason
        except (wire.BrokenMessageError, KeyError, TypeError, ValueError, IndexError, AttributeError, RuntimeError):
            self.lost = _GARBLED
        if self.lost:
            raise Lost(self.lost)


@contextlib.contextmanager
def _no_rehearsal() -> Iterator[None]:
    """The rehearsal is for answers that run in the check's own process; this one has its own."""
    before = running.REHEARSE
    running.REHEARSE = False
    try:
        yield
    finally:
        running.REHEARSE = before


def _size(value: Any) -> int:
    return value.numel() if isinstance(value, torch.Tensor) else int(np.size(value))


def _read_raised(packed: dict[str, Any]) -> Raised:
    line = packed["line"] if isinstance(packed["line"], int) else None
    name = "".join(c for c in str(packed["type"]) if c.isidentifier() or c.isdigit())[:60]
    return Raised(name or "Exception", tuple(map(str, packed["kinds"])), str(packed["text"])[:1000], line)


def _say_failure(raised: Raised, source: str) -> str:
    words = " ".join(raised.text.split())[:240].rstrip(".")
    lines = source.splitlines()
    line = lines[raised.line - 1].strip()[:200] if raised.line is not None and 0 < raised.line <= len(lines) else ""
    if raised.name == "SystemExit":
        return "The cell tries to end Python (SystemExit) before its function could be called."
    said = f"{raised.name}{': ' if words else ''}{words}"
    return f"The cell stops with {said}.{f' The line is: `{line}`' if line else ''}"


def _change(here: Any, there: Any) -> None:
    """Makes an argument what it has become in the other process."""
    if isinstance(here, torch.Tensor):
        if here.shape != there.shape or not np.array_equal(
            here.numpy(), there.numpy(), equal_nan=here.is_floating_point()
        ):
            here.set_(there.to(here.dtype))
    elif isinstance(here, np.ndarray):
        if here.shape != there.shape:
            here.resize(there.shape, refcheck=False)
        here[...] = there
    elif isinstance(here, torch.Generator):
        here.set_state(there.get_state())
    elif isinstance(here, np.random.Generator):
        here.bit_generator.state = there.bit_generator.state


def _explain(verdict: Verdict, lost: str, ended: Ended, bounds: Bounds) -> Verdict:
    """Puts in the place of what the check could see what became of the process."""
    if lost:
        if lost == "died" and ended.code == answering.NO_MEMORY:
            lost = "memory"
        if lost == "died" and ended.signal in (signal.SIGXCPU, signal.SIGKILL):
            lost = "endless"
        limit = bounds.seconds if ended.signal == signal.SIGXCPU else bounds.waiting
        text = STOPPED.get(lost, lost).format(limit=limit).replace(", so it was not run here", "")
        verdict = Verdict(verdict.exercise, "broken", text)
    if ended.left and not verdict.passed:
        what = "a process" if ended.left == 1 else f"{ended.left} processes"
        verdict = dataclasses.replace(verdict, explanation=verdict.explanation + _LEFT.format(what, "the grader"))
    return verdict


def _clean(verdict: Verdict) -> Verdict:
    """Without what can't be written to a file or read by a person."""

    def text(value: str) -> str:
        value = value[:_LONGEST_TEXT].encode("utf-8", "replace").decode()
        return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in value)

    return dataclasses.replace(
        verdict,
        explanation=text(verdict.explanation),
        printed=text(verdict.printed),
        comparison=tuple((text(name), text(value)) for name, value in verdict.comparison),
    )
