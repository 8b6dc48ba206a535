"""The process from which answers' processes are forked: it has imported what they need, and runs no answer itself.

Importing PyTorch takes seconds, a fork takes milliseconds. Run as `python -m vae_course.classroom.nursery FD`, FD being
one end of a socket. It is asked to start a process, is given that one's own channel, and to end it with all that
it has started. It never imports the exercises, so that no answer finds the right functions in its memory.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from vae_course.classroom import limits, processes

_STARTS_WITHIN = 300.0  # seconds, with all imports, on a busy machine
_ENDS_WITHIN = 20.0


class Ended(NamedTuple):
    """How an answer's process ended. signal: that ended it, or 0; left: processes that it had left running."""

    signal: int
    code: int
    left: int


class NurseryError(RuntimeError):
    """No answer can be run here."""


class Nursery:
    """The grader's side: starts the nursery when it is first needed, and again should it be gone.

    imports: modules to import beforehand; those that can't be are left out.
    """

    def __init__(self, imports: tuple[str, ...] = ()) -> None:
        self._imports = imports
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def start(self, folder: Path, bounds: limits.Bounds) -> tuple[int, socket.socket]:
        """A new process for an answer, in `folder`, within `bounds`: its id and the channel to it.

        Raises NurseryError.
        """
        here, there = socket.socketpair()
        with there:
            try:
                reply = self._ask({"start": str(folder), "bounds": bounds._asdict()}, there)
            except (OSError, EOFError):
                self.close()
                try:
                    reply = self._ask({"start": str(folder), "bounds": bounds._asdict()}, there)
                except (OSError, EOFError) as error:
                    raise NurseryError("the process that starts the answers' processes does not come up") from error
        return int(reply["pid"]), here

    def end(self, pid: int) -> Ended:
        """Ends the process, and all that it has started."""
        try:
            return Ended(**self._ask({"end": pid}))
        except (OSError, EOFError):
            self.close()
            return Ended(signal.SIGKILL, 0, 0)

    def close(self) -> None:
        """Ends the nursery."""
        if self._channel is not None:
            self._channel.close()
        if self._process is not None:
            try:
                self._process.wait(_ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = self._channel = None

    def _ask(self, request: dict[str, Any], handed: socket.socket | None = None) -> dict[str, Any]:
        if self._channel is None:
            self._begin()
        if self._channel is None:
            raise EOFError
        return _exchange(self._channel, request, handed)

    def _begin(self) -> None:
        here, there = socket.socketpair()
        with there:
            words = [sys.executable, "-m", "vae_course.classroom.nursery", str(there.fileno()), *self._imports]
            env = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MPLBACKEND": "agg"}
            self._process = subprocess.Popen(
                words, pass_fds=[there.fileno()], env=env, stdin=subprocess.DEVNULL, start_new_session=True
            )
        here.settimeout(_STARTS_WITHIN)
        self._channel = here


def _exchange(channel: socket.socket, request: dict[str, Any], handed: socket.socket | None) -> dict[str, Any]:
    content = json.dumps(request).encode() + b"\n"
    socket.send_fds(channel, [content], [handed.fileno()] if handed is not None else [])
    reply = b""
    while not reply.endswith(b"\n"):
        part = channel.recv(4096)
        if not part:
            raise EOFError
        reply += part
    return json.loads(reply)  # type: ignore[no-any-return]


def main(arguments: list[str]) -> None:
    """Serves requests until the grader is gone."""
    channel = socket.socket(fileno=int(arguments[0]))
    _import_all(arguments[1:])
    processes.adopt_orphans()
    while True:
        content, handed, _, _ = socket.recv_fds(channel, 65536, 1)
        if not content:
            processes.end_descendants(os.getpid())
            return
        request = json.loads(content)
        if "start" in request:
            reply = {"pid": _fork(Path(request["start"]), limits.Bounds(**request["bounds"]), handed[0], channel)}
            os.close(handed[0])
        else:
            reply = _end(int(request["end"]))
        channel.sendall(json.dumps(reply).encode() + b"\n")


def _import_all(names: list[str]) -> None:
    import torch

    torch.set_num_threads(1)  # the threads of a pool would be lost in the fork
    for name in names:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    for name in [name for name in sys.modules if name.startswith("vae_course.exercises")]:
        raise RuntimeError(f"the nursery must not import {name}: answers would find the right functions there")


def _fork(folder: Path, bounds: limits.Bounds, channel: int, control: socket.socket) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        from vae_course.classroom import answering

        control.close()
        os.setsid()
        limits.enter(folder, bounds)
        answering.serve(socket.socket(fileno=channel), folder)
    except MemoryError:
        os._exit(answering.NO_MEMORY)
    except BaseException:
        os._exit(1)
    finally:
        os._exit(0)


def _end(pid: int) -> dict[str, int]:
    """Kills the process and whatever it left. Those that left its session are children of the nursery by now."""
    status = _status_if_ended(pid)
    left = processes.end_descendants(os.getpid(), apart_from=pid)
    if status is None:
        status = processes.killed_status(pid)
    return {
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
        "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0,
        "left": left,
    }


def _status_if_ended(pid: int) -> int | None:
    """A process that closed its channel may need a moment to be gone."""
    for _ in range(20):
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return status
        time.sleep(0.01)
    return None


if __name__ == "__main__":
    main(sys.argv[1:])
