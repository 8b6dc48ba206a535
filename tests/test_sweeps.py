"""Stored sweeps: they are those of their cards and of the zoo, say what theory says, and can be made again."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from vae_course import cli, load_digits, retraining, sweeping, sweeps, zoo
from vae_course.configs import TrainConfig, VAEConfig
from vae_course.files import BrokenFileError
from vae_course.retraining import Data
from vae_course.sweeps import Sweep
from vae_course.zoo import Recipe

TINY = TrainConfig(epochs=2, batch_size=50, lr=1e-2)


def tiny(
    seed: int, *, source: str = "mnist", latent_dim: int = 2, target: float | None = None, **options: Any
) -> Recipe:
    model = VAEConfig(hidden_dims=(8,), latent_dim=latent_dim, **options)
    return Recipe("vae", model, replace(TINY, seed=seed, target_nll=target), seed, source)


RECIPES = {
    "betas": {f"tiny-s{seed}": tiny(seed) for seed in range(2)},
    "sigmas": {"tiny-sigma": tiny(0, likelihood="gaussian", learn_sigma=True)},
    "constraints": {"tiny-target": tiny(0, target=150.0)},
    "sprites": {"tiny-sprites": tiny(0, source="sprites")},
}


@pytest.fixture(scope="module")
def data() -> dict[str, Data]:
    images, labels = (part.numpy() for part in load_digits())
    sprites = retraining.load_sprite_data()
    return {
        "mnist": Data("some embedded digits", images[::10], labels[::10], images[1::50], labels[1::50]),
        "sprites": Data("some sprites", *(part[:300] for part in sprites[1:])),
    }


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vae_course.measures._DRAWS", 50)
    monkeypatch.setattr("vae_course.measures.N_SAMPLES", 100)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The same sweeps with one or two small models each, and an empty folder for them."""
    for name, recipes in RECIPES.items():
        monkeypatch.setitem(sweeps.SWEEPS, name, replace(sweeps.SWEEPS[name], recipes=recipes))
    monkeypatch.setattr(sweeps, "FOLDER", tmp_path / "sweeps")
    return tmp_path / "waiting"


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the rows that are made in this process, as it happens."""
    seen: list[str] = []
    make_row = sweeping.make_row

    def note(name: str, *rest: Any) -> dict[str, Any]:
        seen.append(name)
        return make_row(name, *rest)

    monkeypatch.setattr(sweeping, "make_row", note)
    return seen


# --- how they are made ---


def test_every_sweep_comes_with_its_columns_and_its_card(small: Path, data: dict[str, Data]) -> None:
    cards = sweeping.remake(folder=small, data=data, jobs=1, progress=False)
    assert tuple(cards) == sweeps.names()
    for name, recipes in RECIPES.items():
        table, card = sweeps.load(name), sweeps.card(name)
        assert tuple(table.columns) == sweeps.SWEEPS[name].columns
        assert len(table) == card["rows"] == len(recipes) and not table.isna().to_numpy().any()
        assert card["recipe"]["training"]["epochs"] == 2
        assert card["held_out_images"] == (300 if name == "sprites" else 100)
    betas = sweeps.load("betas")
    assert betas["seed"].tolist() == [0, 1] and "seed" not in sweeps.card("betas")["recipe"]
    assert betas["latent_dim"].tolist() == [2, 2] and betas["elbo"][0] != betas["elbo"][1]
    learned = sweeps.load("sigmas")
    assert learned["learned"].tolist() == [True] and 0.1 < learned["sigma"][0] < 0.99, "it started at 1"
    found = sweeps.load("constraints")
    assert found["target"][0] == 150 and found["beta"][0] != 1
    assert {path.suffix for path in small.iterdir()} == {".json"}, "no weights and no checkpoints are left"


def test_a_row_says_what_training_and_measures_gave(small: Path, data: dict[str, Data], tmp_path: Path) -> None:
    """The same model trained apart: the figures of its card, and the error of its own images by hand."""
    row = sweeping.make_row("x", tiny(3), sweeps.measure_errors, data["mnist"], tmp_path)["row"]
    card = json.loads(retraining.train("x", tiny(3), data["mnist"], tmp_path / "apart").card)
    assert {key: row[key] for key in card["held_out"]} == card["held_out"]
    assert row["log_likelihood"] == card["held_out"]["importance_log_likelihood"]


def test_two_processes_make_the_same_table(small: Path, data: dict[str, Data], tmp_path: Path) -> None:
    for jobs, target in ((1, tmp_path / "one"), (2, tmp_path / "two")):
        sweeping.remake(["constraints"], folder=small / str(jobs), target=target, data=data, jobs=jobs, progress=False)
    assert (tmp_path / "one" / "constraints.csv").read_bytes() == (tmp_path / "two" / "constraints.csv").read_bytes()


def test_a_stopped_run_goes_on_and_a_changed_recipe_is_made_again(
    small: Path, data: dict[str, Data], trained: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = sweeps.SWEEPS["betas"]
    bad = replace(tiny(1), training=replace(TINY, lr=1e30))
    with monkeypatch.context() as patch:
        patch.setitem(sweeps.SWEEPS, "betas", replace(sweep, recipes={"tiny-s0": tiny(0), "tiny-s1": bad}))
        with pytest.raises(FloatingPointError):
            sweeping.remake(["betas"], folder=small, data=data, jobs=1, progress=False)
    assert not (sweeps.FOLDER / "betas.csv").exists()
    del trained[:]
    sweeping.remake(["betas"], folder=small, data=data, jobs=1, progress=False)
    assert trained == ["tiny-s1"]
    (small / "tiny-s0.json").write_text("{")  # cut short
    sweeping.remake(["betas"], folder=small, data=data, jobs=1, progress=False)
    assert trained == ["tiny-s1", "tiny-s0"]
    monkeypatch.setitem(sweeps.SWEEPS, "betas", replace(sweep, recipes={"tiny-s0": tiny(7), "tiny-s1": tiny(1)}))
    sweeping.remake(["betas"], folder=small, data=data, jobs=1, progress=False)
    assert trained == ["tiny-s1", "tiny-s0", "tiny-s0"] and sweeps.load("betas")["seed"].tolist() == [7, 1]


def test_a_model_of_the_zoo_is_not_trained_again(
    small: Path, data: dict[str, Data], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "vae-beta16-2d-s0"
    recipes = {name: zoo.RECIPES[name]}
    monkeypatch.setitem(sweeps.SWEEPS, "constraints", replace(sweeps.SWEEPS["constraints"], recipes=recipes))
    monkeypatch.setattr(retraining, "train", None)
    sweeping.remake(["constraints"], folder=small, data=data, jobs=1, progress=False)
    assert sweeps.load("constraints")["nll"][0] == zoo.card(name)["held_out"]["nll"]


def test_what_recipes_have_in_common() -> None:
    both = [{"a": 1, "b": {"c": 2, "d": 3}}, {"a": 4, "b": {"c": 2, "d": 5}, "e": 6}]
    assert sweeping.in_common(both) == {"b": {"c": 2}}
    assert sweeping.in_common(both[:1]) == both[0]


def test_an_unknown_name_lists_the_known_ones() -> None:
    for call in (sweeps.load, sweeps.card, lambda name: sweeping.remake([name], folder=Path())):
        with pytest.raises(ValueError, match="'betas', 'sigmas', 'constraints', 'sprites'"):
            call("gammas")


def test_a_changed_table_is_noticed(small: Path, data: dict[str, Data]) -> None:
    sweeping.remake(["constraints"], folder=small, data=data, jobs=1, progress=False)
    path = sweeps.FOLDER / "constraints.csv"
    path.write_text(path.read_text().replace("150.0", "140.0"))
    with pytest.raises(BrokenFileError, match="not the file of its card"):
        sweeps.load("constraints")


def test_the_command_names_the_known_sweeps(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["sweeps", "gammas"]) == 2
    assert "no sweep is called gammas; there are betas, sigmas" in capsys.readouterr().err


def test_the_command_says_what_it_made(
    small: Path,
    data: dict[str, Data],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("vae_course.commands.upkeep.clone_root", lambda: tmp_path)
    monkeypatch.setitem(retraining.LOADERS, "mnist", lambda: data["mnist"])
    assert cli.main(["sweeps", "constraints", "--quiet", "--jobs", "1"]) == 0
    assert "constraints  1 trainings, 100 held-out images" in capsys.readouterr().out
    assert (tmp_path / "build" / "sweeps" / "tiny-target.json").exists()


# --- what is stored ---


def rows(name: str, sweep: Sweep) -> pd.DataFrame:
    """The stored table, each row under its recipe's name."""
    return sweeps.load(name).set_index(pd.Index(list(sweep.recipes)))


STORED = list(sweeps.SWEEPS.items())


def test_every_file_belongs_to_a_sweep() -> None:
    files = {path.name for path in sweeps.FOLDER.iterdir() if not path.name.startswith(".")}
    assert files == {f"{name}.{kind}" for name in sweeps.names() for kind in ("csv", "json")}


@pytest.mark.parametrize(("name", "sweep"), STORED, ids=sweeps.SWEEPS)
def test_every_recipe_has_its_row_and_the_card_says_what_they_share(name: str, sweep: Sweep) -> None:
    table, card = sweeps.load(name), sweeps.card(name)
    assert tuple(table.columns) == sweep.columns
    assert card["rows"] == len(table) == len(sweep.recipes)
    recipes = [json.loads(json.dumps(recipe.to_json())) for recipe in sweep.recipes.values()]
    assert card["recipe"] == sweeping.in_common(recipes)
    for (_, row), recipe in zip(table.iterrows(), sweep.recipes.values(), strict=True):
        assert row["seed"] == recipe.seed
        if name in ("betas", "sprites"):
            assert row["beta"] == recipe.training.beta
        if name == "constraints":
            assert row["target"] == recipe.training.target_nll
        if name == "sigmas" and not row["learned"]:
            assert isinstance(recipe.model, VAEConfig) and row["sigma"] == recipe.model.sigma
    assert not table.isna().to_numpy().any()
    assert (table["elbo"] + table["nll"] + table["kl"]).abs().max() < 0.02, "but for the rounding"
    if "log_likelihood" in table:
        assert (table["log_likelihood"] >= table["elbo"]).all()


@pytest.mark.parametrize(("name", "sweep"), STORED, ids=sweeps.SWEEPS)
def test_rows_of_the_zoo_s_models_are_those_of_their_cards(name: str, sweep: Sweep) -> None:
    table = rows(name, sweep)
    shared = [row for row in sweep.recipes if row in zoo.names()]
    assert len(shared) >= {"betas": 18, "sigmas": 1, "constraints": 0, "sprites": 3}[name]
    for row in shared:
        assert sweep.recipes[row] == zoo.RECIPES[row]
        held_out = zoo.card(row)["held_out"]
        for key in ("nll", "kl", "elbo"):
            assert table.loc[row, key] == held_out[key], row


@pytest.mark.parametrize("latent_dim", [2, 10])
def test_a_larger_beta_means_a_smaller_kl_and_a_larger_error(latent_dim: int) -> None:
    """For each seed: along the rate-distortion curve (Alemi et al. 2018)."""
    table = sweeps.load("betas").query("latent_dim == @latent_dim")
    for _, run in table.sort_values("beta").groupby("seed"):
        assert run["kl"].is_monotonic_decreasing
        assert run["nll"].iloc[-1] > run["nll"].iloc[0] + 30
    means = table.groupby("beta").mean()
    assert means["active_units"].iloc[-1] <= means["active_units"].iloc[0] == latent_dim
    assert means["elbo"].idxmax() in (0.5, 1, 2), "the bound itself is what beta = 1 maximises"
    assert table["entropy"].max() <= math.log(10)


def test_the_learned_sigma_is_the_root_of_its_squared_error_and_near_the_best_of_the_grid() -> None:
    """Rybkin, Daniilidis & Levine (2021)."""
    table = sweeps.load("sigmas")
    learned, fixed = table[table["learned"]], table[~table["learned"]]
    assert ((learned["sigma"] / learned["squared_error"] ** 0.5 - 1).abs() < 0.03).all()
    by_sigma = fixed.groupby("sigma")[["elbo", "kl", "squared_error"]].mean()
    best, next_best = by_sigma["elbo"].nlargest(2)
    assert best - 15 < learned["elbo"].min() and next_best < learned["elbo"].min()
    assert (learned["sigma"] - by_sigma["elbo"].idxmax()).abs().max() < 0.02
    assert by_sigma["kl"].is_monotonic_decreasing and by_sigma["squared_error"].is_monotonic_increasing


def test_constraints_are_met_on_images_that_were_not_trained_on() -> None:
    table = sweeps.load("constraints")
    assert (table["nll"] - table["target"]).abs().max() < 2
    betas = table.groupby("target")["beta"]
    assert (betas.max().iloc[:-1].to_numpy() < betas.min().iloc[1:].to_numpy()).all()


def test_a_larger_beta_leaves_the_sprites_fewer_latents() -> None:
    table = sweeps.load("sprites")
    means = table.groupby("beta").mean()
    assert means["kl"].is_monotonic_decreasing
    assert means["active_units"].iloc[-1] < means["active_units"].iloc[0]
    gaps = [column for column in table if column.startswith("gap_")]
    assert (table["mig"] - table[gaps].mean(axis=1)).abs().max() < 2e-4, "but for the rounding"
    assert table[gaps].to_numpy().min() >= 0 and table[gaps].to_numpy().max() <= 1
