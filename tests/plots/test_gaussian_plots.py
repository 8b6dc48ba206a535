"""Ellipses, densities, numbers by digit and trees are drawn where the data say."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from vae_course import latent, plots

mpl.use("agg")


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    yield
    plt.close("all")


def test_every_point_of_an_ellipse_lies_n_std_from_the_mean() -> None:
    mean = np.array([[1.0, -2.0], [0.0, 3.0]])
    cov = np.array([[[4.0, 1.5], [1.5, 1.0]], [[0.1, -0.05], [-0.05, 0.3]]])
    _, ax = plt.subplots()
    assert plots.plot_gaussians(mean, cov, n_std=1.5, colours=["red", "blue"], ax=ax) is ax
    for ellipse, centre, covariance in zip(ax.patches, mean, cov, strict=True):
        # Corners and edge points of the path's curves: those on the curve lie at distance n_std.
        on_curve = ellipse.get_patch_transform().transform([[1, 0], [0, 1], [-1, 0], [0, -1], [0.6, 0.8]])
        apart = on_curve - centre
        distance = np.sqrt(np.einsum("ni,ij,nj->n", apart, np.linalg.inv(covariance), apart))
        np.testing.assert_allclose(distance, 1.5, rtol=1e-9)
    assert [patch.get_edgecolor()[:3] for patch in ax.patches] == [(1, 0, 0), (0, 0, 1)]


@pytest.mark.parametrize(("mean", "cov"), [((2,), (2, 2)), ((3, 2), (2, 2, 2)), ((3, 3), (3, 3, 3))])
def test_other_gaussians_are_refused(mean: tuple[int, ...], cov: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\(n, 2\)"):
        plots.plot_gaussians(np.zeros(mean), np.zeros(cov))


def test_a_density_stands_upright() -> None:
    density = np.zeros((4, 4))
    density[3, 0] = 9.0  # large z2, small z1: top left
    ax = plots.plot_density(density, limit=2.0)
    (image,) = ax.images
    assert image.get_extent() == [-2, 2, -2, 2]
    assert image.origin == "lower"
    assert np.asarray(image.get_array())[3, 0] == 3.0


@pytest.mark.parametrize("density", [np.zeros(4), np.zeros((2, 3)), np.full((2, 2), -1.0)])
def test_other_densities_are_refused(density: np.ndarray) -> None:
    with pytest.raises(ValueError, match="nowhere negative"):
        plots.plot_density(density, limit=1.0)


def test_numbers_stand_at_their_digits() -> None:
    values = torch.arange(20.0).reshape(2, 10)
    ax = plots.plot_by_digit({"a": values, "b": values[0]})
    first, second = ax.lines
    assert [line.get_label() for line in ax.lines] == ["a", "b"]
    np.testing.assert_allclose(first.get_ydata(), values.flatten())
    np.testing.assert_array_equal(np.round(first.get_xdata()), [*range(10)] * 2)
    assert (np.asarray(second.get_xdata()) > np.asarray(first.get_xdata())[:10]).all()


@pytest.mark.parametrize("values", [{}, {"a": np.zeros(9)}, dict.fromkeys("abcde", np.zeros(10))])
def test_other_numbers_are_refused(values: dict[str, np.ndarray]) -> None:
    with pytest.raises(ValueError, match="values"):
        plots.plot_by_digit(values)


def test_a_tree_s_leaves_are_digits_in_their_colours() -> None:
    points = torch.tensor([[0.0], [1.0], [5.0], [40.0]])
    ax = plots.plot_tree(latent.hierarchy(torch.cdist(points, points)))
    labels = ax.get_xticklabels()
    assert sorted(label.get_text() for label in labels) == ["0", "1", "2", "3"]
    assert all(label.get_color() == plots.DIGIT_COLOURS[int(label.get_text())] for label in labels)
    heights = {float(np.max(path.vertices[:, 1])) for lines in ax.collections for path in lines.get_paths()}
    assert heights == {1.0, 4.5, 38.0}
