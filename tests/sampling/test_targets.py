"""The targets against the model's own likelihood, closed forms and a fine grid."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from sampler_oracles import Sampler
from torch import Tensor

from vae_course import zoo
from vae_course.checks import make_generator
from vae_course.configs import Likelihood, VAEConfig
from vae_course.data import load_digits, to_unit
from vae_course.models import VAE
from vae_course.sampling import (
    Normal,
    elliptical_slice,
    encoder_reference,
    fitted_reference,
    hmc,
    laplace_reference,
    pcn,
    random_walk,
    sample_prior,
    targets,
)

BOTH = pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
PIXELS, CELLS, FINE = 30, 20, 8  # grid cells along a side, and evaluations along a cell's side


def make_model(likelihood: Likelihood = "bernoulli") -> VAE:
    config = VAEConfig(input_dim=PIXELS, hidden_dims=(12,), latent_dim=3, likelihood=likelihood, sigma=0.2)
    return VAE(config, generator=make_generator(1)).double().requires_grad_(False)


def images(n: int) -> Tensor:
    return torch.rand(n, PIXELS, generator=make_generator(2), dtype=torch.float64)


def points(n: int) -> Tensor:
    return sample_prior(n, 3, generator=make_generator(3)).double()


@BOTH
def test_one_image_is_the_models_likelihood(likelihood: Likelihood) -> None:
    model, x, z = make_model(likelihood), images(5), points(5)
    torch.testing.assert_close(targets.one_image(model, x[0])(z), -model.nll(x[:1].expand(5, -1), z))
    torch.testing.assert_close(targets.one_image(model, x)(z), -model.nll(x, z))  # an image for each chain


@BOTH
@pytest.mark.parametrize("pixels", [PIXELS, 785])  # few whose logarithms are summed, and many that are multiplied first
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_more_chains_than_fit_into_a_block(likelihood: Likelihood, pixels: int, dtype: torch.dtype) -> None:
    config = VAEConfig(input_dim=pixels, hidden_dims=(12,), latent_dim=3, likelihood=likelihood, sigma=0.2)
    model = VAE(config, generator=make_generator(1)).to(dtype).requires_grad_(False)
    model.output.weight.mul_(40)  # logits of all sizes
    x = torch.rand(300, pixels, generator=make_generator(2), dtype=dtype)
    z = sample_prior(300, 3, generator=make_generator(3)).to(dtype)
    torch.testing.assert_close(targets.one_image(model, x[7])(z), -model.nll(x[7].expand(300, -1), z))
    own = targets.one_image(model, x)
    torch.testing.assert_close(own(z), -model.nll(x, z))
    with pytest.raises(ValueError, match="x holds 300 images, one for each chain, but there are 299 chains"):
        own(z[1:])
    inside = z.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(own(inside).sum(), inside)
    (expected,) = torch.autograd.grad(-model.nll(x, inside).sum(), inside)
    torch.testing.assert_close(gradient, expected)


@BOTH
def test_hidden_pixels_say_nothing(likelihood: Likelihood) -> None:
    model, x, z = make_model(likelihood), images(5), points(5)
    visible = torch.arange(PIXELS) % 3 > 0
    found = targets.hidden_pixels(model, x[0], visible)(z)
    other = targets.hidden_pixels(model, torch.where(visible, x[0], 0.5), visible)(z)
    assert torch.equal(found, other)
    hidden = targets.hidden_pixels(model, x[0], ~visible)(z)
    torch.testing.assert_close(found + hidden, targets.one_image(model, x[0])(z))
    assert torch.equal(targets.hidden_pixels(model, x[0], torch.zeros_like(visible))(z), torch.zeros(5).double())


@BOTH
def test_many_images_add_up(likelihood: Likelihood) -> None:
    model, x, z = make_model(likelihood), images(40), points(5)
    found = targets.many_images(model, x)(z)
    added = torch.stack([targets.one_image(model, row)(z) for row in x]).sum(dim=0)
    torch.testing.assert_close(found - found[0], added - added[0])  # up to a constant
    torch.testing.assert_close(targets.many_images(model, x[:1])(z), targets.one_image(model, x[0])(z))


def test_a_temperature_divides() -> None:
    model, z = make_model(), points(5)
    base = targets.one_image(model, images(1)[0])
    torch.testing.assert_close(targets.tempered(base, temperature=4)(z), base(z) / 4)
    assert torch.equal(targets.tempered(base, temperature=math.inf)(z).abs(), torch.zeros(5).double())
    with pytest.raises(ValueError, match="temperature must be above 0"):
        targets.tempered(base, temperature=0)


@pytest.mark.parametrize("with_prior", [False, True])
def test_the_linear_posterior_is_that_of_the_joint_gaussian(with_prior: bool) -> None:
    # Condition the joint Gaussian of (z, x) on x: another way to the same answer.
    generator = make_generator(4)
    w, b, x = (torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((5, 3), (5,), (2, 5)))
    m, c, prior = torch.zeros(3).double(), torch.eye(3).double(), None
    if with_prior:
        m, c = (
            torch.tensor([1.0, -2.0, 0.5]).double(),
            torch.tensor([[2.0, 0.3, 0], [0.3, 1, 0.1], [0, 0.1, 0.5]]).double(),
        )
        prior = Normal.from_cov(m, c)
    mean, cov = targets.LinearGaussian(x, w, b, 0.7, prior).posterior()
    gain = c @ w.T @ torch.linalg.inv(w @ c @ w.T + 0.49 * torch.eye(5))
    torch.testing.assert_close(mean, m + (x - w @ m - b) @ gain.T)
    torch.testing.assert_close(cov, c - gain @ w @ c)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda model: targets.one_image(model, torch.zeros(29)), "shape \\(30,\\) or \\(chains, 30\\)"),
        (lambda model: targets.one_image(model, torch.zeros(30, dtype=torch.uint8)), "to_unit"),
        (lambda model: targets.hidden_pixels(model, torch.zeros(30), torch.zeros(30)), "visible must be bool"),
        (lambda model: targets.hidden_pixels(model, torch.zeros(30), torch.zeros(29).bool()), "visible must be bool"),
        (lambda model: targets.many_images(model, torch.zeros(30)), "shape \\(n, 30\\)"),
    ],
)
def test_wrong_images_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(make_model())


# --- references ---


@BOTH
def test_laplace_ends_at_a_mode_with_its_curvature(likelihood: Likelihood) -> None:
    # A mode of a ReLU decoder may lie on a kink, where the gradient jumps past 0: so look around it instead.
    model, x = make_model(likelihood), images(4)
    normal = laplace_reference(model, x)

    def energy(z: Tensor) -> Tensor:
        return model.nll(x, z) + 0.5 * (z**2).sum(dim=1)

    lowest, start = energy(normal.mean), energy(model.encode(x).mu)
    generator = make_generator(8)
    for width in (0.01, 0.1, 0.5):
        for _ in range(100):
            eps = torch.randn(4, 3, generator=generator, dtype=torch.float64)
            assert bool((energy(normal.mean + width * normal.scale(eps)) > lowest - 0.01).all())  # nats
    assert bool((lowest < start).all())
    if likelihood == "bernoulli":  # piecewise, its precision is the Hessian
        for i in range(4):
            hessian = torch.autograd.functional.hessian(
                lambda point, i=i: (model.nll(x[i : i + 1], point[None]) + 0.5 * (point**2).sum())[0], normal.mean[i]
            )
            torch.testing.assert_close(normal.cholesky[i] @ normal.cholesky[i].T, torch.linalg.inv(hessian))


def test_one_image_has_one_reference() -> None:
    model, x = make_model(), images(3)
    for make in (encoder_reference, laplace_reference):
        one, all_ = make(model, x[1]), make(model, x)
        assert one.mean.shape == (3,) and one.cholesky.shape == (3, 3)
        torch.testing.assert_close(one.mean, all_.mean[1])
        torch.testing.assert_close(one.cholesky, all_.cholesky[1])
    posterior = model.encode(x)
    torch.testing.assert_close(encoder_reference(model, x).mean, posterior.mu)
    torch.testing.assert_close(encoder_reference(model, x).cholesky, posterior.std.diag_embed())


def test_a_fitted_reference_has_the_draws_moments_and_is_wider() -> None:
    z = (
        torch.randn(50, 20, 3, generator=make_generator(9), dtype=torch.float64)
        @ torch.tensor([[1.0, 2, 0], [0, 1, 3], [1, 0, 1]]).double()
        + 5
    )
    normal = fitted_reference(z, width=1.5)
    draws = z.flatten(0, 1)
    torch.testing.assert_close(normal.mean, draws.mean(dim=0))
    torch.testing.assert_close(normal.cholesky @ normal.cholesky.T, 2.25 * torch.cov(draws.T))
    assert fitted_reference(z[..., :1].float()).cholesky.shape == (1, 1)
    with pytest.raises(ValueError, match="of a pilot run"):
        fitted_reference(draws)
    with pytest.raises(ValueError, match="width must be above 0"):
        fitted_reference(z, width=0)
    with pytest.raises(ValueError, match="2 draws that do not spread along all of 3 latents"):
        fitted_reference(z[:1, :2])


# --- a trained decoder, against a grid ---


@pytest.fixture(scope="module")
def digit() -> tuple[VAE, Tensor]:
    return zoo.load("vae-bernoulli-2d-s0"), to_unit(load_digits().images[[7]])[0]


@pytest.fixture(scope="module")
def grid(digit: tuple[VAE, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Edges of the cells along both axes, (CELLS + 1,) each, and the posterior's mass in each cell, (CELLS, CELLS)."""
    model, x = digit
    target = targets.one_image(model, x)

    def log_density(first: Tensor, second: Tensor) -> Tensor:
        z = torch.cartesian_prod(first, second)
        values = torch.cat([target(block).double() for block in z.split(4_000)]) - 0.5 * (z.double() ** 2).sum(dim=1)
        return values.view(len(first), len(second))

    wide = torch.linspace(-5, 5, 161)  # all of the prior; its spacing is below a posterior's standard deviation
    coarse = log_density(wide, wide)
    inside = coarse > coarse.max() - 18  # what lies lower holds less than 25,600 e^-18 = 0.04 % of the mass
    edges = []
    for axis in (1, 0):
        hit = inside.any(dim=axis).nonzero().flatten()
        low, high = float(wide[hit[0]]) - 0.0625, float(wide[hit[-1]]) + 0.0625
        edges.append(torch.linspace(low, high, CELLS + 1))
    fine = [
        torch.linspace(float(e[0]), float(e[-1]), CELLS * FINE + 1)[:-1] + float(e[1] - e[0]) / FINE / 2 for e in edges
    ]
    mass = log_density(*fine).flatten().softmax(dim=0).view(CELLS, FINE, CELLS, FINE).sum(dim=(1, 3))
    return edges[0], edges[1], mass


@pytest.mark.parametrize(
    "name", ["pcn", "random walk", "elliptical slice", "hmc", "pcn, encoder", "pcn, Laplace", "pcn, fitted"]
)
def test_a_trained_decoders_posterior_is_that_of_the_grid(
    name: str, digit: tuple[VAE, Tensor], grid: tuple[Tensor, Tensor, Tensor]
) -> None:
    (model, x), (first, second, mass) = digit, grid
    target = targets.one_image(model, x)
    chains = 500
    start = encoder_reference(model, x)
    z0 = start.mean + start.scale(sample_prior(chains, 2, generator=make_generator(5)))
    leapfrog = Sampler(hmc, 0.5, {"reference": laplace_reference(model, x), "n_leapfrog": 4})
    sampler = {
        "pcn": lambda: Sampler(pcn, 0.1),
        "random walk": lambda: Sampler(random_walk, 0.1),
        "elliptical slice": lambda: Sampler(elliptical_slice),
        "hmc": lambda: leapfrog,
        "pcn, fitted": lambda: Sampler(
            pcn, 1.0, {"reference": fitted_reference(leapfrog.draws(target, z0, 20, seed=8))}
        ),
        "pcn, encoder": lambda: Sampler(pcn, 0.7, {"reference": encoder_reference(model, x)}),
        "pcn, Laplace": lambda: Sampler(pcn, 0.7, {"reference": laplace_reference(model, x)}),
    }[name]()
    z = sampler.last(target, z0, 20 if name in ("elliptical slice", "hmc") else 150, seed=6)
    inside = (z >= torch.stack([first[0], second[0]])) & (z <= torch.stack([first[-1], second[-1]]))
    assert bool(inside.all())
    cell = (torch.bucketize(z[:, 0].contiguous(), first) - 1).clamp_min(0) * CELLS
    cell = cell + (torch.bucketize(z[:, 1].contiguous(), second) - 1).clamp_min(0)
    found = cell.bincount(minlength=CELLS**2).double() / chains
    variation = 0.5 * float((found - mass.flatten()).abs().sum())
    expected, spread = noise_of(mass.flatten(), chains)
    assert variation < expected + 5 * spread


def noise_of(mass: Tensor, n: int) -> tuple[float, float]:
    """Mean and standard deviation of the total variation between `mass`, (cells,), and n exact draws from it."""
    generator = make_generator(7)
    draws = torch.multinomial(mass, 200 * n, replacement=True, generator=generator).view(200, n)
    found = torch.stack([row.bincount(minlength=len(mass)) for row in draws]).double() / n
    variation = 0.5 * (found - mass).abs().sum(dim=1)
    return float(variation.mean()), float(variation.std())
