"""Trained models with their cards (level 3): committed weights, so that every machine shows the same digits."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from vae_course.data import load_digits
from vae_course.files import BrokenFileError, load_tensors, replace_file, save_tensors, sha256_of_file
from vae_course.models import VAE
from vae_course.training import fit, loss_terms
from vae_course.types import TrainConfig, VAEConfig, check_choice, make_generator, write_json_text

FOLDER = Path(__file__).parent / "zoo"


@dataclass(frozen=True)
class Recipe:
    """How one model of the zoo is made. `seed` draws its initial weights."""

    model: VAEConfig
    training: TrainConfig
    seed: int


_LONG = TrainConfig(epochs=50, batch_size=256, lr=3e-3, schedule="onecycle", beta2=0.99, mean_image_start=True)

RECIPES: dict[str, Recipe] = {
    "vae-bernoulli-2d-s0": Recipe(VAEConfig(latent_dim=2), _LONG, seed=0),
}


def names() -> tuple[str, ...]:
    """The names that `load` knows."""
    return tuple(RECIPES)


def load(name: str) -> VAE:
    """A trained model, ready to use (no gradients). Its weights were stored in float16.

    Raises ValueError for an unknown name and BrokenFileError if the weights are not those of the card.
    """
    model_card, path = card(name), FOLDER / f"{name}.safetensors"
    if sha256_of_file(path) != model_card["sha256"]:
        raise BrokenFileError(f"{path} is not the file of its card (checksum differs); reinstall vae_course")
    weights, _ = load_tensors(path)
    model = VAE(VAEConfig.from_json(model_card["model"]))
    try:
        model.load_state_dict({key: value.float() for key, value in weights.items()})
    except RuntimeError as error:
        raise BrokenFileError(f"{path} does not fit the model of its card: {error}") from error
    return model.eval().requires_grad_(False)


def card(name: str) -> dict[str, Any]:
    """The model's card: configs, seed, data, steps, versions, held-out figures in nats, checksum."""
    check_choice("name", name, names())
    card_: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return card_


def retrain(name: str, *, folder: Path = FOLDER, progress: bool = True) -> dict[str, Any]:
    """Trains a model as its recipe says, writes weights and card into `folder`, returns the card.

    It needs full MNIST: the 55,000 training images that are not embedded, and the 10,000 test images.
    A killed run goes on where it was.
    """
    check_choice("name", name, names())
    recipe = RECIPES[name]
    images = load_digits("rest").images
    model = VAE(recipe.model, generator=make_generator(recipe.seed))
    checkpoint = folder / f"{name}.checkpoint"
    history = fit(model, images, config=recipe.training, checkpoint=checkpoint, progress=progress)
    half = {key: value.half() for key, value in model.state_dict().items()}
    model.load_state_dict({key: value.float() for key, value in half.items()})
    path = folder / f"{name}.safetensors"
    save_tensors(path, half, {"name": name})
    card_ = {
        "name": name,
        "model": recipe.model.to_json(),
        "training": recipe.training.to_json(),
        "seed": recipe.seed,
        "data": "MNIST: 55,000 training images, without the 5,000 that the course embeds",
        "steps": len(history.nll),
        "held_out": _held_out(model),
        "versions": {"python": platform.python_version(), "torch": metadata.version("torch")},
        "sha256": sha256_of_file(path),
    }
    replace_file(folder / f"{name}.json", write_json_text(card_).encode())
    checkpoint.unlink()
    return card_


def _held_out(model: VAE) -> dict[str, Any]:
    """Figures of the stored (float16) weights on the 10,000 test images, one z an image."""
    nll, kl = loss_terms(model, load_digits("test").images, generator=make_generator(0))
    negative_elbo = nll + kl.sum(dim=1)
    return {
        "images": len(nll),
        "nll": round(float(nll.mean()), 2),
        "kl": round(float(kl.sum(dim=1).mean()), 2),
        "negative_elbo": round(float(negative_elbo.mean()), 2),
        "negative_elbo_standard_error": round(float(negative_elbo.std() / len(nll) ** 0.5), 2),
    }
