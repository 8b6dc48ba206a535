"""What an answer's process may use: memory, processor time, file sizes, a folder of its own, nothing to type on."""

from __future__ import annotations

import os
import random
import resource
import signal
from pathlib import Path
from typing import NamedTuple

from vae_course.classroom import walls

MEGABYTE = 2**20


class Bounds(NamedTuple):
    """Of one answer. seconds: of processor time; waiting: seconds by the clock; memory, file_size: bytes."""

    seconds: int = 20
    waiting: float = 60.0
    memory: int = 1024 * MEGABYTE
    file_size: int = 16 * MEGABYTE
    walled: bool = True


def enter(folder: Path, bounds: Bounds) -> None:
    """Makes this process live in `folder` and within `bounds`, for good."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.chdir(folder)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH") if name in os.environ}
    os.environ.clear()
    os.environ.update({**kept, "HOME": str(folder), "TMPDIR": str(folder), "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"})
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, bounds.file_size)
    _limit(resource.RLIMIT_NOFILE, 128)
    _limit(resource.RLIMIT_CPU, bounds.seconds, bounds.seconds + 1)
    _limit(resource.RLIMIT_AS, _used_memory() + bounds.memory)
    os.nice(5)
    _seed()
    if bounds.walled:
        walls.raise_around(folder)


def _limit(which: int, soft: int, hard: int | None = None) -> None:
    _, present = resource.getrlimit(which)
    hard = soft if hard is None else hard
    if present != resource.RLIM_INFINITY:
        soft, hard = min(soft, present), min(hard, present)
    try:
        resource.setrlimit(which, (soft, hard))
    except (ValueError, OSError):  # macOS has no such limit on memory
        if which != resource.RLIMIT_AS:
            raise


def _used_memory() -> int:
    """Bytes of address space that the process has already."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 8 * 1024 * MEGABYTE


def _seed() -> None:
    """Every answer starts with the same global generators, whatever was forked before."""
    import numpy as np
    import torch

    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    torch.manual_seed(0)
