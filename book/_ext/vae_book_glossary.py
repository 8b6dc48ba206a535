"""Links the first use of each glossary term in a chapter to the glossary (a part of the extension `vae_book`)."""

from __future__ import annotations

import re
from posixpath import dirname, relpath
from typing import Any

from docutils import nodes
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform

GLOSSARY = "book/glossary"
CHAPTER = re.compile(r"notebooks/\d\d-[^/]*")
# Where no link is put: it would be a link in a link, change a name, or stand where nobody reads for words.
CLOSED = (
    nodes.title,
    nodes.reference,
    nodes.literal,
    nodes.literal_block,
    nodes.math,
    nodes.math_block,
    nodes.raw,
    nodes.caption,
    nodes.rubric,
    nodes.strong,
    nodes.citation,
)
AMBIGUOUS = {"code", "codes"}  # a program is code too


class LinkTerms(SphinxPostTransform):
    """Looks for each term once in the running text of a chapter."""

    default_priority = 900  # after references are resolved

    def run(self, **kwargs: Any) -> None:
        """Links what it finds, from the top of the page down."""
        if self.app.builder.format != "html" or not CHAPTER.fullmatch(self.env.docname):
            return
        glossary = f"{relpath(GLOSSARY, dirname(self.env.docname))}.html"
        open_terms = {
            term: f"{glossary}#{anchor}" for term, anchor in read_terms(self.env).items() if term not in AMBIGUOUS
        }
        for text in list(self.document.findall(nodes.Text)):
            if text.parent is not None and not in_closed(text):
                link_in(text, open_terms)


def read_terms(env: BuildEnvironment) -> dict[str, str]:
    """Each term of the glossary -> the anchor of its entry, which all its forms share; the longest first."""
    if GLOSSARY not in env.found_docs:
        return {}
    terms = {}
    for item in env.get_doctree(GLOSSARY).findall(nodes.definition_list_item):
        forms = [child for child in item if isinstance(child, nodes.term)]
        terms |= {form.astext(): forms[0]["ids"][0] for form in forms}
    return dict(sorted(terms.items(), key=lambda item: -len(item[0])))


def in_closed(text: nodes.Text) -> bool:
    """Whether the text stands where no link is put."""
    parent = text.parent
    while parent is not None:
        if isinstance(parent, CLOSED) or "cell" in parent.get("classes", ()):
            return True
        parent = parent.parent
    return False


def link_in(text: nodes.Text, open_terms: dict[str, str]) -> None:
    """Links the open terms in a piece of text, and closes them with all forms of their entry."""
    pieces: list[nodes.Node] = []
    rest = text.astext()
    while open_terms and (found := pattern(open_terms).search(rest)):
        uri = next(uri for term, uri in open_terms.items() if term.lower() == found[0].lower())
        link = nodes.reference("", found[0], internal=True, refuri=uri, classes=["term"])
        pieces += [nodes.Text(rest[: found.start()]), link]
        rest = rest[found.end() :]
        for form in [term for term, other in open_terms.items() if other == uri]:
            del open_terms[form]
    if pieces:
        text.parent.replace(text, [piece for piece in [*pieces, nodes.Text(rest)] if piece.astext()])


def pattern(terms: dict[str, str]) -> re.Pattern[str]:
    """Any of the terms as whole words. Those in capitals must be written so; others may begin a sentence."""
    words = [re.escape(term) if term != term.lower() else f"(?i:{re.escape(term)})" for term in terms]
    return re.compile(rf"(?<![\w-])(?:{'|'.join(words)})(?![\w-])")


def setup(app: Any) -> None:
    """Called by `vae_book`."""
    app.add_post_transform(LinkTerms)
