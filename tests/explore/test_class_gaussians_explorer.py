"""The class Gaussians' explorer: Python and the page's JavaScript against closed forms, SciPy and brute force."""

import json
import math
import re

import numpy as np
import pytest
import torch
import traitlets
from scipy import integrate, stats
from scipy.special import logsumexp

from vae_course import latent
from vae_course.configs import VAEConfig
from vae_course.data import to_unit
from vae_course.explore import ClassGaussianMap
from vae_course.explore.plane_mixture import PlaneMixture, SplitGaussian, _fixed_normals
from vae_course.models import VAE
from vae_course.types import Digits

GREY = 1 / 255
CHOICES = [[1, 7], [5], [0, 2, 9], list(range(10)), []]


def payload_of(page: str) -> dict:
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)[1])["payload"]


@pytest.fixture(scope="module")
def explorer(model, digits) -> ClassGaussianMap:
    return ClassGaussianMap(model, digits)


@pytest.fixture(autouse=True)
def _start_state(explorer):
    explorer.set_trait("z", (0.0, 0.0))
    explorer.classes, explorer.density, explorer.share = [1, 7], "mixture", "total"


@pytest.fixture(scope="module")
def page(model, digits) -> str:
    return ClassGaussianMap(model, digits).to_html()


@pytest.fixture(scope="module")
def posteriors(model, digits):
    """mu, logvar, labels of all digits in float64, unpacked and in their own order."""
    with torch.no_grad():
        mu, logvar = (part.double().numpy() for part in model.encode(to_unit(digits.images)))
    return mu, logvar, digits.labels.numpy()


@pytest.fixture(scope="module")
def points(posteriors) -> np.ndarray:
    """Some where the digits are, some between and beyond them."""
    rng = np.random.default_rng(3)
    return np.concatenate([posteriors[0][::250] + 0.05 * rng.normal(size=(20, 2)), rng.uniform(-5, 5, size=(30, 2))])


@pytest.fixture(scope="module")
def answer(page, points, ask_node):
    """What the page says in each of CHOICES at each of five points."""
    states = [
        {"z": list(z), "classes": classes, "masses": i == 0} for classes in CHOICES for i, z in enumerate(points[::10])
    ]
    return states, ask_node("ask_class_gaussians.mjs", {"payload": payload_of(page), "states": states})


# ---- class Gaussians


def test_class_gaussians_are_those_of_all_digits(explorer, posteriors):
    explorer.classes = range(10)
    wanted = latent.class_gaussians(*(torch.from_numpy(part) for part in posteriors))
    for digit, gaussian in explorer.gaussians.items():
        np.testing.assert_allclose(gaussian.mean, wanted.mean[digit], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(gaussian.cov, wanted.cov[digit], rtol=1e-4, atol=1e-5)
        assert gaussian.n == 500
        shares = latent.split_covariance(*(torch.from_numpy(part[posteriors[2] == digit]) for part in posteriors[:2]))
        np.testing.assert_allclose(gaussian.within, shares.within, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(
            gaussian.within_share, float(shares.within.trace() / wanted.cov[digit].trace()), rtol=1e-4
        )


@pytest.mark.parametrize("classes", [[1, 7], [4], list(range(10))])
def test_the_matched_gaussian_has_the_moments_of_all_chosen_posteriors(explorer, posteriors, classes):
    mu, logvar, labels = posteriors
    explorer.classes = classes
    rows = np.isin(labels, classes)
    matched = explorer.matched
    np.testing.assert_allclose(matched.mean, mu[rows].mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(matched.between, np.cov(mu[rows].T, bias=True), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(matched.within, np.diag(np.exp(logvar[rows]).mean(axis=0)), rtol=1e-4)


def test_ellipses_are_the_eigenvectors_of_the_class_covariances(explorer, answer):
    explorer.classes = range(10)
    for digit, gaussian in explorer.gaussians.items():
        drawn = answer[1]["classes"][digit]
        for share, cov in {"total": gaussian.cov, "within": gaussian.within, "between": gaussian.between}.items():
            variance, axis = np.linalg.eigh(cov)
            np.testing.assert_allclose(np.square(drawn["ellipses"][share]["radii"]), variance[::-1], rtol=1e-6)
            angle = drawn["ellipses"][share]["angle"]
            assert abs(np.array([math.cos(angle), math.sin(angle)]) @ axis[:, 1]) == pytest.approx(1, abs=1e-9)
        assert drawn["kl"] == pytest.approx(gaussian.kl_to_prior, abs=1e-9)
        assert drawn["within"] == pytest.approx(gaussian.within_share, abs=1e-9)


# ---- densities


@pytest.mark.parametrize("index", range(0, 50, 7))
def test_densities_and_probabilities_at_z_agree_with_scipy(explorer, posteriors, points, index):
    mu, logvar, labels = posteriors
    explorer.z = z = points[index]
    terms = stats.norm.logpdf(z, mu, np.exp(0.5 * logvar)).sum(axis=1)
    by_class = np.array([logsumexp(terms[labels == c]) for c in range(10)])
    # Packed means are off by at most half a step of 1.5e-4, which is 0.5% of the narrowest posterior's sd.
    np.testing.assert_allclose(explorer.class_probabilities, np.exp(by_class - logsumexp(by_class)), atol=0.01)
    chosen = np.isin(labels, [1, 7])
    mixture = logsumexp(terms[chosen]) - np.log(chosen.sum())
    assert explorer.log_densities.mixture == pytest.approx(mixture, rel=5e-3, abs=0.02)
    gaussian = stats.multivariate_normal(explorer.matched.mean, explorer.matched.cov)
    assert explorer.log_densities.gaussian == pytest.approx(gaussian.logpdf(z), abs=1e-9)
    assert explorer.log_densities.prior == pytest.approx(stats.norm.logpdf(z).sum(), abs=1e-9)


def test_packing_costs_little_on_average(explorer, posteriors, points):
    mu, logvar, labels = (torch.from_numpy(part) for part in posteriors)
    wanted = latent.class_probabilities(torch.from_numpy(points), mu, logvar, labels).numpy()
    found = []
    for z in points:
        explorer.z = z
        found.append(explorer.class_probabilities)
    assert np.abs(np.array(found) - wanted).mean() < 1e-3


def test_page_and_python_say_the_same(explorer, answer):
    for state, said in zip(answer[0], answer[1]["answers"], strict=True):
        explorer.z, explorer.classes = state["z"], state["classes"]
        assert sum(said["probabilities"]) == pytest.approx(1, abs=1e-12)
        np.testing.assert_allclose(said["probabilities"], explorer.class_probabilities, atol=1e-5)
        np.testing.assert_allclose(said["x_mean"], explorer.x_mean, atol=1e-5)
        assert said["summary"] == explorer.summary()
        logs = explorer.log_densities
        assert said["logs"]["prior"] == pytest.approx(logs.prior, abs=1e-9)
        if not state["classes"]:
            assert [said["logs"]["mixture"], said["apart"], said["drawn"], said["matched"]] == [None] * 4
        else:
            assert said["logs"]["mixture"] == pytest.approx(logs.mixture, rel=1e-5, abs=1e-4)
            assert said["logs"]["gaussian"] == pytest.approx(logs.gaussian, abs=1e-9)
            assert said["apart"] == pytest.approx(explorer.total_variation, abs=1e-5)
            assert said["drawn"] == pytest.approx(explorer.drawn_total_variation, abs=1e-5)
            np.testing.assert_allclose(said["matched"]["mean"], explorer.matched.mean, atol=1e-9)
            upper = explorer.matched.cov[np.triu_indices(2)]
            np.testing.assert_allclose(said["matched"]["covariance"], upper, atol=1e-9)


def test_the_cells_hold_the_mass_that_lies_on_the_map(explorer, posteriors, answer):
    mu, logvar, labels = posteriors
    limit, cells = explorer.payload["limit"], explorer.payload["cells"]
    for state, said in zip(answer[0], answer[1]["answers"], strict=True):
        if said["masses"] is None or not state["classes"]:
            continue
        masses = {name: np.reshape(values, (cells, cells)) for name, values in said["masses"].items()}
        rows = np.isin(labels, state["classes"])
        inside = np.diff(stats.norm.cdf([[[-limit]], [[limit]]], mu[rows], np.exp(0.5 * logvar[rows])), axis=0)[0]
        assert masses["mixture"].sum() == pytest.approx(inside.prod(axis=1).mean(), abs=1e-6)
        explorer.classes = state["classes"]
        matched = stats.multivariate_normal(explorer.matched.mean, explorer.matched.cov)
        wanted = matched.cdf([limit, limit], lower_limit=[-limit, -limit])
        assert masses["gaussian"].sum() == pytest.approx(wanted, abs=2e-4)
        assert masses["prior"].sum() == pytest.approx(math.erf(limit / math.sqrt(2)) ** 2, abs=1e-6)
        np.testing.assert_allclose(masses["mixture"], explorer._mixture.masses(state["classes"]), atol=1e-7)


def test_a_cell_holds_the_integral_of_the_exact_density(explorer):
    mixture, width = explorer._mixture, 2 * explorer.payload["limit"] / explorer.payload["cells"]
    column, row = np.floor((np.array([-1.6, 0.6]) + explorer.payload["limit"]) / width).astype(int)
    low = np.array([column, row]) * width - explorer.payload["limit"]
    wanted, _ = integrate.dblquad(
        lambda z2, z1: math.exp(mixture.log_density([z1, z2], [1, 7])),
        low[0], low[0] + width, low[1], low[1] + width, epsabs=1e-6,
    )  # fmt: skip
    assert wanted > 1e-4, "a cell where there is something"
    assert mixture.masses([1, 7])[row, column] == pytest.approx(wanted, rel=1e-3)


def test_total_variation_against_monte_carlo(explorer, posteriors):
    """TV = E under the mixture of max(0, 1 - g/m), which needs no cells. Cells can only make it smaller."""
    mu, logvar, labels = posteriors
    rng = np.random.default_rng(0)
    rows = rng.choice(np.flatnonzero(np.isin(labels, [1, 7])), 4000)
    z = torch.from_numpy(mu[rows] + np.exp(0.5 * logvar[rows]) * rng.normal(size=(4000, 2)))
    chosen = np.isin(labels, [1, 7])
    log_m = latent.mixture_log_density(z, torch.from_numpy(mu[chosen]), torch.from_numpy(logvar[chosen]))
    matched = explorer.matched
    log_g = latent.gaussian_log_density(z, torch.from_numpy(matched.mean), torch.from_numpy(matched.cov))
    gain = (1 - (log_g - log_m).exp()).clamp(min=0).numpy()
    error = gain.std() / math.sqrt(len(gain))
    assert explorer.total_variation < gain.mean() + 3 * error
    assert explorer.total_variation > gain.mean() - 3 * error - 0.01, "what the cells hide"


def test_total_variation_of_one_gaussian_from_itself_is_0(digits):
    labels = np.arange(10, dtype=np.uint8)
    mixture = PlaneMixture(np.full((10, 2), 0.3), np.full((10, 2), math.log(0.25)), labels, limit=4.0, cells=192)
    same = SplitGaussian(10, np.full(2, 0.3), 0.25 * np.eye(2), np.zeros((2, 2)))
    assert mixture.total_variation(range(10), same) < 1e-3
    assert mixture.drawn_total_variation(range(10), same) < 1e-3, "with nothing between, drawn means are the mean"
    other = SplitGaussian(10, np.array([-2.7, 0.3]), 0.25 * np.eye(2), np.zeros((2, 2)))
    # Two equal Gaussians d sds apart differ by 2 Phi(d / 2) - 1.
    assert mixture.total_variation(range(10), other) == pytest.approx(2 * stats.norm.cdf(3) - 1, abs=1e-3)


def test_drawn_means_are_normal_and_make_no_more_than_chance(explorer):
    noise = _fixed_normals(np.arange(5000))
    assert stats.kstest(noise[:, 0], "norm").pvalue > 0.01
    assert stats.kstest(noise[:, 1], "norm").pvalue > 0.01
    assert abs(np.corrcoef(noise.T)[0, 1]) < 0.04
    # Other draws from the same Gaussian, made by NumPy, give as much.
    matched, mixture = explorer.matched, explorer._mixture
    rows = np.isin(mixture.labels, [1, 7])
    rng = np.random.default_rng(0)
    others = []
    for _ in range(5):
        mu = mixture.mu.copy()
        mu[rows] = rng.multivariate_normal(matched.mean, matched.between, rows.sum())
        drawn = PlaneMixture(mu, mixture.logvar, mixture.labels, limit=mixture.limit, cells=mixture.cells)
        others.append(drawn.total_variation([1, 7], matched))
    assert explorer.drawn_total_variation == pytest.approx(np.mean(others), abs=0.02)
    assert explorer.drawn_total_variation < explorer.total_variation


# ---- the page


def test_page_decodes_as_pytorch_does_to_one_grey(model, answer):
    z = torch.tensor([state["z"] for state in answer[0]])
    with torch.no_grad():
        wanted = model.decode(z.float()).numpy()
    assert np.abs(np.array([said["x_mean"] for said in answer[1]["answers"]]) - wanted).max() <= GREY


def test_html_is_light_the_same_each_time_and_needs_nothing_else(page, model, digits):
    assert len(page) < 750_000
    assert not re.search(r"https?://|@import|url\(|\son\w+=", page)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1 if threads > 1 else 2)
        again = ClassGaussianMap(model, digits).to_html()
    finally:
        torch.set_num_threads(threads)
    assert payload_of(again) == payload_of(page)
    assert again == page


def test_state_is_in_the_page(model, digits):
    page = ClassGaussianMap(model, digits, classes=[3], z=(1, 1), density="difference", share="between").to_html()
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)[1])
    state = {name: data[name] for name in ("z", "classes", "density", "share")}
    assert state == {"z": [1, 1], "classes": [3], "density": "difference", "share": "between"}


@pytest.mark.parametrize("density", ["mixture", "gaussian", "prior", "difference"])
def test_picture_and_words_stand_in_for_every_state(explorer, density):
    explorer.density = density
    for explorer.classes, explorer.share in (([], "total"), ([4], "within"), (range(10), "between")):
        assert len(explorer.picture().axes) == 3
        assert len(explorer.picture_alt()) > 100
        assert explorer.density in explorer.picture_alt()


def test_summary_without_a_class(explorer):
    explorer.classes = []
    assert explorer.matched is None
    assert explorer.total_variation is None
    assert explorer.log_densities[:2] == (None, None)
    assert "No class is chosen. z = (0.00, 0.00): p(class | z) is" in explorer.summary()
    assert explorer.summary().endswith("log density in nats: prior −1.84.")


# ---- traits and errors


@pytest.mark.parametrize("classes", [[7, 1, 1], (7, 1), {1, 7}, np.array([7, 1]), torch.tensor([1, 7]), range(1, 8, 6)])
def test_classes_take_any_digits(explorer, classes):
    explorer.classes = []
    explorer.classes = classes
    assert explorer.classes == [1, 7]
    assert json.dumps(explorer.get_state("classes")) == '{"classes": [1, 7]}'


@pytest.mark.parametrize("classes", [[10], [-1], [1.5], ["1"], "17", None, 3, [True], [[1]]])
def test_classes_refuse_what_is_no_digit(explorer, classes):
    with pytest.raises(traitlets.TraitError, match="classes must be a list of digits from 0 to 9"):
        explorer.classes = classes


def test_unknown_choices_are_refused(explorer):
    with pytest.raises(traitlets.TraitError, match="density"):
        explorer.density = "posterior"
    with pytest.raises(traitlets.TraitError, match="share"):
        explorer.share = "both"


def test_models_and_digits_that_cannot_be_shown_are_refused(model, digits):
    with pytest.raises(ValueError, match="latent_dim 2"):
        ClassGaussianMap(VAE(VAEConfig(latent_dim=3)), digits)
    some = digits.labels < 8
    with pytest.raises(ValueError, match="every class, got none of 8, 9"):
        ClassGaussianMap(model, Digits(digits.images[some], digits.labels[some]))
    with pytest.raises(ValueError, match="n_points"):
        ClassGaussianMap(model, digits, n_points=6000)
