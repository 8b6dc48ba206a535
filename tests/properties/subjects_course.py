"""The functions of vae_course itself, and of its models and evaluation, with arguments that are right."""

from __future__ import annotations

from typing import Any

import torch
from inputs import PIXELS, SMALL, images, normal, posterior, uniform, vae
from spoiling import (
    Subject,
    a_generator,
    both,
    but,
    choice,
    count,
    fractions,
    narrower,
    not_negative,
    pixels,
    positive,
    row,
    shorter,
    table,
)

import vae_course as vc
from vae_course.evaluation import importance_log_likelihood
from vae_course.models import VAE, Autoencoder

N, D = 12, 2


def pair(seed: int) -> dict[str, Any]:
    mu, logvar = posterior(seed, N, D)
    return {"mu": mu, "logvar": logvar}


# Likelihoods and KL let NaN pass to its image: it is what a broken training shows.
PAIR = both(but(table, "without rows", "without columns"), narrower, shorter)
FITTED = vc.TrainConfig(epochs=1, batch_size=5)
NO_FLOATS = but(fractions, "a number")

SUBJECTS: dict[str, Subject] = {
    "Autoencoder": Subject(
        lambda x, z: Autoencoder(SMALL).decode(Autoencoder(SMALL).encode_point(x)[: len(z)] + z),
        lambda seed: {"x": uniform(seed, N, PIXELS, dtype=torch.float32), "z": normal(seed, N, D, dtype=torch.float32)},
        {"x": both(fractions, lambda x: {"float64": x.double()})},
    ),
    "TrainConfig": Subject(
        vc.TrainConfig,
        lambda seed: {
            "epochs": 2,
            "batch_size": 8,
            "lr": 0.1,
            "schedule": "constant",
            "beta": 1.0,
            "beta2": 0.9,
            "warmup": 1,
            "target_nll": None,
        },
        {
            "epochs": count,
            "batch_size": count,
            "lr": both(positive, lambda _: {"infinity": torch.inf}),
            "schedule": choice,
            "beta": both(not_negative, lambda _: {"infinity": torch.inf}),
            "beta2": lambda _: {"one": 1.0, "negative": -0.1, "NaN": torch.nan},
            "warmup": lambda _: {"negative": -1, "half": 0.5, "NaN": torch.nan},
            "target_nll": lambda _: {"NaN": torch.nan, "infinity": torch.inf},
        },
    ),
    "VAE.decode": Subject(
        lambda z: vae(0).decode(z),
        lambda seed: {"z": normal(seed, N, D, dtype=torch.float32)},
        {"z": both(but(table, "without rows"), narrower, lambda z: {"float64": z.double(), "whole numbers": z.long()})},
    ),
    "VAE.encode": Subject(
        lambda x: vae(0).encode(x),
        lambda seed: {"x": uniform(seed, N, PIXELS, dtype=torch.float32)},
        {"x": both(fractions, lambda x: {"float64": x.double()})},
    ),
    "VAE.nll": Subject(
        lambda x, z: vae(0).nll(x, z),
        lambda seed: {
            "x": uniform(seed, N, PIXELS, dtype=torch.float32),
            "z": normal(seed, N, D, dtype=torch.float32),
        },
        {"x": both(but(fractions, "whole numbers"), shorter), "z": both(but(table, "without rows"), narrower)},
        called={"x": "x|logits"},
    ),
    "VAE.set_output_bias": Subject(
        lambda mean_image: VAE(SMALL).set_output_bias(mean_image),
        lambda seed: {"mean_image": uniform(seed, PIXELS, dtype=torch.float32)},
        {"mean_image": both(row, narrower)},
    ),
    "VAEConfig": Subject(
        vc.VAEConfig,
        lambda seed: {
            "input_dim": 16,
            "hidden_dims": (4, 3),
            "latent_dim": 2,
            "likelihood": "gaussian",
            "sigma": 0.5,
            "heads": "linear",
            "learn_sigma": True,
        },
        {
            "input_dim": count,
            "latent_dim": count,
            "hidden_dims": lambda _: {
                "none": (),
                "a zero": (4, 0),
                "half": (0.5,),
                "one and a half": (1.5,),
                "a word": ("a",),
            },
            "likelihood": choice,
            "sigma": both(positive, lambda _: {"infinity": torch.inf}),
            "heads": choice,
        },
    ),
    "bernoulli_nll": Subject(
        vc.bernoulli_nll,
        lambda seed: {"x": uniform(seed, N, D), "logits": normal(seed, N, D)},
        {"x": PAIR, "logits": PAIR},
    ),
    "effective_beta": Subject(
        vc.effective_beta,
        lambda seed: {"reduction": "mean", "loss": "sse", "n_pixels": 784, "sigma": 0.5, "kl_weight": 2.0},
        {"reduction": choice, "loss": choice, "n_pixels": count, "sigma": positive, "kl_weight": not_negative},
    ),
    "fit": Subject(
        vc.fit,
        lambda seed: {
            "model": VAE(SMALL),
            "images": images(seed, N),
            "config": FITTED,
            "validation": images(seed, 4),
            "probe": images(seed, 3),
            "snapshot_steps": (0, 2),
            "progress": False,
        },
        {
            "images": pixels,
            "validation": pixels,
            "probe": both(pixels, lambda _: {"none": None}),
            "snapshot_steps": lambda _: {"too late": (99,), "negative": (-1,)},
        },
    ),
    "gaussian_nll": Subject(
        vc.gaussian_nll,
        lambda seed: {"x": uniform(seed, N, D), "x_mean": normal(seed, N, D), "sigma": 0.5},
        {
            "x": PAIR,
            "x_mean": PAIR,
            "sigma": both(positive, lambda _: {"one a pixel": torch.ones(D), "none": torch.ones(0)}),
        },
    ),
    "importance_log_likelihood": Subject(
        importance_log_likelihood,
        lambda seed: {
            "model": vae(seed),
            "images": images(seed, N),
            "n_samples": 2,
            "generator": a_generator(),
            "batch_size": 5,
        },
        {"images": pixels, "n_samples": count, "batch_size": count},
    ),
    "kl_per_latent": Subject(vc.kl_per_latent, pair, {"mu": PAIR, "logvar": PAIR}),
    "kl_standard_normal": Subject(vc.kl_standard_normal, pair, {"mu": PAIR, "logvar": PAIR}),
    "load_digits": Subject(vc.load_digits, lambda seed: {"split": "embedded"}, {"split": choice}),
    "loss_terms": Subject(
        vc.loss_terms,
        lambda seed: {"model": vae(seed), "images": images(seed, N), "generator": a_generator(), "batch_size": 5},
        {"images": pixels, "batch_size": count},
    ),
    "make_generator": Subject(
        vc.make_generator, lambda seed: {"seed": 3}, {"seed": lambda _: {"half": 0.5, "a word": "three", "none": None}}
    ),
    "reparameterize": Subject(
        vc.reparameterize,
        lambda seed: {**pair(seed), "eps": normal(seed, N, D)},
        {"mu": PAIR, "logvar": PAIR, "eps": but(PAIR, "three-dimensional")},
    ),
    "to_unit": Subject(
        vc.to_unit,
        lambda seed: {"images": images(seed, N)},
        {"images": lambda v: {"floats": v.float(), "int64": v.long(), "truth values": v > 0}},
    ),
}
