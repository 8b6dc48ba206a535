"""Killing works at random moments, again and again, and seeing them through to the end."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

TESTS = Path(__file__).resolve().parents[1]
LONGEST = 6  # kills in a row, before the work is let go on to its end
Content = dict[str, bytes]
"""The files below a folder by their paths."""


class Work(NamedTuple):
    """Something to be killed.

    prepare: makes the folder that the work finds. whole: raises AssertionError where a file is half-written, given the
    folder and what a run that nobody stopped leaves. same: what is compared in the end, of the folder's files.
    first: the worst moments, each tried before those that are drawn.
    """

    name: str
    whole: Callable[[Path, Content], None]
    prepare: Callable[[Path], None] = lambda folder: folder.mkdir(parents=True)
    same: Callable[[Content], Content] = lambda content: content
    options: Mapping[str, Any] = MappingProxyType({})
    first: tuple[dict[str, Any], ...] = ()


class Tally(NamedTuple):
    """What killing a work came to. by: kills by their kind. left: most files that kills in a row had left aside."""

    by: Counter[str]
    chains: int
    too_late: int
    left: int


class Killer:
    """The process from which works are forked."""

    def __init__(self, folder: Path) -> None:
        paths = [str(TESTS.parent), str(TESTS / "classroom"), os.environ.get("PYTHONPATH", "")]
        env = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "VAE_COURSE_MATMUL": "highest",  # one that is measured may differ from run to run
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
        }
        words = [sys.executable, str(Path(__file__).with_name("killable.py"))]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, env=env, cwd=folder)
        self._read("ready")

    def __call__(self, work: Work, folder: Path, kill: dict[str, Any] | None = None) -> dict[str, Any]:
        """Runs the work, kills it so, and returns what became of it."""
        request = {"work": work.name, "folder": str(folder), "options": dict(work.options), "kill": kill}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._read())
        assert answer["left"] == 0, f"{work.name}: {answer['left']} processes outlived it"
        return answer

    def _read(self, wanted: str = "") -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.strip() and wanted in line, f"the process that starts the works has ended: {self.process.poll()}"
        return line

    def close(self) -> None:
        """Ends it, after what it is doing."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(60)


def contents(folder: Path) -> Content:
    """All files below the folder."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def leftovers(folder: Path) -> list[str]:
    """Files that are written aside, to be renamed when they are whole."""
    return [path.name for path in folder.rglob(".*.part")]


def draw(chance: random.Random, reference: dict[str, Any]) -> dict[str, Any]:
    """How to die next: by the clock, at a change of files, or with a part of a file on the disk."""
    kinds = ["after"] + ["event"] * (reference["events"] > 0) + ["write"] * (reference["writes"] > 0)
    kind = chance.choice(kinds)
    if kind == "after":
        return {"after": chance.uniform(0, reference["seconds"])}
    # Early ones are more frequent: what is gone on with has less to do.
    n = 1 + int(reference[f"{kind}s"] * chance.random() ** 2)
    return {kind: n} | ({"share": chance.random()} if kind == "write" else {})


def kill_often(killer: Killer, work: Work, place: Path, *, kills: int, seed: int) -> Tally:
    """Kills the work `kills` times, in rows of some. After each row it must end as a run does that nobody stopped."""
    chance = random.Random(f"{seed} {work.name}")
    untouched = place / "untouched"
    work.prepare(untouched)
    reference = killer(work, untouched)
    assert reference["status"] == 0, (untouched.parent / "untouched.log").read_text()
    expected = contents(untouched)
    assert leftovers(untouched) == []
    work.whole(untouched, expected)
    by: Counter[str] = Counter()
    chains = too_late = left = 0
    worst = list(work.first)
    while worst or sum(by.values()) < kills:
        folder = place / f"killed-{chains}"
        work.prepare(folder)
        row = 1 if worst else min(chance.randint(1, LONGEST), kills - sum(by.values()))
        while row:
            kill = worst.pop(0) if worst else draw(chance, reference)
            ended = killer(work, folder, kill)
            said = f"{work.name}, {kill}: {(place / f'{folder.name}.log').read_text()}"
            if ended["status"] == 0:  # it was done before it could be killed
                assert kill not in work.first, f"{kill}: that moment never came"
                too_late += 1
                break
            assert ended["status"] == -signal.SIGKILL, said
            work.whole(folder, expected)
            left = max(left, len(leftovers(folder)))
            by[next(iter(kill))] += 1
            row -= 1
        ended = killer(work, folder)
        assert ended["status"] == 0, (place / f"{folder.name}.log").read_text()
        work.whole(folder, expected)
        assert leftovers(folder) == [], f"{work.name}: what kills left aside is still there"
        differing = differences(work.same(contents(folder)), work.same(expected))
        assert differing == [], f"{work.name} ended otherwise than a run that nobody stopped: {differing}"
        shutil.rmtree(folder)
        chains += 1
    return Tally(by, chains, too_late, left)


def differences(found: Content, expected: Content) -> list[str]:
    """The names of files that one lacks or that differ."""
    return sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))


def without(content: Content, *patterns: str) -> Content:
    """The files whose names match none of the patterns anywhere."""
    return {name: value for name, value in content.items() if not any(re.search(p, name) for p in patterns)}
