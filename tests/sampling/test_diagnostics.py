"""Autocorrelation, effective sample size and R-hat against closed forms, SciPy and invariances."""

from __future__ import annotations

import math

import pytest
import torch
from agreement import agree, library
from sampler_oracles import flat
from scipy.stats import norm, rankdata
from torch import Tensor

from vae_course.checks import make_generator
from vae_course.sampling import autocorrelation, effective_sample_size, pcn, r_hat, run, sample_prior
from vae_course.sampling.diagnostics import normal_scores


def ar1(step: float, *, n_steps: int = 4_000, chains: int = 8, d: int = 6) -> Tensor:
    """pCN on a flat likelihood: z_t = rho z_{t-1} + step eps, rho = sqrt(1 - step^2), from N(0, I)."""
    z0 = sample_prior(chains, d, generator=make_generator(0))
    return run(pcn, flat, z0, n_steps=n_steps, step=step, generator=make_generator(1), progress=False).z


def independent(n: int = 1_000, chains: int = 4, d: int = 3, seed: int = 0) -> Tensor:
    return torch.randn(n, chains, d, generator=make_generator(seed), dtype=torch.float64)


def test_the_autocorrelation_of_pcn_on_a_flat_likelihood_is_a_power() -> None:
    z = ar1(0.6)
    rho, lags = 0.8, torch.arange(15)
    found = autocorrelation(z).mean(dim=(1, 2))[:15]
    # Bartlett: an estimate's variance is at most about (1 + rho^2) / (1 - rho^2) / n; of its bias, tau / n.
    error = math.sqrt((1 + rho**2) / (1 - rho**2) / z.numel()) * 4 + 9 / len(z)
    assert float((found - rho**lags).abs().max()) < error


def test_the_autocorrelation_is_the_sum_that_defines_it() -> None:
    z = independent(11, 2, 1)
    centred = z - z.mean(dim=0)
    expected = torch.stack([(centred[: 11 - t] * centred[t:]).sum(dim=0) for t in range(11)]) / (centred**2).sum(dim=0)
    torch.testing.assert_close(autocorrelation(z), expected)
    torch.testing.assert_close(autocorrelation(z[:, 0, 0]), expected[:, 0, 0])  # any shape behind the steps


@pytest.mark.parametrize("step", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("rank_normalised", [False, True])
def test_the_effective_sample_size_of_ar1_is_its_closed_form(step: float, rank_normalised: bool) -> None:
    z = ar1(step)
    rho = math.sqrt(1 - step**2)
    expected = z.shape[0] * z.shape[1] * (1 - rho) / (1 + rho)
    found = effective_sample_size(z, rank_normalised=rank_normalised)
    assert found.shape == (6,) and found.dtype == torch.float64
    assert abs(float(found.mean()) / expected - 1) < 0.08  # six estimates, each off by some 10 % at the smallest step


def test_independent_draws_are_worth_what_they_are() -> None:
    assert torch.allclose(effective_sample_size(independent(5_000)) / 20_000, torch.ones(1).double(), atol=0.1)


def test_draws_that_swing_are_worth_more() -> None:
    noise, z = independent(8_000), torch.zeros(8_000, 4, 3, dtype=torch.float64)
    for t in range(1, len(z)):
        z[t] = -0.5 * z[t - 1] + noise[t]
    assert abs(float(effective_sample_size(z).mean()) / 32_000 - 3) < 0.5  # (1 + 0.5) / (1 - 0.5)


def test_chains_that_disagree_are_worth_little() -> None:
    z = independent()
    z[:, 0] += 3
    assert float(effective_sample_size(z).max()) < 20
    assert float(r_hat(z).min()) > 1.3


def test_r_hat_sees_place_spread_and_drift() -> None:
    z = independent()
    assert float(r_hat(z).max()) < 1.01
    wide, drifting = z.clone(), z + torch.linspace(0, 3, 1_000).double()[:, None, None]
    wide[:, 0] *= 5  # the same mean: only the folded draws tell
    assert float(r_hat(wide).min()) > 1.1
    assert float(r_hat(drifting).min()) > 1.15  # all chains alike: only their halves tell


def test_r_hat_is_that_of_the_formula() -> None:
    # Gelman et al. on the normal scores of the halves, written with loops.
    z = independent(40, 3, 1, seed=5)
    z[:, 0] += 0.5
    halves = [z[a:b, c, 0] for c in range(3) for a, b in ((0, 20), (20, 40))]

    def plain(groups: list[Tensor]) -> float:
        pooled = torch.cat(groups).numpy()
        scores = torch.tensor(norm.ppf((rankdata(pooled) - 0.375) / (len(pooled) + 0.25))).split(20)
        within = sum(float(s.var()) for s in scores) / len(scores)
        between = 20 * float(torch.stack([s.mean() for s in scores]).var())
        return math.sqrt((19 / 20 * within + between / 20) / within)

    middle = float(torch.cat(halves).quantile(0.5))
    expected = max(plain(halves), plain([(h - middle).abs() for h in halves]))
    agree("R-hat", "Vehtari et al. (2021)", float(r_hat(z)), expected, atol=1e-12)


def test_ranks_forget_units_and_tails() -> None:
    z = independent()
    torch.testing.assert_close(effective_sample_size(z.exp() ** 3), effective_sample_size(z))
    torch.testing.assert_close(effective_sample_size(7 * z - 3), effective_sample_size(z))
    cauchy = (math.pi * (torch.rand(5_000, 4, 1, generator=make_generator(0), dtype=torch.float64) - 0.5)).tan()
    assert float(effective_sample_size(cauchy)) == pytest.approx(20_000, rel=0.1)


def test_equal_draws_share_their_rank() -> None:
    z = independent(50, 2, 2).round(decimals=0)
    scores = norm.ppf((rankdata(z.reshape(100, 2).numpy(), axis=0) - 0.375) / 100.25)
    found, expected = normal_scores(z), torch.tensor(scores).view(50, 2, 2)
    agree("normal scores of draws", library("scipy", "SciPy"), found, expected, rtol=1e-7, atol=1e-7)


def test_frozen_chains() -> None:
    z = torch.arange(4.0)[None, :, None].expand(100, 4, 1)
    assert float(r_hat(z)) == math.inf and float(effective_sample_size(z)) < 10
    same = torch.zeros(100, 4, 1)
    assert math.isnan(float(r_hat(same))) and math.isnan(float(effective_sample_size(same)))


def test_wrong_draws_are_refused() -> None:
    for judge in (r_hat, effective_sample_size):
        with pytest.raises(ValueError, match=r"must have shape \(n_steps, chains, d\)"):
            judge(torch.zeros(100, 4))
        with pytest.raises(ValueError, match="at least 8 steps"):
            judge(torch.zeros(7, 4, 1))
        with pytest.raises(ValueError, match="NaN"):
            judge(torch.full((10, 4, 1), math.nan))
