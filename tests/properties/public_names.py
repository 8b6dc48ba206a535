"""The names that users import, and which property test speaks of which."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

import vae_course as vc
from vae_course import embeddings, exercises, explore, latent, plots, runs, sampling, sweeps, zoo
from vae_course.sampling import balance, elliptical_slice, hmc, independence, pcn, random_walk, targets

Test = TypeVar("Test", bound=Callable[..., Any])

# Modules that say what is theirs, and the functions of those that hold data besides.
WITH_ALL: dict[str, ModuleType] = {
    "vae_course": vc,
    "latent": latent,
    "sampling": sampling,
    "plots": plots,
    "exercises": exercises,
    "explore": explore,
}
LOADERS: dict[str, tuple[ModuleType, tuple[str, ...]]] = {
    "zoo": (zoo, ("card", "load", "names", "small_vae", "sprites_vae")),
    "runs": (runs, ("card", "load", "names", "spaced_steps")),
    "sweeps": (sweeps, ("card", "load", "names")),
    "embeddings": (embeddings, ("card", "load", "load_source", "names", "principal_components", "quality")),
}
SUBMODULES: dict[str, tuple[ModuleType, tuple[str, ...]]] = {
    "balance": (balance, ("flows", "imbalance", "stationary", "transition_matrix")),
    "elliptical_slice": (elliptical_slice, ("init", "step")),
    "hmc": (hmc, ("init", "step")),
    "independence": (independence, ("init", "step")),
    "pcn": (pcn, ("init", "step")),
    "random_walk": (random_walk, ("init", "step")),
    "targets": (targets, ("LinearGaussian", "hidden_pixels", "many_images", "one_image", "tempered")),
}

SPOKEN_OF: dict[str, list[str]] = {}
"""Public name -> the property tests that speak of it; filled as the tests are imported."""


def about(*names: str) -> Callable[[Test], Test]:
    """Marks a property test with the public names whose property it tests."""

    def mark(test: Test) -> Test:
        for name in names:
            SPOKEN_OF.setdefault(name, []).append(test.__name__)
        return test

    return mark


def public_names() -> dict[str, Any]:
    """Every public name with what it stands for, such as "latent.align"; instead of a module its functions."""
    found: dict[str, Any] = {}
    for prefix, module in WITH_ALL.items():
        for name in module.__all__:
            value = getattr(module, name)
            if isinstance(value, ModuleType):
                found |= {f"{prefix}.{name}.{part}": getattr(value, part) for part in SUBMODULES[name][1]}
            else:
                found[f"{prefix}.{name}"] = value
    for prefix, (module, names) in LOADERS.items():
        found |= {f"{prefix}.{name}": getattr(module, name) for name in names}
    return found


def functions_of(module: ModuleType) -> set[str]:
    """The public functions that a module defines itself."""
    return {
        name
        for name, value in vars(module).items()
        if callable(value) and not isinstance(value, type) and not name.startswith("_")
        if getattr(value, "__module__", None) == module.__name__
    }
