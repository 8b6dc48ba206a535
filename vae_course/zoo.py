"""Trained models with their cards (level 3): committed weights, so that every machine shows the same digits.

How each model is made stands in RECIPES; vae_course.retraining makes it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from vae_course.files import BrokenFileError, load_tensors, sha256_of_file
from vae_course.models import VAE, Autoencoder, Classifier
from vae_course.types import (
    ClassifierConfig,
    Heads,
    Likelihood,
    TrainConfig,
    VAEConfig,
    check_choice,
    make_generator,
)

FOLDER = Path(__file__).parent / "zoo"
KINDS: dict[str, tuple[type[nn.Module], type[VAEConfig] | type[ClassifierConfig]]] = {
    "autoencoder": (Autoencoder, VAEConfig),
    "vae": (VAE, VAEConfig),
    "classifier": (Classifier, ClassifierConfig),
}


@dataclass(frozen=True)
class Recipe:
    """How one model of the zoo is made: kind is a key of KINDS, seed draws the initial weights."""

    kind: str
    model: VAEConfig | ClassifierConfig
    training: TrainConfig
    seed: int

    def make_model(self) -> Any:
        """The untrained model."""
        return KINDS[self.kind][0](self.model, generator=make_generator(self.seed))

    def to_json(self) -> dict[str, Any]:
        """The recipe as the card states it."""
        return {
            "kind": self.kind,
            "model": self.model.to_json(),
            "training": self.training.to_json(),
            "seed": self.seed,
        }


def _autoencoder(
    latent_dim: int,
    seed: int,
    *,
    kind: str = "vae",
    likelihood: Likelihood = "bernoulli",
    sigma: float = 1.0,
    heads: Heads = "linear",
) -> Recipe:
    # 200 hidden units, not 400: encoder and decoder of a 20-D model then fit into a page that a phone can load.
    model = VAEConfig(hidden_dims=(200,), latent_dim=latent_dim, likelihood=likelihood, sigma=sigma, heads=heads)
    training = TrainConfig(
        epochs=50, batch_size=256, lr=3e-3, schedule="onecycle", beta2=0.99, mean_image_start=True, seed=seed
    )
    return Recipe(kind, model, training, seed)


def _family(prefix: str, **options: Any) -> dict[str, Recipe]:
    """A kind of model in 2, 3, 8, 10 and 20 dimensions; of 2 and 20 three seeds."""
    runs = [(2, 0), (2, 1), (2, 2), (3, 0), (8, 0), (10, 0), (20, 0), (20, 1), (20, 2)]
    return {f"{prefix}-{latent_dim}d-s{seed}": _autoencoder(latent_dim, seed, **options) for latent_dim, seed in runs}


RECIPES: dict[str, Recipe] = {
    **_family("ae", kind="autoencoder"),
    **_family("vae-bernoulli"),
    **_family("vae-gaussian", likelihood="gaussian", sigma=0.2),  # near the best sigma for 2 latents
    "vae-unit-20d-s0": _autoencoder(20, 0, likelihood="gaussian", sigma=1.0),  # "the MSE loss": latents go unused
    "vae-relu-20d-s0": _autoencoder(20, 0, heads="relu_both"),
    "classifier-s0": Recipe(
        "classifier",
        ClassifierConfig(),
        TrainConfig(epochs=8, batch_size=128, lr=3e-3, schedule="onecycle", beta2=0.99),
        seed=0,
    ),
}


def names(*, kind: str | None = None) -> tuple[str, ...]:
    """The names that `load` knows, of all models or of one kind: "autoencoder", "vae", "classifier"."""
    if kind is not None:
        check_choice("kind", kind, tuple(KINDS))
    return tuple(name for name, recipe in RECIPES.items() if kind in (None, recipe.kind))


def load(name: str) -> Any:
    """A trained model (VAE, Autoencoder or Classifier), ready to use. Its weights were stored in float16.

    Raises ValueError for an unknown name and BrokenFileError if the weights are not those of the card.
    """
    return read_model(card(name), FOLDER / f"{name}.safetensors")


def card(name: str) -> dict[str, Any]:
    """The model's card: recipe, data, steps, versions, held-out figures in nats per image, checksum."""
    check_choice("name", name, names())
    card_: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return card_


def read_model(card_: dict[str, Any], path: Path) -> Any:
    """The model of a card with the weights in `path`. Raises BrokenFileError if they don't belong together."""
    if sha256_of_file(path) != card_["sha256"]:
        raise BrokenFileError(f"{path} is not the file of its card (checksum differs); reinstall vae_course")
    weights, _ = load_tensors(path)
    kind, config = KINDS[card_["kind"]]
    model = kind(config.from_json(card_["model"]))
    try:
        model.load_state_dict({key: value.float() for key, value in weights.items()})
    except RuntimeError as error:
        raise BrokenFileError(f"{path} does not fit the model of its card: {error}") from error
    return model.eval().requires_grad_(False)
