"""Times the check of every exercise, given the right answer: against importing the package, and the answer alone.

    python benchmarks/exercises.py [--rounds 5]

Processor time on one thread, with that of the forked child in which a check first tries an answer. In each round the
package is imported once in a process of its own, then all checks run. Writes results/exercises.json.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from _measuring import RESULTS, describe, make_work, quartet, seconds_with_children, store

from vae_course import exercises

IMPORT = [sys.executable, "-c", "from vae_course import exercises"]
GOALS = {"slowest": 0.5, "middle": 0.1}  # imports of the package


class Timed:
    """A function that adds up the time that its calls take, and counts them."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.seconds, self.calls = function, 0.0, 0

    def __call__(self, *args: Any) -> Any:
        start = time.perf_counter()
        try:
            return self.function(*args)
        finally:
            self.seconds += time.perf_counter() - start
            self.calls += 1


def time_check(name: str, seed: int) -> tuple[float, Timed]:
    """Processor seconds of the check of the right answer, and what that answer took in this process."""
    answer = Timed(exercises.reference(name))
    verdicts = []
    taken = seconds_with_children(lambda: verdicts.append(exercises.check(name, answer, seed=seed)))
    if not verdicts[0].passed:
        raise RuntimeError(f"the check of {name} refuses the right answer: {verdicts[0]}")
    return taken, answer


def measure(*, rounds: int) -> dict[str, Any]:
    """A record for each exercise, and the imports' seconds."""
    names = exercises.names()
    for name in names:
        time_check(name, 0)  # warms up
    log: dict[str, list[float]] = {name: [] for name in (*names, "import")}
    of_answer: dict[str, list[float]] = {name: [] for name in names}
    calls = {}
    for turn in range(rounds):
        log["import"].append(seconds_with_children(lambda: subprocess.run(IMPORT, check=True)))
        for name in names:
            taken, answer = time_check(name, turn)
            log[name].append(taken)
            of_answer[name].append(answer.seconds / taken)
            calls[name] = answer.calls
    return {
        "seconds": {name: quartet(values) for name, values in log.items()},
        "imports": {name: quartet([a / b for a, b in zip(log[name], log["import"], strict=True)]) for name in names},
        "share of the answer": {name: quartet(shares) for name, shares in of_answer.items()},
        "calls of the answer": calls,
    }


def list_works(result: dict[str, Any]) -> list[dict[str, Any]]:
    """What the book's page shows of it."""
    imports = result["imports"]
    by_time = sorted(imports, key=lambda name: imports[name]["median"])
    slowest, middle = by_time[-1], [imports[name]["median"] for name in by_time]
    unit, peer = "imports", "importing the package"
    typical = {"median": statistics.median(middle), "min": middle[0], "max": middle[-1]}
    return [
        make_work(
            "the slowest check",
            imports[slowest],
            f"{unit} ({slowest})",
            peer=peer,
            goal=GOALS["slowest"],
            better="less",
        ),
        make_work(
            f"a check, the middle one of {len(by_time)}", typical, unit, peer=peer, goal=GOALS["middle"], better="less"
        ),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    os.environ["VAE_COURSE_PROGRESS"] = "off"  # nobody has solved anything here
    torch.set_num_threads(1)
    result: dict[str, Any] = {"machine": describe(None, 1), "rounds": args.rounds}
    result |= measure(rounds=args.rounds)
    result["works"] = list_works(result)
    store("exercises", result, args.results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
