"""Class Gaussians: where digit classes lie in a 2-D latent space, and how far a Gaussian tells it (level 5)."""

from __future__ import annotations

import copy
import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
import traitlets
from numpy.typing import ArrayLike, NDArray

from vae_course.data import to_unit
from vae_course.explore.base import Explorer
from vae_course.explore.class_picture import draw_density, draw_ellipses, draw_points
from vae_course.explore.latent_map import SIDE, Point, check_plane, scatter
from vae_course.explore.packing import apply_layers, pack_bytes, pack_layers, pack_matrix, unpack_matrix
from vae_course.explore.plane_mixture import PRIOR, PlaneMixture, SplitGaussian, match_posteriors, pool
from vae_course.models import VAE
from vae_course.plots.style import DIGIT_COLOURS
from vae_course.types import Digits

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CELLS = 192
DENSITIES = ("mixture", "gaussian", "prior", "difference")
SHARES = ("total", "within", "between")
TINTS = {"more": "#0077BB", "less": "#EE7733"}  # where the mixture has more than the Gaussian, and less


class LogDensities(NamedTuple):
    """log densities at z, in nats. mixture, gaussian: of the chosen classes, None if there is none. prior: N(0, I)."""

    mixture: float | None
    gaussian: float | None
    prior: float


class ClassList(traitlets.TraitType):  # type: ignore[type-arg]
    """Digit classes, kept as a sorted list of different whole numbers from 0 to 9."""

    info_text = "a list of digits from 0 to 9"

    def validate(self, obj: Any, value: Any) -> list[int]:
        """The classes in order, each once. Raises TraitError on anything but whole numbers from 0 to 9."""
        try:
            given = list(value)
            digits = sorted({operator.index(digit) for digit in given})
        except TypeError:
            given, digits = [], [-1]
        if not set(digits) <= set(range(10)) or any(isinstance(digit, bool) for digit in given):
            raise traitlets.TraitError(f"{self.name} must be a list of digits from 0 to 9, got {value!r}")
        return digits


class ClassGaussianMap(Explorer, module="class_gaussians.mjs"):
    """Digit classes in a 2-D latent space: their Gaussians, the exact mixture behind them, and p(class | z).

    model: a trained VAE with latent_dim 2. digits: real digits, at least one of each class; all of them make the
    mixtures, `n_points` evenly spaced ones are shown. Traits: `z`, `classes`, `density` (what is shaded: "mixture" of
    the chosen classes' posteriors, "gaussian" with its moments, "prior" N(0, I) or "difference", mixture - Gaussian)
    and `share` (of which covariance the ellipses are: "total", "within" or "between"). Chapter 4.
    """

    state_names = ("z", "classes", "density", "share")

    z = Point((0.0, 0.0)).tag(sync=True)
    classes = ClassList([1, 7]).tag(sync=True)
    density = traitlets.Enum(DENSITIES, "mixture").tag(sync=True)
    share = traitlets.Enum(SHARES, "total").tag(sync=True)

    def __init__(
        self,
        model: VAE,
        digits: Digits,
        *,
        classes: Sequence[int] = (1, 7),
        z: ArrayLike = (0.0, 0.0),
        density: str = "mixture",
        share: str = "total",
        n_points: int = 600,
        name: str = "class-gaussians",
    ) -> None:
        check_plane(model, digits)
        missing = sorted(set(range(10)) - set(digits.labels.tolist()))
        if missing:
            raise ValueError(f"digits must hold every class, got none of {', '.join(map(str, missing))}")
        if not 0 <= n_points <= len(digits.labels):
            raise ValueError(f"n_points must lie between 0 and {len(digits.labels)}, got {n_points}")
        rows = scatter(len(digits.labels))  # the first n_points of them are evenly spaced
        labels = digits.labels[rows].numpy().astype(np.uint8)
        with torch.no_grad():
            # In float64, so that the rounded numbers are the same on every machine.
            posterior = copy.deepcopy(model).cpu().double().encode(to_unit(digits.images[rows]).double())
        mu, logvar = posterior.mu.numpy(), posterior.logvar.numpy()
        packed = {"mu": pack_matrix(mu.T), "logvar": pack_matrix(logvar.T)}
        limit = max(2.5, math.ceil(2 * float(np.abs(unpack_matrix(packed["mu"])).max()) * 1.02) / 2)
        payload: dict[str, Any] = {
            "kind": "class-gaussians",
            "side": SIDE,
            "layers": pack_layers(model.decoder_body, model.output),
            **packed,
            "labels": pack_bytes(labels),
            "n_points": n_points,
            "gaussians": [_pack(match_posteriors(mu[labels == c], logvar[labels == c])) for c in range(10)],
            "colours": DIGIT_COLOURS,
            "tints": TINTS,
            # Half the map's width: every mean is on it, and two standard deviations of the prior.
            "limit": limit,
            "cells": CELLS,
        }
        self._labels = labels
        self._mixture = PlaneMixture(
            unpack_matrix(packed["mu"]).T, unpack_matrix(packed["logvar"]).T, labels, limit=limit, cells=CELLS
        )
        self._gaussians = [_unpack(gaussian) for gaussian in payload["gaussians"]]
        super().__init__(name=name, payload=payload, z=z, classes=classes, density=density, share=share)

    @property
    def gaussians(self) -> dict[int, SplitGaussian]:
        """The Gaussian with the moments of each chosen class."""
        return {digit: self._gaussians[digit] for digit in self.classes}

    @property
    def matched(self) -> SplitGaussian | None:
        """The Gaussian with the moments of the mixture of all chosen classes; None if none is chosen."""
        return pool(list(self.gaussians.values())) if self.classes else None

    @property
    def x_mean(self) -> NDArray[np.float64]:
        """What the page draws at z: the decoder's mean image, (784,) in [0, 1], from the packed weights."""
        return apply_layers(self.payload["layers"], self.z)

    @property
    def class_probabilities(self) -> NDArray[np.float64]:
        """p(class | z) over all ten classes, (10,), exact from every posterior."""
        return self._mixture.class_probabilities(self.z)

    @property
    def log_densities(self) -> LogDensities:
        """log densities at z in nats."""
        prior = float(PRIOR.log_density(self.z))
        if self.matched is None:
            return LogDensities(None, None, prior)
        return LogDensities(
            self._mixture.log_density(self.z, self.classes), float(self.matched.log_density(self.z)), prior
        )

    @property
    def total_variation(self) -> float | None:
        """How far mixture and matched Gaussian differ, 0 to 1, on the map's cells; None if no class is chosen."""
        return None if self.matched is None else self._mixture.total_variation(self.classes, self.matched)

    @property
    def drawn_total_variation(self) -> float | None:
        """The same if as many means are drawn from the Gaussian: as much is due to the number of digits alone."""
        return None if self.matched is None else self._mixture.drawn_total_variation(self.classes, self.matched)

    def summary(self) -> str:
        """What the figure shows at its present state; the page says the same after every change."""
        chosen, apart = "", "No class is chosen."
        if self.classes:
            chosen = f"Chosen: {', '.join(map(str, self.classes))}. "
            apart = (
                f"Mixture and matched Gaussian differ by {_number(self.total_variation)} in total variation "
                f"({_number(self.drawn_total_variation)} if as many means were drawn from the Gaussian)."
            )
        probabilities = self.class_probabilities
        likely = np.argsort(-probabilities, kind="stable")[:3]
        shares = [f"{_number(100 * probabilities[i], 0)}% {i}" for i in likely if probabilities[i] >= 0.005]
        named = zip(("mixture", "Gaussian", "prior"), self.log_densities, strict=True)
        logs = [f"{name} {_number(log)}" for name, log in named if log is not None]
        return (
            f"Class Gaussians of {len(self._labels):,} digits. {chosen}{apart} "
            f"z = ({_number(self.z[0])}, {_number(self.z[1])}): p(class | z) is {', '.join(shares)}; "
            f"log density in nats: {', '.join(logs)}."
        )

    def picture_alt(self) -> str:
        """What is seen in the static picture."""
        chosen = ", ".join(map(str, self.classes)) or "none"
        return (
            f"A two-dimensional latent space with digits as points and, for the chosen classes ({chosen}), ellipses at "
            f"one and two standard deviations of their {self.share} covariance; the prior's are dashed. "
            f"Behind them, shaded: {self.density}. "
            "Beside it the image that the decoder makes at the cross, and ten bars with p(class | z)."
        )

    def picture(self) -> Figure:
        """The map with density, points and ellipses; beside it the decoded image and p(class | z)."""
        from matplotlib.figure import Figure

        from vae_course.plots.images import plot_images

        figure = Figure(figsize=(7.2, 4.4), dpi=110, layout="constrained")
        axes = figure.subplot_mosaic([["map", "decoded"], ["map", "bars"]], width_ratios=[1.7, 1])
        limit, n_points = self.payload["limit"], self.payload["n_points"]
        draw_density(axes["map"], self._densities(), self.density, limit=limit, tints=TINTS)
        draw_points(axes["map"], self._mixture.mu[:n_points], self._labels[:n_points], self.classes)
        draw_ellipses(axes["map"], self.gaussians, self.matched, self.share, limit=limit)
        axes["map"].plot(*self.z, marker="+", color="black", markersize=18, markeredgewidth=2.5, zorder=10)
        axes["map"].set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xlabel="$z_1$", ylabel="$z_2$")
        plot_images(torch.from_numpy(self.x_mean).reshape(1, -1), n_columns=1, ax=axes["decoded"])
        axes["decoded"].set_title("decoded at the cross")
        axes["bars"].bar(range(10), self.class_probabilities, color=DIGIT_COLOURS)
        axes["bars"].set(title="p(class | z)", xticks=range(10), ylim=(0, 1))
        return figure

    def _densities(self) -> dict[str, NDArray[np.float64]]:
        """What the page can shade, by name: densities of the cells, (cells, cells)."""
        area = (2 * self.payload["limit"] / CELLS) ** 2
        prior = self._mixture.gaussian_masses(PRIOR) / area
        if self.matched is None:
            return {name: prior if name == "prior" else np.zeros_like(prior) for name in DENSITIES}
        mixture = self._mixture.masses(self.classes) / area
        gaussian = self._mixture.gaussian_masses(self.matched) / area
        return {"mixture": mixture, "gaussian": gaussian, "prior": prior, "difference": mixture - gaussian}


def _pack(gaussian: SplitGaussian) -> dict[str, Any]:
    """For the page, to six significant digits: [var1, cov, var2] for each covariance."""

    def short(values: NDArray[np.float64]) -> list[float]:
        return [float(f"{value:.6g}") for value in values]

    upper = np.triu_indices(2)
    return {
        "n": gaussian.n,
        "mean": short(gaussian.mean),
        "within": short(gaussian.within[upper]),
        "between": short(gaussian.between[upper]),
    }


def _unpack(packed: dict[str, Any]) -> SplitGaussian:
    def full(values: list[float]) -> NDArray[np.float64]:
        return np.array([values[:2], values[1:]])

    return SplitGaussian(packed["n"], np.array(packed["mean"]), full(packed["within"]), full(packed["between"]))


def _number(value: float | None, digits: int = 2) -> str:
    """A number for people: a true minus sign, and none before a zero (adding 0 turns -0.0 into 0.0)."""
    return f"{round(float(value or 0), digits) + 0:.{digits}f}".replace("-", "\N{MINUS SIGN}")
