"""The sweep over the zoo's recipes: parallel, on a cluster, stopped and gone on with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from vae_course import load_digits, retraining, zoo
from vae_course.configs import ClassifierConfig, TrainConfig, UNetConfig, VAEConfig
from vae_course.retraining import Data, retrain
from vae_course.sprites import make_sprites
from vae_course.zoo import Recipe

TINY = TrainConfig(epochs=2, batch_size=50)
RECIPES = {
    "tiny-ae": Recipe("autoencoder", VAEConfig(hidden_dims=(8,), latent_dim=2), TINY, seed=1),
    "tiny-vae": Recipe("vae", VAEConfig(hidden_dims=(8,), latent_dim=3), TINY, seed=2),
    "tiny-gaussian": Recipe("vae", VAEConfig(hidden_dims=(8,), latent_dim=2, likelihood="gaussian"), TINY, seed=3),
    "tiny-classifier": Recipe("classifier", ClassifierConfig(hidden_dims=(8,)), TINY, seed=4),
}
OTHERS = {
    "tiny-convolutional": Recipe("convolutional", VAEConfig(hidden_dims=(2, 2), latent_dim=2), TINY, seed=5),
    "tiny-unet": Recipe("unet", UNetConfig(hidden_dims=(2, 2), latent_dim=2, skips=False), TINY, seed=6),
    "tiny-leak": Recipe("unet", UNetConfig(hidden_dims=(2, 2), latent_dim=2), TINY, seed=6),
    "tiny-sigma": Recipe(
        "vae", VAEConfig(hidden_dims=(8,), latent_dim=2, likelihood="gaussian", learn_sigma=True), TINY, seed=3
    ),
    "tiny-sprites": Recipe("vae", VAEConfig(hidden_dims=(8,), latent_dim=2), TINY, seed=2, source="sprites"),
    "tiny-target": Recipe("vae", VAEConfig(hidden_dims=(8,), latent_dim=2), replace(TINY, target_nll=150.0), seed=2),
}


@pytest.fixture(scope="module")
def data() -> Data:
    images, labels = (part.numpy() for part in load_digits())
    return Data("some embedded digits", images[::10], labels[::10], images[1::50], labels[1::50])


@pytest.fixture(autouse=True)
def _tiny_zoo(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in reversed(zoo.names()):  # monkeypatch puts them back in the reverse order
        monkeypatch.delitem(zoo.RECIPES, name)
    for name, recipe in RECIPES.items():
        monkeypatch.setitem(zoo.RECIPES, name, recipe)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the models that are trained in this process, as it happens."""
    seen: list[str] = []
    train = retraining.train

    def note(name: str, *rest: object) -> retraining.Made:
        seen.append(name)
        return train(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(retraining, "train", note)
    return seen


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def one_by_one(data: Data, tmp_path: Path) -> dict[str, bytes]:
    retrain(folder=tmp_path / "waiting", target=tmp_path / "one by one", data=data, jobs=1, progress=False)
    return contents(tmp_path / "one by one")


def test_every_model_comes_with_its_card(
    one_by_one: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(one_by_one) == {f"{name}.{kind}" for name in RECIPES for kind in ("json", "safetensors")}
    assert not (tmp_path / "waiting").exists()
    monkeypatch.setattr(zoo, "FOLDER", tmp_path / "one by one")
    for name, recipe in RECIPES.items():
        card = zoo.card(name)
        assert zoo.load(name).config == recipe.model
        assert card["data"] == "some embedded digits"
        assert card["held_out"]["images"] == 100
        assert card["steps"] == 2 * 500 / 50


def test_every_kind_and_every_source_comes_with_its_card(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, recipe in OTHERS.items():
        monkeypatch.setitem(zoo.RECIPES, name, recipe)
    sprites = retraining.load_sprite_data()
    few = Data(sprites.description, *(part[:300] for part in sprites[1:]))
    monkeypatch.setitem(retraining.LOADERS, "sprites", lambda: few)
    cards = retrain(list(OTHERS), folder=tmp_path / "waiting", target=tmp_path, data=data, jobs=1, progress=False)
    monkeypatch.setattr(zoo, "FOLDER", tmp_path)
    for name, recipe in OTHERS.items():
        model, held_out = zoo.load(name), zoo.card(name)["held_out"]
        assert type(model) is zoo.KINDS[recipe.kind][0] and model.config == recipe.model
        assert ("source" in cards[name]) == (recipe.source == "sprites")
        assert held_out["images"] == (300 if recipe.source == "sprites" else 100)
        assert ("elbo" in held_out) == (name != "tiny-leak"), "with skips it would be no bound"
        assert ("found_beta" in cards[name]) == (name == "tiny-target")
        assert held_out.get("sigma", model.sigma) == pytest.approx(model.sigma, abs=1e-4)
    assert cards["tiny-sprites"]["data"] == "sprites: 6,912 of the 7,680, drawn by chance"
    assert 0.8 < cards["tiny-target"]["found_beta"] < 1, "it started at 1, and 20 steps are few"
    assert 0.1 < zoo.load("tiny-sigma").sigma < 0.99, "it started at 1"
    leak = zoo.card("tiny-leak")["held_out"]
    assert leak["elbo_of_empty_context"] < -leak["nll"] - leak["kl"]


def test_sprites_are_split_by_chance_and_none_is_lost() -> None:
    data, every = retraining.load_sprite_data(), make_sprites()
    assert (len(data.images), len(data.held_out_images)) == (6912, 768)
    both = sorted(image.tobytes() for part in (data.images, data.held_out_images) for image in part)
    assert both == sorted(image.tobytes() for image in every.images.numpy())  # no two sprites are alike
    shape_of = {
        image.tobytes(): int(shape) for image, shape in zip(every.images.numpy(), every.factors[:, 0], strict=True)
    }
    assert [shape_of[image.tobytes()] for image in data.images] == data.labels.tolist()
    assert min((data.held_out_labels == shape).mean() for shape in range(3)) > 0.25


def test_two_processes_make_the_same_models(data: Data, one_by_one: dict[str, bytes], tmp_path: Path) -> None:
    retrain(folder=tmp_path / "again", target=tmp_path / "two", data=data, jobs=2, progress=False)
    assert contents(tmp_path / "two") == one_by_one


def test_two_workers_of_a_dask_cluster_share_the_models(
    data: Data, one_by_one: dict[str, bytes], tmp_path: Path
) -> None:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.get_task_stream()  # begins to watch
        retrain(
            folder=tmp_path / "again",
            target=tmp_path / "dask",
            data=data,
            scheduler=cluster.scheduler_address,
            progress=False,
        )
        workers = {task["worker"] for task in client.get_task_stream()}
    assert len(workers) == 2
    assert contents(tmp_path / "dask") == one_by_one


def test_no_scheduler_is_an_error_that_comes_soon(data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retraining, "PATIENCE", "1s")
    with pytest.raises(OSError, match=r"127\.0\.0\.1:9"):
        retrain(folder=tmp_path, target=tmp_path, data=data, scheduler="tcp://127.0.0.1:9", progress=False)


@pytest.fixture
def stopped(data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which two models wait, since the third could not be trained."""
    with monkeypatch.context() as patch:
        config = replace(TINY, lr=1e30, epochs=1)
        patch.setitem(zoo.RECIPES, "tiny-gaussian", replace(RECIPES["tiny-gaussian"], training=config))
        with pytest.raises(FloatingPointError):
            retrain(folder=tmp_path / "waiting", target=tmp_path / "target", data=data, jobs=1, progress=False)
    return tmp_path / "waiting"


def test_a_stopped_run_changes_nothing_and_goes_on(
    stopped: Path, data: Data, tmp_path: Path, trained: list[str]
) -> None:
    assert not (tmp_path / "target").exists()
    cards = retrain(folder=stopped, target=tmp_path / "target", data=data, jobs=1, progress=False)
    assert trained == ["tiny-gaussian", "tiny-classifier"]
    assert list(cards) == list(RECIPES)
    assert len(contents(tmp_path / "target")) == 2 * len(RECIPES)


def test_a_waiting_model_of_another_recipe_is_trained_again(
    stopped: Path, data: Data, tmp_path: Path, trained: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(zoo.RECIPES, "tiny-ae", replace(RECIPES["tiny-ae"], seed=9))
    retrain(["tiny-ae", "tiny-vae"], folder=stopped, target=tmp_path / "target", data=data, jobs=1, progress=False)
    assert trained == ["tiny-ae"]
    assert json.loads((tmp_path / "target" / "tiny-ae.json").read_text())["seed"] == 9


@pytest.mark.parametrize("kind", ["safetensors", "json"])
def test_a_waiting_model_that_is_damaged_is_trained_again(
    kind: str, stopped: Path, data: Data, tmp_path: Path, trained: list[str]
) -> None:
    path = stopped / f"tiny-vae.{kind}"
    path.write_bytes(path.read_bytes()[:-20])
    retrain(["tiny-ae", "tiny-vae"], folder=stopped, target=tmp_path / "target", data=data, jobs=1, progress=False)
    assert trained == ["tiny-vae"]


def test_an_unknown_name_trains_nothing(data: Data, tmp_path: Path, trained: list[str]) -> None:
    with pytest.raises(ValueError, match="tiny-vae"):
        retrain(["tiny-ae", "huge"], folder=tmp_path / "waiting", target=tmp_path, data=data, progress=False)
    assert not trained


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_training_again_gives_the_figures_of_the_card(
    mnist_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same recipe on this machine: rounding differs from the card's machine, the held-out bound hardly does."""
    monkeypatch.undo()
    monkeypatch.setenv("VAE_COURSE_DATA", str(mnist_root))
    name = "vae-bernoulli-2d-s0"
    card = retrain([name], folder=tmp_path / "waiting", target=tmp_path / "zoo", jobs=1, progress=False)[name]
    written = zoo.card(name)
    assert card["held_out"]["elbo"] == pytest.approx(written["held_out"]["elbo"], abs=1.5)
    changed = {"held_out", "sha256", "versions"}
    assert {key: card[key] for key in card.keys() - changed} == {key: written[key] for key in written.keys() - changed}


def test_a_training_whose_starter_was_killed_stops_and_keeps_its_checkpoint(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retraining.os, "getppid", iter([1, 1, 1, 2, 2]).__next__)
    with pytest.raises(InterruptedError, match="tiny-vae"):
        retraining.train("tiny-vae", RECIPES["tiny-vae"], data, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny-vae.checkpoint"]
