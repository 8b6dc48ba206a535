"""Posterior views: the same images as means, as samples and as ellipses in a 2-D latent space (level 5)."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import traitlets
from numpy.typing import NDArray

from vae_course.data import to_unit
from vae_course.explore.base import Explorer
from vae_course.explore.latent_map import SIDE, check_plane, scatter
from vae_course.explore.packing import pack_bytes, pack_greys, pack_matrix, unpack_matrix
from vae_course.models import VAE
from vae_course.plots.latent_map import label_spots
from vae_course.plots.style import DIGIT_COLOURS
from vae_course.types import Digits

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

VIEWS = ("means", "samples", "ellipses")
N_STD = (1, 2)
MINUS = "\N{MINUS SIGN}"


class PosteriorViews(Explorer, module="posterior_views.mjs"):
    """Posteriors N(mu, diag sd^2) of real digits in a 2-D latent space, drawn in one of three ways.

    model: a trained VAE with latent_dim 2. digits: real digits, of which `n_points` evenly spaced ones are shown.
    Traits: `view` ("means", "samples", "ellipses"), `n_std` (the ellipses' size: 1 or 2 standard deviations), `seed` of
    the samples, `point` (0 to n_points - 1: whose image and numbers are shown). Chapter 2.
    """

    state_names = ("view", "n_std", "seed", "point")

    view = traitlets.Enum(VIEWS, "means").tag(sync=True)
    n_std = traitlets.Enum(N_STD, 1).tag(sync=True)
    seed = traitlets.Int(0, min=0, max=2**31 - 1).tag(sync=True)
    point = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        model: VAE,
        digits: Digits,
        *,
        n_points: int = 300,
        view: str = "means",
        n_std: int = 1,
        seed: int = 0,
        point: int = 0,
        name: str = "posterior-views",
    ) -> None:
        check_plane(model, digits)
        n = min(n_points, len(digits.labels))
        if n < 1:
            raise ValueError(f"at least one digit is needed, got {len(digits.labels)} with n_points={n_points}")
        self._rows = np.linspace(0, len(digits.labels) - 1, n).astype(np.int64)[scatter(n)]
        images, self._labels = digits.images[self._rows], digits.labels[self._rows].numpy()
        with torch.no_grad():
            # In float64, so that the rounded numbers are the same on every machine.
            posterior = copy.deepcopy(model).cpu().double().encode(to_unit(images).double())
        packed = {"mu": pack_matrix(posterior.mu.T.numpy()), "std": pack_matrix(posterior.std.T.numpy())}
        self._mu, self._std = (unpack_matrix(packed[key]).T for key in ("mu", "std"))
        limit = max(2.5, math.ceil(2 * float((np.abs(self._mu) + 3 * self._std).max())) / 2)
        spots = label_spots(self._mu, self._labels, gap=0.15 * limit)
        payload = {
            "kind": "posterior-views",
            "side": SIDE,
            **packed,
            "labels": pack_bytes(self._labels),
            "images": pack_greys(images.numpy()),
            "colours": DIGIT_COLOURS,
            "label_spots": {str(digit): spot for digit, spot in spots.items()},
            "limit": limit,  # half the map's width: it holds three standard deviations around every mean
        }
        super().__init__(name=name, payload=payload, view=view, n_std=n_std, seed=seed, point=point)

    @traitlets.validate("point")
    def _check_point(self, proposal: Any) -> int:
        if not 0 <= proposal.value < len(self._labels):
            raise traitlets.TraitError(f"point must lie between 0 and {len(self._labels) - 1}, got {proposal.value}")
        return int(proposal.value)

    @property
    def row(self) -> int:
        """The point's row in the digits that the explorer was given."""
        return int(self._rows[self.point])

    @property
    def samples(self) -> NDArray[np.float64]:
        """One draw from each posterior, (n_points, 2): the same that the page draws from the seed."""
        return self._mu + self._std * normals(self.seed, len(self._mu))

    def summary(self) -> str:
        """What the figure shows, in words; the page says the same."""
        mean, std = (", ".join(_number(value) for value in row[self.point]) for row in (self._mu, self._std))
        how = {
            "means": "as points at their means",
            "samples": f"as one sample each (seed {self.seed})",
            "ellipses": f"as ellipses of {self.n_std} standard deviation{'s' if self.n_std > 1 else ''}",
        }[self.view]
        label = self._labels[self.point]
        which = f"{'an' if label == 8 else 'a'} {label}"
        return (
            f"Posteriors of {len(self._labels):,} digits, drawn {how}. Chosen: {which} with "
            f"means ({mean}) and standard deviations ({std})."
        )

    def picture_alt(self) -> str:
        """What is seen in the static picture."""
        return (
            "Three plots of the same digits' posteriors in a two-dimensional latent space, coloured by digit: a point "
            f"at each mean; one sample of each, a little moved; ellipses of {self.n_std} standard deviations, small "
            "beside the spread of the means. A ring marks the chosen digit."
        )

    def picture(self) -> Figure:
        """All three views side by side, the chosen digit ringed."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7.2, 2.8), dpi=90, layout="constrained")
        colours = np.array(DIGIT_COLOURS)[self._labels]
        for ax, view in zip(figure.subplots(1, 3), VIEWS, strict=True):
            points = self.samples if view == "samples" else self._mu
            if view == "ellipses":
                _draw_ellipses(ax, self._mu, self.n_std * self._std, colours)
            else:
                ax.scatter(points[:, 0], points[:, 1], s=6, c=colours, linewidths=0, alpha=0.85)
            ax.plot(*points[self.point], "o", ms=9, mfc="none", mec="black", mew=1.8)
            limit = self.payload["limit"]
            title = f"{view}, {self.n_std} sd" if view == "ellipses" else view
            ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xlabel="$z_1$", title=title)
        figure.axes[0].set_ylabel("$z_2$")
        return figure


def normals(seed: int, n: int) -> NDArray[np.float64]:
    """n pairs of standard normal numbers, (n, 2), by the generator that the page has too.

    By the method of Box & Muller (1958). For pictures; simulations take torch's generators.
    """
    uniform = uniforms(seed, 2 * n).reshape(n, 2)
    return box_muller(uniform[:, 0], uniform[:, 1])


def uniforms(seed: int, n: int) -> NDArray[np.float64]:
    """n uniform numbers in [0, 1), the page's own: Mulberry32 (Tommy Ettinger, 2017; public domain)."""
    mask = 0xFFFFFFFF
    uniform = np.empty(n)
    for i in range(n):
        seed = (seed + 0x6D2B79F5) & mask
        t = (seed ^ seed >> 15) * (seed | 1) & mask
        t ^= t + ((t ^ t >> 7) * (t | 61) & mask) & mask
        uniform[i] = (t ^ t >> 14) / 2**32
    return uniform


def box_muller(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pairs of standard normal numbers, (n, 2), from two uniform numbers each, (n,), in [0, 1)."""
    radius = np.sqrt(-2 * np.log(1 - first))
    angle = 2 * math.pi * second
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _draw_ellipses(ax: Axes, centre: NDArray[Any], half_axes: NDArray[Any], colours: NDArray[Any]) -> None:
    from matplotlib.collections import EllipseCollection

    ax.add_collection(
        EllipseCollection(
            2 * half_axes[:, 0],
            2 * half_axes[:, 1],
            np.zeros(len(centre)),
            units="xy",
            offsets=centre,
            offset_transform=ax.transData,
            facecolors="none",
            edgecolors=colours,
            linewidths=0.7,
            alpha=0.85,
        )
    )


def _number(value: float) -> str:
    return f"{round(float(value), 2) + 0:.2f}".replace("-", MINUS)  # adding 0 turns -0.0 into 0.0
