"""Configs: what they refuse, and that JSON brings them back."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pytest
import torch

from vae_course.checks import make_generator
from vae_course.configs import ClassifierConfig, TrainConfig, UNetConfig, VAEConfig
from vae_course.files import write_json_text
from vae_course.types import Evaluation, History, Posterior


@pytest.mark.parametrize(
    ("config", "wrong", "message"),
    [
        (VAEConfig, {"likelihood": "poisson"}, "likelihood must be one of 'bernoulli', 'gaussian', got 'poisson'"),
        (VAEConfig, {"heads": "relu"}, "heads must be one of 'linear', 'relu_mu', 'relu_logvar', 'relu_both'"),
        (VAEConfig, {"sigma": 0.0}, "sigma must be above 0, got 0.0"),
        (VAEConfig, {"sigma": math.nan}, "sigma must be above 0, got nan"),
        (VAEConfig, {"latent_dim": 0}, "latent_dim must be above 0"),
        (VAEConfig, {"input_dim": -1}, "input_dim must be above 0"),
        (VAEConfig, {"hidden_dims": ()}, "hidden_dims must list at least one size"),
        (VAEConfig, {"hidden_dims": (4, 0)}, "hidden_dims must list at least one size above 0"),
        (VAEConfig, {"learn_sigma": True}, "learn_sigma needs the Gaussian likelihood, got 'bernoulli'"),
        (ClassifierConfig, {"bottleneck": 0}, "bottleneck must be above 0"),
        (TrainConfig, {"schedule": "cosine"}, "schedule must be one of 'constant', 'onecycle', got 'cosine'"),
        (TrainConfig, {"epochs": 0}, "epochs must be above 0"),
        (TrainConfig, {"batch_size": 0}, "batch_size must be above 0"),
        (TrainConfig, {"lr": -1e-3}, "lr must be above 0"),
        (TrainConfig, {"lr": math.nan}, "lr must be above 0"),
        (TrainConfig, {"beta": -1.0}, "beta must be 0 or above"),
        (TrainConfig, {"beta": math.nan}, "beta must be 0 or above"),
        (TrainConfig, {"beta2": 1.0}, r"beta2 must lie in \[0, 1\)"),
        (TrainConfig, {"warmup": -1}, "warmup must be 0 epochs or more, got -1"),
        (TrainConfig, {"target_nll": math.inf}, "target_nll must be a finite number of nats, got inf"),
        (TrainConfig, {"target_nll": 99.0, "warmup": 2}, "got beta 1.0 and warmup 2; leave these two out"),
        (TrainConfig, {"target_nll": 99.0, "beta": 0.0}, "from a start above 0 .* got beta 0.0"),
    ],
)
def test_configs_refuse_what_makes_no_sense(config: type, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config(**wrong)


@pytest.mark.parametrize(
    "config",
    [
        VAEConfig(),
        VAEConfig(hidden_dims=(30, 20), latent_dim=2, likelihood="gaussian", sigma=0.1, heads="relu_mu"),
        VAEConfig(likelihood="gaussian", learn_sigma=True),
        UNetConfig(skips=False),
        ClassifierConfig(hidden_dims=(30,), bottleneck=2),
        TrainConfig(epochs=3, schedule="onecycle", mean_image_start=True, beta=0.0),
        TrainConfig(warmup=5),
        TrainConfig(target_nll=-99.5),
    ],
)
def test_json_brings_a_config_back(config: VAEConfig | TrainConfig) -> None:
    text = write_json_text(config.to_json())
    assert type(config).from_json(json.loads(text)) == config
    assert text.endswith("}\n") and list(json.loads(text)) == sorted(json.loads(text))


@pytest.mark.parametrize("change", [{"depth": 3}, {"latent_dim": None}])
def test_json_with_other_fields_is_refused(change: dict[str, Any]) -> None:
    values = {key: value for key, value in (VAEConfig().to_json() | change).items() if value is not None}
    with pytest.raises(ValueError, match="VAEConfig needs exactly the fields"):
        VAEConfig.from_json(values)


def test_a_field_that_came_later_changes_no_file_that_does_without_it() -> None:
    """The text of a config, and so a card and a checkpoint's fingerprint, is as before the field came."""
    first_fields = {"input_dim", "hidden_dims", "latent_dim", "likelihood", "sigma", "heads"}
    assert set(VAEConfig().to_json()) == first_fields
    assert set(ClassifierConfig().to_json()) == {"input_dim", "hidden_dims", "n_classes"}
    plain = {"epochs", "batch_size", "lr", "schedule", "beta", "beta2", "mean_image_start", "seed"}
    assert set(TrainConfig().to_json()) == plain
    assert set(TrainConfig(warmup=2).to_json()) == plain | {"warmup"}
    learned = VAEConfig(likelihood="gaussian", learn_sigma=True).to_json()
    assert set(learned) == first_fields | {"learn_sigma"} and learned["learn_sigma"] is True
    assert VAEConfig.from_json(VAEConfig(latent_dim=7).to_json()) == VAEConfig(latent_dim=7)
    with pytest.raises(ValueError, match=r"may have \['learn_sigma'\]"):
        VAEConfig.from_json(VAEConfig().to_json() | {"learn_sigmas": True})


def test_configs_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        VAEConfig().latent_dim = 3  # type: ignore[misc]


def test_posterior_std_is_not_the_variance() -> None:
    assert Posterior(torch.zeros(1, 1), torch.full((1, 1), math.log(9.0))).std.item() == pytest.approx(3)


def test_negative_elbo_adds_both_terms() -> None:
    history = History(torch.tensor([5.0, 4.0]), torch.tensor([1.0, 2.0]), torch.tensor([[1.0], [2.0]]), 2)
    assert history.negative_elbo.tolist() == [6.0, 6.0]
    assert history.beta is None and history.validation == () and Evaluation(0, 1.0, 2.0).nll == 1.0


def test_make_generator_leaves_the_global_one_alone() -> None:
    before = torch.get_rng_state()
    draws = [torch.rand(3, generator=make_generator(seed)) for seed in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])
    assert torch.equal(torch.get_rng_state(), before)
