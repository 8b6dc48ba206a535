"""The betas: one slider over really trained models, and all that it changes, side by side (level 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
import traitlets
from numpy.typing import NDArray

from vae_course import zoo
from vae_course.explore.base import Explorer
from vae_course.explore.beta_explorer_data import (
    N_SAMPLES,
    STORED_DRAWS,
    TRAVERSED,
    BetaModel,
    Pictures,
    describe,
    make_beta_model,
    store_pictures,
)
from vae_course.explore.beta_explorer_picture import draw_beta
from vae_course.explore.latent_map import SIDE, scatter
from vae_course.explore.packing import pack_bytes, pack_greys
from vae_course.plots.style import DIGIT_COLOURS
from vae_course.types import Digits

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LATENT_DIMS = (10, 2)
# Rows of load_digits(), one of each class.
EXAMPLES = (2, 500, 1001, 1500, 2000, 2500, 3001, 3501, 4000, 4502)


class BetaExplorer(Explorer, module="beta_explorer.mjs"):
    """What beta does to a trained VAE: scatter, KL and traversal of each latent, samples, reconstructions, the curve.

    digits: what load_digits() gives, or others with `rows`, those that are reconstructed (by default one of each
    class). `n_points` evenly spaced ones make the scatter, and all of them the latents' KL. The models are the zoo's
    "vae-beta{beta}-{latent_dim}d-s0". Those with 10 latents are decoded live; of those with 2 the page has pictures.

    Traits: `beta`, one of zoo.BETAS; `latent_dim`, 10 or 2; `seed` of the prior samples. Chapter 10.
    """

    state_names = ("beta", "latent_dim", "seed")

    beta = traitlets.Enum(tuple(float(beta) for beta in zoo.BETAS), 1.0).tag(sync=True)
    latent_dim = traitlets.Enum(LATENT_DIMS, 10).tag(sync=True)
    seed = traitlets.Int(0, min=0, max=2**31 - 1).tag(sync=True)

    def __init__(
        self,
        digits: Digits,
        *,
        beta: float = 1.0,
        latent_dim: int = 10,
        seed: int = 0,
        rows: Sequence[int] = EXAMPLES,
        n_points: int = 400,
        name: str = "beta-explorer",
    ) -> None:
        _check(digits, rows, n_points)
        examples = np.asarray(rows, dtype=np.int64)
        n = min(n_points, len(digits.labels))
        points = np.linspace(0, len(digits.labels) - 1, n).astype(np.int64)[scatter(n)]
        self._models: dict[tuple[int, float], BetaModel] = {}
        for dim in LATENT_DIMS:
            for each in zoo.BETAS:
                key = f"vae-beta{each}-{dim}d-s0"
                self._models[dim, float(each)] = make_beta_model(
                    zoo.load(key), zoo.card(key)["held_out"], digits, points=points, examples=examples
                )
        self._images, self._labels = digits.images[examples], digits.labels[points].numpy()
        payload = {
            "kind": "beta-explorer",
            "side": SIDE,
            "betas": [float(each) for each in zoo.BETAS],
            "n_samples": N_SAMPLES,
            "stored_draws": STORED_DRAWS,
            "traversed": list(TRAVERSED),
            "labels": pack_bytes(self._labels),
            "images": pack_greys(self._images.numpy()),
            "example_labels": pack_bytes(digits.labels[examples].numpy()),
            "colours": DIGIT_COLOURS,
            "families": {
                "10": [self._models[10, float(each)].entry for each in zoo.BETAS],
                "2": [store_pictures(self._models[2, float(each)]) for each in zoo.BETAS],
            },
        }
        super().__init__(name=name, payload=payload, beta=float(beta), latent_dim=latent_dim, seed=seed)

    @property
    def shown(self) -> BetaModel:
        """The model of the present beta and latent_dim."""
        return self._models[self.latent_dim, self.beta]

    @property
    def curve(self) -> list[tuple[float, float, float]]:
        """Of each beta of the present latent_dim: (beta, rate, distortion), the last two in nats an image."""
        family = {beta: model for (dim, beta), model in self._models.items() if dim == self.latent_dim}
        return [(beta, model.rate, model.distortion) for beta, model in family.items()]

    @property
    def labels(self) -> NDArray[np.uint8]:
        """The classes of the digits on the scatter, (n_points,)."""
        return self._labels

    def clouds(self, latent_dim: int = 2) -> dict[float, NDArray[np.float64]]:
        """The scatter of every beta, (n_points, 2) each, the same on every machine; for `plots.plot_beta_slider`."""
        return {beta: model.mu for (dim, beta), model in self._models.items() if dim == latent_dim}

    @property
    def samples(self) -> Pictures:
        """The prior samples that are shown, (10, 784): with 2 latents those of seed modulo 4."""
        return self.shown.samples(self.seed % STORED_DRAWS if self.latent_dim == 2 else self.seed)

    def summary(self) -> str:
        """What the figure shows, in words; the page says the same after every move."""
        return describe(self.beta, self.shown)

    def picture_alt(self) -> str:
        """What is seen in the static picture."""
        return (
            "Scatter plot of digits over the two latents with the largest KL, with circles at one and two standard "
            "deviations of the prior; the curve of distortion against rate over all betas, the present one marked; "
            "rows of digits, of their reconstructions and of samples from the prior; and a row of seven images for "
            f"each of {self.latent_dim} latents, decoded from -3 to 3, with its KL in nats."
        )

    def picture(self) -> Figure:
        """Scatter, curve, reconstructions, samples and traversals at the present state."""
        rows = np.concatenate([self._images.numpy() / 255, self.shown.reconstructions(), self.samples])
        return draw_beta(self.shown, self._labels, self.beta, self.curve, torch.from_numpy(rows))


def _check(digits: Digits, rows: Sequence[int], n_points: int) -> None:
    """Raises ValueError unless the digits, and the rows of them, can be shown."""
    n = len(digits.labels)
    if digits.images.shape != (n, SIDE * SIDE) or digits.images.dtype != torch.uint8:
        raise ValueError(
            f"digits.images must be ({n}, 784) uint8, got {tuple(digits.images.shape)} {digits.images.dtype}; "
            "pass what load_digits() gives"
        )
    if n and not 0 <= int(digits.labels.min()) <= int(digits.labels.max()) <= 9:
        raise ValueError("digits.labels must lie between 0 and 9")
    if len(rows) != N_SAMPLES or not all(0 <= row < n for row in rows):
        raise ValueError(f"rows must be ten rows of the {n} digits, each from 0 to {n - 1}, got {list(rows)}")
    if n_points < 10:
        raise ValueError(f"n_points must be at least 10, or the scatter shows nothing, got {n_points}")
