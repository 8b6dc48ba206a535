"""Walls around an answer's process, where the kernel has them: Linux's Landlock (files) and seccomp (system calls).

Landlock lets it read Python and its libraries, without the exercises, and write to its own folder alone. The filter of
system calls refuses new processes, programs, signals to others, sockets and changes of file modes. Neither needs any
rights, and neither can be taken off. Where a kernel has none, the answer runs without: `enforced` tells.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import struct
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # landlock's system calls, the same on all machines
_EXECUTE, _WRITE, _READ_FILE, _READ_FOLDER = 1, 2, 4, 8
_READ = _EXECUTE | _READ_FILE | _READ_FOLDER
_ALL_OF_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1}
_SIGNALS_AND_SOCKETS = 3  # what is scoped from ABI 6 on: signals and abstract sockets
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_WITHHELD = ("exercises", "classroom", "commands")  # of the package: the right functions, and what grades

# Refused system calls, by the number on x86_64 and on aarch64 (-1: it has none).
_REFUSED = {
    "fork": (57, -1), "vfork": (58, -1), "execve": (59, 221), "execveat": (322, 281),
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "pidfd_send_signal": (424, 424), "pidfd_open": (434, 434),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "setsid": (112, 157), "setpgid": (109, 154),
    "chmod": (90, -1), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, -1), "lchown": (94, -1), "fchown": (93, 55), "fchownat": (260, 54),
    "utime": (132, -1), "utimes": (235, -1), "utimensat": (280, 88), "futimesat": (261, -1),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "setrlimit": (160, 164),
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "chroot": (161, 51),
    "setuid": (105, 146), "setgid": (106, 144), "bpf": (321, 280), "io_uring_setup": (425, 425),
    "perf_event_open": (298, 241), "keyctl": (250, 219), "reboot": (169, 142), "setpriority": (141, 140),
}  # fmt: skip
_CLONE, _CLONE3, _PRLIMIT = (56, 220), (435, 435), (302, 261)
_CLONE_THREAD = 0x00010000
_EPERM, _ENOSYS = 1, 38
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}


def raise_around(folder: Path) -> tuple[str, ...]:
    """Puts up the walls around this process, for good. Returns those that stand: "files", "calls"."""
    if sys.platform != "linux":
        return ()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return ()
    standing = []
    if _wall_off_files(libc, folder):
        standing.append("files")
    if _wall_off_calls(libc):
        standing.append("calls")
    return tuple(standing)


def enforced() -> tuple[str, ...]:
    """The walls that this machine has, found out in a child that is thrown away."""
    if sys.platform != "linux":
        return ()
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            os.write(write_end, " ".join(raise_around(Path.cwd())).encode())
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as file:
        found = file.read().split()
    os.waitpid(pid, 0)
    return tuple(found)


def _wall_off_files(libc: ctypes.CDLL, folder: Path) -> bool:
    abi = libc.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    if abi < 1:
        return False
    everything = _ALL_OF_ABI[min(abi, 3)]
    attributes = struct.pack("QQQ", everything, 0, _SIGNALS_AND_SOCKETS if abi >= 6 else 0)
    attributes = attributes[: 24 if abi >= 6 else 8]
    rules = libc.syscall(_CREATE, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    if rules < 0:
        return False
    for path in _readable():
        _allow(libc, rules, path, _READ)
    for path in (Path("/proc/cpuinfo"), Path("/sys/devices/system/cpu")):  # what libraries choose their code by
        _allow(libc, rules, path, _READ)
    for device in ("null", "zero", "urandom", "random"):
        _allow(libc, rules, Path("/dev", device), _READ_FILE | _WRITE)
    _allow(libc, rules, folder, everything & ~_EXECUTE)
    done = libc.syscall(_RESTRICT, rules, ctypes.c_uint32(0)) == 0
    os.close(rules)
    return bool(done)


def _allow(libc: ctypes.CDLL, rules: int, path: Path, access: int) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        if not path.is_dir():
            access &= _EXECUTE | _WRITE | _READ_FILE
        libc.syscall(_ADD, rules, 1, struct.pack("=Qi", access, descriptor), ctypes.c_uint32(0))
        os.close(descriptor)


def _readable() -> Iterator[Path]:
    package = Path(__file__).resolve().parents[1]
    withheld = {package / name for name in _WITHHELD}
    libraries = {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    system = {Path(name).resolve() for name in ("/usr", "/lib", "/lib64", "/etc", sys.base_prefix, sys.prefix)}
    for path in {package, *libraries, *system}:
        yield from _without(path, withheld)


def _without(path: Path, withheld: set[Path]) -> Iterator[Path]:
    """The path, or where something below it is withheld, all else that is below."""
    if path in withheld:
        return
    if not any(path in one.parents for one in withheld):
        yield path
        return
    with contextlib.suppress(OSError):
        for child in path.iterdir():
            yield from _without(child, withheld)


def _wall_off_calls(libc: ctypes.CDLL) -> bool:
    if platform.machine() not in _MACHINES:
        return False
    column, architecture = _MACHINES[platform.machine()]
    program = _filter(column, architecture)
    code = ctypes.create_string_buffer(program, len(program))
    length = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, length, 0, 0) == 0)


def _filter(column: int, architecture: int) -> bytes:
    """The filter as a program for the kernel's small machine: load a word, compare, return."""
    allow, kill = 0x7FFF0000, 0x80000000
    refuse, missing = 0x00050000 | _EPERM, 0x00050000 | _ENOSYS
    number, arch, first_argument, third_argument = 0, 4, 16, 32

    def load(offset: int) -> bytes:
        return struct.pack("HBBI", 0x20, 0, 0, offset)

    def if_equal(value: int, yes: int, no: int) -> bytes:
        return struct.pack("HBBI", 0x15, yes, no, value)

    def give(value: int) -> bytes:
        return struct.pack("HBBI", 0x06, 0, 0, value)

    program = load(arch) + if_equal(architecture, 1, 0) + give(kill) + load(number)
    if column == 0:  # the numbers of the x32 mode, from 2^30 on, are another way to the same calls
        program += struct.pack("HBBI", 0x35, 0, 1, 0x40000000) + give(kill)
    for numbers in _REFUSED.values():
        if numbers[column] >= 0:
            program += if_equal(numbers[column], 0, 1) + give(refuse)
    program += if_equal(_CLONE3[column], 0, 1) + give(missing)  # its flags can't be seen; libraries fall back to clone
    # threads are let through, processes are not
    program += if_equal(_CLONE[column], 0, 4) + load(first_argument)
    program += struct.pack("HBBI", 0x45, 1, 0, _CLONE_THREAD) + give(refuse) + give(allow)
    # limits may be read, not set: the third argument is where the new ones stand
    program += if_equal(_PRLIMIT[column], 0, 5) + load(third_argument) + if_equal(0, 0, 2)
    program += load(third_argument + 4) + if_equal(0, 1, 0) + give(refuse)
    return program + give(allow)
