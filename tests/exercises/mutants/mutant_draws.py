"""What a mutant that draws at random does: whether its draws have the right law, or show a slip.

Two answers have the same law, as far as can be seen, if the means of many features of many draws agree: moments,
products of neighbours, how often draws repeat. Ten times as many draws are taken as in a check, on inputs of its own.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterator
from typing import Any

import mutant_chains
import mutant_mixtures
import mutant_priors
import numpy as np
import torch
from drawing import KINDS, make_generator

from vae_course import exercises
from vae_course.exercises.running import Stopped, run_guarded

Answer = Callable[..., Any]

SIGMAS = 7.0  # by which a mean may be off: with 1000 features chance does that once in 10^9
SECONDS = 60.0
_PARTS = {
    "sample_prior": mutant_priors,
    "sample_dataset_posterior": mutant_mixtures.OF_DATASET,
    "sample_class": mutant_mixtures.OF_CLASS,
    "pcn_chain": mutant_chains,
}


def compare(name: str, answer: Answer) -> str:
    """ "same" if in some kind of array the draws have the right law and use the generator as they should."""
    right = any(_guarded(lambda kind=kind: _is_right(name, answer, kind)) for kind in KINDS)
    return "same" if right else "different"


def _guarded(work: Callable[[], bool]) -> bool:
    """False if the answer fails, or does not come to its end."""

    def outcome(sink: object) -> bool:
        try:
            return work()
        except Exception:
            return False

    found = run_guarded(outcome, time_limit=SECONDS)
    return not isinstance(found, Stopped) and found


def _is_right(name: str, answer: Answer, kind: str) -> bool:
    if misuses_generator(name, answer, kind):
        return False
    return has_law_of(name, answer, kind, "right", exercises.reference(name))


def has_law_of(name: str, answer: Answer, kind: str, key: str, other: Answer) -> bool:
    """Whether the answer's draws in all scenes look like those of `other`, known by `key`, on torch tensors."""
    part = _PARTS[name]
    for number, scene in enumerate(part.SCENES):
        wanted = _moments_of(name, number, key, other)
        given = _moments(scene(answer, kind, 1000 + number))
        if given[0].shape != wanted[0].shape:
            return False
        error = np.sqrt(given[1] + wanted[1])
        if (np.abs(given[0] - wanted[0]) > SIGMAS * error + 1e-6).any():
            return False
    return True


_known: dict[tuple[str, int, str], tuple[np.ndarray, np.ndarray]] = {}


def _moments_of(name: str, number: int, key: str, other: Answer) -> tuple[np.ndarray, np.ndarray]:
    if (name, number, key) not in _known:
        scene = _PARTS[name].SCENES[number]
        _known[name, number, key] = _moments(scene(other, "torch tensors", 2000 + number))
    return _known[name, number, key]


def _moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of the features, and the variances of these means."""
    return features.mean(axis=0), features.var(axis=0) / len(features)


def misuses_generator(name: str, answer: Answer, kind: str) -> bool:
    """Whether the draws do not follow from the generator's state alone, do not depend on it, or do not move it on."""
    draw = functools.partial(_PARTS[name].draw_few, answer, kind)
    before = _global_states()
    generator = make_generator(kind, 5)
    first, second = draw(generator), draw(generator)
    again, other = draw(make_generator(kind, 5)), draw(make_generator(kind, 6))
    moved_on = not np.array_equal(first, second)
    repeatable = np.array_equal(first, again) and not np.array_equal(first, other)
    return not (moved_on and repeatable and before == _global_states())


def _global_states() -> tuple[bytes, bytes, object]:
    return torch.get_rng_state().numpy().tobytes(), repr(np.random.get_state()).encode(), random.getstate()  # noqa: NPY002


def has_slips(name: str, answer: Answer, slips: set[str], kind: str) -> bool:
    """Whether the draws show all of these slips."""
    return all(_guarded(lambda slip=slip: _shows(name, answer, slip, kind)) for slip in slips)


def _shows(name: str, answer: Answer, slip: str, kind: str) -> bool:
    if slip == "ignores_generator":
        return misuses_generator(name, answer, kind)
    part = _PARTS[name]
    if slip in part.PREDICATES:
        return bool(part.PREDICATES[slip](answer, kind))
    return any(has_law_of(name, answer, kind, f"{slip} {i}", other) for i, other in _ways(part, slip))


def _ways(part: Any, slip: str) -> Iterator[tuple[int, Answer]]:
    yield from enumerate(part.WAYS[slip])
