"""Damaged, swapped and hostile files: refused with words that say which file, what is wrong with it and what to do."""

from __future__ import annotations

import json
import pickle
import random
import re
import resource
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from nightly import NIGHTLY as SEED
from nightly import report

from vae_course import data, embeddings, load_digits, runs, sweeps, zoo
from vae_course.checks import make_generator
from vae_course.configs import TrainConfig, VAEConfig
from vae_course.data import RAW_FILES, RawFile
from vae_course.files import BrokenFileError, load_tensors, save_tensors, sha256_of_file
from vae_course.models import VAE
from vae_course.training import fit

TRIALS = 200 if SEED else 6  # of each kind of damage, at random places


class Stored(NamedTuple):
    """A module that keeps files with cards, one of them, another of the same kind, and how the file is called."""

    module: Any
    name: str
    other: str
    suffix: str

    def files(self, name: str = "") -> tuple[Path, Path]:
        name = name or self.name
        return self.module.FOLDER / f"{name}.{self.suffix}", self.module.FOLDER / f"{name}.json"


KEPT = {
    "zoo": (zoo, "vae-bernoulli-2d-s0", "vae-bernoulli-2d-s1", "safetensors"),
    "runs": (runs, "vae-2d", "vae-8d", "safetensors"),
    "sweeps": (sweeps, "sigmas", "constraints", "csv"),
    "maps": (embeddings, "pca", "tsne-30-s0", "safetensors"),
}


@pytest.fixture(params=KEPT)
def stored(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stored:
    """Copies of two stored files and their cards, in the place of the package's."""
    one = Stored(*KEPT[request.param])
    originals = [path for name in (one.name, one.other) for path in one.files(name)]
    (tmp_path / "kept").mkdir()
    for path in originals:
        shutil.copy(path, tmp_path / "kept")
    monkeypatch.setattr(one.module, "FOLDER", tmp_path / "kept")
    one.module.load(one.name)
    return one


@pytest.fixture
def bomb(tmp_path: Path) -> Iterator[bytes]:
    """A pickle that makes a file when it is read; it must never be."""
    trace = tmp_path / "trace"

    class Bomb:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
            return Path.touch, (trace,)

    content = pickle.dumps({"weights": Bomb()})
    pickle.loads(content)
    assert trace.exists(), "it would do nothing"
    trace.unlink()
    yield content
    assert not trace.exists()


def refused(error: type[Exception], path: Path, *words: str) -> Any:
    """A context in which the error names the file and says these words, in this order."""
    return pytest.raises(error, match="(?s)" + ".*".join(map(re.escape, (str(path), *words))))


def test_a_file_cut_short_or_with_a_flipped_bit_is_refused(stored: Stored) -> None:
    path, _ = stored.files()
    content, chance = path.read_bytes(), random.Random(f"{SEED} {stored.name}")
    for _ in range(TRIALS):
        path.write_bytes(content[: chance.randrange(len(content))])
        with refused(BrokenFileError, path, "checksum differs", "reinstall vae_course"):
            stored.module.load(stored.name)
        place = chance.randrange(len(content))
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << chance.randrange(8)]) + content[place + 1 :])
        with refused(BrokenFileError, path, "checksum differs", "reinstall vae_course"):
            stored.module.load(stored.name)
    report(
        "faults",
        fault=f"stored file cut short or with a flipped bit: {path.name}",
        trials=2 * TRIALS,
        outcome="all refused in words",
    )


def test_a_card_cut_short_is_refused(stored: Stored) -> None:
    _, path = stored.files()
    content = path.read_bytes().rstrip()
    chance = random.Random(f"{SEED} {stored.name}")
    for length in (0, *(chance.randrange(len(content)) for _ in range(TRIALS))):
        path.write_bytes(content[:length])
        with refused(BrokenFileError, path, "is cut short or no card", "reinstall vae_course"):
            stored.module.load(stored.name)
    report("faults", fault=f"card cut short: {path.name}", trials=TRIALS + 1, outcome="all refused in words")


def test_a_card_with_a_flipped_bit_gives_the_right_file_or_none(stored: Stored) -> None:
    """Cards have no checksum of their own. A changed one may say what is wrong of a file; it can't bring another in."""
    weights, path = stored.files()
    content, chance = path.read_bytes(), random.Random(f"{SEED} {stored.name}")
    before = weights.read_bytes()
    for _ in range(TRIALS):
        place = chance.randrange(len(content))
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << chance.randrange(8)]) + content[place + 1 :])
        said = "vae_course"
        try:
            stored.module.load(stored.name)
        except ValueError as error:  # BrokenFileError and StaleMapError
            said = str(error)
        assert "vae_course" in said or "vae-course" in said
        assert weights.read_bytes() == before


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ("[]", "is no card: it is not an object"),
        ("3", "is no card: it is not an object"),
        ("{}", "is no card: it lacks"),
        ('{"name": "x"}', "is no card: it lacks"),
        ("[" * 100_000, "is cut short or no card"),
        ("\udcff", "is cut short or no card"),
    ],
)
def test_what_is_no_card_is_refused(stored: Stored, card: str, words: str) -> None:
    _, path = stored.files()
    path.write_bytes(card.encode("utf-8", "surrogateescape"))
    with refused(BrokenFileError, path, words, "reinstall vae_course"):
        stored.module.load(stored.name)


def test_a_missing_file_or_card_is_named(stored: Stored) -> None:
    for path in stored.files():
        path.unlink()
        with refused(FileNotFoundError, path, "is missing; reinstall vae_course"):
            stored.module.load(stored.name)


def test_what_lies_under_the_name_of_another_is_refused(stored: Stored) -> None:
    (path, card), (other, others_card) = stored.files(), stored.files(stored.other)
    shutil.copy(other, path)
    with refused(BrokenFileError, path, "is not the file of its card", "reinstall"):
        stored.module.load(stored.name)
    shutil.copy(others_card, card)  # now weights and card belong together, and the name to neither
    with refused(BrokenFileError, card, f"is the card of '{stored.other}', not of '{stored.name}'", "reinstall"):
        stored.module.load(stored.name)
    report(
        "faults",
        fault=f"swapped: {path.name}",
        trials=2,
        outcome="refused in words, with its own card and with the other's",
    )


def test_a_pickle_is_not_opened(stored: Stored, bomb: bytes) -> None:
    path, card = stored.files()
    path.write_bytes(bomb)
    told = json.loads(card.read_text()) | {"sha256": sha256_of_file(path)}
    card.write_text(json.dumps(told))
    if stored.suffix == "csv":
        with pytest.raises(ValueError):  # noqa: PT011  # pandas' words: no text
            stored.module.load(stored.name)
        return
    with refused(BrokenFileError, path, "is cut short or no file of vae_course", "delete it"):
        stored.module.load(stored.name)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "vae-bernoulli-2d-s0/../x", "vae-bernoulli-2d-s0\0", "", "."]
)
def test_a_name_leads_to_no_other_place(name: str) -> None:
    for module, *_ in KEPT.values():
        with pytest.raises(ValueError, match="name must be one of"):
            module.load(name)


# --- weights that are whole, and not those that are wanted ---


def forge(module: Any, name: str, tensors: dict[str, torch.Tensor], **changes: Any) -> Path:
    """Writes these tensors with a right checksum, and a card that fits but for the changes."""
    path, card = module.FOLDER / f"{name}.safetensors", module.FOLDER / f"{name}.json"
    save_tensors(path, tensors, {"name": name})
    card.write_text(json.dumps(json.loads(card.read_text()) | {"sha256": sha256_of_file(path)} | changes))
    return path


@pytest.fixture
def own_zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, torch.Tensor]:
    """A copy of one model in the place of the zoo, and its weights."""
    name = KEPT["zoo"][1]
    for kind in ("json", "safetensors"):
        shutil.copy(zoo.FOLDER / f"{name}.{kind}", tmp_path)
    monkeypatch.setattr(zoo, "FOLDER", tmp_path)
    return load_tensors(tmp_path / f"{name}.safetensors")[0]


def test_weights_that_are_not_numbers_are_refused(own_zoo: dict[str, torch.Tensor]) -> None:
    name, first = KEPT["zoo"][1], next(iter(own_zoo))
    for value in (float("nan"), float("inf")):
        spoilt = own_zoo[first].clone()
        spoilt.view(-1)[0] = value
        path = forge(zoo, name, own_zoo | {first: spoilt})
        with refused(BrokenFileError, path, "not finite in", first, "reinstall vae_course"):
            zoo.load(name)


def test_weights_of_other_shapes_names_or_number_are_refused(own_zoo: dict[str, torch.Tensor]) -> None:
    name, first = KEPT["zoo"][1], next(iter(own_zoo))
    others = (
        own_zoo | {first: torch.zeros(3, 5)},
        {key: value for key, value in own_zoo.items() if key != first},
        own_zoo | {"../../etc/passwd": torch.zeros(1)},
        {},
    )
    for tensors in others:
        path = forge(zoo, name, tensors)
        with refused(BrokenFileError, path, "does not fit the model of its card", "reinstall vae_course"):
            zoo.load(name)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "os.system"},
        {"kind": ["vae"]},
        {"model": {}},
        {"model": None},
        {"model": {"latent_dim": -1}},
        {"model": {"hidden_dims": [200], "latent_dim": 10**13}},
        {"model": {"hidden_dims": [200], "latent_dim": "2"}},
        {"model": {"hidden_dims": [200], "latent_dim": 2, "likelihood": "__import__('os')"}},
    ],
    ids=repr,
)
def test_a_card_of_an_impossible_model_is_refused(own_zoo: dict[str, torch.Tensor], changes: dict[str, Any]) -> None:
    path = forge(zoo, KEPT["zoo"][1], own_zoo, **changes)
    with refused(BrokenFileError, path, "does not fit the model of its card", "reinstall vae_course"):
        zoo.load(KEPT["zoo"][1])


@pytest.mark.parametrize("length", [2**63, 2**40, 200_000_000, 2**31])
def test_a_header_that_claims_to_be_huge_costs_no_memory(tmp_path: Path, length: int) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + b'{"a":' * 1000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with refused(BrokenFileError, path, "is cut short or no file of vae_course", "delete it"):
        load_tensors(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kilobytes


# --- checkpoints ---

SMALL = VAEConfig(hidden_dims=(8,), latent_dim=2)


class Training(NamedTuple):
    """A training of two epochs, and its checkpoint after them."""

    images: torch.Tensor
    path: Path
    tensors: dict[str, torch.Tensor]
    meta: dict[str, Any]

    def go_on(self, epochs: int = 2) -> VAE:
        model = VAE(SMALL, generator=make_generator(0))
        before = [value.clone() for value in model.parameters()]
        config = TrainConfig(epochs=epochs, batch_size=50)
        try:
            fit(model, self.images, config=config, checkpoint=self.path, progress=False)
        except ValueError:
            assert all(map(torch.equal, model.parameters(), before)), "what is refused must change nothing"
            raise
        return model


@pytest.fixture
def training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Training:
    monkeypatch.setenv("VAE_COURSE_MATMUL", "highest")  # it is measured otherwise, for seconds
    images = torch.randint(0, 256, (100, 784), generator=make_generator(0), dtype=torch.uint8)
    one = Training(images, tmp_path / "checkpoint", {}, {})
    one.go_on()
    return Training(images, one.path, *load_tensors(one.path))


def test_a_checkpoint_cut_short_or_with_a_flipped_bit_is_refused(training: Training) -> None:
    content, chance = training.path.read_bytes(), random.Random(SEED)
    for _ in range(TRIALS):
        training.path.write_bytes(content[: chance.randrange(len(content))])
        with refused(BrokenFileError, training.path, "is cut short or no file of vae_course", "delete it"):
            training.go_on()
        place = chance.randrange(len(content))
        training.path.write_bytes(
            content[:place] + bytes([content[place] ^ 1 << chance.randrange(8)]) + content[place + 1 :]
        )
        with refused(BrokenFileError, training.path, "delete it"):
            training.go_on()
    report(
        "faults",
        fault="checkpoint cut short or with a flipped bit",
        trials=2 * TRIALS,
        outcome="all refused in words, the model unchanged",
    )


def test_a_checkpoint_that_is_a_pickle_is_not_opened(training: Training, bomb: bytes) -> None:
    training.path.write_bytes(bomb)
    with refused(BrokenFileError, training.path, "is cut short or no file of vae_course", "delete it"):
        training.go_on()


def test_the_checkpoint_of_another_training_is_refused(training: Training) -> None:
    with refused(ValueError, training.path, "belongs to another run", "delete it or name another checkpoint"):
        training.go_on(epochs=3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model.mu_head.bias": torch.zeros(7)}, "does not fit: model.mu_head.bias has shape (7,), (2,) is wanted"),
        ({"model.mu_head.bias": torch.full((2,), torch.nan)}, "not finite in model.mu_head.bias; delete it and train"),
        ({"model.mu_head.bias": None}, "lacks model.mu_head.bias, of shape (2,)"),
        ({"adam.0.exp_avg": torch.zeros(1)}, "does not fit: adam.0.exp_avg has shape (1,)"),
        ({"adam.0.exp_avg_sq": None}, "lacks adam.0.exp_avg_sq"),
        ({"nll": torch.zeros(3)}, "does not fit: nll has shape (3,), (4,) is wanted"),
        ({"random": torch.zeros(3, dtype=torch.uint8)}, "does not fit: random has shape (3,)"),
        ({"step": 3}, "its step 3 ends no epoch"),
        ({"step": -2}, "its step -2 ends no epoch"),
        ({"step": 10**9}, "its step 1000000000 ends no epoch"),
        ({"step": "2"}, "its step '2' ends no epoch"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_checkpoint_with_a_right_checksum_that_fits_not_is_refused(
    training: Training, changes: dict[str, Any], words: str
) -> None:
    tensors = {**training.tensors, **{key: value for key, value in changes.items() if key != "step"}}
    meta = training.meta | {key: value for key, value in changes.items() if key == "step"}
    save_tensors(training.path, {key: value for key, value in tensors.items() if value is not None}, meta)
    with refused(BrokenFileError, training.path, words) as caught:
        training.go_on()
    assert "; delete it" in str(caught.value)


# --- data ---


@pytest.fixture
def small_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Small files in the place of MNIST's, all of one size, so that only their contents tell them apart."""
    chance = random.Random(0)
    folder = data.raw_folder(tmp_path)
    folder.mkdir(parents=True)
    for name in list(RAW_FILES):
        (folder / name).write_bytes(chance.randbytes(16 + 784))
        known = RawFile(name, 16, 16 + 784, sha256_of_file(folder / name))
        monkeypatch.setitem(RAW_FILES, name, known)
    return folder


def test_data_cut_short_or_with_a_flipped_bit_are_refused(small_mnist: Path, tmp_path: Path) -> None:
    path, chance = small_mnist / "t10k-images-idx3-ubyte", random.Random(SEED)
    content = path.read_bytes()
    for _ in range(TRIALS):
        path.write_bytes(content[: chance.randrange(len(content))])
        with refused(BrokenFileError, path, "is cut short", "bytes of 800", "run `vae-course data`"):
            load_digits("test", root=tmp_path)
        place = chance.randrange(len(content))
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << chance.randrange(8)]) + content[place + 1 :])
        with refused(BrokenFileError, path, "has been changed (checksum differs)", "run `vae-course data`"):
            load_digits("test", root=tmp_path)
    report(
        "faults", fault="data set cut short or with a flipped bit", trials=2 * TRIALS, outcome="all refused in words"
    )


def test_data_under_another_name_are_refused(small_mnist: Path, tmp_path: Path) -> None:
    path = small_mnist / "t10k-images-idx3-ubyte"
    shutil.copy(small_mnist / "train-images-idx3-ubyte", path)
    with refused(BrokenFileError, path, "is not MNIST's", "run `vae-course data` to fetch it"):
        load_digits("test", root=tmp_path)


def test_data_that_are_a_pickle_are_not_opened(small_mnist: Path, tmp_path: Path, bomb: bytes) -> None:
    path = small_mnist / "t10k-images-idx3-ubyte"
    path.write_bytes(bomb * 20)
    with refused(BrokenFileError, path, "is not MNIST's", "run `vae-course data` to fetch it"):
        load_digits("test", root=tmp_path)


def test_a_file_of_a_terabyte_is_not_read(small_mnist: Path, tmp_path: Path) -> None:
    path = small_mnist / "t10k-images-idx3-ubyte"
    with path.open("r+b") as file:
        file.truncate(2**40)  # holes: it takes no room
    start = time.monotonic()
    with refused(BrokenFileError, path, "is not MNIST's", "run `vae-course data` to fetch it"):
        load_digits("test", root=tmp_path)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"a":' * 100_000], ids=["brackets", "braces"])
def test_progress_that_is_nested_without_end_is_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    from vae_course import exercises

    path = tmp_path / "progress.json"
    path.write_bytes(content)
    monkeypatch.setenv("VAE_COURSE_PROGRESS", str(path))
    with pytest.warns(UserWarning, match=r"was damaged; it is kept as progress\.json\.broken-"):
        assert exercises.progress().solved == ()
