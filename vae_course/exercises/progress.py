"""What a learner has solved, kept in one small file that several notebooks may write at once.

`check` notes each answer that it judges, in a notebook or IPython, and wherever VAE_COURSE_PROGRESS names a file.
A file that can't be read is set aside, one that can't be written is done without: learning goes on in any case.
"""

from __future__ import annotations

import builtins
import contextlib
import datetime
import errno
import html
import json
import os
import sys
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from vae_course.exercises.verdict import BARS, Verdict
from vae_course.files import replace_file

VARIABLE = "VAE_COURSE_PROGRESS"  # the file to keep it in; "off" keeps nothing
State = Literal["solved", "tried", "open"]
_RANK = {"solved": 2, "tried": 1, "open": 0}
_COLOURS = {"solved": BARS["passed"], "tried": BARS["wrong"], "open": BARS["not answered yet"]}
_SIGNS = {"solved": "✓", "tried": "~", "open": "·"}
_CELL = 'style="text-align:left;padding:0.1em 0.9em 0.1em 0"'
_PATIENCE = 60.0  # seconds to wait for other notebooks that are writing: each takes a moment

# as the chapters state it; a test compares
DIFFICULTY: Mapping[str, int] = {
    "count_outputs": 1, "reparameterize": 1, "kl_standard_normal": 2, "negative_elbo": 2,
    "scatter_coordinates": 1, "posterior_ellipse": 1, "neighbour_preservation": 3,
    "traversal": 1, "aggregate_variance": 2, "repair_heads": 1,
    "class_mean": 1, "class_covariance": 2, "mixture_log_density": 3, "mixture_or_sum": 2, "class_kl_to_prior": 2,
    "sample_prior": 1, "sample_dataset_posterior": 2, "sample_class": 2,
    "mh_accept": 1, "pcn_proposal": 1, "decoder_log_likelihood": 2, "pcn_chain": 3,
    "proposal_log_density": 2, "symmetric_form": 2, "acceptance_log_ratio": 2, "general_prior_proposal": 2,
    "order_the_proof": 2,
    "locate_phases": 2, "align_latents": 2,
    "log_volume": 1, "principal_direction": 1, "gaussian_w2": 2, "shortest_tour": 2, "shell_radius": 1,
    "beta_loss": 1, "sigma_to_beta": 2, "optimal_sigma": 2, "active_units": 1, "collapse_threshold": 2,
    "swap_test": 2,
}  # fmt: skip

_said: set[str] = set()
_paused = 0


class Entry(NamedTuple):
    """One exercise's state, since `on` (an ISO date, "" if it is open)."""

    name: str
    chapter: int
    state: State
    on: str


class Progress:
    """What is solved, chapter by chapter. Shown as a table; `entries` holds the same as data."""

    def __init__(self, entries: Sequence[Entry], file: Path | None) -> None:
        self.entries = tuple(entries)
        self.file = file

    @property
    def solved(self) -> tuple[str, ...]:
        """The names of the exercises that are solved."""
        return tuple(entry.name for entry in self.entries if entry.state == "solved")

    def _chapters(self) -> dict[int, list[Entry]]:
        chapters: dict[int, list[Entry]] = {}
        for entry in self.entries:
            chapters.setdefault(entry.chapter, []).append(entry)
        return chapters

    def _headline(self) -> str:
        return f"{len(self.solved)} of {len(self.entries)} exercises solved"

    def __repr__(self) -> str:
        width = max((len(entry.name) for entry in self.entries), default=0)
        lines = [f"{self._headline()}."]
        for chapter, entries in self._chapters().items():
            lines.append(f"Chapter {chapter}: {_count(entries)}")
            for name, _, state, on in entries:
                difficulty = f"difficulty {DIFFICULTY.get(name, '?')}"
                lines.append(f"  {_SIGNS[state]} {name:<{width}}  {difficulty}  {state:<6}  {on}".rstrip())
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col" {_CELL}>{word}</th>' for word in ("Exercise", "Difficulty", "State"))
        rows = []
        for chapter, entries in self._chapters().items():
            rows.append(
                '<tr><th scope="colgroup" colspan="3" style="text-align:left;padding:0.6em 0 0.1em 0">'
                f"Chapter {chapter}: {_count(entries)}</th></tr>"
            )
            rows += [_row(entry) for entry in entries]
        return (
            '<div style="max-width:46em;overflow-x:auto">'
            f'<p style="margin:0.3em 0"><strong>{self._headline()}.</strong></p>'
            f'<table style="border-collapse:collapse"><thead><tr>{head}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table></div>"
        )


def _count(entries: Sequence[Entry]) -> str:
    return f"{sum(entry.state == 'solved' for entry in entries)} of {len(entries)} solved"


def _row(entry: Entry) -> str:
    said = f"{entry.state} {entry.on}".strip()
    bar = f'<span style="border-left:0.3em solid {_COLOURS[entry.state]};padding-left:0.5em">{said}</span>'
    cells = (f"<code>{html.escape(entry.name)}</code>", str(DIFFICULTY.get(entry.name, "")), bar)
    return "<tr>" + "".join(f"<td {_CELL}>{cell}</td>" for cell in cells) + "</tr>"


def make_progress(chapters: Mapping[str, int]) -> Progress:
    """The progress on these exercises, name -> chapter."""
    file = progress_file()
    kept = _read(file) if file is not None else {}
    entries = []
    for name, chapter in chapters.items():
        state, on = kept.get(name, ("open", ""))
        entries.append(Entry(name, chapter, state, on))
    return Progress(entries, file)


def progress_file() -> Path | None:
    """The file that VAE_COURSE_PROGRESS names, else one in the user's data folder; None if it is "off"."""
    chosen = os.environ.get(VARIABLE, "")
    if chosen:
        return None if chosen == "off" else Path(chosen).expanduser()
    try:
        return _data_folder() / "vae-course" / "progress.json"
    except RuntimeError:  # no home folder
        return None


def _data_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """Nothing is noted meanwhile: for checks of answers that are not the learner's."""
    global _paused
    _paused += 1
    try:
        yield
    finally:
        _paused -= 1


def note(verdict: Verdict, *, anywhere: bool = False) -> Verdict:
    """Keeps what the verdict says, and hands it on. anywhere: also where no person seems to work. Never raises."""
    watched = anywhere or bool(os.environ.get(VARIABLE)) or hasattr(builtins, "__IPYTHON__")
    if watched and not _paused and verdict.status != "not answered yet":
        keep(verdict.exercise, "solved" if verdict.passed else "tried")
    return verdict


def keep(name: str, state: State, *, on: str | None = None) -> None:
    """Keeps the state of an exercise. What is solved stays so, since the first day."""
    file = progress_file()
    if file is None:
        return
    new = {name: (state, on or datetime.date.today().isoformat())}
    try:
        if _merge(_read(file), new) == _read(file):
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        with _locked(file):
            kept = _merge(_read(file), new)  # read again: another notebook may have written
            text = json.dumps({"exercises": {key: list(value) for key, value in sorted(kept.items())}}, indent=1)
            replace_file(file, (text + "\n").encode())
    except OSError as error:
        _say_once(f"Your progress cannot be kept in {file} ({error.strerror}). To keep it elsewhere, set {VARIABLE}.")


def _merge(
    one: Mapping[str, tuple[State, str]], other: Mapping[str, tuple[State, str]]
) -> dict[str, tuple[State, str]]:
    merged = dict(one)
    for name, (state, on) in other.items():
        before = merged.get(name)
        if before is None or _RANK[state] > _RANK[before[0]]:
            merged[name] = (state, on)
    return merged


def _read(file: Path) -> dict[str, tuple[State, str]]:
    """What the file holds. One that is none is set aside under another name, and a warning says so."""
    try:
        return _parse(file.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (ValueError, RecursionError):  # also what is no UTF-8, or nested without end
        _set_aside(file)
        return {}
    except OSError as error:
        _say_once(f"Your progress cannot be read from {file} ({error.strerror}).")
        return {}


def _parse(text: str) -> dict[str, tuple[State, str]]:
    content = json.loads(text)
    exercises: Any = content.get("exercises") if isinstance(content, dict) else None
    if not isinstance(exercises, dict):
        raise ValueError("no exercises")
    found: dict[str, tuple[State, str]] = {}
    for name, value in exercises.items():
        match value:
            case ["solved" | "tried" as state, str(on)]:
                found[name] = (state, on)
            case _:
                raise ValueError(f"no state of {name}")
    return found


def _set_aside(file: Path) -> None:
    aside = file.with_name(f"{file.name}.broken-{time.strftime('%Y%m%d-%H%M%S')}")
    number = 1
    while aside.exists():
        number += 1
        aside = aside.with_name(f"{file.name}.broken-{time.strftime('%Y%m%d-%H%M%S')}-{number}")
    try:
        file.rename(aside)
        warnings.warn(f"{file} was damaged; it is kept as {aside.name}, and a new one is begun.", stacklevel=2)
    except OSError as error:
        _say_once(f"{file} is damaged and can't be set aside ({error.strerror}).")


def _say_once(text: str) -> None:
    if text not in _said:
        _said.add(text)
        warnings.warn(text, stacklevel=2)


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Others wait meanwhile. The system takes the lock from a process that ends; where there is none, nobody waits."""
    with file.with_name(f".{file.name}.lock").open("a+b") as lock:
        end = time.monotonic() + _PATIENCE
        while not _take_lock(lock):
            if time.monotonic() > end:
                raise OSError(errno.EBUSY, "other notebooks are writing to it all the time")
            time.sleep(0.01)
        yield


def _take_lock(lock: Any) -> bool:
    if sys.platform == "win32":
        import msvcrt

        try:
            lock.seek(0)
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)  # let go when the file is closed
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True
