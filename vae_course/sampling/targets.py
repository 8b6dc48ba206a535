"""Log-likelihoods to sample with: functions z (chains, d) -> (chains,) in nats, up to a constant free of z."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from vae_course.checks import check_positive
from vae_course.latent.checks import check_finite, cholesky
from vae_course.models import Autoencoder
from vae_course.models.layers import check_batch
from vae_course.objectives import bernoulli_nll, gaussian_nll
from vae_course.sampling.kernels import LogLikelihood
from vae_course.sampling.normal import Normal

_BLOCK = 128  # chains whose pixels are held at a time: they stay in the processor's cache
_FEW = 10_000  # numbers whose logarithms take less time than saving them


def one_image(model: Autoencoder, x: Tensor) -> LogLikelihood:
    """log p(x | z) of one image, the same for all chains, or of an image for each chain.

    x: (input_dim,), or (chains, input_dim) whose row i belongs to chain i; floats in [0, 1].
    """
    return _weighted(model, x, None, weight=1)


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
    if x.ndim != 2 or len(x) == 0 or not x.is_floating_point():
        raise ValueError(
            f"x must hold floats in [0, 1] of shape (n, {model.config.input_dim}) with n > 0, got {x.dtype} "
            f"{tuple(x.shape)}; images go through to_unit(images)"
        )
    mean_image = x.double().mean(dim=0)
    return _weighted(model, mean_image, None, weight=len(x))


def tempered(log_likelihood: LogLikelihood, *, temperature: float) -> LogLikelihood:
    """The likelihood to the power 1 / temperature: above 1 flatter, at infinity the prior alone, below 1 sharper."""
    check_positive("temperature", temperature)
    return lambda z: log_likelihood(z) / temperature


def _weighted(model: Autoencoder, x: Tensor, visible: Tensor | None, *, weight: int) -> LogLikelihood:
    """weight times the log-likelihood of the visible pixels of x, of all if None."""
    pixels, dtype = model.config.input_dim, model.output.weight.dtype
    if x.ndim not in (1, 2) or x.shape[-1] != pixels or not x.is_floating_point():
        raise ValueError(
            f"x must hold floats in [0, 1] of shape ({pixels},) or (chains, {pixels}), got {x.dtype} "
            f"{tuple(x.shape)}; images go through to_unit(images)"
        )
    check_finite("x", x)
    visible = torch.ones(pixels, dtype=torch.bool) if visible is None else visible
    if visible.shape != (pixels,) or visible.dtype != torch.bool:
        raise ValueError(f"visible must be bool of shape ({pixels},), got {visible.dtype} {tuple(visible.shape)}")
    everything = bool(visible.all())  # else the hidden pixels are not decoded at all
    seen = x.to(dtype) if everything else x.to(dtype)[..., visible]
    of_pixels, sigma = _OF_PIXELS[model.config.likelihood], model.sigma
    if isinstance(model.output, nn.Linear):
        output, bias = (p if everything else p[visible] for p in (model.output.weight, model.output.bias))

        def logits(z: Tensor) -> Tensor:
            return linear(model.decoder_body(z), output, bias)
    else:  # a convolution gives all pixels or none

        def logits(z: Tensor) -> Tensor:
            return model.decode_logits(z)[:, visible]

    def of_block(z: Tensor, x: Tensor) -> Tensor:
        return of_pixels(x, logits(z), sigma)

    def log_likelihood(z: Tensor) -> Tensor:
        check_batch("z", z, model.config.latent_dim)
        if seen.ndim == 2 and len(seen) != len(z):
            raise ValueError(f"x holds {len(seen)} images, one for each chain, but there are {len(z)} chains")
        z = z.to(dtype)
        if len(z) <= _BLOCK:
            return weight * of_block(z, seen)
        images = itertools.repeat(seen) if seen.ndim == 1 else seen.split(_BLOCK)
        return weight * torch.cat([of_block(*block) for block in zip(z.split(_BLOCK), images, strict=False)])

    return log_likelihood


def _bernoulli(x: Tensor, logits: Tensor, sigma: float) -> Tensor:
    """-bernoulli_nll, (n,), in a third of the time. x: (pixels,) or (n, pixels); logits: (n, pixels)."""
    if logits.requires_grad:
        return -bernoulli_nll(x.expand(logits.shape), logits)
    of_image = logits @ x if x.ndim == 1 else (x * logits).sum(dim=1)
    # softplus(l) = max(l, 0) - log sigmoid(|l|)
    return of_image - logits.clamp_min(0).sum(dim=1) + _sum_of_logs(logits.abs().sigmoid_())


def _gaussian(x: Tensor, logits: Tensor, sigma: float) -> Tensor:
    """-gaussian_nll, (n,). x: (pixels,) or (n, pixels); logits: (n, pixels)."""
    return -gaussian_nll(x.expand(logits.shape), logits.sigmoid(), sigma=sigma)


_OF_PIXELS = {"bernoulli": _bernoulli, "gaussian": _gaussian}


def _sum_of_logs(p: Tensor) -> Tensor:
    """Sum of log p over the columns, (n,), p in [1/2, 1]: the logarithm of products, since logarithms are slow.

    A product of 2^6 factors is at least 2^-64, far from rounding to 0.
    """
    for _ in range(6):
        if p.numel() < _FEW:
            break
        half = p.shape[1] // 2
        folded = p[:, :half] * p[:, half : 2 * half]
        if p.shape[1] % 2:
            folded[:, 0] *= p[:, -1]
        p = folded
    return p.log_().sum(dim=1)


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
        self._check()
        check_batch("z", z, self.weight.shape[1])
        residual = self.x - self.bias - z @ self.weight.T
        return -0.5 * (residual**2).sum(dim=1) / self.sigma**2

    def posterior(self) -> tuple[Tensor, Tensor]:
        """Mean, (d,) or (chains, d), and covariance, (d, d), of p(z | x), in float64.

        precision = C^-1 + W^T W / sigma^2, mean = cov (C^-1 m + W^T (x - b) / sigma^2).
        Bishop (2006), section 2.3.3.
        """
        self._check()
        weight, d = self.weight.double(), self.weight.shape[1]
        precision, shift = torch.eye(d, dtype=torch.float64), torch.zeros(d, dtype=torch.float64)
        if self.prior is not None:
            precision = torch.cholesky_inverse(self.prior.cholesky.double())
            shift = precision @ self.prior.mean.double()
        precision = precision + weight.T @ weight / self.sigma**2
        cov = torch.cholesky_inverse(cholesky("the posterior's precision", precision))
        return (shift + (self.x.double() - self.bias.double()) @ weight / self.sigma**2) @ cov, cov

    def _check(self) -> None:
        check_positive("sigma", self.sigma)
        if self.weight.ndim != 2 or self.weight.numel() == 0:
            raise ValueError(f"weight must have shape (p, d), got {tuple(self.weight.shape)}")
        p = len(self.weight)
        if self.x.ndim not in (1, 2) or self.x.shape[-1] != p or self.bias.shape != (p,):
            raise ValueError(
                f"x must have shape ({p},) or (chains, {p}), and bias ({p},), to fit weight "
                f"{tuple(self.weight.shape)}, got {tuple(self.x.shape)} and {tuple(self.bias.shape)}"
            )
