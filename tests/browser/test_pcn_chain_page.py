"""The live chain in Chromium, from a file, offline: runs, steps, mouse, finger, keys, no script, axe, as a widget."""

import re

import explorer_pages as pages
import numpy as np
import pytest
import torch

from vae_course.checks import make_generator
from vae_course.configs import VAEConfig
from vae_course.data import load_digits
from vae_course.explore import PcnChain
from vae_course.explore.pcn_chain import MOST_STEPS
from vae_course.models import VAE

pytestmark = pytest.mark.browser

# The figure is live, the chain is where it was told to go, and the exact posterior is known.
READY = """['\u2013', ''].indexOf(document.querySelector('.pcn-numbers tr:last-child td')?.innerText ?? '') < 0
    && document.querySelector('.explore-live') !== null"""
LIMIT = 5
INSET = 34


@pytest.fixture(scope="module")
def model():
    model = VAE(VAEConfig(latent_dim=2, hidden_dims=(24,)), generator=make_generator(1))
    with torch.no_grad():
        model.output.weight *= 4
    return model


@pytest.fixture(scope="module")
def make_explorer(model):
    digits = load_digits()
    return lambda **state: PcnChain(model, digits, **{"digit": 3, "hidden": "right half", "step": 0.4, **state})


@pytest.fixture(scope="module")
def explorer(make_explorer):
    return make_explorer()


@pytest.fixture(scope="module")
def page_file(explorer, tmp_path_factory):
    body = explorer.to_html() + pages.SPACE
    return pages.write_page(tmp_path_factory.mktemp("page"), "A chain", body)


@pytest.fixture
def open_page(browser, page_file):
    with pages.offline_pages(browser, page_file, ready=READY, height=900) as open_page:
        yield open_page


def number(page, name):
    text = page.locator(".pcn-numbers tr").filter(has_text=name).locator("output").inner_text()
    return float(re.match(r"[\d.,]+", text)[0].replace(",", ""))


def steps(page):
    return number(page, "steps")


def click(page, name):
    page.get_by_role("button", name=name, exact=isinstance(name, str)).click()
    pages.next_frame(page)


def said(page, text):
    """Waits until the figure says this, and gives all that it says."""
    page.wait_for_function("text => document.querySelector('[aria-live=polite]').textContent.includes(text)", arg=text)
    return page.locator("[aria-live=polite]").text_content()


def step_to(page, n):
    while steps(page) < n:
        click(page, "One step")


def state_of(explorer, **state):
    """What Python says of the same chain."""
    for name, value in state.items():
        setattr(explorer, name, value)
    return explorer.summary()


def test_it_opens_as_python_left_it_and_stays_there(open_page, explorer, make_explorer, model):
    page = open_page()
    assert steps(page) == 200
    assert said(page, "total variation") == explorer.summary()
    page.wait_for_timeout(300)
    assert steps(page) == 200, "nothing runs by itself"
    shown = pages.ink_of(pages.rgb(page.locator(".pcn-pictures canvas").nth(1)))
    pages.assert_same_ink(shown, pages.decoded_by(model, explorer.chain.z[-1].tolist()))
    mean = pages.ink_of(pages.rgb(page.locator(".pcn-pictures canvas").nth(2)))
    pages.assert_same_ink(mean, explorer.mean_image)
    pressed = page.locator(".explore-figure [aria-pressed=true]")
    assert [button.get_attribute("aria-label") or button.inner_text() for button in pressed.all()] == [
        "Image 4 of 10: a 3",
        "Right half",
        "pCN",
        "Whole map",
    ]
    assert page.locator(".explore-static").first.is_hidden()


def test_it_runs_pauses_steps_restarts_and_repeats_itself(open_page, make_explorer):
    page, explorer = open_page(), make_explorer()
    before = said(page, "total variation")
    click(page, "Run")
    page.wait_for_function("() => parseInt(document.querySelector('.pcn-numbers output').textContent) >= 215")
    assert page.locator("[aria-live=polite]").text_content() == before, "no words while it runs"
    click(page, "Pause")
    paused = int(steps(page))
    assert said(page, f"After {paused:,} steps") == state_of(explorer, n_steps=paused)
    page.wait_for_timeout(200)
    assert steps(page) == paused
    click(page, "One step")
    assert steps(page) == paused + 1
    assert said(page, f"After {paused + 1:,} steps") == state_of(explorer, n_steps=paused + 1)
    click(page, "Restart")
    assert steps(page) == 0
    assert said(page, "No step yet") == state_of(explorer, n_steps=0)
    step_to(page, 3)
    decoded = page.locator(".pcn-pictures canvas").nth(1)
    first = pages.picture(decoded)
    click(page, "New seed")
    step_to(page, 3)
    assert said(page, "After 3 steps") == state_of(explorer, seed=1, n_steps=3)
    second = pages.picture(decoded)
    click(page, "Restart")
    step_to(page, 3)
    assert pages.picture(decoded) == second != first


def test_choices_change_the_chain(open_page, make_explorer):
    page, explorer = open_page(), make_explorer()
    said(page, "total variation")
    given = page.locator(".pcn-pictures canvas").first
    half = pages.picture(given)
    click(page, "Everything")
    assert steps(page) == 0
    assert pages.picture(given) != half
    click(page, "Random walk")
    step_to(page, 5)
    assert said(page, "After 5 steps") == state_of(explorer, hidden="everything", sampler="random_walk", n_steps=5)
    click(page, "pCN")
    step_to(page, 5)
    assert number(page, "accepted") == 100, "pCN accepts all where the likelihood says nothing"
    click(page, "Image 1 of 10: a 0")
    click(page, "Nothing")
    step_to(page, 2)
    assert said(page, "After 2 steps") == state_of(explorer, digit=0, hidden="nothing", sampler="pcn", n_steps=2)


def test_the_step_s_slider_is_logarithmic_and_the_speed_has_words(open_page, make_explorer):
    page, explorer = open_page(), make_explorer()
    slider = page.get_by_role("slider", name="Step")
    assert slider.get_attribute("aria-valuetext") == "0.40"
    slider.focus()
    for key, wanted in [("Home", "0.010"), ("End", "1.0"), ("ArrowLeft", "0.89"), ("ArrowLeft", "0.79")]:
        page.keyboard.press(key)
        pages.next_frame(page)
        assert slider.get_attribute("aria-valuetext") == wanted
    step_to(page, 1)
    assert said(page, "After 1 step ") == state_of(explorer, step=0.79, n_steps=1)
    speed = page.get_by_role("slider", name="Speed")
    speed.focus()
    page.keyboard.press("End")
    assert speed.get_attribute("aria-valuetext") == "3,000 steps a second"
    assert steps(page) == 1, "the speed is no part of the chain"


def place(page, point):
    box = page.locator(".pcn-map").bounding_box()
    return pages.place_on_map(box, point, limit=LIMIT, inset=INSET)


def test_a_press_of_the_mouse_places_the_start(open_page, make_explorer):
    page, explorer = open_page(), make_explorer()
    said(page, "total variation")
    page.mouse.move(*place(page, (3, 3)))
    pages.next_frame(page)
    assert steps(page) == 200, "to hover is not to choose"
    page.mouse.move(*place(page, (-2, 1)))
    page.mouse.down()
    page.mouse.move(*place(page, (-3, 2)), steps=3)
    assert steps(page) == 200
    page.mouse.up()
    pages.next_frame(page)
    found = re.search(r"start is \((.*), (.*)\)", said(page, "No step yet")).groups()
    np.testing.assert_allclose([pages.read_number(text) for text in found], (-3, 2), atol=0.03)
    click(page, "Close-up")
    box = page.locator(".pcn-map").bounding_box()
    page.mouse.click(box["x"] + INSET + (box["width"] - INSET) / 2, box["y"] + (box["height"] - INSET) / 2)
    pages.next_frame(page)
    middle = (explorer.grid.low + explorer.grid.high) / 2
    page.wait_for_function(
        "old => !document.querySelector('[aria-live=polite]').textContent.includes(old)", arg=found[1]
    )
    found = re.search(r"start is \((.*), (.*)\)", said(page, "No step yet")).groups()
    np.testing.assert_allclose([pages.read_number(text) for text in found], middle, atol=0.03)


def test_keys_move_the_start(open_page):
    page = open_page()
    page.locator(".pcn-map").focus()
    for key in ("ArrowRight", "Shift+ArrowUp", "ArrowUp", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    said(page, "the start is (−0.10, 0.60)")
    page.keyboard.press("Home")
    said(page, "the start is (0.00, 0.00)")


def test_a_tap_places_the_start_and_a_swipe_scrolls(open_page):
    page = open_page(width=390, has_touch=True, is_mobile=True)
    page.locator(".pcn-map").scroll_into_view_if_needed()
    said(page, "total variation")
    scrolled = page.evaluate("scrollY")
    pages.swipe(page, *place(page, (1, -2)), up=200)
    assert page.evaluate("scrollY") > scrolled + 50
    assert steps(page) == 200
    page.touchscreen.tap(*place(page, (1, 2)))
    found = re.search(r"start is \((.*), (.*)\)", said(page, "No step yet")).groups()
    np.testing.assert_allclose([pages.read_number(text) for text in found], (1, 2), atol=0.05)
    for button in page.locator(".explore-figure button").all():
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 44, button.inner_text()


def test_the_posterior_is_shaded_where_its_mass_is(open_page, explorer):
    page = open_page()
    click(page, "Close-up")
    canvas = page.locator(".pcn-map canvas")
    size = canvas.evaluate("c => c.width")
    share = size / page.locator(".pcn-map").bounding_box()["width"]
    centre, half = (explorer.grid.low + explorer.grid.high) / 2, (explorer.grid.high - explorer.grid.low).max() / 2
    side = size / share - INSET

    def darkness(i, j):
        z = explorer.grid.centres[i, j]
        x, y = INSET + (z[0] - centre[0] + half) / (2 * half) * side, (centre[1] + half - z[1]) / (2 * half) * side
        return 255 - np.mean(pages.colour_at(canvas, round(x * share), round(y * share)))

    mass = explorer.grid.mass
    order = np.argsort(mass.ravel())
    high = [darkness(*np.unravel_index(k, mass.shape)) for k in order[-40:]]
    low = [darkness(*np.unravel_index(k, mass.shape)) for k in order[:40]]
    assert np.median(high) > 80 > 10 > np.median(low)


def test_a_run_ends_at_the_longest_chain(browser, make_explorer, tmp_path):
    explorer = make_explorer(hidden="everything", n_steps=MOST_STEPS - 20, speed=3000)
    file = pages.write_page(tmp_path, "A chain", explorer.to_html())
    with pages.offline_pages(browser, file, ready="document.querySelector('.explore-live')") as open_page:
        page = open_page()
        page.wait_for_function("document.querySelector('.pcn-numbers output').textContent.startsWith('19,980')")
        click(page, "Run")
        said(page, "After 20,000 steps")
        assert page.get_by_role("button", name="Run").is_disabled()
        assert "20,000 steps are the most" in page.locator(".explore-left").inner_text()
        click(page, "Restart")
        assert page.get_by_role("button", name="Run").is_enabled()


@pages.ON_EVERY_SCREEN
def test_axe_finds_no_violation(open_page, scheme, width):
    page = open_page(width=width, color_scheme=scheme, reduced_motion="reduce")
    for name in (None, "Close-up", "Restart"):
        if name:
            click(page, name)
        assert pages.axe_violations(page) == []
        pages.assert_fits(page)


def test_the_map_follows_a_change_of_theme(open_page):
    page = open_page()
    canvas = page.locator(".pcn-map canvas")
    assert pages.colour_at(canvas, -3, 3) == pages.LIGHT
    page.emulate_media(color_scheme="dark")
    pages.next_frame(page)
    assert pages.colour_at(canvas, -3, 3) == pages.DARK


def test_without_scripts_and_in_print_picture_and_text_stand_in(open_page, explorer):
    pages.assert_picture_and_text(open_page(java_script_enabled=False).locator(".explore"), explorer)
    page = open_page()
    pages.assert_prints_the_picture(page, page.locator(".explore"))


def test_broken_data_give_a_message_and_keep_the_picture(browser, explorer, tmp_path):
    pages.assert_broken_data_are_said(
        browser, tmp_path, explorer, "The chain cannot be drawn", short=("values", "images", "visible")
    )


def test_in_jupyter_the_same_module_follows_python_and_cleans_up(open_page, make_explorer):
    explorer = make_explorer(n_steps=0)
    look = """async ({model, el, frame}) => {
        const until = async ready => { for (let i = 0; i < 600 && !ready(); i++) await frame(); };
        const outputs = () => [...el.querySelectorAll(".pcn-numbers output")].map(each => each.textContent);
        const steps = () => parseInt(outputs()[0]);
        model.set("hidden", "lower half");  // these as if from Python
        model.set("n_steps", 40);
        await until(() => steps() === 40 && outputs()[3] !== "\u2013");
        const told = outputs();
        model.set("running", true);
        await until(() => steps() > 45);
        const pressed = el.querySelector(".pcn-run");
        const running = pressed.textContent;
        pressed.click();
        await frame();
        const paused = steps();
        model.set("running", true);  // it is stopped while it runs
        await until(() => steps() > paused + 2);
        return [{told, running, paused}, async () => {
            const own = window.requestAnimationFrame;
            let frames = 0;
            window.requestAnimationFrame = act => { frames += 1; return own(act); };
            pressed.click();
            await new Promise(done => setTimeout(done, 200));
            window.requestAnimationFrame = own;
            if (frames) throw new Error("it goes on after it was stopped");
        }];
    }"""
    state = {name: getattr(explorer, name) for name in (*explorer.state_names, "running")}
    answer = pages.run_as_widget(open_page(), explorer, state, look)
    seen, values = answer["seen"], answer["values"]
    assert seen["running"] == "Pause"
    assert values["n_steps"] == seen["paused"] > 45
    explorer.hidden = "lower half"
    explorer.n_steps = 40
    accepted, distance = explorer.chain.accepted.mean(), explorer.grid.total_variation(explorer.chain.z)
    assert seen["told"][1] == f"{int(100 * accepted + 0.5)} %"
    assert float(seen["told"][3]) == pytest.approx(distance, abs=0.0051)
    explorer.set_state({"n_steps": values["n_steps"], "step": 0.2, "running": False})  # what Python makes of it
    assert explorer.step == 0.2
