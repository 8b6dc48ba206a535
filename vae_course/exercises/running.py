"""Runs code that may loop for ever, exit or crash, and comes back.

Two guards, one behind the other:

* A worker thread with a time limit, on every platform. When time is up, an exception is raised inside the
  thread, which ends any Python loop. A thread blocked in C (a sleep, a lock) cannot be ended, but it has let go
  of the interpreter, so it is left behind as a daemon and the caller goes on.
* What a thread cannot survive is C code that never lets go of the interpreter (`sum(itertools.count())`,
  `9**9**9`), code that ends the process, or code that fills the memory. On Linux the work is therefore rehearsed
  in a forked child first, which can be killed. The child's results are not used: threads of torch do not survive a
  fork, so a child may fail where the parent would not. It is believed in three cases only: it burnt processor
  time until the limit, it died, or it ran out of memory. A child that waits without working (as after
  a lock lost in the fork) proves nothing, and the thread decides.

Elsewhere there is no rehearsal (fork is unsafe on macOS and missing on Windows; a spawned process would have to
import torch first, and cannot be given every function), and those few answers block as they would in a cell.
"""

from __future__ import annotations

import builtins
import contextlib
import ctypes
import gc
import io
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

import torch

T = TypeVar("T")
REHEARSE = sys.platform == "linux"
CHILD_MEMORY = 2 * 2**30  # bytes that the rehearsal may allocate
IDLE = 1.0  # seconds without work after which the rehearsal proves nothing any more
KEPT_CHARACTERS = 2000  # of what an answer prints in one call


class TimeIsUp(BaseException):
    """Raised inside the worker thread to end it. Code that catches everything must let it through."""


class Stopped(NamedTuple):
    """The work did not come to its end. left_behind: a thread of it is still running."""

    reason: Literal["endless", "died", "memory"]
    left_behind: bool = False


class Sink(io.TextIOBase):
    """Takes what is printed and keeps the beginning of it."""

    def __init__(self) -> None:
        self._kept = ""

    def writable(self) -> bool:
        """True, as for every stream that is written to."""
        return True

    def write(self, text: str) -> int:
        """Keeps what there is room for."""
        self._kept += text[: KEPT_CHARACTERS - len(self._kept)]
        return len(text)

    def take(self) -> str:
        """What was printed since the last call."""
        kept, self._kept = self._kept, ""
        return kept


def run_guarded(work: Callable[[Sink], T], *, time_limit: float) -> T | Stopped:
    """work(sink), or why it was stopped after `time_limit` seconds. What it prints goes to the sink.

    An exception of `work` is raised here, and so is an interrupt by the user.
    """
    sink = Sink()
    with _silence(sink):
        if REHEARSE:
            stopped = _rehearse(work, sink, time_limit)
            if stopped is not None:
                return stopped
        return _run_in_thread(work, sink, time_limit)


@contextlib.contextmanager
def _silence(sink: Sink) -> Iterator[None]:
    asked = builtins.input
    shell = getattr(builtins, "get_ipython", lambda: None)()
    with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        builtins.input = _no_input
        if shell is not None:
            shell.ask_exit = _no_exit  # what exit() and quit() call in IPython: it would end the kernel
        try:
            yield
        finally:
            builtins.input = asked
            if shell is not None:
                del shell.ask_exit


def _no_input(prompt: object = "", /) -> str:
    raise EOFError("input() cannot be used in an answer")


def _no_exit() -> None:
    raise SystemExit


def _run_in_thread(work: Callable[[Sink], T], sink: Sink, time_limit: float) -> T | Stopped:
    done: list[T | Stopped] = []
    failed: list[BaseException] = []

    def target() -> None:
        try:
            done.append(work(sink))
        except MemoryError:
            done.append(Stopped("memory"))
        except BaseException as error:  # handed to the caller, whose bug it is; an answer's own errors end in `work`
            failed.append(error)

    thread = threading.Thread(target=target, name="exercise check", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # no threads here (Python in the browser): nothing guards, but answers can be checked
        return work(sink)
    try:
        thread.join(time_limit)
    finally:
        ended = bool(done or failed) or _end(thread)
    if done:
        return done[0]
    if failed and not isinstance(failed[0], TimeIsUp):
        raise failed[0]
    return Stopped("endless", left_behind=not ended)


def _end(thread: threading.Thread) -> bool:
    """Whether the thread could be ended. Tries several times, as the code may catch the exception."""
    for _ in range(6):
        if not thread.is_alive():
            return True
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(TimeIsUp))
        thread.join(0.05)
    return not thread.is_alive()


def _rehearse(work: Callable[[Sink], object], sink: Sink, time_limit: float) -> Stopped | None:
    """Why the work must not be run here, or None if nothing speaks against it."""
    if sys.platform != "linux":
        return None
    read_end, write_end = os.pipe()
    try:
        pid = os.fork()
    except OSError:  # no memory or no process left for a child
        os.close(read_end)
        os.close(write_end)
        return None
    if pid == 0:
        _be_the_child(work, sink, write_end)
    os.close(write_end)
    try:
        return _watch(pid, read_end, time_limit)
    finally:
        os.close(read_end)
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, 9)
            os.waitpid(pid, 0)


def _be_the_child(work: Callable[[Sink], object], sink: Sink, write_end: int) -> None:
    """Does the work, writes one byte and ends the process without any clean-up, which belongs to the parent."""
    word = b"d"
    try:
        import resource
        import signal

        gc.disable()  # finalizers of the parent's sockets and files are not the child's to run
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (used + CHILD_MEMORY, hard))
        torch.set_num_threads(1)  # the pool's threads were lost in the fork
        work(sink)
    except MemoryError:
        word = b"m"
    except BaseException:
        pass  # proves nothing: the thread will show what it was
    finally:
        os.write(write_end, word)
        os._exit(0)


def _watch(pid: int, read_end: int, time_limit: float) -> Stopped | None:
    import select

    poll = select.poll()
    poll.register(read_end, select.POLLIN | select.POLLHUP)
    start = last_worked = time.monotonic()
    worked = 0.0
    while True:
        now = time.monotonic()
        if (used := _processor_seconds(pid)) >= worked + 0.02:  # two ticks: on a busy machine it may get no more
            worked, last_worked = used, now
        elif _wants_processor(pid):
            last_worked = now
        if now - start >= time_limit:
            return Stopped("endless") if worked > 0 else None
        if now - last_worked >= IDLE:
            return None
        if poll.poll(1000 * min(0.1, time_limit - (now - start))):
            word = os.read(read_end, 1)
            return {b"d": None, b"m": Stopped("memory")}.get(word, Stopped("died"))


def _processor_seconds(pid: int) -> float:
    fields = _process_status(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def _wants_processor(pid: int) -> bool:
    """Whether the process runs or queues for a processor. On a busy machine it may queue for seconds."""
    return _process_status(pid)[:1] == ["R"]


def _process_status(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
