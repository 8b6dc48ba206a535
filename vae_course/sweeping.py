"""Makes the stored sweeps: trains and measures what their recipes name, on all cores (level 3)."""

from __future__ import annotations

import csv
import io
import json
import platform
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from vae_course import retraining, sweeps, zoo
from vae_course.checks import check_choice
from vae_course.files import replace_file, sha256_of_file, write_json_text
from vae_course.models import VAE
from vae_course.retraining import Data
from vae_course.zoo import Recipe


def remake(
    chosen: Sequence[str] = (),
    *,
    folder: Path,
    target: Path | None = None,
    data: dict[str, Data] | None = None,
    jobs: int = -1,
    progress: bool = True,
) -> dict[str, dict[str, Any]]:
    """Trains for the sweeps named, or all, writes their tables and cards into `target` and returns the cards.

    folder: where finished rows and checkpoints are kept. A stopped run goes on with what is there, and a row is made
    again only when its recipe changes or it is deleted there. target: None takes the package's own. data: by source;
    all of MNIST and all sprites if none are given. jobs: how many models are trained at a time, one core each; -1 takes
    all cores. Raises ValueError for an unknown name and FileNotFoundError, with what to do, where MNIST is missing.
    """
    chosen, target = tuple(chosen) or sweeps.names(), target or sweeps.FOLDER
    for name in chosen:
        check_choice("name", name, sweeps.names())
    rows = [(name, row) for name in chosen for row in sweeps.SWEEPS[name].recipes]
    waiting = [
        (name, row) for name, row in rows if _finished(sweeps.SWEEPS[name].recipes[row], folder / f"{row}.json") is None
    ]
    sources = {sweeps.SWEEPS[name].recipes[row].source for name, row in rows}
    data = data or {source: retraining.LOADERS[source]() for source in sorted(sources)}
    made = _make_all(waiting, folder, data, jobs)
    done = len(rows) - len(waiting)
    for row, content in tqdm(made, initial=done, total=len(rows), unit="model", disable=not progress):
        replace_file(folder / f"{row}.json", write_json_text(content).encode())
    return {name: _write(name, folder, target, data) for name in chosen}


def make_row(
    name: str, recipe: Recipe, measure: Callable[[VAE, Data], dict[str, float]], data: Data, folder: Path
) -> dict[str, Any]:
    """Trains one model, unless the zoo has it, on one core, and measures it: its recipe and its figures."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        if zoo.RECIPES.get(name) == recipe:
            model, card_ = zoo.load(name), zoo.card(name)
        else:
            made = retraining.train(name, recipe, data, folder)
            card_, path = json.loads(made.card), folder / f"{name}.safetensors"
            replace_file(path, made.weights)
            model = zoo.read_model(card_, path)
            for kind in ("safetensors", "checkpoint"):
                (folder / f"{name}.{kind}").unlink(missing_ok=True)
        held_out = card_["held_out"]
        figures = {"log_likelihood": held_out["importance_log_likelihood"], **held_out, **measure(model, data)}
        choices = {
            "latent_dim": recipe.model.to_json()["latent_dim"],
            "beta": card_.get("found_beta", recipe.training.beta),
            "sigma": round(model.sigma, 4),
            "learned": model.config.learn_sigma,
            "target": recipe.training.target_nll,
            "seed": recipe.seed,
        }
        return {"recipe": recipe.to_json(), "row": choices | figures}
    finally:
        torch.set_num_threads(threads)


def in_common(recipes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What all of some recipes, in JSON, say alike, part by part."""
    first, *others = recipes
    common = {}
    for key, value in first.items():
        if isinstance(value, dict):
            common[key] = in_common([value, *(other[key] for other in others)])
        elif all(other.get(key) == value for other in others):
            common[key] = value
    return common


def _make_all(
    waiting: list[tuple[str, str]], folder: Path, data: dict[str, Data], jobs: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each row's name and content, in the order in which they get done."""
    import joblib

    if not waiting:
        return
    folder.mkdir(parents=True, exist_ok=True)

    def task(sweep: sweeps.Sweep, row: str) -> Any:
        recipe = sweep.recipes[row]
        return joblib.delayed(_named_row)(row, recipe, sweep.measure, data[recipe.source], folder)

    tasks = [task(sweeps.SWEEPS[name], row) for name, row in waiting]
    yield from joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(tasks)


def _named_row(name: str, *rest: Any) -> tuple[str, dict[str, Any]]:
    return name, make_row(name, *rest)


def _finished(recipe: Recipe, path: Path) -> dict[str, Any] | None:
    """The row that waits at `path`, or None if it has still to be made."""
    try:
        content: dict[str, Any] = json.loads(path.read_text())
        row: dict[str, Any] = content["row"]
    except (OSError, ValueError, KeyError):
        return None
    return row if content.get("recipe") == json.loads(json.dumps(recipe.to_json())) else None


def _write(name: str, folder: Path, target: Path, data: dict[str, Data]) -> dict[str, Any]:
    """Writes the table of finished rows and its card."""
    sweep = sweeps.SWEEPS[name]
    rows = [_finished(recipe, folder / f"{row}.json") for row, recipe in sweep.recipes.items()]
    text = io.StringIO()
    writer = csv.DictWriter(text, sweep.columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(row for row in rows if row is not None)
    replace_file(target / f"{name}.csv", text.getvalue().encode())
    recipes = list(sweep.recipes.values())
    used = data[recipes[0].source]
    card_ = {
        "name": name,
        "rows": len(rows),
        "recipe": in_common([recipe.to_json() for recipe in recipes]),
        "data": used.description,
        "held_out_images": len(used.held_out_images),
        "versions": {"python": platform.python_version(), "torch": metadata.version("torch")},
        "sha256": sha256_of_file(target / f"{name}.csv"),
    }
    replace_file(target / f"{name}.json", write_json_text(card_).encode())
    return card_
