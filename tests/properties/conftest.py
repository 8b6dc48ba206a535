"""Hypothesis as these tests use it."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from nightly import NIGHTLY
from profiles import EXAMPLES

# No deadline: the machine may be busy. Examples are sizes and seeds, so there is little to shrink and nothing to keep.
_ALWAYS: dict[str, Any] = {"deadline": None, "database": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("same", derandomize=True, max_examples=EXAMPLES, **_ALWAYS)
settings.register_profile("nightly", derandomize=False, max_examples=EXAMPLES, print_blob=True, **_ALWAYS)
settings.load_profile("nightly" if NIGHTLY else "same")
