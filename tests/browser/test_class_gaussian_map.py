"""The class Gaussians in Chromium, from a file, offline: mouse, finger, keys, choices, axe, no script, as a widget."""

from pathlib import Path

import numpy as np
import pytest
import torch

from vae_course import zoo
from vae_course.data import load_digits
from vae_course.explore import ClassGaussianMap

pytestmark = pytest.mark.browser

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
INK, PAPER = np.array([0x22, 0x28, 0x32]), np.array([255, 255, 255])  # explore.css, light, without a theme


@pytest.fixture(scope="module")
def model():
    return zoo.load("vae-bernoulli-2d-s0")


@pytest.fixture
def explorer(model):
    return ClassGaussianMap(model, load_digits(), z=(0.5, -1.0), classes=(1, 7))


@pytest.fixture(scope="module")
def page_file(model, tmp_path_factory):
    first = ClassGaussianMap(model, load_digits(), z=(0.5, -1.0), classes=(1, 7))
    other = ClassGaussianMap(model, load_digits(), classes=[3], name="second")
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>Classes</title><body style="margin: 8px"><main><h1>Classes</h1>{first.to_html()}'
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


def figure(page):
    return page.locator(".explore-figure").first


def decoded(page):
    read = "c => [...c.getContext('2d').getImageData(0, 0, 28, 28).data]"
    rgb = np.array(page.locator(".explore-decoded").first.evaluate(read)).reshape(784, 4)[:, :3]
    return ((PAPER - rgb) / (PAPER - INK)).mean(axis=1)


def numbers(locator):
    return [float(text.replace("−", "-")) for text in locator.all_inner_texts()]


def shown_z(page):
    return numbers(figure(page).locator("output"))


def map_picture(page):
    return figure(page).locator(".explore-map canvas").evaluate("c => c.toDataURL()")


def click(page, name):
    figure(page).get_by_role("button", name=name, exact=True).click()
    next_frame(page)


def pressed(page, group):
    buttons = figure(page).get_by_role("group", name=group, exact=True).get_by_role("button", pressed=True)
    return buttons.all_inner_texts()


def assert_reads(page, explorer, model, z):
    """The page shows at z what Python and PyTorch compute there."""
    np.testing.assert_allclose(shown_z(page), z, atol=0.006)
    explorer.z = z
    with torch.no_grad():
        wanted = model.decode(torch.tensor([z], dtype=torch.float32))[0].numpy()
    # A colour channel spans some 220 steps, so half a step is 0.0023 beyond the decoder's own grey level.
    assert np.abs(decoded(page) - wanted).max() < 0.007
    percents = numbers(figure(page).locator(".gaussians-bars small"))
    np.testing.assert_allclose(percents, 100 * explorer.class_probabilities, atol=0.51)
    np.testing.assert_allclose(numbers(figure(page).locator("dd")), explorer.log_densities, atol=0.006)


def test_it_starts_in_the_state_it_was_given(open_page, explorer, model):
    page = open_page()
    assert_reads(page, explorer, model, [0.5, -1.0])
    assert pressed(page, "Choose classes") == ["1", "7"]
    assert pressed(page, "Shaded density") == ["Mixture"]
    assert pressed(page, "Covariance of the ellipses") == ["Total"]
    assert page.locator(".explore-static").first.is_hidden()
    assert page.locator("[aria-live=polite]").first.text_content() == explorer.summary()


def test_keys_move_the_point_and_the_summary_follows(open_page, explorer, model):
    page = open_page()
    said = page.locator("[aria-live=polite]").first.text_content()
    page.locator(".explore-map").first.focus()
    for key in ("ArrowLeft", "Shift+ArrowUp", "Shift+ArrowUp", "Shift+ArrowUp"):
        page.keyboard.press(key)
    next_frame(page)
    assert_reads(page, explorer, model, [0.4, 0.5])
    page.wait_for_function("old => document.querySelector('[aria-live=polite]').textContent !== old", arg=said)
    assert page.locator("[aria-live=polite]").first.text_content() == explorer.summary()
    page.keyboard.press("Home")
    next_frame(page)
    assert shown_z(page) == [0.0, 0.0]


def test_the_mouse_moves_the_point_and_a_click_holds_it(open_page, explorer):
    page = open_page()
    box = page.locator(".explore-map").first.bounding_box()
    limit, side = explorer.payload["limit"], box["width"] - 26

    def at(z1, z2):
        return box["x"] + 26 + (z1 + limit) / (2 * limit) * side, box["y"] + (limit - z2) / (2 * limit) * side

    page.mouse.move(*at(1.0, 1.0))
    next_frame(page)
    np.testing.assert_allclose(shown_z(page), [1.0, 1.0], atol=0.03)
    page.mouse.down()
    page.mouse.up()
    page.mouse.move(*at(-2.0, -1.0))
    next_frame(page)
    np.testing.assert_allclose(shown_z(page), [1.0, 1.0], atol=0.03)
    assert "held" in page.locator(".explore-hint").first.inner_text()
    click(page, "Reset point")
    assert shown_z(page) == [0.0, 0.0]


def test_a_finger_moves_the_point_and_the_page_fits_a_phone(open_page):
    page = open_page(width=390, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    box = page.locator(".explore-map").first.bounding_box()
    touch = page.context.new_cdp_session(page)
    x, y = box["x"] + 100, box["y"] + 250
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 11):
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y - 15 * step}]})
        next_frame(page)
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(200)
    assert page.evaluate("scrollY") == 0, "a finger on the map must not scroll the page"
    assert shown_z(page)[1] > 0
    figure(page).get_by_role("button", name="Class 4").tap()
    next_frame(page)
    assert pressed(page, "Choose classes") == ["1", "4", "7"]
    table = page.get_by_role("group", name="Table of the chosen classes").first
    assert table.evaluate("t => t.scrollWidth > t.clientWidth"), "the table is what must scroll"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_classes_are_chosen_one_by_one_all_and_none(open_page, explorer):
    page = open_page()
    table = figure(page).locator("tbody tr")
    before = map_picture(page)
    for name, classes in {"Class 7": [1], "Class 0": [0, 1], "All": list(range(10)), "None": []}.items():
        click(page, name)
        explorer.classes = classes
        assert pressed(page, "Choose classes") == [str(digit) for digit in classes]
        rows = [row.split() for row in table.all_inner_texts()]
        wanted = list(explorer.gaussians.items())
        wanted += [("together", explorer.matched)] if len(classes) > 1 else []
        assert [row[0] for row in rows] == [str(name) for name, _ in wanted]
        for row, (_, gaussian) in zip(rows, wanted, strict=True):
            shown = [float(text.replace("−", "-").rstrip("%")) for text in row[1:]]
            shares = [100 * gaussian.within_share, 100 * (1 - gaussian.within_share)]
            upper = gaussian.cov[np.triu_indices(2)]
            np.testing.assert_allclose(shown[:5], [*gaussian.mean, *upper], atol=6e-4)
            np.testing.assert_allclose(shown[5:], [*shares, gaussian.kl_to_prior], atol=0.06)
        said = figure(page).locator(".gaussians-controls").inner_text()
        assert (f"differ by {explorer.total_variation:.2f}" if classes else "No class is chosen.") in said
        assert map_picture(page) != before
    assert figure(page).locator("dd").all_inner_texts()[:2] == ["–", "–"]
    other = page.locator(".explore-figure").nth(1).get_by_role("group", name="Choose classes")
    assert other.get_by_role("button", pressed=True).all_inner_texts() == ["3"], "the other figure stays as it was"


def test_density_and_share_change_the_map_and_can_be_undone(open_page):
    page = open_page()
    plain, seen = map_picture(page), set()
    for group, first, names in (
        ("Shaded density", "Mixture", ["Matched Gaussian", "Prior", "Mixture − Gaussian"]),
        ("Covariance of the ellipses", "Total", ["Within images", "Between images"]),
    ):
        for name in names:
            click(page, name)
            assert pressed(page, group) == [name]
            seen.add(map_picture(page))
        click(page, first)
        assert map_picture(page) == plain
    assert len(seen) == 5
    assert plain not in seen


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(open_page, scheme, width):
    page = open_page(width=width, color_scheme=scheme, reduced_motion="reduce")
    page.evaluate(AXE)
    violations = "({violations}) => violations.map(({id, nodes}) => id + ': ' + nodes.map(n => n.html).slice(0, 3))"
    for name in (None, "All", "Mixture − Gaussian", "None"):
        if name:
            click(page, name)
        assert page.evaluate(f"axe.run(document, {{preload: false}}).then({violations})") == []


def test_the_map_follows_a_change_of_theme(open_page):
    page = open_page()
    corner = "c => [...c.getContext('2d').getImageData(c.width - 6, c.height - 60, 1, 1).data].slice(0, 3)"
    canvas = page.locator(".explore-map canvas").first
    assert canvas.evaluate(corner) == [255, 255, 255]
    page.emulate_media(color_scheme="dark")
    next_frame(page)
    assert canvas.evaluate(corner) == [20, 24, 30]


def test_without_scripts_picture_and_text_stand_in(open_page, explorer):
    page = open_page(java_script_enabled=False)
    static = page.locator(".explore-static").first
    assert static.is_visible()
    assert explorer.summary() in static.inner_text()
    assert static.locator("img").bounding_box()["width"] > 300


def test_broken_data_give_a_message_and_keep_the_picture(browser, explorer, tmp_path):
    html = explorer.to_html()
    labels = explorer.payload["labels"]
    for name, page_html in {
        "cut": html.replace('"kind":"class-gaussians"', '"kind":"class-'),
        "short": html.replace(labels, labels[:-8]),
        "other": html.replace('"kind":"class-gaussians"', '"kind":"latent-map"'),
    }.items():
        (tmp_path / f"{name}.html").write_text(page_html, encoding="utf-8")
        page = browser.new_page()
        page.goto((tmp_path / f"{name}.html").as_uri())
        assert "The class Gaussians cannot be drawn" in page.get_by_role("alert").inner_text(), name
        assert page.locator(".explore-static").is_visible(), name
        page.close()


def test_in_jupyter_the_same_module_follows_python_and_cleans_up(open_page, explorer):
    page = open_page()
    state = {"z": [0, 0], "classes": [1, 7], "density": "mixture", "share": "total", "payload": explorer.payload}
    answer = page.evaluate(
        """async ({source, state}) => {
            const url = URL.createObjectURL(new Blob([source], {type: "text/javascript"}));
            const {default: widget} = await import(url);
            const frame = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
            const listeners = [];
            const values = {...state};
            let saved = 0;
            const model = {
                get: name => values[name],
                set(name, value) {
                    values[name] = value;
                    listeners.filter(([event]) => event === `change:${name}`).forEach(([, l]) => l());
                },
                save_changes: () => saved++,
                on: (event, l) => listeners.push([event, l]),
                off: (event, l) => listeners.splice(listeners.findIndex(([e, o]) => e === event && o === l), 1),
            };
            // Counts what is listened to on window, document and media queries beyond the figure itself.
            let outside = 0;
            for (const target of [window, document, MediaQueryList.prototype]) {
                const {addEventListener: add, removeEventListener: remove} = target;
                target.addEventListener = function (...all) { outside++; return add.apply(this, all); };
                target.removeEventListener = function (...all) { outside--; return remove.apply(this, all); };
            }
            const el = document.createElement("div");
            document.body.prepend(el);
            const stop = widget.render({model, el});
            await frame();
            const heard = listeners.length;
            model.set("z", [1.25, 0.75]);  // as if from Python
            model.set("classes", [2, 3, 4]);
            model.set("density", "prior");
            model.set("share", "between");
            await frame();
            const on = () => [...el.querySelectorAll("[aria-pressed=true]")].map(b => b.textContent);
            const shown = [[...el.querySelectorAll("output")].map(o => o.textContent), on()];
            const map = el.querySelector(".explore-map");
            map.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowLeft"}));
            const buttons = [...el.querySelectorAll("button")];
            const press = text => buttons.find(b => b.textContent === text).click();
            ["3", "Mixture", "Within images"].forEach(press);
            await frame();
            const sent = [values.z, values.classes, values.density, values.share, on()];
            stop();
            map.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowLeft"}));
            ["5", "Prior", "Total", "All", "None", "Reset point"].forEach(press);
            await frame();
            const after = [values.z, values.classes, values.density, values.share];
            return {heard, shown, sent, saved, after, left: el.childElementCount, listeners: listeners.length, outside};
        }""",
        {"source": explorer.get_state()["_esm"], "state": state},
    )
    assert answer == {
        "heard": 4,
        "shown": [["1.25", "0.75"], ["2", "3", "4", "Prior", "Between images"]],
        "sent": [[1.15, 0.75], [2, 4], "mixture", "within", ["2", "4", "Mixture", "Within images"]],
        "saved": 4,
        "after": [[1.15, 0.75], [2, 4], "mixture", "within"],
        "left": 0,
        "listeners": 0,
        "outside": 0,
    }
