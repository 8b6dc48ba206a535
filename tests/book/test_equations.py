"""The equations that the book keeps set: what the build makes of them, that none is missing, and how they are made."""

from __future__ import annotations

import html
import re
import sys

import pytest
from book_site import ROOT, page_names
from bs4 import BeautifulSoup

sys.path.insert(0, str(ROOT / "book" / "_ext"))

import vae_book_equations
from vae_book_equations import STYLES, read_store, version
from vae_book_html import MATHJAX, mend

from vae_course.commands.equations import check, parse, read_equations, slim, tex_of
from vae_course.commands.pages import read_pages
from vae_course.commands.shell import CommandError

HEAD = (
    '<html><head><link href="../_static/course.css?v=1" rel="stylesheet"/>'
    f'<script>window.MathJax = {{}}</script><script src="../_static/{MATHJAX}"></script></head>'
)
STORE = {r"\(a<b\)": "<mjx-math><mjx-c></mjx-c></mjx-math>", r"\[x\]": "<mjx-math><mjx-d></mjx-d></mjx-math>"}
KEPT = re.compile(r'<mjx-container class="MathJax" data-tex="(.*?)".*?>(.*?)</mjx-container>', re.DOTALL)
AGAIN = "run `vae-course equations`, then `make book`"


def page_of(body, store=STORE):
    source = mend(f"{HEAD}<body>{body}</body></html>", store)
    assert mend(source, store) == source
    return BeautifulSoup(source, "html.parser")


def test_the_book_keeps_the_equations_of_all_its_pages(site):
    store, used = read_store(), set()
    for name in [*page_names(), "search", "index"]:
        page = (site / f"{name}.html").read_text(encoding="utf-8")
        assert MATHJAX not in page, f"{name} has an equation that is not kept; {AGAIN}"
        equations = KEPT.findall(page)
        assert len(equations) == page.count("math notranslate"), name
        assert [tex for tex, equation in equations if store[html.unescape(tex)] != equation] == [], name
        assert len(re.findall(rf'href="[./]*_static/{STYLES.name}\?', page)) == bool(equations), name
        used.update(html.unescape(tex) for tex, _ in equations)
    assert len(used) > 300
    assert store.keys() == used, f"equations are kept that no page has; {AGAIN}"


def test_every_glyph_of_the_equations_has_its_style():
    styles = STYLES.read_text(encoding="utf-8")
    glyphs = {glyph for equation in read_store().values() for glyph in re.findall(r'<mjx-c class="(.*?)"', equation)}
    assert len(glyphs) > 100
    assert [glyph for glyph in glyphs if f"mjx-c.{glyph.replace(' ', '.')}::before {{ padding: " not in styles] == []
    fonts = re.findall(r'url\("(.*?)"\)', styles)
    assert fonts
    assert [font for font in fonts if not (STYLES.parent / font).is_file()] == []


def test_what_is_kept_takes_the_place_of_its_tex():
    page = page_of(
        r'<p>If <span class="math">\(a&lt;b\)</span></p><div class="math" id="i"><b>(1)</b>' "\n\\[x\\]</div>"
    )
    inline, displayed = page.select("mjx-container")
    assert (inline["data-tex"], inline.get("display"), len(inline.select("mjx-c"))) == (r"\(a<b\)", None, 1)
    assert (displayed["data-tex"], displayed.get("display"), len(displayed.select("mjx-d"))) == (r"\[x\]", "true", 1)
    assert page.select_one("#i").get_text() == "(1)"
    assert page.select("script") == []
    assert [link["href"].partition("?")[0] for link in page.select("link")] == [
        "../_static/course.css",
        "../_static/equations.css",
    ]


@pytest.mark.parametrize(
    "rest",
    [r'<span class="math">\(y\)</span>', r'<div class="math">\[y\]</div>', r"<td>of \(y\)</td>", "<p>$$y$$</p>"],
)
def test_mathjax_is_left_where_it_has_work(rest):
    page = page_of(rf'<span class="math">\(a&lt;b\)</span>{rest}')
    assert len(page.select("script")) == 2
    assert len(page.select("mjx-container")) == 1
    assert len(page.select("link")) == 2


@pytest.mark.parametrize(
    "rest", [r"<pre>\(y\)</pre>", r"<code>re.match('\(', x)</code>", r"<style>/* \(y\) */</style>"]
)
def test_code_is_no_equation(rest):
    assert page_of(rest).select("script, mjx-container") == []


def test_a_table_s_header_may_be_an_equation():
    page = page_of(r'<article><table><tr><th><span class="math">\[x\]</span></th><th></th></tr></table></article>')
    assert [cell.name for cell in page.select("tr > *")] == ["th", "td"]


def test_other_equations_give_another_version(tmp_path, monkeypatch):
    monkeypatch.setattr(vae_book_equations, "STORE", tmp_path / "equations.json")
    none = version()
    assert read_store() == {}
    (tmp_path / "equations.json").write_text('{"a": "b"}')
    assert version() != none
    assert read_store() == {"a": "b"}


def test_a_heading_s_equation_is_told_in_words(tmp_path):
    body = '<section id="one"><h1>Of <span class="math">\\(\\beta_{1}\\)</span></h1></section>'
    (tmp_path / "_toc.yml").write_text("root: a\n")
    (tmp_path / "a.html").write_text(
        mend(f"<article>{body}</article>", {r"\(\beta_{1}\)": "<mjx-math></mjx-math>"}), encoding="utf-8"
    )
    assert "mjx-math" in (tmp_path / "a.html").read_text()
    assert read_pages(tmp_path, tmp_path)[0].title == "Of β_1"


# --- the command that sets them ---


def test_the_equations_of_a_page_are_read_whether_set_or_not(tmp_path):
    unset = r'<span class="math">\(a&lt;b\)</span><div class="math"><span>(1)</span>' "\n\\[x\\]</div><p>\\(no\\)</p>"
    assert list(tex_of(unset)) == list(tex_of(mend(unset, STORE))) == [r"\(a<b\)", r"\[x\]"]
    with pytest.raises(CommandError, match="holds no book; build it first"):
        read_equations(tmp_path)
    (tmp_path / "index.html").write_text(unset + unset)
    assert read_equations(tmp_path) == [r"\(a<b\)", r"\[x\]"]


@pytest.mark.parametrize(
    ("tex", "parts"),
    [
        (r"\(x\)", ("x", False)),
        ("\\[x\n+ y\\]", ("x\n+ y", True)),
        (r"\begin{align}x\end{align}", (r"\begin{align}x\end{align}", True)),
        (r"\(\define\)", (r"\define", False)),
    ],
)
def test_marks_say_what_is_displayed(tex, parts):
    assert parse(tex) == parts


@pytest.mark.parametrize(
    ("tex", "said"),
    [("x", "between no marks"), (r"\(\def\a{b}\)", r"has \\def, which"), (r"\[x\label{y}\]", r"has \\label, which")],
)
def test_tex_that_cannot_stand_alone_is_refused(tex, said):
    with pytest.raises(CommandError, match=said):
        parse(tex)


@pytest.mark.parametrize(
    ("equation", "attributes", "said"),
    [
        ('<mjx-merror data-mjx-error="Missing &lt;"></mjx-merror>', [], "can't set the equation TEX: Missing <; mend"),
        ("<mjx-utext>é</mjx-utext>", [], "fonts lack a character of the equation TEX"),
        ("<mjx-math></mjx-math>", ["class=MathJax", "width=full"], "is set with width=full, which"),
    ],
)
def test_an_equation_that_looks_otherwise_elsewhere_is_refused(equation, attributes, said):
    with pytest.raises(CommandError, match=said):
        check("TEX", equation, attributes)
    kept = ["class=MathJax", "jax=CHTML", "display=true", "style=font-size: 113.1%;"]
    assert check("TEX", "<mjx-math></mjx-math>", kept) == "<mjx-math></mjx-math>"


def test_a_style_sheet_is_slimmed_and_says_the_same():
    styles = '\na {\n  /* of old */ top: 0;\n}\n\nmjx-c.mjx-c7B::before {\n  padding: 1em;\n  content: "{";\n}'
    assert slim(styles) == 'a { top: 0; }\nmjx-c.mjx-c7B::before { padding: 1em; content: "{"; }\n'
