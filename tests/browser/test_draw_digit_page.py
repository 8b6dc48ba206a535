"""The drawing board in Chromium, from a file, offline: mouse, finger, keys, real digits, the 9 that turns into a 0."""

import base64

import explorer_pages as pages
import numpy as np
import pytest
import torch

from vae_course.checks import make_generator
from vae_course.configs import VAEConfig
from vae_course.data import load_digits, to_unit
from vae_course.explore import DrawDigit
from vae_course.models import VAE

pytestmark = pytest.mark.browser

READY = "document.querySelector('.explore-live .draw-reading')?.textContent"  # the figures are live


@pytest.fixture(scope="module")
def model():
    model = VAE(VAEConfig(latent_dim=20, hidden_dims=(40,)), generator=make_generator(1))
    with torch.no_grad():
        model.mu_head.weight *= 10
        model.logvar_head.weight *= 5
        model.output.weight *= 20
    return model


@pytest.fixture(scope="module")
def explorer(model):
    return DrawDigit(model, load_digits(), n_points=100)


@pytest.fixture(scope="module")
def page_file(explorer, tmp_path_factory):
    style = "<style>:root { color-scheme: light dark } @media (prefers-color-scheme: dark) { body { "
    style += "background: #14181e; color: #ced6dd } }</style>"
    return pages.write_page(tmp_path_factory.mktemp("draw"), "Sheet", explorer.to_html() + pages.SPACE, style=style)


@pytest.fixture
def open_page(browser, page_file):
    with pages.offline_pages(browser, page_file, ready=READY, height=1000) as open_page:
        yield open_page


def pixels(page, index):
    """What the network sees (0) or the reconstruction (1), as ink, (784,) in [0, 1]."""
    pages.next_frame(page)
    return pages.ink_of(pages.rgb(page.locator(".draw-image").nth(index)))


def summary(page):
    """The summary after the pause in which it waits."""
    page.wait_for_timeout(500)
    return page.locator(".draw-summary").inner_text()


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def table(page):
    """The numbers that the page writes out: mean, sd and log-variance, (latents, 3)."""
    details = page.locator("details")
    if not details.evaluate("d => d.open"):
        details.locator("summary").click()
    pages.next_frame(page)
    page.wait_for_function("document.querySelector('.draw-table td').textContent")
    return np.array(pages.read_numbers(page.locator(".draw-table td"))).reshape(-1, 3)


def assert_posterior(page, model, image):
    with torch.no_grad():
        posterior = model.encode(torch.as_tensor(image, dtype=torch.float32)[None])
        x_mean = model.decode(posterior.mu)[0].numpy()
    wanted = np.stack([posterior.mu[0], posterior.std[0], posterior.logvar[0]], axis=1)
    np.testing.assert_allclose(table(page), wanted, atol=2e-3)
    assert np.abs(pixels(page, 1) - x_mean).max() < 0.01


def test_it_starts_with_a_real_digit_exactly_as_it_is(open_page, explorer, model):
    page = open_page()
    assert np.abs(pixels(page, 0) - explorer.x).max() < 0.004
    assert_posterior(page, model, explorer.x)
    assert summary(page) == explorer.summary()
    assert page.locator(".explore-static").is_hidden()
    assert "exactly as it is" in page.locator(".draw-pen .explore-note").inner_text()


def test_every_real_digit_can_be_loaded(open_page, model, explorer):
    page = open_page()
    examples = page.locator(".draw-examples button")
    assert examples.count() == 20
    three = page.get_by_role("button", name="Load real digit 3, number 2")
    three.click()
    images = to_unit(load_digits().images[1500:2000]).numpy()
    distance = np.abs(images - pixels(page, 0)).max(axis=1)
    assert distance.min() < 0.004, "it is one of the given threes, pixel by pixel"
    assert_posterior(page, model, images[distance.argmin()])
    before = summary(page)
    button(page, "A real 0").click()
    assert summary(page) != before
    button(page, "Undo").click()
    assert summary(page) == before


def test_drawing_with_the_mouse(open_page, model):
    page = open_page()
    button(page, "Clear").click()
    assert pixels(page, 0).max() == 0
    assert "The sheet is empty" in summary(page)
    assert button(page, "Clear").is_disabled()
    box = page.locator(".draw-sheet").bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 100, box["y"] + 42, steps=5)
    page.mouse.move(box["x"] + 70, box["y"] + 160, steps=5)
    during = pixels(page, 0)
    page.mouse.up()
    page.mouse.move(box["x"] + 10, box["y"] + 200, steps=3)
    seen = pixels(page, 0)
    np.testing.assert_array_equal(seen, during)  # the encoder answers while the pen is down; a lifted pen draws nothing
    assert 20 < seen.sum() < 120
    rows = np.flatnonzero(seen.reshape(28, 28).sum(axis=1) > 0)
    assert np.ptp(rows) + 1 == 20, "scaled into the box of 20"
    assert_posterior(page, model, seen)
    page.locator(".draw-sheet").scroll_into_view_if_needed()
    box = page.locator(".draw-sheet").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 100, steps=4)
    page.mouse.up()
    assert np.abs(pixels(page, 0) - seen).max() > 0.2
    button(page, "Undo").click()
    np.testing.assert_array_equal(pixels(page, 0), seen)


def test_ink_goes_over_a_loaded_digit_without_moving_it(open_page, explorer):
    page = open_page()
    box = page.locator(".draw-sheet").bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 0.9 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 0.9 * box["height"], steps=4)
    page.mouse.up()
    seen = pixels(page, 0)
    assert (seen > explorer.x - 0.004).all()
    assert seen.sum() > explorer.x.sum() + 10
    np.testing.assert_allclose(seen.reshape(28, 28)[:20], explorer.x.reshape(28, 28)[:20], atol=0.004)


def test_drawing_with_a_finger_does_not_scroll_and_beside_the_sheet_does(open_page):
    page = open_page(width=390, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    button(page, "Clear").tap()
    page.evaluate("scrollTo(0, 0)")
    box = page.locator(".draw-sheet").bounding_box()
    pages.swipe(page, box["x"] + 80, box["y"] + 220, right=30, up=150)
    assert page.evaluate("scrollY") == 0, "a finger on the sheet must not scroll the page"
    seen = pixels(page, 0)
    assert seen.sum() > 20
    beside = page.locator(".draw-image").first.bounding_box()
    pages.swipe(page, beside["x"] + 60, beside["y"] + 90, right=30, up=200)
    assert page.evaluate("scrollY") > 50, "beside the sheet the page must scroll"
    np.testing.assert_array_equal(pixels(page, 0), seen)


def test_drawing_with_keys(open_page, model):
    page = open_page()
    sheet = page.locator(".draw-sheet")
    sheet.focus()
    for key in ("Delete", "ArrowUp", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    assert pixels(page, 0).max() == 0, "a lifted pen draws nothing"
    page.keyboard.press("Space")
    for _ in range(8):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    stem = pixels(page, 0)
    assert stem.sum() > 20
    assert stem.reshape(28, 28)[:, 14].sum() + stem.reshape(28, 28)[:, 13].sum() > 0.8 * stem.sum() - 15
    page.keyboard.press("ArrowRight")
    np.testing.assert_array_equal(pixels(page, 0), stem)
    assert "lifted" in page.locator("p.explore-hidden").text_content()
    assert "Ink of" in summary(page)
    page.keyboard.press("Space")
    for key in ("Home", "Home", "PageUp", "Shift+ArrowUp"):
        page.keyboard.press(key)
    assert np.abs(pixels(page, 0) - stem).max() > 0.2
    page.keyboard.press("Backspace")
    np.testing.assert_array_equal(pixels(page, 0), stem)
    page.keyboard.press("Tab")
    assert not sheet.evaluate("e => e === document.activeElement"), "the sheet is no keyboard trap"
    assert_posterior(page, model, stem)


def test_the_nine_turns_into_a_zero(open_page):
    page = open_page()
    slider = page.get_by_role("slider", name="From a clear 9 to a 0")
    button(page, "Drawn: Clear 9").click()
    nine = pixels(page, 0)
    slider.focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    hasty = pixels(page, 0)
    assert "50 %" in slider.get_attribute("aria-valuetext")
    button(page, "Drawn: Hasty 9").click()
    np.testing.assert_array_equal(pixels(page, 0), hasty)
    button(page, "Drawn: 0").click()
    zero = pixels(page, 0)
    assert nine.sum() < hasty.sum() < zero.sum()
    assert zero.reshape(28, 28)[12:16, 12:16].max() < 0.1, "a 0 is empty in the middle"
    text = page.locator(".draw-journey .explore-note").inner_text()
    assert f"Ink goes from {nine.sum():.0f} to {zero.sum():.0f} full pixels" in text
    button(page, "Undo").click()
    assert np.abs(pixels(page, 0) - zero).max() > 0.2, "undo leaves the way from 9 to 0"
    button(page, "Drawn: Clear 9").click()
    page.get_by_role("slider", name="Pen").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert pixels(page, 0).sum() > 1.25 * nine.sum(), "a broad pen gives more ink"


def test_the_numbers_can_be_read_by_keys_and_by_pointer(open_page):
    page = open_page()
    wanted = table(page)
    bars = page.get_by_role("slider", name="Latent that is read out")
    bars.focus()
    for key in ("End", "ArrowLeft"):
        page.keyboard.press(key)
    pages.next_frame(page)
    reading = page.locator(".draw-reading")
    assert reading.inner_text().startswith("latent 19: mean ")
    assert bars.get_attribute("aria-valuenow") == "19"
    assert bars.get_attribute("aria-valuetext") == reading.inner_text()
    assert f"{wanted[18, 1]:.4f}" in reading.inner_text()
    box = page.locator(".draw-bars canvas").bounding_box()
    page.mouse.move(box["x"] + 42, box["y"] + 60)
    pages.next_frame(page)
    assert reading.inner_text().startswith("latent 1: ")
    plain = pages.picture(page.locator(".draw-bars canvas"))
    button(page, "Show log-variances").click()
    pages.next_frame(page)
    assert pages.picture(page.locator(".draw-bars canvas")) != plain


@pages.ON_EVERY_SCREEN
def test_no_accessibility_fault_and_no_sideways_scrolling(open_page, scheme, width):
    page = open_page(width=width, color_scheme=scheme, reduced_motion="reduce")
    table(page)
    pages.assert_fits(page)
    assert pages.axe_violations(page) == []
    targets = page.locator(".explore-figure button, .explore-figure input").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect()).map(b => Math.min(b.width, b.height))"
    )
    assert min(targets) >= 24


def test_the_sheet_follows_a_change_of_theme(open_page):
    page = open_page()
    canvases = [
        page.locator(".draw-sheet canvas"),
        page.locator(".draw-image").nth(0),
        page.locator(".draw-bars canvas"),
    ]
    for scheme, wanted in (("light", pages.LIGHT), ("dark", pages.DARK)):
        page.emulate_media(color_scheme=scheme)
        pages.next_frame(page)
        assert [pages.colour_at(canvas, 2, 2) for canvas in canvases] == [wanted] * 3


def test_broken_data_give_a_message_and_keep_the_picture(browser, explorer, tmp_path):
    message = "The sheet to draw on cannot be drawn"
    pages.assert_broken_data_are_said(browser, tmp_path, explorer, message)


def test_in_jupyter_the_same_module_follows_python_and_cleans_up(open_page, explorer):
    image = load_digits().images[2100].numpy()
    steps = """async ({model, el, frame, saved}, {image}) => {
        const times = [saved()];
        model.set("image", image);  // as if from Python
        await frame();
        const canvas = el.querySelector(".draw-image");
        const pixels = [...canvas.getContext("2d").getImageData(0, 0, 28, 28).data];
        times.push(saved());
        el.querySelector(".draw-tools button:nth-of-type(2)").click();  // Clear
        await frame();
        const sheet = el.querySelector(".draw-sheet");
        return [{pixels, times}, () => sheet.dispatchEvent(new KeyboardEvent("keydown", {key: " "}))];
    }"""
    given = base64.b64encode(image.tobytes()).decode()
    state = {"image": explorer.image}
    answer = pages.run_as_widget(open_page(), explorer, state, steps, listeners=20, image=given)
    shown = np.array(answer["seen"]["pixels"]).reshape(784, 4)[:, :3]
    assert np.abs(pages.ink_of(shown) - image / 255).max() < 0.004
    assert base64.b64decode(answer["values"]["image"]) == bytes(784)
    assert (answer["seen"]["times"], answer["saved"]) == ([0, 0], 1)
