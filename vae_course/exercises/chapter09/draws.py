"""Random covariances that the exercises of chapter 9 share."""

from __future__ import annotations

import numpy as np


def draw_covariance(rng: np.random.Generator, variances: np.ndarray) -> np.ndarray:
    """A covariance with these variances along random directions: (d, d)."""
    d = len(variances)
    directions, _ = np.linalg.qr(rng.normal(size=(d, d)))
    cov = (directions * variances) @ directions.T
    return np.asarray((cov + cov.T) / 2)
