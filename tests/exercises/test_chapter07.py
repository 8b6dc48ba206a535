"""Chapter 7's exercises: right answers pass however they are written, slips are named, nothing else is."""

import functools
import itertools
import math

import answering
import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import sympy
import torch
from answering import arrays, floats
from nightly import seeds
from torch.distributions import Independent, MultivariateNormal, Normal

from vae_course import exercises, sampling
from vae_course.exercises import _EXERCISES
from vae_course.exercises.chapter07.ratio import SquaredDistance
from vae_course.exercises.ordering import judge_names

SEEDS = seeds(2, 20)
TABLE = {
    "proposal_log_density": {"wrong_mean", "variance_not_squared", "swapped_arguments"},
    "symmetric_form": {"not_symmetric", "wrong_cross_term", "wrong_denominator"},
    "acceptance_log_ratio": {"prior_counted_twice", "inverted", "exponentiated"},
    "general_prior_proposal": {"not_centered", "covariance_for_cholesky", "noise_not_shaped"},
    "order_the_proof": {"likelihood_too_early", "assumes_conclusion"},
}
pytestmark = pytest.mark.usefixtures("no_rehearsal", "trials_made_once")

z, w, b = sympy.symbols("z w b")
b_positive = sympy.Symbol("b", positive=True)
w_real = sympy.Symbol("w", real=True)
c = sympy.sqrt(1 - b**2)
STARTED_FROM = z**2 + (w - c * z) ** 2 / b**2
FORM = (z**2 + w**2 - 2 * c * z * w) / b**2
ORDER = ["ratio", "bayes", "densities", "expand", "symmetric", "balance", "cancel"]


# --- right answers ---------------------------------------------------------------------------------------------


def root(step):
    return math.sqrt(1 - step**2)


def density_in_loops(z_to, z_from, step):
    out = []
    for arrive, start in zip(z_to, z_from, strict=True):
        total = 0.0
        for p, q in zip(arrive, start, strict=True):
            total -= 0.5 * ((p - root(step) * q) / step) ** 2 + math.log(step * math.sqrt(2 * math.pi))
        out.append(total)
    return out


def whole_metropolis_hastings(z, z_new, loglik):
    """With every factor, for a step of 0.5: posterior and proposal, there and back."""
    density = exercises.reference("proposal_log_density")
    there = loglik(z_new) - 0.5 * (z_new**2).sum(1) + density(z, z_new, 0.5)
    return there - (loglik(z) - 0.5 * (z**2).sum(1) + density(z_new, z, 0.5))


def move_in_loops(z, mean, chol, step, eps):
    d = len(mean)
    return [
        [mean[j] + root(step) * (p[j] - mean[j]) + step * sum(chol[j][k] * q[k] for k in range(d)) for j in range(d)]
        for p, q in zip(z, eps, strict=True)
    ]


def move_through_plain_pcn(z, mean, chol, step, eps):
    plain = torch.linalg.solve_triangular(chol, (z - mean).T, upper=False).T
    return mean + exercises.reference("pcn_proposal")(plain, step, eps) @ chol.T


RIGHT = {
    "proposal_log_density": {
        "torch": lambda z_to, z_from, step: -0.5 * ((z_to - root(step) * z_from) ** 2).sum(1) / step**2,
        "Normal": lambda z_to, z_from, step: Normal(root(step) * z_from, step).log_prob(z_to).sum(-1),
        "Independent": lambda p, q, s: Independent(Normal(q * (1 - s * s) ** 0.5, s), 1).log_prob(p),
        "MultivariateNormal": lambda p, q, s: MultivariateNormal(
            root(s) * q, s**2 * torch.eye(q.shape[1], dtype=q.dtype)
        ).log_prob(p),
        "NumPy": arrays(lambda p, q, s: -np.sum((p - np.sqrt(1 - s**2) * q) ** 2, axis=1) / (2 * s**2)),
        "norms": arrays(lambda p, q, s: -0.5 * (np.linalg.norm(p - root(s) * q, axis=1) / s) ** 2),
        "scipy": arrays(lambda p, q, s: scipy.stats.norm(root(s) * q, s).logpdf(p).sum(1)),
        "loops, normalised": floats(density_in_loops),
        "expanded": lambda p, q, s: (
            -((p**2).sum(1) + (1 - s**2) * (q**2).sum(1) - 2 * root(s) * (p * q).sum(1)) / (2 * s**2)
        ),
        "einsum": lambda p, q, s: -0.5 / s**2 * torch.einsum("nd,nd->n", p - root(s) * q, p - root(s) * q),
        "float32": lambda p, q, s: Normal(root(s) * q.float(), s).log_prob(p.float()).sum(1),
        "noise": lambda p, q, s: Normal(0.0, 1.0).log_prob((p - root(s) * q) / s).sum(1),
        "one by one": lambda p, q, s: [
            float(MultivariateNormal(root(s) * u, s**2 * torch.eye(len(u)).to(u)).log_prob(v))
            for v, u in zip(p, q, strict=True)
        ],
    },
    "symmetric_form": {
        "gathered": FORM,
        "expanded": sympy.expand(STARTED_FROM),
        "factorised": sympy.factor(STARTED_FROM),
        "simplified after expansion": sympy.simplify(sympy.expand(STARTED_FROM)),
        "collected": sympy.collect(sympy.expand(STARTED_FROM), z),
        "term by term": z**2 / b**2 + w**2 / b**2 - 2 * c * z * w / b**2,
        "difference squared": ((z - w) ** 2 + 2 * (1 - c) * z * w) / b**2,
        "the other difference": ((w - z) ** 2 + 2 * (1 - c) * z * w) / b**2,
        "sum and difference": (z + w) ** 2 / (2 * (1 + c)) + (z - w) ** 2 / (2 * (1 - c)),
        "distance of both": abs(z - w) ** 2 / b**2 + 2 * (1 - c) * z * w / b**2,
        "matrix": sympy.Matrix([[z, w]]) * sympy.Matrix([[1, -c], [-c, 1]]) / b**2 * sympy.Matrix([z, w]),
        "float power": (z**2 + w**2 - 2 * (1 - b**2) ** 0.5 * z * w) / b**2,
        "all floats": FORM.evalf(),
        "other assumptions": FORM.subs({b: b_positive, w: w_real}),
        "mixed assumptions": (z**2 + w_real**2) / b**2 - 2 * z * w * c / b_positive**2,
        "not evaluated": sympy.Add(z**2 / b**2, w**2 / b**2, -2 * c * z * w / b**2, evaluate=False),
        "held": sympy.UnevaluatedExpr(FORM),
        "rest under the root": (z**2 + w**2 - z * w * sympy.sqrt(4 - 4 * b**2)) / b**2,
        "text": "(z**2 + w**2 - 2 * sqrt(1 - b**2) * z * w) / b**2",
        "text with signs": "(z² + w² − 2·sqrt(1−b^2)·z·w) / b²",
        "text with sympy.sqrt": "z**2/b**2 + w**2/b**2 - 2*sympy.sqrt(1 - b**2)*z*w/b**2",
        "text with a power": "(z**2 + w**2 - 2*(1 - b**2)**(1/2)*z*w) * b**-2",
        "function of symbols": lambda z, w, b: (z**2 + w**2 - 2 * sympy.sqrt(1 - b**2) * z * w) / b**2,
        "function without arguments": lambda: FORM,
        "function that returns text": lambda z, w, b: "(z**2 + w**2 - 2*sqrt(1 - b**2)*z*w)/b**2",
    },
    "acceptance_log_ratio": {
        "difference": lambda z, z_new, loglik: loglik(z_new) - loglik(z),
        "other names": lambda a, b, f: f(b) - f(a),
        "negative": lambda z, z_new, loglik: -(loglik(z) - loglik(z_new)),
        "one call": lambda z, z_new, loglik: torch.stack(loglik(torch.cat([z_new, z])).chunk(2)).diff(dim=0)[0] * -1,
        "NumPy": arrays(lambda z, z_new, loglik: np.subtract(loglik(z_new), loglik(z))),
        "loop over pairs": lambda z, z_new, loglik: [
            float(loglik(b[None])[0] - loglik(a[None])[0]) for a, b in zip(z, z_new, strict=True)
        ],
        "loop over points": lambda z, z_new, loglik: [loglik(b) - loglik(a) for a, b in zip(z, z_new, strict=True)],
        "logarithm of the ratio": lambda z, z_new, loglik: (loglik(z_new).exp() / loglik(z).exp()).log(),
        "every factor": whole_metropolis_hastings,
        "float32": lambda z, z_new, loglik: loglik(z_new.float()) - loglik(z.float()),
        "keyword": lambda z, z_new, loglik: loglik(z=z_new) - loglik(z=z),
    },
    "general_prior_proposal": {
        "torch": lambda z, mean, chol, step, eps: mean + root(step) * (z - mean) + step * eps @ chol.T,
        "through plain pCN": move_through_plain_pcn,
        "columns": lambda z, mean, chol, step, eps: mean + root(step) * (z - mean) + step * (chol @ eps.T).T,
        "NumPy": arrays(lambda z, m, chol, s, eps: m + np.sqrt(1 - s**2) * (z - m) + s * np.dot(eps, chol.T)),
        "einsum": lambda z, m, chol, s, eps: m + root(s) * (z - m) + s * torch.einsum("ij,cj->ci", chol, eps),
        "loops": floats(move_in_loops),
        "mean gathered": lambda z, m, chol, s, eps: (1 - root(s)) * m + root(s) * z + s * eps @ chol.T,
        "row by row": lambda z, m, chol, s, eps: torch.stack(
            [m + root(s) * (p - m) + s * chol @ q for p, q in zip(z, eps, strict=True)]
        ),
        "matmul": lambda z, m, chol, s, eps: (
            m + root(s) * (z - m) + s * torch.matmul(chol, eps.unsqueeze(-1)).squeeze(-1)
        ),
        "scaled factor": lambda z, m, chol, s, eps: torch.addmm(m + root(s) * (z - m), eps, s * chol.mT),
        "float32": lambda z, m, chol, s, eps: (
            m.float() + root(s) * (z - m).float() + (s * eps.float()) @ chol.float().T
        ),
        "package": lambda z, m, chol, s, eps: sampling.normal.rotate(
            *(torch.as_tensor(a) for a in (z, eps)),
            root(s),
            s,
            sampling.Normal(torch.as_tensor(m), torch.as_tensor(chol)),
        ),
    },
    "order_the_proof": {
        "strand by strand": ORDER,
        "the other strand first": ["densities", "expand", "symmetric", "balance", "ratio", "bayes", "cancel"],
        "interleaved": ["densities", "ratio", "expand", "bayes", "symmetric", "balance", "cancel"],
        "tuple": tuple(ORDER),
        "array": np.array(ORDER),
        "array of objects": np.array(ORDER, dtype=object),
        "function": lambda: ORDER,
        "partial": functools.partial(list, ORDER),
        "text split up": " ".join(ORDER).split(),
        "NumPy strings": [np.str_(name) for name in ORDER],
    },
}


def test_names_slips_and_styles():
    answering.assert_names_and_slips(7, TABLE)
    answering.assert_many_styles(7, RIGHT, least=10)
    answering.assert_many_ways(7, WRONG)


@pytest.mark.parametrize(("name", "answer"), answering.each_right(RIGHT))
def test_right_answer_passes(name, answer):
    answering.assert_passes(name, answer, SEEDS)


# --- slips -----------------------------------------------------------------------------------------------------


def change_of_prior(z, z_new):
    return -0.5 * (z_new**2).sum(1) + 0.5 * (z**2).sum(1)


def wrong_way_round(z, z_new, loglik):
    """The ratio as the notes print it, with the proposal's densities exchanged."""
    density = exercises.reference("proposal_log_density")
    there = loglik(z_new) - 0.5 * (z_new**2).sum(1) + density(z_new, z, 0.5)
    return there - (loglik(z) - 0.5 * (z**2).sum(1) + density(z, z_new, 0.5))


def covariance(chol):
    return chol @ chol.T


def with_first(*names):
    """The lines in order, but these at the beginning."""
    return [*names, *(name for name in ORDER if name not in names)]


WRONG = {
    "proposal_log_density": {
        "wrong_mean": [
            lambda p, q, s: -0.5 * ((p - q) ** 2).sum(1) / s**2,
            lambda p, q, s: Normal(q, s).log_prob(p).sum(1),
            lambda p, q, s: Normal((1 - s) * q, s).log_prob(p).sum(1),
            arrays(lambda p, q, s: -((p - (1 - s**2) * q) ** 2).sum(1) / (2 * s**2)),
            lambda p, q, s: -0.5 * ((p - math.sqrt(1 - s) * q) ** 2).sum(1) / s**2,
            arrays(lambda p, q, s: scipy.stats.norm(0, s).logpdf(p).sum(1)),
            lambda p, q, s: -0.5 * ((p + root(s) * q) ** 2).sum(1) / s**2,
        ],
        "variance_not_squared": [
            lambda p, q, s: -0.5 * ((p - root(s) * q) ** 2).sum(1) / s,
            lambda p, q, s: Normal(root(s) * q, math.sqrt(s)).log_prob(p).sum(1),
            arrays(lambda p, q, s: -np.sum((p - root(s) * q) ** 2, axis=-1) / (2 * s)),
            lambda p, q, s: MultivariateNormal(root(s) * q, s * torch.eye(q.shape[1]).to(q)).log_prob(p),
        ],
        "swapped_arguments": [
            lambda p, q, s: -0.5 * ((q - root(s) * p) ** 2).sum(1) / s**2,
            lambda p, q, s: Normal(root(s) * p, s).log_prob(q).sum(1),
            arrays(lambda p, q, s: -((np.sqrt(1 - s**2) * p - q) ** 2).sum(1) / (2 * s**2)),
            lambda z_from, z_to, step: exercises.reference("proposal_log_density")(z_to, z_from, step),
        ],
    },
    "symmetric_form": {
        "not_symmetric": [
            z**2 + (w**2 - 2 * c * z * w) / b**2,
            (w - c * z) ** 2 / b**2,
            z**2 + w**2 / b**2 - 2 * c * z * w / b**2,
            FORM + z**2,
            "z**2 + (w**2 - 2*sqrt(1-b**2)*z*w + z**2) / b**2",
            lambda z, w, b: z**2 + (z - sympy.sqrt(1 - b**2) * w) ** 2 / b**2,
            z**2 + (w - c * z) ** 2 / b,
            z**2 + (w - (1 - b) * z) ** 2 / b**2,
            w**2 + (w - c * z) ** 2 / b**2,
        ],
        "wrong_cross_term": [
            (z**2 + w**2 - c * z * w) / b**2,
            (z**2 + w**2 + 2 * c * z * w) / b**2,
            (z**2 + w**2 - 2 * (1 - b**2) * z * w) / b**2,
            (z**2 + w**2) / b**2,
            (z**2 + w**2) / b**2 - 2 * c * z * w,
            "(z - w)**2 / b**2",
            lambda z, w, b: (z**2 + w**2 - 2 * z * w * sympy.sqrt(1 - b)) / b**2,
            ((z - w) ** 2 + (1 - c) * z * w) / b**2,
        ],
        "wrong_denominator": [
            b * FORM,
            b**2 * FORM,
            b**2 * FORM / (1 - b**2),
            FORM / 2,
            FORM / b**2,
            z**2 + w**2 - 2 * c * z * w / b**2,
            "(z**2 + w**2 - 2*sqrt(1-b**2)*z*w) / sqrt(1-b**2)",
            lambda z, w, b: (z**2 + w**2 - 2 * sympy.sqrt(1 - b**2) * z * w) * b**2,
        ],
    },
    "acceptance_log_ratio": {
        "prior_counted_twice": [
            lambda z, z_new, loglik: loglik(z_new) - loglik(z) + change_of_prior(z, z_new),
            arrays(lambda z, v, f: f(v) - 0.5 * (v**2).sum(1) - (f(z) - 0.5 * (z**2).sum(1))),
            lambda z, v, f: f(v) + Normal(0.0, 1.0).log_prob(v).sum(1) - f(z) - Normal(0.0, 1.0).log_prob(z).sum(1),
            lambda z, z_new, loglik: loglik(z_new) - loglik(z) - (z_new**2 - z**2).sum(1),
            wrong_way_round,
        ],
        "inverted": [
            lambda z, z_new, loglik: loglik(z) - loglik(z_new),
            arrays(lambda z, z_new, loglik: -(loglik(z_new) - loglik(z))),
            lambda z, z_new, loglik: (loglik(z).exp() / loglik(z_new).exp()).log(),
            lambda z, z_new, loglik: exercises.reference("acceptance_log_ratio")(z_new, z, loglik),
        ],
        "exponentiated": [
            lambda z, z_new, loglik: (loglik(z_new) - loglik(z)).exp(),
            lambda z, z_new, loglik: loglik(z_new).exp() / loglik(z).exp(),
            arrays(lambda z, z_new, loglik: np.minimum(1, np.exp(loglik(z_new) - loglik(z)))),
            lambda z, z_new, loglik: (loglik(z_new) - loglik(z)).clamp(max=0).exp(),
            lambda z, v, f: [min(1.0, math.exp(f(b) - f(a))) for a, b in zip(z, v, strict=True)],
        ],
    },
    "general_prior_proposal": {
        "not_centered": [
            lambda z, m, chol, s, eps: root(s) * z + s * eps @ chol.T,
            arrays(lambda z, m, chol, s, eps: m + np.sqrt(1 - s**2) * z + s * eps @ chol.T),
            lambda z, m, chol, s, eps: root(s) * (z - m) + s * eps @ chol.T,
            lambda z, m, chol, s, eps: exercises.reference("pcn_proposal")(z, s, (chol @ eps.T).T),
            lambda z, m, chol, s, eps: (1 - s) * m + root(s) * z + s * eps @ chol.T,
        ],
        "covariance_for_cholesky": [
            lambda z, m, chol, s, eps: m + root(s) * (z - m) + s * eps @ covariance(chol),
            lambda z, m, chol, s, eps: m + root(s) * (z - m) + s * (covariance(chol) @ eps.T).T,
            arrays(lambda z, m, chol, s, eps: m + root(s) * (z - m) + s * np.einsum("ij,cj->ci", chol @ chol.T, eps)),
            lambda z, m, chol, s, eps: m + root(s) * (z - m) + s * (eps @ chol) @ chol.T,
        ],
        "noise_not_shaped": [
            lambda z, m, chol, s, eps: m + root(s) * (z - m) + s * eps,
            arrays(lambda z, m, chol, s, eps: m + root(s) * (z - m) + s * eps),
            lambda z, m, chol, s, eps: m + exercises.reference("pcn_proposal")(z - m, s, eps),
            lambda z, m, chol, s, eps: torch.stack(
                [m + root(s) * (a - m) + s * e for a, e in zip(z, eps, strict=True)]
            ),
        ],
    },
    "order_the_proof": {
        "likelihood_too_early": [
            with_first("cancel"),
            with_first("ratio", "bayes", "cancel"),
            ["densities", "expand", "symmetric", "ratio", "bayes", "cancel", "balance"],
            tuple(with_first("ratio", "bayes", "densities", "expand", "cancel")),
            lambda: with_first("ratio", "cancel"),
            ["ratio", "bayes", "cancel", "balance"],  # and a gap
        ],
        "assumes_conclusion": [
            with_first("balance"),
            ["ratio", "bayes", "balance", "cancel", "densities", "expand", "symmetric"],
            ["densities", "expand", "balance", "symmetric", "ratio", "bayes", "cancel"],
            [*ORDER, "known"],
            with_first("known"),
            ["ratio", "bayes", "known", "cancel"],
            lambda: ("known", "cancel"),
        ],
    },
}


@pytest.mark.parametrize(("name", "slip", "answer"), answering.each_wrong(WRONG))
def test_slip_is_named_however_written(name, slip, answer):
    answering.assert_named(name, slip, answer, SEEDS)


TWO_SLIPS = {
    "proposal_log_density": [
        ({"wrong_mean", "variance_not_squared"}, lambda p, q, s: -0.5 * ((p - q) ** 2).sum(1) / s),
        ({"swapped_arguments", "variance_not_squared"}, lambda p, q, s: -0.5 * ((q - root(s) * p) ** 2).sum(1) / s),
    ],
    "acceptance_log_ratio": [
        ({"prior_counted_twice", "inverted"}, lambda z, v, f: f(z) - f(v) - change_of_prior(z, v)),
        ({"prior_counted_twice", "exponentiated"}, lambda z, v, f: (f(v) - f(z) + change_of_prior(z, v)).exp()),
        ({"inverted", "exponentiated"}, lambda z, v, f: (f(z) - f(v)).exp()),
    ],
    "general_prior_proposal": [
        ({"not_centered", "noise_not_shaped"}, lambda z, m, chol, s, eps: root(s) * z + s * eps),
        (
            {"not_centered", "covariance_for_cholesky"},
            lambda z, m, chol, s, eps: m + root(s) * z + s * eps @ covariance(chol),
        ),
    ],
    "order_the_proof": [
        ({"likelihood_too_early", "assumes_conclusion"}, ORDER[::-1]),
        ({"likelihood_too_early", "assumes_conclusion"}, [*with_first("cancel"), "known"]),
    ],
}


@pytest.mark.parametrize(("name", "slips", "answer"), answering.each(TWO_SLIPS))
def test_two_slips_are_both_named(name, slips, answer):
    answering.assert_both_named(name, slips, answer, SEEDS)


# --- wrong in other ways ---------------------------------------------------------------------------------------

REMARKS = {
    "proposal_log_density": [
        ("highest at the mean", lambda p, q, s: 0.5 * ((p - root(s) * q) ** 2).sum(1) / s**2),
        ("A half is missing", lambda p, q, s: -((p - root(s) * q) ** 2).sum(1) / s**2),
        ("and a half is missing", lambda p, q, s: ((p - root(s) * q) ** 2).sum(1) / s**2),
        ("division by the variance", lambda p, q, s: -0.5 * ((p - root(s) * q) ** 2).sum(1)),
        ("Without a half", lambda p, q, s: -((p - root(s) * q) ** 2).sum(1)),
        ("multiplied by the variance", lambda p, q, s: -0.5 * ((p - root(s) * q) ** 2).sum(1) * s**2),
        ("1 - step^2", lambda p, q, s: -0.5 * ((p - root(s) * q) ** 2).sum(1) / (1 - s**2)),
        ("density itself", lambda p, q, s: (-0.5 * ((p - root(s) * q) ** 2).sum(1) / s**2).exp()),
        ("every coordinate", lambda p, q, s: Normal(root(s) * q, s).log_prob(p)),
        ("took the length", lambda p, q, s: -0.5 * (p - root(s) * q).norm(dim=1) / s**2),
        ("Only differences count", lambda p, q, s: -0.4 * ((p - root(s) * q) ** 2).sum(1) / s**2),
    ],
    "symmetric_form": [
        ("factor of minus a half", -FORM / 2),
        ("factor of minus a half", sympy.expand(-STARTED_FROM / 2)),
        ("sign of the whole", -FORM),
        # equal, but nobody can see the symmetry
        ("nothing in it is wrong", STARTED_FROM),
        ("nothing in it is wrong", sympy.simplify(STARTED_FROM)),
        ("nothing in it is wrong", sympy.together(STARTED_FROM)),
        ("nothing in it is wrong", sympy.horner(sympy.expand(STARTED_FROM), z)),
        ("nothing in it is wrong", "z**2 + (w - sqrt(1 - b**2)*z)**2 / b**2"),
        ("nothing in it is wrong", lambda z, w, b: z**2 + (w - sympy.sqrt(1 - b**2) * z) ** 2 / b**2),
        ("nothing in it is wrong", (w - c * z) ** 2 / b**2 + z**2 / b**2 - (1 - b**2) * z**2 / b**2),
        ("nan or infinite", z * w * sympy.sqrt(b**2 - 1)),
    ],
    "acceptance_log_ratio": [
        ("cut the log ratio off", lambda z, v, f: (f(v) - f(z)).clamp(max=0)),
        ("divided by the prior", lambda z, v, f: f(v) - f(z) - change_of_prior(z, v)),
        ("ratio of the priors", lambda z, v, f: change_of_prior(z, v)),
        ("log-likelihood of the new points alone", lambda z, v, f: f(v)),
        ("added up over the chains", lambda z, v, f: (f(v) - f(z)).sum()),
        ("log-likelihood of the difference", lambda z, v, f: f(v - z)),
        ("numbers themselves are right", lambda z, v, f: (f(v) - f(z))[:, None]),
    ],
    "general_prior_proposal": [
        ("transposed factor", lambda z, m, chol, s, eps: m + root(s) * (z - m) + s * eps @ chol),
        ("the diagonal of", lambda z, m, chol, s, eps: m + root(s) * (z - m) + s * eps * chol.diag()),
        ("divided by the factor", lambda z, m, chol, s, eps: (
            m + root(s) * (z - m) + s * torch.linalg.solve(chol, eps.T).T)),
        ("multiplied the deviation", lambda z, m, chol, s, eps: m + (root(s) * (z - m) + s * eps) @ chol.T),
        ("random walk", lambda z, m, chol, s, eps: z + s * eps @ chol.T),
        ("shrink by 1 - step", lambda z, m, chol, s, eps: m + (1 - s) * (z - m) + s * eps @ chol.T),
        ("root is missing", lambda z, m, chol, s, eps: m + (1 - s**2) * (z - m) + s * eps @ chol.T),
        ("swapped the two weights", lambda z, m, chol, s, eps: m + s * (z - m) + root(s) * eps @ chol.T),
        ("square of the step", lambda z, m, chol, s, eps: m + root(s) * (z - m) + s**2 * eps @ chol.T),
        ("not weighted", lambda z, m, chol, s, eps: m + root(s) * (z - m) + eps @ chol.T),
        ("no noise", lambda z, m, chol, s, eps: m + root(s) * (z - m)),
        ("subtracted the noise", lambda z, m, chol, s, eps: m + root(s) * (z - m) - s * eps @ chol.T),
    ],
    "order_the_proof": [
        ("1 of its lines is missing", ORDER[1:]),
        ("3 of its lines are missing", ["ratio", "bayes", "balance", "cancel"]),
        ("`ratio` more than once", [*ORDER, "ratio"]),
        ("`bayes` rests on `ratio`", with_first("bayes")),
        ("`expand` rests on `densities`", with_first("ratio", "expand")),
        ("`cancel` rests on `bayes`", ["ratio", *ORDER[2:], "bayes"]),
        ("`symmetric` rests on `expand`", ["ratio", "bayes", "densities", "symmetric", "balance", "expand", "cancel"]),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("name", "words", "answer"), answering.each(REMARKS))
def test_other_typical_faults_get_a_sentence_and_no_name(name, words, answer):
    answering.assert_not_named(name, answer, SEEDS, words)


UNKNOWN = {
    "proposal_log_density": [
        lambda p, q, s: torch.zeros(len(p)),
        lambda p, q, s: -0.5 * (q**2).sum(1) / s**2,
        lambda p, q, s: -0.5 * ((p - root(s) * q) ** 2).sum(1) / s**3,
        lambda p, q, s: -0.5 * ((p - 1.02 * root(s) * q) ** 2).sum(1) / s**2,
        lambda p, q, s: -0.5 * ((p - root(s) * q) ** 2).sum() / s**2,
        lambda p, q, s: -0.5 * ((p - root(s) * q.flip(0)) ** 2).sum(1) / s**2,
        lambda p, q, s: -0.5 * ((p - root(s) * q) ** 2)[:, :-1].sum(1) / s**2,
        lambda p, q, s: -0.5 * ((p - root(s) * q) ** 2).mean(1) / s**2,
        lambda p, q, s: (p * q).sum(1),
        lambda p, q, s: -0.5 * ((p - s * q) ** 2).sum(1) / s**2,
        # a "constant" that is none: it holds z
        lambda p, q, s: -0.5 * ((p - root(s) * q) ** 2).sum(1) / s**2 - 0.5 * (q**2).sum(1),
    ],
    "symmetric_form": [
        1.01 * FORM, 2 * FORM, FORM + b, FORM + z, z**3, z + w, z * w, 0, 1.5, b, sympy.Integer(2) ** 70,
        "z*w", z**2 + w**2, z**2 * w**2, abs(z) * abs(w), sympy.sqrt(z**2 + w**2), (z * w) ** 2 / b**2, z**2 / w,
        FORM * z**2, FORM**2, sympy.sqrt(b) * (z**2 + w**2) - z * w,
    ],
    "acceptance_log_ratio": [
        lambda z, v, f: torch.zeros(len(z)),
        lambda z, v, f: f(z),
        lambda z, v, f: f(v) + f(z),
        lambda z, v, f: 1.02 * (f(v) - f(z)),
        lambda z, v, f: f(v) - f(z) + 1,
        lambda z, v, f: (f(v) - f(z)).mean(),
        lambda z, v, f: f(v) - f(z) + 0.3 * change_of_prior(z, v),
        lambda z, v, f: (f(v) - f(z)) ** 2,
        lambda z, v, f: (f(v) - f(z)).sigmoid(),
        lambda z, v, f: (f(v) - f(z)).flip(0),
        lambda z, v, f: f(v) - f(z) + v.norm(dim=1) - z.norm(dim=1),
        lambda z, v, f: f((z + v) / 2),
        lambda z, v, f: f(v.flip(0)) - f(z.flip(0)),
    ],
    "general_prior_proposal": [
        lambda z, m, chol, s, eps: z,
        lambda z, m, chol, s, eps: m + eps @ chol.T,
        lambda z, m, chol, s, eps: m + root(s) * (z - m) + 1.02 * s * eps @ chol.T,
        lambda z, m, chol, s, eps: m + root(s) * (z - m) + s * eps @ chol.T.inverse(),
        lambda z, m, chol, s, eps: m + root(s) * (z - m) + s * eps.flip(0) @ chol.T,
        lambda z, m, chol, s, eps: m + root(s) * (z - m.mean()) + s * eps @ chol.T,
        lambda z, m, chol, s, eps: m + root(s) * (z - z.mean(0)) + s * eps @ chol.T,
        lambda z, m, chol, s, eps: m + root(s) * (m - z) + s * eps @ chol.T,
        # right in distribution: another square root of the covariance
        arrays(lambda z, m, chol, s, eps: m + root(s) * (z - m) + s * eps @ scipy.linalg.sqrtm(chol @ chol.T)),
        lambda z, m, chol, s, eps: m + root(s) * (z - m) + s * eps * covariance(chol).diag(),
        lambda z, m, chol, s, eps: m + root(s) * (z - m) + s * eps * covariance(chol).diag().sqrt(),
        lambda z, m, chol, s, eps: m + root(s) * (z - m) + s * eps @ chol.T @ chol.T,
    ],
}  # fmt: skip


@pytest.mark.parametrize(("name", "answer"), answering.each(UNKNOWN))
def test_unknown_wrong_answer_is_never_diagnosed(name, answer):
    answering.assert_not_named(name, answer, SEEDS)


def formulas(p, q, r):
    return {
        "proposal_log_density": lambda a, b, s: p * ((a - q * b) ** 2).sum(1) / s**r,
        # symmetric, with all coefficients wrong
        "symmetric_form": p * (z**2 + w**2) + q * z * w * sympy.sqrt(b) + r,
        "acceptance_log_ratio": lambda a, v, f: p * f(v) - q * f(a) + r * (v**2 - a**2).sum(1),
        "general_prior_proposal": lambda a, m, chol, s, eps: p * m + q * a + r * eps @ chol.T,
    }


def test_random_wrong_formulas_are_never_diagnosed():
    answering.assert_random_formulas_are_not_named(formulas, [-1.7, -0.6, 0.3, 0.8, 1.3, 2.2], SEEDS)


BROKEN = {
    "proposal_log_density": [
        ("in place", lambda p, q, s: -0.5 * (p.sub_(root(s) * q) ** 2).sum(1) / s**2),
        ("a Normal, where numbers", lambda p, q, s: Normal(root(s) * q, s)),
    ],
    "acceptance_log_ratio": [
        ("a function", lambda z, v, f: f),
        ("must take the arguments (z, z_new, loglik)", lambda z, v: z),
        ("Hand over the function itself", 1.0),
    ],
    "general_prior_proposal": [
        ("RuntimeError", lambda z, m, chol, s, eps: m + root(s) * (z - m) + s * chol @ eps),
        ("in place", lambda z, m, chol, s, eps: z.sub_(m).mul_(root(s)) + m + s * eps @ chol.T),
    ],
}


@pytest.mark.parametrize(("name", "words", "answer"), answering.each(BROKEN))
def test_an_answer_that_cannot_be_judged_gets_a_plain_sentence(name, words, answer):
    answering.assert_broken(name, answer, words)


# --- the proof -------------------------------------------------------------------------------------------------


def test_of_all_orders_of_the_proof_those_pass_in_which_each_line_rests_on_lines_before_it():
    found = {"passed": 0, "likelihood_too_early": 0, "assumes_conclusion": 0}
    for order in itertools.permutations(ORDER):
        verdict = judge_names(_EXERCISES["order_the_proof"], order)
        place = order.index
        follows = place("densities") < place("expand") < place("symmetric") < place("balance") < place("cancel")
        assert verdict.passed == (follows and place("ratio") < place("bayes") < place("cancel")), verdict
        slips = {verdict.diagnosis, *verdict.also} - {None}
        assert ("likelihood_too_early" in slips) == (place("cancel") < place("balance"))
        assert ("assumes_conclusion" in slips) == (place("balance") < place("symmetric"))
        found["passed"] += verdict.passed
        for slip in slips:
            found[slip] += 1
    # interleavings of strands of 2 and 4 lines; half of the orders have one given line before another
    assert found == {"passed": math.comb(6, 2), "likelihood_too_early": 2520, "assumes_conclusion": 2520}


def test_the_lines_of_the_proof_are_true_and_shown_out_of_order():
    """What the lines say, as formulas: the log-densities add up to the expanded form."""
    steps = exercises.chapter07.PROOF_STEPS
    assert set(steps) == {*ORDER, "known"}
    assert [name for name in steps if name != "known"] != ORDER
    densities = -(z**2) / 2 - (w - c * z) ** 2 / (2 * b**2)
    expanded = -(z**2 + w**2 - 2 * c * z * w) / (2 * b**2)
    assert sympy.simplify(sympy.expand(densities - expanded)) == 0
    assert sympy.simplify(1 + (1 - b**2) / b**2 - 1 / b**2) == 0
    for name in ORDER:
        assert name in steps._repr_html_() and name in steps._repr_markdown_() and name in repr(steps)


# --- references ------------------------------------------------------------------------------------------------


def test_the_references_make_one_proof():
    """Detailed balance of the proposal with N(m, C), from the references alone."""
    generator = torch.Generator().manual_seed(0)
    there, back = (torch.randn(50, 3, dtype=torch.float64, generator=generator) for _ in range(2))
    density = exercises.reference("proposal_log_density")
    form = exercises.reference("symmetric_form")
    for step in (0.1, 0.5, 1.0):
        forward = -0.5 * (there**2).sum(1) + density(back, there, step)
        backward = -0.5 * (back**2).sum(1) + density(there, back, step)
        torch.testing.assert_close(forward, backward)
        torch.testing.assert_close(forward, -0.5 * form(there, back, torch.tensor(step, dtype=torch.float64)).sum(1))
    assert sympy.simplify(sympy.expand(form(z, w, b) - STARTED_FROM)) == 0


def test_the_reference_for_another_prior_keeps_it():
    """The mean and covariance of z' are those of z, exactly, where z has the prior's."""
    generator = torch.Generator().manual_seed(0)
    mean = torch.randn(4, dtype=torch.float64, generator=generator)
    chol = torch.randn(4, 4, dtype=torch.float64, generator=generator).tril(-1) + torch.eye(4).double()
    move = functools.partial(exercises.reference("general_prior_proposal"), mean=mean, chol=chol, step=0.3)
    points = torch.cat([torch.zeros(1, 4), torch.eye(4)]).double()
    of_z = move(mean + points @ chol.T, eps=0 * points) - mean  # the image of 0, and of each direction of the prior
    of_eps = move(mean.expand(5, 4), eps=points) - mean
    torch.testing.assert_close(of_z[0], 0 * mean)
    spread = of_z[1:].T @ of_z[1:] + of_eps[1:].T @ of_eps[1:]
    torch.testing.assert_close(spread, chol @ chol.T)
    plain = move(points, mean=0 * mean, chol=torch.eye(4).double(), eps=points.flip(0))
    torch.testing.assert_close(plain, exercises.reference("pcn_proposal")(points, 0.3, points.flip(0)))


def test_the_given_log_likelihood_takes_any_kind_of_array():
    loglik = SquaredDistance(np.array([1.0, 0.0]), 0.5)
    points = np.array([[1.0, 0.0], [0.0, 2.0]])
    assert loglik(points).tolist() == [0.0, -2.5]
    assert loglik(torch.tensor(points).float()).dtype == torch.float32
    assert loglik(torch.tensor(points[1])).item() == -2.5
    assert repr(loglik) == "the function -0.5 |z - [1., 0.]|^2"
