"""Likelihoods, KL and beta against torch.distributions, integrals and finite differences."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch import Tensor
from torch.distributions import Bernoulli, Normal, kl_divergence
from torch.nn import functional as F

from vae_course.checks import make_generator
from vae_course.objectives import (
    bernoulli_nll,
    effective_beta,
    gaussian_nll,
    kl_per_latent,
    kl_standard_normal,
    reparameterize,
)


def randn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=make_generator(seed), dtype=torch.float64).to(dtype)


def pixels(kind: str, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    grey = torch.rand(*shape, generator=make_generator(1), dtype=torch.float64).to(dtype)
    return {"grey": grey, "black and white": grey.round(), "paper": 0 * grey, "ink": 0 * grey + 1}[kind]


# --- Bernoulli ---


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0])
def test_bernoulli_nll_is_the_log_probability_of_black_and_white_pixels(scale: float, dtype: torch.dtype) -> None:
    x, logits = pixels("black and white", 7, 784, dtype=dtype), scale * randn(7, 784, dtype=dtype)
    expected = -Bernoulli(logits=logits.double()).log_prob(x.double()).sum(dim=1)
    assert bernoulli_nll(x, logits).dtype == dtype
    torch.testing.assert_close(bernoulli_nll(x, logits).double(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["grey", "black and white", "paper", "ink"])
@pytest.mark.parametrize("logit", [-80.0, -20.0, -1e-4, 0.0, 1.0, 20.0, 80.0])
def test_bernoulli_nll_at_large_logits(kind: str, logit: float) -> None:
    x = pixels(kind, 3, 784, dtype=torch.float32)
    logits = torch.full((3, 784), logit)
    exact = F.binary_cross_entropy_with_logits(logits.double(), x.double(), reduction="none").sum(dim=1)
    torch.testing.assert_close(bernoulli_nll(x, logits).double(), exact, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("kind", ["grey", "black and white"])
@pytest.mark.parametrize("scale", [1.0, 30.0, 80.0])
def test_bernoulli_nll_has_the_gradient_that_autograd_gives(kind: str, scale: float) -> None:
    x = pixels(kind, 5, 784, dtype=torch.float32)
    ours = (scale * randn(5, 784, dtype=torch.float32)).requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    weight = torch.tensor([1.0, -2.0, 0.5, 0.0, 3.0])  # one a row: each image has its own gradient
    (bernoulli_nll(x, ours) * weight).sum().backward()
    (F.binary_cross_entropy_with_logits(theirs, x, reduction="none").sum(dim=1) * weight).sum().backward()
    assert ours.grad is not None
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-5, atol=1e-5)


def test_bernoulli_nll_gradients_of_all_orders_agree_with_finite_differences() -> None:
    x, logits = pixels("grey", 3, 5).requires_grad_(), randn(3, 5).requires_grad_()
    assert torch.autograd.gradcheck(bernoulli_nll, (x, logits), check_forward_ad=True)
    assert torch.autograd.gradgradcheck(bernoulli_nll, (x, logits))


def test_bernoulli_nll_works_under_torch_func() -> None:
    x, logits = pixels("grey", 1, 5), randn(4, 5)
    hessians = torch.func.vmap(torch.func.hessian(lambda row: bernoulli_nll(x, row[None, :]).sum()))(logits)
    p = logits.sigmoid()
    torch.testing.assert_close(hessians, torch.diag_embed(p * (1 - p)))


def test_bernoulli_nll_leaves_its_arguments_alone_and_keeps_nan() -> None:
    x, logits = pixels("grey", 2, 6), randn(2, 6)
    before = x.clone(), logits.clone()
    bernoulli_nll(x, logits)
    assert torch.equal(x, before[0]) and torch.equal(logits, before[1])
    logits[0, 0] = math.nan
    assert bernoulli_nll(x, logits).isnan().tolist() == [True, False]


def test_bernoulli_nll_of_one_pixel_sums_to_one_over_black_and_white() -> None:
    logits = 3 * randn(50, 1)
    total = sum((-bernoulli_nll(torch.full((50, 1), value, dtype=torch.float64), logits)).exp() for value in (0.0, 1.0))
    torch.testing.assert_close(total, torch.ones(50, dtype=torch.float64))


# --- Gaussian ---


@pytest.mark.parametrize("sigma", [0.01, 0.5, 1.0, 7.0])
@pytest.mark.parametrize("as_tensor", [False, True])
def test_gaussian_nll_is_the_log_density(sigma: float, as_tensor: bool) -> None:
    x, x_mean = pixels("grey", 4, 9), randn(4, 9)
    given = torch.tensor(sigma) if as_tensor else sigma
    expected = -Normal(x_mean, sigma).log_prob(x).sum(dim=1)
    torch.testing.assert_close(gaussian_nll(x, x_mean, sigma=given), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("sigma", [0.1, 2.0])
def test_gaussian_nll_integrates_to_one(sigma: float) -> None:
    def density(value: float) -> float:
        x, x_mean = torch.tensor([[value]], dtype=torch.float64), torch.tensor([[0.3]], dtype=torch.float64)
        return math.exp(-float(gaussian_nll(x, x_mean, sigma=sigma)))

    assert integrate.quad(density, 0.3 - 12 * sigma, 0.3 + 12 * sigma, points=[0.3])[0] == pytest.approx(1, abs=1e-8)


def test_gaussian_nll_gradients_agree_with_finite_differences() -> None:
    x, x_mean = pixels("grey", 3, 4).requires_grad_(), randn(3, 4).requires_grad_()
    sigma = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a, b, s: gaussian_nll(a, b, sigma=s), (x, x_mean, sigma))


def test_the_best_sigma_is_the_root_mean_square_error() -> None:
    x, x_mean = pixels("grey", 1, 500), 0.3 * randn(1, 500)
    rmse = float(((x - x_mean) ** 2).mean().sqrt())
    at_best, *others = (float(gaussian_nll(x, x_mean, sigma=rmse * factor)) for factor in (1.0, 0.97, 1.03))
    assert at_best < min(others)


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.nan, torch.tensor(0.0), torch.tensor(math.nan)])
def test_gaussian_nll_refuses_a_sigma_that_is_not_above_0(sigma: float | Tensor) -> None:
    with pytest.raises(ValueError, match="sigma must be above 0"):
        gaussian_nll(torch.zeros(2, 3), torch.zeros(2, 3), sigma=sigma)


def test_gaussian_nll_refuses_more_than_one_sigma() -> None:
    with pytest.raises(ValueError, match=r"sigma must be one number.*\(3,\)"):
        gaussian_nll(torch.zeros(3, 3), torch.zeros(3, 3), sigma=torch.ones(3))


# --- KL and the draw ---


def test_kl_agrees_with_torch_distributions() -> None:
    mu, logvar = 3 * randn(6, 5), 2 * randn(6, 5, seed=1)
    expected = kl_divergence(Normal(mu, (0.5 * logvar).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(kl_per_latent(mu, logvar), expected)
    torch.testing.assert_close(kl_standard_normal(mu, logvar), expected.sum(dim=1))


@pytest.mark.parametrize(("mu", "logvar"), [(0.0, 0.0), (1.5, -2.0), (-0.3, 1.2)])
def test_kl_is_its_integral(mu: float, logvar: float) -> None:
    q, p = stats.norm(mu, math.exp(logvar / 2)), stats.norm(0, 1)
    integral = integrate.quad(lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), -20, 20, points=[mu])[0]
    ours = kl_standard_normal(torch.tensor([[mu]], dtype=torch.float64), torch.tensor([[logvar]], dtype=torch.float64))
    assert float(ours) == pytest.approx(integral, abs=1e-7)


def test_kl_of_the_prior_is_exactly_0_and_never_below() -> None:
    assert torch.equal(kl_standard_normal(torch.zeros(3, 4), torch.zeros(3, 4)), torch.zeros(3))
    tiny = torch.logspace(-8, -1, 200)[:, None]  # exp(v) - 1 - v rounds to below 0 here
    for sign in (-1, 1):
        assert kl_per_latent(torch.zeros_like(tiny), sign * tiny).min() >= 0
    exact = kl_standard_normal(torch.zeros(200, 1).double(), tiny.double())
    torch.testing.assert_close(
        kl_standard_normal(torch.zeros(200, 1), tiny)[-40:].double(), exact[-40:], rtol=1e-3, atol=0
    )


def test_kl_gradients_agree_with_finite_differences() -> None:
    assert torch.autograd.gradcheck(kl_standard_normal, (randn(3, 4).requires_grad_(), randn(3, 4).requires_grad_()))


def test_reparameterize_draws_from_the_posterior_and_passes_gradients() -> None:
    mu, logvar = torch.tensor([[1.5]], dtype=torch.float64), torch.tensor([[-1.2]], dtype=torch.float64)
    z = reparameterize(mu.expand(4000, 1), logvar.expand(4000, 1), randn(4000, 1))
    assert stats.kstest(z[:, 0].numpy(), stats.norm(1.5, math.exp(-0.6)).cdf).pvalue > 0.01
    inputs = (randn(3, 4).requires_grad_(), randn(3, 4, seed=1).requires_grad_(), randn(3, 4, seed=2))
    assert torch.autograd.gradcheck(reparameterize, inputs)


# --- errors ---


@pytest.mark.parametrize("function", [bernoulli_nll, gaussian_nll, kl_per_latent, kl_standard_normal])
@pytest.mark.parametrize("shapes", [((3, 4), (3, 5)), ((4,), (4,)), ((1, 4), (3, 4)), ((2, 3, 4), (2, 3, 4))])
def test_shapes_that_do_not_fit_are_refused(
    function: Callable[[Tensor, Tensor], Tensor], shapes: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    with pytest.raises(ValueError, match="must have the same shape") as caught:
        function(torch.zeros(shapes[0]), torch.zeros(shapes[1]))
    assert all(str(shape) in str(caught.value) for shape in shapes)


# --- beta ---

DATA_TERMS: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {  # per pixel, as people write them
    "bce": lambda x, logits, sigma: F.binary_cross_entropy_with_logits(logits, x, reduction="none"),
    "sse": lambda x, x_mean, sigma: (x - x_mean) ** 2,
    "gaussian": lambda x, x_mean, sigma: (x - x_mean) ** 2 / (2 * sigma**2),
}


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("loss", ["bce", "sse", "gaussian"])
@pytest.mark.parametrize(("sigma", "kl_weight"), [(1.0, 1.0), (0.3, 1.0), (2.0, 5.0), (0.1, 0.0)])
def test_effective_beta_makes_the_gradients_parallel(loss: str, reduction: str, sigma: float, kl_weight: float) -> None:
    """The gradient of the loss is a positive multiple of that of the beta-ELBO with the effective beta."""
    weights = randn(3, 12).requires_grad_()  # a linear decoder whose weights also stand in for the latents' mu
    x, z, logvar = pixels("grey", 6, 12), randn(6, 3), randn(3, 12, seed=4)
    output = z @ weights
    per_pixel = DATA_TERMS[loss](x, output, sigma)
    data = (per_pixel.sum(dim=1) if reduction == "sum" else per_pixel.mean(dim=1)).mean()
    kl = kl_standard_normal(weights, logvar).mean()
    beta = effective_beta(reduction=reduction, loss=loss, n_pixels=12, sigma=sigma, kl_weight=kl_weight)
    nll = bernoulli_nll(x, output) if loss == "bce" else gaussian_nll(x, output, sigma=sigma)
    (theirs,) = torch.autograd.grad(data + kl_weight * kl, weights, retain_graph=True)
    (ours,) = torch.autograd.grad(nll.mean() + beta * kl, weights)
    ratio = (theirs / ours).detach().numpy()
    assert np.ptp(ratio) < 1e-8 * ratio.mean() and ratio.min() > 0


def test_effective_beta_of_the_famous_mistake() -> None:
    assert effective_beta(reduction="mean", loss="bce", n_pixels=784) == 784
    assert effective_beta(reduction="sum", loss="sse", n_pixels=784) == 0.5


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"reduction": "average"}, "reduction must be one of 'sum', 'mean', got 'average'"),
        ({"loss": "mse"}, "loss must be one of 'bce', 'sse', 'gaussian', got 'mse'"),
        ({"n_pixels": 0}, "n_pixels must be above 0, got 0"),
        ({"sigma": -1.0}, "sigma must be above 0, got -1.0"),
        ({"sigma": math.nan}, "sigma must be above 0, got nan"),
    ],
)
def test_effective_beta_says_what_is_known(wrong: dict[str, object], message: str) -> None:
    right: dict[str, object] = {"reduction": "sum", "loss": "bce", "n_pixels": 784}
    with pytest.raises(ValueError, match=message):
        effective_beta(**(right | wrong))  # type: ignore[arg-type]
