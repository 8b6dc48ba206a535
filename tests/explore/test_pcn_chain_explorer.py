"""The live chain: the page's arithmetic against PyTorch, its samplers against brute force, its words against Python's.

`exact` is a posterior of its own: a plain grid in PyTorch on the trained model's own weights, with none of the
explorer's code. The same judge must pass the page's samplers and fail every broken one.
"""

import copy
import itertools
import json
import math
import re
from typing import NamedTuple

import numpy as np
import pytest
import torch
import traitlets

from vae_course import zoo
from vae_course.checks import make_generator
from vae_course.configs import VAEConfig
from vae_course.data import to_unit
from vae_course.explore import PcnChain
from vae_course.explore.pcn_chain import EXAMPLES, MOST_STEPS, SPEEDS
from vae_course.explore.pcn_chain_data import BINS, HIDDEN, LIMIT, visible_pixels
from vae_course.models import VAE
from vae_course.sampling import effective_sample_size, pcn, random_walk, run, targets
from vae_course.types import Digits

SE = 4.5  # standard errors that a right sampler may be off
BURN_IN = 200


@pytest.fixture(scope="module")
def explorer(model, digits):
    return PcnChain(model, digits, name="test")


@pytest.fixture(scope="module")
def page(explorer):
    return explorer.to_html()


@pytest.fixture(scope="module")
def ask(page, ask_node):
    payload = json.loads(re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)[1])["payload"]
    return lambda **question: ask_node("ask_pcn_chain.mjs", {"payload": payload, **question})


@pytest.fixture(scope="module")
def likelihood(model, digits):
    """The log-likelihood of an example by the trained model itself, in float64."""
    exact = copy.deepcopy(model).double()

    def likelihood(digit, hidden):
        x = to_unit(digits.images[EXAMPLES[digit]]).double()
        return targets.hidden_pixels(exact, x, torch.from_numpy(visible_pixels(hidden)))

    return likelihood


# ---- what is computed of one z


def test_masks_hide_what_they_say():
    image = {name: visible_pixels(name).reshape(28, 28) for name in HIDDEN}
    assert {name: int(mask.sum()) for name, mask in image.items()} == {
        "nothing": 784,
        "left half": 392,
        "right half": 392,
        "upper half": 392,
        "lower half": 392,
        "everything": 0,
    }
    assert image["left half"][5, 14] and not image["left half"][5, 13]
    assert image["upper half"][14, 5] and not image["upper half"][13, 5]
    assert (image["left half"] ^ image["right half"]).all() and (image["upper half"] ^ image["lower half"]).all()


def test_log_likelihood_is_pytorch_s(ask, explorer, likelihood, model, digits):
    z = np.random.default_rng(0).normal(scale=1.5, size=(200, 2))
    cases = list(itertools.product(range(10), HIDDEN))[::3]
    points = [{"digit": digit, "hidden": hidden, "z": z.tolist()} for digit, hidden in cases]
    values = np.array(ask(points=points)["values"])
    worst = 0.0  # nats
    with torch.no_grad():
        for (digit, hidden), value in zip(cases, values, strict=True):
            wanted = likelihood(digit, hidden)(torch.from_numpy(z)).numpy()
            worst = max(worst, np.abs(value - wanted).max())
            explorer.digit, explorer.hidden = digit, hidden
            # The packed weights in float64: nothing but rounding is left.
            np.testing.assert_allclose(value, explorer.log_likelihood(torch.from_numpy(z)).numpy(), atol=1e-9)
    # Two bytes a weight: of some hundred nats, and far from those of float32's own.
    assert worst < 0.05, worst
    assert np.ptp(values[0]) > 50


# ---- the exact posterior


class Exact(NamedTuple):
    """A posterior by brute force. z: (n, 2) points; mass: (n,), sums to 1."""

    z: np.ndarray
    mass: np.ndarray

    @property
    def mean(self):
        return self.mass @ self.z

    @property
    def sd(self):
        return np.sqrt(self.mass @ (self.z - self.mean) ** 2)


@pytest.fixture(scope="module")
def exact(likelihood):
    """p(z | x) on 121 x 121 points around where a coarse look finds all but e^-50 of it, by the trained model."""
    found = {}

    def look(value, *axes):
        z = torch.cartesian_prod(*axes)
        with torch.no_grad():
            return z, torch.cat([value(block) - 0.5 * (block**2).sum(dim=1) for block in z.split(2000)])

    def exact(digit, hidden):
        if (digit, hidden) not in found:
            value = likelihood(digit, hidden)
            coarse, height = look(value, *[torch.linspace(-LIMIT, LIMIT, 81, dtype=torch.float64)] * 2)
            near = coarse[height > height.max() - 50]
            low, high = near.min(dim=0).values - 0.12, near.max(dim=0).values + 0.12
            z, height = look(
                value, *(torch.linspace(*ends, 121, dtype=torch.float64) for ends in zip(low, high, strict=True))
            )
            found[digit, hidden] = Exact(z.numpy(), torch.softmax(height, 0).numpy())
        return found[digit, hidden]

    return exact


CASES = [(2, "nothing"), (3, "lower half"), (6, "upper half"), (4, "everything")]


@pytest.mark.parametrize(("digit", "hidden"), CASES)
def test_grid_is_normalised_and_pytorch_s(ask, explorer, exact, digit, hidden):
    grid = ask(grids=[{"digit": digit, "hidden": hidden}])["grids"][0]
    explorer.digit, explorer.hidden = digit, hidden
    mine = explorer.grid
    np.testing.assert_allclose([grid["low"], grid["high"]], [mine.low, mine.high], atol=1e-12)
    np.testing.assert_allclose(np.reshape(grid["mass"], (64, 64)), mine.mass, atol=1e-12)
    np.testing.assert_allclose(np.reshape(grid["bins"], (BINS, BINS)), mine.bins, atol=1e-12)
    assert sum(grid["mass"]) == pytest.approx(1, abs=1e-12)
    wanted = exact(digit, hidden)
    share = (wanted.z - mine.low) / (mine.high - mine.low)
    inside = ((share >= 0) & (share < 1)).all(axis=1)
    assert wanted.mass[~inside].sum() < 1e-4
    mean = np.einsum("ijk,ij->k", mine.centres, mine.mass)
    sd = np.sqrt(np.einsum("ijk,ij->k", (mine.centres - mean) ** 2, mine.mass))
    np.testing.assert_allclose(mean, wanted.mean, atol=0.01 * wanted.sd.max())
    np.testing.assert_allclose(sd, wanted.sd, rtol=0.01)


def test_with_everything_hidden_the_posterior_is_the_prior(explorer):
    explorer.hidden = "everything"
    x, y = explorer.grid.centres[..., 0], explorer.grid.centres[..., 1]
    prior = np.exp(-(x**2 + y**2) / 2)
    np.testing.assert_allclose(explorer.grid.mass, prior / prior.sum(), atol=1e-12)


def test_one_image_has_two_separate_modes(explorer):
    explorer.digit, explorer.hidden = 6, "upper half"
    by_first = explorer.grid.mass.sum(axis=1)
    valley = by_first[15:45].min()
    assert by_first[:30].max() > 20 * valley and by_first[30:].max() > 20 * valley
    assert 0.1 < by_first[: 15 + by_first[15:45].argmin()].sum() < 0.9


# ---- the samplers


def judge(z, posterior, grid):
    """How far a chain, (n, 2), is from the posterior, over what its effective size allows: below 1 is right.

    Means and second moments in standard errors, and the total variation in bins against that of as many independent
    draws as the chain is worth (the 99.9 % of 2,000 multinomial draws).
    """
    z = np.asarray(z[BURN_IN:], dtype=np.float64)
    if (np.ptp(z, axis=0) == 0).any():
        return math.inf  # it never moved
    parts = np.concatenate([z, z**2], axis=1)
    wanted = posterior.mass @ np.concatenate([posterior.z, posterior.z**2], axis=1)
    sd = np.sqrt(posterior.mass @ (np.concatenate([posterior.z, posterior.z**2], axis=1) - wanted) ** 2)
    size = effective_sample_size(torch.from_numpy(parts)[:, None], rank_normalised=False).numpy()
    errors = np.abs(parts.mean(axis=0) - wanted) / (sd / np.sqrt(size)) / SE
    n = max(8, int(size.min()))
    mass = grid.bins.ravel()
    draws = np.random.default_rng(1).multinomial(n, mass / mass.sum(), size=2000) / n
    allowed = np.quantile(0.5 * np.abs(draws - mass).sum(axis=1), 0.999)
    return max(errors.max(), grid.total_variation(z) / allowed)


MODES = [(2, "nothing"), (9, "nothing"), (3, "right half"), (1, "upper half")]
SAMPLERS = ["pcn", "random_walk"]


@pytest.fixture(scope="module")
def asked(exact):
    """What is asked of a chain that starts at the posterior's mean."""

    def asked(digit, hidden, sampler, seed, n_steps=5000):
        start = np.round(exact(digit, hidden).mean, 2).tolist()
        step = 1 if hidden == "everything" else 0.15
        how = {"sampler": sampler, "step": step, "start": start, "seed": seed, "n_steps": n_steps}
        return {"digit": digit, "hidden": hidden, **how}

    return asked


@pytest.fixture(scope="module")
def scores(ask, explorer, exact):
    """What the judge makes of each chain that was asked for; edit: a piece of the samplers' source that is replaced."""

    def scores(questions, edit=None):
        found = []
        for question, answer in zip(questions, ask(chains=questions, edit=edit)["chains"], strict=True):
            explorer.digit, explorer.hidden = question["digit"], question["hidden"]
            found.append(judge(answer["z"], exact(explorer.digit, explorer.hidden), explorer.grid))
        return found

    return scores


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_both_samplers_find_the_exact_posterior(asked, scores, sampler):
    found = scores([asked(*case, sampler, seed) for case in MODES for seed in (1, 2)])
    assert max(found) < 1, found


CONTRACTION, RATIO, RECORD = (
    "Math.sqrt(1 - step * step)",
    "Math.log(uniform()) < there - here",
    "const i = chain.length;",
)
PRIOR, NO_PRIOR = "logPrior: (z1, z2) => -0.5 * (z1 * z1 + z2 * z2)", "logPrior: () => 0"
BROKEN = {
    "the prior counted twice": ("pcn", NO_PRIOR, PRIOR),
    "the prior forgotten": ("random_walk", PRIOR, NO_PRIOR),
    "a wrong contraction": ("pcn", CONTRACTION, "1 - step"),
    "no contraction": ("pcn", CONTRACTION, "1"),
    "always uphill": ("pcn", RATIO, "(uniform(), 0 < there - here)"),
    "u against the log ratio": ("pcn", RATIO, "uniform() < there - here"),
    "rejected states dropped": ("random_walk", RECORD, f"if (!isAccepted) return advance();\n{RECORD}"),
    "rejected states recorded": ("random_walk", "[to1, to2, here1, here2]", "[to1, to2, to1, to2]"),
}


@pytest.fixture(scope="module")
def for_broken(asked):
    """Where a fault shows: the prior alone, and a posterior as wide as a rejected step is far."""
    return {
        "pcn": [asked(4, "everything", "pcn", 1) | {"step": 0.6}, asked(1, "upper half", "pcn", 1)],
        "random_walk": [
            asked(4, "everything", "random_walk", 1, n_steps=30_000),
            # Steps far longer than the posterior is wide: where a chain stays matters as much as where it goes.
            asked(1, "upper half", "random_walk", 1, n_steps=6000) | {"step": 0.5},
        ],
    }


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_samplers_pass_where_broken_ones_are_judged(scores, for_broken, sampler):
    assert max(scores(for_broken[sampler])) < 1


@pytest.mark.parametrize("name", BROKEN)
def test_broken_samplers_fail(scores, for_broken, name):
    sampler, *edit = BROKEN[name]
    found = scores(for_broken[sampler], edit)
    assert max(found) > 1.5, found


@pytest.mark.parametrize(("sampler", "kernel"), [("pcn", pcn), ("random_walk", random_walk)])
def test_acceptance_is_that_of_the_package_s_samplers(ask, asked, likelihood, sampler, kernel):
    for case in MODES[::3]:
        question = asked(*case, sampler, 5)
        rate = np.mean(ask(chains=[question])["chains"][0]["accepted"][BURN_IN:])
        chains = run(
            kernel,
            likelihood(*case),
            torch.tensor([question["start"]], dtype=torch.float64).repeat(32, 1),
            n_steps=500,
            step=question["step"],
            generator=make_generator(3),
            progress=False,
        )
        rates = chains.accepted[BURN_IN:].double().mean(dim=0)
        # The spread of the package's chains of 300 steps says how far one of 4,800 steps may be.
        allowed = SE * math.sqrt(float(rates.var()) * (300 / 4800 + 1 / 32))
        assert abs(rate - float(rates.mean())) < allowed
        assert 0.1 < rate < 0.9


def test_with_everything_hidden_pcn_accepts_every_step(ask):
    question = {"digit": 0, "hidden": "everything", "step": 0.7, "start": [0, 0], "seed": 0, "n_steps": 500}
    accepted = [
        np.mean(ask(chains=[{**question, "sampler": sampler}])["chains"][0]["accepted"]) for sampler in SAMPLERS
    ]
    assert accepted[0] == 1 and accepted[1] < 0.95


def test_pcn_with_step_one_forgets_where_it_was(ask):
    question = {"digit": 2, "hidden": "nothing", "sampler": "pcn", "step": 1, "seed": 3, "n_steps": 50}
    first, second = ask(chains=[{**question, "start": [3, 3]}, {**question, "start": [-1, 0]}])["chains"]
    assert first["proposal"] == second["proposal"]


# ---- how far it can be trusted


def test_effective_size_is_the_package_s(ask):
    rng = np.random.default_rng(2)
    cases = [rng.normal(size=n) for n in (8, 9, 100, 1001, 20_000)]
    for rho in (0.5, 0.99, -0.6):
        steps = rng.normal(size=4000)
        for i in range(1, 4000):
            steps[i] += rho * steps[i - 1]
        cases.append(steps)
    cases.append(np.repeat(rng.normal(size=300), rng.geometric(0.2, size=300)))  # ties, as rejections make
    cases.append(np.r_[np.zeros(50), np.ones(50)])
    found = ask(sizes=[case.tolist() for case in cases])["sizes"]
    wanted = [float(effective_sample_size(torch.from_numpy(case)[:, None, None])) for case in cases]
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
    assert min(wanted) < 10 < 5000 < max(wanted)
    assert ask(sizes=[[1.0] * 100, [1.0, 2.0]])["sizes"] == [None, None], "NaN: all equal, or too few"


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_python_walks_as_the_page_does_and_finds_the_same(ask, explorer, sampler):
    explorer.digit, explorer.hidden, explorer.sampler, explorer.step = 6, "upper half", sampler, 0.3
    explorer.start, explorer.seed = (1.2, -0.4), 11
    explorer.n_steps = 3000
    state = {
        name: getattr(explorer, name) for name in ("digit", "hidden", "sampler", "step", "start", "seed", "n_steps")
    }
    answer = ask(chains=[state])["chains"][0]
    np.testing.assert_allclose(answer["z"], explorer.chain.z, atol=1e-9)
    np.testing.assert_allclose(answer["proposal"], explorer.chain.proposal, atol=1e-9)
    assert answer["accepted"] == explorer.chain.accepted.tolist()
    assert min(answer["size"]) == pytest.approx(explorer.effective_size, rel=1e-6)
    grid = ask(grids=[{"digit": 6, "hidden": "upper half", "z": answer["z"]}])["grids"][0]
    assert grid["total_variation"] == pytest.approx(explorer.grid.total_variation(explorer.chain.z), abs=1e-9)
    said = ask(said=[state])["said"][0]
    assert said == explorer.summary()
    assert "3,000 steps from (1.20, −0.40)" in said


def test_every_summary_is_the_page_s(ask, model, digits):
    explorer = PcnChain(model, digits, n_steps=0)
    states = []
    summaries = []
    for digit, hidden, n_steps in [(8, "everything", 1), (0, "nothing", 0), (7, "left half", 7), (5, "right half", 40)]:
        explorer.digit, explorer.hidden = digit, hidden
        explorer.n_steps = n_steps
        summaries.append(explorer.summary())
        states.append({name: getattr(explorer, name) for name in explorer.state_names})
    assert ask(said=states)["said"] == summaries
    assert summaries[0].startswith("pCN with step 0.20, image: an 8 with everything hidden. After 1 step from")
    assert summaries[1].endswith("No step yet; the start is (0.00, 0.00).")


def test_total_variation_falls_along_a_run(explorer):
    explorer.digit, explorer.hidden, explorer.sampler, explorer.step = 1, "upper half", "pcn", 0.3
    explorer.n_steps = 4000
    far = [explorer.grid.total_variation(explorer.chain.z[:n]) for n in (20, 400, 4000)]
    assert far[0] > 1.5 * far[1] > 2 * far[2], far
    assert explorer.grid.total_variation(np.full((5, 2), 9.0)) == pytest.approx(1)


# ---- the object


def test_a_change_of_the_chain_takes_it_back_to_its_start(model, digits):
    explorer = PcnChain(model, digits)
    changes = {"digit": 1, "hidden": "left half", "sampler": "random_walk", "step": 0.5, "start": (1, 1), "seed": 9}
    for name, value in changes.items():
        explorer.n_steps = 25
        assert len(explorer.chain.z) == 25
        setattr(explorer, name, value)
        assert explorer.n_steps == 0, name
    explorer.n_steps = 25
    explorer.speed, explorer.view, explorer.running = SPEEDS[0], "close-up", True
    assert explorer.n_steps == 25
    explorer.running = False


def test_what_is_not_there_is_refused(explorer, digits):
    for name, value, message in [
        ("digit", 10, "between 0 and 9"),
        ("hidden", "half", "right half"),
        ("sampler", "hmc", "random_walk"),
        ("step", 0.001, "step"),
        ("step", 1.5, "step"),
        ("start", (6, 0), "on the map"),
        ("start", (1, 2, 3), "two finite numbers"),
        ("n_steps", MOST_STEPS + 1, "n_steps"),
        ("speed", 7, "speed"),
        ("view", "far", "close-up"),
    ]:
        with pytest.raises(traitlets.TraitError, match=message):
            setattr(explorer, name, value)
    with pytest.raises(ValueError, match="Bernoulli likelihood, got 'gaussian'"):
        PcnChain(zoo.load("vae-gaussian-2d-s0"), digits)
    with pytest.raises(ValueError, match="latent_dim 2"):
        PcnChain(VAE(VAEConfig(latent_dim=3)), digits)
    with pytest.raises(ValueError, match="the default is for load_digits"):
        PcnChain(zoo.load("vae-bernoulli-2d-s0"), Digits(digits.images[:5], digits.labels[:5]))


def test_image_mask_and_row_are_those_of_the_digits(explorer, digits):
    explorer.digit, explorer.hidden = 3, "lower half"
    assert explorer.row == EXAMPLES[3] and digits.labels[explorer.row] == 3
    assert torch.equal(explorer.x, to_unit(digits.images[explorer.row]))
    assert explorer.visible.sum() == 392
    assert sorted(digits.labels[list(EXAMPLES)].tolist()) == list(range(10))


def test_small_and_deep_models_work_too(digits, ask_node):
    model = VAE(VAEConfig(latent_dim=2, hidden_dims=(30, 20)), generator=make_generator(3))
    with torch.no_grad():
        model.output.weight *= 5
    few = Digits(digits.images[:3], digits.labels[:3])
    explorer = PcnChain(model, few, rows=[0, 2], digit=1, n_steps=50, hidden="left half")
    question = {name: getattr(explorer, name) for name in explorer.state_names}
    answer = ask_node("ask_pcn_chain.mjs", {"payload": explorer.payload, "chains": [question]})["chains"][0]
    np.testing.assert_allclose(answer["z"], explorer.chain.z, atol=1e-9)
    assert 0 < np.mean(answer["accepted"])


def test_html_is_light_needs_nothing_else_and_is_the_same_each_time(model, digits, page):
    assert len(page) < 700_000
    assert not re.search(r"https?://|@import|url\(", page)
    assert not re.search(r"<[^>]+ on\w+=", page)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1 if threads > 1 else 2)
        again = PcnChain(model, digits, name="test").to_html()
    finally:
        torch.set_num_threads(threads)
    assert again == page


def test_picture_shows_the_chain_and_its_proposals(model, digits):
    explorer = PcnChain(model, digits, digit=6, hidden="upper half", step=0.4)
    axes = {ax.get_title() or ax.get_ylabel(): ax for ax in explorer.picture().axes}
    lines = {line.get_label(): line for line in axes["posterior and chain"].lines}
    accepted = explorer.chain.accepted.sum()
    assert 0 < accepted == len(lines["accepted"].get_xdata())
    assert len(lines["rejected"].get_xdata()) == 200 - accepted
    np.testing.assert_array_equal(axes["$z_1$"].lines[0].get_ydata()[1:], explorer.chain.z[:, 0])
    assert np.ma.count_masked(axes["given"].images[0].get_array()) == 392
