"""Trained models with their cards (level 3): committed weights, so that every machine shows the same digits.

How each model is made stands in RECIPES; vae_course.retraining makes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from vae_course.checks import check_choice, make_generator
from vae_course.configs import ClassifierConfig, TrainConfig, UNetConfig, VAEConfig
from vae_course.files import BrokenFileError, load_card, read_checked, tensors_from_bytes
from vae_course.models import VAE, Autoencoder, Classifier, ConvolutionalVAE, UNetVAE

SOURCES = ("mnist", "sprites")
FOLDER = Path(__file__).parent / "zoo"
KINDS: dict[str, tuple[type[nn.Module], type[VAEConfig] | type[ClassifierConfig]]] = {
    "autoencoder": (Autoencoder, VAEConfig),
    "vae": (VAE, VAEConfig),
    "convolutional": (ConvolutionalVAE, VAEConfig),
    "unet": (UNetVAE, UNetConfig),
    "classifier": (Classifier, ClassifierConfig),
}


@dataclass(frozen=True)
class Recipe:
    """How one model of the zoo is made: kind is a key of KINDS, seed draws the initial weights.

    source: what it is trained on, one of SOURCES. The card says so where it is not MNIST.
    """

    kind: str
    model: VAEConfig | ClassifierConfig
    training: TrainConfig
    seed: int
    source: str = "mnist"

    def __post_init__(self) -> None:
        check_choice("kind", self.kind, tuple(KINDS))
        check_choice("source", self.source, SOURCES)

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
            **({} if self.source == "mnist" else {"source": self.source}),
        }


BETAS = (0, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16)
"""Of the models "vae-beta{beta}-2d-s0" and "vae-beta{beta}-10d-s0"."""
SPRITE_BETAS = (1, 2, 4, 8)
"""Of the models "sprites-beta{beta}-s0"."""


def _autoencoder(latent_dim: int, seed: int, *, kind: str = "vae", **shape: Any) -> Recipe:
    # 200 hidden units, not 400: encoder and decoder of a 20-D model then fit into a page that a phone can load.
    model = VAEConfig(**{"hidden_dims": (200,), "latent_dim": latent_dim, **shape})
    training = TrainConfig(
        epochs=50, batch_size=256, lr=3e-3, schedule="onecycle", beta2=0.99, mean_image_start=True, seed=seed
    )
    return Recipe(kind, model, training, seed)


def small_vae(
    latent_dim: int,
    seed: int,
    *,
    epochs: int = 20,
    beta: float = 1.0,
    target_nll: float | None = None,
    **shape: Any,
) -> Recipe:
    """A VAE of which a sweep trains many: 48 hidden units, so that all betas together fit into a page."""
    model = VAEConfig(**{"hidden_dims": (48,), "latent_dim": latent_dim, **shape})
    training = TrainConfig(
        epochs=epochs,
        batch_size=256,
        lr=1e-2,
        schedule="onecycle",
        beta2=0.99,
        beta=beta,
        mean_image_start=True,
        seed=seed,
        target_nll=target_nll,
    )
    return Recipe("vae", model, training, seed)


def sprites_vae(seed: int, *, beta: float) -> Recipe:
    """A VAE of the sprites, six latents for their five factors."""
    model = VAEConfig(hidden_dims=(32,), latent_dim=6)
    training = TrainConfig(
        epochs=60, batch_size=128, lr=1e-2, schedule="onecycle", beta2=0.99, beta=beta, mean_image_start=True, seed=seed
    )
    return Recipe("vae", model, training, seed, source="sprites")


def _convolutional(kind: str, model: VAEConfig, **training: Any) -> Recipe:
    return Recipe(kind, model, TrainConfig(**training, schedule="onecycle", beta2=0.99, mean_image_start=True), seed=0)


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
    **{
        f"vae-beta{beta}-{latent_dim}d-s0": small_vae(latent_dim, 0, beta=float(beta))
        for latent_dim in (2, 10)
        for beta in BETAS
    },
    **{
        f"vae-sigma-{latent_dim}d-s0": small_vae(latent_dim, 0, epochs=12, likelihood="gaussian", learn_sigma=True)
        for latent_dim in (2, 10)
    },
    **{f"sprites-beta{beta}-s0": sprites_vae(0, beta=float(beta)) for beta in SPRITE_BETAS},
    "cnn-20d-s0": _convolutional("convolutional", VAEConfig(hidden_dims=(16, 32)), epochs=16, batch_size=256, lr=3e-3),
    # At three times this rate a U-Net without skips may stay at the mean image for good.
    **{
        name: _convolutional("unet", UNetConfig(skips=skips), epochs=8, batch_size=128, lr=1e-3)
        for name, skips in (("unet-20d-s0", False), ("unet-skips-20d-s0", True))
    },
    "classifier-s0": Recipe(
        "classifier",
        ClassifierConfig(),
        TrainConfig(epochs=8, batch_size=128, lr=3e-3, schedule="onecycle", beta2=0.99),
        seed=0,
    ),
    # What a classifier makes of two numbers, to compare with a VAE's two latents.
    **{
        f"classifier-2d-s{seed}": Recipe(
            "classifier",
            ClassifierConfig(hidden_dims=(48,), bottleneck=2),
            TrainConfig(epochs=16, batch_size=128, lr=3e-3, schedule="onecycle", beta2=0.99, seed=seed),
            seed=seed,
        )
        for seed in range(3)
    },
}


def names(*, kind: str | None = None) -> tuple[str, ...]:
    """The names that `load` knows, of all models or of one kind, a key of KINDS such as "vae" or "classifier"."""
    if kind is not None:
        check_choice("kind", kind, tuple(KINDS))
    return tuple(name for name, recipe in RECIPES.items() if kind in (None, recipe.kind))


def load(name: str) -> Any:
    """A trained model of its kind's class, such as VAE, ready to use. Its weights were stored in float16.

    Raises ValueError for an unknown name and BrokenFileError if the weights are not those of the card, or not finite.
    """
    return read_model(card(name), FOLDER / f"{name}.safetensors")


def card(name: str) -> dict[str, Any]:
    """The model's card: recipe, data, steps, versions, held-out figures in nats per image, checksum."""
    check_choice("name", name, names())
    return load_card(FOLDER, name, needs=("kind", "model"))


def read_model(card_: dict[str, Any], path: Path) -> Any:
    """The model of a card with the weights in `path`. Raises BrokenFileError if they don't belong together."""
    weights, _ = tensors_from_bytes(read_checked(path, card_["sha256"]), path)
    if spoilt := sorted(key for key, value in weights.items() if not value.isfinite().all()):
        raise BrokenFileError(f"{path} holds numbers that are not finite in {', '.join(spoilt)}; reinstall vae_course")
    try:
        kind, config = KINDS[card_["kind"]]
        model = kind(config.from_json(card_["model"]))
        model.load_state_dict({key: value.float() for key, value in weights.items()})
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        what = f"does not fit the model of its card: {type(error).__name__}: {error}"
        raise BrokenFileError(f"{path} {what}; reinstall vae_course") from error
    return model.eval().requires_grad_(False)
