"""Plotly figures with a slider, and how a page shows them without weighing 4.8 MB at once (level 4).

Plotly is imported where it is used: it takes a while. `PlotlyInPage` needs plotly.min.js in the book's static folder.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_course.plots.latent_map import plot_latent_map
from vae_course.plots.pictures import make_png
from vae_course.plots.style import DIGIT_COLOURS, NEUTRAL, book_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from plotly.graph_objects import Figure as PlotlyFigure

SCRIPT = Path(__file__).parent / "static" / "plotly_page.js"
LEAST_LIMIT = 4.5  # half the map's width, as long as it holds every mean


def plot_beta_slider(
    clouds: Mapping[float, ArrayLike], labels: ArrayLike, *, beta: float | None = None
) -> PlotlyFigure:
    """A plotly scatter of digits in a 2-D latent space with a slider over beta, coloured by digit.

    clouds: for each beta the means of the same digits, (n, 2); shown to two decimals. labels: (n,), 0 to 9. beta: where
    the slider starts, by default the middle one. Circles lie at one and two standard deviations of the prior. Hovering
    names digit and place; a click on the legend hides a digit. Raises ValueError on shapes that do not fit together.
    """
    import plotly.graph_objects as go

    points, classes = _check(clouds, labels)
    betas = list(points)
    start = betas[len(betas) // 2] if beta is None else beta
    if start not in points:
        raise ValueError(f"beta must be one of {', '.join(f'{each:g}' for each in betas)}, got {start}")
    frames = [
        go.Frame(
            name=f"{each:g}",
            data=[go.Scatter(**_places(points[each], classes, digit)) for digit in np.unique(classes).tolist()],
            layout={axis: {"range": [-_limit(points[each]), _limit(points[each])]} for axis in ("xaxis", "yaxis")},
        )
        for each in betas
    ]
    at_once = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}
    slider = {
        "active": betas.index(start),
        "currentvalue": {"prefix": "β = ", "font": {"size": 16}},
        "pad": {"t": 40},
        "steps": [
            {"label": frame.name, "method": "animate", "args": [[frame.name], at_once], "value": frame.name}
            for frame in frames
        ],
    }
    circle = {"type": "circle", "xref": "x", "yref": "y", "line": {"dash": "dash", "width": 1, "color": NEUTRAL}}
    figure = go.Figure(data=_traces(go, points[start], classes), frames=frames)
    figure.update_layout(
        template="none",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        height=620,
        margin={"l": 50, "r": 20, "t": 50, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "itemsizing": "constant"},
        xaxis={
            "title": {"text": "z<sub>1</sub>", "standoff": 4},
            "range": [-_limit(points[start]), _limit(points[start])],
            "constrain": "domain",
        },
        yaxis={
            "title": {"text": "z<sub>2</sub>"},
            "range": [-_limit(points[start]), _limit(points[start])],
            "scaleanchor": "x",
            "constrain": "domain",
        },
        shapes=[{**circle, "x0": -sd, "x1": sd, "y0": -sd, "y1": sd} for sd in (1, 2)],
        sliders=[slider],
    )
    return figure


def draw_clouds(clouds: Mapping[float, ArrayLike], labels: ArrayLike) -> Figure:
    """The same scatter for at most four of the betas, evenly chosen: the picture that stands in for the slider."""
    from matplotlib.figure import Figure

    points, classes = _check(clouds, labels)
    chosen = np.unique(np.linspace(0, len(points) - 1, min(4, len(points))).round().astype(int))
    with book_style():
        figure = Figure(figsize=(7.2, 7.2 if len(chosen) > 2 else 3.7), dpi=90, layout="constrained")
        axes = figure.subplots(2 if len(chosen) > 2 else 1, 2 if len(chosen) > 1 else 1, squeeze=False).ravel()
        for ax, k in zip(axes, chosen, strict=False):
            each = list(points)[k]
            plot_latent_map(points[each], classes, ax=ax, limit=_limit(points[each]), s=6)
            ax.set_title(f"β = {each:g}", loc="left")
        for ax in axes[len(chosen) :]:
            ax.set_visible(False)
    return figure


class PlotlyInPage:
    """A plotly figure with a slider: as usual in Jupyter; in a page a picture, until the reader asks for the figure.

    figure: what `plot_beta_slider` gives, or another with a slider of frames. picture: a Matplotlib figure that stands
    in, `alt` what is seen in it. name: of lower-case letters, digits and hyphens, once in a page. script: where
    plotly.min.js lies, from the book's root. The page loads it when its button is pressed, and asks no other host.
    """

    def __init__(
        self,
        figure: PlotlyFigure,
        picture: Figure,
        *,
        alt: str,
        name: str = "beta-slider",
        script: str = "_static/plotly.min.js",
    ) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
            raise ValueError(f"name must be lower-case letters, digits and hyphens, got {name!r}")
        if not figure.layout.sliders or not figure.frames:
            raise ValueError("figure must have a slider and its frames; make it with plot_beta_slider")
        self.figure, self.alt, self.name, self.script = figure, alt, name, script
        with book_style():
            self._picture = base64.b64encode(make_png(picture)).decode("ascii")

    def to_html(self) -> str:
        """The figure for a page: the picture, a button, the data, and what loads plotly when the button is pressed."""
        parts = json.loads(self.figure.to_json())
        data = json.dumps({key: parts[key] for key in ("data", "layout", "frames")}, separators=(",", ":"))
        data = data.replace("<", r"\u003c")  # no string of the data can end the script element
        esc = html.escape
        return (
            f'<div id="plotly-{self.name}" data-plotly="{esc(self.script)}">\n'
            f'<img src="data:image/png;base64,{self._picture}" alt="{esc(self.alt)}" '
            'style="max-width: 100%; height: auto">\n'
            '<div class="plotly-figure" hidden tabindex="0" role="application" aria-roledescription="slider" '
            'style="max-width: 640px; border-color: var(--pst-color-border, #8888)" '
            f'aria-label="{esc(self.alt)} Arrow keys change beta."></div>\n'
            '<p class="plotly-ask" hidden><button type="button" style="min-height: 44px; padding: 0.2rem 0.8rem; '
            'font: inherit; color: inherit; background: transparent; border: 1px solid; border-radius: 6px">'
            'Load the plotly figure (4.8 MB, once)</button> <span role="status"></span></p>\n'
            f'<script type="application/json">{data}</script>\n'
            f"<script>\n{SCRIPT.read_text(encoding='utf-8')}</script>\n"
            "</div>"
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        live = json.loads(self.figure.to_json())
        return {
            "application/vnd.plotly.v1+json": {**live, "config": {"displaylogo": False}},
            "text/html": self.to_html(),
            "text/plain": self.alt,
        }


def _traces(go: Any, points: NDArray[np.float64], classes: NDArray[np.int64]) -> list[Any]:
    """A trace a digit, so that the legend can hide it."""
    return [
        go.Scatter(
            **_places(points, classes, digit),
            mode="markers",
            name=str(digit),
            marker={
                "size": 6,
                "color": DIGIT_COLOURS[digit],
                "opacity": 0.85,
                "line": {"width": 0.5, "color": NEUTRAL},
            },
            hovertemplate=f"a {digit} at (%{{x}}, %{{y}})<extra></extra>",
        )
        for digit in np.unique(classes).tolist()
    ]


def _places(points: NDArray[np.float64], classes: NDArray[np.int64], digit: int) -> dict[str, list[float]]:
    """One digit's points; lists of short numbers are half as long as plotly's packed float64."""
    chosen = points[classes == digit]
    return {"x": chosen[:, 0].tolist(), "y": chosen[:, 1].tolist()}


def _limit(points: NDArray[np.float64]) -> float:
    return max(LEAST_LIMIT, float(np.ceil(2.04 * np.abs(points).max())) / 2)


def _check(
    clouds: Mapping[float, ArrayLike], labels: ArrayLike
) -> tuple[dict[float, NDArray[np.float64]], NDArray[np.int64]]:
    """The clouds, rounded, and the labels as arrays. Raises ValueError unless they fit together."""
    points = {beta: np.asarray(cloud, dtype=np.float64).round(2) + 0 for beta, cloud in clouds.items()}
    classes = np.asarray(labels, dtype=np.int64)
    shapes = {cloud.shape for cloud in points.values()}
    if not points or shapes != {(classes.size, 2)} or classes.ndim != 1 or not classes.size:
        raise ValueError(
            "clouds must hold (n, 2) points for each beta and labels (n,) with n > 0, got "
            f"{sorted(shapes)} and {classes.shape}"
        )
    if not all(np.isfinite(cloud).all() for cloud in points.values()):
        raise ValueError("clouds hold NaN or infinity; was the model trained to the end?")
    if not 0 <= classes.min() <= classes.max() <= 9:
        raise ValueError(f"labels must lie between 0 and 9, got {classes.min()} to {classes.max()}")
    return points, classes
