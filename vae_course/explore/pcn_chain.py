"""pCN live: a Markov chain in a 2-D latent space, run step by step in the page on the real decoder (level 5)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import traitlets
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from vae_course.data import to_unit
from vae_course.explore.base import Explorer
from vae_course.explore.latent_map import SIDE, Point, check_plane
from vae_course.explore.packing import apply_layers, pack_bytes, pack_layers, pack_sparse
from vae_course.explore.pcn_chain_data import (
    HIDDEN,
    LIMIT,
    GridPosterior,
    Walk,
    as_packed,
    grid_posterior,
    visible_pixels,
    walk,
)
from vae_course.explore.pcn_chain_picture import draw_chain
from vae_course.models import VAE
from vae_course.plots.style import RIGHT, WRONG
from vae_course.sampling import LogLikelihood, effective_sample_size, targets
from vae_course.types import Digits

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SAMPLERS = {"pcn": "pCN", "random_walk": "random walk"}
SPEEDS = (2, 10, 60, 300, 3000)  # steps a second
VIEWS = ("map", "close-up")
MOST_STEPS = 20_000
LEAST_STEPS = 8  # for an effective sample size
STEP_RANGE = (0.01, 1.0)
THIN = 10  # the mean image is that of every tenth state
# Rows of load_digits(), one of each class; some have two modes or more when a half is hidden (the 6, the 7, the 3).
EXAMPLES = (2, 500, 1001, 1500, 2000, 2500, 3001, 3501, 4000, 4502)


class PcnChain(Explorer, module="pcn_chain.mjs"):
    """A chain of pCN or of random-walk Metropolis on p(z | x) of one image, beside the exact posterior on a grid.

    model: a trained VAE with latent_dim 2 and a Bernoulli likelihood. digits: what load_digits() gives, or others with
    `rows`, those that can be chosen (by default one of each class).

    Traits: `digit`, which of the rows; `hidden`, what is not seen of it, a key of HIDDEN; `sampler`, "pcn" or
    "random_walk"; `step`, 0.01 to 1; `start`, two numbers; `seed`; `n_steps`, how far the chain is, up to 20,000;
    `speed`, steps a second; `view`, "map" or "close-up"; `running`. The chain follows from the first six: a change of
    one of them takes it back to its start. Chapter 6.
    """

    # Not `running`: a page never sets out by itself.
    state_names = ("digit", "hidden", "sampler", "step", "start", "seed", "n_steps", "speed", "view")

    digit = traitlets.Int(0).tag(sync=True)
    hidden = traitlets.Enum(tuple(HIDDEN), "nothing").tag(sync=True)
    sampler = traitlets.Enum(tuple(SAMPLERS), "pcn").tag(sync=True)
    step = traitlets.Float(0.2, min=STEP_RANGE[0], max=STEP_RANGE[1]).tag(sync=True)
    start = Point((0.0, 0.0)).tag(sync=True)
    seed = traitlets.Int(0, min=0, max=2**31 - 1).tag(sync=True)
    n_steps = traitlets.Int(0, min=0, max=MOST_STEPS).tag(sync=True)
    speed = traitlets.Enum(SPEEDS, 60).tag(sync=True)
    view = traitlets.Enum(VIEWS, "map").tag(sync=True)
    running = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self,
        model: VAE,
        digits: Digits,
        *,
        rows: Sequence[int] = EXAMPLES,
        digit: int = 2,
        hidden: str = "nothing",
        sampler: str = "pcn",
        step: float = 0.2,
        start: ArrayLike = (0.0, 0.0),
        seed: int = 0,
        n_steps: int = 200,
        speed: int = 60,
        view: str = "map",
        name: str = "pcn-chain",
    ) -> None:
        _check(model, digits, rows)
        self._rows = np.asarray(rows, dtype=np.int64)
        self._images, self._labels = digits.images[self._rows], digits.labels[self._rows].numpy()
        layers = pack_layers(model.decoder_body, model.output, last="sigmoid")
        self._model = as_packed(model, layers)
        self._computed: dict[Any, Any] = {}
        payload = {
            "kind": "pcn-chain",
            "side": SIDE,
            "layers": layers,
            "images": pack_sparse(self._images.numpy()),
            "labels": pack_bytes(self._labels),
            "hidden": [{"name": each, "visible": pack_bytes(visible_pixels(each))} for each in HIDDEN],
            "limit": LIMIT,
            "most_steps": MOST_STEPS,
            "thin": THIN,
            "speeds": list(SPEEDS),
            "colours": {"accepted": RIGHT, "rejected": WRONG},
        }
        super().__init__(
            name=name,
            payload=payload,
            digit=digit,
            hidden=hidden,
            sampler=sampler,
            step=step,
            start=start,
            seed=seed,
            n_steps=n_steps,
            speed=speed,
            view=view,
        )
        self.observe(self._restart, ["digit", "hidden", "sampler", "step", "start", "seed"])

    @traitlets.validate("digit")
    def _check_digit(self, proposal: Any) -> int:
        if not 0 <= proposal.value < len(self._rows):
            raise traitlets.TraitError(f"digit must lie between 0 and {len(self._rows) - 1}, got {proposal.value}")
        return int(proposal.value)

    @traitlets.validate("start")
    def _check_start(self, proposal: Any) -> tuple[float, float]:
        z: tuple[float, float] = proposal.value
        if max(abs(value) for value in z) > LIMIT:
            raise traitlets.TraitError(f"start must lie on the map, between -{LIMIT:g} and {LIMIT:g}, got {z}")
        return z

    def _restart(self, _change: Any) -> None:
        self.n_steps = 0

    @property
    def row(self) -> int:
        """The row of the chosen image in the digits that the explorer was given."""
        return int(self._rows[self.digit])

    @property
    def x(self) -> Tensor:
        """The chosen image, (784,) in [0, 1]."""
        return to_unit(self._images[self.digit])

    @property
    def visible(self) -> Tensor:
        """Which of its pixels are seen, (784,) bool."""
        return torch.from_numpy(visible_pixels(self.hidden))

    @property
    def log_likelihood(self) -> LogLikelihood:
        """log p(x_visible | z) with the page's weights, in float64: z (n, 2) -> (n,) nats; the model's within 0.05."""
        return targets.hidden_pixels(self._model, self._images[self.digit].double() / 255, self.visible)

    @property
    def chain(self) -> Walk:
        """The page's chain after n_steps."""
        wanted = (self.digit, self.hidden, self.sampler, self.step, self.start, self.seed)
        found = self._computed.get("chain")
        if found is None or found[0] != wanted or len(found[1].z) < self.n_steps:
            options = {"sampler": self.sampler, "step": self.step, "n_steps": self.n_steps, "seed": self.seed}
            with torch.no_grad():
                found = wanted, walk(self.log_likelihood, self.start, **options)  # type: ignore[arg-type]
            self._computed["chain"] = found
        done: Walk = found[1]
        return Walk(done.z[: self.n_steps], done.proposal[: self.n_steps], done.accepted[: self.n_steps])

    @property
    def grid(self) -> GridPosterior:
        """The exact posterior of the visible pixels on the page's grid."""
        wanted = "grid", self.digit, self.hidden
        if wanted not in self._computed:
            with torch.no_grad():
                self._computed[wanted] = grid_posterior(self.log_likelihood)
        grid: GridPosterior = self._computed[wanted]
        return grid

    @property
    def effective_size(self) -> float:
        """The smaller effective sample size of z1 and z2; NaN before 8 steps and for a chain that never moved."""
        z = torch.from_numpy(self.chain.z)
        return float(effective_sample_size(z[:, None]).min()) if len(z) >= LEAST_STEPS else math.nan

    def summary(self) -> str:
        """What the figure shows, in words; the page says the same."""
        label = int(self._labels[self.digit])
        image = f"{'an' if label == 8 else 'a'} {label}"
        what = self.hidden if self.hidden == "everything" else f"its {self.hidden}"
        seen = image if self.hidden == "nothing" else f"{image} with {what} hidden"
        start = ", ".join(f"{round(v, 2) + 0:.2f}".replace("-", "\N{MINUS SIGN}") for v in self.start)
        head = f"{SAMPLERS[self.sampler]} with step {self.step:#.2g}, image: {seen}. "
        if not self.n_steps:
            return head + f"No step yet; the start is ({start})."
        accepted = _rounded(100 * float(self.chain.accepted.mean()))
        size = self.effective_size
        steps = "1 step" if self.n_steps == 1 else f"{self.n_steps:,} steps"
        return (
            head + f"After {steps} from ({start}): {accepted} % accepted, "
            f"{'no' if math.isnan(size) else f'{_rounded(size):,}'} effective draws, "
            f"total variation {self.grid.total_variation(self.chain.z):.2f} from the exact posterior."
        )

    def picture_alt(self) -> str:
        """What is seen in the static picture."""
        return (
            "Close-up of the exact posterior in the latent plane as grey shades, with a Markov chain's path on it; "
            "accepted proposals are blue dots, rejected ones red crosses. Beside it the given image, the image decoded "
            "at the chain's last state and the mean over its states, and below these the traces of both latents."
        )

    def picture(self) -> Figure:
        """The close-up with the chain, the three images, and the traces."""
        given = np.where(self.visible, self.x, np.nan)
        decoded = apply_layers(self.payload["layers"], self._path[-1])
        return draw_chain(self.grid, self._path, self.chain, {"given": given, "here": decoded, "mean": self.mean_image})

    @property
    def mean_image(self) -> NDArray[np.float64]:
        """The mean of what the decoder makes of every tenth state, the start first, (784,) in [0, 1]."""
        with torch.no_grad():
            mean: NDArray[np.float64] = self._model.decode(torch.from_numpy(self._path[::THIN])).mean(dim=0).numpy()
        return mean

    @property
    def _path(self) -> NDArray[np.float64]:
        """The start and the states, (n_steps + 1, 2)."""
        return np.vstack([self.start, self.chain.z])


def _rounded(value: float) -> int:
    return math.floor(value + 0.5)  # as JavaScript rounds


def _check(model: VAE, digits: Digits, rows: Sequence[int]) -> None:
    """Raises TypeError or ValueError unless the model and the digits can be shown."""
    check_plane(model, digits)
    if model.config.likelihood != "bernoulli":
        raise ValueError(f"model must have a Bernoulli likelihood, got {model.config.likelihood!r}")
    if not len(rows) or min(rows) < 0 or max(rows) >= len(digits.labels):
        raise ValueError(
            f"rows must hold at least one row from 0 to {len(digits.labels) - 1}, got {list(rows)}; "
            "the default is for load_digits()"
        )
