"""The page of benchmarks: what it shows is what was stored, and what it lacks fails the build."""

from __future__ import annotations

import json
import re
import shutil

import pytest
from book_site import ROOT
from small_book import build_page, words
from vae_book_results import ResultError, Work, figure, read_result

NOT_ON_THE_PAGE = {"architectures"}  # chapter 11 shows it
FAST = {"work": "fast", "peer": "a loop", "unit": "times as fast", "goal": 4, "better": "more"}
RESULT = {
    "machine": {"processor": "a slow one", "threads": 1},
    "works": [
        FAST | {"reached": {"median": 2.0, "min": 1.5, "max": 3.0}},
        FAST
        | {
            "work": "short",
            "peer": None,
            "goal": 10,
            "better": "less",
            "reached": dict.fromkeys(("median", "min", "max"), 5),
        },
        FAST | {"work": "free", "goal": None, "reached": {"median": 1234.5, "min": 0.123, "max": 2000}},
    ],
}
SOUND = """\
# How fast?

```{overview} one
```

```{benchmark} one
```

```{missed} fast
It is *hard*.
```
"""
UNSOUND = """\
# How fast?

```{benchmark} one
```

```{missed} short
It is hard.
```

```{missed} absent
It is hard.
```

```{benchmark} two
```

```{benchmark} none
```
"""


def write_result(folder, name, result):
    (folder / "benchmarks" / "results").mkdir(parents=True, exist_ok=True)
    (folder / "benchmarks" / "results" / f"{name}.json").write_text(json.dumps(result), encoding="utf-8")


def test_a_page_shows_the_figures_the_goals_and_by_how_much_they_are_missed(tmp_path):
    write_result(tmp_path, "one", RESULT)
    (tmp_path / "page.md").write_text(SOUND, encoding="utf-8")
    page, said = build_page(tmp_path, "page")
    assert said == ""
    rows = [[words(cell) for cell in row.find_all("td")] for row in page.select("table.benchmark tbody tr")]
    assert rows == [
        ["fast", "a loop", "2.00 (1.50–3.00) times as fast", "≥ 4", "missed by 50 %"],
        ["short", "–", "5.00 times as fast", "≤ 10", "met"],
        ["free", "a loop", "1,234 (0.123–2,000) times as fast", "–", "–"],
    ]
    assert words(page.select_one(".benchmark-machine")) == "Measured on: processor a slow one, threads 1."
    assert words(page.select_one(".claim")) == "fast: goal missed by 50 %. It is hard ."
    assert "1 of 2 goals are met." in words(page)
    bars = page.select("ul.benchmark-bars > li")
    assert [words(bar.select_one(".what")) for bar in bars] == ["fast", "short"]
    assert [words(bar.select_one(".verdict")) for bar in bars] == ["missed by 50 %", "met"]
    assert [bar.select_one(".track")["aria-hidden"] for bar in bars] == ["true", "true"]
    # Half of the goal lies log10(2) / 2 of the axis left of its middle; half of what may be taken lies as far right.
    places = [float(re.search(r"left:([\d.]+)%", bar.select_one(".middle")["style"])[1]) for bar in bars]
    assert places == pytest.approx([50 - 15.05, 50 + 15.05], abs=0.06)
    assert [link["href"] for link in page.select("link[rel=stylesheet]") if "benchmarks.css" in link["href"]]


def test_what_the_page_lacks_is_a_warning(tmp_path):
    write_result(tmp_path, "one", RESULT)
    write_result(tmp_path, "two", {"machine": RESULT["machine"]})
    (tmp_path / "page.md").write_text(UNSOUND, encoding="utf-8")
    _, said = build_page(tmp_path, "page")
    for message in (
        "the goal of 'fast' is missed and nothing says why; add {missed} fast",
        "reasons why 'short' is missed, but its goal is met",
        "reasons why 'absent' is missed, but the page shows no such work",
        "two.json lacks `works`; run `vae-course bench two` again",
        "none.json can't be read",
    ):
        assert message in said, said


def test_the_books_own_page_shows_every_result(tmp_path):
    shutil.copytree(ROOT / "benchmarks" / "results", tmp_path / "benchmarks" / "results")
    (tmp_path / "benchmarks.md").write_text((ROOT / "book" / "benchmarks.md").read_text("utf-8"), encoding="utf-8")
    page, said = build_page(tmp_path, "benchmarks")
    assert [line for line in said.splitlines() if "'../notebooks/" not in line] == []  # the chapters are not there
    names = {path.stem for path in (ROOT / "benchmarks" / "results").glob("*.json")} - NOT_ON_THE_PAGE
    rows = {words(row.td): words(row) for row in page.select("table.benchmark tbody tr")}
    bars = {words(bar.select_one(".what")) for bar in page.select("ul.benchmark-bars > li")}
    works = [work for name in names for work in read_result(ROOT / "benchmarks" / "results", name)["works"]]
    assert rows.keys() == {work.work for work in works}
    assert len(rows) == len(works), "two works have one name"
    assert bars == {work.work for work in works if work.goal is not None}
    for work in works:
        assert f"{work.figures()} {work.unit}" in rows[work.work]
    image = page.select_one("figure#fig-growth img")
    assert image["src"].startswith("data:image/png;base64,")
    assert "submissions" in image["alt"]
    assert words(page.select_one("figcaption .caption-number")) == "Fig. 1"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda found: [], "holds no table of results"),
        (lambda found: found | {"machine": {}}, "lacks `machine`"),
        (lambda found: found | {"works": []}, "lacks `works`"),
        (lambda found: found | {"works": [{"work": "a"}]}, "work 1 must hold work, peer, .* and holds work"),
        (lambda found: found | {"works": [*found["works"], 3]}, "work 4 must hold .* and holds 3"),
        (lambda found: found | {"works": [found["works"][0] | {"better": "most"}]}, "has better 'most'"),
        (lambda found: found | {"works": [found["works"][0] | {"reached": {"median": 1}}]}, "lacks median, min or max"),
        (lambda found: found | {"works": [found["works"][0] | {"goal": 0}]}, "no numbers above 0"),
        (lambda found: found | {"works": [found["works"][0] | {"goal": float("nan")}]}, "no numbers above 0"),
    ],
)
def test_a_result_that_lacks_something_is_refused_by_name(tmp_path, change, message):
    write_result(tmp_path, "one", change(RESULT))
    with pytest.raises(ResultError, match=rf"^one\.json.*{message}.*run `vae-course bench one` again$"):
        read_result(tmp_path / "benchmarks" / "results", "one")


def test_a_result_that_is_cut_is_refused(tmp_path):
    (tmp_path / "one.json").write_text('{"machine": ', encoding="utf-8")
    with pytest.raises(ResultError, match=r"one\.json can't be read"):
        read_result(tmp_path, "one")


@pytest.mark.parametrize(
    ("better", "median", "verdict"),
    [
        ("more", 10, "met"),
        ("more", 9, "missed by 10 %"),
        ("less", 10, "met"),
        ("less", 9, "met"),
        ("less", 25, "missed by 150 %"),
    ],
)
def test_a_goal_is_met_or_missed_by_a_share_of_it(better, median, verdict):
    work = Work("a", None, {"median": median, "min": 1, "max": 30}, "s", 10, better)
    assert work.judge() == verdict
    assert work.missed == (verdict != "met")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.01234, "0.0123"), (0.5, "0.500"), (1, "1.00"), (9.96, "9.96"), (18.7, "18.7"), (3421.9, "3,422"), (0, "0")],
)
def test_figures_have_three_digits_or_all_before_the_point(value, shown):
    assert figure(value) == shown
