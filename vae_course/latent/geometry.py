"""Size and directions of a covariance, and walks along one latent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from vae_course.checks import check_whole
from vae_course.latent.checks import as_covariance, check_finite, eigenvalues


class PrincipalAxes(NamedTuple):
    """The axes of a covariance's ellipsoid, the longest first. float64.

    std: (..., d), the standard deviation along each. axis: (..., d, d), a unit vector in each row, whose largest
    entry is positive.
    """

    std: Tensor
    axis: Tensor


def log_volume(cov: Tensor) -> Tensor:
    """log of the volume of the one-standard-deviation ellipsoid, up to the unit ball's: 1/2 log det cov, (...) float64.

    cov: (..., d, d). -inf if it is flat in some direction. A sum of logarithms: no determinant underflows.
    """
    return 0.5 * eigenvalues("cov", torch.linalg.eigvalsh(as_covariance("cov", cov))).log().sum(dim=-1)


def principal_axes(cov: Tensor) -> PrincipalAxes:
    """The directions in which a Gaussian of covariance `cov`, (..., d, d), spreads, by falling standard deviation."""
    values, vectors = torch.linalg.eigh(as_covariance("cov", cov))
    axis = vectors.mT.flip(-2)  # eigh gives columns, the smallest first
    # Eigenvectors have no sign of their own; without a rule, two machines draw two pictures.
    largest = axis.gather(-1, axis.abs().argmax(dim=-1, keepdim=True))
    return PrincipalAxes(eigenvalues("cov", values).flip(-1).sqrt(), axis * largest.sign())


def traverse(z: Tensor, dim: int, values: Tensor | Sequence[float]) -> Tensor:
    """Copies of the point z, (d,), in which latent `dim` takes each of `values`; (len(values), d), of z's type."""
    if z.ndim != 1:
        raise ValueError(f"z must be one point, shape (d,), got {tuple(z.shape)}; pass z[0], say")
    check_finite("z", z)
    check_whole("dim", dim)
    if not 0 <= dim < len(z):
        raise ValueError(f"dim must lie between 0 and {len(z) - 1}, got {dim}")
    steps = torch.as_tensor(values, dtype=z.dtype)
    if steps.ndim != 1:
        raise ValueError(f"values must be a row of numbers, got shape {tuple(steps.shape)}")
    check_finite("values", steps)
    path = z.repeat(len(steps), 1)
    path[:, dim] = steps
    return path
