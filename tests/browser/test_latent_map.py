"""The latent map in Chromium, from a file, offline: mouse, finger, keys, no script, two on a page, and as a widget."""

import explorer_pages as pages
import numpy as np
import pytest
import torch

from vae_course.checks import make_generator
from vae_course.configs import VAEConfig
from vae_course.data import load_digits
from vae_course.explore import LatentMap
from vae_course.models import VAE

pytestmark = pytest.mark.browser

READY = "document.querySelectorAll('.explore-live output').length === 4"  # the figures are live


@pytest.fixture(scope="module")
def model():
    model = VAE(VAEConfig(latent_dim=2), generator=make_generator(1))
    with torch.no_grad():
        model.mu_head.weight *= 20
        model.output.weight *= 20
    return model


@pytest.fixture(scope="module")
def explorer(model):
    return LatentMap(model, load_digits(), z=(0.5, -1.0), n_points=300)


@pytest.fixture(scope="module")
def page_file(explorer, model, tmp_path_factory):
    other = LatentMap(model, load_digits(), z=(-1.0, 0.0), n_points=50, name="second")
    return pages.write_page(tmp_path_factory.mktemp("page"), "Map", explorer.to_html() + pages.SPACE + other.to_html())


@pytest.fixture
def open_page(browser, page_file):
    with pages.offline_pages(browser, page_file, ready=READY) as open_page:
        yield open_page


def shown_z(page):
    return pages.read_numbers(page.locator("output"))[:2]


def shown_labels(page):
    return [int(text) for text in page.locator(".explore-nearest").first.locator("b").all_inner_texts()]


def assert_decodes(page, model, z):
    pages.assert_same_ink(pages.decoded(page), pages.decoded_by(model, z))


def press(page, *keys):
    page.locator(".explore-map").first.focus()
    for key in keys:
        page.keyboard.press(key)
    pages.next_frame(page)


def test_it_starts_at_the_z_it_was_given(open_page, explorer, model):
    page = open_page()
    assert shown_z(page) == [0.5, -1.0]
    assert_decodes(page, model, [0.5, -1.0])
    assert shown_labels(page) == explorer.nearest.label.tolist()
    assert page.locator(".explore-static").first.is_hidden()
    assert explorer.summary().removeprefix("Latent map of 300 digits. z = (0.50, −1.00): d") in (
        page.locator("[aria-live=polite]").first.text_content()
    )


def test_keys_decode_at_the_new_point_and_the_summary_follows(open_page, model, explorer):
    page = open_page()
    before, said = pages.decoded(page), page.locator("[aria-live=polite]").first.text_content()
    press(page, "ArrowLeft", "Shift+ArrowUp", "Shift+ArrowUp", "Shift+ArrowUp")
    assert shown_z(page) == [0.4, 0.5]
    assert np.abs(pages.decoded(page) - before).max() > 0.1
    assert_decodes(page, model, [0.4, 0.5])
    page.wait_for_function("old => document.querySelector('[aria-live=polite]').textContent !== old", arg=said)
    assert "z = (0.40, 0.50)" in page.locator("[aria-live=polite]").first.text_content()
    press(page, "Home")
    assert shown_z(page) == [0.0, 0.0]
    assert page.locator("output").nth(2).inner_text() == "−1.00", "the other figure on the page stays where it was"
    page.get_by_role("button", name="Reset").nth(1).click()
    pages.next_frame(page)
    assert page.locator("output").nth(2).inner_text() == "0.00"


def test_hovering_moves_the_point_and_a_click_holds_it(open_page, model, explorer):
    page = open_page()
    box = page.locator(".explore-map").first.bounding_box()

    def at(*z):
        return pages.place_on_map(box, z, limit=explorer.payload["limit"])

    page.mouse.move(*at(1.0, 1.0))
    pages.next_frame(page)
    np.testing.assert_allclose(shown_z(page), [1.0, 1.0], atol=0.03)
    first = pages.decoded(page)
    page.mouse.move(*at(-1.5, 0.5))
    pages.next_frame(page)
    np.testing.assert_allclose(shown_z(page), [-1.5, 0.5], atol=0.03)
    assert np.abs(pages.decoded(page) - first).max() > 0.1
    page.mouse.down()
    page.mouse.up()
    held = shown_z(page)
    page.mouse.move(*at(2.0, -1.0))
    pages.next_frame(page)
    assert shown_z(page) == held
    assert "held" in page.locator(".explore-hint").first.inner_text()
    page.mouse.down()  # a drag moves a held point, and holds it where it ends
    page.mouse.move(*at(0.0, -1.0))
    page.mouse.up()
    page.mouse.move(*at(1.0, 1.0))
    pages.next_frame(page)
    np.testing.assert_allclose(shown_z(page), [0.0, -1.0], atol=0.03)
    page.mouse.down()
    page.mouse.up()
    pages.next_frame(page)
    np.testing.assert_allclose(shown_z(page), [1.0, 1.0], atol=0.03)


def test_a_finger_on_the_map_moves_the_point_and_beside_it_scrolls(open_page):
    page = open_page(width=390, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    box = page.locator(".explore-map").first.bounding_box()
    before = shown_z(page), pages.decoded(page)
    pages.swipe(page, box["x"] + 100, box["y"] + 250, up=150)
    assert page.evaluate("scrollY") == 0, "a finger on the map must not scroll the page"
    assert shown_z(page)[1] > 0
    assert np.abs(pages.decoded(page) - before[1]).max() > 0.1
    after = shown_z(page)
    readout = page.locator(".explore-readout").first.bounding_box()
    pages.swipe(page, readout["x"] + 60, readout["y"] + 60, up=200)
    assert page.evaluate("scrollY") > 50, "beside the map the page must scroll"
    assert shown_z(page) == after


def test_highlight_and_grid_change_the_map_and_can_be_undone(open_page):
    page = open_page()
    canvas = page.locator(".explore-map canvas").first
    plain = pages.picture(canvas)
    for button in (
        page.get_by_role("button", name="Show only digit 3").first,
        page.get_by_role("button", name="Decoded grid").first,
    ):
        button.click()
        pages.next_frame(page)
        assert button.get_attribute("aria-pressed") == "true"
        assert pages.picture(canvas) != plain
        button.click()
        pages.next_frame(page)
        assert button.get_attribute("aria-pressed") == "false"
        assert pages.picture(canvas) == plain


def test_the_map_follows_a_change_of_theme(open_page):
    page = open_page()
    canvas = page.locator(".explore-map canvas").first
    assert pages.colour_at(canvas, 40, 4) == pages.LIGHT
    page.emulate_media(color_scheme="dark")
    pages.next_frame(page)
    assert pages.colour_at(canvas, 40, 4) == pages.DARK
    page.evaluate("document.documentElement.style.setProperty('--pst-color-background', '#203040')")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    pages.next_frame(page)
    assert pages.colour_at(canvas, 40, 4) == [32, 48, 64]


def test_without_scripts_picture_and_text_stand_in(open_page, explorer):
    pages.assert_picture_and_text(open_page(java_script_enabled=False).locator(".explore").first, explorer)


def test_in_print_the_picture_stands_in(open_page):
    page = open_page()
    pages.assert_prints_the_picture(page, page.locator(".explore").first)


def test_broken_data_give_a_message_and_keep_the_picture(browser, explorer, tmp_path):
    pages.assert_broken_data_are_said(browser, tmp_path, explorer, "The latent map cannot be drawn")


def test_in_jupyter_the_same_module_follows_python_and_cleans_up(open_page, explorer):
    steps = """async ({model, el, frame}) => {
        model.set("z", [1.25, 0.75]);  // as if from Python
        await frame();
        const shown = [...el.querySelectorAll("output")].map(o => o.textContent);
        const map = el.querySelector(".explore-map");
        const left = () => map.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowLeft"}));
        left();
        return [shown, left];
    }"""
    answer = pages.run_as_widget(open_page(), explorer, {"z": [0, 0]}, steps)
    assert answer == {"seen": ["1.25", "0.75"], "values": {"z": [1.15, 0.75]}, "saved": 1}
