"""A Gaussian by its mean and Cholesky factor: a prior, or the reference that a proposal keeps."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vae_course.latent.checks import as_gaussian, check_finite, cholesky


@dataclass(frozen=True, eq=False)
class Normal:
    """N(mean, L L^T), the same for all chains or one for each.

    mean: (d,) or (chains, d). cholesky: L, (d, d) or (chains, d, d), lower triangular with a positive diagonal.
    Checked once, when it is made: a covariance given for its factor would sample the wrong thing in silence.
    """

    mean: Tensor
    cholesky: Tensor

    def __post_init__(self) -> None:
        check_finite("mean", self.mean)
        check_finite("cholesky", self.cholesky)
        d = self.mean.shape[-1] if self.mean.ndim else 0
        if self.mean.ndim not in (1, 2) or d == 0 or self.cholesky.shape != (*self.mean.shape, d):
            raise ValueError(
                "mean and cholesky must have shapes (d,) and (d, d), or (chains, d) and (chains, d, d), "
                f"got {tuple(self.mean.shape)} and {tuple(self.cholesky.shape)}"
            )
        lower = bool((self.cholesky.triu(1) == 0).all())
        if not (lower and bool((self.cholesky.diagonal(dim1=-2, dim2=-1) > 0).all())):
            raise ValueError(
                "cholesky must be lower triangular with a positive diagonal; "
                "for a covariance C take Normal.from_cov(mean, C)"
            )

    @classmethod
    def from_cov(cls, mean: Tensor, cov: Tensor) -> Normal:
        """N(mean, cov), of mean's type. Raises ValueError unless cov is symmetric and positive definite."""
        mean64, cov64 = as_gaussian(mean, cov)
        return cls(mean64.to(mean.dtype), cholesky("cov", cov64).to(mean.dtype))

    def scale(self, eps: Tensor) -> Tensor:
        """L eps of each chain, (chains, d): noise of covariance L L^T from eps of covariance I."""
        factor = self._factor(eps)
        if factor.ndim == 2:
            return eps @ factor.T
        return (factor @ eps[..., None]).squeeze(-1)

    def scale_transposed(self, gradient: Tensor) -> Tensor:
        """L^T g of each chain, (chains, d): the gradient by w, from that by z = mean + L w."""
        factor = self._factor(gradient)
        if factor.ndim == 2:
            return gradient @ factor
        return (gradient[:, None, :] @ factor).squeeze(1)

    def log_density(self, z: Tensor) -> Tensor:
        """log N(z; mean, L L^T) of each chain up to the constant, (chains,): -|L^-1 (z - mean)|^2 / 2."""
        factor, centred = self._factor(z), self.centre(z)
        if factor.ndim == 2:
            white = torch.linalg.solve_triangular(factor, centred.T, upper=False)  # (d, chains)
            half: Tensor = 0.5 * (white**2).sum(dim=0)
        else:
            white = torch.linalg.solve_triangular(factor, centred[..., None], upper=False)  # (chains, d, 1)
            half = 0.5 * (white**2).sum(dim=(1, 2))
        return -half

    def centre(self, z: Tensor) -> Tensor:
        """z - mean, (chains, d)."""
        self._check(z)
        return z - self.mean.to(z.dtype)

    def _factor(self, z: Tensor) -> Tensor:
        self._check(z)
        return self.cholesky.to(z.dtype)

    def _check(self, z: Tensor) -> None:
        if z.shape[-1] != self.mean.shape[-1] or (self.mean.ndim == 2 and z.shape != self.mean.shape):
            raise ValueError(
                f"the Gaussian's mean has shape {tuple(self.mean.shape)} and z {tuple(z.shape)}; "
                "they need the same d, and one mean for all chains or one for each"
            )


def log_prior(z: Tensor, prior: Normal | None) -> Tensor:
    """The prior's log-density up to its constant, (chains,). None stands for N(0, I). z: (chains, d)."""
    return -0.5 * (z**2).sum(dim=1) if prior is None else prior.log_density(z)


def log_prior_over(z: Tensor, prior: Normal | None, reference: Normal | None) -> Tensor | float:
    """log of prior over reference, up to a constant, (chains,); 0 where no reference is given: it is the prior."""
    return 0.0 if reference is None else log_prior(z, prior) - reference.log_density(z)


def rotate(z: Tensor, eps: Tensor, cos: Tensor | float, sin: Tensor | float, normal: Normal | None) -> Tensor:
    """m + cos (z - m) + sin L eps, (chains, d): for cos^2 + sin^2 = 1 a draw that keeps N(m, L L^T).

    None stands for N(0, I). cos, sin: numbers, or (chains, 1).
    """
    if normal is None:
        return cos * z + sin * eps
    return normal.mean.to(z.dtype) + cos * normal.centre(z) + sin * normal.scale(eps)
