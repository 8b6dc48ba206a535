"""Exercise of chapter 5: draws from the prior."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vae_course.exercises import chances
from vae_course.exercises.base import Slip
from vae_course.exercises.sampling_answers import Finding, Interview, Sampling

_SIZES = ((3000, 2), (2000, 5))  # n, d of the draws that are judged


def sample_prior(n: int, d: int, generator: torch.Generator) -> Tensor:
    """n independent draws from N(0, I) in d dimensions, (n, d); chapter 5."""
    return torch.randn(n, d, generator=generator)


def _examine(interview: Interview, rng: np.random.Generator) -> Finding:
    for n, d in ((1, 3), (4, 1)):  # a lone draw, a lone latent
        interview.draw({"n": n, "d": d}, (n, d), rng)
    draws = [interview.draw({"n": n, "d": d}, (n, d), rng) for n, d in _SIZES]
    misuse = interview.misuse_of_generator({"n": 3, "d": 2}, (3, 2), rng)
    tests = _tests(draws)
    slips = []
    if not chances.likely(tests.values()):
        slips += ["uniform"] if _are_uniform(draws) else ["scaled"] if _are_scaled(draws) else []
    # numbers that are no random draws at all have a trouble of another kind
    if misuse and (slips or chances.likely(tests.values())):
        slips.append("ignores_generator")
    fine = chances.likely(tests.values())
    return Finding(tests, tuple(slips), misuse, () if fine or slips else _compare(interview))


def _tests(draws: list[np.ndarray]) -> dict[str, float]:
    tests = {"repeats": float(all(len(np.unique(np.abs(z), axis=0)) == len(z) for z in draws))}
    for number, z in enumerate(draws):
        tests |= {f"{name} of call {number}": value for name, value in chances.of_independent_rows(z).items()}
    return tests


def _are_uniform(draws: list[np.ndarray]) -> bool:
    """Whether all numbers of a call are uniform on one interval, wherever it lies."""
    low, high = ([getattr(z, name)() for z in draws] for name in ("min", "max"))
    if any(a == b for a, b in zip(low, high, strict=True)):
        return False
    shares = [(z - a) / (b - a) for z, a, b in zip(draws, low, high, strict=True)]
    return chances.likely(chances.of_uniform(column) for u in shares for column in u.T)


def _are_scaled(draws: list[np.ndarray]) -> bool:
    """Whether the numbers of each call are N(0, I) but for one factor."""
    factors = [np.sqrt((z**2).mean()) for z in draws]
    if min(factors) == 0:
        return False
    return chances.likely(_tests([z / factor for z, factor in zip(draws, factors, strict=True)]).values())


def _compare(interview: Interview) -> tuple[tuple[str, str], ...]:
    n, d = 2000, 2
    z = interview.compare({"n": n, "d": d}, (n, d))
    if z is None:
        return ()
    return (
        ("n, d", f"{n}, {d}"),
        ("wanted mean", "[0, 0], give or take 0.06"),
        ("given mean", np.array2string(z.mean(axis=0), precision=2, suppress_small=True, separator=", ")),
        ("wanted variance", "[1, 1], give or take 0.1"),
        ("given variance", np.array2string(z.var(axis=0), precision=2, suppress_small=True, separator=", ")),
        ("wanted correlation", "0, give or take 0.06"),
        ("given correlation", _correlation(z)),
    )


def _correlation(z: np.ndarray) -> str:
    return f"{np.corrcoef(z.T)[0, 1]:.2f}" if z.std(axis=0).min() > 0 else "none, as nothing varies"


SAMPLE_PRIOR = Sampling(
    name="sample_prior",
    chapter=5,
    arguments=("n", "d", "generator"),
    returns="n rows of d numbers, of shape (n, d)",
    reference=sample_prior,
    examine=_examine,
    kinds=("torch tensors", "NumPy arrays"),
    slips={
        "uniform": Slip(
            "It draws from a uniform law.",
            "Your numbers are uniform: all values between two limits are equally likely, and none lies outside. The "
            "prior is a Gaussian, which is densest at 0 and has no limits. Functions with similar names draw from "
            "different laws: which one draws from N(0, 1)?",
        ),
        "scaled": Slip(
            "The draws are normal, but too wide or too narrow.",
            "Your numbers are normal with mean 0, but their standard deviation is not 1. The prior is N(0, I): "
            "each latent has variance 1, whatever n and d are, and nothing is left to divide or to multiply by. The "
            "decoder was trained on codes of that size.",
        ),
        "ignores_generator": Slip(
            "The random numbers do not come from the generator.",
            "Your random numbers do not come from `generator`, or do not move it on. From the same state of it the "
            "same draws must come, and another call must give other draws: that is what makes a result repeatable. "
            "Hand `generator` to the function that draws, and seed nothing yourself.",
        ),
    },
    hints=(
        "Under the prior the latents are independent, and each is N(0, 1). How many such numbers do you need?",
        r"$z = (z_1, \ldots, z_d)$ with independent $z_j \sim \mathcal{N}(0, 1)$, $n$ times. The generator decides "
        "which numbers come.",
        "In torch, `randn` takes the shape, and the keyword `generator`. If you are handed a NumPy generator, its "
        "method `standard_normal` takes the shape.",
    ),
    praise="Independent N(0, 1) numbers from the generator: the prior needs no data and no encoder.",
)
