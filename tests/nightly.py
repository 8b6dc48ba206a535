"""What a nightly run changes: seeds that no one looked at, all cases instead of a few, and figures kept."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

NIGHTLY = int(os.environ.get("VAE_COURSE_NIGHTLY") or 0)
"""The night's seed; 0 by day."""


def seeds(few: int, many: int) -> range:
    """Seeds of random checks: the same `few` on every machine, `many` new ones in a nightly run."""
    return range(NIGHTLY, NIGHTLY + many) if NIGHTLY else range(few)


def report(part: str, **figures: Any) -> None:
    """Notes what a test of this part found, one JSON object a line, in the file that VAE_COURSE_REPORT names, if any.

    Lines are short: those of two workers don't mix.
    """
    if named := os.environ.get("VAE_COURSE_REPORT"):
        with Path(named).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"part": part, **figures, "seed": NIGHTLY}) + "\n")
