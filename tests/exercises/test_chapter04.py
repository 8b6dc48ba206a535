"""Chapter 4's exercises: right answers pass however they are written, slips are named, nothing else is."""

import functools
import itertools
import math
import statistics

import answering
import numpy as np
import pytest
import scipy.linalg
import scipy.special
import scipy.stats
import torch
from nightly import seeds
from torch.distributions import (
    Categorical,
    Independent,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
    kl_divergence,
)

from vae_course import exercises, latent
from vae_course.exercises import _EXERCISES, judging
from vae_course.exercises.comparing import draw_trials, make_trial

SEEDS = seeds(2, 20)
TABLE = {
    "class_mean": {"precision_weighted", "wrong_axis"},
    "class_covariance": {
        "between_only", "within_only", "std_on_diagonal", "logvar_on_diagonal", "elementwise_square",
        "unbiased_divisor", "not_centered",
    },
    "mixture_log_density": {
        "mean_of_logs", "missing_log_count", "product_not_sum", "missing_normalizer", "underflow",
    },
    "mixture_or_sum": {"sum_of_variables", "average_of_variables", "ignores_means"},
    "class_kl_to_prior": {"diagonal_only", "missing_logdet", "reverse_kl", "missing_half"},
}  # fmt: skip


@pytest.fixture(autouse=True)
def quick(no_rehearsal, monkeypatch):
    """Each seed's inputs, and what the faulty functions give on them, are made once for all answers."""
    monkeypatch.setattr(judging, "draw_trials", lambda exercise, rng: draw(exercise.name, int(rng.integers(2**31))))
    monkeypatch.setattr(judging, "make_trial", lambda exercise, inputs: example_trials(exercise.name)[id(inputs)])


@functools.cache
def draw(name, seed):
    return draw_trials(_EXERCISES[name], np.random.default_rng(seed))


@functools.cache
def example_trials(name):
    exercise = _EXERCISES[name]
    return {id(inputs): make_trial(exercise, inputs) for inputs in exercise.examples}


def arrays(function):
    """An answer written for NumPy, given whatever kind of arrays."""
    return lambda *values: function(*(np.asarray(value) for value in values))


def floats(function):
    """An answer written with nested lists of Python floats."""
    return lambda *values: function(*(np.asarray(value).tolist() for value in values))


# --- right answers ---------------------------------------------------------------------------------------------


def mean_in_loops(mu, logvar):
    total = [0.0] * len(mu[0])
    for row in mu:
        for j, value in enumerate(row):
            total[j] += value
    return [value / len(mu) for value in total]


def covariance_in_loops(mu, logvar):
    n, d = len(mu), len(mu[0])
    mean = [sum(row[j] for row in mu) / n for j in range(d)]
    cov = [[0.0] * d for _ in range(d)]
    for i, j, k in itertools.product(range(n), range(d), range(d)):
        cov[j][k] += (mu[i][j] - mean[j]) * (mu[i][k] - mean[k]) / n
        cov[j][k] += math.exp(logvar[i][j]) / n if j == k else 0.0
    return cov


def covariance_as_in_the_notes(mu, logvar):
    mean = mu.mean(0)
    moments = [torch.diag(v.exp()) + torch.outer(m, m) for m, v in zip(mu, logvar, strict=True)]
    return torch.stack(moments).mean(0) - torch.outer(mean, mean)


def covariance_in_float32_zeros(mu, logvar):
    cov = torch.zeros(mu.shape[1], mu.shape[1])
    for m, v in zip(mu - mu.mean(0), logvar, strict=True):
        cov += m[:, None] @ m[None] + v.exp().diag()
    return cov / len(mu)


def log_components(z, mu, logvar):
    squared = ((z[:, None, :] - mu[None]) ** 2 / np.exp(logvar)).sum(-1)
    return -0.5 * (squared + logvar.sum(-1) + mu.shape[1] * np.log(2 * np.pi))


def tensor_components(z, mu, logvar):
    return Independent(Normal(mu, (logvar / 2).exp()), 1).log_prob(z[:, None])


def stable_by_hand(z, mu, logvar):
    logs = log_components(z, mu, logvar)
    top = logs.max(axis=1, keepdims=True)
    return (top + np.log(np.exp(logs - top).mean(axis=1, keepdims=True)))[:, 0]


def stable_in_loops(z, mu, logvar):
    out = []
    for point in z:
        logs = []
        for m, v in zip(mu, logvar, strict=True):
            terms = zip(point, m, v, strict=True)
            logs.append(sum(-0.5 * ((a - b) ** 2 / math.exp(c) + c + math.log(2 * math.pi)) for a, b, c in terms))
        top = max(logs)
        out.append(top + math.log(sum(math.exp(value - top) for value in logs) / len(logs)))
    return out


def mixture_same_family(z, mu, logvar):
    components = Independent(Normal(mu, (logvar / 2).exp()), 1)
    return MixtureSameFamily(Categorical(torch.ones(len(mu))), components).log_prob(z)


def scipy_components(z, mu, logvar):
    rows = [scipy.stats.multivariate_normal(m, np.diag(np.exp(v))).logpdf(z) for m, v in zip(mu, logvar, strict=True)]
    return scipy.special.logsumexp(rows, axis=0, b=1 / len(mu))


def one_after_the_other(z, mu, logvar):
    total = torch.full((len(z),), -math.inf, dtype=z.dtype)
    for m, v in zip(mu, logvar, strict=True):
        total = torch.logaddexp(total, tensor_components(z, m[None], v[None])[:, 0] - math.log(len(mu)))
    return total


def expanded_square(z, mu, logvar):
    precision = np.exp(-logvar)
    squared = z**2 @ precision.T - 2 * z @ (mu * precision).T + (mu**2 * precision).sum(1)
    logs = -0.5 * (squared + logvar.sum(1) + mu.shape[1] * np.log(2 * np.pi))
    return np.logaddexp.reduce(logs - np.log(len(mu)), axis=1)


def moments_in_loops(means, variances):
    n, mean, second = len(means), 0.0, 0.0
    for m, v in zip(means, variances, strict=True):
        mean += m / n
        second += (v + m * m) / n
    return mean, second - mean**2


def kl_distributions(mean, cov):
    prior = MultivariateNormal(torch.zeros_like(mean), torch.eye(len(mean), dtype=mean.dtype))
    return kl_divergence(MultivariateNormal(mean, cov), prior)


def kl_by_slogdet(mean, cov):
    return 0.5 * (np.trace(cov) + np.sum(mean**2) - len(mean) - np.linalg.slogdet(cov)[1])


def kl_by_eigenvalues(mean, cov):
    values = np.linalg.eigvalsh(cov)
    return 0.5 * np.sum(values - 1 - np.log(values)) + 0.5 * mean @ mean


def kl_by_cholesky(mean, cov):
    factor = torch.linalg.cholesky(cov)
    return ((factor**2).sum() + (mean**2).sum() - len(mean)) / 2 - factor.diagonal().log().sum()


def kl_in_loops(mean, cov):
    d = len(mean)
    rows = [row[:] for row in cov]
    log_det = 0.0
    for i in range(d):  # Gaussian elimination; no pivots, as the matrix is positive definite
        log_det += math.log(rows[i][i])
        for j in range(i + 1, d):
            factor = rows[j][i] / rows[i][i]
            rows[j] = [a - factor * b for a, b in zip(rows[j], rows[i], strict=True)]
    return 0.5 * (sum(cov[i][i] + mean[i] ** 2 - 1 for i in range(d)) - log_det)


RIGHT = {
    "class_mean": {
        "torch": lambda mu, logvar: mu.mean(dim=0),
        "other names": lambda a, b: a.mean(0),
        "sum": lambda mu, logvar: mu.sum(0) / mu.shape[0],
        "NumPy": arrays(lambda mu, logvar: np.mean(mu, axis=0)),
        "NumPy average": arrays(lambda mu, logvar: np.average(mu, axis=0, weights=np.ones(len(mu)))),
        "transposed": lambda mu, logvar: mu.T.mean(-1),
        "loops": floats(mean_in_loops),
        "statistics": floats(lambda mu, logvar: [statistics.fmean(column) for column in zip(*mu, strict=True)]),
        "float32": lambda mu, logvar: mu.float().mean(0),
        "NumPy float32": arrays(lambda mu, logvar: mu.astype(np.float32).mean(0)),
        "matrix product": lambda mu, logvar: torch.ones(len(mu)) @ mu / len(mu),
        "einsum": lambda mu, logvar: torch.einsum("nd->d", mu) / len(mu),
        "package": lambda mu, logvar: latent.moment_match(torch.as_tensor(mu), torch.as_tensor(logvar)).mean,
        "partial": functools.partial(lambda axis, mu, logvar: torch.mean(mu, axis), 0),
    },
    "class_covariance": {
        "loops": floats(covariance_in_loops),
        "as in the notes": covariance_as_in_the_notes,
        "float32 zeros": covariance_in_float32_zeros,
        "torch.cov": lambda mu, logvar: torch.cov(mu.T, correction=0) + logvar.exp().mean(0).diag(),
        "np.cov": arrays(lambda mu, logvar: np.cov(mu.T, ddof=0) + np.diag(np.exp(logvar).mean(0))),
        "np.cov of columns": arrays(
            lambda mu, logvar: np.cov(mu, rowvar=False, bias=True) + np.diag(np.mean(np.exp(logvar), 0))
        ),
        "np.cov, divisor mended": arrays(
            lambda mu, logvar: np.cov(mu.T) * (len(mu) - 1) / len(mu) + np.diag(np.exp(logvar).mean(0))
        ),
        "einsum": arrays(
            lambda mu, logvar: (
                np.einsum("ni,nj->ij", mu - mu.mean(0), mu - mu.mean(0)) / len(mu)
                + np.eye(mu.shape[1]) * np.exp(logvar).mean(0)
            )
        ),
        "diag_embed": lambda mu, logvar: (
            torch.diag_embed(logvar.exp()).mean(0) + mu.T @ mu / len(mu) - torch.outer(mu.mean(0), mu.mean(0))
        ),
        "centring matrix": lambda mu, logvar: (
            mu.T @ (torch.eye(len(mu), dtype=mu.dtype) - 1 / len(mu)) @ mu / len(mu) + logvar.exp().mean(0).diag()
        ),
        "float32": lambda mu, logvar: covariance_as_in_the_notes(mu.float(), logvar.float()),
        "sum of standard deviations squared": lambda mu, logvar: (
            torch.cov(mu.T, correction=0) + torch.diag(((logvar / 2).exp() ** 2).mean(0))
        ),
        "package": lambda mu, logvar: latent.moment_match(torch.as_tensor(mu), torch.as_tensor(logvar)).cov,
    },
    "mixture_log_density": {
        "logsumexp": lambda z, mu, logvar: tensor_components(z, mu, logvar).logsumexp(1) - math.log(len(mu)),
        "stable by hand": arrays(stable_by_hand),
        "stable in loops": floats(stable_in_loops),
        "MixtureSameFamily": mixture_same_family,
        "scipy": arrays(scipy_components),
        "one after the other": one_after_the_other,
        "expanded square": arrays(expanded_square),
        "logsumexp of weighted terms": lambda z, mu, logvar: torch.logsumexp(
            tensor_components(z, mu, logvar) + torch.tensor(1 / len(mu)).log(), dim=-1
        ),
        "float32": lambda z, mu, logvar: mixture_same_family(z.float(), mu.float(), logvar.float()),
        "NumPy float32": arrays(lambda *values: stable_by_hand(*(value.astype(np.float32) for value in values))),
        "full covariances": lambda z, mu, logvar: (
            MultivariateNormal(mu, torch.diag_embed(logvar.exp())).log_prob(z[:, None]).logsumexp(1) - math.log(len(mu))
        ),
        "point by point": lambda z, mu, logvar: torch.stack(
            [tensor_components(point[None], mu, logvar).logsumexp(1)[0] - math.log(len(mu)) for point in z]
        ),
        "softmax": lambda z, mu, logvar: (
            lambda logs: logs[:, 0] - logs.log_softmax(1)[:, 0] - math.log(logs.shape[1])
        )(tensor_components(z, mu, logvar)),
        "package": lambda z, mu, logvar: latent.mixture_log_density(*map(torch.as_tensor, (z, mu, logvar))),
    },
    "mixture_or_sum": {
        "torch": lambda means, variances: (means.mean(), variances.mean() + means.var(correction=0)),
        "unbiased=False": lambda means, variances: (means.mean(), variances.mean() + means.var(unbiased=False)),
        "second moment": lambda means, variances: (
            means.mean(),
            (variances + means**2).mean() - means.mean() ** 2,
        ),
        "loops": floats(moments_in_loops),
        "NumPy": arrays(lambda means, variances: (means.mean(), np.mean(variances) + np.var(means))),
        "list": arrays(lambda means, variances: [np.mean(means), np.mean(variances + (means - means.mean()) ** 2)]),
        "statistics": floats(
            lambda means, variances: (
                statistics.fmean(means),
                statistics.fmean(variances) + statistics.pvariance(means),
            )
        ),
        "Python floats": lambda means, variances: (
            float(means.mean()),
            float(variances.mean() + means.var(correction=0)),
        ),
        "float32": lambda means, variances: moments_in_loops(means.float(), variances.float()),
        "MixtureSameFamily": lambda means, variances: (
            lambda mixture: (mixture.mean, mixture.variance)
        )(MixtureSameFamily(Categorical(torch.ones(len(means))), Normal(means, variances.sqrt()))),
        "pairs of components": lambda means, variances: (
            means.mean(),
            variances.mean() + ((means[:, None] - means) ** 2).mean() / 2,
        ),
        "weights": lambda means, variances: (
            lambda w: (w @ means, w @ (variances + means**2) - (w @ means) ** 2)
        )(torch.full_like(means, 1 / len(means))),
    },
    "class_kl_to_prior": {
        "torch": lambda mean, cov: 0.5 * (torch.trace(cov) + mean @ mean - len(mean) - torch.logdet(cov)),
        "distributions": kl_distributions,
        "slogdet": arrays(kl_by_slogdet),
        "eigenvalues": arrays(kl_by_eigenvalues),
        "Cholesky": kl_by_cholesky,
        "loops": floats(kl_in_loops),
        "determinant": arrays(
            lambda mean, cov: float(np.trace(cov) + mean @ mean - len(mean) - np.log(np.linalg.det(cov))) / 2
        ),
        "log of the root": lambda mean, cov: (
            0.5 * (cov.diagonal() + mean**2 - 1).sum() - torch.linalg.det(cov).sqrt().log()
        ),
        "float32": lambda mean, cov: kl_distributions(mean.float(), cov.float()),
        "float": lambda mean, cov: kl_by_cholesky(mean, cov).item(),
        "matrix logarithm": arrays(
            lambda mean, cov: 0.5 * (np.trace(cov) - np.trace(scipy.linalg.logm(cov)) + mean @ mean - len(mean))
        ),
        "log-density gap": arrays(
            lambda mean, cov: 0.5 * (np.trace(cov) + np.linalg.norm(mean) ** 2 + len(mean) * np.log(2 * np.pi))
            - scipy.stats.multivariate_normal(mean, cov).entropy()
        ),
        "package": lambda mean, cov: latent.kl_to_prior(torch.as_tensor(mean), torch.as_tensor(cov)),
    },
}  # fmt: skip


def test_names_slips_and_order_are_those_of_the_course():
    answering.assert_names_and_slips(4, TABLE)


def test_every_exercise_has_a_dozen_styles():
    answering.assert_many_styles(4, RIGHT, least=12)


@pytest.mark.parametrize(("name", "answer"), answering.each_right(RIGHT))
def test_right_answer_passes(name, answer):
    answering.assert_passes(name, answer, SEEDS)


@pytest.mark.parametrize("name", TABLE)
def test_right_answers_pass_with_all_guards(name, monkeypatch):
    monkeypatch.undo()
    assert all(exercises.check(name, answer).passed for answer in list(RIGHT[name].values())[:4])


# --- slips -----------------------------------------------------------------------------------------------------


def covariance_of(mu):
    return torch.cov(mu.T, correction=0)


def mean_variance(logvar):
    return torch.diag(logvar.exp().mean(0))


def covariance_by_row_loop(mu, logvar, *, divisor=0, between=True, centered=True):
    mean, total = mu.mean(0), torch.zeros(mu.shape[1], mu.shape[1], dtype=mu.dtype)
    for m in mu:
        total += torch.outer(m, m) * between
    total = total / len(mu) - torch.outer(mean, mean) * (between and centered)
    return mean_variance(logvar) + total * len(mu) / (len(mu) - divisor)


def naive_scipy(z, mu, logvar):
    gaussians = [scipy.stats.multivariate_normal(m, np.diag(np.exp(v))) for m, v in zip(mu, logvar, strict=True)]
    return np.log(np.mean([gaussian.pdf(z) for gaussian in gaussians], axis=0))


def naive_products(z, mu, logvar):
    """Products of one-dimensional densities, added up in a loop."""
    total = torch.zeros(len(z), dtype=z.dtype)
    for m, v in zip(mu, logvar, strict=True):
        total += torch.prod(torch.exp(-((z - m) ** 2) / (2 * v.exp())) / torch.sqrt(2 * math.pi * v.exp()), dim=1)
    return torch.log(total / len(mu))


def shifted_by_one_for_all(z, mu, logvar):
    logs = log_components(z, mu, logvar)
    return logs.max() + np.log(np.exp(logs - logs.max()).mean(1))


def naive_in_pure_python(z, mu, logvar):
    """math.log(0.0) raises, where NumPy and PyTorch give -inf."""
    densities = []
    for point in z.tolist():
        total = 0.0
        for mean, lv in zip(mu.tolist(), logvar.tolist(), strict=True):
            terms = zip(point, mean, lv, strict=True)
            total += math.prod(
                math.exp(-0.5 * (a - m) ** 2 / math.exp(v)) / math.sqrt(2 * math.pi * math.exp(v)) for a, m, v in terms
            )
        densities.append(math.log(total / len(mu)))
    return densities


def without_determinant(z, mu, logvar):
    return -0.5 * ((z[:, None] - mu) ** 2 / logvar.exp() + math.log(2 * math.pi)).sum(2)


WRONG = {
    "class_mean": {
        "precision_weighted": [
            lambda mu, logvar: (mu / logvar.exp()).sum(0) / (1 / logvar.exp()).sum(0),
            arrays(lambda mu, logvar: np.average(mu, axis=0, weights=np.exp(-logvar))),
            lambda mu, logvar: (torch.softmax(-logvar, dim=0) * mu).sum(0),
            floats(
                lambda mu, logvar: [
                    sum(m * math.exp(-v) for m, v in zip(a, b, strict=True)) / sum(math.exp(-v) for v in b)
                    for a, b in zip(zip(*mu, strict=True), zip(*logvar, strict=True), strict=True)
                ]
            ),
        ],
        "wrong_axis": [
            lambda mu, logvar: mu.mean(dim=1),
            lambda mu, logvar: mu.mean(-1),
            arrays(lambda mu, logvar: np.mean(mu, axis=1)),
            lambda mu, logvar: mu.mean(1, keepdim=True),
            floats(lambda mu, logvar: [sum(row) / len(row) for row in mu]),
        ],
    },
    "class_covariance": {
        "between_only": [
            lambda mu, logvar: torch.cov(mu.T, correction=0),
            arrays(lambda mu, logvar: np.cov(mu, rowvar=False, ddof=0)),
            lambda mu, logvar: (mu - mu.mean(0)).T @ (mu - mu.mean(0)) / len(mu),
            lambda mu, logvar: mu.T @ mu / len(mu) - torch.outer(mu.mean(0), mu.mean(0)),
        ],
        "within_only": [
            lambda mu, logvar: mean_variance(logvar),
            arrays(lambda mu, logvar: np.diag(np.exp(logvar).mean(0))),
            lambda mu, logvar: torch.diag_embed(logvar.exp()).mean(0),
            lambda mu, logvar: covariance_by_row_loop(mu, logvar, between=False),
        ],
        "std_on_diagonal": [
            lambda mu, logvar: covariance_of(mu) + (logvar / 2).exp().mean(0).diag(),
            lambda mu, logvar: covariance_of(mu) + logvar.exp().sqrt().mean(0).diag(),
            arrays(lambda mu, logvar: np.cov(mu.T, ddof=0) + np.diag(np.sqrt(np.exp(logvar).mean(0)))),
            lambda mu, logvar: covariance_of(mu) + torch.diag_embed((0.5 * logvar).exp()).mean(0),
        ],
        "logvar_on_diagonal": [
            lambda mu, logvar: covariance_of(mu) + logvar.mean(0).diag(),
            arrays(lambda mu, logvar: np.cov(mu.T, ddof=0) + np.diag(logvar.mean(0))),
            lambda mu, logvar: (
                torch.stack([v.diag() + torch.outer(m, m) for m, v in zip(mu, logvar, strict=True)]).mean(0)
                - torch.outer(mu.mean(0), mu.mean(0))
            ),
            lambda mu, logvar: (mu - mu.mean(0)).T @ (mu - mu.mean(0)) / len(mu) + torch.diag_embed(logvar).mean(0),
        ],
        "elementwise_square": [
            lambda mu, logvar: mean_variance(logvar) + mu.T @ mu / len(mu) - mu.mean(0) ** 2,
            arrays(lambda mu, logvar: np.diag(np.exp(logvar).mean(0)) + mu.T @ mu / len(mu) - mu.mean(0) ** 2),
            lambda mu, logvar: (
                torch.stack([v.exp().diag() + torch.outer(m, m) for m, v in zip(mu, logvar, strict=True)]).mean(0)
                - mu.mean(0) * mu.mean(0)
            ),
            lambda mu, logvar: mean_variance(logvar) + mu.T @ mu / len(mu) - (mu.mean(0) ** 2)[:, None],
            lambda mu, logvar: mean_variance(logvar) + mu.T @ mu / len(mu) - torch.diag(mu.mean(0) ** 2),
        ],
        "unbiased_divisor": [
            lambda mu, logvar: torch.cov(mu.T) + mean_variance(logvar),
            arrays(lambda mu, logvar: np.cov(mu.T) + np.diag(np.exp(logvar).mean(0))),
            lambda mu, logvar: covariance_by_row_loop(mu, logvar, divisor=1),
            lambda mu, logvar: covariance_as_in_the_notes(mu, logvar) * len(mu) / (len(mu) - 1),
            lambda mu, logvar: covariance_of(mu) + (logvar.exp().sum(0) / (len(mu) - 1)).diag(),
        ],
        "not_centered": [
            lambda mu, logvar: mean_variance(logvar) + mu.T @ mu / len(mu),
            lambda mu, logvar: covariance_by_row_loop(mu, logvar, centered=False),
            arrays(lambda mu, logvar: np.einsum("ni,nj->ij", mu, mu) / len(mu) + np.diag(np.exp(logvar).mean(0))),
            lambda mu, logvar: torch.stack(
                [v.exp().diag() + torch.outer(m, m) for m, v in zip(mu, logvar, strict=True)]
            ).mean(0),
        ],
    },
    "mixture_log_density": {
        "mean_of_logs": [
            lambda z, mu, logvar: tensor_components(z, mu, logvar).mean(1),
            arrays(lambda z, mu, logvar: log_components(z, mu, logvar).mean(-1)),
            lambda z, mu, logvar: tensor_components(z, mu, logvar).sum(1) / len(mu),
            arrays(
                lambda z, mu, logvar: np.mean(
                    [
                        scipy.stats.multivariate_normal(m, np.diag(np.exp(v))).logpdf(z)
                        for m, v in zip(mu, logvar, strict=True)
                    ],
                    axis=0,
                )
            ),
        ],
        "missing_log_count": [
            lambda z, mu, logvar: tensor_components(z, mu, logvar).logsumexp(1),
            arrays(lambda z, mu, logvar: scipy.special.logsumexp(log_components(z, mu, logvar), axis=1)),
            arrays(lambda z, mu, logvar: stable_by_hand(z, mu, logvar) + np.log(len(mu))),
            arrays(lambda z, mu, logvar: np.logaddexp.reduce(log_components(z, mu, logvar), axis=1)),
        ],
        "product_not_sum": [
            lambda z, mu, logvar: tensor_components(z, mu, logvar).sum(1),
            arrays(lambda z, mu, logvar: log_components(z, mu, logvar).sum(1)),
            lambda z, mu, logvar: tensor_components(z, mu, logvar).sum(1) - math.log(len(mu)),
            lambda z, mu, logvar: (tensor_components(z, mu, logvar) - math.log(len(mu))).sum(1),
            lambda z, mu, logvar: sum(
                Normal(m, (v / 2).exp()).log_prob(z).sum(1) for m, v in zip(mu, logvar, strict=True)
            ),
        ],
        "missing_normalizer": [
            lambda z, mu, logvar: without_determinant(z, mu, logvar).logsumexp(1) - math.log(len(mu)),
            lambda z, mu, logvar: (
                torch.logsumexp(-0.5 * ((z[:, None] - mu) ** 2 / logvar.exp()).sum(2), 1) - math.log(len(mu))
            ),
            lambda z, mu, logvar: (
                torch.logsumexp(-0.5 * ((z[:, None] - mu) ** 2 / logvar.exp() + logvar).sum(2), 1) - math.log(len(mu))
            ),
            arrays(lambda z, mu, logvar: stable_by_hand(z, mu, logvar) + mu.shape[1] * np.log(2 * np.pi) / 2),
        ],
        "underflow": [
            naive_in_pure_python,
            lambda z, mu, logvar: tensor_components(z, mu, logvar).exp().mean(1).log(),
            arrays(lambda z, mu, logvar: np.log(np.exp(log_components(z, mu, logvar)).sum(1) / len(mu))),
            arrays(lambda z, mu, logvar: np.log(np.exp(log_components(z, mu, logvar)).sum(1)) - np.log(len(mu))),
            arrays(naive_scipy),
            naive_products,
            arrays(shifted_by_one_for_all),
            lambda z, mu, logvar: mixture_same_family(z, mu, logvar).exp().log(),
            # nan in place of -inf
            lambda z, mu, logvar: (lambda p: p.log() * p / p)(tensor_components(z, mu, logvar).exp().mean(1)),
            # a tiny number that hides it
            lambda z, mu, logvar: torch.log(tensor_components(z, mu, logvar).exp().mean(1) + 1e-300),
            arrays(lambda z, mu, logvar: np.log(np.maximum(np.exp(log_components(z, mu, logvar)).mean(1), 1e-200))),
            lambda z, mu, logvar: torch.log(tensor_components(z, mu, logvar).exp().mean(1) + 1e-30),
        ],
    },
    "mixture_or_sum": {
        "sum_of_variables": [
            lambda means, variances: (means.sum(), variances.sum()),
            arrays(lambda means, variances: (np.sum(means), np.sum(variances))),
            floats(lambda means, variances: [sum(means), sum(variances)]),
            lambda means, variances: (len(means) * means.mean(), len(means) * variances.mean()),
        ],
        "average_of_variables": [
            lambda means, variances: (means.mean(), variances.sum() / len(means) ** 2),
            arrays(lambda means, variances: (means.mean(), variances.mean() / len(means))),
            floats(lambda means, variances: (sum(means) / len(means), sum(v / len(means) ** 2 for v in variances))),
            lambda means, variances: (means.mean(), (variances.sqrt() / len(means)).pow(2).sum()),
        ],
        "ignores_means": [
            lambda means, variances: (means.mean(), variances.mean()),
            arrays(lambda means, variances: (np.mean(means), np.mean(variances))),
            floats(lambda means, variances: (statistics.fmean(means), statistics.fmean(variances))),
            lambda means, variances: [means.sum() / len(means), variances.sum() / len(variances)],
        ],
    },
    "class_kl_to_prior": {
        "diagonal_only": [
            lambda mean, cov: 0.5 * (cov.trace() + mean @ mean - len(mean) - cov.diagonal().log().sum()),
            lambda mean, cov: exercises.reference("kl_standard_normal")(mean[None], cov.diag().log()[None])[0],
            arrays(lambda mean, cov: 0.5 * np.sum(np.diag(cov) + mean**2 - 1 - np.log(np.diag(cov)))),
            lambda mean, cov: kl_divergence(Normal(mean, cov.diag().sqrt()), Normal(0.0, 1.0)).sum(),
            floats(
                lambda mean, cov: sum(
                    0.5 * (cov[i][i] + m * m - 1 - math.log(cov[i][i])) for i, m in enumerate(mean)
                )
            ),
        ],
        "missing_logdet": [
            lambda mean, cov: 0.5 * (cov.trace() + mean @ mean - len(mean)),
            arrays(lambda mean, cov: (np.trace(cov) + np.sum(mean**2) - len(mean)) / 2),
            floats(lambda mean, cov: sum(0.5 * (cov[i][i] + m * m - 1) for i, m in enumerate(mean))),
            lambda mean, cov: 0.5 * (cov.diagonal() + mean**2 - 1).sum(),
        ],
        "reverse_kl": [
            lambda mean, cov: kl_divergence(
                MultivariateNormal(torch.zeros_like(mean), torch.eye(len(mean), dtype=mean.dtype)),
                MultivariateNormal(mean, cov),
            ),
            lambda mean, cov: latent.gaussian_kl(torch.zeros(len(mean)), torch.eye(len(mean)), mean, cov),
            arrays(
                lambda mean, cov: (
                    0.5
                    * (
                        np.trace(np.linalg.inv(cov))
                        + mean @ np.linalg.solve(cov, mean)
                        - len(mean)
                        + np.linalg.slogdet(cov)[1]
                    )
                )
            ),
            lambda mean, cov: 0.5 * (
                torch.linalg.inv(cov).trace() + mean @ torch.linalg.inv(cov) @ mean - len(mean) + torch.logdet(cov)
            ),
        ],
        "missing_half": [
            lambda mean, cov: cov.trace() + mean @ mean - len(mean) - torch.logdet(cov),
            arrays(lambda mean, cov: 2 * kl_by_slogdet(mean, cov)),
            floats(lambda mean, cov: 2 * kl_in_loops(mean, cov)),
            lambda mean, cov: 0.5 * (cov.trace() + mean @ mean - len(mean)) - torch.logdet(cov),
            lambda mean, cov: cov.trace() + mean @ mean - len(mean) - 0.5 * torch.logdet(cov),
            lambda mean, cov: 0.5 * (cov.trace() - len(mean) - torch.logdet(cov)) + mean @ mean,
        ],
    },
}  # fmt: skip


@pytest.mark.parametrize(("name", "slip", "answer"), answering.each_wrong(WRONG))
def test_slip_is_named_however_written(name, slip, answer):
    answering.assert_named(name, slip, answer, SEEDS)


def test_every_slip_is_written_in_several_ways():
    answering.assert_many_ways(4, WRONG)


TWO_SLIPS = {
    "class_mean": [
        ({"precision_weighted", "wrong_axis"}, lambda mu, logvar: (torch.softmax(-logvar, dim=1) * mu).sum(1)),
    ],
    "class_covariance": [
        ({"between_only", "unbiased_divisor"}, arrays(lambda mu, logvar: np.cov(mu.T))),
        ({"between_only", "unbiased_divisor"}, lambda mu, logvar: torch.cov(mu.T)),
        ({"between_only", "not_centered"}, lambda mu, logvar: mu.T @ mu / len(mu)),
        ({"between_only", "elementwise_square"}, lambda mu, logvar: mu.T @ mu / len(mu) - mu.mean(0) ** 2),
        (
            {"std_on_diagonal", "unbiased_divisor"},
            lambda mu, logvar: torch.cov(mu.T) + (logvar / 2).exp().mean(0).diag(),
        ),
        ({"std_on_diagonal", "within_only"}, lambda mu, logvar: (logvar / 2).exp().mean(0).diag()),
        ({"logvar_on_diagonal", "unbiased_divisor"}, lambda mu, logvar: torch.cov(mu.T) + logvar.mean(0).diag()),
        ({"logvar_on_diagonal", "not_centered"}, lambda mu, logvar: mu.T @ mu / len(mu) + logvar.mean(0).diag()),
        (
            {"std_on_diagonal", "elementwise_square"},
            lambda mu, logvar: mu.T @ mu / len(mu) + (logvar / 2).exp().mean(0).diag() - mu.mean(0) ** 2,
        ),
    ],
    "mixture_log_density": [
        ({"missing_log_count", "underflow"}, lambda z, mu, lv: tensor_components(z, mu, lv).exp().sum(1).log()),
        ({"product_not_sum", "underflow"}, lambda z, mu, lv: tensor_components(z, mu, lv).exp().prod(1).log()),
        ({"mean_of_logs", "underflow"}, lambda z, mu, lv: tensor_components(z, mu, lv).exp().log().mean(1)),
        ({"missing_normalizer", "underflow"}, lambda z, mu, lv: without_determinant(z, mu, lv).exp().mean(1).log()),
        ({"missing_normalizer", "missing_log_count"}, lambda z, mu, lv: without_determinant(z, mu, lv).logsumexp(1)),
        ({"missing_normalizer", "mean_of_logs"}, lambda z, mu, lv: without_determinant(z, mu, lv).mean(1)),
        ({"missing_normalizer", "product_not_sum"}, lambda z, mu, lv: without_determinant(z, mu, lv).sum(1)),
    ],
    "class_kl_to_prior": [
        (
            {"diagonal_only", "missing_half"},
            lambda mean, cov: (cov.diagonal() + mean**2 - 1 - cov.diagonal().log()).sum(),
        ),
        ({"missing_logdet", "missing_half"}, lambda mean, cov: cov.trace() + mean @ mean - len(mean)),
        (
            {"diagonal_only", "reverse_kl"},
            lambda mean, cov: kl_divergence(Normal(torch.zeros_like(mean), 1.0), Normal(mean, cov.diag().sqrt())).sum(),
        ),
        (
            {"reverse_kl", "missing_logdet"},
            lambda mean, cov: 0.5 * (cov.inverse().trace() + mean @ cov.inverse() @ mean - len(mean)),
        ),
    ],
}


@pytest.mark.parametrize(("name", "slips", "answer"), answering.each(TWO_SLIPS))
def test_two_slips_are_both_named(name, slips, answer):
    answering.assert_both_named(name, slips, answer, SEEDS)


# --- wrong in other ways ---------------------------------------------------------------------------------------

REMARKS = {
    "class_mean": [
        ("did not divide", lambda mu, logvar: mu.sum(0)),
        ("Keep one number for each latent", lambda mu, logvar: mu.mean()),
        ("median", arrays(lambda mu, logvar: np.sort(mu, axis=0)[(len(mu) - 1) // 2])),
        ("standard deviation", arrays(lambda mu, lv: np.average(mu, axis=0, weights=np.exp(-lv / 2)))),
        ("by its variance", arrays(lambda mu, lv: np.average(mu, axis=0, weights=np.exp(lv)))),
        ("Only the mean", lambda mu, logvar: (mu.mean(0), logvar.exp().mean(0))),
        ("numbers themselves are right", lambda mu, logvar: mu.mean(0, keepdim=True)),
        ("different results", lambda mu, logvar: (mu + (logvar / 2).exp() * torch.randn_like(mu)).mean(0)),
        ("opposite sign", lambda mu, logvar: -mu.mean(0)),
    ],
    "class_covariance": [
        ("variance of each latent", lambda mu, logvar: logvar.exp().mean(0) + torch.var(mu, 0)),
        ("zeros beside it", lambda mu, logvar: torch.diag(logvar.exp().mean(0) + torch.var(mu, 0))),
        ("variance of each latent", lambda mu, logvar: logvar.exp().mean(0) + mu.var(0, correction=0)),
        ("zeros beside it", lambda mu, logvar: torch.diag(logvar.exp().mean(0) + mu.var(0, correction=0))),
        ("to every row", lambda mu, logvar: logvar.exp().mean(0) + covariance_of(mu)),
        ("to every row", arrays(lambda mu, logvar: np.cov(mu.T) + np.exp(logvar).mean(0))),
        ("averaged the log-variances", lambda mu, logvar: torch.diag(logvar.mean(0).exp()) + covariance_of(mu)),
        ("did not divide", lambda mu, logvar: len(mu) * covariance_as_in_the_notes(mu, logvar)),
        ("squared the variances", lambda mu, lv: (lv.exp() ** 2).mean(0).diag() + covariance_of(mu)),
        ("images with images", arrays(lambda mu, logvar: np.cov(mu))),
        ("correlations", arrays(lambda mu, logvar: np.corrcoef(mu, rowvar=False))),
        ("minus sign", lambda mu, logvar: mean_variance(logvar) - covariance_of(mu)),
    ],
    "mixture_log_density": [
        ("the density itself", lambda z, mu, lv: mixture_same_family(z, mu, lv).exp()),
        (
            "ALL its latents",
            lambda z, mu, lv: (Normal(mu, (lv / 2).exp()).log_prob(z[:, None]).logsumexp(1) - math.log(len(mu))).sum(1),
        ),
        (
            "ONE Gaussian",
            lambda z, mu, lv: MultivariateNormal(mu.mean(0), covariance_of(mu) + mean_variance(lv)).log_prob(z),
        ),
        ("exp(2 logvar)", lambda z, mu, lv: mixture_same_family(z, mu, 2 * lv)),
        ("subtracts its logarithm", lambda z, mu, lv: tensor_components(z, mu, lv).logsumexp(1) + math.log(len(mu))),
        ("divided the logarithm", lambda z, mu, lv: tensor_components(z, mu, lv).logsumexp(1) / len(mu)),
        ("nearest component", lambda z, mu, lv: tensor_components(z, mu, lv).max(1).values),
        ("over the points", lambda z, mu, lv: tensor_components(z, mu, lv).logsumexp(0) - math.log(len(mu))),
        ("over the points", lambda z, mu, lv: tensor_components(z, mu, lv).exp().mean(0).log()),
        ("log-density of each component", tensor_components),
        ("opposite sign", lambda z, mu, lv: -mixture_same_family(z, mu, lv)),
        (
            "SMALLEST",
            lambda z, mu, lv: (lambda logs, low: low[:, 0] + (logs - low).exp().mean(1).log())(
                tensor_components(z, mu, lv), tensor_components(z, mu, lv).min(1, keepdim=True).values
            ),
        ),
    ],
    "mixture_or_sum": [
        ("standard deviation", lambda m, v: (m.mean(), (v.mean() + m.var(correction=0)).sqrt())),
        ("one less than their number", lambda m, v: (m.mean(), v.mean() + torch.var(m))),
        ("one less than their number", arrays(lambda m, v: (m.mean(), v.mean() + m.var(ddof=1)))),
        ("second moment", lambda m, v: (m.mean(), (v + m**2).mean())),
        ("means alone", arrays(lambda m, v: (m.mean(), m.var()))),
        ("means alone", lambda m, v: (m.mean(), torch.var(m))),
        ("wrong order", lambda m, v: (v.mean() + m.var(correction=0), m.mean())),
        ("multiplied the densities", lambda m, v: ((m / v).sum() / (1 / v).sum(), 1 / (1 / v).sum())),
        ("as for a sum", lambda m, v: (m.mean(), v.sum())),
        ("square belongs", lambda m, v: (m.mean(), (v + m**2).mean() - m.mean())),
    ],
    "class_kl_to_prior": [
        ("sign of the log-determinant", lambda m, c: 0.5 * (c.trace() + m @ m - len(m) + torch.logdet(c))),
        ("1 for each", lambda m, c: 0.5 * (c.trace() + m @ m - torch.logdet(c))),
        ("1 for each", lambda m, c: 0.5 * (c.trace() + m @ m - 1 - torch.logdet(c))),
        ("squared length of the mean", lambda m, c: 0.5 * (c.trace() - len(m) - torch.logdet(c))),
        ("enters squared", lambda m, c: 0.5 * (c.trace() + torch.linalg.norm(m) - len(m) - torch.logdet(c))),
        ("the determinant itself", lambda m, c: 0.5 * (c.trace() + m @ m - len(m) - torch.det(c))),
        ("in bits", arrays(lambda m, c: kl_by_slogdet(m, c) / np.log(2))),
        ("adds up over them", arrays(lambda m, c: kl_by_slogdet(m, c) / len(m))),
        ("square of `cov`", arrays(lambda m, c: kl_by_slogdet(m, c @ c))),
        ("whole matrix", lambda m, c: 0.5 * (c.sum() + m @ m - len(m) - torch.logdet(c))),
        ("opposite sign", lambda m, c: -kl_by_cholesky(m, c)),
        ("numbers themselves are right", lambda m, c: kl_by_cholesky(m, c)[None]),
    ],
}


@pytest.mark.parametrize(("name", "words", "answer"), answering.each(REMARKS))
def test_other_typical_faults_get_a_sentence_and_no_name(name, words, answer):
    answering.assert_not_named(name, answer, SEEDS, words)


UNKNOWN = {
    "class_mean": [
        lambda mu, logvar: logvar.mean(0),
        lambda mu, logvar: mu[0],
        lambda mu, logvar: mu.max(0).values,
        lambda mu, logvar: (mu * logvar).mean(0),
        lambda mu, logvar: mu.mean(0) * 1.001,
        lambda mu, logvar: mu.sum(0) / (len(mu) - 1),
        lambda mu, logvar: mu.mean(0).flip(0),
        lambda mu, logvar: mu.mean(1)[:-1],
        lambda mu, logvar: mu,
        lambda mu, logvar: (mu / logvar).sum(0) / (1 / logvar).sum(0),
        lambda mu, logvar: torch.zeros(mu.shape[1]),
    ],
    "class_covariance": [
        lambda mu, logvar: torch.eye(mu.shape[1]),
        lambda mu, logvar: torch.zeros(mu.shape[1], mu.shape[1]),
        lambda mu, logvar: covariance_of(mu) + logvar.exp().mean(),
        lambda mu, logvar: covariance_of(mu) + torch.eye(mu.shape[1]) * logvar.exp().mean(),
        lambda mu, logvar: covariance_as_in_the_notes(mu, logvar).inverse(),
        lambda mu, logvar: covariance_as_in_the_notes(mu, logvar) * 1.01,
        lambda mu, logvar: covariance_of(mu) + torch.cov(logvar.T, correction=0),
        lambda mu, logvar: covariance_of(mu) + logvar.exp()[0].diag(),
        lambda mu, logvar: mean_variance(logvar) + mu.T @ mu / len(mu) - mu.mean() ** 2,
        lambda mu, logvar: mean_variance(logvar) + mu.T @ mu / len(mu) + torch.outer(mu.mean(0), mu.mean(0)),
        lambda mu, logvar: mean_variance(logvar) + mu.T @ mu - torch.outer(mu.mean(0), mu.mean(0)),
        lambda mu, logvar: covariance_as_in_the_notes(mu, logvar).sqrt(),
        lambda mu, logvar: covariance_as_in_the_notes(mu, logvar)[:-1],
        lambda mu, logvar: covariance_of(mu) + (-logvar).exp().mean(0).diag(),
        lambda mu, logvar: torch.linalg.cholesky(covariance_as_in_the_notes(mu, logvar)),
    ],
    "mixture_log_density": [
        lambda z, mu, lv: z.sum(1),
        lambda z, mu, lv: torch.zeros(len(z)),
        lambda z, mu, lv: mixture_same_family(z, mu, -lv),
        lambda z, mu, lv: mixture_same_family(z, mu, lv / 2),
        lambda z, mu, lv: mixture_same_family(z, mu, 0 * lv),
        lambda z, mu, lv: mixture_same_family(z, mu, lv)[:-1],
        lambda z, mu, lv: mixture_same_family(z, mu, lv).flip(0),
        lambda z, mu, lv: mixture_same_family(z, mu, lv).mean(),
        lambda z, mu, lv: mixture_same_family(z, mu, lv) * 1.01,
        lambda z, mu, lv: mixture_same_family(z, mu, lv) / math.log(2),
        lambda z, mu, lv: tensor_components(z, mu, lv).logsumexp(1) - math.log(len(z)),
        lambda z, mu, lv: tensor_components(z, mu, lv).logsumexp(1) - math.log(mu.shape[1]),
        lambda z, mu, lv: Normal(0.0, 1.0).log_prob(z).sum(1),
        lambda z, mu, lv: mixture_same_family(z, mu, lv).round(),
        lambda z, mu, lv: tensor_components(z, mu, lv).median(1).values,
        # right near the data, and far away something other than rounded to 0
        lambda z, mu, lv: mixture_same_family(z, mu, lv) - 0.1 * z.norm(dim=1) * (z.norm(dim=1) > 50),
    ],
    "mixture_or_sum": [
        lambda m, v: (m.mean(), v.max()),
        lambda m, v: (m.median(), v.mean() + m.var(correction=0)),
        lambda m, v: (m.mean(), v.mean() * m.var(correction=0)),
        lambda m, v: (m.mean(), v.mean() - m.var(correction=0)),
        lambda m, v: (m.sum(), v.mean()),
        lambda m, v: (m.sum(), v.sum() / len(v) ** 2),
        lambda m, v: (m.mean(), v.mean() + m.std(correction=0)),
        lambda m, v: (m.mean(), v.sum() / len(v) ** 2 + m.var(correction=0)),
        lambda m, v: (m.mean(), 0.0),
        lambda m, v: (m.mean() * 1.01, v.mean() + m.var(correction=0)),
        lambda m, v: (m.mean(), v.mean() / 2),
    ],
    "class_kl_to_prior": [
        lambda m, c: 0.0,
        lambda m, c: m @ m / 2,
        lambda m, c: -torch.logdet(c) / 2,
        lambda m, c: kl_by_cholesky(m, c) * 1.01,
        lambda m, c: kl_by_cholesky(m, c) + kl_by_cholesky(0 * m, c),
        lambda m, c: kl_by_cholesky(m, c.inverse()),
        lambda m, c: 0.5 * (c.trace() + m.abs().sum() - len(m) - torch.logdet(c)),
        lambda m, c: 0.5 * (c.norm() + m @ m - len(m) - torch.logdet(c)),
        lambda m, c: 0.25 * (c.trace() + m @ m - len(m) - torch.logdet(c)),
        lambda m, c: 0.5 * (c.trace() + m @ m - len(m) - torch.logdet(c) / math.log(10)),
        lambda m, c: 0.5 * (c.trace() + m @ m + len(m) - torch.logdet(c)),
        lambda m, c: MultivariateNormal(m, c).entropy(),
    ],
}


@pytest.mark.parametrize(("name", "answer"), answering.each(UNKNOWN))
def test_unknown_wrong_answer_is_never_diagnosed(name, answer):
    answering.assert_not_named(name, answer, SEEDS)


def test_random_wrong_formulas_are_never_diagnosed():
    """Second moments with random coefficients: none of them is a slip."""
    rng = np.random.default_rng(0)
    for seed in range(60):
        a, b, c = rng.choice([-2, -1.5, -0.7, 0.3, 0.7, 1.5, 2.5], size=3)

        def covariance(mu, logvar, a=a, b=b, c=c):
            mean = mu.mean(0)
            return a * mean_variance(logvar) + b * mu.T @ mu / len(mu) + c * torch.outer(mean, mean)

        def kl(mean, cov, a=a, b=b, c=c):
            return a * cov.trace() + b * mean @ mean - 0.5 * len(mean) + c * torch.logdet(cov)

        for name, answer in (("class_covariance", covariance), ("class_kl_to_prior", kl)):
            verdict = exercises.check(name, answer, seed=seed % len(SEEDS))
            assert (verdict.status, verdict.diagnosis) == ("wrong", None), (verdict, a, b, c)


BROKEN = {
    "class_mean": [
        ("mean_of", lambda mu, logvar: mu.mean_of(0)),
        ("far more", lambda mu, logvar: torch.zeros(400, 400)),
    ],
    "class_covariance": [
        ("size", lambda mu, logvar: torch.cov(mu) + mean_variance(logvar)),
        ("in place", lambda mu, logvar: mu.sub_(mu.mean(0)).T @ mu / len(mu) + mean_variance(logvar)),
    ],
    "mixture_log_density": [("in place", lambda z, mu, logvar: mixture_same_family(z, mu, logvar.exp_().log()))],
    "mixture_or_sum": [
        ("must return 2 values", lambda means, variances: means.mean()),
        ("Wanted: two numbers", lambda means, variances: (means.mean(), variances.mean(), 0.0)),
    ],
    "class_kl_to_prior": [("where numbers are wanted", lambda mean, cov: MultivariateNormal(mean, cov))],
}


@pytest.mark.parametrize(("name", "words", "answer"), answering.each(BROKEN))
def test_an_answer_that_cannot_be_judged_gets_a_plain_sentence(name, words, answer):
    verdict = exercises.check(name, answer, seed=0)
    assert verdict.status == "broken"
    assert words in verdict.message, verdict


# --- references ------------------------------------------------------------------------------------------------


def test_references_agree_with_the_packages_functions():
    rng = np.random.default_rng(0)
    generator = torch.Generator().manual_seed(0)
    mu, logvar = (torch.randn(40, 5, dtype=torch.float64, generator=generator) for _ in range(2))
    z = 100 * torch.randn(30, 5, dtype=torch.float64, generator=generator)
    matched = latent.moment_match(mu, logvar)
    torch.testing.assert_close(exercises.reference("class_mean")(mu, logvar), matched.mean)
    torch.testing.assert_close(exercises.reference("class_covariance")(mu, logvar), matched.cov)
    wanted = latent.mixture_log_density(z, mu, logvar)
    torch.testing.assert_close(exercises.reference("mixture_log_density")(z, mu, logvar), wanted)
    assert torch.isfinite(wanted).all()
    torch.testing.assert_close(exercises.reference("class_kl_to_prior")(*matched), latent.kl_to_prior(*matched))
    means, variances = (torch.from_numpy(rng.uniform(1, 2, size=6)) for _ in range(2))
    mixed = latent.moment_match(means[:, None], variances.log()[:, None])
    for given, value in zip(exercises.reference("mixture_or_sum")(means, variances), mixed, strict=True):
        assert given.item() == pytest.approx(value.item())


@pytest.mark.parametrize("name", TABLE)
def test_every_draw_holds_points_near_and_far(name):
    """The far points show the underflow, the near ones all else; examples can be followed by hand."""
    for seed in range(10):
        trials = draw_trials(_EXERCISES[name], np.random.default_rng(seed))
        if name == "mixture_log_density":
            far = [trial.wanted[0].max() < -800 for trial in trials]
            near = [trial.wanted[0].min() > -80 for trial in trials]
            assert any(far)
            assert any(near)
            assert all(a or b for a, b in zip(far, near, strict=True))
    assert all(value.size <= 6 for example in _EXERCISES[name].examples for value in example.values())
