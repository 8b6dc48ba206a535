"""What the tests of faults found, one JSON object a line, in the file that VAE_COURSE_REPORT names."""

from __future__ import annotations

import json
import os
from pathlib import Path

SEED = int(os.environ.get("VAE_COURSE_NIGHTLY") or 0)
"""Other than 0 in a nightly run, which does all that is too long for `make test`."""


def report(fault: str, trials: int, outcome: str) -> None:
    """Notes what became of a fault that was tried so often. Lines are short: those of two workers don't mix."""
    if named := os.environ.get("VAE_COURSE_REPORT"):
        line = json.dumps({"part": "faults", "fault": fault, "trials": trials, "outcome": outcome, "seed": SEED})
        with Path(named).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
