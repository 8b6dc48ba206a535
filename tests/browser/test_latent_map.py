"""The latent map in Chromium, from a file, offline: mouse, finger, keys, no script, two on a page, and as a widget."""

import re

import numpy as np
import pytest
import torch

from vae_course.data import load_digits
from vae_course.explore import LatentMap
from vae_course.models import VAE
from vae_course.types import VAEConfig, make_generator

pytestmark = pytest.mark.browser

INK, PAPER = np.array([0x22, 0x28, 0x32]), np.array([255, 255, 255])  # explore.css, light, without a theme


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
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>Map</title><body style="margin: 8px"><main><h1>Map</h1>{explorer.to_html()}'
        f'<div style="height: 1500px"></div>{other.to_html()}</main></body></html>',
        encoding="utf-8",
    )
    return path


@pytest.fixture
def open_page(browser, page_file):
    """Opens the page offline; at the end, no request, no console message and no error may have come."""
    contexts, faults = [], []

    def open_page(*, width=1000, **options):
        context = browser.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        context.set_offline(True)
        page = context.new_page()
        # The one message allowed is Chromium's remark on this test's own reading of pixels.
        page.on("console", lambda m: None if "willReadFrequently" in m.text else faults.append(m.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        inside = (page_file.as_uri(), "blob:", "data:")
        page.on("request", lambda request: None if request.url.startswith(inside) else faults.append(request.url))
        page.goto(page_file.as_uri())
        if options.get("java_script_enabled", True):
            page.wait_for_function("document.querySelectorAll('.explore-live output').length === 4")
            next_frame(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults


def next_frame(page):
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def decoded(page):
    """The picture of the decoded digit as ink, (784,) in [0, 1]."""
    read = "c => [...c.getContext('2d').getImageData(0, 0, 28, 28).data]"
    pixels = page.locator(".explore-decoded").first.evaluate(read)
    rgb = np.array(pixels).reshape(784, 4)[:, :3]
    return ((PAPER - rgb) / (PAPER - INK)).mean(axis=1)


def shown_z(page):
    return [float(text.replace("−", "-")) for text in page.locator("output").all_inner_texts()[:2]]


def shown_labels(page):
    return [int(text) for text in page.locator(".explore-nearest").first.locator("b").all_inner_texts()]


def assert_decodes(page, model, z):
    with torch.no_grad():
        wanted = model.decode(torch.tensor([z], dtype=torch.float32))[0].numpy()
    # A colour channel spans some 220 steps, so half a step is 0.0023 beyond the decoder's own grey level.
    assert np.abs(decoded(page) - wanted).max() < 0.007


def press(page, *keys):
    page.locator(".explore-map").first.focus()
    for key in keys:
        page.keyboard.press(key)
    next_frame(page)


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
    before, said = decoded(page), page.locator("[aria-live=polite]").first.text_content()
    press(page, "ArrowLeft", "Shift+ArrowUp", "Shift+ArrowUp", "Shift+ArrowUp")
    assert shown_z(page) == [0.4, 0.5]
    assert np.abs(decoded(page) - before).max() > 0.1
    assert_decodes(page, model, [0.4, 0.5])
    page.wait_for_function("old => document.querySelector('[aria-live=polite]').textContent !== old", arg=said)
    assert "z = (0.40, 0.50)" in page.locator("[aria-live=polite]").first.text_content()
    press(page, "Home")
    assert shown_z(page) == [0.0, 0.0]
    assert page.locator("output").nth(2).inner_text() == "−1.00", "the other figure on the page stays where it was"
    page.get_by_role("button", name="Reset").nth(1).click()
    next_frame(page)
    assert page.locator("output").nth(2).inner_text() == "0.00"


def test_hovering_moves_the_point_and_a_click_holds_it(open_page, model, explorer):
    page = open_page()
    box = page.locator(".explore-map").first.bounding_box()
    limit, side = explorer.payload["limit"], box["width"] - 26

    def at(z1, z2):
        return box["x"] + 26 + (z1 + limit) / (2 * limit) * side, box["y"] + (limit - z2) / (2 * limit) * side

    page.mouse.move(*at(1.0, 1.0))
    next_frame(page)
    np.testing.assert_allclose(shown_z(page), [1.0, 1.0], atol=0.03)
    first = decoded(page)
    page.mouse.move(*at(-1.5, 0.5))
    next_frame(page)
    np.testing.assert_allclose(shown_z(page), [-1.5, 0.5], atol=0.03)
    assert np.abs(decoded(page) - first).max() > 0.1
    page.mouse.down()
    page.mouse.up()
    held = shown_z(page)
    page.mouse.move(*at(2.0, -1.0))
    next_frame(page)
    assert shown_z(page) == held
    assert "held" in page.locator(".explore-hint").first.inner_text()
    page.mouse.down()  # a drag moves a held point, and holds it where it ends
    page.mouse.move(*at(0.0, -1.0))
    page.mouse.up()
    page.mouse.move(*at(1.0, 1.0))
    next_frame(page)
    np.testing.assert_allclose(shown_z(page), [0.0, -1.0], atol=0.03)
    page.mouse.down()
    page.mouse.up()
    next_frame(page)
    np.testing.assert_allclose(shown_z(page), [1.0, 1.0], atol=0.03)


def test_a_finger_on_the_map_moves_the_point_and_beside_it_scrolls(open_page):
    page = open_page(width=390, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    box = page.locator(".explore-map").first.bounding_box()
    touch = page.context.new_cdp_session(page)

    def swipe(x, y, *, up):
        point = {"x": x, "y": y}
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
        for step in range(1, 11):
            moved = {"x": x, "y": y - up * step / 10}
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [moved]})
            next_frame(page)
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        page.wait_for_timeout(200)

    before = shown_z(page), decoded(page)
    swipe(box["x"] + 100, box["y"] + 250, up=150)
    assert page.evaluate("scrollY") == 0, "a finger on the map must not scroll the page"
    assert shown_z(page)[1] > 0
    assert np.abs(decoded(page) - before[1]).max() > 0.1
    after = shown_z(page)
    readout = page.locator(".explore-readout").first.bounding_box()
    swipe(readout["x"] + 60, readout["y"] + 60, up=200)
    assert page.evaluate("scrollY") > 50, "beside the map the page must scroll"
    assert shown_z(page) == after


def test_highlight_and_grid_change_the_map_and_can_be_undone(open_page):
    page = open_page()
    hash_map = "c => c.toDataURL()"
    canvas = page.locator(".explore-map canvas").first
    plain = canvas.evaluate(hash_map)
    for button in (
        page.get_by_role("button", name="Show only digit 3").first,
        page.get_by_role("button", name="Decoded grid").first,
    ):
        button.click()
        next_frame(page)
        assert button.get_attribute("aria-pressed") == "true"
        assert canvas.evaluate(hash_map) != plain
        button.click()
        next_frame(page)
        assert button.get_attribute("aria-pressed") == "false"
        assert canvas.evaluate(hash_map) == plain


def test_the_map_follows_a_change_of_theme(open_page):
    page = open_page()
    corner = "c => [...c.getContext('2d').getImageData(40, 4, 1, 1).data].slice(0, 3)"
    canvas = page.locator(".explore-map canvas").first
    assert canvas.evaluate(corner) == [255, 255, 255]
    page.emulate_media(color_scheme="dark")
    next_frame(page)
    assert canvas.evaluate(corner) == [20, 24, 30]
    page.evaluate("document.documentElement.style.setProperty('--pst-color-background', '#203040')")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    next_frame(page)
    assert canvas.evaluate(corner) == [32, 48, 64]


def test_without_scripts_picture_and_text_stand_in(open_page, explorer):
    page = open_page(java_script_enabled=False)
    static = page.locator(".explore-static").first
    assert static.is_visible()
    assert explorer.summary() in static.inner_text()
    image = static.locator("img").bounding_box()
    assert image["width"] > 300
    assert image["height"] > 100


def test_in_print_the_picture_stands_in(open_page):
    page = open_page()
    page.emulate_media(media="print")
    assert page.locator(".explore-static").first.is_visible()
    assert page.locator(".explore-frame").first.is_hidden()


def test_broken_data_give_a_message_and_keep_the_picture(browser, explorer, tmp_path):
    for name, page_html in {
        "cut": explorer.to_html().replace('"kind":"latent-map"', '"kind":"latent-'),
        "missing": re.sub(r'<script type="application/json">.*?</script>', "", explorer.to_html(), flags=re.DOTALL),
        "short": re.sub(r'("values":")[^"]{8}', r"\1", explorer.to_html()),
    }.items():
        (tmp_path / f"{name}.html").write_text(page_html, encoding="utf-8")
        page = browser.new_page()
        page.goto((tmp_path / f"{name}.html").as_uri())
        message = page.get_by_role("alert").inner_text()
        assert "The latent map cannot be drawn" in message, name
        assert page.locator(".explore-static").is_visible(), name
        page.close()


def test_in_jupyter_the_same_module_follows_python_and_cleans_up(open_page, explorer):
    page = open_page()
    answer = page.evaluate(
        """async ({source, state}) => {
            const url = URL.createObjectURL(new Blob([source], {type: "text/javascript"}));
            const {default: widget} = await import(url);
            const frame = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
            const listeners = new Set();
            const values = {...state};
            let saved = 0;
            const model = {
                get: name => values[name],
                set: (name, value) => { values[name] = value; listeners.forEach(l => l()); },
                save_changes: () => saved++,
                on: (event, l) => listeners.add(l),
                off: (event, l) => listeners.delete(l),
            };
            const el = document.createElement("div");
            document.body.prepend(el);
            const stop = widget.render({model, el});
            await frame();
            model.set("z", [1.25, 0.75]);  // as if from Python
            await frame();
            const shown = [...el.querySelectorAll("output")].map(o => o.textContent);
            const map = el.querySelector(".explore-map");
            map.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowLeft"}));
            const sent = values.z;
            stop();
            map.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowLeft"}));
            await frame();
            return {shown, sent, saved, after: values.z, listeners: listeners.size, left: el.childElementCount};
        }""",
        {"source": explorer.get_state()["_esm"], "state": {"z": [0, 0], "payload": explorer.payload}},
    )
    assert answer == {
        "shown": ["1.25", "0.75"],
        "sent": [1.15, 0.75],
        "saved": 1,
        "after": [1.15, 0.75],
        "listeners": 0,
        "left": 0,
    }
