"""Random inputs that the exercises of chapters 6 and 7 share."""

from __future__ import annotations

import numpy as np


def draw_step(rng: np.random.Generator) -> float:
    """A step at which b, b^2, 1 - b, sqrt(1 - b^2) and the like are all far apart."""
    return float(rng.uniform(0.3, 0.45) if rng.random() < 0.5 else rng.uniform(0.78, 0.9))
