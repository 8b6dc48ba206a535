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
    card, recipe = zoo.card(name), json.loads(json.dumps(zoo.RECIPES[name].to_json()))
    assert {key: card[key] for key in recipe} == recipe


@pytest.mark.parametrize("name", zoo.names())
def test_a_model_comes_ready_to_use(name: str) -> None:
    model = zoo.load(name)
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    x = to_unit(load_digits().images[::500])
    outputs = {
        "autoencoder": lambda: model.decode(model.encode_point(x)),
        "vae": lambda: model.decode(model.encode(x).mu),
        "classifier": lambda: model.probabilities(x),
    }
    y = outputs[zoo.RECIPES[name].kind]()
    assert len(y) == 10
    assert ((y >= 0) & (y <= 1)).all()


def test_the_zoo_has_what_the_course_promises() -> None:
    for kind in ("ae", "vae-bernoulli", "vae-gaussian"):
        for latent_dim in (2, 3, 8, 10, 20):
            assert zoo.RECIPES[f"{kind}-{latent_dim}d-s0"].model.latent_dim == latent_dim
        for latent_dim in (2, 20):
            assert {f"{kind}-{latent_dim}d-s{seed}" for seed in range(3)} <= set(zoo.names())
    assert zoo.names(kind="classifier") == ("classifier-s0",)
    assert sum(path.stat().st_size for path in zoo.FOLDER.iterdir()) < 25e6


def test_the_classifier_reads_digits_it_was_not_trained_on() -> None:
    digits = load_digits()
    read = zoo.load("classifier-s0").probabilities(to_unit(digits.images)).argmax(dim=1)
    assert (read == digits.labels).float().mean() > 0.97


def test_the_map_knows_digits_it_was_not_trained_on() -> None:
    """Class means of the embedded digits lie apart: the nearest names most digits. Guessing names 1 in 10."""
    digits = load_digits()
    mu = zoo.load("vae-bernoulli-2d-s0").encode(to_unit(digits.images)).mu
    means = torch.stack([mu[digits.labels == label].mean(dim=0) for label in range(10)])
    nearest = torch.cdist(mu, means).argmin(dim=1)
    assert (nearest == digits.labels).float().mean() > 0.6


@pytest.mark.slow
@pytest.mark.parametrize("name", zoo.names())
def test_held_out_figures_are_those_of_the_card(name: str, mnist_root: Path) -> None:
    written, model, digits = zoo.card(name)["held_out"], zoo.load(name), load_digits("test", root=mnist_root)
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
