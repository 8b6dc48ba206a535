"""Headless Chromium and the built book for the tests of the pages."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from book_site import make_site
from playwright.sync_api import Browser, sync_playwright
from visits import page_opener

from vae_course.commands.browser import find_browser
from vae_course.commands.site import make_server

pytest.register_assert_rewrite("explorer_pages")  # its failures show the values, as those of a test do

NO_BROWSER = "browser tests left out: no Chromium found (install it, or set VAE_COURSE_BROWSER to its program)"

# Chromium speaks to its maker by itself; no test may depend on that, nor be slowed by it.
QUIET = ("background-networking", "component-update", "sync", "quic", "default-apps", "domain-reliability")


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder with the built book."""
    return make_site()


@pytest.fixture(scope="session")
def server(site):
    """The book as `vae-course serve` gives it, in silence."""
    with make_server(site, port=0) as server:
        server.RequestHandlerClass.func.log_message = lambda *_: None
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


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


@pytest.fixture
def open_page(browser: Browser):
    """Opens an address in a context of its own: `open_page(url, width=390, scheme="dark") -> Visit`."""
    with page_opener(browser) as open_page:
        yield open_page


def pytest_terminal_summary(terminalreporter) -> None:
    """The run says in its last lines that the browser was left out."""
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if NO_BROWSER in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(f"NOTE: {len(skipped)} {NO_BROWSER}", yellow=True, bold=True)
