"""Files are whole or absent, and damage is noticed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save

from vae_course import files
from vae_course.files import BrokenFileError, load_tensors, replace_file, save_tensors, sha256_of_file

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([1, 2], dtype=torch.uint8)}


def only_file(folder: Path) -> str:
    (path,) = folder.iterdir()
    return path.name


def test_replace_file_writes_and_makes_folders(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "x.bin"
    replace_file(path, b"one")
    replace_file(path, b"two")
    assert path.read_bytes() == b"two" and only_file(path.parent) == "x.bin"


class FullDisk:
    """Takes the first bytes and fails on the rest, as a full disk does."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def __enter__(self) -> FullDisk:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def write(self, content: bytes) -> None:
        self.file.write(content[:2])
        self.file.flush()
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("fault", ["write", "fsync", "replace"])
@pytest.mark.parametrize("exists", [True, False])
def test_a_failed_write_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, exists: bool
) -> None:
    path = tmp_path / "x.bin"
    if exists:
        path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        if fault == "write":
            original = Path.open
            patch.setattr(Path, "open", lambda path, mode: FullDisk(original(path, mode)))
        else:
            patch.setattr(os, fault, fail)
        with pytest.raises(OSError, match=r"No space|Input/output"):
            replace_file(path, b"new content")
    if exists:
        assert path.read_bytes() == b"old" and only_file(tmp_path) == "x.bin"
    else:
        assert list(tmp_path.iterdir()) == []


def test_the_old_content_stands_until_the_new_one_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, seen = tmp_path / "x.bin", []
    path.write_bytes(b"old")
    replace = os.replace

    def watch(source: Path, target: Path) -> None:
        seen.append((Path(source).read_bytes(), Path(target).read_bytes()))
        replace(source, target)

    monkeypatch.setattr(os, "replace", watch)
    replace_file(path, b"new")
    assert seen == [(b"new", b"old")] and path.read_bytes() == b"new"


@pytest.mark.parametrize(
    "tensor",
    [torch.rand(3, 4).to(dtype) for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64)]
    + [torch.arange(5, dtype=dtype) for dtype in (torch.uint8, torch.int8, torch.int32, torch.int64)]
    + [
        torch.tensor([True, False]),
        torch.tensor(3.5),  # 0-d, as Adam's step
        torch.zeros(0, 4),
        torch.rand(4, 6).t(),
        torch.rand(4, 6)[:, ::2],
        torch.rand(1, 3).expand(5, 3),
        torch.tensor([float("nan"), float("inf"), -0.0]),
        torch.rand(2, requires_grad=True),
    ],
    ids=lambda tensor: f"{str(tensor.dtype)[6:]}-{tuple(tensor.shape)}-{tensor.stride()}",
)
def test_round_trip(tmp_path: Path, tensor: torch.Tensor) -> None:
    save_tensors(tmp_path / "x", {"t": tensor}, {"step": 3, "names": ["é", "\n"]})
    tensors, meta = load_tensors(tmp_path / "x")
    assert meta == {"step": 3, "names": ["é", "\n"]}
    assert tensors["t"].dtype == tensor.dtype and tensors["t"].shape == tensor.shape
    assert not tensors["t"].requires_grad
    torch.testing.assert_close(tensors["t"], tensor.detach(), rtol=0, atol=0, equal_nan=True)


def test_tensors_that_share_memory_come_back_each_whole(tmp_path: Path) -> None:
    values = torch.arange(10.0)
    save_tensors(tmp_path / "x", {"all": values, "same": values, "part": values[2:5]}, {})
    tensors, _ = load_tensors(tmp_path / "x")
    assert torch.equal(tensors["same"], values) and torch.equal(tensors["part"], values[2:5])
    tensors["all"].zero_()
    assert torch.equal(tensors["same"], values)


def test_no_tensors_is_a_file_too(tmp_path: Path) -> None:
    save_tensors(tmp_path / "x", {}, {})
    assert load_tensors(tmp_path / "x") == ({}, {})


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    save_tensors(tmp_path / "x", TENSORS, {"a": 1, "b": 2})
    for _ in range(20):  # the library alone gives one of two orders by chance
        save_tensors(tmp_path / "y", dict(reversed(TENSORS.items())), {"b": 2, "a": 1})
        assert sha256_of_file(tmp_path / "x") == sha256_of_file(tmp_path / "y")


def test_the_files_are_plain_safetensors(tmp_path: Path) -> None:
    save_tensors(tmp_path / "x", TENSORS, {"step": 1})
    tensors = load_file(tmp_path / "x")
    assert list(tensors) == ["a", "b"] and all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)


def test_every_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "x"
    save_tensors(path, TENSORS, {"step": 1})
    content = path.read_bytes()
    unnoticed = []
    for position in range(len(content)):
        path.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        try:
            tensors, meta = load_tensors(path)
        except BrokenFileError:
            continue
        if meta != {"step": 1} or any(not torch.equal(tensors[name], TENSORS[name]) for name in TENSORS):
            unnoticed.append(position)
    assert unnoticed == []


def test_every_length_that_is_too_short_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "x"
    save_tensors(path, TENSORS, {"step": 1})
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(BrokenFileError, match="x is cut short or no file of vae_course"):
            load_tensors(path)


HEADER = b'{"__metadata__":[1]}'


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no file of ours at all",
        b"\x80\x04\x95pickle",
        (2**63).to_bytes(8, "little") + b"{}",  # a header longer than memory
        (2).to_bytes(8, "little") + b"{}",  # no metadata
        len(HEADER).to_bytes(8, "little") + HEADER,
        save({"t": torch.zeros(2)}),  # safetensors of someone else
        save({"t": torch.zeros(2)}, metadata={"meta": "{}"}),
        save({"t": torch.zeros(2)}, metadata={"meta": "not JSON", "sha256": "0"}),
    ],
    ids=range(9),
)
def test_hostile_content_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(BrokenFileError, match=r"x (is cut short|has been changed)"):
        load_tensors(path)


def test_meta_that_is_no_json_is_refused_even_with_the_right_checksum(tmp_path: Path) -> None:
    path = tmp_path / "x"
    tensors = {"t": torch.zeros(2)}
    path.write_bytes(save(tensors, metadata={"meta": "{", "sha256": files._digest(tensors, "{")}))
    with pytest.raises(BrokenFileError, match="x"):
        load_tensors(path)


def test_no_file_is_not_a_broken_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_tensors(tmp_path / "x")


def test_meta_must_be_json(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        save_tensors(tmp_path / "x", {}, {"f": object()})
    assert list(tmp_path.iterdir()) == []


def test_sha256_of_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256_of_file(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
