"""Times one epoch of `fit` against PyTorch's own VAE example, in turns, and says how much of the machine it uses.

    python benchmarks/training.py [--rounds 5] [--threads 2] [--bound] [--images 60000]

Both train a 784-400-20 Bernoulli VAE on the same 60,000 images, batch 128, Adam at 1e-3, float32. `--bound` also times
the way to the example's held-out bound after 10 epochs. Writes results/training.json and results/training.md.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from _measuring import RESULTS, describe, load_images, make_work, quartet, ratios, seconds
from peers.pytorch_example import Example
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from vae_course.checks import make_generator
from vae_course.configs import TrainConfig, VAEConfig
from vae_course.cpu import MATMULS, matmul
from vae_course.data import load_digits
from vae_course.files import replace_file, write_json_text
from vae_course.models import VAE
from vae_course.training import fit, loss_terms

ONE_EPOCH = TrainConfig(epochs=1, batch_size=128, lr=1e-3)
RECIPE = TrainConfig(epochs=3, batch_size=256, lr=1e-2, schedule="onecycle", beta2=0.99, mean_image_start=True)
GOAL, GOAL_BOUND = 3.8, 16  # times as fast as the example
EXAMPLE_EPOCHS = 10  # the example's own default


def epoch_flops(model: VAE, n_images: int) -> float:
    """Operations of the matrix products: forward, weights' and inputs' gradients; the images need no gradient."""
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    products = [layer.in_features * layer.out_features for layer in layers]
    return 2.0 * n_images * (3 * sum(products) - products[0])


def peak_flops(shapes: tuple[tuple[int, int, int], ...], *, repeats: int) -> dict[str, float]:
    """Operations a second of (m, k) @ (k, n) products, each setting's best of `repeats` over all shapes in a row."""
    generator = make_generator(0)
    pairs = [(torch.rand(m, k, generator=generator), torch.rand(k, n, generator=generator)) for m, k, n in shapes]
    work = sum(2.0 * m * k * n for m, k, n in shapes)
    best = dict.fromkeys(MATMULS, 0.0)
    for _ in range(repeats):
        for setting in MATMULS:
            with matmul(setting):
                wall, _ = seconds(lambda: [a @ b for a, b in pairs])
            best[setting] = max(best[setting], work / wall)
    return best


def top_operations(work: Callable[[], object], *, n_steps: int, keep: int = 12) -> dict[str, float]:
    """Milliseconds a step of the operations that take the most time of their own."""
    work()
    with profile(activities=[ProfilerActivity.CPU], acc_events=True) as profiler:
        work()
    events = sorted(profiler.key_averages(), key=lambda event: -event.self_cpu_time_total)[:keep]
    return {event.key: round(event.self_cpu_time_total / 1000 / n_steps, 3) for event in events}


def time_epochs(images: Tensor, labels: Tensor, *, rounds: int) -> dict[str, Any]:
    """A B A B ... after one warm-up of each on a few images, with the peak measured in every round."""
    fit(VAE(), images[:2560], config=ONE_EPOCH, progress=False)
    Example(images[:2560], labels[:2560]).train_epoch()
    big = ((2048, 2048, 2048),)
    ours_shapes = ((128, 784, 400), (128, 400, 784), (784, 128, 400), (400, 128, 784), (128, 784, 400))
    log: dict[str, list[float]] = {name: [] for name in ("peer", "ours", "peer CPU", "ours CPU", "big", "same shapes")}
    for _ in range(rounds):
        example = Example(images, labels)
        for name, work in (
            ("peer", example.train_epoch),
            ("ours", lambda: fit(VAE(), images, config=ONE_EPOCH, progress=False)),
        ):
            wall, process = seconds(work)
            log[name].append(wall)
            log[f"{name} CPU"].append(process)
        log["big"].append(max(peak_flops(big, repeats=3).values()))
        log["same shapes"].append(max(peak_flops(ours_shapes, repeats=30).values()))
        print(
            f"  {log['peer'][-1]:.2f} s / {log['ours'][-1]:.2f} s = {log['peer'][-1] / log['ours'][-1]:.2f}", flush=True
        )
    work = epoch_flops(VAE(), len(images))
    rate = work / min(log["ours"])
    return {
        "seconds": {name: quartet(log[name]) for name in ("peer", "ours", "peer CPU", "ours CPU")},
        "ratio": ratios(log["peer"], log["ours"]),
        "ratio of CPU time": ratios(log["peer CPU"], log["ours CPU"]),
        "matrix products": {
            "GFLOP an epoch": work / 1e9,
            "GFLOP/s of our best epoch": rate / 1e9,
            "peak, 2048 x 2048 x 2048": max(log["big"]) / 1e9,
            "peak, shapes of this network": max(log["same shapes"]) / 1e9,
            "share of the large peak": rate / max(log["big"]),
            "ratio if nothing else took time": statistics.median(log["peer"]) * max(log["same shapes"]) / work,
            "share of the same-shape peak": rate / max(log["same shapes"]),
        },
    }


def time_to_bound(images: Tensor, labels: Tensor) -> dict[str, Any]:
    """How long both take to the bound that the example has on 10,000 held-out images after 10 epochs."""
    held_out = load_digits("test").images
    example, model = Example(images, labels), VAE(VAEConfig())
    peer, _ = seconds(lambda: [example.train_epoch() for _ in range(EXAMPLE_EPOCHS)])
    ours, _ = seconds(lambda: fit(model, images, config=RECIPE, progress=False))
    nll, kl = loss_terms(model, held_out, generator=make_generator(0))
    # The recipe must not have been chosen by what it gives on the test images: the same on a split of the training set.
    split = VAE(VAEConfig())
    evaluations = fit(split, images[:50_000], config=RECIPE, validation=images[50_000:], progress=False).validation
    return {
        "peer": {"epochs": EXAMPLE_EPOCHS, "seconds": peer, "nats": example.test(held_out)},
        "ours": {"epochs": RECIPE.epochs, "seconds": ours, "nats": float((nll + kl.sum(dim=1)).mean())},
        "ours, trained on 50,000, on the other 10,000": evaluations[-1].nll + evaluations[-1].kl,
        "ratio": peer / ours,
    }


def list_works(result: dict[str, Any]) -> list[dict[str, Any]]:
    """What the book's page shows of it."""
    peer, unit = "PyTorch's own VAE example", "times as fast"
    works = [make_work("one epoch of 60,000 images", result["ratio"], unit, peer=peer, goal=GOAL)]
    if bound := result.get("time to bound"):
        once = quartet([bound["ratio"]])
        works.append(make_work("to the example's bound after ten epochs", once, unit, peer=peer, goal=GOAL_BOUND))
    return works


def as_table(result: dict[str, Any]) -> str:
    """The results as a Markdown page."""
    ratio, flops = result["ratio"], result["matrix products"]
    rows = [
        ("PyTorch's example, s an epoch", "{median:.2f} ({min:.2f}-{max:.2f})".format(**result["seconds"]["peer"])),
        ("`fit`, s an epoch", "{median:.2f} ({min:.2f}-{max:.2f})".format(**result["seconds"]["ours"])),
        ("**ratio**", "**{median:.2f}** ({min:.2f}-{max:.2f})".format(**ratio)),
        ("goal", f"{GOAL}"),
        ("ratio of CPU time", "{median:.2f} ({min:.2f}-{max:.2f})".format(**result["ratio of CPU time"])),
        ("share of the peak, same shapes", f"{flops['share of the same-shape peak']:.0%}"),
        ("share of the peak, 2048 x 2048 x 2048", f"{flops['share of the large peak']:.0%}"),
        ("ratio if only the products took time, at that peak", f"{flops['ratio if nothing else took time']:.1f}"),
    ]
    if bound := result.get("time to bound"):
        rows += [
            (f"{name}: {run['epochs']} epochs, held-out nats", f"{run['seconds']:.1f} s, {run['nats']:.1f}")
            for name, run in (("example", bound["peer"]), ("recipe", bound["ours"]))
        ]
        rows.append(("**ratio of times to the bound**", f"**{bound['ratio']:.1f}**"))
    text = "# Training: one epoch against PyTorch's VAE example\n\n"
    text += f"Medians (least-greatest) of {result['rounds']} rounds in turns.\n\n| | |\n|---|---|\n"
    text += "".join(f"| {name} | {value} |\n" for name, value in rows) + "\n"
    text += "".join(f"* {name}: {value}\n" for name, value in result["machine"].items())
    text += "\nWhere the time goes (ms a step, under the profiler):\n\n| example | | `fit` | |\n|---|---|---|---|\n"
    columns = [list(result["profile"][name].items()) for name in ("peer", "ours")]
    for (a, a_ms), (b, b_ms) in zip(*columns, strict=True):
        text += f"| {a} | {a_ms:.2f} | {b} | {b_ms:.2f} |\n"
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--bound", action="store_true", help="also time the way to the example's bound (needs MNIST)")
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    images, labels, source = load_images(args.images)
    machine = describe(source, args.threads)
    print("\n".join(f"{name}: {value}" for name, value in machine.items()), flush=True)
    result: dict[str, Any] = {"machine": machine, "rounds": args.rounds, "images": len(images)}
    result |= time_epochs(images, labels, rounds=args.rounds)
    few, few_labels = images[: 50 * 128], labels[: 50 * 128]
    example = Example(few, few_labels)
    result["profile"] = {
        "peer": top_operations(example.train_epoch, n_steps=50),
        "ours": top_operations(lambda: fit(VAE(), few, config=ONE_EPOCH, progress=False), n_steps=50),
    }
    if args.bound:
        result["time to bound"] = time_to_bound(images, labels)
    result["works"] = list_works(result)
    replace_file(args.results / "training.json", write_json_text(result).encode())
    replace_file(args.results / "training.md", as_table(result).encode())
    print(as_table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
