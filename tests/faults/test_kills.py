"""Whatever is killed at whatever moment leaves no half a file, and goes on to the end that it would have come to."""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.server
import json
import random
import re
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from killing import Content, Killer, Work, kill_often, without
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nightly import NIGHTLY as SEED
from nightly import report

from vae_course import data
from vae_course.files import load_tensors

ROOT = Path(__file__).resolve().parents[2]
# Two hundred in a nightly run, and a dozen in `make test`, where some works are left out: they write as others do.
KILLS = {
    "training": (30, 3),
    "downloading": (25, 2),
    "caching": (20, 2),
    "noting progress": (20, 2),
    "stored maps": (10, 0),
    "stored runs": (10, 0),
    "stored sweeps": (15, 0),
    "the zoo": (15, 1),
    "releasing": (15, 1),
    "grading": (15, 1),
    "building the book": (15, 1),
    "packing the book": (10, 1),
}

KINDS = {
    "after": "by the clock",
    "event": "before a change of a file",
    "write": "with a part of a file on the disk",
    "path": "at the worst moment",
}


def each_as_in_the_end(folder: Path, expected: Content) -> None:
    """A file that is there is whole: what it is in the end."""
    for name, content in expected.items():
        if (folder / name).exists():
            assert (folder / name).read_bytes() == content, name


def readable(folder: Path, expected: Content) -> None:
    """What is there can be read: tensors with their checksum, and JSON. It need not be what it is in the end."""
    for path in folder.rglob("*"):
        if path.suffix in (".safetensors", ".checkpoint") or path.name in ("checkpoint", "result"):
            load_tensors(path)
        elif path.suffix == ".json":
            json.loads(path.read_bytes())
        elif path.suffix == ".csv":
            assert path.read_bytes() == expected[path.relative_to(folder).as_posix()]


def progress_so_far(folder: Path, expected: Content) -> None:
    """The notes from the first on, none left out."""
    path = folder / "progress.json"
    if path.exists():
        noted = sorted(json.loads(path.read_bytes())["exercises"])
        assert noted == [f"exercise_{number:02}" for number in range(len(noted))]
    assert list(folder.glob("*broken*")) == []


def graded_so_far(folder: Path, expected: Content) -> None:
    """Verdicts are whole, and a page that is said to be there is."""
    for path in (folder / "grades" / "state").rglob("*.json"):
        record = json.loads(path.read_bytes())
        if isinstance(record, dict) and record["published"]:
            page = folder / "grades" / "feedback" / path.parent.name / path.stem / f"{path.stem}.html"
            assert page.read_text("utf-8").rstrip().endswith("</html>")
    table = folder / "grades" / "grades.csv"
    assert not table.exists() or table.read_bytes() == expected["grades/grades.csv"]


def nothing_is_promised_yet(folder: Path, expected: Content) -> None:
    """The pages are right when the build has ended."""


def hand_in(folder: Path) -> None:
    """Two students' notebooks, of which one has a known slip."""
    from small_chapter import NAME, small_notebook
    from submissions import RIGHT, fill, write

    from vae_course.classroom import chapters, release

    notebook = small_notebook()
    blank = release.make_student_notebook(chapters.read_chapter(NAME, notebook), notebook)
    slip = RIGHT | {"count_outputs": "def count_outputs(latent_dim):\n    return latent_dim"}
    for student, answers in (("ada", RIGHT), ("ben", slip)):
        write(folder / "handed-in" / student, fill(blank, answers))


def grades_and_pages(content: Content) -> Content:
    """The table, the pages but for the times in them, and what is kept but for times and the drawn seed."""
    kept = without(content, r"\.db", r"\.log$", "seed.json", "^handed-in", "^grades/(source|release|autograded)")
    for name, value in kept.items():
        if name.endswith(".html"):
            kept[name] = re.sub(rb"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[^<\"]*", b"TIME", value)
        elif name.endswith(".json"):
            record = json.loads(value)
            kept[name] = json.dumps({**record, "marker": None}).encode()
    return kept


def small_book(folder: Path) -> None:
    """Two pages, one of them with a figure in an output."""
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "_config.yml", folder)
    shutil.copytree(ROOT / "book", folder / "book")
    toc = "format: jb-book\nroot: text/start\nchapters:\n  - file: text/page\n"
    (folder / "_toc.yml").write_text(toc, encoding="utf-8")
    pixels = random.Random(0).randbytes(60_000)  # large enough to be half-written
    output = new_output("display_data", {"image/png": base64.b64encode(pixels).decode()})
    output["metadata"] = {"image/png": {"alt": "Points in all colours, at random."}}
    figure = {"mystnb": {"figure": {"name": "fig-points", "caption": "Where to look in this figure."}}}
    cells = [
        new_markdown_cell("# A start\n\nText.", id="text"),
        new_code_cell("1", outputs=[output], metadata=figure, id="code"),
    ]
    notebook = new_notebook(cells=cells, metadata={"language_info": {"name": "python", "pygments_lexer": "ipython3"}})
    (folder / "text").mkdir()
    nbformat.write(notebook, folder / "text" / "start.ipynb")
    page = "# A page\n\nSee {numref}`fig-points` and {cite:t}`kingma2014`.\n\n```{bibliography}\n```\n"
    (folder / "text" / "page.md").write_text(page, encoding="utf-8")


def pages(content: Content) -> Content:
    """What is published, but for the marks that Sphinx adds to a style's address where the style was there before."""
    found = {name: value for name, value in content.items() if name.startswith("_build/html/")}
    return {name: re.sub(rb"\.css\?v=[0-9a-f]+", b".css", value) for name, value in found.items()}


def small_site(folder: Path) -> None:
    """What is packed: the start page and some larger files."""
    (folder / "site" / "_static").mkdir(parents=True)
    (folder / "site" / "index.html").write_text("<html></html>")
    chance = random.Random(0)
    for number in range(10):
        (folder / "site" / "_static" / f"{number}.png").write_bytes(chance.randbytes(200_000))


@pytest.fixture(scope="module")
def mirror() -> Iterator[dict[str, object]]:
    """A server on the loopback that takes its time, and what to ask it for."""
    chance = random.Random(0)
    files = {name: chance.randbytes(150_000 + 10_000 * i) for i, name in enumerate(data.RAW_FILES)}
    archives = {f"/{name}.gz": gzip.compress(content) for name, content in files.items()}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(archives[self.path])))
            self.end_headers()
            for start in range(0, len(archives[self.path]), 20_000):
                time.sleep(0.005)
                try:
                    self.wfile.write(archives[self.path][start : start + 20_000])
                except OSError:  # who asked has been killed
                    return

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {
        "url": f"http://127.0.0.1:{server.server_address[1]}/",
        "files": {name: (len(content), hashlib.sha256(content).hexdigest()) for name, content in files.items()},
        "md5s": {name: hashlib.md5(archives[f"/{name}.gz"]).hexdigest() for name in files},
    }
    server.shutdown()
    server.server_close()


UNMENDED = {"path": "_build/html/text/start.html", "times": 2}
HALF_A_FIGURE = {"path": "_build/jupyter_execute/", "times": 1, "left": b"\x89PNG".hex()}
WORKS = {
    work.name: work
    for work in (
        Work("training", readable),
        Work("downloading", each_as_in_the_end),
        Work("caching", each_as_in_the_end),
        Work("noting progress", progress_so_far),
        Work("stored maps", readable),
        Work("stored runs", readable),
        Work("stored sweeps", readable),
        Work("the zoo", readable),
        Work("releasing", each_as_in_the_end),
        Work("grading", graded_so_far, hand_in, grades_and_pages),
        # A page is written, and written again when it is mended: Sphinx alone takes one that was not for done.
        Work("building the book", nothing_is_promised_yet, small_book, pages, first=(UNMENDED, HALF_A_FIGURE)),
        Work("packing the book", each_as_in_the_end, small_site),
    )
}


@pytest.mark.timeout(3600 if SEED else 300)
@pytest.mark.parametrize("name", [name for name, (_, usual) in KILLS.items() if SEED or usual])
def test_killed_it_leaves_nothing_half_and_goes_on_to_the_same_end(
    name: str, killer: Killer, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    work = WORKS[name]
    if name == "downloading":
        work = work._replace(options=request.getfixturevalue("mirror"))
    nightly, usual = KILLS[name]
    if not SEED:
        work = work._replace(first=work.first[:usual])
    tally = kill_often(killer, work, tmp_path, kills=nightly if SEED else usual, seed=SEED)
    report(
        "faults",
        fault=f"killed: {name}",
        trials=sum(tally.by.values()),
        outcome="nothing half-written left; gone on with, to the end of a run that nobody stopped",
        rows=tally.chains,
        by={KINDS[kind]: count for kind, count in tally.by.items()},
    )


def test_two_hundred_kills_are_drawn_by_night_and_a_dozen_by_day() -> None:
    assert sum(nightly for nightly, _ in KILLS.values()) == 200
    assert sum(usual for _, usual in KILLS.values()) >= 12
    assert set(KILLS) == set(WORKS)
