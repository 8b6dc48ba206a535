"""Stored training runs (level 3): what a model made of the same digits from before its first step to its last.

How each run was made stands in RECIPES. The model is trained on MNIST without the embedded digits, of which 25 of each
class are encoded, and one of each class is decoded, before the steps so numbered: each of the first ten, then ever
more rarely.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from vae_course.checks import check_choice, make_generator
from vae_course.configs import TrainConfig, VAEConfig
from vae_course.data import load_digits
from vae_course.files import (
    load_card,
    read_checked,
    replace_file,
    save_tensors,
    sha256_of_file,
    tensors_from_bytes,
    write_json_text,
)
from vae_course.models import VAE
from vae_course.retraining import Data, load_data
from vae_course.training import fit
from vae_course.types import Evaluation, History

FOLDER = Path(__file__).parent / "runs"
N_ENCODED = 250  # embedded digits, as many of each class
N_DECODED = 10  # of these, one of each class
N_SNAPSHOTS = 50


class TrainingRun(NamedTuple):
    """A stored run. s snapshots, n encoded digits, m decoded ones.

    history: every step's loss terms, and the held-out ones of every epoch; it has no snapshots of its own.
    steps: (s,) int64, the step before which each snapshot was taken; the last is the trained model's.
    mu, logvar: (s, n, latent_dim), rounded to float16. labels: (n,) int64. rows: (n,) int64, rows of load_digits().
    x_mean: (s, m, 784) uint8, decoded from mu. decoded: (m,) int64, which of the n digits those are.
    """

    name: str
    history: History
    steps: Tensor
    mu: Tensor
    logvar: Tensor
    labels: Tensor
    rows: Tensor
    x_mean: Tensor
    decoded: Tensor


@dataclass(frozen=True)
class Recipe:
    """How a run is made: seed draws the initial weights."""

    model: VAEConfig
    training: TrainConfig
    seed: int

    def to_json(self) -> dict[str, Any]:
        """The recipe as the card states it."""
        return {"model": self.model.to_json(), "training": self.training.to_json(), "seed": self.seed}


# A constant learning rate and PyTorch's own start: no schedule and no mean image hide the phases of the KL.
RECIPES: dict[str, Recipe] = {
    f"vae-{latent_dim}d": Recipe(VAEConfig(hidden_dims=(200,), latent_dim=latent_dim), TrainConfig(epochs=20), 0)
    for latent_dim in (2, 8)
}


def names() -> tuple[str, ...]:
    """The names that `load` knows."""
    return tuple(RECIPES)


def card(name: str) -> dict[str, Any]:
    """The run's card: recipe, data, steps, held-out figures in nats per image, versions, checksum."""
    check_choice("name", name, names())
    return load_card(FOLDER, name)


def load(name: str) -> TrainingRun:
    """A stored run. Raises ValueError for an unknown name, BrokenFileError if the file is not that of its card."""
    written = card(name)["sha256"]
    path = FOLDER / f"{name}.safetensors"
    tensors, meta = tensors_from_bytes(read_checked(path, written), path)
    kl_per_latent, rows = tensors["kl_per_latent"].float(), tensors["rows"].long()
    evaluations = tuple(Evaluation(*values) for values in meta["validation"])
    history = History(
        tensors["nll"], kl_per_latent.sum(dim=1), kl_per_latent, meta["steps_per_epoch"], validation=evaluations
    )
    return TrainingRun(
        name,
        history,
        steps=tensors["steps"].long(),
        mu=tensors["mu"].float(),
        logvar=tensors["logvar"].float(),
        labels=load_digits().labels[rows],
        rows=rows,
        x_mean=tensors["x_mean"],
        decoded=tensors["decoded"].long(),
    )


def remake(
    chosen: Sequence[str] = (), folder: Path | None = None, *, data: Data | None = None, progress: bool = True
) -> dict[str, Any]:
    """Trains for the runs named, or all, anew, writes them with their cards into `folder` and returns the cards.

    folder: None takes the package's own. data: all of MNIST if none is given. Raises ValueError for an unknown name and
    FileNotFoundError, with what to do, where MNIST is missing.
    """
    chosen, folder = tuple(chosen) or names(), folder or FOLDER
    for name in chosen:
        check_choice("name", name, names())
    data = data or load_data()
    return {name: _make(name, RECIPES[name], folder, data) for name in tqdm(chosen, unit="run", disable=not progress)}


def spaced_steps(n_steps: int, n: int) -> list[int]:
    """About n of the steps 0 to n_steps, both ends among them: the first ten, then in equal ratios."""
    later = np.geomspace(10, n_steps, max(n - 10, 2)) if n_steps > 10 else np.array([n_steps])
    return sorted({*range(min(10, n_steps)), *(int(step) for step in later.round())})


def _make(name: str, recipe: Recipe, folder: Path, data: Data) -> dict[str, Any]:
    digits = load_digits()
    rows = torch.arange(0, len(digits.labels), len(digits.labels) // N_ENCODED)
    decoded = torch.arange(0, N_ENCODED, N_ENCODED // N_DECODED)
    images = data.training.images
    n_steps = recipe.training.epochs * -(-len(images) // recipe.training.batch_size)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        history = fit(
            VAE(recipe.model, generator=make_generator(recipe.seed)),
            images,
            config=recipe.training,
            validation=data.held_out.images,
            probe=digits.images[rows],
            snapshot_steps=spaced_steps(n_steps, N_SNAPSHOTS),
            progress=False,
        )
    finally:
        torch.set_num_threads(threads)
    snapshots = history.snapshots
    tensors = {
        "nll": history.nll,
        "kl_per_latent": history.kl_per_latent.half(),
        "steps": torch.tensor([snapshot.step for snapshot in snapshots], dtype=torch.int32),
        "mu": torch.stack([snapshot.mu for snapshot in snapshots]).half(),
        "logvar": torch.stack([snapshot.logvar for snapshot in snapshots]).half(),
        "x_mean": torch.stack([(255 * s.x_mean[decoded]).round().to(torch.uint8) for s in snapshots]),
        "rows": rows.to(torch.int16),
        "decoded": decoded.to(torch.int16),
    }
    meta = {
        "name": name,
        "steps_per_epoch": history.steps_per_epoch,
        "validation": [[e.step, round(e.nll, 3), round(e.kl, 3)] for e in history.validation],
    }
    path = folder / f"{name}.safetensors"
    save_tensors(path, tensors, meta)
    last = history.validation[-1]
    card_ = {
        "name": name,
        **recipe.to_json(),
        "data": data.description,
        "steps": n_steps,
        "snapshots": len(snapshots),
        "held_out": {"images": len(data.held_out_images), "nll": round(last.nll, 2), "kl": round(last.kl, 2)},
        "versions": {"python": platform.python_version(), "torch": metadata.version("torch")},
        "sha256": sha256_of_file(path),
    }
    replace_file(folder / f"{name}.json", write_json_text(card_).encode())
    return card_
