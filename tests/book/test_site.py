"""The built pages, read as HTML: links, images, alternative texts, numbers, weight; nothing from another host."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote, urlsplit

import pytest
from book_site import ROOT, page_names

from vae_course.claims import CLAIMS, MIME

MAX_PAGE_BYTES = 3_000_000
MIN_ALT = 20

ALL_PAGES = [*page_names(), "search", "index"]


@pytest.fixture(params=ALL_PAGES)
def path(request, site):
    return site / f"{request.param}.html"


@pytest.fixture
def page(path, parse):
    return parse(path)


def is_external(url):
    return bool(urlsplit(url).scheme or urlsplit(url).netloc) and not url.startswith(("data:", "blob:", "mailto:"))


def local(path, url):
    """The file that a link of the page points to, and its anchor."""
    parts = urlsplit(url)
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    return target, unquote(parts.fragment)


def resources(page):
    """All that the browser loads by itself: scripts, styles, images, icons, frames, media."""
    loading = page.select("[src], link[href]:not([rel=next]):not([rel=prev]):not([rel=index]):not([rel=search])")
    urls = [tag.get("src") or tag.get("href") for tag in loading]
    return [url for url in urls if url and not url.startswith("data:")]


def article(page):
    return page.select_one("article") or page


def figures(page):
    return article(page).select("figure")


def test_nothing_is_loaded_from_another_host(page):
    assert [url for url in resources(page) if is_external(url)] == []
    styles = " ".join(style.get_text() for style in page.find_all("style"))
    assert not re.search(r"url\(\s*['\"]?(https?:)?//|@import", styles)


def test_styles_load_nothing_from_another_host(site):
    sheets = [sheet for sheet in (site / "_static").rglob("*.css")]
    assert sheets
    for sheet in sheets:
        assert not re.search(r"(url\(|@import)\s*['\"]?(https?:)?//", sheet.read_text(encoding="utf-8")), sheet.name


def test_resources_and_links_resolve(page, path, site, parse):
    links = [tag["href"] for tag in page.select("a[href]")]
    broken = []
    for url in {*resources(page), *links}:
        if is_external(url) or url.startswith(("data:", "mailto:")):
            continue
        target, anchor = local(path, url)
        found = target.is_file() and target.is_relative_to(site)
        if found and anchor and target.suffix == ".html":
            found = parse(target).find(id=anchor) is not None
        if not found:
            broken.append(url)
    assert broken == []


def test_the_menu_names_every_page_by_its_title(site, parse):
    start = site / f"{page_names()[0]}.html"
    menu = {local(start, link["href"])[0]: link for link in parse(start).select("nav.bd-links a[href]")}
    assert {site / f"{name}.html" for name in page_names()} - {start} <= set(menu)
    for target, link in menu.items():
        if target != start:
            heading = parse(target).select_one("article h1")
            assert plain(link.get_text()) in plain(heading.get_text()), target.name


def test_ids_are_unique(page):
    ids = [tag["id"] for tag in page.select("[id]")]
    assert {name for name in ids if ids.count(name) > 1} == set()


def test_images_have_real_alternative_texts(page):
    texts = []
    for image in page.find_all("img"):
        alt, in_text = image.get("alt"), image.find_parent("article") is not None
        assert alt is not None, image
        if not in_text and alt == "":
            continue  # an ornament outside the text, such as the logo beside the book's name
        assert len(alt.strip()) > MIN_ALT, alt
        assert not re.search(r"\.(png|svg|jpe?g|gif)$", alt.strip(), re.IGNORECASE), alt
        texts.append(alt.strip())
    assert len(texts) == len(set(texts)), "two images of a page have the same alternative text"


def test_output_pictures_are_numbered_figures_with_captions(page):
    for figure in figures(page):
        number = figure.select_one("figcaption .caption-number")
        caption = figure.select_one("figcaption .caption-text")
        assert number is not None, figure.get("id")
        assert re.fullmatch(r"Figure \d+(\.\d+)?", number.get_text(strip=True)), number
        assert len(caption.get_text(strip=True)) > MIN_ALT, figure.get("id")
    loose = article(page).select(".cell_output img, .cell_output canvas, .cell_output svg")
    assert [tag for tag in loose if tag.find_parent("figure") is None] == []


def test_figure_numbers_are_unique(page):
    numbers = [number.get_text(strip=True) for number in page.select("figcaption .caption-number")]
    assert len(numbers) == len(set(numbers))


def test_every_figure_is_used_by_a_sentence(page):
    for figure in figures(page):
        links = article(page).select(f'a[href="#{figure["id"]}"]:not(.headerlink)')
        assert links, f"no sentence refers to {figure['id']}; write {{numref}}`{figure['id']}` where it is discussed"


def test_page_is_light(page, path):
    files = {local(path, url)[0] for url in resources(page)}
    weight = path.stat().st_size + sum(file.stat().st_size for file in files)
    assert weight < MAX_PAGE_BYTES, sorted((file.stat().st_size, file.name) for file in files)[-5:]


def test_no_trouble_is_shown_as_text(page):
    text = article(page).get_text(" ")
    for trouble in (
        "WARNING",
        "Traceback (most recent",
        "Error executing",
        "{numref}",
        "{cite",
        "{glue",
        "undefined label",
    ):
        assert trouble not in text
    assert page.select(".system-message, .problematic, .output.stderr") == []


def test_widgets_that_need_a_kernel_are_absent(page):
    html = str(page)
    assert "application/vnd.jupyter.widget" not in html
    assert "require.min.js" not in html
    assert "embed-amd" not in html


def test_titles_differ(site, parse):
    titles = [parse(site / f"{name}.html").title.get_text(strip=True) for name in page_names()]
    assert len(titles) == len(set(titles))
    assert all(titles)


def test_the_page_of_claims_shows_what_the_chapters_found(site, parse):
    page = article(parse(site / "book" / "claims.html"))
    stored = {}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                if found := output.get("data", {}).get(MIME):
                    stored.setdefault(found["id"], []).append((path.stem, found))
    assert set(stored) == set(CLAIMS)
    for claim_id, verdicts in stored.items():
        block = page.find(id=f"claim-{claim_id.lower()}")
        assert block.select_one(".verdict")["class"][1] == verdicts[0][1]["verdict"].replace(" ", "-")
        links = [link["href"] for link in block.find_all("a")]
        assert links == [f"../notebooks/{chapter}.html#claim-{claim_id.lower()}" for chapter, _ in verdicts]
        words = plain(block.get_text())
        assert all(plain(found["evidence"]) in words for _, found in verdicts)


def plain(text):
    """Words alone: Sphinx prints its own quotes and dashes."""
    return re.sub(r"\W+", " ", text)


def test_only_pages_of_the_contents_are_built(site):
    built = {file.relative_to(site).with_suffix("").as_posix() for file in site.rglob("*.html")}
    built = {name for name in built if not name.startswith("_static/")}
    assert set(ALL_PAGES) <= built
    assert not {name for name in built if name.startswith(("tests", "vae_course", ".venv", "README", "CONTRIBUTING"))}


def test_the_icon_font_has_every_icon_that_the_styles_name(site):
    from fontTools.ttLib import TTFont

    there = set(TTFont(site / "_static" / "vendor" / "icons.woff").getBestCmap())
    sheets = [*(site / "_static").glob("*.css"), *(site / "_static" / "styles").glob("*.css")]
    named = {int(code, 16) for sheet in sheets for code in re.findall(r"\\(f[0-9a-f]{3})\b", sheet.read_text("utf-8"))}
    assert len(named) > 10
    assert named <= there
