"""The one look of all figures: the ten digits' colours and Matplotlib's settings (level 4)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Paul Tol's colours for readers of all kinds of colour vision. A digit keeps its colour throughout the book.
DIGIT_COLOURS: list[str] = [
    "#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#332288", "#9A5B1E", "#44AA99", "#999999",
]  # fmt: skip

# Series that are not digits: the right way, the wrong way, a reference.
RIGHT, WRONG, NEUTRAL = "#0077BB", "#CC3311", "#777777"
# Series of equal standing, in their order.
SERIES = (RIGHT, "#EE7733", "#009988", "black")

_SETTINGS: dict[Any, Any] = {
    "figure.dpi": 125,
    "figure.figsize": (6.0, 2.8),
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "font.size": 10.5,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
}


def with_defaults(given: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    """A plot's own settings, where the caller gave no others."""
    return defaults | given


def use_style() -> None:
    """Sets the book's look for all later figures of this session, and small pictures in a notebook."""
    import matplotlib as mpl

    from vae_course.plots.pictures import show_small_pictures

    mpl.rcParams.update(_SETTINGS)
    show_small_pictures()


@contextmanager
def book_style() -> Iterator[None]:
    """The book's look and nothing of the session's own settings, while it lasts."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield
