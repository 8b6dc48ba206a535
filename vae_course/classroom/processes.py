"""Processes that must be gone when an answer has been judged, also those that left its session."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE = 5.0  # seconds for killing what multiplies


def adopt_orphans() -> None:
    """From now on a descendant whose parent ends becomes a child of this process. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, living ones only. Empty where there is no /proc."""
    parent: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            state, parent_id = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            if state not in "ZX":
                parent[int(folder.name)] = int(parent_id)
    found: list[int] = []
    layer = [pid]
    while layer:
        layer = [child for child, its_parent in parent.items() if its_parent in layer]
        found += layer
    return found


def end_descendants(pid: int, *, apart_from: int = 0) -> int:
    """Kills all processes below `pid`, and reaps what can be. Returns how many there were besides `apart_from`.

    They are stopped first, so that none can start others while they are being killed.
    """
    seen: set[int] = set()
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        found = descendants(pid)
        if not found:
            break
        seen.update(found)
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for child in descendants(pid):
                seen.add(child)
                with contextlib.suppress(OSError):
                    os.kill(child, number)
        _reap(apart_from)
    with contextlib.suppress(OSError):  # where there is no /proc, its session at least
        if apart_from and sys.platform != "linux":
            os.killpg(apart_from, signal.SIGKILL)
    _reap(apart_from)
    return len(seen - {apart_from})


def killed_status(pid: int) -> int:
    """The status of a child that was killed or is to be."""
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(pid, 0)[1]
    return int(signal.SIGKILL)


def _reap(apart_from: int) -> None:
    """Zombies but that one, whose status is still wanted."""
    while hasattr(os, "waitid"):  # macOS has none; there the zombies end with this process
        try:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if found is None or found.si_pid == apart_from:
            return
        with contextlib.suppress(ChildProcessError):
            os.waitpid(found.si_pid, 0)
