"""The scrubbed training: what the page unpacks against the stored runs, its words against Python's, its refusals."""

import json
import re

import numpy as np
import pytest
import torch
import traitlets

from vae_course import runs
from vae_course.checks import make_generator
from vae_course.data import load_digits
from vae_course.exercises import reference
from vae_course.explore import TrainingScrubber
from vae_course.explore.training_scrubber_data import (
    LIMITS,
    N_STRETCHES,
    PHASES,
    locate,
    nearest_snapshot,
    pack_positions,
    place,
    round_limit,
    thin,
    unpack_positions,
)
from vae_course.objectives import kl_per_latent
from vae_course.runs import TrainingRun
from vae_course.types import History

KEYS = ("2d", "8d")


@pytest.fixture(scope="module")
def stored():
    return {key: runs.load(f"vae-{key}") for key in KEYS}


@pytest.fixture(scope="module")
def make_explorer(stored):
    return lambda **state: TrainingScrubber(*stored.values(), **state)


@pytest.fixture(scope="module")
def explorer(make_explorer):
    return make_explorer(name="test")


@pytest.fixture(scope="module")
def page(explorer):
    return explorer.to_html()


@pytest.fixture(scope="module")
def ask(page, ask_node):
    payload = json.loads(re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)[1])["payload"]
    return lambda **question: ask_node("ask_training.mjs", {"payload": payload, **question})


@pytest.fixture(scope="module")
def told(ask):
    """All that the page unpacks."""
    return ask(full=True, steps=list(range(8601)))


def small_run(latent_dim, steps=(0, 4, 20), *, n_digits=30, kl=None):
    """A made-up run whose KL has the wanted history, or rises and falls once."""
    generator = make_generator(latent_dim)
    n_steps = steps[-1]
    shares = torch.rand(n_steps, latent_dim, generator=generator) + 0.1
    total = torch.linspace(0, 5, n_steps) if kl is None else torch.as_tensor(kl)
    parts = total[:, None] * shares / shares.sum(dim=1, keepdim=True)
    rows = torch.arange(n_digits)
    return TrainingRun(
        f"small-{latent_dim}",
        History(200 - torch.arange(n_steps) + 0.5, parts.sum(dim=1), parts, 10),
        steps=torch.tensor(steps),
        mu=torch.randn(len(steps), n_digits, latent_dim, generator=generator),
        logvar=torch.full((len(steps), n_digits, latent_dim), -1.0),
        labels=rows % 10,
        rows=rows,
        x_mean=torch.randint(0, 256, (len(steps), 2, 784), generator=generator).to(torch.uint8),
        decoded=torch.tensor([3, 7]),
    )


# ---- what the page holds is the run


@pytest.mark.parametrize("key", KEYS)
def test_positions_are_the_run_s_to_a_five_hundredth_of_their_range(told, stored, explorer, key):
    mu = stored[key].mu.numpy().astype(np.float64).transpose(0, 2, 1)  # (snapshots, latents, digits)
    shown = np.array(told["runs"][key]["positions"])
    error = np.abs(shown - mu).max(axis=2) / np.ptp(mu, axis=2)
    assert error.max() < 1 / 500, error.max()
    assert error.max() > 1 / 520, "half a step of 255 is met somewhere"
    explorer.run = key
    np.testing.assert_allclose(shown.transpose(0, 2, 1), unpack_positions(explorer.packed["positions"]), atol=1e-12)


def test_points_in_one_place_stay_there():
    mu = np.full((2, 5, 3), 0.7)
    np.testing.assert_allclose(unpack_positions(pack_positions(mu)), mu, atol=1e-4)


@pytest.mark.parametrize("key", KEYS)
def test_reconstructions_are_the_run_s_to_half_a_grey(told, stored, key):
    wanted = stored[key].x_mean.numpy() / 255
    shown = np.reshape(told["runs"][key]["pictures"], wanted.shape)
    assert np.abs(shown - wanted).max() <= 1 / 30 + 1e-6  # 16 greys
    assert len(np.unique(np.rint(15 * shown))) == 16
    assert np.abs(np.diff(wanted, axis=0)).max() > 0.3, "a picture that never changes would hide a wrong sum"


def test_originals_and_labels_are_the_digits(told, stored, explorer):
    digits = load_digits()
    run = stored["8d"]
    assert told["labels"] == run.labels.tolist() == digits.labels[run.rows].tolist()
    wanted = digits.images[explorer.rows].numpy() / 255
    np.testing.assert_allclose(np.reshape(told["originals"], (10, 784)), wanted, atol=1e-6)
    assert digits.labels[explorer.rows].tolist() == list(range(10))


@pytest.mark.parametrize("key", KEYS)
def test_terms_are_those_of_the_snapshot_s_batch(told, stored, key):
    run, history = told["runs"][key], stored[key].history
    n = len(history.nll)
    at = [min(step, n - 1) for step in stored[key].steps.tolist()]
    assert at[-1] == n - 1 == at[-2] + 1367, "the trained model has no batch of its own: the last one stands in"
    np.testing.assert_allclose(run["nll"], history.nll[at], atol=0.051)
    np.testing.assert_allclose(run["kl"], history.kl[at], atol=0.0051)
    np.testing.assert_allclose(run["klPerLatent"], history.kl_per_latent[at], atol=0.0051)
    np.testing.assert_allclose(np.sum(run["klPerLatent"], axis=1), run["kl"], atol=0.005 * (1 + int(key[0])) + 1e-6)


# ---- the curves


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("name", ["nll", "kl"])
def test_thinned_curves_hide_no_extreme_and_keep_the_mean(told, stored, key, name):
    values = getattr(stored[key].history, name).numpy().astype(np.float64)
    run = told["runs"][key]
    mean, low, high = np.array(run["curves"][name])
    start = run["start"]
    step = 1.01 * values.max() / 32767  # of the packing, at most half of it
    assert len(start) <= N_STRETCHES < 500
    assert start[:20] == list(range(20)), "the first steps are shown one by one"
    for i, (begin, end) in enumerate(zip(start, [*start[1:], len(values)], strict=True)):
        part = values[begin:end]
        np.testing.assert_allclose([mean[i], low[i], high[i]], [part.mean(), part.min(), part.max()], atol=step)
        assert end - begin < max(2, 0.06 * end), "a stretch is short on a logarithmic axis"
    assert abs(low.min() - values.min()) < step and abs(high.max() - values.max()) < step


@pytest.mark.parametrize("n_steps", [1, 2, 7, 399, 5000])
def test_every_step_is_in_one_stretch(n_steps):
    values = np.random.default_rng(n_steps).normal(size=n_steps)
    thinned = thin(values)
    counts = np.diff([*thinned.start, n_steps])
    assert thinned.start[0] == 0 and counts.min() >= 1 and len(counts) <= N_STRETCHES
    assert float(counts @ thinned.mean) == pytest.approx(values.sum())
    assert (thinned.low <= thinned.mean + 1e-12).all() and (thinned.mean <= thinned.high + 1e-12).all()


# ---- the axis and the phases


@pytest.mark.parametrize("key", KEYS)
def test_the_axis_has_a_snapshot_at_every_whole_number(told, stored, key):
    steps = stored[key].steps.tolist()
    places = np.array(told["runs"][key]["places"])
    np.testing.assert_allclose(places, place(steps, np.arange(8601)), atol=1e-12)
    np.testing.assert_allclose(places[steps], np.arange(len(steps)), atol=1e-12)
    assert (np.diff(places) > 0).all()
    middle = np.log1p(50), np.log1p([48, 57])
    assert places[50] == pytest.approx(19 + (middle[0] - middle[1][0]) / (middle[1][1] - middle[1][0]))
    nearest = told["runs"][key]["nearest"]
    assert nearest == [nearest_snapshot(steps, step) for step in range(8601)]
    assert [steps[nearest[step]] for step in (0, 7, 18, 73, 75, 115, 8600)] == [0, 7, 17, 67, 80, 113, 8600]


@pytest.mark.parametrize("key", KEYS)
def test_phases_are_the_exercise_s_and_the_deepest_fall(make_explorer, stored, key):
    explorer = make_explorer(run=key)
    kl = stored[key].history.kl
    assert explorer.phases == dict(reference("locate_phases")(kl))
    assert list(explorer.phases) == list(PHASES)
    lowest_later = np.minimum.accumulate(kl.numpy()[::-1])[::-1]
    fall = (kl.numpy() - lowest_later).max()
    assert float(kl[explorer.phases["spike"]] - kl[explorer.phases["trough"]]) == pytest.approx(float(fall))


def test_the_page_has_the_phases_in_their_order(told, stored):
    for key in KEYS:
        steps, phases = stored[key].steps.tolist(), told["runs"][key]["phases"]
        assert [phase["name"] for phase in phases] == list(PHASES)
        assert [phase["step"] for phase in phases] == sorted(phase["step"] for phase in phases)
        assert [phase["snapshot"] for phase in phases] == [nearest_snapshot(steps, p["step"]) for p in phases]


def test_a_kl_that_never_rises_again_has_no_phases(ask_node):
    falling = torch.linspace(9, 1, 20)
    assert locate(falling) == {}
    explorer = TrainingScrubber(small_run(2, kl=falling), small_run(3), step=4)
    assert explorer.where() == "with no phases to be found"
    question = {"payload": explorer.payload, "said": [{"run": "2d", "step": 4, "latents": [0, 1]}]}
    assert ask_node("ask_training.mjs", question)["said"] == [explorer.summary()]


# ---- words


@pytest.mark.parametrize("key", KEYS)
def test_every_summary_is_the_page_s(ask, make_explorer, stored, key):
    explorer = make_explorer(run=key)
    said, states = [], []
    for i, step in enumerate(stored[key].steps.tolist()):
        explorer.step = step
        if key == "8d":
            explorer.latents = [i % 8, (i + 3) % 8]
        states.append({"run": key, "step": step, "latents": list(explorer.latents)})
        said.append(explorer.summary())
    assert ask(said=states)["said"] == said
    assert len(set(said)) == len(said)


def test_summary_says_when_where_and_how_much(make_explorer, stored):
    explorer = make_explorer(run="8d", step=0)
    nll, kl = stored["8d"].history.nll, stored["8d"].history.kl
    assert explorer.summary().startswith("8 latents, before the first step, before the spike.")
    assert f"NLL {float(nll[0]):.1f}, KL {float(kl[0]):.2f} (z1 " in explorer.summary()
    found = []
    for step in (18, 40, 73, 75, 95, 115, 1000, 8600):
        explorer.step = step
        found.append(explorer.where())
    assert found == [
        "at the spike",
        "between the spike and the trough",
        "at the trough",
        "at the sharp rise",
        "between the sharp rise and the slow rise",
        "at the slow rise",
        "in the slow rise",
        "in the slow rise",
    ]
    assert "after the last of 8,600 steps" in explorer.summary()
    explorer.run, explorer.step = "2d", 880
    assert explorer.where() == "at the trough and the sharp rise and the slow rise"


# ---- state


def test_it_opens_at_the_last_snapshot_on_the_two_latents_with_the_largest_kl(make_explorer, stored):
    explorer = make_explorer(run=1)
    run = stored["8d"]
    kl = kl_per_latent(run.mu[-1].double(), run.logvar[-1].double()).mean(dim=0).numpy()
    assert (explorer.run, explorer.step, explorer.axes, explorer.playing) == ("8d", 8600, "same", False)
    assert explorer.latents == sorted(np.argsort(-kl)[:2].tolist())
    np.testing.assert_allclose(explorer.packed["digit_kl"], kl, atol=0.0051)
    assert explorer.training is run
    assert make_explorer().run == "2d"


def test_a_step_between_two_snapshots_becomes_the_nearer_one(make_explorer):
    explorer = make_explorer(step=73)
    assert (explorer.step, explorer.snapshot) == (67, 21)
    explorer.step = 75
    assert (explorer.step, explorer.snapshot) == (80, 22)


def test_a_change_of_run_keeps_the_step_and_takes_its_own_latents(make_explorer):
    explorer = make_explorer(run="8d", step=200, latents=(7, 1))
    assert (explorer.step, explorer.latents) == (190, [7, 1])
    explorer.run = "2d"
    assert (explorer.step, explorer.latents) == (190, [0, 1])
    explorer.set_state({"latents": [4, 6], "step": 24, "run": "8d"})  # as from the page
    assert (explorer.run, explorer.step) == ("8d", 24)
    explorer.latents = (4, 6)
    assert explorer.latents == [4, 6]


def test_the_same_axes_hold_nearly_all_and_round_limits_hold_what_they_must(explorer, stored):
    for key in KEYS:
        explorer.run = key
        share = (stored[key].mu.abs() <= explorer.packed["limit"]).double().mean()
        assert 0.99 <= share < 1
    assert [round_limit(reach) for reach in (0, 0.25, 0.26, 3.9, 999)] == [0.25, 0.25, 0.5, 4.0, LIMITS[-1]]


def test_what_is_not_there_is_refused(make_explorer, stored):
    explorer = make_explorer(run="2d")
    for name, value, message in [
        ("run", "3d", "'2d' or '8d'"),
        ("run", 2, "an index"),
        ("run", -1, "an index"),
        ("step", 8601, "between 0 and 8600"),
        ("step", -1, "between 0 and 8600"),
        ("latents", [0, 0], "two different ones from 0 to 1"),
        ("latents", [0, 2], "two different ones from 0 to 1"),
        ("latents", [0], "two different ones"),
        ("axes", "log", "fitted"),
    ]:
        with pytest.raises(traitlets.TraitError, match=message):
            setattr(explorer, name, value)
    assert (explorer.run, explorer.step, explorer.latents) == ("2d", 8600, [0, 1])
    with pytest.raises(ValueError, match="differ in their number of latents, both have 2"):
        TrainingScrubber(stored["2d"], stored["2d"])
    with pytest.raises(ValueError, match="the same digits, but differ in rows"):
        TrainingScrubber(stored["2d"], stored["8d"]._replace(rows=stored["8d"].rows + 1))
    with pytest.raises(ValueError, match="differ in decoded"):
        TrainingScrubber(stored["2d"], stored["8d"]._replace(decoded=stored["8d"].decoded + 1))
    with pytest.raises(ValueError, match="1 latent; the map needs two"):
        TrainingScrubber(small_run(1), small_run(2))
    with pytest.raises(TypeError, match=r"what runs.load\(\) gives, got str"):
        TrainingScrubber("vae-2d", stored["8d"])


def test_other_runs_work_too(ask_node):
    pair = small_run(3, (0, 5, 9, 40)), small_run(12, (0, 1, 30))
    explorer = TrainingScrubber(*pair, run="12d", step=0, latents=(11, 2))
    answer = ask_node("ask_training.mjs", {"payload": json.loads(json.dumps(explorer.payload)), "full": True})
    for key, run in zip(("3d", "12d"), pair, strict=True):
        mu = run.mu.numpy().transpose(0, 2, 1)
        error = np.abs(np.array(answer["runs"][key]["positions"]) - mu).max(axis=2)
        assert (error < np.ptp(mu, axis=2) / 500).all()
        shown = np.reshape(answer["runs"][key]["pictures"], run.x_mean.shape)
        assert np.abs(shown - run.x_mean.numpy() / 255).max() < 1 / 30 + 1e-6
    assert "The map shows z12 and z3." in explorer.summary()
    assert explorer.to_html().count("explore-error") > 0  # the script's own, so the figure is whole


# ---- the page


def test_html_is_light_needs_nothing_else_and_is_the_same_each_time(explorer, make_explorer, page):
    assert len(json.dumps(explorer.payload)) < 700_000
    assert len(page) < 900_000
    assert not re.search(r"https?://|@import|url\(", page)
    assert not re.search(r"<[^>]+ on\w+=", page)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1 if threads > 1 else 2)
        again = make_explorer(name="test").to_html()
    finally:
        torch.set_num_threads(threads)
    assert again == page


def test_picture_shows_the_snapshot(make_explorer, stored):
    explorer = make_explorer(run="8d", step=115, latents=(5, 0))
    run, axes = stored["8d"], {}
    for ax in explorer.picture().axes:
        axes[ax.get_title(loc="left") or ax.get_title() or ax.get_xlabel()] = ax
    kl = axes["KL, nats per image"]
    dot = next(line for line in kl.lines if line.get_marker() == "o")
    assert dot.get_xdata() == [explorer.snapshot]
    assert dot.get_ydata() == pytest.approx([float(run.history.kl[113])])
    assert kl.get_xlabel() == "step; dotted: spike 18, trough 73, sharp rise 75, slow rise 115"
    np.testing.assert_allclose(
        [bar.get_height() for bar in axes["KL of each latent, nats"].patches],
        run.history.kl_per_latent[113],
        atol=0.0051,
    )
    points = axes["$z_{6}$"].collections[0].get_offsets()
    np.testing.assert_allclose(points, run.mu[explorer.snapshot][:, [5, 0]], atol=1e-6)
    sheet = axes["digits over their reconstructions"].images[0].get_array()
    np.testing.assert_array_equal(sheet[30:58, :28].ravel(), run.x_mean[explorer.snapshot, 0])
    explorer.axes = "fitted"
    fitted = next(ax for ax in explorer.picture().axes if ax.get_xlabel() == "$z_{6}$")
    reach = float(run.mu[explorer.snapshot][:, [5, 0]].abs().max())
    assert reach <= fitted.get_xlim()[1] == round_limit(reach)
