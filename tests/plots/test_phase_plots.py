"""The curve is the history, each phase stands at its step; a cloud's dots lie where its codes are."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgba
from matplotlib.patches import Circle

from vae_course import plots

mpl.use("agg")


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    yield
    plt.close("all")


def test_the_curve_is_the_history_and_each_phase_stands_at_its_step() -> None:
    kl = torch.arange(120.0).cos() + 2
    phases = {"spike": 0, "sharp_rise": 57}
    ax = plots.plot_phases(kl, phases, color="red")
    curve, *marks = ax.lines
    np.testing.assert_allclose(curve.get_ydata(), kl.numpy())
    np.testing.assert_allclose(curve.get_xdata(), np.arange(120))
    assert curve.get_color() == "red"
    assert [mark.get_xdata()[0] for mark in marks] == [0, 57]
    assert [text.get_text() for text in ax.texts] == ["spike", "sharp rise"]
    assert ax.get_xlim()[0] < 0 < 119 < ax.get_xlim()[1]


def test_the_names_of_phases_do_not_cover_each_other() -> None:
    figure, ax = plt.subplots(figsize=(6, 2.8))
    plots.plot_phases(np.ones(400), {"spike": 14, "trough": 58, "sharp_rise": 62, "slow_rise": 104}, ax=ax)
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert len(boxes) == 4
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_steps_0_and_1_lie_apart_on_the_axis_of_steps() -> None:
    ax = plots.plot_phases(np.ones(9000))
    places = ax.transData.transform([(step, 1) for step in (0, 1, 10, 100, 1000)])[:, 0]
    apart = np.diff(places)
    assert (apart[1:] > 20).all() and apart[0] > 5
    np.testing.assert_allclose(apart[2:], apart[2], rtol=1e-6)  # equal ratios, equal distances
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "1", "10", "100", "1,000"]


@pytest.mark.parametrize("kl", [np.ones((3, 2)), np.ones(0)])
def test_a_history_of_another_shape_is_refused(kl: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"kl must have shape \(steps,\)"):
        plots.plot_phases(kl)


@pytest.mark.parametrize("step", [-1, 10])
def test_a_phase_outside_the_steps_is_refused(step: int) -> None:
    with pytest.raises(ValueError, match=r"between 0 and 9.*'trough'"):
        plots.plot_phases(np.ones(10), {"trough": step})


def test_a_clouds_dots_lie_where_its_codes_are_on_a_square_that_stays() -> None:
    codes = torch.tensor([[0.0, 1.0], [-2.0, 3.0], [9.0, 0.0]])
    ax = plots.plot_cloud(codes, [0, 1, 9], limit=4)
    dots = ax.collections[0]
    np.testing.assert_allclose(dots.get_offsets(), codes.numpy())
    np.testing.assert_allclose(dots.get_facecolors(), [to_rgba(plots.DIGIT_COLOURS[c]) for c in (0, 1, 9)])
    assert (ax.get_xlim(), ax.get_ylim()) == ((-4, 4), (-4, 4))  # also where a code lies outside
    assert sorted(patch.get_radius() for patch in ax.patches if isinstance(patch, Circle)) == [1, 2]


@pytest.mark.parametrize(
    ("width", "n_labels", "words"), [(3, 4, r"codes must be \(n, 2\)"), (2, 3, r"labels must be one a row, \(4,\)")]
)
def test_codes_and_labels_of_other_shapes_are_refused(width: int, n_labels: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        plots.plot_cloud(np.ones((4, width)), [0] * n_labels, limit=3)
