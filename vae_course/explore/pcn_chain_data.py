"""What the explorer of a Markov chain computes, as its page does: masks, the chain, the grid, the distance (level 5).

The chain takes the page's own generator of random numbers, so that Python and the page walk the same way.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from vae_course.checks import check_choice
from vae_course.explore.latent_map import SIDE
from vae_course.explore.packing import unpack_matrix
from vae_course.explore.posterior_views import box_muller, uniforms
from vae_course.models import VAE
from vae_course.sampling import LogLikelihood

Floats = NDArray[np.float64]

LIMIT = 5.0  # half the width of the square in which the posterior is looked for: the prior's mass outside is 1e-6
COARSE, MEDIUM, FINE = 64, 32, 64  # cells along a side of the three grids
FAR, FAINT = 40.0, 12.0  # nats below the highest density: what the coarse and the medium grid leave out
BINS = 16  # along a side of the fine grid, for the comparison with the chain

_MIDDLE = SIDE // 2
HIDDEN: dict[str, Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]]] = {
    "nothing": lambda row, column: row < 0,
    "left half": lambda row, column: column < _MIDDLE,
    "right half": lambda row, column: column >= _MIDDLE,
    "upper half": lambda row, column: row < _MIDDLE,
    "lower half": lambda row, column: row >= _MIDDLE,
    "everything": lambda row, column: row >= 0,
}


def visible_pixels(hidden: str) -> NDArray[np.bool_]:
    """Which pixels are seen, (784,) bool, when this part of the image is hidden: a key of HIDDEN."""
    check_choice("hidden", hidden, tuple(HIDDEN))
    row, column = np.divmod(np.arange(SIDE * SIDE), SIDE)
    return ~HIDDEN[hidden](row, column)


class Walk(NamedTuple):
    """A chain with its proposals. z, proposal: (n_steps, 2), the start not among them. accepted: (n_steps,) bool."""

    z: Floats
    proposal: Floats
    accepted: NDArray[np.bool_]


def walk(
    log_likelihood: LogLikelihood, start: tuple[float, float], *, sampler: str, step: float, n_steps: int, seed: int
) -> Walk:
    """n_steps of pCN ("pcn") or of random-walk Metropolis ("random_walk") in float64, as the page makes them.

    Each step takes three uniform numbers: two for the proposal, one for the decision. For pictures: `sampling.run`
    is what simulations use.
    """
    shrink, prior_share = {"pcn": (math.sqrt(1 - step**2), 0.0), "random_walk": (1.0, 1.0)}[sampler]
    uniform = uniforms(seed, 3 * n_steps).reshape(n_steps, 3)
    eps = box_muller(uniform[:, 0], uniform[:, 1])
    z, proposals, accepted = np.empty((n_steps, 2)), np.empty((n_steps, 2)), np.empty(n_steps, dtype=bool)
    here = np.array(start, dtype=np.float64)
    log_density = _log_density(log_likelihood, here, prior_share)
    for i in range(n_steps):
        proposals[i] = shrink * here + step * eps[i]
        proposed = _log_density(log_likelihood, proposals[i], prior_share)
        accepted[i] = uniform[i, 2] == 0 or math.log(uniform[i, 2]) < proposed - log_density
        if accepted[i]:
            here, log_density = proposals[i], proposed
        z[i] = here
    return Walk(z, proposals, accepted)


def _log_density(log_likelihood: LogLikelihood, z: Floats, prior_share: float) -> float:
    """What the ratio compares: the likelihood, and the prior too where the proposal does not keep it."""
    return float(log_likelihood(torch.from_numpy(z)[None])) - prior_share * 0.5 * float(z @ z)


class GridPosterior(NamedTuple):
    """p(z | x) on a grid of cells. low, high: (2,), the corners of the window. mass: (64, 64), z1 first; sums to 1."""

    low: Floats
    high: Floats
    mass: Floats

    @property
    def centres(self) -> Floats:
        """The cells' middles, (64, 64, 2)."""
        return _centres(self.low, self.high, len(self.mass))

    @property
    def bins(self) -> Floats:
        """The mass of the (16, 16) bins that the chain is compared in."""
        bins: Floats = self.mass.reshape(BINS, FINE // BINS, BINS, FINE // BINS).sum(axis=(1, 3))
        return bins

    def total_variation(self, z: Floats) -> float:
        """Total variation between the histogram of z, (n, 2), and the posterior, both in bins: 0 to 1.

        Half the sum of |share of z - mass| over the bins and the outside of the window, whose mass counts as 0.
        """
        edges = [np.linspace(low, high, BINS + 1) for low, high in zip(self.low, self.high, strict=True)]
        share = np.histogram2d(z[:, 0], z[:, 1], bins=edges)[0] / len(z)
        return 0.5 * float(np.abs(share - self.bins).sum() + 1 - share.sum())


def grid_posterior(log_likelihood: LogLikelihood) -> GridPosterior:
    """p(z | x) for the prior N(0, I) by brute force: log_likelihood plus log-prior at the middles of cells.

    A coarse grid over the prior's range finds where the mass is, a second one how far it reaches, a fine one measures.
    """
    low, high = np.full(2, -LIMIT), np.full(2, LIMIT)
    for n, depth in ((COARSE, FAR), (MEDIUM, FAINT)):
        low, high = _window(_log_posterior(log_likelihood, low, high, n), low, high, depth)
    value = _log_posterior(log_likelihood, low, high, FINE)
    mass = np.exp(value - value.max())
    return GridPosterior(low, high, mass / mass.sum())


def _centres(low: Floats, high: Floats, n: int) -> Floats:
    share = (np.arange(n) + 0.5) / n
    return np.stack(np.meshgrid(*(low[i] + share * (high[i] - low[i]) for i in (0, 1)), indexing="ij"), axis=-1)


def _log_posterior(log_likelihood: LogLikelihood, low: Floats, high: Floats, n: int) -> Floats:
    """At the middles of n x n cells, (n, n), up to a constant."""
    z = torch.from_numpy(_centres(low, high, n).reshape(-1, 2))
    value = torch.cat([log_likelihood(block) - 0.5 * (block**2).sum(dim=1) for block in z.split(1024)])
    values: Floats = value.numpy().reshape(n, n)
    return values


def _window(value: Floats, low: Floats, high: Floats, depth: float) -> tuple[Floats, Floats]:
    """The box around the cells at most `depth` nats below the highest, one cell wider on each side."""
    n, kept = len(value), np.argwhere(value >= value.max() - depth)
    cell = (high - low) / n
    return low + np.maximum(kept.min(axis=0) - 1, 0) * cell, low + np.minimum(kept.max(axis=0) + 2, n) * cell


def as_packed(model: VAE, layers: list[dict[str, Any]]) -> VAE:
    """The model in float64 with the decoder's weights as the page has them."""
    exact = copy.deepcopy(model).cpu().double()
    linear = [m for part in (exact.decoder_body, exact.output) for m in part.modules() if isinstance(m, nn.Linear)]
    with torch.no_grad():
        for module, layer in zip(linear, layers, strict=True):
            module.weight.copy_(torch.from_numpy(unpack_matrix(layer["weight"])))
    return exact
