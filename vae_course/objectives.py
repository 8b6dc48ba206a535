"""Likelihoods, KL and the ELBO. Every quantity stays per image, shape (batch,), in nats."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from vae_course.checks import check_count, check_positive


def reparameterize(mu: Tensor, logvar: Tensor, eps: Tensor) -> Tensor:
    """z = mu + exp(logvar / 2) * eps: a draw from N(mu, diag exp(logvar)) that gradients pass through.

    mu, logvar: (batch, latent_dim); eps: the same shape, from N(0, I), or (n, batch, latent_dim) for n draws of each
    image, or (n, latent_dim) for n draws of a batch of one. Returns the shape of eps.
    Kingma & Welling (2014), section 2.4; chapter 1.
    """
    _check_same_shape("mu", mu, "logvar", logvar)
    if not _holds_draws(eps.shape, mu.shape):
        raise ValueError(
            f"eps must have mu's shape {tuple(mu.shape)}, or that with more draws, (..., batch, latent_dim), "
            f"got {tuple(eps.shape)}"
        )
    return mu + (0.5 * logvar).exp() * eps


def kl_per_latent(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mu_j, exp(logvar_j)) || N(0, 1)) of each image and latent, in nats.

    mu, logvar: (batch, latent_dim). Returns (batch, latent_dim), >= 0.
    Kingma & Welling (2014), appendix B; chapter 1.
    """
    _check_same_shape("mu", mu, "logvar", logvar)
    return 0.5 * (mu**2 + logvar.expm1() - logvar)  # expm1: exp(logvar) - 1, exact near 0 too


def kl_standard_normal(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mu, diag exp(logvar)) || N(0, I)) of each image, in nats.

    mu, logvar: (batch, latent_dim). Returns (batch,), >= 0, summed over the latents.
    Kingma & Welling (2014), appendix B; chapter 1.
    """
    return kl_per_latent(mu, logvar).sum(dim=1)


def bernoulli_nll(x: Tensor, logits: Tensor) -> Tensor:
    """-log p(x | z) of pixels that are on with probability sigmoid(logits), in nats.

    x: (batch, pixels) in [0, 1]; logits: (batch, pixels). Returns (batch,), summed over the pixels.
    For grey x this is the cross-entropy, an unnormalised likelihood (Loaiza-Ganem & Cunningham,
    2019). Written with softplus, so that no probability rounds to 0 or 1. Chapter 1.
    """
    _check_same_shape("x", x, "logits", logits)
    nll: Tensor = _BernoulliNLL.apply(x, logits)
    return nll


class _BernoulliNLL(torch.autograd.Function):
    """sum over the pixels of softplus(logits) - x logits, whose gradient is sigmoid(logits) - x.

    PyTorch's own binary_cross_entropy_with_logits gives the same in 2.5 times the time: its log1p is slow on CPUs.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, logits: Tensor) -> Tensor:
        # softplus(l) = max(l, 0) - log sigmoid(|l|), and sigmoid(|l|) >= 1/2 is never rounded to 0
        log_sigmoid = logits.abs().sigmoid_().log_()
        return logits.clamp_min(0).sub_(log_sigmoid).sub_(x * logits).sum(dim=1)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, logits = ctx.saved_tensors
        x_wanted, logits_wanted = ctx.needs_input_grad
        return (
            -logits * grad[:, None] if x_wanted else None,
            (logits.sigmoid() - x) * grad[:, None] if logits_wanted else None,
        )

    @staticmethod
    def jvp(ctx: Any, x_tangent: Tensor | None, logits_tangent: Tensor | None) -> Tensor:
        x, logits = ctx.saved_tensors
        change = torch.zeros_like(logits)
        if x_tangent is not None:
            change = change - logits * x_tangent
        if logits_tangent is not None:
            change = change + (logits.sigmoid() - x) * logits_tangent
        return change.sum(dim=1)


def gaussian_nll(x: Tensor, x_mean: Tensor, *, sigma: float | Tensor = 1.0) -> Tensor:
    """-log p(x | z) of pixels N(x_mean, sigma^2), in nats, with its constant.

    x, x_mean: (batch, pixels); sigma: one standard deviation above 0, in units of x. Returns (batch,), summed over the
    pixels. A density: it can be negative. Chapter 1.
    """
    _check_same_shape("x", x, "x_mean", x_mean)
    sigma = torch.as_tensor(sigma, dtype=x_mean.dtype)
    if sigma.numel() != 1:
        raise ValueError(f"sigma must be one number for all pixels, got shape {tuple(sigma.shape)}; pass a float")
    check_positive("sigma", float(sigma.detach().min()))
    squared_error = ((x - x_mean) ** 2).sum(dim=1)
    return 0.5 * squared_error / sigma**2 + x.shape[1] * (sigma.log() + 0.5 * math.log(2 * math.pi))


def effective_beta(*, reduction: str, loss: str, n_pixels: int, sigma: float = 1.0, kl_weight: float = 1.0) -> float:
    """The beta of the beta-VAE whose optimum a loss "data term + kl_weight * KL" shares.

    The KL is summed over the latents and averaged over the images. `loss` is "bce" (Bernoulli), "sse" (squared
    error, no half in front) or "gaussian" (half the squared error over sigma^2); `reduction` says whether the
    data term sums or averages over the `n_pixels` pixels of an image. The answer is relative to the normalised
    likelihood: Bernoulli for "bce", a Gaussian of standard deviation `sigma` for the other two. Chapter 1.
    """
    scales = {"bce": 1.0, "sse": 2 * sigma**2, "gaussian": 1.0}
    divisors = {"sum": 1.0, "mean": n_pixels}
    for name, value, known in (("loss", loss, scales), ("reduction", reduction, divisors)):
        if value not in known:
            raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, got {value!r}")
    check_count("n_pixels", n_pixels)
    check_positive("sigma", sigma)
    if not kl_weight >= 0:
        raise ValueError(f"kl_weight must be 0 or above, got {kl_weight}")
    return kl_weight * divisors[reduction] / scales[loss]  # data term = scale / divisor * NLL + constant


def _holds_draws(eps: torch.Size, mu: torch.Size) -> bool:
    """Whether noise of this shape goes with posteriors of that, without a posterior that is copied to its shape."""
    try:
        return bool(torch.broadcast_shapes(mu, eps) == eps)
    except RuntimeError:
        return False


def _check_same_shape(a_name: str, a: Tensor, b_name: str, b: Tensor) -> None:
    if a.ndim != 2 or a.shape != b.shape:
        raise ValueError(
            f"{a_name} and {b_name} must have the same shape (batch, n), "
            f"got {tuple(a.shape)} and {tuple(b.shape)}; for one image pass {a_name}[None, :]"
        )
