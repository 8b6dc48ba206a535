"""The explorers live in JupyterLab: a real server and kernel, hands on each figure, its traits from Python."""

import ast
import itertools
import json
import re
import secrets
import subprocess
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

import explorer_pages as pages
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from vae_course import explore
from vae_course.commands.shell import environment, module
from vae_course.data import load_digits

pytestmark = pytest.mark.browser

START = """\
import vae_course as vc
from vae_course import explore, runs, zoo

digits = vc.load_digits()
flat, deep = zoo.load("vae-bernoulli-2d-s0"), zoo.load("vae-bernoulli-20d-s0")"""
MAKE = {
    "LatentMap": "flat, digits, n_points=200, z=(0.5, -1)",
    "DrawDigit": "deep, digits, n_points=100",
    "Latents": "deep, digits",
    "ClassGaussianMap": "flat, digits, n_points=200",
    "LinkedMaps": "explore.MAP_SETS, digits, n_points=200, point=7",
    "PosteriorViews": "flat, digits, n_points=100",
    "PcnChain": "flat, digits, n_steps=50",
    "TrainingScrubber": "runs.load('vae-2d'), runs.load('vae-8d')",
    "BetaExplorer": "digits, n_points=200",
}


def test_every_explorer_is_among_those_tried():
    assert set(MAKE) == set(explore.__all__) - {"Explorer", "MAP_SETS"}


# ---- the server


@contextmanager
def serve_lab(folder):
    """JupyterLab on a free port of this machine, with a home of its own in `folder`; gives address and token."""
    token, home = secrets.token_hex(16), folder / "home"
    places = {name: home / name.lower() for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
    places |= {"HOME": home, "IPYTHONDIR": home / "ipython", "JUPYTERLAB_SETTINGS_DIR": home / "settings"}
    asks = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    for path in (*places.values(), asks.parent):
        path.mkdir(parents=True, exist_ok=True)
    asks.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))
    options = {
        "ServerApp.ip": "127.0.0.1", "ServerApp.port": 0, "ServerApp.root_dir": folder, "ServerApp.allow_root": True,
        "ServerApp.open_browser": False, "LabApp.extension_manager": "readonly",
    }  # fmt: skip
    words = module("jupyterlab", *(f"--{name}={value}" for name, value in options.items()))
    own = {name: str(path) for name, path in places.items()}
    own |= {"JUPYTER_TOKEN": token, "OMP_NUM_THREADS": "1", "VAE_COURSE_PROGRESS": "off"}
    diary = folder / "server.log"
    with diary.open("w") as log:
        server = subprocess.Popen(words, cwd=folder, env=environment(own), stdout=log, stderr=subprocess.STDOUT)
        try:
            yield address_of(server, places["JUPYTER_RUNTIME_DIR"], diary), token
        finally:
            server.terminate()  # it takes its kernels down with it
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    said = diary.read_text()
    assert said.count("Kernel shutdown: ") == said.count("Kernel started: ") >= 1, said


def address_of(server, folder, diary):
    """Where the server answers, once it does."""
    file, until = folder / f"jpserver-{server.pid}.json", time.monotonic() + 90
    while True:
        assert server.poll() is None and time.monotonic() < until, f"no JupyterLab:\n{diary.read_text()}"
        try:
            return json.loads(file.read_text())["url"]
        except (FileNotFoundError, json.JSONDecodeError):  # not there, or not whole
            time.sleep(0.1)


# ---- the notebook


class Lab:
    """A notebook open in JupyterLab: a cell for each explorer, and an empty one at the end for what a test asks."""

    def __init__(self, page):
        self.page = page
        self.numbers = itertools.count(1)

    def run_all(self):
        self.page.get_by_text("| Idle").wait_for()  # the kernel is there
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    def cell(self, index):
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(index)

    def figure(self, name):
        """The live figure of an explorer, in view."""
        cell = self.cell(1 + list(MAKE).index(name))
        cell.scroll_into_view_if_needed()
        cell.locator(".explore-figure, .explore-error, .jp-RenderedText[data-mime-type*=stderr]").first.wait_for()
        assert cell.locator(".explore-error").all_inner_texts() == []
        assert cell.locator(".explore-static").count() == 0, "the picture stands where the live figure should"
        return cell.locator(".explore-figure")

    def python(self, code, value="None"):
        """Runs code in the last cell, and gives what `value` is then, as the cell prints it."""
        cell, mark = self.cell(1 + len(MAKE)), f"answer {next(self.numbers)}:"
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(f"{code}\nprint({mark!r}, repr({value}))")
        self.page.keyboard.press("Control+Enter")
        output = cell.locator(".jp-OutputArea-output").filter(has_text=re.compile(f"{mark}|Error"))
        output.wait_for()
        text = output.inner_text()
        assert mark in text, text
        return ast.literal_eval(text.split(mark)[1].strip())

    def assert_same_summary(self, name):
        """After a while, figure and Python say the same, but for how many digits and latents there are."""
        told = words(self.python("", f"{name}.summary()"))
        spoken = self.figure(name).locator("p[aria-live=polite]")
        for _ in range(100):
            shown = [words(text) for text in spoken.all_text_contents()]
            if any(text and told.endswith(text) for text in shown):
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"the figure says {shown!r}, Python {told!r}")


def words(text):
    return " ".join(re.findall(r"[\w.]*\w", text.replace("−", " minus ").lower()))


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    cells = [START, *(f"{name} = explore.{name}({given})\n{name}" for name, given in MAKE.items()), ""]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(new_notebook(cells=[*map(new_code_cell, cells)], metadata=kernel), folder / "explorers.ipynb")
    faults = []
    with serve_lab(folder) as (address, token):
        context = browser.new_context(viewport={"width": 1280, "height": 1000}, reduced_motion="reduce")
        context.set_default_timeout(60_000)
        page = context.new_page()
        # The one message allowed is Chromium's remark on this test's own reading of pixels.
        told = ("error", "warning")
        page.on("console", lambda m: faults.append(m.text) if m.type in told and "willRead" not in m.text else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: None if stays(request.url) else faults.append(request.url))
        page.goto(f"{address}lab/tree/explorers.ipynb?token={token}")
        lab = Lab(page)
        lab.run_all()
        yield lab, faults
        context.close()


def stays(url):
    return urlsplit(url).scheme in ("blob", "data") or urlsplit(url).hostname == "127.0.0.1"


def take(faults):
    """What has been noted since the last time."""
    return [faults.pop(0) for _ in list(faults)]


# ---- each explorer: hands on it, the trait in Python; then the trait set in Python, and the figure


def press(figure, selector, *keys):
    part = figure.locator(selector).first
    part.scroll_into_view_if_needed()
    part.focus()
    for key in keys:
        figure.page.keyboard.press(key)


def click(figure, name):
    figure.get_by_role("button", name=name, exact=True).first.click()


def run_the_chain(figure):
    click(figure, "Run")
    figure.get_by_role("button", name="Pause").wait_for()
    figure.page.wait_for_timeout(500)
    click(figure, "Pause")


def shows(canvas, row):
    """Whether the canvas shows this digit, in JupyterLab's black on white."""
    return abs(1 - pages.rgb(canvas).mean(axis=1) / 255 - load_digits().images[row].numpy() / 255).max() < 0.007


# The hands; a Python expression that is true once the trait has followed; a statement; what the figure has then.
TRIED = {
    "LatentMap": (
        lambda figure: press(figure, ".explore-map", "ArrowLeft", "Shift+ArrowUp"),
        "LatentMap.z == (0.4, -0.5)",
        "LatentMap.z = (1.25, 0.75)",
        lambda figure: figure.locator("output").all_inner_texts() == ["1.25", "0.75"],
    ),
    "DrawDigit": (
        lambda figure: click(figure, "Load real digit 3, number 2"),
        "digits.labels[abs(digits.images.numpy() / 255 - DrawDigit.x).max(1) < 1e-6].tolist() == [3]",
        "DrawDigit.image = digits.images[2100].numpy()",
        lambda figure: shows(figure.locator(".draw-image").first, 2100),
    ),
    "Latents": (
        lambda figure: press(figure, "input", "End"),
        "max(abs(z) for z in Latents.z) == 3",
        "Latents.digit = 2",
        lambda figure: figure.get_by_role("button", name="Load digit 3 of 20", pressed=True).count() == 1,
    ),
    "ClassGaussianMap": (
        lambda figure: click(figure, "Class 3"),
        "ClassGaussianMap.classes == [1, 3, 7]",
        "ClassGaussianMap.density = 'prior'",
        lambda figure: figure.get_by_role("button", name="Prior", pressed=True).count() == 1,
    ),
    "LinkedMaps": (
        lambda figure: press(figure, ".explore-map", "Home"),
        "LinkedMaps.point == 0",
        "LinkedMaps.shown = 'Noise'",
        lambda figure: figure.get_by_role("button", name="Noise", pressed=True).count() == 1,
    ),
    "PosteriorViews": (
        lambda figure: click(figure, "Ellipses"),
        "PosteriorViews.view == 'ellipses'",
        "PosteriorViews.view, PosteriorViews.seed = 'samples', 4",
        lambda figure: figure.locator(".views-tools").inner_text().split() == ["Draw", "again", "seed", "4"],
    ),
    "PcnChain": (
        run_the_chain,
        "not PcnChain.running and PcnChain.n_steps > 50",
        "PcnChain.n_steps = 40",
        lambda figure: figure.locator(".pcn-numbers output").first.inner_text() == "40",
    ),
    "TrainingScrubber": (
        lambda figure: press(figure, "input", "Home"),
        "TrainingScrubber.step == 0",
        "TrainingScrubber.run = '8d'",
        lambda figure: figure.get_by_role("button", name="8 latents", pressed=True).count() == 1,
    ),
    "BetaExplorer": (
        lambda figure: press(figure, "input", "End"),
        "BetaExplorer.beta == 16",
        "BetaExplorer.latent_dim = 2",
        lambda figure: figure.locator(".beta-numbers output").all_inner_texts()[2].endswith(" of 2"),
    ),
}


@pytest.mark.parametrize("name", MAKE)
def test_the_explorer_is_live_and_its_traits_go_both_ways(lab, name):
    lab, faults = lab
    hands, followed, order, has_followed = TRIED[name]
    lab.assert_same_summary(name)
    assert lab.python("", followed) is False
    figure = lab.figure(name)
    hands(figure)
    lab.page.wait_for_timeout(200)
    assert lab.python("", followed) is True
    lab.assert_same_summary(name)
    assert not has_followed(figure)
    lab.python(order)
    figure = lab.figure(name)
    for _ in range(50):
        if has_followed(figure):
            break
        lab.page.wait_for_timeout(100)
    assert has_followed(figure)
    lab.assert_same_summary(name)
    assert take(faults) == []


def test_the_figures_are_alive_again_after_a_cell_is_run_again(lab):
    lab, faults = lab
    cell = lab.cell(1)
    cell.scroll_into_view_if_needed()
    cell.locator(".cm-content").click()
    lab.page.keyboard.press("Control+Enter")
    lab.page.wait_for_timeout(500)
    press(lab.figure("LatentMap"), ".explore-map", "Home")
    lab.page.wait_for_timeout(200)
    assert lab.python("", "LatentMap.z") == (0.0, 0.0)
    assert take(faults) == []


# ---- how JupyterLab renders, without it


ARRIVES_LATE = """async (source) => {
    const {default: module} = await import(URL.createObjectURL(new Blob([source], {type: "text/javascript"})));
    const wait = () => new Promise(done => setTimeout(done, 100));
    const [late, never] = [document.createElement("div"), document.createElement("div")];
    const held = new Set();
    const model = {
        get: name => ({z: [0, 0], payload: PAYLOAD})[name], set() {}, save_changes() {},
        on: (event, act) => held.add(act), off: (event, act) => held.delete(act),
    };
    const stops = [late, never].map(el => module.render({model, el}));
    await wait();
    const before = [late.childElementCount, held.size];
    stops[1]();
    document.body.append(late, never);
    for (let turn = 0; turn < 100 && !late.childElementCount; turn++) await wait();
    const after = [late.querySelectorAll(".explore-figure").length, never.childElementCount];
    stops[0]();
    return {before, after, left: [late.childElementCount, held.size]};
}"""


def test_a_figure_waits_for_its_place_in_the_page(browser, tmp_path):
    """JupyterLab renders into an element that is in its page only later; one taken down before that stays empty."""
    from vae_course import zoo

    figure = explore.LatentMap(zoo.load("vae-bernoulli-2d-s0"), load_digits(), n_points=50)
    with pages.offline_pages(browser, pages.write_page(tmp_path, "Page", ""), ready="document.body") as open_page:
        ask = ARRIVES_LATE.replace("PAYLOAD", json.dumps(figure.payload))
        answer = open_page().evaluate(ask, figure.get_state()["_esm"])
    assert answer == {"before": [0, 0], "after": [1, 0], "left": [0, 0]}
