"""Verdicts say what was found, in text, HTML and JSON, and can't be given half."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
import torch
from bs4 import BeautifulSoup

from vae_course import claims


def test_a_verdict_is_shown_in_three_forms() -> None:
    verdict = claims.verdict("B7", "holds when", condition="x < 1 & y", evidence="5 seeds: <all>")
    bundle = verdict._repr_mimebundle_()
    assert json.loads(json.dumps(bundle[claims.MIME])) == {
        "id": "B7",
        "verdict": "holds when",
        "condition": "x < 1 & y",
        "evidence": "5 seeds: <all>",
    }
    shown = BeautifulSoup(bundle["text/html"], "html.parser")
    badge = shown.select_one(".verdict.holds-when")
    assert badge is not None
    assert badge.text == "holds when x < 1 & y"
    assert "5 seeds: <all>" in shown.text
    assert claims.CLAIMS["B7"].text in bundle["text/plain"]


@pytest.mark.parametrize(
    ("claim", "kind", "condition", "evidence", "message"),
    [
        ("Z9", "holds", "", "e", "B6"),
        ("B6", "true", "", "e", "does not hold"),
        ("B6", "holds", "", "", "evidence"),
        ("B6", "holds", "sometimes", "e", "condition"),
        ("B6", "holds when", "", "e", "condition"),
    ],
)
def test_half_a_verdict_is_refused(claim: str, kind: str, condition: str, evidence: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        claims.verdict(claim, kind, condition=condition, evidence=evidence)


@pytest.mark.parametrize(
    ("values", "form", "words"),
    [
        ([0.31, 0.12, 0.2], ".1f", "0.1 to 0.3"),
        ([0.91, 0.93], ".0%", "91% to 93%"),
        ([5.04, 4.96], ".1f", "5.0"),
        ([-0.01, 0.2], ".1f", "0.0 to 0.2"),
        (torch.tensor([-3.0, -1.0]), ".0f", "-3 to -1"),
    ],
)
def test_a_spread_names_both_ends(values: Iterable[float], form: str, words: str) -> None:
    assert claims.spread(values, form) == words


def test_no_values_have_no_spread() -> None:
    with pytest.raises(ValueError, match="at least one"):
        claims.spread([])
