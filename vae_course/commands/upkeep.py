"""The small verbs: data, zoo, maps, runs, sweeps, bench, format, clean."""

from __future__ import annotations

import shutil
from pathlib import Path

from vae_course.commands.shell import CommandError, clone_root, in_words, module, run, stopwatch

MADE = ("_build", "build", ".pytest_cache", ".mypy_cache", ".ruff_cache")


def fetch_data(*, root: Path | None, progress: bool) -> int:
    """Fetches MNIST's four files where they are missing or broken, and says where they are."""
    from vae_course.data import DownloadError, download_mnist, raw_folder

    with stopwatch() as seconds:
        try:
            fetched = download_mnist(root, progress=progress)
        except DownloadError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"the data can't be stored: {error}; choose another folder with --root") from error
    done = f"fetched {', '.join(fetched)}" if fetched else "all four files were there, and whole; nothing was fetched"
    print(f"MNIST is in {raw_folder(root)}: {done} ({in_words(seconds[0])}).")
    if root is not None:
        print(f"To use it from there: export VAE_COURSE_DATA={root.resolve()}")
    return 0


def retrain_zoo(names: list[str], *, jobs: int, scheduler: str | None, progress: bool) -> int:
    """Trains the models of the zoo that are named again, or all."""
    from vae_course import retraining, zoo
    from vae_course.files import BrokenFileError

    if unknown := sorted(set(names) - set(zoo.names())):
        raise CommandError(f"the zoo has no {', '.join(unknown)}; it has {', '.join(zoo.names())}")
    folder = clone_root() / "build" / "zoo"
    print(f"What is done waits in {folder} until all is; a stopped run goes on from there.", flush=True)
    with stopwatch() as seconds:
        try:
            cards = retraining.retrain(names, folder=folder, jobs=jobs, scheduler=scheduler, progress=progress)
        except (FileNotFoundError, BrokenFileError) as error:
            raise CommandError(str(error)) from error
        except ModuleNotFoundError as error:
            raise CommandError(f"{error}; a Dask cluster needs the extra: pip install 'vae-course[cluster]'") from error
        except OSError as error:
            of_a_file = scheduler is None or error.filename is not None
            if of_a_file:
                raise CommandError(str(error)) from error
            advice = "start one with `dask scheduler`, or leave out --scheduler"
            raise CommandError(f"no Dask scheduler answers at {scheduler}: {error}; {advice}") from error
    width = max(map(len, cards))
    for name, card in cards.items():
        figures = card["held_out"]
        key = next(key for key in ("elbo", "nll", "cross_entropy") if key in figures)
        print(f"{name:<{width}}  held-out {key} {figures[key]} ± {figures[f'{key}_standard_error']} nats")
    done = "1 model was" if len(cards) == 1 else f"{len(cards)} models were"
    print(f"{done} trained again in {in_words(seconds[0])}. See `git diff` for what changed.")
    return 0


def remake_maps(names: list[str], *, progress: bool) -> int:
    """Computes the stored 2-D maps that are named again, or all."""
    from vae_course import embeddings
    from vae_course.files import BrokenFileError

    if unknown := sorted(set(names) - set(embeddings.names())):
        raise CommandError(f"no map is called {', '.join(unknown)}; there are {', '.join(embeddings.names())}")
    with stopwatch() as seconds:
        try:
            cards = embeddings.remake(names, progress=progress)
        except ModuleNotFoundError as error:
            others = " ".join(name for name in names or embeddings.names() if "umap" not in name)
            raise CommandError(f"{error}, or make only the others: vae-course maps {others}") from error
        except (OSError, BrokenFileError) as error:
            raise CommandError(str(error)) from error
    width = max(map(len, cards))
    for name, card in cards.items():
        figures = card["quality"]
        print(f"{name:<{width}}  " + "  ".join(f"{key} {value:.3f}" for key, value in figures.items()))
    done = "1 map was" if len(cards) == 1 else f"{len(cards)} maps were"
    print(f"{done} made again in {in_words(seconds[0])}. See `git diff` for what changed.")
    return 0


def remake_runs(names: list[str], *, progress: bool) -> int:
    """Trains for the stored training runs that are named again, or for all."""
    from vae_course import runs
    from vae_course.files import BrokenFileError

    if unknown := sorted(set(names) - set(runs.names())):
        raise CommandError(f"no run is called {', '.join(unknown)}; there are {', '.join(runs.names())}")
    with stopwatch() as seconds:
        try:
            cards = runs.remake(names, progress=progress)
        except (OSError, BrokenFileError) as error:
            raise CommandError(str(error)) from error
    for name, card in cards.items():
        figures = card["held_out"]
        print(f"{name}  {card['steps']} steps, held-out nll {figures['nll']}, kl {figures['kl']} nats")
    done = "1 run was" if len(cards) == 1 else f"{len(cards)} runs were"
    print(f"{done} made again in {in_words(seconds[0])}. See `git diff` for what changed.")
    return 0


def remake_sweeps(names: list[str], *, jobs: int, progress: bool) -> int:
    """Trains for the stored sweeps that are named again, or for all."""
    from vae_course import sweeping, sweeps
    from vae_course.files import BrokenFileError

    if unknown := sorted(set(names) - set(sweeps.names())):
        raise CommandError(f"no sweep is called {', '.join(unknown)}; there are {', '.join(sweeps.names())}")
    folder = clone_root() / "build" / "sweeps"
    print(f"What is done is kept in {folder}; a stopped run goes on from there.", flush=True)
    with stopwatch() as seconds:
        try:
            cards = sweeping.remake(names, folder=folder, jobs=jobs, progress=progress)
        except (OSError, BrokenFileError) as error:
            raise CommandError(str(error)) from error
    for name, card in cards.items():
        print(f"{name}  {card['rows']} trainings, {card['held_out_images']} held-out images")
    done = "1 sweep was" if len(cards) == 1 else f"{len(cards)} sweeps were"
    print(f"{done} made again in {in_words(seconds[0])}. See `git diff` for what changed.")
    return 0


def run_benchmarks(names: list[str]) -> int:
    """Runs the benchmarks named, or all. Returns 1 if one failed."""
    root = clone_root()
    known = {path.stem: path for path in sorted((root / "benchmarks").glob("*.py")) if not path.stem.startswith("_")}
    if unknown := [name for name in names if name not in known]:
        raise CommandError(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(known) or 'none'}")
    failed = []
    for name in names or known:
        with stopwatch() as seconds:
            code = run(["python", known[name].relative_to(root)], cwd=root)
        print(f"{name}: {'FAILED after' if code else 'took'} {in_words(seconds[0])}", flush=True)
        if code:
            failed.append(name)
    return 1 if failed else 0


def format_code() -> int:
    """Lays the code out and mends what ruff can mend."""
    root = clone_root()
    codes = [run(module("ruff", *words), cwd=root) for words in (("format", "."), ("check", "--fix", "."))]
    return max(codes)


def clean() -> int:
    """Removes what was built; .venv, the data and the cache stay."""
    root = clone_root()
    caches = [path for folder in ("vae_course", "tests", "book") for path in (root / folder).rglob("__pycache__")]
    gone = [path for path in [*(root / name for name in MADE), *caches] if path.exists()]
    for path in gone:
        shutil.rmtree(path)
    print(f"Removed {len(gone)} folders. Left: .venv (remove it by hand), the data and the cache.")
    return 0
