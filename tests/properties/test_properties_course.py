"""Likelihoods, KL, models and training: what holds for all shapes, types and seeds."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from inputs import SMALL, autoencoder, dtypes, images, latents, normal, posterior, rows, seeds, uniform, vae
from profiles import FEW
from public_names import about
from torch import Tensor
from torch.testing import assert_close

import vae_course as vc
from vae_course.configs import HEADS, LIKELIHOODS

pixels = st.integers(1, 9)
sigmas = st.floats(0.05, 5)


@about("vae_course.bernoulli_nll", "vae_course.gaussian_nll")
@given(n=rows, d=pixels, dtype=dtypes, sigma=sigmas, seed=seeds)
def test_a_likelihood_is_of_each_image_by_itself(n: int, d: int, dtype: torch.dtype, sigma: float, seed: int) -> None:
    x, output = uniform(seed, n, d, dtype=dtype), 3 * normal(seed + 1, n, d, dtype=dtype)
    order = torch.randperm(n, generator=vc.make_generator(seed))
    column = torch.randperm(d, generator=vc.make_generator(seed))
    for nll in (vc.bernoulli_nll, lambda x, mean: vc.gaussian_nll(x, mean, sigma=sigma)):
        whole = nll(x, output)
        assert whole.shape == (n,) and whole.dtype == dtype
        assert_close(nll(x[order], output[order]), whole[order])
        assert_close(nll(x[:, column], output[:, column]), whole)  # pixels have no order
        assert_close(nll(x[:1], output[:1]), whole[:1])
        assert_close(whole, sum(nll(x[:, [j]], output[:, [j]]) for j in range(d)), rtol=1e-4, atol=1e-4)
        broken = output.clone()
        broken[0, 0] = math.nan
        assert nll(x, broken).isnan().tolist() == [True] + [False] * (n - 1)


@about("vae_course.bernoulli_nll")
@given(n=rows, d=pixels, seed=seeds)
def test_swapping_ink_and_paper_swaps_the_sign_of_the_logits(n: int, d: int, seed: int) -> None:
    x, logits = uniform(seed, n, d), 5 * normal(seed, n, d)
    assert_close(vc.bernoulli_nll(1 - x, -logits), vc.bernoulli_nll(x, logits))
    assert float(vc.bernoulli_nll(x.round(), logits).min()) >= 0


@about("vae_course.gaussian_nll")
@given(n=rows, d=pixels, sigma=sigmas, scale=st.floats(0.1, 10), seed=seeds)
def test_a_density_in_other_units_differs_by_their_logarithm(
    n: int, d: int, sigma: float, scale: float, seed: int
) -> None:
    x, mean = uniform(seed, n, d), normal(seed, n, d)
    moved = vc.gaussian_nll(scale * x + 3, scale * mean + 3, sigma=scale * sigma)
    assert_close(moved, vc.gaussian_nll(x, mean, sigma=sigma) + d * math.log(scale))
    assert_close(vc.gaussian_nll(mean, x, sigma=sigma), vc.gaussian_nll(x, mean, sigma=sigma))


@about("vae_course.kl_per_latent", "vae_course.kl_standard_normal")
@given(n=rows, d=latents, dtype=dtypes, seed=seeds)
def test_the_kl_is_a_sum_over_latents_and_never_negative(n: int, d: int, dtype: torch.dtype, seed: int) -> None:
    mu, logvar = posterior(seed, n, d, dtype)
    each, whole = vc.kl_per_latent(mu, logvar), vc.kl_standard_normal(mu, logvar)
    assert each.shape == (n, d) and whole.shape == (n,) and each.dtype == whole.dtype == dtype
    assert float(each.min()) >= 0
    assert_close(each.sum(dim=1), whole)
    assert_close(vc.kl_per_latent(-mu, logvar), each)  # the prior has no direction
    farther = vc.kl_per_latent(2 * mu, logvar)
    assert bool((farther >= each).all())
    assert not vc.kl_per_latent(0 * mu, 0 * logvar).any()


@about("vae_course.reparameterize", "vae_course.Posterior")
@given(n=rows, d=latents, dtype=dtypes, seed=seeds)
def test_a_draw_is_the_mean_and_eps_standard_deviations(n: int, d: int, dtype: torch.dtype, seed: int) -> None:
    q, eps = posterior(seed, n, d, dtype), normal(seed + 1, n, d, dtype=dtype)
    z = vc.reparameterize(*q, eps)
    assert z.shape == (n, d) and z.dtype == dtype
    assert_close((z - q.mu) / q.std, eps, rtol=1e-3, atol=1e-4)
    assert torch.equal(vc.reparameterize(*q, 0 * eps), q.mu)
    assert torch.equal(vc.reparameterize(q.mu, torch.full_like(q.mu, -math.inf), eps), q.mu)


@about("vae_course.effective_beta")
@given(n=st.integers(1, 5000), sigma=sigmas, weight=st.floats(0, 100), loss=st.sampled_from(["bce", "sse", "gaussian"]))
def test_beta_goes_with_the_weight_and_a_mean_multiplies_it_by_the_pixels(
    n: int, sigma: float, weight: float, loss: str
) -> None:
    def beta(**changed: object) -> float:
        options = {"reduction": "sum", "loss": loss, "n_pixels": n, "sigma": sigma, "kl_weight": weight}
        return vc.effective_beta(**(options | changed))  # type: ignore[arg-type]

    assert beta(reduction="mean") == pytest.approx(n * beta())
    assert beta(kl_weight=2 * weight) == pytest.approx(2 * beta())
    assert beta() == pytest.approx(weight / (2 * sigma**2 if loss == "sse" else 1))


@about("vae_course.to_unit")
@given(shape=st.lists(st.integers(0, 6), min_size=0, max_size=3), seed=seeds)
def test_bytes_become_fractions_and_come_back(shape: list[int], seed: int) -> None:
    made = torch.randint(0, 256, shape, generator=vc.make_generator(seed), dtype=torch.uint8)
    x = vc.to_unit(made)
    assert x.shape == made.shape and x.dtype == torch.float32
    assert not x.numel() or 0 <= float(x.min()) <= float(x.max()) <= 1
    assert torch.equal((255 * x).round().to(torch.uint8), made)


@about("vae_course.make_generator")
@given(seed=seeds)
def test_a_generator_starts_from_its_seed_alone(seed: int) -> None:
    first, again, other = (torch.randn(4, generator=vc.make_generator(s)) for s in (seed, seed, seed + 1))
    assert torch.equal(first, again) and not torch.equal(first, other)


@about("vae_course.load_digits", "vae_course.Digits")
@settings(max_examples=3)
@given(seed=seeds)
def test_the_digits_are_the_callers_own(seed: int) -> None:
    digits = vc.load_digits()
    assert digits.images.shape == (5000, 784) and digits.images.dtype == torch.uint8
    assert digits.labels.tolist() == [label for label in range(10) for _ in range(500)]
    row = seed % 5000
    kept = digits.images[row].clone()
    digits.images[row] = 255 - digits.images[row]
    assert torch.equal(vc.load_digits().images[row], kept)


@about("vae_course.VAEConfig", "vae_course.TrainConfig", "vae_course.QUICK")
@given(data=st.data(), d=latents, sigma=sigmas)
def test_a_config_survives_json(data: st.DataObject, d: int, sigma: float) -> None:
    model = vc.VAEConfig(
        input_dim=data.draw(pixels),
        hidden_dims=tuple(data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=3))),
        latent_dim=d,
        likelihood=data.draw(st.sampled_from(LIKELIHOODS)),  # type: ignore[arg-type]
        heads=data.draw(st.sampled_from(HEADS)),  # type: ignore[arg-type]
        sigma=sigma,
    )
    training = dataclasses.replace(vc.QUICK, epochs=data.draw(st.integers(1, 9)), beta=sigma, seed=d)
    for config in (model, training):
        assert type(config).from_json(config.to_json()) == config
        with pytest.raises(ValueError, match="needs exactly the fields"):
            type(config).from_json({**config.to_json(), "unknown": 1})
        with pytest.raises(dataclasses.FrozenInstanceError):
            config.seed = 1  # type: ignore[misc]


@about("vae_course.VAE", "vae_course.Autoencoder", "vae_course.Posterior")
@settings(max_examples=FEW)
@given(n=rows, dtype=dtypes, likelihood=st.sampled_from(LIKELIHOODS), seed=seeds)
def test_a_model_takes_images_one_by_one(n: int, dtype: torch.dtype, likelihood: str, seed: int) -> None:
    config = dataclasses.replace(SMALL, likelihood=likelihood, sigma=0.4)
    x, eps = uniform(seed, n, SMALL.input_dim, dtype=dtype), normal(seed, n, SMALL.latent_dim, dtype=dtype)
    for model in (vae(seed, config).to(dtype), autoencoder(seed, config).to(dtype)):
        mu = model.encode_point(x)
        x_mean = model.decode(mu)
        nll, kl = model.loss_terms(x, eps)
        assert mu.shape == kl.shape == eps.shape and x_mean.shape == x.shape and nll.shape == (n,)
        assert {t.dtype for t in (mu, x_mean, nll, kl)} == {dtype}
        assert 0 <= float(x_mean.min()) <= float(x_mean.max()) <= 1
        order = torch.randperm(n, generator=vc.make_generator(seed))
        assert_close(model.encode_point(x[order]), mu[order], rtol=1e-4, atol=1e-5)
        assert_close(model.loss_terms(x[order], eps[order]).nll, nll[order], rtol=1e-4, atol=1e-4)
        assert_close(model.nll(x, mu), model.nll(x.flip(0), mu.flip(0)).flip(0), rtol=1e-4, atol=1e-4)


@about("vae_course.loss_terms")
@settings(max_examples=FEW)
@given(n=rows, size=st.integers(1, 30), seed=seeds)
def test_batches_make_no_difference_to_the_terms(n: int, size: int, seed: int) -> None:
    model, made = vae(seed), images(seed, n)
    whole = vc.loss_terms(model, made, generator=vc.make_generator(seed), batch_size=1000)
    parts = vc.loss_terms(model, made, generator=vc.make_generator(seed), batch_size=size)
    assert whole.nll.shape == (n,) and whole.kl_per_latent.shape == (n, 2)
    assert_close(parts.kl_per_latent, whole.kl_per_latent)  # the noise of z differs in its order, the KL has none
    assert bool(parts.nll.isfinite().all())


@about("vae_course.fit", "vae_course.History")
@settings(max_examples=FEW)
@given(n=rows, size=st.integers(1, 30), epochs=st.integers(1, 3), seed=seeds)
def test_a_training_logs_every_step_and_is_decided_by_its_seeds(n: int, size: int, epochs: int, seed: int) -> None:
    made = images(seed, n)
    config = vc.TrainConfig(epochs=epochs, batch_size=size, seed=seed)

    def train() -> tuple[vc.History, list[Tensor]]:
        model = vc.VAE(SMALL, generator=vc.make_generator(seed))
        return vc.fit(model, made, config=config, progress=False), list(model.state_dict().values())

    (history, weights), (again, same) = train(), train()
    steps = epochs * math.ceil(n / size)
    assert history.nll.shape == history.kl.shape == (steps,) and history.kl_per_latent.shape == (steps, 2)
    assert_close(history.negative_elbo, history.nll + history.kl_per_latent.sum(dim=1))
    assert torch.equal(history.nll, again.nll)
    assert all(torch.equal(a, b) for a, b in zip(weights, same, strict=True))
    assert made.equal(images(seed, n))
