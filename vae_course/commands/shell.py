"""Running other programs from the clone, and saying what it took."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

# PyTorch's threads wait for each other by spinning. Where another process is busy (a second notebook, a browser)
# that was seen to make a training ten times slower; where none is, sleeping instead costs up to a half.
PATIENT_THREADS = {"OMP_WAIT_POLICY": "PASSIVE"}


class CommandError(Exception):
    """A verb can't do its work; the message is all that the user needs to see."""


def clone_root() -> Path:
    """The folder of the clone that the package runs from.

    Raises CommandError when the package was installed without its book.
    """
    root = Path(__file__).resolve().parents[2]
    if not (root / "_toc.yml").is_file() or not (root / "pyproject.toml").is_file():
        raise CommandError(f"{root} is no clone of the course (it has no _toc.yml); run `make` in a clone")
    return root


def run(command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str] | None = None) -> int:
    """Runs a program of this environment and hands on what it prints. Returns its exit code."""
    words = [str(word) for word in command]
    print("$ " + " ".join(words), flush=True)
    return subprocess.run(words, cwd=cwd, env=environment(env), check=False).returncode


def module(name: str, *arguments: str | Path) -> list[str | Path]:
    """The command that runs a Python module by the interpreter that runs this."""
    return [sys.executable, "-m", name, *arguments]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of this process, with the interpreter's own programs found first."""
    own = str(Path(sys.executable).parent)
    path = os.pathsep.join([own, os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1", **(extra or {})}


def kernel_environment() -> dict[str, str]:
    """What a notebook's kernel is given: figures inline whatever the caller prefers, no colour codes in the output."""
    return {
        **PATIENT_THREADS,
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "NO_COLOR": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "VAE_COURSE_PROGRESS": "off",  # the book's own runs solve nothing for the reader
    }


@contextmanager
def stopwatch() -> Iterator[list[float]]:
    """Yields a list that holds the seconds when the block has ended."""
    seconds: list[float] = []
    start = time.perf_counter()
    try:
        yield seconds
    finally:
        seconds.append(time.perf_counter() - start)


def in_words(seconds: float) -> str:
    """3.2 s, or 2 min 05 s."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"
