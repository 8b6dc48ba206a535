"""Log-likelihoods on which a chain shows each of its parts: the proposal, the decision, and what it remembers.

A chain of pCN is made of proposals sqrt(1 - step^2) z + step eps and decisions with chance min(1, ratio). Where the
likelihood is flat, every proposal must be accepted and can be read off. On a ladder, the first coordinate starts so far
out that each accepted proposal brings it one rung nearer to 0, certainly, and the likelihood
depends on the rung alone: the chance of each decision is known, and so is what an answer confuses.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from vae_course.exercises.sampling_answers import Interview, Misshapen

D = 3  # coordinates of z
_ENOUGH = 8  # single steps, after which an answer that makes as many proposals in each is not asked further
LEVEL = -2.0  # log-likelihood where it is flat, and at the foot of the ladder: 0 would hide what is left out
_START = 20_000.0  # the first coordinate at the foot of the ladder: its rungs are hundreds apart, the noise below 1


class Spy:
    """A log-likelihood, z (chains, D) -> (chains,) of the kind of array that it is given; remembers where it was asked.

    A function of the learner's may call it with all chains or with some of them, but not with a bare point.
    """

    def __init__(self, function: Callable[[np.ndarray], np.ndarray], d: int = D) -> None:
        self._function, self._d = function, d
        self.seen: list[np.ndarray] = []

    def __call__(self, z: Any) -> Any:
        """The log-likelihood of each chain."""
        is_tensor = isinstance(z, torch.Tensor)
        points = np.array(z.detach().cpu().numpy() if is_tensor else z, dtype=float)
        if points.ndim != 2 or points.shape[1] != self._d:
            raise ValueError(
                f"loglik takes z of shape (chains, {self._d}), got {points.shape}; for one chain pass z[None, :]"
            )
        self.seen.append(points)
        value = self._function(points)
        return torch.from_numpy(value).to(z.dtype) if is_tensor else value


class Run(NamedTuple):
    """z: (steps + 1, chains, D), the start before all; moved: (steps, chains), whether each step changed the chain.

    blank: whether some of the rows held nothing (zeros or NaN), or there were too few; they are left out. Then there is
    one chain.
    """

    z: np.ndarray
    moved: np.ndarray
    blank: bool = False


def contraction(step: float) -> float:
    """What pCN multiplies z by."""
    return math.sqrt(1 - step**2)


def flat() -> Spy:
    """A likelihood that says nothing: pCN keeps N(0, I) and accepts everything."""
    return Spy(lambda z: np.full(len(z), LEVEL))


def box(width: float) -> Spy:
    """0 where all coordinates lie within `width` of 0, and -inf elsewhere."""
    return Spy(lambda z: np.where((np.abs(z) <= width).all(axis=1), 0.0, -math.inf))


def ladder(step: float, value: Callable[[np.ndarray], np.ndarray]) -> Spy:
    """value(rung) for chains that start at `ladder_start`: rung 0 at the foot, one more after each accepted proposal.

    Chains on the negative side have -value(rung). To both a constant is added.
    """
    width = -math.log(contraction(step))

    def function(z: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            rung = np.clip(np.round(np.log(_START / np.abs(z[:, 0])) / width), -999, 999)
        return np.asarray(LEVEL + np.where(z[:, 0] >= 0, value(rung), -value(rung)))

    return Spy(function)


def ladder_start(rng: np.random.Generator, chains: int, *, below: int = 0) -> np.ndarray:
    """(chains, D) at the foot of the ladder, `below` of them on the negative side, other coordinates from 5 to 10."""
    z0 = rng.choice([-1.0, 1.0], size=(chains, D)) * rng.uniform(5, 10, size=(chains, D))
    z0[:, 0] = np.where(np.arange(chains) < below, -_START, _START)
    return np.asarray(z0)


def run(
    interview: Interview,
    z0: np.ndarray,
    loglik: Spy,
    step: float,
    n_steps: int,
    rng: np.random.Generator,
) -> Run:
    """One call of the answer, read. Raises Unusable, and Misshapen if it gives more rows, or other chains."""
    shape = (n_steps, *z0.shape)
    inputs = {"z0": z0, "loglik": loglik, "step": step, "n_steps": n_steps}
    single = len(z0) == 1
    try:
        given = interview.draw(inputs, shape, rng, blanks=single)
    except Misshapen as error:
        given = error.given
        if not single or given.ndim != 3 or given.shape[1:] != z0.shape or len(given) > n_steps:
            raise
    if single:
        held = ~np.isnan(given).any(axis=(1, 2)) & (given != 0).any(axis=(1, 2))
        given = given[held]
    z = np.concatenate([z0[None], given])
    # a tensor of float32 keeps a float64 start up to rounding
    moved = (np.abs(np.diff(z, axis=0)) > 1e-6 * np.maximum(1, np.abs(z[:-1]))).any(axis=2)
    return Run(z, moved, len(given) < n_steps)


def noise(runs: list[Run], step: float) -> np.ndarray:
    """(z' - sqrt(1 - step^2) z) / step of all steps that moved, (n, D): N(0, I) if nothing else chose among them."""
    rows = [((r.z[1:] - contraction(step) * r.z[:-1]) / step)[r.moved] for r in runs]
    return np.concatenate(rows)


class SingleSteps(NamedTuple):
    """Many calls of one step of one chain with a flat likelihood.

    z: (calls, D), the start; after: (calls, D), the state; proposed: the start, and the first point beside it where the
    likelihood was asked, of the calls that have one, both (n, D). several: whether most calls ask at more such points.
    """

    z: np.ndarray
    after: np.ndarray
    proposed: tuple[np.ndarray, np.ndarray]
    several: bool

    @property
    def moved(self) -> np.ndarray:
        """(calls,) whether the state is another one than the start."""
        return np.asarray((np.abs(self.after - self.z) > 1e-5).any(axis=1))


def single_steps(interview: Interview, starts: np.ndarray, step: float, rng: np.random.Generator) -> SingleSteps:
    """One call for each row of starts, (calls, D)."""
    after, origin, points, n_points = [], [], [], []
    for z0 in starts:
        spy = flat()
        inputs = {"z0": z0[None], "loglik": spy, "step": step, "n_steps": 1}
        after.append(interview.draw(inputs, (1, 1, D), rng)[0, 0])
        seen = np.concatenate([np.empty((0, D)), *spy.seen])
        others = seen[(np.abs(seen - z0) > 1e-5).any(axis=1)]
        n_points.append(len(np.unique(others, axis=0)))
        if len(n_points) == _ENOUGH and min(n_points) > _ENOUGH:  # many steps in the place of one: it may take long
            starts = starts[:_ENOUGH]
            break
        if len(others):
            origin.append(z0)
            points.append(others[0])
    proposed = np.array(origin).reshape(-1, D), np.array(points).reshape(-1, D)
    return SingleSteps(starts, np.array(after), proposed, float(np.median(n_points)) > 1)
