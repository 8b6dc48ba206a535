"""The trained models: their weights are those of their cards, do what the cards say, and can be made again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor

from vae_course import latent, load_digits, loss_terms, make_generator, reparameterize, runs, sweeps, to_unit, zoo
from vae_course.files import BrokenFileError, load_tensors, save_tensors, sha256_of_file
from vae_course.retraining import load_sprite_data


@pytest.fixture
def copied_zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "zoo"
    shutil.copytree(zoo.FOLDER, folder)
    monkeypatch.setattr(zoo, "FOLDER", folder)
    return folder


def test_every_file_of_the_zoo_belongs_to_a_recipe() -> None:
    files = {path.name for path in zoo.FOLDER.iterdir() if not path.name.startswith(".")}
    assert files == {f"{name}.{kind}" for name in zoo.names() for kind in ("json", "safetensors")}


@pytest.mark.parametrize("name", zoo.names())
def test_card_and_recipe_agree(name: str) -> None:
    card, recipe = zoo.card(name), json.loads(json.dumps(zoo.RECIPES[name].to_json()))
    assert {key: card[key] for key in recipe} == recipe


@pytest.mark.parametrize("name", zoo.names())
def test_a_model_comes_ready_to_use(name: str) -> None:
    model = zoo.load(name)
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    x = to_unit(load_digits().images[::500])
    classifies = zoo.RECIPES[name].kind == "classifier"
    y = model.probabilities(x) if classifies else model.decode(model.encode_point(x))
    assert len(y) == 10
    assert ((y >= 0) & (y <= 1)).all()


def test_the_zoo_has_what_the_course_promises() -> None:
    for kind in ("ae", "vae-bernoulli", "vae-gaussian"):
        for latent_dim in (2, 3, 8, 10, 20):
            assert zoo.RECIPES[f"{kind}-{latent_dim}d-s0"].model.latent_dim == latent_dim
        for latent_dim in (2, 20):
            assert {f"{kind}-{latent_dim}d-s{seed}" for seed in range(3)} <= set(zoo.names())
    assert min(zoo.BETAS) == 0 and max(zoo.BETAS) == 16 and len(zoo.BETAS) >= 9
    for latent_dim in (2, 10):
        for beta in zoo.BETAS:
            recipe = zoo.RECIPES[f"vae-beta{beta}-{latent_dim}d-s0"]
            assert (recipe.training.beta, recipe.model.latent_dim) == (beta, latent_dim)
    assert zoo.names(kind="classifier") == ("classifier-s0", *(f"classifier-2d-s{seed}" for seed in range(3)))
    for latent_dim in (2, 10):
        assert zoo.RECIPES[f"vae-sigma-{latent_dim}d-s0"].model.learn_sigma
    for beta in zoo.SPRITE_BETAS:
        recipe = zoo.RECIPES[f"sprites-beta{beta}-s0"]
        assert (recipe.training.beta, recipe.source) == (beta, "sprites")


def test_all_that_is_stored_weighs_less_than_25_mb() -> None:
    files = [path for folder in (zoo.FOLDER, runs.FOLDER, sweeps.FOLDER) for path in folder.iterdir()]
    assert sum(path.stat().st_size for path in files) < 25e6


def test_the_classifier_reads_digits_it_was_not_trained_on() -> None:
    digits = load_digits()
    read = zoo.load("classifier-s0").probabilities(to_unit(digits.images)).argmax(dim=1)
    assert (read == digits.labels).float().mean() > 0.97


@pytest.mark.parametrize("latent_dim", [2, 10])
def test_a_larger_beta_buys_a_smaller_kl_with_a_larger_error(latent_dim: int) -> None:
    """Along the rate-distortion curve (Alemi et al. 2018): on the cards' held-out digits, beta by beta."""
    figures = [zoo.card(f"vae-beta{beta}-{latent_dim}d-s0")["held_out"] for beta in zoo.BETAS]
    rates, distortions = [f["kl"] for f in figures], [f["nll"] for f in figures]
    assert rates == sorted(rates, reverse=True)
    assert all(high > low for low, high in zip(distortions[1:], distortions[3:], strict=False))  # next ones may tie
    assert distortions[-1] > distortions[0] + 30


@pytest.mark.parametrize("latent_dim", [2, 10])
def test_a_learned_sigma_is_the_root_of_the_mean_squared_error(latent_dim: int) -> None:
    """Rybkin, Daniilidis & Levine (2021): with z drawn from the posterior. Digits not trained on err a little more."""
    name = f"vae-sigma-{latent_dim}d-s0"
    model, x = zoo.load(name), to_unit(load_digits().images)
    mu, logvar = model.encode(x)
    z = reparameterize(mu, logvar, torch.randn(mu.shape, generator=make_generator(0)))
    error = float(((x - model.decode(z)) ** 2).mean().sqrt())
    assert model.sigma == pytest.approx(error, rel=0.03)
    assert zoo.card(name)["held_out"]["sigma"] == pytest.approx(model.sigma, abs=1e-4)


def test_a_larger_beta_leaves_less_of_the_sprites_in_the_latents() -> None:
    figures = [zoo.card(f"sprites-beta{beta}-s0")["held_out"] for beta in zoo.SPRITE_BETAS]
    assert [f["kl"] for f in figures] == sorted((f["kl"] for f in figures), reverse=True)
    assert [f["nll"] for f in figures] == sorted(f["nll"] for f in figures)


@pytest.mark.parametrize("seed", range(3))
def test_two_numbers_are_enough_for_a_classifier(seed: int) -> None:
    digits, model = load_digits(), zoo.load(f"classifier-2d-s{seed}")
    x = to_unit(digits.images)
    assert model.features(x).shape == (5000, 2)
    assert (model.probabilities(x).argmax(dim=1) == digits.labels).float().mean() > 0.9


@pytest.mark.parametrize(("name", "share"), [("unet-skips-20d-s0", 0), ("unet-20d-s0", 1), ("cnn-20d-s0", 1)])
def test_the_swap_test_finds_the_leak(name: str, share: float) -> None:
    """z of another digit, the context being kept: with skips nothing changes, without them the whole image does."""
    model, x = zoo.load(name), to_unit(load_digits().images[::25])

    def decode(z: Tensor, context: Tensor) -> Tensor:
        image: Tensor = model.decode(z, context) if name.startswith("unet") else model.decode(z)
        return image

    found = latent.swap_test(decode, model.encode_point(x), x, generator=make_generator(0))
    assert (found.z, found.context) == pytest.approx((share, 1 - share), abs=0.01)
    assert found.change > 0.05, "no collapsed decoder, which draws one image for all"


def test_the_card_of_the_leaking_model_states_no_bound() -> None:
    leaking, sound = (zoo.card(f"unet-{kind}20d-s0")["held_out"] for kind in ("skips-", ""))
    assert "elbo" not in leaking and leaking["kl"] < 0.5 < sound["kl"]
    assert leaking["nll"] + leaking["kl"] < -sound["elbo"], "what would be its bound looks better"
    assert leaking["elbo_of_empty_context"] < 2 * sound["elbo"], "and is worth nothing without the image"


def test_convolutions_gain_on_the_fully_connected_with_a_third_of_the_weights() -> None:
    convolutional, connected = zoo.load("cnn-20d-s0"), zoo.load("vae-bernoulli-20d-s0")
    sizes = [sum(weights.numel() for weights in model.parameters()) for model in (convolutional, connected)]
    assert sizes[0] < 0.4 * sizes[1]
    bounds = [zoo.card(f"vae-bernoulli-20d-s{seed}")["held_out"]["elbo"] for seed in range(3)]
    assert zoo.card("cnn-20d-s0")["held_out"]["elbo"] > max(bounds)


def test_the_map_knows_digits_it_was_not_trained_on() -> None:
    """Class means of the embedded digits lie apart: the nearest names most digits. Guessing names 1 in 10."""
    digits = load_digits()
    mu = zoo.load("vae-bernoulli-2d-s0").encode(to_unit(digits.images)).mu
    means = torch.stack([mu[digits.labels == label].mean(dim=0) for label in range(10)])
    nearest = torch.cdist(mu, means).argmin(dim=1)
    assert (nearest == digits.labels).float().mean() > 0.6


@pytest.mark.parametrize("name", zoo.names())
def test_held_out_figures_are_those_of_the_card(name: str, mnist_root: Path) -> None:
    written, model = zoo.card(name)["held_out"], zoo.load(name)
    of_sprites = zoo.RECIPES[name].source == "sprites"
    digits = load_sprite_data().held_out if of_sprites else load_digits("test", root=mnist_root)
    assert written["images"] == len(digits.images)
    if zoo.RECIPES[name].kind == "classifier":
        read = model.probabilities(to_unit(digits.images)).argmax(dim=1)
        assert float((read == digits.labels).float().mean()) == pytest.approx(written["accuracy"], abs=3e-4)
        return
    nll, kl = loss_terms(model, digits.images, generator=make_generator(7))
    key, values = ("elbo", -nll - kl.sum(dim=1)) if "elbo" in written else ("nll", nll)
    # other noise than the card's: the difference has its own, smaller error
    assert float(values.mean()) == pytest.approx(written[key], abs=written[f"{key}_standard_error"])
    assert kl.sum(dim=1).mean() == pytest.approx(written.get("kl", 0.0), abs=0.01)
    if "elbo" in written:  # the bound of one draw lies below that of many
        assert written["importance_samples"] == 100
        assert written["importance_log_likelihood"] > written["elbo"]


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="vae-bernoulli-2d-s0"):
        zoo.load("vae-42d")


def test_swapped_or_damaged_weights_are_noticed(copied_zoo: Path) -> None:
    name = zoo.names()[0]
    path = copied_zoo / f"{name}.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(BrokenFileError, match="checksum"):
        zoo.load(name)


def test_weights_of_another_shape_are_refused(copied_zoo: Path) -> None:
    name = zoo.names()[0]
    path = copied_zoo / f"{name}.safetensors"
    weights, _ = load_tensors(path)
    weights["mu_head.bias"] = torch.zeros(7, dtype=torch.float16)
    save_tensors(path, weights, {"name": name})
    card = zoo.card(name)
    (copied_zoo / f"{name}.json").write_text(json.dumps(card | {"sha256": sha256_of_file(path)}))
    with pytest.raises(BrokenFileError, match="does not fit"):
        zoo.load(name)
