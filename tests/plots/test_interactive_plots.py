import json
import re

import numpy as np
import pytest
from matplotlib.figure import Figure

from vae_course.plots.interactive import PlotlyInPage, draw_clouds, plot_beta_slider
from vae_course.plots.style import DIGIT_COLOURS

BETAS = (0.0, 0.5, 1.0, 4.0)


@pytest.fixture(scope="module")
def labels():
    return np.arange(200) % 10


@pytest.fixture(scope="module")
def clouds(labels):
    rng = np.random.default_rng(0)
    return {beta: rng.normal(size=(len(labels), 2)) * (20 if beta == 0 else 1) for beta in BETAS}


@pytest.fixture(scope="module")
def figure(clouds, labels):
    return plot_beta_slider(clouds, labels, beta=1.0)


@pytest.fixture(scope="module")
def shown(figure, clouds, labels):
    return PlotlyInPage(figure, draw_clouds(clouds, labels), alt="Digits in four latent spaces, one for each beta.")


def points_of(traces, labels):
    """The points of a frame in the order of the digits, (n, 2)."""
    found = np.full((len(labels), 2), np.nan)
    for digit, trace in enumerate(traces):
        found[labels == digit] = np.stack([trace.x, trace.y], axis=1)
    return found


def test_each_frame_holds_its_beta_s_points_in_the_digits_colours(figure, clouds, labels):
    assert [frame.name for frame in figure.frames] == ["0", "0.5", "1", "4"]
    for frame, beta in zip(figure.frames, BETAS, strict=True):
        np.testing.assert_allclose(points_of(frame.data, labels), clouds[beta], atol=0.00501)
        low, high = frame.layout.xaxis.range
        assert low == -high and high >= np.abs(clouds[beta]).max()
        assert frame.layout.yaxis.range == frame.layout.xaxis.range


def test_it_starts_at_beta_and_each_step_shows_its_frame(figure, clouds, labels):
    (slider,) = figure.layout.sliders
    assert [(trace.name, trace.marker.color) for trace in figure.data] == [
        (str(digit), colour) for digit, colour in enumerate(DIGIT_COLOURS)
    ]
    assert slider.active == 2
    assert [step.args[0][0] for step in slider.steps] == [frame.name for frame in figure.frames]
    np.testing.assert_allclose(points_of(figure.data, labels), clouds[1.0], atol=0.00501)
    assert plot_beta_slider(clouds, labels).layout.sliders[0].active == 2, "the middle one, without a choice"


def test_the_prior_s_circles_have_radius_one_and_two(figure):
    assert [(shape.x0, shape.x1, shape.y0, shape.y1) for shape in figure.layout.shapes] == [
        (-1, 1, -1, 1),
        (-2, 2, -2, 2),
    ]


def test_a_digit_that_is_missing_has_no_trace(clouds, labels):
    few = labels < 3
    figure = plot_beta_slider({beta: cloud[few] for beta, cloud in clouds.items()}, labels[few])
    assert [trace.name for trace in figure.data] == ["0", "1", "2"]


@pytest.mark.parametrize(("n_betas", "n_axes"), [(1, 1), (2, 2), (3, 3), (4, 4), (9, 4)])
def test_the_picture_shows_the_first_and_the_last_beta(labels, n_betas, n_axes):
    rng = np.random.default_rng(0)
    clouds = {float(beta): rng.normal(size=(200, 2)) for beta in range(n_betas)}
    axes = [ax for ax in draw_clouds(clouds, labels).axes if ax.get_visible()]
    titles = [ax.get_title(loc="left") for ax in axes]
    assert len(titles) == n_axes
    assert (titles[0], titles[-1]) == ("β = 0", f"β = {n_betas - 1}")


def test_what_does_not_fit_is_refused(clouds, labels):
    with pytest.raises(ValueError, match=r"labels \(n,\) with n > 0, got \[\(200, 2\)\] and \(199,\)"):
        plot_beta_slider(clouds, labels[:-1])
    with pytest.raises(ValueError, match="clouds must hold"):
        plot_beta_slider({}, labels)
    with pytest.raises(ValueError, match="clouds must hold"):
        draw_clouds({**clouds, 8.0: np.zeros((200, 3))}, labels)
    with pytest.raises(ValueError, match="NaN or infinity"):
        plot_beta_slider({1.0: np.full((200, 2), np.nan)}, labels)
    with pytest.raises(ValueError, match="between 0 and 9, got 1 to 10"):
        plot_beta_slider(clouds, labels + 1)
    with pytest.raises(ValueError, match=r"beta must be one of 0, 0\.5, 1, 4, got 2"):
        plot_beta_slider(clouds, labels, beta=2)


# ---- the page


def test_html_names_no_other_host_and_is_light(shown, labels):
    rng = np.random.default_rng(1)
    labels = np.arange(400) % 10  # as many as the chapter shows
    clouds = {float(beta): rng.normal(size=(400, 2)) for beta in range(9)}
    page = PlotlyInPage(plot_beta_slider(clouds, labels), Figure(figsize=(1, 1)), alt="x").to_html()
    assert len(page) < 150_000
    for each in (page, shown.to_html()):
        assert not re.search(r"https?://|@import|url\(|<[^>]+ on\w+=", each)


def test_html_holds_the_whole_figure_and_ends_no_script_early(clouds, labels, figure):
    alt = 'Digits </script> & "betas"'
    shown = PlotlyInPage(figure, Figure(figsize=(1, 1)), alt=alt, name="slider-2", script="elsewhere/plotly.js")
    page = shown.to_html()
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)[1])
    assert data == {key: json.loads(figure.to_json())[key] for key in ("data", "layout", "frames")}
    assert page.count("</script>") == 2
    assert 'id="plotly-slider-2" data-plotly="elsewhere/plotly.js"' in page


def test_html_is_the_same_each_time(clouds, labels, shown):
    again = PlotlyInPage(plot_beta_slider(clouds, labels, beta=1.0), draw_clouds(clouds, labels), alt=shown.alt)
    assert again.to_html() == shown.to_html()


def test_jupyter_is_given_the_plotly_figure(shown, figure):
    bundle = shown._repr_mimebundle_()
    live = bundle["application/vnd.plotly.v1+json"]
    assert live["frames"] == json.loads(figure.to_json())["frames"]
    assert bundle["text/html"] == shown.to_html()
    json.dumps(bundle)


def test_a_figure_without_slider_or_a_bad_name_is_refused(figure):
    import plotly.graph_objects as go

    with pytest.raises(ValueError, match="plot_beta_slider"):
        PlotlyInPage(go.Figure(), Figure(), alt="x")
    with pytest.raises(ValueError, match="lower-case"):
        PlotlyInPage(figure, Figure(), alt="x", name="Slider 1")
