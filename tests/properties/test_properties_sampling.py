"""Draws, chains, their judges and their targets: what holds for all shapes, types and seeds."""

from __future__ import annotations

import math
from types import ModuleType

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from inputs import (
    PIXELS,
    SMALL,
    class_labels,
    covariances,
    dtypes,
    latents,
    normal,
    posterior,
    rotation,
    rows,
    seeds,
    uniform,
    vae,
)
from profiles import FEW
from public_names import about
from torch import Tensor
from torch.testing import assert_close

from vae_course import sampling
from vae_course.checks import make_generator
from vae_course.configs import VAEConfig
from vae_course.sampling import (
    Normal,
    balance,
    elliptical_slice,
    hmc,
    independence,
    pcn,
    random_walk,
    targets,
)

KERNELS: tuple[tuple[ModuleType, float | None], ...] = (
    (pcn, 0.4),
    (random_walk, 0.6),
    (hmc, 0.3),
    (independence, None),
    (elliptical_slice, None),
)
counts = st.integers(1, 40)


def off_centre(z: Tensor) -> Tensor:
    """A likelihood with gradients, finite everywhere."""
    return -0.5 * ((z - 1) ** 2).sum(dim=1)


# --- independent draws ---


@about("sampling.sample_prior", "sampling.sample_dataset_posterior", "sampling.sample_class")
@given(m=rows, n=counts, d=latents, c=st.integers(2, 4), dtype=dtypes, seed=seeds)
def test_draws_are_decided_by_the_generator_and_come_from_their_images(
    m: int, n: int, d: int, c: int, dtype: torch.dtype, seed: int
) -> None:
    assume(m >= c)
    (mu, logvar), labels = posterior(seed, m, d, dtype), class_labels(seed, m, c)
    points = torch.full_like(mu, -math.inf)
    makers = {
        "prior": lambda g: sampling.sample_prior(n, d, generator=g),
        "data set": lambda g: sampling.sample_dataset_posterior(mu, logvar, n, generator=g),
        "class": lambda g: sampling.sample_class(mu, logvar, labels, 1, n, generator=g),
    }
    for name, make in makers.items():
        z = make(make_generator(seed))
        assert z.shape == (n, d) and z.dtype == (torch.float32 if name == "prior" else dtype)
        assert torch.equal(make(make_generator(seed)), z) and bool(z.isfinite().all())
    of_class = sampling.sample_class(mu, points, labels, 1, n, generator=make_generator(seed))
    assert bool((of_class[:, None] == mu[labels == 1]).all(dim=2).any(dim=1).all())


@about("sampling.fit_mixture", "sampling.Mixture")
@settings(max_examples=FEW)
@given(n=st.integers(6, 30), d=latents, k=st.integers(1, 3), seed=seeds)
def test_a_fitted_mixture_is_a_density_with_draws(n: int, d: int, k: int, seed: int) -> None:
    z = normal(seed, n, d)
    made = sampling.fit_mixture(z, k, seed=seed)
    assert made.weight.shape == (k,) and made.mean.shape == (k, d) and made.cov.shape == (k, d, d)
    assert float(made.weight.sum()) == pytest.approx(1) and float(torch.linalg.eigvalsh(made.cov).min()) > 0
    draws = made.sample(5, generator=make_generator(seed))
    assert draws.shape == (5, d) and made.log_density(draws).shape == (5,)
    assert torch.equal(sampling.fit_mixture(z, k, seed=seed).mean, made.mean)
    if k == 1:
        assert_close(made.mean[0], z.mean(dim=0))


# --- Markov chains ---


@about(
    *("sampling.run", "sampling.Chain", "sampling.State", "sampling.Info", "sampling.Kernel"),
    *(f"sampling.{kernel.__name__.split('.')[-1]}.{part}" for kernel, _ in KERNELS for part in ("init", "step")),
)
@settings(max_examples=FEW)
@given(chains=counts, d=latents, n=st.integers(1, 6), dtype=dtypes, seed=seeds)
def test_a_chain_says_where_it_is_and_where_it_stayed(
    chains: int, d: int, n: int, dtype: torch.dtype, seed: int
) -> None:
    z0 = normal(seed + 1, chains, d, dtype=dtype)  # another stream than the chain's own draws
    for kernel, step in KERNELS:

        def walk(kernel: ModuleType = kernel, step: float | None = step) -> sampling.Chain:
            return sampling.run(
                kernel, off_centre, z0, n_steps=n, step=step, generator=make_generator(seed), progress=False
            )

        chain = walk()
        assert chain.z.shape == (n, chains, d) and chain.z.dtype == dtype
        assert chain.accepted.shape == chain.log_likelihood.shape == (n, chains) and chain.accepted.dtype == torch.bool
        before = torch.cat([z0[None], chain.z[:-1]])
        stayed = (chain.z == before).all(dim=2)
        assert bool(stayed[~chain.accepted].all()) and not bool(stayed[chain.accepted].any())
        for z, value in zip(chain.z, chain.log_likelihood, strict=True):
            assert_close(off_centre(z), value)
        assert torch.equal(walk().z, chain.z)
        state = kernel.init(z0, off_centre)
        assert torch.equal(state.z, z0) and torch.equal(state.log_likelihood, off_centre(z0))


@about("sampling.LogLikelihood", "sampling.pcn.step", "sampling.random_walk.step", "sampling.independence.step")
@settings(max_examples=FEW)
@given(chains=counts, d=latents, constant=st.floats(-50, 50), seed=seeds)
def test_a_constant_in_the_log_likelihood_changes_no_decision(chains: int, d: int, constant: float, seed: int) -> None:
    z0 = normal(seed + 1, chains, d)
    for kernel, step in KERNELS:
        options = {"n_steps": 4, "step": step, "progress": False}
        one = sampling.run(kernel, off_centre, z0, generator=make_generator(seed), **options)
        two = sampling.run(kernel, lambda z: off_centre(z) + constant, z0, generator=make_generator(seed), **options)
        assert torch.equal(one.accepted, two.accepted)
        assert_close(one.z, two.z)


@about("sampling.Normal")
@given(chains=counts, d=latents, dtype=dtypes, seed=seeds)
def test_one_gaussian_for_all_chains_is_the_same_for_each(chains: int, d: int, dtype: torch.dtype, seed: int) -> None:
    mean, cov = normal(seed, d, dtype=dtype), covariances(seed, d, dtype=dtype)
    one = Normal.from_cov(mean, cov)
    each = Normal(mean.expand(chains, d), one.cholesky.expand(chains, d, d))
    z, eps = normal(seed + 1, chains, d, dtype=dtype), normal(seed + 2, chains, d, dtype=dtype)
    for name in ("scale", "scale_transposed", "log_density", "centre"):
        ours, theirs = (getattr(g, name)(eps if "scale" in name else z) for g in (one, each))
        assert ours.dtype == dtype
        assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    shifted = Normal(mean + 1, one.cholesky)
    assert_close(shifted.log_density(z + 1), one.log_density(z), rtol=1e-3, atol=1e-3)
    assert_close(one.cholesky @ one.cholesky.T, cov, rtol=1e-4, atol=1e-5)
    assert float(one.log_density(z).max()) <= 0
    drawn = one.log_density(mean + one.scale(eps))
    assert_close(drawn, -0.5 * (eps**2).sum(dim=1), rtol=1e-3, atol=1e-3)  # scaling is what the density undoes


# --- judges ---


@about("sampling.autocorrelation", "sampling.effective_sample_size", "sampling.r_hat")
@given(n=st.integers(8, 60), chains=st.integers(2, 5), d=latents, dtype=dtypes, seed=seeds)
def test_judges_know_neither_units_nor_the_order_of_chains(
    n: int, chains: int, d: int, dtype: torch.dtype, seed: int
) -> None:
    z = normal(seed, n, chains, d, dtype=dtype)
    order = torch.randperm(chains, generator=make_generator(seed))
    rho = sampling.autocorrelation(z)
    assert rho.shape == z.shape and rho.dtype == torch.float64
    assert_close(rho[0], torch.ones(chains, d, dtype=torch.float64))
    assert float(rho.abs().max()) <= 1 + 1e-9
    assert_close(sampling.autocorrelation(-3 * z.double()), sampling.autocorrelation(z.double()))
    for judge in (sampling.effective_sample_size, sampling.r_hat):
        found = judge(z)
        assert found.shape == (d,) and found.dtype == torch.float64 and float(found.min()) > 0
        assert_close(judge(z[:, order]), found)
        assert_close(judge(4 * z), found)  # a power of 2, so that no two ranks meet
    draws = n // 2 * 2 * chains
    assert float(sampling.effective_sample_size(z).max()) <= draws * math.log10(draws) + 1e-6


@about("sampling.sample_quality", "sampling.SampleQuality", "sampling.nearest_distance")
@given(n=st.integers(5, 24), m=st.integers(5, 24), d=latents, k=st.integers(1, 3), dtype=dtypes, seed=seeds)
def test_quality_is_a_share_and_knows_no_directions(
    n: int, m: int, d: int, k: int, dtype: torch.dtype, seed: int
) -> None:
    real, samples = normal(seed, n, d, dtype=dtype), 1.5 * normal(seed + 1, m, d, dtype=dtype)
    found = sampling.sample_quality(real, samples, k=k)
    assert all(0 <= share <= 1 for share in (found.precision, found.recall, found.coverage)) and found.density >= 0
    back = sampling.sample_quality(samples, real, k=k)
    assert (back.precision, back.recall) == (found.recall, found.precision)
    turn, order = rotation(seed, d), torch.randperm(m, generator=make_generator(seed))
    moved = sampling.sample_quality(5 * real.double() @ turn + 1, 5 * samples[order].double() @ turn + 1, k=k)
    assert moved == pytest.approx(found)
    distance = sampling.nearest_distance(samples, real)
    assert distance.shape == (m,) and distance.dtype == torch.float64
    assert_close(distance, torch.cdist(samples.double(), real.double()).min(dim=1).values, rtol=1e-5, atol=1e-5)
    assert not sampling.nearest_distance(real, real).any()


# --- targets and references ---


@about("sampling.targets.one_image", "sampling.targets.hidden_pixels", "sampling.targets.tempered")
@settings(max_examples=FEW)
@given(chains=counts, dtype=dtypes, likelihood=st.sampled_from(["bernoulli", "gaussian"]), seed=seeds)
def test_the_pixels_of_an_image_add_up(chains: int, dtype: torch.dtype, likelihood: str, seed: int) -> None:
    config = VAEConfig(**{**SMALL.to_json(), "likelihood": likelihood, "hidden_dims": SMALL.hidden_dims})
    model = vae(seed, config).to(dtype)
    x, z = uniform(seed, PIXELS, dtype=dtype), normal(seed + 1, chains, 2, dtype=dtype)
    whole = targets.one_image(model, x)(z)
    assert whole.shape == (chains,) and whole.dtype == dtype
    seen = uniform(seed + 2, PIXELS) > 0.5
    parts = [targets.hidden_pixels(model, x, visible)(z) for visible in (seen, ~seen)]
    assert_close(sum(parts), whole, rtol=1e-3, atol=1e-3)
    assert_close(targets.one_image(model, x.expand(chains, -1))(z), whole, rtol=1e-3, atol=1e-3)
    assert_close(targets.tempered(targets.one_image(model, x), temperature=4)(z), whole / 4)
    assert_close(whole, -model.nll(x.expand(chains, -1), z), rtol=1e-3, atol=1e-3)


@about("sampling.targets.many_images")
@settings(max_examples=FEW)
@given(chains=counts, n=st.integers(1, 6), seed=seeds)
def test_images_add_up_to_a_constant(chains: int, n: int, seed: int) -> None:
    model = vae(seed).double()
    x, z = uniform(seed, n, PIXELS), normal(seed + 1, chains, 2)
    together = targets.many_images(model, x)(z)
    apart = sum(targets.one_image(model, image)(z) for image in x)
    assert_close(together - together[0], apart - apart[0], rtol=1e-6, atol=1e-6)


@about("sampling.targets.LinearGaussian")
@given(p=st.integers(1, 5), d=latents, sigma=st.floats(0.2, 3), seed=seeds, with_prior=st.booleans())
def test_the_exact_posterior_has_the_gradient_of_its_log_density(
    p: int, d: int, sigma: float, seed: int, with_prior: bool
) -> None:
    prior = Normal.from_cov(normal(seed, d), covariances(seed, d)) if with_prior else None
    target = targets.LinearGaussian(normal(seed, p), normal(seed + 1, p, d), normal(seed + 2, p), sigma, prior)
    mean, cov = target.posterior()
    assert mean.shape == (d,) and cov.shape == (d, d)

    def log_density(z: Tensor) -> Tensor:
        log_prior = -0.5 * (z**2).sum(dim=1) if prior is None else prior.log_density(z)
        return target(z) + log_prior

    z = normal(seed + 3, 4, d)
    exact = Normal.from_cov(mean, cov).log_density(z)
    found = log_density(z)
    assert_close(found - found[0], exact - exact[0], rtol=1e-6, atol=1e-6)


@about("sampling.encoder_reference", "sampling.laplace_reference", "sampling.fitted_reference", "sampling.Normal")
@settings(max_examples=FEW)
@given(chains=st.integers(1, 6), d=st.integers(1, 4), given_in=dtypes, seed=seeds)
def test_references_are_gaussians_of_the_models_type(chains: int, d: int, given_in: torch.dtype, seed: int) -> None:
    model = vae(seed, VAEConfig(input_dim=PIXELS, hidden_dims=(6,), latent_dim=d))
    x = uniform(seed, chains, PIXELS, dtype=given_in)
    mu, logvar = model.encode(x.float())
    encoder, laplace = sampling.encoder_reference(model, x), sampling.laplace_reference(model, x)
    for found in (encoder, laplace):
        assert found.mean.shape == (chains, d) and found.cholesky.shape == (chains, d, d)
        assert found.mean.dtype == torch.float32
    assert_close(encoder.mean, mu)
    assert_close(encoder.cholesky.diagonal(dim1=1, dim2=2), (logvar / 2).exp())
    energy = [model.nll(x.float(), z) + 0.5 * (z**2).sum(dim=1) for z in (laplace.mean, mu)]
    assert bool((energy[0] <= energy[1] + 1e-4).all())
    alone = sampling.laplace_reference(model, x[0])
    assert_close(alone.mean, laplace.mean[0], rtol=1e-2, atol=1e-2)
    z = normal(seed, 30, 4, d, dtype=given_in)
    fitted = sampling.fitted_reference(z, width=2.0)
    assert fitted.mean.dtype == given_in
    assert_close(fitted.mean, z.mean(dim=(0, 1)), rtol=1e-3, atol=1e-3)
    cov = 4 * torch.atleast_2d(torch.cov(z.flatten(0, 1).T))
    assert_close(fitted.cholesky @ fitted.cholesky.T, cov, rtol=1e-3, atol=1e-3)


@about("sampling.grid_posterior", "sampling.GridPosterior")
@settings(max_examples=FEW)
@given(width=st.floats(0.05, 1), constant=st.floats(-20, 20), seed=seeds)
def test_a_grid_knows_no_constant_and_swaps_with_its_axes(width: float, constant: float, seed: int) -> None:
    centre = normal(seed, 2)

    def likelihood(z: Tensor) -> Tensor:
        return -0.5 * (((z - centre) / width) ** 2).sum(dim=1)

    grid = sampling.grid_posterior(likelihood)
    assert float(grid.mass.sum()) == pytest.approx(1) and float(grid.mass.min()) >= 0
    raised = sampling.grid_posterior(lambda z: likelihood(z) + constant)
    assert raised.log_evidence == pytest.approx(grid.log_evidence + constant)
    assert_close(raised.mean(), grid.mean())
    swapped = sampling.grid_posterior(lambda z: likelihood(z.flip(1)))
    assert_close(swapped.mean(), grid.mean().flip(0), rtol=1e-4, atol=1e-4)
    assert grid.sample(7, generator=make_generator(seed)).shape == (7, 2)
    exact = centre / (1 + width**2)
    assert_close(grid.mean(), exact, rtol=0, atol=0.1 * width)


# --- balance ---


@about(*(f"sampling.balance.{name}" for name in ("transition_matrix", "flows", "imbalance", "stationary")))
@given(n=st.integers(2, 8), seed=seeds)
def test_a_metropolis_chain_on_any_grid_keeps_its_target(n: int, seed: int) -> None:
    log_target = normal(seed, n)
    log_proposal = torch.full((n, n), -math.log(n), dtype=torch.float64)
    matrix = balance.transition_matrix(log_proposal, log_target[None, :] - log_target[:, None])
    assert_close(matrix.sum(dim=1), torch.ones(n, dtype=torch.float64))
    assert float(matrix.min()) >= 0
    flow = balance.flows(log_target, matrix)
    assert float(flow.sum()) == pytest.approx(1) and balance.imbalance(flow) < 1e-9
    assert_close(balance.flows(log_target + 7, matrix), flow)
    assert_close(balance.stationary(matrix), log_target.softmax(dim=0))
