"""The latents in Chromium, from a file, offline: mouse, finger, keys, both ranges, no script, axe, and as a widget."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from vae_course.data import load_digits
from vae_course.explore import Latents
from vae_course.models import VAE
from vae_course.types import VAEConfig, make_generator

pytestmark = pytest.mark.browser

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
INK, PAPER = np.array([0x22, 0x28, 0x32]), np.array([255, 255, 255])  # explore.css, light, without a theme
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
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>Latents</title><body style="margin: 8px"><main><h1>Latents</h1>'
        # As the book wraps it: a scroller around the figure would keep the picture from staying in view.
        f'<div class="cell_output"><div class="output" style="overflow-x: auto">{explorer.to_html()}</div></div>'
        '<div style="height: 1500px"></div></main></body></html>',
        encoding="utf-8",
    )
    return path


@pytest.fixture
def open_page(browser, page_file):
    """Opens the page offline; at the end, no request, no console message and no error may have come."""
    contexts, faults = [], []

    def open_page(*, width=1000, height=800, before=None, **options):
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        context.set_offline(True)
        if before:
            context.add_init_script(before)
        page = context.new_page()
        # The one message allowed is Chromium's remark on this test's own reading of pixels.
        page.on("console", lambda m: None if "willReadFrequently" in m.text else faults.append(m.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        inside = (page_file.as_uri(), "blob:", "data:")
        page.on("request", lambda request: None if request.url.startswith(inside) else faults.append(request.url))
        page.goto(page_file.as_uri())
        if options.get("java_script_enabled", True):
            page.wait_for_selector(".explore-live .latents-row")
            next_frame(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults


def next_frame(page):
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def number(text):
    return float(text.replace("−", "-").strip("◂ ▸"))


def shown_z(page):
    """The values beside the sliders by the model's own numbering."""
    names = page.locator(".latents-name b").all_inner_texts()
    values = page.locator(".latents-value b").all_inner_texts()
    by_name = {int(name.removeprefix("z")) - 1: number(value) for name, value in zip(names, values, strict=True)}
    return [by_name[j] for j in range(len(by_name))]


def change(page):
    return number(page.locator(".latents-number").inner_text())


def pixels(page, selector):
    read = "c => [...c.getContext('2d').getImageData(0, 0, 28, 28).data]"
    return np.array(page.locator(selector).first.evaluate(read)).reshape(784, 4)[:, :3]


def ink(page, selector=".latents-readout canvas"):
    return ((PAPER - pixels(page, selector)) / (PAPER - INK)).mean(axis=1)


def decoded_by(model, z):
    with torch.no_grad():
        return model.decode(torch.tensor([z], dtype=torch.float32))[0].numpy()


def slider(page, j):
    return page.get_by_role("slider", name=re.compile(rf"^z{j + 1},"))


def press(page, j, *keys):
    slider(page, j).focus()
    for key in keys:
        page.keyboard.press(key)
    next_frame(page)


def click(page, name):
    page.get_by_role("button", name=name).click()
    next_frame(page)


def test_it_starts_at_the_first_digit_with_the_largest_kl_on_top(open_page, explorer, model):
    page = open_page()
    np.testing.assert_allclose(shown_z(page), explorer.z, atol=0.0051)
    names = page.locator(".latents-name b").all_inner_texts()
    assert [int(name.removeprefix("z")) - 1 for name in names] == explorer.payload["order"]
    assert names[-1] == f"z{OFF + 1}"
    assert "inactive" in slider(page, OFF).get_attribute("aria-label")
    assert page.locator(".latents-inactive").count() == 1
    assert change(page) == 0
    assert np.abs(ink(page) - decoded_by(model, explorer.z)).max() < 0.007
    assert page.locator(".explore-static").first.is_hidden()
    said = page.locator("[aria-live=polite]").text_content()
    assert explorer.summary() == f"12 latents, 11 active. {said}"


def test_keys_move_one_latent(open_page, explorer, model):
    page = open_page()
    click(page, "Reset to z = 0")
    assert shown_z(page) == [0.0] * 12
    said = page.locator("[aria-live=polite]").text_content()
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
    image, origin = decoded_by(model, z), decoded_by(model, [0.0] * 12)
    assert np.abs(ink(page) - image).max() < 0.007
    assert change(page) == pytest.approx(255 * np.abs(image - origin).mean(), abs=0.06)
    page.wait_for_function("old => document.querySelector('[aria-live=polite]').textContent !== old", arg=said)
    assert f"by {change(page)} grey levels" in page.locator("[aria-live=polite]").text_content()
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
    next_frame(page)
    assert shown_z(page)[j] == pytest.approx(1.5, abs=0.06)
    assert [v for i, v in enumerate(shown_z(page)) if i != j] == [0.0] * 11
    assert page.locator(".latents-focused .latents-name b").inner_text() == f"z{j + 1}"
    assert page.locator(".latents-strip small").all_inner_texts() == ["−3", "−2", "−1", "0", "1", "2", "3"]
    for i in (0, 6):
        z = [3.0 * (-1 if i == 0 else 1) if k == j else 0.0 for k in range(12)]
        assert np.abs(ink(page, f".latents-strip span:nth-child({i + 1}) canvas") - decoded_by(model, z)).max() < 0.007
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
    touch = page.context.new_cdp_session(page)

    def swipe(x, y, *, right=0, up=0):
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for step in range(1, 11):
            moved = {"x": x + right * step / 10, "y": y - up * step / 10}
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [moved]})
            next_frame(page)
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        page.wait_for_timeout(200)

    before = shown_z(page)
    j = explorer.payload["order"][3]
    box = slider(page, j).bounding_box()
    swipe(box["x"] + box["width"] * 0.9, box["y"] + 18, up=250)
    assert page.evaluate("scrollY") > 100, "a swipe up over a slider must scroll the page"
    assert shown_z(page) == before
    box = slider(page, j).bounding_box()
    scrolled = page.evaluate("scrollY")
    place = int(slider(page, j).input_value()) / 120
    swipe(box["x"] + 7 + place * (box["width"] - 14), box["y"] + 18, right=box["width"] * (0.9 - place))
    assert page.evaluate("scrollY") == scrolled, "a swipe along a slider must not"
    assert shown_z(page)[j] > before[j] + 0.3
    assert page.locator(".latents-focused .latents-name b").inner_text() == f"z{j + 1}"
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + 18)
    next_frame(page)
    assert abs(shown_z(page)[j]) <= 0.1, "a tap moves the handle there"


def test_on_a_phone_the_picture_stays_in_view_and_hides_no_focused_slider(open_page, explorer):
    page = open_page(width=390, height=560)
    for j in explorer.payload["order"]:
        slider(page, j).focus()
    next_frame(page)
    assert page.evaluate("scrollY") > 200
    for j in reversed(explorer.payload["order"]):
        panel = page.locator(".latents-panel").bounding_box()
        row = slider(page, j).bounding_box()
        assert page.locator(".latents-readout canvas").first.bounding_box()["y"] >= 0
        assert row["y"] >= panel["y"] + panel["height"], "the focused slider lies under the picture"
        assert row["y"] + row["height"] <= 560
        page.keyboard.press("Shift+Tab")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_no_violation(open_page, scheme, width):
    page = open_page(width=width, color_scheme=scheme, reduced_motion="reduce")
    for state in (None, "Posterior range", "Reset to z = 0"):
        if state:
            click(page, state)
        page.evaluate(AXE)
        run = "axe.run(document, {preload: false, resultTypes: ['violations']})"
        found = "({id, nodes}) => id + ': ' + nodes.slice(0, 3).map(node => node.html).join(' | ')"
        assert page.evaluate(f"{run}.then(({{violations}}) => violations.map({found}))") == []
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_the_tracks_follow_a_change_of_theme(open_page):
    page = open_page()
    corner = "c => [...c.getContext('2d').getImageData(1, 1, 1, 1).data].slice(0, 3)"
    difference = page.locator(".latents-readout canvas").nth(1)  # no change, so all paper
    track = page.locator(".latents-track canvas").first
    light = track.evaluate("c => c.toDataURL()")
    page.emulate_media(color_scheme="dark")
    next_frame(page)
    assert difference.evaluate(corner) == [20, 24, 30]
    assert track.evaluate("c => c.toDataURL()") != light


def test_without_scripts_and_in_print_picture_and_text_stand_in(open_page, explorer):
    static = open_page(java_script_enabled=False).locator(".explore-static")
    assert static.is_visible()
    assert explorer.summary() in static.inner_text()
    assert static.locator("img").bounding_box()["width"] > 300
    page = open_page()
    page.emulate_media(media="print")
    assert page.locator(".explore-static").is_visible()
    assert page.locator(".explore-frame").is_hidden()


def test_broken_data_give_a_message_and_keep_the_picture(browser, explorer, tmp_path):
    for name, page_html in {
        "cut": explorer.to_html().replace('"kind":"latents"', '"kind":"late"'),
        "missing": re.sub(r'<script type="application/json">.*?</script>', "", explorer.to_html(), flags=re.DOTALL),
        "short": re.sub(r'("values":")[^"]{8}', r"\1", explorer.to_html()),
    }.items():
        (tmp_path / f"{name}.html").write_text(page_html, encoding="utf-8")
        page = browser.new_page()
        page.goto((tmp_path / f"{name}.html").as_uri())
        assert "The latents cannot be drawn" in page.get_by_role("alert").inner_text(), name
        assert page.locator(".explore-static").is_visible(), name
        page.close()


COUNT_LISTENERS = """
    window.held = 0;
    for (const [name, step] of [["addEventListener", 1], ["removeEventListener", -1]]) {
        const own = EventTarget.prototype[name];
        EventTarget.prototype[name] = function (...given) { window.held += step; return own.apply(this, given); };
    }
"""


def test_in_jupyter_the_same_module_follows_python_and_cleans_up(open_page, explorer):
    page = open_page(before=COUNT_LISTENERS)
    z = [round(0.1 * i, 1) for i in range(12)]
    answer = page.evaluate(
        """async ({source, state, z}) => {
            const url = URL.createObjectURL(new Blob([source], {type: "text/javascript"}));
            const {default: widget} = await import(url);
            const frame = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
            const listeners = new Set();
            const values = {...state};
            let saved = 0;
            const model = {
                get: name => values[name],
                set: (name, value) => {
                    values[name] = value;
                    for (const [event, l] of listeners) if (event === `change:${name}`) l();
                },
                save_changes: () => saved++,
                on: (event, l) => listeners.add([event, l]),
                off: (event, l) => listeners.forEach(pair => pair[1] === l && listeners.delete(pair)),
            };
            const held = window.held;
            const el = document.createElement("div");
            document.body.prepend(el);
            const stop = widget.render({model, el});
            await frame();
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
            const sent = {...values};
            const first = el.querySelector("input");
            stop();
            first.dispatchEvent(new Event("input"));
            await frame();
            return {moved, zoomed, sent: [sent.digit, sent.range, sent.z], saved, listeners: listeners.size,
                    held: window.held - held, left: el.childElementCount};
        }""",
        {
            "source": explorer.get_state()["_esm"],
            "state": {"z": [0] * 12, "digit": -1, "range": "prior", "payload": explorer.payload},
            "z": z,
        },
    )
    top = explorer.payload["order"][0]
    assert number(answer["moved"]["first"]) == pytest.approx(z[top])
    assert number(answer["moved"]["change"]) > 0
    assert answer["moved"]["pressed"] == ["Prior range"]
    assert answer["zoomed"]["pressed"] == ["Load digit 3 of 20: a 2", "Posterior range"]
    digit, kind, sent = answer["sent"]
    assert (digit, kind) == (5, "posterior")
    np.testing.assert_allclose(sent, explorer._mu[5], atol=1e-5)
    explorer.set_state({"z": sent, "digit": digit, "range": kind})  # what Python makes of it
    assert explorer.digit == 5 and explorer.change < 0.01
    explorer.set_state({"digit": 0, "range": "prior", "z": explorer._mu[0].tolist()})
    assert (answer["saved"], answer["listeners"], answer["held"], answer["left"]) == (2, 0, 0, 0)
