"""`{growth}`: how cost grows with the work, drawn when the book is built (a part of the extension `vae_book`).

Each part of benchmarks/results/growth.json is a line: how many times the cost of the smallest work, against how many
times its size, both axes logarithmic. The text below the directive is the caption.
"""

from __future__ import annotations

import base64
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from vae_book_benchmarks import ResultDirective
from vae_book_results import ResultError


class Growth(ResultDirective):
    """The figure, numbered, with a caption."""

    required_arguments = 1
    has_content = True
    option_spec = {"name": directives.unchanged_required}  # noqa: RUF012

    def make(self) -> list[nodes.Node]:
        """A figure whose picture stands in the page. Its alternative text has the exponents."""
        name = self.arguments[0]
        growth = self.read(name).get("growth")
        if not growth or not all({"sizes", "seconds", "exponent"} <= set(row) for row in growth.values()):
            raise ResultError(f"{name}.json lacks sizes, seconds and exponents; run `vae-course bench {name}` again")
        picture = base64.b64encode(draw(growth)).decode("ascii")
        shown = ", ".join(f"{part} {row['exponent']['median']:.1f}" for part, row in growth.items())
        alt = f"Lines of cost against size on logarithmic axes, one for each part. Their slopes are: {shown}."
        made = nodes.figure("", nodes.image(uri=f"data:image/png;base64,{picture}", alt=alt))
        caption = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, caption)
        made += nodes.caption("", "", *(child for paragraph in caption.children for child in paragraph.children))
        self.set_source_info(made)
        self.add_name(made)
        return [made]


def draw(growth: dict[str, Any]) -> bytes:
    """The figure as a PNG. Takes a second: Matplotlib is imported only where the page is made."""
    from matplotlib.figure import Figure

    from vae_course.plots.pictures import make_png
    from vae_course.plots.style import NEUTRAL, SERIES, book_style

    with book_style():
        figure = Figure(figsize=(6.0, 3.6))
        ax = figure.subplots()
        colours = [*SERIES, "#AA3377"]
        ends = []
        for (part, row), colour in zip(growth.items(), colours, strict=False):
            times = [size / row["sizes"][0] for size in row["sizes"]]
            cost = [seconds / row["seconds"][0] for seconds in row["seconds"]]
            ax.plot(times, cost, "o-", color=colour, markersize=4)
            ends.append((times[-1], cost[-1], part, colour))
        largest = max(end[0] for end in ends)
        guides = {"in proportion": (1, largest, (4, 0), "left"), "squared": (2, largest**0.45, (-4, 4), "right")}
        for words, (power, reach, offset, side) in guides.items():
            ax.plot([1, reach], [1, reach**power], ":", color=NEUTRAL, linewidth=1, zorder=0)
            ax.annotate(words, (reach, reach**power), offset, textcoords="offset points", color=NEUTRAL, ha=side)
        ax.set(xscale="log", yscale="log", xlabel="size, times the smallest", ylabel="cost, times the smallest")
        ax.set_xlim(right=largest * 3)
        lowest = 0.0  # pixels up to which labels stand
        for x, y, part, colour in sorted(ends, key=lambda end: end[1]):
            beside = ax.transData.transform((x, y))[1]
            lowest = max(beside, lowest + 14 * figure.dpi / 72)
            raised = (lowest - beside) * 72 / figure.dpi  # points, so that no two labels meet
            ax.annotate(part, (x, y), (5, raised), textcoords="offset points", color=colour, va="center")
        return make_png(figure)


def setup(app: Sphinx) -> None:
    """Called by `vae_book`."""
    app.add_directive("growth", Growth)
