"""Makes the models of the zoo from their recipes, on all cores or on the machines of a Dask cluster (level 3)."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from vae_course.checks import check_choice, make_generator
from vae_course.classification import fit_classifier
from vae_course.data import load_digits
from vae_course.evaluation import held_out_figures
from vae_course.files import replace_file, tensors_to_bytes, write_json_text
from vae_course.models import Autoencoder, Classifier
from vae_course.sprites import FACTORS, make_sprites
from vae_course.training import fit
from vae_course.types import Digits, History
from vae_course.zoo import FOLDER, RECIPES, Recipe, names, read_model

PATIENCE = "10s"  # with a scheduler that doesn't answer


class Data(NamedTuple):
    """Images to train on and images held out, as arrays: those travel to other processes without a copy."""

    description: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    held_out_images: NDArray[np.uint8]
    held_out_labels: NDArray[np.int64]

    @property
    def training(self) -> Digits:
        """The digits to train on. A copy: an array that another process shares can't be written to."""
        return Digits(torch.tensor(self.images), torch.tensor(self.labels))

    @property
    def held_out(self) -> Digits:
        """The digits held out."""
        return Digits(torch.tensor(self.held_out_images), torch.tensor(self.held_out_labels))


class Made(NamedTuple):
    """A trained model as the bytes of its two files, so that it can come from another machine."""

    name: str
    weights: bytes
    card: bytes


def load_data() -> Data:
    """All of MNIST but the embedded digits. Raises FileNotFoundError, with what to do, where MNIST is missing."""
    description = "MNIST: 55,000 training images, without the 5,000 that the course embeds"
    return Data(description, *(part.numpy() for split in ("rest", "test") for part in load_digits(split)))


def load_sprite_data() -> Data:
    """All sprites, a tenth of them held out by chance, with their shapes as labels."""
    images, factors = make_sprites()
    shapes = factors[:, list(FACTORS).index("shape")]
    order = torch.randperm(len(images), generator=make_generator(0))
    parts = (order[len(order) // 10 :], order[: len(order) // 10])
    description = f"sprites: {len(parts[0]):,} of the {len(images):,}, drawn by chance"
    return Data(description, *(values[part].numpy() for part in parts for values in (images, shapes)))


LOADERS: dict[str, Callable[[], Data]] = {"mnist": load_data, "sprites": load_sprite_data}
"""Source of a recipe -> what loads it."""


def retrain(
    chosen: Sequence[str] = (),
    *,
    folder: Path,
    target: Path = FOLDER,
    data: Data | None = None,
    jobs: int = -1,
    scheduler: str | None = None,
    progress: bool = True,
) -> dict[str, dict[str, Any]]:
    """Trains the models named, or all, as their recipes say, moves them into `target` and returns their cards.

    folder: where finished models and checkpoints wait until all are done. A stopped run goes on with what is there.
    data: what the models of MNIST are trained on, all of it (`load_data`) if none is given.
    jobs: how many models are trained at a time, one core each; -1 takes all cores.
    scheduler: the address of a Dask scheduler, "tcp://host:8786", whose workers train instead. They need this package;
        the data are sent to them. A worker keeps its checkpoints in `folder` on its own machine.

    Raises ValueError for an unknown name and OSError if no scheduler answers.
    """
    chosen = tuple(chosen) or names()
    for name in chosen:
        check_choice("name", name, names())
    waiting = [name for name in chosen if _finished(name, folder) is None]
    if waiting:
        folder.mkdir(parents=True, exist_ok=True)
        sources = dict.fromkeys(RECIPES[name].source for name in waiting)
        data_of = {source: data if data and source == "mnist" else LOADERS[source]() for source in sources}
        made = _train_all(waiting, folder, data_of, jobs=jobs, scheduler=scheduler)
        done = len(chosen) - len(waiting)
        for name, weights, card in tqdm(made, initial=done, total=len(chosen), unit="model", disable=not progress):
            replace_file(folder / f"{name}.safetensors", weights)
            replace_file(folder / f"{name}.json", card)  # last: it says that both are there
    cards = {name: _copy(name, folder, target) for name in chosen}
    for name in chosen:  # not before all are in place: a run that is stopped here must not train the first ones again
        for kind in ("json", "safetensors", "checkpoint"):
            (folder / f"{name}.{kind}").unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    return cards


def train(name: str, recipe: Recipe, data: Data, folder: Path) -> Made:
    """Trains one model on one core; a checkpoint in `folder` lets a stopped run go on."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        model = recipe.make_model()
        log = _fit(model, recipe, data.training, folder / f"{name}.checkpoint")
        half = {key: value.half() for key, value in model.state_dict().items()}
        model.load_state_dict({key: value.float() for key, value in half.items()})
        weights = tensors_to_bytes(half, {"name": name})
        card = {
            "name": name,
            **recipe.to_json(),
            "data": data.description,
            **log,
            "held_out": held_out_figures(model, data.held_out),
            "versions": {"python": platform.python_version(), "torch": metadata.version("torch")},
            "sha256": hashlib.sha256(weights).hexdigest(),
        }
        return Made(name, weights, write_json_text(card).encode())
    finally:
        torch.set_num_threads(threads)


def _fit(model: Autoencoder | Classifier, recipe: Recipe, digits: Digits, checkpoint: Path) -> dict[str, float]:
    """Trains the model. Returns what the card says of it: the steps, and the beta found where one was sought."""
    if isinstance(model, Classifier):  # seconds: no checkpoint
        return {"steps": len(fit_classifier(model, digits, config=recipe.training, progress=False))}
    parent = os.getppid()

    def stop_when_orphaned(_: History) -> None:
        if os.getppid() != parent:  # whoever wanted the model was killed, and a new run may be at work on it
            raise InterruptedError(f"the process that started the training of {checkpoint.stem} is gone")

    try:
        history = fit(
            model,
            digits.images,
            config=recipe.training,
            checkpoint=checkpoint,
            on_epoch=stop_when_orphaned,
            progress=False,
        )
    except ValueError:
        if not checkpoint.exists():
            raise
        checkpoint.unlink()  # damaged, or left by an older recipe
        return _fit(model, recipe, digits, checkpoint)
    log: dict[str, float] = {"steps": len(history.nll)}
    if recipe.training.target_nll is not None and history.beta is not None:
        log["found_beta"] = round(float(history.beta[-history.steps_per_epoch :].mean()), 4)
    return log


def _train_all(
    waiting: list[str], folder: Path, data: dict[str, Data], *, jobs: int, scheduler: str | None
) -> Iterator[Made]:
    """The models in the order in which they get done. data: by source."""
    import joblib

    recipes = {name: RECIPES[name] for name in waiting}
    tasks = [joblib.delayed(train)(name, recipe, data[recipe.source], folder) for name, recipe in recipes.items()]
    if scheduler is None:
        yield from joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(tasks)
        return
    from distributed import Client

    _greet(scheduler)
    client = Client(scheduler, timeout=PATIENCE)  # type: ignore[no-untyped-call]
    with client, joblib.parallel_config(backend="dask", scatter=list(data.values())):
        yield from joblib.Parallel(return_as="generator_unordered")(tasks)


def _greet(scheduler: str) -> None:
    """Raises OSError unless a scheduler answers in time. The client waits forever for who accepts and says nothing."""
    from dask.utils import parse_timedelta
    from distributed.comm.core import connect
    from distributed.security import Security

    async def greet() -> None:
        options = Security().get_connection_args("client")  # type: ignore[no-untyped-call]
        try:
            # longer than connect's own patience, which says more of an address where nobody listens
            async with asyncio.timeout(2 * parse_timedelta(PATIENCE)):
                comm = await connect(scheduler, timeout=PATIENCE, **options)  # type: ignore[no-untyped-call]
        except TimeoutError as error:
            raise OSError(f"what accepts there has said nothing for {PATIENCE}") from error
        comm.abort()

    with ThreadPoolExecutor(1) as pool:  # a notebook has a loop of its own
        pool.submit(asyncio.run, greet()).result()


def _finished(name: str, folder: Path) -> dict[str, Any] | None:
    """The card of a model that waits in `folder`, or None if it has still to be trained."""
    try:
        card: dict[str, Any] = json.loads((folder / f"{name}.json").read_text())
        read_model(card, folder / f"{name}.safetensors")
    except (OSError, ValueError, KeyError):  # missing, cut short or not of one piece
        return None
    recipe = json.loads(json.dumps(RECIPES[name].to_json()))
    return card if {key: card.get(key) for key in recipe} == recipe else None  # None: made by an older recipe


def _copy(name: str, folder: Path, target: Path) -> dict[str, Any]:
    """Copies a finished model into the target and returns its card."""
    for kind in ("safetensors", "json"):
        replace_file(target / f"{name}.{kind}", (folder / f"{name}.{kind}").read_bytes())
    card: dict[str, Any] = json.loads((target / f"{name}.json").read_text())
    return card
