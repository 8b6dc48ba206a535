"""The figure of betas in Chromium, from a file, offline: mouse, finger, keys, no script, axe, and as a widget."""

import explorer_pages as pages
import numpy as np
import pytest

from vae_course import zoo
from vae_course.data import load_digits
from vae_course.explore import BetaExplorer

pytestmark = pytest.mark.browser

READY = "document.querySelector('.explore-live .beta-latent')?.checkVisibility()"  # the figure is live


@pytest.fixture(scope="module")
def explorer():
    return BetaExplorer(load_digits())


@pytest.fixture(scope="module")
def page_file(explorer, tmp_path_factory):
    # As the book wraps it: a scroller around the figure would keep the slider from staying in view.
    scroller = f'<div class="cell_output"><div class="output" style="overflow-x: auto">{explorer.to_html()}</div></div>'
    return pages.write_page(tmp_path_factory.mktemp("page"), "Betas", scroller + pages.SPACE)


@pytest.fixture
def open_page(browser, page_file):
    with pages.offline_pages(browser, page_file, ready=READY) as open_page:
        yield open_page


def slider(page):
    return page.get_by_role("slider")


def press(page, *keys):
    slider(page).focus()
    for key in keys:
        page.keyboard.press(key)
    pages.next_frame(page)


def click(page, name):
    page.get_by_role("button", name=name, exact=True).click()
    pages.next_frame(page)


def numbers(page):
    return page.locator(".beta-numbers output").all_inner_texts()


def inks(page, selector):
    """The pictures of all canvases that are shown there as ink, (n, 784)."""
    read = """(selector) => [...document.querySelectorAll(selector)].filter(c => c.checkVisibility()).map(
        c => [...c.getContext("2d").getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 0))"""
    red = np.array(page.evaluate(read, selector))
    return (pages.PAPER[0] - red) / (pages.PAPER[0] - pages.INK[0])


def row(page, index):
    """A row: 0 digits, 1 reconstructions, 2 samples."""
    return inks(page, f".beta-row[aria-label*='{('Digits', 'reconstructed', 'samples')[index]}'] canvas")


def said(page, text):
    """Waits until the figure says this, and gives all that it says."""
    page.wait_for_function("text => document.querySelector('[aria-live=polite]').textContent.includes(text)", arg=text)
    return page.locator("[aria-live=polite]").text_content()


def state_of(explorer, beta=1.0, latent_dim=10, seed=0):
    """Puts the Python figure into the same state."""
    explorer.beta, explorer.latent_dim, explorer.seed = beta, latent_dim, seed
    return explorer


def assert_shows(page, explorer, *, atol=0.007):
    """All parts of the page are those of the Python figure's state."""
    model = explorer.shown
    pages.next_frame(page)
    rate, distortion, active = numbers(page)
    assert float(rate) == pytest.approx(model.rate, abs=0.0501)
    assert float(distortion) == pytest.approx(model.distortion, abs=0.0501)
    assert active == f"{sum(model.active)} of {model.latent_dim}"
    assert slider(page).get_attribute("aria-valuetext") == f"β = {explorer.beta:g}"
    np.testing.assert_allclose(row(page, 1), model.reconstructions(), atol=atol)
    np.testing.assert_allclose(row(page, 2), explorer.samples, atol=atol)
    np.testing.assert_allclose(inks(page, ".beta-strip canvas"), model.traversals(), atol=atol)
    names = [name.inner_text() for name in page.locator(".beta-latent .beta-name b").all() if name.is_visible()]
    assert [int(name.strip("z\n ")) - 1 for name in names] == model.order
    assert page.locator(".beta-latent:not([hidden]).beta-inactive").count() == model.latent_dim - sum(model.active)


def test_it_opens_as_python_left_it(open_page, explorer):
    page = open_page()
    assert_shows(page, state_of(explorer))
    assert said(page, "β = 1, 10 latents") == explorer.summary()
    digits = load_digits().images[[2, 500, 1001, 1500, 2000, 2500, 3001, 3501, 4000, 4502]]
    np.testing.assert_allclose(row(page, 0), digits / 255, atol=0.5 / 15 + 0.007)
    assert page.locator(".explore-static").first.is_hidden()


def test_keys_move_beta_and_all_follows(open_page, explorer):
    page = open_page()
    before = pages.picture(page.locator(".beta-map canvas")), pages.picture(page.locator(".beta-curve"))
    press(page, "ArrowRight")
    assert_shows(page, state_of(explorer, beta=2.0))
    after = pages.picture(page.locator(".beta-map canvas")), pages.picture(page.locator(".beta-curve"))
    assert before[0] != after[0] and before[1] != after[1]
    press(page, "End")
    assert_shows(page, state_of(explorer, beta=16.0))
    assert said(page, "β = 16,") == explorer.summary()
    press(page, "Home")
    assert_shows(page, state_of(explorer, beta=0.0))
    assert said(page, "β = 0,") == explorer.summary()


def test_the_number_of_latents_and_the_draws(open_page, explorer):
    page = open_page()
    click(page, "Draw again")
    assert_shows(page, state_of(explorer, seed=1))
    assert page.locator(".beta-again .explore-note").inner_text() == "seed 1"
    click(page, "2 latents")
    assert_shows(page, state_of(explorer, latent_dim=2, seed=1), atol=0.5 / 15 + 0.012)
    assert page.locator(".beta-again .explore-note").inner_text() == "draw 2 of 4"
    assert said(page, "2 latents") == explorer.summary()
    first = row(page, 2)
    for _ in range(4):
        click(page, "Draw again")
    np.testing.assert_array_equal(row(page, 2), first, "the fifth draw is the first")
    kept = row(page, 1)
    click(page, "10 latents")
    assert_shows(page, state_of(explorer, seed=5))
    assert np.abs(row(page, 1) - kept).max() > 0.5


def test_a_click_on_the_curve_chooses_the_beta_of_the_nearest_point(open_page, explorer):
    page = open_page()
    box = page.locator(".beta-curve").bounding_box()
    rates = np.array([rate for _, rate, _ in state_of(explorer).curve])
    distortions = np.array([distortion for *_, distortion in explorer.curve])
    # The axes as the drawing lays them: rate 0 to 1.2 times the largest but beta 0's, which is far out.
    assert rates[0] > 2 * rates[1]
    low, high = distortions.min(), distortions.max()
    low, high = low - 0.06 * (high - low), high + 0.06 * (high - low)
    for k in (7, 8, 5, 1):
        x = box["x"] + 38 + rates[k] / (1.2 * rates[1]) * (box["width"] - 50)
        y = box["y"] + 16 + (high - distortions[k]) / (high - low) * (box["height"] - 50)
        page.mouse.click(x + 2, y - 2)
        pages.next_frame(page)
        assert slider(page).get_attribute("aria-valuetext") == f"β = {zoo.BETAS[k]}"
    page.mouse.click(box["x"] + box["width"] - 80, box["y"] + 40)
    pages.next_frame(page)
    assert slider(page).get_attribute("aria-valuetext") == f"β = {zoo.BETAS[1]}", "far from all points nothing happens"


def test_the_legend_highlights_one_digit(open_page):
    page = open_page()
    canvas = page.locator(".beta-map canvas")
    before = pages.picture(canvas)
    click(page, "Show only digit 3")
    assert page.get_by_role("button", name="Show only digit 3").get_attribute("aria-pressed") == "true"
    assert pages.picture(canvas) != before
    click(page, "Show only digit 3")
    assert pages.picture(canvas) == before


def test_a_finger_moves_the_slider_and_scrolls_the_page(open_page, explorer):
    page = open_page(width=390, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    box = slider(page).bounding_box()
    pages.swipe(page, box["x"] + box["width"] * 0.9, box["y"] + 18, up=250)
    assert page.evaluate("scrollY") > 100, "a swipe up over the slider must scroll the page"
    assert slider(page).get_attribute("aria-valuetext") == "β = 1"
    assert page.locator(".beta-controls").bounding_box()["y"] >= 0, "the slider stays in view"
    box = slider(page).bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] - 9, box["y"] + 18)
    pages.next_frame(page)
    assert_shows(page, state_of(explorer, beta=16.0))
    curve = page.locator(".beta-curve").bounding_box()
    scrolled = page.evaluate("scrollY")
    pages.swipe(page, curve["x"] + 60, curve["y"] + 60, up=150)
    assert page.evaluate("scrollY") > scrolled, "a swipe over the curve scrolls"
    assert slider(page).get_attribute("aria-valuetext") == "β = 16"


def test_on_a_phone_the_slider_stays_in_view_and_hides_no_focused_button(open_page):
    page = open_page(width=390, height=560)
    slider(page).focus()
    for _ in range(12):  # ten digits of the legend, the draws' button, and out
        page.keyboard.press("Tab")
        pages.next_frame(page)
        panel = page.locator(".beta-controls").bounding_box()
        focused = page.evaluate("document.activeElement.closest('.beta *')?.getBoundingClientRect().top ?? null")
        assert panel["y"] >= 0
        assert focused is None or focused >= panel["y"] + panel["height"], "the focused button lies under the slider"


@pages.ON_EVERY_SCREEN
def test_axe_finds_no_violation(open_page, scheme, width):
    page = open_page(width=width, color_scheme=scheme, reduced_motion="reduce")
    for state in (None, "2 latents", "Show only digit 3", "10 latents"):
        if state:
            click(page, state)
        else:
            press(page, "End")  # latents that are off
        assert pages.axe_violations(page) == []
        pages.assert_fits(page)


def test_the_canvases_follow_a_change_of_theme(open_page):
    page = open_page()
    chart, sample = page.locator(".beta-curve"), page.locator(".beta-row").nth(2).locator("canvas").first
    assert pages.colour_at(chart, -1, -1) == pages.LIGHT
    page.emulate_media(color_scheme="dark")
    pages.next_frame(page)
    assert pages.colour_at(chart, -1, -1) == pages.DARK
    assert sum(pages.colour_at(sample, 0, 0)) < 200


def test_without_scripts_and_in_print_picture_and_text_stand_in(open_page, explorer):
    pages.assert_picture_and_text(open_page(java_script_enabled=False).locator(".explore"), state_of(explorer))
    page = open_page()
    pages.assert_prints_the_picture(page, page.locator(".explore"))


def test_broken_data_give_a_message_and_keep_the_picture(browser, explorer, tmp_path):
    state_of(explorer)
    pages.assert_broken_data_are_said(
        browser, tmp_path, explorer, "The figure of betas cannot be drawn", short=("labels", "pictures", "images")
    )


def test_in_jupyter_the_same_module_follows_python_and_cleans_up(open_page, explorer):
    steps = """async ({model, el, frame}) => {
        const look = () => [...el.querySelectorAll(".beta-numbers output")].map(output => output.textContent);
        model.set("beta", 16);  // these two as if from Python
        await frame();
        const moved = look();
        model.set("latent_dim", 2);
        await frame();
        const small = look();
        const input = el.querySelector("input");
        input.value = "5";
        input.dispatchEvent(new Event("input"));
        el.querySelector(".beta-again button").click();
        const again = el.querySelector(".beta-again button");
        return [{moved, small}, () => (input.dispatchEvent(new Event("input")), again.click())];
    }"""
    state = {"beta": 1, "latent_dim": 10, "seed": 0}
    answer = pages.run_as_widget(open_page(), explorer, state, steps)
    ten, two = (state_of(explorer, beta=16.0, latent_dim=dim).shown for dim in (10, 2))
    assert answer["seen"]["moved"][2] == f"{sum(ten.active)} of 10"
    assert answer["seen"]["small"][2] == f"{sum(two.active)} of 2"
    assert pages.read_number(answer["seen"]["small"][0]) == pytest.approx(two.rate, abs=0.051)
    assert (answer["values"], answer["saved"]) == ({"beta": 2, "latent_dim": 2, "seed": 1}, 2)
    explorer.set_state(answer["values"])  # what Python makes of it
    assert (explorer.beta, explorer.latent_dim, explorer.seed) == (2.0, 2, 1)
    state_of(explorer)
