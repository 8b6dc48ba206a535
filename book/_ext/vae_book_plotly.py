"""Puts plotly's script beside the book's own, for figures that load it when the reader asks (part of `vae_book`)."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

from sphinx.application import Sphinx


def copy_script(app: Sphinx, exception: Exception | None) -> None:
    """Copies plotly.min.js from the installed package into the static folder, unless the same is there."""
    package = find_spec("plotly")
    if exception or app.builder.format != "html" or package is None or package.origin is None:
        return
    source = Path(package.origin).parent / "package_data" / "plotly.min.js"
    target = Path(app.outdir) / "_static" / source.name
    if not target.is_file() or target.read_bytes() != source.read_bytes():
        shutil.copyfile(source, target)


def setup(app: Sphinx) -> None:
    """Called by `vae_book`."""
    app.connect("build-finished", copy_script)
