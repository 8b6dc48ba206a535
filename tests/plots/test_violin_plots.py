"""Violins, boxes and profiles stand where the codes are; bars are as high as the reading is sure."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import same_color, to_rgba

from vae_course import plots
from vae_course.plots.violins import outline

mpl.use("agg")


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    yield
    plt.close("all")


def codes(n: int = 4000) -> torch.Tensor:
    """Three latents: a wide one about 1, a narrow one about -2, two lobes at -1 and 1."""
    generator = torch.Generator().manual_seed(3)
    noise = torch.randn(n, 3, generator=generator)
    sign = torch.where(torch.rand(n, generator=generator) < 0.5, -1.0, 1.0)
    return torch.stack([1 + noise[:, 0], -2 + 0.1 * noise[:, 1], sign + 0.3 * noise[:, 2]], dim=1)


def corners(artist: object) -> np.ndarray:
    return np.asarray(artist.get_paths()[0].vertices)  # type: ignore[attr-defined]


def test_an_outline_has_the_shape_of_the_density() -> None:
    height, width = outline(codes(20_000)[:, 0])
    np.testing.assert_allclose(width, np.exp(-0.5 * (height - 1) ** 2), atol=0.06)  # the bell that was drawn from
    assert width.max() == 1


def test_an_outline_shows_two_lobes_and_ends_at_the_extremes() -> None:
    lobes = codes()[:, 2]
    height, width = outline(lobes)
    assert (height[0], height[-1]) == (float(lobes.min()), float(lobes.max()))
    assert width[np.abs(height).argmin()] < 0.2  # hardly anything between the lobes
    assert abs(abs(height[width.argmax()]) - 1) < 0.15


def test_a_latent_that_never_moves_is_a_flat_line() -> None:
    height, width = outline([2.0, 2.0, 2.0])
    np.testing.assert_array_equal(height, [2, 2])
    np.testing.assert_array_equal(width, [1, 1])


def test_violins_stand_at_1_to_d_with_a_bar_at_the_median() -> None:
    _, ax = plt.subplots()
    z = codes()
    assert plots.plot_violins(z, ax=ax, facecolor="red") is ax
    assert len(ax.collections) == len(ax.lines) == 3
    for place, (violin, bar) in enumerate(zip(ax.collections, ax.lines, strict=True), start=1):
        x, y = corners(violin).T
        assert (x.min() + x.max()) / 2 == pytest.approx(place)
        assert x.max() - x.min() == pytest.approx(0.84)
        assert y.min() == pytest.approx(float(z[:, place - 1].min()))
        assert y.max() == pytest.approx(float(z[:, place - 1].max()))
        assert same_color(violin.get_facecolor()[0][:3], "red")  # type: ignore[index]
        assert bar.get_ydata()[0] == pytest.approx(float(z[:, place - 1].double().quantile(0.5)), abs=1e-3)


def test_each_run_takes_its_half_of_a_split_violin() -> None:
    left, right = codes(), codes() + 5
    ax = plots.plot_split_violins(left, right, names=("seed 0", "seed 1"))
    assert len(ax.collections) == 6
    for run, (halves, z) in enumerate(((ax.collections[:3], left), (ax.collections[3:], right))):
        for place, half in enumerate(halves, start=1):
            x, y = corners(half).T
            low, high = (place - 0.42, place) if run == 0 else (place, place + 0.42)
            assert (x.min(), x.max()) == (pytest.approx(low), pytest.approx(high))
            assert (y.min() + y.max()) / 2 == pytest.approx(
                float(z[:, place - 1].aminmax()[0] + z[:, place - 1].max()) / 2
            )
    handles, labels = ax.get_legend_handles_labels()
    assert labels == ["seed 0", "seed 1"]
    assert to_rgba(handles[0].get_facecolor()[0])[:3] != to_rgba(handles[1].get_facecolor()[0])[:3]  # type: ignore[union-attr]


def test_runs_of_other_widths_are_refused() -> None:
    with pytest.raises(ValueError, match="3 and 2 latents"):
        plots.plot_split_violins(codes(), codes()[:, :2])


def test_boxes_go_from_quartile_to_quartile() -> None:
    z = torch.arange(101.0)[:, None] * torch.tensor([1.0, 2.0])
    ax = plots.plot_boxes(z)
    boxes = [corner.get_path().vertices for corner in ax.patches]
    assert [(b[:, 1].min(), b[:, 1].max()) for b in boxes] == [(25, 75), (50, 150)]
    assert [float(b[:, 0].mean().round()) for b in boxes] == [1, 2]
    ends = {float(y) for line in ax.lines for y in line.get_ydata()}
    assert {5, 95, 10, 190, 50, 100} <= ends  # whiskers and medians
    assert not {0, 200} & ends


def test_violins_go_clockwise_around_a_circle_whose_centre_is_the_origin() -> None:
    _, ax = plt.subplots(subplot_kw={"projection": "polar"})
    z = codes().clamp(-3.9, 3.9)
    assert plots.plot_polar_violins(z, ax=ax, origin=-5, limit=4) is ax  # type: ignore[arg-type]
    assert (ax.get_rmin(), ax.get_rmax()) == (-5, 4)  # type: ignore[attr-defined]
    assert ax.get_theta_direction() == -1  # type: ignore[attr-defined]
    for place, violin in enumerate(ax.collections):
        angle, radius = corners(violin).T
        assert (angle.min() + angle.max()) / 2 == pytest.approx(2 * np.pi * place / 3)
        assert radius.max() == pytest.approx(float(z[:, place].max()))


def test_a_circle_that_would_cut_violins_off_is_refused() -> None:
    _, ax = plt.subplots(subplot_kw={"projection": "polar"})
    with pytest.raises(ValueError, match="origin and limit"):
        plots.plot_polar_violins(codes() - 9, ax=ax)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="polar"):
        plots.plot_polar_violins(codes(), ax=plt.figure().add_subplot())  # type: ignore[arg-type]


def test_profiles_are_lines_across_the_latents_in_their_digits_colours() -> None:
    z = codes()[:4]
    ax = plots.plot_profiles(z, [3, 0, 3, 9])
    assert [line.get_color() for line in ax.lines] == [plots.DIGIT_COLOURS[c] for c in (3, 0, 3, 9)]
    for line, row in zip(ax.lines, z, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3])
        np.testing.assert_allclose(line.get_ydata(), row)
    with pytest.raises(ValueError, match="one a row"):
        plots.plot_profiles(z, [1, 2])


@pytest.mark.parametrize("plot", [plots.plot_violins, plots.plot_boxes, plots.plot_profiles])
@pytest.mark.parametrize("shape", [(5,), (0, 3), (2, 2, 2)])
def test_other_shapes_are_refused(plot: object, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="pass z"):
        plot(torch.zeros(shape))  # type: ignore[operator]


def test_readings_are_as_high_as_they_are_sure_and_named_once_a_run() -> None:
    probabilities = torch.zeros(4, 10)
    for row, (digit, share) in enumerate([(1, 1.0), (1, 0.7), (8, 0.6), (1, 0.9)]):
        probabilities[row, digit] = share
    ax = plots.plot_readings(probabilities)
    np.testing.assert_allclose([bar.get_height() for bar in ax.patches], [1, 0.7, 0.6, 0.9])
    assert same_color(ax.patches[2].get_facecolor(), plots.DIGIT_COLOURS[8])
    assert [(text.get_text(), text.get_position()[0]) for text in ax.texts] == [("1", 0.5), ("8", 2), ("1", 3)]
    with pytest.raises(ValueError, match=r"\(n, 10\)"):
        plots.plot_readings(torch.zeros(4, 9))
