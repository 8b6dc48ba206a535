"""The posteriors of a set of images, and what they say of each latent."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from tqdm import tqdm

from vae_course.checks import check_count
from vae_course.data import to_unit
from vae_course.latent.checks import check_points, check_posterior
from vae_course.models import VAE, Autoencoder
from vae_course.models.layers import check_images
from vae_course.objectives import kl_per_latent
from vae_course.types import Posterior


def encode_dataset(model: Autoencoder, images: Tensor, *, batch_size: int = 1000, progress: bool = False) -> Posterior:
    """q(z | x) of each image, without gradients. For a plain autoencoder logvar is -inf: its codes are points.

    images: (n, input_dim) uint8. Returns mu and logvar, (n, latent_dim), in the order of the images.
    """
    blocks = encode_blocks(model, images, batch_size=batch_size, progress=progress)
    mu = torch.empty(len(images), model.config.latent_dim)
    logvar = torch.empty_like(mu)
    start = 0
    for block in blocks:
        batch = slice(start, start + len(block.mu))
        mu[batch], logvar[batch] = block
        start += len(block.mu)
    return Posterior(mu, logvar)


def encode_blocks(model: Autoencoder, images: Tensor, *, batch_size: int, progress: bool) -> Iterator[Posterior]:
    """The posteriors of `batch_size` images at a time, so that only these are ever held as floats.

    images: (n, input_dim) uint8, n > 0; looked at before the first block is asked for.
    """
    check_count("batch_size", batch_size)
    check_images("images", images, model.config.input_dim)
    return _blocks(model, images, batch_size, progress=progress)


def _blocks(model: Autoencoder, images: Tensor, batch_size: int, *, progress: bool) -> Iterator[Posterior]:
    with tqdm(total=len(images), unit="image", disable=not progress) as bar:
        for block in images.split(batch_size):
            yield _encode(model, block)
            bar.update(len(block))


def _encode(model: Autoencoder, images: Tensor) -> Posterior:
    """A function of its own, so that a block's floats are gone before the next one's are made."""
    with torch.no_grad():
        x = to_unit(images)
        if isinstance(model, VAE):
            return model.encode(x)
        mu = model.encode_point(x)
        return Posterior(mu, torch.full_like(mu, -torch.inf))


def kl_order(mu: Tensor, logvar: Tensor) -> Tensor:
    """The latents by falling mean KL(q(z_j | x) || N(0, 1)), (d,) int64: those that carry most come first.

    mu, logvar: (n, d). Ties keep the latents' order.
    """
    check_posterior(mu, logvar)
    return kl_per_latent(mu.double(), logvar.double()).mean(dim=0).argsort(descending=True, stable=True)


def active_units(mu: Tensor, *, threshold: float = 0.01) -> Tensor:
    """Which latents move with the image: the variance of their mean over the images exceeds `threshold`, (d,) bool.

    mu: (n, d). Divisor n. Burda, Grosse & Salakhutdinov (2016), section 5.2, who take 0.01.
    """
    check_points("mu", mu)
    if not threshold >= 0:
        raise ValueError(f"threshold must be 0 or above, got {threshold}")
    return mu.double().var(dim=0, correction=0) > threshold
