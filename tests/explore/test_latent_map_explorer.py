import base64
import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import matplotlib as mpl
import numpy as np
import pytest
import torch
import traitlets

from vae_course.checks import make_generator
from vae_course.configs import VAEConfig
from vae_course.data import to_unit
from vae_course.explore import LatentMap
from vae_course.explore.packing import unpack_matrix
from vae_course.models import VAE, Autoencoder
from vae_course.types import Digits

GREY = 1 / 255


def payload_of(page: str) -> dict:
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)[1])["payload"]


@pytest.fixture(scope="session")
def page(latent_map) -> str:
    return latent_map.to_html()


@pytest.fixture(scope="session")
def points() -> np.ndarray:
    return np.random.default_rng(7).normal(scale=2.0, size=(300, 2))


# ---- the decoder in the page


def test_page_decodes_as_pytorch_does_to_one_grey(page, model, points, ask_node):
    answer = ask_node("decode.mjs", {"payload": payload_of(page), "z": points.tolist()})
    with torch.no_grad():
        wanted = model.decode(torch.from_numpy(points).float()).numpy()
    assert wanted.min() < 0.01
    assert wanted.max() > 0.99, "the model must use the whole range, or the test would see little"
    assert np.abs(np.array(answer["x_mean"]) - wanted).max() <= GREY


def test_wrong_weights_would_be_seen(page, model, points, ask_node):
    payload = payload_of(page)
    weight = payload["layers"][0]["weight"]
    shifted = np.roll(np.frombuffer(base64.b64decode(weight["values"]), dtype="<i2"), 1)
    weight["values"] = base64.b64encode(shifted.tobytes()).decode()
    with torch.no_grad():
        wanted = model.decode(torch.from_numpy(points).float()).numpy()
    answer = ask_node("decode.mjs", {"payload": payload, "z": points.tolist()})
    assert np.abs(np.array(answer["x_mean"]) - wanted).max() > 20 * GREY


def test_python_and_page_decode_the_same(page, model, digits, ask_node):
    explorer = LatentMap(model, digits, z=(1.5, -0.3))
    answer = ask_node("decode.mjs", {"payload": payload_of(page), "z": [[1.5, -0.3]]})
    np.testing.assert_allclose(answer["x_mean"][0], explorer.x_mean, atol=1e-5)


def test_deeper_decoders_work_too(digits, ask_node, points):
    model = VAE(VAEConfig(latent_dim=2, hidden_dims=(30, 20), likelihood="gaussian"), generator=make_generator(3))
    payload = payload_of(LatentMap(model, digits, n_points=20).to_html())
    with torch.no_grad():
        wanted = model.decode(torch.from_numpy(points).float()).numpy()
    answer = ask_node("decode.mjs", {"payload": payload, "z": points.tolist()})
    assert np.abs(np.array(answer["x_mean"]) - wanted).max() <= GREY


# ---- the real digits


def test_nearest_digits_agree_with_numpy(page, latent_map, model, digits, points, ask_node):
    answer = ask_node("decode.mjs", {"payload": payload_of(page), "z": points.tolist()})
    mu = unpack_matrix(latent_map.payload["mu"]).T
    for z, found in zip(points, answer["nearest"], strict=True):
        distance = np.linalg.norm(mu - z, axis=1)
        np.testing.assert_allclose([n["distance"] for n in found], np.sort(distance)[:5], atol=1e-4)
        latent_map.z = z
        assert [n["label"] for n in found] == latent_map.nearest.label.tolist()
    # The rows that Python names are rows of the digits that were given.
    with torch.no_grad():
        mu_given = model.encode(to_unit(digits.images[latent_map.nearest.row])).mu.numpy()
    given_distance = np.linalg.norm(mu_given - points[-1], axis=1)
    np.testing.assert_allclose(given_distance, latent_map.nearest.distance, atol=1e-3)
    assert (digits.labels[latent_map.nearest.row].numpy() == latent_map.nearest.label).all()


def test_every_mean_is_on_the_map_and_every_class_is_shown(latent_map):
    assert np.abs(unpack_matrix(latent_map.payload["mu"])).max() <= latent_map.payload["limit"]
    assert set(latent_map.payload["label_spots"]) == set("0123456789")


# ---- the page


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))


def test_html_is_the_same_each_time_and_with_another_thread_count(model, digits, page):
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1 if threads > 1 else 2)
        again = LatentMap(model, digits, z=(0.4, -1.2)).to_html()
    finally:
        torch.set_num_threads(threads)
    assert again == LatentMap(model, digits, z=(0.4, -1.2)).to_html()
    assert payload_of(again) == payload_of(page)


def test_html_is_light_and_needs_nothing_else(page):
    assert len(page) < 1_200_000
    parser = Tags()
    parser.feed(page)
    for tag, attributes in parser.tags:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "srcset", "action"):
            assert attributes.get(name, "data:").startswith("data:"), f"{tag} loads {attributes.get(name)}"
    assert not re.search(r"https?://|@import|url\(", page)
    assert [a.get("type") for tag, a in parser.tags if tag == "script"] == ["application/json", "module"]
    alt = next(a["alt"] for tag, a in parser.tags if tag == "img")
    assert len(alt) > 60


def test_name_and_content_make_the_id(latent_map, model, digits):
    other = LatentMap(model, digits, n_points=50, name="start-page")
    assert re.fullmatch(r"explore-start-page-[0-9a-f]{8}", other.element_id)
    assert other.element_id != LatentMap(model, digits, n_points=60, name="start-page").element_id
    assert f'id="{other.element_id}"' in other.to_html()


def test_jupyter_gets_a_widget_and_the_page_html_from_the_same_module(latent_map):
    data, _ = latent_map._repr_mimebundle_()
    assert set(data) >= {"application/vnd.jupyter.widget-view+json", "text/html", "text/plain"}
    assert latent_map.get_state()["_esm"] in data["text/html"]
    assert latent_map.payload["layers"][0]["weight"]["values"] not in json.dumps(
        data["application/vnd.jupyter.widget-view+json"]
    ), "the payload is in the html once, and nowhere else"


def test_summary_says_where_and_what(model, digits):
    explorer = LatentMap(model, digits, z=(-0.001, -1.25))
    labels = " ".join(map(str, explorer.nearest.label))
    assert explorer.summary().startswith("Latent map of 1,000 digits. z = (0.00, −1.25): decodes to something like a ")
    assert explorer.summary().endswith(f"nearest real digits {labels}.")
    assert explorer.summary() in explorer.to_html()


# ---- traits and errors


@pytest.mark.parametrize("z", [(1.0, -2.0), [1.0, -2.0], np.array([1.0, -2.0]), torch.tensor([1.0, -2.0])])
def test_z_takes_any_pair(latent_map, z):
    latent_map.z = z
    assert latent_map.z == (1.0, -2.0)
    assert isinstance(latent_map.z, tuple)
    assert json.dumps(latent_map.get_state("z")) == '{"z": [1.0, -2.0]}'


@pytest.mark.parametrize("z", [(1.0,), (1.0, 2.0, 3.0), (np.nan, 0), (0, np.inf), "ab", None, 3.0, [[1.0, 2.0]]])
def test_z_refuses_what_is_no_point(latent_map, z):
    with pytest.raises(traitlets.TraitError, match=r"z must be two finite numbers"):
        latent_map.z = z


def test_setting_z_is_seen_by_observers(latent_map):
    seen = []
    latent_map.z = (0.0, 0.0)
    latent_map.observe(lambda change: seen.append(change.new), "z")
    latent_map.z = (0.5, 0.25)
    latent_map.unobserve_all("z")
    assert seen == [(0.5, 0.25)]


def test_models_and_digits_that_cannot_be_shown_are_refused(model, digits):
    with pytest.raises(ValueError, match="latent_dim 2"):
        LatentMap(VAE(VAEConfig(latent_dim=3)), digits)
    with pytest.raises(TypeError, match="must be a VAE, got Autoencoder"):
        LatentMap(Autoencoder(VAEConfig(latent_dim=2)), digits)
    with pytest.raises(ValueError, match="uint8"):
        LatentMap(model, Digits(to_unit(digits.images), digits.labels))
    with pytest.raises(ValueError, match="at least 5"):
        LatentMap(model, digits, n_points=3)
    with pytest.raises(ValueError, match="name must be"):
        LatentMap(model, digits, name='a" onload="')
    broken = VAE(VAEConfig(latent_dim=2))
    with torch.no_grad():
        broken.output.weight[0, 0] = torch.nan
    with pytest.raises(ValueError, match="NaN"):
        LatentMap(broken, digits)


def test_making_one_leaves_the_model_as_it_was(model, digits):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    LatentMap(model, digits, n_points=20)
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) and after[name].dtype == torch.float32 for name in before)


def test_the_package_does_not_import_explorers_unasked():
    code = "import sys, vae_course; print('anywidget' in sys.modules or 'vae_course.explore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


def test_the_page_does_not_depend_on_the_session_s_figure_settings(latent_map):
    page = latent_map.to_html()
    with mpl.rc_context({"font.size": 30, "figure.facecolor": "pink", "axes.grid": True}):
        assert latent_map.to_html() == page
