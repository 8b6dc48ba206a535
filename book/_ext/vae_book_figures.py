"""What runs of tests have stored in tests/results/*.json, read for the book's page, and put into words and bars.

`night` is what `vae-course nightly` found, `coverage` and `day` what the verbs `coverage` and `test` did, `everywhere`
what tests/everywhere.py did on other Pythons and processors. Used by `vae_book_tests`.
"""

from __future__ import annotations

import json
import math
from html import escape
from pathlib import Path
from typing import Any

NEEDED = {  # of each file, and what makes it anew
    "night": (("seed", "machine", "verdicts", "notes", "tests"), "vae-course nightly --store"),
    "coverage": (("machine", "total", "parts"), "vae-course coverage --store"),
    "day": (("machine", "stages", "slowest"), "vae-course test --store"),
    "everywhere": (("machine", "settings"), "python tests/everywhere.py"),
}
SMALLEST, LARGEST = -17.0, 1.0  # the ends of the axis of differences, as powers of ten


class FiguresError(ValueError):
    """A result lacks what the page needs."""


def read_figures(folder: Path, name: str) -> dict[str, Any]:
    """What a run stored. Raises FiguresError that names the file, what it lacks and what to do."""
    keys, command = NEEDED[name]
    path = folder / f"{name}.json"
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise FiguresError(f"{path.name} can't be read ({error}); run `{command}`") from error
    lacking = [key for key in keys if not found.get(key)]
    if lacking:
        raise FiguresError(f"{path.name} lacks {', '.join(lacking)}; run `{command}`")
    return dict(found)


def notes_of(night: dict[str, Any], part: str) -> list[dict[str, Any]]:
    """What the tests of a part noted. Raises FiguresError if it is nothing."""
    if not (found := [note for note in night["notes"] if note["part"] == part]):
        raise FiguresError(f"night.json has no notes on {part}; run `{NEEDED['night'][1]}`")
    return found


def passes(setting: dict[str, Any]) -> bool:
    """Whether all tests of a setting passed."""
    return bool(setting["verdict"] == "passed")


def largest(notes: list[dict[str, Any]]) -> float:
    """The largest difference noted."""
    return max(float(note["difference"]) for note in notes)


def allowed(notes: list[dict[str, Any]]) -> float:
    """The largest difference that would pass."""
    return max(float(note["allowed"]) for note in notes)


def minutes(seconds: float) -> str:
    """Seconds below one minute, then minutes."""
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:02.0f} s"


def place(difference: float) -> float:
    """Where a difference lies along the axis, in per cent."""
    exponent = math.log10(difference) if difference > 0 else SMALLEST
    return 100 * (min(max(exponent, SMALLEST), LARGEST) - SMALLEST) / (LARGEST - SMALLEST)


def power(value: float) -> str:
    """Two digits and a power of ten, as HTML."""
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.1e}".split("e")
    if -3 <= int(exponent) <= 2:
        return f"{value:.2g}"
    return f"{mantissa}\N{MULTIPLICATION SIGN}10<sup>{int(exponent)}</sup>".replace("1.0\N{MULTIPLICATION SIGN}", "")


def difference_bar(against: str, what: str, notes: list[dict[str, Any]]) -> str:
    """A line that ends at the largest difference found, with a mark where the test would fail."""
    found, limit = largest(notes), allowed(notes)
    numbers = sum(note["compared"] for note in notes)
    kind = "" if notes[0]["measure"] == "relative" else " absolute"
    words = f"{escape(against)}; {numbers:,} numbers, at most {power(found)}{kind} apart, {power(limit)} allowed"
    return bar(what, words, f'<span class="limit" style="left:{place(limit):.1f}%"></span>', width=place(found))


def share_bar(name: str, share: dict[str, float]) -> str:
    """A part's share of lines run, along an axis from none to all."""
    return bar(name, f"{share['percent']:.1f} % of {share['lines']:,} lines", "", width=share["percent"])


def bar(what: str, words: str, marks: str, *, width: float) -> str:
    """A name, words in HTML, and below them a line of this width in per cent, with other marks on its track."""
    line = f'<span class="spread" style="left:0;width:{width:.1f}%"></span>{marks}'
    return (
        f'<li><span class="what">{escape(what)}</span> <span class="figures">{words}</span>'
        f'<span class="track from-nothing" aria-hidden="true">{line}</span></li>'
    )
