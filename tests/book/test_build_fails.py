"""The build refuses what a reader must not meet: proof that the checks of the extension can fail."""

from __future__ import annotations

import base64
import json
import shutil

import pytest
from book_site import ROOT, build

# The smallest PNG: one transparent pixel.
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
ALT = "One pixel through which nothing is seen."
WIDGET = "application/vnd.jupyter.widget-view+json"


def code_cell(data, *, metadata=None, **cell_metadata):
    output = {"output_type": "display_data", "metadata": metadata or {}, "data": data}
    metadata = {"mystnb": cell_metadata}
    return {"cell_type": "code", "execution_count": 1, "metadata": metadata, "outputs": [output], "source": "1"}


def figure(name):
    return {"name": name, "caption": "Where to look in this figure."}


def notebook(cells):
    language = {"name": "python", "pygments_lexer": "ipython3"}
    text = {"cell_type": "markdown", "metadata": {}, "source": "# A chapter\n\nText."}
    return {"cells": [text, *cells], "metadata": {"language_info": language}, "nbformat": 4, "nbformat_minor": 4}


SOUND_CELLS = [
    code_cell({"image/png": PIXEL}, metadata={"image/png": {"alt": ALT}}, figure=figure("fig-output")),
    code_cell({"image/png": PIXEL}, image={"alt": ALT + " Again."}, figure=figure("fig-cell")),
    code_cell(
        {"text/html": "<canvas></canvas><script>1</script>", WIDGET: {"model_id": "a"}}, figure=figure("fig-live")
    ),
    code_cell({"text/html": "<table><tr><th></th><td>1</td></tr></table>"}),
]
SOUND_TEXT = f"See {{numref}}`fig-output`, {{numref}}`fig-live` and {{cite:t}}`kingma2014`.\n\n![{ALT}](pixel.png)\n"

BROKEN_CELLS = [
    code_cell({"image/png": PIXEL}, figure=figure("fig-no-alt")),
    code_cell({"image/png": PIXEL}, metadata={"image/png": {"alt": "figure.png"}}, figure=figure("fig-file-name")),
    code_cell({"image/png": PIXEL}, metadata={"image/png": {"alt": ALT}}),
    code_cell({"text/html": "<canvas></canvas>"}),
    code_cell({"text/html": "<img src='data:image/png;base64,'>"}, figure=figure("fig-html")),
]
BROKEN_TEXT = "![](pixel.png)\n\n[gone](gone.md)\n\n{numref}`fig-nowhere`\n\n{cite:t}`nobody1900`\n"
WARNINGS = (
    "cell 2: an image has no alternative text",
    "cell 3: an image has an alternative text that says nothing: 'figure.png'",
    "cell 4: an output image has no number and caption",
    "cell 5: an interactive or drawn HTML output has no number and caption",
    "cell 6: an <img> has no alternative text",
    "page.md:3: WARNING: an image has no alternative text",
    "'gone.md'",
    "fig-nowhere",
    "nobody1900",
)


@pytest.fixture
def make_tree(tmp_path):
    """A book of two pages with the real settings, extension and styles."""

    def make_tree(cells, text):
        shutil.copy(ROOT / "_config.yml", tmp_path)
        shutil.copytree(ROOT / "book", tmp_path / "book", dirs_exist_ok=True)
        (tmp_path / "_toc.yml").write_text(
            "format: jb-book\nroot: start\nchapters:\n  - file: text/page\n", encoding="utf-8"
        )
        (tmp_path / "start.ipynb").write_text(json.dumps(notebook(cells)), encoding="utf-8")
        (tmp_path / "text").mkdir()  # the settings leave out what lies beside them: README.md and its like
        (tmp_path / "text" / "page.md").write_text(f"# A page\n\n{text}\n```{{bibliography}}\n```\n", encoding="utf-8")
        (tmp_path / "text" / "pixel.png").write_bytes(base64.b64decode(PIXEL))
        return tmp_path

    return make_tree


def test_a_sound_tree_is_built_and_keeps_what_it_was_given(make_tree):
    tree = make_tree(SOUND_CELLS, SOUND_TEXT)
    result = build(tree)
    assert result.returncode == 0, result.stderr
    html = (tree / "_build" / "html" / "start.html").read_text(encoding="utf-8")
    assert html.count(f'alt="{ALT}"') == 1
    assert html.count(f'alt="{ALT} Again."') == 1
    assert "<canvas>" in html  # the page form wins over the kernel form
    assert "widget-view" not in html
    assert html.count("<figcaption>") == 3


def test_a_broken_tree_fails_again_and_again_and_says_why(make_tree):
    tree = make_tree(BROKEN_CELLS, BROKEN_TEXT)
    for _ in range(2):  # Sphinx by itself would pass the second time: it has the pages in its cache
        result = build(tree)
        assert result.returncode != 0
        missing = [warning for warning in WARNINGS if warning not in result.stdout + result.stderr]
        assert missing == [], result.stderr


def verdict_cell(claim_id):
    stored = {"id": claim_id, "verdict": "holds", "condition": "", "evidence": "Five of five."}
    return code_cell({"text/plain": "a verdict", "application/vnd.vae-course.verdict+json": stored})


def test_a_claim_without_a_verdict_and_a_model_without_its_card_fail_the_build(make_tree):
    tree = make_tree(
        SOUND_CELLS, SOUND_TEXT + "\n```{claims}\n```\n\n```{model-cards} ae-*\n```\n\n```{model-cards} no-*\n```\n"
    )
    toc = tree / "_toc.yml"
    toc.write_text(toc.read_text("utf-8") + "  - file: text/01-chapter\n", "utf-8")
    cells = notebook([verdict_cell("B6"), verdict_cell("Z9")])
    (tree / "text" / "01-chapter.ipynb").write_text(json.dumps(cells), encoding="utf-8")
    result = build(tree)
    assert result.returncode != 0
    said = result.stdout + result.stderr
    assert "claim A1 has no verdict in chapter 2" in said
    assert "claim B6 has no verdict in chapter 3" in said
    assert "claim B6 has no verdict in chapter 1" not in said
    assert "a chapter gives a verdict on Z9" in said
    assert "the cards of classifier-2d-s0, " in said
    assert "no model of the zoo is called no-*" in said
    page = (tree / "_build" / "html" / "text" / "page.html").read_text("utf-8")
    assert "ae-2d-s0" in page
    assert "01-chapter.html#claim-b6" in page
    assert "Five of five." in page
