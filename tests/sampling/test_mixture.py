"""A fitted mixture: against scikit-learn's densities, its own moments, and a mixture that is known."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.stats import chisquare
from sklearn.mixture import GaussianMixture
from torch import Tensor

from vae_course.checks import make_generator
from vae_course.latent import gaussian_log_density, moment_match
from vae_course.sampling import Mixture, fit_mixture


def known() -> Mixture:
    """Three Gaussians far apart, one of them tilted."""
    cov = torch.eye(2).double().repeat(3, 1, 1)
    cov[1] = torch.tensor([[2.0, 0.9], [0.9, 0.5]])
    mean = torch.tensor([[0.0, 0.0], [8.0, 0.0], [0.0, -9.0]]).double()
    return Mixture(torch.tensor([0.2, 0.5, 0.3]).double(), mean, cov)


def test_the_density_integrates_to_one_and_is_the_sum_of_its_parts() -> None:
    axis = torch.linspace(-16, 16, 401, dtype=torch.float64)
    grid, cell = torch.cartesian_prod(axis, axis), float(axis[1] - axis[0]) ** 2
    density = known().log_density(grid).exp()
    assert float(density.sum()) * cell == pytest.approx(1, abs=1e-6)
    parts = [w * gaussian_log_density(grid, m, c).exp() for w, m, c in zip(*known(), strict=True)]
    torch.testing.assert_close(density, sum(parts, torch.zeros(len(grid)).double()))


def test_draws_have_the_weights_means_and_covariances() -> None:
    z = known().sample(30_000, generator=make_generator(0))
    assert z.shape == (30_000, 2) and z.dtype == torch.float64
    nearest = torch.cdist(z, known().mean).argmin(dim=1)
    count = nearest.bincount(minlength=3)
    assert chisquare(count.numpy(), (30_000 * known().weight).numpy()).pvalue > 1e-4
    for c in range(3):
        mine = z[nearest == c]
        products = (mine - known().mean[c])[:, :, None] * (mine - known().mean[c])[:, None, :]
        error = (products.mean(dim=0) - known().cov[c]) / (products.std(dim=0) / math.sqrt(len(mine)))
        assert float(error.abs().max()) < 5


def test_a_fit_finds_the_mixture_that_made_the_codes() -> None:
    truth = known()
    z = truth.sample(20_000, generator=make_generator(1))
    found = fit_mixture(z, 3)
    order = torch.cdist(truth.mean, found.mean).argmin(dim=1)
    torch.testing.assert_close(found.weight[order], truth.weight, atol=0.02, rtol=0)
    torch.testing.assert_close(found.mean[order], truth.mean, atol=0.08, rtol=0)
    torch.testing.assert_close(found.cov[order], truth.cov, atol=0.12, rtol=0)
    new = truth.sample(5000, generator=make_generator(2))
    gap = truth.log_density(new) - found.log_density(new)  # its mean estimates KL(truth || found)
    assert abs(float(gap.mean())) < 0.01


def test_the_density_is_that_of_scikit_learn() -> None:
    z = known().sample(500, generator=make_generator(3)).float()
    peer = GaussianMixture(4, reg_covar=1e-3, random_state=5).fit(z.double().numpy())
    wanted = torch.from_numpy(peer.score_samples(z.double().numpy()))
    torch.testing.assert_close(fit_mixture(z, 4, seed=5).log_density(z), wanted)


def test_one_gaussian_is_moment_matched() -> None:
    z = known().sample(400, generator=make_generator(4))
    found, wanted = fit_mixture(z, 1), moment_match(z, torch.full_like(z, -torch.inf))
    torch.testing.assert_close(found.mean[0], wanted.mean)
    torch.testing.assert_close(found.cov[0], wanted.cov + 1e-3 * torch.eye(2).double())


def test_seeds_decide() -> None:
    z = torch.randn(200, 2, generator=make_generator(0))
    assert all(torch.equal(a, b) for a, b in zip(fit_mixture(z, 5), fit_mixture(z, 5), strict=True))
    draws = [known().sample(5, generator=make_generator(seed)) for seed in (3, 3, 4)]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])


@pytest.mark.parametrize(
    ("z", "n_components", "words"),
    [
        (torch.zeros(5, 2), 6, "between 1 and 5"),
        (torch.zeros(5, 2), 0, "between 1 and 5"),
        (torch.zeros(5), 1, r"z must have shape"),
        (torch.full((5, 2), torch.inf), 1, "z holds NaN or an infinity"),
    ],
)
def test_wrong_input(z: Tensor, n_components: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        fit_mixture(z, n_components)


def test_no_draws_are_refused() -> None:
    with pytest.raises(ValueError, match="n must be above 0"):
        known().sample(0, generator=make_generator(0))
