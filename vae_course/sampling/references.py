"""Gaussians near the posterior of an image, for pCN to keep instead of the prior."""

from __future__ import annotations

import torch
from torch import Tensor

from vae_course.checks import check_count, check_positive
from vae_course.latent.checks import check_finite
from vae_course.latent.jacobian import predicted_precision
from vae_course.models import VAE
from vae_course.sampling.normal import Normal

_HALVINGS = 12  # of a Gauss-Newton step, before an image stays where it is


def encoder_reference(model: VAE, x: Tensor) -> Normal:
    """The encoder's own q(z | x) = N(mu, diag exp(logvar)).

    x: (input_dim,) floats in [0, 1], or (chains, input_dim), which gives one Gaussian for each chain.
    """
    with torch.no_grad():
        posterior = model.encode(_as_images(model, x))
    return _normal(posterior.mu, posterior.std.diag_embed(), x)


def laplace_reference(model: VAE, x: Tensor, *, n_iterations: int = 20) -> Normal:
    """Laplace's approximation to p(z | x): the mode, and the inverse of the precision there.

    x: as in encoder_reference. From the encoder's mean, Gauss-Newton steps with latent.predicted_precision, each
    halved until the log posterior rises. For a Bernoulli decoder with ReLUs that precision is the Hessian wherever it
    exists. MacKay (2003), chapter 27; chapter 6.
    """
    check_count("n_iterations", n_iterations)
    images = _as_images(model, x)
    with torch.no_grad():
        z = model.encode(images).mu
        for _ in range(n_iterations):
            step = torch.linalg.solve(predicted_precision(model, z), -_gradient(model, images, z))
            moved = _descend(model, images, z, step)
            if torch.equal(moved, z):
                break
            z = moved
        cov = torch.linalg.inv(predicted_precision(model, z).double())
        factor = torch.linalg.cholesky((cov + cov.mT) / 2).to(z.dtype)
    return _normal(z, factor, x)


def fitted_reference(z: Tensor, *, width: float = 1.1) -> Normal:
    """The Gaussian with the mean of a pilot run's draws and width^2 times their covariance.

    z: (n_steps, chains, d), many more draws than d, of a run that is thrown away: a reference that goes on learning
    from the chain that it moves would not leave the posterior as it is. width: above 1, so that its tails are seldom
    lighter than the posterior's. A decoder of ReLUs has kinks, and at a mode that lies on one the curvature misleads
    laplace_reference; this does not look at it. Haario, Saksman & Tamminen (2001) fit proposals in this way.
    """
    check_positive("width", width)
    if z.ndim != 3 or z.numel() == 0:
        raise ValueError(f"z must have shape (n_steps, chains, d), got {tuple(z.shape)}; pass chain.z of a pilot run")
    check_finite("z", z)
    draws = z.flatten(0, 1).double()
    if int(torch.linalg.matrix_rank(draws - draws.mean(dim=0))) < draws.shape[1]:
        raise ValueError(
            f"z holds {len(draws)} draws that do not spread along all of {draws.shape[1]} latents; "
            "take a longer pilot run, or a smaller step, so that it moves"
        )
    normal = Normal.from_cov(draws.mean(dim=0), width**2 * torch.atleast_2d(torch.cov(draws.T)))
    return Normal(normal.mean.to(z.dtype), normal.cholesky.to(z.dtype))


def _as_images(model: VAE, x: Tensor) -> Tensor:
    """x as a batch of the model's own type."""
    pixels = model.config.input_dim
    if x.ndim not in (1, 2) or x.shape[-1] != pixels or x.numel() == 0:
        raise ValueError(f"x must have shape ({pixels},) or (chains, {pixels}), got {tuple(x.shape)}")
    check_finite("x", x)
    images: Tensor = torch.atleast_2d(x).to(model.output.weight.dtype)
    return images


def _normal(mean: Tensor, factor: Tensor, x: Tensor) -> Normal:
    return Normal(mean[0], factor[0]) if x.ndim == 1 else Normal(mean, factor)


def _energy(model: VAE, x: Tensor, z: Tensor) -> Tensor:
    """-log p(x | z) p(z) up to a constant, (n,)."""
    return model.nll(x, z) + 0.5 * (z**2).sum(dim=1)


def _gradient(model: VAE, x: Tensor, z: Tensor) -> Tensor:
    """The energy's gradient, (n, d)."""
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(_energy(model, x, z).sum(), z)
    return gradient


def _descend(model: VAE, x: Tensor, z: Tensor, step: Tensor) -> Tensor:
    """z + step where the energy falls, with the step halved until it does; z where it never does."""
    before, result = _energy(model, x, z), z
    open_ = torch.ones(len(z), dtype=torch.bool)
    for _ in range(_HALVINGS):
        better = open_ & (_energy(model, x, z + step) < before)
        result = torch.where(better[:, None], z + step, result)
        open_ = open_ & ~better
        if not bool(open_.any()):
            break
        step = step / 2
    return result
