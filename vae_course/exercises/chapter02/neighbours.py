"""The exercise of chapter 2 on what a 2-D picture of a latent space keeps: the nearest neighbours."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.base import Exercise, Faulty, Inputs, Slip, faulty_family


def neighbour_preservation(high: Tensor, low: Tensor, k: int) -> float:
    """The share of a point's k nearest neighbours in `high` that are among its k nearest in `low`, averaged.

    high: (n, d), low: (n, 2), the same n > k points; the distance is Euclidean, and a point is no neighbour of
    itself. Returns a value from 0 to 1.
    """
    return (_kept(high, low, k).double() / k).mean().item()


def _distances(points: Tensor, *, p: float = 2.0, to_self: float = torch.inf) -> Tensor:
    """(n, n) distances between points, with `to_self` on the diagonal."""
    return torch.cdist(points, points, p=p).fill_diagonal_(to_self)


def _among_nearest(distances: Tensor, k: int) -> Tensor:
    """Row i: which points are among the k nearest of point i. (n, n) booleans."""
    nearest = torch.zeros_like(distances, dtype=torch.bool)
    return nearest.scatter_(1, distances.topk(k, largest=False).indices, True)


def _kept(high: Tensor, low: Tensor, k: int) -> Tensor:
    """How many of its neighbours each point keeps: (n,)."""
    return (_among_nearest(_distances(high), k) & _among_nearest(_distances(low), k)).sum(dim=1)


def _preservation(high: Tensor, low: Tensor, k: int, *, neighbours: str, divisor: str) -> float:
    # a point is its own nearest neighbour: it takes one of the k places, or comes on top of them
    counted, to_self = {"others": (k, torch.inf), "self in": (k, -1.0), "self on top": (k + 1, -1.0)}[neighbours]
    kept = _among_nearest(_distances(high, to_self=to_self), counted)
    kept &= _among_nearest(_distances(low, to_self=to_self), counted)
    return kept.sum(dim=1).double().mean().item() / {"k": k, "counted": counted, "none": 1}[divisor]


# --- answers that are wrong in ways without a key --------------------------------------------------------------


def _with_k(high: Tensor, low: Tensor, k: int, *, counted: int, divisor: int) -> float:
    return neighbour_preservation(high, low, counted) * counted / divisor


def _farthest(high: Tensor, low: Tensor, k: int) -> float:
    kept = _among_nearest(-_distances(high, to_self=0), k) & _among_nearest(-_distances(low, to_self=0), k)
    return kept.sum(dim=1).double().mean().item() / k


def _jaccard(high: Tensor, low: Tensor, k: int) -> float:
    a, b = _among_nearest(_distances(high), k), _among_nearest(_distances(low), k)
    return ((a & b).sum(dim=1) / (a | b).sum(dim=1)).mean().item()


def _same_place(high: Tensor, low: Tensor, k: int) -> float:
    a, b = (_distances(points).topk(k, largest=False).indices for points in (high, low))
    return (a == b).double().mean().item()


def _all_kept(high: Tensor, low: Tensor, k: int) -> float:
    return (_kept(high, low, k) == k).double().mean().item()


def _city_blocks(high: Tensor, low: Tensor, k: int) -> float:
    kept = _among_nearest(_distances(high, p=1), k) & _among_nearest(_distances(low, p=1), k)
    return kept.sum(dim=1).double().mean().item() / k


def _trustworthiness(high: Tensor, low: Tensor, k: int) -> float:
    """Venna & Kaski (2001): 1 minus a penalty for those near in `low` but far in `high`, by how far."""
    n = len(high)
    rank = _distances(high).argsort(dim=1).argsort(dim=1) + 1  # 1 for the nearest
    excess = (rank - k).clamp(min=0)[_among_nearest(_distances(low), k)].sum().item()
    return 1 - 2 * excess / (n * k * (2 * n - 3 * k - 1))


_PLAIN = neighbour_preservation
_WITHOUT_A_KEY = (
    (lambda high, low, k: 100 * _PLAIN(high, low, k), "You gave a percentage. A share runs from 0 to 1."),
    (
        lambda high, low, k: 1 - _PLAIN(high, low, k),
        "You gave the share of neighbours that are lost. Wanted is the share that is kept.",
    ),
    (
        lambda high, low, k: len(high) * _PLAIN(high, low, k),
        "You added up the shares of all points. Average them.",
    ),
    (
        lambda high, low, k: len(high) * k * _PLAIN(high, low, k),
        "You counted the neighbours kept by all points together. Divide by how many there could be.",
    ),
    (
        lambda high, low, k: _kept(high, low, k) / k,
        "You have the share of each point. Average over the points.",
    ),
    (
        lambda high, low, k: _kept(high, low, k),
        "You have the number that each point keeps. Divide by how many it could be, and average over the points.",
    ),
    (_farthest, "You took the k farthest points. The nearest have the smallest distances."),
    (
        lambda high, low, k: _with_k(high, low, k, counted=k + 1, divisor=k + 1),
        "You compare k + 1 neighbours. Your slice ends one place too late.",
    ),
    (
        lambda high, low, k: _with_k(high, low, k, counted=k + 1, divisor=k),
        "You compare k + 1 neighbours. Your slice ends one place too late.",
    ),
    (
        lambda high, low, k: _with_k(high, low, k, counted=k - 1, divisor=k - 1),
        "You compare k - 1 neighbours. If you leave out the point itself, your slice must end one place later.",
    ),
    (
        lambda high, low, k: _with_k(high, low, k, counted=k - 1, divisor=k),
        "You compare k - 1 neighbours. If you leave out the point itself, your slice must end one place later.",
    ),
    (
        _jaccard,
        "You divided by the number of points in either set (the Jaccard index). Wanted is the share of the k "
        "neighbours.",
    ),
    (
        _same_place,
        "You ask whether the first neighbour stays first, the second second, and so on. Their order does not matter: "
        "compare the sets.",
    ),
    (
        _all_kept,
        "You count the points that keep all their neighbours. Each point counts by the share that it keeps.",
    ),
    (_city_blocks, "You added up absolute differences. The distance wanted is the Euclidean one."),
    (
        _trustworthiness,
        "You computed the trustworthiness. It is another measure: it weighs false neighbours by how far away they "
        "are, where this exercise counts.",
    ),
)

# --- the exercise ----------------------------------------------------------------------------------------------


def _draw_points(rng: np.random.Generator) -> Inputs:
    """Points and a noisy projection of them, without two distances that float32 might confuse."""
    n, k = int(rng.integers(14, 19)), int(rng.integers(3, 6))
    while True:
        high = rng.normal(size=(n, 4)) * [2, 1.5, 1, 0.7]
        low = high[:, :2] + rng.normal(scale=0.3, size=(n, 2))
        if _narrowest_gap(high) > 1e-4 and _narrowest_gap(low) > 1e-4:
            return {"high": high, "low": low, "k": k}


def _narrowest_gap(points: np.ndarray) -> float:
    """Smallest difference between the distances from one point to any two others."""
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    return float(np.diff(np.sort(distances, axis=1), axis=1).min())


NEIGHBOUR_PRESERVATION = Exercise(
    name="neighbour_preservation",
    chapter=2,
    returns="one number from 0 to 1",
    draw=_draw_points,
    examples=(
        # on a line at 0, 1, 3, 7, 12; the picture moves the last point to the other end
        {
            "high": np.array([[0.0, 0, 0], [1, 0, 0], [3, 0, 0], [7, 0, 0], [12, 0, 0]]),
            "low": np.array([[0.0, 0], [1, 0], [3, 0], [7, 0], [-4.5, 0]]),
            "k": 2,
        },
    ),
    reference=neighbour_preservation,
    slips={
        "counts_self": Slip(
            "It counts each point as a neighbour of itself.",
            "Each point is among its own neighbours, at distance 0. It stays there in every picture, so your share is "
            "too high even for a random one. Neighbours are other points.",
        ),
        "not_divided_by_k": Slip(
            "It gives the number of kept neighbours, not their share.",
            "You gave the mean number of neighbours kept. It grows with k, so that values for different k cannot be "
            "compared. Of how many neighbours is that?",
        ),
    },
    faulty=(
        *faulty_family(
            _preservation,
            neighbours={"others": None, "self in": "counts_self", "self on top": "counts_self"},
            divisor={"k": None, "counted": None, "none": "not_divided_by_k"},
        ),
        *(Faulty((), function, remark=remark) for function, remark in _WITHOUT_A_KEY),
    ),
    hints=(
        "Take one point. Who are its k nearest in `high`, who in `low`, and how many names are on both lists? Then "
        "average over the points.",
        r"$\frac{1}{n} \sum_i \frac{1}{k} |N_k^{\mathrm{high}}(i) \cap N_k^{\mathrm{low}}(i)|$, where $N_k(i)$ holds "
        "the k points nearest to point $i$, without $i$.",
        "Get all distances with `torch.cdist(high, high)`, sort each row with `argsort`, and keep the columns "
        "`1 : k + 1`, as column 0 is the point itself. Do the same for `low`, intersect row by row as sets, divide by "
        "k, average.",
    ),
    praise="The share of neighbours that the picture keeps: 1 for a faithful one, about k / (n - 1) for a random one.",
)
