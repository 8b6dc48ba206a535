"""The works that are killed. Each runs in a process forked from one that has imported everything and computed nothing.

Run as a program it takes requests, one JSON object a line, and answers each with one line. A request names a work, its
folder, its options, and when it dies: after some seconds, before the n-th change of a file or folder, or in the
n-th writing of a file, of which a share is on the disk by then; or when a certain file is opened to be written for the
n-th time, with something left in it. It dies by SIGKILL with its whole process group.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jupyter_book.cli.main
import numpy as np
import sphinx.application  # noqa: F401
import torch
from small_chapter import NAME, small_notebook

from vae_course import data, embeddings, load_digits, retraining, runs, sweeping, sweeps, zoo
from vae_course.checks import make_generator
from vae_course.classroom import chapters, grading, processes, release
from vae_course.classroom.limits import Bounds
from vae_course.commands import publishing
from vae_course.configs import ClassifierConfig, TrainConfig, VAEConfig
from vae_course.exercises.progress import keep
from vae_course.files import save_tensors
from vae_course.models import VAE
from vae_course.retraining import Data
from vae_course.training import fit
from vae_course.zoo import Recipe

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0  # seconds in which processes that a killed work had started must be gone
NOTES = 30
TINY = TrainConfig(epochs=3, batch_size=50, lr=1e-2)
SMALL = VAEConfig(hidden_dims=(8,), latent_dim=2)
# Imported when they are needed, so beforehand: else every child would.
LATE = (
    *("joblib", "pandas", "sklearn.manifold", "torch._dynamo", "nbgrader.preprocessors", "nbgrader.converters"),
    *("myst_nb", "sphinx_book_theme", "sphinxcontrib.bibtex", "sphinx_exercise", "sphinx_external_toc"),
    *("sphinx_comments", "sphinx_copybutton", "sphinx.builders.html", "bs4", "tinycss2"),
)
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate", "shutil.copyfile"}


def train(folder: Path) -> None:
    """A training with checkpoints, whose result is a file."""
    images = torch.randint(0, 256, (400, 784), generator=make_generator(3), dtype=torch.uint8)
    config = TrainConfig(epochs=6, batch_size=50, lr=1e-2, schedule="onecycle", mean_image_start=True)
    model = VAE(SMALL, generator=make_generator(1))
    options: dict[str, Any] = {"validation": images[:40], "probe": images[:5], "snapshot_steps": [0, 9, 20, 48]}
    history = fit(model, images, config=config, checkpoint=folder / "checkpoint", progress=False, **options)
    logs = {"nll": history.nll, "kl": history.kl_per_latent}
    for snapshot in history.snapshots:
        logs |= {f"{snapshot.step}.{name}": getattr(snapshot, name) for name in snapshot._fields[1:]}
    save_tensors(folder / "result", model.state_dict() | logs, {"validation": [list(e) for e in history.validation]})


def download(folder: Path, *, url: str, files: dict[str, tuple[int, str]], md5s: dict[str, str]) -> None:
    """The fetching of four files from a server on the loopback."""
    for name, (size, sha256) in files.items():
        data.RAW_FILES[name] = data.RawFile(name, 16, size, sha256)
    data._sources = lambda: ([url], md5s)
    data.download_mnist(folder, progress=False)


def cache(folder: Path) -> None:
    """The writing of the embedded digits' cache."""
    os.environ["VAE_COURSE_CACHE"] = str(folder)
    content = data._embedded_bytes()
    data._embedded_bytes.cache_clear()
    data._parse_embedded = lambda: content
    assert len(load_digits().labels) == 5000


def note(folder: Path) -> None:
    """The learner's progress, exercise after exercise."""
    os.environ["VAE_COURSE_PROGRESS"] = str(folder / "progress.json")
    for number in range(NOTES):
        keep(f"exercise_{number:02}", "solved", on=f"2020-01-{number + 1:02}")


def map_(folder: Path) -> None:
    """Stored maps with their cards."""
    embeddings.remake(["pca", "prior-pca"], folder, progress=False)


def _few_digits() -> Data:
    images, labels = (part.numpy() for part in load_digits())
    return Data("some embedded digits", images[::20], labels[::20], images[1::50], labels[1::50])


def retrain(folder: Path) -> None:
    """Models of the zoo."""
    recipes = {
        "tiny-vae": Recipe("vae", SMALL, TINY, seed=2),
        "tiny-ae": Recipe("autoencoder", SMALL, TINY, seed=1),
        "tiny-classifier": Recipe("classifier", ClassifierConfig(hidden_dims=(8,)), TINY, seed=4),
    }
    zoo.RECIPES.clear()
    zoo.RECIPES.update(recipes)
    retraining.retrain(folder=folder / "waiting", target=folder / "zoo", data=_few_digits(), jobs=1, progress=False)


def sweep(folder: Path) -> None:
    """A table of several trainings."""
    recipes = {f"tiny-s{seed}": Recipe("vae", SMALL, TrainConfig(2, 50, seed=seed), seed) for seed in range(3)}
    columns = ("latent_dim", "seed", "nll", "kl", "squared_error", "active_units")
    sweeps.SWEEPS.clear()
    sweeps.SWEEPS["tiny"] = sweeps.Sweep(columns, recipes, sweeps.measure_errors)
    digits = {"mnist": _few_digits()}
    sweeping.remake(folder=folder / "waiting", target=folder / "sweeps", data=digits, jobs=1, progress=False)


def record(folder: Path) -> None:
    """Stored training runs."""
    runs.RECIPES.clear()
    runs.RECIPES.update({f"tiny-{seed}": runs.Recipe(SMALL, TINY, seed) for seed in range(2)})
    runs.remake(folder=folder, data=_few_digits(), progress=False)


def hand_out(folder: Path) -> None:
    """Students' notebooks of the book's first chapters."""
    for _ in release.write_release(BOOK, source=ROOT / "notebooks", root=ROOT, to=folder / "students"):
        pass


def grade(folder: Path) -> None:
    """The grading of what lies in handed-in."""
    rules = grading.Rules(Bounds(seconds=30, waiting=240.0))
    chapter = chapters.read_chapter(NAME, small_notebook())
    for _ in grading.grade_all(folder / "handed-in", [chapter], to=folder / "grades", rules=rules):
        pass


def build(folder: Path) -> None:
    """A book of two pages with the course's settings and extension."""
    os.chdir(folder)
    words = [".", "-W", "--keep-going"]
    jupyter_book.cli.main.build.main(words, standalone_mode=False)


def pack(folder: Path) -> None:
    """The zip of a site."""
    publishing.make_zip(site=folder / "site", to=folder / "book.zip")


WORKS: dict[str, Callable[..., None]] = {
    "training": train,
    "downloading": download,
    "caching": cache,
    "noting progress": note,
    "stored maps": map_,
    "stored runs": record,
    "stored sweeps": sweep,
    "the zoo": retrain,
    "releasing": hand_out,
    "grading": grade,
    "building the book": build,
    "packing the book": pack,
}


def die() -> None:
    """As the kernel ends a process that takes too much, and all that it has started in its group."""
    os.killpg(0, signal.SIGKILL)


class Deaths:
    """Counts this process's changes of files below a folder, and its writings of whole files; dies where it must."""

    def __init__(self, folder: Path, kill: dict[str, Any]) -> None:
        self.folder, self.kill = str(folder), kill
        self.events = self.writes = self.openings = 0
        sys.addaudithook(self.watch)
        self.fsync = os.fsync
        os.fsync = self.sync

    def watch(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            changes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        else:
            path, changes = arguments[0] if arguments else None, event in CHANGES
        if changes and isinstance(path, (str, os.PathLike)) and os.fspath(path).startswith(self.folder):
            self.events += 1
            if event == "open" and self.kill.get("path", "nowhere") in os.fspath(path):
                self.openings += 1
                if self.openings == self.kill["times"]:
                    if "left" in self.kill:
                        self.kill = {"left": self.kill["left"]}  # not to come here again
                        Path(path).write_bytes(bytes.fromhex(self.kill["left"]))
                    die()
            if self.events == self.kill.get("event"):
                die()

    def sync(self, descriptor: int) -> None:
        self.writes += 1
        if self.writes == self.kill.get("write"):
            os.ftruncate(descriptor, int(os.fstat(descriptor).st_size * self.kill["share"]))
            die()
        self.fsync(descriptor)


def run(request: dict[str, Any], answer: int, log: Path) -> None:
    """The life of a child."""
    os.setsid()
    torch.set_num_threads(1)
    with log.open("w") as said, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        deaths = Deaths(Path(request["folder"]), request["kill"] or {})
        WORKS[request["work"]](Path(request["folder"]), **request["options"])
    os.write(answer, json.dumps([deaths.events, deaths.writes]).encode())


def serve_one(request: dict[str, Any]) -> dict[str, Any]:
    """Forks a child for the request, kills it if that is to be, and waits until nothing of it runs."""
    reader, writer = os.pipe()
    log, start = Path(request["folder"] + ".log"), time.monotonic()
    pid = os.fork()
    if not pid:
        os.close(reader)
        code = 1
        try:
            run(request, writer, log)
            code = 0
        except BaseException as error:
            with log.open("a") as said:
                said.write(f"\n{type(error).__name__}: {error}\n")
                sys.excepthook(*sys.exc_info())
        finally:
            os._exit(code)
    os.close(writer)
    after = (request["kill"] or {}).get("after")
    if after is not None:
        time.sleep(after)
        with contextlib.suppress(ProcessLookupError):  # it has ended, or has not yet its own group
            os.killpg(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    seconds = time.monotonic() - start
    with io.FileIO(reader) as pipe:
        counts = json.loads(pipe.read() or b"[0, 0]")
    end = time.monotonic() + PATIENCE
    while left := processes.descendants(os.getpid()):
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if time.monotonic() > end:
            break
        time.sleep(0.02)
    processes.end_descendants(os.getpid())
    return {"status": status, "seconds": seconds, "events": counts[0], "writes": counts[1], "left": len(left)}


BOOK: dict[str, Any] = {}


def main() -> None:
    """Answers until nobody asks."""
    processes.adopt_orphans()
    data._embedded_bytes()
    for name in LATE:
        importlib.import_module(name)
    BOOK.update(dict(list(chapters.read_chapters(ROOT / "notebooks").items())[:3]))
    np.random.seed(0)  # noqa: NPY002
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(serve_one(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
