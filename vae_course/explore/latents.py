"""The latents: a slider for each dimension of a latent space, with the trained decoder behind them (level 5)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import traitlets
from numpy.typing import ArrayLike, NDArray

from vae_course.explore.base import Explorer
from vae_course.explore.latents_data import aggregate_density, exact_posteriors, example_rows
from vae_course.explore.packing import apply_layers, pack_bytes, pack_greys, pack_layers, pack_matrix, unpack_matrix
from vae_course.latent import active_units, kl_order, traverse
from vae_course.models import VAE
from vae_course.objectives import kl_per_latent
from vae_course.plots.style import NEUTRAL, RIGHT
from vae_course.types import Digits

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIDE = 28
PRIOR_RANGE = (-3, 3)
N_STRIPS = 5  # latents that the static picture shows decoded
COLOURS = {"more": "#0077BB", "less": "#EE7733"}  # ink added, ink taken away
MINUS = "\N{MINUS SIGN}"


class LatentVector(traitlets.TraitType):  # type: ignore[type-arg]
    """As many finite numbers as its owner's `latent_dim`, kept as a list of floats."""

    default_value: tuple[float, ...] = ()

    def validate(self, obj: Any, value: Any) -> list[float]:
        """The numbers as a list. Raises TraitError on another shape, NaN or infinity."""
        try:
            numbers = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            numbers = np.empty(0)
        if numbers.shape != (obj.latent_dim,) or not np.isfinite(numbers).all():
            raise traitlets.TraitError(
                f"{self.name} must be {obj.latent_dim} finite numbers, got {value!r}; for a batch set one z at a time"
            )
        return [float(number) for number in numbers]


class Latents(Explorer, module="latents.mjs"):
    """A slider a latent, the largest KL first, over the prior's range or over a loaded digit's posterior.

    model: a trained VAE for 28 x 28 images. digits: real digits; all of them make the violins, which are the densities
    of the aggregate posterior, and `n_examples` of them, in turn from each class, can be loaded.

    Traits: `z`, the latents by the model's own numbering; `range`, "prior" (-3 to 3) or "posterior" (mean +- 2 sd of
    the loaded digit; without one the prior's); `digit`, which example the picture is compared with, -1 for none, then
    with the picture at z = 0. Without `z` the first example is loaded. Chapter 3.
    """

    state_names = ("z", "range", "digit")

    z = LatentVector().tag(sync=True)
    range = traitlets.Enum(("prior", "posterior"), default_value="prior").tag(sync=True)
    digit = traitlets.Int(-1).tag(sync=True)

    def __init__(
        self, model: VAE, digits: Digits, *, n_examples: int = 20, z: ArrayLike | None = None, name: str = "latents"
    ) -> None:
        _check(model, digits, n_examples)
        self.latent_dim = model.config.latent_dim
        self._rows = example_rows(digits.labels, n_examples)
        self._labels = digits.labels[self._rows].numpy()
        mu, logvar = exact_posteriors(model, digits.images)
        std = (0.5 * logvar).exp()
        chosen = {"mu": pack_matrix(mu[self._rows].numpy()), "std": pack_matrix(std[self._rows].numpy())}
        self._mu, self._std = (unpack_matrix(chosen[key]) for key in ("mu", "std"))
        limit = max(3.0, math.ceil(2 * float((mu.abs() + 3 * std).max())) / 2)  # so far out no mass is left
        density = aggregate_density(mu, logvar, limit=limit)
        self._density = unpack_matrix(density_packed := pack_matrix(density))
        payload = {
            "kind": "latents",
            "side": SIDE,
            "layers": pack_layers(model.decoder_body, model.output),
            "prior_range": list(PRIOR_RANGE),
            "order": kl_order(mu, logvar).tolist(),
            "kl": np.round(kl_per_latent(mu, logvar).mean(dim=0).numpy(), 4).tolist(),
            "active": active_units(mu).tolist(),
            "limit": limit,
            "density": density_packed,
            **chosen,
            "labels": pack_bytes(self._labels),
            "images": pack_greys(digits.images[self._rows].numpy()),
            "colours": COLOURS,
        }
        state = {"z": self._mu[0], "digit": 0} if z is None else {"z": z}
        super().__init__(name=name, payload=payload, **state)

    @traitlets.validate("digit")
    def _is_example(self, proposal: dict[str, Any]) -> int:
        digit = int(proposal["value"])
        if not -1 <= digit < len(self._labels):
            raise traitlets.TraitError(
                f"digit must be an example from 0 to {len(self._labels) - 1}, or -1 for none, got {digit}"
            )
        return digit

    def load(self, digit: int) -> None:
        """Loads example `digit`, as its button does: z becomes its posterior mean."""
        with self.hold_sync():  # the page hears of both at once
            self.digit = digit
            self.z = self._start

    @property
    def example_rows(self) -> NDArray[np.int64]:
        """The rows of the given digits that can be loaded, (n_examples,)."""
        return self._rows

    @property
    def spans(self) -> NDArray[np.float64]:
        """Where each slider runs, (latent_dim, 2): its low and its high end."""
        if self.range == "posterior" and self.digit >= 0:
            mean, reach = self._mu[self.digit], 2 * self._std[self.digit]
            return np.stack([mean - reach, mean + reach], axis=1)
        return np.tile(np.array(PRIOR_RANGE, dtype=np.float64), (self.latent_dim, 1))

    @property
    def x_mean(self) -> NDArray[np.float64]:
        """What the page draws at z: the decoder's mean image, (784,) in [0, 1], from the packed weights."""
        return self._decode(self.z)

    @property
    def change(self) -> float:
        """How far x_mean is from the loaded digit's reconstruction: mean absolute change of a pixel in grey levels."""
        return float(255 * np.abs(self.x_mean - self._decode(self._start)).mean())

    def summary(self) -> str:
        """What the figure shows, in words; the page says the same after every move."""
        n_active, loaded = sum(self.payload["active"]), self.digit >= 0
        if self.range == "posterior" and loaded:
            widths = np.diff(self.spans)
            span = f"the posterior range, the digit's mean ± 2 sd, {widths.min():.2f} to {widths.max():.2f} wide"
        else:
            span = f"the prior range, {MINUS}3 to 3"
        return (
            f"{self.latent_dim} latents, {n_active} active. "
            + (f"Loaded digit: a {self._labels[self.digit]}. " if loaded else "No digit loaded. ")
            + f"Sliders over {span}. The picture differs from "
            + ("the digit's reconstruction" if loaded else "the one at z = 0")
            + f" by {self.change:.1f} grey levels on average."
        )

    def picture_alt(self) -> str:
        """What is seen in the static picture."""
        return (
            f"A row for each of {self.latent_dim} latents, {sum(self.payload['active'])} of them active, the largest "
            "KL first: the density of its aggregate posterior as a violin, the standard normal prior as an outline, "
            "and a tick at the value of z. Beside them the image decoded at z, and rows of images for the first "
            "latents, each decoded from -3 to 3."
        )

    def picture(self) -> Figure:
        """The violins with z and the loaded digit's posterior, the decoded image, traversals of the first latents."""
        from matplotlib.figure import Figure

        from vae_course.plots.images import plot_images

        figure = Figure(figsize=(7.2, 5.0), dpi=110, layout="constrained")
        axes = figure.subplot_mosaic([["violins", "decoded"], ["violins", "strips"]], height_ratios=[1, 1.9])
        self._draw_violins(axes["violins"])
        plot_images(torch.from_numpy(self.x_mean)[None], n_columns=1, ax=axes["decoded"])
        axes["decoded"].set_title("decoded at z", loc="center")
        first = self.payload["order"][:N_STRIPS]
        z = torch.tensor(self.z, dtype=torch.float64)
        points = torch.cat([traverse(z, j, np.linspace(*PRIOR_RANGE, 7).tolist()) for j in first])
        strips = axes["strips"]
        plot_images(torch.from_numpy(np.stack([self._decode(point) for point in points])), n_columns=7, ax=strips)
        strips.set_title(f"one latent from {MINUS}3 to 3", loc="center")
        strips.set_yticks([14 + SIDE * row for row in range(len(first))], [f"$z_{{{j + 1}}}$" for j in first])
        strips.tick_params(length=0)
        return figure

    def _draw_violins(self, ax: Axes) -> None:
        """A row a latent: violin, prior's outline, a tick at z, a bar for the loaded digit's posterior."""
        limit = self.payload["limit"]
        grid = np.linspace(-limit, limit, self._density.shape[1])
        prior = np.exp(-(grid**2) / 2) / math.sqrt(2 * math.pi)
        scale = 0.46 / min(0.8, max(self._density.max(), prior.max()))
        order, active = self.payload["order"], self.payload["active"]
        for row, j in enumerate(order):
            half = np.minimum(0.46, scale * self._density[j])
            ax.fill_between(
                grid, row - half, row + half, color=RIGHT if active[j] else NEUTRAL, alpha=0.35, linewidth=0
            )
            for sign in (-1, 1):
                ax.plot(grid, row + sign * scale * prior, color=NEUTRAL, linewidth=0.5)
            ax.plot([self.z[j]] * 2, [row - 0.4, row + 0.4], color="black", linewidth=2)
            if self.digit >= 0:
                mean, reach = self._mu[self.digit, j], 2 * self._std[self.digit, j]
                ax.plot([mean - reach, mean + reach], [row + 0.42] * 2, color="black", linewidth=1)
        names = [f"$z_{{{j + 1}}}$  {self.payload['kl'][j]:.2f}" for j in order]
        ax.set(xlim=PRIOR_RANGE, ylim=(len(order) - 0.4, -0.6), xlabel="value of the latent")
        ax.set_yticks(range(len(order)), names, fontsize=8)
        ax.set_title("latents and their KL in nats", loc="left")
        ax.grid(visible=False)

    @property
    def _start(self) -> NDArray[np.float64]:
        """Where the loaded digit lies, or the origin, (latent_dim,)."""
        return self._mu[self.digit] if self.digit >= 0 else np.zeros(self.latent_dim)

    def _decode(self, z: ArrayLike) -> NDArray[np.float64]:
        return apply_layers(self.payload["layers"], z)


def _check(model: VAE, digits: Digits, n_examples: int) -> None:
    """Raises TypeError or ValueError unless the model and the digits can be shown."""
    if not isinstance(model, VAE):
        raise TypeError(f"model must be a VAE, got {type(model).__name__}")
    if model.config.input_dim != SIDE * SIDE:
        raise ValueError(f"model must have input_dim 784, got {model.config.input_dim}")
    n = len(digits.labels)
    if digits.images.shape != (n, SIDE * SIDE) or digits.images.dtype != torch.uint8:
        raise ValueError(
            f"digits.images must be ({n}, 784) uint8, got {tuple(digits.images.shape)} {digits.images.dtype}; "
            "pass what load_digits() gives"
        )
    if min(n, n_examples) < 1:
        raise ValueError(f"at least one digit is needed, got {n} with n_examples={n_examples}")
    if not 0 <= int(digits.labels.min()) <= int(digits.labels.max()) <= 9:
        raise ValueError("digits.labels must lie between 0 and 9")
