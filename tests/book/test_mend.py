"""Mending the theme's HTML, on fragments."""

from __future__ import annotations

import sys

import pytest
from book_site import ROOT
from bs4 import BeautifulSoup

sys.path.insert(0, str(ROOT / "book" / "_ext"))

from vae_book import alt_problem
from vae_book_html import mend, names_in_use, slim_styles


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
        (
            '<script src="../searchindex.js"></script><script src="a/searchtools.js"></script><p>words</p>',
            "<p>words</p>",
        ),
        (
            '<script src="searchindex.js"></script><div id="search-results"></div>',
            '<script src="searchindex.js"></script><div id="search-results"></div>',
        ),
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


@pytest.mark.parametrize(
    ("css", "slim"),
    [
        (".a{color:red}.fa-sun:before{top:0}.a .b{left:0}", ".a{color:red}"),
        (".b,.a>p{top:0}", ".b,.a>p{top:0}"),
        ("p{top:0}.a:not(.b){top:0}", "p{top:0}.a:not(.b){top:0}"),
        ("@media print{.b{top:0}.a{top:1px}}@media (width>9px){.b{top:0}}", "@media print{.a{top:1px}}"),
        ("@font-face{font-family:Font Awesome\\ 6 Free;src:url(x)}@font-face{src:url(y)}", "@font-face{src:url(y)}"),
        ("@keyframes turn{to{top:0}}p:is(.a,.b){top:0}", "@keyframes turn{to{top:0}}p:is(.a,.b){top:0}"),
    ],
)
def test_slim_styles_drops_what_no_page_can_use(css, slim):
    assert slim_styles(css, {"a"}) == slim


def test_names_in_use_are_the_classes_of_pages_and_the_words_of_scripts(tmp_path):
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static" / "x.js").write_text('node.classList.add("show-me")')
    (tmp_path / "page.html").write_text('<p class="a b">c</p>')
    assert {"a", "b", "show-me"} <= names_in_use(tmp_path)
    assert "c" not in names_in_use(tmp_path)
