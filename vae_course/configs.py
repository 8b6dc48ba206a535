"""Configurations of models and trainings, kept as JSON beside what they made (level 0)."""

from __future__ import annotations

import math
from dataclasses import Field, asdict, dataclass, field, fields
from typing import Any, Literal, Self

from vae_course.checks import check_below_infinity, check_choice, check_count, check_positive, check_sizes, check_whole

Likelihood = Literal["bernoulli", "gaussian"]
Heads = Literal["linear", "relu_mu", "relu_logvar", "relu_both"]

LIKELIHOODS: tuple[str, ...] = ("bernoulli", "gaussian")
HEADS: tuple[str, ...] = ("linear", "relu_mu", "relu_logvar", "relu_both")
LATER = {"later": True}
"""Marks a config's field that came after files had been written: JSON leaves it out where it has its default."""


class JsonConfig:
    """Mix-in for frozen dataclasses that are kept as JSON beside the weights they made.

    A field marked LATER stands in the JSON only where it differs from its default, so that a config without it keeps
    the text, and a checkpoint the fingerprint, that it had before the field came.
    """

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON-ready values."""
        values: dict[str, Any] = asdict(self)  # type: ignore[call-overload]
        unchanged = {f.name for f in self._fields() if "later" in f.metadata and values[f.name] == f.default}
        return {name: value for name, value in values.items() if name not in unchanged}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The config that `to_json` wrote. Raises ValueError on unknown or missing fields."""
        known = {f.name for f in cls._fields()}
        needed = {f.name for f in cls._fields() if "later" not in f.metadata}
        if not needed <= set(values) <= known:
            raise ValueError(
                f"{cls.__name__} needs exactly the fields {sorted(needed)}"
                f"{f' (and may have {sorted(known - needed)})' if known > needed else ''}, got {sorted(values)}; "
                "the file was written by another version of vae_course"
            )
        lists_as_tuples = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**lists_as_tuples)

    @classmethod
    def _fields(cls) -> tuple[Field[Any], ...]:
        return fields(cls)  # type: ignore[arg-type]


@dataclass(frozen=True)
class VAEConfig(JsonConfig):
    """The shape of an autoencoder.

    hidden_dims lists the encoder's hidden layers, in a convolutional model their channels; the decoder mirrors them.
    `sigma` is the standard deviation of the Gaussian likelihood's pixels (unused by the Bernoulli one), which
    training changes if `learn_sigma` says so. `heads` says which of the encoder's two heads
    end in a ReLU: none, unless a mistake is to be studied.
    """

    input_dim: int = 784
    hidden_dims: tuple[int, ...] = (400,)
    latent_dim: int = 20
    likelihood: Likelihood = "bernoulli"
    sigma: float = 1.0
    heads: Heads = "linear"
    learn_sigma: bool = field(default=False, metadata=LATER)

    def __post_init__(self) -> None:
        check_choice("likelihood", self.likelihood, LIKELIHOODS)
        check_choice("heads", self.heads, HEADS)
        check_positive("sigma", self.sigma)
        check_below_infinity("sigma", self.sigma)
        if self.learn_sigma and self.likelihood != "gaussian":
            raise ValueError(f"learn_sigma needs the Gaussian likelihood, got {self.likelihood!r}, which has no sigma")
        for name, size in (("input_dim", self.input_dim), ("latent_dim", self.latent_dim)):
            check_count(name, size)
        check_sizes("hidden_dims", self.hidden_dims)


@dataclass(frozen=True)
class UNetConfig(VAEConfig):
    """The shape of a U-Net that is trained as a VAE: hidden_dims lists the channels of its levels, from the top.

    skips: whether the decoder also gets what the encoder saw on each level but the lowest, past the bottleneck.
    skip_sides: how fine that is, for each of these levels from the top: what was seen is averaged down to so many
        squares a side; 0 lets nothing past. None, the default, leaves all as it is.
    """

    hidden_dims: tuple[int, ...] = (8, 16, 32)
    skips: bool = True
    skip_sides: tuple[int, ...] | None = field(default=None, metadata=LATER)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.skip_sides is None:
            return
        if not self.skips or not any(self.skip_sides):
            raise ValueError(
                f"skip_sides needs skips=True and a side above 0, got skips={self.skips}, {self.skip_sides}; "
                "a U-Net without skips has skips=False and no skip_sides"
            )
        sides = [math.isqrt(self.input_dim) // 2**level for level in range(len(self.hidden_dims) - 1)]
        if len(self.skip_sides) != len(sides) or not all(
            0 <= kept <= side for kept, side in zip(self.skip_sides, sides, strict=False)
        ):
            raise ValueError(
                f"skip_sides must hold a side of at most {', '.join(map(str, sides))}, one a level, "
                f"got {self.skip_sides}"
            )


@dataclass(frozen=True)
class ClassifierConfig(JsonConfig):
    """The shape of a classifier: `hidden_dims` lists its hidden layers.

    bottleneck: the size of a last layer without a ReLU, which the logits are then read from; None leaves it out.
    """

    input_dim: int = 784
    hidden_dims: tuple[int, ...] = (200,)
    n_classes: int = 10
    bottleneck: int | None = field(default=None, metadata=LATER)

    def __post_init__(self) -> None:
        check_count("input_dim", self.input_dim)
        if self.bottleneck is not None:
            check_count("bottleneck", self.bottleneck)
        check_whole("n_classes", self.n_classes)
        if self.n_classes < 2:
            raise ValueError(f"n_classes must be at least 2, got {self.n_classes}")
        check_sizes("hidden_dims", self.hidden_dims)


@dataclass(frozen=True)
class TrainConfig(JsonConfig):
    """How a model is trained: Adam on the negative beta-ELBO, averaged over the images of a batch.

    schedule: "constant" keeps `lr`; "onecycle" warms up to `lr` over the first quarter of the updates and
    falls along a cosine to almost 0. beta2 is Adam's. mean_image_start sets the decoder's last bias so that it begins
    with the mean image. `seed` orders the batches and draws the noise; the weights' start is the model's own.

    The weight of the KL is `beta`, but for two choices. warmup: it rises from 0 to `beta` in a straight line over so
    many epochs. target_nll: it begins at `beta` and is changed as the training goes, until the smoothed nll of the
    batches is this one, in nats per image (`training.constrained_beta`).
    """

    epochs: int = 20
    batch_size: int = 128
    lr: float = 1e-3
    schedule: Literal["constant", "onecycle"] = "constant"
    beta: float = 1.0
    beta2: float = 0.999
    mean_image_start: bool = False
    seed: int = 0
    warmup: int = field(default=0, metadata=LATER)
    target_nll: float | None = field(default=None, metadata=LATER)

    def __post_init__(self) -> None:
        check_choice("schedule", self.schedule, ("constant", "onecycle"))
        for name, count in (("epochs", self.epochs), ("batch_size", self.batch_size)):
            check_count(name, count)
        check_positive("lr", self.lr)
        for name, value in (("lr", self.lr), ("beta", self.beta)):
            check_below_infinity(name, value)
        if not self.beta >= 0:
            raise ValueError(f"beta must be 0 or above, got {self.beta}")
        if not 0 <= self.beta2 < 1:
            raise ValueError(f"beta2 must lie in [0, 1), got {self.beta2}")
        check_whole("warmup", self.warmup)
        if not self.warmup >= 0:
            raise ValueError(f"warmup must be 0 epochs or more, got {self.warmup}")
        if self.target_nll is not None:
            if not math.isfinite(self.target_nll):
                raise ValueError(f"target_nll must be a finite number of nats, got {self.target_nll}")
            if self.warmup or not self.beta > 0:
                raise ValueError(
                    "target_nll finds beta by itself, from a start above 0 and without a warm-up, "
                    f"got beta {self.beta} and warmup {self.warmup}; leave these two out"
                )


QUICK = TrainConfig(epochs=20, batch_size=128, lr=5e-3, schedule="onecycle", beta2=0.99, mean_image_start=True)
"""The recipe for training live on a few thousand digits, in seconds."""
