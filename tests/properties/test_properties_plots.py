"""Figures: each draws on the axes that it is given and returns them, leaves its data alone and shows all of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import subjects_plots
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from inputs import class_labels, normal, seeds, uniform
from matplotlib.colors import is_color_like
from profiles import FEW
from public_names import about
from spoiling import Subject

from vae_course import plots
from vae_course.plots.style import book_style
from vae_course.types import History

FUNCTIONS = {name: s for name, s in subjects_plots.SUBJECTS.items() if name.startswith("plot_")}


@pytest.fixture(autouse=True)
def _figures_are_closed() -> Iterator[None]:
    yield
    plt.close("all")


def copied(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.clone()
    return value.copy() if isinstance(value, np.ndarray) else value


@about(*(f"plots.{name}" for name in FUNCTIONS))
@pytest.mark.parametrize("name", FUNCTIONS)
@settings(max_examples=2)
@given(seed=seeds)
def test_a_plot_draws_on_the_axes_it_is_given(name: str, seed: int) -> None:
    subject: Subject = FUNCTIONS[name]
    arguments = subject.make(seed)
    before = {key: copied(value) for key, value in arguments.items()}
    figure = plt.figure()
    polar = name == "plot_polar_violins"
    ax, other = figure.add_subplot(1, 2, 1, projection="polar" if polar else None), figure.add_subplot(1, 2, 2)
    settings_before = dict(mpl.rcParams)
    found = subject.function(**{**arguments, "ax": ax})
    assert found is ax
    assert ax.has_data() or ax.images or ax.patches
    assert not other.has_data()
    assert dict(mpl.rcParams) == settings_before
    for key, value in before.items():
        if isinstance(value, torch.Tensor | np.ndarray):
            assert np.array_equal(np.asarray(arguments[key]), np.asarray(value))
    figure.canvas.draw()
    plt.close(figure)


@about("plots.plot_latent_map", "plots.plot_embedding", "plots.plot_cloud", "plots.DIGIT_COLOURS")
@settings(max_examples=FEW)
@given(n=st.integers(1, 30), dtype=st.sampled_from([torch.float32, torch.float64]), seed=seeds)
def test_every_point_is_drawn_in_the_colour_of_its_digit(n: int, dtype: torch.dtype, seed: int) -> None:
    points, labels = normal(seed, n, 2, dtype=dtype), class_labels(seed, n, 10)
    for draw in (plots.plot_latent_map, plots.plot_embedding, lambda p, c, ax: plots.plot_cloud(p, c, limit=4, ax=ax)):
        ax = plt.figure().add_subplot()
        draw(points, labels, ax=ax)
        (scatter,) = ax.collections
        np.testing.assert_allclose(scatter.get_offsets(), points.numpy(), rtol=1e-6)
        colours = [mpl.colors.to_hex(c).upper() for c in scatter.get_facecolors()]
        assert colours == [plots.DIGIT_COLOURS[label] for label in labels.tolist()]
        plt.close("all")


@about("plots.plot_loss", "plots.plot_kl", "plots.LiveCurves")
@settings(max_examples=FEW)
@given(steps=st.integers(1, 20), d=st.integers(1, 4), seed=seeds)
def test_a_curve_has_every_step(steps: int, d: int, seed: int) -> None:
    kl = uniform(seed, steps, d)
    history = History(uniform(seed, steps), kl.sum(dim=1), kl, steps_per_epoch=1)
    for draw, values in ((plots.plot_loss, history.negative_elbo), (plots.plot_kl, history.kl)):
        ax = plt.figure().add_subplot()
        draw(history, ax=ax)
        np.testing.assert_allclose(ax.lines[0].get_ydata(), values.numpy())
    live = plots.LiveCurves(every=steps + 1)
    live(history)  # not its turn: nothing is shown
    assert live.every == steps + 1 and live._handle is None
    plt.close("all")


@about("plots.NEUTRAL", "plots.RIGHT", "plots.SERIES", "plots.WRONG", "plots.use_style")
def test_colours_are_colours_and_the_style_is_put_on_once() -> None:
    every = [*plots.DIGIT_COLOURS, plots.NEUTRAL, plots.RIGHT, plots.WRONG, *plots.SERIES]
    assert all(is_color_like(colour) for colour in every) and len(plots.DIGIT_COLOURS) == 10
    assert len(set(plots.DIGIT_COLOURS)) == 10 and plots.RIGHT != plots.WRONG
    with book_style():
        wanted = dict(mpl.rcParams)
    with mpl.rc_context():
        mpl.rcdefaults()
        plots.use_style()
        once = dict(mpl.rcParams)
        plots.use_style()
        assert dict(mpl.rcParams) == once
        assert {key: once[key] for key in wanted if key != "backend"} == {
            key: value for key, value in wanted.items() if key != "backend"
        }
