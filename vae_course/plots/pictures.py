"""Figures as small PNG files: 256 colours are enough for a plot, and take a third of the bytes."""

from __future__ import annotations

import importlib
import io
from typing import Any

from matplotlib.figure import Figure


def make_png(figure: Figure, **savefig_kw: Any) -> bytes:
    """The figure as a PNG in 256 colours, without a version stamp, so that equal figures give equal bytes."""
    from PIL import Image

    full, small = io.BytesIO(), io.BytesIO()
    figure.savefig(full, format="png", metadata={"Software": None}, **savefig_kw)
    full.seek(0)
    with Image.open(full) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(small, format="png", optimize=True)
    return small.getvalue()


def show_small_pictures() -> None:
    """Lets this session's notebook, if it is one, show all figures that way, from the next cell on."""
    import matplotlib as mpl
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is None or "inline" not in mpl.get_backend():
        return
    # Matplotlib's own formatter is put in place when this module is first imported, or when that cell ends.
    importlib.import_module("matplotlib_inline.backend_inline")

    def take_over(*_: Any) -> None:
        shell.events.unregister("post_run_cell", take_over)
        formatter: Any = shell.display_formatter.formatters["image/png"]  # type: ignore[union-attr]
        formatter.for_type(Figure, lambda figure: make_png(figure, bbox_inches="tight"))

    shell.events.register("post_run_cell", take_over)
