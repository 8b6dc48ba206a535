"""The page of claims, made from the verdicts that the chapters' cells have stored (a part of the extension `vae_book`).

`{claims}` lists every claim of `vae_course.claims` with the verdicts found in the notebooks of the book, and warns
(so that the build fails) about a claim without a verdict in one of its chapters. `mark_verdict` gives the cell that
found a verdict an address, `claim-c6`, for the link.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from posixpath import dirname, relpath
from typing import Any, NamedTuple

from docutils import nodes
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

LOGGER = logging.getLogger(__name__)
SHOWN_CLAIM = re.compile(r'<div class="claim"><p><strong>(\w+)</strong>')


class Found(NamedTuple):
    """A verdict, the page that reached it, and the number of its chapter."""

    page: str
    chapter: int
    verdict: str
    condition: str
    evidence: str


def mark_verdict(raw: nodes.raw, cell_output: nodes.Element | None) -> None:
    """Gives a cell's output that shows a verdict the address `claim-ID`."""
    shown = SHOWN_CLAIM.search(raw.astext())
    if shown and cell_output is not None:
        cell_output["ids"].append(address(shown[1]))


def address(claim_id: str) -> str:
    """The address of a claim's verdict in its chapter."""
    return f"claim-{claim_id.lower()}"


class ClaimList(SphinxDirective):
    """All claims with their verdicts, by source."""

    def run(self) -> list[nodes.Node]:
        """Reads the notebooks of the book; what a claim lacks is a warning."""
        from vae_course.claims import CLAIMS  # takes seconds: only where the page is made

        found = self.read_verdicts()
        by_source: dict[str, list[str]] = defaultdict(list)
        kinds: Counter[str] = Counter()
        for claim_id, claim in CLAIMS.items():
            by_source[claim.source].append(claim_id)
            verdicts = found.get(claim_id, [])
            missing = set(claim.chapters) - {verdict.chapter for verdict in verdicts}
            for chapter in sorted(missing):
                self.warn(f"claim {claim_id} has no verdict in chapter {chapter}, which should test it")
            if len({(verdict.verdict, verdict.condition) for verdict in verdicts}) > 1:
                self.warn(f"the chapters disagree about claim {claim_id}")
            kinds.update({verdict.verdict for verdict in verdicts})
        for claim_id in found.keys() - CLAIMS.keys():
            self.warn(f"a chapter gives a verdict on {claim_id}, which is no claim of vae_course.claims")
        totals = ", ".join(f"{kinds[kind]} {words}" for kind, words in TOTALS.items() if kinds[kind])
        listed: list[nodes.Node] = [nodes.paragraph("", f"{len(CLAIMS)} claims: {totals}.")]
        for source, claim_ids in by_source.items():
            title = f"From {source}"
            section = nodes.section("", nodes.title("", title), ids=[nodes.make_id(title)])
            for claim_id in claim_ids:
                if claim_id in found:
                    section += self.describe(claim_id, CLAIMS[claim_id].text, found[claim_id])
            listed.append(section)
        return listed

    def read_verdicts(self) -> dict[str, list[Found]]:
        """The verdicts that the notebooks of the table of contents have stored, by claim."""
        from vae_course.claims import MIME

        found: dict[str, list[Found]] = defaultdict(list)
        for page in sorted(self.env.found_docs):
            number = re.match(r"(?:.*/)?(\d\d)-[^/]*$", page)
            path = Path(self.env.doc2path(page))
            if not number or path.suffix != ".ipynb":
                continue
            self.env.note_dependency(str(path))
            for cell in json.loads(path.read_text("utf-8"))["cells"]:
                for output in cell.get("outputs", []):
                    if stored := output.get("data", {}).get(MIME):
                        claim_id = stored["id"]
                        values = (stored[name] for name in ("verdict", "condition", "evidence"))
                        found[claim_id].append(Found(page, int(number[1]), *values))
        return found

    def describe(self, claim_id: str, text: str, verdicts: list[Found]) -> nodes.Element:
        """One claim: its words, its verdict, then each chapter's evidence with a link to the cell."""
        kind, condition = verdicts[0].verdict, verdicts[0].condition
        badge = nodes.inline("", f"{kind} {condition}".rstrip(), classes=["verdict", kind.replace(" ", "-")])
        words = nodes.paragraph("", "", nodes.strong("", claim_id), nodes.Text(f" {text} "), badge)
        block = nodes.container("", words, classes=["claim"], ids=[address(claim_id)])
        for verdict in verdicts:
            uri = f"{relpath(verdict.page, dirname(self.env.docname) or '.')}.html#{address(claim_id)}"
            link = nodes.reference("", f"Chapter {verdict.chapter}", internal=True, refuri=uri)
            block += nodes.paragraph("", "", link, nodes.Text(f": {verdict.evidence}"))
        return block

    def warn(self, message: str) -> None:
        """A warning, at the directive's place; it fails the build."""
        LOGGER.warning(message, type="vae_book", subtype="claims", location=self.get_location())


TOTALS = {
    "holds": "hold",
    "holds when": "hold on a condition",
    "does not hold": "do not hold",
}


def forget_claims_page(env: BuildEnvironment) -> list[str]:
    """The pages that show the claims are made again when a chapter comes or goes."""
    return [page for page in env.found_docs if page.endswith("claims")]


def setup(app: Any) -> None:
    """Called by `vae_book`."""
    app.add_directive("claims", ClaimList)
    app.connect("env-get-outdated", lambda app, env, added, changed, removed: forget_claims_page(env))
