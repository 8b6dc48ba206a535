"""Exercise of chapter 9: the shortest open path through a few points."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.asking import to_array
from vae_course.exercises.base import Ask, Exercise, Faulty, Inputs, Slip
from vae_course.exercises.chapter08.reading import as_order, reader

_EQUAL = 1e-5  # relative difference of lengths that are the same but for rounding
_N_POINTS = 6

# the orders that an answer may be, as what it gives on points for which no two of them are the same
_Shows = Callable[[np.ndarray, np.ndarray], bool]


def shortest_tour(centers: Tensor) -> Tensor:
    """The order in which an open path through all of `centers` is shortest: (n,) int64, its first index the smaller.

    centers: (n, d), n <= 8, as all orders are tried; for more take `latent.shortest_tour`. Chapter 9.
    """
    if len(centers) > 8:
        raise ValueError(f"centers must be at most 8, got {len(centers)}; use latent.shortest_tour, which is faster")
    return torch.tensor(_best(centers.double().numpy(), closed=False))


def _legs(centers: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.norm(centers[:, None] - centers[None], axis=2))


@functools.cache
def _orders(n: int) -> np.ndarray:
    """All orders of n indices, one of each and its reverse: (orders, n)."""
    return np.array([order for order in itertools.permutations(range(n)) if order[0] <= order[-1]])


def _lengths(centers: np.ndarray, orders: np.ndarray, *, closed: bool) -> np.ndarray:
    """Of the path in each of the orders, (orders,), with the leg back to its start if it is closed."""
    legs = _legs(centers)
    length = legs[orders[:, :-1], orders[:, 1:]].sum(axis=1)
    return np.asarray(length + legs[orders[:, -1], orders[:, 0]] if closed else length)


def _best(centers: np.ndarray, *, closed: bool) -> np.ndarray:
    orders = _orders(len(centers))
    return np.asarray(orders[_lengths(centers, orders, closed=closed).argmin()])


def _is_nearest_first(centers: np.ndarray, order: Sequence[int]) -> bool:
    """Whether each point is followed by the nearest of those that are left."""
    legs = _legs(centers)
    return all(
        legs[order[i], order[i + 1]] <= min(legs[order[i], j] for j in order[i + 1 :]) * (1 + _EQUAL)
        for i in range(len(order) - 1)
    )


def _nearest_first(centers: np.ndarray, start: int) -> list[int]:
    legs, order = _legs(centers), [start]
    while len(order) < len(centers):
        order.append(min(set(range(len(centers))) - set(order), key=lambda j: legs[order[-1], j]))
    return order


def _forwards(order: np.ndarray) -> np.ndarray:
    """The order or its reverse, whichever begins with the smaller index."""
    return order if order[0] <= order[-1] else order[::-1]


def _read(returned: Any, centers: np.ndarray) -> Any:
    """The reference's own order for every order that is as short, and one form for both directions of the others."""
    order = to_array(returned)
    indices, from_one = as_order(order, len(centers)), as_order(order - 1, len(centers))
    if indices is not None:
        return _one_form(centers, indices)
    return order if from_one is None else _one_form(centers, from_one) + 1


def _one_form(centers: np.ndarray, order: list[int]) -> np.ndarray:
    best = _best(centers, closed=False)
    places = np.argsort(order)
    lengths = _lengths(centers, np.array([best, order, places]), closed=False)
    is_best, places_are_best = lengths[1:] <= lengths[0] * (1 + _EQUAL)
    return best if is_best else best.argsort() if places_are_best else _forwards(np.array(order))


# ---- what shows the slips; each looks at several sets of points


def _always(shows: _Shows) -> Callable[[Ask, np.random.Generator], bool]:
    def shown_by(ask: Ask, rng: np.random.Generator) -> bool:
        for _ in range(8):
            centers = _draw_centers(rng)["centers"]
            values = ask({"centers": centers})
            if values is None or values[0].ndim != 1 or not shows(centers, values[0]):
                return False
        return True

    return shown_by


def _shows_greedy(centers: np.ndarray, given: np.ndarray) -> bool:
    order = as_order(given, len(centers))
    return order is not None and (_is_nearest_first(centers, order) or _is_nearest_first(centers, order[::-1]))


def _shows_closed(centers: np.ndarray, given: np.ndarray) -> bool:
    """It comes back to its start, or would be the shortest if it did."""
    n = len(centers)
    if len(given) == n + 1 and given[0] == given[-1] and as_order(given[:-1], n) is not None:
        return True
    order = as_order(given, n)
    if order is None:
        return False
    lengths = _lengths(centers, np.array([order, _best(centers, closed=True)]), closed=True)
    return bool(lengths[0] <= lengths[1] * (1 + _EQUAL))


def _shows_gap(centers: np.ndarray, given: np.ndarray) -> bool:
    """Indices of points, but not of all."""
    n = len(centers)
    are_indices = len(given) > 0 and np.isin(given, np.arange(n)).all()
    return bool(are_indices and len(np.unique(given)) < n)


def _draw_centers(rng: np.random.Generator) -> Inputs:
    """Points on which the shortest path stands out, and is found neither greedily nor by cutting the closed tour.

    The places of the points along it are another path, and look like neither; nor do two points at an end swapped.
    """
    d = int(rng.integers(2, 5))
    orders = _orders(_N_POINTS)
    while True:
        centers = rng.normal(scale=1.5, size=(_N_POINTS, d))
        lengths, tours = (_lengths(centers, orders, closed=closed) for closed in (False, True))
        order = orders[lengths.argmin()]
        by_greed = [_nearest_first(centers, start) for start in range(_N_POINTS)]
        places = [order.argsort(), order[::-1].argsort()]
        swapped = [order[[1, 0, *range(2, _N_POINTS)]], order[[*range(_N_POINTS - 2), -1, -2]]]
        others = [np.sort(lengths)[1], *_lengths(centers, np.array([*by_greed, *places]), closed=False)]
        if (
            min(others) > 1.01 * lengths.min()
            and _lengths(centers, order[None], closed=True)[0] > 1.01 * tours.min()
            and not any(_shows_closed(centers, np.array(other)) for other in (*by_greed, *places, *swapped))
            and not any(_shows_greedy(centers, other) for other in places)
        ):
            return {"centers": centers}


def _of_best(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Tensor], np.ndarray]:
    return lambda centers: change(_best(centers.double().numpy(), closed=False))


def _length_itself(centers: Tensor) -> float:
    best = _best(centers.double().numpy(), closed=False)
    return float(_lengths(centers.double().numpy(), best[None], closed=False)[0])


SHORTEST_TOUR = Exercise(
    name="shortest_tour",
    chapter=9,
    returns="n indices, each once, of shape (n,)",
    draw=_draw_centers,
    examples=(
        # on a line at 0, 1, -1.5, 4.5, -5.5: from 0 the nearest first goes to and fro
        {"centers": np.array([[0.0, 0.0], [1.0, 0.0], [-1.5, 0.0], [4.5, 0.0], [-5.5, 0.0]])},
    ),
    reference=shortest_tour,
    read=reader("centers", then=_read),
    slips={
        "greedy": Slip(
            "It always goes to the nearest point that is left.",
            "You always go to the nearest point that is left. That is quick, but each step is chosen without a look at "
            "the rest: points that were passed by must be fetched at the end, over long legs. Compare whole paths.",
            shown_by=_always(_shows_greedy),
        ),
        "closed_tour": Slip(
            "It is the shortest tour that returns to its start.",
            "You looked for a tour that returns to its start. The path asked for is open: it has one leg less, and to "
            "leave out a leg of the shortest round trip does not give the shortest path.",
            shown_by=_always(_shows_closed),
        ),
        "misses_some": Slip(
            "It does not visit all points.",
            "Your path does not visit all points. Every index from 0 to n - 1 must be in it once. Where does your loop "
            "begin and end, and may it come to a point twice?",
            shown_by=_always(_shows_gap),
        ),
    },
    faulty=(
        Faulty(
            (),
            _of_best(lambda order: order + 1),
            remark="Your order is right, but you count the points from 1. Indices begin at 0.",
        ),
        Faulty(
            (),
            _of_best(np.argsort),
            remark="You gave the place of each point along the path. Asked is the order: which point comes first, "
            "which second.",
        ),
        Faulty((), _length_itself, remark="You gave the length of the path. Asked is the order of its points."),
        Faulty(
            (),
            lambda centers: np.arange(len(centers)),
            remark="You left the points in the order in which they were given.",
        ),
    ),
    hints=(
        "With 6 points there are 720 orders. What is the length of the path in one of them?",
        r"$\sum_{i=1}^{n-1} |c_{o(i)} - c_{o(i+1)}|$ over the order $o$: n - 1 legs, as the path does not return.",
        "Work out all distances once with `torch.cdist(centers, centers).tolist()`. With "
        "`orders = itertools.permutations(range(n))` it is `min(orders, key=length)`, where `length` adds up the legs "
        "of an order.",
    ),
    praise="Compared as a whole: no step by itself shows which path is the shortest.",
)
