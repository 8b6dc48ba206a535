"""The page that a student gets back, in the browser: alone, on every screen, its formulas as MathJax reads them."""

from __future__ import annotations

import re

import pytest
from book_site import ROOT, SCHEMES, SIZES
from explorer_pages import assert_fits, axe_violations
from feedback_pages import feedback_page
from mathjax_pages import load_mathjax

from vae_course.classroom import chapters
from vae_course.classroom.feedback import to_mathml
from vae_course.exercises.verdict import Verdict

pytestmark = pytest.mark.browser

ANSWER = (
    "def answer(x):\n    # " + "a remark that is wider than a telephone, and goes on, " * 3 + "\n    return {'x': 1.5}"
)
WRONG = Verdict("gaussian_w2", "wrong", "You `took` no root.", "no_root", comparison=(("wanted", "1 2 3 " * 40),))

# What is said and how it hangs together: all characters, then each fraction, root, script and row with its parts.
# After a bracket one hangs a power on the bracket alone, the other on all that it closes.
READ = """(source) => {
  const root = new DOMParser().parseFromString(source, "text/html").querySelector("math");
  const accents = {"\\u02c9": "\\u0304", "\\u02c6": "^"};
  const words = (node) => node.textContent.normalize("NFKD").replace(/[\\s\\u2061-\\u2064]/g, "")
    .replace(/[\\u02c6\\u02c9]/g, (accent) => accents[accent]);
  const part = (node) => words(node).replace(/^.*([)|\\u2016])$/, "$1");
  const parts = [...root.querySelectorAll("mfrac, msqrt, msup, msub, msubsup, munder, munderover, mover, mtr")];
  return [words(root), parts.map((node) => [node.localName, ...[...node.children].map(part)].join(" ")).sort()];
}"""
SET = "([tex, display]) => MathJax.tex2mmlPromise(tex, {display})"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The page of the chapter with the widest formula, as a file."""
    [(chapter, _)] = chapters.read_chapters(ROOT / "notebooks", ["9"]).values()
    path = tmp_path_factory.mktemp("feedback") / "page.html"
    scores = [task.points / 2 for task in chapter.tasks]
    page = feedback_page(chapter, scores=scores, answer=ANSWER, said=WRONG._repr_html_(), comment="See $x^2$.", late=1)
    path.write_text(page, encoding="utf-8")
    return path


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_it_stands_alone_and_is_read_by_all(open_page, written, size, scheme):
    visit = open_page(written.as_uri(), width=SIZES[size], scheme=scheme, offline=True, java_script_enabled=False)
    assert visit.requests == [written.as_uri()]
    assert visit.faults == []
    page = open_page(written.as_uri(), width=SIZES[size], scheme=scheme).page
    assert_fits(page)
    assert axe_violations(page) == []
    wide = (
        "[...document.querySelectorAll('main *')].filter((tag) => tag.getBoundingClientRect().right > innerWidth + 1)"
    )
    assert page.evaluate(f"{wide}.map((tag) => tag.outerHTML.slice(0, 99))") == []
    # no heading lies on what follows it
    pairs = """[...document.querySelectorAll('h1, h2')].map((head) => [head, head.nextElementSibling])
        .map((pair) => pair.map((tag) => tag.getBoundingClientRect()))
        .map(([head, next]) => [head.bottom, next.top])"""
    assert all(bottom <= top for bottom, top in page.evaluate(pairs))


def test_it_prints_light_in_the_dark(open_page, written):
    page = open_page(written.as_uri(), scheme="dark").page
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(20, 24, 30)"
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(ground) == "rgb(255, 255, 255)"


def test_its_formulas_are_those_that_mathjax_reads(open_page, site):
    page = open_page((site / "book" / "notation.html").as_uri()).page
    load_mathjax(page)
    read, differing = 0, []
    for chapter, _ in chapters.read_chapters(ROOT / "notebooks").values():
        for task in chapter.tasks:
            for block, inline in re.findall(r"\$\$(.*?)\$\$|\$([^$\n]+)\$", task.statement, re.DOTALL):
                tex = (block or inline).strip()
                wanted = page.evaluate(READ, page.evaluate(SET, [tex, bool(block)]))
                found = page.evaluate(READ, to_mathml(tex, block=bool(block)))
                read += 1
                differing += [] if found == wanted else [(tex, found, wanted)]
    assert differing == []
    assert read > 50
