"""Chapter 6's exercises but the whole chain: right answers pass however written, slips are named, nothing else is."""

import functools
import itertools
import math

import answering
import numpy as np
import pytest
import scipy.spatial
import scipy.stats
import torch
import torch.nn.functional as F
from answering import arrays, floats
from nightly import seeds
from torch.distributions import Independent, MultivariateNormal, Normal

from vae_course import exercises, objectives, sampling
from vae_course.exercises import _EXERCISES
from vae_course.exercises.comparing import draw_trials

SEEDS = seeds(2, 20)
TABLE = {
    "mh_accept": {"compares_raw_log", "flipped", "always_uphill"},
    "pcn_proposal": {"random_walk", "one_minus_step", "swapped_weights", "step_squared_noise"},
    "decoder_log_likelihood": {"positive", "missing_half", "sigma_not_squared", "pixel_mean", "summed_over_chains"},
}
pytestmark = pytest.mark.usefixtures("no_rehearsal", "trials_made_once")


# --- right answers ---------------------------------------------------------------------------------------------


def accept_in_a_loop(log_ratio, u):
    accepted = []
    for r, v in zip(log_ratio, u, strict=True):
        if r >= 0:
            accepted.append(True)
        else:
            accepted.append(v < math.exp(r))
    return accepted


def accept_by_mask(log_ratio, u):
    accepted = torch.zeros(len(u), dtype=torch.bool)
    accepted[u.log() < log_ratio] = True
    return accepted


def move_in_loops(z, step, eps):
    root = (1 - step * step) ** 0.5
    return [[root * a + step * b for a, b in zip(p, q, strict=True)] for p, q in zip(z, eps, strict=True)]


def move_in_float32_zeros(z, step, eps):
    out = torch.zeros(z.shape)
    for i in range(len(z)):
        out[i] = z[i] * math.sqrt(1 - step**2) + eps[i] * step
    return out


def likelihood_in_loops(x, x_mean, sigma):
    out = []
    for row in x_mean:
        total = 0.0
        for a, b in zip(x, row, strict=True):
            total -= (a - b) ** 2 / (2 * sigma * sigma) + 0.5 * math.log(2 * math.pi * sigma * sigma)
        out.append(total)
    return out


def expanded(x, x_mean, sigma):
    return -(x @ x - 2 * x_mean @ x + (x_mean**2).sum(1)) / (2 * sigma**2)


RIGHT = {
    "mh_accept": {
        "logarithms": lambda log_ratio, u: u.log() < log_ratio,
        "ratio": lambda log_ratio, u: u < log_ratio.exp(),
        "other names": lambda a, b: torch.log(b) <= a,
        "NumPy": arrays(lambda log_ratio, u: np.log(u) < log_ratio),
        "NumPy ratio, minimum": arrays(lambda log_ratio, u: u < np.minimum(1, np.exp(log_ratio))),
        "loop": floats(accept_in_a_loop),
        "minimum": lambda r, u: u < torch.minimum(torch.ones(len(r), dtype=r.dtype), r.exp()),
        "clamped": lambda r, u: u < r.clamp(max=0).exp(),
        "where": lambda r, u: torch.where(r > 0, torch.tensor(True), u < r.exp()),
        "difference": lambda r, u: u.log() - r < 0,
        "zeros and ones": lambda r, u: (u.log() < r).int(),
        "finite ones alone": lambda r, u: torch.isfinite(r) & (u.log() < r),
        "exponential": lambda r, u: -u.log() > -r,
        "nan mended": lambda r, u: u.log() < r.nan_to_num(nan=-math.inf),
        "expm1": lambda r, u: u - 1 < torch.expm1(r),
        "mask": accept_by_mask,
        "float32": lambda r, u: u.float().log() < r.float(),
        "list of tensors": lambda r, u: [b.log() < a for a, b in zip(r, u, strict=True)],
    },
    "pcn_proposal": {
        "math": lambda z, step, eps: math.sqrt(1 - step**2) * z + step * eps,
        "power": lambda a, b, c: (1 - b * b) ** 0.5 * a + b * c,
        "NumPy": arrays(lambda z, step, eps: np.sqrt(1 - step**2) * z + step * eps),
        "factorised": lambda z, step, eps: z * math.sqrt((1 - step) * (1 + step)) + eps * step,
        "loops": floats(move_in_loops),
        "float32 zeros": move_in_float32_zeros,
        "angle": lambda z, step, eps: z * math.cos(math.asin(step)) + eps * math.sin(math.asin(step)),
        "torch.lerp": lambda z, step, eps: torch.add(math.sqrt(1 - step**2) * z, eps, alpha=step),
        "tensor step": lambda z, step, eps: torch.sqrt(1 - torch.as_tensor(step) ** 2) * z + step * eps,
        "drift form": lambda z, step, eps: z + (math.sqrt(1 - step**2) - 1) * z + step * eps,
        "matrix": lambda z, step, eps: torch.einsum(
            "k,knd->nd",
            torch.tensor([math.sqrt(1 - step**2), step], dtype=z.dtype),
            torch.stack([z, eps]),
        ),
        "in place on a copy": lambda z, step, eps: z.clone().mul_(math.sqrt(1 - step**2)).add_(step * eps),
        "package": lambda z, step, eps: exercises.reference("general_prior_proposal")(
            z := torch.as_tensor(z), 0 * z[0], torch.eye(z.shape[1], dtype=z.dtype), step, torch.as_tensor(eps)
        ),
    },
    "decoder_log_likelihood": {
        "torch": lambda x, x_mean, sigma: -0.5 * ((x - x_mean) ** 2).sum(dim=1) / sigma**2,
        "other names": lambda a, b, c: -((b - a) ** 2).sum(-1) / (2 * c * c),
        "Normal": lambda x, x_mean, sigma: Normal(x_mean, sigma).log_prob(x).sum(1),
        "Independent": lambda x, x_mean, sigma: Independent(Normal(x_mean, sigma), 1).log_prob(x),
        "MultivariateNormal": lambda x, x_mean, sigma: MultivariateNormal(
            x_mean, sigma**2 * torch.eye(len(x), dtype=x.dtype)
        ).log_prob(x),
        "NumPy": arrays(lambda x, x_mean, sigma: -np.sum((x_mean - x) ** 2, axis=1) / (2 * sigma**2)),
        "norms": arrays(lambda x, x_mean, sigma: -(np.linalg.norm(x - x_mean, axis=1) ** 2) / 2 / sigma**2),
        "scipy": arrays(lambda x, x_mean, sigma: scipy.stats.norm(x_mean, sigma).logpdf(x).sum(1)),
        "cdist": arrays(
            lambda x, x_mean, sigma: (
                -0.5 * scipy.spatial.distance.cdist(x_mean, x[None], "sqeuclidean")[:, 0] / sigma**2
            )
        ),
        "loops, normalised": floats(likelihood_in_loops),
        "expanded": expanded,
        "mse_loss": lambda x, x_mean, sigma: (
            -F.mse_loss(x_mean, x.expand_as(x_mean), reduction="none").sum(1) / (2 * sigma**2)
        ),
        "mean times pixels": lambda x, x_mean, sigma: -len(x) * ((x - x_mean) ** 2).mean(1) / (2 * sigma**2),
        "einsum": lambda x, x_mean, sigma: -0.5 / sigma**2 * torch.einsum("cp,cp->c", x - x_mean, x - x_mean),
        "standardised": lambda x, x_mean, sigma: -0.5 * (((x - x_mean) / sigma) ** 2).sum(1),
        "some constant": lambda x, x_mean, sigma: 37 - 0.5 * (((x - x_mean) / sigma) ** 2).sum(1) + x.sum(),
        "wrong constant": lambda x, x_mean, sigma: -0.5 * (((x - x_mean) / sigma) ** 2 - math.log(sigma)).sum(1),
        "float32": lambda x, x_mean, sigma: Normal(x_mean.float(), sigma).log_prob(x.float()).sum(1),
        "one by one": lambda x, x_mean, sigma: [float(-((x - row) ** 2).sum() / 2 / sigma**2) for row in x_mean],
        "package": lambda x, x_mean, sigma: (
            -objectives.gaussian_nll(torch.as_tensor(x).expand(x_mean.shape), torch.as_tensor(x_mean), sigma=sigma)
        ),
        "partial": functools.partial(
            lambda half, x, x_mean, sigma: -half * ((x - x_mean) ** 2).sum(1) * sigma**-2, 0.5
        ),
    },
}


def test_names_slips_and_styles():
    assert exercises.names(chapter=6)[:3] == tuple(TABLE)
    assert {name: set(exercises.slips(name)) for name in TABLE} == TABLE
    assert set(RIGHT) == set(TABLE)
    assert min(map(len, RIGHT.values())) >= 10
    assert {name: set(ways) for name, ways in WRONG.items()} == TABLE
    assert min(len(ways) for by_slip in WRONG.values() for ways in by_slip.values()) >= 4


@pytest.mark.parametrize(("name", "answer"), answering.each_right(RIGHT))
def test_right_answer_passes(name, answer):
    answering.assert_passes(name, answer, SEEDS)


# --- slips -----------------------------------------------------------------------------------------------------


def squares(x, x_mean):
    return (x - x_mean) ** 2


def sum_in_loops(x, x_mean, sigma):
    total = 0.0
    for row in x_mean:
        total -= sum((a - b) ** 2 for a, b in zip(x, row, strict=True)) / (2 * sigma**2)
    return total


WRONG = {
    "mh_accept": {
        "compares_raw_log": [
            lambda log_ratio, u: u < log_ratio,
            lambda log_ratio, u: log_ratio - u >= 0,
            arrays(lambda log_ratio, u: np.less(u, log_ratio)),
            floats(lambda log_ratio, u: [b < a for a, b in zip(log_ratio, u, strict=True)]),
            lambda log_ratio, u: u < log_ratio.clamp(max=0.99999),
            lambda log_ratio, u: ~(u > log_ratio),
        ],
        "flipped": [
            lambda log_ratio, u: u.log() > log_ratio,
            lambda log_ratio, u: u > log_ratio.exp(),
            lambda log_ratio, u: ~(u.log() < log_ratio),
            arrays(lambda log_ratio, u: np.exp(log_ratio) <= u),
            lambda log_ratio, u: u < (-log_ratio).exp(),
            arrays(lambda log_ratio, u: np.log(u) < -log_ratio),
            lambda log_ratio, u: u < 1 / log_ratio.exp(),
            lambda log_ratio, u: log_ratio.isfinite() & (log_ratio < u.log()),
        ],
        "always_uphill": [
            lambda log_ratio, u: log_ratio > 0,
            lambda log_ratio, u: log_ratio >= 0,
            arrays(lambda log_ratio, u: np.exp(log_ratio) >= 1),
            floats(lambda log_ratio, u: [r > 0 for r in log_ratio]),
            lambda log_ratio, u: ~(log_ratio < 0),
            lambda log_ratio, u: log_ratio.sign() == 1,
        ],
    },
    "pcn_proposal": {
        "random_walk": [
            lambda z, step, eps: z + step * eps,
            arrays(lambda z, step, eps: z + step * eps),
            lambda z, step, eps: torch.add(z, eps, alpha=step),
            lambda z, step, eps: torch.stack([a + step * b for a, b in zip(z, eps, strict=True)]),
        ],
        "one_minus_step": [
            lambda z, step, eps: (1 - step) * z + step * eps,
            lambda z, step, eps: z + step * (eps - z),
            lambda z, step, eps: torch.lerp(z, eps, step),
            arrays(lambda z, step, eps: z - step * z + step * eps),
        ],
        "swapped_weights": [
            lambda z, step, eps: step * z + math.sqrt(1 - step**2) * eps,
            arrays(lambda z, step, eps: z * step + eps * np.sqrt(1 - step**2)),
            lambda z, step, eps: exercises.reference("pcn_proposal")(eps, step, z),
            lambda z, step, eps: exercises.reference("pcn_proposal")(z, math.sqrt(1 - step**2), eps),
        ],
        "step_squared_noise": [
            lambda z, step, eps: math.sqrt(1 - step**2) * z + step**2 * eps,
            arrays(lambda z, step, eps: np.sqrt(1 - step**2) * z + np.square(step) * eps),
            lambda z, step, eps: (1 - step * step) ** 0.5 * z + step * step * eps,
            lambda z, step, eps: math.sqrt(1 - step**2) * z + (1 - (1 - step**2)) * eps,
        ],
    },
    "decoder_log_likelihood": {
        "positive": [
            lambda x, x_mean, sigma: 0.5 * squares(x, x_mean).sum(1) / sigma**2,
            lambda x, x_mean, sigma: -Normal(x_mean, sigma).log_prob(x).sum(1),
            arrays(lambda x, x_mean, sigma: ((x - x_mean) ** 2 / (2 * sigma**2)).sum(1)),
            floats(lambda x, x_mean, sigma: [-value for value in likelihood_in_loops(x, x_mean, sigma)]),
        ],
        "missing_half": [
            lambda x, x_mean, sigma: -squares(x, x_mean).sum(1) / sigma**2,
            arrays(lambda x, x_mean, sigma: -(((x - x_mean) / sigma) ** 2).sum(1)),
            lambda x, x_mean, sigma: -squares(x, x_mean).sum(1) / sigma**2 - len(x) * math.log(sigma),
            lambda x, x_mean, sigma: -F.mse_loss(x_mean, x.expand_as(x_mean), reduction="none").sum(1) * sigma**-2,
        ],
        "sigma_not_squared": [
            lambda x, x_mean, sigma: -0.5 * squares(x, x_mean).sum(1) / sigma,
            lambda x, x_mean, sigma: Normal(x_mean, sigma**0.5).log_prob(x).sum(1),
            arrays(lambda x, x_mean, sigma: -((x - x_mean) ** 2).sum(1) / (2 * sigma)),
            lambda x, x_mean, sigma: MultivariateNormal(x_mean, sigma * torch.eye(len(x), dtype=x.dtype)).log_prob(x),
        ],
        "pixel_mean": [
            lambda x, x_mean, sigma: -0.5 * squares(x, x_mean).mean(1) / sigma**2,
            lambda x, x_mean, sigma: Normal(x_mean, sigma).log_prob(x).mean(1),
            arrays(lambda x, x_mean, sigma: -np.mean((x - x_mean) ** 2, axis=-1) / (2 * sigma**2)),
            lambda x, x_mean, sigma: (
                -F.mse_loss(x_mean, x.expand_as(x_mean), reduction="none").mean(1) / (2 * sigma**2)
            ),
        ],
        "summed_over_chains": [
            lambda x, x_mean, sigma: -0.5 * squares(x, x_mean).sum() / sigma**2,
            lambda x, x_mean, sigma: Normal(x_mean, sigma).log_prob(x).sum(),
            lambda x, x_mean, sigma: -0.5 * squares(x, x_mean).sum(0) / sigma**2,
            floats(sum_in_loops),
            arrays(lambda x, x_mean, sigma: [np.sum(scipy.stats.norm(x_mean, sigma).logpdf(x))]),
            lambda x, x_mean, sigma: -0.5 * F.mse_loss(x_mean, x.expand_as(x_mean), reduction="sum") / sigma**2,
        ],
    },
}


@pytest.mark.parametrize(("name", "slip", "answer"), answering.each_wrong(WRONG))
def test_slip_is_named_however_written(name, slip, answer):
    answering.assert_named(name, slip, answer, SEEDS)


TWO_SLIPS = {
    "mh_accept": [
        ({"flipped", "always_uphill"}, lambda log_ratio, u: log_ratio < 0),
    ],
    "pcn_proposal": [
        ({"random_walk", "step_squared_noise"}, lambda z, step, eps: z + step**2 * eps),
        ({"one_minus_step", "step_squared_noise"}, arrays(lambda z, step, eps: (1 - step) * z + step**2 * eps)),
    ],
    "decoder_log_likelihood": [
        ({"positive", "missing_half"}, lambda x, x_mean, sigma: squares(x, x_mean).sum(1) / sigma**2),
        ({"missing_half", "pixel_mean"}, lambda x, x_mean, sigma: -squares(x, x_mean).mean(1) / sigma**2),
        ({"positive", "pixel_mean"}, lambda x, x_mean, sigma: -Normal(x_mean, sigma).log_prob(x).mean(1)),
        ({"missing_half", "sigma_not_squared"}, lambda x, x_mean, sigma: -squares(x, x_mean).sum(1) / sigma),
    ],
}


@pytest.mark.parametrize(("name", "slips", "answer"), answering.each(TWO_SLIPS))
def test_two_slips_are_both_named(name, slips, answer):
    answering.assert_both_named(name, slips, answer, SEEDS)


CALLS = itertools.count()

# --- wrong in other ways ---------------------------------------------------------------------------------------

REMARKS = {
    "mh_accept": [
        ("nan is accepted", lambda r, u: ~(u.log() >= r)),
        ("nan is accepted", arrays(lambda r, u: u < np.fmin(1, np.exp(r)))),
        ("nan is accepted", floats(lambda r, u: [math.log(b) < min(0, a) for a, b in zip(r, u, strict=True)])),
        ("accept every", arrays(lambda r, u: np.log(u) < np.exp(r))),
        ("accept every", lambda r, u: u.log() < r.exp()),
        ("accept every", lambda r, u: torch.ones(len(u), dtype=torch.bool)),
        ("reject every", lambda r, u: torch.zeros(len(u))),
        ("Barker", lambda r, u: u < r.sigmoid()),
        ("Barker", arrays(lambda r, u: u < 1 / (1 + np.exp(-r)))),
        ("1 - u", lambda r, u: 1 - u < r.exp()),
        ("above a half", lambda r, u: r.exp() > 0.5),
        ("overflows", arrays(lambda r, u: np.isfinite(np.exp(r)) & (u < np.exp(r)))),
        ("probability of accepting", lambda r, u: r.exp().clamp(max=1)),
        ("You returned the ratio", lambda r, u: r.exp()),
        ("different results", lambda r, u: u < (-1) ** next(CALLS)),
    ],
    "pcn_proposal": [
        ("SQUARES", lambda z, step, eps: (1 - step**2) * z + step * eps),
        ("left out the square", lambda z, step, eps: math.sqrt(1 - step) * z + step * eps),
        ("roots of 1 - step", lambda z, step, eps: math.sqrt(1 - step) * z + math.sqrt(step) * eps),
        ("not weighted", lambda z, step, eps: math.sqrt(1 - step**2) * z + eps),
        ("no noise", lambda z, step, eps: math.sqrt(1 - step**2) * z),
        ("subtracted the noise", lambda z, step, eps: math.sqrt(1 - step**2) * z - step * eps),
        ("plus under the root", lambda z, step, eps: math.sqrt(1 + step**2) * z + step * eps),
        ("same weight", lambda z, step, eps: math.sqrt(1 - step**2) * (z + eps)),
        ("different results", lambda z, step, eps: math.sqrt(1 - step**2) * z + step * torch.randn(z.shape)),
        ("numbers themselves are right", lambda z, step, eps: (math.sqrt(1 - step**2) * z + step * eps).ravel()),
    ],
    "decoder_log_likelihood": [
        ("no part in your result", lambda x, m, sigma: -0.5 * squares(x, m).sum(1)),
        ("multiplied by the variance", lambda x, m, sigma: -0.5 * squares(x, m).sum(1) * sigma**2),
        ("size of the error", lambda x, m, sigma: -0.5 * (x - m).abs().sum(1) / sigma**2),
        ("size of the error", lambda x, m, sigma: -0.5 * (x - m).norm(dim=1) / sigma**2),
        ("likelihood itself", lambda x, m, sigma: (-0.5 * squares(x, m).sum(1) / sigma**2).exp()),
        ("every pixel", lambda x, m, sigma: -0.5 * squares(x, m) / sigma**2),
        ("every pixel", lambda x, m, sigma: Normal(m, sigma).log_prob(x) + math.log(2 * math.pi * sigma**2) / 2),
        ("before you squared", lambda x, m, sigma: -0.5 * ((x - m).sum(1) / sigma) ** 2),
        ("subtracted the squares", lambda x, m, sigma: -0.5 * (x**2 - m**2).sum(1) / sigma**2),
        ("numbers themselves are right", lambda x, m, sigma: -0.5 * squares(x, m).sum(1, keepdim=True) / sigma**2),
        ("Only differences count", lambda x, m, sigma: -0.6 * squares(x, m).sum(1) / sigma**2),
    ],
}


@pytest.mark.parametrize(("name", "words", "answer"), answering.each(REMARKS))
def test_other_typical_faults_get_a_sentence_and_no_name(name, words, answer):
    answering.assert_not_named(name, answer, SEEDS, words)


UNKNOWN = {
    "mh_accept": [
        lambda r, u: u < 0.5,
        lambda r, u: u.log() < r / 2,
        lambda r, u: u.log() < 2 * r,
        lambda r, u: u.log10() < r,
        lambda r, u: u.log1p() < r,
        lambda r, u: u**2 < r.exp(),
        lambda r, u: (u.log() < r).flip(0),
        lambda r, u: (u.log() < r)[:-1],
        lambda r, u: u,
        lambda r, u: r,
        lambda r, u: (u.log() < r) | (r < -100),
        lambda r, u: (u.log() < r).any(),
        lambda r, u: r > -math.inf,
    ],
    "pcn_proposal": [
        lambda z, step, eps: z,
        lambda z, step, eps: eps,
        lambda z, step, eps: z + eps,
        lambda z, step, eps: z * eps,
        lambda z, step, eps: math.sqrt(1 - step**2) * z + 1.01 * step * eps,
        lambda z, step, eps: math.sqrt(1 - step**2) * z + step * eps.flip(0),
        lambda z, step, eps: math.sqrt(1 - step**2) * z + step * eps[0],
        lambda z, step, eps: math.sqrt(1 - step**2) * z + step * eps.mean(),
        lambda z, step, eps: (1 - step / 2) * z + step * eps,
        lambda z, step, eps: (1 - step**2 / 2) * z + step * eps,
        lambda z, step, eps: math.sqrt(1 - step**2) * eps + step * eps,
        lambda z, step, eps: math.sqrt(step) * z + math.sqrt(1 - step) * eps,
    ],
    "decoder_log_likelihood": [
        lambda x, m, sigma: -0.51 * squares(x, m).sum(1) / sigma**2,
        lambda x, m, sigma: -0.5 * squares(x, m).sum(1) / sigma**3,
        lambda x, m, sigma: -0.5 * squares(x, m).max(1).values / sigma**2,
        lambda x, m, sigma: -0.5 * squares(x, m)[:, 0] / sigma**2,
        lambda x, m, sigma: torch.zeros(len(m)),
        lambda x, m, sigma: m.sum(1),
        lambda x, m, sigma: m.sum(),
        lambda x, m, sigma: (x * m.log().nan_to_num()).sum(1),
        lambda x, m, sigma: squares(x, m).sum().sqrt(),
        lambda x, m, sigma: -0.5 * squares(x, m).sum(1).flip(0) / sigma**2,
        lambda x, m, sigma: -0.5 * squares(x, m)[1:].sum(1) / sigma**2,
        lambda x, m, sigma: -0.5 * (squares(x, m).sum(1) / sigma**2) ** 2,
        lambda x, m, sigma: 0.0,
        lambda x, m, sigma: -0.5 * squares(x, m)[0].sum() / sigma**2,
        # not the same constant for all chains
        lambda x, m, sigma: -0.5 * squares(x, m).sum(1) / sigma**2 + torch.arange(len(m)),
        lambda x, m, sigma: -0.5 * squares(x, m).sum(1) / sigma**2 - 0.1 * (m**2).sum(1),
    ],
}


@pytest.mark.parametrize(("name", "answer"), answering.each(UNKNOWN))
def test_unknown_wrong_answer_is_never_diagnosed(name, answer):
    answering.assert_not_named(name, answer, SEEDS)


def formulas(a, b, c):
    return {
        "pcn_proposal": lambda z, step, eps: a * z + b * eps,
        "decoder_log_likelihood": lambda x, x_mean, sigma: a * ((x - b * x_mean) ** 2).sum(1) / sigma**c,
        "mh_accept": lambda log_ratio, u: a * u.log() < b * log_ratio - 0.2,
    }


def test_random_wrong_formulas_are_never_diagnosed():
    answering.assert_random_formulas_are_not_named(formulas, [-1.7, -0.9, 0.3, 0.6, 0.85, 1.6], SEEDS)


BROKEN = {
    "mh_accept": [
        ("OverflowError", floats(lambda r, u: [b < math.exp(a) for a, b in zip(r, u, strict=True)])),
        ("ambiguous", lambda r, u: u < 1 if r > 0 else u < r.exp()),
        ("in place", lambda r, u: u.log_() < r),
    ],
    "pcn_proposal": [
        ("in place", lambda z, step, eps: z.mul_(math.sqrt(1 - step**2)).add_(step * eps)),
        ("TypeError", lambda z, step, eps: torch.sqrt(1 - step**2) * z),
        ("must take the arguments (z, step, eps)", lambda z, step: z),
    ],
    "decoder_log_likelihood": [
        ("a Normal, where numbers", lambda x, x_mean, sigma: Normal(x_mean, sigma)),
        ("far more", lambda x, x_mean, sigma: torch.zeros(400, 400)),
    ],
}


@pytest.mark.parametrize(("name", "words", "answer"), answering.each(BROKEN))
def test_an_answer_that_cannot_be_judged_gets_a_plain_sentence(name, words, answer):
    answering.assert_broken(name, answer, words)


# --- references and draws --------------------------------------------------------------------------------------


def test_the_reference_proposal_is_the_kernels():
    """The package's pCN, under a flat likelihood that accepts every step, makes the same move from the same noise."""
    z = torch.randn(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    state = sampling.pcn.init(z, lambda z: 0 * z.sum(1))
    generator = torch.Generator().manual_seed(2)
    eps = torch.randn(z.shape, dtype=z.dtype, generator=generator.clone_state())
    moved, _ = sampling.pcn.step(state, lambda z: 0 * z.sum(1), step=0.4, generator=generator)
    torch.testing.assert_close(exercises.reference("pcn_proposal")(z, 0.4, eps), moved.z)


def test_the_reference_likelihood_differs_from_the_objective_by_a_constant():
    generator = torch.Generator().manual_seed(0)
    x, x_mean = torch.rand(9, dtype=torch.float64, generator=generator), torch.rand(5, 9, generator=generator).double()
    gap = exercises.reference("decoder_log_likelihood")(x, x_mean, 0.3) + objectives.gaussian_nll(
        x.expand(5, 9), x_mean, sigma=0.3
    )
    torch.testing.assert_close(gap, gap[0].expand(5))


def test_every_decision_holds_all_kinds_of_ratios():
    for seed in range(20):
        for trial in draw_trials(_EXERCISES["mh_accept"], np.random.default_rng(seed)):
            r, u = trial.inputs.values()
            assert np.isnan(r).any() and np.isneginf(r).any() and (r > 700).any() and (r == 0).any()
            ordinary = np.abs(r) < 5
            gap = np.abs(np.exp(r[ordinary & (r != 0)]) - u[ordinary & (r != 0)])
            assert gap.min() > 0.009  # rounding cannot decide
            assert {True, False} == set(trial.wanted[0][ordinary & (r < 0)].tolist())


def test_a_constant_is_taken_off_and_a_lone_number_is_not():
    exercise = _EXERCISES["decoder_log_likelihood"]
    for trial in draw_trials(exercise, np.random.default_rng(0)):
        assert trial.wanted[0][0] == 0
        summed = trial.faulty[[fault.slips for fault in exercise.faulty].index(("summed_over_chains",))]
        assert summed[0].shape == (len(trial.inputs["x"]),)
