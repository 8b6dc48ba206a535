import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from vae_course.plots.latent_map import label_spots, plot_latent_map
from vae_course.plots.style import DIGIT_COLOURS


@pytest.fixture
def cloud():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 40)
    return rng.normal(scale=0.3, size=(400, 2)) + rng.normal(size=(10, 2))[labels], labels


def test_points_have_their_digits_colours_and_every_class_its_label(cloud):
    mu, labels = cloud
    before = dict(mpl.rcParams)
    ax = Figure().subplots()
    assert plot_latent_map(mu, labels, ax=ax, limit=4.0, s=3) is ax
    points = ax.collections[0]
    np.testing.assert_allclose(points.get_offsets(), mu)
    shown = [to_hex(colour).upper() for colour in points.get_facecolors()]
    assert shown == [DIGIT_COLOURS[label].upper() for label in labels]
    assert {text.get_text() for text in ax.texts} >= set("0123456789")
    assert ax.get_xlim() == ax.get_ylim() == (-4.0, 4.0)
    assert dict(mpl.rcParams) == before


def test_without_axes_it_draws_on_the_present_ones(cloud):
    import matplotlib.pyplot as plt

    with mpl.rc_context({"backend": "agg"}):
        ax = plt.figure().add_subplot()
        assert plot_latent_map(*cloud) is ax
        plt.close(ax.figure)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((5, 3), r"mu must be \(n, 2\)"),
        ((5,), r"mu must be \(n, 2\)"),
        ((0, 2), r"mu must be \(n, 2\)"),
        ((4, 2), r"labels must be one a row, \(4,\)"),
    ],
)
def test_wrong_shapes_are_refused(shape, words):
    with pytest.raises(ValueError, match=words):
        plot_latent_map(np.zeros(shape), np.zeros(5), ax=Figure().subplots())


def test_labels_stay_where_there_is_room_and_keep_apart_where_there_is_none():
    mu = np.array([[0.0, 0.0], [0.0, 0.0], [0.1, 0.0], [9.0, 9.0]])
    spots = label_spots(mu, [1, 2, 3, 4], gap=1.0)
    assert spots[4] == (9.0, 9.0)
    crowd = np.array([spots[i] for i in (1, 2, 3)])
    assert min(np.linalg.norm(crowd[i] - crowd[j]) for i, j in [(0, 1), (0, 2), (1, 2)]) >= 0.99


def test_a_class_in_two_parts_is_labelled_in_the_denser_one():
    rng = np.random.default_rng(0)
    parts = np.concatenate([rng.normal(3, 0.1, (60, 2)), rng.normal(-3, 0.1, (40, 2))])
    x, y = label_spots(parts, np.zeros(100), gap=0.5)[0]
    assert abs(x - 3) < 0.3
    assert abs(y - 3) < 0.3
