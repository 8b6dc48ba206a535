"""Model cards in the book, made from the cards that lie beside the weights (a part of the extension `vae_book`).

`{model-cards} vae-beta*` lists the models whose names fit: what they share in a line, what differs in a table. A page
that uses it must list every model of the zoo, or the build warns (and so fails).
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

LOGGER = logging.getLogger(__name__)
ZOO = Path(str(find_spec("vae_course").origin)).parent / "zoo"  # type: ignore[union-attr]
LISTED = "vae_book_cards"  # on the environment: page -> models that it lists


def describe(card: dict[str, Any]) -> dict[str, str]:
    """What a model is and how it was trained, by the name of the property."""
    model, training = card["model"], card["training"]
    facts = {
        "data": card["data"],
        "hidden units" if card["kind"] in ("vae", "autoencoder", "classifier") else "channels": ", ".join(
            map(str, model["hidden_dims"])
        ),
        "latents": str(model.get("latent_dim") or model.get("bottleneck") or "none"),
        "likelihood": str(model.get("likelihood", "")),
        "sigma": "learned" if model.get("learn_sigma") else f"{model.get('sigma', '')}",
        "heads": str(model.get("heads", "")).replace("_", " "),
        "skips": {True: "yes", False: "no"}.get(model.get("skips"), ""),
        "beta": f"{training['beta']:g}",
        "epochs": str(training["epochs"]),
        "batch": str(training["batch_size"]),
        "learning rate": f"{training['lr']:g}, {training['schedule']}",
        "seed": str(card["seed"]),
    }
    if facts["likelihood"] != "gaussian":
        facts["sigma"] = ""
    if card["kind"] in ("classifier", "autoencoder"):
        facts["beta"] = ""
    return facts


def held_out(card: dict[str, Any]) -> dict[str, str]:
    """The figures on images that were not trained on, by the words that head their column."""
    figures = card["held_out"]
    found = {
        "accuracy": f"{figures['accuracy']:.3f}" if "accuracy" in figures else "",
        "ELBO ± s.e.": f"{figures['elbo']:.1f} ± {figures['elbo_standard_error']:.1f}" if "elbo" in figures else "",
        "log p(x), 100 draws": one_decimal(figures.get("importance_log_likelihood")),
        "nll": one_decimal(figures.get("nll")),
        "KL": one_decimal(figures.get("kl")),
        "sigma found": f"{figures.get('sigma', '')}",
    }
    return {name: value.replace("-", "\N{MINUS SIGN}") for name, value in found.items()}


def one_decimal(value: float | None) -> str:
    """A figure in nats, or nothing."""
    return "" if value is None else f"{value:.1f}"


class ModelCards(SphinxDirective):
    """The cards of all models whose names fit the argument, a shell pattern."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """A line of what all share, and a table of the rest."""
        patterns = self.arguments[0].split()
        paths = [p for p in sorted(ZOO.glob("*.json")) if any(fnmatchcase(p.stem, pattern) for pattern in patterns)]
        if not paths:
            LOGGER.warning(f"no model of the zoo is called {self.arguments[0]}", location=self.get_location())
            return []
        for path in paths:
            self.env.note_dependency(str(path))
        listed = self.env.__dict__.setdefault(LISTED, {}).setdefault(self.env.docname, set())
        listed |= {path.stem for path in paths}
        cards = [json.loads(path.read_text("utf-8")) for path in paths]
        facts = [describe(card) for card in cards]
        names = list(dict.fromkeys(name for fact in facts for name in fact))
        shared = [n for n in names if len({fact.get(n, "") for fact in facts}) == 1 and facts[0].get(n)]
        differing = [n for n in names if n not in shared and any(fact.get(n) for fact in facts)]
        figures = [held_out(card) for card in cards]
        shown = [n for n in figures[0] if any(figure[n] for figure in figures)]
        rows = [
            [card["name"], *(fact.get(n, "") for n in differing), *(figure[n] for n in shown), kilobytes(path)]
            for card, fact, figure, path in zip(cards, facts, figures, paths, strict=True)
        ]
        order = sorted(rows, key=lambda row: [number(cell) for cell in row[1:]])
        common = "; ".join(f"{name} {facts[0][name]}" if name != "data" else facts[0][name] for name in shared)
        return [nodes.paragraph("", f"{common}."), make_table(["model", *differing, *shown, "kB"], order)]


def kilobytes(path: Path) -> str:
    """The size of a card's weights."""
    return f"{path.with_suffix('.safetensors').stat().st_size / 1000:.0f}"


def number(cell: str) -> tuple[int, float | str]:
    """Numbers by size, before words."""
    try:
        return 0, float(cell)
    except ValueError:
        return 1, cell


def make_table(head: list[str], rows: list[list[str]]) -> nodes.table:
    """A table; the first column holds names in code."""
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in head), cols=len(head))
    top = nodes.row("", *(nodes.entry("", nodes.paragraph("", word)) for word in head))
    body = nodes.tbody()
    for row in rows:
        cells = [nodes.paragraph("", "", nodes.literal("", row[0])), *(nodes.paragraph("", cell) for cell in row[1:])]
        body += nodes.row("", *(nodes.entry("", cell) for cell in cells))
    group += [nodes.thead("", top), body]
    return nodes.table("", group, classes=["colwidths-auto", "cards"])


def forget(app: Sphinx, env: Any, page: str) -> None:
    """A page that is read again lists anew."""
    env.__dict__.get(LISTED, {}).pop(page, None)


def join(app: Sphinx, env: Any, pages: set[str], other: Any) -> None:
    """Takes over what another process has read."""
    env.__dict__.setdefault(LISTED, {}).update(
        {page: names for page, names in other.__dict__.get(LISTED, {}).items() if page in pages}
    )


def check_complete(app: Sphinx, env: Any) -> None:
    """Warns about models that the page of cards leaves out."""
    for page, listed in env.__dict__.get(LISTED, {}).items():
        missing = sorted({path.stem for path in ZOO.glob("*.json")} - listed)
        if missing:
            LOGGER.warning(f"the cards of {', '.join(missing)} are shown nowhere", location=page)


def setup(app: Sphinx) -> None:
    """Called by `vae_book`."""
    app.add_directive("model-cards", ModelCards)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", join)
    app.connect("env-check-consistency", check_complete)
