"""The swap test on decoders whose shares are known, and what it refuses."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from vae_course import exercises
from vae_course.checks import make_generator
from vae_course.configs import UNetConfig
from vae_course.latent import swap_test
from vae_course.models import UNetVAE

N = 400


def draws(n: int = N, d: int = 3, *, seed: int = 0) -> Tensor:
    return torch.randn(n, d, generator=make_generator(seed))


def shares(decode: object, z: Tensor, context: Tensor, *, seed: int = 0) -> tuple[float, float]:
    return swap_test(decode, z, context, generator=make_generator(seed))[:2]  # type: ignore[arg-type]


def test_who_ignores_the_code_and_who_ignores_the_context() -> None:
    z, context = draws(), draws(seed=1)
    assert shares(lambda z, context: context.sin(), z, context) == (0, 1)
    assert shares(lambda z, context: z.exp(), z, context) == (1, 0)


@pytest.mark.parametrize("weight", [0.5, 1.0, 3.0])
def test_where_both_add_the_shares_are_those_of_the_variances(weight: float) -> None:
    """x_mean = (z, weight * context), side by side: the shares are 1 : weight^2, and add up to 1."""
    z = draws(seed=0)
    found = shares(lambda z, context: torch.cat((z, weight * context), dim=1), z, draws(seed=1))
    assert sum(found) == pytest.approx(1, abs=1e-6)
    assert found[0] == pytest.approx(1 / (1 + weight**2), abs=0.03)  # what 400 draws leave to chance


def test_where_both_work_against_each_other_the_shares_exceed_1() -> None:
    z = draws()
    found = shares(lambda z, context: z - 0.5 * context, z, z)  # context is z once more
    assert found == pytest.approx((4, 1), rel=1e-5)  # (1, 0.5) squared over (1 - 0.5) squared


def test_it_is_the_mean_over_rings_of_what_the_exercise_asks_for() -> None:
    """All rings of four images, against the exercise's reference on images put in the ring's order."""
    z, context = draws(4, seed=2), draws(4, seed=3)

    def decode(z: Tensor, context: Tensor) -> Tensor:
        return (z + context).sigmoid()

    reference = exercises.reference("swap_test")
    of_rings = {
        round(float(reference(decode, z[list(r)], context[list(r)])), 5) for r in itertools.permutations(range(4))
    }
    found = {round(shares(decode, z, context, seed=seed)[0], 5) for seed in range(60)}
    assert len(of_rings) > 1 and found == of_rings


def test_the_change_is_that_of_two_images_drawn_at_random() -> None:
    """Of independent N(0, I) rows it is 2, twice the variance; a constant factor comes out squared."""
    z = draws(20_000, 1)
    small, large = (
        swap_test(lambda z, context, c=c: c * z, z, z, generator=make_generator(0)).change for c in (1.0, 3.0)
    )
    assert small == pytest.approx(2, rel=0.05)
    assert large == pytest.approx(9 * small, rel=1e-5)


def test_no_image_keeps_its_own_code() -> None:
    seen: list[Tensor] = []

    def decode(z: Tensor, context: Tensor) -> Tensor:
        seen.append(z[:, 0] == context[:, 0])
        return z

    z = torch.arange(50.0)[:, None]
    for seed in range(20):
        seen.clear()
        shares(decode, z, z, seed=seed)
        assert [bool(same.any()) for same in seen] == [True, False, False] and seen[0].all()


def test_a_u_net_with_coarse_skips_stands_between_the_two() -> None:
    x = torch.rand(60, 64, generator=make_generator(4))
    found = []
    for kept in (None, (0, 1), (0, 4)):
        model = UNetVAE(UNetConfig(64, (4, 6, 8), 3, skips=kept is not None, skip_sides=kept))
        found.append(shares(model.decode, 3 * draws(60), x))
    assert found[0] == (1, 0)
    assert 1 > found[1][0] > found[2][0] > 0
    assert 0 < found[1][1] < found[2][1]


def test_the_same_generator_gives_the_same_shares() -> None:
    z, context = draws(seed=5), draws(seed=6)

    def decode(z: Tensor, context: Tensor) -> Tensor:
        return (z * context).tanh()

    assert shares(decode, z, context, seed=1) == shares(decode, z, context, seed=1)
    assert shares(decode, z, context, seed=1) != shares(decode, z, context, seed=2)


def test_wrong_input_is_explained() -> None:
    z = draws(5)
    with pytest.raises(ValueError, match="same images, 2 or more, got 5 and 4 rows"):
        shares(lambda z, context: z, z, z[:4])
    with pytest.raises(ValueError, match="2 or more, got 1 and 1"):
        shares(lambda z, context: z, z[:1], z[:1])
    with pytest.raises(ValueError, match="the same image for all rows"):
        shares(lambda z, context: torch.zeros(5, 4), z, z)
    with pytest.raises(ValueError, match="what decode returns holds NaN"):
        shares(lambda z, context: z / 0 * 0, z, z)
