"""How likely random draws are if they follow a stated law: p-values for checks that must hardly ever be wrong.

Each function gives the chance that right draws look at least as unlikely as these. `LIMIT` is where a check stops
believing in chance: with fewer than 200 tests in a check, a right answer fails in fewer than two of a million checks.
The bounds of Hoeffding and of Massart hold for every number of draws; the rest is exact for normal
draws, or rests on the central limit theorem for averages of some hundreds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import torch

LIMIT = 1e-8


def of_mean(x: np.ndarray) -> float:
    """Of the mean of x, whose entries should be independent draws from N(0, 1). Exact; two-sided."""
    return _of_score(float(x.mean()) * math.sqrt(x.size))


def of_average(x: np.ndarray, *, variance: float = 1.0) -> float:
    """Of the mean of x, whose entries should be independent, with mean 0 and this variance. Central limit theorem."""
    return _of_score(float(x.mean()) * math.sqrt(x.size / variance))


def of_spread(x: np.ndarray) -> float:
    """Of the sum of the squares of x, draws from N(0, 1): chi-squared with x.size degrees of freedom. Two-sided."""
    half = torch.tensor(x.size / 2, dtype=torch.float64)
    total = torch.tensor(float((x**2).sum()) / 2, dtype=torch.float64)
    tails = (torch.special.gammainc(half, total), torch.special.gammaincc(half, total))
    return min(1.0, 2 * min(float(tail) for tail in tails))


def of_uniform(u: np.ndarray) -> float:
    """Of the Kolmogorov-Smirnov distance between u and the uniform law on [0, 1]. Massart's bound (1990)."""
    values = np.sort(u.ravel())
    places = np.arange(values.size + 1) / values.size
    distance = float(np.maximum(places[1:] - values, values - places[:-1]).max())
    return min(1.0, 2 * math.exp(-2 * values.size * distance**2))


def of_normal(x: np.ndarray) -> float:
    """Of the Kolmogorov-Smirnov distance between x and N(0, 1). Massart's bound (1990)."""
    return of_uniform(torch.special.ndtr(torch.from_numpy(x.astype(float))).numpy())


def of_lengths(x: np.ndarray) -> float:
    """Of the squared lengths of the rows of x, (n, d), which follow chi-squared with d degrees of freedom."""
    squared = torch.from_numpy((x.astype(float) ** 2).sum(axis=1) / 2)
    half = torch.full_like(squared, x.shape[1] / 2)
    return of_uniform(torch.special.gammainc(half, squared).numpy())


def of_count(count: int, n: int, chance: float) -> float:
    """Of `count` events in n independent trials, each with this chance. Hoeffding's bound (1963); two-sided.

    A chance of 0 or 1 leaves no doubt: 0 if an event came that cannot, or one failed to come that must.
    """
    if n == 0:
        return 1.0
    if chance in (0, 1):
        return float(count == n * chance)
    share = count / n
    parts = ((share, chance), (1 - share, 1 - chance))
    divergence = sum(a * math.log(a / b) for a, b in parts if a > 0)
    return min(1.0, 2 * math.exp(-n * divergence))


def of_independent_rows(x: np.ndarray) -> dict[str, float]:
    """All tests of x, (n, d), against independent draws from N(0, I), by name: n in the hundreds or more.

    Mean, spread and distribution of every coordinate; the rows' lengths; correlations between coordinates, between
    neighbouring rows and between the halves of x.
    """
    n, d = x.shape
    tests = {"lengths": of_lengths(x), "spread": of_spread(x), "distribution": of_normal(x)}
    for i in range(d):
        tests |= {
            f"mean {i}": of_mean(x[:, i]),
            f"spread {i}": of_spread(x[:, i]),
            f"distribution {i}": of_normal(x[:, i]),
        }
        tests |= {f"correlation {i} {j}": of_average(x[:, i] * x[:, j]) for j in range(i)}
    tests["neighbours"] = of_average((x[1:] * x[:-1])[::2])
    tests["halves"] = of_average(x[: n // 2] * x[n // 2 : 2 * (n // 2)])
    return tests


def likely(tests: Iterable[float]) -> bool:
    """Whether chance explains all of these."""
    return all(value >= LIMIT for value in tests)


def _of_score(score: float) -> float:
    return math.erfc(abs(score) / math.sqrt(2)) if math.isfinite(score) else 0.0
