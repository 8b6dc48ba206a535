"""How good samples are: fidelity, diversity and novelty, from distances between features of real and sampled images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from vae_course.checks import check_whole
from vae_course.latent.checks import check_points

_NUMBERS = 4_000_000  # distances held at a time: 32 MB
# Balls are a little larger than they are, so that rounding does not say whether they hold their surface: by this share
# of the squared radius and by this share of |a|^2, below which a squared distance is 0 but for rounding.
_SURFACE, _ROUNDING = 1e-9, 1e-12


class SampleQuality(NamedTuple):
    """What a set of samples is worth beside a set of real points.

    precision: share of samples that lie within a real point's ball. recall: share of real points that lie within a
    sample's ball. density: mean number of real balls that a sample lies in, over k; about 1 for samples from the real
    distribution, and it may be above 1. coverage: share of real balls that hold a sample.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def sample_quality(real: Tensor, samples: Tensor, *, k: int = 5) -> SampleQuality:
    """Precision and recall, density and coverage of `samples`, by balls that reach to the k-th nearest neighbour.

    real: (n, d), samples: (m, d), features of images, of any floating type. A point's ball has the Euclidean distance
    to its k-th nearest other point of the same set as its radius, and holds its surface. Computed in float64 and in
    blocks: memory grows with n + m only. Precision and recall: Kynkäänniemi et al. (2019); density and coverage:
    Naeem et al. (2020). Chapter 5.
    """
    check_points("real", real)
    check_points("samples", samples, real.shape[1])
    smallest = min(len(real), len(samples))
    check_whole("k", k)
    if not 1 <= k < smallest:
        raise ValueError(f"k must lie between 1 and {smallest - 1}, the other points of the smaller set, got {k}")
    middle = real.double().mean(dim=0)  # smaller numbers cancel better in the expanded square
    real, samples = real.double() - middle, samples.double() - middle
    real_radius, sample_radius = _squared_radius(real, k), _squared_radius(samples, k)
    in_real = torch.zeros(len(samples), dtype=torch.int64)  # how many real balls hold each sample
    in_sample = torch.zeros(len(real), dtype=torch.bool)
    is_covered = torch.zeros(len(real), dtype=torch.bool)
    for rows, squared in _blocks(samples, real):
        in_ball = squared <= real_radius
        in_real[rows] = in_ball.count_nonzero(dim=1)
        is_covered |= in_ball.any(dim=0)
        in_sample |= (squared <= sample_radius[rows, None]).any(dim=0)
    return SampleQuality(
        precision=float((in_real > 0).double().mean()),
        recall=float(in_sample.double().mean()),
        density=float(in_real.double().mean()) / k,
        coverage=float(is_covered.double().mean()),
    )


def nearest_distance(points: Tensor, others: Tensor) -> Tensor:
    """The Euclidean distance from each point to the nearest of the others, (n,) float64.

    points: (n, d), others: (m, d), of any floating type. Memory grows with n + m only. Chapter 5.
    """
    check_points("points", points)
    check_points("others", others, points.shape[1])
    middle = others.double().mean(dim=0)
    points, others = points.double() - middle, others.double() - middle
    squared = torch.cat([squared.amin(dim=1) for _, squared in _blocks(points, others)])
    return squared.masked_fill_(squared < 2 * _ROUNDING * (points**2).sum(dim=1), 0).sqrt_()


def _squared_radius(points: Tensor, k: int) -> Tensor:
    """The squared distance from each point to its k-th nearest other point, (n,), rounded up."""
    radius = []
    for rows, squared in _blocks(points, points):
        squared[torch.arange(len(rows)), rows] = torch.inf
        radius.append(squared.topk(k, dim=1, largest=False).values[:, -1])  # kthvalue is slower
    return torch.cat(radius).clamp_min(0) * (1 + _SURFACE) + 2 * _ROUNDING * (points**2).sum(dim=1)


def _blocks(points: Tensor, others: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Rows of `points`, and their squared distances to all others, (rows, m), a block at a time."""
    length = (others**2).sum(dim=1)
    for rows in torch.arange(len(points)).split(max(1, _NUMBERS // len(others))):
        block = points[rows]
        yield rows, torch.addmm((block**2).sum(dim=1)[:, None] + length, block, others.T, alpha=-2)
