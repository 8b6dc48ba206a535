"""The trained models: their weights are those of their cards, do what the cards say, and can be made again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from vae_course import load_digits, loss_terms, make_generator, to_unit, zoo
from vae_course.files import BrokenFileError, load_tensors, save_tensors, sha256_of_file


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
    card, recipe = zoo.card(name), zoo.RECIPES[name]
    assert card["model"] == json.loads(json.dumps(recipe.model.to_json()))
    assert card["training"] == json.loads(json.dumps(recipe.training.to_json()))
    assert card["seed"] == recipe.seed


@pytest.mark.parametrize("name", zoo.names())
def test_a_model_comes_ready_to_use(name: str) -> None:
    model = zoo.load(name)
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    x_mean = model.decode(torch.zeros(3, model.config.latent_dim))
    assert x_mean.shape == (3, 784)
    assert x_mean.isfinite().all()


def test_the_map_knows_digits_it_was_not_trained_on() -> None:
    """Class means of the embedded digits lie apart: the nearest names most digits. Guessing names 1 in 10."""
    digits = load_digits()
    mu = zoo.load("vae-bernoulli-2d-s0").encode(to_unit(digits.images)).mu
    means = torch.stack([mu[digits.labels == label].mean(dim=0) for label in range(10)])
    nearest = torch.cdist(mu, means).argmin(dim=1)
    assert (nearest == digits.labels).float().mean() > 0.6


def test_held_out_figures_are_those_of_the_card(mnist_root: Path) -> None:
    for name in zoo.names():
        written = zoo.card(name)["held_out"]
        nll, kl = loss_terms(zoo.load(name), load_digits("test", root=mnist_root).images, generator=make_generator(7))
        total = float((nll + kl.sum(dim=1)).mean())
        assert len(nll) == written["images"]
        # other noise than the card's: the difference has its own, smaller error
        assert total == pytest.approx(written["negative_elbo"], abs=written["negative_elbo_standard_error"])


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


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_training_again_gives_the_figures_of_the_card(
    mnist_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same recipe on this machine: rounding differs from the card's machine, the held-out bound hardly does."""
    monkeypatch.setenv("VAE_COURSE_DATA", str(mnist_root))
    name = zoo.names()[0]
    card = zoo.retrain(name, folder=tmp_path, progress=False)
    written = zoo.card(name)["held_out"]
    assert card["held_out"]["negative_elbo"] == pytest.approx(written["negative_elbo"], abs=1.5)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{name}.json", f"{name}.safetensors"]
    monkeypatch.setattr(zoo, "FOLDER", tmp_path)
    assert zoo.load(name).config == zoo.RECIPES[name].model
