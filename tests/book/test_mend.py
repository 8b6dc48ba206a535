"""Mending the theme's HTML, on fragments."""

from __future__ import annotations

import sys

import pytest
from book_site import ROOT
from bs4 import BeautifulSoup

sys.path.insert(0, str(ROOT / "book" / "_ext"))

from vae_book import alt_problem
from vae_book_html import mend, slim_styles


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ('<summary aria-label="Toggle">Show</summary>', "<summary>Show</summary>"),
        (
            '<div class="admonition dropdown hint"><p class="admonition-title">Hint</p><p>Two.</p></div>',
            '<details class="admonition dropdown hint"><summary class="admonition-title">Hint</summary><p>Two.</p>'
            "</details>",
        ),
        (
            '<div role="list" class="citation-list"><div class="citation" role="doc-biblioentry">A</div></div>',
            '<div class="citation-list" role="list"><div class="citation" role="listitem">A</div></div>',
        ),
        (
            "<article><table><tr><th></th><th>kl</th></tr></table></article>",
            '<article><div class="pst-scrollable-table-container"><table><tr><td></td><th>kl</th></tr></table></div>'
            "</article>",
        ),
        ('<script src="_static/vendor/mathjax/startup.js"></script><p>words</p>', "<p>words</p>"),
        ('<script src="_static/scripts/fontawesome.js?digest=1"></script><p>1 &lt; 2</p>', "<p>1 &lt; 2</p>"),
    ],
)
def test_mend(broken, mended):
    def attributes_sorted(html):
        page = BeautifulSoup(html, "html.parser")
        for tag in page.find_all(True):
            tag.attrs = dict(sorted(tag.attrs.items()))
        return str(page)

    assert attributes_sorted(mend(broken)) == attributes_sorted(mended)
    assert mend(mend(broken)) == mend(broken)


@pytest.mark.parametrize(
    "kept",
    [
        '<script type="module">if (1 < 2 && "</div>") { a = `<b>&amp;`; }</script>',
        "<style>a > b::before { content: '\\f00c'; }</style>",
        "<p>\\(a &lt; b\\) &amp; é</p>",
        '<script src="_static/vendor/mathjax/startup.js"></script><span class="math">\\(x\\)</span>',
        "<pre>two  spaces\n and a line</pre>",
    ],
)
def test_mend_leaves_the_rest_as_it_is(kept):
    assert mend(kept) == kept


@pytest.mark.parametrize(
    "alt", [None, "", "  ", "image", "Figure 1", "plot.png", "<Figure size 640x480 with 1 Axes>", "curves"]
)
def test_alternative_texts_that_say_nothing(alt):
    assert alt_problem(alt) is not None


def test_alternative_text_that_says_something():
    assert alt_problem("Three falling curves that meet near 100 nats.") is None


def test_slim_styles_drops_the_rules_of_icons_only():
    css = ".a{color:red}.fa-sun:before{content:x}.b,.fa-2x{top:0}@media print{.fa-x{top:0}.c{top:1px}}.d{left:0}"
    assert slim_styles(css) == ".a{color:red}@media print{.fa-x{top:0}.c{top:1px}}.d{left:0}"
