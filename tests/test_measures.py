"""Figures for a table: by hand, and on models whose worth is known beforehand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from vae_course import load_digits, make_generator, measures, to_unit, zoo
from vae_course.configs import VAEConfig
from vae_course.measures import code_figures, factor_figures, reconstruction_figures, sample_figures
from vae_course.models import VAE
from vae_course.sprites import make_sprites
from vae_course.types import Digits, Posterior


@pytest.fixture
def model() -> VAE:
    return VAE(VAEConfig(hidden_dims=(8,), latent_dim=3)).requires_grad_(False)


class Known(VAE):
    """A model whose codes are the first pixels of an image, exactly."""

    def encode(self, x: Tensor) -> Posterior:
        mu = x[:, : self.config.latent_dim]
        return Posterior(mu, torch.full_like(mu, -20.0))


def test_the_squared_error_is_that_of_a_draw_from_each_posterior(model: VAE) -> None:
    images = load_digits().images[::4]  # more than a block
    x = to_unit(images)
    mu, logvar = model.encode(x)
    z = mu + (logvar / 2).exp() * torch.randn(mu.shape, generator=make_generator(0))
    figures = reconstruction_figures(model, images)
    assert figures["squared_error"] == pytest.approx(float(((x - model.decode(z)) ** 2).mean()), abs=1e-5)
    assert figures["active_units"] == int((mu.var(dim=0, correction=0) > 0.01).sum())


def test_codes_that_spell_the_label_are_read_without_a_mistake_and_noise_by_chance() -> None:
    generator = make_generator(0)
    labels = torch.arange(600) % 10

    def digits(codes: Tensor) -> Digits:
        images = torch.zeros(600, 784, dtype=torch.uint8)
        images[:, :2] = codes
        return Digits(images, labels)

    spelt = torch.stack([labels * 20 + 5, (labels * 7 % 10) * 20], dim=1).to(torch.uint8)
    noise = torch.randint(0, 256, (600, 2), generator=generator, dtype=torch.uint8)
    model = Known(VAEConfig(latent_dim=2))
    assert code_figures(model, digits(spelt), digits(spelt)) == {"probe_accuracy": 1.0, "neighbour_accuracy": 1.0}
    by_chance = code_figures(model, digits(noise), digits(noise.flip(0)))
    assert by_chance["probe_accuracy"] < 0.2 and by_chance["neighbour_accuracy"] < 0.2


def test_a_decoder_of_one_image_has_no_diversity(model: VAE) -> None:
    """Its output layer says the same digit wherever z lies; a classifier is sure of it and reads one class."""
    digits, classifier = load_digits(), zoo.load("classifier-s0")
    with torch.no_grad():
        model.output.weight.zero_()
        model.set_output_bias(to_unit(digits.images[:1])[0])
    one = sample_figures(model, classifier, digits.images[::10])
    assert one["confident"] == 1 and one["entropy"] == 0 and one["recall"] < 0.01 and one["coverage"] < 0.1
    trained = sample_figures(zoo.load("vae-beta1-10d-s0"), classifier, digits.images[::10])
    assert math.log(5) < trained["entropy"] <= math.log(10)
    assert one["coverage"] < trained["coverage"] <= 1 and 0 < trained["confident"] < 1


def test_latents_that_are_the_factors_have_gap_1_and_turned_ones_less(monkeypatch: pytest.MonkeyPatch) -> None:
    factors = make_sprites().factors.double()
    turn = torch.linalg.qr(torch.randn(5, 5, generator=make_generator(0), dtype=torch.float64)).Q

    def as_codes(codes: Tensor) -> dict[str, float]:
        posterior = Posterior(codes, torch.full_like(codes, -10.0))
        monkeypatch.setattr(measures, "encode_dataset", lambda *_: posterior)
        return factor_figures(VAE(VAEConfig(latent_dim=5)))

    straight, turned = as_codes(factors), as_codes(factors @ turn)
    assert straight["mig"] == pytest.approx(1, abs=0.05)
    assert {key: straight[key] for key in straight if key != "mig"} == pytest.approx(
        dict.fromkeys(["gap_shape", "gap_size", "gap_angle", "gap_x", "gap_y"], 1), abs=0.06
    )
    assert turned["mig"] < 0.5
