"""Maps without axes, and images at their points, show each point where it is."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from vae_course import plots

mpl.use("agg")
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    yield
    plt.close("all")


def test_every_point_is_drawn_in_its_digits_colour() -> None:
    points, labels = RNG.normal(size=(40, 2)), np.arange(40) % 10
    _, ax = plt.subplots()
    assert plots.plot_embedding(points, labels, ax=ax) is ax
    np.testing.assert_array_equal(ax.collections[0].get_offsets(), points)
    wanted = [mpl.colors.to_rgba(plots.DIGIT_COLOURS[label]) for label in labels]
    np.testing.assert_allclose(ax.collections[0].get_facecolors(), wanted)
    assert sorted(text.get_text() for text in ax.texts) == [str(digit) for digit in range(10)]
    assert not ax.get_xticks().size


def test_without_labels_there_is_one_colour() -> None:
    ax = plots.plot_embedding(RNG.normal(size=(5, 2)))
    assert len(ax.collections[0].get_facecolors()) == 1
    assert not ax.texts


def test_images_lie_at_their_points_and_cover_none() -> None:
    points = np.array([[0.0, 0.0], [0.1, 0.1], [4.0, 0.0], [0.0, 8.0]])
    images = RNG.random((4, 784))
    ax = plots.plot_images_at(points, images, width=0.1)  # of 8 units: 0.8
    centres = [((a + b) / 2, (c + d) / 2) for a, b, c, d in (image.get_extent() for image in ax.images)]
    np.testing.assert_allclose(centres, points[[0, 2, 3]])  # the second would cover the first
    np.testing.assert_allclose(np.asarray(ax.images[1].get_array())[..., 3], images[2].reshape(28, 28))


def test_images_take_the_colours_of_their_digits() -> None:
    images = np.full((2, 784), 255, dtype=np.uint8)
    ax = plots.plot_images_at([[0, 0], [9, 9]], images, labels=[3, 7])
    for image, digit in zip(ax.images, (3, 7), strict=True):
        np.testing.assert_allclose(np.asarray(image.get_array())[5, 5], mpl.colors.to_rgba(plots.DIGIT_COLOURS[digit]))


@pytest.mark.parametrize("shape", [(3,), (3, 3), (0, 2)])
def test_other_points_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\(n, 2\)"):
        plots.plot_embedding(np.zeros(shape))
    with pytest.raises(ValueError, match=r"\(n, 2\)"):
        plots.plot_images_at(np.zeros(shape), np.zeros((3, 784)))


def test_labels_and_images_must_be_one_a_point() -> None:
    with pytest.raises(ValueError, match=r"\(4,\)"):
        plots.plot_embedding(np.zeros((4, 2)), [1, 2, 3])
    with pytest.raises(ValueError, match=r"\(4, 784\)"):
        plots.plot_images_at(np.zeros((4, 2)), np.zeros((3, 784)))
