"""Chapter 2: right answers pass however they are written, and slips are named only where they are."""

import math

import answering
import numpy as np
import pytest
import torch
from nightly import seeds
from scipy.spatial.distance import cdist as scipy_cdist
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.neighbors import KDTree, NearestNeighbors
from torch.distributions import Normal

from vae_course import exercises, latent
from vae_course.exercises import _EXERCISES

SEEDS = seeds(2, 10)
pytestmark = pytest.mark.usefixtures("no_rehearsal")

TABLE = {
    "scatter_coordinates": {"samples_not_means", "uses_logvar", "concatenated"},
    "posterior_ellipse": {"variance_as_std", "logvar_as_std", "diameter"},
    "neighbour_preservation": {"counts_self", "not_divided_by_k"},
}


def test_names_and_slips_are_those_of_the_course():
    answering.assert_names_and_slips(2, TABLE)


# --- right answers ---------------------------------------------------------------------------------------------


def ellipses_in_loops(mu, logvar, n_std):
    centers, axes = [], []
    for m, lv in zip(mu, logvar, strict=True):
        centers.append([float(m[0]), float(m[1])])
        axes.append([n_std * math.exp(lv[0] / 2), n_std * math.sqrt(math.exp(lv[1]))])
    return centers, axes


def ellipses_by_covariance(mu, logvar, n_std):
    covariance = torch.diag_embed(logvar.exp())
    return mu, n_std * torch.linalg.cholesky(covariance).diagonal(dim1=1, dim2=2)


def ellipses_by_quantile(mu, logvar, n_std):
    share = Normal(0.0, 1.0).cdf(torch.tensor(n_std, dtype=torch.float64))
    return mu, Normal(0 * mu, (logvar / 2).exp()).icdf(share)


def nearest_in_loops(points, i, k, *, skip_self):
    others = [j for j in range(len(points)) if j != i or not skip_self]
    return set(sorted(others, key=lambda j: math.dist(points[i], points[j]))[:k])


def kept_in_loops(high, low, k, *, skip_self=True):
    high, low = high.tolist(), low.tolist()
    nearest = [[nearest_in_loops(p, i, k, skip_self=skip_self) for i in range(len(p))] for p in (high, low)]
    return [len(a & b) for a, b in zip(*nearest, strict=True)]


def preserved_in_loops(high, low, k):
    kept = kept_in_loops(high, low, k)
    return sum(kept) / k / len(kept)


def nearest_by_argsort(points, *, start, stop):
    points = np.asarray(points)
    return np.argsort(np.linalg.norm(points[:, None] - points[None], axis=-1), axis=1)[:, start:stop]


def shared(high, low, *, start, stop):
    pairs = zip(nearest_by_argsort(high, start=start, stop=stop), nearest_by_argsort(low, start=start, stop=stop),
                strict=True)  # fmt: skip
    return [len(set(a) & set(b)) for a, b in pairs]


def preserved_by_isin(high, low, k):
    a, b = (nearest_by_argsort(points, start=1, stop=k + 1) for points in (high, low))
    return np.mean([np.isin(one, other).mean() for one, other in zip(a, b, strict=True)])


def preserved_by_sklearn(high, low, k):
    a, b = (NearestNeighbors(n_neighbors=k).fit(points).kneighbors(return_distance=False) for points in (high, low))
    return sum(len(np.intersect1d(one, other)) for one, other in zip(a, b, strict=True)) / (k * len(high))


def preserved_by_graph(high, low, k):
    a, b = (NearestNeighbors(n_neighbors=k).fit(points).kneighbors_graph() for points in (high, low))
    return a.multiply(b).sum() / (k * len(high))


def preserved_by_tree(high, low, k):
    a, b = (KDTree(np.asarray(points)).query(np.asarray(points), k=k + 1)[1][:, 1:] for points in (high, low))
    return float(np.mean([len(set(one) & set(other)) / k for one, other in zip(a, b, strict=True)]))


def preserved_by_topk(high, low, k):
    a, b = (torch.cdist(points, points).topk(k + 1, largest=False).indices[:, 1:] for points in (high, low))
    return (a[:, :, None] == b[:, None, :]).any(dim=2).float().mean()


def preserved_by_expanded_squares(high, low, k):
    def nearest(points):
        points = points.float()
        squares = (points**2).sum(1)
        distances = squares[:, None] + squares[None] - 2 * points @ points.T
        return distances.fill_diagonal_(float("inf")).argsort(dim=1)[:, :k]

    pairs = zip(nearest(high).tolist(), nearest(low).tolist(), strict=True)
    return torch.tensor([len(set(a).intersection(b)) / k for a, b in pairs]).mean()


def preserved_by_ranks(high, low, k):
    ranks = [scipy_cdist(points, points).argsort(axis=1).argsort(axis=1) for points in (high, low)]
    near = [(1 <= rank) & (rank <= k) for rank in ranks]
    return (near[0] & near[1]).sum() / near[0].sum()


def preserved_by_one_hot(high, low, k):
    def near(points):
        indices = torch.cdist(points, points).argsort(1)[:, 1 : k + 1]
        return torch.nn.functional.one_hot(indices, len(points)).sum(1)

    return (near(high) * near(low)).sum(1).double().div(k).mean()


def preserved_by_minimum_of_shares(high, low, k):
    return np.float32(np.mean(kept_in_loops(high, low, k)) / k)


RIGHT = {
    "scatter_coordinates": {
        "the argument": lambda mu, logvar: mu,
        "copy": lambda mu, logvar: mu.clone(),
        "NumPy copy": lambda mu, logvar: np.array(mu),
        "columns": lambda mu, logvar: torch.stack([mu[:, 0], mu[:, 1]], dim=1),
        "columns in NumPy": lambda mu, logvar: np.column_stack([mu[:, 0], mu[:, 1]]),
        "np.c_": lambda mu, logvar: np.c_[np.asarray(mu)[:, 0], np.asarray(mu)[:, 1]],
        "slice": lambda mu, logvar: mu[:, :2],
        "list": lambda mu, logvar: mu.tolist(),
        "list of pairs": lambda mu, logvar: [(float(a), float(b)) for a, b in mu],
        "zip": lambda mu, logvar: list(zip(mu[:, 0], mu[:, 1], strict=True)),
        "float32": lambda mu, logvar: mu.float(),
        "detached": lambda mu, logvar: mu.detach().cpu().numpy(),
        "loops": lambda mu, logvar: [[mu[i][j] for j in range(2)] for i in range(len(mu))],
        "mean of the distribution": lambda mu, logvar: Normal(mu, (logvar / 2).exp()).mean,
        "mode of the distribution": lambda mu, logvar: Normal(mu, torch.exp(0.5 * logvar)).mode,
        "no noise": lambda mu, logvar: mu + 0 * logvar,
        "*_": lambda mu, *_: mu,
        "transposed twice": lambda mu, logvar: np.array([mu[:, 0], mu[:, 1]]).T,
    },
    "posterior_ellipse": {
        "torch": lambda mu, logvar, n_std: (mu, n_std * (0.5 * logvar).exp()),
        "root": lambda mu, logvar, n_std: (mu, n_std * logvar.exp().sqrt()),
        "root of the product": lambda mu, logvar, n_std: (mu, (n_std**2 * logvar.exp()) ** 0.5),
        "inside the exponent": lambda mu, logvar, n_std: (mu, (logvar / 2 + math.log(n_std)).exp()),
        "NumPy functions": lambda mu, logvar, n_std: (mu, n_std * np.exp(logvar / 2)),
        "NumPy arrays": lambda mu, logvar, n_std: (np.array(mu), np.sqrt(np.exp(np.asarray(logvar))) * n_std),
        "list of two": lambda mu, logvar, n_std: [mu, n_std * torch.exp(logvar / 2)],
        "loops": ellipses_in_loops,
        "half of the width": lambda mu, logvar, n_std: (mu.clone(), 2 * n_std * (logvar / 2).exp() / 2),
        "half of the box": lambda mu, logvar, n_std: (
            mu,
            ((mu + n_std * (logvar / 2).exp()) - (mu - n_std * (logvar / 2).exp())) / 2,
        ),
        "distribution": lambda mu, logvar, n_std: (mu, n_std * Normal(mu, (logvar / 2).exp()).stddev),
        "covariance": ellipses_by_covariance,
        "quantile": ellipses_by_quantile,
        "float32": lambda mu, logvar, n_std: (mu.float(), n_std * (logvar.float() / 2).exp()),
        "columns": lambda mu, logvar, n_std: (
            np.column_stack([mu[:, 0], mu[:, 1]]),
            np.column_stack([n_std * np.exp(np.asarray(logvar)[:, j] / 2) for j in (0, 1)]),
        ),
        "reference": exercises.reference("posterior_ellipse"),
    },
    "neighbour_preservation": {
        "loops": preserved_in_loops,
        "isin": preserved_by_isin,
        "argsort and sets": lambda high, low, k: np.mean(shared(high, low, start=1, stop=k + 1)) / k,
        "list comprehension": lambda high, low, k: (
            sum(s / k for s in shared(high, low, start=1, stop=k + 1)) / len(high)
        ),
        "scikit-learn": preserved_by_sklearn,
        "graph": preserved_by_graph,
        "tree": preserved_by_tree,
        "topk": preserved_by_topk,
        "expanded squares in float32": preserved_by_expanded_squares,
        "ranks": preserved_by_ranks,
        "one-hot": preserved_by_one_hot,
        "NumPy float32": preserved_by_minimum_of_shares,
        "float32 inputs": lambda high, low, k: preserved_by_topk(high.float(), low.float(), k),
        "0-d array": lambda high, low, k: np.array(preserved_in_loops(high, low, k)),
        "the package": lambda high, low, k: latent.neighbour_preservation(high, low, k=k),
        "reference": exercises.reference("neighbour_preservation"),
    },
}


@pytest.mark.parametrize(("name", "answer"), answering.each_right(RIGHT))
def test_right_answer_passes(name, answer):
    answering.assert_passes(name, answer, SEEDS)


def test_every_exercise_has_a_dozen_styles():
    answering.assert_many_styles(2, RIGHT, least=12)


# --- slips -----------------------------------------------------------------------------------------------------


def samples(mu, logvar, width):
    return mu + width(logvar) * torch.randn(mu.shape, dtype=mu.dtype)


def seeded_samples(mu, logvar):
    return mu + (logvar / 2).exp() * torch.randn(mu.shape, generator=torch.Generator().manual_seed(0))


def std(logvar):
    return np.exp(np.asarray(logvar) / 2)


def with_self(high, low, k, *, counted, divisor):
    return np.mean(kept_in_loops(high, low, counted, skip_self=False)) / divisor


WRONG = {
    "scatter_coordinates": {
        "samples_not_means": [
            lambda mu, logvar: samples(mu, logvar, lambda v: (v / 2).exp()),
            lambda mu, logvar: Normal(mu, (logvar / 2).exp()).rsample(),
            lambda mu, logvar: torch.normal(mu, (logvar / 2).exp()),
            lambda mu, logvar: np.random.default_rng().normal(np.asarray(mu), std(logvar)),
            lambda mu, logvar: mu + std(logvar) * np.random.randn(*mu.shape),  # noqa: NPY002
            lambda mu, logvar: np.random.default_rng(0).normal(np.asarray(mu), std(logvar)),
            lambda mu, logvar: mu + torch.exp(0.5 * logvar) * torch.randn_like(logvar),
            lambda mu, logvar: samples(mu, logvar, torch.exp),
            lambda mu, logvar: samples(mu, logvar, lambda v: v),
            lambda mu, logvar: mu + torch.randn_like(mu),
            lambda mu, logvar: mu + (logvar / 2).exp() * torch.randn(2),
            lambda mu, logvar: mu + std(logvar) * np.random.default_rng().normal(size=2),
            seeded_samples,
        ],
        "uses_logvar": [
            lambda mu, logvar: logvar,
            lambda mu, logvar: logvar.exp(),
            lambda mu, logvar: std(logvar),
            lambda mu, logvar: torch.stack([mu[:, 0], logvar[:, 0]], dim=1),
            lambda mu, logvar: np.column_stack([mu[:, 1], std(logvar)[:, 1]]),
            lambda mu, logvar: np.column_stack([mu[:, 0], logvar[:, 1]]),
            lambda mu, logvar: mu + (logvar / 2).exp(),
            lambda mu, logvar: mu - logvar,
            lambda mu, logvar: mu / (logvar / 2).exp(),
            lambda mu, logvar: (mu * (-logvar).exp()).tolist(),
            lambda mu, logvar: [[float(m[0]), math.exp(v[0])] for m, v in zip(mu, logvar, strict=True)],
        ],
        "concatenated": [
            lambda mu, logvar: torch.cat([mu, logvar], dim=1),
            lambda mu, logvar: np.concatenate([mu, logvar], axis=1),
            lambda mu, logvar: np.hstack([logvar, mu]),
            lambda mu, logvar: np.vstack([mu, logvar]),
            lambda mu, logvar: torch.cat([mu, logvar.exp()], dim=-1),
            lambda mu, logvar: torch.cat([mu, (logvar / 2).exp()], dim=1),
            lambda mu, logvar: [[*m, *v] for m, v in zip(mu.tolist(), logvar.tolist(), strict=True)],
            lambda mu, logvar: (mu, logvar),
            lambda mu, logvar: torch.stack([mu, logvar], dim=-1),
        ],
    },
    "posterior_ellipse": {
        "variance_as_std": [
            lambda mu, logvar, n_std: (mu, n_std * logvar.exp()),
            lambda mu, logvar, n_std: (mu, n_std * np.exp(logvar)),
            lambda mu, logvar, n_std: (mu, n_std * (logvar / 2).exp() ** 2),
            lambda mu, logvar, n_std: (
                mu,
                [[n_std * math.exp(v) for v in row] for row in logvar.tolist()],
            ),
            lambda mu, logvar, n_std: [mu.float(), n_std * Normal(mu, (logvar / 2).exp()).variance.float()],
        ],
        "logvar_as_std": [
            lambda mu, logvar, n_std: (mu, n_std * logvar),
            lambda mu, logvar, n_std: (np.asarray(mu), np.asarray(logvar) * n_std),
            lambda mu, logvar, n_std: (mu.tolist(), [[n_std * v for v in row] for row in logvar.tolist()]),
            lambda mu, logvar, n_std: (mu, (mu + n_std * logvar) - mu),
        ],
        "diameter": [
            lambda mu, logvar, n_std: (mu, 2 * n_std * (logvar / 2).exp()),
            lambda mu, logvar, n_std: (mu, 2 * n_std * np.sqrt(np.exp(logvar))),
            lambda mu, logvar, n_std: (mu, (mu + n_std * std(logvar)) - (mu - n_std * std(logvar))),
            lambda mu, logvar, n_std: (
                mu,
                np.column_stack([2 * n_std * std(logvar)[:, 0], 2 * n_std * std(logvar)[:, 1]]),
            ),
        ],
    },
    "neighbour_preservation": {
        "counts_self": [
            lambda high, low, k: np.mean(shared(high, low, start=0, stop=k)) / k,
            lambda high, low, k: np.mean(shared(high, low, start=0, stop=k + 1)) / k,
            lambda high, low, k: np.mean(shared(high, low, start=0, stop=k + 1)) / (k + 1),
            lambda high, low, k: with_self(high, low, k, counted=k, divisor=k),
            lambda high, low, k: preserved_by_sklearn_with_self(high, low, k),
            lambda high, low, k: 1 / k + np.mean(shared(high, low, start=1, stop=k)) / k,
        ],
        "not_divided_by_k": [
            lambda high, low, k: np.mean(shared(high, low, start=1, stop=k + 1)),
            lambda high, low, k: sum(kept_in_loops(high, low, k)) / len(high),
            lambda high, low, k: k * preserved_by_sklearn(high, low, k),
            lambda high, low, k: torch.tensor(kept_in_loops(high, low, k)).float().mean(),
        ],
    },
}


def preserved_by_sklearn_with_self(high, low, k):
    a, b = (NearestNeighbors(n_neighbors=k).fit(p).kneighbors(p, return_distance=False) for p in (high, low))
    return sum(len(np.intersect1d(one, other)) for one, other in zip(a, b, strict=True)) / (k * len(high))


@pytest.mark.parametrize(("name", "slip", "answer"), answering.each_wrong(WRONG))
def test_slip_is_named_however_written(name, slip, answer):
    answering.assert_named(name, slip, answer, SEEDS)


def test_every_slip_is_written_in_several_ways():
    answering.assert_many_ways(2, WRONG)


TWO_SLIPS = [
    ("posterior_ellipse", {"variance_as_std", "diameter"}, lambda mu, lv, s: (mu, 2 * s * lv.exp())),
    ("posterior_ellipse", {"logvar_as_std", "diameter"}, lambda mu, lv, s: (mu, 2 * s * lv)),
    (
        "neighbour_preservation",
        {"counts_self", "not_divided_by_k"},
        lambda high, low, k: np.mean(shared(high, low, start=0, stop=k)),
    ),
    (
        "neighbour_preservation",
        {"counts_self", "not_divided_by_k"},
        lambda high, low, k: np.mean(shared(high, low, start=0, stop=k + 1)),
    ),
]


@pytest.mark.parametrize(("name", "slips", "answer"), answering.each(TWO_SLIPS))
def test_two_slips_are_both_named(name, slips, answer):
    answering.assert_both_named(name, slips, answer, SEEDS)


# --- wrong answers without a key: never named, and where they are typical, described ---------------------------


UNKNOWN = [
    ("scatter_coordinates", lambda mu, logvar: mu[:, [1, 0]], "swapped the two latents"),
    ("scatter_coordinates", lambda mu, logvar: (mu[:, 0], mu[:, 1]), "a row for each axis"),
    ("scatter_coordinates", lambda mu, logvar: mu[:, 0], "first latent alone"),
    ("scatter_coordinates", lambda mu, logvar: mu - mu.mean(0), "moved the cloud's centre"),
    ("scatter_coordinates", lambda mu, logvar: (mu - mu.mean(0)) / mu.std(0), "standardised"),
    ("scatter_coordinates", lambda mu, logvar: (mu - mu.mean(0)) / np.std(np.asarray(mu), axis=0), "standardised"),
    ("scatter_coordinates", lambda mu, logvar: mu[0], "shape (2,)"),
    ("scatter_coordinates", lambda mu, logvar: mu.mean(0), "shape (2,)"),
    ("scatter_coordinates", lambda mu, logvar: mu[:-1], "shape"),
    ("scatter_coordinates", lambda mu, logvar: mu[:, :, None], "The numbers themselves are right."),
    ("scatter_coordinates", lambda mu, logvar: 2 * mu, "none of the slips"),
    ("scatter_coordinates", lambda mu, logvar: -mu, "opposite sign"),
    ("scatter_coordinates", lambda mu, logvar: mu.round(), "none of the slips"),
    ("scatter_coordinates", lambda mu, logvar: torch.randn_like(mu), "different results"),
    ("scatter_coordinates", lambda mu, logvar: torch.rand_like(mu), "different results"),
    ("scatter_coordinates", lambda mu, logvar: mu + torch.rand_like(mu), "different results"),
    ("scatter_coordinates", lambda mu, logvar: mu * torch.randn_like(mu), "different results"),
    ("scatter_coordinates", lambda mu, logvar: mu.flip(0), "none of the slips"),
    ("scatter_coordinates", lambda mu, logvar: mu @ torch.linalg.svd(mu).Vh.T, ""),
    ("scatter_coordinates", lambda mu, logvar: PCA(2).fit_transform(mu), "by PCA"),
    ("scatter_coordinates", lambda mu, logvar: mu + torch.rand(2), "different results"),
    ("scatter_coordinates", lambda mu, logvar: mu.abs(), "none of the slips"),
    ("posterior_ellipse", lambda mu, lv, s: (mu, (lv / 2).exp()), "do not depend on `n_std`"),
    ("posterior_ellipse", lambda mu, lv, s: (mu, s**2 * (lv / 2).exp()), "squared `n_std`"),
    ("posterior_ellipse", lambda mu, lv, s: (mu, s**2 * lv.exp()), "squares of the semi-axes"),
    ("posterior_ellipse", lambda mu, lv, s: (mu, (s * lv.exp()).sqrt()), "root of `n_std`"),
    ("posterior_ellipse", lambda mu, lv, s: (mu, s * (-lv / 2).exp()), "sign in your exponent"),
    ("posterior_ellipse", lambda mu, lv, s: (mu, s * lv.sqrt()), "can be below 0"),
    ("posterior_ellipse", lambda mu, lv, s: (mu, s * lv.abs().sqrt()), "root of `logvar`"),
    ("posterior_ellipse", lambda mu, lv, s: (mu, mu + s * (lv / 2).exp()), "place on the rim"),
    ("posterior_ellipse", lambda mu, lv, s: (mu - s * std(lv), mu + s * std(lv)), "corners of the box"),
    ("posterior_ellipse", lambda mu, lv, s: (s * (lv / 2).exp(), mu), "other order"),
    ("posterior_ellipse", lambda mu, lv, s: (0 * mu, s * (lv / 2).exp()), "none of the slips"),
    ("posterior_ellipse", lambda mu, lv, s: (mu, s * (lv / 2).exp().mean(1)), "shape"),
    ("posterior_ellipse", lambda mu, lv, s: (mu[:, 0], mu[:, 1]), "shape"),
    ("posterior_ellipse", lambda mu, lv, s: (mu, (2 * lv).exp() * s), "none of the slips"),
    ("posterior_ellipse", lambda mu, lv, s: (mu + torch.randn_like(mu), s * (lv / 2).exp()), "different results"),
    ("posterior_ellipse", lambda mu, lv, s: (lv, s * (lv / 2).exp()), "none of the slips"),
    ("posterior_ellipse", lambda mu, lv, s: (mu, s * (lv / 2).exp() * 1.01), "none of the slips"),
    ("posterior_ellipse", lambda mu, lv, s: (mu, s + (lv / 2).exp()), "none of the slips"),
    ("neighbour_preservation", lambda h, lo, k: 100 * preserved_in_loops(h, lo, k), "percentage"),
    ("neighbour_preservation", lambda h, lo, k: 1 - preserved_in_loops(h, lo, k), "lost"),
    ("neighbour_preservation", lambda h, lo, k: sum(kept_in_loops(h, lo, k)), "all points together"),
    ("neighbour_preservation", lambda h, lo, k: sum(kept_in_loops(h, lo, k)) / k, "Average them"),
    ("neighbour_preservation", lambda h, lo, k: np.mean(shared(h, lo, start=-k, stop=None)) / k, "farthest"),
    ("neighbour_preservation", lambda h, lo, k: np.mean(shared(h, lo, start=1, stop=k + 2)) / (k + 1), "k + 1"),
    ("neighbour_preservation", lambda h, lo, k: np.mean(shared(h, lo, start=1, stop=k + 2)) / k, "k + 1"),
    ("neighbour_preservation", lambda h, lo, k: np.mean(shared(h, lo, start=1, stop=k)) / (k - 1), "k - 1"),
    ("neighbour_preservation", lambda h, lo, k: np.mean(shared(h, lo, start=1, stop=k)) / k, "k - 1"),
    ("neighbour_preservation", lambda h, lo, k: np.mean([s / (2 * k - s) for s in kept_in_loops(h, lo, k)]), "Jaccard"),
    (
        "neighbour_preservation",
        lambda h, lo, k: (
            nearest_by_argsort(h, start=1, stop=k + 1) == nearest_by_argsort(lo, start=1, stop=k + 1)
        ).mean(),
        "order does not matter",
    ),
    ("neighbour_preservation", lambda h, lo, k: np.mean([s == k for s in kept_in_loops(h, lo, k)]), "keep all"),
    ("neighbour_preservation", lambda h, lo, k: trustworthiness(h, lo, n_neighbors=k), "trustworthiness"),
    ("neighbour_preservation", lambda h, lo, k: torch.tensor(kept_in_loops(h, lo, k)) / k, "share of each point"),
    ("neighbour_preservation", lambda h, lo, k: kept_in_loops(h, lo, k), "number that each point keeps"),
    ("neighbour_preservation", lambda h, lo, k: 1.0, "none of the slips"),
    ("neighbour_preservation", lambda h, lo, k: 0, "whole numbers"),
    ("neighbour_preservation", lambda h, lo, k: k / (len(h) - 1), "none of the slips"),
    ("neighbour_preservation", lambda h, lo, k: trustworthiness(lo, h, n_neighbors=k), "none of the slips"),
    ("neighbour_preservation", lambda h, lo, k: max(kept_in_loops(h, lo, k)) / k, "none of the slips"),
    ("neighbour_preservation", lambda h, lo, k: float(np.median(kept_in_loops(h, lo, k))) / k, "none of the slips"),
]


@pytest.mark.parametrize(("name", "answer", "words"), answering.each(UNKNOWN))
def test_unknown_wrong_answer_is_described_but_never_named(name, answer, words):
    answering.assert_not_named(name, answer, SEEDS, words)


def test_distances_of_city_blocks_are_told_apart():
    verdict = exercises.check(
        "neighbour_preservation",
        lambda high, low, k: preserved_by_ranks_of(
            [scipy_cdist(points, points, "cityblock") for points in (high, low)], k
        ),
        seed=0,
    )
    assert "Euclidean" in verdict.message


def preserved_by_ranks_of(distances, k):
    near = [(1 <= rank) & (rank <= k) for rank in (d.argsort(axis=1).argsort(axis=1) for d in distances)]
    return (near[0] & near[1]).sum() / near[0].sum()


@pytest.mark.parametrize(
    "answer",
    [
        lambda mu, logvar: mu - mu.mean(axis=0),  # a constant over a width may have mean 0 and variance 1
        lambda mu, logvar: mu + logvar.mean(axis=0),
        lambda mu, logvar: mu[::-1],
        lambda mu, logvar: mu + np.exp(logvar / 2),
        lambda mu, logvar: mu + np.sin(1e3 * mu),
        lambda mu, logvar: np.random.default_rng().normal(size=mu.shape),
    ],
)
def test_what_is_no_sample_is_never_called_one(answer):
    shown_by = _EXERCISES["scatter_coordinates"].slips["samples_not_means"].shown_by
    for seed in range(300):
        assert not shown_by(lambda inputs: (answer(**inputs),), np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("name", "answer", "status", "words"),
    [
        ("scatter_coordinates", lambda mu, logvar: None, "not answered yet", "return"),
        ("posterior_ellipse", lambda mu, lv, s: (..., ...), "not answered yet", "..."),
        ("posterior_ellipse", lambda mu, lv, s: mu, "broken", "must return 2 values, and returned a Tensor"),
        ("posterior_ellipse", lambda mu, lv: mu, "broken", "must take the arguments (mu, logvar, n_std)"),
        ("neighbour_preservation", lambda h, lo, k: {1, 2} & {2}, "broken", "a set, where numbers are wanted"),
    ],
)
def test_other_trouble_gets_a_sentence(name, answer, status, words):
    verdict = exercises.check(name, answer)
    assert verdict.status == status
    assert words in verdict.message


def test_a_projection_of_points_that_is_faithful_keeps_all_neighbours():
    line = torch.rand(50, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    reference = exercises.reference("neighbour_preservation")
    assert reference(line @ torch.ones(1, 5, dtype=torch.float64), torch.cat([line, 2 * line], 1), 7) == 1.0
    assert reference(line, line.sort(dim=0).values.flip(0), 49) == 1.0  # all others, in any picture
