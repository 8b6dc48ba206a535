"""Chapter 3: right answers pass however they are written, and slips are named only where they are."""

import math

import answering
import numpy as np
import pytest
import torch
from nightly import seeds
from torch import nn
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal
from torch.nn import functional as F

from vae_course import exercises

SEEDS = seeds(2, 10)
pytestmark = pytest.mark.usefixtures("no_rehearsal")

TABLE = {
    "traversal": {"offset_not_absolute", "moves_all_dims", "modifies_input"},
    "aggregate_variance": {"between_only", "within_only", "logvar_as_variance", "unbiased_divisor"},
    "repair_heads": {"relu_mean", "relu_logvar", "variance_returned"},
}


def test_names_and_slips_are_those_of_the_course():
    answering.assert_names_and_slips(3, TABLE)


# --- right answers ---------------------------------------------------------------------------------------------


def rows_in_a_loop(z, dim, values):
    rows = []
    for value in values:
        row = z.clone()
        row[dim] = value
        rows.append(row)
    return torch.stack(rows)


def rows_in_lists(z, dim, values):
    return [[v if j == dim else z[j] for j in range(len(z))] for v in values]


def rows_in_numpy(z, dim, values):
    codes = np.tile(z, (len(values), 1))
    codes[:, dim] = values
    return codes


def rows_by_np_repeat(z, dim, values):
    codes = np.repeat(np.asarray(z)[None], len(values), axis=0)
    codes[:, dim] = values
    return codes


def rows_by_expand(z, dim, values):
    codes = z.expand(len(values), -1).clone()
    codes[:, dim] = values
    return codes


def rows_by_zeros(z, dim, values):
    codes = torch.zeros(len(values), len(z))  # float32
    for i in range(len(values)):
        codes[i] = z
        codes[i, dim] = values[i]
    return codes


def rows_by_difference(z, dim, values):
    unit = torch.eye(len(z), dtype=z.dtype)[dim]
    return z + (values - z[dim])[:, None] * unit


def rows_by_where(z, dim, values):
    return torch.where(torch.arange(len(z)) == dim, values[:, None], z[None])


def rows_by_columns(z, dim, values):
    return np.stack([values if j == dim else np.full(len(values), float(z[j])) for j in range(len(z))], axis=1)


def rows_with_the_input_restored(z, dim, values):
    before, rows = float(z[dim]), []
    for value in values:
        z[dim] = value
        rows.append(z.tolist())
    z[dim] = before
    return rows


def rows_of_a_list_copy(z, dim, values):
    rows = []
    for value in values:
        row = list(z)
        row[dim] = value
        rows.append(row)
    return rows


def shares_in_loops(mu, logvar):
    out = []
    for j in range(len(mu[0])):
        column = [float(row[j]) for row in mu]
        mean = sum(column) / len(column)
        between = sum((m - mean) ** 2 for m in column) / len(column)
        within = sum(math.exp(row[j]) for row in logvar) / len(column)
        out.append(between + within)
    return out


def variance_of_the_mixture(mu, logvar):
    return MixtureSameFamily(
        Categorical(torch.ones(len(mu), dtype=mu.dtype)), Independent(Normal(mu, (logvar / 2).exp()), 1)
    ).variance


def variance_by_quadrature(mu, logvar):
    """Five-point Gauss-Hermite: exact for second moments."""
    points, weights = np.polynomial.hermite_e.hermegauss(5)
    weights = weights / weights.sum()
    z = np.asarray(mu)[..., None] + np.exp(np.asarray(logvar) / 2)[..., None] * points
    mean = (z * weights).sum(-1).mean(0)
    return ((z - mean[:, None]) ** 2 * weights).sum(-1).mean(0)


def affine(hidden, weight, bias):
    return [
        [sum(float(w) * float(h) for w, h in zip(row, image, strict=True)) + float(b) for row, b in
         zip(weight, bias, strict=True)]
        for image in hidden
    ]  # fmt: skip


def heads_as_layers(hidden, w_mu, b_mu, w_lv, b_lv):
    out = []
    for weight, bias in ((w_mu, b_mu), (w_lv, b_lv)):
        layer = nn.Linear(*weight.shape[::-1])  # float32
        layer.load_state_dict({"weight": weight, "bias": bias})
        out.append(layer(hidden))
    return tuple(out)


def heads_at_once(hidden, w_mu, b_mu, w_lv, b_lv):
    both = F.linear(hidden, torch.cat([w_mu, w_lv]), torch.cat([b_mu, b_lv]))
    return both.chunk(2, dim=1)


def heads_in_place(hidden, w_mu, b_mu, w_lv, b_lv):
    mu, logvar = hidden @ w_mu.T, hidden @ w_lv.T
    mu += b_mu
    logvar += b_lv
    return mu, logvar


RIGHT = {
    "traversal": {
        "loop": rows_in_a_loop,
        "lists": rows_in_lists,
        "np.tile": rows_in_numpy,
        "np.repeat": rows_by_np_repeat,
        "expand": rows_by_expand,
        "zeros": rows_by_zeros,
        "difference": rows_by_difference,
        "where": rows_by_where,
        "columns": rows_by_columns,
        "input restored": rows_with_the_input_restored,
        "copies of a list": rows_of_a_list_copy,
        "repeat": exercises.reference("traversal"),
        "index_fill": lambda z, dim, values: torch.stack(
            [z.index_fill(0, torch.tensor([dim]), float(v)) for v in values]
        ),
        "scatter": lambda z, dim, values: z.repeat(len(values), 1).scatter(
            1, torch.full((len(values), 1), dim), values[:, None]
        ),
        "concatenated": lambda z, dim, values: torch.cat(
            [z[:dim].expand(len(values), -1), values[:, None], z[dim + 1 :].expand(len(values), -1)], dim=1
        ),
        "float32": lambda z, dim, values: rows_in_a_loop(z.float(), dim, values.float()),
        "np.insert": lambda z, dim, values: np.array([np.insert(np.delete(z, dim), dim, v) for v in values]),
    },
    "aggregate_variance": {
        "torch": lambda mu, logvar: logvar.exp().mean(0) + mu.var(0, correction=0),
        "unbiased=False": lambda mu, logvar: torch.mean(torch.exp(logvar), 0) + torch.var(mu, 0, unbiased=False),
        "NumPy": lambda mu, logvar: np.exp(np.asarray(logvar)).mean(axis=0) + np.var(np.asarray(mu), axis=0),
        "np.var": lambda mu, logvar: np.mean(np.exp(np.array(logvar)), 0) + np.array(mu).var(0, ddof=0),
        "second moments": lambda mu, logvar: (logvar.exp() + mu**2).mean(0) - mu.mean(0) ** 2,
        "centred": lambda mu, logvar: (logvar.exp() + (mu - mu.mean(0)) ** 2).mean(0),
        "std squared": lambda mu, logvar: ((logvar / 2).exp() ** 2).mean(0) + mu.std(0, correction=0) ** 2,
        "corrected": lambda mu, logvar: logvar.exp().mean(0) + mu.var(0) * (len(mu) - 1) / len(mu),
        "covariance": lambda mu, logvar: (logvar.exp().mean(0).diag() + torch.cov(mu.T, correction=0)).diagonal(),
        "np.cov": lambda mu, logvar: np.diag(np.cov(np.asarray(mu).T, bias=True)) + np.exp(np.asarray(logvar)).mean(0),
        "loops": shares_in_loops,
        "latent by latent": lambda mu, logvar: [
            float(logvar[:, j].exp().mean() + mu[:, j].var(correction=0)) for j in range(mu.shape[1])
        ],
        "mixture": variance_of_the_mixture,
        "quadrature": variance_by_quadrature,
        "einsum": lambda mu, logvar: (
            torch.einsum("nd->d", logvar.exp() + mu**2) / len(mu) - (torch.einsum("nd->d", mu) / len(mu)) ** 2
        ),
        "float32": lambda mu, logvar: logvar.float().exp().mean(0) + mu.float().var(0, correction=0),
        "NumPy float32": lambda mu, logvar: np.float32(shares_in_loops(mu, logvar)),
    },
    "repair_heads": {
        "matrices": lambda h, w_mu, b_mu, w_lv, b_lv: (h @ w_mu.T + b_mu, h @ w_lv.T + b_lv),
        "linear": lambda h, w_mu, b_mu, w_lv, b_lv: (F.linear(h, w_mu, b_mu), F.linear(h, w_lv, b_lv)),
        "addmm": lambda h, w_mu, b_mu, w_lv, b_lv: [torch.addmm(b_mu, h, w_mu.t()), torch.addmm(b_lv, h, w_lv.t())],
        "einsum": lambda h, w_mu, b_mu, w_lv, b_lv: tuple(
            torch.einsum("bh,lh->bl", h, w) + b for w, b in ((w_mu, b_mu), (w_lv, b_lv))
        ),
        "np.dot": lambda h, w_mu, b_mu, w_lv, b_lv: (
            np.dot(np.asarray(h), np.asarray(w_mu).T) + np.asarray(b_mu),
            np.dot(np.asarray(h), np.asarray(w_lv).T) + np.asarray(b_lv),
        ),
        "the other way round": lambda h, w_mu, b_mu, w_lv, b_lv: (
            (w_mu @ h.T + b_mu[:, None]).T,
            (w_lv @ h.T + b_lv[:, None]).T,
        ),
        "loops": lambda h, w_mu, b_mu, w_lv, b_lv: (affine(h, w_mu, b_mu), affine(h, w_lv, b_lv)),
        "layers": heads_as_layers,
        "at once": heads_at_once,
        "in place on results": heads_in_place,
        "image by image": lambda h, w_mu, b_mu, w_lv, b_lv: (
            torch.stack([w_mu @ image + b_mu for image in h]),
            torch.stack([w_lv @ image + b_lv for image in h]),
        ),
        "log of the variance": lambda h, w_mu, b_mu, w_lv, b_lv: (
            F.linear(h, w_mu, b_mu),
            F.linear(h, w_lv, b_lv).exp().log(),
        ),
        "a ReLU that came before": lambda h, w_mu, b_mu, w_lv, b_lv: (
            F.linear(F.relu(h), w_mu, b_mu),
            F.linear(F.relu(h), w_lv, b_lv),
        ),
        "difference of two ReLUs": lambda h, w_mu, b_mu, w_lv, b_lv: tuple(
            F.relu(value) - F.relu(-value) for value in (F.linear(h, w_mu, b_mu), F.linear(h, w_lv, b_lv))
        ),
        "float32": lambda *inputs: heads_at_once(*(value.float() for value in inputs)),
    },
}


@pytest.mark.parametrize(("name", "answer"), answering.each_right(RIGHT))
def test_right_answer_passes(name, answer):
    answering.assert_passes(name, answer, SEEDS)


def test_every_exercise_has_a_dozen_styles():
    answering.assert_many_styles(3, RIGHT, least=12)


# --- slips -----------------------------------------------------------------------------------------------------


def adds(z, dim, values):
    codes = z.repeat(len(values), 1)
    codes[:, dim] += values
    return codes


def adds_in_a_loop(z, dim, values):
    return [[float(z[j]) + (float(v) if j == dim else 0.0) for j in range(len(z))] for v in values]


def adds_in_numpy(z, dim, values):
    codes = np.tile(z, (len(values), 1))
    codes[:, dim] = codes[:, dim] + np.asarray(values)
    return codes


def adds_to_one_copy(z, dim, values):
    row, rows = z.clone(), []
    for value in values:
        row[dim] += value
        rows.append(row.clone())
    return torch.stack(rows)


def writes_into_z(z, dim, values):
    rows = []
    for value in values:
        z[dim] = value
        rows.append(z)
    return torch.stack(rows)


def writes_into_z_and_copies(z, dim, values):
    rows = []
    for value in values:
        z[dim] = value
        rows.append(z.tolist())
    return rows


def writes_through_a_view(z, dim, values):
    rows, view = [], z.view(-1)
    for value in values:
        view[dim] = value
        rows.append(view.clone())
    return torch.stack(rows)


def writes_through_numpy(z, dim, values):
    code, rows = np.asarray(z), []
    for value in values:
        code[dim] = value
        rows.append(code.copy())
    return np.array(rows)


def restores_a_view(z, dim, values):
    before, rows = z[dim], []  # no copy: it changes together with z
    for value in values:
        z[dim] = value
        rows.append(z.clone())
    z[dim] = before
    return torch.stack(rows)


def writes_into_a_list_of_z(z, dim, values):
    rows = [z] * len(values)
    for row, value in zip(rows, values, strict=True):
        row[dim] = value
    return torch.stack(rows)


def adds_in_place(z, dim, values):
    rows = []
    for value in values:
        z[dim] += value
        rows.append(z.tolist())
    return rows


def variance(values, **settings):
    return np.var(np.asarray(values), axis=0, **settings)


def numpy_heads(hidden, w_mu, b_mu, w_lv, b_lv):
    hidden, w_mu, b_mu, w_lv, b_lv = map(np.asarray, (hidden, w_mu, b_mu, w_lv, b_lv))
    return hidden @ w_mu.T + b_mu, hidden @ w_lv.T + b_lv


def heads(*inputs, mean=lambda value: value, spread=lambda value: value):
    mu, logvar = heads_at_once(*inputs)
    return mean(mu), spread(logvar)


WRONG = {
    "traversal": {
        "offset_not_absolute": [
            adds,
            adds_in_a_loop,
            adds_in_numpy,
            adds_to_one_copy,
            lambda z, dim, values: z + values[:, None] * torch.eye(len(z), dtype=z.dtype)[dim],
            lambda z, dim, values: torch.where(torch.arange(len(z)) == dim, z + values[:, None], z),
        ],
        "moves_all_dims": [
            lambda z, dim, values: values[:, None].repeat(1, len(z)),
            lambda z, dim, values: np.repeat(np.asarray(values)[:, None], len(z), axis=1),
            lambda z, dim, values: [[v] * len(z) for v in values],
            lambda z, dim, values: torch.outer(values, torch.ones_like(z)),
            lambda z, dim, values: [np.full(len(z), float(v)) for v in values],
        ],
        "modifies_input": [
            writes_into_z,
            writes_into_z_and_copies,
            writes_through_a_view,
            writes_through_numpy,
            restores_a_view,
            writes_into_a_list_of_z,
            adds_in_place,
        ],
    },
    "aggregate_variance": {
        "between_only": [
            lambda mu, logvar: mu.var(0, correction=0),
            lambda mu, logvar: variance(mu),
            lambda mu, logvar: ((mu - mu.mean(0)) ** 2).mean(0),
            lambda mu, logvar: (mu**2).mean(0) - mu.mean(0) ** 2,
            lambda mu, logvar: [float(v) for v in mu.std(0, correction=0) ** 2],
        ],
        "within_only": [
            lambda mu, logvar: logvar.exp().mean(0),
            lambda mu, logvar: np.exp(np.asarray(logvar)).mean(0),
            lambda mu, logvar: ((logvar / 2).exp() ** 2).sum(0) / len(mu),
            lambda mu, logvar: Normal(mu, (logvar / 2).exp()).variance.mean(0),
        ],
        "logvar_as_variance": [
            lambda mu, logvar: logvar.mean(0) + mu.var(0, correction=0),
            lambda mu, logvar: np.asarray(logvar).mean(0) + variance(mu),
            lambda mu, logvar: (logvar + (mu - mu.mean(0)) ** 2).mean(0),
            lambda mu, logvar: [float(logvar[:, j].mean()) + v for j, v in enumerate(variance(mu))],
        ],
        "unbiased_divisor": [
            lambda mu, logvar: logvar.exp().mean(0) + mu.var(0),
            lambda mu, logvar: torch.exp(logvar).mean(dim=0) + torch.var(mu, dim=0),
            lambda mu, logvar: np.exp(np.asarray(logvar)).mean(0) + variance(mu, ddof=1),
            lambda mu, logvar: logvar.exp().mean(0) + torch.cov(mu.T).diagonal(),
            lambda mu, logvar: logvar.exp().mean(0) + mu.std(0) ** 2,
            lambda mu, logvar: (logvar.exp() + (mu - mu.mean(0)) ** 2).sum(0) / (len(mu) - 1),
        ],
    },
    "repair_heads": {
        "relu_mean": [
            lambda *inputs: heads(*inputs, mean=F.relu),
            lambda *inputs: heads(*inputs, mean=lambda value: value.clamp(min=0)),
            lambda *inputs: (np.maximum(numpy_heads(*inputs)[0], 0), numpy_heads(*inputs)[1]),
            lambda *inputs: heads(*inputs, mean=nn.ReLU()),
            lambda *inputs: heads(*inputs, mean=lambda value: value * (value > 0)),
            lambda *inputs: heads(*inputs, mean=lambda value: [[max(0.0, float(v)) for v in row] for row in value]),
        ],
        "relu_logvar": [
            lambda *inputs: heads(*inputs, spread=F.relu),
            lambda *inputs: heads(*inputs, spread=torch.relu),
            lambda *inputs: heads(*inputs, spread=lambda value: value.clamp(0)),
            lambda *inputs: (numpy_heads(*inputs)[0], np.maximum(0, numpy_heads(*inputs)[1])),
            lambda *inputs: heads(*inputs, spread=lambda value: value.exp().clamp(min=1).log()),
        ],
        "variance_returned": [
            lambda *inputs: heads(*inputs, spread=torch.exp),
            lambda *inputs: heads(*inputs, spread=lambda value: (value / 2).exp() ** 2),
            lambda *inputs: (numpy_heads(*inputs)[0], np.exp(numpy_heads(*inputs)[1])),
            lambda *inputs: heads(*inputs, spread=lambda value: [[math.exp(v) for v in row] for row in value]),
        ],
    },
}


@pytest.mark.parametrize(("name", "slip", "answer"), answering.each_wrong(WRONG))
def test_slip_is_named_however_written(name, slip, answer):
    answering.assert_named(name, slip, answer, SEEDS)


def test_every_slip_is_written_in_several_ways():
    answering.assert_many_ways(3, WRONG)


TWO_SLIPS = [
    ("traversal", {"offset_not_absolute", "moves_all_dims"}, lambda z, dim, values: z + values[:, None]),
    (
        "aggregate_variance",
        {"logvar_as_variance", "unbiased_divisor"},
        lambda mu, logvar: logvar.mean(0) + mu.var(0),
    ),
    ("aggregate_variance", {"between_only", "unbiased_divisor"}, lambda mu, logvar: mu.var(0)),
    ("aggregate_variance", {"within_only", "logvar_as_variance"}, lambda mu, logvar: logvar.mean(0)),
    (
        "repair_heads",
        {"relu_mean", "relu_logvar"},
        lambda h, w_mu, b_mu, w_lv, b_lv: (F.relu(h @ w_mu.T + b_mu), F.relu(h @ w_lv.T + b_lv)),
    ),
    (
        "repair_heads",
        {"relu_logvar", "variance_returned"},
        lambda *inputs: heads(*inputs, spread=lambda value: F.relu(value).exp()),
    ),
    ("repair_heads", {"relu_mean", "variance_returned"}, lambda *inputs: heads(*inputs, mean=F.relu, spread=torch.exp)),
]


@pytest.mark.parametrize(("name", "slips", "answer"), answering.each(TWO_SLIPS))
def test_two_slips_are_both_named(name, slips, answer):
    answering.assert_both_named(name, slips, answer, SEEDS)


# --- wrong answers without a key: never named, and where they are typical, described ---------------------------


def same_copy_again(z, dim, values):
    row, rows = z.clone(), []
    for value in values:
        row[dim] = value
        rows.append(row)
    return torch.stack(rows)


def returns_too_early(z, dim, values):
    for value in values:
        row = z.clone()
        row[dim] = value
        return row


def returns_too_late(z, dim, values):
    for value in values:
        row = z.clone()
        row[dim] = value
    return row


def zeros_elsewhere(z, dim, values):
    codes = torch.zeros(len(values), len(z))
    codes[:, dim] = values
    return codes


def right_variance(mu, logvar):
    return np.asarray(shares_in_loops(mu, logvar))


UNKNOWN = [
    ("traversal", same_copy_again, "one and the same array"),
    ("traversal", returns_too_early, "for the first value"),
    ("traversal", returns_too_late, "for the last value"),
    ("traversal", zeros_elsewhere, "The other latents are 0"),
    ("traversal", lambda z, dim, values: z.repeat(len(values), 1), "does not move"),
    ("traversal", lambda z, dim, values: values, "the moved latent alone"),
    ("traversal", lambda z, dim, values: rows_in_a_loop(z, dim, values).T, "as columns"),
    ("traversal", lambda z, dim, values: rows_in_a_loop(z, dim - 1, values), "before `dim`"),
    ("traversal", lambda z, dim, values: rows_in_a_loop(z, dim, values.flip(0)), "backwards"),
    ("traversal", lambda z, dim, values: rows_in_a_loop(z, dim, z[dim] * values), "multiplied"),
    ("traversal", lambda z, dim, values: rows_in_a_loop(z, dim, z[dim] - values), "subtracted"),
    ("traversal", lambda z, dim, values: torch.vstack([z, rows_in_a_loop(z, dim, values)]), "first row is z itself"),
    ("traversal", lambda z, dim, values: rows_in_a_loop(z, dim, values)[:, None], "The numbers themselves are right."),
    ("traversal", lambda z, dim, values: rows_in_a_loop(z, dim, values)[:-1], "shape"),
    ("traversal", lambda z, dim, values: rows_in_a_loop(z, dim, values) + 0.1, "none of the slips"),
    ("traversal", lambda z, dim, values: rows_in_a_loop(z, dim, values + 1), "none of the slips"),
    ("traversal", lambda z, dim, values: rows_in_a_loop(0 * z + 1, dim, values), "none of the slips"),
    ("traversal", lambda z, dim, values: rows_in_a_loop(torch.randn_like(z), dim, values), "different results"),
    ("traversal", lambda z, dim, values: rows_in_a_loop(z, dim, values).round(), "none of the slips"),
    ("traversal", lambda z, dim, values: adds(z, dim, values) * 2, "none of the slips"),
    ("aggregate_variance", lambda mu, logvar: right_variance(mu, logvar) ** 0.5, "standard deviation"),
    ("aggregate_variance", lambda mu, logvar: logvar.exp().sum(0) + mu.var(0, correction=0), "average them"),
    ("aggregate_variance", lambda mu, logvar: right_variance(mu, logvar) * len(mu), "Average"),
    ("aggregate_variance", lambda mu, logvar: std_sum(mu, logvar), "averages standard deviations"),
    ("aggregate_variance", lambda mu, logvar: (logvar / 2).exp().mean(0) ** 2 + variance(mu), "mean of the standard"),
    ("aggregate_variance", lambda mu, logvar: logvar.mean(0).exp() + mu.var(0, correction=0), "exp comes first"),
    ("aggregate_variance", lambda mu, logvar: logvar.exp().pow(2).mean(0) + variance(mu), "squared the variances"),
    ("aggregate_variance", lambda mu, logvar: (-logvar).exp().mean(0) + variance(mu), "turned round"),
    ("aggregate_variance", lambda mu, logvar: logvar.exp().mean(0) + mu.std(0, correction=0), "is a standard"),
    ("aggregate_variance", lambda mu, logvar: logvar.exp().mean(0) + (mu**2).mean(0), "spread around 0"),
    ("aggregate_variance", lambda mu, logvar: logvar.exp().mean(0) + mu.mean(0) ** 2, "taken away"),
    ("aggregate_variance", lambda mu, logvar: logvar.exp() + mu.var(0, correction=0), "not averaged"),
    ("aggregate_variance", lambda mu, logvar: right_variance(mu.T, logvar.T), "over the images, for each latent"),
    ("aggregate_variance", lambda mu, logvar: logvar.exp().mean(1) + mu.var(1), "over the images, for each latent"),
    ("aggregate_variance", lambda mu, logvar: right_variance(mu, logvar).mean(), "averaged over the latents"),
    ("aggregate_variance", lambda mu, logvar: right_variance(mu, logvar).sum(), "added up the latents"),
    ("aggregate_variance", lambda mu, logvar: logvar.exp().mean() + mu.var(correction=0), "all numbers at once"),
    ("aggregate_variance", lambda mu, logvar: np.cov(np.asarray(mu).T) + np.diag(np.exp(logvar).mean(0)), "matrix"),
    ("aggregate_variance", lambda mu, logvar: right_variance(mu, logvar)[None], "The numbers themselves are right."),
    ("aggregate_variance", lambda mu, logvar: np.zeros(mu.shape[1]), "whole numbers|none of the slips"),
    ("aggregate_variance", lambda mu, logvar: np.ones(mu.shape[1]), "whole numbers|none of the slips"),
    ("aggregate_variance", lambda mu, logvar: logvar.exp().mean(0) - mu.var(0, correction=0), "none of the slips"),
    ("aggregate_variance", lambda mu, logvar: right_variance(mu, logvar) / 2, "none of the slips"),
    ("aggregate_variance", lambda mu, logvar: logvar.exp().mean(0) * mu.var(0, correction=0), "none of the slips"),
    (
        "aggregate_variance",
        lambda mu, logvar: (mu + (logvar / 2).exp() * torch.randn_like(mu)).var(0),
        "different results",
    ),
    *(
        ("repair_heads", lambda *inputs, on=function: heads(*inputs, mean=on, spread=on), words)
        for function, words in (
            (F.softplus, "On both heads there is a softplus"),
            (torch.sigmoid, "On both heads there is a sigmoid"),
            (torch.tanh, "On both heads there is a tanh"),
            (F.elu, "On both heads there is an ELU"),
            (torch.abs, "On both heads there is an absolute value"),
            (F.leaky_relu, "none of the slips"),
            (F.gelu, "none of the slips"),
            (torch.neg, "opposite sign"),
        )
    ),
    ("repair_heads", lambda *inputs: heads(*inputs, mean=F.softplus), "On the mean head there is a softplus"),
    ("repair_heads", lambda *inputs: heads(*inputs, spread=F.softplus), "On the log-variance head"),
    ("repair_heads", lambda *inputs: heads(*inputs, spread=lambda v: (v / 2).exp()), "is the standard deviation"),
    ("repair_heads", lambda *inputs: heads(*inputs, spread=lambda v: v / 2), "half the log-variance"),
    ("repair_heads", lambda *inputs: heads(*inputs, spread=torch.log), "took the logarithm"),
    ("repair_heads", lambda *inputs: heads(*inputs)[::-1], "other order"),
    ("repair_heads", lambda h, wm, bm, wv, bv: (h @ wm + bm, h @ wv + bv), "in the other direction"),
    ("repair_heads", lambda h, wm, bm, wv, bv: (h @ wm.T, h @ wv.T), "biases are missing"),
    ("repair_heads", lambda h, wm, bm, wv, bv: (h @ wm.T + bm, h @ wv.T), "bias of the log-variance head"),
    ("repair_heads", lambda h, wm, bm, wv, bv: (h @ wm.T, h @ wv.T + bv), "bias of the mean head"),
    ("repair_heads", lambda h, wm, bm, wv, bv: (h @ wm.T + bm, h @ wm.T + bm), "from the mean head"),
    ("repair_heads", lambda h, wm, bm, wv, bv: (h @ wm.T + bv, h @ wv.T + bm), "none of the slips"),
    ("repair_heads", lambda h, wm, bm, wv, bv: ((h @ wm.T + bm).T, (h @ wv.T + bv).T), "shape"),
    ("repair_heads", lambda h, wm, bm, wv, bv: (F.relu(h @ wm.T) + bm, F.relu(h @ wv.T) + bv), "none of the slips"),
    ("repair_heads", lambda *inputs: heads(*inputs, mean=lambda v: v.clamp(0, 1)), "none of the slips"),
    ("repair_heads", lambda *inputs: heads(*inputs, spread=lambda v: v.clamp(max=0)), "none of the slips"),
]


def std_sum(mu, logvar):
    return (logvar / 2).exp().mean(0) + mu.var(0, correction=0)


@pytest.mark.parametrize(("name", "answer", "words"), answering.each(UNKNOWN))
def test_unknown_wrong_answer_is_described_but_never_named(name, answer, words):
    answering.assert_not_named(name, answer, SEEDS, words)


def writes_into_an_expanded_view(z, dim, values):
    codes = z.expand(len(values), -1)
    codes[:, dim] = values
    return codes


def blank_in_place(z, dim, values):
    z[dim] = values[0]


@pytest.mark.parametrize(
    ("name", "answer", "status", "words"),
    [
        ("traversal", blank_in_place, "not answered yet", "return"),
        ("traversal", writes_into_an_expanded_view, "broken", "RuntimeError"),
        ("aggregate_variance", lambda mu, logvar: mu.zero_().sum(0), "broken", "changes its input `mu` in place"),
        ("aggregate_variance", lambda mu: mu, "broken", "must take the arguments (mu, logvar)"),
        ("repair_heads", lambda h, wm, bm, wv, bv: wm @ h + bm, "broken", "The line is"),
        ("repair_heads", lambda h, *rest: (h @ rest[0].T + rest[1],), "broken", "returned a tuple of 1"),
        ("repair_heads", lambda h, *rest: h, "broken", "Wanted: two arrays, mu and logvar"),
    ],
)
def test_other_trouble_gets_a_sentence(name, answer, status, words):
    verdict = exercises.check(name, answer)
    assert verdict.status == status, verdict
    assert verdict.diagnosis is None
    assert words in verdict.message


def test_only_the_exercise_on_copies_takes_a_change_for_a_slip():
    verdict = exercises.check("traversal", writes_into_z)
    assert (verdict.status, verdict.diagnosis) == ("wrong", "modifies_input")
    assert "Write into copies." in verdict.message


def test_two_results_are_compared_one_by_one():
    verdict = exercises.check("repair_heads", lambda *inputs: heads(*inputs, spread=lambda v: v / 2))
    labels = [name for name, _ in verdict.comparison]
    assert labels == ["hidden", "w_mu", "b_mu", "w_lv", "b_lv", "wanted[0]", "wanted[1]", "given[0]", "given[1]"]


def test_the_aggregate_variance_is_that_of_draws():
    generator = torch.Generator().manual_seed(0)
    mu, logvar = torch.tensor([[0.0, 1.0], [3.0, 1.0]]), torch.tensor([[0.0, -2.0], [1.0, 0.0]])
    image = torch.randint(2, (200_000,), generator=generator)
    z = mu[image] + (logvar[image] / 2).exp() * torch.randn(200_000, 2, generator=generator)
    error = (z.var(dim=0) - exercises.reference("aggregate_variance")(mu, logvar)).abs()
    assert error.max() < 0.06  # five standard errors of a variance near 4
