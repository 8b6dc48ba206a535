"""What the slips of histories, paths, swaps and of the proof are, each said anew, without the check's code."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch
from mutant_slips import Ask, Predicate


def loses_a_short_spike(ask: Ask, rng: np.random.Generator) -> bool:
    """A spike of one step, three times as high as all that comes later, is not found; one of many steps is."""

    def spike_found(start: int, lasts: int) -> bool | None:
        step = np.arange(400)
        kl = 0.3 + 3 * np.exp(-(((step - 250) / 40) ** 2)) + 2.0 * (step > 340) + 0.01 * rng.random(400)
        kl[start : start + lasts] += 9
        values = ask({"kl_history": kl})
        return None if values is None or values[0].shape != (4,) else start - 30 <= values[0][0] <= start + lasts + 30

    short = [spike_found(start, 1) for start in (8, 40, 90)]
    return None not in short and not any(short) and bool(spike_found(20, 80))


def _path_lengths(centers: np.ndarray, *, closed: bool) -> dict[tuple[int, ...], float]:
    legs = np.linalg.norm(centers[:, None] - centers[None], axis=2)
    return {
        order: sum(legs[i, j] for i, j in itertools.pairwise((*order, order[0]) if closed else order))
        for order in itertools.permutations(range(len(centers)))
    }


def _paths(ask: Ask, rng: np.random.Generator) -> list[tuple[np.ndarray, list[int]]] | None:
    """Points, and the whole numbers that the answer gives for them."""
    found = []
    for _ in range(4):
        centers = rng.normal(size=(6, 2))
        values = ask({"centers": centers})
        if values is None or values[0].ndim != 1 or not np.array_equal(values[0], np.round(values[0])):
            return None
        found.append((centers, [int(value) for value in values[0]]))
    return found


def goes_to_the_nearest(ask: Ask, rng: np.random.Generator) -> bool:
    def greedy(centers: np.ndarray, order: list[int]) -> bool:
        if sorted(order) != list(range(len(centers))):
            return False
        for i in range(len(order) - 1):
            apart = np.linalg.norm(centers[order[i + 1 :]] - centers[order[i]], axis=1)
            if apart[0] > apart.min() + 1e-4:
                return False
        return True

    found = _paths(ask, rng)
    return found is not None and all(greedy(c, order) or greedy(c, order[::-1]) for c, order in found)


def closes_the_tour(ask: Ask, rng: np.random.Generator) -> bool:
    def closed(centers: np.ndarray, order: list[int]) -> bool:
        if len(order) == 7:
            return order[0] == order[-1] and sorted(order[1:]) == list(range(6))
        lengths = _path_lengths(centers, closed=True)
        return tuple(order) in lengths and lengths[tuple(order)] < min(lengths.values()) * (1 + 1e-4)

    found = _paths(ask, rng)
    return found is not None and all(closed(centers, order) for centers, order in found)


def leaves_points_out(ask: Ask, rng: np.random.Generator) -> bool:
    found = _paths(ask, rng)
    return found is not None and all(
        0 < len(order) and set(order) < set(range(6)) and len(set(order)) < 6 for _, order in found
    )


class PairsSeen:
    """A decoder that is some smooth function of both of its inputs, and remembers which rows came together."""

    def __init__(self, z: np.ndarray, context: np.ndarray, rng: np.random.Generator) -> None:
        self.z, self.context = z, context
        self._weights = rng.normal(size=(z.shape[1], 8)), rng.normal(size=(context.shape[1], 8))
        self.calls: list[tuple[list[int], list[int]]] = []

    def __call__(self, z: Any, context: Any) -> Any:
        arrays = [np.asarray(value, dtype=float) for value in (z, context)]
        rows = [self._rows(array, book) for array, book in zip(arrays, (self.z, self.context), strict=True)]
        self.calls.append((rows[0], rows[1]))
        x_mean = np.tanh(arrays[0] @ self._weights[0] + arrays[1] @ self._weights[1])
        like = next((value for value in (z, context) if isinstance(value, torch.Tensor)), None)
        return x_mean if like is None else torch.as_tensor(x_mean, dtype=like.dtype)

    @staticmethod
    def _rows(array: np.ndarray, book: np.ndarray) -> list[int]:
        apart = np.abs(array[:, None] - book[None]).max(axis=2)
        return [int(row.argmin()) if row.min() < 1e-4 else -1 for row in apart]


def _pairs_seen(ask: Ask, rng: np.random.Generator) -> list[tuple[list[int], list[int]]]:
    z, context = rng.normal(size=(12, 3)), rng.normal(size=(12, 2))
    decoder = PairsSeen(z, context, rng)
    answered = ask({"decode_with_context": decoder, "z": z, "context": context})
    return decoder.calls if answered is not None and answered[0].size == 1 else []


def keeps_pairs(ask: Ask, rng: np.random.Generator) -> bool:
    """Each code was decoded with the context of its own image, always."""
    calls = _pairs_seen(ask, rng)
    return bool(calls) and all(codes == contexts and -1 not in codes for codes, contexts in calls)


def moves_contexts(ask: Ask, rng: np.random.Generator) -> bool:
    """Contexts went to other images: alone, in every call with foreign pairs, or together with the codes elsewhere."""
    own = list(range(12))
    foreign = [(codes, contexts) for codes, contexts in _pairs_seen(ask, rng) if codes != contexts]
    return bool(foreign) and all(-1 not in contexts and contexts != own for _, contexts in foreign)


PREDICATES: dict[tuple[str, str], Predicate] = {
    ("locate_phases", "smoothed_away"): loses_a_short_spike,
    ("shortest_tour", "greedy"): goes_to_the_nearest,
    ("shortest_tour", "closed_tour"): closes_the_tour,
    ("shortest_tour", "misses_some"): leaves_points_out,
    ("swap_test", "same_order"): keeps_pairs,
    ("swap_test", "shuffles_context"): moves_contexts,
}


# ---- the proof of chapter 7, whose answer is a list


CHAINS = (
    ("ratio", "bayes", "cancel"),
    ("densities", "expand", "symmetric", "balance", "cancel"),
)


def is_proof(order: list[str]) -> bool:
    """Every line of both chains, each chain in its order, and nothing else."""
    lines = {line for chain in CHAINS for line in chain}
    return sorted(order) == sorted(lines) and all(
        [line for line in order if line in chain] == list(chain) for chain in CHAINS
    )


def shows_in_proof(slip: str, order: list[str]) -> bool:
    """Whether the list has the slip: the goal reached, or the balance stated, before what they rest on."""
    place = {line: order.index(line) for line in order}

    def early(line: str, needed: str) -> bool:
        return line in place and needed in place and place[line] < place[needed]

    if slip == "likelihood_too_early":
        return early("cancel", "balance")
    return "known" in place or early("balance", "symmetric")
