"""Stored sweeps (level 3): tables of what many trainings gave, one row a training, so that a chapter has its spreads.

Each sweep is a CSV with a card; what a row is trained with stands in SWEEPS, and vae_course.sweeping trains it. All
figures are of images that were not trained on; nll, kl, elbo and log_likelihood are in nats per image. The columns are

    latent_dim, beta, sigma, target, seed, learned   what was chosen; where sigma is learned, or beta found for a target
                                                     nll (its mean over the last epoch), what was found
    nll, kl, elbo, elbo_standard_error               as on a card of the zoo
    log_likelihood                                   importance-weighted, with 100 draws
    squared_error, active_units                      `measures.reconstruction_figures`
    probe_accuracy, neighbour_accuracy               `measures.code_figures`
    confident, entropy, precision, recall, density, coverage   of samples: `measures.sample_figures`
    mig, gap_shape, gap_size, gap_angle, gap_x, gap_y          on all sprites: `measures.factor_figures`
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vae_course import zoo
from vae_course.checks import check_choice
from vae_course.data import load_digits
from vae_course.files import load_card, read_checked
from vae_course.measures import N_SAMPLES, code_figures, factor_figures, reconstruction_figures, sample_figures
from vae_course.models import VAE
from vae_course.retraining import Data
from vae_course.zoo import BETAS, Recipe, small_vae, sprites_vae

if TYPE_CHECKING:
    import pandas as pd

FOLDER = Path(__file__).parent / "sweeps"
SIGMAS = (0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0)
TARGETS = (100, 110, 130)

_BOUND = ("nll", "kl", "elbo")


@dataclass(frozen=True)
class Sweep:
    """How a sweep is made. columns: what its table shows, of the choices and figures of each row.

    recipes: of each row, by name. A name that the zoo has too stands for the zoo's model: it is not trained again.
    measure: what is measured beside the figures of a card.
    """

    columns: tuple[str, ...]
    recipes: dict[str, Recipe]
    measure: Callable[[VAE, Data], dict[str, float]]


def measure_digits(model: VAE, data: Data) -> dict[str, float]:
    """Codes and samples of a model of digits. The embedded digits, which no model has seen, are the known ones."""
    known = load_digits()
    real = known.images[:: max(1, len(known.images) // N_SAMPLES)]
    return {
        **reconstruction_figures(model, data.held_out.images),
        **code_figures(model, known, data.held_out),
        **sample_figures(model, zoo.load("classifier-s0"), real),
    }


def measure_errors(model: VAE, data: Data) -> dict[str, float]:
    """Errors and active units alone."""
    return reconstruction_figures(model, data.held_out.images)


def measure_sprites(model: VAE, data: Data) -> dict[str, float]:
    """Active units and the mutual information gaps of a model of sprites."""
    return {**measure_errors(model, data), **factor_figures(model)}


SWEEPS: dict[str, Sweep] = {
    "betas": Sweep(
        (
            *("latent_dim", "beta", "seed", *_BOUND, "elbo_standard_error", "log_likelihood", "squared_error"),
            *("active_units", "probe_accuracy", "neighbour_accuracy", "confident", "entropy"),
            *("precision", "recall", "density", "coverage"),
        ),
        {
            f"vae-beta{beta}-{latent_dim}d-s{seed}": small_vae(latent_dim, seed, beta=float(beta))
            for latent_dim in (2, 10)
            for beta in BETAS
            for seed in range(3)
        },
        measure_digits,
    ),
    "sigmas": Sweep(
        ("sigma", "learned", "seed", *_BOUND, "log_likelihood", "squared_error", "active_units"),
        {
            **{
                f"vae-sigma{sigma}-10d-s{seed}": small_vae(10, seed, epochs=12, likelihood="gaussian", sigma=sigma)
                for sigma in SIGMAS
                for seed in range(3)
            },
            **{
                f"vae-sigma-10d-s{seed}": small_vae(10, seed, epochs=12, likelihood="gaussian", learn_sigma=True)
                for seed in range(3)
            },
        },
        measure_errors,
    ),
    "constraints": Sweep(
        ("target", "seed", "beta", *_BOUND, "active_units"),
        {
            f"vae-nll{target}-10d-s{seed}": small_vae(10, seed, target_nll=float(target))
            for target in TARGETS
            for seed in range(3)
        },
        measure_errors,
    ),
    "sprites": Sweep(
        ("beta", "seed", *_BOUND, "active_units", "mig", "gap_shape", "gap_size", "gap_angle", "gap_x", "gap_y"),
        {
            f"sprites-beta{beta}-s{seed}": sprites_vae(seed, beta=float(beta))
            for beta in (0.5, 1, 2, 4, 8, 16)
            for seed in range(3)
        },
        measure_sprites,
    ),
}


def names() -> tuple[str, ...]:
    """The names that `load` knows."""
    return tuple(SWEEPS)


def card(name: str) -> dict[str, Any]:
    """The sweep's card: what all its trainings have in common, data, number of rows, versions, checksum."""
    check_choice("name", name, names())
    return load_card(FOLDER, name)


def load(name: str) -> pd.DataFrame:
    """A stored sweep, one row a training; the module's docstring explains the columns.

    Raises ValueError for an unknown name, BrokenFileError if the table is not that of its card.
    """
    import pandas as pd

    return pd.read_csv(io.BytesIO(read_checked(FOLDER / f"{name}.csv", card(name)["sha256"])))
