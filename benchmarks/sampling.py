"""Times the samplers against CUQIpy's pCN on p(z | one image) of the zoo's decoders, in turns in one run.

    python benchmarks/sampling.py [--seconds 2] [--images 4] [--rounds 5]

First steps a second, of one chain and of many. Then effective samples a second: ArviZ's bulk size, of the worst of all
z and z^2, over several images, with R-hat; a sampler whose R-hat is too high is marked. Process CPU time on one
thread, and wall time on two. Needs the peers of the extra "bench" (README.md). Writes results/sampling.json and .md.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _measuring import RESULTS, describe, make_work, quartet
from torch import Tensor

try:
    from peers.blackjax_nuts import NutsChains
    from peers.cuqipy_pcn import CuqipyChain, from_torch, in_numpy
except ModuleNotFoundError as error:
    sys.exit(f"{error.name} is not installed; benchmarks/README.md says how the peers of the samplers are")
from arviz_stats.base import array_stats

from vae_course import zoo
from vae_course.checks import make_generator
from vae_course.data import load_digits, to_unit
from vae_course.files import replace_file, write_json_text
from vae_course.models import VAE
from vae_course.sampling import (
    elliptical_slice,
    encoder_reference,
    fitted_reference,
    hmc,
    laplace_reference,
    pcn,
    random_walk,
    run,
    sample_prior,
    targets,
)

MODELS = ("vae-bernoulli-2d-s0", "vae-bernoulli-20d-s0")
PEER = "CUQIpy pCN"
LINE = "{latent_dim:3}-D  digit {digit}  {sampler:24} {ess_per_second_ratio:8.1f}  R-hat {r_hat:.3f}"
SLOW = ("pCN", "random walk")
GOALS = {"many chains, 1 thread": 40, "many chains, 2 threads": 80, "one chain": 6.5, "2-D": 300, "20-D": 500}
CONVERGED = 1.05  # the largest R-hat that counts: half-chains of 10 effective draws or more
MOST_DRAWS = 4_000  # of a chain that are judged; longer ones are thinned to so many
CHAINS = 64
MANY_CHAINS = 256  # where it forgets within some steps
SLOW_CHAINS = 16  # where a chain forgets in thousands of steps, so that each is long enough


class Counted:
    """A log-likelihood that counts the points at which it is taken."""

    def __init__(self, log_likelihood: Callable[[Tensor], Tensor]) -> None:
        self.log_likelihood, self.points = log_likelihood, 0

    def __call__(self, z: Tensor) -> Tensor:
        self.points += len(z)
        return self.log_likelihood(z)


class Chains:
    """Chains of one of the package's kernels that are tuned, then go on piece by piece."""

    def __init__(
        self,
        kernel: Any,
        target: Callable[[Tensor], Tensor],
        z: Tensor,
        *,
        step: float | None = None,
        acceptance: float | None = None,
        largest: float = 1.0,
        **options: Any,
    ) -> None:
        """acceptance: which one to tune the step to, up to the largest; None leaves it."""
        self.kernel, self.target, self.z, self.step, self.options = kernel, Counted(target), z, step, options
        self.generator = make_generator(0)
        self.reset()
        for i in range(30 if acceptance else 0):  # Robbins-Monro; this draws near to the posterior, too
            accepted = self.advance(20).accepted.double().mean()
            self.step = min(largest, self.step * math.exp(float(accepted - acceptance) * 4 / (i + 1) ** 0.6))

    def advance(self, n_steps: int) -> Any:
        step = {} if self.step is None else {"step": self.step}
        chain = run(
            self.kernel,
            self.target,
            self.z,
            n_steps=n_steps,
            generator=self.generator,
            progress=False,
            **step,
            **self.options,
        )
        self.z = chain.z[-1]
        return chain

    def reset(self) -> None:
        self.evaluations: int = 0
        self.accepted: list[float] = []

    def run(self, n_steps: int) -> Tensor:
        before = self.target.points
        chain = self.advance(n_steps)
        self.accepted.append(float(chain.accepted.double().mean()))
        self.evaluations += self.target.points - before
        return chain.z


def seed_numpy(seed: int) -> None:
    """CUQIpy draws from NumPy's global generator."""
    np.random.seed(seed)  # noqa: NPY002


def cpu_seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def wall_seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def judge(pieces: list[Tensor]) -> tuple[float, float]:
    """ArviZ's effective size of all draws together and its R-hat: the worst of z and z^2."""
    z = torch.cat(pieces)
    z = z[:: max(1, len(z) // MOST_DRAWS)].double()
    if z.shape[1] == 1:  # ArviZ compares chains: the halves of one, then
        z = z[: len(z) // 2 * 2].view(2, -1, z.shape[2]).transpose(0, 1)
    columns = torch.cat([z, z**2], dim=2).permute(2, 1, 0).numpy()  # (2 d, chains, n_steps)
    sizes = array_stats.ess(columns, chain_axis=1, draw_axis=2, method="bulk")
    r_hats = array_stats.rhat(columns, chain_axis=1, draw_axis=2, method="rank")
    return float(np.min(sizes)), float(np.max(r_hats))


# --- steps a second ---


def time_steps(name: str, *, threads: int, rounds: int) -> dict[str, Any]:
    """Microseconds for a step of one chain, and how many times as many steps as the peer's chain."""
    torch.set_num_threads(threads)
    clock = cpu_seconds if threads == 1 else wall_seconds
    model = zoo.load(name)
    d = model.config.latent_dim
    x = to_unit(load_digits().images[[0]])[0]
    target, start = targets.one_image(model, x), encoder_reference(model, x).mean
    seed_numpy(0)
    peers = {
        PEER: CuqipyChain(from_torch(target), start, step=0.1),
        f"{PEER}, likelihood in NumPy": CuqipyChain(in_numpy(model, x), start, step=0.1),
    }
    work: dict[str, tuple[Callable[[], Any], int]] = {
        peer: (lambda chain=chain: chain.run(1_000), 1_000) for peer, chain in peers.items()
    }
    for chains, n_steps in ((1, 2_000), (64, 200), (1_024, 60)):
        ours = Chains(pcn, target, start.expand(chains, d), step=0.1)
        work[f"pCN, {chains:,} chains"] = (lambda ours=ours, n=n_steps: ours.run(n), chains * n_steps)
    hidden, output = torch.rand(128, model.config.hidden_dims[0]), model.output
    work["the decoder's last product alone"] = (
        lambda: [torch.addmm(output.bias, hidden, output.weight.T) for _ in range(300)],
        128 * 300,
    )
    log: dict[str, list[float]] = {key: [] for key in work}
    for turn in range(rounds + 1):  # the first warms up
        for key, (go, steps) in work.items():
            seconds = clock(go)[0] / steps
            if turn:
                log[key].append(seconds)
    torch.set_num_threads(1)
    return {
        key: {
            "microseconds": quartet([1e6 * value for value in values]),
            "ratio": quartet([peer / value for peer, value in zip(log[PEER], values, strict=True)]),
        }
        for key, values in log.items()
    }


# --- effective samples a second ---


def make_samplers(model: VAE, x: Tensor) -> dict[str, Any]:
    """All samplers on p(z | x), tuned and under way."""
    target, d = targets.one_image(model, x), model.config.latent_dim
    laplace, encoder = laplace_reference(model, x), encoder_reference(model, x)

    def start(chains: int = CHAINS) -> Tensor:  # wider than the posterior
        return laplace.mean + 1.5 * laplace.scale(sample_prior(chains, d, generator=make_generator(1)))

    slow = CHAINS if d == 2 else SLOW_CHAINS
    # Paths of at most a third of an orbit of the reference: after half of one z would only change its sign.
    leapfrog = {"step": 0.3, "acceptance": 0.8, "largest": 0.5, "reference": laplace, "n_leapfrog": 4}
    pilot = Chains(hmc, target, start(), **leapfrog)
    fitted = fitted_reference(pilot.advance(60).z)
    plain = Chains(pcn, target, start(slow), step=0.1, acceptance=0.3)
    seed_numpy(1)
    return {
        PEER: CuqipyChain(from_torch(target), plain.z[0], step=plain.step),
        "pCN": plain,
        "random walk": Chains(random_walk, target, start(slow), step=0.1, acceptance=0.3),
        "elliptical slice": Chains(elliptical_slice, target, start()),
        "pCN, encoder reference": Chains(pcn, target, start(), step=0.3, acceptance=0.3, reference=encoder),
        "pCN, Laplace reference": Chains(pcn, target, start(), step=1.0, reference=laplace),
        "pCN, fitted reference": Chains(pcn, target, start(MANY_CHAINS), step=1.0, reference=fitted),
        "HMC, Laplace reference": Chains(hmc, target, start(), **leapfrog),
        "NUTS (BlackJAX)": NutsChains(model, x, laplace.mean, chains=SLOW_CHAINS),
    }


def time_image(model: VAE, index: int, *, seconds: float, pieces: int = 4) -> list[dict[str, Any]]:
    """A record for each sampler, in turns. Each gets the same time, the slow ones in 20-D four times as much."""
    digits = load_digits()
    samplers = make_samplers(model, to_unit(digits.images[[index]])[0])
    n_steps, spent, draws = {}, dict.fromkeys(samplers, 0.0), {name: [] for name in samplers}
    for name, sampler in samplers.items():
        seconds_a_step = cpu_seconds(lambda sampler=sampler: sampler.run(50))[0] / 50
        share = seconds * (4 if name in SLOW and model.config.latent_dim > 2 else 1)
        n_steps[name] = max(10, int(share / pieces / seconds_a_step))
        sampler.run(n_steps[name])  # not counted: burn-in
        sampler.reset()
    for _ in range(pieces):
        for name, sampler in samplers.items():
            taken, z = cpu_seconds(lambda sampler=sampler, n=n_steps[name]: sampler.run(n))
            spent[name] += taken
            draws[name].append(z)
    judged = {name: judge(pieces) for name, pieces in draws.items()}
    points = {name: sum(z.shape[0] * z.shape[1] for z in pieces) for name, pieces in draws.items()}
    # The peer's chain is too short to be judged. It is the same algorithm as "pCN" with the same step, so it has as
    # many effective samples a step; what it takes for a step is its own.
    a_step = judged["pCN"][0] / points["pCN"]
    peer = a_step * points[PEER] / spent[PEER]
    records = []
    for name, (size, r_hat) in judged.items():
        of_steps = a_step * points[PEER] if name == PEER else size
        converged = judged["pCN" if name == PEER else name][1] <= CONVERGED
        records.append(
            {
                "model": model_name(model),
                "latent_dim": model.config.latent_dim,
                "image": index,
                "digit": int(digits.labels[index]),
                "sampler": name,
                "chains": draws[name][0].shape[1],
                "steps": sum(len(z) for z in draws[name]),
                "step": samplers[name].step,
                "acceptance": statistics.mean(samplers[name].accepted),
                "evaluations_per_step": samplers[name].evaluations / points[name],
                "cpu_seconds": spent[name],
                "ess": size,
                "ess_per_second": of_steps / spent[name],
                "ess_per_second_ratio": of_steps / spent[name] / peer,
                "ess_per_evaluation": of_steps / samplers[name].evaluations,
                "r_hat": r_hat,
                "converged": converged,
            }
        )
    return records


def model_name(model: VAE) -> str:
    return next(name for name in MODELS if f"-{model.config.latent_dim}d-" in name)


def summarise(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Over the images: median and range of each figure, and whether the sampler has converged on all of them."""
    found: dict[str, Any] = {}
    for record in records:
        rows = found.setdefault(f"{record['latent_dim']}-D", {}).setdefault(record["sampler"], [])
        rows.append(record)
    return {
        d: {
            name: {
                "ratio": quartet([row["ess_per_second_ratio"] for row in rows]),
                "per evaluation": quartet([row["ess_per_evaluation"] for row in rows]),
                "largest r_hat": max(row["r_hat"] for row in rows),
                "acceptance": quartet([row["acceptance"] for row in rows]),
                "converged": all(row["converged"] for row in rows),
            }
            for name, rows in samplers.items()
        }
        for d, samplers in found.items()
    }


def met(steps: dict[str, Any], summary: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What was reached for each goal: the least over the two models, or the best sampler that has converged."""
    reached = {}
    for name, chains, threads in (
        ("many chains, 1 thread", "pCN, 1,024 chains", 1),
        ("many chains, 2 threads", "pCN, 1,024 chains", 2),
        ("one chain", "pCN, 1 chains", 1),
    ):
        rows = [runs[chains] for key, runs in steps.items() if key.endswith(f"{threads} threads")]
        reached[name] = {"reached": min(row["ratio"]["median"] for row in rows), "by": chains}
    for d, samplers in summary.items():
        able = {
            name: row["ratio"]["median"] for name, row in samplers.items() if row["converged"] and "NUTS" not in name
        }
        best = max(able, key=able.__getitem__)
        reached[d] = {"reached": able[best], "by": best}
    return {name: row | {"goal": GOALS[name], "met": row["reached"] >= GOALS[name]} for name, row in reached.items()}


def list_works(result: dict[str, Any]) -> list[dict[str, Any]]:
    """What the book's page shows of it."""
    works = []
    for called, goal, chains, threads in (
        ("pCN, steps a second, 1,024 chains, one thread", "many chains, 1 thread", "pCN, 1,024 chains", 1),
        ("pCN, steps a second, 1,024 chains, two threads", "many chains, 2 threads", "pCN, 1,024 chains", 2),
        ("pCN, steps a second, one chain", "one chain", "pCN, 1 chains", 1),
    ):
        rows = [runs[chains]["ratio"] for key, runs in result["steps"].items() if key.endswith(f"{threads} threads")]
        reached = min(rows, key=lambda row: row["median"])  # the slower of the two models
        works.append(make_work(called, reached, "times as many", peer=f"{PEER}, one chain", goal=GOALS[goal]))
    for d, samplers in result["summary"].items():
        best = result["met"][d]["by"]
        for name in dict.fromkeys((best, "HMC, Laplace reference", "pCN")):
            goal, row = GOALS[d] if name == best else None, samplers[name]
            called = f"effective samples a second, {d}: {name}"
            works.append(make_work(called, row["ratio"], "times as many", peer=f"{PEER}, one chain", goal=goal))
    return works


def as_table(result: dict[str, Any]) -> str:
    """The results as a Markdown page."""
    text = "# Samplers against CUQIpy's pCN\n\nThe posterior p(z given one image) under the zoo's decoders. "
    text += "The peer is CUQIpy's legacy pCN, one chain; ratios say how many times as much.\n\n"
    text += "| goal | reached | by | goal |\n|---|---|---|---|\n"
    text += "".join(
        f"| {name} | **{row['reached']:.1f}** | {row['by']} | {row['goal']} |\n" for name, row in result["met"].items()
    )
    for key, runs in result["steps"].items():
        text += f"\nSteps a second, {key}; median (least-greatest) of {result['rounds']} rounds in turns:\n\n"
        text += "| | us for a step of a chain | ratio |\n|---|---|---|\n"
        for name, row in sorted(runs.items(), key=lambda item: item[1]["ratio"]["median"]):
            ratio = "{median:.1f} ({min:.1f}-{max:.1f})".format(**row["ratio"])
            text += f"| {name} | {row['microseconds']['median']:.1f} | {ratio} |\n"
    text += "\nEffective samples a second of CPU time, one thread: median over the images (least-greatest). "
    text += f"A sampler with an R-hat above {CONVERGED} on an image has not converged: "
    text += "its figures say too much or too little.\n"
    for d, samplers in result["summary"].items():
        text += (
            f"\n| {d} | ratio | effective samples an evaluation | acceptance | R-hat at most |\n|---|---|---|---|---|\n"
        )
        for name, row in sorted(samplers.items(), key=lambda item: item[1]["ratio"]["median"]):
            ratio = "{median:.1f} ({min:.1f}-{max:.1f})".format(**row["ratio"])
            text += f"| {name} | {ratio} | {row['per evaluation']['median']:.4f} | {row['acceptance']['median']:.2f} | "
            text += f"{row['largest r_hat']:.3f}{'' if row['converged'] else ', not converged'} |\n"
    text += "\nMeasured on:\n\n" + "".join(f"* {name}: {value}\n" for name, value in result["machine"].items())
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0, help="CPU time of each sampler on each image")
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    machine = describe(
        "the embedded digits",
        1,
        **{name: version(name) for name in ("cuqipy", "blackjax", "jax", "arviz-stats", "numpy")},
    )
    steps = {
        f"{name}, {threads} threads": time_steps(name, threads=threads, rounds=args.rounds)
        for name in MODELS
        for threads in (1, 2)
    }
    records = []
    for name in MODELS:
        for i in range(args.images):
            records += time_image(zoo.load(name), 703 + 1_300 * i, seconds=args.seconds)
            for row in records[-9:]:
                print(LINE.format(**row), flush=True)
    summary = summarise(records)
    result = {
        "machine": machine,
        "rounds": args.rounds,
        "seconds": args.seconds,
        "converged below": CONVERGED,
        "steps": steps,
        "records": records,
        "summary": summary,
        "met": met(steps, summary),
    }
    result["works"] = list_works(result)
    replace_file(args.results / "sampling.json", write_json_text(result).encode())
    replace_file(args.results / "sampling.md", as_table(json.loads(write_json_text(result))).encode())
    print(as_table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
