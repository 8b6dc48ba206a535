"""Stored training runs: they are those of their cards, begin before the first step, and can be made again."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from vae_course import cli, load_digits, runs, to_unit
from vae_course.checks import make_generator
from vae_course.configs import TrainConfig, VAEConfig
from vae_course.files import BrokenFileError, load_tensors, save_tensors
from vae_course.models import VAE
from vae_course.retraining import Data
from vae_course.training import fit

TINY = runs.Recipe(VAEConfig(hidden_dims=(8,), latent_dim=3), TrainConfig(epochs=2, batch_size=50, lr=1e-2), seed=4)


@pytest.fixture(scope="module")
def data() -> Data:
    images, labels = (part.numpy() for part in load_digits())
    return Data("some embedded digits", images[::10], labels[::10], images[1::50], labels[1::50])


@pytest.fixture
def tiny(data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one small run in it, which is all that the package knows."""
    monkeypatch.setattr(runs, "RECIPES", {"tiny": TINY})
    monkeypatch.setattr(runs, "FOLDER", tmp_path)
    runs.remake(data=data, progress=False)
    return tmp_path


def test_a_run_is_what_fit_gives(tiny: Path, data: Data) -> None:
    """Trained again here: the stored numbers are the history and the snapshots, but for the rounding to float16."""
    run, digits = runs.load("tiny"), load_digits()
    history = fit(
        VAE(TINY.model, generator=make_generator(4)),
        data.training.images,
        config=TINY.training,
        validation=data.held_out.images,
        probe=digits.images[run.rows],
        snapshot_steps=run.steps.tolist(),
        progress=False,
    )
    assert torch.equal(run.history.nll, history.nll)
    torch.testing.assert_close(run.history.kl_per_latent, history.kl_per_latent, rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(run.history.kl, run.history.kl_per_latent.sum(dim=1))
    assert run.history.steps_per_epoch == 10
    for found, expected in zip(run.history.validation, history.validation, strict=True):
        assert found == pytest.approx(expected, abs=1e-3)
    for index, snapshot in enumerate(history.snapshots):
        torch.testing.assert_close(run.mu[index], snapshot.mu, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(run.logvar[index], snapshot.logvar, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(to_unit(run.x_mean[index]), snapshot.x_mean[run.decoded], rtol=0, atol=0.51 / 255)
    assert torch.equal(run.labels, digits.labels[run.rows])
    assert torch.bincount(run.labels).tolist() == [25] * 10
    assert run.labels[run.decoded].tolist() == list(range(10))


def test_the_card_says_how_it_was_made(tiny: Path) -> None:
    card = runs.card("tiny")
    assert {key: card[key] for key in TINY.to_json()} == json.loads(json.dumps(TINY.to_json()))
    assert card["data"] == "some embedded digits"
    assert card["steps"] == 20 == len(runs.load("tiny").history.nll)
    assert card["held_out"]["images"] == 100
    assert card["held_out"]["nll"] == pytest.approx(runs.load("tiny").history.validation[-1].nll, abs=0.01)


def test_made_again_it_is_the_same_file(tiny: Path, data: Data, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in tiny.iterdir()}
    runs.remake(["tiny"], tmp_path / "again", data=data, progress=False)
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()} == before


def test_the_file_of_another_run_is_noticed(tiny: Path) -> None:
    path = tiny / "tiny.safetensors"
    tensors, meta = load_tensors(path)
    save_tensors(path, tensors | {"mu": tensors["mu"] + 1}, meta)  # whole, but not what the card speaks of
    with pytest.raises(BrokenFileError, match="not the file of its card"):
        runs.load("tiny")


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'vae-2d', 'vae-8d'"):
        runs.load("vae-9d")
    with pytest.raises(ValueError, match="'vae-2d', 'vae-8d'"):
        runs.remake(["vae-9d"])


@pytest.mark.parametrize(("n_steps", "n"), [(8600, 50), (1000, 30), (12, 50), (10, 50), (3, 20)])
def test_snapshots_are_dense_at_first_and_hold_both_ends(n_steps: int, n: int) -> None:
    steps = runs.spaced_steps(n_steps, n)
    gaps = [after - before for before, after in pairwise(steps)]
    assert steps[0] == 0 and steps[-1] == n_steps and len(steps) <= n + 1
    assert steps[: min(10, n_steps)] == list(range(min(10, n_steps)))
    assert all(gap > 0 for gap in gaps)
    assert gaps[-1] == max(gaps)
    assert len(steps) == min(n, n_steps + 1) or n_steps < 100


@pytest.mark.parametrize("name", runs.names())
def test_the_stored_runs_are_whole_and_have_learned(name: str) -> None:
    run, card, recipe = runs.load(name), runs.card(name), runs.RECIPES[name]
    assert {key: card[key] for key in recipe.to_json()} == json.loads(json.dumps(recipe.to_json()))
    assert run.steps[0] == 0 and run.steps[-1] == card["steps"] == len(run.history.nll)
    assert torch.isfinite(run.mu).all() and torch.isfinite(run.logvar).all()
    first, *_, last = run.history.validation
    assert first.step == 0 and last.nll + last.kl < 0.5 * (first.nll + first.kl)
    # The history's KL of a step and the snapshot's, of other digits, are of one size, whatever the phase.
    kl = 0.5 * (run.mu**2 + run.logvar.exp() - 1 - run.logvar).sum(dim=2).mean(dim=1)
    for step, value in zip(run.steps[:-1].tolist(), kl[:-1].tolist(), strict=True):
        assert value == pytest.approx(float(run.history.kl[step]), rel=0.25)


def test_every_file_belongs_to_a_recipe() -> None:
    files = {path.name for path in runs.FOLDER.iterdir() if not path.name.startswith(".")}
    assert files == {f"{name}.{kind}" for name in runs.names() for kind in ("json", "safetensors")}


def test_the_command_names_the_known_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["runs", "vae-9d"]) == 2
    assert "no run is called vae-9d; there are vae-2d, vae-8d" in capsys.readouterr().err


def test_the_command_says_what_it_made(
    tiny: Path, data: Data, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runs, "load_data", lambda: data)
    assert cli.main(["runs", "--quiet"]) == 0
    assert "tiny  20 steps, held-out nll" in capsys.readouterr().out
