"""The built pages as the book's table of contents orders them: titles, sections, and where their links lead."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urldefrag

import yaml  # type: ignore[import-untyped,unused-ignore]
from bs4 import BeautifulSoup, Tag

from vae_course.commands.shell import CommandError


@dataclass(frozen=True)
class Section:
    """A heading: its depth (1 for a page's title), the anchor to jump to, its words."""

    depth: int
    anchor: str
    title: str


@dataclass(frozen=True)
class BookPage:
    """A built page: its name in _toc.yml, the part that it belongs to, its headings, the anchors that lead to it."""

    name: str
    path: Path
    part: str
    sections: tuple[Section, ...]
    anchors: frozenset[str]

    @property
    def title(self) -> str:
        """The words of the page's first heading, with its number."""
        return self.sections[0].title


def read_pages(root: Path, site: Path) -> list[BookPage]:
    """The pages of `site` in the order of root/_toc.yml.

    Raises CommandError, naming the page, when one is missing or a link between them leads nowhere.
    """
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    parts = {toc["root"]: ""} | {
        chapter["file"]: part.get("caption", "") for part in toc.get("parts", []) for chapter in part["chapters"]
    }
    articles = {name: _article(name, site) for name in parts}
    anchors = _anchors(articles, site)
    pages = []
    for name, article in articles.items():
        sections = _sections(article)
        if not sections:
            raise CommandError(f"the page {name} of {site} has no heading; build the book again with `make book`")
        wanted = frozenset(anchors[name] | {section.anchor for section in sections})
        pages.append(BookPage(name, site / f"{name}.html", parts[name], sections, wanted))
    return pages


def _article(name: str, site: Path) -> Tag:
    path = site / f"{name}.html"
    if not path.is_file():
        raise CommandError(f"{path} is not there; build the book first with `make book`")
    article = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").select_one("article")
    if article is None:
        raise CommandError(f"{path} is no page of the book (it has no article); build it again with `make book`")
    return article


def _anchors(articles: dict[str, Tag], site: Path) -> dict[str, set[str]]:
    """For each page the ids that links of the book lead to."""
    names = {(site / f"{name}.html").resolve(): name for name in articles}
    ids = {name: {str(tag["id"]) for tag in article.select("[id]")} for name, article in articles.items()}
    found: dict[str, set[str]] = {name: set() for name in articles}
    dead = []
    for name, article in articles.items():
        for link in article.select("a[href]"):
            path, anchor = urldefrag(str(link["href"]))
            if re.match(r"[a-z]+:", path, re.IGNORECASE):
                continue
            file = (site / f"{name}.html").parent / unquote(path) if path else site / f"{name}.html"
            target, anchor = names.get(file.resolve()), unquote(anchor)
            if target is None and not file.is_file():
                dead.append(f"{name} -> {link['href']}")
            elif target is not None and anchor in ids[target]:
                found[target].add(anchor)
            elif target is not None and anchor:
                dead.append(f"{name} -> {link['href']}")
    if dead:
        raise CommandError(f"links that lead nowhere: {', '.join(sorted(set(dead)))}; mend them, build the book again")
    return found


def _sections(article: Tag) -> tuple[Section, ...]:
    sections = []
    for heading in article.select("h1, h2"):
        owner = heading.parent
        if owner is not None and owner.name == "section" and owner.get("id"):
            sections.append(Section(int(heading.name[1]), str(owner["id"]), _words(heading)))
    return tuple(sections)


def _words(heading: Tag) -> str:
    text = "".join(
        str(part.get("data-tex", "")) if isinstance(part, Tag) else str(part)  # an equation that is set has no text
        for part in heading.descendants
        if part.find_parent("a", class_="headerlink") is None
    )
    text = re.sub(r"\\\((.*?)\\\)", lambda found: _plain(found.group(1)), text)
    return " ".join(text.split())


def _plain(formula: str) -> str:
    """A short formula as plain text: Greek letters as themselves, no braces."""

    def letter(found: re.Match[str]) -> str:
        try:
            return unicodedata.lookup(f"GREEK SMALL LETTER {found.group(1).upper()}")
        except KeyError:
            return found.group(1)

    return re.sub(r"[{}]", "", re.sub(r"\\([a-z]+)\s?", letter, formula))
