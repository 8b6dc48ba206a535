"""What is kept of grading between runs: the verdicts on each student's chapter, and what they were given for."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vae_course import exercises
from vae_course.classroom.chapters import Chapter
from vae_course.files import replace_file

STATE = "state"  # the folder
_VERSION = 1  # of what is kept
_KEPT = {"marks", "answers", "remark", "marker", "source"}


@dataclass(frozen=True)
class Mark:
    """What an answer is worth, and why. verdict: a status of a check, or "not handed in"."""

    exercise: str
    points: float
    of: int
    verdict: str
    diagnosis: str
    reason: str
    html: str


def student_key(name: str) -> str:
    """What the gradebook knows the student by: the name, where it can be that of a file, else one like it."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '-', name)[:40].strip('-') or 'student'}-{digest}"


def printable(text: str) -> str:
    """The text without what can't be written to a file or read by a person."""
    text = text.encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def state_file(root: Path, student: str, chapter: str) -> Path:
    """Where the verdicts on a student's chapter are kept. student: the key."""
    return root / STATE / student / f"{chapter}.json"


def make_marker(paths: Sequence[Path]) -> list[list[Any]]:
    """Changes when one of the files does."""
    marks = []
    for path in paths:
        try:
            status = path.lstat()
            marks.append([printable(path.name), status.st_size, status.st_mtime_ns])
        except OSError:  # gone since the folder was read
            marks.append([printable(path.name), 0, 0])
    return marks


def fingerprint(chapter: Chapter) -> str:
    """Changes when the chapter's exercises do."""
    slips = [sorted(exercises.slips(task.name)) for task in chapter.tasks]
    return hashlib.sha256(repr((_VERSION, chapter, slips)).encode()).hexdigest()


def is_done(record: Mapping[str, Any], chapter: Chapter, marker: list[list[Any]]) -> bool:
    """Whether the record holds verdicts on these files by the chapter as it is, given without a failure."""
    return (
        bool(record)
        and not record.get("failed")
        and record["marker"] == marker
        and record["source"] == fingerprint(chapter)
    )


def load(to: Path, key: str, chapter: Chapter) -> dict[str, Any]:
    """What is kept of a student's chapter; empty if that is nothing, cut short, or not what `store` writes."""
    try:
        record = json.loads(state_file(to, key, chapter.name).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) and record.keys() >= _KEPT else {}


def store(to: Path, key: str, chapter: Chapter, record: Mapping[str, Any]) -> None:
    """Keeps the record, whole."""
    replace_file(state_file(to, key, chapter.name), json.dumps(record, indent=1).encode())


def common_seed(to: Path) -> int:
    """The same inputs for all students of a folder, and for whoever grades it again."""
    path = to / STATE / "seed.json"
    try:
        return int(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        seed = secrets.randbits(31)
        replace_file(path, json.dumps(seed).encode())
        return seed
