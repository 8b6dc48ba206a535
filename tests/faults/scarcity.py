"""A disk that takes no more, folders that may not be written to, and no network, for the length of a block."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_MAY_PASS_OVER_MODES = (1 << 1) | (1 << 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
_VERSION_3 = 0x20080522


@contextlib.contextmanager
def full_disk(size: int = 100) -> Iterator[None]:
    """The kernel lets no file grow beyond `size` bytes: a write gives EFBIG, as a quota does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nobody may write into the folder, nor root, who lays down the right to pass over modes meanwhile."""
    mode = folder.stat().st_mode
    folder.chmod(0o500)
    try:
        with _modes_bind():
            with pytest.raises(PermissionError):
                (folder / "probe").touch()
            yield
    finally:
        folder.chmod(mode)


@contextlib.contextmanager
def _modes_bind() -> Iterator[None]:
    if os.geteuid() != 0:
        yield
        return
    if sys.platform != "linux":
        pytest.skip("root may write everywhere")
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice 32
    if libc.capget(header, sets):
        pytest.skip("root may write everywhere, and what it may cannot be asked")
    before = sets[0]
    sets[0] = before & ~_MAY_PASS_OVER_MODES
    libc.capset(header, sets)
    try:
        yield
    finally:
        sets[0] = before
        assert libc.capset(header, sets) == 0


@contextlib.contextmanager
def no_network() -> Iterator[None]:
    """Every name is unknown and every address out of reach, as on a train."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    def unreachable(*_: object) -> None:
        raise OSError(101, "Network is unreachable")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", unknown)
        patch.setattr(socket.socket, "connect", unreachable)
        yield
