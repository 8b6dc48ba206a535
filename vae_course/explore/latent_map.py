"""The latent map: a 2-D latent space to walk through, with the trained decoder at every point (level 5)."""

from __future__ import annotations

import copy
import math
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
import traitlets
from numpy.typing import ArrayLike, NDArray

from vae_course.data import to_unit
from vae_course.explore.base import Explorer
from vae_course.explore.packing import apply_layers, pack_bytes, pack_greys, pack_layers, pack_matrix, unpack_matrix
from vae_course.models import VAE
from vae_course.plots.latent_map import label_spots
from vae_course.plots.style import DIGIT_COLOURS
from vae_course.types import Digits

if TYPE_CHECKING:
    from matplotlib.figure import Figure

N_NEAREST = 5
SIDE = 28


class Neighbours(NamedTuple):
    """The real digits whose means lie nearest to a point, the nearest first.

    row: (5,) rows of the digits that the explorer was given. label: (5,) 0 to 9. distance: (5,) in latent units,
    which are the prior's standard deviations.
    """

    row: NDArray[np.int64]
    label: NDArray[np.int64]
    distance: NDArray[np.float64]


class Point(traitlets.TraitType):  # type: ignore[type-arg]
    """Two finite numbers, kept as a tuple of floats."""

    info_text = "two finite numbers (z1, z2)"

    def validate(self, obj: Any, value: Any) -> tuple[float, float]:
        """The point as a tuple. Raises TraitError on another shape, NaN or infinity."""
        try:
            numbers = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            numbers = np.empty(0)
        if numbers.shape != (2,) or not np.isfinite(numbers).all():
            raise traitlets.TraitError(
                f"{self.name} must be two finite numbers (z1, z2), got {value!r}; for a batch set one point at a time"
            )
        return float(numbers[0]), float(numbers[1])


class LatentMap(Explorer, module="latent_map.mjs"):
    """The means of real digits in a 2-D latent space; pointer, finger or arrow keys decode at a point.

    model: a trained VAE with latent_dim 2. digits: real digits, of which `n_points` evenly spaced ones are shown.
    `z` is a trait: set it from Python, or read where the reader went. `name` tells explorers of a book apart.
    Chapter 1.
    """

    state_names = ("z",)

    z = Point((0.0, 0.0)).tag(sync=True)

    def __init__(
        self,
        model: VAE,
        digits: Digits,
        *,
        z: ArrayLike = (0.0, 0.0),
        n_points: int = 1000,
        name: str = "latent-map",
    ) -> None:
        check_plane(model, digits)
        if min(len(digits.labels), n_points) < N_NEAREST:
            raise ValueError(
                f"at least {N_NEAREST} digits are needed, got {len(digits.labels)} with n_points={n_points}"
            )
        rows = np.linspace(0, len(digits.labels) - 1, min(n_points, len(digits.labels))).astype(np.int64)
        self._rows = rows[scatter(len(rows))]
        images, self._labels = digits.images[self._rows], digits.labels[self._rows].numpy()
        with torch.no_grad():
            # In float64, so that the rounded means are the same on every machine.
            mu = copy.deepcopy(model).cpu().double().encode_point(to_unit(images).double())
        packed_mu = pack_matrix(mu.T.numpy())
        self._mu = unpack_matrix(packed_mu).T
        limit = max(2.5, math.ceil(2 * float(np.abs(self._mu).max()) * 1.02) / 2)
        spots = label_spots(self._mu, self._labels, gap=0.15 * limit)
        payload = {
            "kind": "latent-map",
            "side": SIDE,
            "layers": pack_layers(model.decoder_body, model.output),
            "mu": packed_mu,
            "labels": pack_bytes(self._labels),
            "images": pack_greys(images.numpy()),
            "colours": DIGIT_COLOURS,
            "n_nearest": N_NEAREST,
            "label_spots": {str(digit): spot for digit, spot in spots.items()},
            # Half the map's width: every mean is on it, and two standard deviations of the prior.
            "limit": limit,
        }
        super().__init__(name=name, payload=payload, z=z)

    @property
    def nearest(self) -> Neighbours:
        """The real digits nearest to z."""
        distance = np.hypot(*(self._mu - np.asarray(self.z)).T)
        first = np.argsort(distance, kind="stable")[:N_NEAREST]
        return Neighbours(self._rows[first], self._labels[first], distance[first])

    @property
    def x_mean(self) -> NDArray[np.float64]:
        """What the page draws at z: the decoder's mean image, (784,) in [0, 1], from the packed weights."""
        return apply_layers(self.payload["layers"], self.z)

    def summary(self) -> str:
        """What the figure shows at z, in words; the page says the same after every move."""
        labels = [int(label) for label in self.nearest.label]
        reads_as = Counter(labels).most_common(1)[0][0]  # a tie goes to the nearest
        # Adding 0 after rounding turns -0.0 into 0.0.
        z1, z2 = (f"{round(value, 2) + 0:.2f}".replace("-", "\N{MINUS SIGN}") for value in self.z)
        return (
            f"Latent map of {len(self._labels):,} digits. z = ({z1}, {z2}): decodes to something like a {reads_as}; "
            f"nearest real digits {' '.join(map(str, labels))}."
        )

    def picture_alt(self) -> str:
        """What is seen in the static picture."""
        return (
            "Scatter plot of digits in a two-dimensional latent space, each of the ten classes in a colour of its own, "
            "with circles at one and two standard deviations of the prior and a cross at z. "
            "Beside it the image that the decoder makes at z."
        )

    def picture(self) -> Figure:
        """The map with a cross at z, and the decoded image beside it."""
        from matplotlib.figure import Figure

        from vae_course.plots.images import plot_images
        from vae_course.plots.latent_map import plot_latent_map

        figure = Figure(figsize=(7.2, 4.4), dpi=110, layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=[1.7, 1])
        plot_latent_map(self._mu, self._labels, ax=left, limit=self.payload["limit"], s=7)
        left.plot(*self.z, marker="+", color="black", markersize=18, markeredgewidth=2.5, zorder=10)
        plot_images(torch.from_numpy(self.x_mean).reshape(1, -1), n_columns=1, ax=right)
        right.set_title("decoded at the cross")
        return figure


def scatter(n: int) -> NDArray[np.int64]:
    """An order of n rows, (n,), in which no class covers all the others; by the golden ratio, so nothing is random."""
    return np.argsort(np.arange(n) * (math.sqrt(5) - 1) / 2 % 1, kind="stable")


def check_plane(model: VAE, digits: Digits) -> None:
    """Raises TypeError or ValueError unless the model has a 2-D latent space and the digits can be shown on it."""
    if not isinstance(model, VAE):
        raise TypeError(f"model must be a VAE, got {type(model).__name__}")
    if model.config.latent_dim != 2 or model.config.input_dim != SIDE * SIDE:
        raise ValueError(
            f"model must have latent_dim 2 and input_dim 784, got {model.config.latent_dim} and "
            f"{model.config.input_dim}; a larger latent space has an explorer of its own"
        )
    n = len(digits.labels)
    if n == 0:
        raise ValueError("digits must hold at least one image, got none")
    if digits.images.shape != (n, SIDE * SIDE) or digits.images.dtype != torch.uint8:
        raise ValueError(
            f"digits.images must be ({n}, 784) uint8, got {tuple(digits.images.shape)} {digits.images.dtype}; "
            "pass what load_digits() gives"
        )
    if not 0 <= int(digits.labels.min()) <= int(digits.labels.max()) <= 9:
        raise ValueError("digits.labels must lie between 0 and 9")
