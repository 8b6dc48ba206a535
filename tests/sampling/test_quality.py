"""Sample quality: against loops, closed forms, and sets whose faults are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist
from torch import Tensor

from vae_course.checks import make_generator
from vae_course.sampling import nearest_distance, quality, sample_quality


def points(n: int, d: int, seed: int = 0) -> Tensor:
    return torch.randn(n, d, generator=make_generator(seed))


def by_loop(real: Tensor, samples: Tensor, k: int) -> tuple[float, float, float, float]:
    """Ball by ball, with sorted distances."""
    cross = cdist(samples.double().numpy(), real.double().numpy())

    def radii(values: Tensor) -> np.ndarray:
        near = np.sort(cdist(values.double().numpy(), values.double().numpy()), axis=1)
        return near[:, k]  # column 0 is the point itself

    in_real = [[cross[j, i] <= radius for i, radius in enumerate(radii(real))] for j in range(len(samples))]
    in_sample = [[cross[j, i] <= radius for j, radius in enumerate(radii(samples))] for i in range(len(real))]
    return (
        float(np.mean([any(row) for row in in_real])),
        float(np.mean([any(row) for row in in_sample])),
        sum(sum(row) for row in in_real) / (k * len(samples)),
        float(np.mean([any(row) for row in zip(*in_real, strict=True)])),
    )


@pytest.mark.parametrize(("n", "m", "k"), [(60, 90, 1), (90, 60, 5), (40, 40, 39)])
def test_it_agrees_with_loops(n: int, m: int, k: int) -> None:
    real, samples = points(n, 4), 1.3 * points(m, 4, 1) + 0.3
    np.testing.assert_allclose(sample_quality(real, samples, k=k), by_loop(real, samples, k), atol=1e-12)


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    real, samples = points(120, 6), points(170, 6, 1) + 0.2
    whole, nearest = sample_quality(real, samples), nearest_distance(samples, real)
    monkeypatch.setattr(quality, "_NUMBERS", 700)  # five rows at a time
    assert sample_quality(real, samples) == whole
    torch.testing.assert_close(nearest_distance(samples, real), nearest, rtol=1e-12, atol=0)


def test_samples_from_the_real_distribution_get_what_theory_says() -> None:
    # Around a real point the n - 1 others and the m samples are exchangeable. It stays uncovered if its k nearest are
    # all real; and any one sample ranks among the first k of the n with probability k / n, so the density's mean is 1.
    n, m, k = 200, 300, 3
    missed = math.prod((n - i) / (n + m - i) for i in range(1, k + 1))
    runs = [sample_quality(points(n, 5, seed), points(m, 5, 1000 + seed), k=k) for seed in range(60)]
    coverage, density = (np.array([getattr(run, name) for run in runs]) for name in ("coverage", "density"))
    for values, expected in ((coverage, 1 - missed), (density, 1.0)):
        assert abs(values.mean() - expected) < 4 * values.std() / math.sqrt(len(runs))
        assert values.std() / math.sqrt(len(runs)) < 0.01  # the test can tell


def test_the_real_points_themselves_are_perfect() -> None:
    real = points(80, 3)
    found = sample_quality(real, real, k=2)
    assert found[:2] == (1, 1) and found.coverage == 1
    # a ball holds its centre and k others
    assert found.density == pytest.approx(3 / 2, abs=1e-12)


def test_copies_far_from_the_origin_are_found_in_spite_of_rounding() -> None:
    real = points(50, 3).double() + 1e4
    assert float(nearest_distance(real, real).max()) == 0
    doubled = torch.cat([real, real])  # every ball of k = 1 has radius 0
    assert sample_quality(doubled, doubled, k=1) == (1, 1, 2, 1)


def test_each_fault_shows_in_its_own_number() -> None:
    real = torch.cat([points(200, 2), points(200, 2, 1) + 50])  # two modes
    one_mode = points(400, 2, 2)
    dropped = sample_quality(real, one_mode)
    assert dropped.precision > 0.95 and dropped.coverage < 0.55 and dropped.recall < 0.6
    half_junk = torch.cat([points(200, 2, 2), points(200, 2, 3) + 500])
    assert sample_quality(real, half_junk).precision < 0.51
    far = sample_quality(real, points(400, 2, 2) + 1e3)
    assert far == (0, 0, 0, 0)


def test_an_outlier_among_the_real_spoils_precision_but_hardly_density() -> None:
    # The finding that density was made for: one real outlier has a huge ball.
    real = torch.cat([points(300, 2), torch.tensor([[40.0, 0.0]])])
    between = points(300, 2, 1) * 0.1 + torch.tensor([20.0, 0.0])  # where no real point is
    found = sample_quality(real, between)
    assert found.precision == 1
    assert found.density == pytest.approx(1 / 5, abs=1e-12)  # of 301 balls one holds them


def test_units_place_and_order_do_not_matter() -> None:
    real, samples = points(90, 4).double(), points(110, 4, 1).double() * 1.2
    rotation = torch.linalg.qr(points(4, 4, 2).double()).Q
    moved = sample_quality(7 * real.flip(0) @ rotation + 3, 7 * samples @ rotation + 3)
    np.testing.assert_allclose(moved, sample_quality(real, samples), atol=1e-12)


def test_the_nearest_distance_agrees_with_a_tree() -> None:
    a, b = points(70, 5), points(90, 5, 1)
    expected, _ = KDTree(b.double().numpy()).query(a.double().numpy())
    found = nearest_distance(a, b)
    assert found.dtype == torch.float64
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_inputs_are_left_alone() -> None:
    real, samples = points(30, 2).double(), points(30, 2, 1).double()
    copies = real.clone(), samples.clone()
    sample_quality(real, samples)
    nearest_distance(real, samples)
    assert torch.equal(real, copies[0]) and torch.equal(samples, copies[1])


@pytest.mark.parametrize(
    ("real", "samples", "k", "words"),
    [
        (points(9, 2), points(5, 2), 5, "between 1 and 4"),
        (points(9, 2), points(9, 2), 0, "between 1 and 8"),
        (points(9, 2), points(9, 3), 2, r"samples must have shape \(n, 2\)"),
        (torch.full((9, 2), torch.nan), points(9, 2), 2, "real holds NaN"),
    ],
)
def test_wrong_input(real: Tensor, samples: Tensor, k: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        sample_quality(real, samples, k=k)
