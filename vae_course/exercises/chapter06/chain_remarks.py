"""Sentences on chains that are wrong in ways without a key, and the numbers to show beside them."""

from __future__ import annotations

import numpy as np

from vae_course.exercises.chapter06 import chain_probes as probes
from vae_course.exercises.sampling_answers import Misshapen

NOT_ALL_ACCEPTED = (
    "Where the likelihood is the same everywhere the ratio is 1, and every proposal must be accepted. Your chain "
    "does not move at every step, or not as the proposal says."
)
WRONG_PROPOSAL = (
    "The proposals are not those of pCN. Below they are a multiple of z plus noise, yours as your draws show it."
)
EVERYTHING = (
    "Your chain accepts every proposal, even where the likelihood is 0 and its logarithm -inf. Is the ratio "
    "compared with a uniform random number, and is it the right way up?"
)
LEAVES = "Your chain goes where the likelihood is 0 and its logarithm -inf. Such a proposal is always to be rejected."
WRONG_RATE = (
    "The proposals are right, but they are not accepted as often as they should be: with the chance min(1, ratio), "
    "where ratio is the likelihood at the proposal over the likelihood at the present state."
)
UPHILL = (
    "Your chain rejects proposals at which the likelihood is higher than at the present state. All of these are to be "
    "accepted."
)
NEVER = (
    "Your chain never moves, not even where the likelihood is the same everywhere, so that every proposal is to be "
    "accepted. Do you compare a logarithm with a logarithm?"
)
STUCK = (
    "Your chain does not move, or hardly, where half of the proposals are to be accepted. A proposal with a lower "
    "likelihood than the present state is accepted too, with the chance ratio."
)
START = (
    "The first of your states is `z0` itself. The chain to return begins with the state after the first step, and has "
    "n_steps of them."
)
SEVERAL = (
    "For a single step your chain makes several proposals, though with the same likelihood everywhere the first is "
    "accepted. Return the states after every step, from the first on: nothing is thinned out or left out at the start."
)
PROPOSALS_KEPT = (
    "Your states do not follow from one another: after a rejection the chain holds something else than the state in "
    "which it still is. Does it hold the proposals?"
)
FROM_START = "Each proposal of yours starts from `z0`. It is to start from the present state."
SAME_NOISE = "All steps have the same noise. Draw it anew for each."
SHARED_NOISE = "All chains have the same noise, so they move in parallel. Draw numbers for every chain."
WRONG_LAW = (
    "Started from draws of a posterior that is known exactly, your chains do not keep it. So a step of the recipe is "
    "not right, though on simpler likelihoods it looks so."
)


def on_steps(runs: list[probes.Run], step: float) -> str:
    """What is wrong with the steps of one chain on the ladder that are not pCN's; "" if nothing can be said."""
    first = np.concatenate([np.abs(r.z[:, 0, 0]) for r in runs]) / abs(runs[0].z[0, 0, 0])
    if first.min() > probes.contraction(step) ** 1.5:
        return FROM_START
    for r in runs:
        rungs = np.log(np.maximum(np.abs(r.z[:, 0, 0]), 1e-9)) / np.log(probes.contraction(step))
        if ((np.abs(np.diff(rungs)) < 0.5) & r.moved[:, 0]).any():
            return PROPOSALS_KEPT
    eps = [probes.noise([r], step)[:, 1:] for r in runs]
    return SAME_NOISE if all(len(e) > 1 and np.abs(e - e[0]).max() < 1e-2 for e in eps) else ""


def on_chains(runs: list[probes.Run], step: float) -> str:
    """What several chains show that one chain does not: whether they share their noise."""
    shared = []
    for r in runs:
        eps = (r.z[1:] - probes.contraction(step) * r.z[:-1]) / step
        for one, moved in zip(eps, r.moved, strict=True):
            if moved.sum() > 1:
                shared.append(np.abs(one[moved] - one[moved][0])[:, 1:].max() < 1e-2)
    return SHARED_NOISE if shared and all(shared) else WRONG_RATE


def with_axes(error: Misshapen, n_steps: int, chains: int) -> Misshapen:
    """The same trouble, in words that fit a chain."""
    given, wanted = error.given.shape, (n_steps, chains, probes.D)
    if given == (n_steps + 1, *wanted[1:]):
        text = f"Your chain has one state too many: {n_steps + 1} where n_steps is {n_steps}. Leave out the start."
    elif sorted(given) == sorted(wanted):
        text = f"The axes are in another order: wanted is (n_steps, chains, d), here {wanted}, and yours is {given}."
    else:
        return error
    return Misshapen(error.given, text)


def compare_proposals(z: np.ndarray, proposed: np.ndarray, step: float) -> tuple[tuple[str, str], ...]:
    """The proposal as a multiple of z plus noise: as wanted, and as fitted to proposals from z, both (n, D)."""
    rows = [("step", f"{step:.3f}"), ("wanted proposal", f"{probes.contraction(step):.3f} z + {step:.3f} eps")]
    if len(z) and (z**2).sum() > 0:
        factor = float((z * proposed).sum() / (z**2).sum())
        rows.append(("given proposal", f"{factor:.2f} z + {np.sqrt(((proposed - factor * z) ** 2).mean()):.2f} eps"))
    return tuple(rows)
