"""What shows that an answer looked at a smoothed or thinned-out history."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from vae_course.exercises.base import Ask
from vae_course.exercises.chapter08.histories import draw_history

_LENGTH = 600  # steps of the histories that are made here
_HUMP = 180  # from this step on an answer's spike is the hump, before it is the spike

# what one value an epoch may be; each takes (epochs, steps in an epoch)
_VALUES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean": lambda blocks: blocks.mean(axis=1),
    "first": lambda blocks: blocks[:, 0],
    "last": lambda blocks: blocks[:, -1],
    "median": lambda blocks: np.median(blocks, axis=1),
}


def finds_only_what_lasts(ask: Ask, rng: np.random.Generator) -> bool:
    """Whether the answer takes a long spike for the spike, but never one of a single step; or looks at epochs."""
    return _misses_short_spikes(ask, rng) or _looks_at_epochs(ask, rng)


def _misses_short_spikes(ask: Ask, rng: np.random.Generator) -> bool:
    """Early and late spikes: an answer that leaves out the first steps, or looks at no others, is none of these."""
    spikes = [*rng.choice(np.arange(3, 14), size=3, replace=False), *rng.choice(np.arange(60, 120), 3, replace=False)]
    found_short = [_spike(ask, _with_spike(rng, int(step), lasts=1, hump=0.95)) for step in spikes]
    found_long = [_spike(ask, _with_spike(rng, step, lasts=90, hump=0.4)) for step in (5, 8, 30)]
    if None in found_short or None in found_long:
        return False
    in_hump = [_HUMP < step < 450 for step in found_short if step is not None]
    in_spike = [step < _HUMP for step in found_long if step is not None]
    return all(in_hump) and all(in_spike)


def _spike(ask: Ask, kl: np.ndarray) -> float | None:
    values = ask({"kl_history": kl})
    return float(values[0][0]) if values is not None and values[0].shape == (4,) else None


def _with_spike(rng: np.random.Generator, start: int, *, lasts: int, hump: float) -> np.ndarray:
    """A spike of so many steps and, much later, a broad hump from which the KL falls `hump` times as far."""
    step = np.arange(_LENGTH)
    kl = 1 + 10 * hump * np.clip(np.minimum(step - 220, 430 - step) / 60, 0, 1)
    kl = kl + 5 * np.clip((step - 470) / 60, 0, 1)
    kl[start : start + lasts] = 11
    return np.asarray(kl + 0.02 * rng.random(_LENGTH))


def _looks_at_epochs(ask: Ask, rng: np.random.Generator) -> bool:
    """Whether all four steps are those of a history with one value an epoch, however the epochs are counted."""
    histories = [draw_history(rng)["kl_history"] for _ in range(3)]
    given = []
    for kl in histories:
        values = ask({"kl_history": kl})
        if values is None or values[0].shape != (4,):
            return False
        given.append(values[0])
    return any(
        all(
            np.array_equal(_of_epochs(kl, length, value, whole=whole), steps)
            for kl, steps in zip(histories, counted, strict=True)
        )
        for length in range(2, 51)
        for counted in _as_epochs(given, length)
        for value in _VALUES
        for whole in (True, False)
    )


def _as_epochs(given: list[np.ndarray], length: int) -> list[list[np.ndarray]]:
    """The given steps as epochs: if they are epochs, or an epoch's first, middle, last step or the one after."""
    offsets = (0, length // 2, length - 1, length)
    return [given, *([(steps - offset) / length for steps in given] for offset in offsets)]


def _of_epochs(kl: np.ndarray, length: int, value: str, *, whole: bool) -> np.ndarray:
    """The four epochs that are asked for, where `kl` is cut into epochs of `length` steps.

    whole: whether the steps at the end that fill no epoch are left out.
    """
    n = len(kl) // length * length
    epochs = _VALUES[value](kl[:n].reshape(-1, length))
    if not whole and n < len(kl):
        epochs = np.append(epochs, _VALUES[value](kl[None, n:]))
    falls = np.maximum.accumulate(epochs) - epochs
    trough = int(falls.argmax())
    low, high = epochs[trough], epochs[-max(1, len(epochs) // 10) :].mean()
    rises = [trough + int((epochs[trough:] >= low + share * (high - low)).argmax()) for share in (0.1, 0.5)]
    return np.array([int(epochs[: trough + 1].argmax()), trough, *rises])
