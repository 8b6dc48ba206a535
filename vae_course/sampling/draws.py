"""Independent draws of z from the prior and from mixtures of posteriors."""

from __future__ import annotations

import torch
from torch import Tensor

from vae_course.checks import check_count, check_whole
from vae_course.latent.checks import check_labels, check_posterior
from vae_course.objectives import reparameterize


def sample_prior(n: int, d: int, *, generator: torch.Generator) -> Tensor:
    """n draws from N(0, I) in d dimensions, (n, d) float32."""
    check_count("n", n)
    check_count("d", d)
    return torch.randn(n, d, generator=generator)


def sample_dataset_posterior(mu: Tensor, logvar: Tensor, n: int, *, generator: torch.Generator) -> Tensor:
    """n draws from the mixture of all given posteriors, (n, d), of mu's type: an image at random, then its z.

    mu, logvar: (m, d), logvar -inf for points. Images are drawn with replacement. Chapter 5.
    """
    check_posterior(mu, logvar, points=True)
    check_count("n", n)
    index = torch.randint(len(mu), (n,), generator=generator)
    eps = torch.randn(n, mu.shape[1], generator=generator, dtype=mu.dtype)
    return reparameterize(mu[index], logvar[index], eps)


def sample_class(mu: Tensor, logvar: Tensor, labels: Tensor, c: int, n: int, *, generator: torch.Generator) -> Tensor:
    """n draws from the mixture of the posteriors of class c, (n, d), of mu's type.

    mu, logvar: (m, d), logvar -inf for points; labels: (m,). Raises ValueError if no image has the label c.
    """
    check_posterior(mu, logvar, points=True)
    check_whole("c", c)
    check_labels(labels, len(mu), max(c, int(labels.max()) if labels.numel() else 0) + 1)
    chosen = labels == c
    if not chosen.any():
        known = ", ".join(str(label) for label in labels.unique().tolist())
        raise ValueError(f"no image has the label {c}; the labels that occur are {known}")
    return sample_dataset_posterior(mu[chosen], logvar[chosen], n, generator=generator)
