"""The exact posterior of two latents, on cells that are halved where the mass is: what chains are judged by."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from vae_course.checks import check_count, check_positive
from vae_course.sampling.kernels import LogLikelihood

_FIRST = 0.5  # width of the first cells
_DROP = 14.0  # nats below the highest value, beyond which cells are left out
_LEVELS = 24  # halvings: cells of 1.5e-8, where float64 begins to fail
_BLOCK = 4_000  # points evaluated at a time
_CORNERS = torch.tensor([[-1, -1], [-1, 1], [1, -1], [1, 1]], dtype=torch.float64)


class GridPosterior(NamedTuple):
    """p(z | x) as the masses of small cells of equal size, all float64.

    z: (m, 2), the cells' centres. mass: (m,), their probabilities, which sum to 1. log_evidence: log p(x) in nats, up
    to the constant that the log-likelihood leaves out. width: the length of a cell's side.
    """

    z: Tensor
    mass: Tensor
    log_evidence: float
    width: float

    def mean(self) -> Tensor:
        """The posterior's mean, (2,)."""
        return self.mass @ self.z

    def cov(self) -> Tensor:
        """The posterior's covariance, (2, 2)."""
        centred = self.z - self.mean()
        return (self.mass[:, None] * centred).T @ centred

    def std(self) -> Tensor:
        """The posterior's standard deviation along both axes, (2,)."""
        return self.cov().diag().sqrt()

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """n independent draws, (n, 2): a cell, then a place in it."""
        check_count("n", n)
        cell = torch.multinomial(self.mass, n, replacement=True, generator=generator)
        place = torch.rand(n, 2, generator=generator, dtype=torch.float64) - 0.5
        return self.z[cell] + self.width * place


def grid_posterior(log_likelihood: LogLikelihood, *, limit: float = 6.0, accuracy: float = 0.7) -> GridPosterior:
    """The posterior of z in two dimensions under the prior N(0, I), by the midpoint rule on [-limit, limit]^2.

    log_likelihood: z (n, 2) -> (n,), in nats, as in sampling.targets. Cells with sides of a half are halved along
    both axes until the log-density changes within four neighbours by less than `accuracy` nats on average over the
    posterior. On the way cells are left out that lie 14 nats below the highest, with the change seen around them
    allowed for. So a posterior thousands of times narrower than the prior, or with several modes, is found as well; a
    mode much narrower than a half that does not show around it would be missed. Raises ValueError if the
    log-likelihood is NaN or +inf somewhere, or nowhere above -inf. Chapter 6.
    """
    check_positive("accuracy", accuracy)
    if not _FIRST <= limit < math.inf:
        raise ValueError(f"limit must be a number from {_FIRST} up, the width of the first cells, got {limit}")
    width = _FIRST
    side = torch.arange(-limit + width, limit, 2 * width, dtype=torch.float64)
    blocks = torch.cartesian_prod(side, side)  # each of four cells
    for _ in range(_LEVELS):
        z = blocks[:, None] + width / 2 * _CORNERS  # (blocks, 4, 2)
        value = _log_density(log_likelihood, z.flatten(0, 1)).view(-1, 4)
        top = value.max(dim=1).values
        change = top - value.min(dim=1).values
        mass = value.flatten().softmax(dim=0)
        if float(mass.view(-1, 4).sum(dim=1) @ change.nan_to_num(posinf=_DROP)) < accuracy:
            break
        blocks = z[top + 2 * change > value.max() - _DROP].flatten(0, 1)
        width /= 2
    log_evidence = float(value.flatten().logsumexp(dim=0)) + 2 * math.log(width) - math.log(2 * math.pi)
    return GridPosterior(z.flatten(0, 1), mass, log_evidence, width)


def _log_density(log_likelihood: LogLikelihood, z: Tensor) -> Tensor:
    """log p(x | z) p(z) up to the prior's constant, (n,) float64."""
    with torch.no_grad():
        parts = [log_likelihood(block).double() for block in z.split(_BLOCK)]
    if any(part.ndim != 1 for part in parts) or sum(len(part) for part in parts) != len(z):
        raise ValueError(
            f"log_likelihood must give one number for each of {len(z)} points, (n,), got {tuple(parts[0].shape)}; "
            "sum over the pixels, not over the points"
        )
    value = torch.cat(parts)
    if value.isnan().any() or value.max() == math.inf or value.max() == -math.inf:
        raise ValueError(
            "the log-likelihood must be a number or -inf everywhere on the square, and a number somewhere, "
            f"got values from {float(value.min())} to {float(value.max())}; look at what the decoder gives there"
        )
    return value - 0.5 * (z**2).sum(dim=1)
