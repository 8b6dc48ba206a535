"""Every page of the built book in Chromium: from a file and served, on a phone and a laptop, in light and dark."""

from __future__ import annotations

import itertools
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from book_site import ROOT, SCHEMES, SIZES, page_names
from nightly import NIGHTLY
from playwright.sync_api import expect
from visits import KEPT, page_opener, wait_until

pytestmark = pytest.mark.browser

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
PAGES = [*page_names(), "search"]
CHAPTERS = [name for name in PAGES if name.startswith("notebooks/")]
SOLVED = [name for name in CHAPTERS if "{solution}" in (ROOT / f"{name}.ipynb").read_text(encoding="utf-8")]
MAX_PAGE_BYTES = 3_000_000

# Both sizes, both schemes, both ways to open a page; the nightly run takes every combination.
SCREENS = [("phone", "light", "file"), ("laptop", "dark", "served")]
if NIGHTLY:
    SCREENS = list(itertools.product(SIZES, SCHEMES, ("file", "served")))

# `preload` would fetch the style sheets anew, which a page opened as a file may not.
RUN_AXE = "axe.run(document, {preload: false, resultTypes: ['violations']})"
VIOLATION = "({id, nodes}) => id + ': ' + nodes.slice(0, 3).map(node => node.target + ' ' + node.html).join(' | ')"


def address(site, name):
    return (site / f"{name}.html").as_uri()


@pytest.fixture(scope="module", params=PAGES)  # pytest runs all tests of one page before those of the next
def name(request):
    return request.param


@pytest.fixture(scope="module")
def visit(browser, site, server, name):
    """The open page, one for each screen, closed before the next page's turn."""
    seen = {}
    with page_opener(browser) as open_page:

        def visit(screen=SCREENS[0]):
            if screen not in seen:
                size, scheme, way = screen
                url = address(site, name) if way == "file" else f"{server}/{name}.html"
                seen[screen] = open_page(url, width=SIZES[size], scheme=scheme)
            return seen[screen]

        yield visit


@pytest.fixture(params=SCREENS, ids="-".join)
def screen(request):
    return request.param


def test_asks_for_nothing_else_and_has_no_fault(visit, screen):
    seen = visit(screen)
    assert seen.foreign == []
    assert seen.faults == []


def poke(figure):
    """Does what changes any figure: moves its first slider, or clicks on its map."""
    sliders = figure.locator("input[type=range]")
    if sliders.count():
        sliders.first.press("ArrowLeft")
    else:
        figure.locator("canvas").first.click(position={"x": 90, "y": 70})


def test_figures_answer_and_nothing_is_kept_that_is_not_told(visit):
    seen = visit(SCREENS[-1])
    page = seen.page
    for number, figure in enumerate(page.locator("[data-explore]").all()):
        expect(figure).to_have_class("explore explore-live")
        drawn = f"""[...document.querySelectorAll("[data-explore]")[{number}].querySelectorAll("canvas")]
            .map((canvas) => canvas.toDataURL()).join()"""
        page.evaluate(f"() => {{ window.drawn = {drawn} }}")
        poke(figure)
        wait_until(page, f"{drawn} !== window.drawn")
    for figure in page.locator("[data-plotly]").all():
        figure.get_by_role("button").click()
        expect(figure.locator(".plotly-figure .points path").first).to_be_attached(timeout=60_000)
    assert seen.faults == []  # nor a breach of the page's policy
    assert seen.foreign == []
    assert page.context.cookies() == []
    for store, known in KEPT.items():
        assert set(page.evaluate(f"Object.keys({store})")) <= known


def test_folded_blocks_open_from_the_keyboard(visit, name):
    page = visit().page
    folded = page.locator("details.admonition.dropdown")
    assert folded.count() or name not in SOLVED
    if folded.count():
        folded.first.locator("> summary").focus()
        page.keyboard.press("Enter")
        assert page.locator("details.admonition.dropdown[open]").count() == 1


def test_axe_finds_no_violation(visit, screen):
    page = visit(screen).page
    page.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))")
    page.evaluate(AXE)
    assert page.evaluate(f"{RUN_AXE}.then(({{violations}}) => violations.map({VIOLATION}))") == []


def test_scheme_is_followed(visit, screen):
    page, (_, scheme, _) = visit(screen).page, screen
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    red, green, blue = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")[:3]
    assert (red + green + blue > 600) == (scheme == "light")


def test_fits_the_screen(visit, screen):
    page = visit(screen).page
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    # Nothing sticks out either that the page merely hides; what scrolls in a box of its own may.
    too_wide = """[...document.querySelectorAll('article *')].filter((tag) => {
      const box = tag.getBoundingClientRect();
      if (!box.width || box.right <= innerWidth + 1) return false;
      for (let up = tag.parentElement; up; up = up.parentElement) {
        if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(up).overflowX)) {
          if (up.matches('article *') && up.getBoundingClientRect().right <= innerWidth + 1) return false;
        }
      }
      return !tag.closest('mjx-assistive-mml, .visually-hidden');
    }).map((tag) => tag.outerHTML.slice(0, 120))"""
    assert page.evaluate(too_wide) == []


def test_images_are_loaded(visit, name):
    page = visit().page
    page.evaluate("document.querySelectorAll('img').forEach((image) => (image.loading = 'eager'))")
    shown = "[...document.images].filter((image) => image.checkVisibility())"
    # In the page itself: its policy forbids wait_for_function, which makes code from text.
    page.evaluate(f"""() => new Promise((done) => {{
        const look = () => ({shown}.every((image) => image.complete) ? done() : requestAnimationFrame(look));
        look();
    }})""")
    assert page.evaluate(f"{shown}.filter((image) => !image.naturalWidth).map((image) => image.src)") == []


def test_equations_are_set(visit, name):
    page = visit().page
    sources, set_ = page.locator("article .math.notranslate").count(), page.locator("article mjx-container").count()
    assert set_ >= sources
    assert page.locator("mjx-merror, [data-mjx-error], mjx-container [style*='color: red']").count() == 0
    assert "\\(" not in page.locator("main").inner_text()
    if name in CHAPTERS:
        assert sources > 0


def test_page_weighs_little(visit, name, site):
    paths = {unquote(urlsplit(url).path) for url in visit().requests if url.startswith("file:")}
    sizes = {path: Path(path).stat().st_size for path in paths}
    assert sum(sizes.values()) < MAX_PAGE_BYTES, sorted(sizes.items(), key=lambda item: -item[1])[:5]


def test_wide_blocks_scroll_from_the_keyboard(visit, name):
    page = visit().page
    boxes = "[...document.querySelectorAll('article pre, .pst-scrollable-table-container')]"
    wide = f"{boxes}.filter((box) => box.clientWidth && box.scrollWidth > box.clientWidth + 1)"
    assert page.evaluate(f"{wide}.filter((box) => box.tabIndex !== 0).map((box) => box.outerHTML.slice(0, 99))") == []


def test_printed_page_is_the_text_alone(visit, name):
    page = visit(SCREENS[-1]).page
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator("article details:not([open])").count() == 0
    for hidden in ("#pst-primary-sidebar", "#pst-secondary-sidebar", ".bd-header-article", ".prev-next-footer"):
        assert not any(box.is_visible() for box in page.locator(hidden).all()), hidden
    assert name == "search" or page.locator("article h1").is_visible()


def test_links_lead_where_they_say(open_page, site):
    page = open_page(address(site, PAGES[0])).page
    for name in PAGES[1:-1] if NIGHTLY else (CHAPTERS[0], CHAPTERS[-1], "book/testing"):
        page.goto(address(site, PAGES[0]), wait_until="domcontentloaded")
        link = page.locator(f'nav a[href$="{name.split("/")[-1]}.html"]').first
        title = link.inner_text()
        link.click(no_wait_after=True)
        page.wait_for_url(f"**/{name}.html", wait_until="domcontentloaded")
        assert page.locator("article h1").inner_text().rstrip("#").strip() == title


def test_the_books_own_address_opens_the_start_page(open_page, site):
    visit = open_page("about:blank")
    visit.page.goto(address(site, "index"), wait_until="commit")
    visit.page.wait_for_url(address(site, PAGES[0]))
    assert visit.settle().foreign == []


def test_colour_mode_button_switches_and_is_remembered(open_page, site):
    visit = open_page(address(site, PAGES[0]))
    page, seen = visit.page, set()
    # two frames: a colour that is read in the frame of the click may still be the old one
    read = """new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() =>
        done([document.documentElement.dataset.mode, getComputedStyle(document.body).backgroundColor]))))"""
    for _ in range(3):
        seen.add(tuple(page.evaluate(read)))
        page.get_by_role("button", name="Colour mode").click()
    assert {mode for mode, _ in seen} == {"auto", "light", "dark"}
    assert len({colour for _, colour in seen}) == 2
    while page.evaluate("document.documentElement.dataset.mode") != "dark":
        page.get_by_role("button", name="Colour mode").click()
    page.goto(address(site, PAGES[-2]))
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert visit.faults == []


@pytest.mark.parametrize("size", SIZES)
def test_search_finds_a_page(open_page, site, size):
    visit = open_page(address(site, PAGES[0]), width=SIZES[size])
    page = visit.page
    page.get_by_role("button", name="Search").first.click()
    page.keyboard.type("reparameterisation")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html*")
    results = page.locator("#search-results li a")
    results.first.wait_for()
    assert any("notation" in href for href in results.evaluate_all("links => links.map((link) => link.href)"))
    results.first.click()
    visit.settle()
    assert visit.faults == []
    assert visit.foreign == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_chapter_reads_without_scripts(open_page, site, name):
    page = open_page(address(site, name), java_script_enabled=False).page
    assert page.locator("article h1").is_visible()
    assert name not in SOLVED or page.locator("article details.dropdown > summary").first.is_visible()
    assert page.locator("article mjx-container").first.is_visible()


def test_served_search_shows_summaries(open_page, server):
    page = open_page(f"{server}/search.html?q=latent").page
    page.locator("#search-results li p.context, #search-results li .context").first.wait_for()


def test_the_record_notices_what_it_must(open_page, tmp_path):
    """Proof that the checks above can fail."""
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<title>Bad</title><img src='gone.png'><img src='http://other.invalid/x.png'>"
        "<script>console.error('trouble'); setTimeout(() => { throw new Error('uncaught'); })</script>",
        encoding="utf-8",
    )
    visit = open_page(bad.as_uri())
    visit.page.wait_for_timeout(200)
    assert visit.foreign == ["http://other.invalid/x.png"]
    text = " ".join(visit.faults)
    assert all(fault in text for fault in ("trouble", "uncaught", "gone.png", "other.invalid"))
    visit.page.evaluate(AXE)
    found = visit.page.evaluate(f"{RUN_AXE}.then(({{violations}}) => violations.map(({{id}}) => id))")
    assert {"image-alt", "html-has-lang"} <= set(found)


def test_projector_mode_has_larger_type_and_no_sidebars(open_page, site):
    first, second = (f"notebooks/{name}" for name in ("01-bottleneck", "02-latent-scatter"))
    page = open_page(address(site, first), width=SIZES["laptop"], scheme="light").page
    size = "parseFloat(getComputedStyle(document.querySelector('article p')).fontSize)"
    sidebar = page.locator(".bd-sidebar-primary")
    before = page.evaluate(size)
    assert sidebar.is_visible()
    page.keyboard.press("Alt+p")
    assert page.evaluate(size) > 1.3 * before
    assert not sidebar.is_visible()
    page.goto(address(site, second))
    assert not sidebar.is_visible(), "it stays on from page to page"
    page.keyboard.press("Alt+p")
    assert sidebar.is_visible()
    page.goto(address(site, first))
    assert sidebar.is_visible()
    page.goto(address(site, first) + "?projector")
    assert not sidebar.is_visible()
