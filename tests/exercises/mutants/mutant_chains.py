"""Scenes and slips for answers that are chains of pCN."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from drawing import hand_over, looks_normal, make_generator, read_draws

Answer = Callable[..., Any]
LogLikelihood = Callable[[Any], Any]


def _flat(z: Any) -> Any:
    return 0 * z[:, 0]


def _bowl(z: Any) -> Any:
    """A Gaussian likelihood that is narrow beside the prior."""
    return -2.0 * ((z - 0.8) ** 2).sum(1)


def _steep(z: Any) -> Any:
    """A likelihood that falls along a line, so that about half of the proposals are rejected."""
    return 3.0 * z[:, 0] - 2.0 * z[:, 1]


def _walled(z: Any) -> Any:
    """0 in a box, -inf outside."""
    inside = (abs(z) < 1.0).all(1)
    return (
        torch.where(inside, 0.0, -math.inf).to(z.dtype)
        if isinstance(z, torch.Tensor)
        else np.where(inside, 0.0, -np.inf)
    )


def _states(
    answer: Answer, kind: str, generator: Any, loglik: LogLikelihood, *, chains: int, n_steps: int, step: float
) -> np.ndarray:
    """(n_steps + 1, chains, 2), the start before all."""
    grid = np.linspace(-0.7, 0.7, chains)
    z0 = np.stack([grid, 0.4 - grid / 2], axis=1)
    states = answer(hand_over(z0, kind), loglik, step, n_steps, generator)
    return np.concatenate([z0[None], read_draws(states, (n_steps, chains, 2))])


def _features(z: np.ndarray, step: float) -> np.ndarray:
    """One row for each chain: its states, noise and moves, and products with those of the next chain and step."""
    eps = (z[1:] - math.sqrt(1 - step**2) * z[:-1]) / step
    moved = (np.abs(z[1:] - z[:-1]) > 1e-6).any(axis=2)[..., None].astype(float)
    parts = [z[1:], np.clip(z[1:], -9, 9) ** 2, eps, np.clip(eps, -9, 9) ** 2, np.exp(-(z[1:] ** 2)), moved]
    parts += [z[1:] * z[:-1], moved[1:] * moved[:-1], eps[1:] * eps[:-1], eps[..., :1] * eps[..., 1:]]
    parts += [part * np.roll(part, -1, axis=1) for part in (eps, moved)]
    return np.concatenate([part.transpose(1, 0, 2).reshape(z.shape[1], -1) for part in parts], axis=1)


def _many(answer: Answer, kind: str, seed: int, *, loglik: LogLikelihood, step: float) -> np.ndarray:
    z = _states(answer, kind, make_generator(kind, seed), loglik, chains=4000, n_steps=4, step=step)
    return _features(z, step)


def _few(answer: Answer, kind: str, seed: int, *, loglik: LogLikelihood, step: float) -> np.ndarray:
    """Calls for three chains, which share nothing; one row for each call."""
    generator = make_generator(kind, seed)
    options = {"chains": 3, "n_steps": 5, "step": step}
    calls = [_features(_states(answer, kind, generator, loglik, **options), step) for _ in range(150)]
    return np.stack([call.ravel() for call in calls])


def draw_few(answer: Answer, kind: str, generator: Any) -> np.ndarray:
    """The states of one short call, whose every proposal is accepted."""
    return _states(answer, kind, generator, _flat, chains=3, n_steps=2, step=0.8)[1:]


SCENES = (
    partial(_many, loglik=_flat, step=0.7),
    partial(_many, loglik=_bowl, step=0.5),
    partial(_many, loglik=_steep, step=0.9),
    partial(_many, loglik=_walled, step=0.6),
    partial(_few, loglik=_bowl, step=0.6),
)


# ---- slips, as what must be seen, or as laws of whole chains


def _walks(answer: Answer, kind: str) -> bool:
    """With a flat likelihood each step is z plus noise of the size of the step."""
    z = _states(answer, kind, make_generator(kind, 1), _flat, chains=4000, n_steps=2, step=0.7)
    return looks_normal(np.diff(z, axis=0) / 0.7)


def _moves_together(answer: Answer, kind: str) -> bool:
    """All chains move or none does, in each step; and some steps are of each sort."""
    generator = make_generator(kind, 1)
    moved = []
    for _ in range(40):
        z = _states(answer, kind, generator, _bowl, chains=3, n_steps=5, step=0.5)
        moved.append((np.abs(np.diff(z, axis=0)) > 1e-6).any(axis=2))
    flags = np.concatenate(moved)
    return bool((flags == flags[:, :1]).all() and 0 < flags.mean() < 1)


def _never_repeats(answer: Answer, kind: str) -> bool:
    """Within walls that most proposals fly over, a single chain stays inside, and no state comes twice in a row.

    It may give fewer states than steps, and leave the other rows blank.
    """
    for seed in range(5):
        z0 = hand_over(np.zeros((1, 2)), kind)
        states = np.asarray(answer(z0, _walled, 0.95, 60, make_generator(kind, seed)), dtype=float).reshape(-1, 2)
        held = states[np.isfinite(states).all(axis=1) & (states != 0).any(axis=1)]
        if not len(held) or (np.abs(held) > 1).any() or (np.abs(np.diff(held, axis=0)) < 1e-9).all(axis=1).any():
            return False
    return True


def _remembers_another_likelihood(answer: Answer, kind: str) -> bool:
    """A lone step is right, and every later one starts from the present state: what is wrong is what it compares with.

    Of a lone step, the shares of chains that move are compared with those of the right chain, and so are the moves.
    """
    for loglik in (_flat, _bowl, _steep):
        steps = []
        for one, of_kind in ((answer, kind), (_chain, "torch tensors")):
            z = _states(one, of_kind, make_generator(of_kind, 4), loglik, chains=4000, n_steps=1, step=0.6)
            eps = _features(np.concatenate([z, z[-1:]]), 0.6)
            steps.append((eps.mean(axis=0), eps.var(axis=0) / len(eps)))
        (mean, variance), (wanted, of_wanted) = steps
        if (np.abs(mean - wanted) > 7 * np.sqrt(variance + of_wanted) + 1e-6).any():
            return False
        z = _states(answer, kind, make_generator(kind, 5), loglik, chains=4000, n_steps=4, step=0.6)
        moved = (np.abs(np.diff(z, axis=0)) > 1e-6).any(axis=2)
        if (np.abs(z[1:] - math.sqrt(1 - 0.6**2) * z[:-1])[moved] > 6 * 0.6).any():
            return False
    return True


def _chain(
    z0: Any, loglik: LogLikelihood, step: float, n_steps: int, generator: Any, *, prior: float = 0.0
) -> torch.Tensor:
    """A chain of pCN with `prior` times the change of |z|^2 in its ratio."""
    z, current, states = z0.double(), loglik(z0), []
    for _ in range(n_steps):
        proposal = math.sqrt(1 - step**2) * z + step * torch.randn(z.shape, generator=generator, dtype=z.dtype)
        new = loglik(proposal)
        log_ratio = new - current - prior * ((proposal**2).sum(1) - (z**2).sum(1))
        accepted = torch.rand(len(z), generator=generator, dtype=z.dtype).log() < log_ratio
        z = torch.where(accepted[:, None], proposal, z)
        current = torch.where(accepted, new, current)
        states.append(z)
    return torch.stack(states)


PREDICATES = {
    "random_walk": _walks,
    "same_decision_for_all_chains": _moves_together,
    "rejects_repeat_missing": _never_repeats,
    "stale_loglik": _remembers_another_likelihood,
}
WAYS = {"prior_counted_twice": (partial(_chain, prior=0.5),)}
