"""Chapter 9's exercises: right answers pass however they are written, slips are named, nothing else is."""

import functools
import itertools
import math

import answering
import numpy as np
import pytest
import scipy.linalg
import scipy.spatial
import scipy.special
import scipy.stats
import torch
from answering import arrays, floats
from nightly import seeds
from torch.distributions import MultivariateNormal

from vae_course import exercises, latent
from vae_course.exercises import _EXERCISES

SEEDS = seeds(2, 10)
TABLE = {
    "log_volume": {"missing_half", "det_underflow", "trace"},
    "principal_direction": {"smallest", "row_not_column", "not_unit"},
    "gaussian_w2": {"elementwise_sqrt", "means_only", "missing_cross_term"},
    "shortest_tour": {"greedy", "closed_tour", "misses_some"},
    "shell_radius": {"radius_one", "squared"},
}
pytestmark = pytest.mark.usefixtures("no_rehearsal", "trials_made_once")
MultivariateNormal(torch.zeros(1), torch.eye(1)).entropy()  # what torch loads at its first use can outlast a check


# --- right answers ---------------------------------------------------------------------------------------------


def volume_by_elimination(cov):
    rows, total = [list(row) for row in cov], 0.0
    for i in range(len(rows)):  # no pivots, as the matrix is positive definite
        total += math.log(rows[i][i])
        for j in range(i + 1, len(rows)):
            factor = rows[j][i] / rows[i][i]
            rows[j] = [a - factor * b for a, b in zip(rows[j], rows[i], strict=True)]
    return total / 2


def volume_rescaled(cov):
    """A determinant after all: of the covariance in other units."""
    unit = np.trace(cov) / len(cov)
    return 0.5 * (np.log(np.linalg.det(cov / unit)) + len(cov) * np.log(unit))


def power_iteration(cov):
    v = torch.arange(1.0, len(cov) + 1).to(cov)
    for _ in range(80):
        v = cov @ v
        v = v / v.norm()
    return v


def powers_in_loops(cov):
    v = [1.0, *[0.7] * (len(cov) - 1)]
    for _ in range(80):
        v = [sum(a * b for a, b in zip(row, v, strict=True)) for row in cov]
        length = math.sqrt(sum(a * a for a in v))
        v = [a / length for a in v]
    return v


def eig_argmax(cov):
    values, vectors = np.linalg.eig(cov)
    return vectors[:, values.argmax()]


def squared_power(cov):
    power = cov / cov.trace()
    for _ in range(12):
        power = power @ power
        power = power / power.trace()
    column = power[:, power.diag().argmax()]
    return column / column.norm()


def root_of(cov):
    values, vectors = np.linalg.eigh(cov)
    return vectors @ np.diag(np.sqrt(np.clip(values, 0, None))) @ vectors.T


def w2(m1, c1, m2, c2):
    root = root_of(c1)
    return np.sum((m1 - m2) ** 2) + np.trace(c1 + c2 - 2 * root_of(root @ c2 @ root))


def w2_by_singular_values(m1, c1, m2, c2):
    one, two = torch.linalg.cholesky(c1), torch.linalg.cholesky(c2)
    return (m1 - m2) @ (m1 - m2) + c1.trace() + c2.trace() - 2 * torch.linalg.svdvals(one.T @ two).sum()


def w2_by_map(m1, c1, m2, c2):
    """The mean squared length of the way of the optimal map, which is linear."""
    root = root_of(c1)
    inverse = np.linalg.inv(root)
    move = inverse @ root_of(root @ c2 @ root) @ inverse - np.eye(len(m1))
    return (m1 - m2) @ (m1 - m2) + np.trace(move @ c1 @ move.T)


def w2_by_iteration(m1, c1, m2, c2):
    """Matrix roots by Denman and Beavers."""

    def root(matrix):
        y, z = matrix, torch.eye(len(matrix)).to(matrix)
        for _ in range(25):
            y, z = (y + torch.linalg.inv(z)) / 2, (z + torch.linalg.inv(y)) / 2
        return y

    return ((m1 - m2) ** 2).sum() + torch.trace(c1 + c2 - 2 * root(root(c1) @ c2 @ root(c1)))


def leg_lengths(centers):
    centers = np.asarray(centers, dtype=float)
    return np.linalg.norm(centers[:, None] - centers[None], axis=-1)


@functools.cache
def all_orders(n):
    return np.array(list(itertools.permutations(range(n))))


def every_order(centers):
    legs, orders = leg_lengths(centers), all_orders(len(centers))
    return orders[legs[orders[:, :-1], orders[:, 1:]].sum(axis=1).argmin()].tolist()


def orders_in_loops(centers):
    best, shortest = None, math.inf
    for order in itertools.permutations(range(len(centers))):
        length = 0.0
        for i in range(len(order) - 1):
            length += math.dist(centers[order[i]], centers[order[i + 1]])
        if length < shortest:
            best, shortest = list(order), length
    return best


def by_recursion(centers):
    legs = leg_lengths(centers)

    @functools.cache
    def best(last, left):
        if not left:
            return 0.0, (last,)
        ways = [(legs[last, j] + best(j, left - {j})[0], (last, *best(j, left - {j})[1])) for j in left]
        return min(ways)

    points = frozenset(range(len(legs)))
    return min(best(i, points - {i}) for i in points)[1]


def by_extra_point(centers):
    """A closed tour with one more point, at distance 0 from all, is an open path."""
    n = len(centers)
    legs = np.zeros((n + 1, n + 1))
    legs[:n, :n] = leg_lengths(centers)
    tours = itertools.permutations(range(n))
    return min(tours, key=lambda o: sum(legs[i, j] for i, j in itertools.pairwise((n, *o, n))))


def mean_norm(d, n=4_000):
    return torch.randn(n, d).norm(dim=1).mean()


RIGHT = {
    "log_volume": {
        "slogdet": lambda cov: 0.5 * torch.linalg.slogdet(cov).logabsdet,
        "logdet": lambda cov: torch.logdet(cov) / 2,
        "NumPy": arrays(lambda cov: 0.5 * np.linalg.slogdet(cov)[1]),
        "Cholesky": lambda cov: torch.linalg.cholesky(cov).diagonal().log().sum(),
        "eigenvalues": arrays(lambda cov: np.log(np.linalg.eigvalsh(cov)).sum() / 2),
        "roots of eigenvalues": lambda cov: torch.linalg.eigvalsh(cov).sqrt().log().sum(),
        "singular values": arrays(lambda cov: 0.5 * np.sum(np.log(np.linalg.svd(cov, compute_uv=False)))),
        "entropy": lambda cov: (
            MultivariateNormal(torch.zeros(len(cov)).to(cov), cov).entropy()
            - len(cov) / 2 * (1 + math.log(2 * math.pi))
        ),
        "loops": floats(volume_by_elimination),
        "other units": arrays(volume_rescaled),
        "float32": lambda cov: 0.5 * torch.logdet(cov.float()),
        "package": lambda cov: latent.log_volume(torch.as_tensor(cov)),
        "reference": exercises.reference("log_volume"),
    },
    "principal_direction": {
        "eigh": lambda cov: torch.linalg.eigh(cov).eigenvectors[:, -1],
        "other sign": lambda cov: -torch.linalg.eigh(cov).eigenvectors[:, -1],
        "NumPy": arrays(lambda cov: np.linalg.eigh(cov)[1][:, -1]),
        "transposed": arrays(lambda cov: np.linalg.eigh(cov)[1].T[-1]),
        "eig": arrays(eig_argmax),
        "complex": lambda cov: (eig := torch.linalg.eig(cov)).eigenvectors[:, eig.eigenvalues.real.argmax()],
        "U of svd": lambda cov: torch.linalg.svd(cov).U[:, 0],
        "Vh of svd": lambda cov: torch.linalg.svd(cov).Vh[0],
        "powers": lambda cov: power_iteration(cov),
        "powers in loops": floats(powers_in_loops),
        "square of squares": lambda cov: squared_power(cov),
        "scipy": arrays(lambda cov: scipy.linalg.eigh(cov, subset_by_index=[len(cov) - 1] * 2)[1][:, 0]),
        "float32": lambda cov: torch.linalg.eigh(cov.float()).eigenvectors[:, -1],
        "list": lambda cov: torch.linalg.eigh(cov).eigenvectors[:, -1].tolist(),
        "package": lambda cov: latent.principal_axes(torch.as_tensor(cov)).axis[0],
        "reference": exercises.reference("principal_direction"),
    },
    "gaussian_w2": {
        "NumPy": arrays(w2),
        "other way round": arrays(lambda m1, c1, m2, c2: w2(m2, c2, m1, c1)),
        "scipy": arrays(lambda m1, c1, m2, c2: (
            np.sum((m1 - m2) ** 2) + np.trace(c1) + np.trace(c2) - 2 * np.trace(
                scipy.linalg.sqrtm(scipy.linalg.sqrtm(c1) @ c2 @ scipy.linalg.sqrtm(c1)).real))),
        "root of the product": arrays(lambda m1, c1, m2, c2: (
            np.sum((m1 - m2) ** 2) + np.trace(c1 + c2) - 2 * np.trace(scipy.linalg.sqrtm(c1 @ c2)).real)),
        "eigenvalues of the product": lambda m1, c1, m2, c2: (
            ((m1 - m2) ** 2).sum() + (c1 + c2).trace() - 2 * torch.linalg.eigvals(c1 @ c2).real.sqrt().sum()),
        "singular values": w2_by_singular_values,
        "nuclear norm": arrays(lambda m1, c1, m2, c2: (
            np.linalg.norm(m1 - m2) ** 2 + np.trace(c1 + c2) - 2 * np.linalg.norm(root_of(c1) @ root_of(c2), "nuc"))),
        "map": arrays(w2_by_map),
        "iteration": w2_by_iteration,
        "float32": arrays(lambda *values: w2(*(value.astype(np.float32) for value in values))),
        "one-element tensor's item": lambda *values: float(w2_by_singular_values(*values)),
        "package, squared": lambda *values: latent.wasserstein2(*map(torch.as_tensor, values)) ** 2,
        "reference": exercises.reference("gaussian_w2"),
    },
    "shortest_tour": {
        "every order": every_order,
        "backwards": lambda centers: every_order(centers)[::-1],
        "tensor": lambda centers: torch.tensor(every_order(centers)),
        "NumPy": lambda centers: np.array(every_order(centers)),
        "floats": lambda centers: torch.tensor(every_order(centers)).float(),
        "loops": floats(orders_in_loops),
        "loops backwards": floats(lambda centers: tuple(orders_in_loops(centers)[::-1])),
        "recursion": by_recursion,
        "one more point": by_extra_point,
        "float32": lambda centers: every_order(np.asarray(centers, dtype=np.float32)),
        "of tensors": lambda centers: min(
            itertools.permutations(range(len(centers))),
            key=lambda order: torch.as_tensor(centers)[list(order)].diff(dim=0).norm(dim=1).sum(),
        ),
        "package": lambda centers: latent.shortest_tour(torch.as_tensor(centers)),
        "reference": exercises.reference("shortest_tour"),
    },
    "shell_radius": {
        "root": lambda d: math.sqrt(d),
        "power": lambda d: d**0.5,
        "closer": lambda d: math.sqrt(d - 0.5),
        "mode": lambda d: np.sqrt(d - 1),
        "exact": lambda d: math.sqrt(2) * math.gamma((d + 1) / 2) / math.gamma(d / 2),
        "logarithms": lambda d: math.sqrt(2) * math.exp(math.lgamma((d + 1) / 2) - math.lgamma(d / 2)),
        "scipy": lambda d: scipy.stats.chi(d).mean(),
        "ratio of gamma functions": lambda d: np.sqrt(2) * scipy.special.poch(d / 2, 0.5),
        "tensor": lambda d: torch.tensor(float(d)).sqrt(),
        "float32": lambda d: np.float32(d) ** np.float32(0.5),
        "simulation": mean_norm,
        "NumPy simulation": lambda d: np.linalg.norm(np.random.default_rng().normal(size=(4_000, d)), axis=1).mean(),
        "simulated squares": lambda d: (torch.randn(20_000, d) ** 2).sum(1).mean().sqrt(),
        "series": lambda d: math.sqrt(d) * (1 - 1 / (4 * d) + 1 / (32 * d**2)),
        "reference": exercises.reference("shell_radius"),
    },
}  # fmt: skip


def test_names_and_slips_are_those_of_the_course():
    answering.assert_names_and_slips(9, TABLE)


@pytest.mark.parametrize(("name", "answer"), answering.each_right(RIGHT))
def test_right_answer_passes(name, answer):
    answering.assert_passes(name, answer, SEEDS)


def test_every_exercise_has_a_dozen_styles():
    answering.assert_many_styles(9, RIGHT, least=12)


# --- slips -----------------------------------------------------------------------------------------------------


def scaled(cov, how):
    values, vectors = torch.linalg.eigh(cov)
    return how(values[-1]) * vectors[:, -1]


def by_entry(m1, c1, m2, c2):
    return np.sum((m1 - m2) ** 2) + np.trace(c1 + c2 - 2 * np.sqrt(np.sqrt(c1) @ c2 @ np.sqrt(c1)))


def nearest_first(centers, start=0):
    legs = leg_lengths(centers)
    order, left = [start], set(range(len(legs))) - {start}
    while left:
        order.append(min(left, key=lambda j: legs[order[-1], j]))
        left.remove(order[-1])
    return order


def nearest_first_masked(centers):
    legs = torch.cdist(torch.as_tensor(centers), torch.as_tensor(centers))
    order = [len(legs) - 1]
    for _ in range(len(legs) - 1):
        row = legs[order[-1]].clone()
        row[order] = torch.inf
        order.append(int(row.argmin()))
    return torch.tensor(order)


def best_of_nearest_first(centers):
    legs = leg_lengths(centers)
    orders = [nearest_first(centers, start) for start in range(len(legs))]
    return min(orders, key=lambda o: sum(legs[i, j] for i, j in itertools.pairwise(o)))


def round_trip(centers, first=None):
    legs, orders = leg_lengths(centers), all_orders(len(centers))
    orders = orders if first is None else orders[orders[:, 0] == first]
    return orders[legs[orders, np.roll(orders, 1, axis=1)].sum(axis=1).argmin()].tolist()


WRONG = {
    "log_volume": {
        "missing_half": [
            lambda cov: torch.logdet(cov),
            arrays(lambda cov: np.linalg.slogdet(cov)[1]),
            floats(lambda cov: 2 * volume_by_elimination(cov)),
            lambda cov: torch.linalg.eigvalsh(cov).log().sum(),
            arrays(lambda cov: np.log(np.linalg.svd(cov, compute_uv=False)).sum()),
        ],
        "det_underflow": [
            lambda cov: 0.5 * torch.det(cov).log(),
            arrays(lambda cov: 0.5 * np.log(np.linalg.det(cov))),
            lambda cov: torch.linalg.det(cov).sqrt().log(),
            arrays(lambda cov: np.log(np.prod(np.linalg.eigvalsh(cov))) / 2),
            lambda cov: torch.linalg.eigvalsh(cov).prod().log() / 2,
            lambda cov: torch.log(torch.linalg.det(cov) + 1e-12) / 2,
            arrays(lambda cov: 0.5 * np.log(np.maximum(np.linalg.det(cov), 1e-300))),
            lambda cov: 2 * torch.linalg.det(cov).pow(0.25).log(),
            lambda cov: torch.linalg.eigvalsh(cov).sqrt().prod().log(),
            # the logarithm of 0 is an error of math
            arrays(lambda cov: 0.5 * math.log(np.linalg.det(cov))),
            floats(lambda cov: math.log(np.prod(np.sqrt(np.linalg.eigvalsh(cov))).item())),
        ],
        "trace": [
            lambda cov: 0.5 * cov.trace().log(),
            arrays(lambda cov: 0.5 * np.log(np.trace(cov))),
            lambda cov: 0.5 * cov.diagonal().sum(),
            floats(lambda cov: math.log(math.sqrt(sum(cov[i][i] for i in range(len(cov)))))),
            lambda cov: 0.5 * torch.linalg.eigvalsh(cov).sum().log(),
        ],
    },
    "principal_direction": {
        "smallest": [
            lambda cov: torch.linalg.eigh(cov).eigenvectors[:, 0],
            arrays(lambda cov: -np.linalg.eigh(cov)[1][:, 0]),
            lambda cov: torch.linalg.svd(cov).U[:, -1],
            arrays(lambda cov: (lambda values, vectors: vectors[:, values.argmin()])(*np.linalg.eig(cov))),
            lambda cov: power_iteration(torch.linalg.inv(cov)),
        ],
        "row_not_column": [
            lambda cov: torch.linalg.eigh(cov).eigenvectors[-1],
            arrays(lambda cov: np.linalg.eigh(cov)[1][-1]),
            lambda cov: torch.linalg.eigh(cov).eigenvectors[0],
            lambda cov: torch.linalg.svd(cov).U[0],
            lambda cov: torch.linalg.svd(cov).Vh[:, 0],
            arrays(lambda cov: (lambda values, vectors: vectors[values.argmax()])(*np.linalg.eig(cov))),
            arrays(lambda cov: np.linalg.eigh(cov)[1].T[:, -1]),
        ],
        "not_unit": [
            lambda cov: scaled(cov, torch.sqrt),
            lambda cov: scaled(cov, lambda value: value),
            lambda cov: scaled(cov, lambda value: 2 * value.sqrt()),
            lambda cov: -scaled(cov, lambda value: 3.0),
            lambda cov: scaled(cov, lambda value: 1 / value),
            lambda cov: power_iteration(cov) / power_iteration(cov).abs().max(),
            lambda cov: power_iteration(cov) / power_iteration(cov).abs().sum(),
            lambda cov: cov @ power_iteration(cov),
        ],
    },
    "gaussian_w2": {
        "elementwise_sqrt": [
            arrays(by_entry),
            lambda m1, c1, m2, c2: (
                ((m1 - m2) ** 2).sum() + torch.trace(c1 + c2 - 2 * (c1.sqrt() @ c2 @ c1.sqrt()).sqrt())),
            arrays(lambda m1, c1, m2, c2: (m1 - m2) @ (m1 - m2) + np.trace(c1 + c2 - 2 * np.sqrt(
                root_of(c1) @ c2 @ root_of(c1)))),
            arrays(lambda m1, c1, m2, c2: (m1 - m2) @ (m1 - m2) + np.trace(c1 + c2 - 2 * scipy.linalg.sqrtm(
                c1**0.5 @ c2 @ c1**0.5).real)),
            lambda m1, c1, m2, c2: ((m1 - m2) ** 2).sum() + (c1 + c2 - 2 * (c1 @ c2) ** 0.5).trace(),
            arrays(lambda m1, c1, m2, c2: np.sum((m1 - m2) ** 2) + np.linalg.norm(np.sqrt(c1) - np.sqrt(c2)) ** 2),
        ],
        "means_only": [
            lambda m1, c1, m2, c2: ((m1 - m2) ** 2).sum(),
            arrays(lambda m1, c1, m2, c2: np.linalg.norm(m1 - m2) ** 2),
            floats(lambda m1, c1, m2, c2: sum((a - b) ** 2 for a, b in zip(m1, m2, strict=True))),
            arrays(lambda m1, c1, m2, c2: w2(m1, c1, m2, c1)),
        ],
        "missing_cross_term": [
            lambda m1, c1, m2, c2: ((m1 - m2) ** 2).sum() + c1.trace() + c2.trace(),
            arrays(lambda m1, c1, m2, c2: (m1 - m2) @ (m1 - m2) + np.trace(c1 + c2)),
            floats(lambda m1, c1, m2, c2: sum(
                (m1[i] - m2[i]) ** 2 + c1[i][i] + c2[i][i] for i in range(len(m1)))),
            lambda m1, c1, m2, c2: (m1 - m2).norm() ** 2 + torch.linalg.eigvalsh(c1).sum() + (c2**1).diagonal().sum(),
        ],
    },
    "shortest_tour": {
        "greedy": [
            nearest_first,
            lambda centers: nearest_first(centers)[::-1],
            lambda centers: nearest_first(centers, 3),
            nearest_first_masked,
            best_of_nearest_first,
            lambda centers: nearest_first(centers, int(np.linalg.norm(np.asarray(centers), axis=1).argmax())),
        ],
        "closed_tour": [
            round_trip,
            lambda centers: round_trip(centers, 0),
            lambda centers: [*round_trip(centers), round_trip(centers)[0]],
            lambda centers: [*every_order(centers), every_order(centers)[0]],
            lambda centers: torch.tensor(round_trip(centers, 2)).roll(2),
            lambda centers: np.array(round_trip(centers)[::-1]),
        ],
        "misses_some": [
            lambda centers: every_order(centers)[:-1],
            lambda centers: every_order(centers[:-1]),
            lambda centers: [i + 1 for i in every_order(centers[1:])],
            lambda centers: [0] * len(centers),
            lambda centers: (leg_lengths(centers) + 99 * np.eye(len(centers))).argmin(axis=1),
            lambda centers: nearest_first(centers)[1:],
            lambda centers: [*every_order(centers)[1:], every_order(centers)[1]],
        ],
    },
    "shell_radius": {
        "radius_one": [
            lambda d: 1.0,
            lambda d: 1,
            lambda d: torch.ones(()),
            lambda d: torch.randn(4_000, d).std(),
            lambda d: np.sqrt(np.mean(np.random.default_rng().normal(size=(4_000, d)) ** 2)),
        ],
        "squared": [
            lambda d: d,
            lambda d: float(d),
            lambda d: (torch.randn(4_000, d) ** 2).sum(1).mean(),
            lambda d: scipy.stats.chi2(d).mean(),
            lambda d: (np.random.default_rng().normal(size=(4_000, d)) ** 2).sum(axis=1).mean(),
        ],
    },
}  # fmt: skip


@pytest.mark.parametrize(("name", "slip", "answer"), answering.each_wrong(WRONG))
def test_slip_is_named_however_written(name, slip, answer):
    answering.assert_named(name, slip, answer, SEEDS)


def test_every_slip_is_written_in_several_ways():
    answering.assert_many_ways(9, WRONG)


TWO_SLIPS = {
    "log_volume": [
        ({"missing_half", "det_underflow"}, lambda cov: torch.linalg.det(cov).log()),
        ({"missing_half", "trace"}, lambda cov: cov.trace().log()),
        ({"missing_half", "trace"}, arrays(np.trace)),
    ],
    "principal_direction": [
        ({"smallest", "not_unit"}, arrays(lambda cov: np.linalg.eigh(cov)[0][0] * np.linalg.eigh(cov)[1][:, 0])),
    ],
}


@pytest.mark.parametrize(("name", "slips", "answer"), answering.each(TWO_SLIPS))
def test_two_slips_are_both_named(name, slips, answer):
    answering.assert_both_named(name, slips, answer, SEEDS)


# --- wrong in other ways ---------------------------------------------------------------------------------------


def moved(m1, m2):
    return ((m1 - m2) ** 2).sum()


REMARKS = {
    "log_volume": [
        ("on the diagonal", lambda cov: 0.5 * cov.diagonal().log().sum()),
        ("and a half is missing", lambda cov: cov.diagonal().log().sum()),
        ("sign is turned round", lambda cov: -0.5 * torch.logdet(cov)),
        ("doubled", lambda cov: 2 * torch.logdet(cov)),
        ("the volume itself", lambda cov: torch.linalg.det(cov) ** 0.5),
        ("have the determinant", lambda cov: torch.linalg.det(cov)),
        ("divided by the number", lambda cov: 0.5 * torch.linalg.eigvalsh(cov).log().mean()),
        ("base 10", arrays(lambda cov: 0.5 * np.log10(np.linalg.eigvalsh(cov)).sum())),
    ],
    "principal_direction": [
        ("largest variance itself", lambda cov: torch.linalg.eigvalsh(cov).max()),
        ("gave the eigenvalues", lambda cov: torch.linalg.eigvalsh(cov)),
        ("between the latents' axes", lambda cov: torch.eye(len(cov))[cov.diagonal().argmax()]),
        ("as a direction", lambda cov: cov.diagonal() / cov.diagonal().norm()),
        ("second longest", lambda cov: torch.linalg.eigh(cov).eigenvectors[:, -2]),
    ],
    "gaussian_w2": [
        ("distance of the means alone", lambda m1, c1, m2, c2: (m1 - m2).norm()),
        ("took the root at the end", arrays(lambda *values: np.sqrt(w2(*values)))),
        ("distance of the means is missing", arrays(lambda m1, c1, m2, c2: w2(m1, c1, m1, c2))),
        ("a factor 2 is missing", lambda m1, c1, m2, c2: (
            w2_by_singular_values(m1, c1, m2, c2) + moved(m1, m2) + (c1 + c2).trace()) / 2),
        ("to be subtracted.", lambda m1, c1, m2, c2: (
            2 * moved(m1, m2) + 2 * (c1 + c2).trace() - w2_by_singular_values(m1, c1, m2, c2))),
        ("standard deviations of each latent", lambda m1, c1, m2, c2: (
            moved(m1, m2) + ((c1.diagonal().sqrt() - c2.diagonal().sqrt()) ** 2).sum())),
        ("standard deviations of each latent", lambda m1, c1, m2, c2: (
            moved(m1, m2) + (c1 + c2 - 2 * (c1 * c2).sqrt()).trace())),
        ("product of both roots", arrays(lambda m1, c1, m2, c2: (
            np.sum((m1 - m2) ** 2) + np.linalg.norm(root_of(c1) - root_of(c2)) ** 2))),
        ("outer root", lambda m1, c1, m2, c2: moved(m1, m2) + (c1 + c2 - 2 * c1 @ c2).trace()),
        ("stands on both sides", arrays(lambda m1, c1, m2, c2: (
            np.sum((m1 - m2) ** 2) + np.trace(c1 + c2 - 2 * root_of(c1 @ c2 @ c1))))),
        ("entry by entry", lambda m1, c1, m2, c2: moved(m1, m2) + moved(c1, c2)),
        ("It enters squared", arrays(lambda m1, c1, m2, c2: w2(m1, c1, m1, c2) + np.linalg.norm(m1 - m2))),
        ("before squaring it", arrays(lambda m1, c1, m2, c2: w2(m1, c1, m1, c2) + np.sum(m1 - m2) ** 2)),
    ],
    "shortest_tour": [
        ("count the points from 1", lambda centers: [i + 1 for i in every_order(centers)]),
        ("place of each point", lambda centers: np.argsort(every_order(centers))),
        ("place of each point", lambda centers: torch.tensor(every_order(centers)[::-1]).argsort()),
        ("length of the path", lambda centers: latent.path_length(centers[list(every_order(centers))])),
        ("in which they were given", lambda centers: list(range(len(centers)))),
    ],
    "shell_radius": [
        ("length of the mean", lambda d: 0),
        ("size of ONE latent", lambda d: math.sqrt(2 / math.pi)),
        ("added up the sizes", lambda d: d * math.sqrt(2 / math.pi)),
        ("half of d", lambda d: math.sqrt(d / 2)),
        ("the root of 2 d", lambda d: (2 * d) ** 0.5),
        ("divided by the root", lambda d: d**-0.5),
        ("halved d", lambda d: d / 2),
        ("logarithm of d", np.log),
        ("different results", lambda d: torch.randn(d).norm() * torch.rand(())),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("name", "words", "answer"), answering.each(REMARKS))
def test_other_typical_faults_get_a_sentence_and_no_name(name, words, answer):
    answering.assert_not_named(name, answer, SEEDS, words)


def longest(centers):
    legs, orders = leg_lengths(centers), all_orders(len(centers))
    return orders[legs[orders[:, :-1], orders[:, 1:]].sum(axis=1).argmax()]


def change_last_leg(centers):
    order = list(every_order(centers))
    return [order[1], order[0], *order[2:]]


UNKNOWN = {
    "log_volume": [
        lambda cov: 0.0,
        lambda cov: 1.02 * 0.5 * torch.logdet(cov),
        lambda cov: 0.5 * torch.logdet(cov) + 1,
        lambda cov: 0.5 * torch.logdet(cov) + len(cov) / 2 * math.log(math.pi) - math.lgamma(len(cov) / 2 + 1),
        lambda cov: 0.5 * cov.norm().log(),
        lambda cov: 0.5 * torch.linalg.eigvalsh(cov)[-1].log(),
        lambda cov: MultivariateNormal(torch.zeros(len(cov)).to(cov), cov).entropy(),
        lambda cov: 0.5 * torch.logdet(cov[:-1, :-1]),
        lambda cov: 0.5 * cov.sum().log(),
        lambda cov: 0.5 * (torch.logdet(cov) + cov.trace()),
        # wrong in a few latents, and not finite in many
        lambda cov: 0.51 * torch.det(cov).log(),
        # right in a few, wrong in many, but never at a loss for a number
        lambda cov: 0.5 * torch.logdet(cov[:8, :8]),
    ],
    "principal_direction": [
        lambda cov: torch.ones(len(cov)) / math.sqrt(len(cov)),
        lambda cov: torch.zeros(len(cov)),
        lambda cov: cov[:, 0] / cov[:, 0].norm(),
        lambda cov: (cov @ torch.ones(len(cov)).to(cov)) / (cov @ torch.ones(len(cov)).to(cov)).norm(),
        lambda cov: power_iteration(cov).abs() + 0.1,
        lambda cov: torch.linalg.eigh(cov).eigenvectors[:, 1] if len(cov) > 3 else torch.ones(len(cov)),
        lambda cov: torch.linalg.cholesky(cov)[:, 0],
        lambda cov: torch.linalg.eigh(cov).eigenvectors.sum(0),
        lambda cov: torch.linalg.eigh(cov).eigenvectors[:, -1].flip(0),
        # nearly right, both in direction and in length
        lambda cov: (lambda v: v / v.norm())(power_iteration(cov) + 0.05 * torch.linalg.eigh(cov).eigenvectors[:, 0]),
        lambda cov: torch.linalg.eigh(cov).eigenvectors,
        lambda cov: torch.linalg.eigh(cov).eigenvectors[:, -1:],
    ],
    "gaussian_w2": [
        lambda m1, c1, m2, c2: 0.0,
        arrays(lambda *values: 1.02 * w2(*values)),
        arrays(lambda *values: w2(*values) / 2),
        arrays(lambda m1, c1, m2, c2: w2(m1, c1 @ c1, m2, c2 @ c2)),
        arrays(lambda m1, c1, m2, c2: w2(m1, c1, m2, c2) + 0.1),
        lambda m1, c1, m2, c2: 8 * latent.bhattacharyya(*map(torch.as_tensor, (m1, c1, m2, c2))),
        lambda m1, c1, m2, c2: latent.gaussian_kl(*map(torch.as_tensor, (m1, c1, m2, c2))),
        lambda m1, c1, m2, c2: (m1 - m2) @ torch.linalg.inv(c1) @ (m1 - m2),
        lambda m1, c1, m2, c2: moved(m1, m2) + (c1.trace() - c2.trace()) ** 2,
        lambda m1, c1, m2, c2: moved(m1, m2) + (torch.linalg.cholesky(c1) - torch.linalg.cholesky(c2)).pow(2).sum(),
        lambda m1, c1, m2, c2: moved(m1, m2) + (c1.trace().sqrt() - c2.trace().sqrt()) ** 2,
        lambda m1, c1, m2, c2: moved(m1, m2) + c1.trace(),
    ],
    "shortest_tour": [
        change_last_leg,
        lambda centers: centers[list(every_order(centers))],
        lambda centers: [*range(1, len(centers)), 0],
        lambda centers: np.argsort(np.asarray(centers)[:, 0]),
        lambda centers: torch.as_tensor(centers).norm(dim=1).argsort(),
        longest,
        lambda centers: (lambda o: [*o[3:], *o[:3]])(every_order(centers)),
        lambda centers: 0,
        lambda centers: [i - 1 for i in every_order(centers)],
        lambda centers: [i + 0.5 for i in every_order(centers)],
        lambda centers: [every_order(centers)],
        lambda centers: list(itertools.pairwise(every_order(centers))),
    ],
    "shell_radius": [
        lambda d: 1.03 * math.sqrt(d),
        lambda d: 0.96 * math.sqrt(d),
        lambda d: math.sqrt(d) + 0.3 if d > 20 else math.sqrt(d) + 0.2,
        lambda d: 0.9 * d,
        lambda d: d - 1,
        lambda d: d + 1,
        lambda d: 2.0,
        lambda d: 0.9,
        lambda d: 10.0,
        lambda d: math.sqrt(100),
        lambda d: d**2,
        lambda d: d ** (1 / 3),
        lambda d: -math.sqrt(d),
        lambda d: [math.sqrt(d)],
        lambda d: math.nan,
        lambda d: math.inf,
    ],
}  # fmt: skip


@pytest.mark.parametrize(("name", "answer"), answering.each(UNKNOWN))
def test_unknown_wrong_answer_is_never_diagnosed(name, answer):
    answering.assert_not_named(name, answer, SEEDS)


BROKEN = {
    "log_volume": [("must take the arguments (cov)", lambda a, b: a)],
    "principal_direction": [
        ("must take the arguments (cov)", lambda a, b: a),
        ("Hand over the function itself", torch.ones(3)),
        ("where numbers are wanted", lambda cov: "east"),
        ("in place", lambda cov: torch.linalg.eigh(cov.mul_(2)).eigenvectors[:, -1]),
    ],
    "gaussian_w2": [
        ("complex", arrays(lambda m1, c1, m2, c2: w2(m1, c1, m2, c2) + 1e-9j)),
        ("in place", lambda m1, c1, m2, c2: m1.sub_(m2).pow(2).sum()),
    ],
    "shortest_tour": [
        ("in place", lambda centers: every_order(centers.sub_(centers.mean(0)))),
        ("a generator, where numbers are wanted", lambda centers: (i for i in every_order(centers))),
        ("IndexError", lambda centers: centers[99]),
    ],
    "shell_radius": [
        ("where numbers are wanted", lambda d: math.sqrt),
        ("Hand over the function itself", 4.5),
    ],
}


@pytest.mark.parametrize(("name", "words", "answer"), answering.each(BROKEN))
def test_an_answer_that_cannot_be_judged_gets_a_plain_sentence(name, words, answer):
    answering.assert_broken(name, answer, words)


@pytest.mark.parametrize("name", TABLE)
def test_a_stub_is_not_answered_yet(name):
    assert exercises.check(name, ...).status == "not answered yet"
    assert exercises.check(name, lambda *values: ...).status == "not answered yet"
    assert exercises.check(name, lambda *values: None).status == "not answered yet"


# --- inputs and references -------------------------------------------------------------------------------------


def test_all_orders_that_are_equally_short_pass(monkeypatch):
    """The corners of a rectangle: two of its open paths are the shortest."""
    exercise = _EXERCISES["shortest_tour"]
    corners = torch.tensor([[0.0, 0.0], [0.0, 1.0], [3.0, 1.0], [3.0, 0.0]])
    read = exercise.read(lambda centers: order)
    for order in itertools.permutations(range(4)):
        as_short = latent.path_length(corners[list(order)]) < 5.0001
        assert np.array_equal(read(corners), exercises.reference("shortest_tour")(corners)) == as_short, order


def test_points_drawn_for_the_tour_have_one_shortest_path_and_no_easy_one():
    rng = np.random.default_rng(0)
    for _ in range(20):
        centers = _EXERCISES["shortest_tour"].draw(rng)["centers"]
        legs = leg_lengths(centers)
        lengths = {o: sum(legs[i, j] for i, j in itertools.pairwise(o)) for o in itertools.permutations(range(6))}
        best = min(lengths, key=lengths.get)
        assert sum(length < 1.01 * lengths[best] for length in lengths.values()) == 2
        assert min(lengths[tuple(nearest_first(centers, start))] for start in range(6)) > 1.01 * lengths[best]
        assert lengths[best] + legs[best[0], best[-1]] > 1.01 * min(lengths[o] + legs[o[0], o[-1]] for o in lengths)
        # the places of the points along it, either way, are another path
        assert min(lengths[tuple(np.argsort(order))] for order in (best, best[::-1])) > 1.01 * lengths[best]


def test_some_determinants_drawn_underflow_and_so_do_their_roots():
    rng = np.random.default_rng(0)
    covs = [_EXERCISES["log_volume"].draw(rng)["cov"] for _ in range(100)]
    roots = [np.prod(np.sqrt(np.linalg.eigvalsh(cov))) for cov in covs]
    assert 20 < sum(root == 0 for root in roots) < 80
    assert all((np.linalg.det(cov) == 0) == (root == 0) for cov, root in zip(covs, roots, strict=True))


def test_distances_drawn_can_be_had_in_float32():
    rng = np.random.default_rng(0)
    for _ in range(300):
        drawn = [torch.from_numpy(value) for value in _EXERCISES["gaussian_w2"].draw(rng).values()]
        wanted = float(exercises.reference("gaussian_w2")(*drawn))
        assert w2(*(value.float().numpy() for value in drawn)) == pytest.approx(wanted, rel=2.5e-5)


def test_the_references_agree_with_the_package_and_with_sampling():
    generator = torch.Generator().manual_seed(0)
    cov = torch.cov(torch.randn(4, 20, dtype=torch.float64, generator=generator))
    other = torch.cov(torch.randn(4, 20, dtype=torch.float64, generator=generator))
    m1, m2 = torch.randn(2, 4, dtype=torch.float64, generator=generator)
    torch.testing.assert_close(exercises.reference("log_volume")(cov), latent.log_volume(cov))
    torch.testing.assert_close(exercises.reference("principal_direction")(cov), latent.principal_axes(cov).axis[0])
    torch.testing.assert_close(
        exercises.reference("gaussian_w2")(m1, cov, m2, other), latent.wasserstein2(m1, cov, m2, other) ** 2
    )
    centers = torch.randn(7, 3, generator=generator)
    assert exercises.reference("shortest_tour")(centers).tolist() == latent.shortest_tour(centers).tolist()
    with pytest.raises(ValueError, match=r"latent\.shortest_tour"):
        exercises.reference("shortest_tour")(torch.randn(9, 2))
    for d in (2, 20, 500):
        norms = torch.randn(40_000, d, generator=generator).norm(dim=1)
        # four standard errors; the norm's standard deviation is about 1 / sqrt(2)
        assert abs(exercises.reference("shell_radius")(d) - float(norms.mean())) < 4 * 0.71 / math.sqrt(40_000)


def test_the_root_of_d_is_close_enough_from_20_latents_on():
    for d in range(20, 301):
        assert math.sqrt(d) / exercises.reference("shell_radius")(d) - 1 < 0.013
    assert math.sqrt(8) / exercises.reference("shell_radius")(8) - 1 > 0.02
