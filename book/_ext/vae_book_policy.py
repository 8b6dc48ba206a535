"""The content security policy that every page carries (a part of the extension `vae_book`).

It names all that the page may run, load and send. A script runs if it lies beside the book or stands in the page as it
did when the book was built (its SHA-256 is in the policy); handlers in attributes and code made from text never run.
Nothing may be sent anywhere: only the search page may read other pages, from where it came itself.

The policy stands in the page, so that it holds wherever the page is opened: from any server, from a file, from the zip.
What a page cannot say for itself, a server adds: see `HEADERS` in vae_course/commands/site.py.
"""

from __future__ import annotations

import base64
import hashlib

from bs4 import BeautifulSoup, Tag

NAME = "Content-Security-Policy"
RUNS = {"", "module", "text/javascript", "application/javascript"}  # the types of scripts that a browser runs
LOOKS = "'self' 'unsafe-inline'"  # equations, plotly, tables and explorers have styles in the page; no style runs code


def script_hash(source: str) -> str:
    """The name by which a policy allows the script with this text."""
    normal = source.replace("\r\n", "\n").replace("\r", "\n")  # as a browser reads the page
    return f"'sha256-{base64.b64encode(hashlib.sha256(normal.encode()).digest()).decode('ascii')}'"


def policy(page: BeautifulSoup) -> str:
    """The strictest policy with which the page works."""
    inline = [
        script_hash(script.get_text())
        for script in page.find_all("script", src=False)
        if str(script.get("type", "")).lower() in RUNS
    ]
    rules = {
        "default-src": "'none'",
        "script-src": " ".join(["'self'", *dict.fromkeys(inline)]),
        "style-src": LOOKS,
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self'" if page.select("#search-results") else "'none'",  # the search shows where words stand
        "form-action": "'self'",  # the field that leads to the search page
        "base-uri": "'none'",
    }
    return "; ".join(f"{name} {sources}" for name, sources in rules.items())


def print_without_handler(page: BeautifulSoup) -> None:
    """The button that prints is marked for course.js, which listens to it."""
    for button in page.select('button[onclick="window.print()"]'):
        del button["onclick"]
        button["data-print"] = ""


def add_policy(page: BeautifulSoup) -> None:
    """Puts the policy before all that it is about; a page without a head is a fragment and gets none."""
    for earlier in page.select(f'meta[http-equiv="{NAME}"]'):
        earlier.decompose()
    head = page.head
    if not isinstance(head, Tag):
        return
    meta = page.new_tag("meta", attrs={"http-equiv": NAME, "content": policy(page)})
    charset = head.find("meta", charset=True)
    if isinstance(charset, Tag):
        charset.insert_after(meta)
    else:
        head.insert(0, meta)
