"""Explorers: the constructors name each mistake; equal inputs give equal figures, and another name another id."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
import traitlets
from hypothesis import given, settings
from hypothesis import strategies as st
from inputs import DIGIT_SIZED, autoencoder, digits, vae
from profiles import FEW
from public_names import about

from vae_course import explore, load_digits, runs, zoo
from vae_course.configs import VAEConfig
from vae_course.models import ConvolutionalVAE
from vae_course.types import Digits

MODEL, NOISE = vae(0, DIGIT_SIZED), digits(0, 40)
WRONG_LABELS = Digits(NOISE.images, NOISE.labels + 5)
ONE_SHORT = Digits(NOISE.images, NOISE.labels[:-1])
NARROW = Digits(NOISE.images[:, :100], NOISE.labels)
EMPTY = Digits(NOISE.images[:0], NOISE.labels[:0])
FLOATS = Digits(NOISE.images.float(), NOISE.labels)
DATA = {"labels above 9": WRONG_LABELS, "a label short": ONE_SHORT, "narrow": NARROW, "empty": EMPTY, "floats": FLOATS}
MODELS = {
    "an autoencoder": autoencoder(0, DIGIT_SIZED),
    "three latents": vae(0, VAEConfig(hidden_dims=(6,), latent_dim=3)),
    "16 pixels": vae(0),
    "convolutions": ConvolutionalVAE(VAEConfig(hidden_dims=(4, 4), latent_dim=2)).requires_grad_(False),
}
NAMES = {"a capital": "Map", "a space": "a map", "empty": ""}


def figure(kind: Any, **arguments: Any) -> tuple[Any, dict[str, Any]]:
    return kind, arguments


RIGHT: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "LatentMap": figure(explore.LatentMap, model=MODEL, digits=NOISE),
    "Latents": figure(explore.Latents, model=MODEL, digits=NOISE, n_examples=10),
    "ClassGaussianMap": figure(explore.ClassGaussianMap, model=MODEL, digits=NOISE, n_points=20),
    "DrawDigit": figure(explore.DrawDigit, model=MODEL, digits=NOISE),
    "PosteriorViews": figure(explore.PosteriorViews, model=MODEL, digits=NOISE, n_points=20),
    "PcnChain": figure(explore.PcnChain, model=MODEL, digits=NOISE, rows=(0, 1, 2), n_steps=20),
}
WRONG: dict[str, dict[str, dict[str, Any]]] = {
    "LatentMap": {
        "model": MODELS,
        "digits": DATA,
        "n_points": {"zero": 0},
        "z": {"three": (0, 0, 0), "NaN": (0, torch.nan)},
    },
    "Latents": {
        "model": {k: v for k, v in MODELS.items() if k != "three latents"},
        "digits": DATA,
        "n_examples": {"zero": 0},
        "z": {"three": (0.0, 0.0, 0.0), "NaN": (0.0, torch.nan)},
    },
    "ClassGaussianMap": {
        "model": MODELS,
        "digits": DATA,
        "n_points": {"negative": -1, "too many": 41},
        "classes": {"ten": (10,), "negative": (-1,)},
        "density": {"unknown": "sum"},
        "share": {"unknown": "all"},
        "z": {"three": (0, 0, 0)},
    },
    "DrawDigit": {
        "model": {k: v for k, v in MODELS.items() if k != "three latents"},
        "digits": DATA,
        "n_points": {"zero": 0},
        "n_examples": {"zero": 0, "too many": 41},
        "image": {"short": [0] * 10},
    },
    "PosteriorViews": {
        "model": {k: v for k, v in MODELS.items() if k != "convolutions"},  # it decodes nothing
        "digits": DATA,
        "n_points": {"zero": 0},
        "view": {"unknown": "all"},
        "n_std": {"zero": 0},
        "point": {"negative": -1, "too far": 20},
    },
    "PcnChain": {
        "model": MODELS,
        "digits": DATA,
        "rows": {"outside": (0, 99), "none": ()},
        "digit": {"outside": 3},
        "hidden": {"unknown": "some"},
        "sampler": {"unknown": "gibbs"},
        "step": {"zero": 0.0, "two": 2.0},
        "start": {"outside": (99.0, 0.0), "three": (0, 0, 0)},
        "n_steps": {"negative": -1},
        "view": {"unknown": "all"},
    },
}


def messages(kind: Callable[..., Any], right: dict[str, Any], wrong: dict[str, dict[str, Any]]) -> dict[str, str]:
    """What is wrong with how a constructor takes each mistake."""
    faults = {}
    for argument, mistakes in wrong.items():
        for mistake, value in mistakes.items():
            try:
                kind(**{**right, argument: value})
                faults[f"{argument}, {mistake}"] = "no error"
            except (ValueError, TypeError, traitlets.TraitError) as error:
                if not re.search(r"must|needed|got|expected any of|should|a set each", str(error)):
                    faults[f"{argument}, {mistake}"] = f"unclear: {error}"
            except Exception as error:
                faults[f"{argument}, {mistake}"] = f"{type(error).__name__}: {error}"
    return faults


@about(*(f"explore.{name}" for name in RIGHT), "explore.Explorer")
@pytest.mark.parametrize("name", RIGHT)
def test_a_constructor_names_each_mistake_and_equal_inputs_give_one_figure(name: str) -> None:
    kind, right = RIGHT[name]
    one, same, other = kind(**right), kind(**right), kind(**right, name="another")
    assert isinstance(one, explore.Explorer)
    assert one.element_id == same.element_id != other.element_id
    assert one.summary().strip() and one.picture_alt().strip() and all(hasattr(one, key) for key in one.state_names)
    assert messages(kind, right, {**WRONG[name], "name": NAMES}) == {}


@about("explore.BetaExplorer")
def test_the_beta_explorer_names_each_mistake() -> None:
    wrong = {
        "digits": DATA,
        "rows": {"nine": tuple(range(9)), "outside": (*range(9), 5000)},
        "n_points": {"zero": 0},
    }
    assert messages(explore.BetaExplorer, {"digits": load_digits()}, wrong) == {}


@about("explore.LinkedMaps", "explore.MAP_SETS")
def test_linked_maps_name_each_mistake() -> None:
    wrong = {
        "maps": {
            "unknown": {"one": ("no-map",)},
            "none": {},
            "names alone": ("pca",),
            "empty": {"one": ()},
            "both sources": {"one": ("pca", "prior-pca")},
        },
        "digits": DATA,
        "shown": {"unknown": "nothing"},
        "point": {"negative": -1, "too far": 50},
        "n_points": {"zero": 0, "too many": 1001},
    }
    right = {"maps": {"one": ("pca",)}, "digits": load_digits(), "n_points": 50}
    one = explore.LinkedMaps(**right)
    assert one.summary().strip()
    assert messages(explore.LinkedMaps, right, {**wrong, "name": NAMES}) == {}
    assert all(
        name in explore.LinkedMaps(explore.MAP_SETS, load_digits()).payload["maps"]
        for names in explore.MAP_SETS.values()
        for name in names
    )


@about("explore.TrainingScrubber")
def test_the_training_scrubber_names_each_mistake() -> None:
    two, eight = runs.load("vae-2d"), runs.load("vae-8d")
    wrong = {
        "run_2d": {"the same": eight, "a model": zoo.load("vae-beta1-2d-s0"), "a name": "vae-2d"},
        "run": {"unknown": "3d", "out of range": 2},
        "step": {"negative": -1, "too late": 10**6},
        "latents": {"one": (0,), "twice": (1, 1), "outside": (0, 9)},
        "axes": {"unknown": "all"},
    }
    assert messages(explore.TrainingScrubber, {"run_2d": two, "run_8d": eight}, wrong) == {}


@about("explore.LatentMap", "explore.PosteriorViews")
@settings(max_examples=FEW)
@given(n=st.integers(20, 60), seed=st.integers(0, 2**31 - 1))
def test_the_order_of_the_arguments_digits_is_no_state(n: int, seed: int) -> None:
    """The figure is decided by model and digits: made again it has the same payload, whatever torch's generator."""
    made, model = digits(seed, n), vae(seed, DIGIT_SIZED)
    torch.manual_seed(seed)
    first = explore.LatentMap(model, made, n_points=n)
    torch.manual_seed(seed + 1)
    assert explore.LatentMap(model, made, n_points=n).payload == first.payload
    views = explore.PosteriorViews(model, made, n_points=n)
    assert views.payload["limit"] >= 2.5
