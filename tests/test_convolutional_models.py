"""The convolutional VAE and the U-Nets: how they start, what they give, and where a U-Net leaks."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from vae_course.checks import make_generator
from vae_course.configs import TrainConfig, UNetConfig, VAEConfig
from vae_course.latent import swap_test
from vae_course.models import VAE, ConvolutionalVAE, UNetVAE, unet
from vae_course.models.layers import convolution, side_of_images
from vae_course.objectives import bernoulli_nll, gaussian_nll, kl_per_latent
from vae_course.sampling import targets
from vae_course.training import fit, loss_terms
from vae_course.types import History

SIDE = 8
MODELS: dict[str, Callable[[], VAE]] = {
    "convolutional": lambda: ConvolutionalVAE(VAEConfig(SIDE**2, (4, 6), 3)),
    "unet": lambda: UNetVAE(UNetConfig(SIDE**2, (4, 5, 6), 3, skips=False)),
    "unet with skips": lambda: UNetVAE(UNetConfig(SIDE**2, (4, 5, 6), 3)),
    "unet with coarse skips": lambda: UNetVAE(UNetConfig(SIDE**2, (4, 5, 6), 3, skip_sides=(0, 3))),
}
EACH = pytest.mark.parametrize("name", MODELS)


def images(n: int = 6, *, seed: int = 3) -> Tensor:
    return torch.rand(n, SIDE**2, generator=make_generator(seed))


def noise(n: int = 6) -> Tensor:
    return torch.randn(n, 3, generator=make_generator(1))


def quarters(n: int) -> Tensor:
    """Images whose quarters are black or white, 16 kinds: (n, 64) uint8."""
    on = torch.randint(2, (n, 2, 2), generator=make_generator(4), dtype=torch.uint8)
    return (255 * on).repeat_interleave(SIDE // 2, dim=1).repeat_interleave(SIDE // 2, dim=2).flatten(1)


def swapped_share(model: UNetVAE, x: Tensor) -> float:
    """How much of the difference between two images' outputs comes with z, the context being held: 0 none, 1 all."""
    return swap_test(model.decode, model.encode_point(x), x, generator=make_generator(0)).z


# --- all of them ---


@EACH
def test_shapes_and_pixels_in_the_unit_interval(name: str) -> None:
    model, x = MODELS[name](), images()
    mu, logvar = model.encode(x)
    assert mu.shape == logvar.shape == (6, 3)
    assert model.encode_point(x).equal(mu)
    x_mean = model.decode(mu)
    assert x_mean.shape == x.shape and 0 < x_mean.min() and x_mean.max() < 1
    torch.testing.assert_close(x_mean, model.decode_logits(mu).sigmoid())


@EACH
def test_the_same_generator_gives_the_same_weights_and_the_global_one_is_left_alone(name: str) -> None:
    before = torch.get_rng_state()
    first, same = MODELS[name]().state_dict(), MODELS[name]().state_dict()
    assert all(torch.equal(first[key], same[key]) for key in first)
    assert torch.equal(torch.get_rng_state(), before)


@EACH
def test_every_weight_is_trained(name: str) -> None:
    model = MODELS[name]()
    nll, kl = model.loss_terms(images(), noise())
    (nll.mean() + kl.sum(dim=1).mean()).backward()
    assert [key for key, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


@EACH
def test_the_output_bias_makes_the_decoder_start_at_the_mean_image(name: str) -> None:
    model, mean = MODELS[name](), images(1)[0]
    model.set_output_bias(mean)
    with torch.no_grad():
        model.output.weight.zero_()
    torch.testing.assert_close(model.decode(torch.zeros(1, 3))[0], mean.clamp(0.001, 0.999))


@EACH
def test_a_run_that_was_stopped_ends_with_the_same_weights(name: str, tmp_path: Path) -> None:
    path, config = tmp_path / "checkpoint", TrainConfig(epochs=3, batch_size=16, mean_image_start=True)

    def stop(history: History) -> None:
        if len(history.nll) == 2 * history.steps_per_epoch:
            raise KeyboardInterrupt

    def run(model: VAE, **options: object) -> dict[str, Tensor]:
        fit(model, quarters(64), config=config, progress=False, **options)  # type: ignore[arg-type]
        return model.state_dict()

    expected = run(MODELS[name]())
    with pytest.raises(KeyboardInterrupt):
        run(MODELS[name](), checkpoint=path, on_epoch=stop)
    found = run(MODELS[name](), checkpoint=path)
    assert all(torch.equal(found[key], expected[key]) for key in expected)
    assert not torch.equal(expected["mu_head.weight"], MODELS[name]().state_dict()["mu_head.weight"])


@EACH
def test_wrong_arguments_are_explained(name: str) -> None:
    model = MODELS[name]()
    with pytest.raises(ValueError, match=r"x must have shape \(n, 64\), got \(64,\)"):
        model.encode(torch.zeros(64))
    with pytest.raises(ValueError, match=r"z must have shape \(n, 3\), got \(2, 4\)"):
        model.decode(torch.zeros(2, 4))


@pytest.mark.parametrize("name", ["convolutional", "unet"])
def test_the_target_of_a_sampler_is_the_models_likelihood(name: str) -> None:
    model, x, z = MODELS[name]().requires_grad_(False), images(5), noise(5)
    torch.testing.assert_close(targets.one_image(model, x)(z), -model.nll(x, z))
    visible = torch.arange(SIDE**2) % 3 > 0
    seen = -bernoulli_nll(x[:1, visible].expand(5, -1), model.decode_logits(z)[:, visible])
    torch.testing.assert_close(targets.hidden_pixels(model, x[0], visible)(z), seen)


# --- layers ---


@pytest.mark.parametrize(("size", "stride", "up"), [(3, 1, False), (4, 2, False), (4, 2, True)])
def test_a_convolution_starts_by_pytorchs_rule_and_changes_the_side_as_it_says(
    size: int, stride: int, up: bool
) -> None:
    ours = convolution(12, 30, make_generator(5), size=size, stride=stride, up=up)
    with torch.random.fork_rng():
        torch.manual_seed(6)
        theirs = (nn.ConvTranspose2d if up else nn.Conv2d)(12, 30, size)
    for ours_values, theirs_values in ((ours.weight, theirs.weight), (ours.bias, theirs.bias)):
        assert ours_values is not None and theirs_values is not None
        assert ours_values.shape == theirs_values.shape
        samples = [values.detach().flatten().numpy() for values in (ours_values, theirs_values)]
        assert stats.ks_2samp(*samples).pvalue > 1e-3
        if ours_values is ours.weight:
            assert samples[0].std() == pytest.approx(samples[1].std(), rel=0.05)
    side = ours(torch.zeros(1, 12, 6, 6)).shape[-1]
    assert side == {(1, False): 6, (2, False): 3, (2, True): 12}[stride, up]


def test_a_side_that_cannot_be_halved_is_refused() -> None:
    assert side_of_images(784, 2) == 28
    for input_dim, halvings in ((784, 3), (100, 2), (60, 1)):
        with pytest.raises(ValueError, match="square of a multiple"):
            side_of_images(input_dim, halvings)
    with pytest.raises(ValueError, match="square of a multiple of 8"):
        ConvolutionalVAE(VAEConfig(hidden_dims=(4, 4, 4)))


def test_a_convolution_sees_neighbours_only() -> None:
    """What lies 8 pixels away can't reach the first row of a 3-level U-Net's highest level."""
    model = MODELS["unet"]()
    assert isinstance(model, UNetVAE)
    x = images(1)
    changed = x.clone()
    changed[0, -SIDE:] = 1 - changed[0, -SIDE:]  # the last row
    before, after = (model._seen(version)[0][0, :, : SIDE - 2] for version in (x, changed))
    assert torch.equal(before, after)


# --- the U-Net's leak ---


def test_without_skips_a_context_changes_nothing() -> None:
    model, z = MODELS["unet"](), noise()
    assert isinstance(model, UNetVAE)
    assert torch.equal(model.decode(z), model.decode(z, images()))
    assert torch.equal(model.nll(images(), z), model.nll(images(), z, images(seed=9)))


def test_with_skips_the_decoder_looks_at_the_context() -> None:
    model, z, x = MODELS["unet with skips"](), noise(), images()
    assert isinstance(model, UNetVAE)
    assert not torch.allclose(model.decode(z, x), model.decode(z, images(seed=9)))
    torch.testing.assert_close(model.decode(z), model.decode(z, torch.zeros_like(x)))  # none: an empty image
    torch.testing.assert_close(model.decode(z, x[:1]), model.decode(z, x[:1].expand(6, -1)))
    with pytest.raises(ValueError, match="context must hold 1 image, or one for each of the 6 rows of z, got 2"):
        model.decode(z, x[:2])
    with pytest.raises(ValueError, match=r"context must have shape \(n, 64\)"):
        model.decode(z, x[:, 1:])


def test_a_coarse_skip_passes_the_means_of_its_squares() -> None:
    seen = torch.arange(32.0).reshape(1, 2, 4, 4)
    passed = unet._coarsen(seen, 2)
    assert passed.shape == seen.shape
    assert passed[0, 0].tolist() == [[2.5, 2.5, 4.5, 4.5]] * 2 + [[10.5, 10.5, 12.5, 12.5]] * 2
    assert passed[0, 1].equal(passed[0, 0] + 16)
    assert unet._coarsen(seen, 4).equal(seen)


def test_a_skip_of_one_square_sees_how_much_and_not_where() -> None:
    """A blot, far from the edge, in two places: with one square a level the context is the same, with more it isn't."""
    blots = torch.zeros(2, 28, 28)
    blots[0, 8:10, 8:10] = blots[1, 16:18, 16:18] = 1
    for kept, same in (((1, 1), True), ((0, 1), True), ((4, 1), False), ((28, 14), False)):
        model = UNetVAE(UNetConfig(hidden_dims=(4, 5, 6), latent_dim=3, skip_sides=kept))
        first, second = model.decode_logits(noise(1).expand(2, 3), blots.flatten(1))
        assert torch.allclose(first, second, atol=1e-5) == same, kept


def test_skips_at_full_sides_are_skips() -> None:
    whole, named = UNetConfig(SIDE**2, (4, 5, 6), 3), UNetConfig(SIDE**2, (4, 5, 6), 3, skip_sides=(8, 4))
    z, x = noise(), images()
    torch.testing.assert_close(UNetVAE(whole).decode(z, x), UNetVAE(named).decode(z, x))
    assert "skip_sides" not in whole.to_json()  # cards and checkpoints stay as they are
    assert UNetConfig.from_json(json.loads(json.dumps(named.to_json()))) == named


@pytest.mark.parametrize(
    ("skips", "sides", "words"),
    [
        (True, (8,), "at most 8, 4, one a level"),
        (True, (8, 5), "at most 8, 4, one a level"),
        (True, (-1, 4), "at most 8, 4, one a level"),
        (True, (0, 0), "has skips=False and no skip_sides"),
        (False, (8, 4), "has skips=False and no skip_sides"),
    ],
)
def test_skips_that_do_not_fit_are_refused(skips: bool, sides: tuple[int, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        UNetConfig(SIDE**2, (4, 5, 6), 3, skips=skips, skip_sides=sides)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_a_u_net_is_trained_with_the_image_as_its_own_context(likelihood: str) -> None:
    config = UNetConfig(SIDE**2, (4, 5), 3, likelihood=likelihood, sigma=0.3)  # type: ignore[arg-type]
    model, x, eps = UNetVAE(config), images(), noise()
    mu, logvar = model.encode(x)
    logits = model.decode_logits(mu + (logvar / 2).exp() * eps, x)
    expected = bernoulli_nll(x, logits) if likelihood == "bernoulli" else gaussian_nll(x, logits.sigmoid(), sigma=0.3)
    nll, kl = model.loss_terms(x, eps)
    torch.testing.assert_close(nll, expected)
    torch.testing.assert_close(kl, kl_per_latent(mu, logvar))


@pytest.fixture(scope="module")
def trained() -> dict[str, tuple[UNetVAE, History]]:
    """A U-Net with skips and one without, after as many steps on the same images."""
    config = TrainConfig(epochs=30, batch_size=64, lr=1e-2, schedule="onecycle", beta2=0.99)
    runs = {}
    for name, skips in (("leaking", True), ("sound", False)):
        model = UNetVAE(UNetConfig(SIDE**2, (8, 12), 3, skips=skips))
        runs[name] = model, fit(model, quarters(256), config=config, progress=False)
    return runs


def test_with_skips_the_latent_goes_unused_and_swapping_it_changes_nothing(
    trained: dict[str, tuple[UNetVAE, History]],
) -> None:
    model, history = trained["leaking"]
    with torch.no_grad():
        assert swapped_share(model, quarters(100) / 255) < 0.001
    assert history.kl[-5:].mean() < 0.05
    sound = trained["sound"][1]
    assert history.negative_elbo[-5:].mean() < 0.5 * sound.negative_elbo[-5:].mean()  # it looks better, and is no bound


def test_without_skips_the_swap_changes_all(trained: dict[str, tuple[UNetVAE, History]]) -> None:
    model, history = trained["sound"]
    with torch.no_grad():
        assert swapped_share(model, quarters(100) / 255) == pytest.approx(1, abs=0.01)
    assert history.kl[-5:].mean() > math.log(16)  # the latent tells the 16 kinds apart


def test_without_its_image_the_leaking_model_knows_nothing(trained: dict[str, tuple[UNetVAE, History]]) -> None:
    """As models of images, which start from z alone, the two change places."""
    x = quarters(100) / 255
    with torch.no_grad():
        from_z = {name: float(model.nll(x, model.encode_point(x)).mean()) for name, (model, _) in trained.items()}
    with_image = loss_terms(trained["leaking"][0], quarters(100), generator=make_generator(0)).nll.mean()
    assert from_z["leaking"] > 20 * from_z["sound"]
    assert from_z["leaking"] > 100 * with_image
