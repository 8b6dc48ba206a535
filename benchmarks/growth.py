"""How the cost grows with the work: images, latents, chains, classes, submissions.

    python benchmarks/growth.py [--rounds 3] [--parts images latents ...]

Each part is timed at five sizes or three, in turns; processor time on one thread, for submissions with that of the
graders' processes. The exponent k of cost ~ size^k is the slope of a line through the logarithms, round by round: 1 is
in proportion, 2 is squared; fixed costs make it smaller. Writes results/growth.json.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import torch
from _measuring import RESULTS, ROOT, describe, make_work, quartet, seconds_with_children, store

from vae_course import latent, load_digits, zoo
from vae_course.checks import make_generator
from vae_course.classroom import chapters, grading
from vae_course.classroom.release import make_student_notebook
from vae_course.data import to_unit
from vae_course.sampling import pcn, run, sample_prior, targets

Work = Callable[[], object]
CHAPTER = "2"  # its exercises are answered and graded


def time_moments(images: int, latent_dim: int) -> Work:
    """Class Gaussians of posteriors in memory."""
    generator = make_generator(0)
    mu = torch.randn(images, latent_dim, generator=generator)
    logvar = torch.randn(images, latent_dim, generator=generator) - 3
    labels = torch.randint(10, (images,), generator=generator)
    return lambda: [latent.class_gaussians(mu, logvar, labels) for _ in range(5)]


def time_chains(chains: int) -> Work:
    """Steps of pCN on p(z given one image), 20 latents."""
    target = targets.one_image(zoo.load("vae-bernoulli-20d-s0"), to_unit(load_digits().images[[0]])[0])
    z = sample_prior(chains, 20, generator=make_generator(0))
    return lambda: run(pcn, target, z, n_steps=20, step=0.1, generator=make_generator(1), progress=False)


def time_distances(classes: int) -> Work:
    """All pairwise 2-Wasserstein distances between Gaussians with 20 latents."""
    generator = make_generator(0)
    factor = torch.randn(classes, 20, 22, generator=generator, dtype=torch.float64)
    mean = torch.randn(classes, 20, generator=generator, dtype=torch.float64)
    gaussians = latent.ClassGaussians(mean, factor @ factor.mT / 20, torch.full((classes,), 1 / classes).double())
    return lambda: [latent.pairwise(latent.wasserstein2, gaussians) for _ in range(3)]


def time_grading(submissions: int) -> Work:
    """Grading this many notebooks of chapter 2, all answers right: verdicts, gradebook, feedback pages."""
    ((chapter, notebook),) = chapters.read_chapters(ROOT / "notebooks", [CHAPTER]).values()
    answered = copy.deepcopy(make_student_notebook(chapter, notebook))
    solutions = {f"answer-{task.name}": task.solution for task in chapter.tasks}
    for cell in answered.cells:
        cell.source = solutions.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""), cell.source)

    def grade() -> None:
        with tempfile.TemporaryDirectory() as folder:
            handed = Path(folder, "handed-in")
            for i in range(submissions):
                (handed / f"student-{i:03}").mkdir(parents=True)
                nbformat.write(answered, handed / f"student-{i:03}" / f"{chapter.name}.ipynb")
            graded = list(grading.grade_all(handed, [chapter], to=Path(folder, "grades")))
            if [one.points for one in graded] != [chapter.points] * submissions:
                raise RuntimeError(f"right answers got {[one.points for one in graded]} of {chapter.points} points")

    return grade


# part -> (what grows, its sizes, what is timed, the exponent that it should not exceed)
PARTS: dict[str, tuple[str, Sequence[int], Callable[[int], Work], float]] = {
    "images": (
        "class Gaussians, 20-D, of {} images",
        [8_000 * 2**i for i in range(5)],
        partial(time_moments, latent_dim=20),
        1.1,
    ),
    "latents": (
        "class Gaussians of 16,000 images with {} latents",
        [8 * 2**i for i in range(5)],
        partial(time_moments, 16_000),
        2.0,
    ),
    "chains": ("steps of {} chains of pCN", [64, 256, 1024, 4096], time_chains, 1.1),
    "classes": ("distances between all pairs of {} classes", [4 * 2**i for i in range(5)], time_distances, 2.0),
    "submissions": ("grading {} submissions", [1, 4, 16], time_grading, 1.1),
}


def fit_exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """The slope of log seconds against log size, by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def measure(part: str, *, rounds: int) -> dict[str, Any]:
    called, sizes, make, goal = PARTS[part]
    works = [make(size) for size in sizes]
    works[0]()  # the libraries' own start
    log = [[seconds_with_children(work) for work in works] for _ in range(rounds)]
    return {
        "work": called.format(f"{sizes[0]:,} to {sizes[-1]:,}"),
        "sizes": list(sizes),
        "seconds": [statistics.median(column) for column in zip(*log, strict=True)],
        "exponent": quartet([fit_exponent(sizes, row) for row in log]),
        "goal": goal,
    }


def list_works(result: dict[str, Any]) -> list[dict[str, Any]]:
    """What the book's page shows of it."""
    return [
        make_work(f"{part}: {row['work']}", row["exponent"], "as the exponent", goal=row["goal"], better="less")
        for part in PARTS
        if (row := result["growth"].get(part))
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    result: dict[str, Any] = {"machine": describe(None, 1), "rounds": args.rounds}
    result["growth"] = {part: measure(part, rounds=args.rounds) for part in args.parts}
    result["works"] = list_works(result)
    store("growth", result, args.results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
