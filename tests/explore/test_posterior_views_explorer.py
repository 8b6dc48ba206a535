import json
import re

import numpy as np
import pytest
import torch
import traitlets

from vae_course.configs import VAEConfig
from vae_course.data import to_unit
from vae_course.explore.packing import unpack_matrix
from vae_course.explore.posterior_views import VIEWS, PosteriorViews, normals
from vae_course.models import VAE, Autoencoder
from vae_course.types import Digits


@pytest.fixture(scope="module")
def views(model, digits) -> PosteriorViews:
    return PosteriorViews(model, digits)


def test_page_and_python_draw_and_say_the_same(views, ask_node):
    states = [
        {"view": view, "n_std": n_std, "seed": seed, "point": point}
        for view in VIEWS
        for n_std, seed, point in ((1, 0, 0), (2, 5, 299), (1, 2**31 - 1, 150))
    ]
    answer = ask_node("look.mjs", {"payload": views.payload, "states": states})
    for state, samples, said in zip(states, answer["samples"], answer["said"], strict=True):
        views.set_state(state)
        np.testing.assert_allclose(np.array(samples).T, views.samples, atol=1e-6)
        assert said == views.summary()


def test_the_numbers_are_the_encoders(views, model, digits):
    rows = views._rows
    with torch.no_grad():
        posterior = model.encode(to_unit(digits.images[rows]))
    np.testing.assert_allclose(unpack_matrix(views.payload["mu"]).T, posterior.mu, atol=5e-4)
    np.testing.assert_allclose(unpack_matrix(views.payload["std"]).T, posterior.std, atol=5e-5)
    views.point = 11
    mean, std = posterior.mu[11].tolist(), posterior.std[11].tolist()
    said = [float(text.replace("−", "-")) for text in re.findall(r"−?\d+\.\d+", views.summary())]
    np.testing.assert_allclose(said, [*mean, *std], atol=0.0056)
    assert f" {digits.labels[views.row]} with means" in views.summary()


def test_samples_have_the_posteriors_mean_and_spread(views):
    drawn = []
    for seed in range(400):
        views.seed = seed
        drawn.append(views.samples)
    mu, std = (unpack_matrix(views.payload[key]).T for key in ("mu", "std"))
    z = (np.stack(drawn) - mu) / std  # (400, 300, 2)
    assert np.abs(z.mean(axis=0)).max() < 5 / np.sqrt(400)
    assert np.abs(z.std() - 1) < 0.005


def test_the_generator_is_mulberry32():
    """The first numbers of Mulberry32 from seed 0, as its author's C code prints them."""
    first = normals(0, 1)[0]
    u1, u2 = 1144304738 / 2**32, 1416247 / 2**32
    radius = np.sqrt(-2 * np.log(1 - u1))
    np.testing.assert_allclose(first, [radius * np.cos(2 * np.pi * u2), radius * np.sin(2 * np.pi * u2)])


def test_html_is_light_the_same_each_time_and_needs_nothing_else(model, digits):
    page = PosteriorViews(model, digits).to_html()
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1 if threads > 1 else 2)
        assert PosteriorViews(model, digits).to_html() == page
    finally:
        torch.set_num_threads(threads)
    assert len(page) < 127_000
    assert not re.search(r"https?://|@import|url\(", page)


def test_every_posterior_is_on_the_map(views):
    mu, std = (unpack_matrix(views.payload[key]) for key in ("mu", "std"))
    assert (np.abs(mu) + 3 * std).max() <= views.payload["limit"] + 1e-9


@pytest.mark.parametrize("view", VIEWS)
def test_the_static_picture_shows_all_three(model, digits, view):
    figure = PosteriorViews(model, digits, n_points=40, view=view, n_std=2).picture()
    assert len(figure.axes) == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [("view", "variances"), ("n_std", 3), ("seed", -1), ("seed", 2**31), ("point", 300), ("point", -1)],
)
def test_a_state_that_cannot_be_shown_is_refused(views, name, value):
    with pytest.raises(traitlets.TraitError, match=name):
        setattr(views, name, value)


def test_traits_are_seen_by_observers_and_fit_into_json(views):
    seen = []
    views.set_state({"view": "means", "n_std": 1, "seed": 0, "point": 0})
    views.observe(lambda change: seen.append((change.name, change.new)), views.state_names)
    views.view, views.n_std, views.seed, views.point = "ellipses", 2, 9, 42
    views.unobserve_all()
    assert seen == [("view", "ellipses"), ("n_std", 2), ("seed", 9), ("point", 42)]
    assert json.loads(json.dumps(views.get_state(views.state_names)))["seed"] == 9


def test_models_and_digits_that_cannot_be_shown_are_refused(model, digits):
    with pytest.raises(ValueError, match="latent_dim 2"):
        PosteriorViews(VAE(VAEConfig(latent_dim=3)), digits)
    with pytest.raises(TypeError, match="must be a VAE, got Autoencoder"):
        PosteriorViews(Autoencoder(VAEConfig(latent_dim=2)), digits)
    with pytest.raises(ValueError, match="at least one digit"):
        PosteriorViews(model, digits, n_points=0)
    with pytest.raises(ValueError, match="uint8"):
        PosteriorViews(model, Digits(to_unit(digits.images), digits.labels))
    with pytest.raises(traitlets.TraitError, match="view"):
        PosteriorViews(model, digits, n_points=9, view="all")


def test_making_one_leaves_the_model_as_it_was(model, digits):
    PosteriorViews(model, digits, n_points=9)
    assert all(value.dtype == torch.float32 for value in model.state_dict().values())
