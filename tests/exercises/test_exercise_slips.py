"""Every slip is named however it is written, and no slip is named where there is none."""

import math

import answering
import numpy as np
import pytest
import torch
from nightly import seeds
from torch.distributions import Normal, kl_divergence
from torch.nn import functional as F

from vae_course import exercises
from vae_course.exercises import _EXERCISES

SEEDS = seeds(2, 20)
pytestmark = pytest.mark.usefixtures("no_rehearsal")


def kl(mu, logvar):
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)


def sse(x, x_mean):
    return ((x - x_mean) ** 2).sum(1)


def kl_loops(mu, logvar, term):
    return [
        sum(term(float(m), float(lv)) for m, lv in zip(*rows, strict=True)) for rows in zip(mu, logvar, strict=True)
    ]


def draw_loops(mu, logvar, eps, width):
    rows = zip(mu.tolist(), logvar.tolist(), eps.tolist(), strict=True)
    return [[m + width(lv) * e for m, lv, e in zip(*row, strict=True)] for row in rows]


def kl_std_is_exp(mu, logvar):
    sigma = logvar.exp()
    return kl_divergence(Normal(mu, sigma), Normal(torch.zeros_like(mu), 1.0)).sum(1)


def elbo_loops(x, x_mean, mu, logvar, *, weight=0.5, per_pixel=False, sign=1, divide=True):
    total = 0.0
    for i in range(len(x)):
        error = sum(weight * float(a - b) ** 2 for a, b in zip(x[i], x_mean[i], strict=True))
        total += error / (len(x[i]) if per_pixel else 1)
        total += sign * sum(
            0.5 * (float(m) ** 2 + math.exp(v) - 1 - float(v)) for m, v in zip(mu[i], logvar[i], strict=True)
        )
    return total / len(x) if divide else total


def elbo_of_mse_loss(x, x_mean, mu, logvar):
    return F.mse_loss(x_mean, x) + kl(mu, logvar).mean()


def own_generator(mu, logvar, eps):
    noise = torch.randn(mu.shape, generator=torch.Generator().manual_seed(3))
    return mu + (logvar / 2).exp() * noise


WRONG = {
    "count_outputs": {
        "means_only": [
            lambda latent_dim: latent_dim,
            lambda d: len(np.zeros(d)),
            lambda d: torch.nn.Linear(3, d).out_features,
            lambda d: sum(1 for _ in range(d)),
        ],
    },
    "reparameterize": {
        "logvar_as_std": [
            lambda mu, logvar, eps: mu + logvar * eps,
            lambda mu, logvar, eps: np.asarray(mu) + np.multiply(logvar, eps),
            lambda mu, logvar, eps: draw_loops(mu, logvar, eps, lambda v: v),
            lambda mu, logvar, eps: torch.addcmul(mu.float(), eps.float(), logvar.float()),
            lambda mu, logvar, eps: (mu / logvar + eps) * logvar,
        ],
        "variance_as_std": [
            lambda mu, logvar, eps: mu + logvar.exp() * eps,
            lambda mu, logvar, eps: np.exp(np.asarray(logvar)) * np.asarray(eps) + np.asarray(mu),
            lambda mu, logvar, eps: draw_loops(mu, logvar, eps, math.exp),
            lambda mu, logvar, eps: mu + (0.5 * logvar).exp() ** 2 * eps,
        ],
        "ignores_eps": [
            lambda mu, logvar, eps: mu + (logvar / 2).exp(),
            lambda mu, logvar, eps: mu,
            lambda mu, logvar, eps: mu + np.exp(logvar / 2) * 0,
            lambda mu, logvar, eps: draw_loops(
                mu, logvar, torch.ones_like(torch.as_tensor(eps)), lambda v: math.exp(v / 2)
            ),
            lambda mu, logvar, eps: mu + (logvar / 2).exp() * torch.randn_like(mu),
            lambda mu, logvar, eps: Normal(mu, (logvar / 2).exp()).rsample(),
            lambda mu, logvar, eps: np.random.default_rng().normal(np.asarray(mu), np.exp(np.asarray(logvar) / 2)),
            lambda mu, logvar, eps: mu + (logvar / 2).exp() * np.random.randn(*mu.shape),  # noqa: NPY002
            own_generator,
        ],
        "minus_logvar": [
            lambda mu, logvar, eps: mu + torch.exp(-logvar / 2) * eps,
            lambda mu, logvar, eps: mu + eps / np.sqrt(np.exp(logvar)),
            lambda mu, logvar, eps: draw_loops(mu, logvar, eps, lambda v: math.exp(-0.5 * v)),
            lambda mu, logvar, eps: mu + eps * logvar.neg().exp().sqrt(),
        ],
    },
    "kl_standard_normal": {
        "mean_over_latents": [
            lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean(dim=1),
            lambda mu, logvar: (
                -0.5 * np.mean(1 + np.asarray(logvar) - np.asarray(mu) ** 2 - np.exp(np.asarray(logvar)), -1)
            ),
            lambda mu, logvar: [
                v / mu.shape[1] for v in kl_loops(mu, logvar, lambda m, v: (m * m + math.exp(v) - 1 - v) / 2)
            ],
            lambda mu, logvar: kl(mu.float(), logvar.float()) / mu.shape[1],
        ],
        "summed_over_batch": [
            lambda mu, logvar: kl(mu, logvar).sum(),
            lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(dim=0),
            lambda mu, logvar: -0.5 * np.sum(1 + np.asarray(logvar) - np.asarray(mu) ** 2 - np.exp(np.asarray(logvar))),
            lambda mu, logvar: sum(kl_loops(mu, logvar, lambda m, v: (m * m + math.exp(v) - 1 - v) / 2)),
            lambda mu, logvar: kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(0.0, 1.0)).sum(),
        ],
        "missing_half": [
            lambda mu, logvar: (mu**2 + logvar.exp() - 1 - logvar).sum(1),
            lambda mu, logvar: (
                -np.sum(1 + np.asarray(logvar) - np.asarray(mu) ** 2 - np.exp(np.asarray(logvar)), axis=1)
            ),
            lambda mu, logvar: kl_loops(mu, logvar, lambda m, v: m * m + math.exp(v) - 1 - v),
            lambda mu, logvar: (mu.square() + torch.expm1(logvar) - logvar).float().sum(-1),
        ],
        "wrong_sign": [
            lambda mu, logvar: -kl(mu, logvar),
            lambda mu, logvar: 0.5 * torch.sum(1 + logvar - mu**2 - logvar.exp(), dim=1),
            lambda mu, logvar: kl_loops(mu, logvar, lambda m, v: (1 + v - m * m - math.exp(v)) / 2),
            lambda mu, logvar: (
                0.5 * np.sum(1 + np.asarray(logvar) - np.asarray(mu) ** 2 - np.exp(np.asarray(logvar)), axis=1)
            ),
        ],
        "std_for_logvar": [
            lambda mu, logvar: 0.5 * (mu**2 + (2 * logvar).exp() - 1 - 2 * logvar).sum(1),
            kl_std_is_exp,
            lambda mu, logvar: kl_loops(
                mu, logvar, lambda m, v: (m * m + math.exp(v) ** 2 - 1) / 2 - math.log(math.exp(v))
            ),
            lambda mu, logvar: kl(mu, 2 * logvar),
            lambda mu, logvar: 0.5 * np.sum(np.square(mu) + np.square(np.exp(logvar)) - 1 - np.asarray(logvar), axis=1),
        ],
        "missing_minus_one": [
            lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - logvar).sum(1),
            lambda mu, logvar: kl(mu, logvar) + mu.shape[1] / 2,
            lambda mu, logvar: kl_loops(mu, logvar, lambda m, v: (m * m + math.exp(v) - v) / 2),
            lambda mu, logvar: (
                -0.5 * np.sum(np.asarray(logvar) - np.asarray(mu) ** 2 - np.exp(np.asarray(logvar)), axis=1)
            ),
        ],
        "reverse_kl": [
            lambda mu, logvar: kl_divergence(Normal(torch.zeros_like(mu), 1.0), Normal(mu, (logvar / 2).exp())).sum(1),
            lambda mu, logvar: 0.5 * ((1 + mu**2) / logvar.exp() - 1 + logvar).sum(1),
            lambda mu, logvar: kl_loops(mu, logvar, lambda m, v: (math.exp(-v) * (1 + m * m) - 1 + v) / 2),
            lambda mu, logvar: np.sum(
                np.asarray(logvar) / 2 + (1 + np.asarray(mu) ** 2) / (2 * np.exp(np.asarray(logvar))) - 0.5, axis=1
            ),
        ],
    },
    "negative_elbo": {
        "pixel_mean": [
            lambda x, xm, mu, lv: 0.5 * F.mse_loss(xm, x) + kl(mu, lv).mean(),
            lambda x, xm, mu, lv: (0.5 * ((x - xm) ** 2).mean(1) + kl(mu, lv)).mean(),
            lambda x, xm, mu, lv: (
                np.mean((np.asarray(x) - np.asarray(xm)) ** 2) / 2 + kl(torch.as_tensor(mu), torch.as_tensor(lv)).mean()
            ),
            lambda *args: elbo_loops(*args, per_pixel=True),
        ],
        "kl_subtracted": [
            lambda x, xm, mu, lv: (0.5 * sse(x, xm) - kl(mu, lv)).mean(),
            lambda x, xm, mu, lv: F.mse_loss(xm, x, reduction="sum") / 2 / len(x) - kl(mu, lv).mean(),
            lambda x, xm, mu, lv: 0.5 * sse(x, xm).mean() + 0.5 * (1 + lv - mu**2 - lv.exp()).sum(1).mean(),
            lambda *args: elbo_loops(*args, sign=-1),
        ],
        "missing_half": [
            lambda x, xm, mu, lv: (sse(x, xm) + kl(mu, lv)).mean(),
            lambda x, xm, mu, lv: F.mse_loss(xm, x, reduction="sum") / len(x) + kl(mu, lv).mean(),
            lambda *args: elbo_loops(*args, weight=1),
            lambda x, xm, mu, lv: (0.5 * sse(x, xm) + 2 * kl(mu, lv)).mean(),
            lambda x, xm, mu, lv: (sse(x, xm) + 2 * kl(mu, lv)).mean(),
        ],
        "batch_sum": [
            lambda x, xm, mu, lv: (0.5 * sse(x, xm) + kl(mu, lv)).sum(),
            lambda x, xm, mu, lv: 0.5 * F.mse_loss(xm, x, reduction="sum") + kl(mu, lv).sum(),
            lambda x, xm, mu, lv: 0.5 * F.mse_loss(xm, x, reduction="sum") + kl(mu, lv).mean(),
            lambda x, xm, mu, lv: 0.5 * sse(x, xm).mean() + kl(mu, lv).sum(),
            lambda *args: elbo_loops(*args, divide=False),
        ],
    },
}


@pytest.mark.parametrize(("name", "slip", "answer"), answering.each_wrong(WRONG))
def test_slip_is_named_however_written(name, slip, answer):
    answering.assert_named(name, slip, answer, SEEDS)


def test_every_slip_is_written_in_several_ways():
    answering.assert_many_ways(1, WRONG)


@pytest.mark.parametrize("name", answering.NAMES_OF_FUNCTIONS)
def test_every_faulty_function_is_diagnosed_as_itself(name):
    faulty = _EXERCISES[name].faulty
    few, many = (max(least, checks // len(faulty)) for least, checks in ((2, 60), (6, 300)))  # all cost about the same
    for index, fault in enumerate(faulty):
        for seed in seeds(few, many) if len(fault.slips) == 1 else seeds(1, 3):
            verdict = exercises.check(name, fault.function, seed=1000 * index + seed)
            assert verdict.status == "wrong"
            assert verdict.diagnosis == (fault.slips[0] if fault.slips else None), fault
            assert verdict.also == fault.slips[1:]


TWO_SLIPS = {
    "reparameterize": [
        ({"variance_as_std", "minus_logvar"}, lambda mu, logvar, eps: mu + eps / logvar.exp()),
        ({"variance_as_std", "ignores_eps"}, lambda mu, logvar, eps: mu + logvar.exp()),
    ],
    "kl_standard_normal": [
        ({"mean_over_latents", "wrong_sign"}, lambda mu, logvar: 0.5 * (1 + logvar - mu**2 - logvar.exp()).mean(1)),
        ({"missing_half", "missing_minus_one"}, lambda mu, logvar: (mu**2 + logvar.exp() - logvar).sum(1)),
        ({"summed_over_batch", "missing_half"}, lambda mu, logvar: (mu**2 + logvar.exp() - 1 - logvar).sum()),
    ],
    "negative_elbo": [
        ({"pixel_mean", "missing_half"}, elbo_of_mse_loss),
        ({"missing_half", "kl_subtracted"}, lambda x, xm, mu, lv: (sse(x, xm) - kl(mu, lv)).mean()),
        ({"batch_sum", "missing_half"}, lambda x, xm, mu, lv: F.mse_loss(x, xm, reduction="sum") + kl(mu, lv).sum()),
    ],
}


@pytest.mark.parametrize(("name", "slips", "answer"), answering.each(TWO_SLIPS))
def test_two_slips_are_both_named(name, slips, answer):
    answering.assert_both_named(name, slips, answer, SEEDS)


def test_the_mean_over_pixels_is_named_before_the_missing_half():
    for seed in SEEDS:
        verdict = exercises.check("negative_elbo", elbo_of_mse_loss, seed=seed)
        assert (verdict.status, verdict.diagnosis, verdict.also) == ("wrong", "pixel_mean", ("missing_half",)), verdict


UNKNOWN = {
    "count_outputs": [
        lambda d: 40,
        lambda d: 20,
        lambda d: 2 * d + 1,
        lambda d: 3 * d,
        lambda d: d * d,
        lambda d: -d,
        lambda d: 784,
        lambda d: d + 20,
        lambda d: 0,
    ],
    "reparameterize": [
        lambda mu, logvar, eps: eps,
        lambda mu, logvar, eps: mu + eps,
        lambda mu, logvar, eps: mu - (logvar / 2).exp() * eps,
        lambda mu, logvar, eps: mu * 0,
        lambda mu, logvar, eps: mu + 0.5 * logvar * eps,
        lambda mu, logvar, eps: mu + logvar.sqrt() * eps,
        lambda mu, logvar, eps: (logvar / 2).exp() * eps,
        lambda mu, logvar, eps: mu + (2 * logvar).exp() * eps,
        lambda mu, logvar, eps: mu + (logvar / 2).exp() * eps.flip(0),
        lambda mu, logvar, eps: mu + (logvar / 2).exp() * torch.rand_like(mu),
        lambda mu, logvar, eps: mu + logvar.exp() * torch.randn_like(mu),
        lambda mu, logvar, eps: torch.randn_like(mu),
        lambda mu, logvar, eps: (mu + (logvar / 2).exp() * eps).long(),
        lambda mu, logvar, eps: mu + (logvar / 2).exp() * (eps + torch.randn_like(eps)) / 2**0.5,
    ],
    "kl_standard_normal": [
        lambda mu, logvar: mu.sum(1),
        lambda mu, logvar: torch.zeros(len(mu)),
        lambda mu, logvar: 0.5 * (mu + logvar.exp() - 1 - logvar).sum(1),
        lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - 1 + logvar).sum(1),
        lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() + 1 - logvar).sum(1),
        lambda mu, logvar: 0.5 * (mu**2 + logvar - 1 - logvar.exp()).sum(1),
        lambda mu, logvar: 0.5 * (mu**2).sum(1),
        lambda mu, logvar: kl(mu, logvar).mean(),
        lambda mu, logvar: kl(mu, logvar) * 0.25,
        lambda mu, logvar: kl(mu, logvar) + 1,
        lambda mu, logvar: kl(mu, logvar)[:-1],
        lambda mu, logvar: kl(mu, logvar).flip(0),
        lambda mu, logvar: 0.5 * (mu**2 + (0.5 * logvar).exp() - 1 - logvar).sum(1),
        lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - 1 - torch.log(logvar)).sum(1),
        lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - 1 - logvar),
        lambda mu, logvar: kl(mu, logvar).round(),
        lambda mu, logvar: kl(mu, logvar) * 1.001,
        lambda mu, logvar: kl(mu, logvar)[:, None] + kl(mu, logvar),
        lambda mu, logvar: kl(mu, logvar).long(),
        lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - logvar).sum(1) - 0.5,
    ],
    "negative_elbo": [
        lambda x, xm, mu, lv: 0.5 * sse(x, xm).mean(),
        lambda x, xm, mu, lv: kl(mu, lv).mean(),
        lambda x, xm, mu, lv: -(0.5 * sse(x, xm) + kl(mu, lv)).mean(),
        lambda x, xm, mu, lv: (sse(x, xm).sqrt() + kl(mu, lv)).mean(),
        lambda x, xm, mu, lv: ((x - xm).abs().sum(1) + kl(mu, lv)).mean(),
        lambda x, xm, mu, lv: (0.5 * sse(x, xm) + kl(mu, lv)).max(),
        lambda x, xm, mu, lv: 0.5 * sse(x, xm) + kl(mu, lv),
        lambda x, xm, mu, lv: (0.5 * sse(x, xm) + kl(mu, lv)).mean() * 1.01,
        lambda x, xm, mu, lv: -Normal(xm, 1.0).log_prob(x).sum(1).mean() + kl(mu, lv).mean(),
        lambda x, xm, mu, lv: 0.0,
        lambda x, xm, mu, lv: F.binary_cross_entropy(xm / 2, x / 2, reduction="sum") / len(x) + kl(mu, lv).mean(),
        lambda x, xm, mu, lv: (0.25 * sse(x, xm) + kl(mu, lv)).mean(),
        lambda x, xm, mu, lv: (0.5 * sse(x, xm) + 0.1 * kl(mu, lv)).mean(),
    ],
}


@pytest.mark.parametrize(("name", "answer"), answering.each(UNKNOWN))
def test_unknown_wrong_answer_is_never_diagnosed(name, answer):
    answering.assert_not_named(name, answer, SEEDS)


def test_random_wrong_formulas_are_never_diagnosed():
    """KLs with random coefficients: none of them is a slip, unless the coefficients happen to be a slip's."""
    rng = np.random.default_rng(0)
    for seed in range(60):
        a, b, c, d = rng.choice([-2, -1.5, -0.7, -0.3, 0.3, 0.7, 1.5, 2.5], size=4)
        verdict = exercises.check(
            "kl_standard_normal",
            lambda mu, lv, k=(a, b, c, d): (k[0] * mu**2 + k[1] * lv.exp() + k[2] + k[3] * lv).sum(1),
            seed=seed,
        )
        assert (verdict.status, verdict.diagnosis) == ("wrong", None)
