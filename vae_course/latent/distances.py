"""Distances between Gaussians, and the tree they give."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_course.checks import check_choice
from vae_course.latent.checks import as_gaussian, check_finite, cholesky, eigenvalues, log_det
from vae_course.latent.moments import ClassGaussians

Distance = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]

LINKAGES: tuple[str, ...] = ("single", "complete", "average", "weighted", "centroid", "median", "ward")


def wasserstein2(mean1: Tensor, cov1: Tensor, mean2: Tensor, cov2: Tensor) -> Tensor:
    """The 2-Wasserstein distance between N(mean1, cov1) and N(mean2, cov2), (...) float64; not squared.

    mean: (..., d), cov: (..., d, d), which may be singular; leading dimensions are broadcast. W2^2 = |mean1 - mean2|^2
    + tr C1 + tr C2 - 2 tr (C1^1/2 C2 C1^1/2)^1/2, and that last trace is the sum of the singular values of L1^T L2
    for any factors C = L L^T. Between nearly equal Gaussians good to about 1e-7 of their size.
    Gelbrich (1990); Dowson & Landau (1982). Chapter 4.
    """
    return _transport(_factored(mean1, cov1, "1"), _factored(mean2, cov2, "2"))


def bhattacharyya(mean1: Tensor, cov1: Tensor, mean2: Tensor, cov2: Tensor) -> Tensor:
    """The Bhattacharyya distance -log of the integral of sqrt(N1 N2), (...) float64, in nats, >= 0.

    mean: (..., d), cov: (..., d, d), positive definite; leading dimensions are broadcast. No metric: it breaks the
    triangle inequality. Bhattacharyya (1943); chapter 4.
    """
    mean1, cov1 = as_gaussian(mean1, cov1, "1")
    mean2, cov2 = as_gaussian(mean2, cov2, "2")
    factor = cholesky("the mean of cov1 and cov2", (cov1 + cov2) / 2)
    dets = (log_det(cholesky("cov1", cov1)) + log_det(cholesky("cov2", cov2))) / 2
    white = torch.linalg.solve_triangular(factor, (mean1 - mean2)[..., None], upper=False)
    overlap = (white**2).sum(dim=(-2, -1)) / 8 + (log_det(factor) - dets) / 2
    return overlap.clamp_min(0)  # type: ignore[no-any-return]


def pairwise(distance: Distance, gaussians: ClassGaussians) -> Tensor:
    """`distance` between all pairs of classes, (c, c) float64, symmetric, 0 on the diagonal.

    distance: wasserstein2, bhattacharyya or another symmetric function of (mean1, cov1, mean2, cov2) that takes
    batches; each pair is worked out once. Raises ValueError if it is not symmetric, as a KL is not.
    """
    mean, cov = gaussians.mean, gaussians.cov
    if mean.ndim != 2 or cov.shape != (*mean.shape, mean.shape[1]):
        raise ValueError(
            f"gaussians must hold mean (c, d) and cov (c, d, d), got {tuple(mean.shape)} and {tuple(cov.shape)}"
        )
    n_classes = len(mean)
    result = torch.zeros(n_classes, n_classes, dtype=torch.float64)
    if n_classes < 2:
        return result
    i, j = torch.triu_indices(n_classes, n_classes, offset=1)
    if distance is wasserstein2:  # each covariance is checked and factored once, not with each of its partners
        parts = _factored(mean, cov, "")
        one, two = (_Factored(*(part.index_select(0, k) for part in parts)) for k in (i, j))
        found = _transport(one, two)
    else:
        there, back = torch.cat([i, j[:1]]), torch.cat([j, i[:1]])  # and the first pair once more, backwards
        found = distance(mean[there], cov[there], mean[back], cov[back])
        first, again = float(found[0]), float(found[-1])
        if not math.isclose(first, again, rel_tol=1e-6, abs_tol=1e-6):
            raise ValueError(
                f"distance must be symmetric, but is {first:.6g} from class 0 to 1 and {again:.6g} back; "
                "average both directions, or call the function itself on all pairs"
            )
        found = found[:-1]
    result[i, j] = found.double()
    return result + result.T


def hierarchy(distances: Tensor, *, method: str = "average") -> NDArray[np.float64]:
    """The tree that joins the nearest classes first, as SciPy's linkage matrix (c - 1, 4).

    distances: (c, c), symmetric, 0 on the diagonal. method: how far apart two groups are, one of LINKAGES; "ward",
    "centroid" and "median" assume Euclidean distances. Each row: the two groups joined, their distance, the size of
    the new group.
    """
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    check_choice("method", method, LINKAGES)
    if distances.ndim != 2 or distances.shape[0] != distances.shape[1] or len(distances) < 2:
        raise ValueError(f"distances must have shape (c, c) with c > 1, got {tuple(distances.shape)}")
    check_finite("distances", distances)
    distances = distances.double()
    if bool((distances < 0).any()) or not torch.allclose(distances, distances.T) or bool(distances.diagonal().any()):
        raise ValueError("distances must be symmetric, 0 on the diagonal and nowhere negative; pairwise makes such")
    tree: NDArray[np.float64] = linkage(squareform(distances.numpy(), checks=False), method=method)
    return tree


class _Factored(NamedTuple):
    """A Gaussian as wasserstein2 needs it. mean: (..., d). factor: (..., d, d), some L, L L^T = cov. trace: (...)."""

    mean: Tensor
    factor: Tensor
    trace: Tensor


def _factored(mean: Tensor, cov: Tensor, suffix: str) -> _Factored:
    mean, cov = as_gaussian(mean, cov, suffix)
    factor, info = torch.linalg.cholesky_ex(cov)
    if bool((info > 0).any()):  # singular: the eigenvectors give a factor all the same
        values, vectors = torch.linalg.eigh(cov)
        factor = vectors * eigenvalues(f"cov{suffix}", values).sqrt()[..., None, :]
    return _Factored(mean, factor, cov.diagonal(dim1=-2, dim2=-1).sum(dim=-1))


def _transport(one: _Factored, two: _Factored) -> Tensor:
    overlap = torch.linalg.svdvals(one.factor.mT @ two.factor).sum(dim=-1)
    squared = ((one.mean - two.mean) ** 2).sum(dim=-1) + one.trace + two.trace - 2 * overlap
    return squared.clamp_min(0).sqrt()  # type: ignore[no-any-return]
