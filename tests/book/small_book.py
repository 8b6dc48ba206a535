"""A book of one page with the parts of the extension that show stored results."""

from __future__ import annotations

import io
import sys

from book_site import ROOT
from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

sys.path.insert(0, str(ROOT / "book" / "_ext"))


def build_page(folder, page):
    """The page of a book of one page, parsed, and the warnings of the build."""
    settings = {
        "extensions": ["myst_parser", "vae_book_benchmarks", "vae_book_growth", "vae_book_tests"],
        "myst_enable_extensions": ["dollarmath"],
        "master_doc": page,
        "include_patterns": [f"{page}.md"],
        "html_theme": "basic",
        "numfig": True,
        "smartquotes": False,  # words as they are stored
    }
    said = io.StringIO()
    with patch_docutils(), docutils_namespace():  # so that a second build finds nothing of the first
        app = Sphinx(folder, None, folder / "out", folder / "trees", "html", settings, status=None, warning=said)
        app.build()
    text = (folder / "out" / f"{page}.html").read_text(encoding="utf-8")
    return BeautifulSoup(text, "html.parser"), said.getvalue()


def words(tag):
    """The text of a tag with single spaces."""
    return " ".join(tag.get_text(" ").split())
