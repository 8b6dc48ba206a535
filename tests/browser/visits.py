"""A page of the book in the browser, with a record of all that it asks for and complains about."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page

# What the theme, the search and course.js keep in the browser (book/serving.md says what for).
KEPT = {
    "localStorage": {"mode", "theme", "sphinx_highlight_terms"},
    "sessionStorage": {"sidebar-scroll-top", "projector"},
}


@dataclass
class Visit:
    """A page in the browser with what happened since it was opened."""

    page: Page
    requests: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Notes requests, console messages that are warnings or errors, uncaught errors and failed loads."""
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on(
            "requestfailed",
            lambda request: (
                self.faults.append(f"failed: {request.url} {request.failure}")
                if request.failure != "net::ERR_ABORTED"  # the page led on before it had all
                else None
            ),
        )
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


@contextmanager
def page_opener(browser: Browser):
    """Gives `open_page`, which opens an address in a context of its own, and closes in the end all that it opened.

    Open pages cost memory (a chapter 200 to 600 MB), so they are kept for a test or for the tests of one page.
    """
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

    try:
        yield open_page
    finally:
        for context in contexts:
            context.close()


def wait_until(page, condition):
    """Waits for a condition, in JavaScript; `page.wait_for_function` makes code from text, which the policy forbids."""
    frames = "const look = () => (CONDITION) ? done() : requestAnimationFrame(look); look();"
    page.evaluate(f"() => new Promise((done) => {{ {frames.replace('CONDITION', condition)} }})")
