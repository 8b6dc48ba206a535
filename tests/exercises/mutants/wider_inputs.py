"""Inputs that the exercises' contracts allow, and that the checks need not draw: other sizes, edges, extremes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vae_course.exercises.base import Inputs

Maker = Callable[[np.random.Generator], Inputs]


def _sizes(rng: np.random.Generator, n: int) -> tuple[int, ...]:
    return tuple(int(size) for size in rng.integers(1, 12, size=n))


def _posterior(rng: np.random.Generator) -> Inputs:
    shape = _sizes(rng, 2)
    return {"mu": rng.normal(scale=3, size=shape), "logvar": rng.uniform(-8, 3, size=shape)}


def _with_noise(rng: np.random.Generator) -> Inputs:
    posterior = _posterior(rng)
    return {**posterior, "eps": rng.normal(size=posterior["mu"].shape)}


def _elbo(rng: np.random.Generator) -> Inputs:
    n, d, pixels = _sizes(rng, 3)
    mu, logvar = rng.normal(size=(n, d)), rng.uniform(-3, 2, size=(n, d))
    return {"x": rng.normal(size=(n, pixels)), "x_mean": rng.normal(size=(n, pixels)), "mu": mu, "logvar": logvar}


def _plane(rng: np.random.Generator) -> Inputs:
    n = int(rng.integers(1, 30))
    return {"mu": rng.normal(size=(n, 2)), "logvar": rng.uniform(-8, 3, size=(n, 2))}


def _walk(rng: np.random.Generator) -> Inputs:
    d = int(rng.integers(1, 12))
    values = rng.normal(size=int(rng.integers(1, 12)))  # in any order, and one value alone
    return {"z": rng.normal(size=d), "dim": int(rng.integers(d)), "values": values}


def _heads(rng: np.random.Generator) -> Inputs:
    n, d, hidden = _sizes(rng, 3)
    shapes = {"hidden": (n, hidden), "w_mu": (d, hidden), "b_mu": (d,), "w_lv": (d, hidden), "b_lv": (d,)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def _points(rng: np.random.Generator) -> Inputs:
    n, m, d = _sizes(rng, 3)
    z, mu = rng.normal(scale=10.0 ** rng.integers(3), size=(n, d)), rng.normal(size=(m, d))
    return {"z": z, "mu": mu, "logvar": rng.uniform(-3, 2, size=(m, d))}


def _mixture(rng: np.random.Generator) -> Inputs:
    n = int(rng.integers(1, 12))
    return {"means": rng.normal(scale=3, size=n), "variances": np.exp(rng.uniform(-4, 2, size=n))}


def _covariance(rng: np.random.Generator, d: int, *, low: float = -2.0, high: float = 2.0) -> np.ndarray:
    directions, _ = np.linalg.qr(rng.normal(size=(d, d)))
    cov = (directions * np.exp(rng.uniform(low, high, size=d))) @ directions.T
    return np.asarray((cov + cov.T) / 2)


def _gaussian(rng: np.random.Generator) -> Inputs:
    d = int(rng.integers(1, 10))
    return {"mean": rng.normal(size=d), "cov": _covariance(rng, d)}


def _decisions(rng: np.random.Generator) -> Inputs:
    n = int(rng.integers(1, 60))
    log_ratio = rng.normal(scale=10.0 ** rng.integers(-1, 3), size=n)
    u = rng.uniform(0, 1, size=n)
    return {"log_ratio": np.where(np.abs(np.log(u) - log_ratio) < 1e-3, log_ratio - 1, log_ratio), "u": u}


def _move(rng: np.random.Generator) -> Inputs:
    shape = _sizes(rng, 2)
    step = float(rng.choice([1.0, 0.05, rng.uniform(0.01, 0.99)]))
    return {"z": rng.normal(size=shape), "step": step, "eps": rng.normal(size=shape)}


def _images(rng: np.random.Generator) -> Inputs:
    n, pixels = _sizes(rng, 2)
    sigma = float(np.exp(rng.uniform(-3, 2)))
    return {"x": rng.normal(size=pixels), "x_mean": rng.normal(size=(n + 1, pixels)), "sigma": sigma}


def _pairs(rng: np.random.Generator) -> Inputs:
    n, d = _sizes(rng, 2)
    step = float(rng.choice([1.0, 0.1, rng.uniform(0.1, 0.99)]))
    return {"z_to": rng.normal(size=(n + 1, d)), "z_from": rng.normal(size=(n + 1, d)), "step": step}


def _any_prior(rng: np.random.Generator) -> Inputs:
    n, d = _sizes(rng, 2)
    chol = np.tril(rng.normal(size=(d, d)), -1) + np.diag(rng.uniform(0.1, 3, size=d))
    step = float(rng.choice([1.0, rng.uniform(0.01, 0.99)]))
    z, eps = rng.normal(size=(2, n, d))
    return {"z": z, "mean": rng.normal(scale=5, size=d), "chol": chol, "step": step, "eps": eps}


def _clouds(rng: np.random.Generator) -> Inputs:
    """Any two clouds of which one is the other, turned, moved, and with noise."""
    n, d = int(rng.integers(20, 40)), int(rng.integers(1, 6))
    a = rng.normal(size=(n, d)) * np.linspace(1, 2, d) + rng.normal(scale=4, size=d)
    turn, _ = np.linalg.qr(rng.normal(size=(d, d)))
    return {"a": a, "b": 0.2 * rng.normal(size=(n, d)) + a @ turn + rng.normal(scale=4, size=d)}


def _classes(rng: np.random.Generator) -> Inputs:
    d = int(rng.integers(1, 8))
    m1, m2 = rng.normal(scale=2, size=(2, d))
    return {"m1": m1, "c1": _covariance(rng, d), "m2": m2, "c2": _covariance(rng, d)}


def _terms(rng: np.random.Generator) -> Inputs:
    n = int(rng.integers(1, 40))
    beta = float(rng.choice([0.0, 1.0, rng.uniform(0.01, 100)]))
    return {"nll": rng.normal(scale=50, size=n), "kl": rng.exponential(10, size=n), "beta": beta}


def _errors(rng: np.random.Generator) -> Inputs:
    shape = _sizes(rng, 2)
    return {"x": rng.normal(size=shape), "x_mean": rng.normal(size=shape)}


def _spectrum(rng: np.random.Generator) -> Inputs:
    sigma2, beta = (float(value) for value in np.exp(rng.uniform(-3, 2, size=2)))
    values = beta * sigma2 * np.exp(rng.uniform(0.05, 3, size=int(rng.integers(1, 40))))
    return {"eigenvalues": np.where(rng.random(values.shape) < 0.5, values, 0.0), "sigma2": sigma2, "beta": beta}


MAKERS: dict[str, tuple[Maker, ...]] = {
    "count_outputs": (lambda rng: {"latent_dim": int(rng.integers(1, 3))},),
    "reparameterize": (_with_noise,),
    "kl_standard_normal": (_posterior,),
    "negative_elbo": (_elbo,),
    "scatter_coordinates": (_plane,),
    "posterior_ellipse": (lambda rng: {**_plane(rng), "n_std": float(rng.choice([0.5, 1.0, 2.0]))},),
    "traversal": (_walk,),
    "aggregate_variance": (_posterior,),
    "repair_heads": (_heads,),
    "class_mean": (_posterior,),
    "class_covariance": (_posterior,),
    "mixture_log_density": (_points,),
    "mixture_or_sum": (_mixture,),
    "class_kl_to_prior": (_gaussian,),
    "mh_accept": (_decisions,),
    "pcn_proposal": (_move,),
    "decoder_log_likelihood": (_images,),
    "proposal_log_density": (_pairs,),
    "general_prior_proposal": (_any_prior,),
    "align_latents": (_clouds,),
    "log_volume": (lambda rng: {"cov": _covariance(rng, int(rng.integers(1, 12)), low=-20, high=5)},),
    "gaussian_w2": (_classes,),
    "beta_loss": (_terms,),
    "optimal_sigma": (_errors,),
    "collapse_threshold": (_spectrum,),
}
