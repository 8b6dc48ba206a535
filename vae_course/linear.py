"""The linear VAE, whose optimum is known: probabilistic PCA (level 2)."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vae_course.checks import check_positive, make_generator
from vae_course.latent.checks import as_covariance, check_points, eigenvalues
from vae_course.models.layers import check_batch
from vae_course.types import Posterior


class PPCA(NamedTuple):
    """Probabilistic PCA at its maximum likelihood: x = weight z + mean + sigma e.

    mean: (p,). weight: (p, d), its columns orthogonal, the longest first. sigma2: the noise's variance.
    eigenvalues: (p,), of the data's covariance, falling. float64.
    """

    mean: Tensor
    weight: Tensor
    sigma2: float
    eigenvalues: Tensor


class LinearOptimum(NamedTuple):
    """What a linear beta-VAE ends with.

    active: how many latents are used. kl: (d,), nats of each latent, by rank, 0 where it is off. squared_error: the
    mean of |x - x_mean|^2 over images and posterior draws.
    """

    active: int
    kl: Tensor
    squared_error: float


def fit_ppca(x: Tensor, latent_dim: int) -> PPCA:
    """The maximum of the likelihood of probabilistic PCA, in closed form.

    x: (n, p) floats. latent_dim: 1 to p - 1. sigma2 is the mean of the eigenvalues left out, and the columns of weight
    are u_i sqrt(lambda_i - sigma2). Tipping & Bishop (1999). Chapter 10.
    """
    check_points("x", x)
    if not 0 < latent_dim < x.shape[1]:
        raise ValueError(f"latent_dim must lie between 1 and {x.shape[1] - 1}, got {latent_dim}")
    wide = x.double()
    mean = wide.mean(dim=0)
    values, vectors = torch.linalg.eigh((wide - mean).T @ (wide - mean) / len(x))
    values, vectors = eigenvalues("x's covariance", values).flip(0), vectors.flip(1)
    sigma2 = float(values[latent_dim:].mean())
    weight = vectors[:, :latent_dim] * (values[:latent_dim] - sigma2).clamp_min(0).sqrt()
    return PPCA(mean, weight, sigma2, values)


def linear_optimum(spectrum: Tensor, *, latent_dim: int, sigma2: float, beta: float = 1.0) -> LinearOptimum:
    """The global optimum of a linear beta-VAE with noise variance sigma2, from the data covariance's eigenvalues.

    spectrum: (p,), at least 0, in any order. beta and sigma2 enter as their product alone: latent i is active if
    lambda_i > beta sigma2; it then costs 1/2 log(lambda_i / (beta sigma2)) nats and leaves an error of beta sigma2 in
    place of lambda_i. Lucas, Tucker, Grosse & Norouzi (2019). Chapter 10.
    """
    check_positive("latent_dim", latent_dim)
    check_positive("sigma2", sigma2)
    check_positive("beta", beta)
    if spectrum.ndim != 1 or float(spectrum.min()) < 0:
        raise ValueError("spectrum must hold the eigenvalues of a covariance, (p,), none below 0")
    ranked, water = spectrum.double().sort(descending=True).values, beta * sigma2
    kl = torch.zeros(latent_dim, dtype=torch.float64)
    usable = ranked[:latent_dim]
    on = usable > water
    kl[: len(usable)] = torch.where(on, 0.5 * (usable / water).clamp_min(1).log(), kl[: len(usable)])
    error = float(torch.where(on, torch.full_like(usable, water), usable).sum() + ranked[latent_dim:].sum())
    return LinearOptimum(int(on.sum()), kl, error)


class LinearVAE(nn.Module):
    """A VAE without hidden layers: x ~ N(weight z + mean, sigma2 I), z | x ~ N(encoder (x - mean), diag exp(logvar)).

    mean: (p,), the data's, held fixed. The posterior's variances are the same for all images, as the optimum's are.
    float64, so that theory and training can be compared to many digits.
    """

    def __init__(
        self, mean: Tensor, latent_dim: int, *, sigma2: float, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        check_positive("latent_dim", latent_dim)
        check_positive("sigma2", sigma2)
        generator = generator or make_generator(0)
        self.sigma2, pixels = sigma2, len(mean)
        self.mean: Tensor
        self.register_buffer("mean", mean.double())
        draw = torch.randn(2, pixels, latent_dim, generator=generator, dtype=torch.float64) / math.sqrt(pixels)
        self.weight, self.encoder = nn.Parameter(draw[0]), nn.Parameter(draw[1].T.contiguous())
        self.logvar = nn.Parameter(torch.zeros(latent_dim, dtype=torch.float64))

    def encode(self, x: Tensor) -> Posterior:
        """q(z | x) of each image. x: (batch, p); mu and logvar: (batch, latent_dim)."""
        check_batch("x", x, len(self.mean))
        mu = (x.double() - self.mean) @ self.encoder.T
        return Posterior(mu, self.logvar.expand_as(mu))

    def decode(self, z: Tensor) -> Tensor:
        """x_mean = E[x | z], (batch, p). z: (batch, latent_dim)."""
        check_batch("z", z, self.weight.shape[1])
        return z.double() @ self.weight.T + self.mean

    def expected_terms(self, cov: Tensor) -> tuple[Tensor, Tensor]:
        """Mean nll, a number, and mean KL of each latent, (latent_dim,), in nats, over all images and posterior draws.

        cov: (p, p), the images' covariance about `mean`, all that the loss of a linear model asks of them:
        E|x - x_mean|^2 = tr((I - W V) cov (I - W V)^T) + sum_j exp(logvar_j) |w_j|^2.
        """
        residual = torch.eye(len(cov), dtype=cov.dtype) - self.weight @ self.encoder
        variance = self.logvar.exp()
        error = (residual @ cov * residual).sum() + (variance * (self.weight**2).sum(dim=0)).sum()
        nll = 0.5 * error / self.sigma2 + 0.5 * len(cov) * math.log(2 * math.pi * self.sigma2)
        second_moment = (self.encoder @ cov * self.encoder).sum(dim=1)
        return nll, 0.5 * (second_moment + variance - 1 - self.logvar)


def fit_linear_vae(model: LinearVAE, cov: Tensor, *, beta: float = 1.0, n_iterations: int = 2000) -> None:
    """Minimises nll + beta KL over the weights of `model`, in place, by L-BFGS. cov: (p, p), as in expected_terms.

    Raises FloatingPointError if the loss stops being finite. Chapter 10.
    """
    check_positive("beta", beta)
    cov = as_covariance("cov", cov)
    optimizer = torch.optim.LBFGS(
        model.parameters(),
        max_iter=n_iterations,
        history_size=20,
        tolerance_grad=1e-10,
        tolerance_change=1e-14,
        line_search_fn="strong_wolfe",
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        nll, kl = model.expected_terms(cov)
        value = nll + beta * kl.sum()
        value.backward()
        return value

    with torch.enable_grad():
        last = optimizer.step(loss)
    if not math.isfinite(float(last.detach())):
        raise FloatingPointError("the loss is no longer finite; start from another generator")
