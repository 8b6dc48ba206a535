"""The stored maps: their points are those of their cards, show the models of the zoo, and can be made again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from vae_course import cli, embeddings, load_digits, to_unit, zoo
from vae_course.files import BrokenFileError


@pytest.fixture
def copied_maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "maps"
    shutil.copytree(embeddings.FOLDER, folder)
    monkeypatch.setattr(embeddings, "FOLDER", folder)
    return folder


def nearest(points: np.ndarray, k: int) -> np.ndarray:
    """The k nearest others of each point, (n, k), the slow and plain way."""
    distance = ((points[:, None] - points[None]) ** 2).sum(axis=2)
    np.fill_diagonal(distance, np.inf)
    return np.argsort(distance, axis=1, kind="stable")[:, :k]


def test_every_file_belongs_to_a_recipe() -> None:
    files = {path.name for path in embeddings.FOLDER.iterdir() if not path.name.startswith(".")}
    assert files == {f"{name}.{kind}" for name in embeddings.names() for kind in ("json", "safetensors")}


@pytest.mark.parametrize("name", embeddings.names())
def test_card_recipe_and_points_agree(name: str) -> None:
    card, recipe, map_ = embeddings.card(name), embeddings.RECIPES[name], embeddings.load(name)
    assert {key: card[key] for key in recipe.to_json()} == json.loads(json.dumps(recipe.to_json()))
    source = embeddings.load_source(recipe.source)
    assert map_.source == recipe.source
    assert map_.points.shape == (embeddings.N_POINTS, 2)
    assert np.isfinite(map_.points).all()
    assert (map_.rows == source.rows).all()
    assert card["quality"] == pytest.approx(embeddings.quality(source.z, map_.points), abs=1.1e-4)


def test_the_cards_figures_are_what_they_say() -> None:
    """Neighbours and ranks counted the slow way."""
    z, points = embeddings.load_source("digits").z, embeddings.load("tsne-30-s0").points.astype(float)
    n, k = len(z), 10
    high, low = nearest(z, n - 1), nearest(points, k)
    kept = [len(set(high[i, :k]) & set(low[i])) / k for i in range(n)]
    rank = np.empty((n, n), dtype=int)
    np.put_along_axis(rank, high, np.arange(1, n)[None].repeat(n, axis=0), axis=1)
    excess = np.clip(np.take_along_axis(rank, low, axis=1) - k, 0, None).sum()  # Venna & Kaski (2001)
    written = embeddings.card("tsne-30-s0")["quality"]
    assert written["neighbour_preservation_10"] == pytest.approx(np.mean(kept), abs=1.1e-4)
    assert written["trustworthiness_10"] == pytest.approx(1 - 2 * excess / (n * k * (2 * n - 3 * k - 1)), abs=1.1e-4)


def test_the_digits_are_what_the_source_says() -> None:
    source, digits = embeddings.load_source("digits"), load_digits()
    assert np.bincount(source.labels).tolist() == [100] * 10
    assert (source.images == digits.images[source.rows].numpy()).all()
    mu = zoo.load(embeddings.MODEL).encode(to_unit(digits.images[source.rows])).mu
    np.testing.assert_allclose(source.z, mu.numpy(), atol=1e-4)


def test_the_noise_is_noise() -> None:
    source = embeddings.load_source("prior")
    covariance = np.cov(source.z.T)
    assert np.abs(source.z.mean(axis=0)).max() < 4 / np.sqrt(1000)
    assert np.abs(covariance - np.eye(20)).max() < 5 * np.sqrt(2 / 1000)
    assert set(source.labels) == set(range(10)), "the classifier reads every digit somewhere"


def test_a_source_changed_by_its_reader_is_whole_for_the_next() -> None:
    embeddings.load_source("prior").z[:] = 0
    assert embeddings.load_source("prior").z.any()


@pytest.mark.parametrize("name", ["pca", "prior-pca"])
def test_a_remade_pca_agrees(name: str, tmp_path: Path) -> None:
    before = embeddings.load(name).points
    card = embeddings.remake([name], tmp_path, progress=False)[name]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{name}.json", f"{name}.safetensors"]
    assert card["quality"] == embeddings.card(name)["quality"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embeddings, "FOLDER", tmp_path)
        np.testing.assert_allclose(embeddings.load(name).points, before, atol=1e-5)  # float32, a last bit apart


def test_principal_components_agree_with_scikit_learn_and_have_a_sign() -> None:
    from sklearn.decomposition import PCA

    z = embeddings.load_source("digits").z
    ours, theirs = embeddings.principal_components(z, n_components=3), PCA(3, svd_solver="full").fit_transform(z)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-9)
    mirrored = embeddings.principal_components(-z, n_components=3)
    np.testing.assert_allclose(mirrored, -ours, atol=1e-9)  # the axes are the same, whichever way the data lie


def test_a_changed_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    card = zoo.card
    monkeypatch.setattr(zoo, "card", lambda name: card(name) | {"sha256": "of another training"})
    with pytest.raises(embeddings.StaleMapError, match="vae-course maps tsne-5-s0"):
        embeddings.load("tsne-5-s0")
    assert embeddings.load("prior-tsne-5-s0").source == "prior", "noise is no model's"


def test_swapped_or_damaged_points_are_noticed(copied_maps: Path) -> None:
    shutil.copy(copied_maps / "pca.safetensors", copied_maps / "tsne-5-s0.safetensors")
    with pytest.raises(BrokenFileError, match="checksum"):
        embeddings.load("tsne-5-s0")


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(ValueError, match="tsne-100-s2"):
        embeddings.load("tsne-7")
    with pytest.raises(ValueError, match="'digits', 'prior'"):
        embeddings.names(source="sprites")
    assert set(embeddings.names(source="digits")) | set(embeddings.names(source="prior")) == set(embeddings.names())


def test_the_verb_remakes_and_says_so(copied_maps: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copied_maps / "pca.json").write_text("{}")
    assert cli.main(["maps", "pca", "--quiet"]) == 0
    assert "neighbour_preservation_10 0.0" in capsys.readouterr().out
    assert embeddings.load("pca").name == "pca"
    assert cli.main(["maps", "tsne-7"]) == 2
    assert "no map is called tsne-7" in capsys.readouterr().err


def test_without_umap_the_verb_says_what_to_do(
    copied_maps: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "umap", None)
    assert cli.main(["maps", "umap-15-s0", "pca", "--quiet"]) == 2
    said = capsys.readouterr().err
    assert "vae-course[maps]" in said
    assert said.endswith("vae-course maps pca\n")
