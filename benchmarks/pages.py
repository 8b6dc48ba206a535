"""Opens the book's pages in headless Chromium: what it takes until all is live, what is loaded, how fast they decode.

    python benchmarks/pages.py [--rounds 3] [--chapters notebooks/02-latent-scatter ...]

A page is ready when its pictures and fonts are there, all its equations (set when the book is built; should one not be,
MathJax sets it in the page, and is waited for), and its live figures are drawn. Its peer is the same page with scripts
off, in turns, each in a context of its own with nothing in its cache, from a server on this machine. Times are those of
the processor for the page's process; what the clock said is stored beside them. Decoding is that of the latent map's
JavaScript, against PyTorch on one thread. Needs Chromium and the built book (`vae-course book`). Writes
results/pages.json.
"""

from __future__ import annotations

import argparse
import http.server
import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from _measuring import RESULTS, ROOT, describe, make_work, quartet, ratios, seconds, store
from playwright.sync_api import Browser, Page, sync_playwright

from vae_course import explore, load_digits, zoo
from vae_course.checks import make_generator
from vae_course.commands.browser import find_browser
from vae_course.commands.site import start_page
from vae_course.explore.bundle import STATIC

GOALS = {"ready, s": 1.0, "loaded, MB": 3.0, "decoding, ms": 1.0}
POINTS = 500
PATIENCE = 60  # seconds for a page
# Milliseconds since the page was asked for. A figure that does not come to life is an error, not a long wait.
READY = """async (patience) => {
    const frame = () => new Promise(done => requestAnimationFrame(done));
    if (document.readyState !== "complete") await new Promise(done => addEventListener("load", done));
    await window.MathJax?.startup?.promise;
    await document.fonts.ready;
    while (document.querySelector(".explore:not(.explore-live)")) {
        if (performance.now() > 1000 * patience) throw new Error("a figure of the page does not come to life");
        await frame();
    }
    await frame();
    return performance.now();
}"""
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"
WEIGHT = """() => ["navigation", "resource"].flatMap(kind => performance.getEntriesByType(kind))
    .reduce((sum, entry) => sum + entry.encodedBodySize, 0)"""
PREPARE = """async ({payload, z}) => {
    const {readPayload} = await import("/latent_map.mjs");
    const data = readPayload(payload);
    window.decodeAll = () => z.forEach(point => data.decode(point));
    decodeAll();
}"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Gives files, and says nothing about it."""

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a server of the folder's files, while it lasts."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def make_clock(page: Page) -> Callable[[str], float]:
    """Gives the seconds of processor time so far: ProcessTime of the page's process, ThreadTime of its scripts."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def read(name: str) -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(metric["value"] for metric in metrics if metric["name"] == name)

    return read


def visit(browser: Browser, url: str, *, scripts: bool) -> dict[str, float]:
    """What it took until the page was ready, and the megabytes that it loaded."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=scripts)
    try:
        page = context.new_page()
        clock = make_clock(page)
        page.goto(url, wait_until="commit" if scripts else "load", timeout=1000 * PATIENCE)
        if scripts:
            ready = page.evaluate(READY, PATIENCE)
        else:
            while not (ready := page.evaluate(LOADED)):  # the event has begun, but not ended
                page.wait_for_timeout(10)
        taken = clock("ProcessTime")
        return {"processor, s": taken, "clock, s": ready / 1000, "loaded, MB": page.evaluate(WEIGHT) / 1e6}
    finally:
        context.close()


def time_pages(browser: Browser, site: Path, pages: list[str], *, rounds: int) -> dict[str, Any]:
    log: dict[str, list[tuple[dict[str, float], dict[str, float]]]] = {page: [] for page in pages}
    with serving(site) as address:
        visit(browser, f"{address}/{pages[0]}.html", scripts=True)  # warms up
        for _ in range(rounds):
            for page, seen in log.items():
                plain, live = (visit(browser, f"{address}/{page}.html", scripts=scripts) for scripts in (False, True))
                seen.append((plain, live))
    return {page: summarise(seen) for page, seen in log.items()}


def summarise(seen: list[tuple[dict[str, float], dict[str, float]]]) -> dict[str, Any]:
    """A page's figures without and with scripts, over the rounds."""
    return {
        "without scripts": {name: quartet([plain[name] for plain, _ in seen]) for name in seen[0][0]},
        "with scripts": {name: quartet([live[name] for _, live in seen]) for name in seen[0][1]},
        "ratio": ratios([live["processor, s"] for _, live in seen], [plain["processor, s"] for plain, _ in seen]),
    }


def time_decoding(browser: Browser, *, rounds: int) -> dict[str, Any]:
    """Milliseconds of processor time a point, in the page and by PyTorch."""
    model = zoo.load("vae-bernoulli-2d-s0")
    html = explore.LatentMap(model, load_digits()).to_html()
    found = re.search(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    z = torch.randn(POINTS, 2, generator=make_generator(0))
    in_page, in_torch = [], []
    with serving(STATIC) as address:
        page = browser.new_page()
        clock = make_clock(page)
        page.goto(f"{address}/page.mjs")
        page.evaluate(PREPARE, {"payload": json.loads(found[1])["payload"], "z": z.tolist()})
        for _ in range(rounds):
            before = clock("ThreadTime")
            page.evaluate("decodeAll()")
            in_page.append((clock("ThreadTime") - before) * 1000 / POINTS)
            in_torch.append(seconds(lambda: [model.decode(point) for point in z.split(1)])[1] * 1000 / POINTS)
        page.close()
    return {
        "page, ms a point": quartet(in_page),
        "PyTorch, ms a point": quartet(in_torch),
        "ratio": ratios(in_page, in_torch),
    }


def list_works(result: dict[str, Any]) -> list[dict[str, Any]]:
    """What the book's page shows of it: the slowest and the heaviest page, and decoding."""
    pages, decoding = result["pages"], result["decoding"]

    def worst(name: str) -> str:
        return max(pages, key=lambda page: pages[page]["with scripts"][name]["median"])

    slow, heavy = worst("processor, s"), worst("loaded, MB")
    plain = pages[slow]["without scripts"]["processor, s"]["median"]
    in_torch = decoding["PyTorch, ms a point"]["median"]
    every = quartet([page["ratio"]["median"] for page in pages.values()])
    return [
        make_work(
            "the slowest page, until it is ready",
            pages[slow]["with scripts"]["processor, s"],
            f"s ({Path(slow).name})",
            peer=f"the same page without scripts, {plain:.2g} s",
            goal=GOALS["ready, s"],
            better="less",
        ),
        make_work(
            "a page until it is ready, from the least to the greatest",
            every,
            "times as long",
            peer="the same page without scripts",
        ),
        make_work(
            "the heaviest page",
            pages[heavy]["with scripts"]["loaded, MB"],
            f"MB ({Path(heavy).name})",
            goal=GOALS["loaded, MB"],
            better="less",
        ),
        make_work(
            "decoding a point of the latent map",
            decoding["page, ms a point"],
            "ms",
            peer=f"PyTorch on one thread, {in_torch:.2g} ms",
            goal=GOALS["decoding, ms"],
            better="less",
        ),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--chapters", nargs="+", help="which pages, as the table of contents has them; all chapters")
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    site, program = start_page(ROOT).parent, find_browser()
    pages = args.chapters or [f"notebooks/{path.stem}" for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    if missing := [page for page in pages if not (site / f"{page}.html").is_file()]:
        sys.exit(f"{site} has no page {', '.join(missing)}; build the book with `vae-course book`")
    if program is None:
        sys.exit("no Chromium found; install it, or set VAE_COURSE_BROWSER to its program")
    result: dict[str, Any] = {"machine": describe(None, 1), "rounds": args.rounds}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--no-first-run"])
        result["machine"]["chromium"] = browser.version
        result["pages"] = time_pages(browser, site, pages, rounds=args.rounds)
        result["decoding"] = time_decoding(browser, rounds=7)
        browser.close()
    result["works"] = list_works(result)
    store("pages", result, args.results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
