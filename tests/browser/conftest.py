"""Headless Chromium for the tests of the pages, and a record of all that a page asks for and complains about."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from book_site import make_site
from playwright.sync_api import Browser, Page, sync_playwright

from vae_course.commands.browser import find_browser

pytest.register_assert_rewrite("explorer_pages")  # its failures show the values, as those of a test do

NO_BROWSER = "browser tests left out: no Chromium found (install it, or set VAE_COURSE_BROWSER to its program)"

# Chromium speaks to its maker by itself; no test may depend on that, nor be slowed by it.
QUIET = ("background-networking", "component-update", "sync", "quic", "default-apps", "domain-reliability")


@dataclass
class Visit:
    """A page in the browser with what happened since it was opened."""

    page: Page
    requests: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Notes requests, console messages that are warnings or errors, uncaught errors and failed loads."""
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("requestfailed", lambda request: self.faults.append(f"failed: {request.url} {request.failure}"))
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on(
            "console",
            lambda message: (
                self.faults.append(f"console {message.type}: {message.text}")
                if message.type in ("error", "warning")
                else None
            ),
        )

    @property
    def foreign(self) -> list[str]:
        """The requests that left the book."""
        own = ("file", "data", "blob")
        parts = [(url, urlsplit(url)) for url in self.requests]
        return [url for url, part in parts if part.scheme not in own and part.hostname != "127.0.0.1"]

    def settle(self) -> Visit:
        """Waits until scripts have run and the equations are set."""
        self.page.wait_for_load_state("load")
        self.page.evaluate("window.MathJax?.startup?.promise")
        self.page.evaluate("document.fonts.ready.then(() => 0)")
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return self


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder with the built book."""
    return make_site()


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium; skips where there is none, fails if VAE_COURSE_REQUIRE_BROWSER is set."""
    program = find_browser()
    if program is None:
        if os.environ.get("VAE_COURSE_REQUIRE_BROWSER"):
            pytest.fail(NO_BROWSER)
        pytest.skip(NO_BROWSER)
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--no-first-run", *(f"--disable-{name}" for name in QUIET)]
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def open_page(browser: Browser):
    """Opens an address in a context of its own: `open_page(url, width=390, scheme="dark") -> Visit`."""
    contexts = []

    def open_page(url: str, *, width: int = 1280, scheme: str = "light", **options) -> Visit:
        options.setdefault("reduced_motion", "reduce")  # what fades in has no contrast yet
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        visit = Visit(context.new_page())
        visit.watch()
        visit.page.goto(url)
        return visit.settle() if options.get("java_script_enabled", True) else visit

    yield open_page
    for context in contexts:
        context.close()


def pytest_terminal_summary(terminalreporter) -> None:
    """The run says in its last lines that the browser was left out."""
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if NO_BROWSER in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(f"NOTE: {len(skipped)} {NO_BROWSER}", yellow=True, bold=True)
