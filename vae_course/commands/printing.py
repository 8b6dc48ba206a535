"""The pages as a browser prints them, one PDF each."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vae_course.commands.browser import VARIABLE, find_browser
from vae_course.commands.pages import BookPage
from vae_course.commands.shell import CommandError

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

SECONDS = 120  # for one page to load and to be set

# A PDF only keeps the places that a link of the same page leads to: links from other pages need one here. A section may
# begin at the foot of a sheet and its heading on the next one: its places are moved to the heading.
LINK_ALL = """(ids) => {
  for (const section of document.querySelectorAll("article section[id]")) {
    const heading = section.querySelector(":scope > :is(h1, h2, h3, h4, h5, h6)");
    if (!heading || heading.id) continue;
    heading.prepend(...section.querySelectorAll(":scope > span[id]:empty"));
    heading.id = section.id;
    section.removeAttribute("id");
  }
  const links = document.createElement("nav");
  links.hidden = true;
  for (const id of ids) links.append(Object.assign(document.createElement("a"), {href: "#" + encodeURIComponent(id)}));
  document.body.append(links);
}"""
# Resolves to the addresses of the pictures that can't be shown.
ALL_PICTURES = """async () => {
  const pictures = [...document.querySelectorAll("article img")];
  pictures.forEach((picture) => (picture.loading = "eager"));
  await Promise.all(pictures.map((picture) => picture.decode().catch(() => 0)));
  return pictures.filter((picture) => !picture.naturalWidth).map((picture) => picture.src.slice(0, 80));
}"""
FOOTER = '<p style="font: 8pt Helvetica, Arial, sans-serif; color: #555; margin: 0 16mm; width: 100%">{}</p>'

CONTENTS = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
@page {{ margin: 18mm 16mm; }}
body {{ font: 10.5pt/1.45 system-ui, "Segoe UI", "DejaVu Sans", Helvetica, Arial, sans-serif; margin: 0; }}
h1 {{ font-size: 28pt; margin: 30mm 0 2mm; }} h2 {{ font-size: 16pt; margin: 22mm 0 4mm; }}
h3 {{ font-size: 11pt; margin: 6mm 0 1mm; text-transform: uppercase; letter-spacing: 0.06em; break-after: avoid; }}
a {{ display: flex; gap: 3mm; justify-content: space-between; color: inherit; text-decoration: none; }}
a::after {{ content: ""; flex: 1; border-bottom: 1px dotted #999; margin-bottom: 0.4em; }}
a span:last-child {{ order: 1; }}
a.page {{ font-weight: 600; margin-top: 2mm; break-after: avoid; }} a.section {{ padding-left: 6mm; }}
</style></head><body><h1>{title}</h1><p>{author}</p><h2>Contents</h2>
{rows}
</body></html>"""


@contextmanager
def open_browser() -> Iterator[BrowserContext]:
    """A Chromium without a window. Raises CommandError where there is none."""
    program = find_browser()
    if program is None:
        raise CommandError(f"no Chromium found; install Chromium or Chrome, or set {VARIABLE} to its program")
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError as error:
        raise CommandError("playwright is not there; install it with `pip install playwright`") from error
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--no-first-run"])
        context = browser.new_context(color_scheme="light", reduced_motion="reduce")
        context.set_default_timeout(1000 * SECONDS)
        yield context
        browser.close()


def print_page(browser: BrowserContext, page: BookPage) -> bytes:
    """The page as PDF, as its own style and script lay it out for paper, with a named place for each of its anchors.

    Raises CommandError, naming the page, if it or one of its pictures can't be shown.
    """
    from playwright.sync_api import Error

    tab = browser.new_page()
    try:
        tab.goto(page.path.resolve().as_uri())
        tab.evaluate("Promise.all([window.MathJax?.startup?.promise, document.fonts.ready]).then(() => 0)")
        if missing := tab.evaluate(ALL_PICTURES):
            raise CommandError(f"the page {page.name} lacks pictures: {', '.join(missing)}; build the book again")
        tab.evaluate(LINK_ALL, sorted(page.anchors))
        return _pdf(tab, page.title)
    except Error as error:
        raise CommandError(f"the page {page.name} could not be printed: {error.message.splitlines()[0]}") from error
    finally:
        tab.close()


def print_contents(
    browser: BrowserContext, pages: Sequence[BookPage], numbers: Sequence[Sequence[int]], *, title: str, author: str
) -> bytes:
    """The title and the list of contents as PDF. numbers: for each page those of its sections' sheets."""
    rows, part = [], ""
    for page, its_numbers in zip(pages, numbers, strict=True):
        if page.part != part:
            part = page.part
            rows.append(f"<h3>{html.escape(part)}</h3>")
        for section, number in zip(page.sections, its_numbers, strict=True):
            kind = "page" if section.depth == 1 else "section"
            address = html.escape(f"{page.path.resolve().as_uri()}#{section.anchor}")
            words = html.escape(section.title)
            rows.append(f'<a class="{kind}" href="{address}"><span>{words}</span><span>{number}</span></a>')
    tab = browser.new_page()
    try:
        tab.set_content(CONTENTS.format(title=html.escape(title), author=html.escape(author), rows="\n".join(rows)))
        return _pdf(tab, "Contents")
    finally:
        tab.close()


def _pdf(tab: Page, footer: str) -> bytes:
    return tab.pdf(
        format="A4",
        margin={"top": "18mm", "bottom": "18mm", "left": "16mm", "right": "16mm"},  # as in course.css
        print_background=True,
        display_header_footer=True,
        header_template="<span></span>",
        footer_template=FOOTER.format(html.escape(footer)),
        tagged=False,  # tags make the file larger by two thirds, and are lost where the sheets are bound
    )
