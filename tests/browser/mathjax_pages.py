"""MathJax in a page of the tests; the book's own pages have their equations set, and don't load it."""

from __future__ import annotations

from playwright.sync_api import Page

CONFIG = '{"loader": {"load": ["input/tex", "output/chtml"]}}'


def load_mathjax(page: Page) -> None:
    """Loads MathJax into an open page of the book, and leaves the page as it is."""
    page.evaluate(f"() => {{ window.MathJax = {{...{CONFIG}, startup: {{typeset: false}}}}; }}")
    page.add_script_tag(url="../_static/vendor/mathjax/startup.js")
    page.evaluate("MathJax.startup.promise.then(() => 0)")


def unset_page(body: str) -> str:
    """A page with TeX in its body, as Sphinx writes it: MathJax sets it there."""
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Equations</title>'
        f'<link rel="stylesheet" href="_static/course.css"><script>window.MathJax = {CONFIG}</script>'
        f'<script defer src="_static/vendor/mathjax/startup.js"></script></head>'
        f'<body><article class="bd-article">{body}</article></body></html>'
    )
