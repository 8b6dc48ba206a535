"""What a nightly run changes: seeds that no one looked at, and all cases instead of a few."""

from __future__ import annotations

import os

NIGHTLY = int(os.environ.get("VAE_COURSE_NIGHTLY") or 0)
"""The night's seed; 0 by day."""


def seeds(few: int, many: int) -> range:
    """Seeds of random checks: the same `few` on every machine, `many` new ones in a nightly run."""
    return range(NIGHTLY, NIGHTLY + many) if NIGHTLY else range(few)
