"""How far chains can be trusted: autocorrelation, effective sample size and R-hat, after Vehtari et al. (2021)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vae_course.latent.checks import check_finite

_LEAST = 4  # steps of half a chain


def autocorrelation(z: Tensor) -> Tensor:
    """Correlation of each chain with itself t steps later, for t = 0 ... n_steps - 1; the shape of z, float64.

    z: (n_steps, ...), each column a chain of one quantity. Divided by n_steps at every lag, which keeps
    the noise at large lags small. NaN for a chain that never moves. By the fast Fourier transform: n log n, not n^2.
    """
    covariance = _autocovariance(_as_draws(z))
    return covariance / covariance[:1]


def effective_sample_size(z: Tensor, *, rank_normalised: bool = True) -> Tensor:
    """How many independent draws would give the mean of z as precisely, (d,) float64, all chains together.

    z: (n_steps, chains, d). Each chain is split in halves; correlations are summed in pairs while these are positive,
    after Geyer (1992), and compared with the variance between chains: chains that disagree have few effective
    draws. rank_normalised: of z's normal scores ("bulk"), which exist for heavy tails too. At most
    n log10(n), n all draws. NaN where all draws are equal. Vehtari et al. (2021).
    """
    halves = _split(_as_draws(z, 3))
    if rank_normalised:
        halves = normal_scores(halves)
    n, chains = halves.shape[:2]
    covariance = _autocovariance(halves).mean(dim=1)  # (n, d)
    within = covariance[0] * n / (n - 1)
    total = covariance[0] + halves.mean(dim=0).var(dim=0)  # with the variance between the chains
    rho = 1 - (within - covariance) / total
    rho[0] = 1
    n_pairs = (n - 1) // 2
    even = rho[0 : 2 * n_pairs : 2]
    pairs = even + rho[1 : 2 * n_pairs : 2]  # (n_pairs, d)
    positive = (pairs > 0).cumprod(dim=0)[:-1]  # up to the first pair that is not, or the last
    end = even.gather(0, positive.sum(dim=0, keepdim=True))[0]  # (d,): half of that pair, as ArviZ and Stan have it
    tau = -1 + 2 * (pairs.cummin(dim=0).values[:-1] * positive).sum(dim=0) + end.clamp_min(0)
    draws = n * chains
    size: Tensor = draws / tau.clamp_min(1 / math.log10(draws))
    return size


def r_hat(z: Tensor) -> Tensor:
    """Rank-normalised split R-hat, (d,) float64: near 1 where chains agree, in place and in spread; below 1.01 is well.

    z: (n_steps, chains, d). The larger of the one of z's normal scores and that of their distance from the median.
    Infinite for frozen chains that differ, NaN where all draws are equal. Vehtari et al. (2021).
    """
    halves = _split(_as_draws(z, 3))
    ordered = halves.flatten(0, 1).sort(dim=0).values
    median = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    folded = (halves - median).abs()
    return torch.maximum(_split_r_hat(normal_scores(halves)), _split_r_hat(normal_scores(folded)))


def normal_scores(z: Tensor) -> Tensor:
    """Each draw's rank among all, as a quantile of N(0, 1): Phi^-1((rank - 3/8) / (n + 1/4)), the shape of z.

    z: (n_steps, chains, d). Equal draws, which rejections make, share their mean rank. Vehtari et al. (2021).
    """
    columns = z.flatten(0, 1)  # (n, d)
    ranks = torch.stack([_mean_ranks(column) for column in columns.T], dim=1)
    scores: Tensor = torch.special.ndtri((ranks - 0.375) / (len(columns) + 0.25))
    return scores.reshape(z.shape)


def _mean_ranks(column: Tensor) -> Tensor:
    _, inverse, counts = column.unique(return_inverse=True, return_counts=True)
    last = counts.cumsum(0).double()
    ranks: Tensor = (last - (counts - 1) / 2)[inverse]
    return ranks


def _split_r_hat(z: Tensor) -> Tensor:
    n = len(z)
    within = z.var(dim=0).mean(dim=0)
    between = z.mean(dim=0).var(dim=0)  # of the chains' means: B / n of the paper
    return (((n - 1) / n * within + between) / within).sqrt()


def _split(z: Tensor) -> Tensor:
    """The halves of each chain as chains of their own, (n_steps // 2, 2 chains, d); an odd middle step is left out."""
    half = len(z) // 2
    if half < _LEAST:
        raise ValueError(f"z must hold at least {2 * _LEAST} steps to be judged, got {len(z)}; run longer chains")
    return torch.cat([z[:half], z[-half:]], dim=1)


def _autocovariance(z: Tensor) -> Tensor:
    n = len(z)
    centred = z - z.mean(dim=0)
    size = 2 ** math.ceil(math.log2(2 * n))  # zeros behind, so that the end does not meet the start
    power = torch.fft.rfft(centred, n=size, dim=0).abs() ** 2
    covariance: Tensor = torch.fft.irfft(power, n=size, dim=0)[:n] / n
    return covariance


def _as_draws(z: Tensor, ndim: int | None = None) -> Tensor:
    if z.ndim == 0 or z.numel() == 0 or ndim not in (None, z.ndim):
        shape = "(n_steps, ...)" if ndim is None else "(n_steps, chains, d)"
        raise ValueError(
            f"z must have shape {shape} without a 0, got {tuple(z.shape)}; for one quantity add [..., None]"
        )
    check_finite("z", z)
    return z.double()
