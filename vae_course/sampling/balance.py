"""Chains on a grid: the whole transition matrix, so that detailed balance can be looked at entry by entry."""

from __future__ import annotations

import torch
from torch import Tensor

from vae_course.latent.checks import check_finite

_EXCESS = 1e-6  # by which rounding and a coarse grid may lift a row's sum above 1


def transition_matrix(log_proposal: Tensor, log_ratio: Tensor) -> Tensor:
    """K of a Metropolis-Hastings chain on n points, (n, n) float64: K[i, j] is the probability to go from i to j.

    log_proposal: (n, n), log of the probability that j is proposed at i; for a density on a grid of width h that is
    log P(z_i -> z_j) + log h. log_ratio: (n, n), log of the acceptance ratio of that step, before it is cut at 0. What
    is proposed and refused, or proposed off the grid, stays at i. Hastings (1970); chapter 7.
    """
    for name, value in (("log_proposal", log_proposal), ("log_ratio", log_ratio)):
        _check_square(name, value)
        check_finite(name, value)
    if log_ratio.shape != log_proposal.shape:
        raise ValueError(
            f"log_proposal and log_ratio must have the same shape, got {tuple(log_proposal.shape)} and "
            f"{tuple(log_ratio.shape)}"
        )
    proposed = log_proposal.double().exp()
    if (most := float(proposed.sum(dim=1).max())) > 1 + _EXCESS:
        raise ValueError(
            f"each row of exp(log_proposal) must sum to 1 at most, got {most:.6g}; add log of the grid's width to the "
            "density, and take a grid that is finer than the step"
        )
    moved = proposed * log_ratio.double().clamp_max(0).exp()
    return moved + (1 - moved.sum(dim=1)).diag()


def flows(log_target: Tensor, transition: Tensor) -> Tensor:
    """How much mass goes from i to j in a step that starts in the target: target_i K_ij, (n, n) float64.

    log_target: (n,), up to a constant. The chain is in detailed balance with the target if this matrix is symmetric.
    """
    _check_square("transition", transition)
    check_finite("log_target", log_target)
    if log_target.shape != transition.shape[:1]:
        raise ValueError(f"log_target must have shape ({len(transition)},), got {tuple(log_target.shape)}")
    _check_transition(transition)
    return log_target.double().softmax(dim=0)[:, None] * transition.double()


def imbalance(flow: Tensor) -> float:
    """The largest gap between a flow and the one back, over the largest flow between two points: 0 is balance."""
    _check_square("flow", flow)
    check_finite("flow", flow)
    between = flow - flow.diagonal().diag()
    if not bool(between.any()):
        raise ValueError("flow must lead from some point to another; a chain that never moves has nothing to balance")
    return float((between - between.T).abs().max() / between.abs().max())


def stationary(transition: Tensor) -> Tensor:
    """The distribution that the chain keeps, (n,) float64: target K = target, summing to 1.

    transition: (n, n), rows summing to 1, in which every point can be reached from every other.
    """
    _check_transition(transition)
    n, matrix = len(transition), transition.double()
    # One of the n equations follows from the others; the sum takes its place.
    system = matrix.T - torch.eye(n, dtype=torch.float64)
    system[-1] = 1
    right = torch.zeros(n, dtype=torch.float64)
    right[-1] = 1
    kept, info = torch.linalg.solve_ex(system, right)
    if int(info) or not bool(kept.isfinite().all()):
        raise ValueError("transition falls into parts without a way from one to the other; take them one by one")
    found: Tensor = kept
    return found


def _check_transition(transition: Tensor) -> None:
    _check_square("transition", transition)
    check_finite("transition", transition)
    sums = transition.double().sum(dim=1)
    if not torch.allclose(sums, torch.ones_like(sums)) or float(transition.min()) < -_EXCESS:
        raise ValueError(
            "each row of transition must sum to 1, without a negative entry; transition_matrix makes such a matrix"
        )


def _check_square(name: str, value: Tensor) -> None:
    if value.ndim != 2 or value.shape[0] != value.shape[1] or value.shape[0] < 2:
        raise ValueError(f"{name} must have shape (n, n) with n above 1, got {tuple(value.shape)}")
