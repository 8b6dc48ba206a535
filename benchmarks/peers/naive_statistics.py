"""The peers of the latent statistics: the loops that teaching code uses, in NumPy, PyTorch and SciPy.

Each gives the numbers of its counterpart in vae_course.latent; the benchmark checks that before it times them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from peers.pytorch_example import ImagesAsMNIST
from scipy.linalg import sqrtm
from torch import Tensor
from torch.utils.data import DataLoader

Array = NDArray[np.float64]


def class_gaussians_by_loop(mu: Tensor, logvar: Tensor, labels: Tensor) -> tuple[Array, Array]:
    """Image by image: E[z] and E[z z^T] of each class, then the covariance. (c, d) and (c, d, d)."""
    d = mu.shape[1]
    count, mean, second = np.zeros(10), np.zeros((10, d)), np.zeros((10, d, d))
    for m, v, c in zip(mu.numpy(), logvar.numpy(), labels.numpy(), strict=True):
        count[c] += 1
        mean[c] += m
        second[c] += np.diag(np.exp(v)) + np.outer(m, m)
    mean /= count[:, None]
    return mean, second / count[:, None, None] - mean[:, :, None] * mean[:, None, :]


def class_gaussians_by_lists(model: Any, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """A DataLoader over all images, the posteriors of its batches in lists, stacked; then class by class."""
    means, logvars, targets = [], [], []
    with torch.no_grad():
        for x, y in DataLoader(ImagesAsMNIST(images, labels), batch_size=128):
            mu, logvar = model.encode(x.view(-1, 784))
            means.append(mu)
            logvars.append(logvar)
            targets.append(y)
    mu, logvar, labels = torch.cat(means), torch.cat(logvars), torch.cat(targets)
    mean = torch.stack([mu[labels == c].mean(dim=0) for c in range(10)])
    covs = [
        torch.cov(mu[labels == c].T, correction=0) + logvar[labels == c].exp().mean(dim=0).diag() for c in range(10)
    ]
    return mean, torch.stack(covs)


def wasserstein2(mean1: Array, cov1: Array, mean2: Array, cov2: Array) -> float:
    """The distance between two Gaussians, as the formula stands."""
    root = sqrtm(cov1)
    cross = sqrtm(root @ cov2 @ root).real
    squared = ((mean1 - mean2) ** 2).sum() + np.trace(cov1 + cov2 - 2 * cross)
    return float(np.sqrt(max(squared, 0)))


def wasserstein2_by_loop(mean: Array, cov: Array) -> Array:
    """All pairs in a double loop. mean: (c, d), cov: (c, d, d); (c, c)."""
    n = len(mean)
    return np.array([[wasserstein2(mean[i], cov[i], mean[j], cov[j]) for j in range(n)] for i in range(n)])


def wasserstein2_by_careful_loop(mean: Array, cov: Array) -> Array:
    """The same, each pair once and each matrix's own root once."""
    n = len(mean)
    table = np.zeros((n, n))
    for i in range(n):
        root = sqrtm(cov[i])
        for j in range(i):
            cross = sqrtm(root @ cov[j] @ root).real
            squared = ((mean[i] - mean[j]) ** 2).sum() + np.trace(cov[i] + cov[j] - 2 * cross)
            table[i, j] = table[j, i] = np.sqrt(max(squared, 0))
    return table
