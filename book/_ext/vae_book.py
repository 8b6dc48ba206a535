"""Sphinx extension of this book: figures that everyone can read, pages that need no kernel.

What it does while the pages are read and resolved:

* hands on the alternative text given as `display(fig, metadata={"image/png": {"alt": "..."}})`
  (myst-nb itself reads it from the cell's metadata only, `mystnb.image.alt`);
* warns about an image without alternative text, and about a figure or an explorer in a cell's output
  without number and caption (cell metadata `mystnb.figure`: `name`, `caption`); a warning fails the build;
* leaves the state of Jupyter widgets out of the page, where no kernel could use it;
* makes a build that warned start afresh the next time, since Sphinx shows a cached page's warnings only once;
* and one that was killed, since Sphinx would take the half of a page that it left for the page.

`vae_book_claims` makes the page of claims, `vae_book_cards` that of the models, `vae_book_benchmarks` and
`vae_book_growth` make that of the benchmarks, `vae_book_tests` that of the tests, `vae_book_glossary` links its terms,
`vae_book_plotly` brings plotly's script, and `vae_book_html` mends the pages as they were written.
"""

from __future__ import annotations

import re
import shutil
import zlib
from pathlib import Path
from typing import Any

import vae_book_benchmarks
import vae_book_cards
import vae_book_claims
import vae_book_glossary
import vae_book_growth
import vae_book_html
import vae_book_plotly
import vae_book_tests
from bs4 import BeautifulSoup
from docutils import nodes
from myst_nb.core.render import MimeData, NbElementRenderer
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)

# Fewer characters cannot say what is seen; file names and these words say nothing.
MIN_ALT_LENGTH = 20
EMPTY_WORDS = re.compile(
    r"(image|figure|plot|picture|graph|untitled)?[\s.:]*|\S+\.(png|svg|jpe?g|gif)|data:.*|<.*>", re.I
)

# An HTML output with one of these is something to look at or to play with, rather than text or a table.
FIGURE_HTML = re.compile(r"<(script|canvas|svg|img|iframe)\b", re.I)


def alt_problem(alt: str | None) -> str | None:
    """What is wrong with an image's alternative text, or None."""
    if alt is None or not alt.strip():
        return "has no alternative text"
    if EMPTY_WORDS.fullmatch(alt.strip()):
        return f"has an alternative text that says nothing: {alt!r}"
    if len(alt.strip()) < MIN_ALT_LENGTH:
        return f"has an alternative text of fewer than {MIN_ALT_LENGTH} characters: {alt!r}"
    return None


def render_image_with_alt(renderer: NbElementRenderer, data: MimeData) -> list[nodes.Element]:
    """myst-nb's `render_image`, which also reads the alternative text from the output's metadata."""
    rendered = render_image(renderer, data)
    alt = data.output_metadata.get(data.mime_type, {}).get("alt")
    if alt:
        for image in rendered:
            image["alt"] = str(alt)
    return rendered


def without_widget_state(renderer: NbElementRenderer, metadata: dict[str, Any]) -> None:
    """Stands in for myst-nb's `render_nb_finalise`, whose one task is to embed the widgets' state."""


# myst-nb takes other renderers only as entry points of an installed package; a book is none.
render_image = NbElementRenderer.render_image


class CheckFigures(SphinxPostTransform):
    """Warns about images without alternative text and about output figures without number and caption."""

    default_priority = 20  # after myst-nb has chosen one MIME type of each output (4) and pasted what was glued (3)

    def run(self, **kwargs: Any) -> None:
        """Looks at every image and every drawn output of a page that is about to be written."""
        if self.app.builder.format != "html":
            return
        for image in self.document.findall(nodes.image):
            problem = alt_problem(image.get("alt"))
            if problem:
                self.warn(
                    f"an image {problem}; give it one with display(fig, metadata={{'image/png': {{'alt': '...'}}}}) or "
                    "the cell's metadata mystnb.image.alt (in Markdown: ![what is seen](file))",
                    "alt",
                    image,
                )
            elif cell_output(image) is not None and not in_captioned_figure(image):
                self.warn_uncaptioned("an output image", image)
        for raw in self.document.findall(nodes.raw):
            if "html" in raw.get("format", ""):
                vae_book_claims.mark_verdict(raw, cell_output(raw))
                if FIGURE_HTML.search(raw.astext()):
                    self.check_html(raw)

    def check_html(self, raw: nodes.raw) -> None:
        """The same for an output that is HTML: an explorer, or a picture drawn as SVG."""
        for image in BeautifulSoup(raw.astext(), "html.parser").find_all("img"):
            problem = alt_problem(image.get("alt"))
            if problem:
                self.warn(f"an <img> {problem}", "alt", raw)
        if cell_output(raw) is not None and not in_captioned_figure(raw):
            self.warn_uncaptioned("an interactive or drawn HTML output", raw)

    def warn_uncaptioned(self, what: str, node: nodes.Element) -> None:
        """Warns that something to look at is no numbered figure, and says how to make it one."""
        self.warn(
            f"{what} has no number and caption; give its cell the metadata "
            '{"mystnb": {"figure": {"name": "fig-...", "caption": "..."}}}',
            "caption",
            node,
        )

    def warn(self, message: str, subtype: str, node: nodes.Element) -> None:
        """Warns with the page and the cell, counted from 1."""
        cell = ancestor(node, lambda parent: "cell_index" in parent.attributes)
        where = f"cell {cell['cell_index'] + 1}: " if cell is not None else ""
        # A line of a notebook's Markdown says nothing; an image's own paragraph knows the line in a text file.
        location = self.env.docname if cell is not None else ancestor(node, lambda parent: parent.line) or node
        LOGGER.warning(where + message, type="vae_book", subtype=subtype, location=location)


def ancestor(node: nodes.Node, accept: Any) -> nodes.Element | None:
    """The nearest element around the node that `accept` accepts, or None."""
    parent = node.parent
    while parent is not None and not accept(parent):
        parent = parent.parent
    return parent


def cell_output(node: nodes.Node) -> nodes.Element | None:
    """The output of the code cell that the node came out of, or None."""
    return ancestor(node, lambda parent: parent.get("nb_element") == "cell_code_output")


def in_captioned_figure(node: nodes.Node) -> bool:
    """Whether the node lies in a figure that has a caption, and so a number."""
    figure = ancestor(node, lambda parent: isinstance(parent, nodes.figure))
    return figure is not None and any(
        isinstance(child, nodes.caption) and child.astext().strip() for child in figure.children
    )


def put_cache_away(app: Sphinx, *_: object) -> None:
    """Sphinx's cached environment says which pages are done, and it is written before they are.

    Away from its place until the build has ended, it is not found after one that was killed: half a page stays not.
    """
    cache = _cache(app)
    if cache.exists():
        cache.replace(cache.with_suffix(".away"))


def make_outputs_anew(app: Sphinx) -> None:
    """Where all pages are to be read, the figures of earlier builds go: a killed one may have left half of one."""
    if app.fresh_env_used:
        shutil.rmtree(Path(app.outdir).parent / "jupyter_execute", ignore_errors=True)


def give_cache_back(app: Sphinx, exception: Exception | None) -> None:
    """Ends `put_cache_away`. After a build with warnings the cache goes, so that the next one says them again."""
    away = _cache(app).with_suffix(".away")
    if app._warncount or exception:
        away.unlink(missing_ok=True)
    elif away.exists():
        away.replace(_cache(app))


def _cache(app: Sphinx) -> Path:
    return Path(app.doctreedir, "environment.pickle")


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    NbElementRenderer.render_image = render_image_with_alt
    NbElementRenderer.render_nb_finalise = without_widget_state
    app.add_post_transform(CheckFigures)
    app.connect("builder-inited", make_outputs_anew)
    app.connect("builder-inited", put_cache_away)
    app.connect("env-check-consistency", put_cache_away)  # it has just been written anew
    app.connect("build-finished", give_cache_back, priority=1000)  # the last: the pages are mended before
    vae_book_benchmarks.setup(app)
    vae_book_cards.setup(app)
    vae_book_claims.setup(app)
    vae_book_glossary.setup(app)
    vae_book_growth.setup(app)
    vae_book_html.setup(app)
    vae_book_plotly.setup(app)
    vae_book_tests.setup(app)
    # A page built by another version of this extension is built again.
    sources = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    return {
        "version": "1",
        "env_version": zlib.crc32(sources),
        "parallel_read_safe": True,
        "parallel_write_safe": False,
    }
