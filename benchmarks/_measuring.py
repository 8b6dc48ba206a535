"""What the benchmarks share: images, clocks, spreads, the machine, and the works that the book's page shows.

A result is a JSON file with `machine` and `works`. A work is what was done, against what, what was reached with its
spread, in which unit, and the goal if there is one: all that the page of the book (book/benchmarks.md) needs.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from vae_course.cpu import choose_matmul, describe_machine
from vae_course.data import load_digits
from vae_course.files import replace_file, write_json_text

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"


def load_images(n: int) -> tuple[Tensor, Tensor, str]:
    """n images and labels, and where they come from: MNIST where it is at hand, else the embedded digits repeated."""
    try:
        digits, source = load_digits("train"), "MNIST, the 60,000 training images"
    except FileNotFoundError:
        digits, source = load_digits("embedded"), "the 5,000 embedded digits, repeated"
    times = -(-n // len(digits.images))
    return digits.images.repeat(times, 1)[:n], digits.labels.repeat(times)[:n], source


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and process time of one call."""
    wall, process = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - process


def seconds_with_children(work: Callable[[], object]) -> float:
    """Processor time of one call, with that of the processes that it started and that have ended."""
    before = _used()
    work()
    return _used() - before


def _used() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def quartet(values: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def ratios(peer: Sequence[float], ours: Sequence[float]) -> dict[str, float]:
    """How many times as long the peer takes, round by round."""
    return quartet([a / b for a, b in zip(peer, ours, strict=True)])


def make_work(
    work: str,
    reached: dict[str, float],
    unit: str,
    *,
    peer: str | None = None,
    goal: float | None = None,
    better: str = "more",
) -> dict[str, Any]:
    """A line of the page. reached: a `quartet` in this unit. peer: None if there is none. better: "more" or "less"."""
    if better not in ("more", "less"):
        raise ValueError(f'better must be "more" or "less", got {better!r}')
    return {"work": work, "peer": peer, "reached": reached, "unit": unit, "goal": goal, "better": better}


def describe(source: str | None, threads: int, **versions: str) -> dict[str, Any]:
    """The machine, how busy it was, and the versions that count. source: of the images, None if there are none."""
    return {
        **describe_machine(),
        "threads": threads,
        "matrix product": choose_matmul(),
        **({} if source is None else {"images": source}),
        **versions,
    }


def store(name: str, result: dict[str, Any], folder: Path) -> None:
    """Writes the result as JSON and prints its works."""
    replace_file(folder / f"{name}.json", write_json_text(result).encode())
    for work in result["works"]:
        goal = "" if work["goal"] is None else f", goal {work['goal']:g}"
        print("{work}: {median:.3g} ({min:.3g} to {max:.3g}) {unit}".format(**work, **work["reached"]) + goal)
