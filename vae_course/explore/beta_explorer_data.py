"""What the explorer of betas holds: for each beta a trained model's codes, divergences and pictures (level 5)."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vae_course.explore.latents_data import exact_posteriors
from vae_course.explore.packing import (
    apply_layers,
    pack_greys,
    pack_layers,
    pack_matrix,
    pack_narrow,
    unpack_matrix,
    widen,
)
from vae_course.explore.posterior_views import normals
from vae_course.latent import active_units, kl_order, traverse
from vae_course.models import VAE
from vae_course.objectives import kl_per_latent
from vae_course.plots.latent_map import label_spots
from vae_course.types import Digits

N_SAMPLES = 10
TRAVERSED = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
STORED_DRAWS = 4  # of the models whose pictures are stored: seed 4 shows what seed 0 shows
LEAST_LIMIT = 4.5  # half the map's width, the same for all betas whose means it holds

Pictures = NDArray[np.float64]  # (n, 784), ink from 0 to 1


@dataclass(frozen=True)
class BetaModel:
    """One trained model as the explorer shows it; `entry` is its part of the payload.

    mu: (n_points, 2) means of the scatter, its axes the two latents with the largest KL. codes: (n_examples,
    latent_dim). order: the latents, the largest KL first. kl: (latent_dim,) nats, and active: (latent_dim,), both by
    the model's own numbering. rate, distortion: nats an image, held out. layers: the decoder's, as the page has them.
    """

    mu: NDArray[np.float64]
    codes: NDArray[np.float64]
    order: list[int]
    kl: list[float]
    active: list[bool]
    rate: float
    distortion: float
    layers: list[dict[str, Any]]
    entry: dict[str, Any]

    @property
    def latent_dim(self) -> int:
        """How many latents the model has."""
        return len(self.order)

    def samples(self, seed: int) -> Pictures:
        """Decoded draws from the prior, (N_SAMPLES, 784): the same z for every beta."""
        return self.decode(prior_draws(seed, self.latent_dim))

    def reconstructions(self) -> Pictures:
        """The examples, each decoded at its posterior's mean, (n_examples, 784)."""
        return self.decode(self.codes)

    def traversals(self) -> Pictures:
        """Each latent by falling KL over TRAVERSED, the others at 0, (latent_dim * 7, 784)."""
        origin = torch.zeros(self.latent_dim, dtype=torch.float64)
        return self.decode(torch.cat([traverse(origin, j, TRAVERSED) for j in self.order]).numpy())

    def decode(self, z: NDArray[np.float64]) -> Pictures:
        """The decoder's mean images at z, (n, latent_dim), from the packed weights."""
        return apply_layers(self.layers, z.T).T


def describe(beta: float, model: BetaModel) -> str:
    """The state in words, as the page says it."""
    largest = model.order[0]
    return (
        f"β = {beta:g}, {model.latent_dim} latents, {sum(model.active)} active. Held out: rate "
        f"{_fixed(model.rate, 1)} nats, distortion {_fixed(model.distortion, 1)} nats an image. The largest KL is that "
        f"of z{largest + 1}, {_fixed(model.kl[largest], 2)} nats."
    )


def _fixed(value: float, digits: int) -> str:
    """As JavaScript writes it: a number exactly between two goes up. (Python's format takes the even one.)"""
    return str(Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def prior_draws(seed: int, latent_dim: int) -> NDArray[np.float64]:
    """Draws from N(0, I), (N_SAMPLES, latent_dim), by the generator that the page has too."""
    return (
        normals(seed, math.ceil(N_SAMPLES * latent_dim / 2))
        .reshape(-1)[: N_SAMPLES * latent_dim]
        .reshape(N_SAMPLES, latent_dim)
    )


def balance_units(model: VAE) -> VAE:
    """A copy in float64 that decodes the same, its last hidden units scaled so that their weights are of equal size.

    A ReLU unit's output can be multiplied and its outgoing weights divided by one positive number. Rows of weights of
    one size lose the least when they are rounded in equal steps. Units without outgoing weights stay.
    """
    balanced = copy.deepcopy(model).cpu().double()
    incoming = [layer for layer in balanced.decoder_body.modules() if isinstance(layer, torch.nn.Linear)][-1]
    with torch.no_grad():
        size = balanced.output.weight.square().mean(dim=0).sqrt()
        size[size == 0] = 1
        balanced.output.weight.div_(size)
        incoming.weight.mul_(size[:, None])
        incoming.bias.mul_(size)
    return balanced


def make_beta_model(
    model: VAE, held_out: dict[str, float], digits: Digits, *, points: NDArray[np.int64], examples: NDArray[np.int64]
) -> BetaModel:
    """What the explorer shows of one model; the KL of its latents is the mean over all digits.

    held_out: "kl" and "nll" of its card. points, examples: rows of the digits on the scatter, and of those that are
    reconstructed. Numbers are computed in float64, so that what is rounded here is the same on every machine.
    """
    mu, logvar = exact_posteriors(model, digits.images)
    order = kl_order(mu, logvar).tolist()
    packed_mu = pack_matrix(mu[points][:, order[:2]].T.numpy())
    packed_codes = pack_matrix(mu[examples].numpy())
    shown = unpack_matrix(packed_mu).T
    limit = max(LEAST_LIMIT, math.ceil(2.04 * float(np.abs(shown).max())) / 2)
    spots = label_spots(shown, digits.labels[points].numpy(), gap=0.15 * limit)
    layers, entry_layers = _pack_decoder(model)
    entry: dict[str, Any] = {
        "order": order,
        "kl": np.round(kl_per_latent(mu, logvar).mean(dim=0).numpy(), 3).tolist(),
        "active": active_units(mu).tolist(),
        "rate": held_out["kl"],
        "distortion": held_out["nll"],
        "limit": limit,
        "label_spots": {str(digit): spot for digit, spot in spots.items()},
        "mu": packed_mu,
        "codes": packed_codes,
        "layers": entry_layers,
    }
    found = {key: entry[key] for key in ("order", "kl", "active", "rate", "distortion")}
    return BetaModel(shown, unpack_matrix(packed_codes), **found, layers=layers, entry=entry)


def store_pictures(model: BetaModel) -> dict[str, Any]:
    """The model's part of the payload with all its pictures in 16 greys instead of its decoder."""
    draws = [model.samples(seed) for seed in range(STORED_DRAWS)]
    pictures = np.concatenate([model.reconstructions(), model.traversals(), *draws])
    kept = {key: value for key, value in model.entry.items() if key not in ("layers", "codes")}
    return {**kept, "pictures": pack_greys(np.rint(255 * pictures))}


def _pack_decoder(model: VAE) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The decoder's layers as `apply_layers` takes them, and as they are sent: the last one's weights in 12 bits."""
    balanced = balance_units(model)
    *body, last = pack_layers(balanced.decoder_body, balanced.output)
    narrow = pack_narrow(balanced.output.weight.detach().numpy())
    return [*body, {**last, "weight": widen(narrow)}], [*body, {**last, "weight": narrow}]
