"""Neighbourhoods: how much of them a map keeps, and what they say of a point's label."""

from __future__ import annotations

import torch
from torch import Tensor

from vae_course.checks import check_whole
from vae_course.latent.checks import check_labels, check_points

_NUMBERS = 4_000_000  # distances held at a time: 32 MB


def neighbour_preservation(high: Tensor, low: Tensor, *, k: int) -> float:
    """The share of the k nearest neighbours of a point in `high` that are among its k nearest in `low`, on average.

    high: (n, D); low: (n, d), the same points in the same order. Euclidean distances; a point is no neighbour of
    itself. 1 if all are kept, about k / (n - 1) if the map is random. Chapter 2.
    """
    check_points("high", high)
    check_points("low", low)
    n = len(high)
    if len(low) != n:
        raise ValueError(f"high and low must hold the same points, got {n} and {len(low)}")
    _check_k(k, n)
    high, low = _centred(high), _centred(low)
    kept = 0
    for rows in torch.arange(n).split(max(1, _NUMBERS // n)):
        is_near = torch.zeros(len(rows), n, dtype=torch.bool)
        is_near.scatter_(1, _nearest(high, rows, k), True)
        kept += int(is_near.gather(1, _nearest(low, rows, k)).sum())
    return kept / (n * k)


def neighbours_vote(points: Tensor, labels: Tensor, *, k: int = 5) -> float:
    """The share of points whose k nearest other points agree, by majority, with their label.

    points: (n, d), of any floating type; labels: (n,) whole numbers. Euclidean distances; of labels with equally many
    votes the smallest wins. Leave-one-out accuracy of the k-nearest-neighbours classifier. Chapter 2.
    """
    check_points("points", points)
    n = len(points)
    check_labels(labels, n, int(labels.max()) + 1 if labels.numel() else 1)
    _check_k(k, n)
    points = _centred(points)
    rows = torch.arange(n).split(max(1, _NUMBERS // n))
    votes = torch.cat([labels[_nearest(points, block, k)].mode(dim=1).values for block in rows])
    return float((votes == labels).double().mean())


def _check_k(k: int, n: int) -> None:
    check_whole("k", k)
    if not 1 <= k < n:
        raise ValueError(f"k must lie between 1 and {n - 1}, the number of other points, got {k}")


def _centred(points: Tensor) -> Tensor:
    points = points.double()
    return points - points.mean(dim=0)


def _nearest(points: Tensor, rows: Tensor, k: int) -> Tensor:
    """The k nearest other points of those in `rows`, (len(rows), k)."""
    # |a - b|^2 - |a|^2, which orders the neighbours of a as the distance does
    squared = torch.addmm((points**2).sum(dim=1), points[rows], points.T, alpha=-2)
    squared[torch.arange(len(rows)), rows] = torch.inf
    return squared.topk(k, dim=1, largest=False).indices
