"""Inputs that the exercises on the scatter plot share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import Tensor

from vae_course.exercises.base import Inputs

SPREADS: dict[str, Callable[[Tensor], Tensor]] = {  # what people take for the width of a posterior
    "logvar": lambda logvar: logvar,
    "variance": lambda logvar: logvar.exp(),
    "std": lambda logvar: (0.5 * logvar).exp(),
}


def draw_plane(rng: np.random.Generator) -> Inputs:
    """mu and logvar of a few images in two dimensions, (n, 2); n is neither 2 nor 4."""
    shape = (int(rng.integers(5, 9)), 2)
    return {"mu": rng.normal(scale=1.5, size=shape), "logvar": rng.uniform(-2, 1.5, size=shape)}
