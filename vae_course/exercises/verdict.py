"""What checks, hints and the lines of a proof show: plain text, Markdown, HTML that inherits the page's colours."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Status = Literal["passed", "wrong", "not answered yet", "broken"]

TITLES: dict[Status, str] = {
    "passed": "Right",
    "wrong": "Not right yet",
    "not answered yet": "Not answered yet",
    "broken": "This could not be checked",
}
# the bar at the left repeats in colour what the title says in words; mid-tones show on white and on black
BARS: dict[str, str] = {
    "passed": "#228833",
    "wrong": "#CC8800",
    "not answered yet": "#888888",
    "broken": "#CC8800",
    "hint": "#4477AA",
}


@dataclass(frozen=True, repr=False)
class Verdict:
    """What a check found.

    status: "passed", "wrong" (it ran and gave something else), "not answered yet", or "broken" (it raised, did not
    end, changed its inputs, or gave no numbers). diagnosis: the slip's key, or None if no known slip
    was found; also: a second slip. explanation: sentences. comparison: lines with inputs, wanted and given values.
    given_as: the kind of arrays the answer was judged on. printed: what it printed on the first input.
    """

    exercise: str
    status: Status
    explanation: str
    diagnosis: str | None = None
    also: tuple[str, ...] = ()
    comparison: tuple[tuple[str, str], ...] = ()
    given_as: str = ""
    printed: str = ""

    @property
    def passed(self) -> bool:
        """Whether the answer is right."""
        return self.status == "passed"

    @property
    def message(self) -> str:
        """All that there is to say, as plain text."""
        return "\n".join(part for part in (self.explanation, _table(self.comparison), self._printed_text()) if part)

    @property
    def _title(self) -> str:
        slips = [] if self.diagnosis is None else [self.diagnosis, *self.also]
        return TITLES[self.status] + (f" ({' and '.join(slips)})" if slips else "")

    def _printed_text(self) -> str:
        return f"It printed:\n{self.printed.rstrip()}" if self.printed.strip() else ""

    def __repr__(self) -> str:
        return f"{self.exercise}: {self._title}. {self.message}"

    def _repr_markdown_(self) -> str:
        blocks = [_table(self.comparison), self._printed_text()]
        fenced = [f"````text\n{block}\n````" for block in blocks if block]
        return "\n\n".join([f"**{self.exercise}: {self._title}.** {self.explanation}", *fenced])

    def _repr_html_(self) -> str:
        return _box(
            BARS[self.status],
            f"{self.exercise}: {self._title}",
            _inline(self.explanation, formulas=False),
            [block for block in (_table(self.comparison), self._printed_text()) if block],
        )


@dataclass(frozen=True, repr=False)
class Hint:
    """One hint: level 1 is a nudge, 2 the formula, 3 nearly the code. text: Markdown with $...$ and `...`."""

    exercise: str
    level: int
    text: str

    @property
    def _title(self) -> str:
        return f"{self.exercise}: hint {self.level} of 3"

    def __repr__(self) -> str:
        return f"{self._title}. {self.text}"

    def _repr_markdown_(self) -> str:
        return f"**{self._title}.** {self.text}"

    def _repr_html_(self) -> str:
        return _box(BARS["hint"], self._title, _inline(self.text, formulas=True), [])


@dataclass(frozen=True)
class Hints:
    """All hints of an exercise, folded one into the other, so that nobody reads more than wanted."""

    exercise: str
    texts: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Hints for {self.exercise}: unfold one at a time, or call exercises.hint({self.exercise!r}, level)."

    def _repr_html_(self) -> str:
        folded = ""
        for level, text in reversed(list(enumerate(self.texts, 1))):
            title = "Hint" if level == 1 else "Another hint" if level < len(self.texts) else "Nearly the code"
            folded = (
                f'<details style="margin:0.4em 0 0 0"><summary style="cursor:pointer">{title}</summary>'
                f'<p style="margin:0.3em 0 0 1em">{_inline(text, formulas=True)}</p>{folded}</details>'
            )
        return (
            f'<div style="border-left:0.3em solid {BARS["hint"]};padding:0 0 0.2em 0.8em;max-width:46em">{folded}</div>'
        )


class Steps(Mapping[str, str]):
    """Named lines to be put in order: name -> text, Markdown with $...$. Shown in the order they are given in."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = dict(texts)

    def __getitem__(self, name: str) -> str:
        return self._texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __repr__(self) -> str:
        return _table(tuple(self.items()))

    def _repr_markdown_(self) -> str:
        return "\n".join(f"- `{name}`: {text}" for name, text in self.items())

    def _repr_html_(self) -> str:
        lines = "".join(
            f'<p style="margin:0.5em 0 0 0;overflow-x:auto">{_inline(f"`{name}`", formulas=False)}<br>'
            f"{_inline(text, formulas=True)}</p>"
            for name, text in self.items()
        )
        return (
            f'<div style="border-left:0.3em solid {BARS["hint"]};padding:0 0 0.3em 0.8em;max-width:46em">{lines}</div>'
        )


def _table(rows: tuple[tuple[str, str], ...]) -> str:
    """Rows "name = value", the signs one below the other; further lines of a value are indented."""
    width = max((len(name) for name, _ in rows), default=0)
    indent = "\n" + " " * (width + 3)
    return "\n".join(f"{name.ljust(width)} = {indent.join(value.splitlines())}" for name, value in rows)


def _box(bar: str, title: str, inline: str, blocks: list[str]) -> str:
    # pre-wrap, so that nothing scrolls sideways on a phone
    pre = (
        '<pre style="margin:0.4em 0 0 0;padding:0;border:0;background:transparent;color:inherit;'
        'font-size:0.9em;white-space:pre-wrap;overflow-wrap:anywhere">'
    )
    return (
        f'<div style="border-left:0.3em solid {bar};padding:0.2em 0 0.2em 0.8em;margin:0.3em 0;max-width:46em">'
        f'<p style="margin:0"><strong>{html.escape(title)}.</strong> {inline}</p>'
        + "".join(f"{pre}{html.escape(block)}</pre>" for block in blocks)
        + "</div>"
    )


def _inline(text: str, *, formulas: bool) -> str:
    """Escaped text, with `code` and $formulas$ marked up (the class is the one that Sphinx's MathJax looks for)."""

    def mark(match: re.Match[str]) -> str:
        code, formula = match.groups()
        if formula:
            return f'<span class="math notranslate nohighlight">\\({html.escape(formula)}\\)</span>'
        return f'<code style="background:transparent;color:inherit;padding:0;border:0">{html.escape(code)}</code>'

    parts = []
    last = 0
    for match in re.finditer(r"`([^`]+)`|\$([^$]+)\$" if formulas else r"`([^`]+)`()", text):
        parts += [html.escape(text[last : match.start()]), mark(match)]
        last = match.end()
    return "".join([*parts, html.escape(text[last:])])
