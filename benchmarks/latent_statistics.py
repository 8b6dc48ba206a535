"""Times the latent statistics against the loops that teaching code uses, in turns, on one thread.

    python benchmarks/latent_statistics.py [--rounds 5] [--images 60000]

Ratios of process CPU time: class Gaussians of posteriors in memory, class Gaussians straight from images, all distances
between ten Gaussians; and the memory that the second takes on top. Writes results/latent_statistics.json and .md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import torch
from _measuring import RESULTS, describe, load_images, make_work, quartet, ratios, seconds
from peers.naive_statistics import (
    class_gaussians_by_lists,
    class_gaussians_by_loop,
    wasserstein2_by_careful_loop,
    wasserstein2_by_loop,
)

from vae_course import latent, zoo
from vae_course.checks import make_generator
from vae_course.files import replace_file, write_json_text

MODEL = "vae-bernoulli-20d-s0"
GOALS = {
    "class Gaussians, 20-D": 30,
    "images to class Gaussians": 8,
    "pairwise 2-Wasserstein, 2-D": 9,
    "pairwise 2-Wasserstein, 64-D": 20,
}
GOAL_EXTRA_MB = 10


def in_turns(peer: Callable[[], Any], ours: Callable[[], Any], *, rounds: int, repeats: int = 1) -> dict[str, Any]:
    """A B A B ... after one call of each; process seconds a call, and their ratios. `repeats` calls of ours a round."""
    peer()
    ours()
    log: dict[str, list[float]] = {"peer": [], "ours": []}
    for _ in range(rounds):
        log["peer"].append(seconds(peer)[1])
        log["ours"].append(seconds(lambda: [ours() for _ in range(repeats)])[1] / repeats)
    return {
        "seconds": {name: quartet(values) for name, values in log.items()},
        "ratio": ratios(log["peer"], log["ours"]),
    }


def time_class_gaussians(n: int, d: int, *, rounds: int) -> dict[str, Any]:
    generator = make_generator(0)
    mu = 2 * torch.randn(n, d, generator=generator)
    logvar = torch.randn(n, d, generator=generator) - 3
    labels = torch.randint(10, (n,), generator=generator)
    mean, cov = class_gaussians_by_loop(mu, logvar, labels)
    found = latent.class_gaussians(mu, logvar, labels)
    error = max(np.abs(found.mean.numpy() - mean).max(), np.abs(found.cov.numpy() - cov).max())
    assert error < 4e-6, error
    timed = in_turns(
        lambda: class_gaussians_by_loop(mu, logvar, labels),
        lambda: latent.class_gaussians(mu, logvar, labels),
        rounds=rounds,
        repeats=10,
    )
    return timed | {"largest difference": float(error)}


def time_images(images: torch.Tensor, labels: torch.Tensor, *, rounds: int) -> dict[str, Any]:
    model = zoo.load(MODEL)
    mean, cov = class_gaussians_by_lists(model, images, labels)
    found = latent.dataset_class_gaussians(model, images, labels)
    torch.testing.assert_close(found.mean.float(), mean, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(found.cov.float(), cov, rtol=1e-3, atol=1e-4)
    return in_turns(
        lambda: class_gaussians_by_lists(model, images, labels),
        lambda: latent.dataset_class_gaussians(model, images, labels),
        rounds=rounds,
    )


def time_distances(peer: Callable[..., Any], d: int, *, rounds: int) -> dict[str, Any]:
    generator = make_generator(0)
    factor = torch.randn(10, d, d + 2, generator=generator, dtype=torch.float64)
    mean = torch.randn(10, d, generator=generator, dtype=torch.float64)
    gaussians = latent.ClassGaussians(mean, factor @ factor.mT / d, torch.full((10,), 0.1, dtype=torch.float64))
    table = peer(mean.numpy(), gaussians.cov.numpy())
    np.testing.assert_allclose(
        latent.pairwise(latent.wasserstein2, gaussians), table, atol=1e-4
    )  # SciPy leaves 1e-6 on the diagonal
    return in_turns(
        lambda: peer(mean.numpy(), gaussians.cov.numpy()),
        lambda: latent.pairwise(latent.wasserstein2, gaussians),
        rounds=rounds,
        repeats=20,
    )


# --- memory: each in a process of its own, since a process keeps what it once had ---


def resident(field: str) -> float:
    """MB of this process's memory, "VmRSS" now or "VmHWM" at most so far. Linux only."""
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no {field} in /proc/self/status")


def measure_memory(name: str, n: int) -> float:
    """MB that one run takes on top of the images and the model."""
    work = {"peer": class_gaussians_by_lists, "ours": latent.dataset_class_gaussians}[name]
    model = zoo.load(MODEL)
    images, labels, _ = load_images(n)
    few = torch.cat([(labels == c).nonzero()[:2, 0] for c in range(10)])
    work(model, images[few], labels[few])  # the libraries' own buffers
    Path("/proc/self/clear_refs").write_text("5")  # forget the most so far
    before = resident("VmRSS")
    work(model, images, labels)
    return resident("VmHWM") - before


def extra_memory(n: int) -> dict[str, float]:
    """MB on top, of both, for n images and for a quarter of them."""
    found = {}
    for name in ("peer", "ours"):
        for count in (n // 4, n):
            words = [sys.executable, __file__, "--memory", name, "--images", str(count)]
            runs = [subprocess.run(words, capture_output=True, text=True, check=True) for _ in range(3)]
            found[f"{name}, {count:,} images"] = statistics.median(float(run.stdout) for run in runs)
    return found


def as_table(result: dict[str, Any]) -> str:
    """The results as a Markdown page."""
    text = "# Latent statistics against plain loops\n\n"
    text += f"Medians (least-greatest) of {result['rounds']} rounds in turns, process CPU time, one thread.\n\n"
    text += "| | peer, ms | ours, ms | ratio | goal |\n|---|---|---|---|---|\n"
    for name, timed in result["times"].items():
        peer, ours = (timed["seconds"][who]["median"] * 1000 for who in ("peer", "ours"))
        ratio = "**{median:.1f}** ({min:.1f}-{max:.1f})".format(**timed["ratio"])
        text += f"| {name} | {peer:.1f} | {ours:.2f} | {ratio} | {GOALS.get(name, '-')} |\n"
    text += f"\nMemory on top of images and model, MB (goal: ours below {GOAL_EXTRA_MB}):\n\n"
    text += "".join(f"* {name}: {value:.1f}\n" for name, value in result["extra memory, MB"].items())
    text += "\nMeasured on:\n\n" + "".join(f"* {name}: {value}\n" for name, value in result["machine"].items())
    return text


PEERS = {
    "images": "DataLoader, lists and stack",
    "class": "a Python loop over the images",
    "careful": "a careful double loop with SciPy's matrix root",
    "pairwise": "a double loop with SciPy's matrix root",
}


def list_works(result: dict[str, Any]) -> list[dict[str, Any]]:
    """What the book's page shows of it."""
    works = []
    for name, timed in result["times"].items():
        peer = PEERS["careful" if name.endswith("careful loop") else name.split()[0]]
        called = name.removesuffix(", careful loop")
        called += ", against a careful loop" if called != name else ""
        works.append(make_work(called, timed["ratio"], "times as fast", peer=peer, goal=GOALS.get(name)))
    memory = result["extra memory, MB"]
    images = f"{result['images']:,} images"
    taken = f"{PEERS['images']}, {memory[f'peer, {images}']:.0f} MB"
    once = quartet([memory[f"ours, {images}"]])
    works.append(
        make_work(
            f"memory for the class Gaussians of {images}", once, "MB", peer=taken, goal=GOAL_EXTRA_MB, better="less"
        )
    )
    return works


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--memory", choices=("peer", "ours"), help="print the memory of one of the two, and no more")
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.memory:
        print(measure_memory(args.memory, args.images))
        return 0
    images, labels, source = load_images(args.images)
    machine = describe(source, 1, numpy=np.__version__, scipy=scipy.__version__)
    times = {}
    for d in (2, 20, 64):
        times[f"class Gaussians, {d}-D"] = time_class_gaussians(args.images, d, rounds=args.rounds)
        times[f"pairwise 2-Wasserstein, {d}-D"] = time_distances(wasserstein2_by_loop, d, rounds=args.rounds)
        careful = time_distances(wasserstein2_by_careful_loop, d, rounds=args.rounds)
        times[f"pairwise 2-Wasserstein, {d}-D, careful loop"] = careful
    times["images to class Gaussians"] = time_images(images, labels, rounds=args.rounds)
    result = {
        "machine": machine,
        "rounds": args.rounds,
        "images": args.images,
        "times": dict(sorted(times.items())),
        "extra memory, MB": extra_memory(args.images),
    }
    result["met"] = {name: times[name]["ratio"]["median"] >= goal for name, goal in GOALS.items()}
    result["works"] = list_works(result)
    replace_file(args.results / "latent_statistics.json", write_json_text(result).encode())
    replace_file(args.results / "latent_statistics.md", as_table(json.loads(write_json_text(result))).encode())
    print(as_table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
