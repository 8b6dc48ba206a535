"""The page that a student gets back: it stands alone, says all there is to say, and its formulas are formulas."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup
from feedback_pages import feedback_page

from vae_course.classroom import chapters
from vae_course.classroom.feedback import markdown_to_html, to_mathml

SPACE = "{http://www.w3.org/1998/Math/MathML}"


def shape(tex):
    """The formula in words: mfrac(1,2) for a half, and so on for roots and scripts."""

    def read(node):
        name = node.tag.removeprefix(SPACE)
        parts = [read(child) for child in node]
        if name in ("mfrac", "msqrt", "msup", "msub"):
            return f"{name}({','.join(parts)})"
        return "".join(parts) or (node.text or "").strip()

    return read(ElementTree.fromstring(to_mathml(tex)))


@pytest.mark.parametrize(
    ("tex", "wanted"),
    [
        (r"\frac{1}{2}", "mfrac(1,2)"),
        (r"\frac12", "mfrac(1,2)"),
        (r"\tfrac1m", "mfrac(1,m)"),
        (r"\frac{a}23", "mfrac(a,2)3"),
        (r"\sqrt23", "msqrt(2)3"),
        (r"x^10", "msup(x,1)0"),
        (r"x_{10}", "msub(x,10)"),
        (r"\sigma^2", "msup(σ,2)"),
        (r"z' + 1", "msup(z,\u2032)+1"),
    ],
)
def test_arguments_without_braces_are_read_as_tex_reads_them(tex, wanted):
    assert shape(tex) == wanted


def test_what_is_no_formula_is_shown_as_it_was_written():
    assert to_mathml(r"\nosuchmacro{<b>}") == r"<code>\nosuchmacro{&lt;b&gt;}</code>"


def test_the_books_own_words_are_put_plainly():
    page = markdown_to_html("By {cite:t}`schonemann1966`, with the {term}`ELBO`; `{}` and $\\mathcal N(0, I)$.")
    text = " ".join(BeautifulSoup(page, "html.parser").get_text().split())
    assert text == "By [schonemann1966], with the ELBO; {} and \U0001d4a9 ( 0 , I ) ."


def test_each_statement_of_the_book_becomes_html_without_tex(root):
    formulas = 0
    for chapter, _ in chapters.read_chapters(root / "notebooks").values():
        for task in chapter.tasks:
            html = BeautifulSoup(markdown_to_html(task.statement), "html.parser")
            formulas += len(html.select("math"))
            assert not html.select("math:empty, merror")
            for tag in html.select("code"):
                tag.decompose()
            assert re.findall(r"\$|\\\w+|\{\w+\}`", html.get_text()) == [], task.name
    assert formulas > 50


@pytest.fixture
def page(chapter):
    answer = "def count_outputs(latent_dim):\n    return '<b>'"
    return feedback_page(chapter, scores=[1, 0.5], answer=answer, comment="Look at $\\frac12$.", late=0.25)


def test_the_page_asks_for_nothing_else(page):
    html = BeautifulSoup(page, "html.parser")
    assert not html.select("script, link, img, iframe, [src], [style*=url]")
    assert "url(" not in page and "@import" not in page
    targets = {link["href"] for link in html.select("a[href]")}
    assert targets == {f"#{section['id']}" for section in html.select("section[id]")}
    assert len(targets) == 2
    assert len(page) < 20_000


def test_the_page_says_scores_answers_verdicts_and_comments(page):
    html = BeautifulSoup(page, "html.parser")
    text = " ".join(html.get_text().split())
    for words in ("How small?", "Score: 1.25 / 3", "Score: 1 / 1", "Score: 0.5 / 2", "Count: 1 / 1", "KL: 0.5 / 2"):
        assert words in text
    assert "0.25 were taken off" in text
    assert html.title.get_text() == "03-small: 1.25 / 3"
    assert [section.get_text().count("return '<b>'") for section in html.select("section.answer")] == [1, 1]
    assert [section["aria-label"] for section in html.select("section.verdict")] == ["Verdict: Count", "Verdict: KL"]
    assert all("Said." in section.get_text() for section in html.select("section.verdict"))
    assert len(html.select(".comment math mfrac")) == 2
    assert "HIDDEN" not in page
