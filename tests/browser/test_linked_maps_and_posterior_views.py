"""The linked maps and the posterior views in Chromium, offline: mouse, finger, keys, themes, no script, as widgets."""

import explorer_pages as pages
import numpy as np
import pytest

from vae_course import zoo
from vae_course.data import load_digits
from vae_course.explore.linked_maps import MAP_SETS, LinkedMaps
from vae_course.explore.packing import unpack_matrix
from vae_course.explore.posterior_views import PosteriorViews

pytestmark = pytest.mark.browser

READY = "document.querySelectorAll('.explore-live').length === 2"  # the figures are live


@pytest.fixture(scope="module")
def linked():
    return LinkedMaps(MAP_SETS, load_digits(), n_points=300, point=5)


@pytest.fixture(scope="module")
def views():
    return PosteriorViews(zoo.load("vae-bernoulli-2d-s0"), load_digits(), point=5)


@pytest.fixture(scope="module")
def page_file(linked, views, tmp_path_factory):
    return pages.write_page(tmp_path_factory.mktemp("page"), "Maps", linked.to_html() + views.to_html() + pages.SPACE)


@pytest.fixture
def open_page(browser, page_file):
    with pages.offline_pages(browser, page_file, ready=READY, reduced_motion="reduce") as open_page:
        yield open_page


def figure(page, name):
    return page.locator(f"[data-explore={name}]")


def said(page, name):
    """What is announced, once the pause after a change is over."""
    page.wait_for_timeout(450)
    return figure(page, name).locator("[aria-live=polite]").text_content()


def place(box, point):
    """A point of a linked map, which has no axes."""
    return pages.place_on_map(box, point, limit=1, inset=0)


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
            at = [int(value) for value in place({"x": 0, "y": 0, "width": size}, points[i])]
            colour = linked.payload["colours"][linked._groups["digits"].labels[i]]
            wanted = [255 + 0.8 * (int(colour[k : k + 2], 16) - 255) for k in (1, 3, 5)]
            np.testing.assert_allclose(pages.colour_at(maps.nth(panel), *at), wanted, atol=12)


def test_pointing_in_one_map_chooses_the_point_in_all_and_a_click_holds_it(open_page, linked):
    page = open_page()
    maps = figure(page, "linked-maps").locator(".explore-map")
    before = [pages.picture(maps.nth(i).locator("canvas")) for i in range(4)]
    points = linked._points("umap-15-s0")
    first, second = lonely(points, among=range(300))[:2]
    box = maps.nth(2).bounding_box()
    page.mouse.move(*place(box, points[first]))
    pages.next_frame(page)
    assert_shows(page, linked, shown="Methods", point=first)
    after = [pages.picture(maps.nth(i).locator("canvas")) for i in range(4)]
    assert all(old != new for old, new in zip(before, after, strict=True)), "every map shows it"
    page.mouse.down()
    page.mouse.up()
    assert "held" in figure(page, "linked-maps").locator(".explore-hint").inner_text()
    page.mouse.move(*place(box, points[second]))
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
    pages.next_frame(page)
    assert_shows(page, linked, shown="Methods", point=at)
    page.keyboard.press("Home")
    assert_shows(page, linked, shown="Methods", point=0)


def test_every_set_can_be_shown_by_keyboard(open_page, linked):
    page = open_page()
    for title, names in MAP_SETS.items():
        button = figure(page, "linked-maps").get_by_role("button", name=title)
        button.focus()
        page.keyboard.press("Enter")
        pages.next_frame(page)
        assert button.get_attribute("aria-pressed") == "true"
        titles = figure(page, "linked-maps").locator(".linked-panel > .explore-title").all_inner_texts()
        assert titles == [linked.payload["maps"][name]["title"] for name in names]
        assert_shows(page, linked, shown=title, point=5)
    assert "reads as" in figure(page, "linked-maps").locator(".linked-label").inner_text()


def test_a_digit_can_be_highlighted_and_let_go(open_page):
    page = open_page()
    for name in ("linked-maps", "posterior-views"):
        canvas = figure(page, name).locator(".explore-map canvas").first
        plain = pages.picture(canvas)
        button = figure(page, name).get_by_role("button", name="Show only digit 3")
        button.click()
        pages.next_frame(page)
        assert pages.picture(canvas) != plain
        button.click()
        pages.next_frame(page)
        assert pages.picture(canvas) == plain


# ---- posterior views


def numbers(page):
    return pages.read_numbers(figure(page, "posterior-views").locator("output"))


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
        pages.next_frame(page)
        assert part.locator("[aria-label='Draw each posterior as'] [aria-pressed=true]").all_inner_texts() == [view]
        assert again.is_enabled() == (view == "Samples")
        assert two.is_enabled() == (view == "Ellipses")
        assert_views(page, views, view=view.lower())
        pictures.append(pages.picture(canvas))
    assert len(set(pictures)) == 3


def test_samples_can_be_drawn_anew_and_pointed_at(open_page, views):
    page = open_page()
    part = figure(page, "posterior-views")
    part.get_by_role("button", name="Samples").click()
    pages.next_frame(page)
    first = pages.picture(part.locator(".explore-map canvas"))
    part.get_by_role("button", name="Draw again").click()
    pages.next_frame(page)
    assert pages.picture(part.locator(".explore-map canvas")) != first
    assert "seed 1" in part.inner_text()
    views.set_state({"view": "samples", "seed": 1})
    moved = [i for i in range(300) if np.argmin(np.hypot(*(views._mu - views.samples[i]).T)) != i]
    target = lonely(views.samples, among=moved)[0]  # pointing at the means would find another
    part.locator(".explore-map").scroll_into_view_if_needed()
    box = part.locator(".explore-map").bounding_box()
    page.mouse.move(*pages.place_on_map(box, views.samples[target], limit=views.payload["limit"]))
    pages.next_frame(page)
    assert_views(page, views, view="samples", seed=1, point=target)


def test_ellipses_grow_with_the_number_of_sd_and_keys_choose(open_page, views):
    page = open_page()
    part = figure(page, "posterior-views")
    part.get_by_role("button", name="Ellipses").click()
    pages.next_frame(page)
    inked = """c => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        let n = 0;
        for (let i = 0; i < d.length; i += 4) n += Math.min(d[i], d[i + 1], d[i + 2]) < 250;
        return n; }"""
    small = part.locator(".explore-map canvas").evaluate(inked)
    part.get_by_role("button", name="2 sd").click()
    pages.next_frame(page)
    assert part.locator(".explore-map canvas").evaluate(inked) > 1.3 * small
    part.locator(".explore-map").focus()
    page.keyboard.press("ArrowUp")
    pages.next_frame(page)
    step = views._mu - views._mu[5]
    inside = (step[:, 1] > 0) & (np.abs(step[:, 0]) <= step[:, 1])
    assert_views(
        page, views, view="ellipses", n_std=2, point=int(np.argmin(np.where(inside, np.hypot(*step.T), np.inf)))
    )


# ---- both


def test_a_finger_on_a_map_chooses_and_beside_it_scrolls(open_page, linked, views):
    page = open_page(width=390, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for name, up in (("linked-maps", 60), ("posterior-views", 100)):
        map_ = figure(page, name).locator(".explore-map").first
        map_.scroll_into_view_if_needed()
        box, scrolled = map_.bounding_box(), page.evaluate("scrollY")
        before = said(page, name)
        pages.swipe(page, box["x"] + 0.5 * box["width"], box["y"] + 0.8 * box["height"], up=up)
        assert page.evaluate("scrollY") == scrolled, "a finger on the map must not scroll the page"
        assert said(page, name) != before
    hint = figure(page, "linked-maps").locator(".explore-hint")
    hint.scroll_into_view_if_needed()
    box, scrolled = hint.bounding_box(), page.evaluate("scrollY")
    pages.swipe(page, box["x"] + 60, box["y"] + 20, up=120)
    assert page.evaluate("scrollY") > scrolled, "beside the map the page must scroll"


@pages.ON_EVERY_SCREEN
def test_axe_finds_nothing(open_page, scheme, width):
    page = open_page(width=width, color_scheme=scheme)
    dark = "document.body.style.background = '#14181e'; document.body.style.color = '#ced6dd'"
    page.evaluate(dark if scheme == "dark" else "0")
    figure(page, "posterior-views").get_by_role("button", name="Ellipses").click()
    pages.next_frame(page)
    assert pages.axe_violations(page) == []
    pages.assert_fits(page)


def test_the_maps_follow_a_change_of_theme(open_page):
    page = open_page()
    canvases = [figure(page, n).locator(".explore-map canvas").first for n in ("linked-maps", "posterior-views")]
    assert [pages.colour_at(canvas, 40, 4) for canvas in canvases] == [pages.LIGHT] * 2
    page.emulate_media(color_scheme="dark")
    pages.next_frame(page)
    assert [pages.colour_at(canvas, 40, 4) for canvas in canvases] == [pages.DARK] * 2


def test_without_scripts_and_in_print_picture_and_text_stand_in(open_page, linked, views):
    for name, explorer in (("linked-maps", linked), ("posterior-views", views)):
        explorer.set_state({"point": 5, **({"shown": "Methods"} if name == "linked-maps" else {"view": "means"})})
    page = open_page(java_script_enabled=False)
    for name, explorer in (("linked-maps", linked), ("posterior-views", views)):
        pages.assert_picture_and_text(figure(page, name), explorer)
    page = open_page()
    pages.assert_prints_the_picture(page, figure(page, "linked-maps"), figure(page, "posterior-views"))


@pytest.mark.parametrize("which", ["linked", "views"])
def test_broken_data_give_a_message_and_keep_the_picture(browser, linked, views, which, tmp_path):
    explorer = linked if which == "linked" else views
    pages.assert_broken_data_are_said(browser, tmp_path, explorer, "cannot be drawn", short=("values", "labels"))


@pytest.mark.parametrize("which", ["linked", "views"])
def test_in_jupyter_the_same_module_follows_python_and_cleans_up(open_page, linked, views, which):
    explorer = linked if which == "linked" else views
    changed = {"shown": "Noise", "point": 9} if which == "linked" else {"view": "samples", "seed": 4, "point": 9}
    ask = ".linked-label" if which == "linked" else ".views-tools"
    explorer.set_state(changed)
    wanted = f"reads as {explorer.label}" if which == "linked" else "Draw againseed 4"
    state = {**explorer.get_state(explorer.state_names), "point": 3}
    steps = """async ({model, values, el, frame}, {changed, ask}) => {
        for (const [name, value] of Object.entries(changed)) model.set(name, value);  // as if from Python
        await frame();
        const text = el.querySelector(ask).textContent;
        const map = el.querySelector(".explore-map");
        const home = () => map.dispatchEvent(new KeyboardEvent("keydown", {key: "Home"}));
        home();
        const sent = values.point;
        model.set("point", 7);
        return [{text, sent}, home];
    }"""
    answer = pages.run_as_widget(open_page(), explorer, state, steps, changed=changed, ask=ask)
    assert answer["seen"] == {"text": wanted, "sent": 0}
    assert (answer["values"]["point"], answer["saved"]) == (7, 1)
