"""The mixture of all posteriors on a plane, class by class, and the Gaussian with the same moments (level 5).

The page computes the same from the same packed numbers (static/mixture.mjs, static/gaussians.mjs).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from vae_course.latent import class_log_density, class_probabilities, kl_to_prior, mixture_log_density, split_covariance

Floats = NDArray[np.float64]

LOG_2PI = math.log(2 * math.pi)


class SplitGaussian(NamedTuple):
    """The Gaussian with the mean and covariance of a mixture of `n` posteriors, and the covariance's two parts.

    mean: (2,). within: (2, 2) mean of the posteriors' covariances. between: (2, 2) covariance of their means.
    """

    n: int
    mean: Floats
    within: Floats
    between: Floats

    @property
    def cov(self) -> Floats:
        """within + between, (2, 2): the law of total covariance."""
        return self.within + self.between

    @property
    def within_share(self) -> float:
        """What part of the total variance, the trace, lies within the images; between 0 and 1."""
        return float(np.trace(self.within) / np.trace(self.cov))

    @property
    def kl_to_prior(self) -> float:
        """KL(N(mean, cov) || N(0, I)) in nats."""
        return float(kl_to_prior(torch.from_numpy(self.mean), torch.from_numpy(self.cov)))

    def log_density(self, z: ArrayLike) -> Floats:
        """log N(z; mean, cov) in nats, (...), of points (..., 2)."""
        apart = np.asarray(z, dtype=np.float64) - self.mean
        distance = np.einsum("...i,ij,...j->...", apart, np.linalg.inv(self.cov), apart)
        return np.asarray(-0.5 * distance - LOG_2PI - 0.5 * np.linalg.slogdet(self.cov)[1])


PRIOR = SplitGaussian(1, np.zeros(2), np.eye(2), np.zeros((2, 2)))


def match_posteriors(mu: Floats, logvar: Floats) -> SplitGaussian:
    """The moments of the equal mixture of N(mu, diag exp(logvar)), (n, 2) each, in float64. Chapter 4."""
    within, between = split_covariance(torch.from_numpy(mu), torch.from_numpy(logvar))
    return SplitGaussian(len(mu), mu.mean(axis=0), within.numpy(), between.numpy())


def pool(parts: Sequence[SplitGaussian]) -> SplitGaussian:
    """The moments of a mixture of mixtures, weighted by their n: the law of total covariance once more."""
    n = sum(part.n for part in parts)
    mean = sum((part.n / n * part.mean for part in parts), np.zeros(2))
    within, between = np.zeros((2, 2)), np.zeros((2, 2))
    for part in parts:
        within += part.n / n * part.within
        between += part.n / n * (part.between + np.outer(part.mean - mean, part.mean - mean))
    return SplitGaussian(n, mean, within, between)


class PlaneMixture:
    """Mixtures of N(mu, diag exp(logvar)) with equal weights: one for each class, and for any set of classes.

    mu, logvar: (n, 2). labels: (n,) from 0 to 9, each at least once. The map is [-limit, limit] on both axes, in
    `cells` x `cells` cells; rows go with z2 upwards, columns with z1.
    """

    def __init__(self, mu: Floats, logvar: Floats, labels: NDArray[np.uint8], *, limit: float, cells: int) -> None:
        self.mu, self.logvar, self.labels = mu, logvar, labels
        self.limit, self.cells = limit, cells
        self._posteriors = torch.from_numpy(mu), torch.from_numpy(logvar)
        self._classes = torch.from_numpy(labels.astype(np.int64))
        self.edges = np.linspace(-limit, limit, cells + 1)
        self._masses = cache(self._make_masses)

    def class_log_densities(self, z: ArrayLike) -> Floats:
        """log p(z | class) in nats at one point, (10,): exact, from every posterior of the class."""
        return np.asarray(class_log_density(_batch(z), *self._posteriors, self._classes)[0])

    def class_probabilities(self, z: ArrayLike) -> Floats:
        """p(class | z), (10,), with the classes' shares of the digits as weights."""
        return np.asarray(class_probabilities(_batch(z), *self._posteriors, self._classes)[0])

    def log_density(self, z: ArrayLike, classes: Sequence[int]) -> float:
        """log density of the mixture of all posteriors of the classes, in nats."""
        rows = np.isin(self.labels, list(classes))
        return float(mixture_log_density(_batch(z), *(part[rows] for part in self._posteriors)))

    def masses(self, classes: Sequence[int]) -> Floats:
        """The mixture's probability of each cell, (cells, cells): exact, so that they sum to the mass on the map."""
        return self._masses(tuple(classes))

    def total_variation(self, classes: Sequence[int], matched: SplitGaussian) -> float:
        """Half the sum over the cells of |mixture - matched Gaussian|; all beyond the map is one more cell."""
        return _total_variation(self.masses(classes), self.gaussian_masses(matched))

    def drawn_total_variation(self, classes: Sequence[int], matched: SplitGaussian) -> float:
        """What `total_variation` gives if the means are drawn from a Gaussian instead: what finite n alone makes.

        The draws are a fixed sequence that depends on the row only, the same as in the page.
        """
        rows = np.flatnonzero(np.isin(self.labels, list(classes)))
        (a, b), (_, c) = matched.between
        lower = np.sqrt(a)
        slope = b / lower if lower > 0 else 0.0
        noise = _fixed_normals(rows)
        first = matched.mean[0] + lower * noise[:, 0]
        second = matched.mean[1] + slope * noise[:, 0] + np.sqrt(max(c - slope**2, 0)) * noise[:, 1]
        drawn = self._cell_masses(np.stack([first, second], axis=1), self.logvar[rows])
        return _total_variation(drawn, self.gaussian_masses(matched))

    def gaussian_masses(self, gaussian: SplitGaussian) -> Floats:
        """A Gaussian's probability of each cell, (cells, cells), from points closer than its own width."""
        width = 2 * self.limit / self.cells
        least = math.sqrt(float(np.linalg.eigvalsh(gaussian.cov)[0]))
        fine = min(8, math.ceil(2 * width / least))
        centres = -self.limit + (np.arange(self.cells * fine) + 0.5) * width / fine
        density = np.exp(gaussian.log_density(np.stack(np.meshgrid(centres, centres), axis=-1)))
        blocks = density.reshape(self.cells, fine, self.cells, fine)
        return np.asarray(blocks.sum(axis=(1, 3)) * (width / fine) ** 2)

    def _make_masses(self, classes: tuple[int, ...]) -> Floats:
        rows = np.isin(self.labels, classes)
        return self._cell_masses(self.mu[rows], self.logvar[rows])

    def _cell_masses(self, mu: Floats, logvar: Floats) -> Floats:
        from scipy.special import ndtr

        below = ndtr((self.edges[:, None, None] - mu) * np.exp(-0.5 * logvar))  # (cells + 1, n, 2)
        along = np.diff(below, axis=0)
        return np.asarray(along[..., 1] @ along[..., 0].T / len(mu))


def _total_variation(one: Floats, other: Floats) -> float:
    return float(0.5 * np.abs(one - other).sum() + 0.5 * abs(one.sum() - other.sum()))


def _batch(z: ArrayLike) -> torch.Tensor:
    return torch.from_numpy(np.asarray(z, dtype=np.float64).reshape(1, 2))


def _fixed_normals(rows: NDArray[np.int64]) -> Floats:
    """Two standard normal numbers for each row, (n, 2), always the same: mulberry32, then Box and Muller (1958)."""
    first, second = ((_mix_bits(2 * rows + k) + 0.5) / 2**32 for k in (1, 2))
    radius = np.sqrt(-2 * np.log(first))
    return np.stack([radius * np.cos(2 * np.pi * second), radius * np.sin(2 * np.pi * second)], axis=1)


def _mix_bits(position: NDArray[np.int64]) -> Floats:
    """The whole number below 2**32 at each position of T. Ettinger's mulberry32 sequence that starts from 0."""
    state = (position * 0x6D2B79F5 & 0xFFFFFFFF).astype(np.uint32)
    mixed = (state ^ state >> np.uint32(15)) * (state | np.uint32(1))
    mixed = (mixed + (mixed ^ mixed >> np.uint32(7)) * (mixed | np.uint32(61))) ^ mixed
    return np.asarray((mixed ^ mixed >> np.uint32(14)).astype(np.float64))
