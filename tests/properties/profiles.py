"""How many examples a property gets: the same few on every machine, or many new ones in the nightly run."""

from __future__ import annotations

from nightly import NIGHTLY

SEED = NIGHTLY % 2**31
EXAMPLES = 200 if NIGHTLY else 20
FEW = EXAMPLES // 4  # where an example takes more than some milliseconds
