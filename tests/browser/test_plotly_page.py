"""The plotly figure in Chromium: a picture, then, when the reader asks, the figure from the local plotly.min.js."""

import shutil
from pathlib import Path

import explorer_pages as pages
import numpy as np
import plotly
import pytest
from playwright.sync_api import expect

from vae_course.plots.interactive import PlotlyInPage, draw_clouds, plot_beta_slider

pytestmark = pytest.mark.browser
expect.set_options(timeout=15_000)

LIBRARY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
ALT = "Digits in the latent spaces of nine models, one for each beta."
# As the book's theme has it: the ground and the letters follow the mode.
THEME = """<style>html { color-scheme: light dark; --pst-color-border: light-dark(#c9d1da, #48566b) }
body { color: light-dark(#222832, #ced6dd); background: light-dark(#fff, #14181e); font: 16px sans-serif }</style>"""


@pytest.fixture(scope="module")
def clouds():
    rng = np.random.default_rng(0)
    return {beta: rng.normal(size=(100, 2)) * (9 if beta == 0 else 1) for beta in (0.0, 1.0, 2.0)}


@pytest.fixture(scope="module")
def html(clouds):
    labels = np.arange(100) % 10
    return PlotlyInPage(plot_beta_slider(clouds, labels), draw_clouds(clouds, labels), alt=ALT).to_html()


@pytest.fixture(scope="module")
def page_file(html, tmp_path_factory):
    """A page as the book has it: one folder down, with the library in the static folder."""
    root = tmp_path_factory.mktemp("book")
    (root / "_static").mkdir()
    shutil.copyfile(LIBRARY, root / "_static" / "plotly.min.js")
    (root / "notebooks").mkdir()
    path = pages.write_page(root / "notebooks", "Plotly", html, style=THEME)
    path.write_text(path.read_text().replace('lang="en"', 'lang="en" data-content_root="../"'))
    return path


@pytest.fixture
def visit(open_page, page_file):
    def visit(**options):
        seen = open_page(page_file.as_uri(), **options)
        if options.get("java_script_enabled", True):
            seen.page.context.set_offline(True)
        return seen

    return visit


def load(seen):
    seen.page.get_by_role("button", name="Load the plotly figure").click()
    expect(seen.page.get_by_role("status")).to_have_text(
        "β = 1", timeout=60_000
    )  # 4.8 MB are slow to read on a busy machine
    return seen.page


def wait_for_first_point(page, point):
    page.wait_for_function(
        """([x, y]) => {
            const [first] = document.querySelector(".plotly-figure").data;
            return Math.abs(first.x[0] - x) < 0.006 && Math.abs(first.y[0] - y) < 0.006;
        }""",
        arg=point.tolist(),
    )


def test_a_page_asks_for_nothing_until_its_button_is_pressed(visit):
    seen = visit()
    assert [url for url in seen.requests if "plotly" in url.rsplit("/", 1)[-1]] == []
    assert seen.page.get_by_role("img", name=ALT).is_visible()
    assert not seen.page.locator(".plotly-figure").is_visible()
    page = load(seen)
    assert [url for url in seen.requests if url.endswith("_static/plotly.min.js")]
    assert not page.get_by_role("img", name=ALT).is_visible()
    assert page.locator(".plotly-figure .points path").count() == 100
    assert seen.foreign == []
    assert seen.faults == []


def test_keys_and_mouse_change_beta(visit, clouds):
    seen = visit()
    page = load(seen)
    wait_for_first_point(page, clouds[1.0][0])
    for key, beta in (("ArrowRight", 2.0), ("ArrowRight", 2.0), ("Home", 0.0), ("End", 2.0), ("ArrowLeft", 1.0)):
        page.keyboard.press(key)
        expect(page.get_by_role("status")).to_have_text(f"β = {beta:g}")
        wait_for_first_point(page, clouds[beta][0])
    rail = page.locator(".slider-rail-touch-rect").bounding_box()
    page.mouse.click(rail["x"] + 3, rail["y"] + rail["height"] / 2)
    expect(page.get_by_role("status")).to_have_text("β = 0")
    wait_for_first_point(page, clouds[0.0][0])
    page.wait_for_function("document.querySelector('.plotly-figure').layout.xaxis.range[1] > 10")  # the frame's end
    assert seen.faults == []


@pages.ON_EVERY_SCREEN
def test_axe_finds_no_violation_and_letters_can_be_read(visit, width, scheme):
    seen = visit(width=width, scheme=scheme)
    assert pages.axe_violations(seen.page) == []
    page = load(seen)
    assert pages.axe_violations(page) == []
    pages.assert_fits(page)
    ink = page.evaluate("getComputedStyle(document.body).color")
    for part in (".xtick text", ".legendtext", ".slider-label", ".g-xtitle text"):
        assert page.locator(part).first.evaluate("e => getComputedStyle(e).fill") == ink, part


def test_the_colours_follow_the_page_s_mode(visit):
    seen = visit()
    page = load(seen)
    tick = page.locator(".xtick text").first
    light = tick.evaluate("e => getComputedStyle(e).fill")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("old => getComputedStyle(document.querySelector('.xtick text')).fill !== old", arg=light)
    assert tick.evaluate("e => getComputedStyle(e).fill") == page.evaluate("getComputedStyle(document.body).color")


def test_without_the_library_the_picture_stays_and_words_say_why(open_page, html, tmp_path):
    seen = open_page(pages.write_page(tmp_path, "Plotly", html).as_uri())
    seen.page.get_by_role("button", name="Load the plotly figure").click()
    expect(seen.page.get_by_role("status")).to_contain_text("plotly.min.js is not beside this page")
    assert seen.page.get_by_role("img", name=ALT).is_visible()
    assert seen.page.get_by_role("button", name="Load the plotly figure").is_enabled()


def test_without_scripts_there_is_the_picture_and_no_button(visit):
    page = visit(java_script_enabled=False).page
    assert page.get_by_role("img", name=ALT).is_visible()
    assert not page.get_by_role("button").is_visible()
