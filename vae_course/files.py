"""Files that are whole or absent: written aside and renamed, checked when read (level 0)."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor


class BrokenFileError(ValueError):
    """A file is not what was written: cut short, changed, or of another kind."""


def replace_file(path: Path, content: bytes) -> None:
    """Writes `content` so that `path` holds the old bytes or all of the new ones, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def save_tensors(path: Path, tensors: dict[str, Tensor], meta: dict[str, Any]) -> None:
    """Writes tensors and JSON-ready `meta` as one safetensors file with a checksum of both."""
    replace_file(path, tensors_to_bytes(tensors, meta))


def tensors_to_bytes(tensors: dict[str, Tensor], meta: dict[str, Any]) -> bytes:
    """The content of the file that `save_tensors` writes. The same tensors and meta give the same bytes."""
    # A copy of each, as the format refuses tensors that share memory.
    tensors = {name: tensor.detach().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}
    text = json.dumps(meta, sort_keys=True)
    content = save(tensors, metadata={"meta": text, "sha256": _digest(tensors, text)})
    return _with_sorted_header(content)


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Reads what `save_tensors` wrote. Raises BrokenFileError if the file is damaged.

    Raises FileNotFoundError if there is none. No pickle is involved: a hostile file can't run code.
    """
    content = path.read_bytes()
    try:
        tensors = load(content)
        metadata = _split_header(content)[0]["__metadata__"]
        text, written = metadata["meta"], metadata["sha256"]
        meta = json.loads(text)
    except (SafetensorError, KeyError, ValueError) as error:
        raise BrokenFileError(f"{path} is cut short or no file of vae_course ({error}); delete it") from error
    if _digest(tensors, text) != written:
        raise BrokenFileError(f"{path} has been changed since it was written (checksum differs); delete it")
    return tensors, meta


def sha256_of_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _split_header(content: bytes) -> tuple[dict[str, Any], bytes]:
    """A safetensors file is the length of its JSON header in 8 bytes, the header, and the values."""
    end = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:end]), content[end:]


def _with_sorted_header(content: bytes) -> bytes:
    # The library writes the entries of "__metadata__" in an order that changes from call to call.
    header, values = _split_header(content)
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that the values start at a multiple of 8
    return len(text).to_bytes(8, "little") + text + values


def _digest(tensors: dict[str, Tensor], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
