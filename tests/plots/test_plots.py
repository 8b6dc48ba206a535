"""The plots draw the data they are given, on the axes they are given."""

from __future__ import annotations

import os
from base64 import b64decode
from collections.abc import Iterator
from io import BytesIO

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image

from vae_course import plots
from vae_course.commands.shell import kernel_environment
from vae_course.plots.pictures import make_png
from vae_course.types import Evaluation, History

mpl.use("agg")


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    yield
    plt.close("all")


def make_history(*, kl: float = 2.0) -> History:
    kl_per_latent = torch.full((6, 2), kl / 2)
    nll = torch.arange(6.0)
    evaluations = (Evaluation(0, 9.0, 1.0), Evaluation(3, 5.0, 2.0), Evaluation(6, 3.0, 2.5))
    return History(nll, kl_per_latent.sum(dim=1), kl_per_latent, steps_per_epoch=3, validation=evaluations)


def test_images_stand_row_by_row_ink_dark() -> None:
    images = torch.zeros(3, 784)
    images[1, 0] = 1  # top left pixel of the second image
    images[2, 783] = 1  # bottom right pixel of the third
    _, ax = plt.subplots()
    assert plots.plot_images(images, n_columns=2, ax=ax) is ax
    (drawn,) = ax.images
    sheet = np.asarray(drawn.get_array())
    assert sheet.shape == (56, 56)
    assert [tuple(place) for place in np.argwhere(sheet == 1)] == [(0, 28), (55, 27)]
    assert tuple(drawn.to_rgba(np.array([[1.0]]))[0, 0, :3]) == (0.0, 0.0, 0.0)


def test_a_gap_of_paper_parts_the_images() -> None:
    (drawn,) = plots.plot_images(torch.ones(3, 784), n_columns=2, gap=2).images
    ink = np.asarray(drawn.get_array())
    assert ink.shape == (58, 58)
    assert ink[:28, :28].all() and ink[:28, 30:].all() and ink[30:, :28].all()
    assert not ink[28:30].any() and not ink[:, 28:30].any() and not ink[30:, 30:].any()


def test_bytes_and_floats_look_the_same() -> None:
    images = torch.randint(0, 256, (4, 784), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    _, (left, right) = plt.subplots(1, 2)
    as_bytes = plots.plot_images(images, ax=left).images[0]
    as_floats = plots.plot_images(images.float() / 255, ax=right).images[0]
    first, second = (image.cmap(image.norm(image.get_array())) for image in (as_bytes, as_floats))
    assert np.abs(first - second).max() <= 1 / 255


@pytest.mark.parametrize("shape", [(784,), (2, 28, 28), (0, 784), (3, 100)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="784"):
        plots.plot_images(torch.zeros(shape))


def test_loss_has_batches_and_held_out_dots() -> None:
    ax = plots.plot_loss(make_history())
    batches, dots = ax.lines
    np.testing.assert_allclose(batches.get_ydata(), np.arange(6) + 2)
    np.testing.assert_allclose(dots.get_xydata(), [[0, 10], [3, 7], [6, 5.5]])
    assert ax.get_title(loc="left") + ax.get_title() == "Negative ELBO"


def test_an_autoencoder_has_no_elbo() -> None:
    ax = plots.plot_loss(make_history(kl=0.0))
    assert "ELBO" not in ax.get_title(loc="left") + ax.get_title()


def test_code_has_means_and_standard_deviations() -> None:
    mu, std = torch.tensor([0.5, -1.0]), torch.tensor([0.1, 0.4])
    ax = plots.plot_code(mu, std)
    (bars,) = ax.containers
    ends = np.array([segment[:, 1] for segment in bars.lines[2][0].get_segments()])
    np.testing.assert_allclose(ends, [[0.4, 0.6], [-1.4, -0.6]], atol=1e-6)


def test_runs_have_a_row_a_kind() -> None:
    ax = plots.plot_runs({"a": [1.0, 2.0], "b": [3.0]})
    assert [line.get_xdata().tolist() for line in ax.lines] == [[1.0, 2.0], [3.0]]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]


def test_live_curves_redraw_when_it_is_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[int] = []

    class Handle:
        def update(self, figure: plt.Figure) -> None:
            shown.append(len(figure.axes))

    def display(figure: plt.Figure, *, display_id: bool) -> Handle:
        assert display_id
        shown.append(len(figure.axes))
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    history = make_history()
    live = plots.LiveCurves(every=1)
    live(History(history.nll[:0], history.kl[:0], history.kl_per_latent[:0], steps_per_epoch=3))
    assert shown == []
    live(History(history.nll[:3], history.kl[:3], history.kl_per_latent[:3], steps_per_epoch=3))
    live(history)
    assert shown == [2, 2]
    assert plt.get_fignums() == []


def test_use_style_sets_the_look() -> None:
    with mpl.rc_context():
        mpl.rcdefaults()
        plots.use_style()
        assert not mpl.rcParams["axes.spines.top"]


def test_ten_digits_have_ten_colours() -> None:
    assert len(set(plots.DIGIT_COLOURS)) == 10


def test_a_notebook_s_figures_are_small() -> None:
    """In a real kernel, since Matplotlib's inline backend puts its own formatter in place late."""
    first = "import matplotlib.pyplot as plt\nfrom vae_course import plots\nplots.use_style()"
    notebook = new_notebook(cells=[new_code_cell(first), new_code_cell("plt.plot([1, 2])\nplt.show()")])
    NotebookClient(notebook, kernel_name="python3").execute(env={**os.environ, **kernel_environment()})
    picture = b64decode(notebook.cells[1].outputs[0].data["image/png"])
    with Image.open(BytesIO(picture)) as image:
        assert image.mode == "P"


def test_equal_figures_give_equal_bytes() -> None:
    def draw() -> bytes:
        figure, ax = plt.subplots()
        ax.plot([1, 2])
        return make_png(figure)

    assert draw() == draw()
