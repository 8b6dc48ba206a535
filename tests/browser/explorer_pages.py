"""What the tests of the explorers share: a page of their own opened offline, its pixels, hands, and Jupyter's part."""

from __future__ import annotations

import itertools
import re
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
INK, PAPER = np.array([0x22, 0x28, 0x32]), np.array([255, 255, 255])  # explore.css, light, without a theme
LIGHT, DARK = [255, 255, 255], [20, 24, 30]  # the ground of a canvas, without a theme
ON_EVERY_SCREEN = pytest.mark.parametrize(("width", "scheme"), list(itertools.product((390, 1280), ("light", "dark"))))


# ---- pages


def write_page(folder, title, body, *, style=""):
    """A page with these figures alone, in `folder`."""
    path = folder / "page.html"
    path.write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'{style}<title>{title}</title><body style="margin: 8px"><main><h1>{title}</h1>{body}</main></body></html>',
        encoding="utf-8",
    )
    return path


SPACE = '<div style="height: 1500px"></div>'  # makes a page long enough to scroll


@contextmanager
def offline_pages(browser, file, *, ready, **usual):
    """Gives `open_page(width=390, has_touch=True, ...)`; what it opens may ask for nothing and complain about nothing.

    `ready` is JavaScript that is true once the figures are live; `usual` are options of the pages that differ from
    width 1000 and height 800.
    """
    contexts, faults = [], []

    def open_page(**options):
        options = {"width": 1000, "height": 800, **usual, **options}
        context = browser.new_context(viewport={key: options.pop(key) for key in ("width", "height")}, **options)
        contexts.append(context)
        context.set_offline(True)
        page = context.new_page()
        # The one message allowed is Chromium's remark on this test's own reading of pixels.
        page.on("console", lambda m: None if "willReadFrequently" in m.text else faults.append(m.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        inside = (file.as_uri(), "blob:", "data:")
        page.on("request", lambda request: None if request.url.startswith(inside) else faults.append(request.url))
        page.goto(file.as_uri())
        if options.get("java_script_enabled", True):
            page.wait_for_function(ready)
            next_frame(page)
        return page

    try:
        yield open_page
    finally:
        for context in contexts:
            context.close()
    assert not faults


def next_frame(page):
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


# ---- reading what is shown


def read_number(text):
    return float(text.replace("−", "-"))


def read_numbers(locator):
    return [read_number(text) for text in locator.all_inner_texts()]


def picture(canvas):
    """What the canvas shows, to be compared with what it showed before."""
    return canvas.evaluate("c => c.toDataURL()")


def colour_at(canvas, x, y):
    """Red, green and blue of one pixel; counted from the far edge where x or y is negative."""
    read = """(c, [x, y]) => [...c.getContext('2d').getImageData(
        x < 0 ? c.width + x : x, y < 0 ? c.height + y : y, 1, 1).data].slice(0, 3)"""
    return canvas.evaluate(read, [x, y])


def rgb(canvas):
    """All pixels of the canvas of a digit, (784, 3), from 0 to 255."""
    read = "c => [...c.getContext('2d').getImageData(0, 0, 28, 28).data]"
    return np.array(canvas.evaluate(read)).reshape(784, 4)[:, :3]


def ink_of(pixels):
    """Pixels (784, 3) in the light theme as ink, (784,) in [0, 1]."""
    return ((PAPER - pixels) / (PAPER - INK)).mean(axis=1)


def decoded(page):
    """The picture of the decoded digit as ink, (784,) in [0, 1]."""
    return ink_of(rgb(page.locator(".explore-decoded").first))


def decoded_by(model, z):
    """What PyTorch decodes at one z, (784,)."""
    with torch.no_grad():
        return model.decode(torch.tensor([z], dtype=torch.float32))[0].numpy()


def assert_same_ink(shown, wanted):
    # A colour channel spans some 220 steps, so half a step is 0.0023 beyond the decoder's own grey level.
    assert np.abs(shown - wanted).max() < 0.007


# ---- hands


def place_on_map(box, point, *, limit, inset=26):
    """Where in the window a point of the latent plane lies: the map's `box` spans -limit to limit beside its axes."""
    side = box["width"] - inset
    x, y = point
    return box["x"] + inset + (x + limit) / (2 * limit) * side, box["y"] + (limit - y) / (2 * limit) * side


def swipe(page, x, y, *, right=0, up=0):
    """A finger goes down at (x, y), moves in ten steps, and lifts; then the page has time to scroll."""
    touch = page.context.new_cdp_session(page)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 11):
        moved = {"x": x + right * step / 10, "y": y - up * step / 10}
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [moved]})
        next_frame(page)
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(200)


# ---- what every figure must do


def axe_violations(page):
    """What axe complains about: each rule with the first elements that break it."""
    page.evaluate(AXE)
    found = "({id, nodes}) => id + ': ' + nodes.slice(0, 3).map(node => node.html.slice(0, 120)).join(' | ')"
    return page.evaluate(f"axe.run(document).then(({{violations}}) => violations.map({found}))")


def assert_fits(page):
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def assert_picture_and_text(part, explorer):
    """Where no script runs, the picture and the summary are there to be seen."""
    static = part.locator(".explore-static")
    assert static.is_visible()
    assert explorer.summary() in static.inner_text()
    image = static.locator("img").bounding_box()
    assert image["width"] > 300
    assert image["height"] > 100


def assert_prints_the_picture(page, *parts):
    page.emulate_media(media="print")
    for part in parts:
        assert part.locator(".explore-static").is_visible()
        assert part.locator(".explore-frame").is_hidden()


def broken_pages(html, short):
    """The figure with data that cannot be read: cut, of another figure, missing, each part in `short` too short."""
    broken = {
        "cut": re.sub(r'("kind":"[^"]*)"', r"\1", html),
        "other": re.sub(r'"kind":"[^"]*"', '"kind":"other"', html),
        "missing": re.sub(r'<script type="application/json">.*?</script>', "", html, flags=re.DOTALL),
        **{key: re.sub(rf'("{key}":")[^"]{{8}}', r"\1", html) for key in short},
    }
    assert html not in broken.values()
    return broken


def assert_broken_data_are_said(browser, folder, explorer, message, *, short=("values",)):
    """With broken data a figure says so in words and keeps its picture."""
    for name, html in broken_pages(explorer.to_html(), short).items():
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
        page = browser.new_page()
        page.goto((folder / f"{name}.html").as_uri())
        assert message in page.get_by_role("alert").inner_text(), name
        assert page.locator(".explore-static").is_visible(), name
        page.close()


# ---- Jupyter

# Renders a module with a stand-in for anywidget's model, and counts the listeners that it adds to anything.
AS_A_WIDGET = """async (source, state) => {
    const {default: module} = await import(URL.createObjectURL(new Blob([source], {type: "text/javascript"})));
    const frame = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    const values = {...state};
    const heard = new Set();
    const held = new Set();
    let saved = 0;
    const drop = (pairs, ...wanted) => {
        for (const pair of [...pairs]) if (pair.every((part, i) => part === wanted[i])) pairs.delete(pair);
    };
    const model = {
        get: name => values[name],
        set(name, value) {
            values[name] = value;
            for (const [event, listener] of [...heard]) if (event === `change:${name}`) listener();
        },
        save_changes: () => saved++,
        on: (event, listener) => heard.add([event, listener]),
        off: (event, listener) => drop(heard, event, listener),
    };
    const own = {};
    for (const name of ["addEventListener", "removeEventListener"]) {
        own[name] = EventTarget.prototype[name];
        EventTarget.prototype[name] = function (type, listener, options) {
            const capture = Boolean(options?.capture ?? options);
            drop(held, this, type, listener, capture);
            if (name === "addEventListener") held.add([this, type, listener, capture]);
            return own[name].call(this, type, listener, options);
        };
    }
    const el = document.createElement("div");
    document.body.prepend(el);
    const stop = module.render({model, el});
    await frame();
    const count = () => ({model: heard.size, page: held.size, elements: el.childElementCount});
    const close = () => Object.assign(EventTarget.prototype, own);
    return {model, values, el, frame, count, saved: () => saved, stop, close};
}"""

RUN_AS_A_WIDGET = """async ({source, state, given}) => {
    const widget = await (AS_A_WIDGET)(source, state);
    const started = widget.count();
    const traits = Object.keys(state).filter(name => name !== "payload");
    const sent = () => Object.fromEntries(traits.map(name => [name, widget.values[name]]));
    const [seen, poke] = await (STEPS)(widget, given);
    const [values, saved] = [sent(), widget.saved()];
    widget.stop();
    await poke();
    await widget.frame();
    widget.close();
    const after = {values: sent(), saved: widget.saved(), ...widget.count()};
    return {seen, started, values, saved, after};
}"""


def run_as_widget(page, explorer, state, steps, *, listeners=8, **given):
    """Runs a figure's module as Jupyter does, and checks that it leaves nothing behind.

    `steps` is a JavaScript function of the widget (model, values, el, frame, saved) and `given`. It returns what it
    has seen, and a function that pokes at the figure's elements once the figure is stopped. While it is up, the figure
    must hold more than so many `listeners`, and hear one change event for each trait in `state`. The answer holds
    `seen`, the traits' `values` at the stop, and how often they were `saved`, i.e. sent to Python.
    """
    given = {"source": explorer.get_state()["_esm"], "state": {**state, "payload": explorer.payload}, "given": given}
    run = RUN_AS_A_WIDGET.replace("AS_A_WIDGET", AS_A_WIDGET).replace("STEPS", steps)
    answer = page.evaluate(run, given)
    started, after = answer.pop("started"), answer.pop("after")
    assert started["elements"] > 0
    assert started["page"] > listeners
    assert started["model"] == len(state)
    stopped = {"values": answer["values"], "saved": answer["saved"]}
    assert after == {**stopped, "model": 0, "page": 0, "elements": 0}
    return answer
