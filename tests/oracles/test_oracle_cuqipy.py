"""CUQIpy's pCN draws from the same posteriors as ours, as grids and closed forms have them.

CUQIpy is one of the benchmarks' peers, and `make` does not install it: benchmarks/README.md says how.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from agreement import agree_within_errors, library
from torch import Tensor

from vae_course import load_digits, make_generator, to_unit, zoo
from vae_course.sampling import Normal, effective_sample_size, grid_posterior, pcn, run, targets

LIMIT = 5.0  # standard errors
STEPS = 5_000


@pytest.fixture(scope="module")
def cuqi() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the ArviZ that it brings along
        return pytest.importorskip("cuqi", reason="CUQIpy is not installed; see benchmarks/README.md")


def their_chain(
    cuqi: Any, log_likelihood: Callable[[Tensor], Tensor], start: Tensor, *, step: float, mean: Tensor, cov: Tensor
) -> Tensor:
    """STEPS states of CUQIpy's pCN with the prior N(mean, cov), (STEPS, 1, d), the first tenth left out.

    Its pCN takes the prior as if it were centred, so it is handed the centred one and the likelihood moves.
    """

    def of_point(z: np.ndarray) -> float:
        with torch.no_grad():
            return float(log_likelihood((torch.from_numpy(np.asarray(z)) + mean)[None])[0])

    d = len(mean)
    likelihood = cuqi.likelihood.UserDefinedLikelihood(dim=d, logpdf_func=of_point)
    prior = cuqi.distribution.Gaussian(np.zeros(d), cov.numpy())
    state = np.random.get_state()  # noqa: NPY002 - it draws from NumPy's global generator
    np.random.seed(0)  # noqa: NPY002
    try:
        x0 = (start - mean).numpy()
        draws = cuqi.legacy.sampler.pCN((likelihood, prior), scale=step, x0=x0).sample(STEPS).samples
    finally:
        np.random.set_state(state)  # noqa: NPY002
    return torch.from_numpy(draws.T[STEPS // 10 :].copy())[:, None] + mean


def our_chains(log_likelihood: Callable[[Tensor], Tensor], start: Tensor, *, step: float, prior: Normal) -> Tensor:
    z0 = start.expand(40, -1).clone()
    chain = run(
        pcn, log_likelihood, z0, n_steps=1_000, step=step, prior=prior, generator=make_generator(0), progress=False
    )
    return chain.z[200:]


def moments(z: Tensor, mean: Tensor, std: Tensor) -> tuple[Tensor, Tensor]:
    """How far mean and standard deviation of draws, (n, chains, d), are off, and the standard errors; (2 d,) each."""
    square = (z - mean) ** 2
    of_mean = std / effective_sample_size(z).sqrt()
    of_std = square.std(dim=(0, 1)) / effective_sample_size(square).sqrt() / (2 * std)
    return torch.cat([z.mean(dim=(0, 1)) - mean, square.mean(dim=(0, 1)).sqrt() - std]), torch.cat([of_mean, of_std])


def check(what: str, ours: Tensor, theirs: Tensor, *, mean: Tensor, std: Tensor, known: str) -> None:
    """Both chains have the mean and standard deviation that are known otherwise, and each other's."""
    cuqipy, what = f"pCN of {library('cuqipy', 'CUQIpy')}", f"pCN's mean and spread of {what}"
    (our_off, our_error), (their_off, their_error) = moments(ours, mean, std), moments(theirs, mean, std)
    agree_within_errors(what, known, our_off / our_error, limit=LIMIT)
    agree_within_errors(what, cuqipy, (our_off - their_off) / torch.hypot(our_error, their_error), limit=LIMIT)
    assert float((their_off / their_error).abs().max()) < LIMIT
    off, error = moments(theirs + 0.5 * std, mean, std)
    assert float((off / error).abs().max()) > LIMIT  # the test can tell


def test_a_linear_gaussian_posterior(cuqi: Any) -> None:
    generator = make_generator(1)
    mean = torch.tensor([0.5, -1.0, 0.0], dtype=torch.float64)
    cov = torch.tensor([[1.0, 0.4, 0.0], [0.4, 2.0, -0.3], [0.0, -0.3, 0.7]], dtype=torch.float64)
    prior = Normal.from_cov(mean, cov)
    weight = torch.randn(2, 3, generator=generator, dtype=torch.float64)
    x, bias = torch.tensor([1.0, -0.5]).double(), torch.zeros(2).double()
    target = targets.LinearGaussian(x, weight, bias, 1.0, prior)
    exact, exact_cov = target.posterior()
    std = exact_cov.diagonal().sqrt()
    theirs = their_chain(cuqi, target, exact, step=0.6, mean=mean, cov=cov)
    ours = our_chains(target, exact, step=0.6, prior=prior)
    check("a linear Gaussian posterior", ours, theirs, mean=exact, std=std, known="its closed form")


def test_a_trained_decoders_posterior(cuqi: Any) -> None:
    model = zoo.load("vae-bernoulli-2d-s0").double()
    x = to_unit(load_digits().images[[7]])[0].double()
    target = targets.tempered(targets.one_image(model, x), temperature=100)  # broad, so that one chain is enough
    grid = grid_posterior(target)
    mean, std = grid.mean(), grid.std()
    prior = Normal(torch.zeros(2).double(), torch.eye(2).double())
    theirs = their_chain(cuqi, target, mean, step=0.5, mean=prior.mean, cov=torch.eye(2).double())
    ours = our_chains(target, mean, step=0.5, prior=prior)
    assert math.isfinite(grid.log_evidence)
    check("a trained decoder's posterior", ours, theirs, mean=mean, std=std, known="quadrature on a grid")
