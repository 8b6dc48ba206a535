"""The autoencoder and the VAE: how they start, what they give, what they refuse."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from vae_course.checks import make_generator
from vae_course.configs import HEADS, VAEConfig
from vae_course.models import VAE, Autoencoder
from vae_course.objectives import bernoulli_nll, gaussian_nll, kl_standard_normal

TINY = VAEConfig(input_dim=12, hidden_dims=(8, 5), latent_dim=3)


def images(n: int = 6, width: int = 12) -> Tensor:
    return torch.rand(n, width, generator=make_generator(3))


@pytest.mark.parametrize("name", ["encoder_body.0", "mu_head", "logvar_head", "decoder_body.0", "output"])
def test_weights_start_by_the_rule_of_nn_linear(name: str) -> None:
    ours = VAE(generator=make_generator(5)).get_submodule(name)
    assert isinstance(ours, nn.Linear)
    with torch.random.fork_rng():
        torch.manual_seed(6)
        theirs = nn.Linear(ours.in_features, ours.out_features)
    bound = 1 / math.sqrt(ours.in_features)
    for ours_values, theirs_values in ((ours.weight, theirs.weight), (ours.bias, theirs.bias)):
        values = ours_values.detach().flatten()
        assert values.abs().max() <= bound
        assert stats.kstest(values[:20_000].numpy(), stats.uniform(-bound, 2 * bound).cdf).pvalue > 1e-3
        assert stats.ks_2samp(values.numpy(), theirs_values.detach().flatten().numpy()).pvalue > 1e-3
    assert float(ours.weight.detach().var()) == pytest.approx(bound**2 / 3, rel=0.05)  # a uniform's variance


def test_the_same_generator_gives_the_same_weights_and_none_is_seed_0() -> None:
    first, same, other = (VAE(TINY, generator=make_generator(seed)).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in first)
    assert all(torch.equal(first[name], value) for name, value in VAE(TINY).state_dict().items())


def test_the_global_random_state_is_left_alone() -> None:
    before = torch.get_rng_state()
    model = VAE(TINY)
    model.loss_terms(images(), torch.zeros(6, 3))
    Autoencoder(TINY)
    assert torch.equal(torch.get_rng_state(), before)


def test_autoencoder_and_vae_start_with_the_same_weights() -> None:
    ae, vae = Autoencoder(TINY, generator=make_generator(2)), VAE(TINY, generator=make_generator(2))
    shared = ae.state_dict()
    assert set(vae.state_dict()) - set(shared) == {"logvar_head.weight", "logvar_head.bias"}
    assert all(torch.equal(vae.state_dict()[name], value) for name, value in shared.items())
    x = images()
    assert torch.equal(ae.encode_point(x), vae.encode(x).mu)


@pytest.mark.parametrize("hidden_dims", [(8,), (8, 5), (7, 6, 5)])
def test_shapes_and_the_mirrored_decoder(hidden_dims: tuple[int, ...]) -> None:
    model = VAE(VAEConfig(input_dim=12, hidden_dims=hidden_dims, latent_dim=3))
    linear = [layer for layer in model.decoder_body if isinstance(layer, nn.Linear)]
    sizes = [linear[0].in_features, *(layer.out_features for layer in linear), model.output.out_features]
    assert sizes == [3, *reversed(hidden_dims), 12]
    x = images(4)
    mu, logvar = model.encode(x)
    assert mu.shape == logvar.shape == (4, 3)
    assert model.encode_point(x).equal(mu)
    x_mean = model.decode(mu)
    assert x_mean.shape == (4, 12) and 0 <= x_mean.min() and x_mean.max() <= 1
    torch.testing.assert_close(x_mean, model.decode_logits(mu).sigmoid())


@pytest.mark.parametrize("heads", HEADS)
def test_relu_heads_cut_off_exactly_what_they_say(heads: str) -> None:
    config = VAEConfig(input_dim=12, hidden_dims=(8,), latent_dim=9, heads=heads)  # type: ignore[arg-type]
    plain = VAE(VAEConfig(input_dim=12, hidden_dims=(8,), latent_dim=9)).encode(images())
    mu, logvar = VAE(config).encode(images())
    assert plain.mu.min() < 0 and plain.logvar.min() < 0  # there is something to cut off
    torch.testing.assert_close(mu, plain.mu.relu() if heads in ("relu_mu", "relu_both") else plain.mu)
    torch.testing.assert_close(logvar, plain.logvar.relu() if heads in ("relu_logvar", "relu_both") else plain.logvar)
    assert torch.equal(Autoencoder(config).encode_point(images()), mu)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_loss_terms_are_the_two_terms_of_the_bound(likelihood: str) -> None:
    config = VAEConfig(input_dim=12, hidden_dims=(8,), latent_dim=3, likelihood=likelihood, sigma=0.4)  # type: ignore[arg-type]
    model, x, eps = VAE(config), images(), torch.randn(6, 3, generator=make_generator(1))
    mu, logvar = model.encode(x)
    logits = model.decode_logits(mu + (logvar / 2).exp() * eps)
    expected = bernoulli_nll(x, logits) if likelihood == "bernoulli" else gaussian_nll(x, logits.sigmoid(), sigma=0.4)
    nll, kl = model.loss_terms(x, eps)
    torch.testing.assert_close(nll, expected)
    torch.testing.assert_close(kl.sum(dim=1), kl_standard_normal(mu, logvar))
    assert nll.shape == (6,) and kl.shape == (6, 3)

    point = Autoencoder(config)
    nll, kl = point.loss_terms(x, eps)
    code = point.decode_logits(point.encode_point(x))
    at_mean = bernoulli_nll(x, code) if likelihood == "bernoulli" else gaussian_nll(x, code.sigmoid(), sigma=0.4)
    torch.testing.assert_close(nll, at_mean)
    assert torch.equal(kl, torch.zeros(6, 3))


@pytest.mark.parametrize("kind", [VAE, Autoencoder])
def test_a_learned_sigma_starts_where_the_config_says_and_ends_at_the_root_of_the_mean_squared_error(
    kind: type[Autoencoder],
) -> None:
    """For fixed outputs sigma^2 = MSE is the optimum (Rybkin, Daniilidis & Levine 2021)."""
    config = VAEConfig(input_dim=12, hidden_dims=(8,), latent_dim=3, likelihood="gaussian", sigma=0.7, learn_sigma=True)
    model, x, z = kind(config), images(), torch.randn(6, 3, generator=make_generator(1))
    assert model.sigma == pytest.approx(0.7)
    torch.testing.assert_close(model.nll(x, z), gaussian_nll(x, model.decode(z), sigma=0.7))
    error = float(((x - model.decode(z)) ** 2).mean().detach())
    with torch.no_grad():
        model.log_sigma.copy_(torch.tensor(error).sqrt().log())
    model.nll(x, z).mean().backward()
    assert model.log_sigma.grad is not None
    assert abs(float(model.log_sigma.grad)) < 1e-4  # of a slope of 12 a unit
    assert model.sigma == pytest.approx(error**0.5)


def test_a_sigma_that_is_not_learned_is_no_weight() -> None:
    config = VAEConfig(input_dim=12, hidden_dims=(8,), likelihood="gaussian", sigma=0.4)
    assert VAE(config).sigma == 0.4
    assert "log_sigma" not in VAE(config).state_dict()


def test_every_weight_is_trained() -> None:
    model = VAE(TINY)
    nll, kl = model.loss_terms(images(), torch.randn(6, 3, generator=make_generator(1)))
    (nll.mean() + kl.sum(dim=1).mean()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_set_output_bias_makes_the_decoder_start_at_the_mean_image() -> None:
    model, mean = VAE(TINY), images(1)[0]
    mean[0], mean[1] = 0.0, 1.0
    model.set_output_bias(mean)
    with torch.no_grad():
        model.output.weight.zero_()
    torch.testing.assert_close(model.decode(torch.zeros(1, 3))[0], mean.clamp(0.001, 0.999))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: m.encode(torch.zeros(12)), ValueError, r"x must have shape \(n, 12\), got \(12,\); .* x\[None, :\]"),
        (lambda m: m.encode(torch.zeros(2, 11)), ValueError, r"x must have shape \(n, 12\), got \(2, 11\)"),
        (lambda m: m.encode_point(torch.zeros(2, 3, 4)), ValueError, r"x must have shape"),
        (lambda m: m.decode(torch.zeros(3)), ValueError, r"z must have shape \(n, 3\), got \(3,\); .* z\[None, :\]"),
        (lambda m: m.decode(torch.zeros(2, 4)), ValueError, r"z must have shape"),
        (lambda m: m.encode(torch.zeros(2, 12, dtype=torch.uint8)), TypeError, r"floating point.*uint8.*to_unit"),
        (lambda m: m.decode(torch.zeros(2, 3, dtype=torch.int64)), TypeError, r"z must be floating point"),
    ],
)
def test_wrong_arguments_are_explained(call, error: type[Exception], message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=message):
        call(VAE(TINY))
