"""Mends the pages that the theme wrote (second half of the extension `vae_book`).

The theme and docutils leave a handful of accessibility faults in the HTML: names of buttons that differ from the
words on them, roles that are not allowed, parts outside any landmark. Each function below mends one of
them. Folded blocks become `<details>`, which work without scripts and from the keyboard.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import tinycss2
from bs4 import BeautifulSoup, Tag
from sphinx.application import Sphinx
from sphinx.util import logging
from vae_book_equations import needs_mathjax, read_store, set_equations, version
from vae_book_policy import add_policy, print_without_handler

LOGGER = logging.getLogger(__name__)

MATHJAX = "vendor/mathjax/startup.js"
ROOT_REDIRECT = """<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>{title}</title>
    <link rel="icon" href="_static/favicon.svg">
    <meta http-equiv="refresh" content="0; url={root}.html">
  </head>
  <body><main><h1>{title}</h1><p><a href="{root}.html">Open the book</a></p></main></body>
</html>
"""


def name_buttons(page: BeautifulSoup) -> None:
    """The words on a button are its name; icons are no words."""
    for icon in page.select("i[class*=fa-], span[class*=fa-]"):
        icon["aria-hidden"] = "true"
        del icon["title"]
    for button in page.select("button.search-button-field"):
        del button["aria-label"]
        del button["title"]
    for selector, name in (("primary", "Chapters"), ("secondary", "On this page")):
        for button in page.select(f"button.{selector}-toggle"):
            button["title"] = button["aria-label"] = name
    for button in page.select(".theme-switch-button"):
        button["aria-label"] = button["data-bs-title"] = "Colour mode"
    for summary in page.select("summary[aria-label]"):
        del summary["aria-label"]


def name_landmarks(page: BeautifulSoup) -> None:
    """The sidebar, with the title of the book, becomes a landmark too."""
    for sidebar in page.select("#pst-primary-sidebar"):
        sidebar["role"], sidebar["aria-label"] = "region", "The book"


def mend_citations(page: BeautifulSoup) -> None:
    """A list of citations is a list; the roles that docutils gives its entries are deprecated."""
    for entry in page.select(".citation[role=doc-biblioentry]"):
        entry["role"] = "listitem"
    for citations in page.select(".citation-list"):
        for stray in citations.find_all("a", recursive=False):
            stray.decompose()


def mend_tables(page: BeautifulSoup) -> None:
    """A table scrolls in a box of its own on a narrow screen; an empty corner of it is no header."""
    for table in page.select("article table"):
        parent = table.parent
        if parent is not None and "pst-scrollable-table-container" not in (parent.get("class") or []):
            table.wrap(page.new_tag("div", attrs={"class": "pst-scrollable-table-container"}))
        for header in table.find_all("th"):
            if not header.get_text(strip=True) and not header.select("img, mjx-container"):
                header.name = "td"


def make_ids_unique(page: BeautifulSoup) -> None:
    """sphinx-exercise gives all exercises' bodies one id, and all solutions' another; nothing refers to them."""
    for body in page.select("#exercise-content, #solution-content"):
        del body["id"]


def fold_with_details(page: BeautifulSoup) -> None:
    """`<div class="admonition dropdown">` becomes `<details>`, its title `<summary>`."""
    for block in page.select("div.admonition.dropdown"):
        title = block.find(class_="admonition-title", recursive=False)
        if not isinstance(title, Tag):
            continue
        block.name, title.name = "details", "summary"


def drop_icon_script(page: BeautifulSoup) -> None:
    """1.5 MB of icons as JavaScript; `course.css` shows the dozen that are used from a small font."""
    for script in page.select('script[src*="fontawesome.js"]'):
        script.decompose()


def drop_unused_mathjax(page: BeautifulSoup) -> None:
    """Sphinx loads MathJax also where the equations are set already, and where there are none."""
    if not needs_mathjax(page):
        for script in page.select("script"):
            if MATHJAX in script.get("src", "") or script.get_text().startswith("window.MathJax"):
                script.decompose()


def drop_search_index(page: BeautifulSoup) -> None:
    """The field leads to the search page; only there are the index and its tools of use."""
    if not page.select("#search-results"):
        for script in page.select("script[src]"):
            if re.search(r"(searchtools|language_data|searchindex)\.js", script["src"]):
                script.decompose()


def drop_repeated_viewport(page: BeautifulSoup) -> None:
    """Sphinx and the theme both set it."""
    for repeated in page.select("meta[name=viewport]")[1:]:
        repeated.decompose()


MENDS = (
    name_buttons,
    name_landmarks,
    mend_citations,
    mend_tables,
    make_ids_unique,
    fold_with_details,
    drop_icon_script,
    drop_search_index,
    drop_repeated_viewport,
    print_without_handler,
)


CLASS = re.compile(r"\.(-?[A-Za-z_](?:[\w-]|\\.)*)")
NEXT_SELECTOR = re.compile(r",(?![^(]*\))")
WORD = re.compile(r"[A-Za-z_][\w-]*")
ICON_FONT = "Font Awesome"  # course.css has the few icons that are used, in a font of their own


def slim_styles(css: str, names: set[str]) -> str:
    """A style sheet without the rules that need a class not among `names`, and without the theme's icon fonts."""
    return _slim(tinycss2.parse_stylesheet(css, skip_whitespace=True, skip_comments=True), names)


def _slim(rules: list[Any], names: set[str]) -> str:
    kept = []
    for rule in rules:
        if rule.type == "qualified-rule":
            selectors = NEXT_SELECTOR.split(tinycss2.serialize(rule.prelude))
            if any(_can_match(selector, names) for selector in selectors):
                kept.append(rule.serialize())
        elif rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports"):
            inner = _slim(tinycss2.parse_rule_list(rule.content, skip_whitespace=True, skip_comments=True), names)
            if inner:
                kept.append(f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inner}}}")
        elif not (rule.type == "at-rule" and rule.lower_at_keyword == "font-face" and ICON_FONT in rule.serialize()):
            kept.append(rule.serialize())
    return "".join(kept)


def _can_match(selector: str, names: set[str]) -> bool:
    needed = CLASS.findall(re.sub(r":[\w-]+\([^)]*\)", "", selector))  # :is(.a, .b) and :not(.a) need no class for sure
    return all(name in names or "\\" in name for name in needed)


def names_in_use(site: Path) -> set[str]:
    """Every class of the built pages, and every word of the scripts, which may set more."""
    names: set[str] = set()
    for page in site.rglob("*.html"):
        for classes in re.findall(r'class="([^"]*)"', page.read_text(encoding="utf-8")):
            names.update(classes.split())
    for script in (site / "_static").rglob("*.js"):
        if "mathjax" not in script.parts:
            names.update(WORD.findall(script.read_text(encoding="utf-8")))
    return names


def mend(html: str, equations: dict[str, str] | None = None) -> str:
    """The page with all faults mended, and set the equations that are given; mending it again changes nothing."""
    page = BeautifulSoup(html, "html.parser")
    for fault in MENDS:
        fault(page)
    set_equations(page, equations or {})
    drop_unused_mathjax(page)
    add_policy(page)  # the last: it is about what the others leave
    return str(page)


def note_page(app: Sphinx, pagename: str, templatename: str, context: dict[str, object], doctree: object) -> None:
    """Remembers which pages this build writes."""
    app._vae_book_pages.append(pagename)  # type: ignore[attr-defined]


def mend_pages(app: Sphinx, exception: Exception | None) -> None:
    """Mends each page written in this build, and gives the book's entry page a title and a link."""
    if exception or app.builder.format != "html":
        return
    equations, unset = read_store(), []
    for pagename in app._vae_book_pages:  # type: ignore[attr-defined]
        path = Path(app.builder.get_outfilename(pagename))  # type: ignore[attr-defined]
        if path.suffix == ".html" and path.exists():
            html = mend(path.read_text(encoding="utf-8"), equations)
            path.write_text(html, encoding="utf-8")
            unset += [pagename] if MATHJAX in html else []
    if unset:
        LOGGER.info(
            f"equations left to the reader's browser, which takes longer, on {', '.join(unset)}; "
            "run `vae-course equations`, then build again"
        )
    names = names_in_use(Path(app.outdir))
    static = Path(app.outdir, "_static")
    for styles in (*static.glob("styles/*.css"), *static.glob("mystnb.*.css")):
        styles.write_text(slim_styles(styles.read_text(encoding="utf-8"), names), encoding="utf-8")
    root = app.config.master_doc
    if "/" in root:
        redirect = ROOT_REDIRECT.format(title=app.config.html_title, root=root)
        Path(app.outdir, "index.html").write_text(mend(redirect), encoding="utf-8")
    for template in static.glob("*webpack-macros.html"):
        template.unlink()  # of the theme; no page, and without a policy


def setup(app: Sphinx) -> None:
    """Called by `vae_book`."""
    app._vae_book_pages = []  # type: ignore[attr-defined]
    app.add_config_value("vae_book_equations", version(), "html")  # other equations: all pages are written again
    app.connect("html-page-context", note_page)
    app.connect("build-finished", mend_pages, priority=900)
