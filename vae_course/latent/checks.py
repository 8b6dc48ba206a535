"""What the functions of this folder ask of their input, in one wording."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_course.checks import check_count

_SYMMETRIC = 1e-5  # relative; a covariance summed in float32 is off by less
_NEGATIVE = 1e-6  # relative; rounding leaves the eigenvalues of a singular covariance a little below 0


def check_points(name: str, values: Tensor, width: int | None = None) -> None:
    """Raises unless `values` is floating point, finite, of shape (n, width) with n > 0."""
    wanted = f"(n, {'d' if width is None else width})"
    if values.ndim != 2 or len(values) == 0 or values.shape[1] == 0 or width not in (None, values.shape[1]):
        raise ValueError(
            f"{name} must have shape {wanted} with n > 0, got {tuple(values.shape)}; for one point pass {name}[None, :]"
        )
    check_finite(name, values)


def check_finite(name: str, values: Tensor) -> None:
    """Raises TypeError unless floating point, ValueError on NaN or an infinity."""
    if not values.is_floating_point():
        raise TypeError(f"{name} must be floating point, got {values.dtype}; convert it with {name}.float()")
    if values.numel() == 0:
        return
    low, high = (float(value) for value in values.detach().aminmax())  # NaN passes through
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"{name} holds NaN or an infinity; look where it comes from before going on")


def check_posterior(mu: Tensor, logvar: Tensor, *, points: bool = False) -> None:
    """Raises unless mu and logvar are finite and both (n, d), n > 0.

    points: whether a logvar of -inf is let through, the code of an autoencoder, a point without spread.
    """
    check_same_shape(mu, logvar)
    check_points("mu", mu)
    if points:
        if not (logvar.is_floating_point() and float(logvar.detach().max()) < math.inf):  # NaN is not below infinity
            raise ValueError("logvar holds NaN or +inf, or no floats; log-variances are finite, or -inf for a point")
    else:
        if float(logvar.detach().min()) == -math.inf:
            raise ValueError("logvar holds -inf: points of an autoencoder have no density; take the codes of a VAE")
        check_finite("logvar", logvar)


def check_same_shape(mu: Tensor, logvar: Tensor) -> None:
    """Raises unless mu and logvar are both (n, d) with n > 0."""
    if mu.ndim != 2 or mu.shape != logvar.shape or mu.numel() == 0:
        raise ValueError(
            f"mu and logvar must have the same shape (n, d) with n > 0, got {tuple(mu.shape)} "
            f"and {tuple(logvar.shape)}; for one image pass mu[None, :] and logvar[None, :]"
        )


def check_labels(labels: Tensor, n: int, n_classes: int) -> None:
    """Raises unless labels are n whole numbers from 0 to n_classes - 1."""
    check_count("n_classes", n_classes)
    if labels.shape != (n,):
        raise ValueError(f"labels must have shape ({n},), one for each image, got {tuple(labels.shape)}")
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise TypeError(f"labels must be whole numbers, got {labels.dtype}; convert them with labels.long()")
    low, high = (int(value) for value in labels.aminmax())
    if low < 0 or high >= n_classes:
        raise ValueError(
            f"labels must lie between 0 and {n_classes - 1}, got {low} to {high}; set n_classes={high + 1} if all count"
        )


def check_no_empty_class(count: Tensor) -> None:
    """Raises ValueError that names the classes without an image. count: (c,)."""
    empty = [c for c, n in enumerate(count.tolist()) if n == 0]
    if empty:
        raise ValueError(
            f"no image has the label {', '.join(map(str, empty))}, so there is no Gaussian to fit; "
            "pass images of every class, or number the classes that occur from 0 and set n_classes"
        )


def as_covariance(name: str, cov: Tensor) -> Tensor:
    """`cov`, (..., d, d), in float64 and exactly symmetric. Raises if it is not finite and symmetric to rounding."""
    if cov.ndim < 2 or cov.shape[-1] != cov.shape[-2] or cov.numel() == 0:
        raise ValueError(f"{name} must have shape (..., d, d), got {tuple(cov.shape)}; for variances pass var.diag()")
    check_finite(name, cov)
    cov = cov.double()
    if torch.equal(cov, cov.mT):
        return cov
    gap = (cov - cov.mT).abs().amax(dim=(-2, -1))
    if bool((gap > _SYMMETRIC * cov.abs().amax(dim=(-2, -1))).any()):
        raise ValueError(f"{name} must be symmetric, but differs from its transpose by up to {float(gap.max()):.3g}")
    return (cov + cov.mT) / 2


def as_gaussian(mean: Tensor, cov: Tensor, suffix: str = "") -> tuple[Tensor, Tensor]:
    """mean (..., d) and cov (..., d, d) in float64. Raises if they don't fit each other. suffix ends their names."""
    cov = as_covariance(f"cov{suffix}", cov)
    if mean.ndim < 1 or mean.shape[-1] != cov.shape[-1]:
        raise ValueError(
            f"mean{suffix} must have shape (..., {cov.shape[-1]}) to fit cov{suffix} {tuple(cov.shape)}, "
            f"got {tuple(mean.shape)}"
        )
    check_finite(f"mean{suffix}", mean)
    return mean.double(), cov


def cholesky(name: str, cov: Tensor) -> Tensor:
    """L with L L^T = cov, (..., d, d). Raises ValueError unless cov is positive definite."""
    factor, info = torch.linalg.cholesky_ex(cov)
    if bool((info > 0).any()):
        raise ValueError(
            f"{name} is not positive definite: it is flat in some direction, so there is no density; "
            f"add a little variance, {name} + 1e-6 * torch.eye({cov.shape[-1]}), or leave that direction out"
        )
    lower: Tensor = factor
    return lower


def log_det(factor: Tensor) -> Tensor:
    """log det(L L^T) of Cholesky factors, (...): a sum of logarithms, which no small determinant underflows."""
    return 2 * factor.diagonal(dim1=-2, dim2=-1).log().sum(dim=-1)


def eigenvalues(name: str, values: Tensor) -> Tensor:
    """A covariance's eigenvalues, (..., d) ascending, with what rounding pushed below 0 set to 0.

    Raises ValueError if one is further below.
    """
    if bool((values[..., 0] < -_NEGATIVE * values[..., -1].clamp_min(0)).any()):
        raise ValueError(f"{name} has the negative eigenvalue {float(values.min()):.3g}, so it is no covariance")
    return values.clamp_min(0)


def check_tree(tree: NDArray[np.float64]) -> None:
    """Raises ValueError unless `tree` is a linkage matrix: finite, (c - 1, 4), each join of groups made before it."""
    from scipy.cluster.hierarchy import is_valid_linkage

    values = np.asarray(tree, dtype=np.float64)
    if values.ndim != 2 or not np.isfinite(values).all() or not is_valid_linkage(values):
        raise ValueError(
            "tree must be a linkage matrix, (c - 1, 4) and finite, as latent.hierarchy returns, "
            f"got an array of shape {values.shape}"
        )
