"""The page that a student gets back: one file that asks for nothing else, with its formulas as MathML."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from traitlets.config import Config

TEMPLATES = Path(__file__).parent / "templates"
_ROLE = re.compile(r"\{(cite:)?[a-z]\w*\}`([^`]+)`")  # what the book alone understands: {cite:p}`burda2016`
# TeX takes one digit as an argument, docutils the whole number: \frac12 is a half, x^10 is x to the 1, times 0.
_DIGIT_FIRST = re.compile(r"(\\[dt]?frac\s*|\\sqrt\s*|[\^_]\s*)(\d)(?=\d)")
_DIGIT_SECOND = re.compile(r"(\\[dt]?frac\s*(?:\{[^{}]*\}|\d)\s*)(\d)(?=\d)")


class _Renderer(IPythonRenderer):
    """Markdown's HTML as nbconvert writes it, but for formulas, which are left to a script there."""

    def inline_math(self, body: str) -> str:
        """A formula in a line of text."""
        return to_mathml(body)

    def block_math(self, body: str) -> str:
        """A formula on lines of its own."""
        return to_mathml(body, block=True)

    def latex_environment(self, name: str, body: str) -> str:
        """A formula on lines of its own, written as an environment of LaTeX."""
        return to_mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", block=True)


def to_mathml(tex: str, *, block: bool = False) -> str:
    """A formula as MathML, which browsers set without a script; as TeX where it can't be turned into that."""
    from docutils.utils.math import latex2mathml  # type: ignore[import-untyped,unused-ignore]

    single = _DIGIT_SECOND.sub(r"\1{\2}", _DIGIT_FIRST.sub(r"\1{\2}", tex.strip()))
    primed = re.sub(r"'(?!\^)", r"^{\\prime}", single)  # docutils leaves an apostrophe
    try:
        return str(latex2mathml.tex2mathml(primed, as_block=block))
    except Exception:  # a teacher's comment may hold anything between dollars, and which error it is differs
        return f"<code>{html.escape(tex.strip())}</code>"


def markdown_to_html(text: str) -> str:
    """Markdown with $formulas$ as HTML; of the book's own roles the words stay, of a citation its key."""
    plain = _ROLE.sub(lambda role: f"[{role[2]}]" if role[1] else role[2], text)
    renderer = _Renderer(escape=False, exclude_anchor_links=True)
    return str(MarkdownWithMath(renderer=renderer).render(plain))


def with_titles(cells: Sequence[Any]) -> list[tuple[Any, str]]:
    """Each cell with the title of the exercise that it belongs to; "" before the first."""
    found, title = [], ""
    for cell in cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            title = cell.source.splitlines()[0].removeprefix("## ")
        found.append((cell, title))
    return found


def exporter_config() -> Config:
    """What nbgrader's converter needs to write this page instead of its own."""
    config = Config()
    config.HTMLExporter.template_name = "feedback"
    config.HTMLExporter.extra_template_basedirs = [str(TEMPLATES)]
    config.HTMLExporter.filters = {name: f"{__name__}.{name}" for name in ("markdown_to_html", "with_titles")}
    return config
