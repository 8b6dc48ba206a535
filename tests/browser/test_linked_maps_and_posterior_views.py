"""The linked maps and the posterior views in Chromium, offline: mouse, finger, keys, themes, no script, as widgets."""

import re

import numpy as np
import pytest

from vae_course import zoo
from vae_course.data import load_digits
from vae_course.explore.linked_maps import MAP_SETS, LinkedMaps
from vae_course.explore.packing import unpack_matrix
from vae_course.explore.posterior_views import PosteriorViews

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def linked():
    return LinkedMaps(MAP_SETS, load_digits(), n_points=300, point=5)


@pytest.fixture(scope="module")
def views():
    return PosteriorViews(zoo.load("vae-bernoulli-2d-s0"), load_digits(), point=5)


@pytest.fixture(scope="module")
def page_file(linked, views, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>Maps</title><body style="margin: 8px"><main><h1>Maps</h1>{linked.to_html()}{views.to_html()}'
        '<div style="height: 1500px"></div></main></body></html>',
        encoding="utf-8",
    )
    return path


@pytest.fixture
def open_page(browser, page_file):
    """Opens the page offline; at the end, no request, no console message and no error may have come."""
    contexts, faults = [], []

    def open_page(*, width=1000, **options):
        options.setdefault("reduced_motion", "reduce")
        context = browser.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        context.set_offline(True)
        page = context.new_page()
        page.on("console", lambda m: None if "willReadFrequently" in m.text else faults.append(m.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        inside = (page_file.as_uri(), "blob:", "data:")
        page.on("request", lambda request: None if request.url.startswith(inside) else faults.append(request.url))
        page.goto(page_file.as_uri())
        if options.get("java_script_enabled", True):
            page.wait_for_function("document.querySelectorAll('.explore-live').length === 2")
            next_frame(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults


def next_frame(page):
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def figure(page, name):
    return page.locator(f"[data-explore={name}]")


def said(page, name):
    """What is announced, once the pause after a change is over."""
    page.wait_for_timeout(450)
    return figure(page, name).locator("[aria-live=polite]").text_content()


def pixel(box, point, *, limit=1.0, inset=0):
    side = box["width"] - inset
    return box["x"] + inset + (point[0] + limit) / (2 * limit) * side, box["y"] + (limit - point[1]) / (
        2 * limit
    ) * side


def lonely(points, *, among):
    """Indices of `among`, the loneliest first: those that a pointer cannot miss."""
    distance = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    np.fill_diagonal(distance, np.inf)
    return sorted(among, key=lambda i: -distance[i].min())


# ---- linked maps


def kept_shown(page):
    notes = figure(page, "linked-maps").locator(".linked-panel:not([hidden]) > .explore-note").all_inner_texts()
    return [int(note.split(" of ")[0]) for note in notes]


def assert_shows(page, linked, **state):
    linked.set_state(state)
    assert kept_shown(page) == list(linked.kept.values())
    assert figure(page, "linked-maps").locator(".linked-label b").inner_text() == str(linked.label)
    assert said(page, "linked-maps") == linked.summary()


def test_linked_maps_start_where_they_were_told_to(open_page, linked):
    page = open_page()
    assert_shows(page, linked, shown="Methods", point=5)
    assert figure(page, "linked-maps").locator(".explore-static").is_hidden()


def test_each_map_has_its_own_points_in_their_digits_colours(open_page, linked):
    page = open_page()
    maps = figure(page, "linked-maps").locator(".explore-map canvas")
    marked = {5, *linked._groups["digits"].near[5]}
    for panel, name in enumerate(MAP_SETS["Methods"]):
        points, size = linked._points(name), maps.nth(panel).evaluate("c => c.width")
        free = [i for i in range(300) if np.hypot(*(points[i] - points[list(marked)]).T).min() > 0.15]
        for i in lonely(points, among=free)[:3]:
            at = [int(value) for value in pixel({"x": 0, "y": 0, "width": size}, points[i])]
            read = "(c, [x, y]) => [...c.getContext('2d').getImageData(x, y, 1, 1).data].slice(0, 3)"
            colour = linked.payload["colours"][linked._groups["digits"].labels[i]]
            wanted = [255 + 0.8 * (int(colour[k : k + 2], 16) - 255) for k in (1, 3, 5)]
            np.testing.assert_allclose(maps.nth(panel).evaluate(read, at), wanted, atol=12)


def test_pointing_in_one_map_chooses_the_point_in_all_and_a_click_holds_it(open_page, linked):
    page = open_page()
    maps = figure(page, "linked-maps").locator(".explore-map")
    before = [maps.nth(i).locator("canvas").evaluate("c => c.toDataURL()") for i in range(4)]
    points = linked._points("umap-15-s0")
    first, second = lonely(points, among=range(300))[:2]
    box = maps.nth(2).bounding_box()
    page.mouse.move(*pixel(box, points[first]))
    next_frame(page)
    assert_shows(page, linked, shown="Methods", point=first)
    after = [maps.nth(i).locator("canvas").evaluate("c => c.toDataURL()") for i in range(4)]
    assert all(old != new for old, new in zip(before, after, strict=True)), "every map shows it"
    page.mouse.down()
    page.mouse.up()
    assert "held" in figure(page, "linked-maps").locator(".explore-hint").inner_text()
    page.mouse.move(*pixel(box, points[second]))
    assert_shows(page, linked, shown="Methods", point=first)
    page.mouse.down()
    page.mouse.up()
    assert_shows(page, linked, shown="Methods", point=second)


def test_keys_go_to_the_nearest_point_in_their_direction(open_page, linked):
    page = open_page()
    points, at = linked._points("pca"), 5
    figure(page, "linked-maps").locator(".explore-map").first.focus()
    for key, axis, sign in (("ArrowRight", 0, 1), ("ArrowUp", 1, 1), ("ArrowLeft", 0, -1), ("ArrowLeft", 0, -1)):
        page.keyboard.press(key)
        step = points - points[at]
        inside = (sign * step[:, axis] > 0) & (np.abs(step[:, 1 - axis]) <= sign * step[:, axis])
        at = int(np.argmin(np.where(inside, np.hypot(*step.T), np.inf))) if inside.any() else at
    next_frame(page)
    assert_shows(page, linked, shown="Methods", point=at)
    page.keyboard.press("Home")
    assert_shows(page, linked, shown="Methods", point=0)


def test_every_set_can_be_shown_by_keyboard(open_page, linked):
    page = open_page()
    for title, names in MAP_SETS.items():
        button = figure(page, "linked-maps").get_by_role("button", name=title)
        button.focus()
        page.keyboard.press("Enter")
        next_frame(page)
        assert button.get_attribute("aria-pressed") == "true"
        titles = figure(page, "linked-maps").locator(".linked-panel > .explore-title").all_inner_texts()
        assert titles == [linked.payload["maps"][name]["title"] for name in names]
        assert_shows(page, linked, shown=title, point=5)
    assert "reads as" in figure(page, "linked-maps").locator(".linked-label").inner_text()


def test_a_digit_can_be_highlighted_and_let_go(open_page):
    page = open_page()
    for name in ("linked-maps", "posterior-views"):
        canvas = figure(page, name).locator(".explore-map canvas").first
        plain = canvas.evaluate("c => c.toDataURL()")
        button = figure(page, name).get_by_role("button", name="Show only digit 3")
        button.click()
        next_frame(page)
        assert canvas.evaluate("c => c.toDataURL()") != plain
        button.click()
        next_frame(page)
        assert canvas.evaluate("c => c.toDataURL()") == plain


# ---- posterior views


def numbers(page):
    shown = figure(page, "posterior-views").locator("output").all_inner_texts()
    return [float(text.replace("−", "-")) for text in shown]


def assert_views(page, views, **state):
    views.set_state(state)
    assert said(page, "posterior-views") == views.summary()
    mu, std = (unpack_matrix(views.payload[key]).T[views.point] for key in ("mu", "std"))
    np.testing.assert_allclose(numbers(page), [*mu, *std], atol=0.0051)


def test_one_switch_shows_means_samples_and_ellipses(open_page, views):
    page = open_page()
    part = figure(page, "posterior-views")
    assert_views(page, views, view="means", n_std=1, seed=0, point=5)
    canvas, pictures = part.locator(".explore-map canvas"), []
    again, two = part.get_by_role("button", name="Draw again"), part.get_by_role("button", name="2 sd")
    assert again.is_disabled() and two.is_disabled()
    for view in ("Samples", "Ellipses", "Means"):
        part.get_by_role("button", name=view, exact=True).click()
        next_frame(page)
        assert part.locator("[aria-label='Draw each posterior as'] [aria-pressed=true]").all_inner_texts() == [view]
        assert again.is_enabled() == (view == "Samples")
        assert two.is_enabled() == (view == "Ellipses")
        assert_views(page, views, view=view.lower())
        pictures.append(canvas.evaluate("c => c.toDataURL()"))
    assert len(set(pictures)) == 3


def test_samples_can_be_drawn_anew_and_pointed_at(open_page, views):
    page = open_page()
    part = figure(page, "posterior-views")
    part.get_by_role("button", name="Samples").click()
    next_frame(page)
    first = part.locator(".explore-map canvas").evaluate("c => c.toDataURL()")
    part.get_by_role("button", name="Draw again").click()
    next_frame(page)
    assert part.locator(".explore-map canvas").evaluate("c => c.toDataURL()") != first
    assert "seed 1" in part.inner_text()
    views.set_state({"view": "samples", "seed": 1})
    moved = [i for i in range(300) if np.argmin(np.hypot(*(views._mu - views.samples[i]).T)) != i]
    target = lonely(views.samples, among=moved)[0]  # pointing at the means would find another
    part.locator(".explore-map").scroll_into_view_if_needed()
    box = part.locator(".explore-map").bounding_box()
    page.mouse.move(*pixel(box, views.samples[target], limit=views.payload["limit"], inset=26))
    next_frame(page)
    assert_views(page, views, view="samples", seed=1, point=target)


def test_ellipses_grow_with_the_number_of_sd_and_keys_choose(open_page, views):
    page = open_page()
    part = figure(page, "posterior-views")
    part.get_by_role("button", name="Ellipses").click()
    next_frame(page)
    inked = """c => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        let n = 0;
        for (let i = 0; i < d.length; i += 4) n += Math.min(d[i], d[i + 1], d[i + 2]) < 250;
        return n; }"""
    small = part.locator(".explore-map canvas").evaluate(inked)
    part.get_by_role("button", name="2 sd").click()
    next_frame(page)
    assert part.locator(".explore-map canvas").evaluate(inked) > 1.3 * small
    part.locator(".explore-map").focus()
    page.keyboard.press("ArrowUp")
    next_frame(page)
    step = views._mu - views._mu[5]
    inside = (step[:, 1] > 0) & (np.abs(step[:, 0]) <= step[:, 1])
    assert_views(
        page, views, view="ellipses", n_std=2, point=int(np.argmin(np.where(inside, np.hypot(*step.T), np.inf)))
    )


# ---- both


def test_a_finger_on_a_map_chooses_and_beside_it_scrolls(open_page, linked, views):
    page = open_page(width=390, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    touch = page.context.new_cdp_session(page)

    def swipe(x, y, *, up):
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for step in range(1, 11):
            moved = [{"x": x, "y": y - up * step / 10}]
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": moved})
            next_frame(page)
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        page.wait_for_timeout(200)

    for name, up in (("linked-maps", 60), ("posterior-views", 100)):
        map_ = figure(page, name).locator(".explore-map").first
        map_.scroll_into_view_if_needed()
        box, scrolled = map_.bounding_box(), page.evaluate("scrollY")
        before = said(page, name)
        swipe(box["x"] + 0.5 * box["width"], box["y"] + 0.8 * box["height"], up=up)
        assert page.evaluate("scrollY") == scrolled, "a finger on the map must not scroll the page"
        assert said(page, name) != before
    hint = figure(page, "linked-maps").locator(".explore-hint")
    hint.scroll_into_view_if_needed()
    box, scrolled = hint.bounding_box(), page.evaluate("scrollY")
    swipe(box["x"] + 60, box["y"] + 20, up=120)
    assert page.evaluate("scrollY") > scrolled, "beside the map the page must scroll"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing(open_page, root, scheme, width):
    page = open_page(width=width, color_scheme=scheme)
    dark = "document.body.style.background = '#14181e'; document.body.style.color = '#ced6dd'"
    page.evaluate(dark if scheme == "dark" else "0")
    figure(page, "posterior-views").get_by_role("button", name="Ellipses").click()
    next_frame(page)
    page.evaluate((root / "tests" / "browser" / "vendor" / "axe.min.js").read_text(encoding="utf-8"))
    result = page.evaluate("axe.run()")
    assert [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in result["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_maps_follow_a_change_of_theme(open_page):
    page = open_page()
    corner = "c => [...c.getContext('2d').getImageData(40, 4, 1, 1).data].slice(0, 3)"
    canvases = [figure(page, n).locator(".explore-map canvas").first for n in ("linked-maps", "posterior-views")]
    assert [canvas.evaluate(corner) for canvas in canvases] == [[255, 255, 255]] * 2
    page.emulate_media(color_scheme="dark")
    next_frame(page)
    assert [canvas.evaluate(corner) for canvas in canvases] == [[20, 24, 30]] * 2


def test_without_scripts_and_in_print_picture_and_text_stand_in(open_page, linked, views):
    for name, explorer in (("linked-maps", linked), ("posterior-views", views)):
        explorer.set_state({"point": 5, **({"shown": "Methods"} if name == "linked-maps" else {"view": "means"})})
    page = open_page(java_script_enabled=False)
    for name, explorer in (("linked-maps", linked), ("posterior-views", views)):
        static = figure(page, name).locator(".explore-static")
        assert static.is_visible()
        assert explorer.summary() in static.inner_text()
        assert static.locator("img").bounding_box()["width"] > 300
    page = open_page()
    page.emulate_media(media="print")
    for name in ("linked-maps", "posterior-views"):
        assert figure(page, name).locator(".explore-static").is_visible()
        assert figure(page, name).locator(".explore-frame").is_hidden()


@pytest.mark.parametrize("which", ["linked", "views"])
def test_broken_data_give_a_message_and_keep_the_picture(browser, linked, views, which, tmp_path):
    html = (linked if which == "linked" else views).to_html()
    for name, page_html in {
        "cut": re.sub(r'"kind":"(linked-maps|posterior-views)"', '"kind":"maps"', html),
        "missing": re.sub(r'<script type="application/json">.*?</script>', "", html, flags=re.DOTALL),
        "short": re.sub(r'("values":")[^"]{8}', r"\1", html),
        "labels": re.sub(r'("labels":")[^"]{8}', r"\1", html),
    }.items():
        (tmp_path / f"{name}.html").write_text(page_html, encoding="utf-8")
        page = browser.new_page()
        page.goto((tmp_path / f"{name}.html").as_uri())
        assert "cannot be drawn" in page.get_by_role("alert").inner_text(), name
        assert page.locator(".explore-static").is_visible(), name
        page.close()


AS_A_WIDGET = """async ({source, state, changed, ask}) => {
    const url = URL.createObjectURL(new Blob([source], {type: "text/javascript"}));
    const {default: widget} = await import(url);
    const frame = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    const listeners = new Map();
    const values = {...state};
    let saved = 0;
    const model = {
        get: name => values[name],
        set: (name, value) => { values[name] = value; (listeners.get("change:" + name) ?? []).forEach(l => l()); },
        save_changes: () => saved++,
        on: (event, l) => listeners.set(event, [...(listeners.get(event) ?? []), l]),
        off: (event, l) => listeners.set(event, (listeners.get(event) ?? []).filter(o => o !== l)),
    };
    // Counts what is listened to and not let go, on all targets.
    const held = new Set();
    const [add, remove] = [EventTarget.prototype.addEventListener, EventTarget.prototype.removeEventListener];
    const ids = new WeakMap();
    let last = 0;
    const key = (target, type, l) => {
        for (const o of [target, l]) if (!ids.has(o)) ids.set(o, ++last);
        return [ids.get(target), type, ids.get(l)].join();
    };
    EventTarget.prototype.addEventListener = function (type, l, ...rest) {
        held.add(key(this, type, l));
        return add.call(this, type, l, ...rest);
    };
    EventTarget.prototype.removeEventListener = function (type, l, ...rest) {
        held.delete(key(this, type, l));
        return remove.call(this, type, l, ...rest);
    };
    const el = document.createElement("div");
    document.body.prepend(el);
    const stop = widget.render({model, el});
    await frame();
    const listening = held.size;
    for (const [name, value] of Object.entries(changed)) model.set(name, value);  // as if from Python
    await frame();
    const text = el.querySelector(ask).textContent;
    const map = el.querySelector(".explore-map");
    map.dispatchEvent(new KeyboardEvent("keydown", {key: "Home"}));
    const sent = values.point;
    model.set("point", 7);
    stop();
    map.dispatchEvent(new KeyboardEvent("keydown", {key: "Home"}));
    await frame();
    Object.assign(EventTarget.prototype, {addEventListener: add, removeEventListener: remove});
    const left = [...listeners.values()].flat().length;
    const [held_after, children] = [held.size, el.childElementCount];
    return {text, sent, saved, after: values.point, listening: listening > 8, held: held_after, left, children};
}"""


@pytest.mark.parametrize("which", ["linked", "views"])
def test_in_jupyter_the_same_module_follows_python_and_cleans_up(open_page, linked, views, which):
    page = open_page()
    explorer = linked if which == "linked" else views
    changed = {"shown": "Noise", "point": 9} if which == "linked" else {"view": "samples", "seed": 4, "point": 9}
    ask = ".linked-label" if which == "linked" else ".views-tools"
    explorer.set_state(changed)
    wanted = f"reads as {explorer.label}" if which == "linked" else "Draw againseed 4"
    state = {"payload": explorer.payload, **explorer.get_state(explorer.state_names), "point": 3}
    answer = page.evaluate(
        AS_A_WIDGET, {"source": explorer.get_state()["_esm"], "state": state, "changed": changed, "ask": ask}
    )
    assert answer == {
        "text": wanted,
        "sent": 0,
        "saved": 1,
        "after": 7,
        "listening": True,
        "held": 0,
        "left": 0,
        "children": 0,
    }
