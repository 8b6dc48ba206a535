"""Chapter 10's exercises: right answers pass however they are written, slips are named, nothing else is."""

import math
import statistics

import answering
import numpy as np
import pytest
import scipy.optimize
import torch
from answering import arrays, floats
from nightly import seeds
from torch.distributions import Normal

from vae_course import exercises, latent, linear, objectives
from vae_course.exercises import _EXERCISES
from vae_course.exercises.comparing import draw_trials

SEEDS = seeds(2, 20)
TABLE = {
    "beta_loss": {"beta_on_nll", "beta_twice"},
    "sigma_to_beta": {"not_squared", "inverted"},
    "optimal_sigma": {"variance_returned", "sum_not_mean"},
    "active_units": {"std_for_variance", "uses_logvar"},
    "collapse_threshold": {"ignores_beta", "counts_collapsed"},
}
pytestmark = pytest.mark.usefixtures("no_rehearsal", "trials_made_once")


# --- right answers ---------------------------------------------------------------------------------------------


def loss_in_loops(nll, kl, beta):
    total = 0.0
    for a, b in zip(nll, kl, strict=True):
        total += a + beta * b
    return total / len(nll)


def beta_by_gradients(sigma):
    """The ratio of the two terms' gradients in one loss, over that in the other."""
    error, kl = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (0.7, 1.3))
    (error / (2 * sigma**2) + kl).backward()
    weight = kl.grad / error.grad
    return weight * 0.5


def sigma_by_search(x, x_mean):
    """The maximum of the log-likelihood, found by a search."""
    errors = ((x - x_mean) ** 2).ravel()
    found = scipy.optimize.minimize_scalar(
        lambda s: np.mean(errors) / (2 * np.exp(2 * s)) + s, bounds=(-6, 3), method="bounded", options={"xatol": 1e-9}
    )
    return np.exp(found.x)


def sigma_in_loops(x, x_mean):
    total, count = 0.0, 0
    for row, mean in zip(x, x_mean, strict=True):
        for a, b in zip(row, mean, strict=True):
            total += (a - b) ** 2
            count += 1
    return math.sqrt(total / count)


def units_in_loops(mu, threshold):
    n, count = len(mu), 0
    for column in zip(*mu, strict=True):
        mean = sum(column) / n
        if sum((value - mean) ** 2 for value in column) / n > threshold:
            count += 1
    return count


def units_by_sums(mu, threshold):
    return (((mu**2).mean(0) - mu.mean(0) ** 2) > threshold).sum()


def active_by_cost(eigenvalues, sigma2, beta):
    """Whether a little code along a direction lowers beta times nats plus error, far below the noise."""
    active = 0
    for value in eigenvalues:

        def cost(log_error, value=value):
            return 0.5 * beta * (math.log(value) - log_error) + math.exp(log_error) / (2 * sigma2)

        active += cost(math.log(value) - 1e-5) < cost(math.log(value))
    return active


def active_by_theory(eigenvalues, sigma2, beta):
    values = torch.as_tensor(eigenvalues)
    return linear.linear_optimum(values, latent_dim=len(values), sigma2=sigma2, beta=beta).active


RIGHT = {
    "beta_loss": {
        "torch": lambda nll, kl, beta: (nll + beta * kl).mean(),
        "two means": lambda nll, kl, beta: nll.mean() + beta * kl.mean(),
        "sum": lambda nll, kl, beta: (nll + kl * beta).sum() / len(nll),
        "elbo and the rest": lambda nll, kl, beta: (nll + kl).mean() + (beta - 1) * kl.mean(),
        "NumPy": arrays(lambda nll, kl, beta: np.mean(nll + beta * kl)),
        "NumPy float32": arrays(lambda nll, kl, beta: np.mean(nll.astype(np.float32) + np.float32(beta) * kl)),
        "loops": floats(loss_in_loops),
        "fmean": floats(lambda nll, kl, beta: statistics.fmean(a + beta * b for a, b in zip(nll, kl, strict=True))),
        "float32": lambda nll, kl, beta: (nll.float() + beta * kl.float()).mean(),
        "torch.add": lambda nll, kl, beta: torch.add(nll, kl, alpha=beta).mean(),
        "lerp": lambda nll, kl, beta: torch.lerp(nll, nll + kl, beta).mean(),
        "item": lambda nll, kl, beta: (nll + beta * kl).mean().item(),
    },
    "sigma_to_beta": {
        "square": lambda sigma: sigma**2,
        "product": lambda sigma: sigma * sigma,
        "pow": lambda sigma: math.pow(sigma, 2),
        "exp of logs": lambda sigma: math.exp(2 * math.log(sigma)),
        "NumPy": lambda sigma: np.square(sigma),
        "torch": lambda sigma: torch.tensor(sigma).square(),
        "one over the precision": lambda sigma: 1 / (1 / sigma**2),
        "Normal": lambda sigma: Normal(0.0, sigma).variance,
        "ratio of weights": lambda sigma: 0.5 / (1 / (2 * sigma**2)),
        "gradients": beta_by_gradients,
        # the hidden beta of chapter 1: what a Gaussian loss of unit variance is to the one with sigma
        "package": lambda sigma: objectives.effective_beta(reduction="sum", loss="gaussian", n_pixels=9) * sigma**2,
    },
    "optimal_sigma": {
        "torch": lambda x, x_mean: ((x - x_mean) ** 2).mean().sqrt(),
        "mse_loss": lambda x, x_mean: torch.nn.functional.mse_loss(x_mean, x).sqrt(),
        "norm": lambda x, x_mean: torch.linalg.norm(x - x_mean) / math.sqrt(x.numel()),
        "NumPy": arrays(lambda x, x_mean: np.sqrt(np.mean(np.square(x - x_mean)))),
        "per image first": lambda x, x_mean: ((x - x_mean) ** 2).mean(1).mean(0) ** 0.5,
        "loops": floats(sigma_in_loops),
        "search": arrays(sigma_by_search),
        "spread and bias": lambda x, m: ((x - m).var(correction=0) + (x - m).mean() ** 2).sqrt(),
        "float32": lambda x, x_mean: ((x.float() - x_mean.float()) ** 2).mean().sqrt(),
        "float": lambda x, x_mean: float(((x - x_mean) ** 2).mean()) ** 0.5,
        "log sigma": lambda x, x_mean: torch.exp(0.5 * ((x - x_mean) ** 2).mean().log()),
        "dot": arrays(lambda x, x_mean: np.sqrt(np.dot((x - x_mean).ravel(), (x - x_mean).ravel()) / x.size)),
    },
    "active_units": {
        "torch, n - 1": lambda mu, threshold: (mu.var(dim=0) > threshold).sum(),
        "torch, n": lambda mu, threshold: (mu.var(0, correction=0) > threshold).sum().item(),
        "at least": lambda mu, threshold: (mu.var(dim=0) >= threshold).sum(),
        "NumPy": arrays(lambda mu, threshold: np.sum(np.var(mu, axis=0) > threshold)),
        "NumPy, n - 1": arrays(lambda mu, threshold: int((mu.var(axis=0, ddof=1) > threshold).sum())),
        "standard deviations": lambda mu, threshold: (mu.std(0) > threshold**0.5).sum(),
        "loops": floats(units_in_loops),
        "statistics": floats(lambda mu, t: sum(statistics.pvariance(column) > t for column in zip(*mu, strict=True))),
        "moments": units_by_sums,
        "diagonal of the covariance": arrays(lambda mu, t: np.count_nonzero(np.diag(np.cov(mu.T)) > t)),
        "float32": lambda mu, threshold: (mu.float().var(0) > threshold).int().sum(),
        "as a float": lambda mu, threshold: (mu.var(0) > threshold).double().sum(),
        "len": lambda mu, threshold: len([v for v in mu.var(0) if v > threshold]),
        "package": lambda mu, threshold: latent.active_units(torch.as_tensor(mu), threshold=threshold).sum(),
    },
    "collapse_threshold": {
        "torch": lambda eigenvalues, sigma2, beta: (eigenvalues > beta * sigma2).sum(),
        "at least": lambda eigenvalues, sigma2, beta: (eigenvalues >= sigma2 * beta).sum().item(),
        "NumPy": arrays(lambda eigenvalues, sigma2, beta: np.count_nonzero(eigenvalues > beta * sigma2)),
        "loops": floats(lambda eigenvalues, sigma2, beta: sum(value > beta * sigma2 for value in eigenvalues)),
        "sorted": arrays(lambda v, s, b: len(v) - np.searchsorted(np.sort(v), b * s)),
        "ratio": lambda eigenvalues, sigma2, beta: (eigenvalues / sigma2 > beta).sum(),
        "nats": lambda v, s, b: ((0.5 * (v / (b * s)).log()).clamp(min=0) > 0).sum(),
        "roots": lambda v, s, b: (v.sqrt() > math.sqrt(b * s)).sum(),
        "float32": lambda v, s, b: (v.float() > b * s).float().sum(),
        "weights": lambda v, s, b: ((v - b * s).clamp(min=0).sqrt() != 0).sum(),
        "costs": floats(active_by_cost),
        "theory": active_by_theory,
    },
}


def test_names_slips_and_styles():
    answering.assert_names_and_slips(10, TABLE)
    answering.assert_many_styles(10, RIGHT, least=10)
    answering.assert_many_ways(10, WRONG)


@pytest.mark.parametrize(("name", "answer"), answering.each_right(RIGHT))
def test_right_answer_passes(name, answer):
    answering.assert_passes(name, answer, SEEDS)


# --- slips -----------------------------------------------------------------------------------------------------

WRONG = {
    "beta_loss": {
        "beta_on_nll": [
            lambda nll, kl, beta: (beta * nll + kl).mean(),
            arrays(lambda nll, kl, beta: np.mean(kl) + beta * np.mean(nll)),
            lambda kl, nll, beta: (nll + beta * kl).mean(),
            lambda nll, kl, beta: (beta * nll + kl).sum(),
            floats(lambda nll, kl, beta: [beta * a + b for a, b in zip(nll, kl, strict=True)]),
        ],
        "beta_twice": [
            lambda nll, kl, beta: beta * (nll + kl).mean(),
            lambda nll, kl, beta: (nll + beta**2 * kl).mean(),
            arrays(lambda nll, kl, beta: np.mean(beta * nll + beta * kl)),
            lambda nll, kl, beta: beta * (nll + beta * kl).mean(),
            lambda nll, kl, beta: (nll + beta * (beta * kl)).sum(),
            lambda nll, kl, beta: beta * (nll + kl),
        ],
    },
    "sigma_to_beta": {
        "not_squared": [
            lambda sigma: sigma,
            lambda sigma: abs(sigma),
            lambda sigma: math.sqrt(sigma**2),
            lambda sigma: torch.tensor(sigma),
            lambda sigma: [sigma],
        ],
        "inverted": [
            lambda sigma: 1 / sigma**2,
            lambda sigma: sigma**-2,
            lambda sigma: 1 / (2 * sigma**2),
            lambda sigma: np.reciprocal(sigma * sigma),
            lambda sigma: 2 / sigma**2,
            lambda sigma: math.exp(-2 * math.log(sigma)),
        ],
    },
    "optimal_sigma": {
        "variance_returned": [
            lambda x, x_mean: ((x - x_mean) ** 2).mean(),
            arrays(lambda x, x_mean: np.mean((x - x_mean) ** 2)),
            lambda x, x_mean: torch.nn.functional.mse_loss(x, x_mean),
            floats(lambda x, x_mean: sigma_in_loops(x, x_mean) ** 2),
            lambda x, x_mean: ((x - x_mean) ** 2).mean(dim=1),
            lambda x, x_mean: ((x - x_mean) ** 2).mean(dim=0),
        ],
        "sum_not_mean": [
            lambda x, x_mean: ((x - x_mean) ** 2).sum().sqrt(),
            arrays(lambda x, x_mean: np.linalg.norm(x - x_mean)),
            lambda x, x_mean: ((x - x_mean) ** 2).sum(1).mean().sqrt(),
            lambda x, x_mean: ((x - x_mean) ** 2).mean(1).sum().sqrt(),
            lambda x, x_mean: (x - x_mean).norm(dim=1).mean(),
            lambda x, x_mean: (x - x_mean).norm(dim=1),
            lambda x, x_mean: math.sqrt(torch.nn.functional.mse_loss(x, x_mean, reduction="sum")),
        ],
    },
    "active_units": {
        "std_for_variance": [
            lambda mu, threshold: (mu.std(dim=0) > threshold).sum(),
            arrays(lambda mu, threshold: np.sum(np.std(mu, axis=0) > threshold)),
            floats(lambda mu, t: sum(statistics.stdev(column) > t for column in zip(*mu, strict=True))),
            lambda mu, threshold: (mu.var(0).sqrt() > threshold).sum(),
            lambda mu, threshold: (mu.var(0) > threshold**2).sum(),
        ],
        "uses_logvar": [
            lambda logvar, threshold: (logvar.exp().mean(0) > threshold).sum(),
            lambda logvar, threshold: (logvar.exp().mean(0) < threshold).sum(),
            arrays(lambda logvar, threshold: np.sum(1 - np.exp(logvar).mean(0) > threshold)),
            lambda logvar, threshold: ((0.5 * logvar).exp().mean(dim=0) < 1 - threshold).sum(),
            lambda logvar, threshold: (logvar.exp().var(0, correction=0) > threshold).sum(),
            lambda logvar, threshold: (0.5 * (logvar.exp() - 1 - logvar).mean(0) > threshold).sum().item(),
        ],
    },
    "collapse_threshold": {
        "ignores_beta": [
            lambda eigenvalues, sigma2, beta: (eigenvalues > sigma2).sum(),
            arrays(lambda eigenvalues, sigma2, beta: np.count_nonzero(eigenvalues / sigma2 > 1)),
            floats(lambda eigenvalues, sigma2, beta: len([v for v in eigenvalues if v > sigma2])),
            lambda v, s, b: (v.sqrt() > s**0.5).sum(),
            lambda v, s, b: linear.linear_optimum(torch.as_tensor(v), latent_dim=len(v), sigma2=s).active,
        ],
        "counts_collapsed": [
            lambda eigenvalues, sigma2, beta: (eigenvalues < beta * sigma2).sum(),
            lambda eigenvalues, sigma2, beta: len(eigenvalues) - (eigenvalues > beta * sigma2).sum(),
            arrays(lambda v, s, b: np.searchsorted(np.sort(v), b * s)),
            floats(lambda v, s, b: sum(not value > b * s for value in v)),
        ],
    },
}


@pytest.mark.parametrize(("name", "slip", "answer"), answering.each_wrong(WRONG))
def test_slip_is_named_however_written(name, slip, answer):
    answering.assert_named(name, slip, answer, SEEDS)


TWO_SLIPS = {
    "beta_loss": [({"beta_on_nll", "beta_twice"}, lambda nll, kl, beta: (beta**2 * nll + kl).mean())],
    "sigma_to_beta": [({"not_squared", "inverted"}, lambda sigma: 1 / sigma)],
    "optimal_sigma": [
        ({"variance_returned", "sum_not_mean"}, lambda x, x_mean: ((x - x_mean) ** 2).sum()),
        ({"variance_returned", "sum_not_mean"}, lambda x, x_mean: ((x - x_mean) ** 2).sum(1).mean()),
    ],
    "active_units": [({"std_for_variance", "uses_logvar"}, lambda mu, t: (mu.exp().std(0) > t).sum())],
    "collapse_threshold": [({"ignores_beta", "counts_collapsed"}, lambda v, s, b: (v < s).sum())],
}


@pytest.mark.parametrize(("name", "slips", "answer"), answering.each(TWO_SLIPS))
def test_two_slips_are_both_named(name, slips, answer):
    answering.assert_both_named(name, slips, answer, SEEDS)


# --- wrong in other ways ---------------------------------------------------------------------------------------

REMARKS = {
    "beta_loss": [
        ("Average, as in chapter 1", lambda nll, kl, beta: (nll + beta * kl).sum()),
        ("loss of each image", lambda nll, kl, beta: nll + beta * kl),
        ("no part in your result", lambda nll, kl, beta: (nll + kl).mean()),
        ("divided the KL by beta", lambda nll, kl, beta: (nll + kl / beta).mean()),
        ("right loss divided by beta", lambda nll, kl, beta: (nll / beta + kl).mean()),
        ("1 - beta", lambda nll, kl, beta: ((1 - beta) * nll + beta * kl).mean()),
        ("holds the KL already", lambda nll, kl, beta: (nll + kl + beta * kl).mean()),
        ("Both terms are costs", lambda nll, kl, beta: (nll - beta * kl).mean()),
        ("term is missing", lambda nll, kl, beta: beta * kl.mean()),
        ("KL is missing", lambda nll, kl, beta: nll.mean()),
        ("added beta itself", lambda nll, kl, beta: (nll + kl + beta).mean()),
        ("the more|the larger the batch", lambda nll, kl, beta: nll.mean() + beta * kl.sum()),
        ("weighs less the larger", lambda nll, kl, beta: nll.sum() + beta * kl.mean()),
        ("Their sum|their sum", lambda nll, kl, beta: (nll.mean(), beta * kl.mean())),
        ("opposite sign", lambda nll, kl, beta: -(nll + beta * kl).mean()),
    ],
    "sigma_to_beta": [
        ("twice the right value", lambda sigma: 2 * sigma**2),
        ("half the right value", lambda sigma: sigma**2 / 2),
        ("squared twice", lambda sigma: sigma**4),
        ("took the root", math.sqrt),
        ("number of pixels", lambda sigma: 784 * sigma**2),
        ("number of pixels", lambda sigma: sigma**2 / 784),
        ("opposite sign", lambda sigma: -(sigma**2)),
    ],
    "optimal_sigma": [
        ("leaves their mean out", lambda x, x_mean: (x - x_mean).std()),
        ("leaves their mean out", arrays(lambda x, x_mean: np.std(x - x_mean))),
        ("a sigma for each image", lambda x, x_mean: ((x - x_mean) ** 2).mean(1).sqrt()),
        ("a sigma for each pixel", lambda x, x_mean: ((x - x_mean) ** 2).mean(0).sqrt()),
        ("roots first", lambda x, x_mean: ((x - x_mean) ** 2).mean(1).sqrt().mean()),
        ("roots first", lambda x, x_mean: ((x - x_mean) ** 2).mean(0).sqrt().mean()),
        ("Laplace", lambda x, x_mean: (x - x_mean).abs().mean()),
        ("both signs cancel", lambda x, x_mean: ((x - x_mean).mean() ** 2).sqrt()),
        ("a half too much", lambda x, x_mean: (0.5 * ((x - x_mean) ** 2).mean()).sqrt()),
        ("one less than the number", lambda x, x_mean: (((x - x_mean) ** 2).sum() / (x.numel() - 1)).sqrt()),
        ("logarithm of sigma", lambda x, x_mean: 0.5 * ((x - x_mean) ** 2).mean().log()),
        ("logarithm of the variance", lambda x, x_mean: ((x - x_mean) ** 2).mean().log()),
        ("one over sigma", lambda x, x_mean: ((x - x_mean) ** 2).mean().rsqrt()),
        ("the precision", lambda x, x_mean: 1 / ((x - x_mean) ** 2).mean()),
        ("the images themselves", lambda x, x_mean: x.std(correction=0)),
    ],
    "active_units": [
        ("counted all latents", lambda mu, t: mu.shape[1]),
        ("always 0", lambda mu, t: (mu.var(0) > mu.var(0).max()).sum()),
        ("NOT active", lambda mu, t: (mu.var(0) < t).sum()),
        ("took nothing off", lambda mu, t: ((mu**2).mean(0) > t).sum()),
        ("compared the mean", lambda mu, t: (mu.mean(0) > t).sum()),
        ("size of the mean", lambda mu, t: (mu.mean(0).abs() > t).sum()),
        ("for some image", lambda mu, t: (mu.abs().max(0).values > t).sum()),
        ("single numbers", lambda mu, t: (mu > t).sum()),
        ("single numbers", lambda mu, t: (mu.abs() > t).sum()),
        ("counted images", lambda mu, t: (mu.var(1) > t).sum()),
        ("added the squares up", lambda mu, t: (((mu - mu.mean(0)) ** 2).sum(0) > t).sum()),
        ("root of the threshold", lambda mu, t: (mu.var(0) > t**0.5).sum()),
        ("all numbers at once", lambda mu, t: (mu.var() > t).sum()),
        ("You have the variances", lambda mu, t: mu.var(0)),
        ("they are right", lambda mu, t: mu.var(0) > t),
        ("share of active", arrays(lambda mu, t: np.mean(mu.var(0) > t))),
        ("added the variances up", lambda mu, t: mu.var(0).sum()),
        ("which latents", arrays(lambda mu, t: np.flatnonzero(mu.var(0) > t))),
    ],
    "collapse_threshold": [
        ("`sigma2` has no part", lambda v, s, b: (v > b).sum()),
        ("divided by beta", lambda v, s, b: (b * v > s).sum()),
        ("squared beta", lambda v, s, b: (v > b**2 * s).sum()),
        ("added beta and", lambda v, s, b: (v > b + s).sum()),
        ("took the noise off", lambda v, s, b: (v - s > b * s).sum()),
        ("variances already", lambda v, s, b: (v > b * math.sqrt(s)).sum()),
        ("variances already", lambda v, s, b: (v > b * s**2).sum()),
        ("variances already", lambda v, s, b: (v.sqrt() > b * s).sum()),
        ("variances already", lambda v, s, b: (v**2 > b * s).sum()),
        ("stopped at the first", floats(lambda v, s, b: next((i for i, a in enumerate(v) if a <= b * s), len(v)))),
        ("they are right", lambda v, s, b: v > b * s),
        ("share of active", lambda v, s, b: (v > b * s).double().mean()),
        ("the threshold itself", lambda v, s, b: b * s),
        ("the nats", lambda v, s, b: 0.5 * torch.log(v / (b * s)).clamp(min=0).sum()),
        ("Count them", lambda v, s, b: v[v > b * s]),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("name", "words", "answer"), answering.each(REMARKS))
def test_other_typical_faults_get_a_sentence_and_no_name(name, words, answer):
    answering.assert_not_named(name, answer, SEEDS, words)


UNKNOWN = {
    "beta_loss": [
        lambda nll, kl, beta: 0.0,
        lambda nll, kl, beta: beta,
        lambda nll, kl, beta: (nll + 1.01 * beta * kl).mean(),
        lambda nll, kl, beta: (nll + beta * kl).max(),
        lambda nll, kl, beta: (nll + beta * kl).median() + 1,
        lambda nll, kl, beta: (nll * kl).mean() * beta,
        lambda nll, kl, beta: (nll + beta**3 * kl).mean(),
        lambda nll, kl, beta: (beta**0.5 * nll + kl).mean(),
        lambda nll, kl, beta: (nll + beta**0.5 * kl).mean(),
        lambda nll, kl, beta: (beta * nll + kl / beta).mean(),
        lambda nll, kl, beta: (nll + beta * (kl - 1).abs()).mean(),
        lambda nll, kl, beta: (nll + beta * kl).sum() / (len(nll) - 1),
        lambda nll, kl, beta: (nll + 4.0 * kl).mean(),
    ],
    "sigma_to_beta": [
        lambda sigma: 1.0,
        lambda sigma: 1.01 * sigma**2,
        lambda sigma: sigma**2 + 1,
        lambda sigma: sigma**3,
        lambda sigma: math.log(sigma),
        lambda sigma: math.exp(sigma),
        lambda sigma: 2 * sigma,
        lambda sigma: sigma**2 / (1 + sigma**2),
        lambda sigma: 1 - sigma**2,
    ],
    "optimal_sigma": [
        lambda x, x_mean: 0.2,
        lambda x, x_mean: 1.01 * ((x - x_mean) ** 2).mean().sqrt(),
        lambda x, x_mean: ((x - x_mean) ** 2).median().sqrt(),
        lambda x, x_mean: ((x - x_mean) ** 2).max().sqrt(),
        lambda x, x_mean: ((x**2).mean() - (x_mean**2).mean()).abs().sqrt(),
        lambda x, x_mean: x_mean.std(),
        lambda x, x_mean: ((x - x_mean) ** 4).mean() ** 0.25,
        lambda x, x_mean: ((x - x_mean) ** 2).mean() ** 2,
        lambda x, x_mean: ((x - x_mean) ** 2)[:, 1:].mean().sqrt(),
        lambda x, x_mean: ((x - x_mean) ** 2).sum() / len(x) ** 2,
    ],
    "active_units": [
        lambda mu, t: len(mu),
        lambda mu, t: 1,
        lambda mu, t: (mu.var(0) > t).sum() + 1,
        lambda mu, t: (mu.var(0) > 0.9 * t).sum(),
        lambda mu, t: (mu.var(0) > 1.15 * t).sum(),
        lambda mu, t: (mu.abs().mean(0) > t).sum(),
        lambda mu, t: ((mu - mu.mean(0)).abs().mean(0) > t).sum(),
        lambda mu, t: (mu.max(0).values - mu.min(0).values > t).sum(),
        lambda mu, t: (mu.var(0) > t).sum() / 2,
        lambda mu, t: (mu.var(0) > 0.01).sum(),
        lambda mu, t: (mu.mean(0) < 0).sum(),
        lambda mu, t: (mu.sigmoid().var(0) > t).sum(),
    ],
    "collapse_threshold": [
        lambda v, s, b: len(v),
        lambda v, s, b: 0,
        lambda v, s, b: (v > b * s).sum() + 1,
        lambda v, s, b: (v > 0.94 * b * s).sum(),
        lambda v, s, b: (v > 1.06 * b * s).sum(),
        lambda v, s, b: (v > 2 * b * s).sum(),
        lambda v, s, b: (v > 0.5 * b * s).sum(),
        lambda v, s, b: (v > v.mean()).sum(),
        lambda v, s, b: (v.cumsum(0) / v.sum() < 0.95).sum(),
        lambda v, s, b: (v > b * s).sum() - (v > s).sum(),
        lambda v, s, b: (v[:-1] > b * s).sum() + 1,
    ],
}  # fmt: skip


@pytest.mark.parametrize(("name", "answer"), answering.each(UNKNOWN))
def test_unknown_wrong_answer_is_never_diagnosed(name, answer):
    answering.assert_not_named(name, answer, SEEDS)


def formulas(p, q, r):
    return {
        "beta_loss": lambda nll, kl, beta: (p * nll + q * beta**r * kl).mean(),
        "sigma_to_beta": lambda sigma: p * sigma**q + r,
        "optimal_sigma": lambda x, m: abs(p) * ((x - q * m).abs() ** abs(r)).mean(),
        "active_units": lambda mu, t: (mu.var(0) > abs(p) * t ** (1 + q)).sum() + round(r),
        "collapse_threshold": lambda v, s, b: (v > abs(p) * b**q * s).sum() + round(r),
    }


def test_random_wrong_formulas_are_never_diagnosed():
    answering.assert_random_formulas_are_not_named(formulas, [-1.7, -0.6, 0.3, 0.8, 1.3, 2.2], SEEDS)


BROKEN = {
    "beta_loss": [
        ("in place", lambda nll, kl, beta: nll.add_(beta * kl).mean()),
        ("must take the arguments (nll, kl, beta)", lambda nll, kl: nll),
    ],
    "sigma_to_beta": [("Hand over the function itself", 0.04), ("ZeroDivisionError", lambda sigma: sigma / 0)],
    "optimal_sigma": [("a Normal, where numbers", lambda x, x_mean: Normal(x_mean, 1.0))],
    "active_units": [("NameError", lambda mu, threshold: (log_var.exp() > threshold).sum())],  # noqa: F821
    "collapse_threshold": [("TypeError", lambda v, s, b: len(v > b * s) + "")],
}


@pytest.mark.parametrize(("name", "words", "answer"), answering.each(BROKEN))
def test_an_answer_that_cannot_be_judged_gets_a_plain_sentence(name, words, answer):
    answering.assert_broken(name, answer, words)


# --- inputs and references -------------------------------------------------------------------------------------


def test_no_count_hangs_on_the_divisor_or_on_rounding():
    for seed in range(100):
        for trial in draw_trials(_EXERCISES["active_units"], np.random.default_rng(seed)):
            mu, threshold = trial.inputs["mu"], trial.inputs["threshold"]
            margins = [np.abs(mu.var(axis=0, ddof=ddof) / threshold - 1).min() for ddof in (0, 1)]
            assert min(margins) > 5e-3
            assert np.abs(mu.std(axis=0) / threshold - 1).min() > 5e-3
        for trial in draw_trials(_EXERCISES["collapse_threshold"], np.random.default_rng(seed)):
            values, sigma2, beta = trial.inputs.values()
            assert np.abs(values / (beta * sigma2) - 1).min() > 5e-3
            assert (values > 0).all()


def test_the_reference_for_sigma_is_where_the_log_likelihood_is_the_highest():
    generator = torch.Generator().manual_seed(0)
    x, x_mean = torch.rand(2, 5, 7, dtype=torch.float64, generator=generator)
    best = float(exercises.reference("optimal_sigma")(x, x_mean))
    nll = [objectives.gaussian_nll(x, x_mean, sigma=best * factor).mean().item() for factor in (0.99, 1.0, 1.01)]
    assert nll[1] < min(nll[0], nll[2])


def test_the_references_make_one_story():
    """The loss with beta = sigma^2 and unit variance is sigma^2 times the loss with sigma, whatever the images."""
    generator = torch.Generator().manual_seed(0)
    x, x_mean = torch.rand(2, 5, 7, dtype=torch.float64, generator=generator)
    kl, sigma = torch.rand(5, dtype=torch.float64, generator=generator), 0.3
    loss, beta = exercises.reference("beta_loss"), exercises.reference("sigma_to_beta")(sigma)
    constant = x.shape[1] * (math.log(sigma) + 0.5 * math.log(2 * math.pi))
    with_sigma = loss(objectives.gaussian_nll(x, x_mean, sigma=sigma) - constant, kl, 1.0)
    with_beta = loss(0.5 * ((x - x_mean) ** 2).sum(1), kl, beta)
    torch.testing.assert_close(with_beta, sigma**2 * with_sigma)


@pytest.mark.parametrize(("sigma2", "beta"), [(0.2, 1.0), (0.2, 4.0), (1.0, 0.5)])
def test_the_reference_for_the_collapse_is_what_training_gives(sigma2, beta):
    """A linear VAE trained on data with these variances keeps as many latents as are counted."""
    values = torch.tensor([3.0, 1.3, 0.6, 0.15], dtype=torch.float64)
    model = linear.LinearVAE(torch.zeros(4), 4, sigma2=sigma2, generator=torch.Generator().manual_seed(1))
    linear.fit_linear_vae(model, values.diag(), beta=beta)
    _, kl = model.expected_terms(values.diag())
    assert int((kl > 1e-3).sum()) == int(exercises.reference("collapse_threshold")(values, sigma2, beta))
