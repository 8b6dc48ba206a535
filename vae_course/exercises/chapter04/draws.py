"""Random inputs that the exercises of chapter 4 share."""

from __future__ import annotations

import numpy as np

from vae_course.exercises.base import Inputs


def draw_sizes(rng: np.random.Generator, n: int) -> tuple[int, ...]:
    """Numbers of images, latents and the like that no slip can mistake for each other: from 3 to 7, all different."""
    return tuple(int(size) for size in rng.choice(np.arange(3, 8), size=n, replace=False))


def away_from_zero(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Numbers of both signs between 0.5 and 2 in size, so that no mean is too close to 0 to be compared."""
    return np.asarray(rng.choice([-1.0, 1.0], size=shape) * rng.uniform(0.5, 2.0, size=shape))


def draw_class(rng: np.random.Generator) -> Inputs:
    """mu and logvar of the images of one class, both (n, latent_dim), around a centre that is not 0."""
    n, latent_dim = draw_sizes(rng, 2)
    mu = away_from_zero(rng, latent_dim) + rng.normal(scale=1.2, size=(n, latent_dim))
    return {"mu": mu, "logvar": rng.uniform(-2, 1.5, size=(n, latent_dim))}


def draw_points(rng: np.random.Generator, *, far: bool) -> Inputs:
    """Points near the components, where every way of adding works, or so far off that exp gives 0 in float64."""
    n, components, latent_dim = draw_sizes(rng, 3)
    mu = rng.normal(scale=1.2, size=(components, latent_dim))
    logvar = rng.uniform(-0.5, 1.5, size=mu.shape)
    z = mu[rng.integers(components, size=n)] + rng.normal(scale=0.8, size=(n, latent_dim))
    if far:  # with variances below e^1.5, all log-densities are then below -900; exp gives 0 from -745 on
        direction = rng.normal(size=z.shape)
        z = z + rng.uniform(110, 160, size=(n, 1)) * direction / np.linalg.norm(direction, axis=1, keepdims=True)
    return {"z": z, "mu": mu, "logvar": logvar}
