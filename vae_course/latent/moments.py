"""Mean and covariance of mixtures of posteriors: of one class, of all classes, of the whole data set.

The mixture of n posteriors N(mu_i, diag v_i) has mean m = mean of mu_i and, by the law of total covariance,
cov = mean of diag v_i (within the images) + mean of (mu_i - m)(mu_i - m)^T (between them). Chapter 4.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from vae_course.latent.checks import check_labels, check_no_empty_class, check_posterior
from vae_course.latent.posteriors import encode_blocks
from vae_course.models import Autoencoder

_BLOCK = 8192  # rows held in float64 at a time


class ClassGaussians(NamedTuple):
    """The Gaussian that shares mean and covariance with each class's mixture of posteriors. float64.

    mean: (c, d). cov: (c, d, d). weight: (c,), each class's share of the images.
    """

    mean: Tensor
    cov: Tensor
    weight: Tensor


class Gaussian(NamedTuple):
    """mean: (d,). cov: (d, d). float64."""

    mean: Tensor
    cov: Tensor


class CovarianceShares(NamedTuple):
    """The two terms of the law of total covariance; they add up to the covariance. float64.

    within: (d, d), the mean of the posteriors' covariances, diagonal. between: (d, d), the covariance of their means.
    """

    within: Tensor
    between: Tensor


def class_gaussians(mu: Tensor, logvar: Tensor, labels: Tensor, *, n_classes: int = 10) -> ClassGaussians:
    """The Gaussian of each class's mixture of posteriors. Sums in float64, divisor n.

    mu, logvar: (n, d), logvar -inf for points; labels: (n,), 0 to n_classes - 1.
    Raises ValueError that names the class if one has no images: it has no mean, and a row of NaN would travel far.
    Chapter 4.
    """
    check_posterior(mu, logvar, points=True)
    check_labels(labels, len(mu), n_classes)
    sums = _Sums(n_classes, mu.shape[1])
    sums.add(mu, logvar, labels)
    return sums.gaussians()


def dataset_class_gaussians(
    model: Autoencoder,
    images: Tensor,
    labels: Tensor,
    *,
    n_classes: int = 10,
    batch_size: int = 1000,
    progress: bool = False,
) -> ClassGaussians:
    """`class_gaussians` of the posteriors of `images`, block by block: the memory needed does not grow with n.

    images: (n, input_dim) uint8; labels: (n,), 0 to n_classes - 1. Raises as class_gaussians does.
    """
    blocks = encode_blocks(model, images, batch_size=batch_size, progress=progress)
    check_labels(labels, len(images), n_classes)
    sums = _Sums(n_classes, model.config.latent_dim)
    start = 0
    for block in blocks:
        check_posterior(*block, points=True)
        sums.add(*block, labels[start : start + len(block.mu)])
        start += len(block.mu)
    return sums.gaussians()


def moment_match(mu: Tensor, logvar: Tensor) -> Gaussian:
    """Mean and covariance of the mixture of all given posteriors. mu, logvar: (n, d), logvar -inf for points."""
    check_posterior(mu, logvar, points=True)
    gaussians = class_gaussians(mu, logvar, torch.zeros(len(mu), dtype=torch.int64), n_classes=1)
    return Gaussian(gaussians.mean[0], gaussians.cov[0])


def split_covariance(mu: Tensor, logvar: Tensor) -> CovarianceShares:
    """The mixture's covariance as the share within the posteriors and the share between their means.

    mu, logvar: (n, d), logvar -inf for points.
    """
    check_posterior(mu, logvar, points=True)
    points = moment_match(mu, torch.full_like(logvar, -torch.inf))
    return CovarianceShares(logvar.double().exp().mean(dim=0).diag(), points.cov)


def aggregate_variance(mu: Tensor, logvar: Tensor) -> Tensor:
    """The variance of each latent under the mixture of all given posteriors, (d,) float64.

    mu, logvar: (n, d), logvar -inf for points. Law of total variance, divisor n; chapter 3.
    """
    check_posterior(mu, logvar, points=True)
    return logvar.double().exp().mean(dim=0) + mu.double().var(dim=0, correction=0)


class _Sums:
    """All that is kept of the posteriors seen so far: O(classes x d^2) numbers in float64.

    Means are summed relative to a shift of each class, the mean of those in the first block with any, since sums of
    squares far from zero would lose their digits in the subtraction at the end.
    """

    def __init__(self, n_classes: int, latent_dim: int) -> None:
        self.count = torch.zeros(n_classes, dtype=torch.int64)
        self.shift = torch.zeros(n_classes, latent_dim, dtype=torch.float64)
        self.first = torch.zeros_like(self.shift)  # sum of mu - shift
        self.second = torch.zeros(n_classes, latent_dim, latent_dim, dtype=torch.float64)  # sum of its outer products
        self.variance = torch.zeros_like(self.shift)  # sum of exp(logvar)

    def add(self, mu: Tensor, logvar: Tensor, labels: Tensor) -> None:
        """Takes up posteriors. mu, logvar: (n, d); labels: (n,)."""
        count = labels.bincount(minlength=len(self.count)).tolist()
        for c, rows_of_class in enumerate(labels.int().argsort(stable=True).split(count)):
            for rows in rows_of_class.split(_BLOCK) if count[c] else ():
                self._add_to_class(c, mu.index_select(0, rows).double(), logvar.index_select(0, rows))

    def _add_to_class(self, c: int, mu: Tensor, logvar: Tensor) -> None:
        if self.count[c] == 0:
            self.shift[c] = mu.mean(dim=0)
        mu = mu.sub_(self.shift[c])  # a copy already
        self.count[c] += len(mu)
        self.first[c] += mu.sum(dim=0)
        self.second[c].addmm_(mu.T, mu)
        # exp rounds no more than logvar itself was rounded; only the sum needs more digits
        self.variance[c] += logvar.exp_().sum(dim=0, dtype=torch.float64)

    def gaussians(self) -> ClassGaussians:
        """Mean and covariance of each class. Raises ValueError that names a class without images."""
        check_no_empty_class(self.count)
        offset = self.first / self.count[:, None]
        between = self.second / self.count[:, None, None] - offset[:, :, None] * offset[:, None, :]
        within = (self.variance / self.count[:, None]).diag_embed()
        cov = between + within
        if not cov.isfinite().all():
            raise ValueError("exp(logvar) or mu squared overflows; such a posterior is no result of a sound training")
        return ClassGaussians(self.shift + offset, (cov + cov.mT) / 2, self.count / self.count.sum(dtype=torch.float64))
