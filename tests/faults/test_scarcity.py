"""A full disk and folders that may not be written to: nothing is lost, and the words say what to do."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from nightly import report
from scarcity import full_disk, read_only

from vae_course import data, exercises, load_digits, retraining, runs, zoo
from vae_course.checks import make_generator
from vae_course.commands import upkeep
from vae_course.commands.shell import CommandError
from vae_course.configs import TrainConfig, VAEConfig
from vae_course.files import replace_file
from vae_course.models import VAE
from vae_course.retraining import Data
from vae_course.training import fit
from vae_course.types import History
from vae_course.zoo import Recipe

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits and modes")
SMALL, TINY = VAEConfig(hidden_dims=(8,), latent_dim=2), TrainConfig(epochs=2, batch_size=50)
NO_ROOM, NOT_ALLOWED = "make room there, or choose another folder", "choose a folder that you may write to"


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_COURSE_MATMUL", "highest")
    monkeypatch.setattr(sys.modules["vae_course.exercises.progress"], "_said", set())


@pytest.fixture
def mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for MNIST, whose four small stand-ins come from no server."""
    contents = {name: os.urandom(5000) for name in data.RAW_FILES}
    monkeypatch.setattr(data, "_sources", lambda: ([""], dict.fromkeys(contents, "")))
    monkeypatch.setattr(data, "_fetch", lambda file, *_, **__: contents[file.name])
    return tmp_path / "data"


def few_digits() -> Data:
    images, labels = (part.numpy() for part in load_digits())
    return Data("some embedded digits", images[::25], labels[::25], images[1::50], labels[1::50])


# --- what writes a file says which, and leaves the old one ---


def test_a_full_disk_leaves_the_old_file_and_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    replace_file(path, b"old")
    with full_disk(), pytest.raises(OSError, match=f"File too large; {NO_ROOM}: '{re.escape(str(path))}'"):
        replace_file(path, b"new" * 1000)
    assert path.read_bytes() == b"old" and [one.name for one in tmp_path.iterdir()] == ["x.bin"]


def test_a_folder_that_may_not_be_written_to_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    replace_file(path, b"old")
    with read_only(tmp_path), pytest.raises(PermissionError, match=f"denied; {NOT_ALLOWED}: '{re.escape(str(path))}'"):
        replace_file(path, b"new")
    with read_only(tmp_path), pytest.raises(PermissionError, match=NOT_ALLOWED):
        replace_file(tmp_path / "below" / "x.bin", b"new")
    assert path.read_bytes() == b"old" and [one.name for one in tmp_path.iterdir()] == ["x.bin"]


# --- training, data, the commands ---


def train(checkpoint: Path | None, on_epoch: Callable[[History], None] | None = None) -> VAE:
    model = VAE(SMALL, generator=make_generator(0))
    images = load_digits().images[::20]
    config = TrainConfig(epochs=3, batch_size=50)
    fit(model, images, config=config, checkpoint=checkpoint, on_epoch=on_epoch, progress=False)
    return model


def test_a_training_that_finds_the_disk_full_goes_on_from_its_last_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"

    def train_until_full() -> None:
        with full_disk() as _:
            train(path)

    with pytest.raises(OSError, match=f"{NO_ROOM}: '{re.escape(str(path))}'"):
        train_until_full()
    assert list(tmp_path.iterdir()) == []
    epochs = 0

    class StopError(Exception):
        pass

    def stop_after_one(_: History) -> None:
        nonlocal epochs
        epochs += 1
        if epochs == 2:
            raise StopError

    with pytest.raises(StopError):
        train(path, stop_after_one)
    before = path.read_bytes()
    with pytest.raises(OSError, match=NO_ROOM):
        train_until_full()
    assert path.read_bytes() == before, "the last whole checkpoint stays"
    resumed, unstopped = train(path), train(None)
    assert all(map(torch.equal, resumed.parameters(), unstopped.parameters()))
    report(
        "faults",
        fault="disk full while training",
        trials=2,
        outcome="the last checkpoint stays, and the training goes on bit for bit",
    )


@pytest.mark.parametrize(("scarce", "words"), [(full_disk, NO_ROOM), (read_only, NOT_ALLOWED)])
def test_data_that_can_t_be_stored(mnist: Path, scarce: Callable[..., object], words: str) -> None:
    mnist.mkdir()
    block = scarce() if scarce is full_disk else scarce(mnist)
    with block, pytest.raises(CommandError, match=f"the data can't be stored: .*{words}.*another folder with --root"):  # type: ignore[attr-defined]
        upkeep.fetch_data(root=mnist, progress=False)
    assert [path for path in mnist.rglob("*") if path.is_file()] == []
    assert upkeep.fetch_data(root=mnist, progress=False) == 0


@pytest.mark.parametrize("command", ["zoo", "runs", "maps"])
def test_what_is_made_anew_and_can_t_be_stored(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence and no traceback. capsys: what is printed goes to no file, which would be full as well."""
    monkeypatch.setattr(upkeep, "clone_root", lambda: tmp_path)
    monkeypatch.setattr(retraining, "load_data", few_digits)
    monkeypatch.setitem(retraining.LOADERS, "mnist", few_digits)
    monkeypatch.setattr(runs, "load_data", few_digits)
    monkeypatch.setitem(zoo.RECIPES, "tiny", Recipe("vae", SMALL, TINY, seed=0))
    monkeypatch.setitem(runs.RECIPES, "tiny", runs.Recipe(SMALL, TINY, 0))
    monkeypatch.setattr(runs, "FOLDER", tmp_path)
    monkeypatch.setattr("vae_course.embeddings.FOLDER", tmp_path)
    monkeypatch.setitem(retraining.retrain.__kwdefaults__, "target", tmp_path / "zoo")  # never the course's own
    folder = tmp_path / "build" / "zoo" if command == "zoo" else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    calls: dict[str, Callable[[], int]] = {
        "zoo": lambda: upkeep.retrain_zoo(["tiny"], jobs=1, scheduler=None, progress=False),
        "runs": lambda: upkeep.remake_runs(["tiny"], progress=False),
        "maps": lambda: upkeep.remake_maps(["pca"], progress=False),
    }
    (tmp_path / "pca.json").write_text("before")
    with full_disk(), pytest.raises(CommandError, match=f"{NO_ROOM}: '{re.escape(str(tmp_path))}"):
        calls[command]()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["pca.json"]
    with read_only(folder), pytest.raises(CommandError, match=f"{NOT_ALLOWED}: '{re.escape(str(folder))}"):
        calls[command]()
    assert not (tmp_path / "zoo").exists()
    assert (tmp_path / "pca.json").read_text() == "before"


# --- a home that is full or may not be written to ---


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with nothing in it, where cache and progress are to go."""
    content = data._embedded_bytes()  # from the cache of the real home
    monkeypatch.setattr(data, "_parse_embedded", lambda: content)
    data._embedded_bytes.cache_clear()
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    for name in ("VAE_COURSE_CACHE", "VAE_COURSE_PROGRESS", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VAE_COURSE_PROGRESS", str(folder / "progress.json"))
    return folder


@pytest.mark.parametrize("scarce", [full_disk, read_only])
def test_a_home_that_takes_nothing_costs_no_digit_and_no_check(home: Path, scarce: Callable[..., object]) -> None:
    block = scarce(10) if scarce is full_disk else scarce(home)
    with block:  # type: ignore[attr-defined]
        assert len(load_digits().images) == 5000
        assert zoo.load("vae-bernoulli-2d-s0").config.latent_dim == 2
        with pytest.warns(UserWarning, match=r"cannot be kept in .*progress\.json .*set VAE_COURSE_PROGRESS"):
            assert exercises.check("count_outputs", lambda latent_dim: 2 * latent_dim).passed
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # it is said once
            assert not exercises.check("count_outputs", lambda latent_dim: latent_dim).passed
    assert [path for path in home.rglob("*") if path.is_file() and not path.name.endswith(".lock")] == []
    report(
        "faults",
        fault=f"home folder: {scarce.__name__.replace('_', ' ')}",
        trials=1,
        outcome="works without cache, says once what is not kept",
    )


# --- a real disk of half a megabyte, where root may mount one ---

ON_A_SMALL_DISK = """
    import json, os, shutil, sys
    from pathlib import Path
    disk, handed, root = map(Path, sys.argv[1:4])
    filler = disk / "filler"
    def fill():
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError as error:
                assert error.errno == 28, error
    from vae_course import cli
    found = {}
    def call(name, *words):
        import contextlib, io
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            try:
                code = cli.main(list(map(str, words)))
            except BaseException as error:
                code = f"{type(error).__name__}: {error}"
        found[name] = [code, said.getvalue()]
    fill()
    call("release", "release", "1", "--to", disk / "students")
    call("grade", "grade", handed, "--to", disk / "grades", "--chapters", "1")
    call("zip", "zip", "--site", root, "--to", disk / "book.zip")
    found["left"] = [path.name for path in disk.rglob("*") if path.is_file() and path != filler and path.stat().st_size]
    print(json.dumps(found))
"""


def may_mount() -> bool:
    """Whether a name space of its own can be had, with a small disk in it."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    words = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs -o size=512k tmpfs /mnt"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


@pytest.mark.nightly
def test_commands_on_a_small_disk(tmp_path: Path, root: Path) -> None:
    if not may_mount():
        pytest.skip("needs root, to mount a small disk")
    for name in ("disk", "site", "handed-in/ada"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "site" / "index.html").write_text("<html></html>" * 100)
    shutil.copy(root / "notebooks" / "01-bottleneck.ipynb", tmp_path / "handed-in" / "ada")
    arguments = [str(tmp_path / name) for name in ("disk", "handed-in", "site")]
    shell = 'mount -t tmpfs -o size=512k tmpfs "$1" && exec "$0" -c "$4" "$1" "$2" "$3"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", shell, sys.executable, *arguments, textwrap.dedent(ON_A_SMALL_DISK)],
        capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.pop("left") == []
    for name, (code, said) in found.items():
        assert code == 2 and f"vae-course {name}: " in said and NO_ROOM in said and "Traceback" not in said, (
            name,
            said,
        )
    report(
        "faults",
        fault="disk full (a real one of 512 KB): release, grade, zip",
        trials=len(found),
        outcome="no half file, and words that say what",
    )
