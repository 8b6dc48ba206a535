"""Ways through a latent space: the shortest path through given points, and its legs."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from vae_course.checks import check_count, check_positive, check_whole
from vae_course.latent.checks import check_points

_MOST = 16  # points: the table has 2^n rows


def shortest_tour(centers: Tensor) -> Tensor:
    """The order in which an open path through all of `centers`, (n, d), is shortest: (n,) indices. Exact, n <= 16.

    Of the two directions it gives the one whose first index is smaller. Dynamic programming over the sets of points
    visited: n^2 2^n additions instead of n! paths. Held & Karp (1962). Chapter 9.
    """
    check_points("centers", centers)
    n = len(centers)
    if n > _MOST:
        raise ValueError(
            f"centers must be at most {_MOST}, got {n}: the exact path takes 2^n steps; take class centres"
        )
    distance = torch.cdist(centers.double(), centers.double(), compute_mode="donot_use_mm_for_euclid_dist")
    length = torch.full(
        (2**n, n), math.inf, dtype=torch.float64
    )  # of the best path that visits a set and ends at a point
    before = torch.full((2**n, n), -1, dtype=torch.int64)
    length[[1 << i for i in range(n)], list(range(n))] = 0
    for visited in range(1, 2**n):
        for last in range(n):
            if visited >> last & 1 and visited != 1 << last:
                ways = length[visited ^ (1 << last)] + distance[:, last]  # (n,), infinite where not visited
                length[visited, last], before[visited, last] = ways.min(dim=0)
    visited, last = 2**n - 1, int(length[-1].argmin())
    order = [last]
    while int(before[visited, last]) >= 0:
        visited, last = visited ^ (1 << last), int(before[visited, last])
        order.append(last)
    return torch.tensor(order if order[0] <= order[-1] else order[::-1])


def path_length(points: Tensor) -> float:
    """The length of the path through `points`, (n, d), in their order."""
    check_points("points", points)
    return float(torch.linalg.vector_norm(points.double().diff(dim=0), dim=1).sum())


def lerp(start: Tensor, end: Tensor, n: int) -> Tensor:
    """n points on the straight line from start to end, both (d,), ends included: (n, d). n >= 2."""
    share = _shares(start, end, n)
    return (1 - share) * start + share * end


def slerp(start: Tensor, end: Tensor, n: int) -> Tensor:
    """n points from start to end, both (d,), along the arc of a great circle, ends included: (n, d). n >= 2.

    The direction turns evenly and the norm goes evenly from |start| to |end|; between points of one norm the path stays
    on their sphere. Raises ValueError for a point at 0 or for opposite points, where no arc is the shortest.
    Shoemake (1985). Chapter 9.
    """
    share = _shares(start, end, n)
    norms = torch.stack([torch.linalg.vector_norm(start), torch.linalg.vector_norm(end)])
    if float(norms.min()) == 0:
        raise ValueError("start and end must not be 0, which lies in no direction; use lerp")
    u, v = start / norms[0], end / norms[1]
    angle = 2 * torch.atan2(torch.linalg.vector_norm(u - v), torch.linalg.vector_norm(u + v))
    if math.pi - float(angle) < 1e-5:
        raise ValueError(
            "start and end lie in opposite directions, so no arc is the shortest; go by way of a third point"
        )
    if float(angle) < 1e-5:  # sin(t a) / sin(a) is t, and 0 / 0 in floats
        direction = (1 - share) * u + share * v
    else:
        direction = (((1 - share) * angle).sin() * u + (share * angle).sin() * v) / angle.sin()
    return ((1 - share) * norms[0] + share * norms[1]) * direction


def geodesic(
    decode: Callable[[Tensor], Tensor], start: Tensor, end: Tensor, n: int, *, n_iterations: int = 200, lr: float = 0.02
) -> Tensor:
    """n points from start to end, both (d,), along which the decoded image changes little and evenly: (n, d).

    decode: (n, d) -> (n, pixels), differentiable. From the straight line, Adam lowers the energy
    (n - 1) sum_i |decode(z_i+1) - decode(z_i)|^2 with the ends held; its minimum is a geodesic of the metric J^T J,
    J the decoder's Jacobian. The best path met is returned: a local minimum, never worse than the straight line.
    Arvanitidis, Hansen & Hauberg (2018). Chapter 9.
    """
    check_count("n_iterations", n_iterations)
    check_positive("lr", lr)
    if lr == math.inf:
        raise ValueError("lr must be a finite number, got inf")
    line = lerp(start, end, n)
    if n == 2:
        return line
    with torch.enable_grad():
        inner = line[1:-1].clone().requires_grad_()
        optimizer = torch.optim.Adam([inner], lr=lr)
        best, lowest = line, math.inf
        for i in range(n_iterations + 1):
            path = torch.cat([line[:1], inner, line[-1:]])
            energy = (n - 1) * (decode(path).diff(dim=0) ** 2).sum()
            if float(energy.detach()) < lowest:
                best, lowest = path.detach().clone(), float(energy.detach())
            if i < n_iterations:
                optimizer.zero_grad()
                energy.backward()
                optimizer.step()
    return best


def _shares(start: Tensor, end: Tensor, n: int) -> Tensor:
    """0 to 1 in n steps, (n, 1)."""
    if start.ndim != 1 or start.shape != end.shape or len(start) == 0:
        raise ValueError(
            f"start and end must be points of the same shape (d,), got {tuple(start.shape)} and {tuple(end.shape)}"
        )
    check_points("start", start[None])
    check_points("end", end[None])
    check_whole("n", n)
    if n < 2:
        raise ValueError(f"n must be at least 2, the two ends, got {n}")
    return torch.linspace(0, 1, n, dtype=start.dtype)[:, None]
