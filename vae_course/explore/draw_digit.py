"""Draw a digit: the encoder at work in the page on what the reader draws, for any VAE of MNIST digits (level 5)."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from vae_course.data import to_unit
from vae_course.explore.base import Explorer
from vae_course.explore.latent_map import N_NEAREST, SIDE, Neighbours, scatter
from vae_course.explore.packing import (
    apply_layers,
    encode_packed,
    pack_bytes,
    pack_encoder,
    pack_greys,
    pack_layers,
    pack_matrix,
    pack_sparse,
    unpack_bytes,
    unpack_matrix,
)
from vae_course.explore.pixels import N_PIXELS, Image, halve
from vae_course.models import VAE
from vae_course.plots.latent_map import label_spots, plot_latent_map
from vae_course.plots.style import DIGIT_COLOURS, NEUTRAL, RIGHT
from vae_course.types import Digits, Posterior

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Plane(NamedTuple):
    """The plane of a map: a point z has coordinates axes @ z.

    axes: (2, latent_dim), orthonormal. share: the part of the means' variance that lies in the plane, 0 to 1.
    """

    axes: NDArray[np.float64]
    share: float
    names: tuple[str, str]


class DrawDigit(Explorer, module="draw_digit.mjs"):
    """A sheet to draw on with mouse, finger or keys; the page's encoder shows the posterior of the drawing.

    model: a trained VAE of 784 pixels with at least two latents. digits: real digits, of which `n_points` are shown by
    their means and `n_examples`, spread over the classes, can be loaded. With two latents the map is the latent space;
    with more it is the plane in which the classes' centres lie furthest apart, where the posterior is
    still a Gaussian. `image` is a trait: set it to any image, or read what the reader drew as `x`. Chapter 2.
    """

    state_names = ("image",)

    image = Image().tag(sync=True)

    def __init__(
        self,
        model: VAE,
        digits: Digits,
        *,
        image: ArrayLike | None = None,
        n_points: int = 500,
        n_examples: int = 20,
        name: str = "draw-a-digit",
    ) -> None:
        _check(model, digits, n_points, n_examples)
        n = len(digits.labels)
        rows = np.linspace(0, n - 1, min(n_points, n)).astype(np.int64)
        self._rows = rows[scatter(len(rows))]
        images, self._labels = digits.images[self._rows], digits.labels[self._rows].numpy()
        with torch.no_grad():
            # In float64, so that the rounded means are the same on every machine.
            mu = copy.deepcopy(model).cpu().double().encode_point(to_unit(images).double())
        packed_mu = pack_matrix(mu.T.numpy())
        self._mu = unpack_matrix(packed_mu).T
        self._plane = class_plane(self._mu, self._labels)
        self._points = self._mu @ self._plane.axes.T
        limit = max(2.5, math.ceil(2 * float(np.abs(self._points).max()) * 1.02) / 2)
        spots = label_spots(self._points, self._labels, gap=0.15 * limit)
        by_class = np.argsort(digits.labels.numpy(), kind="stable")
        examples = by_class[((np.arange(n_examples) + 0.5) * n / n_examples).astype(np.int64)]
        example_labels = digits.labels.numpy()[examples]
        start = examples[int(np.argmax(example_labels == 9))]  # the question is about a 9; without one, the first
        payload = {
            "kind": "draw-digit",
            "side": SIDE,
            "encoder": pack_encoder(model),
            "decoder": pack_layers(model.decoder_body, model.output),
            "mu": packed_mu,
            "labels": pack_bytes(self._labels),
            "images": pack_greys(halve(images.numpy())),
            "thumb_side": SIDE // 2,
            "examples": pack_sparse(digits.images[examples].numpy()),
            "example_labels": pack_bytes(example_labels),
            "axes": self._plane.axes.tolist(),
            "axis_names": list(self._plane.names),
            "plane_share": round(100 * self._plane.share),
            "colours": DIGIT_COLOURS,
            "n_nearest": N_NEAREST,
            "label_spots": {str(digit): spot for digit, spot in spots.items()},
            "limit": limit,
        }
        super().__init__(name=name, payload=payload, image=digits.images[start] if image is None else image)

    @property
    def x(self) -> NDArray[np.float64]:
        """The image as the encoder sees it, (784,) in [0, 1]."""
        return unpack_bytes(self.image) / 255

    @property
    def posterior(self) -> Posterior:
        """What the encoder gives for the image, from the page's weights. mu, logvar: (1, latent_dim), float64."""
        return encode_packed(self.payload["encoder"], self.x)

    @property
    def x_mean(self) -> NDArray[np.float64]:
        """The reconstruction that the page shows: the posterior's mean decoded, (784,) in [0, 1]."""
        return apply_layers(self.payload["decoder"], self.posterior.mu[0].numpy())

    @property
    def nearest(self) -> Neighbours:
        """The real digits whose means lie nearest to the posterior's mean, in all latents."""
        distance = np.linalg.norm(self._mu - self.posterior.mu.numpy(), axis=1)
        first = np.argsort(distance, kind="stable")[:N_NEAREST]
        return Neighbours(self._rows[first], self._labels[first], distance[first])

    def summary(self) -> str:
        """The posterior of the image in words; the page says the same after every change."""
        mu, logvar = (values[0].numpy() for values in self.posterior)
        std, ink = np.exp(logvar / 2), float(self.x.sum())
        if len(mu) == 2:
            where = f"mean ({_number(mu[0])}, {_number(mu[1])}), sd ({_number(std[0])}, {_number(std[1])})"
        else:
            radius = _number(float(np.linalg.norm(mu)))
            where = f"mean {radius} from the origin, sd from {_number(std.min())} to {_number(std.max())}"
        drawn = f"Ink of {ink:.1f} full pixels" if ink else "The sheet is empty, and the encoder answers all the same"
        return (
            f"{drawn}. Posterior: {where}, log-volume {_number(logvar.sum() / 2)} (the prior's is 0). "
            f"Nearest real digits {' '.join(map(str, self.nearest.label))}."
        )

    def picture_alt(self) -> str:
        """What is seen in the static picture."""
        return (
            "Scatter plot of the means of real digits, each of the ten classes in a colour of its own, with two "
            "ellipses at one and two standard deviations of the posterior of one image. Beside it the image, what the "
            "decoder makes of the posterior's mean, and bars for the mean and the standard deviation of each latent."
        )

    def picture(self) -> Figure:
        """The map with the posterior's ellipses; the image and its reconstruction; means and standard deviations."""
        from matplotlib.figure import Figure

        from vae_course.plots.images import plot_images

        posterior = self.posterior
        figure = Figure(figsize=(7.2, 4.4), dpi=100, layout="constrained")
        grid = figure.add_gridspec(3, 3, width_ratios=[2.6, 1, 1], height_ratios=[1.3, 1, 1])
        left = figure.add_subplot(grid[:, 0])
        plot_latent_map(self._points, self._labels, ax=left, limit=self.payload["limit"], s=7)
        left.set(xlabel=self._plane.names[0], ylabel=self._plane.names[1])
        self._plot_ellipses(posterior, left)
        for column, (title, pixels) in enumerate((("the image", self.x), ("decoded", self.x_mean)), start=1):
            ax = plot_images(torch.from_numpy(pixels)[None], n_columns=1, ax=figure.add_subplot(grid[0, column]))
            ax.set_title(title)
        latents = np.arange(1, len(posterior.mu[0]) + 1)
        for row, (title, values) in enumerate((("means", posterior.mu[0]), ("standard deviations", posterior.std[0]))):
            ax = figure.add_subplot(grid[row + 1, 1:])
            ax.bar(latents, values.numpy(), color=RIGHT)
            ax.axhline(0, color=NEUTRAL, linewidth=0.8)
            ax.set_title(title)
        ax.set_xlabel("latent")
        return figure

    def _plot_ellipses(self, posterior: Posterior, ax: Axes) -> None:
        axes, mu = self._plane.axes, posterior.mu[0].numpy()
        root = np.linalg.cholesky(axes @ np.diag(posterior.logvar[0].exp().numpy()) @ axes.T)
        angles = np.linspace(0, 2 * np.pi, 181)
        for sd in (1, 2):
            edge = axes @ mu + sd * np.stack([np.cos(angles), np.sin(angles)], axis=1) @ root.T
            ax.plot(edge[:, 0], edge[:, 1], color="black", linewidth=1.8, zorder=10)
        ax.plot(*(axes @ mu), marker="o", color="black", markersize=4, zorder=10)


def class_plane(mu: NDArray[np.float64], labels: NDArray[np.int64]) -> Plane:
    """The latent space itself if mu is (n, 2), else the plane of the class centres' first two principal components.

    A VAE spreads its means evenly over all directions, so their own principal components tell little. With fewer than
    three classes they are taken none the less. The plane goes through the origin, so that the prior stays N(0, I) on
    it. Each axis points to where its largest entry is positive, and is rounded: the same on every machine.
    """
    if mu.shape[1] == 2:
        return Plane(np.eye(2), 1.0, ("z₁", "z₂"))
    classes = np.unique(labels)
    centres = np.stack([mu[labels == label].mean(axis=0) for label in classes])
    _, vectors = np.linalg.eigh(np.cov(centres if len(classes) > 2 else mu, rowvar=False))
    axes = vectors[:, ::-1][:, :2].T
    largest = np.abs(axes).argmax(axis=1)
    axes = np.round(axes * np.sign(axes[[0, 1], largest])[:, None], 6) + 0.0
    share = (mu @ axes.T).var(axis=0).sum() / mu.var(axis=0).sum()
    return Plane(axes, float(share), ("u₁", "u₂"))


def _number(value: float) -> str:
    """Two digits and a true minus sign, as the page writes numbers; adding 0 turns -0.0 into 0.0."""
    return f"{round(float(value), 2) + 0:.2f}".replace("-", "\N{MINUS SIGN}")


def _check(model: VAE, digits: Digits, n_points: int, n_examples: int) -> None:
    """Raises TypeError or ValueError unless the model and the digits can be shown."""
    if not isinstance(model, VAE):
        raise TypeError(f"model must be a VAE, got {type(model).__name__}; only a VAE gives a posterior")
    if model.config.latent_dim < 2 or model.config.input_dim != N_PIXELS:
        raise ValueError(
            f"model must have latent_dim 2 or more and input_dim 784, got {model.config.latent_dim} and "
            f"{model.config.input_dim}"
        )
    n = len(digits.labels)
    if digits.images.shape != (n, N_PIXELS) or digits.images.dtype != torch.uint8:
        raise ValueError(
            f"digits.images must be ({n}, 784) uint8, got {tuple(digits.images.shape)} {digits.images.dtype}; "
            "pass what load_digits() gives"
        )
    if min(n, n_points) < N_NEAREST:
        raise ValueError(f"at least {N_NEAREST} digits are needed, got {n} with n_points={n_points}")
    if not 1 <= n_examples <= n:
        raise ValueError(f"n_examples must lie between 1 and the number of digits, {n}, got {n_examples}")
    if not 0 <= int(digits.labels.min()) <= int(digits.labels.max()) <= 9:
        raise ValueError("digits.labels must lie between 0 and 9")
