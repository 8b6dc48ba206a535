"""The page "How is it tested?", made from tests/results/*.json (a part of the extension `vae_book`).

`{tested} verdicts` lists what a night with another seed made of every verdict; `oracles` how far the course is from
other libraries and from definitions in papers; `mutants` what became of wrong answers; `faults` what was broken, and
what came of it; `everywhere` the Pythons and processors; `coverage` the lines that tests run; `day` the stages of
`make test` and the slowest tests. `{tested} overview` sums all of it up. Every figure comes from what a run stored;
results that lack something are warnings, and so fail the build.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from vae_book_benchmarks import DASH, make_table
from vae_book_claims import address
from vae_book_figures import (
    LARGEST,
    SMALLEST,
    FiguresError,
    allowed,
    difference_bar,
    largest,
    minutes,
    notes_of,
    passes,
    read_figures,
    share_bar,
)

LOGGER = logging.getLogger(__name__)
RESULTS = Path("tests", "results")  # in the folder of the book's settings
Node = nodes.Node
Read = Callable[[str], dict[str, Any]]


# --- the parts of the page: each makes nodes of what runs have stored ---


def show_verdicts(read: Read) -> list[Node]:
    """The verdicts with draws in them: their links, whether they stood, what they say with the night's seed."""
    night, rows, still = read("night"), [], nodes.paragraph()
    chapters = Counter(verdict["claim"] for verdict in night["verdicts"])
    for verdict in night["verdicts"]:
        stored, now = verdict["stored"], verdict["now"] or {"evidence": "not reached", "verdict": "not reached"}
        claim, notebook = verdict["claim"], verdict["notebook"]
        name = f"{claim} in chapter {notebook.partition('-')[0].lstrip('0')}" if chapters[claim] > 1 else claim
        uri = f"../notebooks/{notebook}.html#{address(claim)}"
        link = nodes.reference("", name, internal=True, refuri=uri)
        if verdict["stands"] and not verdict["drawn"]:
            still += [nodes.Text(", ")] * bool(still.children) + [link]
            continue
        words = f"{stored['verdict']} {stored['condition']}".strip()
        stood = badge("stands") if verdict["stands"] else badge(f"now: {now['verdict']}", bad=True)
        rows.append([link, words, stood, now["evidence"]])
    still += nodes.Text(": nothing in these is drawn when the chapter runs, so they say the same.")
    return [make_table(["claim", "verdict", "other seed", "what it says with that seed"], rows), still, where(night)]


def show_oracles(read: Read) -> list[Node]:
    """A bar for each thing compared: the largest difference, and what is allowed, on one logarithmic axis."""
    rows: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for note in notes_of(read("night"), "oracles"):
        rows[note["measure"], note["against"], note["what"]].append(note)
    exact = [item for item in rows.items() if item[0][0] != "standard errors"]
    bars = "".join(difference_bar(against, what, notes) for (_, against, what), notes in sorted(exact))
    ends = f"<span>10<sup>{SMALLEST:g}</sup></span><span>10<sup>{(SMALLEST + LARGEST) / 2:g}</sup></span>"
    scale = f'<p class="benchmark-scale" aria-hidden="true">{ends}<span>10</span></p>'
    drawn: list[list[str | nodes.Element]] = [
        [what, against, f"{sum(note['compared'] for note in notes):,}", f"{largest(notes):.1f}", f"{allowed(notes):g}"]
        for (measure, against, what), notes in sorted(rows.items())
        if measure == "standard errors"
    ]
    shown: list[Node] = [nodes.raw("", f'<ul class="benchmark-bars">{bars}</ul>{scale}', format="html")]
    if drawn:
        shown.append(nodes.paragraph("", "What is drawn at random, apart by so many of its own standard errors:"))
        shown.append(make_table(["what", "against", "numbers", "largest", "allowed"], drawn))
    return shown


def show_mutants(read: Read) -> list[Node]:
    """A line for each exercise, and the sum."""
    found = notes_of(read("night"), "mutants")
    keys = ("mutants", "behavioural", "rejected", "named", "named falsely")
    rows: list[list[str | nodes.Element]] = [
        [nodes.literal("", note["exercise"]), *(f"{note[key]:,}" for key in keys)] for note in found
    ]
    rows.append([nodes.strong("", "all"), *(f"{sum(note[key] for note in found):,}" for key in keys)])
    return [make_table(["exercise", "changed answers", "do otherwise", "rejected", "slip named", "falsely"], rows)]


def show_faults(read: Read) -> list[Node]:
    """A line for each kind of fault that ended alike: "cut short: a.json" and "cut short: b.json" are one kind."""
    kinds: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for note in notes_of(read("night"), "faults"):
        kind, _, name = note["fault"].partition(": ")
        kinds[kind, note["outcome"]][name] += note["trials"]
    rows: list[list[str | nodes.Element]] = []
    for (kind, outcome), times in sorted(kinds.items()):
        named = ", ".join(f"{name} ({n:,})" for name, n in times.items() if name)
        rows.append([f"{kind}: {named}" if named else kind, f"{sum(times.values()):,}", outcome])
    return [make_table(["fault", "times", "what came of it"], rows)]


def show_everywhere(read: Read) -> list[Node]:
    """A line for each Python, number of threads and set of instructions."""
    found, rows = read("everywhere"), []
    for one in found["settings"]:
        ended = badge("pass") if passes(one) else badge("fail", bad=True)
        passed = f"{one['passed']:,} of {one['passed'] + one['failed']:,}"
        rows.append([one["what"], one["python"], str(one["threads"]), one["capability"].lower(), passed, ended])
    head = ["tests of", "Python", "threads", "instructions", "passed", "so they"]
    versions = ", ".join(sorted({one["torch"] for one in found["settings"]}))
    return [make_table(head, rows), where({"machine": {**found["machine"], "torch": versions}})]


def show_coverage(read: Read) -> list[Node]:
    """A bar for each part of the package, then the modules of which less is run than is wanted."""
    found = read("coverage")
    bars = "".join(share_bar(name, share) for name, share in [*found["parts"].items(), ("all", found["total"])])
    low = [
        [nodes.literal("", name), f"{one['lines']}", f"{one['percent']:.0f} %"] for name, one in found["low"].items()
    ]
    shown: list[Node] = [nodes.raw("", f'<ul class="benchmark-bars">{bars}</ul>', format="html")]
    if low:
        shown.append(nodes.paragraph("", "Modules of which less than 95 % is run:"))
        shown.append(make_table(["module", "lines", "run"], low))
    return [*shown, where(found)]


def show_day(read: Read) -> list[Node]:
    """The stages of `make test`, then its slowest tests."""
    found = read("day")
    rows: list[list[str | nodes.Element]] = []
    for stage in found["stages"]:
        ended = badge(stage["ended"].lower(), bad=stage["ended"] != "passed")
        tests = DASH if stage["tests"] is None else f"{stage['tests']['passed']:,}"
        rows.append([stage["stage"], tests, minutes(stage["seconds"]), ended])
    slow = [[nodes.literal("", one["test"]), f"{one['seconds']:.0f} s"] for one in found["slowest"]]
    total = sum(stage["seconds"] for stage in found["stages"])
    rows.append([nodes.strong("", "all"), DASH, minutes(total), DASH])
    return [
        make_table(["stage", "tests passed", "time", "it"], rows),
        nodes.paragraph("", "The slowest tests:"),
        make_table(["test", "takes"], slow),
        where(found),
    ]


def show_overview(read: Read) -> list[Node]:
    """What the other parts come to, a sentence each."""
    night, coverage, day, settings = read("night"), read("coverage"), read("day"), read("everywhere")["settings"]
    verdicts = night["verdicts"]
    stand, drawn = (sum(one[key] for one in verdicts) for key in ("stands", "drawn"))
    mutants, faults, oracles = (notes_of(night, part) for part in ("mutants", "faults", "oracles"))
    different, rejected, falsely = (
        sum(note[key] for note in mutants) for key in ("behavioural", "rejected", "named falsely")
    )
    kills = sum(note["trials"] for note in faults if note["fault"].startswith("killed"))
    compared = sum(note["compared"] for note in oracles)
    total = sum(stage["seconds"] for stage in day["stages"])
    tests = sum(stage["tests"]["passed"] for stage in day["stages"] if stage["tests"])
    sentences = (
        (
            f"{stand} of {len(verdicts)}",
            f"verdicts stand with a seed that no one had looked at; {drawn} say other figures",
        ),
        (
            f"{compared:,}",
            f"numbers agree with those of {len({note['against'] for note in oracles})} other libraries and papers",
        ),
        (f"{rejected:,} of {different:,}", f"answers with a mistake put in are rejected; {falsely} got a false reason"),
        (f"{kills:,}", "times some work was killed: nothing half-written was left, and all went on to the same end"),
        (f"{sum(map(passes, settings))} of {len(settings)}", "settings of Python, threads and instructions pass"),
        (
            f"{coverage['total']['percent']:.1f} %",
            f"of the package's {coverage['total']['lines']:,} lines are run by tests",
        ),
        (
            minutes(total),
            f"is what `make test` takes with its {tests:,} tests; {night['tests']['passed']:,} passed at night",
        ),
    )
    shown = nodes.bullet_list()
    for figure, words in sentences:
        before, _, rest = words.partition("`make test`")
        line = nodes.paragraph("", "", nodes.strong("", figure), nodes.Text(f" {before}"))
        if rest:
            line += [nodes.literal("", "make test"), nodes.Text(rest)]
        line += nodes.Text(".")
        shown += nodes.list_item("", line)
    return [shown]


PARTS: dict[str, Callable[[Read], list[Node]]] = {
    "overview": show_overview,
    "verdicts": show_verdicts,
    "oracles": show_oracles,
    "mutants": show_mutants,
    "faults": show_faults,
    "everywhere": show_everywhere,
    "coverage": show_coverage,
    "day": show_day,
}


# --- what the parts share ---


def badge(words: str, *, bad: bool = False) -> nodes.inline:
    """A word that looks like a verdict."""
    return nodes.inline("", words, classes=["verdict", "does-not-hold" if bad else "holds"])


def where(found: dict[str, Any]) -> nodes.paragraph:
    """The machine, and the seed if there is one."""
    said = {"seed": found["seed"], **found["machine"]} if "seed" in found else found["machine"]
    words = ", ".join(f"{key} {value}" for key, value in said.items())
    return nodes.paragraph("", f"Run with: {words}.", classes=["benchmark-machine"])


class Tested(SphinxDirective):
    """A part of the page."""

    required_arguments = 1

    def run(self) -> list[Node]:
        """The part's nodes; a result that lacks something is a warning."""
        name, folder = self.arguments[0], Path(self.env.srcdir) / RESULTS

        def read(result: str) -> dict[str, Any]:
            self.env.note_dependency(str(folder / f"{result}.json"))
            return read_figures(folder, result)

        try:
            if name not in PARTS:
                raise FiguresError(f"{{tested}} knows {', '.join(PARTS)}, and no {name!r}")
            return PARTS[name](read)
        except (FiguresError, KeyError, TypeError) as error:
            said = str(error) if isinstance(error, FiguresError) else f"the results for {name!r} lack {error}"
            LOGGER.warning(said, type="vae_book", subtype="tests", location=self.get_location())
            return []


def setup(app: Sphinx) -> None:
    """Called by `vae_book`."""
    app.add_directive("tested", Tested)
