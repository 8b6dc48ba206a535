"""pythae's VAE with the same weights and the same draws has the same loss, and the same importance-weighted bound.

pythae is no requirement of the course: one of its own can't be installed on the Pythons of today. To run these tests:
`.venv/bin/uv pip install --no-deps pythae pydantic pydantic-core annotated-types typing-inspection imageio`.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from agreement import agree, library
from torch import Tensor, nn

from vae_course import load_digits, make_generator, to_unit, zoo
from vae_course.configs import VAEConfig
from vae_course.evaluation import importance_log_likelihood
from vae_course.models import VAE

pythae_models = pytest.importorskip("pythae.models", reason="pythae is not installed; see test_oracle_pythae.py")


def unit() -> VAE:
    """A Gaussian model of sigma 1, the only one that pythae has."""
    return VAE(VAEConfig(hidden_dims=(50,), latent_dim=5, likelihood="gaussian", sigma=1.0)).requires_grad_(False)


MODELS = {
    "Bernoulli, 2 latents": lambda: zoo.load("vae-bernoulli-2d-s0"),
    "Bernoulli, 20 latents": lambda: zoo.load("vae-bernoulli-20d-s0"),
    "Gaussian, trained": lambda: zoo.load("vae-unit-20d-s0"),
    "Gaussian": unit,
}


def twin(model: VAE) -> Any:
    """pythae's own VAE and its own layers, with the weights of a model with one hidden layer."""
    bernoulli = model.config.likelihood == "bernoulli"
    config = pythae_models.VAEConfig(
        input_dim=(784,), latent_dim=model.config.latent_dim, reconstruction_loss="bce" if bernoulli else "mse"
    )
    made = pythae_models.VAE(config)
    pairs = (
        (made.encoder.layers[0][0], model.encoder_body[0]),
        (made.encoder.embedding, model.mu_head),
        (made.encoder.log_var, model.logvar_head),
        (made.decoder.layers[0][0], model.decoder_body[0]),
        (made.decoder.layers[1][0], model.output),
    )
    for theirs, ours in pairs:
        theirs.weight, theirs.bias = nn.Parameter(ours.weight.clone()), nn.Parameter(ours.bias.clone())
    return made.eval().requires_grad_(False)


def constant(model: VAE) -> float:
    """What pythae's squared error leaves out of the Gaussian's nll."""
    return 0.0 if model.config.likelihood == "bernoulli" else 784 / 2 * math.log(2 * math.pi)


def pixels(n: int) -> tuple[Tensor, Tensor]:
    images = load_digits().images[:: 5000 // n][:n]
    return images, to_unit(images)


def loss_of(other: Any, x: Tensor, *, seed: int) -> Any:
    """Its loss and the two terms. It draws from the global generator what one of ours draws from its own."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return other({"data": x})


@pytest.mark.parametrize("name", MODELS)
def test_pythae_has_the_same_loss(name: str) -> None:
    model = MODELS[name]()
    _, x = pixels(50)
    theirs = loss_of(twin(model), x, seed=3)
    nll, kl = model.loss_terms(x, torch.randn(50, model.config.latent_dim, generator=make_generator(3)))
    nll = nll - constant(model)
    pythae, kl = library("pythae"), kl.sum(dim=1)
    agree("reconstruction loss of a batch", pythae, nll.mean(), theirs.recon_loss, rtol=1e-5)
    agree("KL of a batch", pythae, kl.mean(), theirs.reg_loss, rtol=1e-5)
    agree("ELBO of a batch", pythae, (nll + kl).mean(), theirs.loss, rtol=1e-5)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("n_samples", [1, 20])
def test_pythae_has_the_same_importance_weighted_bound(name: str, n_samples: int) -> None:
    """Its get_nll gives the mean log-likelihood, its sign unchanged, from as many draws as its batch has."""
    model = MODELS[name]()
    images, x = pixels(5)
    other, d = twin(model), model.config.latent_dim
    generator = make_generator(4)
    eps = torch.stack([torch.randn(5, d, generator=generator) for _ in range(n_samples)])  # (n_samples, images, d)
    turns = iter(eps.transpose(0, 1))  # it takes image after image
    other._sample_gauss = lambda mu, std: (mu + (noise := next(turns)) * std, noise)
    theirs = other.get_nll(x, n_samples=n_samples, batch_size=n_samples)
    ours = importance_log_likelihood(model, images, n_samples=n_samples, generator=make_generator(4))
    agree("importance-weighted bound of a batch", library("pythae"), float(ours.mean()), float(theirs), rtol=1e-5)


def test_other_weights_or_draws_would_be_noticed() -> None:
    model, moved = (MODELS["Bernoulli, 20 latents"]() for _ in range(2))
    moved.output.bias.add_(0.1)
    _, x = pixels(50)
    loss, redrawn, other = (float(loss_of(twin(m), x, seed=s).loss) for m, s in ((model, 3), (model, 4), (moved, 3)))
    assert loss != pytest.approx(redrawn, rel=1e-4) and loss != pytest.approx(other, rel=1e-4)
