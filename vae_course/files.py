"""Files that are whole or absent: written aside and renamed, checked when read (level 0)."""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import os
import secrets
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

_ADVICE = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "make room there, or choose another folder"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "choose a folder that you may write to"),
}


class BrokenFileError(ValueError):
    """A file is not what was written: cut short, changed, or of another kind."""


def write_json_text(values: dict[str, Any]) -> str:
    """JSON as all files of the course hold it: sorted, indented, one line feed at the end."""
    return json.dumps(values, indent=2, sort_keys=True) + "\n"


def replace_file(path: Path, content: bytes) -> None:
    """Writes `content` so that `path` holds the old bytes or all of the new ones, never a part.

    What a process that was killed while it wrote the same file has left is removed. Raises OSError that names the file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        with _open_aside(path) as file:
            aside = Path(file.name)
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                if sys.platform == "win32":
                    file.close()  # Windows renames no open file; elsewhere the lock holds until it is done
                aside.replace(path)
            finally:
                aside.unlink(missing_ok=True)
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0)
        if advice is None:
            raise
        raise OSError(error.errno, f"{error.strerror}; {advice}", str(path)) from error


def _open_aside(path: Path) -> IO[bytes]:
    """A new file beside `path` under a name that nobody else has, locked while this process lives and has it open."""
    while True:
        file = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part").open("xb")
        try:
            if _lock(file) and Path(file.name).exists():
                return file
        except OSError:  # a file system without locks, where nobody sweeps
            return file
        file.close()  # another process saw it before it was locked, and swept it away


def _sweep(path: Path) -> None:
    """Removes what killed processes have left of writing `path`: the system has let go of their locks."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with suppress(OSError), left.open("r+b") as file:
            if sys.platform != "win32" and _lock(file):
                left.unlink()


def _lock(file: IO[bytes]) -> bool:
    """Locks the file until it is closed; False if another has. Raises OSError where there are no locks."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def load_card(folder: Path, name: str, *, needs: tuple[str, ...] = ()) -> dict[str, Any]:
    """The card FOLDER/NAME.json, which tells what a stored file is. needs: what it must tell besides name and sha256.

    Raises FileNotFoundError if there is none, BrokenFileError if it is damaged or that of another.
    """
    path = folder / f"{name}.json"
    try:
        card = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path} is missing; reinstall vae_course") from error
    except (ValueError, RecursionError) as error:
        raise BrokenFileError(f"{path} is cut short or no card ({error}); reinstall vae_course") from error
    if not isinstance(card, dict) or (lacking := {"name", "sha256", *needs} - card.keys()):
        what = f"lacks {', '.join(sorted(lacking))}" if isinstance(card, dict) else "is not an object"
        raise BrokenFileError(f"{path} is no card: it {what}; reinstall vae_course")
    if card["name"] != name:
        raise BrokenFileError(f"{path} is the card of {card['name']!r}, not of {name!r}; reinstall vae_course")
    return card


def read_checked(path: Path, sha256: str) -> bytes:
    """The content of the file whose card tells that checksum. Raises FileNotFoundError, BrokenFileError if changed."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path} is missing; reinstall vae_course") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BrokenFileError(f"{path} is not the file of its card (checksum differs); reinstall vae_course")
    return content


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
    return tensors_from_bytes(path.read_bytes(), path)


def tensors_from_bytes(content: bytes, path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """`load_tensors` of what was read already. path: named where something is wrong."""
    try:
        tensors = load(content)
        metadata = _split_header(content)[0]["__metadata__"]
        text, written = metadata["meta"], metadata["sha256"]
        meta = json.loads(text)
        if not isinstance(meta, dict):
            raise ValueError("its meta is no object")
    except (SafetensorError, KeyError, ValueError, RecursionError) as error:
        raise BrokenFileError(f"{path} is cut short or no file of vae_course ({error}); delete it") from error
    if _digest(tensors, text) != written:
        raise BrokenFileError(f"{path} has been changed since it was written (checksum differs); delete it")
    return tensors, meta


def check_shapes(path: Path, tensors: Mapping[str, Tensor], wanted: Mapping[str, tuple[int, ...]]) -> None:
    """Raises BrokenFileError if a tensor that was read from `path` is missing or has another shape than is wanted."""
    for name, shape in wanted.items():
        if name not in tensors:
            raise BrokenFileError(f"{path} lacks {name}, of shape {tuple(shape)}; delete it")
        if tensors[name].shape != shape:
            found = f"{name} has shape {tuple(tensors[name].shape)}, {tuple(shape)} is wanted"
            raise BrokenFileError(f"{path} does not fit: {found}; delete it")


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
