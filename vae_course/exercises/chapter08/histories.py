"""Histories of a KL with phases: one that was recorded, and random ones of the same kind."""

from __future__ import annotations

import numpy as np

from vae_course.exercises.base import Inputs

# the first 160 steps of a VAE with 784-400-8 units and a Gaussian likelihood of sigma 1, in nats per image: seed 0,
# the embedded digits in batches of 128, Adam at a constant rate of 1e-3; a test trains it again
RECORDED = (
    0.037, 0.127, 0.165, 0.235, 0.437, 0.617, 1.094, 2.1, 3.405, 4.874, 6.466, 6.883, 5.101, 4.149, 3.13, 2.634,
    1.896, 1.301, 1.06, 0.885, 0.702, 0.696, 0.591, 0.577, 0.606, 0.662, 0.751, 0.905, 0.792, 0.736, 0.879, 0.692,
    0.768, 0.617, 0.552, 0.601, 0.501, 0.457, 0.443, 0.519, 0.412, 0.433, 0.38, 0.431, 0.391, 0.412, 0.354, 0.379,
    0.326, 0.366, 0.315, 0.372, 0.325, 0.299, 0.283, 0.31, 0.307, 0.324, 0.286, 0.322, 0.283, 0.341, 0.327, 0.296,
    0.393, 0.402, 0.425, 0.364, 0.338, 0.383, 0.39, 0.414, 0.375, 0.438, 0.501, 0.508, 0.526, 0.515, 0.538, 0.686,
    0.609, 0.683, 0.661, 0.872, 0.753, 0.762, 1.005, 0.877, 0.947, 1.012, 1.003, 1.054, 1.06, 1.054, 1.044, 1.143,
    1.07, 1.158, 1.171, 1.213, 1.197, 1.233, 1.267, 1.329, 1.389, 1.501, 1.511, 1.376, 1.524, 1.493, 1.567, 1.591,
    1.691, 1.646, 1.782, 1.785, 1.84, 1.716, 2.069, 1.579, 1.969, 1.959, 2.016, 1.903, 2.053, 2.063, 2.002, 2.086,
    2.061, 1.995, 1.939, 1.958, 1.957, 1.904, 1.927, 2.055, 2.137, 2.004, 2.005, 2.259, 2.195, 2.128, 2.285, 2.444,
    2.297, 2.491, 2.469, 2.614, 2.434, 2.461, 2.471, 2.45, 2.486, 2.502, 2.599, 2.404, 2.664, 2.322, 2.723, 2.689,
)  # fmt: skip
_APART = 1e-4  # of the spike's height: no step hangs on the rounding of float32


def draw_history(rng: np.random.Generator) -> Inputs:
    """A KL that starts small, spikes, falls and climbs again, noisy, to below or above its spike.

    The mean of the last tenth of its steps tells half of the climb from that of one step more, or one less.
    """
    while True:
        kl = _noisy_history(rng)
        tenth = len(kl) // 10
        slow_rise, *others = (_slow_rise(kl, n) for n in (tenth, tenth + 1, tenth - 1))
        if slow_rise not in others and _clear_cut(kl):
            return {"kl_history": kl}


def _noisy_history(rng: np.random.Generator) -> np.ndarray:
    n = 10 * int(rng.integers(15, 28))
    spike, start_of_climb = int(rng.integers(6, 15)), int(rng.integers(45, 70))
    height, first = rng.uniform(5, 20), rng.uniform(0.02, 0.05)
    low = rng.uniform(0.04, 0.12) * height
    climb = height * rng.uniform(0.3, 1.6)
    step = np.arange(n)
    before = first * (height / first) ** (step / spike)
    falling = low + (height - low) * np.exp(-(step - spike) / rng.uniform(3, 6))
    rising = climb * (1 - np.exp(-np.clip(step - start_of_climb, 0, None) / rng.uniform(20, 45)))
    kl = np.where(step <= spike, before, falling + rising) * np.exp(rng.normal(scale=0.05, size=n))
    kl[-(n // 10) - 1] *= 1.25  # two noisy batches, one before the last tenth and one in it
    kl[-(n // 10)] *= 0.75
    return np.asarray(kl)


def _slow_rise(kl: np.ndarray, n_last: int) -> int:
    """Steps from the trough to half of the climb to the mean of the last `n_last` steps."""
    trough = int((np.maximum.accumulate(kl) - kl).argmax())
    return int((kl[trough:] >= (kl[trough] + kl[-n_last:].mean()) / 2).argmax())


def _clear_cut(kl: np.ndarray) -> bool:
    """Whether the steps asked for are found without a tie, the deepest fall being the one from the spike."""
    highest = np.maximum.accumulate(kl)
    falls = np.sort(highest - kl)
    trough = int((highest - kl).argmax())
    before, low = np.sort(kl[: trough + 1]), kl[trough]
    done = (kl[trough + 1 :] - low) / (kl[-(len(kl) // 10) :].mean() - low)
    gaps = [(falls[-1] - falls[-2]) / falls[-1], (before[-1] - before[-2]) / falls[-1]]
    gaps += [np.abs(done - share).min() for share in (0.1, 0.5)]
    return bool(trough < 90 and kl.argmin() < 6 and min(gaps) > _APART)
