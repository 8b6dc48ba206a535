"""Log-likelihoods to sample with: functions z (chains, d) -> (chains,) in nats, up to a constant free of z."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from vae_course.latent.checks import cholesky
from vae_course.models import Autoencoder
from vae_course.objectives import bernoulli_nll, gaussian_nll
from vae_course.sampling.kernels import LogLikelihood
from vae_course.sampling.normal import Normal
from vae_course.types import check_positive


def one_image(model: Autoencoder, x: Tensor) -> LogLikelihood:
    """log p(x | z) of one image, the same for all chains, or of an image for each chain.

    x: (input_dim,), or (chains, input_dim) whose row i belongs to chain i; floats in [0, 1].
    """
    return _weighted(model, x, torch.ones(x.shape[-1], dtype=torch.bool), weight=1)


def hidden_pixels(model: Autoencoder, x: Tensor, visible: Tensor) -> LogLikelihood:
    """log p(x_visible | z) of an image of which only some pixels are seen: pixels are independent given z.

    x: as in one_image; visible: (input_dim,) bool, False where the pixel is hidden. With none visible it is flat.
    """
    return _weighted(model, x, visible, weight=1)


def many_images(model: Autoencoder, x: Tensor) -> LogLikelihood:
    """log p(x_1, ..., x_n | z) of n images that share one z, up to a constant.

    x: (n, input_dim) floats in [0, 1]. It is n times the log-likelihood of the mean image, since for a Gaussian
    sum_i |x_i - g|^2 = n |mean x - g|^2 + const, and a Bernoulli's is linear in x: the cost does not grow with n. For
    many images make the model double: rounding grows with n too. Chapter 6.
    """
    if x.ndim != 2 or len(x) == 0:
        raise ValueError(f"x must have shape (n, {model.config.input_dim}) with n > 0, got {tuple(x.shape)}")
    mean_image = x.double().mean(dim=0)
    return _weighted(model, mean_image, torch.ones(x.shape[-1], dtype=torch.bool), weight=len(x))


def tempered(log_likelihood: LogLikelihood, *, temperature: float) -> LogLikelihood:
    """The likelihood to the power 1 / temperature: above 1 flatter, at infinity the prior alone, below 1 sharper."""
    check_positive("temperature", temperature)
    return lambda z: log_likelihood(z) / temperature


def _weighted(model: Autoencoder, x: Tensor, visible: Tensor, *, weight: int) -> LogLikelihood:
    """weight times the log-likelihood of the visible pixels of x."""
    pixels, dtype = model.config.input_dim, model.output.weight.dtype
    if x.ndim not in (1, 2) or x.shape[-1] != pixels or not x.is_floating_point():
        raise ValueError(
            f"x must hold floats in [0, 1] of shape ({pixels},) or (chains, {pixels}), got {x.dtype} "
            f"{tuple(x.shape)}; images go through to_unit(images)"
        )
    if visible.shape != (pixels,) or visible.dtype != torch.bool:
        raise ValueError(f"visible must be bool of shape ({pixels},), got {visible.dtype} {tuple(visible.shape)}")
    everything = bool(visible.all())
    seen = x.to(dtype) if everything else x.to(dtype)[..., visible]

    def log_likelihood(z: Tensor) -> Tensor:
        logits = model.decode_logits(z.to(dtype))
        logits = logits if everything else logits[:, visible]
        # An image of many rows must match the chains; expand refuses any other number than theirs.
        rows = seen.expand(logits.shape)
        if model.config.likelihood == "bernoulli":
            nll = bernoulli_nll(rows, logits)
        else:
            nll = gaussian_nll(rows, logits.sigmoid(), sigma=model.config.sigma)
        return -weight * nll

    return log_likelihood


class LinearGaussian(NamedTuple):
    """The case that is solved exactly: x = weight z + bias + sigma e, e ~ N(0, I), prior N(m, C).

    x: (p,), or (chains, p) with a row for each chain; weight: (p, d); bias: (p,); prior None: N(0, I).
    An object of this class is itself a log-likelihood: call it with z (chains, d).
    """

    x: Tensor
    weight: Tensor
    bias: Tensor
    sigma: float
    prior: Normal | None = None

    def __call__(self, z: Tensor) -> Tensor:
        """log p(x | z) up to a constant, (chains,). z: (chains, d)."""
        residual = self.x - self.bias - z @ self.weight.T
        return -0.5 * (residual**2).sum(dim=1) / self.sigma**2

    def posterior(self) -> tuple[Tensor, Tensor]:
        """Mean, (d,) or (chains, d), and covariance, (d, d), of p(z | x), in float64.

        precision = C^-1 + W^T W / sigma^2, mean = cov (C^-1 m + W^T (x - b) / sigma^2).
        Bishop (2006), section 2.3.3.
        """
        weight, d = self.weight.double(), self.weight.shape[1]
        precision, shift = torch.eye(d, dtype=torch.float64), torch.zeros(d, dtype=torch.float64)
        if self.prior is not None:
            precision = torch.cholesky_inverse(self.prior.cholesky.double())
            shift = precision @ self.prior.mean.double()
        precision = precision + weight.T @ weight / self.sigma**2
        cov = torch.cholesky_inverse(cholesky("the posterior's precision", precision))
        return (shift + (self.x.double() - self.bias.double()) @ weight / self.sigma**2) @ cov, cov
