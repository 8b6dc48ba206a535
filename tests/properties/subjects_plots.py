"""Every function of vae_course.plots with arguments that are right, and the roles of those that can be wrong."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from inputs import class_labels, covariances, distances, images, normal, uniform
from numpy.typing import NDArray
from spoiling import Subject, array, both, but, finite, narrower, positive, row, shorter, square, table

from vae_course import plots
from vae_course.latent import hierarchy
from vae_course.plots.violins import outline
from vae_course.types import History

N, D = 12, 3


def cloud(seed: int, n: int = N, d: int = 2) -> NDArray[np.float64]:
    return normal(seed, n, d).numpy()


def digit_labels(seed: int, n: int = N) -> NDArray[np.int64]:
    return class_labels(seed, n, 10).numpy()


def history(seed: int) -> History:
    kl = uniform(seed, 8, 3)
    return History(uniform(seed, 8), kl.sum(dim=1), kl, steps_per_epoch=4)


def polar_axes() -> Any:
    return plt.figure().add_subplot(projection="polar")


def in_plane(value: NDArray[np.float64]) -> dict[str, Any]:
    """(n, 2)."""
    return {"three columns": np.concatenate([value, value[:, :1]], axis=1), "one column": value[:, :1]}


def digit(value: NDArray[np.int64]) -> dict[str, Any]:
    """(n,) from 0 to 9, one a point."""
    return {
        "one short": value[:-1],
        "two-dimensional": value[:, None],
        "negative": value - 10,
        "too large": value + 10,
        "a word": "nine",
        "fractions": value + 0.5,
    }


SPOTS = both(array(both(but(table, "without columns"), finite)), in_plane)
COLUMNS = array(both(table, finite))
ROW = array(both(row, finite))
POSITIVE = both(positive, lambda _: {"infinity": np.inf})

SUBJECTS: dict[str, Subject] = {
    "LiveCurves": Subject(
        plots.LiveCurves,
        lambda seed: {"every": 4},
        {"every": lambda _: {"zero": 0, "negative": -1, "half": 0.5, "a word": "four"}},
    ),
    "outline": Subject(outline, lambda seed: {"values": cloud(seed)[:, 0]}, {"values": ROW}),
    "plot_autocorrelation": Subject(
        plots.plot_autocorrelation,
        lambda seed: {"rho": cloud(seed)},
        {"rho": array(lambda v: {"three-dimensional": v[None], "a number": v[0, 0], "empty": v[:0]})},
    ),
    "plot_boxes": Subject(plots.plot_boxes, lambda seed: {"values": cloud(seed)}, {"values": COLUMNS}),
    "plot_by_digit": Subject(
        plots.plot_by_digit,
        lambda seed: {"values": {"one": np.arange(10.0), "other": np.ones((3, 10))}},
        {
            "values": lambda _: {
                "nothing": {},
                "five kinds": {str(k): np.ones(10) for k in range(5)},
                "nine digits": {"one": np.ones(9)},
                "three-dimensional": {"one": np.ones((2, 2, 10))},
                "words": {"one": ["a"] * 10},
            }
        },
    ),
    "plot_cells": Subject(
        plots.plot_cells,
        lambda seed: {
            "z": np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]),
            "mass": np.array([0.2, 0.3, 0.5]),
            "width": 1.0,
        },
        {
            "z": SPOTS,
            "mass": both(ROW, lambda m: {"one short": m[:-1], "negative": -m, "zero": 0 * m}),
            "width": POSITIVE,
        },
    ),
    "plot_cloud": Subject(
        plots.plot_cloud,
        lambda seed: {"codes": cloud(seed), "labels": digit_labels(seed), "limit": 4.0},
        {"codes": SPOTS, "labels": digit, "limit": POSITIVE},
        called={"codes": "codes|labels"},
    ),
    "plot_code": Subject(
        plots.plot_code,
        lambda seed: {"mu": normal(seed, D), "std": uniform(seed, D)},
        {
            "mu": both(row, finite, narrower),
            "std": both(row, finite, narrower, lambda v: {"negative": -v - 0.1}),
        },
    ),
    "plot_density": Subject(
        plots.plot_density,
        lambda seed: {"density": uniform(seed, 5, 5).numpy(), "limit": 3.0},
        {"density": both(array(both(square, finite)), lambda v: {"negative": -v - 0.1}), "limit": POSITIVE},
    ),
    "plot_embedding": Subject(
        plots.plot_embedding,
        lambda seed: {"points": cloud(seed), "labels": digit_labels(seed)},
        {"points": SPOTS, "labels": digit},
        called={"points": "points|labels"},
    ),
    "plot_gaussians": Subject(
        plots.plot_gaussians,
        lambda seed: {
            "mean": cloud(seed, 3),
            "cov": covariances(seed, 3, 2).numpy(),
            "n_std": 2,
            "colours": ["red", "blue", "black"],
        },
        {
            "mean": both(array(both(but(table, "without rows", "without columns"), finite)), in_plane),
            "cov": array(both(square, shorter, finite, lambda v: {"negative": -v})),
            "n_std": POSITIVE,
            "colours": lambda v: {"one short": v[:-1]},
        },
    ),
    "plot_images": Subject(
        plots.plot_images,
        lambda seed: {"images": images(seed, 5, 784), "n_columns": 3, "gap": 1},
        {
            "images": both(table, narrower),
            "n_columns": lambda _: {"zero": 0, "negative": -1, "half": 0.5},
            "gap": lambda _: {"negative": -1, "half": 0.5},
        },
    ),
    "plot_images_at": Subject(
        plots.plot_images_at,
        lambda seed: {
            "points": cloud(seed, 5),
            "images": uniform(seed, 5, 784).numpy(),
            "labels": digit_labels(seed, 5),
            "width": 0.1,
        },
        {"points": SPOTS, "images": array(both(table, narrower, shorter)), "labels": digit, "width": POSITIVE},
        called={"points": "points|images"},
    ),
    "plot_kl": Subject(plots.plot_kl, lambda seed: {"history": history(seed)}, {"history": lambda _: {}}),
    "plot_latent_map": Subject(
        plots.plot_latent_map,
        lambda seed: {"mu": cloud(seed), "labels": digit_labels(seed), "limit": 4.0},
        {"mu": SPOTS, "labels": digit, "limit": POSITIVE},
        called={"mu": "mu|labels"},
    ),
    "plot_loss": Subject(plots.plot_loss, lambda seed: {"history": history(seed)}, {"history": lambda _: {}}),
    "plot_phases": Subject(
        plots.plot_phases,
        lambda seed: {"kl": uniform(seed, 20).numpy(), "phases": {"first": 0, "last": 19}},
        {
            "kl": array(row),
            "phases": lambda _: {"too late": {"end": 20}, "negative": {"start": -1}, "a word": {"start": "one"}},
        },
    ),
    "plot_polar_violins": Subject(
        lambda values, ax, **options: plots.plot_polar_violins(values, ax=ax or polar_axes(), **options),
        lambda seed: {"values": cloud(seed).clip(-3, 3), "ax": None, "origin": -5.0, "limit": 4.0},
        {
            "values": COLUMNS,
            "ax": lambda _: {"not polar": plt.figure().add_subplot()},
            "origin": lambda _: {"too far out": 0.0, "NaN": np.nan},
            "limit": lambda _: {"too far in": 0.0, "NaN": np.nan},
        },
        called={"origin": "centre", "limit": "rim"},
    ),
    "plot_profiles": Subject(
        plots.plot_profiles,
        lambda seed: {"values": cloud(seed), "labels": digit_labels(seed)},
        {"values": both(COLUMNS, array(shorter)), "labels": digit},
        called={"values": "values|labels"},
    ),
    "plot_rate_distortion": Subject(
        plots.plot_rate_distortion,
        lambda seed: {"kl": cloud(seed, 3, 4), "nll": cloud(seed, 3, 4), "beta": [0.5, 1, 2, 4]},
        {
            "kl": array(both(shorter, narrower, lambda v: {"three-dimensional": v[None], "empty": v[:, :0]})),
            "nll": array(both(shorter, narrower, lambda v: {"three-dimensional": v[None], "empty": v[:, :0]})),
            "beta": lambda v: {"one short": v[:-1], "two-dimensional": [v]},
        },
    ),
    "plot_readings": Subject(
        plots.plot_readings,
        lambda seed: {"probabilities": normal(seed, N, 10).softmax(dim=1).numpy()},
        {"probabilities": array(both(table, narrower, finite, lambda v: {"above 1": 2 + v, "negative": -v}))},
    ),
    "plot_runs": Subject(
        plots.plot_runs,
        lambda seed: {"values": {"one": [1.0, 2.0], "other": [3.0]}},
        {
            "values": lambda _: {
                "nothing": {},
                "words": {"one": ["a"]},
                "a number": {"one": 1.0},
            }
        },
    ),
    "plot_split_violins": Subject(
        plots.plot_split_violins,
        lambda seed: {"left": cloud(seed), "right": cloud(seed + 1, 9), "names": ("one", "other")},
        {
            "left": both(COLUMNS, array(narrower)),
            "right": both(COLUMNS, array(narrower)),
            "names": lambda _: {"one": ("one",), "three": ("a", "b", "c")},
        },
    ),
    "plot_sweep": Subject(
        plots.plot_sweep,
        lambda seed: {"beta": [0, 1, 2, 4], "values": cloud(seed, 3, 4), "best": 2, "ticks": [0, 4]},
        {
            "beta": lambda v: {
                "falling": v[::-1],
                "one short": v[:-1],
                "negative": [-1, 0, 1, 2],
                "zero alone": [0],
                "two-dimensional": [v],
                "NaN": [0, 1, np.nan, 4],
                "infinite": [0, 1, 2, np.inf],
            },
            "values": array(both(narrower, lambda v: {"three-dimensional": v[None], "without seeds": v[:0]})),
            "best": lambda _: {"too large": 4, "negative": -1, "half": 0.5},
        },
        called={"beta": "beta|values"},
    ),
    "plot_trace": Subject(
        plots.plot_trace,
        lambda seed: {"z": cloud(seed)},
        {"z": array(lambda v: {"three-dimensional": v[None], "a number": v[0, 0], "empty": v[:0]})},
    ),
    "plot_tree": Subject(
        plots.plot_tree,
        lambda seed: {"tree": hierarchy(distances(seed, 5))},
        {"tree": array(both(table, narrower, finite))},
    ),
    "plot_violins": Subject(plots.plot_violins, lambda seed: {"values": cloud(seed)}, {"values": COLUMNS}),
}
