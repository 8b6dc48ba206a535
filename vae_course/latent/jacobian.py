"""How the decoder's image changes with z, and the posterior's precision that this predicts."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from vae_course.latent.checks import check_points
from vae_course.models import Autoencoder

_BLOCK = 128  # points whose Jacobians are held at a time


def decoder_jacobian(model: Autoencoder, z: Tensor) -> Tensor:
    """d x_mean / d z at each z, (n, input_dim, d), in the model's type. z: (n, d)."""
    z = _as_input(model, z)
    return torch.cat([_mean_derivative(model, block).mT for block in z.split(_BLOCK)])


def predicted_precision(model: Autoencoder, z: Tensor) -> Tensor:
    """I + Fisher information of the decoder's likelihood at each z, (n, d, d), in the model's type.

    z: (n, d). The prior's precision I, and J^T W J of the pixels: Gaussian, W = 1 / sigma^2; Bernoulli, W =
    1 / (p (1 - p)) with J of p, which is J^T diag(p (1 - p)) J with J of the logits and divides by nothing. Near its
    mode the true posterior is a Gaussian of about this precision, and the best Gaussian with independent latents has
    the variances 1 / (its diagonal), to compare with exp(logvar). Chapter 2.
    """
    z = _as_input(model, z)
    fisher = _FISHER[model.config.likelihood]
    identity = torch.eye(z.shape[1], dtype=z.dtype)
    return torch.cat([identity + fisher(model, block) for block in z.split(_BLOCK)])


def _as_input(model: Autoencoder, z: Tensor) -> Tensor:
    check_points("z", z, model.config.latent_dim)
    return z.to(model.output.weight.dtype)


def _logits_and_derivative(model: Autoencoder, z: Tensor) -> tuple[Tensor, Tensor]:
    """decode_logits(z), (n, input_dim), and its derivative by each latent, (n, d, input_dim): the chain rule."""
    value, derivative = z, torch.eye(z.shape[1], dtype=z.dtype).expand(len(z), -1, -1)
    with torch.no_grad():
        for layer in (*model.decoder_body, model.output):
            if isinstance(layer, nn.Linear):
                derivative = derivative @ layer.weight.T  # (n, d, inputs) -> (n, d, outputs)
            elif isinstance(layer, nn.ReLU):
                derivative = derivative * (value > 0)[:, None]
            else:
                raise TypeError(f"the decoder may hold Linear and ReLU layers only, got {type(layer).__name__}")
            value = layer(value)
    return value, derivative


def _mean_derivative(model: Autoencoder, z: Tensor) -> Tensor:
    """The derivative of x_mean = sigmoid(logits) by each latent, (n, d, input_dim)."""
    logits, derivative = _logits_and_derivative(model, z)
    return derivative * _slope(logits)[:, None]


def _slope(logits: Tensor) -> Tensor:
    """p (1 - p) of p = sigmoid(logits), without the cancellation in 1 - p."""
    return logits.sigmoid() * (-logits).sigmoid()


def _bernoulli_fisher(model: Autoencoder, z: Tensor) -> Tensor:
    logits, derivative = _logits_and_derivative(model, z)
    return (derivative * _slope(logits)[:, None]) @ derivative.mT


def _gaussian_fisher(model: Autoencoder, z: Tensor) -> Tensor:
    derivative = _mean_derivative(model, z) / model.sigma
    return derivative @ derivative.mT


_FISHER: dict[str, Callable[[Autoencoder, Tensor], Tensor]] = {
    "bernoulli": _bernoulli_fisher,
    "gaussian": _gaussian_fisher,
}
