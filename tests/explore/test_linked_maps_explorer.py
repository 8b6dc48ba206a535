import json
import re

import numpy as np
import pytest
import traitlets
from sklearn.neighbors import NearestNeighbors

from vae_course import embeddings
from vae_course.explore.linked_maps import MAP_SETS, LinkedMaps
from vae_course.types import Digits

EIGHT = 8


def nearest_by_sklearn(points: np.ndarray) -> np.ndarray:
    return NearestNeighbors(n_neighbors=10).fit(points).kneighbors(return_distance=False)


@pytest.fixture(scope="module")
def linked_maps(digits) -> LinkedMaps:
    return LinkedMaps(MAP_SETS, digits)


@pytest.fixture(scope="module")
def whole(digits) -> LinkedMaps:
    """All 1,000 points, so that its figures are those of the cards."""
    return LinkedMaps({"A": ("pca", "tsne-30-s0"), "B": ("prior-tsne-30-s0",)}, digits, n_points=1000)


def states(explorer):
    n = len(explorer._order)
    return [{"shown": title, "point": point} for title in MAP_SETS for point in (0, 17, n - 1)]


def test_page_and_python_count_the_same_neighbours(linked_maps, ask_node):
    asked = states(linked_maps)
    answer = ask_node("look.mjs", {"payload": linked_maps.payload, "states": asked})
    assert set(answer["kept"]) == {name for names in MAP_SETS.values() for name in names}
    for name, kept in answer["kept"].items():
        assert kept == linked_maps._kept(name).tolist()
    for state, said in zip(asked, answer["said"], strict=True):
        linked_maps.set_state(state)
        assert said == linked_maps.summary()
        assert linked_maps.kept == {name: answer["kept"][name][state["point"]] for name in MAP_SETS[state["shown"]]}


def test_counted_over_all_points_they_are_the_cards_figures(whole, ask_node):
    answer = ask_node("look.mjs", {"payload": whole.payload, "states": []})
    for name, kept in answer["kept"].items():
        written = embeddings.card(name)["quality"]["neighbour_preservation_10"]
        assert np.mean(kept) / 10 == pytest.approx(written, abs=5e-4)


def test_one_point_by_an_independent_count(whole, digits):
    source = embeddings.load_source("digits")
    whole.set_state({"shown": "A", "point": 123})
    row = np.flatnonzero(source.rows == whole.row)[0]
    assert whole.label == digits.labels[whole.row] == source.labels[row]
    for name, count in whole.kept.items():
        high, low = nearest_by_sklearn(source.z), nearest_by_sklearn(embeddings.load(name).points.astype(float))
        assert count == len(set(high[row]) & set(low[row]))


def test_the_first_set_comes_first_and_names_its_source(digits):
    assert LinkedMaps(MAP_SETS, digits, n_points=50).shown == "Methods"
    noise = LinkedMaps(MAP_SETS, digits, n_points=50, shown="Noise", point=3)
    assert noise.source == "prior"
    assert noise.label == embeddings.load_source("prior").labels[noise.row]
    assert "draws from the prior" in noise.summary()


def test_html_is_light_the_same_each_time_and_needs_nothing_else(digits):
    page = LinkedMaps(MAP_SETS, digits).to_html()
    assert page == LinkedMaps(MAP_SETS, digits).to_html()
    assert len(page) < 250_000
    assert not re.search(r"https?://|@import|url\(", page)
    alt = re.search(r'alt="([^"]*)"', page)[1]
    assert "t-SNE, perplexity 30" in alt


def test_the_summary_has_its_article(whole):
    whole.set_state({"shown": "A", "point": int(np.flatnonzero(whole._groups["digits"].labels == EIGHT)[0])})
    assert "Chosen: an 8." in whole.summary()


def test_every_set_has_a_static_picture(digits):
    for title, names in MAP_SETS.items():
        figure = LinkedMaps(MAP_SETS, digits, shown=title, n_points=60).picture()
        assert [ax.get_title(loc="left") or ax.get_title() for ax in figure.axes] != []
        assert len(figure.axes) == len(names)


@pytest.mark.parametrize(("name", "value"), [("shown", "Nothing"), ("point", -1), ("point", 500), ("point", 1.5)])
def test_a_state_that_cannot_be_shown_is_refused(linked_maps, name, value):
    before = linked_maps.get_state((name,))
    with pytest.raises(traitlets.TraitError, match=name):
        setattr(linked_maps, name, value)
    assert linked_maps.get_state((name,)) == before


def test_traits_are_seen_by_observers_and_fit_into_json(linked_maps):
    seen = []
    linked_maps.set_state({"shown": "Methods", "point": 4})
    linked_maps.observe(lambda change: seen.append((change.name, change.new)), ("shown", "point"))
    linked_maps.shown, linked_maps.point = "Noise", 7
    linked_maps.unobserve_all()
    assert seen == [("shown", "Noise"), ("point", 7)]
    assert json.dumps(linked_maps.get_state(("point", "shown"))) == '{"point": 7, "shown": "Noise"}'


def test_maps_and_digits_that_cannot_be_shown_are_refused(digits):
    with pytest.raises(TypeError, match="MAP_SETS"):
        LinkedMaps(["pca"], digits)
    with pytest.raises(ValueError, match="at least one"):
        LinkedMaps({}, digits)
    with pytest.raises(ValueError, match="1 to 4"):
        LinkedMaps({"A": "pca"}, digits)
    with pytest.raises(ValueError, match="'tsne-30-s0'"):
        LinkedMaps({"A": ["tsne"]}, digits)
    with pytest.raises(ValueError, match="mixes"):
        LinkedMaps({"A": ["pca", "prior-pca"]}, digits)
    with pytest.raises(ValueError, match="n_points"):
        LinkedMaps({"A": ["pca"]}, digits, n_points=10)
    with pytest.raises(ValueError, match="what load_digits"):
        LinkedMaps({"A": ["pca"]}, Digits(digits.images[:100], digits.labels[:100]))
