"""Exercise of chapter 9: the squared 2-Wasserstein distance between two Gaussians."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises.base import Exercise, Faulty, Inputs, Slip
from vae_course.exercises.chapter04.draws import away_from_zero


def gaussian_w2(m1: Tensor, c1: Tensor, m2: Tensor, c2: Tensor) -> Tensor:
    """The squared 2-Wasserstein distance between N(m1, c1) and N(m2, c2).

    m: (d,), c: (d, d), symmetric, no negative eigenvalue. Returns a scalar: |m1 - m2|^2 + tr c1 + tr c2
    - 2 tr (c1^1/2 c2 c1^1/2)^1/2. Gelbrich (1990); chapter 9.
    """
    root = _root(c1)
    cross = torch.linalg.eigvalsh(root @ c2 @ root).clamp(min=0).sqrt().sum()
    squared: Tensor = _moved(m1, m2) + c1.trace() + c2.trace() - 2 * cross
    return squared


def _root(cov: Tensor) -> Tensor:
    """The symmetric matrix root."""
    values, vectors = torch.linalg.eigh(cov)
    root: Tensor = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    return root


def _moved(m1: Tensor, m2: Tensor) -> Tensor:
    return ((m1 - m2) ** 2).sum()


def _sum_of(remark: str = "", slips: tuple[str, ...] = (), *, cross: str = "right", **changed: float) -> Faulty:
    """The formula with other factors of its terms, or with another last term."""
    factors = {"moved": 1.0, "trace1": 1.0, "trace2": 1.0, "joint": -2.0, **changed}

    def function(m1: Tensor, c1: Tensor, m2: Tensor, c2: Tensor) -> Tensor:
        terms = {"moved": _moved(m1, m2), "trace1": c1.trace(), "trace2": c2.trace(), "joint": _CROSS[cross](c1, c2)}
        return torch.stack([factors[name] * term for name, term in terms.items()]).sum()

    return Faulty(slips, function, remark)


_CROSS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "right": lambda c1, c2: torch.linalg.eigvalsh(_root(c1) @ c2 @ _root(c1)).clamp(min=0).sqrt().sum(),
    # roots of the entries, in one place or in all
    "all by entry": lambda c1, c2: (c1.sqrt() @ c2 @ c1.sqrt()).sqrt().trace(),
    "outer by entry": lambda c1, c2: (_root(c1) @ c2 @ _root(c1)).sqrt().trace(),
    "inner by entry": lambda c1, c2: _root(c1.sqrt() @ c2 @ c1.sqrt()).trace(),
    "product by entry": lambda c1, c2: (c1 @ c2).sqrt().trace(),
    "products of roots by entry": lambda c1, c2: (c1.sqrt() @ c2.sqrt()).trace(),
    # others
    "diagonal": lambda c1, c2: (c1 * c2).diagonal().sqrt().sum(),
    "commuting": lambda c1, c2: (_root(c1) @ _root(c2)).trace(),
    "no outer root": lambda c1, c2: (_root(c1) @ c2 @ _root(c1)).trace(),
    "no inner root": lambda c1, c2: _root(c1 @ c2 @ c1).trace(),
}


def _draw_gaussians(rng: np.random.Generator) -> Inputs:
    """Two Gaussians with covariances that do not commute and have no entry near 0 or below.

    No eigenvalue is near 0 either: in float32 its root would be far off.
    """
    d = int(rng.integers(2, 5))
    while True:
        covs = [_draw_positive(rng, d) for _ in range(2)]
        narrowest = min(np.linalg.eigvalsh(cov)[0] for cov in covs)
        if narrowest > 0.1 and np.abs(covs[0] @ covs[1] - covs[1] @ covs[0]).max() > 0.1:
            mean = away_from_zero(rng, d)
            return {"m1": mean, "c1": covs[0], "m2": mean + 0.8 * away_from_zero(rng, d), "c2": covs[1]}


def _draw_positive(rng: np.random.Generator, d: int) -> np.ndarray:
    factor = rng.uniform(0.1, 1.0, size=(d, d)) + np.diag(rng.uniform(0.3, 1.5, size=d))
    return factor @ factor.T


_ROOT_OF_WHOLE = "You took the root at the end. That is the distance; its square is asked for."

GAUSSIAN_W2 = Exercise(
    name="gaussian_w2",
    chapter=9,
    returns="one number",
    draw=_draw_gaussians,
    examples=(
        {
            "m1": np.array([0.0, 0.0]),
            "c1": np.array([[1.0, 0.0], [0.0, 4.0]]),
            "m2": np.array([1.0, 2.0]),
            "c2": np.array([[4.0, 0.0], [0.0, 1.0]]),
        },
        {
            "m1": np.array([1.0, 0.0]),
            "c1": np.array([[5.0, 4.0], [4.0, 5.0]]),
            "m2": np.array([1.0, 0.0]),
            "c2": np.array([[4.0, 0.0], [0.0, 1.0]]),
        },
    ),
    reference=gaussian_w2,
    slips={
        "elementwise_sqrt": Slip(
            "It takes the root of the matrix's entries instead of the matrix root.",
            "You took the roots of the entries. A matrix root is the matrix which, multiplied by itself, gives the "
            "first one: square yours as a matrix and see. The two agree for diagonal matrices alone, and a covariance "
            "with a negative entry has no root of that kind.",
        ),
        "means_only": Slip(
            "It compares the means alone.",
            "You compared the means alone. Two classes around the same point, one narrow and one wide, would have the "
            "distance 0. What must be moved to turn one into the other?",
        ),
        "missing_cross_term": Slip(
            "The term that joins both covariances is missing.",
            "The term that joins both covariances is missing, so that a Gaussian has a distance to itself: twice its "
            "trace. With equal covariances all but the means must cancel.",
        ),
    },
    faulty=(
        *(
            _sum_of(slips=("elementwise_sqrt",), cross=cross)
            for cross in (
                "all by entry",
                "outer by entry",
                "inner by entry",
                "product by entry",
                "products of roots by entry",
            )
        ),
        Faulty(
            ("elementwise_sqrt",),
            lambda m1, c1, m2, c2: _moved(m1, m2) + ((c1.sqrt() - c2.sqrt()) ** 2).sum(),
        ),
        _sum_of(slips=("means_only",), trace1=0.0, trace2=0.0, joint=0.0),
        _sum_of(slips=("missing_cross_term",), joint=0.0),
        Faulty(
            (),
            lambda m1, c1, m2, c2: (m1 - m2).norm(),
            remark="You gave the distance of the means alone. The covariances differ too, and the square is asked for.",
        ),
        Faulty((), lambda m1, c1, m2, c2: gaussian_w2(m1, c1, m2, c2).sqrt(), remark=_ROOT_OF_WHOLE),
        _sum_of("The distance of the means is missing.", moved=0.0),
        _sum_of("The last term is to be subtracted twice: a factor 2 is missing.", joint=-1.0),
        _sum_of("The last term is to be subtracted.", joint=2.0),
        _sum_of(
            "You compared the standard deviations of each latent. That is right for diagonal covariances; these are "
            "not.",
            cross="diagonal",
        ),
        _sum_of(
            "Your last term is the trace of the product of both roots. That is right only if the two covariances have "
            "the same axes; take the root of the product of the three.",
            cross="commuting",
        ),
        _sum_of("The outer root in the last term is missing.", cross="no outer root"),
        _sum_of(
            "You put whole covariances where their roots belong: C1^1/2 stands on both sides.", cross="no inner root"
        ),
        Faulty(
            (),
            lambda m1, c1, m2, c2: _moved(m1, m2) + ((c1 - c2) ** 2).sum(),
            remark="You compared the covariances entry by entry. They are in units of z squared, and their "
            "squared difference is in units of z to the fourth power.",
        ),
        Faulty(
            (),
            lambda m1, c1, m2, c2: gaussian_w2(m1, c1, m2, c2) - _moved(m1, m2) + (m1 - m2).norm(),
            remark="You took the length of the difference of the means. It enters squared.",
        ),
        Faulty(
            (),
            lambda m1, c1, m2, c2: gaussian_w2(m1, c1, m2, c2) - _moved(m1, m2) + (m1 - m2).sum() ** 2,
            remark="You added up the difference of the means before squaring it. Square each entry first.",
        ),
    ),
    hints=(
        "Try two cases: equal covariances, where only the means count, and equal means with diagonal covariances, "
        "where the standard deviations of each latent are compared.",
        # in two parts, so that a narrow page can break the line between them
        r"$|m_1 - m_2|^2 + \mathrm{tr}\, C_1 + \mathrm{tr}\, C_2$ "
        r"$- \; 2\, \mathrm{tr}\, (C_1^{1/2} C_2\, C_1^{1/2})^{1/2}$, with matrix roots: "
        r"$C^{1/2} = V \sqrt{\Lambda} V^T$ where $C = V \Lambda V^T$.",
        "`values, vectors = torch.linalg.eigh(c1)`; the root is `vectors @ values.sqrt().diag() @ vectors.T`. The "
        "trace of the last root is the sum of the roots of `torch.linalg.eigvalsh(root @ c2 @ root)`.",
    ),
    praise="The means must be moved, and the covariances reshaped; where they are equal, only the first is left.",
)
