import copy
import json
import re

import matplotlib as mpl
import numpy as np
import pytest
import torch
import traitlets
from scipy import stats

from vae_course import zoo
from vae_course.checks import make_generator
from vae_course.configs import VAEConfig
from vae_course.data import to_unit
from vae_course.explore import Latents
from vae_course.explore.latents_data import GRID_STEP, aggregate_density, example_rows
from vae_course.models import VAE, Autoencoder
from vae_course.types import Digits

GREY = 1 / 255
OFF = [2, 10]  # latents that the test's second model does not use


@pytest.fixture(scope="module")
def model():
    return zoo.load("vae-bernoulli-20d-s0")


@pytest.fixture(scope="module")
def posterior(model, digits):
    with torch.no_grad():
        return copy.deepcopy(model).double().encode(to_unit(digits.images).double())


@pytest.fixture(scope="module")
def explorer(model, digits):
    return Latents(model, digits, name="test")


@pytest.fixture(scope="module")
def page(explorer):
    return explorer.to_html()


@pytest.fixture(scope="module")
def z():
    return np.random.default_rng(3).normal(scale=1.5, size=(100, 20))


def half_used(model):
    """The model with two latents switched off: means of 0, no look of the decoder, the second's posterior the prior."""
    model = copy.deepcopy(model)
    with torch.no_grad():
        model.mu_head.weight[OFF] = 0
        model.mu_head.bias[OFF] = 0
        model.logvar_head.weight[OFF[1]] = 0
        model.logvar_head.bias[OFF[1]] = 0
        model.decoder_body[0].weight[:, OFF] = 0
    return model


def payload_of(page):
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)[1])["payload"]


# ---- the violins and the order


def test_violins_are_the_mixture_s_density(explorer, posterior):
    mu, std = posterior.mu.numpy(), posterior.std.numpy()
    density, limit = explorer._density, explorer.payload["limit"]
    grid = np.linspace(-limit, limit, density.shape[1])
    assert np.diff(grid) == pytest.approx(GRID_STEP)
    for j in (0, 7, 19):
        wanted = [stats.norm.pdf(value, mu[:, j], std[:, j]).mean() for value in grid[::9]]
        np.testing.assert_allclose(density[j, ::9], wanted, atol=7e-5)
    np.testing.assert_allclose(np.trapezoid(density, grid, axis=1), 1, atol=1e-3)


def test_violins_match_draws_from_the_aggregate_posterior(explorer, posterior):
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(posterior.mu), 200_000)
    limit = explorer.payload["limit"]
    grid = np.linspace(-limit, limit, explorer._density.shape[1])
    for j in range(20):
        drawn = posterior.mu[rows, j].numpy() + posterior.std[rows, j].numpy() * rng.normal(size=len(rows))
        share_below = np.searchsorted(np.sort(drawn), grid) / len(rows)
        cumulative = np.concatenate([[0], np.cumsum((explorer._density[j, 1:] + explorer._density[j, :-1]) / 2)])
        assert np.abs(cumulative * GRID_STEP - share_below).max() < 1.95 / np.sqrt(len(rows)) + 1e-3


def test_one_posterior_is_its_own_violin():
    density = aggregate_density(torch.tensor([[0.5]]), torch.tensor([[-2.0]]), limit=3.0)
    grid = np.linspace(-3, 3, density.shape[1])
    np.testing.assert_allclose(density[0], stats.norm.pdf(grid, 0.5, np.exp(-1)), atol=6e-5)


def test_latents_come_by_falling_kl(explorer, posterior):
    mu, logvar = posterior.mu.numpy(), posterior.logvar.numpy()
    kl = (0.5 * (mu**2 + np.exp(logvar) - 1 - logvar)).mean(axis=0)
    np.testing.assert_allclose(explorer.payload["kl"], kl, atol=6e-5)
    assert explorer.payload["order"] == np.argsort(-kl, kind="stable").tolist()
    assert explorer.payload["active"] == (mu.var(axis=0) > 0.01).tolist()


def test_latents_without_information_are_known_and_come_last(model, digits):
    explorer = Latents(half_used(model), digits)
    assert [j for j in range(20) if not explorer.payload["active"][j]] == OFF
    assert sorted(explorer.payload["order"][-2:]) == OFF
    assert explorer.summary().startswith("20 latents, 18 active.")
    grid = np.linspace(-explorer.payload["limit"], explorer.payload["limit"], explorer._density.shape[1])
    np.testing.assert_allclose(explorer._density[OFF[1]], stats.norm.pdf(grid), atol=6e-5)
    before = explorer.x_mean
    explorer.z = [3.0 if j in OFF else value for j, value in enumerate(explorer.z)]
    assert explorer.change == 0
    assert (explorer.x_mean == before).all()


def test_examples_are_taken_in_turn_from_each_class():
    labels = torch.tensor([1, 1, 0, 1, 0, 5])
    assert example_rows(labels, 4).tolist() == [2, 0, 5, 4]
    assert example_rows(labels, 99).tolist() == [2, 0, 5, 4, 1, 3]


# ---- the page


def test_page_decodes_as_pytorch_does_to_one_grey(page, model, z, ask_node):
    question = {"payload": payload_of(page), "z": z.tolist(), "range": "prior", "digit": -1}
    answers = ask_node("decode_latents.mjs", question)["answers"]
    with torch.no_grad():
        wanted = model.decode(torch.from_numpy(z).float()).numpy()
    assert wanted.min() < 0.01 and wanted.max() > 0.99
    assert np.abs(np.array([answer["x_mean"] for answer in answers]) - wanted).max() <= GREY


@pytest.mark.parametrize(("kind", "digit"), [("prior", -1), ("prior", 4), ("posterior", 13), ("posterior", -1)])
def test_python_and_page_agree(model, digits, page, z, ask_node, kind, digit):
    explorer = Latents(model, digits)
    explorer.load(digit)
    explorer.range = kind
    points = [explorer.z, *z[:3].tolist()]
    answer = ask_node("decode_latents.mjs", {"payload": payload_of(page), "z": points, "range": kind, "digit": digit})
    np.testing.assert_allclose(answer["spans"], explorer.spans, atol=1e-5)
    np.testing.assert_allclose(answer["densities"], explorer._density, atol=1e-6)
    for point, found in zip(points, answer["answers"], strict=True):
        explorer.z = point
        np.testing.assert_allclose(found["x_mean"], explorer.x_mean, atol=1e-5)
        assert found["change"] == pytest.approx(explorer.change, abs=1e-3)
        assert explorer.summary() == "20 latents, 20 active. " + found["summary"]


def test_loading_goes_to_the_posterior_mean_and_its_range_is_two_sd(model, digits, posterior):
    explorer = Latents(model, digits)
    assert explorer.digit == 0 and explorer.change == 0
    explorer.load(13)
    row = explorer.example_rows[13]
    assert digits.labels[row] == 3
    np.testing.assert_allclose(explorer.z, posterior.mu[row], atol=2e-4)
    assert explorer.spans.tolist() == [[-3, 3]] * 20
    explorer.range = "posterior"
    np.testing.assert_allclose(explorer.spans.mean(axis=1), posterior.mu[row], atol=2e-4)
    np.testing.assert_allclose(np.diff(explorer.spans)[:, 0], 4 * posterior.std[row], atol=2e-4)
    explorer.load(-1)
    assert explorer.z == [0.0] * 20 and explorer.change == 0
    assert explorer.spans.tolist() == [[-3, 3]] * 20, "no digit, so no posterior"


def test_change_is_the_mean_absolute_change_in_grey_levels(model, digits, posterior):
    explorer = Latents(model, digits)
    explorer.z = [0.0] * 20
    with torch.no_grad():
        images = model.decode(torch.stack([posterior.mu[explorer.example_rows[0]], torch.zeros(20)]).float())
    assert explorer.change == pytest.approx(255 * float((images[0] - images[1]).abs().mean()), abs=0.02)
    assert explorer.change > 10


def test_html_is_the_same_each_time_and_with_another_thread_count(model, digits, page):
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1 if threads > 1 else 2)
        again = Latents(model, digits, name="test").to_html()
    finally:
        torch.set_num_threads(threads)
    assert again == page


def test_html_is_light_and_needs_nothing_else(page):
    assert len(page) < 650_000
    assert not re.search(r"https?://|@import|url\(", page)
    assert not re.search(r"<[^>]+ on\w+=", page)


def test_the_page_does_not_depend_on_the_session_s_figure_settings(explorer, page):
    with mpl.rc_context({"font.size": 30, "figure.facecolor": "pink", "axes.grid": True}):
        assert explorer.to_html() == page


def test_picture_shows_every_latent_and_where_z_is(explorer):
    axes = explorer.picture().axes
    names = [label.get_text() for label in axes[0].get_yticklabels()]
    assert [int(re.search(r"z_\{(\d+)\}", name)[1]) - 1 for name in names] == explorer.payload["order"]
    ticks = [line for line in axes[0].lines if line.get_linewidth() == 2]
    assert [line.get_xdata()[0] for line in ticks] == [explorer.z[j] for j in explorer.payload["order"]]


def test_small_and_deep_models_work_too(digits, ask_node):
    model = VAE(VAEConfig(latent_dim=3, hidden_dims=(30, 20), likelihood="gaussian"), generator=make_generator(3))
    explorer = Latents(model, Digits(digits.images[:7], digits.labels[:7]), z=(0.5, -1, 3.5))
    assert explorer.digit == -1
    question = {"payload": payload_of(explorer.to_html()), "z": [explorer.z], "range": "prior", "digit": -1}
    found = ask_node("decode_latents.mjs", question)["answers"][0]
    np.testing.assert_allclose(found["x_mean"], explorer.x_mean, atol=1e-5)
    with torch.no_grad():
        wanted = model.decode(torch.tensor([explorer.z]))[0].numpy()
    np.testing.assert_allclose(explorer.x_mean, wanted, atol=GREY)


# ---- traits and errors


@pytest.mark.parametrize("make", [list, tuple, np.array, torch.tensor])
def test_z_takes_any_vector(explorer, make):
    explorer.z = make([0.5] * 20)
    assert explorer.z == [0.5] * 20
    assert json.loads(json.dumps(explorer.get_state("z"))) == {"z": [0.5] * 20}
    explorer.load(0)


@pytest.mark.parametrize("z", [(1.0,), [0.0] * 19, [np.nan] + [0.0] * 19, "ab", None, 3.0, [[0.0] * 20]])
def test_z_refuses_what_is_no_point(explorer, z):
    with pytest.raises(traitlets.TraitError, match="z must be 20 finite numbers"):
        explorer.z = z


def test_range_and_digit_refuse_what_is_not_there(explorer):
    with pytest.raises(traitlets.TraitError, match="prior"):
        explorer.range = "wide"
    for digit in (20, -2):
        with pytest.raises(traitlets.TraitError, match=r"from 0 to 19, or -1"):
            explorer.load(digit)
    assert explorer.digit == 0


def test_models_and_digits_that_cannot_be_shown_are_refused(model, digits):
    with pytest.raises(TypeError, match="must be a VAE, got Autoencoder"):
        Latents(Autoencoder(VAEConfig(latent_dim=2)), digits)
    with pytest.raises(ValueError, match="input_dim 784"):
        Latents(VAE(VAEConfig(input_dim=64)), digits)
    with pytest.raises(ValueError, match="uint8"):
        Latents(model, Digits(to_unit(digits.images), digits.labels))
    with pytest.raises(ValueError, match="at least one digit"):
        Latents(model, digits, n_examples=0)
    with pytest.raises(traitlets.TraitError, match="20 finite numbers"):
        Latents(model, digits, z=(0.0, 0.0))


def test_making_one_leaves_the_model_as_it_was(model, digits):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    Latents(model, digits)
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) and after[name].dtype == torch.float32 for name in before)
