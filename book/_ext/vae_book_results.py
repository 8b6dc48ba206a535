"""What benchmarks/results/*.json must hold for the book's page, and how it is put into words (used by the extension).

A result has `machine`, a table of words, and `works`, a list of what was done, against what, with what spread.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NamedTuple


class ResultError(ValueError):
    """A result lacks what the page needs."""


class Work(NamedTuple):
    """A line of the page. better: "more" or "less" of what was reached; goal and peer may be None."""

    work: str
    peer: str | None
    reached: dict[str, float]
    unit: str
    goal: float | None
    better: str

    @property
    def share(self) -> float:
        """What was reached as a multiple of the goal, above 1 where it is met, whichever way is better."""
        assert self.goal is not None
        return self.of_goal(self.reached["median"])

    @property
    def missed(self) -> bool:
        """Whether there is a goal and the median does not reach it."""
        return self.goal is not None and self.share < 1

    def of_goal(self, value: float) -> float:
        """A value as a multiple of the goal, turned so that more is better."""
        assert self.goal is not None
        return value / self.goal if self.better == "more" else self.goal / value

    def judge(self) -> str:
        """Of a work with a goal: met, or missed by how much."""
        if not self.missed:
            return "met"
        assert self.goal is not None
        return f"missed by {abs(self.reached['median'] / self.goal - 1):.0%}".replace("%", " %")

    def figures(self) -> str:
        """What was reached: the median, and the least and the greatest where they differ."""
        middle, low, high = (figure(self.reached[name]) for name in ("median", "min", "max"))
        return f"{middle} ({low}\N{EN DASH}{high})" if low != high else middle


def figure(value: float) -> str:
    """Three digits, or all before the point."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}" if value else "0"


def read_result(folder: Path, name: str) -> dict[str, Any]:
    """A result, with `works` as Work. Raises ResultError that names the file, what it lacks and what to do."""
    path = folder / f"{name}.json"
    again = f"run `vae-course bench {name}` again"
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ResultError(f"{path.name} can't be read ({error}); {again}") from error
    if not isinstance(found, dict):
        raise ResultError(f"{path.name} holds no table of results; {again}")
    for key in ("machine", "works"):
        if not found.get(key):
            raise ResultError(f"{path.name} lacks `{key}`; {again}")
    for i, work in enumerate(found["works"], 1):
        if problem := problem_of(work):
            raise ResultError(f"{path.name}: work {i} {problem}; {again}")
    return found | {"works": [Work(**work) for work in found["works"]]}


def problem_of(work: Any) -> str:
    """What is wrong with a work as it is stored, or ""."""
    if not isinstance(work, dict) or set(work) != set(Work._fields):
        have = ", ".join(work) if isinstance(work, dict) else repr(work)
        return f"must hold {', '.join(Work._fields)}, and holds {have}"
    if work["better"] not in ("more", "less"):
        return f'has better {work["better"]!r}, where "more" or "less" is wanted'
    reached = work["reached"]
    if not isinstance(reached, dict) or set(reached) != {"median", "min", "max"}:
        return "lacks median, min or max of what was reached"
    values = [*reached.values(), *([] if work["goal"] is None else [work["goal"]])]
    if not all(isinstance(value, int | float) and math.isfinite(value) and value > 0 for value in values):
        return f"has figures that are no numbers above 0: {values}"
    return ""
