"""The grid against closed forms: linear-Gaussian posteriors, several modes, posteriors far narrower than the prior."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from vae_course import zoo
from vae_course.checks import make_generator
from vae_course.data import load_digits, to_unit
from vae_course.sampling import grid_posterior, targets
from vae_course.sampling.targets import LinearGaussian


def linear_gaussian(sigma: float, seed: int) -> LinearGaussian:
    generator = make_generator(seed)
    weight = torch.randn(3, 2, generator=generator, dtype=torch.float64)
    x = torch.randn(3, generator=generator, dtype=torch.float64)
    return LinearGaussian(x, weight, torch.zeros(3, dtype=torch.float64), sigma)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sigma", [3.0, 0.3, 1e-2, 1e-3])
def test_a_linear_gaussian_posterior_has_its_moments_and_evidence(sigma: float, seed: int) -> None:
    target = linear_gaussian(sigma, seed)
    grid = grid_posterior(target)
    mean, cov = target.posterior()
    std = cov.diag().sqrt()
    assert float(grid.mass.sum()) == pytest.approx(1, abs=1e-12)
    torch.testing.assert_close((grid.mean() - mean) / std, torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-3)
    torch.testing.assert_close(grid.std(), grid.cov().diag().sqrt())
    torch.testing.assert_close(grid.cov() / std / std[:, None], cov / std / std[:, None], rtol=0, atol=2e-3)
    # x ~ N(0, W W^T + sigma^2 I); the target leaves the normaliser of N(x; W z, sigma^2 I) out.
    marginal = target.weight @ target.weight.T + sigma**2 * torch.eye(3, dtype=torch.float64)
    evidence = torch.distributions.MultivariateNormal(torch.zeros(3, dtype=torch.float64), marginal).log_prob(target.x)
    assert grid.log_evidence == pytest.approx(
        float(evidence) + 3 * math.log(sigma * math.sqrt(2 * math.pi)), abs=2e-3, rel=2e-8
    )


def test_a_flat_likelihood_gives_the_prior_back() -> None:
    grid = grid_posterior(lambda z: torch.zeros(len(z), dtype=torch.float64))
    assert grid.log_evidence == pytest.approx(0, abs=1e-5)
    torch.testing.assert_close(grid.cov(), torch.eye(2, dtype=torch.float64), rtol=0, atol=1e-3)


@pytest.mark.parametrize("width", [0.3, 0.03])
def test_every_mode_has_its_share(width: float) -> None:
    places = torch.tensor([[-2.03, 0.51], [1.77, 1.04], [0.4, -1.9]], dtype=torch.float64)
    share = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)

    def log_likelihood(z: Tensor) -> Tensor:  # a mixture over the prior, whose posterior is that mixture
        apart = (z[:, None] - places).square().sum(dim=2)
        return (share.log() - apart / (2 * width**2)).logsumexp(dim=1) + z.square().sum(dim=1) / 2

    grid = grid_posterior(log_likelihood)
    nearest = torch.cdist(grid.z, places).argmin(dim=1)
    found = torch.zeros(3, dtype=torch.float64).index_add(0, nearest, grid.mass)
    torch.testing.assert_close(found, share, rtol=0, atol=2e-3)


@pytest.mark.parametrize("row", [0, 1234, 4321])
def test_a_digits_posterior_is_that_of_a_plain_fine_grid(row: int) -> None:
    target = targets.one_image(zoo.load("vae-bernoulli-2d-s0").double(), to_unit(load_digits().images[row]).double())
    grid = grid_posterior(target)
    mean, std = grid.mean(), grid.cov().diag().sqrt()
    sides = [
        torch.linspace(float(m - 8 * s), float(m + 8 * s), 161, dtype=torch.float64)
        for m, s in zip(mean, std, strict=True)
    ]
    z = torch.cartesian_prod(*sides)
    value = torch.cat([target(block).detach() for block in z.split(4_000)]) - z.square().sum(dim=1) / 2
    cell = 16 * 16 * float(std.prod()) / 160**2
    assert grid.log_evidence == pytest.approx(float(value.logsumexp(0)) + math.log(cell / (2 * math.pi)), abs=0.01)
    torch.testing.assert_close(value.softmax(0) @ z, mean, rtol=0, atol=0.01 * float(std.min()))


def test_draws_have_the_posteriors_moments() -> None:
    target = linear_gaussian(0.3, 1)
    z = grid_posterior(target).sample(20_000, generator=make_generator(0))
    mean, cov = target.posterior()
    worst = ((z.mean(dim=0) - mean) / (cov.diag() / len(z)).sqrt()).abs().max()
    assert float(worst) < 5
    torch.testing.assert_close(z.T.cov(), cov, rtol=0.06, atol=0.02 * float(cov.diag().max()))
    assert len(z.unique(dim=0)) == len(z)  # not the cells' centres


def test_more_accuracy_takes_smaller_cells() -> None:
    target = linear_gaussian(0.3, 0)
    assert grid_posterior(target, accuracy=0.1).width < grid_posterior(target, accuracy=1.0).width


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_likelihoods_without_numbers_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="everywhere on the square"):
        grid_posterior(lambda z: torch.full((len(z),), value, dtype=torch.float64))


def test_a_likelihood_that_is_0_in_places_is_not() -> None:
    grid = grid_posterior(lambda z: torch.where(z[:, 0] > 0, 0.0, -math.inf).double())
    assert bool((grid.z[grid.mass > 0, 0] > 0).all())
    assert float(grid.mean()[0]) == pytest.approx(math.sqrt(2 / math.pi), abs=5e-3)
