"""The decoder's Jacobian and the precision it predicts, against automatic differentiation."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from vae_course.checks import make_generator
from vae_course.configs import Likelihood, VAEConfig
from vae_course.latent import decoder_jacobian, jacobian, predicted_precision
from vae_course.models import VAE


def make_model(likelihood: Likelihood = "bernoulli", hidden_dims: tuple[int, ...] = (12,), d: int = 3) -> VAE:
    config = VAEConfig(input_dim=30, hidden_dims=hidden_dims, latent_dim=d, likelihood=likelihood, sigma=0.2)
    return VAE(config, generator=make_generator(1)).double()


def points(n: int, d: int = 3) -> Tensor:
    return 3 * torch.randn(n, d, generator=make_generator(0), dtype=torch.float64)


@pytest.mark.parametrize("hidden_dims", [(12,), (14, 9), (8, 9, 10)])
def test_the_jacobian_agrees_with_autograd(hidden_dims: tuple[int, ...]) -> None:
    model, z = make_model(hidden_dims=hidden_dims), points(5)
    found = decoder_jacobian(model, z)
    assert found.shape == (5, 30, 3) and not found.requires_grad
    for i in range(5):
        rows = torch.autograd.functional.jacobian(lambda point: model.decode(point[None])[0], z[i])
        torch.testing.assert_close(found[i], rows)


def test_a_bernoulli_likelihood_has_the_hessian_of_its_nll() -> None:
    # The logits are piecewise linear in z, so the NLL's Hessian is the Fisher information, whatever x is.
    model, z = make_model(), points(4)
    x = torch.rand(1, 30, generator=make_generator(2), dtype=torch.float64)
    found = predicted_precision(model, z)
    for i in range(4):
        hessian = torch.autograd.functional.hessian(
            lambda point: model.nll(x, point[None])[0] + 0.5 * (point**2).sum(), z[i]
        )
        torch.testing.assert_close(found[i], hessian)


def test_a_gaussian_likelihood_has_it_where_the_image_fits() -> None:
    # At x = x_mean the residual is 0, and with it the part of the Hessian that Fisher's information leaves out.
    model, z = make_model("gaussian"), points(4)
    found = predicted_precision(model, z)
    for i in range(4):
        x = model.decode(z[i : i + 1]).detach()
        hessian = torch.autograd.functional.hessian(
            lambda point, x=x: model.nll(x, point[None])[0] + 0.5 * (point**2).sum(), z[i]
        )
        torch.testing.assert_close(found[i], hessian)


def test_it_is_the_variance_of_the_score() -> None:
    model, z = make_model(), points(1)
    n = 20_000
    x = torch.bernoulli(model.decode(z).detach().expand(n, -1), generator=make_generator(3))
    copies = z.repeat(n, 1).requires_grad_()
    (score,) = torch.autograd.grad(model.nll(x, copies).sum(), copies)
    products = score[:, :, None] * score[:, None, :]
    error = (products.mean(dim=0) + torch.eye(3) - predicted_precision(model, z)[0]) / (
        products.std(dim=0) / math.sqrt(n)
    )
    assert float(error.abs().max()) < 4  # standard errors


def test_confident_pixels_divide_by_nothing() -> None:
    # p rounds to 1: p (1 - p) is 0 in float32, and 1 / (p (1 - p)) infinite.
    model = make_model().float()
    with torch.no_grad():
        model.output.bias.fill_(120.0)
    found = predicted_precision(model, points(2))
    assert found.isfinite().all()
    torch.testing.assert_close(found, torch.eye(3).expand(2, 3, 3))
    with torch.no_grad():
        model.output.bias.fill_(40.0)  # 1 - p = 4e-18 is gone in 1 - sigmoid(40), not in sigmoid(-40)
    assert float(jacobian._slope(torch.tensor(40.0))) == pytest.approx(math.exp(-40), rel=1e-5, abs=0)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_blocks_and_types(likelihood: Likelihood) -> None:
    model, z = make_model(likelihood), points(300)
    precision, jacobians = predicted_precision(model, z), decoder_jacobian(model, z)
    for i in (0, 127, 128, 299):
        torch.testing.assert_close(precision[i : i + 1], predicted_precision(model, z[i : i + 1]))
        torch.testing.assert_close(jacobians[i : i + 1], decoder_jacobian(model, z[i : i + 1]))
    assert bool((torch.linalg.eigvalsh(precision) > 1 - 1e-9).all())  # never less sure than the prior
    single = model.float()
    found = predicted_precision(single, z)  # float64 points, a float32 model
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, precision.float(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("function", [decoder_jacobian, predicted_precision])
@pytest.mark.parametrize("z", [torch.zeros(3), torch.zeros(2, 4), torch.full((2, 3), torch.nan), torch.zeros(0, 3)])
def test_wrong_points(function: object, z: Tensor) -> None:
    assert callable(function)
    with pytest.raises(ValueError, match=r"z must have shape|z holds NaN"):
        function(make_model(), z)


def test_a_layer_that_is_not_known_is_named() -> None:
    model = make_model()
    model.decoder_body.append(nn.Dropout())
    with pytest.raises(TypeError, match="Dropout"):
        decoder_jacobian(model, points(1))
