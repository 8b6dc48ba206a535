"""The latents in Chromium, from a file, offline: mouse, finger, keys, both ranges, no script, axe, and as a widget."""

import re

import explorer_pages as pages
import numpy as np
import pytest
import torch
from playwright.sync_api import expect

from vae_course.checks import make_generator
from vae_course.configs import VAEConfig
from vae_course.data import load_digits
from vae_course.explore import Latents
from vae_course.models import VAE

pytestmark = pytest.mark.browser

READY = "document.querySelector('.explore-live .latents-row')?.checkVisibility()"  # the figures are live
OFF = 4  # a latent that the model does not use


@pytest.fixture(scope="module")
def model():
    model = VAE(VAEConfig(latent_dim=12, hidden_dims=(50,)), generator=make_generator(1))
    with torch.no_grad():
        model.mu_head.weight *= 5
        model.output.weight *= 20
        for head in (model.mu_head, model.logvar_head):
            head.weight[OFF] = 0
            head.bias[OFF] = 0
        model.logvar_head.bias -= 4 * (torch.arange(12) != OFF)
        model.decoder_body[0].weight[:, OFF] = 0
    return model


@pytest.fixture(scope="module")
def explorer(model):
    return Latents(model, load_digits())


@pytest.fixture(scope="module")
def page_file(explorer, tmp_path_factory):
    # As the book wraps it: a scroller around the figure would keep the picture from staying in view.
    scroller = f'<div class="cell_output"><div class="output" style="overflow-x: auto">{explorer.to_html()}</div></div>'
    return pages.write_page(tmp_path_factory.mktemp("page"), "Latents", scroller + pages.SPACE)


@pytest.fixture
def open_page(browser, page_file):
    with pages.offline_pages(browser, page_file, ready=READY) as open_page:
        yield open_page


def number(text):
    return pages.read_number(text.strip("◂ ▸"))


def shown_z(page):
    """The values beside the sliders by the model's own numbering."""
    names = page.locator(".latents-name b").all_inner_texts()
    values = page.locator(".latents-value b").all_inner_texts()
    by_name = {int(name.removeprefix("z")) - 1: number(value) for name, value in zip(names, values, strict=True)}
    return [by_name[j] for j in range(len(by_name))]


def change(page):
    return number(page.locator(".latents-number").inner_text())


def pixels(page, selector):
    return pages.rgb(page.locator(selector).first)


def ink(page, selector=".latents-readout canvas"):
    return pages.ink_of(pixels(page, selector))


def slider(page, j):
    return page.get_by_role("slider", name=re.compile(rf"^z{j + 1},"))


def press(page, j, *keys):
    slider(page, j).focus()
    for key in keys:
        page.keyboard.press(key)
    pages.next_frame(page)


def click(page, name):
    page.get_by_role("button", name=name).click()
    pages.next_frame(page)


def test_it_starts_at_the_first_digit_with_the_largest_kl_on_top(open_page, explorer, model):
    page = open_page()
    np.testing.assert_allclose(shown_z(page), explorer.z, atol=0.0051)
    names = page.locator(".latents-name b").all_inner_texts()
    assert [int(name.removeprefix("z")) - 1 for name in names] == explorer.payload["order"]
    assert names[-1] == f"z{OFF + 1}"
    assert "inactive" in slider(page, OFF).get_attribute("aria-label")
    assert page.locator(".latents-inactive").count() == 1
    assert change(page) == 0
    pages.assert_same_ink(ink(page), pages.decoded_by(model, explorer.z))
    assert page.locator(".explore-static").first.is_hidden()
    said = page.locator("[aria-live=polite]").text_content()
    assert explorer.summary() == f"12 latents, 11 active. {said}"


def test_keys_move_one_latent(open_page, explorer, model):
    page = open_page()
    click(page, "Reset to z = 0")
    assert shown_z(page) == [0.0] * 12
    j = explorer.payload["order"][2]
    press(page, j, "ArrowRight", "ArrowRight", "ArrowLeft")
    assert shown_z(page)[j] == 0.05
    press(page, j, "PageUp")
    assert 0.3 < shown_z(page)[j] <= 0.75
    press(page, j, "Home")
    assert shown_z(page)[j] == -3
    press(page, j, "End")
    z = [3.0 if i == j else 0.0 for i in range(12)]
    assert shown_z(page) == z
    assert slider(page, j).get_attribute("aria-valuetext") == "3.00"
    image, origin = pages.decoded_by(model, z), pages.decoded_by(model, [0.0] * 12)
    pages.assert_same_ink(ink(page), image)
    assert change(page) == pytest.approx(255 * np.abs(image - origin).mean(), abs=0.06)
    expect(page.locator("[aria-live=polite]")).to_contain_text(f"by {change(page)} grey levels")  # said after a pause
    # Signed: blue where there is more ink than before, orange where there is less.
    difference = pixels(page, ".latents-readout div:nth-child(2) canvas").astype(int)
    more, less = image - origin > 0.05, image - origin < -0.05
    assert more.any() and less.any()
    assert (difference[more, 2] > difference[more, 0]).all()
    assert (difference[less, 0] > difference[less, 2]).all()


def test_mouse_drags_a_handle_and_the_strip_follows(open_page, explorer, model):
    page = open_page()
    click(page, "Reset to z = 0")
    j = explorer.payload["order"][5]
    box = slider(page, j).bounding_box()
    middle = box["y"] + box["height"] / 2

    def at(value):
        return box["x"] + 7 + (value + 3) / 6 * (box["width"] - 14)

    page.mouse.move(at(0), middle)
    page.mouse.down()
    page.mouse.move(at(1.5), middle, steps=5)
    page.mouse.up()
    pages.next_frame(page)
    assert shown_z(page)[j] == pytest.approx(1.5, abs=0.06)
    assert [v for i, v in enumerate(shown_z(page)) if i != j] == [0.0] * 11
    assert page.locator(".latents-focused .latents-name b").inner_text() == f"z{j + 1}"
    assert page.locator(".latents-strip small").all_inner_texts() == ["−3", "−2", "−1", "0", "1", "2", "3"]
    for i in (0, 6):
        z = [3.0 * (-1 if i == 0 else 1) if k == j else 0.0 for k in range(12)]
        pages.assert_same_ink(ink(page, f".latents-strip span:nth-child({i + 1}) canvas"), pages.decoded_by(model, z))
    click(page, re.compile(rf"^Reset z\s*{j + 1}$"))
    assert shown_z(page) == [0.0] * 12


def test_a_digit_is_loaded_and_the_posterior_range_is_small(open_page, explorer, model):
    page = open_page()
    click(page, "Reset to z = 0")
    assert page.get_by_role("button", name="Posterior range").is_disabled()
    click(page, re.compile(r"^Load digit 14 of 20: a 3$"))
    np.testing.assert_allclose(shown_z(page), explorer._mu[13], atol=0.0051)
    assert change(page) == 0
    j = explorer.payload["order"][0]
    press(page, j, "Home" if explorer._mu[13, j] > 0 else "End")
    far = change(page)
    click(page, "Posterior range")
    spans = np.stack([explorer._mu[13] - 2 * explorer._std[13], explorer._mu[13] + 2 * explorer._std[13]], axis=1)
    end = spans[j, 0 if explorer._mu[13, j] > 0 else 1]
    assert shown_z(page)[j] == pytest.approx(end, abs=6e-4), "what was outside goes to the nearest end"
    near = change(page)
    assert near < far / 3
    widths = np.diff(spans)
    note = page.locator(".latents-controls .explore-note").inner_text()
    assert f"{widths.min():.2f} to {widths.max():.2f} wide" in note
    press(page, j, "End")
    assert shown_z(page)[j] == pytest.approx(spans[j, 1], abs=6e-4)
    press(page, j, "Home")
    assert shown_z(page)[j] == pytest.approx(spans[j, 0], abs=6e-4)
    shown = [number(text) for text in page.locator(".latents-strip small").all_inner_texts()]
    np.testing.assert_allclose(shown, np.linspace(*spans[j], 7), atol=0.0051)
    before = shown_z(page)
    click(page, "Prior range")
    np.testing.assert_allclose(shown_z(page), before, atol=0.0051)
    assert number(slider(page, j).input_value()) == round((before[j] + 3) / 6 * 120)
    click(page, re.compile(r"^Load digit 14 of 20"))
    assert change(page) == 0


def test_an_inactive_latent_changes_nothing(open_page):
    page = open_page()
    press(page, OFF, "End")
    assert shown_z(page)[OFF] == 3
    assert change(page) == 0


def test_a_finger_moves_a_handle_sideways_and_scrolls_the_page_up_and_down(open_page, explorer):
    page = open_page(width=390, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    before = shown_z(page)
    j = explorer.payload["order"][3]
    box = slider(page, j).bounding_box()
    pages.swipe(page, box["x"] + box["width"] * 0.9, box["y"] + 18, up=250)
    assert page.evaluate("scrollY") > 100, "a swipe up over a slider must scroll the page"
    assert shown_z(page) == before
    box = slider(page, j).bounding_box()
    scrolled = page.evaluate("scrollY")
    place = int(slider(page, j).input_value()) / 120
    pages.swipe(page, box["x"] + 7 + place * (box["width"] - 14), box["y"] + 18, right=box["width"] * (0.9 - place))
    assert page.evaluate("scrollY") == scrolled, "a swipe along a slider must not"
    assert shown_z(page)[j] > before[j] + 0.3
    assert page.locator(".latents-focused .latents-name b").inner_text() == f"z{j + 1}"
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + 18)
    pages.next_frame(page)
    assert abs(shown_z(page)[j]) <= 0.1, "a tap moves the handle there"


def test_on_a_phone_the_picture_stays_in_view_and_hides_no_focused_slider(open_page, explorer):
    page = open_page(width=390, height=560)
    for j in explorer.payload["order"]:
        slider(page, j).focus()
    pages.next_frame(page)
    assert page.evaluate("scrollY") > 200
    for j in reversed(explorer.payload["order"]):
        panel = page.locator(".latents-panel").bounding_box()
        row = slider(page, j).bounding_box()
        assert page.locator(".latents-readout canvas").first.bounding_box()["y"] >= 0
        assert row["y"] >= panel["y"] + panel["height"], "the focused slider lies under the picture"
        assert row["y"] + row["height"] <= 560
        page.keyboard.press("Shift+Tab")


@pages.ON_EVERY_SCREEN
def test_axe_finds_no_violation(open_page, scheme, width):
    page = open_page(width=width, color_scheme=scheme, reduced_motion="reduce")
    for state in (None, "Posterior range", "Reset to z = 0"):
        if state:
            click(page, state)
        assert pages.axe_violations(page) == []
        pages.assert_fits(page)


def test_the_tracks_follow_a_change_of_theme(open_page):
    page = open_page()
    difference = page.locator(".latents-readout canvas").nth(1)  # no change, so all paper
    track = page.locator(".latents-track canvas").first
    light = pages.picture(track)
    page.emulate_media(color_scheme="dark")
    pages.next_frame(page)
    assert pages.colour_at(difference, 1, 1) == pages.DARK
    assert pages.picture(track) != light


def test_without_scripts_and_in_print_picture_and_text_stand_in(open_page, explorer):
    pages.assert_picture_and_text(open_page(java_script_enabled=False).locator(".explore"), explorer)
    page = open_page()
    pages.assert_prints_the_picture(page, page.locator(".explore"))


def test_broken_data_give_a_message_and_keep_the_picture(browser, explorer, tmp_path):
    pages.assert_broken_data_are_said(browser, tmp_path, explorer, "The latents cannot be drawn")


def test_in_jupyter_the_same_module_follows_python_and_cleans_up(open_page, explorer):
    z = [round(0.1 * i, 1) for i in range(12)]
    steps = """async ({model, el, frame}, {z}) => {
        const look = () => ({
            first: el.querySelector(".latents-value b").textContent,
            change: el.querySelector(".latents-number").textContent,
            pressed: [...el.querySelectorAll("[aria-pressed=true]")].map(b => b.ariaLabel ?? b.textContent),
        });
        model.set("z", z);  // these three as if from Python
        await frame();
        const moved = look();
        model.set("digit", 2);
        model.set("range", "posterior");
        await frame();
        const zoomed = look();
        const input = el.querySelector("input");
        input.value = "120";
        input.dispatchEvent(new Event("input"));
        el.querySelector(".latents-examples button:nth-child(6)").click();
        const first = el.querySelector("input");
        return [{moved, zoomed}, () => first.dispatchEvent(new Event("input"))];
    }"""
    answer = pages.run_as_widget(open_page(), explorer, {"z": [0] * 12, "digit": -1, "range": "prior"}, steps, z=z)
    moved, zoomed = answer["seen"]["moved"], answer["seen"]["zoomed"]
    top = explorer.payload["order"][0]
    assert number(moved["first"]) == pytest.approx(z[top])
    assert number(moved["change"]) > 0
    assert moved["pressed"] == ["Prior range"]
    assert zoomed["pressed"] == ["Load digit 3 of 20: a 2", "Posterior range"]
    values = answer["values"]
    assert (values["digit"], values["range"], answer["saved"]) == (5, "posterior", 2)
    np.testing.assert_allclose(values["z"], explorer._mu[5], atol=1e-5)
    explorer.set_state(values)  # what Python makes of it
    assert explorer.digit == 5 and explorer.change < 0.01
    explorer.set_state({"digit": 0, "range": "prior", "z": explorer._mu[0].tolist()})
