"""Traces and autocorrelations are drawn where the data say."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from vae_course import plots

mpl.use("agg")


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    yield
    plt.close("all")


def test_a_trace_has_a_line_for_each_chain_and_begins_after_the_first_step() -> None:
    z = torch.arange(12.0).reshape(4, 3)
    _, ax = plt.subplots()
    assert plots.plot_trace(z, ax=ax, color="red") is ax
    assert len(ax.lines) == 3
    for chain, line in enumerate(ax.lines):
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3, 4])
        np.testing.assert_array_equal(line.get_ydata(), z[:, chain])
        assert line.get_color() == "red"


def test_an_autocorrelation_begins_at_lag_0_above_a_line_at_0() -> None:
    ax = plots.plot_autocorrelation(torch.tensor([1.0, 0.5, 0.2]))
    zero, line = ax.lines
    assert set(np.asarray(zero.get_ydata())) == {0}
    np.testing.assert_array_equal(line.get_xdata(), [0, 1, 2])
    np.testing.assert_allclose(line.get_ydata(), [1, 0.5, 0.2])
    assert ax.get_xlim() == (0, 2)


@pytest.mark.parametrize("plot", [plots.plot_trace, plots.plot_autocorrelation])
@pytest.mark.parametrize("shape", [(), (0,), (4, 3, 2)])
def test_other_shapes_are_refused(plot: object, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="pick one latent"):
        plot(torch.zeros(shape))  # type: ignore[operator]


def test_cells_stand_upright_where_they_are() -> None:
    z = torch.tensor([[0.25, 1.25], [0.75, 1.25], [0.75, 1.75]])
    ax = plots.plot_cells(z, torch.tensor([0.04, 0.16, 0.64]), 0.5)
    (image,) = ax.images
    assert image.get_extent() == [0, 1, 1, 2]
    assert image.origin == "lower"
    np.testing.assert_allclose(np.asarray(image.get_array()), [[0.2, 0.4], [0, 0.8]])  # rows go with z2


def test_cells_without_mass_are_left_out() -> None:
    z = torch.tensor([[0.0, 0.0], [1.0, 0.0], [9.0, 9.0]])
    (image,) = plots.plot_cells(z, torch.tensor([1.0, 2.0, 0.0]), 1.0).images
    assert np.asarray(image.get_array()).shape == (1, 2)


@pytest.mark.parametrize(("z", "mass"), [((3,), (3,)), ((3, 3), (3,)), ((3, 2), (2,))])
def test_other_cells_are_refused(z: tuple[int, ...], mass: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="grid posterior"):
        plots.plot_cells(torch.zeros(z), torch.ones(mass), 1.0)
