"""The book: building it, serving it, opening its notebooks."""

from __future__ import annotations

import functools
import http.server
from pathlib import Path

from vae_course.commands.shell import CommandError, clone_root, in_words, module, run, stopwatch

# What a page cannot say for itself; the rest of its policy stands in the page (book/_ext/vae_book_policy.py).
HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def build_book() -> int:
    """Builds _build/html; a warning is an error. Returns the exit code of Jupyter Book."""
    root = clone_root()
    with stopwatch() as seconds:
        code = run(["jupyter-book", "build", ".", "-W", "--keep-going"], cwd=root)
    if code:
        print(f"The book could NOT be built without warnings ({in_words(seconds[0])}); they stand above.")
        return code
    print(f"The book was built in {in_words(seconds[0])}. Open {start_page(root).as_uri()}")
    print("(or run `make serve`). Left out: the notebooks were not run, their stored outputs are shown.")
    return 0


def start_page(root: Path) -> Path:
    """The built book's first page."""
    return root / "_build" / "html" / "index.html"


def serve(*, port: int) -> int:
    """Serves the built book to this machine only, until interrupted."""
    page = start_page(clone_root())
    if not page.is_file():
        raise CommandError(f"{page} is not there; build the book first with `make book`")
    with make_server(page.parent, port=port) as server:
        print(
            f"The book is at http://{server.server_address[0]!s}:{server.server_address[1]}/ (stop with Ctrl-C)",
            flush=True,
        )
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0


def make_server(folder: Path, *, port: int) -> http.server.ThreadingHTTPServer:
    """A server of the folder's files on the loopback address. Raises CommandError if the port is taken."""
    handler = functools.partial(_Handler, directory=str(folder))
    try:
        return http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    except (OSError, OverflowError) as error:
        raise CommandError(f"port {port} can't be used ({error}); choose another with --port, 0 for any") from error


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Gives files, with the headers that any server of the book should send."""

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()


def open_lab() -> int:
    """JupyterLab in the clone."""
    return run(module("jupyterlab"), cwd=clone_root())
