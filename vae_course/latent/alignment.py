"""Two latent spaces of the same images: what is left when one is turned, or its latents renamed, to fit the other."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from vae_course.latent.checks import check_points


class Alignment(NamedTuple):
    """The rotation (or reflection) that brings the codes a closest to the codes b.

    rotation: (d, d), orthogonal. aligned: (n, d), a turned about its mean and moved to b's. r_squared: the share of b's
    variance about its mean that aligned explains: 1 where they agree, below 0 where no fit would be better.
    """

    rotation: Tensor
    aligned: Tensor
    r_squared: float


class Matching(NamedTuple):
    """Which latent of a goes with which of b.

    latent: (d,), the latent of a that goes with each of b. sign: (d,), -1 where it is turned over. correlation: (d,),
    that of each pair, without its sign.
    """

    latent: Tensor
    sign: Tensor
    correlation: Tensor


def align(a: Tensor, b: Tensor) -> Alignment:
    """The orthogonal Procrustes problem: R minimises the sum of |(a - mean a) R - (b - mean b)|^2 over R R^T = I.

    a, b: (n, d), codes of the same n images. Lengths are not changed, since the prior fixes the scale of a latent
    space but not its direction. R = U V^T from the singular value decomposition of (a - mean a)^T (b - mean b):
    Schönemann (1966). float64 inside, the results of b's type. Chapter 8.
    """
    _check_pair(a, b, same_width=True)
    centred_a, centred_b = _centre(a), _centre(b)
    u, _, vt = torch.linalg.svd(centred_a.T @ centred_b)
    rotation = u @ vt
    turned = centred_a @ rotation
    spread = float((centred_b**2).sum())
    if spread == 0:
        raise ValueError("b holds one and the same code n times, so no direction fits it better than another")
    r_squared = 1 - float(((turned - centred_b) ** 2).sum()) / spread
    return Alignment(rotation.to(b.dtype), (turned + b.double().mean(dim=0)).to(b.dtype), r_squared)


def match_latents(a: Tensor, b: Tensor) -> Matching:
    """The one-to-one pairing of latents whose correlations, whatever their signs, are largest in sum.

    a, b: (n, d), codes of the same n images. Raises ValueError if a latent is constant. Solved exactly, as an
    assignment problem. Chapter 8.
    """
    from scipy.optimize import linear_sum_assignment

    _check_pair(a, b, same_width=True)
    unit_a, unit_b = (_unit_columns(name, values) for name, values in (("a", a), ("b", b)))
    correlation = unit_a.T @ unit_b  # (latents of a, latents of b)
    of_a, of_b = linear_sum_assignment(correlation.abs().numpy(), maximize=True)
    latent = torch.empty(b.shape[1], dtype=torch.int64)
    latent[torch.as_tensor(of_b)] = torch.as_tensor(of_a)
    paired = correlation[latent, torch.arange(b.shape[1])]
    return Matching(latent, paired.sign(), paired.abs())


def linear_cka(a: Tensor, b: Tensor) -> float:
    """Linear centred kernel alignment, between 0 and 1: |B^T A|_F^2 / (|A^T A|_F |B^T B|_F) of the centred codes.

    a: (n, d), b: (n, e), codes of the same n images; the widths may differ. It is 1 if b is a turned, moved and evenly
    scaled a, and changes where one direction is stretched. Kornblith et al. (2019). Chapter 8.
    """
    _check_pair(a, b, same_width=False)
    centred_a, centred_b = _centre(a), _centre(b)
    within = torch.linalg.matrix_norm(centred_a.T @ centred_a) * torch.linalg.matrix_norm(centred_b.T @ centred_b)
    if float(within) == 0:
        raise ValueError("a or b holds one and the same code n times, so there is nothing to compare")
    return float(torch.linalg.matrix_norm(centred_b.T @ centred_a) ** 2 / within)


def _check_pair(a: Tensor, b: Tensor, *, same_width: bool) -> None:
    check_points("a", a)
    check_points("b", b)
    if len(a) != len(b) or (same_width and a.shape != b.shape):
        wanted = "the same shape (n, d)" if same_width else "the same number of rows"
        raise ValueError(
            f"a and b must have {wanted}, row i of both from the same image, got {tuple(a.shape)} and {tuple(b.shape)}"
        )


def _centre(values: Tensor) -> Tensor:
    wide = values.double()
    return wide - wide.mean(dim=0)


def _unit_columns(name: str, values: Tensor) -> Tensor:
    """Centred columns of length 1."""
    centred = _centre(values)
    lengths = torch.linalg.vector_norm(centred, dim=0)
    constant = (lengths == 0).nonzero().flatten().tolist()
    if constant:
        raise ValueError(
            f"latent {constant[0]} (from 0) of {name} is the same for all images, so it correlates with nothing; "
            "leave it out"
        )
    unit: Tensor = centred / lengths
    return unit
