"""Chapter 5's exercises, whose answers draw at random: right ones pass however they draw, slips are named."""

import functools
import math
import random

import answering
import numpy as np
import pytest
import torch
from nightly import seeds
from torch.distributions import MultivariateNormal, Normal

from vae_course import exercises, latent, sampling
from vae_course.exercises import _EXERCISES, chances
from vae_course.exercises.running import Sink
from vae_course.exercises.sampling_answers import Interview

SEEDS = seeds(2, 10)
TABLE = {
    "sample_prior": {"uniform", "scaled", "ignores_generator"},
    "sample_dataset_posterior": {"means_only", "variance_as_std", "first_images_only", "one_noise_for_all"},
    "sample_class": {"ignores_class", "moment_matched"},
}


@pytest.fixture(autouse=True)
def quick(no_rehearsal, monkeypatch):
    """Without the forked child, and with time to spare on a busy machine."""
    monkeypatch.setattr(exercises, "check", functools.partial(exercises.check, time_limit=60.0))


def test_names_and_slips_are_those_of_the_course():
    answering.assert_names_and_slips(5, TABLE)


# --- right answers ---------------------------------------------------------------------------------------------


def box_muller(n, d, generator):
    u, v = torch.rand(2, n, d, generator=generator, dtype=torch.float64)
    return torch.sqrt(-2 * torch.log1p(-u)) * torch.cos(2 * math.pi * v)


def one_by_one(n, d, generator):
    return [[torch.randn((), generator=generator).item() for _ in range(d)] for _ in range(n)]


def seeded_numpy(n, d, generator):
    return np.random.default_rng(int(torch.randint(2**31, (1,), generator=generator))).normal(size=(n, d))


def normal_icdf(n, d, generator):
    u = torch.rand(d, n, generator=generator, dtype=torch.float64)
    return Normal(0.0, 1.0).icdf(u.clamp(1e-16, 1 - 1e-16)).T


def index_and_noise(mu, logvar, n, generator):
    index = torch.randint(0, len(mu), (n,), generator=generator)
    return mu[index] + torch.exp(0.5 * logvar[index]) * torch.randn(n, mu.shape[1], generator=generator)


def noise_first(mu, logvar, n, generator):
    eps = torch.randn(n, mu.shape[1], generator=generator, dtype=mu.dtype)
    index = torch.multinomial(torch.ones(len(mu)), n, replacement=True, generator=generator)
    return mu[index] + eps * logvar[index].exp().sqrt()


def torch_normal(mu, logvar, n, generator):
    index = (torch.rand(n, generator=generator) * len(mu)).long()
    return torch.normal(mu[index], (logvar[index] / 2).exp(), generator=generator)


def row_by_row(mu, logvar, n, generator):
    rows = []
    for _ in range(n):
        i = torch.randint(len(mu), (), generator=generator)
        rows.append(mu[i] + (logvar[i] / 2).exp() * torch.randn(mu.shape[1], generator=generator))
    return torch.stack(rows)


def numpy_draws(mu, logvar, n, generator):
    index = generator.integers(len(mu), size=n)
    return generator.normal(mu[index], np.exp(logvar[index] / 2))


def numpy_rows(mu, logvar, n, generator):
    rows = [generator.choice(len(mu)) for _ in range(n)]
    return [mu[i] + np.sqrt(np.exp(logvar[i])) * generator.standard_normal(len(mu[i])) for i in rows]


def every_image_first(mu, logvar, n, generator):
    """A fresh z for every image and draw, of which one is taken."""
    z = mu + (logvar / 2).exp() * torch.randn(n, *mu.shape, generator=generator, dtype=mu.dtype)
    return z[torch.arange(n), torch.randint(len(mu), (n,), generator=generator)]


def counted_first(mu, logvar, n, generator):
    """How often each image comes, then the draws image by image."""
    index = torch.sort(torch.randint(len(mu), (n,), generator=generator)).values
    return mu[index] + (logvar[index] / 2).exp() * torch.randn(n, mu.shape[1], generator=generator)


def float32_draws(mu, logvar, n, generator):
    return index_and_noise(mu.float(), logvar.float(), n, generator)


def package_mixture(mu, logvar, n, generator):
    return sampling.sample_dataset_posterior(mu, logvar, n, generator=generator)


def of_class(draw):
    return lambda mu, logvar, labels, c, n, generator: draw(mu[labels == c], logvar[labels == c], n, generator)


def by_rejection(mu, logvar, labels, c, n, generator):
    """Draws from all images until enough have the label."""
    kept = []
    while len(kept) < n:
        i = int(torch.randint(len(mu), (), generator=generator))
        if labels[i] == c:
            kept.append(mu[i] + (logvar[i] / 2).exp() * torch.randn(mu.shape[1], generator=generator))
    return torch.stack(kept)


def weighted_choice(mu, logvar, labels, c, n, generator):
    index = torch.multinomial((labels == c).double(), n, replacement=True, generator=generator)
    return mu[index] + (logvar[index] / 2).exp() * torch.randn(n, mu.shape[1], generator=generator)


MIXTURES = {
    "noise after": index_and_noise, "noise first": noise_first, "torch.normal": torch_normal, "rows": row_by_row,
    "NumPy": numpy_draws, "NumPy rows": numpy_rows, "all z": every_image_first, "sorted": counted_first,
    "float32": float32_draws, "package": package_mixture,
}  # fmt: skip
RIGHT = {
    "sample_prior": {
        "randn": lambda n, d, generator: torch.randn(n, d, generator=generator),
        "shape as a tuple": lambda n, d, generator: torch.randn((n, d), generator=generator, dtype=torch.float64),
        "normal_": lambda n, d, generator: torch.empty(n, d).normal_(generator=generator),
        "torch.normal": lambda n, d, generator: torch.normal(0.0, 1.0, (n, d), generator=generator),
        "transposed": lambda n, d, generator: torch.randn(d, n, generator=generator).T,
        "Box and Muller": box_muller,
        "icdf": normal_icdf,
        "one by one": one_by_one,
        "NumPy standard_normal": lambda n, d, generator: generator.standard_normal((n, d)),
        "NumPy normal": lambda n, d, generator: generator.normal(size=(n, d)),
        "NumPy float32": lambda n, d, generator: generator.standard_normal((n, d), dtype=np.float32),
        "multivariate": lambda n, d, generator: generator.multivariate_normal(np.zeros(d), np.eye(d), size=n),
        "NumPy, seeded from torch": seeded_numpy,
        "negative": lambda n, d, generator: -torch.randn(n, d, generator=generator),
        "package": lambda n, d, generator: sampling.sample_prior(n, d, generator=generator),
    },
    "sample_dataset_posterior": MIXTURES,
    "sample_class": {
        **{style: of_class(draw) for style, draw in MIXTURES.items()},
        "rejection": by_rejection,
        "weighted choice": weighted_choice,
        "package itself": lambda mu, logvar, labels, c, n, generator: sampling.sample_class(
            mu, logvar, labels, c, n, generator=generator
        ),
    },
}


def test_the_table_holds_many_styles():
    answering.assert_many_styles(5, RIGHT, least=10)


@pytest.mark.parametrize(("name", "answer"), answering.each_right(RIGHT))
def test_right_answer_passes(name, answer):
    answering.assert_passes(name, answer, SEEDS)


@pytest.mark.parametrize("name", TABLE)
def test_references_pass_on_many_inputs(name):
    answering.assert_passes(name, exercises.reference(name), range(100, 140))


# --- slips -----------------------------------------------------------------------------------------------------


def make_mixture(*, image="random", width="std", noise="each"):
    """Draws from the mixture, with parts that can be broken."""

    def draw(mu, logvar, n, generator):
        m, d = mu.shape
        index = {
            "random": lambda: torch.randint(m, (n,), generator=generator),
            "cycle": lambda: torch.arange(n) % m,
            "first": lambda: torch.arange(n),
            "cut": lambda: torch.arange(min(n, m)),
            "clamped": lambda: torch.arange(n).clamp(max=m - 1),
            "one": lambda: torch.randint(m, (1,), generator=generator).expand(n),
            "shuffled": lambda: torch.randperm(m, generator=generator)[:n],
            "half": lambda: torch.randint(m // 2, (n,), generator=generator),
        }[image]()
        std = {
            "std": (logvar / 2).exp(),
            "variance": logvar.exp(),
            "none": 0 * logvar,
            "logvar": logvar,
            "one": torch.ones_like(logvar),
            "inverse": (-logvar / 2).exp(),
        }[width]
        shape = {"each": (len(index), d), "row": (d,), "row kept": (1, d), "number": (1,), "column": (len(index), 1)}
        if noise == "image":
            return (mu + std * torch.randn(m, d, generator=generator))[index]
        return mu[index] + std[index] * torch.randn(shape[noise], generator=generator)

    return draw


def numpy_means(mu, logvar, n, generator):
    return mu[generator.integers(len(mu), size=n)]


def numpy_variance(mu, logvar, n, generator):
    index = generator.integers(len(mu), size=n)
    return generator.normal(mu[index], np.exp(logvar[index]))


def numpy_first(mu, logvar, n, generator):
    return mu[:n] + np.exp(logvar[:n] / 2) * generator.normal(size=mu[:n].shape)


def loop_over_the_first(mu, logvar, n, generator):
    return torch.stack(
        [mu[i] + (logvar[i] / 2).exp() * torch.randn(mu.shape[1], generator=generator) for i in range(n)]
    )


def numpy_one_noise(mu, logvar, n, generator):
    eps = generator.normal(size=mu.shape[1])
    index = generator.integers(len(mu), size=n)
    return np.array([mu[i] + np.exp(logvar[i] / 2) * eps for i in index])


def class_gaussian(*, correction=0, within=True, diagonal=False, everyone=False):
    def draw(mu, logvar, labels, c, n, generator):
        chosen = labels == c
        mu, logvar = (mu, logvar) if everyone else (mu[chosen], logvar[chosen])
        cov = torch.cov(mu.T, correction=correction)
        cov = cov + logvar.exp().mean(0).diag() if within else cov
        cov = cov.diag().diag() if diagonal else cov
        return (
            mu.mean(0) + torch.randn(n, len(cov), generator=generator, dtype=cov.dtype) @ torch.linalg.cholesky(cov).T
        )

    return draw


def numpy_class_gaussian(mu, logvar, labels, c, n, generator):
    mu, logvar = mu[labels == c], logvar[labels == c]
    cov = np.cov(mu.T, ddof=0) + np.diag(np.exp(logvar).mean(0))
    return generator.multivariate_normal(mu.mean(0), cov, size=n)


def package_gaussian(mu, logvar, labels, c, n, generator):
    mean, cov = latent.moment_match(mu[labels == c], logvar[labels == c])
    return mean + torch.randn(n, len(mean), generator=generator, dtype=cov.dtype) @ torch.linalg.cholesky(cov).T


def all_classes(draw):
    return lambda mu, logvar, labels, c, n, generator: draw(mu, logvar, n, generator)


def reseeds(n, d, generator):
    torch.manual_seed(0)
    return torch.randn(n, d)


WRONG = {
    "sample_prior": {
        "uniform": [
            lambda n, d, generator: torch.rand(n, d, generator=generator),
            lambda n, d, generator: 2 * torch.rand(n, d, generator=generator) - 1,
            lambda n, d, generator: math.sqrt(12) * (torch.rand(n, d, generator=generator) - 0.5),
            lambda n, d, generator: generator.uniform(-3, 3, size=(n, d)),
            lambda n, d, generator: generator.random((n, d)),
        ],
        "scaled": [
            lambda n, d, generator: 2 * torch.randn(n, d, generator=generator),
            lambda n, d, generator: torch.randn(n, d, generator=generator) / math.sqrt(d),
            lambda n, d, generator: torch.randn(n, d, generator=generator) * math.sqrt(d),
            lambda n, d, generator: generator.normal(0, 0.5, size=(n, d)),
            lambda n, d, generator: torch.randn(n, d, generator=generator) / math.sqrt(n),
            lambda n, d, generator: generator.multivariate_normal(np.zeros(d), 1.3 * np.eye(d), size=n),
        ],
        "ignores_generator": [
            lambda n, d, generator: torch.randn(n, d),
            lambda n, d, generator: np.random.normal(size=(n, d)),  # noqa: NPY002
            lambda n, d, generator: Normal(0.0, 1.0).sample((n, d)),
            lambda n, d, generator: np.random.default_rng().normal(size=(n, d)),
            lambda n, d, generator: torch.randn(n, d, generator=torch.Generator().manual_seed(7)),
            lambda n, d, generator: np.random.default_rng(generator.initial_seed()).normal(size=(n, d)),
            lambda n, d, generator: [[random.gauss(0, 1) for _ in range(d)] for _ in range(n)],
            reseeds,
        ],
    },
    "sample_dataset_posterior": {
        "means_only": [make_mixture(width="none"), numpy_means, lambda mu, logvar, n, generator: [
            mu[torch.randint(len(mu), (), generator=generator)] for _ in range(n)
        ], lambda mu, logvar, n, generator: mu.float()[torch.multinomial(
            torch.ones(len(mu)), n, replacement=True, generator=generator)]],
        "variance_as_std": [make_mixture(width="variance"), numpy_variance, make_mixture(width="variance"),
            lambda mu, logvar, n, generator: package_mixture(mu, 2 * logvar, n, generator),
            lambda mu, logvar, n, generator: row_by_row(mu, 2 * logvar, n, generator)],
        "first_images_only": [
            make_mixture(image="first"), make_mixture(image="cycle"), make_mixture(image="cut"),
            make_mixture(image="clamped"), numpy_first, loop_over_the_first,
        ],
        "one_noise_for_all": [
            make_mixture(noise="row"), make_mixture(noise="row kept"), make_mixture(noise="number"), numpy_one_noise,
        ],
    },
    "sample_class": {
        "ignores_class": [
            *(all_classes(draw) for draw in (index_and_noise, row_by_row, numpy_draws, package_mixture, float32_draws)),
            lambda mu, logvar, labels, c, n, generator: numpy_rows(mu, logvar, n, generator),
        ],
        "moment_matched": [
            class_gaussian(), class_gaussian(correction=1), class_gaussian(within=False), class_gaussian(diagonal=True),
            class_gaussian(correction=1, within=False, diagonal=True), numpy_class_gaussian, package_gaussian,
        ],
    },
}  # fmt: skip


def test_every_slip_is_written_in_many_ways():
    answering.assert_many_ways(5, WRONG)


@pytest.mark.parametrize(("name", "slip", "answer"), answering.each_wrong(WRONG))
def test_slip_is_named(name, slip, answer):
    answering.assert_named(name, slip, answer, SEEDS)


PAIRS = [
    ("sample_prior", {"uniform", "ignores_generator"}, lambda n, d, generator: torch.rand(n, d)),
    ("sample_prior", {"scaled", "ignores_generator"}, lambda n, d, generator: 3 * torch.randn(n, d)),
    ("sample_dataset_posterior", {"means_only", "first_images_only"}, make_mixture(image="cycle", width="none")),
    ("sample_dataset_posterior", {"means_only", "first_images_only"}, lambda mu, logvar, n, generator: mu[:n]),
    ("sample_dataset_posterior", {"variance_as_std", "first_images_only"}, make_mixture(image="cut", width="variance")),
    ("sample_dataset_posterior", {"one_noise_for_all", "first_images_only"}, make_mixture(image="cycle", noise="row")),
    ("sample_class", {"ignores_class", "moment_matched"}, class_gaussian(everyone=True)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "slips", "answer"), answering.each(PAIRS))
def test_two_slips_are_both_named(name, slips, answer):
    answering.assert_both_named(name, slips, answer, SEEDS)


# --- wrong in other ways ---------------------------------------------------------------------------------------

OTHERS = {
    "sample_prior": [
        ("given mean", lambda n, d, generator: 1 + torch.randn(n, d, generator=generator)),
        ("given correlation  = 1.00", lambda n, d, generator: torch.randn(n, 1, generator=generator).expand(n, d)),
        ("", lambda n, d, generator: torch.randn(d, generator=generator).expand(n, d)),
        ("", lambda n, d, generator: torch.nn.functional.normalize(torch.randn(n, d, generator=generator))),
        ("", lambda n, d, generator: torch.randn(n, d, generator=generator).sort(dim=0).values),
        ("", lambda n, d, generator: torch.randn(n, d, generator=generator).abs()),
        ("", lambda n, d, generator: torch.randn(n, d, generator=generator).clamp(-2, 2)),
        ("", lambda n, d, generator: generator.laplace(size=(n, d))),
        ("", lambda n, d, generator: generator.standard_t(4, size=(n, d))),
        ("", lambda n, d, generator: torch.randn(n, d, generator=generator) * torch.arange(1, d + 1)),
        ("", lambda n, d, generator: torch.randn(n, d, generator=generator).round()),
        ("", lambda n, d, generator: torch.randint(0, 2, (n, d), generator=generator)),
        ("", lambda n, d, generator: 0.5 + 2 * torch.randn(n, d, generator=generator)),
        ("whatever the generator is", lambda n, d, generator: torch.zeros(n, d)),
        ("has shape (3, 1)", lambda n, d, generator: torch.randn(d, n, generator=generator)),
        ("has shape", lambda n, d, generator: torch.randn(n, generator=generator)),
    ],
    "sample_dataset_posterior": [
        ("`logvar` itself", make_mixture(width="logvar")),
        ("standard deviation 1", make_mixture(width="one")),
        ("one over the standard deviation", make_mixture(width="inverse")),
        ("same noise. Each latent", make_mixture(noise="column")),
        ("one z for each image", make_mixture(noise="image")),
        ("come from one image", make_mixture(image="one")),
        ("No image is drawn twice", make_mixture(image="shuffled")),
        ("not equally likely", make_mixture(image="half")),
        ("Most of your draws", lambda mu, logvar, n, generator: torch.randn(n, mu.shape[1], generator=generator)),
        ("Most of your draws", lambda mu, logvar, n, generator: index_and_noise(0 * mu, logvar, n, generator)),
        ("", lambda mu, logvar, n, generator: index_and_noise(mu, logvar, n, generator) + 0.5),
        ("", lambda mu, logvar, n, generator: index_and_noise(mu, logvar + 0.3, n, generator)),
        ("global generator", lambda mu, logvar, n, generator: index_and_noise(mu, logvar, n, None)),
        ("global generator", lambda mu, logvar, n, generator: (
            lambda index: torch.normal(mu[index], (logvar[index] / 2).exp()))(
                torch.randint(len(mu), (n,), generator=generator))),
        ("whatever the generator is", lambda mu, logvar, n, generator: index_and_noise(
            mu, logvar, n, torch.Generator().manual_seed(1))),
        ("has shape", lambda mu, logvar, n, generator: index_and_noise(mu, logvar, n + 1, generator)),
    ],
    "sample_class": [
        ("label is not `c`", lambda mu, logvar, labels, c, n, generator: index_and_noise(
            mu[labels != c], logvar[labels != c], n, generator)),
        ("without noise|noise of their Gaussians is missing", of_class(make_mixture(width="none"))),
        ("come from one image", of_class(make_mixture(image="one"))),
        ("`logvar` itself", of_class(make_mixture(width="logvar"))),
        ("do not have|noise", of_class(make_mixture(width="variance"))),
        ("same noise", of_class(make_mixture(noise="row"))),
        ("Most of your draws", lambda mu, logvar, labels, c, n, generator: mu[labels == c].mean(0) + (
            logvar[labels == c].exp().mean(0).sqrt() * torch.randn(n, mu.shape[1], generator=generator))),
        ("No image is drawn twice|not equally|shape|size", of_class(make_mixture(image="cycle"))),
        ("global generator", lambda mu, logvar, labels, c, n, generator: MultivariateNormal(
            mu[labels == c][torch.randint(int((labels == c).sum()), (n,))], torch.eye(2, dtype=mu.dtype)).sample()),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("name", "words", "answer"), answering.each(OTHERS))
def test_other_faults_get_a_sentence_and_no_name(name, words, answer):
    answering.assert_not_named(name, answer, SEEDS, words)


BROKEN = {
    "sample_prior": [
        ("must take the arguments (n, d, generator)", lambda n, d: torch.randn(n, d)),
        ("where numbers are wanted", lambda n, d, generator: Normal(0.0, 1.0)),
        ("nan or infinite", lambda n, d, generator: torch.randn(n, d, generator=generator) / 0),
        ("The line is: `", lambda n, d, generator: torch.randn(n, d, generator)),
        ("far more", lambda n, d, generator: torch.zeros(10**6)),
    ],
    "sample_dataset_posterior": [
        ("`mu` in place", lambda mu, logvar, n, generator: mu.add_(1)),
        ("NameError", lambda mu, logvar, n, generator: nothing),  # noqa: F821
    ],
    "sample_class": [("`labels` in place", lambda mu, logvar, labels, c, n, generator: labels.add_(1))],
}


@pytest.mark.parametrize(("name", "words", "answer"), answering.each(BROKEN))
def test_an_answer_that_cannot_be_judged_gets_a_plain_sentence(name, words, answer):
    verdict = exercises.check(name, answer, seed=0)
    assert verdict.status == "broken"
    assert words in verdict.message, verdict


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("answer", [..., None, lambda *inputs: ..., lambda *inputs: None])
def test_not_answered_yet(name, answer):
    assert exercises.check(name, answer, seed=0).status == "not answered yet"


def test_an_endless_answer_is_given_up():
    def endless(n, d, generator):
        while True:
            pass

    assert "did not come to an end" in exercises.check("sample_prior", endless, time_limit=0.3).message


# --- the framework ---------------------------------------------------------------------------------------------


def test_the_check_leaves_the_global_generators_alone():
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    for answer in (
        reseeds,
        WRONG["sample_prior"]["ignores_generator"][1],
        WRONG["sample_prior"]["ignores_generator"][6],
    ):
        exercises.check("sample_prior", answer, seed=0)
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002
    assert before[2] == random.getstate()


def test_an_example_is_the_same_at_every_check():
    """Fresh inputs judge; what is shown is fixed, so that a learner can compare two attempts."""
    answer = OTHERS["sample_prior"][0][1]
    assert len({exercises.check("sample_prior", answer).message for _ in range(3)}) == 1


@pytest.mark.parametrize("name", TABLE)
def test_p_values_of_right_answers_are_p_values(name):
    """A p-value lies below any level at most that often: here 1 %, over 40 checks, give or take six errors."""
    exercise = _EXERCISES[name]
    values = []
    for seed in range(40):
        interview = Interview(exercise, exercise.reference, "torch tensors", Sink())
        values += exercise.examine(interview, np.random.default_rng(seed)).tests.values()
    share = np.mean(np.array(values) < 0.01)
    assert share < 0.01 + 6 * math.sqrt(0.01 / len(values))
    assert len(values) / 40 < 200  # what LIMIT is chosen for
    assert 200 * chances.LIMIT < 1e-5
