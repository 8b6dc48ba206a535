"""The book as one PDF, read back with pypdf, and as a zip, unpacked and opened with the network off.

By day a small book is printed and bound; the whole one, which takes minutes, by night.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import unicodedata
import zipfile

import pytest
from book_site import ROOT, page_names
from bs4 import BeautifulSoup
from pypdf import PdfReader

from vae_course import cli
from vae_course.commands.pages import read_pages
from vae_course.commands.publishing import NAME

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1500)]  # by night the first test waits until all is printed


def run_pdf(site, path):
    # In a process of its own: playwright runs once in this one already.
    command = [sys.executable, "-m", "vae_course.cli", "pdf", "--site", str(site), "--to", str(path)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1200, check=False)


@pytest.fixture(scope="module")
def printed(browser, site, tmp_path_factory):
    path = tmp_path_factory.mktemp("pdf") / "book.pdf"
    result = run_pdf(site, path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert [name for name in page_names() if f"] {name}: " not in result.stdout] == []
    return path


@pytest.fixture(scope="module")
def book(printed):
    return PdfReader(printed)


@pytest.fixture(scope="module")
def texts(book):
    return [sheet.extract_text() for sheet in book.pages]


@pytest.fixture(scope="module")
def pages(site):
    return read_pages(ROOT, site)


def squeezed(text):
    """Letters and digits alone: spaces and ligatures are the PDF's own affair."""
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", text)).lower()


def is_in(text, found):
    """Whether the text is there, whole or in two parts: it may end on the next sheet, after code that is read first."""
    return text in found or any(text[:k] in found and text[k:] in found for k in range(20, len(text) - 20))


def starts(book):
    """The sheet, from 0, on which each page of the book begins."""
    return {name: book.get_destination_page_number(place) for name, place in book.named_destinations.items()}


def links(book):
    for number, sheet in enumerate(book.pages):
        for annotation in sheet.get("/Annots", ()):
            yield number, annotation.get_object()


def sheet_of(book, destination):
    return book.get_page_number(destination[0].get_object())


@pytest.mark.nightly
def test_all_pages_are_in_it_in_order(book, pages, texts):
    begin = starts(book)
    assert sorted(begin, key=begin.get) == [page.name for page in pages]
    assert begin["book/index"] > 0  # after the list of contents
    assert "Contents" in texts[0]


@pytest.mark.nightly
def test_the_text_of_every_page_is_in_it(book, pages, texts):
    begin = starts(book)
    order = sorted(begin.values())
    for page in pages:
        first = begin[page.name]
        last = next((start for start in order if start > first), len(texts))
        found = squeezed("".join(text.rsplit("\n", 1)[0] for text in texts[first:last]))  # without the footers
        article = BeautifulSoup(page.path.read_text(encoding="utf-8"), "html.parser").select_one("article")
        # Paragraphs without formulas, whose letters a PDF orders as it likes; also those in folded blocks.
        paragraphs = [p for p in article.select("p") if not p.select(".math, script, sup") and "$" not in p.text]
        words = [squeezed(p.get_text()) for p in paragraphs if not p.find_parent(class_="explore-figure")]
        lost = [word for word in words if len(word) > 40 and not is_in(word, found)]
        assert len(lost) <= 0.02 * len(words), (page.name, lost[:3])


@pytest.mark.nightly
def test_the_outline_has_every_page_and_section(book, pages):
    outline = book.outline
    assert outline[0].title == "Contents"
    items = iter(outline[1:])
    flat = []
    for item in items:
        flat.extend(item if isinstance(item, list) else [item])
    assert [item.title for item in flat] == [section.title for page in pages for section in page.sections]


@pytest.mark.nightly
def test_each_heading_is_on_the_sheet_that_the_outline_and_the_contents_name(book, pages, texts):
    flat = [item for entry in book.outline[1:] for item in (entry if isinstance(entry, list) else [entry])]
    contents = squeezed("".join(texts[: starts(book)["book/index"]]))
    for item in flat:
        number = book.get_destination_page_number(item)
        heading = squeezed(re.sub(r"\b[a-z]\b", "", item.title))
        plain = squeezed(re.sub(r"\b[a-z]\b", "", texts[number]))
        assert heading in plain, (item.title, number)
        assert squeezed(f"{item.title}{number + 1}") in contents, item.title


@pytest.mark.nightly
def test_every_sheet_carries_its_number(texts):
    assert [number for number, text in enumerate(texts, start=1) if str(number) not in text.split()] == []


@pytest.mark.nightly
def test_no_link_is_dead(book):
    outside, inside = [], 0
    for number, link in links(book):
        if "/Dest" in link:
            left, top = link["/Dest"][2:4]
            assert 0 <= sheet_of(book, link["/Dest"]) < len(book.pages)
            assert 0 <= left <= 596 and 0 <= top <= 843
            inside += 1
        else:
            outside.append((number, link["/A"]["/URI"]))
    assert inside > 500
    assert [link for link in outside if not link[1].startswith(("http://", "https://", "mailto:"))] == []
    assert outside  # of the bibliography


@pytest.mark.nightly
def test_links_to_the_glossary_lead_to_the_word(book, site, pages, texts):
    glossary = starts(book)["book/glossary"]
    end = starts(book)["book/notation"]
    terms = {}
    for number, link in links(book):
        if "/Dest" in link and glossary <= (sheet := sheet_of(book, link["/Dest"])) < end:
            terms[(sheet, round(float(link["/Dest"][3])))] = number
    assert len(terms) > 20
    # The words that the pages link: each is on one of the sheets that links lead to, and all sheets hold some.
    html = BeautifulSoup((site / "book" / "glossary.html").read_text(encoding="utf-8"), "html.parser")
    wanted = {page.name: page.anchors for page in pages}["book/glossary"]
    words = [tag.get_text("", strip=True).rstrip("#") for tag in html.select("article dt") if tag.get("id") in wanted]
    assert [word for word in words if squeezed(word) not in squeezed("".join(texts[glossary:end]))] == []
    assert {sheet for sheet, _ in terms} <= set(range(glossary, end))


@pytest.mark.nightly
def test_chapters_named_by_number_are_reached(book, site, texts):
    """In chapter 6, "chapters 1 to 5": the two links lead to the first sheets of chapters 1 and 5."""
    begin = starts(book)
    first = begin["notebooks/06-pcn"]
    reached = {sheet_of(book, link["/Dest"]) for number, link in links(book) if number == first and "/Dest" in link}
    assert {begin["notebooks/01-bottleneck"], begin["notebooks/05-sampling"]} <= reached


@pytest.mark.nightly
def test_nothing_of_this_machine_is_in_it(printed, book):
    assert str(ROOT).encode() not in printed.read_bytes()
    assert b"file://" not in printed.read_bytes()
    assert book.metadata.title == "Inside the latent space"
    assert "/CreationDate" not in book.metadata


SMALL = """import sys; from pathlib import Path; from vae_course.commands import publishing
publishing.clone_root = lambda: Path(sys.argv[1])
sys.exit(publishing.make_pdf(site=Path(sys.argv[1]), to=Path(sys.argv[2])))"""


def print_small_book(root, path, *, picture=""):
    shutil.copytree(ROOT / "book" / "_static", root / "_static", ignore=shutil.ignore_patterns("vendor"))
    (root / "_config.yml").write_text("title: Small\nauthor: Nobody\n", encoding="utf-8")
    (root / "_toc.yml").write_text("root: index\nparts:\n  - chapters:\n      - file: b\n", encoding="utf-8")
    section = '<section id="x"><h1>{}</h1>{}</section>'
    lines = "\n".join(f"line{number}" for number in range(150))
    code = (
        f'<div class="cell_input"><div class="highlight" style="display: flex; break-inside: avoid">{lines}</div></div>'
    )
    folded = f'<details style="white-space: pre; break-inside: avoid"><summary>More</summary>{code}</details>'
    links = '<a href="b.html#x">there</a> <a href="#x">here</a> <a href="_toc.yml">file</a>'
    style = '<head><link rel="stylesheet" href="_static/course.css"></head>'
    for name, body in (("index", picture + links), ("b", folded)):
        article = f'<article class="bd-article">{section.format(name.title(), body)}</article>'
        html = f"<!DOCTYPE html><html>{style}<body>{article}</body></html>"
        (root / f"{name}.html").write_text(html, encoding="utf-8")
    command = [sys.executable, "-c", SMALL, str(root), str(path)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)


def test_a_small_book_is_bound(browser, tmp_path):
    result = print_small_book(tmp_path / "site", tmp_path / "book.pdf")
    assert result.returncode == 0, result.stdout + result.stderr
    book = PdfReader(tmp_path / "book.pdf")
    assert starts(book) == {"index": 1, "b": 2}
    # Both pages have an anchor "x"; the contents and the page lead to the right ones; a file is no link.
    assert [(number, sheet_of(book, link["/Dest"])) for number, link in links(book)] == [(0, 1), (0, 2), (1, 2), (1, 1)]
    text = " ".join(sheet.extract_text() for sheet in book.pages)
    assert [number for number in range(150) if f"line{number}" not in text.split()] == []  # folded, over many sheets


def test_a_page_that_cannot_be_printed_is_named_and_nothing_written(browser, tmp_path):
    result = print_small_book(tmp_path / "site", tmp_path / "book.pdf", picture='<img src="gone.png" alt="">')
    assert result.returncode == 1, result.stdout + result.stderr
    assert "index: NOT printed: the page index lacks pictures" in result.stdout
    assert "] b: " in result.stdout
    assert "was NOT written: 1 of 2" in result.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_the_zip_opens_without_network_with_a_live_figure(open_page, site, tmp_path):
    assert cli.main(["zip", "--site", str(site), "--to", str(tmp_path / "book.zip")]) == 0
    with zipfile.ZipFile(tmp_path / "book.zip") as archive:
        archive.extractall(tmp_path)
    visit = open_page("about:blank", offline=True)
    visit.page.goto((tmp_path / NAME / "index.html").as_uri(), wait_until="commit")  # it leads to the start page
    visit.page.wait_for_url("**/book/index.html")
    visit.settle()
    visit.page.locator(".explore-live").first.wait_for()
    chapter = open_page((tmp_path / NAME / "notebooks" / "02-latent-scatter.html").as_uri(), offline=True)
    chapter.page.locator(".explore-live").first.wait_for()
    slider = chapter.page.locator(".explore-live [role=slider], .explore-live input[type=range]")
    assert chapter.page.locator(".explore-live canvas, .explore-live svg").count() > 0 or slider.count() > 0
    assert visit.faults + chapter.faults == []
    assert visit.foreign + chapter.foreign == []
