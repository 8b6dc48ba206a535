"""What is stored - models, runs, sweeps, maps - has a card, is the same at each loading, and is the caller's own."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from inputs import normal, rotation, seeds
from profiles import FEW
from public_names import about

from vae_course import embeddings, runs, sweeps, zoo
from vae_course.configs import VAEConfig

STORES: tuple[ModuleType, ...] = (zoo, runs, sweeps, embeddings)
SMALLEST = {zoo: "vae-beta1-2d-s0", runs: "vae-2d", sweeps: "sigmas", embeddings: "pca"}


@about(*(f"{store.__name__.split('.')[-1]}.{part}" for store in STORES for part in ("names", "card", "load")))
@pytest.mark.parametrize("store", STORES)
@settings(max_examples=FEW)
@given(name=st.text(max_size=12))
def test_an_unknown_name_lists_the_known_ones(store: Any, name: str) -> None:
    assert len(set(store.names())) == len(store.names()) > 1
    if name in store.names():
        return
    for function in (store.card, store.load):
        with pytest.raises(ValueError, match="name must be one of") as caught:
            function(name)
        assert all(known in str(caught.value) for known in store.names())


@about(*(f"{store.__name__.split('.')[-1]}.{part}" for store in STORES for part in ("names", "card", "load")))
@pytest.mark.parametrize("store", STORES)
def test_every_name_has_a_card_and_what_is_loaded_is_the_callers_own(store: Any) -> None:
    cards = {name: store.card(name) for name in store.names()}
    assert len({card["sha256"] for card in cards.values()}) == len(cards)
    assert all(len(card["sha256"]) == 64 for card in cards.values())
    cards[SMALLEST[store]]["sha256"] = "changed"
    assert store.card(SMALLEST[store])["sha256"] != "changed"
    first, second = store.load(SMALLEST[store]), store.load(SMALLEST[store])
    for part in parts(first):
        before = part.copy()
        part[...] = 0
        assert not np.array_equal(before, part)
    for ours, theirs in zip(parts(store.load(SMALLEST[store])), parts(second), strict=True):
        assert np.array_equal(ours, theirs)


def parts(loaded: Any) -> list[np.ndarray]:
    """The numbers of a model, a run, a table or a map, as arrays that share its memory."""
    if isinstance(loaded, torch.nn.Module):
        return [value.detach().numpy() for value in loaded.state_dict().values()]
    if isinstance(loaded, runs.TrainingRun):
        return [loaded.mu.numpy(), loaded.logvar.numpy(), loaded.x_mean.numpy(), loaded.history.nll.numpy()]
    if isinstance(loaded, embeddings.Embedding):
        return [loaded.points]
    columns = loaded.select_dtypes("number")
    return [np.array(columns[name]) for name in columns if np.array(columns[name]).any()]


@about("zoo.names", "embeddings.names", "embeddings.load_source")
@pytest.mark.parametrize(
    ("function", "argument", "known"),
    [
        (lambda word: zoo.names(kind=word), "kind", tuple(zoo.KINDS)),
        (lambda word: embeddings.names(source=word), "source", embeddings.SOURCES),
        (embeddings.load_source, "name", embeddings.SOURCES),
    ],
)
def test_an_unknown_kind_lists_the_known_ones(function: Any, argument: str, known: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=f"{argument} must be one of") as caught:
        function("nothing")
    assert all(word in str(caught.value) for word in known)
    assert {name for word in zoo.KINDS for name in zoo.names(kind=word)} == set(zoo.names())
    assert {name for word in embeddings.SOURCES for name in embeddings.names(source=word)} == set(embeddings.names())


@about("embeddings.load_source")
def test_a_source_is_the_callers_own() -> None:
    first = embeddings.load_source("digits")
    assert first.z.shape == (1000, 20) and first.images.shape == (1000, 784) and first.labels.shape == (1000,)
    kept = first.z.copy()
    first.z[:] = 0
    assert np.array_equal(embeddings.load_source("digits").z, kept)


@about("embeddings.principal_components", "embeddings.quality")
@settings(max_examples=FEW)
@given(n=st.integers(25, 40), d=st.integers(2, 5), seed=seeds)
def test_components_are_uncorrelated_and_quality_knows_no_directions(n: int, d: int, seed: int) -> None:
    z = (normal(seed, n, d) * torch.arange(1, d + 1)).numpy()
    points = embeddings.principal_components(z)
    assert points.shape == (n, 2)
    cov = np.cov(points.T)
    assert abs(cov[0, 1]) < 1e-9 * cov[0, 0] and cov[0, 0] >= cov[1, 1]
    found, turned = embeddings.quality(z, points), embeddings.quality(3 * z @ rotation(seed, d).numpy() + 1, points)
    assert found == turned and all(0 <= value <= 1 for value in found.values())
    assert set(embeddings.quality(z, z).values()) == {1.0}


@about("zoo.small_vae", "zoo.sprites_vae")
@settings(max_examples=FEW)
@given(d=st.integers(1, 12), seed=seeds, beta=st.floats(0, 20))
def test_a_recipe_says_all_that_its_model_takes(d: int, seed: int, beta: float) -> None:
    recipe, sprites = zoo.small_vae(d, seed, beta=beta), zoo.sprites_vae(seed, beta=beta)
    for each in (recipe, sprites):
        assert each.seed == each.training.seed == seed and each.training.beta == beta
        assert VAEConfig.from_json(each.to_json()["model"]) == each.model
    assert recipe.make_model().config.latent_dim == d
    assert zoo.RECIPES["vae-beta1-10d-s0"] == zoo.small_vae(10, 0, beta=1.0)
    with pytest.raises(ValueError, match="beta must be 0 or above"):
        zoo.small_vae(d, seed, beta=-1 - beta)


@about("runs.spaced_steps")
@given(n_steps=st.integers(0, 100_000), n=st.integers(1, 80))
def test_steps_rise_from_the_first_to_the_last(n_steps: int, n: int) -> None:
    steps = runs.spaced_steps(n_steps, n)
    assert steps == sorted(set(steps)) and steps[0] == 0 and steps[-1] == n_steps
    assert steps[:10] == list(range(min(10, n_steps + 1)))
    assert len(steps) <= max(n, 12) + 1
