"""Random inputs that the exercises of chapter 1 share."""

from __future__ import annotations

import numpy as np

from vae_course.exercises.base import Inputs


def batch_and_latents(rng: np.random.Generator) -> tuple[int, int]:
    """Sizes that no slip can mistake for each other: at least 3, and different."""
    batch, latent_dim = rng.choice(np.arange(3, 8), size=2, replace=False)
    return int(batch), int(latent_dim)


def draw_posterior(rng: np.random.Generator) -> Inputs:
    """mu and logvar of a few images, both (batch, latent_dim), well spread."""
    shape = batch_and_latents(rng)
    return {"mu": rng.normal(scale=1.5, size=shape), "logvar": rng.uniform(-2, 1.5, size=shape)}
