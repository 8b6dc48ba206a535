"""The equations that stand in the pages look as those that MathJax sets in the reader's browser."""

from __future__ import annotations

import html
import json
import subprocess
import sys

import pytest
from book_site import ROOT, SCHEMES
from mathjax_pages import unset_page
from nightly import NIGHTLY

sys.path.insert(0, str(ROOT / "book" / "_ext"))

from vae_book_equations import read_store
from vae_book_html import mend

pytestmark = pytest.mark.browser

STORE = read_store()
SAMPLE = list(STORE)[:: 1 if NIGHTLY else 17]
PLACES = ("<p>{}</p>", "<h2>{}</h2>", "<p><strong>{}</strong></p>", "<p><small>{}</small></p>", "<p><em>{}</em></p>")
BOXES = "[...document.querySelectorAll('article mjx-container')]"


def math(tex):
    return f'<div class="math">{html.escape(tex)}</div>'


@pytest.fixture
def show(open_page, server):
    """Opens a page with this HTML, as if it lay in the book."""

    def show(source, **options):
        visit = open_page("about:blank", **options)
        visit.page.route("**/equations.html", lambda route: route.fulfill(body=source, content_type="text/html"))
        visit.page.goto(f"{server}/equations.html")
        return visit.settle()

    return show


def test_what_is_kept_is_what_mathjax_sets_in_a_page(show):
    page = show(unset_page("".join(map(math, SAMPLE)))).page
    set_there = page.evaluate(f"{BOXES}.map((box) => box.innerHTML)")
    assert len(set_there) == len(SAMPLE) > 30
    assert [tex for tex, equation in zip(SAMPLE, set_there, strict=True) if STORE[tex] != equation] == []


def test_it_is_as_large_and_as_wide_and_stands_as_high(show):
    """Of each pair one is kept, and MathJax sets the other, as it has a space (which TeX ignores), wherever they stand.

    MathJax rounds its sizes to a thousandth, and browsers round thin lines to pixels.
    """
    pairs = [
        (place.format(math(tex)), place.format(math(f"{tex[:2]} {tex[2:]}"))) for tex in SAMPLE[:12] for place in PLACES
    ]
    visit = show(mend(unset_page("".join(first + second for first, second in pairs)), STORE))
    measured = visit.page.evaluate(f"""{BOXES}.map((box) => {{
        const parts = [box, box.firstChild, box.querySelector("mjx-c")];
        const [around, all, glyph] = parts.map((part) => part.getBoundingClientRect());
        return [parseFloat(getComputedStyle(box).fontSize), all.width, all.height, glyph.top - around.top];
    }})""")
    assert len(measured) == 2 * len(pairs)
    assert all(size > 10 and width > 3 and height > 3 for size, width, height, _ in measured)
    for kept, in_page in zip(measured[::2], measured[1::2], strict=True):
        assert kept[0] == pytest.approx(in_page[0], rel=1e-3)
        assert kept == pytest.approx(in_page, rel=1e-3, abs=1)
    assert visit.page.evaluate("document.querySelectorAll('[data-tex]').length") == len(pairs)
    assert visit.faults == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_script_is_needed(open_page, site, scheme):
    """All glyphs have their width from MathJax's own fonts, and the colour of the text around them."""
    address = (site / "notebooks" / "07-pcn-proof.html").as_uri()
    page = open_page(address, scheme=scheme, java_script_enabled=False).page
    boxes = page.locator("article p mjx-container")
    assert boxes.count() > 100
    assert boxes.first.is_visible()
    page.evaluate("document.fonts.ready.then(() => 0)")
    loaded = page.evaluate("[...document.fonts].filter(({status}) => status === 'loaded').map(({family}) => family)")
    assert {"MJXTEX", "MJXTEX-I"} <= set(loaded)
    colours = (
        "getComputedStyle(box.querySelector('mjx-c'), '::before').color, getComputedStyle(box.parentElement).color"
    )
    assert boxes.evaluate_all(f"boxes => boxes.every((box) => new Set([{colours}]).size === 1)")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_light_or_dark_is_chosen_before_anything_is_seen(open_page, site, scheme):
    visit = open_page("about:blank", scheme=scheme)
    visit.page.add_init_script("""window.themes = [];
        new MutationObserver(() => {
          if (document.body) themes.push(document.documentElement.dataset.theme);
        }).observe(document, {childList: true, subtree: true, attributes: true});""")
    visit.page.goto((site / "book" / "notation.html").as_uri())
    visit.settle()
    assert set(visit.page.evaluate("themes")) == {scheme}


# --- the command that sets them ---

RUN = """import sys; from pathlib import Path
from vae_course.commands import equations
from vae_course.commands.shell import CommandError
root, *pages = sys.argv[1:]
equations.clone_root = lambda: Path(root)
for page in pages:
    Path(root, "_build", "html", "index.html").write_text(page, encoding="utf-8")
    try: print(equations.set_equations())
    except CommandError as error: print("refused:", error)"""


@pytest.mark.usefixtures("browser")  # skips where there is none
def test_the_command_keeps_the_equations_of_the_built_book(tmp_path):
    (tmp_path / "_build" / "html").mkdir(parents=True)
    (tmp_path / "book" / "_static").mkdir(parents=True)
    (tmp_path / "book" / "_static" / "vendor").symlink_to(ROOT / "book" / "_static" / "vendor")
    (tmp_path / "_config.yml").symlink_to(ROOT / "_config.yml")
    few = SAMPLE[:5]
    pages = ["".join(map(math, [*few, few[0]])), math(r"\(\nosuch{x}\)")]
    command = [sys.executable, "-c", RUN, str(tmp_path), *pages]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout.splitlines()
    assert said[0].startswith("5 equations are set and kept")
    unknown = r"MathJax does not know \nosuch, which the equation \(\nosuch{x}\) has; write it otherwise"
    assert said[2:] == ["0", f"refused: {unknown}"]  # and what was kept is left:
    kept = (tmp_path / "book" / "equations.json").read_text(encoding="utf-8")
    assert json.loads(kept) == {tex: STORE[tex] for tex in few}
    all_styles = (ROOT / "book" / "_static" / "equations.css").read_text(encoding="utf-8").splitlines()
    styles = (tmp_path / "book" / "_static" / "equations.css").read_text(encoding="utf-8").splitlines()
    assert set(styles) < set(all_styles)
    assert styles[-1] == all_styles[-1]
