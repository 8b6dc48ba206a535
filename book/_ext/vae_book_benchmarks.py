"""The page of benchmarks, made from benchmarks/results/*.json (a part of the extension `vae_book`).

`{benchmark} training` lists the works of a result: peer, what was reached with its spread, goal, met or missed by how
much; then the machine and the versions. `{missed} NAME OF A WORK` holds the reasons why a goal is missed. `{overview}`
shows all works that have a goal on one logarithmic axis, and `{growth}` draws how cost grows. A result that lacks what
the page needs, a missed goal without reasons and reasons for a goal that is met are warnings, and so fail the build.
"""

from __future__ import annotations

import math
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from vae_book_results import ResultError, Work, read_result

LOGGER = logging.getLogger(__name__)
RESULTS = Path("benchmarks", "results")  # in the folder of the book's settings
SHEET = "benchmarks.css"
SHOWN = "vae_book_benchmarks"  # on the environment: page -> what it shows
DASH = "\N{EN DASH}"  # where there is nothing to say
DECADES = 1.0  # how far the axis reaches on either side of the goal
FIRST = ("processor", "cores", "threads", "load when it began", "python", "torch")  # of the machine
NOT_NEEDED = ("images", "matrix product")  # of it, on the page


class ResultDirective(SphinxDirective):
    """What the directives share: reading results, noting what was shown, warning."""

    @property
    def folder(self) -> Path:
        """Where the results lie."""
        return Path(self.env.srcdir) / RESULTS

    def read(self, name: str) -> dict[str, Any]:
        """A result; the page depends on it. Raises ResultError."""
        self.env.note_dependency(str(self.folder / f"{name}.json"))
        return read_result(self.folder, name)

    def shown(self) -> dict[str, Any]:
        """What this page shows: the missed works, and the works with reasons, each with its line."""
        page = self.env.__dict__.setdefault(SHOWN, {})
        return page.setdefault(self.env.docname, {"missed": {}, "reasons": {}, "met": set()})

    def run(self) -> list[nodes.Node]:
        """The directive's nodes; a result that lacks something is a warning."""
        try:
            return self.make()
        except ResultError as error:
            LOGGER.warning(str(error), type="vae_book", subtype="benchmarks", location=self.get_location())
            return []

    def make(self) -> list[nodes.Node]:
        """The directive's nodes. May raise ResultError."""
        raise NotImplementedError


class Benchmark(ResultDirective):
    """The works of one result, and where it was measured."""

    required_arguments = 1

    def make(self) -> list[nodes.Node]:
        """A table, and a line on the machine."""
        result = self.read(self.arguments[0])
        shown = self.shown()
        rows: list[list[str | nodes.Element]] = []
        for work in result["works"]:
            if work.missed:
                shown["missed"][work.work] = self.get_location()
            else:
                shown["met"].add(work.work)
            words = work.judge()
            verdict = nodes.inline("", words, classes=["verdict", verdict_class(words)])
            goal = [DASH, DASH] if work.goal is None else [wanted(work), verdict]
            rows.append([work.work, work.peer or DASH, f"{work.figures()} {work.unit}", *goal])
        table = make_table(["work", "against", "reached", "goal", "verdict"], rows)
        machine = {key: result["machine"][key] for key in FIRST if key in result["machine"]} | result["machine"]
        words = ", ".join(f"{key} {value}" for key, value in machine.items() if key not in NOT_NEEDED)
        return [table, nodes.paragraph("", f"Measured on: {words}.", classes=["benchmark-machine"])]


def make_table(head: list[str], rows: list[list[str | nodes.Element]]) -> nodes.table:
    """A table of words; a cell may be an element that stands in its line. Columns with nothing to say are left out."""
    columns = [column for column in zip(head, *rows, strict=True) if set(column[1:]) != {DASH}]
    names, *lines = zip(*columns, strict=True)
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in names), cols=len(names))
    top = nodes.row("", *(nodes.entry("", nodes.paragraph("", name)) for name in names))
    body = nodes.tbody()
    for row in lines:
        cells = (nodes.Text(cell) if isinstance(cell, str) else cell for cell in row)
        body += nodes.row("", *(nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells))
    group += [nodes.thead("", top), body]
    return nodes.table("", group, classes=["colwidths-auto", "benchmark"])


def verdict_class(words: str) -> str:
    """The class of a claim's verdict that looks like this one."""
    return "holds" if words == "met" else "does-not-hold"


def wanted(work: Work) -> str:
    """The goal with its sign; the space between them is not broken."""
    sign = "\N{GREATER-THAN OR EQUAL TO}" if work.better == "more" else "\N{LESS-THAN OR EQUAL TO}"
    return f"{sign}\N{NO-BREAK SPACE}{work.goal:g}"


class Missed(ResultDirective):
    """Reasons why the goal of a work is missed, after the sentence that says by how much."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def make(self) -> list[nodes.Node]:
        """Whether the work is shown and missed is known when the page is read; until then the name is kept."""
        name = self.arguments[0]
        self.shown()["reasons"][name] = self.get_location()
        works = [work for path in sorted(self.folder.glob("*.json")) for work in self.works_of(path)]
        found = next((work for work in works if work.work == name), None)
        by = found.judge().removeprefix("missed ") if found is not None and found.missed else ""
        block = nodes.container("", nodes.paragraph("", "", nodes.strong("", f"{name}: goal missed {by}.")))
        block["classes"] = ["claim"]
        self.state.nested_parse(self.content, self.content_offset, block)
        return [block]

    def works_of(self, path: Path) -> list[Work]:
        """The works of a result; none if it is not made for the page."""
        try:
            return list(self.read(path.stem)["works"])
        except ResultError:
            return []  # said where it is to be shown


class Overview(ResultDirective):
    """All works with a goal, each a bar from least to greatest on a logarithmic axis with the goal in its middle."""

    required_arguments = 1
    final_argument_whitespace = True

    def make(self) -> list[nodes.Node]:
        """A list; the bars are hidden from who can't see them, as the words beside them say the same."""
        works = [work for name in self.arguments[0].split() for work in self.read(name)["works"]]
        rows = "".join(bar(work) for work in works if work.goal is not None)
        goals = [work for work in works if work.goal is not None]
        met = sum(not work.missed for work in goals)
        scale = "<span>a tenth</span><span>the goal</span><span>ten times</span>"
        html = f'<ul class="benchmark-bars">{rows}</ul><p class="benchmark-scale" aria-hidden="true">{scale}</p>'
        count = nodes.paragraph("", f"{met} of {len(goals)} goals are met.")
        return [count, nodes.raw("", html, format="html")]


def bar(work: Work) -> str:
    """A work with its words, and its bar as places along the axis in per cent."""
    low, high = sorted(place(work.of_goal(work.reached[name])) for name in ("min", "max"))
    middle, verdict = place(work.share), work.judge()
    words = f"{work.figures()} {work.unit}, goal {wanted(work)}"
    return (
        f'<li><span class="what">{escape(work.work)}</span> <span class="figures">{escape(words)}</span> '
        f'<span class="verdict {verdict_class(verdict)}">{verdict}</span>'
        f'<span class="track {verdict_class(verdict)}" aria-hidden="true">'
        f'<span class="spread" style="left:{low:.1f}%;width:{high - low:.1f}%"></span>'
        f'<span class="middle" style="left:{middle:.1f}%"></span></span></li>'
    )


def place(share: float) -> float:
    """Where a share of the goal lies along the axis, in per cent; what lies beyond an end is put there."""
    return 50 + 50 * max(-1.0, min(1.0, math.log10(share) / DECADES))


def check_reasons(app: Sphinx, env: BuildEnvironment) -> None:
    """Warns about missed goals without reasons, and about reasons for what is not missed, or not there."""
    for shown in env.__dict__.get(SHOWN, {}).values():
        for name in shown["missed"].keys() - shown["reasons"].keys():
            warn(f"the goal of {name!r} is missed and nothing says why; add {{missed}} {name}", shown["missed"][name])
        for name in shown["reasons"].keys() - shown["missed"].keys():
            said = "its goal is met" if name in shown["met"] else "the page shows no such work"
            warn(f"there are reasons why {name!r} is missed, but {said}", shown["reasons"][name])


def warn(message: str, location: Any) -> None:
    """A warning, at a directive's place; it fails the build."""
    LOGGER.warning(message, type="vae_book", subtype="benchmarks", location=location)


def forget(app: Sphinx, env: BuildEnvironment, page: str) -> None:
    """A page that is read again shows anew."""
    env.__dict__.get(SHOWN, {}).pop(page, None)


def join(app: Sphinx, env: BuildEnvironment, pages: set[str], other: BuildEnvironment) -> None:
    """Takes over what another process has read."""
    read = other.__dict__.get(SHOWN, {})
    env.__dict__.setdefault(SHOWN, {}).update({page: shown for page, shown in read.items() if page in pages})


def add_styles(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Only pages that show results need their style sheet."""
    if doctree is not None and any("benchmark" in table["classes"] for table in doctree.findall(nodes.table)):
        app.add_css_file(SHEET)


def setup(app: Sphinx) -> None:
    """Called by `vae_book`."""
    app.add_directive("benchmark", Benchmark)
    app.add_directive("missed", Missed)
    app.add_directive("overview", Overview)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", join)
    app.connect("env-check-consistency", check_reasons)
    app.connect("html-page-context", add_styles)
