"""Groupings are counted and compared as combinatorics and scikit-learn say."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score

from vae_course import latent

GUESS = torch.tensor([2, 0, 1, 1, 2, 1, 2, 0, 2, 2])


def draw_groupings(n: int, n_classes: int, n_groups: int, seed: int) -> torch.Tensor:
    return torch.randint(n_groups, (n, n_classes), generator=torch.Generator().manual_seed(seed))


def as_partition(row: list[int]) -> frozenset[frozenset[int]]:
    return frozenset(frozenset(i for i, group in enumerate(row) if group == g) for g in set(row))


@pytest.mark.parametrize(
    ("labels", "count"),
    [
        (GUESS, comb(10, 2) * comb(8, 3)),
        (torch.tensor([0, 0, 1, 1]), 3),
        (torch.tensor([5, 5, 7, 7, 9, 9]), 15),
        (torch.tensor([0, 1, 2, 3]), 1),
        (torch.tensor([0, 1, 2, 2]), 6),
    ],
)
def test_every_grouping_of_these_sizes_is_there_once(labels: torch.Tensor, count: int) -> None:
    found = latent.groupings_like(labels)
    assert found.shape == (count, len(labels))
    partitions = {as_partition(row) for row in found.tolist()}
    assert len(partitions) == count
    assert as_partition(labels.tolist()) in partitions
    sizes = sorted(np.bincount(labels.numpy())[np.bincount(labels.numpy()) > 0])
    assert all(sorted(map(len, partition)) == sizes for partition in partitions)


def test_adjusted_rand_is_scikit_learn_s() -> None:
    labels = draw_groupings(50, 10, 4, seed=0)
    ours = latent.adjusted_rand(labels, GUESS)
    theirs = [adjusted_rand_score(GUESS.numpy(), row.numpy()) for row in labels]
    np.testing.assert_allclose(ours, theirs, atol=1e-12)
    assert float(latent.adjusted_rand(GUESS, GUESS)) == 1


def test_adjusted_rand_of_random_groupings_is_zero_on_average() -> None:
    reference = draw_groupings(1, 10, 3, seed=1)[0]
    assert float(latent.adjusted_rand(latent.groupings_like(GUESS), reference).mean()) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("reference", [torch.zeros(4, dtype=torch.int64), torch.arange(4)])
def test_a_reference_without_choice_is_refused(reference: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="at least two groups"):
        latent.adjusted_rand(torch.tensor([0, 0, 1, 1]), reference)


def test_within_distance_is_the_mean_over_pairs() -> None:
    points = torch.tensor([[0.0], [1.0], [5.0], [7.0]])
    distances = torch.cdist(points, points)
    labels = torch.tensor([[0, 0, 1, 1], [0, 0, 0, 1]])
    np.testing.assert_allclose(latent.within_distance(distances, labels), [(1 + 2) / 2, (1 + 5 + 4) / 3])


def test_a_tree_s_branches_and_cuts() -> None:
    points = torch.tensor([[0.0], [1.0], [5.0], [7.0], [40.0]])
    tree = latent.hierarchy(torch.cdist(points, points))
    assert latent.branches(tree) == [{0, 1}, {2, 3}, {0, 1, 2, 3}, {0, 1, 2, 3, 4}]
    assert as_partition(latent.cut_tree(tree, 3).tolist()) == {frozenset({0, 1}), frozenset({2, 3}), frozenset({4})}
    assert set(latent.cut_tree(tree, 1).tolist()) == {0}
    with pytest.raises(ValueError, match="between 1 and 5"):
        latent.cut_tree(tree, 6)


def test_too_many_groupings_are_refused() -> None:
    with pytest.raises(ValueError, match="fewer classes"):
        latent.groupings_like(torch.arange(30) % 5)


@pytest.mark.parametrize("labels", [torch.tensor(1), torch.tensor([1]), torch.tensor([0.0, 1.0])])
def test_other_labels_are_refused(labels: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="whole numbers"):
        latent.same_group(labels)
