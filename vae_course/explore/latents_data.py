"""What the explorer of the latents says of a model and its digits, the same to the last byte everywhere (level 5)."""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_course.data import to_unit
from vae_course.latent import mixture_log_density
from vae_course.models import VAE
from vae_course.types import Posterior

GRID_STEP = 0.05  # of the violins, in latent units


def aggregate_density(mu: Tensor, logvar: Tensor, *, limit: float) -> NDArray[np.float64]:
    """Density of each latent's aggregate posterior, the mixture of N(mu_j, exp(logvar_j)) over the digits.

    mu, logvar: (n, d). Returns (d, m): m even steps of GRID_STEP from -limit to limit, to four decimals.
    """
    grid = torch.linspace(-limit, limit, 1 + round(2 * limit / GRID_STEP), dtype=torch.float64)[:, None]
    columns = [mixture_log_density(grid, m[:, None], v[:, None]) for m, v in zip(mu.T, logvar.T, strict=True)]
    # Rounded far more coarsely than float64 computes, so that the bytes are the same on every machine.
    return np.round(torch.stack(columns).exp().numpy(), 4)


def example_rows(labels: Tensor, n: int) -> NDArray[np.int64]:
    """Rows of `n` digits, or of all if there are fewer: the first of each class, then the second of each, and so on."""
    rank = torch.empty_like(labels)
    for label in labels.unique():
        rows = (labels == label).nonzero()[:, 0]
        rank[rows] = torch.arange(len(rows))
    return np.lexsort((labels.numpy(), rank.numpy()))[:n].astype(np.int64)


def exact_posteriors(model: VAE, images: Tensor) -> Posterior:
    """mu and logvar, (n, latent_dim), in float64, so that what is rounded later is the same on every machine."""
    exact = copy.deepcopy(model).cpu().double()
    with torch.no_grad():
        blocks = [exact.encode(to_unit(block).double()) for block in images.split(1000)]
    return Posterior(torch.cat([block.mu for block in blocks]), torch.cat([block.logvar for block in blocks]))
