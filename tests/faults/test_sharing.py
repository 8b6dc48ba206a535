"""Several processes at once: on one file, on one cache, on one folder of data; a class that opens the zoo."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from nightly import NIGHTLY as SEED
from nightly import report

from vae_course import data
from vae_course.files import replace_file

CLASS = 30 if SEED else 2


def test_two_that_write_the_same_file_leave_it_whole_at_any_moment(tmp_path: Path) -> None:
    """Threads have the number of one process, as have two kernels in two containers that share a folder."""
    path = tmp_path / "x.bin"
    contents = [bytes([number]) * (100_000 + 50_000 * number) for number in range(4)]
    rounds, done, seen = 200 if SEED else 25, threading.Event(), []

    def write(content: bytes) -> None:
        for _ in range(rounds):
            replace_file(path, content)

    def read() -> None:
        while not done.is_set():
            if path.exists():
                seen.append(path.read_bytes() in contents)

    reader = threading.Thread(target=read)
    reader.start()
    with ThreadPoolExecutor(4) as pool:
        writings = [pool.submit(write, content) for content in contents]
    done.set()
    reader.join()
    assert [writing.exception() for writing in writings] == [None] * 4
    assert len(seen) > rounds / 5 and all(seen)
    assert [one.name for one in tmp_path.iterdir()] == ["x.bin"]
    report(
        "faults",
        fault="four writers of one file at once",
        trials=4 * rounds,
        outcome=f"{len(seen)} readings, all whole; nothing left aside",
    )


def test_what_a_living_writer_has_aside_is_not_swept_away(tmp_path: Path) -> None:
    """A second writer comes while the first waits for the disk; what a dead one left goes."""
    path, dead = tmp_path / "x.bin", tmp_path / ".x.bin.0123abcd.part"
    dead.write_bytes(b"half of wh")
    fsync, met = os.fsync, threading.Barrier(2, timeout=60)

    def slow(descriptor: int) -> None:
        if threading.current_thread().name == "slow":
            met.wait()  # the other may begin
            met.wait()  # the other is done
        fsync(descriptor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", slow)
        first = threading.Thread(target=replace_file, args=(path, b"first"), name="slow")
        first.start()
        met.wait()
        replace_file(path, b"second")
        assert path.read_bytes() == b"second" and not dead.exists()
        met.wait()
        first.join()
    assert path.read_bytes() == b"first"
    assert [one.name for one in tmp_path.iterdir()] == ["x.bin"]


def test_two_downloads_into_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gzip
    import hashlib

    contents = {name: os.urandom(200_000) for name in data.RAW_FILES}
    archives = {f"/{name}.gz": gzip.compress(content) for name, content in contents.items()}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(archives[self.path])

        def log_message(self, *_: object) -> None:
            pass

    for name, content in contents.items():
        known = data.RawFile(name, 16, len(content), hashlib.sha256(content).hexdigest())
        monkeypatch.setitem(data.RAW_FILES, name, known)
    md5s = {name: hashlib.md5(archives[f"/{name}.gz"]).hexdigest() for name in contents}
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        monkeypatch.setattr(data, "_sources", lambda: ([f"http://127.0.0.1:{server.server_address[1]}/"], md5s))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(data.download_mnist, tmp_path, progress=False) for _ in range(4)]:
                assert set(done.result()) <= set(contents)
        server.shutdown()
    folder = data.raw_folder(tmp_path)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == contents
    report(
        "faults",
        fault="four downloads into one folder at once",
        trials=4,
        outcome="all files whole, nothing left aside",
    )


KERNEL = """
    import json, resource, sys, time
    from pathlib import Path
    start = time.perf_counter()
    from vae_course import load_digits, zoo
    imported = time.perf_counter()
    digits = load_digits()
    models = [zoo.load(name) for name in zoo.names()]
    opened = time.perf_counter()
    z = models[1].encode_point(digits.images[:10].float() / 255)
    answer = {"import": imported - start, "open": opened - imported, "sum": float(z.double().sum())}
    print(json.dumps(answer), flush=True)
    sys.stdin.readline()
    pss = next(line.split()[1] for line in Path("/proc/self/smaps_rollup").read_text().splitlines() if "Pss:" in line)
    print(json.dumps({"pss": int(pss) / 1024, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
    sys.stdin.readline()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the memory that processes share is Linux's to tell")
@pytest.mark.timeout(1800)
def test_a_class_opens_the_whole_zoo_at_once_with_one_cache(tmp_path: Path, root: Path) -> None:
    """All start with no cache. Each must see the same, and hold no more than its own copy of the models."""
    env = os.environ | {"VAE_COURSE_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    words, pipe = [sys.executable, "-c", textwrap.dedent(KERNEL)], subprocess.PIPE
    start = time.monotonic()
    kernels = [subprocess.Popen(words, cwd=root, env=env, stdin=pipe, stdout=pipe, text=True) for _ in range(CLASS)]

    def ask(kernel: subprocess.Popen[str]) -> dict[str, float]:
        assert kernel.stdin is not None and kernel.stdout is not None
        kernel.stdin.write("\n")
        kernel.stdin.flush()
        answer: dict[str, float] = json.loads(kernel.stdout.readline())
        return answer

    opened = [json.loads(kernel.stdout.readline()) for kernel in kernels if kernel.stdout is not None]
    seconds = time.monotonic() - start
    memory = [ask(kernel) for kernel in kernels]  # while all of them live
    for kernel in kernels:
        kernel.communicate("\n", timeout=60)
        assert kernel.returncode == 0
    assert len({one["sum"] for one in opened}) == 1
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["embedded-digits.bin"]
    pss = sorted(one["pss"] for one in memory)
    assert pss[-1] < 600, "megabytes, with all models of the zoo"
    said = (
        f"all open after {seconds:.0f} s ({seconds / CLASS:.1f} s each); memory of each {pss[len(pss) // 2]:.0f} MB "
        f"(PSS, {pss[0]:.0f} to {pss[-1]:.0f}), peak {max(one['peak'] for one in memory):.0f} MB"
    )
    report("faults", fault="kernels that open the whole zoo at once, with one empty cache", trials=CLASS, outcome=said)
