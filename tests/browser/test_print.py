"""A page as a reader prints it from the browser: light, unfolded, with nothing cut, whatever the screen shows."""

from __future__ import annotations

import io
import re
import unicodedata

import pytest
from bs4 import BeautifulSoup
from nightly import NIGHTLY
from pypdf import PdfReader

pytestmark = pytest.mark.browser

CHAPTER = "notebooks/01-bottleneck"
PAPER = 673  # CSS pixels between the margins of A4
FOLDED = "document.querySelectorAll('article details:not([open])').length"
MOTIONS = ("no-preference", "reduce") if NIGHTLY else ("no-preference",)
THEME = "document.documentElement.dataset.theme"


def letters(text):
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", text)).lower()


def sheets(page):
    """The printed sheets, with backgrounds, so that a dark one would be seen."""
    return PdfReader(io.BytesIO(page.pdf(format="A4", print_background=True))).pages


@pytest.fixture(scope="module")
def code(site):
    """Each line of code and of text output of the chapter, folded or not."""
    page = BeautifulSoup((site / f"{CHAPTER}.html").read_text(encoding="utf-8"), "html.parser")
    boxes = [pre for pre in page.select("article pre") if not pre.find_parent(class_="explore-figure")]
    lines = {letters(line) for pre in boxes for line in pre.get_text().splitlines()}
    folded = [pre for pre in boxes if pre.find_parent("details")]
    assert len(folded) > 5
    return {line for line in lines if len(line) > 8}


def test_the_dark_page_is_printed_as_the_light_one(open_page, site, code):
    address = (site / f"{CHAPTER}.html").as_uri()
    light = [sheet.get_contents().get_data() for sheet in sheets(open_page(address).page)]
    for motion in MOTIONS:  # what fades or turns light slowly would be printed as it was
        page = open_page(address, scheme="dark", reduced_motion=motion).page
        folded = page.evaluate(FOLDED)
        assert folded > 5
        dark = sheets(page)
        assert [sheet.get_contents().get_data() for sheet in dark] == light
        assert page.evaluate(f"[{THEME}, {FOLDED}]") == ["dark", folded]  # the screen is as it was
    text = letters("".join(sheet.extract_text() for sheet in dark))
    assert [line for line in code if line not in text] == []


def test_projector_mode_ends_at_the_paper(open_page, site):
    page = open_page((site / "book" / "notation.html").as_uri() + "?projector").page
    size = "parseFloat(getComputedStyle(document.querySelector('article p')).fontSize)"
    assert page.evaluate(size) > 20
    page.emulate_media(media="print")
    assert page.evaluate(size) == 14  # 10.5 points


def test_without_scripts_nothing_stays_folded(open_page, site, code):
    page = open_page((site / f"{CHAPTER}.html").as_uri(), java_script_enabled=False).page
    text = letters("".join(sheet.extract_text() for sheet in sheets(page)))
    assert [line for line in code if line not in text] == []


@pytest.mark.parametrize("name", ["book/models", "book/notation"])  # the widest tables
def test_nothing_is_wider_than_the_sheet(open_page, site, name):
    page = open_page((site / f"{name}.html").as_uri(), width=PAPER).page
    page.emulate_media(media="print")
    hidden = "mjx-assistive-mml, .visually-hidden, .explore-hidden"
    wide = f"""[...document.querySelectorAll('article *')].filter((tag) =>
      tag.getBoundingClientRect().right > innerWidth + 1 && tag.checkVisibility() && !tag.closest('{hidden}'))"""
    assert page.evaluate(f"{wide}.map((tag) => tag.outerHTML.slice(0, 99))") == []
    cut = "['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(tag).overflowX)"
    boxes = "'article pre, article .pst-scrollable-table-container, article .cell_output, article .output'"
    assert page.evaluate(f"[...document.querySelectorAll({boxes})].filter((tag) => {cut}).length") == 0
