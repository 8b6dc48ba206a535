"""No public name is left out: each has a property test, and each function that takes arguments its mistakes."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from public_names import LOADERS, SPOKEN_OF, SUBMODULES, functions_of, public_names
from test_bad_input import SUBJECTS

PROPERTIES = (
    "test_properties_course",
    "test_properties_latent",
    "test_properties_sampling",
    "test_properties_plots",
    "test_properties_stored",
    "test_properties_exercises",
    "test_properties_explorers",
)
# Named results and constants, which check nothing by themselves.
RESULTS = {
    *("vae_course.QUICK", "vae_course.Digits", "vae_course.History", "vae_course.Posterior"),
    *(f"latent.{name}" for name in ("Alignment", "ClassGaussians", "CovarianceShares", "Gaussian", "KLParts")),
    *(f"latent.{name}" for name in ("Matching", "PrincipalAxes", "SwapShares")),
    *(f"sampling.{name}" for name in ("Chain", "GridPosterior", "Info", "Kernel", "LogLikelihood", "Mixture")),
    *("sampling.SampleQuality", "sampling.State"),
    *(f"plots.{name}" for name in ("DIGIT_COLOURS", "NEUTRAL", "RIGHT", "SERIES", "WRONG", "use_style")),
    *("plots.plot_kl", "plots.plot_loss"),  # they take a History, which fit gives
}
# Their mistakes are in tests of their own.
ELSEWHERE = {
    **dict.fromkeys(("vae_course.VAE",), "vae_course.VAE.encode"),
    **{
        f"sampling.{name}.init": "sampling.pcn.init"
        for name in ("elliptical_slice", "hmc", "independence", "random_walk")
    },
}


@pytest.fixture(scope="module")
def spoken_of() -> dict[str, list[str]]:
    for name in PROPERTIES:
        importlib.import_module(name)
    return SPOKEN_OF


def test_every_public_name_has_a_property(spoken_of: dict[str, list[str]]) -> None:
    assert sorted(set(public_names()) - set(spoken_of)) == []


def test_no_property_speaks_of_a_name_that_is_gone(spoken_of: dict[str, list[str]]) -> None:
    assert sorted(set(spoken_of) - set(public_names())) == []


def test_every_property_file_is_looked_at() -> None:
    assert {path.stem for path in Path(__file__).parent.glob("test_properties_*.py")} == set(PROPERTIES)


def test_every_function_with_arguments_has_its_mistakes() -> None:
    checked = {name for name in public_names() if name.split(".")[0] in ("vae_course", "latent", "sampling", "plots")}
    assert sorted(checked - RESULTS - set(SUBJECTS) - set(ELSEWHERE)) == []
    assert set(ELSEWHERE.values()) <= set(SUBJECTS)
    assert set(ELSEWHERE) | RESULTS <= set(public_names())


@pytest.mark.parametrize("name", LOADERS | SUBMODULES)
def test_a_new_function_of_a_module_without_a_list_is_noticed(name: str) -> None:
    module, names = (LOADERS | SUBMODULES)[name]
    makers = {"remake", "read_model"}  # `vae-course zoo` and the like; their tests are in test_retraining, test_zoo ...
    measures = {"measure_digits", "measure_errors", "measure_sprites"}  # of a sweep's row: test_sweeps
    assert functions_of(module) - set(names) - makers - measures == set()
