"""The class Gaussians in Chromium, from a file, offline: mouse, finger, keys, choices, axe, no script, as a widget."""

import explorer_pages as pages
import numpy as np
import pytest

from vae_course import zoo
from vae_course.data import load_digits
from vae_course.explore import ClassGaussianMap

pytestmark = pytest.mark.browser

READY = "document.querySelectorAll('.explore-live output').length === 4"  # the figures are live


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
    return pages.write_page(tmp_path_factory.mktemp("page"), "Classes", first.to_html() + pages.SPACE + other.to_html())


@pytest.fixture
def open_page(browser, page_file):
    with pages.offline_pages(browser, page_file, ready=READY) as open_page:
        yield open_page


def figure(page):
    return page.locator(".explore-figure").first


def shown_z(page):
    return pages.read_numbers(figure(page).locator("output"))


def map_picture(page):
    return pages.picture(figure(page).locator(".explore-map canvas"))


def click(page, name):
    figure(page).get_by_role("button", name=name, exact=True).click()
    pages.next_frame(page)


def pressed(page, group):
    buttons = figure(page).get_by_role("group", name=group, exact=True).get_by_role("button", pressed=True)
    return buttons.all_inner_texts()


def assert_reads(page, explorer, model, z):
    """The page shows at z what Python and PyTorch compute there."""
    np.testing.assert_allclose(shown_z(page), z, atol=0.006)
    explorer.z = z
    pages.assert_same_ink(pages.decoded(page), pages.decoded_by(model, z))
    percents = pages.read_numbers(figure(page).locator(".gaussians-bars small"))
    np.testing.assert_allclose(percents, 100 * explorer.class_probabilities, atol=0.51)
    np.testing.assert_allclose(pages.read_numbers(figure(page).locator("dd")), explorer.log_densities, atol=0.006)


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
    pages.next_frame(page)
    assert_reads(page, explorer, model, [0.4, 0.5])
    page.wait_for_function("old => document.querySelector('[aria-live=polite]').textContent !== old", arg=said)
    assert page.locator("[aria-live=polite]").first.text_content() == explorer.summary()
    page.keyboard.press("Home")
    pages.next_frame(page)
    assert shown_z(page) == [0.0, 0.0]


def test_the_mouse_moves_the_point_and_a_click_holds_it(open_page, explorer):
    page = open_page()
    box = page.locator(".explore-map").first.bounding_box()

    def at(*z):
        return pages.place_on_map(box, z, limit=explorer.payload["limit"])

    page.mouse.move(*at(1.0, 1.0))
    pages.next_frame(page)
    np.testing.assert_allclose(shown_z(page), [1.0, 1.0], atol=0.03)
    page.mouse.down()
    page.mouse.up()
    page.mouse.move(*at(-2.0, -1.0))
    pages.next_frame(page)
    np.testing.assert_allclose(shown_z(page), [1.0, 1.0], atol=0.03)
    assert "held" in page.locator(".explore-hint").first.inner_text()
    click(page, "Reset point")
    assert shown_z(page) == [0.0, 0.0]


def test_a_finger_moves_the_point_and_the_page_fits_a_phone(open_page):
    page = open_page(width=390, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    box = page.locator(".explore-map").first.bounding_box()
    pages.swipe(page, box["x"] + 100, box["y"] + 250, up=150)
    assert page.evaluate("scrollY") == 0, "a finger on the map must not scroll the page"
    assert shown_z(page)[1] > 0
    figure(page).get_by_role("button", name="Class 4").tap()
    pages.next_frame(page)
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
            shown = [pages.read_number(text.rstrip("%")) for text in row[1:]]
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


@pages.ON_EVERY_SCREEN
def test_axe_finds_no_violation(open_page, scheme, width):
    page = open_page(width=width, color_scheme=scheme, reduced_motion="reduce")
    for name in (None, "All", "Mixture − Gaussian", "None"):
        if name:
            click(page, name)
        assert pages.axe_violations(page) == []
        pages.assert_fits(page)


def test_the_map_follows_a_change_of_theme(open_page):
    page = open_page()
    canvas = page.locator(".explore-map canvas").first
    assert pages.colour_at(canvas, -6, -60) == pages.LIGHT
    page.emulate_media(color_scheme="dark")
    pages.next_frame(page)
    assert pages.colour_at(canvas, -6, -60) == pages.DARK


def test_without_scripts_picture_and_text_stand_in(open_page, explorer):
    pages.assert_picture_and_text(open_page(java_script_enabled=False).locator(".explore").first, explorer)


def test_broken_data_give_a_message_and_keep_the_picture(browser, explorer, tmp_path):
    message = "The class Gaussians cannot be drawn"
    pages.assert_broken_data_are_said(browser, tmp_path, explorer, message, short=("labels",))


def test_in_jupyter_the_same_module_follows_python_and_cleans_up(open_page, explorer):
    state = {"z": [0, 0], "classes": [1, 7], "density": "mixture", "share": "total"}
    steps = """async ({model, el, frame}) => {
        model.set("z", [1.25, 0.75]);  // as if from Python
        model.set("classes", [2, 3, 4]);
        model.set("density", "prior");
        model.set("share", "between");
        await frame();
        const on = () => [...el.querySelectorAll("[aria-pressed=true]")].map(b => b.textContent);
        const shown = [[...el.querySelectorAll("output")].map(o => o.textContent), on()];
        const map = el.querySelector(".explore-map");
        const left = () => map.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowLeft"}));
        const buttons = [...el.querySelectorAll("button")];
        const press = text => buttons.find(b => b.textContent === text).click();
        left();
        ["3", "Mixture", "Within images"].forEach(press);
        await frame();
        const poke = () => { left(); ["5", "Prior", "Total", "All", "None", "Reset point"].forEach(press); };
        return [[...shown, on()], poke];
    }"""
    assert pages.run_as_widget(open_page(), explorer, state, steps) == {
        "seen": [
            ["1.25", "0.75"],
            ["2", "3", "4", "Prior", "Between images"],
            ["2", "4", "Mixture", "Within images"],
        ],
        "values": {"z": [1.15, 0.75], "classes": [2, 4], "density": "mixture", "share": "within"},
        "saved": 4,
    }
