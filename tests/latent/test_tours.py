"""Tours against brute force, legs against closed forms."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from vae_course.checks import make_generator
from vae_course.latent import geodesic, lerp, path_length, shortest_tour, slerp


def draw(n: int, d: int, seed: int) -> Tensor:
    return torch.randn(n, d, generator=make_generator(seed), dtype=torch.float64)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("seed", range(4))
def test_no_order_is_shorter(n: int, seed: int) -> None:
    centers = draw(n, 3, seed)
    order = shortest_tour(centers)
    assert sorted(order.tolist()) == list(range(n))
    shortest = min(path_length(centers[list(other)]) for other in itertools.permutations(range(n)))
    assert path_length(centers[order]) == pytest.approx(shortest)


def test_points_on_a_line_are_visited_in_their_order() -> None:
    places = torch.tensor([4.0, 0, 9, 1, 7, 3, 2, 8, 6, 5])[:, None]
    order = shortest_tour(places)
    assert places[order].flatten().tolist() == list(range(9, -1, -1)) or places[order].flatten().tolist() == list(
        range(10)
    )
    assert order[0] < order[-1]


def test_the_nearest_neighbour_next_is_not_the_shortest() -> None:
    # From the left end the greedy path would go right and come back.
    places = torch.tensor([[0.0], [1.0], [-1.5], [3.0]])
    assert path_length(places[shortest_tour(places)]) == pytest.approx(4.5)


def test_too_many_points_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 16, got 17"):
        shortest_tour(draw(17, 2, 0))


def test_a_straight_line_has_even_steps() -> None:
    line = lerp(torch.tensor([0.0, 1.0]), torch.tensor([4.0, 1.0]), 5)
    torch.testing.assert_close(line, torch.tensor([[0.0, 1], [1, 1], [2, 1], [3, 1], [4, 1]]))


@pytest.mark.parametrize("d", [2, 20])
def test_slerp_turns_evenly_and_keeps_the_norm(d: int) -> None:
    start, end = 3 * torch.nn.functional.normalize(draw(2, d, 1), dim=1)
    path = slerp(start, end, 9)
    torch.testing.assert_close(path[[0, -1]], torch.stack([start, end]))
    torch.testing.assert_close(path.norm(dim=1), torch.full((9,), 3.0, dtype=torch.float64))
    angles = (torch.nn.functional.cosine_similarity(path[1:], path[:-1])).acos()
    torch.testing.assert_close(angles, angles[:1].expand(8))
    assert float(angles.sum()) == pytest.approx(math.acos(float(start @ end) / 9))


def test_slerp_between_norms_goes_evenly_from_one_to_the_other() -> None:
    path = slerp(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 3.0]), 5)
    torch.testing.assert_close(path.norm(dim=1), torch.linspace(1, 3, 5))


def test_slerp_of_one_direction_is_the_line() -> None:
    start = torch.tensor([1.0, 2.0], dtype=torch.float64)
    torch.testing.assert_close(slerp(start, 2 * start, 4), lerp(start, 2 * start, 4))


def test_slerp_refuses_what_has_no_arc() -> None:
    start = torch.tensor([1.0, 2.0])
    with pytest.raises(ValueError, match="opposite"):
        slerp(start, -start, 4)
    with pytest.raises(ValueError, match="must not be 0"):
        slerp(start, 0 * start, 4)


def test_a_linear_decoders_geodesic_is_the_line() -> None:
    weight, ends = draw(3, 6, 0), draw(2, 3, 1)
    torch.testing.assert_close(geodesic(lambda z: z @ weight, *ends, 6), lerp(*ends, 6))


def test_on_a_sphere_the_geodesic_is_the_great_circle() -> None:
    # z = (longitude, latitude), decoded to the unit sphere: the shortest way between two points of one latitude
    # leaves that latitude, which the straight line in z follows.
    def decode(z: Tensor) -> Tensor:
        longitude, latitude = z.T
        return torch.stack([latitude.cos() * longitude.cos(), latitude.cos() * longitude.sin(), latitude.sin()], dim=1)

    start, end = torch.tensor([[-1.0, 0.8], [1.0, 0.8]], dtype=torch.float64)
    path = geodesic(decode, start, end, 21, n_iterations=1500, lr=0.01)
    arc = math.acos(float(decode(start[None])[0] @ decode(end[None])[0]))
    assert path_length(decode(path)) == pytest.approx(arc, rel=2e-3)
    assert path_length(decode(lerp(start, end, 21))) > 1.1 * arc
    normal = torch.linalg.cross(decode(start[None])[0], decode(end[None])[0])
    assert float((decode(path) @ normal).abs().max()) < 0.02


@pytest.mark.parametrize("leg", [lerp, slerp])
def test_legs_refuse_what_is_no_pair_of_points(leg: object) -> None:
    with pytest.raises(ValueError, match=r"same shape \(d,\)"):
        leg(torch.zeros(2), torch.zeros(3), 4)  # type: ignore[operator]
    with pytest.raises(ValueError, match="at least 2"):
        leg(torch.ones(2), torch.ones(2), 1)  # type: ignore[operator]
