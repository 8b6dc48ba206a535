"""The scrubbed training in Chromium, offline: slider, curves, phases, play, keys, finger, axe, as a widget."""

import re

import explorer_pages as pages
import numpy as np
import pytest

from vae_course import runs
from vae_course.explore import TrainingScrubber
from vae_course.explore.training_scrubber_data import place, round_limit

pytestmark = pytest.mark.browser

READY = "document.querySelector('.explore-live .scrub-when')?.textContent"  # the figure is live and drawn
LEFT, RIGHT, INSET = 40, 14, 30  # of the curves' axis, of the map
BATCH_NUMBERS = ".scrub-head output"


@pytest.fixture(scope="module")
def stored():
    return {key: runs.load(f"vae-{key}") for key in ("2d", "8d")}


@pytest.fixture(scope="module")
def make_explorer(stored):
    return lambda **state: TrainingScrubber(*stored.values(), **{"run": "8d", "step": 113, **state})


@pytest.fixture(scope="module")
def explorer(make_explorer):
    return make_explorer()


@pytest.fixture
def told(make_explorer):
    """What Python says of a state: told(run="2d", step=0)."""
    return lambda **state: make_explorer(**state).summary()


@pytest.fixture(scope="module")
def page_file(explorer, tmp_path_factory):
    body = explorer.to_html() + pages.SPACE
    return pages.write_page(tmp_path_factory.mktemp("page"), "A training", body)


@pytest.fixture
def open_page(browser, page_file):
    with pages.offline_pages(browser, page_file, ready=READY, height=900) as open_page:
        yield open_page


def slider(page):
    return page.get_by_role("slider", name="Step of the training")


def snapshot(page):
    return int(slider(page).input_value())


def click(page, name):
    page.get_by_role("button", name=name).first.click()
    pages.next_frame(page)


def said(page, text):
    """Waits until the figure says exactly this."""
    page.wait_for_function("text => document.querySelector('[aria-live=polite]').textContent === text", arg=text)


def ink(page, i):
    """Reconstruction i as ink, (784,)."""
    return pages.ink_of(pages.rgb(page.locator(".scrub-pairs span").nth(i).locator("canvas").nth(1)))


def assert_shows(page, run, step):
    """Numbers and reconstructions are those of the stored run at this snapshot."""
    steps, history = run.steps.tolist(), run.history
    index, at = steps.index(step), min(step, len(history.nll) - 1)
    assert snapshot(page) == index
    nll, kl = (pages.read_number(text) for text in page.locator(BATCH_NUMBERS).all_inner_texts())
    assert nll == pytest.approx(float(history.nll[at]), abs=0.051)
    assert kl == pytest.approx(float(history.kl[at]), abs=0.0051)
    for i in (0, 4, 9):
        wanted = np.rint(run.x_mean[index, i].numpy() / 17) / 15
        assert np.abs(ink(page, i) - wanted).max() < 0.007


def on_curve(page, step, run):
    """Where in the window a step lies on the curves."""
    box = page.locator(".scrub-curve").bounding_box()
    steps = run.steps.tolist()
    share = float(place(steps, step)) / (len(steps) - 1)
    return box["x"] + LEFT + share * (box["width"] - LEFT - RIGHT), box["y"] + box["height"] / 2


def test_it_opens_as_python_left_it_and_stays_there(open_page, explorer, stored):
    page = open_page()
    assert page.locator("[aria-live=polite]").text_content() == explorer.summary()
    assert_shows(page, stored["8d"], 113)
    pressed = page.locator(".explore-figure [aria-pressed=true]")
    names = [button.get_attribute("aria-label") or button.text_content() for button in pressed.all()]
    assert names == ["8 latents", "4 slow rise 115", "Same axes"]
    original = pages.ink_of(pages.rgb(page.locator(".scrub-pairs canvas").first))
    np.testing.assert_allclose(original, explorer._originals[0] / 255, atol=0.007)
    page.wait_for_timeout(700)
    assert snapshot(page) == explorer.snapshot, "nothing plays by itself"
    assert page.locator(".explore-static").first.is_hidden()


def test_keys_go_from_snapshot_to_snapshot(open_page, told, stored):
    page = open_page()
    slider(page).focus()
    for key, step in [("Home", 0), ("ArrowRight", 1), ("End", 8600), ("ArrowLeft", 7232)]:
        page.keyboard.press(key)
        pages.next_frame(page)
        assert_shows(page, stored["8d"], step)
    said(page, told(step=7232))
    assert slider(page).get_attribute("aria-valuetext") == "before step 7,232 of 8,600"
    click(page, "One snapshot on")
    said(page, told(step=8600))
    assert page.get_by_role("button", name="One snapshot on").is_disabled()
    click(page, "One snapshot back")
    assert_shows(page, stored["8d"], 7232)


def test_the_mouse_drags_slider_and_curves_and_they_stand_above_one_another(open_page, stored):
    page, run = open_page(), stored["8d"]
    for step in (20, 0, 1075, 8600):
        page.mouse.click(*on_curve(page, step, run))
        pages.next_frame(page)
        assert_shows(page, run, step)
        box = slider(page).bounding_box()
        handle = box["x"] + 8 + snapshot(page) / 49 * (box["width"] - 16)
        assert abs(handle - on_curve(page, step, run)[0]) < 1.5, "the handle stands under the line"
    page.mouse.move(*on_curve(page, 100, run))
    page.mouse.down()
    page.mouse.move(*on_curve(page, 3, run), steps=4)
    pages.next_frame(page)
    assert_shows(page, run, 3)
    page.mouse.move(0, on_curve(page, 3, run)[1])
    page.mouse.up()
    pages.next_frame(page)
    assert_shows(page, run, 0)
    page.mouse.move(*on_curve(page, 300, run))
    pages.next_frame(page)
    assert snapshot(page) == 0, "to hover is not to choose"
    box = slider(page).bounding_box()
    page.mouse.click(box["x"] + 8 + 30 / 49 * (box["width"] - 16), box["y"] + box["height"] / 2)
    pages.next_frame(page)
    assert_shows(page, run, run.steps.tolist()[30])


def test_phases_lead_to_their_snapshots(open_page, explorer, told, stored):
    page = open_page()
    for name, step in [("1 spike 18", 17), ("2 trough 73", 67), ("3 sharp rise 75", 80)]:
        click(page, name)
        assert_shows(page, stored["8d"], step)
        assert page.get_by_role("button", name=name).get_attribute("aria-pressed") == "true"
    said(page, told(step=80))
    assert page.locator(".scrub-wide .explore-note").inner_text() == ""
    click(page, "2 latents")
    assert "Phases 2 to 4 lie within 2 steps" in page.locator(".scrub-wide .explore-note").inner_text()
    click(page, "2 trough 880")
    assert_shows(page, stored["2d"], 904)
    assert page.locator("[aria-label^='Phases of the KL'] [aria-pressed=true]").count() == 3


def test_the_switch_shows_the_other_run_at_the_same_step(open_page, told, stored):
    page = open_page()
    assert page.get_by_label("Latent across").is_visible()
    click(page, "2 latents")
    assert_shows(page, stored["2d"], 113)
    said(page, told(run="2d"))
    assert page.get_by_label("Latent across").is_hidden()
    bars = page.locator(".scrub-bars").get_attribute("aria-label")
    kl = stored["2d"].history.kl_per_latent[113]
    assert bars == f"KL of each latent in nats: z1 {float(kl[0]):.2f}, z2 {float(kl[1]):.2f}"
    click(page, "8 latents")
    said(page, told())


def test_any_two_latents_can_be_shown(open_page, explorer, told):
    page = open_page()
    across, up = page.get_by_label("Latent across"), page.get_by_label("Latent up")
    texts = across.locator("option").all_inner_texts()
    assert len(texts) == 8
    kl = [float(text.split()[-1]) for text in texts]
    assert kl == sorted(kl, reverse=True), "the largest first"
    across.select_option("4")
    up.select_option("0")
    said(page, told(latents=(4, 0)))
    before = pages.picture(page.locator(".scrub-map canvas"))
    across.select_option("0")  # which is up already: they change places
    said(page, told(latents=(0, 4)))
    assert pages.picture(page.locator(".scrub-map canvas")) != before


def test_the_points_lie_where_the_run_has_them(open_page, explorer, stored):
    page = open_page()
    click(page, "Fitted axes")
    canvas = page.locator(".scrub-map canvas")
    width = page.locator(".scrub-map").bounding_box()["width"]
    mu = stored["8d"].mu[explorer.snapshot][:, explorer.latents].numpy()
    limit = round_limit(float(np.abs(mu).max()))
    label = page.locator(".scrub-map").get_attribute("aria-label")
    assert float(re.search(r"the axes run to (.*)$", label)[1]) == limit
    assert "All lie inside." in page.locator(".scrub-left .explore-note").inner_text()
    size = canvas.evaluate("c => c.width")
    side, scale = width - INSET, size / width
    columns = ((INSET + (mu[:, 0] + limit) / (2 * limit) * side) * scale).astype(int)
    rows = ((limit - mu[:, 1]) / (2 * limit) * side * scale).astype(int)
    read = """(c, spots) => {
        const all = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
        return spots.map(([x, y]) => [...all.slice(4 * (y * c.width + x), 4 * (y * c.width + x) + 3)]);
    }"""
    drawn = np.array(canvas.evaluate(read, np.stack([columns, rows], axis=1).tolist()))
    assert (drawn != pages.LIGHT).any(axis=1).mean() > 0.9  # some lie under the names of classes, which are white
    mirrored = np.array(canvas.evaluate(read, np.stack([columns, rows[::-1]], axis=1).tolist()))
    assert (mirrored != pages.LIGHT).any(axis=1).mean() < 0.7, "elsewhere there are few"


def test_same_axes_leave_out_what_the_spike_throws_out(open_page, explorer, stored):
    page = open_page()
    click(page, "2 latents")
    click(page, "1 spike 20")
    explorer.run, explorer.step = "2d", 20
    outside = int((stored["2d"].mu[explorer.snapshot].abs().amax(dim=1) > explorer.packed["limit"]).sum())
    explorer.run, explorer.step = "8d", 113
    shown = int(re.search(r"(\d+) lies? outside", page.locator(".scrub-left .explore-note").inner_text())[1])
    assert abs(shown - outside) <= 2  # positions are a byte each
    assert outside > 20


def test_it_plays_to_the_end_and_pauses_for_hands(browser, make_explorer, stored, told, tmp_path):
    file = pages.write_page(tmp_path, "A training", make_explorer(step=6082).to_html())
    with pages.offline_pages(browser, file, ready=READY) as open_page:
        page = open_page()
        page.evaluate(
            """() => {
                window.heard = [];
                const look = () => heard.push(document.querySelector(".scrub-play").textContent);
                new MutationObserver(look).observe(document.querySelector("[aria-live=polite]"), {childList: true});
            }"""
        )
        click(page, "Play")
        page.wait_for_function("document.querySelector('.scrub-play').textContent === 'Pause'")
        page.wait_for_function("document.querySelector('.scrub-play').textContent === 'Play'")
        assert_shows(page, stored["8d"], 8600)
        said(page, told(step=8600))
        assert page.evaluate("heard") == ["Play"], "no words while it plays"
        click(page, "Play")  # at the end it begins anew
        page.wait_for_function("0 < Number(document.querySelector('.scrub-slider input').value)")
        assert page.locator(".scrub-play").inner_text() == "Pause"
        click(page, "Pause")
        paused = snapshot(page)
        page.wait_for_timeout(700)
        assert snapshot(page) == paused < 49
        click(page, "Play")
        click(page, "1 spike")
        assert page.locator(".scrub-play").inner_text() == "Play"
        page.wait_for_timeout(700)
        assert_shows(page, stored["8d"], 17)


def test_one_digit_is_highlighted(open_page):
    page = open_page()
    canvas = page.locator(".scrub-map canvas")
    before = pages.picture(canvas)
    click(page, "Show only digit 7")
    assert pages.picture(canvas) != before
    click(page, "Show only digit 7")
    assert pages.picture(canvas) == before


def test_a_finger_taps_and_drags_the_curves_and_scrolls_the_page(open_page, stored):
    page, run = open_page(width=390, has_touch=True, is_mobile=True), stored["8d"]
    before = snapshot(page)
    pages.swipe(page, *on_curve(page, 10, run), up=150)
    assert page.evaluate("scrollY") > 50, "a swipe up over the curves must scroll the page"
    assert snapshot(page) == before
    page.evaluate("scrollTo(0, 0)")
    box = slider(page).bounding_box()
    pages.swipe(page, box["x"] + 30, box["y"] + box["height"] / 2, up=150)
    assert page.evaluate("scrollY") > 50
    assert snapshot(page) == before
    page.evaluate("scrollTo(0, 0)")
    page.touchscreen.tap(*on_curve(page, 20, run))
    pages.next_frame(page)
    assert_shows(page, run, 20)
    x, y = on_curve(page, 20, run)
    pages.swipe(page, x, y, right=on_curve(page, 1075, run)[0] - x)
    assert_shows(page, run, 1075)
    assert page.evaluate("scrollY") == 0
    for button in page.locator(".explore-figure button:visible, .explore-figure select:visible").all():
        box = button.bounding_box()
        assert box["height"] >= 44
        assert box["width"] >= 44 or "digit" in (button.get_attribute("aria-label") or "")


@pages.ON_EVERY_SCREEN
def test_axe_finds_no_violation(open_page, scheme, width):
    page = open_page(width=width, color_scheme=scheme, reduced_motion="reduce")
    for name in (None, "Fitted axes", "2 latents"):
        if name:
            click(page, name)
        assert pages.axe_violations(page) == []
        pages.assert_fits(page)


def test_curves_map_and_bars_follow_a_change_of_theme(open_page):
    page = open_page()
    canvases = [page.locator(f"{name}") for name in (".scrub-curve", ".scrub-map canvas", ".scrub-bars")]
    assert [pages.colour_at(canvas, -2, 2) for canvas in canvases[::2]] == [pages.LIGHT] * 2
    light = [pages.picture(canvas) for canvas in canvases]
    page.emulate_media(color_scheme="dark")
    pages.next_frame(page)
    assert [pages.colour_at(canvas, -2, 2) for canvas in canvases[::2]] == [pages.DARK] * 2
    assert all(pages.picture(canvas) != old for canvas, old in zip(canvases, light, strict=True))


def test_without_scripts_and_in_print_picture_and_text_stand_in(open_page, explorer):
    pages.assert_picture_and_text(open_page(java_script_enabled=False).locator(".explore"), explorer)
    page = open_page()
    pages.assert_prints_the_picture(page, page.locator(".explore"))


def test_broken_data_give_a_message_and_keep_the_picture(browser, explorer, tmp_path):
    pages.assert_broken_data_are_said(
        browser,
        tmp_path,
        explorer,
        "The training cannot be drawn",
        short=("values", "bytes", "pictures", "originals", "labels"),
    )


def test_in_jupyter_the_same_module_follows_python_and_cleans_up(open_page, make_explorer):
    explorer = make_explorer()
    look = """async ({model, el, frame}) => {
        const look = () => ({
            when: el.querySelector(".scrub-when").textContent,
            pressed: [...el.querySelectorAll("[aria-pressed=true]")].map(b => b.ariaLabel ?? b.textContent),
            map: el.querySelector(".scrub-map").ariaLabel,
        });
        const until = async ready => { for (let i = 0; i < 600 && !ready(); i++) await frame(); };
        model.set("step", 20);  // these as if from Python
        model.set("latents", [6, 1]);
        model.set("axes", "fitted");
        await frame();
        const moved = look();
        model.set("latents", [0, 1]);
        model.set("run", "2d");
        await frame();
        const other = look();
        model.set("playing", true);
        const input = el.querySelector("input");
        await until(() => Number(input.value) >= 16);
        el.querySelector(".scrub-play").click();
        await frame();
        const at = Number(input.value);
        const [play, eight] = [el.querySelector(".scrub-play"), el.querySelectorAll(".scrub-head button")[1]];
        eight.click();
        model.set("playing", true);  // it is stopped while it plays
        await frame();
        return [{moved, other, at}, async () => {
            eight.click();
            play.click();
            await new Promise(done => setTimeout(done, 500));
        }];
    }"""
    state = {name: getattr(explorer, name) for name in (*explorer.state_names, "playing")}
    answer = pages.run_as_widget(open_page(), explorer, state, look)
    moved, other, values = answer["seen"]["moved"], answer["seen"]["other"], answer["values"]
    assert moved["when"] == "Before step 20 of 8,600."
    assert moved["pressed"] == ["8 latents", "Fitted axes"]
    assert moved["map"].startswith("The digits in the plane of z₇ and z₂, before step 20 of 8,600")
    assert other["pressed"] == ["2 latents", "1 spike 20", "Fitted axes"]
    assert other["map"].startswith("The digits in the plane of z₁ and z₂")
    shown = explorer.packed["steps"].index(values["step"])
    assert 16 <= answer["seen"]["at"] <= shown <= answer["seen"]["at"] + 3
    assert (values["run"], values["latents"]) == ("8d", explorer.packed["latents"])
    explorer.set_state({**values, "playing": False})  # what Python makes of it
    assert (explorer.run, explorer.snapshot, explorer.axes) == ("8d", shown, "fitted")
