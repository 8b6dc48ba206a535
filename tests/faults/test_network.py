"""No network; proxies and mirrors that hang, drip, flood or answer for others: soon an error that says what to do."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from nightly import NIGHTLY as SEED
from nightly import report
from scarcity import no_network

from vae_course import data, embeddings, exercises, load_digits, retraining, runs, sweeps, zoo
from vae_course.commands import upkeep
from vae_course.commands.shell import CommandError

NAMES = list(data.RAW_FILES)
WHAT_TO_DO = (
    "Try again later (what came whole is kept), or copy the folder MNIST/raw from another machine and let "
    "VAE_COURSE_DATA name the folder that holds MNIST."
)
STALL = data.STALL_SECONDS if SEED else 0.5  # by night the time that is documented
Talk = Callable[[socket.socket], None]


class Peer:
    """Accepts on the loopback, and talks with each that comes as it is told. Counts them."""

    def __init__(self, talk: Talk) -> None:
        self.talk, self.came = talk, 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.over = threading.Event()
        self.kept: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}/"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                self.came += 1
                self.kept.append(connection)  # held open
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self.talk(connection)

    def close(self) -> None:
        self.over.set()
        for connection in (self.socket, *self.kept):
            connection.close()


@pytest.fixture
def listen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Talk], Peer]]:
    """Makes a peer; it is gone when the test ends."""
    peers: list[Peer] = []
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(data, "STALL_SECONDS", STALL)
    monkeypatch.setattr(urllib.request, "_opener", None)  # it remembers the proxies of its first call

    def listen(talk: Talk) -> Peer:
        peers.append(Peer(talk))
        return peers[-1]

    yield listen
    for peer in peers:
        peer.close()


def silence(connection: socket.socket) -> None:
    """Reads what is asked, and never answers."""
    while connection.recv(1000):
        pass


def drip(connection: socket.socket) -> None:
    """A promising start, then a byte now and then: each wakes who waits for the next."""
    connection.recv(1000)
    connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 9000000\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(STALL / 5)


def flood(connection: socket.socket) -> None:
    """Bytes without end."""
    connection.recv(1000)
    connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
    while True:
        connection.sendall(bytes(1 << 16))


def portal(connection: socket.socket) -> None:
    """What a hotel's network answers in the place of everyone."""
    connection.recv(1000)
    page = b"<html>Please log in</html>"
    connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page) + page)
    connection.close()


def fetch(root: Path) -> str:
    """What `vae-course data` says when it fails. Nothing must lie in the folder then."""
    with pytest.raises(CommandError) as caught:
        upkeep.fetch_data(root=root, progress=False)
    assert list(root.rglob("*")) == [] or [path for path in root.rglob("*") if path.is_file()] == []
    return str(caught.value)


@pytest.fixture
def mirrors(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets the addresses that are asked: two, so that it is seen that each is."""

    def mirrors(*urls: str) -> None:
        monkeypatch.setattr(data, "_sources", lambda: (list(urls), dict.fromkeys(NAMES, "0" * 32)))

    return mirrors


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_hangs_is_given_up_in_time(
    scheme: str, listen: Callable[[Talk], Peer], mirrors: Callable[..., None], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    proxy = listen(silence)
    monkeypatch.setenv(f"{scheme}_proxy", proxy.url)
    urls = [f"{scheme}://one.example/", f"{scheme}://two.example/"]
    mirrors(*urls)
    start = time.monotonic()
    said = fetch(tmp_path)
    seconds = time.monotonic() - start
    assert proxy.came == 2 and 2 * STALL <= seconds < 2 * STALL + 10
    assert said.startswith(f"no mirror gave all of {NAMES[0]}:\n")
    for url in urls:
        assert re.search(rf"  {url}{NAMES[0]}\.gz: .*timed out", said)
    assert said.endswith(WHAT_TO_DO)
    report(
        "faults",
        fault=f"{scheme} proxy that never answers",
        trials=1,
        outcome=f"given up after {seconds:.1f} s (two mirrors, {STALL:g} s each)",
    )


@pytest.mark.parametrize(
    ("talk", "fault", "words", "most"),
    [
        (silence, "never answers", "timed out", STALL + 10),
        (drip, "sends a byte now and then", rf"only \d+ bytes in {STALL:g} s", 2 * STALL + 10),
        (flood, "sends without end", r"more than [\d,]+ bytes, and still no end", 120.0),
        (portal, "is a hotel's page instead", "26 bytes that are not MNIST's archive", 10.0),
    ],
)
def test_a_mirror_that_misbehaves_is_given_up_in_time(
    talk: Talk, fault: str, words: str, most: float, listen: Callable[[Talk], Peer], mirrors: Callable[..., None],
    tmp_path: Path,
) -> None:  # fmt: skip
    mirror = listen(talk)
    mirrors(mirror.url)
    start = time.monotonic()
    said = fetch(tmp_path)
    seconds = time.monotonic() - start
    assert seconds < most
    assert re.search(rf"  {mirror.url}{NAMES[0]}\.gz: {words}", said), said
    assert said.endswith(WHAT_TO_DO)
    report("faults", fault=f"mirror that {fault}", trials=1, outcome=f"given up after {seconds:.1f} s")


def test_without_a_network_the_data_say_what_to_do(mirrors: Callable[..., None], tmp_path: Path) -> None:
    mirrors("http://one.example/", "https://two.example/")
    start = time.monotonic()
    with no_network():
        said = fetch(tmp_path)
    assert time.monotonic() - start < 5
    for url in ("http://one.example/", "https://two.example/"):
        assert f"  {url}{NAMES[0]}.gz: <urlopen error [Errno -3] Temporary failure in name resolution>" in said
    assert said.endswith(WHAT_TO_DO)


def test_without_a_network_all_but_full_mnist_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Digits, models, runs, tables, maps, checks: with an empty cache and an empty folder of data."""
    content = data._embedded_bytes()
    monkeypatch.setattr(data, "_parse_embedded", lambda: content)
    data._embedded_bytes.cache_clear()
    monkeypatch.setenv("VAE_COURSE_CACHE", str(tmp_path))
    monkeypatch.setenv("VAE_COURSE_DATA", str(tmp_path))
    with no_network():
        assert len(load_digits().labels) == 5000
        for module in (zoo, runs, sweeps, embeddings):
            module.load(module.names()[0])
        assert exercises.check("count_outputs", lambda latent_dim: 2 * latent_dim).passed
        with pytest.raises(
            FileNotFoundError, match=r"is missing; run `vae-course data` to fetch it, or let VAE_COURSE"
        ):
            load_digits("train")
    report(
        "faults",
        fault="no network",
        trials=1,
        outcome="digits, models, runs, tables, maps and checks work; full MNIST says what to do",
    )


def test_a_scheduler_that_hangs_is_given_up_in_time(
    listen: Callable[[Talk], Peer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = listen(silence)
    monkeypatch.setattr(retraining, "PATIENCE", "1s")
    monkeypatch.setattr(retraining, "LOADERS", dict.fromkeys(retraining.LOADERS, lambda: None))
    monkeypatch.setattr(upkeep, "clone_root", lambda: tmp_path)
    address = peer.url.replace("http", "tcp").rstrip("/")
    start = time.monotonic()
    with pytest.raises(CommandError, match=f"no Dask scheduler answers at {address}: ") as caught:
        upkeep.retrain_zoo([zoo.names()[0]], jobs=1, scheduler=address, progress=False)
    assert time.monotonic() - start < 20 and peer.came >= 1
    assert str(caught.value).endswith(
        "has said nothing for 1s; start one with `dask scheduler`, or leave out --scheduler"
    )
    report(
        "faults",
        fault="Dask scheduler that never answers",
        trials=1,
        outcome=f"given up after {time.monotonic() - start:.1f} s",
    )
