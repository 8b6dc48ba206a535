import base64
import json
import re

import matplotlib as mpl
import numpy as np
import pytest
import torch
import traitlets

from vae_course import zoo
from vae_course.checks import make_generator
from vae_course.configs import VAEConfig
from vae_course.data import to_unit
from vae_course.explore import BetaExplorer
from vae_course.explore.beta_explorer_data import (
    N_SAMPLES,
    STORED_DRAWS,
    TRAVERSED,
    BetaModel,
    balance_units,
    describe,
    make_beta_model,
    prior_draws,
    store_pictures,
)
from vae_course.explore.packing import pack_matrix, pack_narrow, unpack_matrix, widen
from vae_course.models import VAE
from vae_course.types import Digits

GREY = 1 / 255
FAMILIES = [(dim, beta) for dim in (2, 10) for beta in zoo.BETAS]


@pytest.fixture(scope="module")
def explorer(digits):
    return BetaExplorer(digits, name="test")


@pytest.fixture(scope="module")
def page(explorer):
    set_state(explorer, beta=1.0, latent_dim=10, seed=0)
    return explorer.to_html()


def payload_of(page):
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)[1])["payload"]


def set_state(explorer, **state):
    for name, value in state.items():
        setattr(explorer, name, value)


# ---- 12 bits


def test_narrow_matrix_comes_back_to_half_a_step_of_each_row():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(7, 51)) * 10.0 ** np.arange(-3, 4)[:, None]
    matrix[3] = 0
    packed = pack_narrow(matrix)
    step = np.abs(matrix).max(axis=1, keepdims=True) / 2047
    assert (np.abs(unpack_matrix(widen(packed)) - matrix) <= 0.501 * step).all()
    assert len(base64.b64decode(packed["values"])) == 3 * (7 * 51 + 1) / 2


def test_narrow_matrix_holds_both_ends_exactly():
    matrix = np.array([[2047, -2047, 0, 1, -1, 1023.0]])
    assert (unpack_matrix(widen(pack_narrow(matrix))) == matrix).all()


@pytest.mark.parametrize("bad", [np.ones(3), np.ones((0, 2)), [[1, np.nan]], [[np.inf, 1]]])
def test_narrow_matrix_that_cannot_be_packed_is_refused(bad):
    with pytest.raises(ValueError, match="matrix"):
        pack_narrow(bad)


def test_balanced_units_decode_the_same_and_weigh_the_same():
    model = VAE(VAEConfig(latent_dim=3, hidden_dims=(30, 20)), generator=make_generator(3))
    with torch.no_grad():
        model.output.weight *= torch.logspace(-2, 2, model.output.weight.shape[1])
        model.output.weight[:, 4] = 0
    before = model.output.weight.clone()
    balanced = balance_units(model)
    z = torch.randn(50, 3, generator=make_generator(0), dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(balanced.decode(z), model.double().decode(z), rtol=1e-9, atol=1e-12)
    sizes = balanced.output.weight.square().mean(dim=0).sqrt()
    torch.testing.assert_close(sizes, (torch.arange(len(sizes)) != 4).double())
    assert torch.equal(model.output.weight.float(), before), "the model itself must stay"


@pytest.mark.parametrize("beta", zoo.BETAS)
def test_twelve_bits_decode_as_pytorch_does(explorer, beta):
    model = zoo.load(f"vae-beta{beta}-10d-s0")
    z = torch.randn(2000, 10, generator=make_generator(0))
    for spread, most, usual in ((1, 3, 1), (2, 7, 2)):
        with torch.no_grad():
            wanted = model.decode(spread * z).numpy()
        off = np.abs(explorer._models[10, float(beta)].decode(spread * z.double().numpy()) - wanted) / GREY
        assert off.max() < most
        assert np.quantile(off, 0.9999) < usual, "all but one pixel in ten thousand"
        assert np.sqrt((off**2).mean()) < 0.2


# ---- the numbers


@pytest.mark.parametrize(("dim", "beta"), [(2, 0), (2, 1), (10, 0.1), (10, 4)])
def test_kl_order_and_scatter_are_the_model_s(explorer, digits, dim, beta):
    set_state(explorer, beta=float(beta), latent_dim=dim)
    model = zoo.load(f"vae-beta{beta}-{dim}d-s0").double()
    with torch.no_grad():
        posterior = model.encode(to_unit(digits.images).double())
    mu, logvar = posterior.mu.numpy(), posterior.logvar.numpy()
    kl = (0.5 * (mu**2 + np.exp(logvar) - 1 - logvar)).mean(axis=0)
    shown = explorer.shown
    np.testing.assert_allclose(shown.kl, kl, atol=6e-4)
    assert shown.order == np.argsort(-kl, kind="stable").tolist()
    assert shown.active == (mu.var(axis=0) > 0.01).tolist()
    # Each point of the scatter is the mean of a digit of its class over the two latents.
    for point, label in list(zip(shown.mu, explorer._labels, strict=True))[::40]:
        near = np.abs(mu[:, shown.order[:2]] - point).max(axis=1)
        assert near.min() < 2e-3 and digits.labels[near.argmin()] == label
    assert np.abs(shown.mu).max() < shown.entry["limit"]


def test_the_curve_is_the_cards_(explorer):
    for dim in (2, 10):
        set_state(explorer, latent_dim=dim, beta=1.0)
        held_out = [zoo.card(f"vae-beta{beta}-{dim}d-s0")["held_out"] for beta in zoo.BETAS]
        assert explorer.curve == [
            (float(beta), each["kl"], each["nll"]) for beta, each in zip(zoo.BETAS, held_out, strict=True)
        ]


def test_at_ten_latents_a_large_beta_switches_latents_off(explorer):
    active = {}
    for beta in (1.0, 16.0):
        set_state(explorer, latent_dim=10, beta=beta)
        active[beta] = sum(explorer.shown.active)
    assert active[16.0] < active[1.0]
    rows = explorer.shown.traversals().reshape(10, len(TRAVERSED), 784)
    change = np.abs(rows[:, -1] - rows[:, 0]).max(axis=1)
    on = np.array([explorer.shown.active[j] for j in explorer.shown.order])
    assert change[on].min() > change[~on].max(), "a latent that is off changes the picture less than any that is on"


def test_draws_are_standard_normal_and_the_same_for_every_beta(explorer):
    draws = np.concatenate([prior_draws(seed, 10) for seed in range(300)])
    assert abs(draws.mean()) < 4 / np.sqrt(draws.size)
    assert abs(draws.var() - 1) < 4 * np.sqrt(2 / draws.size)
    assert prior_draws(3, 10).shape == (N_SAMPLES, 10)
    for beta in (0.1, 4.0):
        set_state(explorer, latent_dim=10, beta=beta, seed=3)
        np.testing.assert_array_equal(explorer.samples, explorer.shown.decode(prior_draws(3, 10)))


# ---- the page


def test_python_and_page_agree_on_live_pictures(explorer, page, ask_node):
    states = [{"beta": beta, "latent_dim": 10, "seed": seed} for beta, seed in ((0.0, 7), (1.0, 0), (16.0, 12345))]
    for state, answer in zip(
        states, ask_node("ask_betas.mjs", {"payload": payload_of(page), "states": states}), strict=True
    ):
        set_state(explorer, **state)
        np.testing.assert_allclose(answer["samples"], explorer.samples, atol=2e-5)
        np.testing.assert_allclose(answer["reconstructions"], explorer.shown.reconstructions(), atol=2e-5)
        np.testing.assert_allclose(answer["traversals"], explorer.shown.traversals(), atol=2e-5)
        np.testing.assert_allclose(np.transpose(answer["mu"]), explorer.shown.mu, atol=1e-5)
        assert answer["summary"] == explorer.summary()


def test_stored_pictures_are_the_model_s_to_half_a_grey_of_sixteen(explorer, page, ask_node):
    states = [{"beta": beta, "latent_dim": 2, "seed": seed} for beta, seed in ((0.1, 1), (2.0, 0), (16.0, 7))]
    for state, answer in zip(
        states, ask_node("ask_betas.mjs", {"payload": payload_of(page), "states": states}), strict=True
    ):
        set_state(explorer, **state)
        model = zoo.load(f"vae-beta{state['beta']:g}-2d-s0")
        with torch.no_grad():
            wanted = model.decode(torch.from_numpy(prior_draws(state["seed"] % STORED_DRAWS, 2)).float()).numpy()
        half = 0.5 / 15 + 7 * GREY  # and what 12 bits lose
        assert np.abs(np.array(answer["samples"]) - wanted).max() < half
        assert np.abs(np.array(answer["samples"]) - explorer.samples).max() < 0.5 / 15 + 1.1 * GREY
        assert np.abs(np.array(answer["reconstructions"]) - explorer.shown.reconstructions()).max() < half
        assert np.abs(np.array(answer["traversals"]) - explorer.shown.traversals()).max() < half
        assert answer["summary"] == explorer.summary()


def test_all_states_say_the_same_in_page_and_python(explorer, page, ask_node):
    states = [{"beta": float(beta), "latent_dim": dim, "seed": 0} for dim, beta in FAMILIES]
    answers = ask_node("ask_betas.mjs", {"payload": payload_of(page), "states": states, "words": True})
    for state, answer in zip(states, answers, strict=True):
        set_state(explorer, **state)
        assert answer["summary"] == explorer.summary()


def test_a_number_in_the_middle_is_rounded_as_the_page_rounds_it():
    entry = {"order": [0], "kl": [0.125], "active": [True], "rate": 12.25, "distortion": 96.05}
    model = BetaModel(np.empty((0, 2)), np.empty((0, 1)), layers=[], entry=entry, **entry)
    said = "rate 12.3 nats, distortion 96.0 nats an image. The largest KL is that of z1, 0.13 nats."
    assert describe(1.0, model) == f"β = 1, 1 latents, 1 active. Held out: {said}"
    # The page's own answer to the same is in beta_explorer.test.mjs.


def test_html_is_the_same_each_time_and_with_another_thread_count(digits, page):
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1 if threads > 1 else 2)
        again = BetaExplorer(digits, name="test").to_html()
    finally:
        torch.set_num_threads(threads)
    assert again == page


def test_html_is_light_and_needs_nothing_else(page):
    assert len(page) < 1_150_000
    assert not re.search(r"https?://|@import|url\(", page)
    assert not re.search(r"<[^>]+ on\w+=", page)


def test_the_page_does_not_depend_on_the_session_s_figure_settings(digits, page):
    with mpl.rc_context({"font.size": 30, "figure.facecolor": "pink", "axes.grid": True}):
        assert BetaExplorer(digits, name="test").to_html() == page


@pytest.mark.parametrize(("dim", "beta"), [(10, 16.0), (2, 0.0)])
def test_picture_shows_every_latent_and_the_present_beta(explorer, dim, beta):
    set_state(explorer, latent_dim=dim, beta=beta, seed=0)
    scatter, curve, latents, _ = explorer.picture().axes
    names = [label.get_text() for label in latents.get_yticklabels()]
    assert [int(re.search(r"z_\{(\d+)\}", name)[1]) - 1 for name in names] == explorer.shown.order
    assert f"β = {beta:g}, {dim} latents" in scatter.get_title(loc="left")
    marked = next((rate, distortion) for each, rate, distortion in explorer.curve if each == beta)
    assert tuple(float(value[0]) for value in curve.lines[-1].get_data()) == marked


def test_deep_models_work_too(digits):
    model = VAE(VAEConfig(latent_dim=3, hidden_dims=(30, 20)), generator=make_generator(3))
    rows = np.arange(0, 5000, 500)
    made = make_beta_model(model, {"kl": 1.0, "nll": 2.0}, digits, points=rows, examples=rows)
    z = np.random.default_rng(0).normal(size=(20, 3))
    with torch.no_grad():
        wanted = model.decode(torch.from_numpy(z).float()).numpy()
    np.testing.assert_allclose(made.decode(z), wanted, atol=GREY)
    assert "layers" not in store_pictures(made) and "layers" in made.entry


# ---- traits and errors


def test_traits_refuse_what_is_not_there(explorer):
    set_state(explorer, beta=1.0, latent_dim=10, seed=0)
    for name, value in (("beta", 3.0), ("beta", "1"), ("latent_dim", 20), ("seed", -1), ("seed", 2**31)):
        with pytest.raises(traitlets.TraitError, match=name):
            setattr(explorer, name, value)
    assert (explorer.beta, explorer.latent_dim, explorer.seed) == (1.0, 10, 0)


def test_digits_that_cannot_be_shown_are_refused(digits):
    with pytest.raises(ValueError, match="uint8"):
        BetaExplorer(Digits(to_unit(digits.images), digits.labels))
    for rows in (range(9), [*range(9), 5000], [*range(9), -1]):
        with pytest.raises(ValueError, match="ten rows of the 5000 digits"):
            BetaExplorer(digits, rows=rows)
    with pytest.raises(ValueError, match="n_points must be at least 10"):
        BetaExplorer(digits, n_points=5)


def test_wide_and_narrow_hold_the_same_shape():
    matrix = np.random.default_rng(1).normal(size=(4, 6))
    assert widen(pack_narrow(matrix)).keys() == pack_matrix(matrix).keys()
