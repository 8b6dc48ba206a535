"""Right inputs, made from a seed: the properties draw sizes and seeds, and these make tensors of them."""

from __future__ import annotations

import math

import torch
from hypothesis import strategies as st
from torch import Tensor

from vae_course.checks import make_generator
from vae_course.configs import VAEConfig
from vae_course.latent import ClassGaussians
from vae_course.models import VAE, Autoencoder
from vae_course.types import Digits, Posterior

seeds = st.integers(0, 2**31 - 1)
rows = st.integers(2, 24)
latents = st.integers(1, 5)
dtypes = st.sampled_from([torch.float32, torch.float64])

PIXELS = 16
SMALL = VAEConfig(input_dim=PIXELS, hidden_dims=(6,), latent_dim=2)
DIGIT_SIZED = VAEConfig(hidden_dims=(6,), latent_dim=2)


def normal(seed: int, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Draws from N(0, 1)."""
    return torch.randn(*shape, generator=make_generator(seed), dtype=torch.float64).to(dtype)


def uniform(seed: int, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Draws from [0, 1)."""
    return torch.rand(*shape, generator=make_generator(seed), dtype=torch.float64).to(dtype)


def posterior(seed: int, n: int, d: int, dtype: torch.dtype = torch.float64) -> Posterior:
    """Posteriors of n images, of widths from about a third to about 1."""
    generator = make_generator(seed)
    mu = 2 * torch.randn(n, d, generator=generator, dtype=torch.float64)
    return Posterior(mu.to(dtype), (torch.rand(n, d, generator=generator, dtype=torch.float64) * 2 - 2).to(dtype))


def covariances(seed: int, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """(..., d, d), positive definite and well conditioned. shape ends with d."""
    factor = normal(seed, *shape, shape[-1])
    return ((factor @ factor.mT + torch.eye(shape[-1])) / math.sqrt(shape[-1])).to(dtype)


def class_labels(seed: int, n: int, c: int) -> Tensor:
    """n labels from 0 to c - 1, each at least once if n >= c."""
    generator = make_generator(seed)
    values = torch.cat([torch.arange(min(c, n)), torch.randint(c, (max(n - c, 0),), generator=generator)])
    return values[torch.randperm(n, generator=generator)]


def gaussians(seed: int, c: int, d: int, dtype: torch.dtype = torch.float64) -> ClassGaussians:
    """c Gaussians of equal weight."""
    weight = torch.full((c,), 1 / c, dtype=torch.float64)
    return ClassGaussians(2 * normal(seed, c, d, dtype=dtype), covariances(seed + 1, c, d, dtype=dtype), weight)


def rotation(seed: int, d: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """An orthogonal matrix, (d, d)."""
    return torch.linalg.qr(normal(seed, d, d)).Q.to(dtype)


def distances(seed: int, c: int) -> Tensor:
    """(c, c), of points on a plane."""
    points = normal(seed, c, 2)
    return torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")


def vae(seed: int, config: VAEConfig = SMALL) -> VAE:
    """An untrained VAE whose codes differ from image to image."""
    return _spread(VAE(config, generator=make_generator(seed)))


def autoencoder(seed: int, config: VAEConfig = SMALL) -> Autoencoder:
    """An untrained autoencoder."""
    return _spread(Autoencoder(config, generator=make_generator(seed)))


def images(seed: int, n: int, pixels: int = PIXELS) -> Tensor:
    """(n, pixels) uint8."""
    return torch.randint(0, 256, (n, pixels), generator=make_generator(seed), dtype=torch.uint8)


def digits(seed: int, n: int) -> Digits:
    """n pictures of noise with labels from 0 to 9, each at least once if n >= 10."""
    return Digits(images(seed, n, 784), class_labels(seed, n, 10))


def _spread(model: VAE | Autoencoder) -> VAE | Autoencoder:
    with torch.no_grad():
        model.mu_head.weight.mul_(5)
    return model.requires_grad_(False)
