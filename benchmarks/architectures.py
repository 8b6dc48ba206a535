"""Trains what chapter 11 compares: MLP and CNN on few images, U-Nets whose skips leak by doses; and times a step.

    python benchmarks/architectures.py [--seeds 3] [--rounds 5] [--again]

A training that results/architectures.json already has is not repeated, unless --again says so: a stopped run goes on.
About ten minutes on one core. Needs MNIST. Figures in nats are of the embedded digits, which trained none of these.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vae_course import latent, zoo
from vae_course.checks import make_generator
from vae_course.configs import TrainConfig, UNetConfig, VAEConfig
from vae_course.data import load_digits, to_unit
from vae_course.files import replace_file, write_json_text
from vae_course.models import VAE, ConvolutionalVAE, UNetVAE
from vae_course.training import fit, loss_terms
from vae_course.types import Digits

RESULTS = Path(__file__).parent / "results"
RATES = (3e-3, 1e-3)
SIDES: tuple[tuple[int, ...] | None, ...] = (None, (0, 1), (0, 2), (0, 3), (0, 7), (0, 14), (28, 14))
CHANNELS = UNetConfig().hidden_dims
KINDS: dict[str, Callable[[int], VAE]] = {
    "MLP": lambda seed: VAE(VAEConfig(hidden_dims=(200,)), generator=make_generator(seed)),
    "MLP, as few weights": lambda seed: VAE(VAEConfig(hidden_dims=(69,)), generator=make_generator(seed)),
    "CNN": lambda seed: ConvolutionalVAE(generator=make_generator(seed)),
}
FAST: dict[str, Any] = {"schedule": "onecycle", "beta2": 0.99, "mean_image_start": True}


def train_on_few(kind: str, lr: float, seed: int, images: Tensor, known: Digits) -> dict[str, Any]:
    """One training on 500 digits drawn by the seed: its best bound over 40 epochs, on 1,000 other digits."""
    model = KINDS[kind](seed)
    chosen = torch.randperm(len(images), generator=make_generator(seed))[:500]
    config = TrainConfig(epochs=40, batch_size=25, lr=lr, seed=seed, **FAST)
    history = fit(model, images[chosen], validation=known.images[::5], config=config, progress=False)
    bounds = [-evaluation.nll - evaluation.kl for evaluation in history.validation]
    best = bounds.index(max(bounds))
    return {
        "weights": sum(weights.numel() for weights in model.parameters()),
        "elbo": round(bounds[best], 2),
        "kl": round(history.validation[best].kl, 2),
        "best_epoch": best,
        "training_elbo": round(-float(history.negative_elbo[-history.steps_per_epoch :].mean()), 2),
    }


def train_leaking(sides: tuple[int, ...] | None, seed: int, images: Tensor, known: Digits) -> dict[str, Any]:
    """One U-Net trained on 5,000 digits: what its decoder listens to.

    class_of_code, class_of_context: how often the zoo's classifier reads an image, decoded from the code of one digit
    and the context of another of another class, as the one or as the other.
    """
    sides = None if sides == (28, 14) else sides
    model = UNetVAE(UNetConfig(skips=passed(sides) > 0, skip_sides=sides), generator=make_generator(seed))
    config = TrainConfig(epochs=10, batch_size=50, lr=1e-3, seed=seed, **FAST)
    fit(model, images[:5000], config=config, progress=False)
    model.requires_grad_(False)
    nll, kl = loss_terms(model, known.images[::2], generator=make_generator(0))
    x, y = to_unit(known.images[::5]), known.labels[::5]
    mu = model.encode_point(x)
    shares = latent.swap_test(model.decode, mu, x, generator=make_generator(0))
    ring = torch.randperm(len(x), generator=make_generator(1))
    other = ring.roll(1)
    read = zoo.load("classifier-s0").probabilities(model.decode(mu[ring], x[other])).argmax(dim=1)
    mixed = y[ring] != y[other]
    return {
        "nll": round(float(nll.mean()), 2),
        "kl": round(float(kl.sum(dim=1).mean()), 2),
        "active_units": int(latent.active_units(mu, threshold=0.01).sum()),
        "code": round(shares.z, 4),
        "context": round(shares.context, 4),
        "class_of_code": round(float((read == y[ring])[mixed].float().mean()), 3),
        "class_of_context": round(float((read == y[other])[mixed].float().mean()), 3),
    }


def passed(sides: tuple[int, ...] | None) -> int:
    """How many numbers of each image the skips pass on."""
    return sum(channels * side**2 for channels, side in zip(CHANNELS, sides or (), strict=False))


def time_steps(images: Tensor, *, rounds: int) -> dict[str, float]:
    """Milliseconds of processor time of a training step with 128 images on one thread, the median of some rounds."""
    makers: dict[str, Callable[[], VAE]] = {
        "MLP": lambda: KINDS["MLP"](0),
        "CNN": lambda: KINDS["CNN"](0),
        "U-Net": lambda: UNetVAE(UNetConfig(skips=False)),
        "U-Net, skips": UNetVAE,
    }
    log: dict[str, list[float]] = {name: [] for name in makers}
    for _ in range(rounds):
        for name, make in makers.items():
            model, start = make(), time.process_time()
            fit(model, images[: 20 * 128], config=TrainConfig(epochs=1), progress=False)
            log[name].append((time.process_time() - start) / 20 * 1000)
    return {name: round(statistics.median(values), 1) for name, values in log.items()}


def plan(seeds: int) -> Iterator[tuple[str, dict[str, Any], Callable[[Tensor, Digits], dict[str, Any]]]]:
    """The list that a training belongs to, what it is called by there, and what makes it."""
    for seed in range(seeds):
        for sides in SIDES:
            yield (
                "leaks",
                {"passed": passed(sides), "seed": seed},
                lambda images, known, sides=sides, seed=seed: train_leaking(sides, seed, images, known),
            )
        for kind in KINDS:
            for lr in RATES:
                yield (
                    "few",
                    {"model": kind, "lr": lr, "seed": seed},
                    lambda images, known, kind=kind, lr=lr, seed=seed: train_on_few(kind, lr, seed, images, known),
                )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--again", action="store_true", help="train what is there already too")
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    path, images, known = args.results / "architectures.json", load_digits("rest").images, load_digits()
    there = json.loads(path.read_text()) if path.exists() and not args.again else {}
    result: dict[str, Any] = {"few": there.get("few", []), "leaks": there.get("leaks", [])}
    for part, called, make in plan(args.seeds):
        if not any(called.items() <= row.items() for row in result[part]):
            result[part].append(called | make(images, known))
            replace_file(path, write_json_text(there | result).encode())
            print(result[part][-1], flush=True)
    result["few"].sort(key=lambda row: (list(KINDS).index(row["model"]), -row["lr"], row["seed"]))
    result["leaks"].sort(key=lambda row: (row["passed"], row["seed"]))
    machine = {
        "processor": platform.machine(),
        "python": platform.python_version(),
        "threads": 1,
        "torch": metadata.version("torch"),
    }
    result |= {"machine": machine, "milliseconds a step": time_steps(known.images, rounds=args.rounds)}
    replace_file(path, write_json_text(result).encode())
    print(result["milliseconds a step"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
