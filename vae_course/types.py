"""Named results shared by all modules (level 0: imports nothing of the package)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor


class Digits(NamedTuple):
    """Images of handwritten digits with their labels.

    images: (n, 784) uint8, 0 is paper and 255 is ink, rows of 28 x 28 laid end to end.
    labels: (n,) int64, 0 to 9.
    """

    images: Tensor
    labels: Tensor


class Posterior(NamedTuple):
    """The Gaussian N(mu, diag exp(logvar)) that an encoder gives for each image.

    mu, logvar: (batch, latent_dim).
    """

    mu: Tensor
    logvar: Tensor

    @property
    def std(self) -> Tensor:
        """Standard deviations, (batch, latent_dim)."""
        return (0.5 * self.logvar).exp()


class Snapshot(NamedTuple):
    """What the model made of the probe images at one step of the training.

    step: 0 is before the first update. mu, logvar: (n_probe, latent_dim), logvar -inf for the points of an autoencoder.
    x_mean: (n_probe, input_dim), decoded from mu.
    """

    step: int
    mu: Tensor
    logvar: Tensor
    x_mean: Tensor


class Evaluation(NamedTuple):
    """Averages over a set of images after an epoch, in nats per image."""

    step: int
    nll: float
    kl: float


@dataclass(frozen=True)
class History:
    """What was logged while a model was trained: one row a step, step 0 being the first update's batch.

    nll, kl: (steps,) batch averages in nats per image. kl_per_latent: (steps, latent_dim), whose
    rows sum to kl. `validation` holds one evaluation an epoch, the first before
    any update, if held-out images were given. beta: (steps,) the weight that the KL had, None if it was not logged.
    """

    nll: Tensor
    kl: Tensor
    kl_per_latent: Tensor
    steps_per_epoch: int
    validation: tuple[Evaluation, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    beta: Tensor | None = None

    @property
    def negative_elbo(self) -> Tensor:
        """nll + kl of each step, (steps,) in nats per image, whatever beta was."""
        return self.nll + self.kl
