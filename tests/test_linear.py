"""The linear VAE against probabilistic PCA: closed forms, scikit-learn and the theory's thresholds."""

from __future__ import annotations

import math

import pytest
import torch
from sklearn.decomposition import PCA
from torch import Tensor

from vae_course.checks import make_generator
from vae_course.linear import LinearVAE, fit_linear_vae, fit_ppca, linear_optimum

SPECTRUM = torch.tensor([4.0, 2.0, 1.0, 0.5, 0.2, 0.1], dtype=torch.float64)


def data(n: int = 400, seed: int = 0) -> Tensor:
    """Points whose covariance has exactly SPECTRUM, turned, about a mean that is not 0."""
    generator = make_generator(seed)
    z = torch.randn(n, 6, generator=generator, dtype=torch.float64)
    z = z - z.mean(dim=0)
    white = torch.linalg.svd(z, full_matrices=False).U * math.sqrt(n)
    turn = torch.linalg.qr(torch.randn(6, 6, generator=generator, dtype=torch.float64)).Q
    return white * SPECTRUM.sqrt() @ turn.T + 3


def covariance(x: Tensor) -> Tensor:
    return torch.cov(x.T, correction=0)


def trained(x: Tensor, latent_dim: int, sigma2: float, beta: float, seed: int = 0) -> LinearVAE:
    model = LinearVAE(x.mean(dim=0), latent_dim, sigma2=sigma2, generator=make_generator(seed))
    fit_linear_vae(model, covariance(x), beta=beta)
    return model


def test_ppca_is_scikit_learns() -> None:
    x = data()
    ours, theirs = fit_ppca(x, 3), PCA(3).fit(x.numpy())
    n = len(x)
    assert ours.sigma2 == pytest.approx(theirs.noise_variance_ * (n - 1) / n)
    torch.testing.assert_close(ours.eigenvalues, SPECTRUM)
    model_cov = ours.weight @ ours.weight.T + ours.sigma2 * torch.eye(6)
    torch.testing.assert_close(model_cov, torch.as_tensor(theirs.get_covariance()) * (n - 1) / n)


@pytest.mark.parametrize(("sigma2", "beta"), [(0.3, 1.0), (0.15, 2.0), (0.3, 4.0), (1.5, 1.0), (0.01, 0.5)])
@pytest.mark.parametrize("seed", [0, 1])
def test_training_ends_at_the_theory(sigma2: float, beta: float, seed: int) -> None:
    x = data()
    model, theory = trained(x, 4, sigma2, beta, seed), linear_optimum(SPECTRUM, latent_dim=4, sigma2=sigma2, beta=beta)
    with torch.no_grad():
        nll, kl = model.expected_terms(covariance(x))
    torch.testing.assert_close(kl.sort(descending=True).values, theory.kl, atol=1e-3, rtol=0)
    expected = 0.5 * theory.squared_error / sigma2 + 3 * math.log(2 * math.pi * sigma2)
    assert float(nll) == pytest.approx(expected, abs=1e-3)
    assert int((kl > 1e-3).sum()) == theory.active


def test_the_best_bound_is_the_likelihood_of_ppca() -> None:
    x, best = data(), fit_ppca(data(), 3)
    model = trained(x, 3, best.sigma2, 1.0)
    with torch.no_grad():
        nll, kl = model.expected_terms(covariance(x))
    marginal = torch.distributions.MultivariateNormal(
        best.mean, best.weight @ best.weight.T + best.sigma2 * torch.eye(6, dtype=torch.float64)
    )
    assert float(nll + kl.sum()) == pytest.approx(-float(marginal.log_prob(x).mean()), abs=1e-6)  # no gap


def test_the_expected_terms_are_those_of_draws() -> None:
    x, model = data(2000), LinearVAE(data(2000).mean(dim=0), 2, sigma2=0.5, generator=make_generator(1))
    with torch.no_grad():
        posterior = model.encode(x)
        eps = torch.randn(400, *posterior.mu.shape, generator=make_generator(2), dtype=torch.float64)
        z = (posterior.mu + posterior.std * eps).flatten(0, 1)
        drawn = (
            -torch.distributions.Normal(model.decode(z), math.sqrt(0.5)).log_prob(x.repeat(400, 1)).sum(dim=1).mean()
        )
        nll, kl = model.expected_terms(covariance(x))
        q = torch.distributions.Normal(posterior.mu, posterior.std)
        exact = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).mean(dim=0)
    assert float(nll) == pytest.approx(float(drawn), rel=2e-3)
    torch.testing.assert_close(kl, exact)


def test_beta_and_the_noise_are_one_knob() -> None:
    one = linear_optimum(SPECTRUM, latent_dim=6, sigma2=0.1, beta=4.0)
    other = linear_optimum(SPECTRUM, latent_dim=6, sigma2=0.4, beta=1.0)
    assert one.active == other.active == 4
    torch.testing.assert_close(one.kl, other.kl)
    assert one.squared_error == pytest.approx(other.squared_error)


def test_at_the_threshold_a_latent_is_off() -> None:
    assert linear_optimum(SPECTRUM, latent_dim=6, sigma2=1.0).active == 2
    assert linear_optimum(SPECTRUM, latent_dim=1, sigma2=1.0).active == 1
    assert linear_optimum(SPECTRUM, latent_dim=9, sigma2=1e-3).kl.tolist()[6:] == [0, 0, 0]


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="between 1 and 5, got 6"):
        fit_ppca(data(), 6)
    with pytest.raises(ValueError, match="none below 0"):
        linear_optimum(-SPECTRUM, latent_dim=2, sigma2=1.0)
    with pytest.raises(ValueError, match="sigma2 must be above 0"):
        LinearVAE(torch.zeros(3), 1, sigma2=0)
    with pytest.raises(ValueError, match="beta must be above 0"):
        fit_linear_vae(LinearVAE(torch.zeros(3), 1, sigma2=1), torch.eye(3), beta=0)
    with pytest.raises(ValueError, match=r"x must have shape \(n, 3\)"):
        LinearVAE(torch.zeros(3), 1, sigma2=1).encode(torch.zeros(3))
