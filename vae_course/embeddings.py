"""Stored 2-D maps of 20-D latents: PCA, t-SNE and UMAP, computed once (level 3).

t-SNE and UMAP take seconds and give another picture on another machine, so the course shows stored ones. How each is
made stands in RECIPES; each has a card with its measured quality. What is embedded is one of two SOURCES, 1,000 points
each: the means of real digits, and draws from the prior N(0, I), which are nothing but noise.
"""

from __future__ import annotations

import copy
import functools
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from vae_course import zoo
from vae_course.checks import check_choice, make_generator
from vae_course.data import load_digits, to_unit
from vae_course.files import (
    load_card,
    read_checked,
    replace_file,
    save_tensors,
    sha256_of_file,
    tensors_from_bytes,
    write_json_text,
)
from vae_course.latent import neighbour_preservation

FOLDER = Path(__file__).parent / "maps"
MODEL, CLASSIFIER = "vae-bernoulli-20d-s0", "classifier-s0"
SOURCES = ("digits", "prior")
N_POINTS = 1000
K = 10  # the neighbours that the cards' figures are about
PACKAGES = {"pca": "numpy", "tsne": "scikit-learn", "umap": "umap-learn"}


class StaleMapError(ValueError):
    """A stored map shows the latents of a model that has been trained again since."""


class Embedding(NamedTuple):
    """A stored map. points: (1000, 2) float32, in the method's own units. rows: (1000,) rows of its source's data.

    source: "digits" (rows of load_digits()) or "prior" (rows of the draws).
    """

    name: str
    source: str
    points: NDArray[np.float32]
    rows: NDArray[np.int64]


class Source(NamedTuple):
    """What was embedded. z: (1000, 20) float64; images: (1000, 784) uint8; labels: (1000,) int64; rows: (1000,) int64.

    "digits": means of real digits, 100 of each class, with their images and labels. "prior": draws from N(0, I) with
    the images decoded from them, and the class that the classifier finds likeliest for each.
    """

    z: NDArray[np.float64]
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    rows: NDArray[np.int64]


@dataclass(frozen=True)
class Recipe:
    """How a map is made. scale: t-SNE's perplexity or UMAP's n_neighbors. init: "random", or from the data."""

    method: str
    source: str = "digits"
    scale: int | None = None
    init: str | None = None
    seed: int | None = None

    @property
    def title(self) -> str:
        """What stands above the map in a figure, such as "t-SNE, perplexity 30, seed 0"."""
        if self.scale is None:
            return "PCA"
        method = f"t-SNE, perplexity {self.scale}" if self.method == "tsne" else f"UMAP, {self.scale} neighbours"
        if self.init == "pca":
            return f"{method}, PCA start"
        usual = self.init == {"tsne": "random", "umap": "spectral"}[self.method]
        return f"{method}{'' if usual else ', random start'}, seed {self.seed}"

    def to_json(self) -> dict[str, Any]:
        """The recipe as the card states it, by the names of the method's own settings."""
        names = {"tsne": "perplexity", "umap": "n_neighbors"}
        settings = {} if self.scale is None else {names[self.method]: self.scale, "init": self.init}
        return {"method": self.method, "source": self.source, "settings": settings, "seed": self.seed}


RECIPES: dict[str, Recipe] = {
    "pca": Recipe("pca"),
    **{f"tsne-{p}-s{s}": Recipe("tsne", "digits", p, "random", s) for p in (5, 30, 100) for s in (0, 1, 2)},
    "tsne-30-pca": Recipe("tsne", "digits", 30, "pca", 0),
    **{f"umap-{n}-s{s}": Recipe("umap", "digits", n, "spectral", s) for n in (15, 50) for s in (0, 1)},
    # UMAP starts from a layout of the data, those t-SNEs from random points: to compare seeds, both must start alike.
    **{f"umap-15-random-s{s}": Recipe("umap", "digits", 15, "random", s) for s in (0, 1)},
    "prior-pca": Recipe("pca", "prior"),
    **{f"prior-tsne-{p}-s0": Recipe("tsne", "prior", p, "random", 0) for p in (5, 30, 100)},
    "prior-umap-15-s0": Recipe("umap", "prior", 15, "spectral", 0),
}


def names(*, source: str | None = None) -> tuple[str, ...]:
    """The names that `load` knows, of both sources or of one: "digits", "prior"."""
    if source is not None:
        check_choice("source", source, SOURCES)
    return tuple(name for name, recipe in RECIPES.items() if source in (None, recipe.source))


def card(name: str) -> dict[str, Any]:
    """The map's card: method, settings, seed, data, versions, quality, checksum."""
    check_choice("name", name, names())
    return load_card(FOLDER, name, needs=("data", "source"))


def load(name: str) -> Embedding:
    """A stored map.

    Raises ValueError for an unknown name, BrokenFileError if the points are not those of the card, and StaleMapError if
    the map's model has been trained again since.
    """
    card_ = card(name)
    path = FOLDER / f"{name}.safetensors"
    content = read_checked(path, card_["sha256"])
    if card_["data"] != _data(card_["source"]):
        raise StaleMapError(
            f"the map {name} was not made of the {MODEL} that is in the zoo now; run `vae-course maps {name}`"
        )
    tensors, _ = tensors_from_bytes(content, path)
    return Embedding(name, card_["source"], tensors["points"].numpy(), tensors["rows"].long().numpy())


def load_source(name: str) -> Source:
    """What the maps of a source show: "digits" or "prior". Computed in float64, so that it is the same everywhere."""
    check_choice("name", name, SOURCES)
    return copy.deepcopy(_load_source(name, zoo.card(MODEL)["sha256"], zoo.card(CLASSIFIER)["sha256"]))


def remake(chosen: Sequence[str] = (), folder: Path | None = None, *, progress: bool = True) -> dict[str, Any]:
    """Computes the maps named, or all, anew, writes them with their cards into `folder` and returns the cards.

    folder: None takes the package's own. Raises ModuleNotFoundError if a UMAP is asked for and umap-learn is missing.
    """
    chosen, folder = tuple(chosen) or names(), folder or FOLDER
    for name in chosen:
        check_choice("name", name, names())
    cards = {}
    for name in tqdm(chosen, unit="map", disable=not progress):
        recipe = RECIPES[name]
        source = load_source(recipe.source)
        points = _embed(source.z, recipe).astype(np.float32)  # in float16 neighbours would tie
        path = folder / f"{name}.safetensors"
        rows = torch.tensor(source.rows, dtype=torch.int16)
        save_tensors(path, {"points": torch.from_numpy(points), "rows": rows}, {"name": name})
        package = PACKAGES[recipe.method]
        cards[name] = {
            "name": name,
            **recipe.to_json(),
            "data": _data(recipe.source),
            "quality": quality(source.z, points),
            "versions": {"python": platform.python_version(), package: metadata.version(package)},
            "sha256": sha256_of_file(path),
        }
        replace_file(folder / f"{name}.json", write_json_text(cards[name]).encode())
    return cards


def quality(z: NDArray[Any], points: NDArray[Any]) -> dict[str, float]:
    """How well neighbours among z, (n, d), stay neighbours among points, (n, 2): both figures lie in [0, 1].

    neighbour_preservation_10: the mean share of a point's 10 nearest that stay among its 10 nearest; by chance 10 / n.
    trustworthiness_10: 1 minus a penalty for false neighbours by how far off they were (Venna & Kaski 2001).
    """
    from sklearn.manifold import trustworthiness

    low = np.asarray(points, dtype=np.float64)
    kept = neighbour_preservation(torch.tensor(z), torch.tensor(low), k=K)
    return {
        f"neighbour_preservation_{K}": round(float(kept), 4),
        f"trustworthiness_{K}": round(float(trustworthiness(z, low, n_neighbors=K)), 4),
    }


def _embed(z: NDArray[np.float64], recipe: Recipe) -> NDArray[np.float64]:
    if recipe.method == "pca":
        return principal_components(z)
    if recipe.method == "tsne":
        from sklearn.manifold import TSNE

        method = TSNE(perplexity=recipe.scale, init=recipe.init, random_state=recipe.seed)
    else:
        try:
            from umap import UMAP
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError("umap-learn is not installed: pip install 'vae-course[maps]'") from error
        method = UMAP(n_neighbors=recipe.scale, init=recipe.init, random_state=recipe.seed, n_jobs=1)
    return np.asarray(method.fit_transform(z), dtype=np.float64)


def principal_components(z: NDArray[np.float64], *, n_components: int = 2) -> NDArray[np.float64]:
    """Coordinates of z, (n, d), along its directions of most variance, (n, n_components).

    Each axis points to where its weight of largest magnitude is positive, as its sign is free otherwise.
    """
    centred = z - z.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:n_components]
    largest = np.abs(axes).argmax(axis=1)
    axes = axes * np.sign(axes[np.arange(n_components), largest])[:, None]
    return np.asarray(centred @ axes.T)


def _data(source: str) -> dict[str, Any]:
    """What a map of the source is made of now."""
    if source == "prior":
        return {"points": N_POINTS, "what": "draws from N(0, I) in 20 dimensions, float64, torch's generator of seed 0"}
    return {
        "points": N_POINTS,
        "what": "posterior means of every fifth of the 5,000 embedded digits, 100 of each class",
        "model": MODEL,
        "model_sha256": zoo.card(MODEL)["sha256"],
    }


@functools.cache
def _load_source(name: str, *_: str) -> Source:
    """`load_source`; the models' checksums, given besides, let a retrained model be noticed."""
    model = copy.deepcopy(zoo.load(MODEL)).double()
    if name == "digits":
        digits = load_digits()
        rows = np.arange(0, len(digits.labels), len(digits.labels) // N_POINTS)
        images, labels = digits.images[rows], digits.labels[rows]
        z = model.encode_point(to_unit(images).double())
    else:
        rows = np.arange(N_POINTS)
        z = torch.randn(N_POINTS, model.config.latent_dim, dtype=torch.float64, generator=make_generator(0))
        x_mean = model.decode(z)
        images = (255 * x_mean).round().to(torch.uint8)
        labels = copy.deepcopy(zoo.load(CLASSIFIER)).double().probabilities(x_mean).argmax(dim=1)
    return Source(z.numpy(), images.numpy(), labels.numpy(), rows)
