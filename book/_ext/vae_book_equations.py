"""Puts the equations into the pages as they are seen, so that no page has to set them (a part of `vae_book`).

MathJax has set each of them once, when `vae-course equations` was last run: book/equations.json holds the HTML of each
under its TeX, and _static/equations.css the styles. They are there before any script runs, and where none does.

An equation that the store does not hold stays TeX. Its page then loads MathJax, which sets it in the reader's browser.
"""

from __future__ import annotations

import html
import json
import re
import zlib
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString, PreformattedString

BOOK = Path(__file__).resolve().parents[1]
STORE = BOOK / "equations.json"
STYLES = BOOK / "_static" / "equations.css"
OURS = "course.css"  # every page links it; the equations' style sheet lies beside it, and is linked after it
TEX = re.compile(r"\\\(|\\\[|\$\$|\\begin\{")  # where MathJax finds an equation
UNREAD = ["script", "style", "pre", "code", "textarea", "template"]  # and where it does not look


class Markup(PreformattedString):
    """HTML that is written as it is."""


def read_store() -> dict[str, str]:
    """The HTML of each equation under its TeX, with the marks around it; empty if there is no store."""
    if not STORE.is_file():
        return {}
    equations: dict[str, str] = json.loads(STORE.read_text(encoding="utf-8"))
    return equations


def version() -> int:
    """A number that changes with the store: all pages are written anew when it does."""
    return zlib.crc32(b"".join(path.read_bytes() for path in (STORE, STYLES) if path.is_file()))


def set_equations(page: BeautifulSoup, store: dict[str, str]) -> None:
    """Replaces the TeX of each equation by its HTML; what the store does not hold is left."""
    equations = 0
    for box in page.select(".math"):
        for words in box.find_all(string=True, recursive=False):
            tex = words.strip()
            if tex in store:
                words.replace_with(Markup(container(tex, store[tex])))
                equations += 1
    if equations:
        link_styles(page)


def container(tex: str, equation: str) -> str:
    """An equation as MathJax leaves it in a page, but for its size, which the style sheet gives."""
    display = "" if tex.startswith("\\(") else ' display="true"'
    return (
        f'<mjx-container class="MathJax" data-tex="{html.escape(tex)}"{display} jax="CHTML">{equation}</mjx-container>'
    )


def link_styles(page: BeautifulSoup) -> None:
    """Links the equations' style sheet, once, after the book's own."""
    ours = page.select_one(f'link[href*="_static/{OURS}"]')
    if ours is None or page.select(f'link[href*="_static/{STYLES.name}"]'):
        return
    folder = str(ours["href"]).partition(OURS)[0]
    href = f"{folder}{STYLES.name}?v={zlib.crc32(STYLES.read_bytes()):08x}"
    ours.insert_after("\n", page.new_tag("link", attrs={"href": href, "rel": "stylesheet", "type": "text/css"}))


def needs_mathjax(page: BeautifulSoup) -> bool:
    """Whether there is TeX left for MathJax to set."""
    for text in page.find_all(string=TEX):
        if type(text) is NavigableString and not (isinstance(text.parent, Tag) and text.find_parent(UNREAD)):
            return True
    return False
