"""What the explorer of a training run packs: thinned loss terms, positions in bytes, greys as changes (level 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_course.exercises import reference
from vae_course.explore.packing import LEVELS, pack_bytes, pack_greys, pack_matrix, unpack_bytes, unpack_matrix
from vae_course.latent import kl_order
from vae_course.objectives import kl_per_latent
from vae_course.runs import TrainingRun

Floats = NDArray[np.float64]

N_STRETCHES = 400  # at most, into which the history is thinned
PHASES = {"spike": "spike", "trough": "trough", "sharp_rise": "sharp rise", "slow_rise": "slow rise"}
LIMITS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 16.0, 20.0, 30.0, 50.0)  # half a map's width


class Thinned(NamedTuple):
    """A history in n stretches. start: (n,) the first step of each. mean, low, high: (n,) over the steps of each."""

    start: NDArray[np.int64]
    mean: Floats
    low: Floats
    high: Floats


def place(steps: Sequence[int], step: ArrayLike) -> Floats:
    """Where a step lies on the explorer's axis: the i-th snapshot at i, logarithmic between two of them."""
    placed: Floats = np.interp(np.log1p(step), np.log1p(steps), np.arange(len(steps)))
    return placed


def nearest_snapshot(steps: Sequence[int], step: float) -> int:
    """The index of the snapshot nearest to a step on the explorer's axis."""
    return int(np.floor(place(steps, step) + 0.5))  # as JavaScript rounds


def thin(values: ArrayLike, n: int = N_STRETCHES) -> Thinned:
    """Mean, lowest and highest of the steps, (n_steps,), in at most n stretches of equal ratio, each a step or more."""
    numbers = np.asarray(values, dtype=np.float64)
    edges = np.unique(np.rint(np.geomspace(1, len(numbers) + 1, n + 1)).astype(np.int64)) - 1
    start, counts = edges[:-1], np.diff(edges)
    low, high = (extreme.reduceat(numbers, start) for extreme in (np.minimum, np.maximum))
    return Thinned(start, np.add.reduceat(numbers, start) / counts, low, high)


def pack_positions(mu: ArrayLike) -> dict[str, Any]:
    """The digits' places, (snapshots, digits, latents), a byte each: 255 steps from a latent's lowest to its highest.

    The error is half a step, 1/510 of the range that the snapshot's digits span in that latent.
    """
    places = np.asarray(mu, dtype=np.float64).transpose(0, 2, 1)  # (snapshots, latents, digits)
    packed = {"low": pack_matrix(places.min(axis=2)), "span": pack_matrix(np.ptp(places, axis=2))}
    low, span = (unpack_matrix(packed[name])[..., None] for name in ("low", "span"))
    share = np.divide(places - low, span, out=np.zeros_like(places), where=span > 0)
    return {**packed, "bytes": pack_bytes(np.clip(np.rint(255 * share), 0, 255))}


def unpack_positions(packed: dict[str, Any]) -> Floats:
    """The places that the page draws, (snapshots, digits, latents)."""
    low, span = (unpack_matrix(packed[name])[..., None] for name in ("low", "span"))
    share = unpack_bytes(packed["bytes"]).reshape(*low.shape[:2], -1) / 255
    return (low + span * share).transpose(0, 2, 1)


def pack_changes(pictures: ArrayLike) -> str:
    """Pictures, (snapshots, n, pixels) uint8, in 16 greys, each as its change from the one before: modulo 16.

    Shorter than the pictures, which change little late in a training.
    """
    grey = (np.asarray(pictures, dtype=np.int64) * LEVELS + 127) // 255
    change = np.mod(np.diff(grey, axis=0, prepend=0), LEVELS + 1)
    return pack_greys(change * (255 // LEVELS))


def locate(kl: Any) -> dict[str, int]:
    """The steps of PHASES by the definition of the exercise `locate_phases`; none where the KL never rises again."""
    try:
        found = reference("locate_phases")(kl)
    except ValueError:
        return {}
    return {name: int(found[name]) for name in PHASES}


def round_limit(reach: float) -> float:
    """The first of LIMITS that is no less than `reach`, or the last."""
    return next((limit for limit in LIMITS if limit >= reach), LIMITS[-1])


def batch_of(steps: Any, n_steps: int) -> Any:
    """The index of the batch whose loss is shown at each step: its own, at the end of the training the last one."""
    return np.minimum(np.asarray(steps), n_steps - 1)


def key_of(run: TrainingRun) -> str:
    """What the explorer calls a run: "8d" for 8 latents."""
    return f"{run.mu.shape[2]}d"


def pack_run(run: TrainingRun) -> dict[str, Any]:
    """One run, ready for JSON. Terms are rounded here, once, so that page and Python say the same numbers."""
    history = run.history
    nll, kl = (np.asarray(values, dtype=np.float64) for values in (history.nll, history.kl))
    at = batch_of(run.steps, len(nll))
    curves = {name: thin(values) for name, values in (("nll", nll), ("kl", kl))}
    order = kl_order(run.mu[-1], run.logvar[-1]).tolist()
    last = kl_per_latent(run.mu[-1].double(), run.logvar[-1].double()).mean(dim=0)
    return {  # lists where the order counts: the page's JSON sorts the keys of a dict
        "key": key_of(run),
        "latent_dim": run.mu.shape[2],
        "n_steps": len(nll),
        "steps": run.steps.tolist(),
        "nll": np.round(nll[at], 1).tolist(),
        "kl": np.round(kl[at], 2).tolist(),
        "kl_per_latent": np.round(history.kl_per_latent.numpy().astype(np.float64)[at], 2).tolist(),
        "start": curves["nll"].start.tolist(),
        "curves": {name: pack_matrix(curve[1:]) for name, curve in curves.items()},
        "positions": pack_positions(run.mu),
        "pictures": pack_changes(run.x_mean),
        "phases": [{"name": name, "step": step} for name, step in locate(history.kl).items()],
        "order": order,
        "digit_kl": np.round(last.numpy(), 2).tolist(),
        "latents": sorted(order[:2]),
        # Holds 99 % of the coordinates of all snapshots; what lies outside does so at the spike.
        "limit": round_limit(float(np.quantile(np.abs(run.mu.numpy()), 0.99))),
    }
