"""Times what makes the book: importing the package, executing notebooks, building the pages.

    python benchmarks/notebooks.py [--rounds 3] [--chapters 2 7 | --chapters all] [--no-build]

The unit is an empty notebook, executed by nbclient; a few chapters stand for all, which take minutes. Processor time,
with that of the kernels, on one thread: a kernel waits a good deal for messages, which the clock would count.
Writes results/notebooks.json; the chapters' own files are left as they are.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import torch
from _measuring import RESULTS, ROOT, describe, make_work, quartet, ratios, seconds_with_children, store
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from vae_course.commands.notebooks import execute

GOAL_IMPORT, GOAL_NOTEBOOK = 1.1, 1.02  # times as long as `import torch`, as nbclient alone
IMPORTS = "import vae_course as vc\nfrom vae_course import latent, plots, zoo"


def run_python(source: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, "-c", source], check=True)


def run_plainly(source: str) -> Callable[[], object]:
    """A notebook with this one cell, by nbclient as it is."""
    return lambda: NotebookClient(new_notebook(cells=[new_code_cell(source)]), kernel_name="python3").execute()


def run_ours(notebook: Any, folder: Path = ROOT) -> None:
    """By the course's own verb, in memory."""
    if failure := execute(notebook, folder):
        raise RuntimeError(failure)


def work_to_time() -> dict[str, Callable[[], object]]:
    return {
        "an empty notebook": run_plainly(""),
        "import torch": run_python("import torch"),
        "import vae_course": run_python("import vae_course"),
        "a notebook that imports, by nbclient": run_plainly(IMPORTS),
        "a notebook that imports": lambda: run_ours(new_notebook(cells=[new_code_cell(IMPORTS)])),
    }


def find_chapters(wanted: list[str]) -> list[Path]:
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    if wanted == ["all"]:
        return paths
    by_number = {str(int(path.stem[:2])): path for path in paths}
    if unknown := [number for number in wanted if number not in by_number]:
        sys.exit(f"there is no chapter {', '.join(unknown)}; there are {', '.join(by_number)}, or all")
    return [by_number[number] for number in wanted]


def build_book() -> float:
    """Seconds of a build of all pages from nothing, away from the clone's own."""
    program = Path(sys.executable).with_name("jupyter-book")
    with tempfile.TemporaryDirectory() as folder:
        words = [program, "build", ROOT, "-W", "--keep-going", "--path-output", folder]
        run = subprocess.run
        return seconds_with_children(lambda: run(words, check=True, stdout=subprocess.DEVNULL))


def measure(chapters: list[Path], *, rounds: int, build: bool) -> dict[str, Any]:
    log: dict[str, list[float]] = {name: [] for name in work_to_time()}
    for turn in range(rounds + 1):  # the first warms up: files come from the disk
        for name, work in work_to_time().items():
            taken = seconds_with_children(work)
            if turn:
                log[name].append(taken)
    large: dict[str, float] = {}
    for path in chapters:
        notebook = nbformat.read(path, as_version=4)
        large[path.stem] = seconds_with_children(lambda notebook=notebook, path=path: run_ours(notebook, path.parent))
        log["an empty notebook"].append(seconds_with_children(run_plainly("")))
    if build:
        large["the book"] = build_book()
        log["an empty notebook"].append(seconds_with_children(run_plainly("")))
    return {"seconds": log, "once, seconds": large}


def list_works(result: dict[str, Any]) -> list[dict[str, Any]]:
    """What the book's page shows of it."""
    log, unit = result["seconds"], result["seconds"]["an empty notebook"]
    imports, plain = log["a notebook that imports"], log["a notebook that imports, by nbclient"]
    empty, empties = "an empty notebook by nbclient", "empty notebooks"
    works = [
        make_work(
            "importing the package",
            ratios(log["import vae_course"], log["import torch"]),
            "times as long",
            peer="importing PyTorch",
            goal=GOAL_IMPORT,
            better="less",
        ),
        make_work(
            "a notebook that only imports",
            ratios(imports, plain),
            "times as long",
            peer="nbclient alone, the same notebook",
            goal=GOAL_NOTEBOOK,
            better="less",
        ),
        make_work("the same, in empty notebooks", ratios(imports, unit[: len(imports)]), empties, peer=empty),
    ]
    for name, taken in result["once, seconds"].items():
        called = "building the book from nothing" if name == "the book" else f"executing {name}"
        works.append(make_work(called, quartet([taken / one for one in unit]), empties, peer=empty))
    return works


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--chapters", nargs="*", default=["2", "7"], help="their numbers, or all")
    parser.add_argument("--no-build", dest="build", action="store_false", help="leave the book out")
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}  # what is started here counts with one, too
    torch.set_num_threads(1)
    chapters = find_chapters(args.chapters)
    result: dict[str, Any] = {"machine": describe(None, 1), "rounds": args.rounds}
    result |= measure(chapters, rounds=args.rounds, build=args.build)
    result["works"] = list_works(result)
    store("notebooks", result, args.results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
