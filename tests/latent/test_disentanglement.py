"""The mutual information gap against cases with a known answer, numerical integration and scikit-learn's counts."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.metrics import mutual_info_score
from torch import Tensor

from vae_course.checks import make_generator
from vae_course.latent import factor_entropies, information_gaps, mutual_information

FACTORS = torch.cartesian_prod(torch.arange(2), torch.arange(3), torch.arange(4))  # (24, 3)


def information(mu: Tensor, std: float, factors: Tensor = FACTORS, n_samples: int = 4000, seed: int = 0) -> Tensor:
    logvar = torch.full_like(mu, 2 * math.log(std))
    return mutual_information(mu, logvar, factors, n_samples=n_samples, generator=make_generator(seed))


def test_a_latent_for_each_factor_has_a_gap_of_one() -> None:
    table = information(FACTORS.double(), 0.01)
    entropies = factor_entropies(FACTORS)
    torch.testing.assert_close(entropies, torch.tensor([2.0, 3, 4], dtype=torch.float64).log())
    torch.testing.assert_close(table, entropies.diag(), atol=0.05, rtol=0)
    torch.testing.assert_close(information_gaps(table, entropies), torch.ones(3).double(), atol=0.05, rtol=0)


def test_latents_that_know_nothing_have_no_information() -> None:
    table = information(torch.zeros(24, 2).double(), 1.0)
    torch.testing.assert_close(table, torch.zeros(2, 3).double(), atol=1e-12, rtol=0)


def test_turning_two_latents_by_45_degrees_closes_the_gap() -> None:
    # Locatello et al. (2019): the same decoder, the same likelihood, another score.
    factors = torch.cartesian_prod(torch.arange(5), torch.arange(5))
    mu = factors.double() - 2
    turn = torch.tensor([[1.0, -1], [1, 1]], dtype=torch.float64) / math.sqrt(2)
    entropies = factor_entropies(factors)
    straight = information_gaps(information(mu, 0.2, factors), entropies).mean()
    turned = information_gaps(information(mu @ turn, 0.2, factors), entropies).mean()
    assert straight > 0.85 and turned < 0.05


@pytest.mark.parametrize("width", [1.0, 3.0])
def test_two_gaussians_have_the_information_of_the_integral(width: float) -> None:
    def integrand(z: float) -> float:
        one, other = norm.pdf(z, 1), norm.pdf(z, -1, width)
        return float(sum(0.5 * p * math.log(2 * p / (one + other)) for p in (one, other)))

    expected, _ = quad(integrand, -15, 8)
    mu, std = torch.tensor([[-1.0], [1.0]]).double(), torch.tensor([[width], [1.0]]).double()
    table = mutual_information(
        mu, 2 * std.log(), torch.arange(2)[:, None], n_samples=200_000, generator=make_generator(0)
    )
    assert float(table) == pytest.approx(expected, abs=0.005)


def test_counting_draws_in_bins_gives_nearly_the_same() -> None:
    generator = make_generator(3)
    mu = torch.randn(24, 2, generator=generator, dtype=torch.float64)
    std, draws = 0.3, 20_000
    table = information(mu, std, n_samples=20_000)
    image = torch.randint(24, (draws,), generator=generator)
    z = mu[image] + std * torch.randn(draws, 2, generator=generator, dtype=torch.float64)
    for j in range(2):
        bins = torch.bucketize(z[:, j].contiguous(), torch.linspace(-3, 3, 60, dtype=torch.float64))
        for k in range(3):
            counted = mutual_info_score(bins.numpy(), FACTORS[image, k].numpy())
            assert float(table[j, k]) == pytest.approx(counted, abs=0.03)


def test_draws_are_taken_in_blocks_of_any_number() -> None:
    mu = torch.randn(24, 2, generator=make_generator(0), dtype=torch.float64)
    assert information(mu, 0.3, n_samples=1).shape == (2, 3)
    torch.testing.assert_close(information(mu, 0.3, n_samples=1700), information(mu, 0.3, n_samples=1700))


def test_codes_far_from_all_others_do_not_underflow() -> None:
    table = information(1e3 * FACTORS.float(), 1e-3)
    assert bool(table.isfinite().all())


def test_bad_input_is_refused() -> None:
    mu = torch.zeros(24, 2)
    with pytest.raises(ValueError, match=r"factors must have shape \(n, factors\)"):
        information(mu, 1.0, FACTORS[:, 0])
    with pytest.raises(ValueError, match="one for each image"):
        information(mu, 1.0, FACTORS[:5])
    with pytest.raises(TypeError, match="whole numbers"):
        information(mu, 1.0, FACTORS.float())
    with pytest.raises(ValueError, match="d >= 2"):
        information_gaps(torch.ones(1, 3), torch.ones(3))
    with pytest.raises(ValueError, match="smallest entropy"):
        information_gaps(torch.ones(2, 3), torch.zeros(3))
