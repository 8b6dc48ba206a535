"""The share of neighbours that a map keeps, and what neighbours say of a label."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from agreement import agree, library
from scipy.spatial.distance import cdist
from torch import Tensor

from vae_course.checks import make_generator
from vae_course.latent import neighbour_preservation, neighbours, neighbours_vote

SCIPY = f"a loop over distances by {library('scipy', 'SciPy')}"


def points(n: int, d: int, seed: int = 0) -> Tensor:
    return torch.randn(n, d, generator=make_generator(seed))


def by_loop(high: Tensor, low: Tensor, k: int) -> float:
    """Sorted distances, point by point, in NumPy."""
    shares = []
    for i in range(len(high)):
        near = []
        for values in (high.double().numpy(), low.double().numpy()):
            order = np.argsort(cdist(values[i : i + 1], values)[0])
            near.append(set(order[order != i][:k].tolist()))
        shares.append(len(near[0] & near[1]) / k)
    return float(np.mean(shares))


@pytest.mark.parametrize("k", [1, 10, 149])
def test_it_agrees_with_a_loop(k: int) -> None:
    high = points(150, 20)
    low = high[:, :2] + 0.3 * points(150, 2, 1)
    found = neighbour_preservation(high, low, k=k)
    agree("neighbours that a map keeps", SCIPY, found, by_loop(high, low, k), atol=1e-12)


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    high, low = points(200, 5), points(200, 2, 1)
    whole = neighbour_preservation(high, low, k=7)
    monkeypatch.setattr(neighbours, "_NUMBERS", 1100)  # five rows at a time
    assert neighbour_preservation(high, low, k=7) == whole


def test_a_map_that_keeps_all_and_one_that_keeps_none() -> None:
    high = points(300, 3)
    rotation = torch.linalg.qr(points(3, 3, 2)).Q
    assert neighbour_preservation(high, 5 * high @ rotation + 1000, k=10) == 1.0
    # A line with odd points thrown to the other end: the nearest neighbour of each is lost.
    line = torch.arange(20.0)[:, None]
    torn = line + 1000 * (line % 2)
    assert neighbour_preservation(line, torn, k=1) == 0.0


def test_a_random_map_keeps_its_share() -> None:
    found = neighbour_preservation(points(2000, 20), points(2000, 2, 1), k=20)
    assert found == pytest.approx(20 / 1999, abs=0.002)


def test_a_point_is_no_neighbour_of_itself() -> None:
    # Counting itself, every map of three points would keep one of two.
    high, low = torch.tensor([[0.0], [1.0], [10.0], [11.0]]), torch.tensor([[0.0], [10.0], [1.0], [11.0]])
    assert neighbour_preservation(high, low, k=1) == 0.0


@pytest.mark.parametrize(
    ("high", "low", "k", "words"),
    [
        (points(5, 2), points(5, 2), 5, "between 1 and 4"),
        (points(5, 2), points(5, 2), 0, "between 1 and 4"),
        (points(5, 2), points(6, 2), 2, "5 and 6"),
        (points(5, 2)[:, 0], points(5, 2), 2, "high must have shape"),
        (points(5, 2), torch.full((5, 2), torch.nan), 2, "low holds NaN"),
    ],
)
def test_wrong_input(high: Tensor, low: Tensor, k: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        neighbour_preservation(high, low, k=k)


@pytest.mark.parametrize("k", [1, 4, 5])
def test_the_vote_agrees_with_a_loop(k: int) -> None:
    values = points(150, 3).double()
    labels = (values[:, 0] > 0).long() + (values[:, 1] > 0.5).long()
    right = []
    for i in range(150):
        order = np.argsort(cdist(values[i : i + 1], values)[0])
        near = labels[order[order != i][:k].copy()].numpy()
        right.append(np.bincount(near).argmax() == labels[i])  # a tie goes to the smallest label
    agree("accuracy of the neighbours' vote", SCIPY, neighbours_vote(values, labels, k=k), np.mean(right))


def test_the_vote_in_blocks_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    values, labels = points(60, 2), torch.arange(60) % 3
    whole = neighbours_vote(values, labels)
    monkeypatch.setattr(neighbours, "_NUMBERS", 200)
    assert neighbours_vote(values, labels) == whole


def test_pure_groups_vote_right_and_a_point_has_no_vote_of_its_own() -> None:
    values = torch.cat([points(10, 2), points(10, 2) + 100])
    labels = torch.arange(20) // 10
    assert neighbours_vote(values, labels) == 1
    labels[0] = 1  # the odd one out is outvoted
    assert neighbours_vote(values, labels) == 0.95


def test_a_vote_needs_labels_and_neighbours() -> None:
    with pytest.raises(ValueError, match="labels"):
        neighbours_vote(points(9, 2), torch.zeros(8, dtype=torch.int64))
    with pytest.raises(ValueError, match="k must lie between 1 and 8"):
        neighbours_vote(points(9, 2), torch.zeros(9, dtype=torch.int64), k=9)
