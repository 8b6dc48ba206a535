"""Sweeps stand where their betas and figures are; 0 has a place of its own; a bar spans the seeds."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import same_color
from matplotlib.lines import Line2D

from vae_course import plots
from vae_course.plots.rates import beta_places

mpl.use("agg")

BETAS = (0, 0.5, 1, 4)
VALUES = np.array([[1.0, 5.0, 3.0, 0.0], [3.0, 7.0, 5.0, 0.0], [2.0, 9.0, 4.0, 0.0]])  # (seeds, betas)


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    yield
    plt.close("all")


def points(line: Line2D) -> np.ndarray:
    return np.array(line.get_xydata(), dtype=float)


def test_betas_stand_at_themselves_and_0_left_of_them() -> None:
    np.testing.assert_allclose(beta_places(BETAS), [0.5 / 3, 0.5, 1, 4])
    np.testing.assert_array_equal(beta_places([0.1, 2]), [0.1, 2])


@pytest.mark.parametrize("beta", [[1, 0.5], [-1, 1], [0], [1, 1], [[1, 2]], [0.5, np.nan]])
def test_betas_that_do_not_rise_from_0_are_refused(beta: object) -> None:
    with pytest.raises(ValueError, match="beta must rise from 0 or above"):
        beta_places(beta)  # type: ignore[arg-type]


def test_a_sweep_is_a_line_through_the_means_with_a_bar_from_seed_to_seed() -> None:
    _, ax = plt.subplots()
    assert plots.plot_sweep(BETAS, VALUES, ax=ax, color="red") is ax
    (line,) = ax.lines
    np.testing.assert_allclose(points(line), np.stack([beta_places(BETAS), [2, 7, 4, 0]], axis=1))
    assert same_color(line.get_color(), "red")
    (bars,) = ax.collections
    ends = np.array([segment[:, 1] for segment in bars.get_segments()])  # type: ignore[attr-defined]
    np.testing.assert_allclose(ends, [[1, 3], [5, 9], [3, 5], [0, 0]])
    assert ax.get_xscale() == "log"


def test_seeds_that_agree_have_no_bar() -> None:
    ax = plots.plot_sweep(BETAS, np.full((3, 4), 0.1))  # whose mean is 0.10000000000000002
    (bars,) = ax.collections
    assert all(np.ptp(segment[:, 1]) < 1e-12 for segment in bars.get_segments())  # type: ignore[attr-defined]


def test_the_best_beta_has_a_large_dot() -> None:
    ax = plots.plot_sweep(BETAS, VALUES, best=1)
    (x, y), size = points(ax.lines[-1])[0], ax.lines[-1].get_markersize()
    assert (x, y) == (0.5, 7) and size > ax.lines[0].get_markersize()
    assert len(plots.plot_sweep(BETAS, VALUES, ax=plt.figure().add_subplot()).lines) == 1


def test_ticks_name_betas_and_nothing_else() -> None:
    every = plots.plot_sweep(BETAS, VALUES[0])
    assert [tick.get_text() for tick in every.get_xticklabels()] == ["0", "0.5", "1", "4"]
    np.testing.assert_allclose(every.get_xticks(), beta_places(BETAS))
    some = plots.plot_sweep(BETAS, VALUES, ticks=(0, 4), ax=plt.figure().add_subplot())
    assert [tick.get_text() for tick in some.get_xticklabels()] == ["0", "4"]
    assert len(some.get_xticks(minor=True)) == 0


def test_each_run_has_its_dot_on_the_rate_distortion_plane() -> None:
    kl = np.array([[30.0, 20.0, 10.0, 1.0], [32.0, 20.0, 12.0, 1.0]])
    nll = np.array([[70.0, 80.0, 100.0, 200.0], [74.0, 82.0, 100.0, 202.0]])
    ax = plots.plot_rate_distortion(kl, nll, beta=BETAS)
    line, dots = ax.lines
    np.testing.assert_allclose(points(line), [[31, 72], [20, 81], [11, 100], [1, 201]])
    np.testing.assert_allclose(points(dots), np.stack([kl.ravel(), nll.ravel()], axis=1))
    assert same_color(line.get_color(), dots.get_color())
    assert {text.get_text(): text.xy for text in ax.texts} == {  # type: ignore[attr-defined]
        "0": (31, 72), "0.5": (20, 81), "1": (11, 100), "4": (1, 201),
    }  # fmt: skip
    assert not plots.plot_rate_distortion(kl, nll, ax=plt.figure().add_subplot()).texts


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"values must be \(seeds, 4\), a column for each beta, got \(3,\)"):
        plots.plot_sweep(BETAS, [1, 2, 3])
    with pytest.raises(ValueError, match=r"kl and nll must both be \(seeds, betas\), got \(3,\) and \(2,\)"):
        plots.plot_rate_distortion([1, 2, 3], [1, 2])
