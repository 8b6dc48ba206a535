"""Ways to put classes into groups, and how well two of them agree."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_course.checks import check_whole
from vae_course.latent.checks import check_finite, check_tree

_MOST = 200_000  # groupings held at a time


def cut_tree(tree: NDArray[np.float64], n_groups: int) -> Tensor:
    """The group of each class when the tree's last joins are undone, (c,) int64 from 0 to n_groups - 1.

    tree: the linkage matrix that `hierarchy` returns. Raises ValueError unless 1 <= n_groups <= c.
    """
    from scipy.cluster.hierarchy import cut_tree as cut

    check_tree(tree)
    n_classes = len(tree) + 1
    check_whole("n_groups", n_groups)
    if not 1 <= n_groups <= n_classes:
        raise ValueError(f"n_groups must lie between 1 and {n_classes}, the number of classes, got {n_groups}")
    return torch.from_numpy(cut(tree, n_clusters=n_groups)[:, 0].astype(np.int64))


def branches(tree: NDArray[np.float64]) -> list[frozenset[int]]:
    """The classes below each join of the tree, the nearest join first; c - 1 sets, the last one of all classes."""
    check_tree(tree)
    below = [frozenset({c}) for c in range(len(tree) + 1)]
    for first, second, *_ in tree:
        below.append(below[int(first)] | below[int(second)])
    return below[len(tree) + 1 :]


def groupings_like(labels: Tensor) -> Tensor:
    """Every way to put the classes into groups of the sizes that `labels` has, each once, (g, c) int64.

    labels: (c,) whole numbers, the group of each class. Raises ValueError if there are more than 200,000 ways.
    """
    _check_one_grouping("labels", labels)
    sizes = sorted(labels.unique(return_counts=True)[1].tolist())
    found: list[list[int]] = []
    _fill([-1] * len(labels), sizes, 0, 0, found)
    return torch.tensor(found)


def same_group(labels: Tensor) -> Tensor:
    """Which pairs of classes share a group, (..., pairs) bool. labels: (..., c). Pairs as torch.triu_indices lists."""
    _check_groups(labels)
    i, j = torch.triu_indices(labels.shape[-1], labels.shape[-1], offset=1)
    return labels[..., i] == labels[..., j]


def adjusted_rand(labels: Tensor, reference: Tensor) -> Tensor:
    """The adjusted Rand index of groupings, (...) float64: 1 where they agree, 0 on average for random ones.

    labels: (..., c), many groupings at once; reference: (c,), neither all in one group nor all apart.
    Hubert & Arabie (1985); chapter 4.
    """
    _check_one_grouping("reference", reference)
    _check_groups(labels, len(reference))
    pairs, wanted = same_group(labels).double(), same_group(reference).double()
    if bool((wanted == wanted[0]).all()):
        raise ValueError("reference must hold at least two groups and at least one pair of classes that share one")
    shared, ours, theirs = pairs @ wanted, pairs.sum(dim=-1), wanted.sum()
    expected = ours * theirs / len(wanted)
    return (shared - expected) / ((ours + theirs) / 2 - expected)


def within_distance(distances: Tensor, labels: Tensor) -> Tensor:
    """The mean distance between two classes of one group, over all such pairs, (...) float64.

    distances: (c, c), symmetric, as `pairwise` returns them; labels: (..., c), each with a pair that shares a group.
    """
    if distances.ndim != 2 or distances.shape[0] != distances.shape[1]:
        raise ValueError(f"distances must have shape (c, c), got {tuple(distances.shape)}")
    check_finite("distances", distances)
    _check_groups(labels, len(distances))
    pairs = same_group(labels).double()
    if not bool(pairs.any(dim=-1).all()):
        raise ValueError("labels must hold at least one pair of classes that share a group, in each grouping")
    i, j = torch.triu_indices(len(distances), len(distances), offset=1)
    return pairs @ distances[i, j].double() / pairs.sum(dim=-1)


def _fill(row: list[int], sizes: Sequence[int], group: int, anchor: int, found: list[list[int]]) -> None:
    """Puts groups of `sizes`, the `group`-th first, on the places of `row` that are free, in all ways.

    anchor: groups of equal size start at rising places, so that no grouping is found twice.
    """
    if group == len(sizes):
        found.append(list(row))
        if len(found) > _MOST:
            raise ValueError(f"there are more than {_MOST:,} groupings of these sizes; take fewer classes")
        return
    free = [place for place, value in enumerate(row) if value < 0]
    again = group > 0 and sizes[group] == sizes[group - 1]
    for chosen in combinations(free, sizes[group]):
        if again and chosen[0] < anchor:
            continue
        for place in chosen:
            row[place] = group
        _fill(row, sizes, group + 1, chosen[0], found)
        for place in chosen:
            row[place] = -1


def _check_groups(labels: Tensor, n_classes: int | None = None) -> None:
    if labels.ndim == 0 or labels.shape[-1] < 2 or labels.is_floating_point():
        raise ValueError(
            f"labels must be whole numbers of shape (..., c) with c > 1, got {labels.dtype} {tuple(labels.shape)}"
        )
    if n_classes not in (None, labels.shape[-1]):
        raise ValueError(f"labels must have shape (..., {n_classes}), one for each class, got {tuple(labels.shape)}")


def _check_one_grouping(name: str, labels: Tensor) -> None:
    if labels.ndim != 1 or len(labels) < 2 or labels.is_floating_point():
        raise ValueError(
            f"{name} must be whole numbers of shape (c,) with c > 1, got {labels.dtype} {tuple(labels.shape)}"
        )
