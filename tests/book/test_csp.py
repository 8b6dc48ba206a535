"""The content security policy that each page carries: what it allows, and that the pages need nothing else."""

from __future__ import annotations

import re
import sys
import threading
import urllib.error
import urllib.request

import pytest
from book_site import ROOT, page_names
from bs4 import BeautifulSoup

sys.path.insert(0, str(ROOT / "book" / "_ext"))

from vae_book_html import mend
from vae_book_policy import NAME, RUNS, script_hash

from vae_course.commands.site import HEADERS, make_server

# What a page may do at most; the hashes of its own scripts come on top.
STRICTEST = {
    "default-src": {"'none'"},
    "script-src": {"'self'"},
    "style-src": {"'self'", "'unsafe-inline'"},
    "img-src": {"'self'", "data:"},
    "font-src": {"'self'"},
    "connect-src": {"'none'"},
    "form-action": {"'self'"},
    "base-uri": {"'none'"},
}


def policies(page):
    """The policies of a page: for each of them its directives with their sources."""
    rules = [meta["content"].split(";") for meta in page.select(f'meta[http-equiv="{NAME}"]')]
    return [{words[0]: set(words[1:]) for words in (rule.split() for rule in policy)} for policy in rules]


@pytest.fixture(params=[*page_names(), "search", "index"])
def page(request, site, parse):
    return parse(site / f"{request.param}.html")


def test_every_page_has_the_strictest_policy(page):
    (policy,) = policies(page)
    inline = page.find_all("script", src=False)
    own = {script_hash(script.get_text()) for script in inline if (script.get("type") or "") in RUNS}
    search = page.select_one("#search-results")
    wanted = {**STRICTEST, "script-src": {"'self'"} | own, "connect-src": {"'self'"} if search else {"'none'"}}
    assert policy == wanted
    before = page.select_one(f'meta[http-equiv="{NAME}"]').find_all_previous(["script", "link", "style", "img"])
    assert before == [], "the policy is not about what stands before it"


def test_no_page_has_a_handler_in_an_attribute(page):
    handlers = [f"{tag.name} {name}" for tag in page.find_all(True) for name in tag.attrs if name.startswith("on")]
    assert handlers == []
    assert page.select('a[href^="javascript:" i], form[action^="javascript:" i]') == []
    assert page.select("iframe, object, embed, base, applet") == []


def test_no_html_lies_in_the_book_without_a_policy(site, parse):
    files = sorted(site.rglob("*.html"))
    assert len(files) >= len(page_names()) + 2
    assert [str(file.relative_to(site)) for file in files if len(policies(parse(file))) != 1] == []


# --- the extension, on fragments ---


def test_a_script_s_name_is_the_standard_s():
    # the example of the standard, CSP level 3, section 2.3.1
    assert script_hash("alert('Hello, world.');") == "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"
    assert script_hash("a\r\nb\rc") == script_hash("a\nb\nc")


def mended(head, body=""):
    return BeautifulSoup(mend(f"<html><head>{head}</head><body>{body}</body></html>"), "html.parser")


def test_the_scripts_that_run_are_named_and_no_others():
    page = mended(
        '<meta charset="utf-8"/><script>a()</script><script src="b.js"></script>',
        '<script type="module">c()</script><script type="application/json">{"d": 1}</script><script>a()</script>',
    )
    assert policies(page) == [{**STRICTEST, "script-src": {"'self'", script_hash("a()"), script_hash("c()")}}]
    assert [tag.name for tag in page.head.find_all(True)] == ["meta", "meta", "script", "script"]
    assert page.head.find("meta").get("charset") == "utf-8"


def test_a_page_that_changed_gets_the_new_policy_alone():
    page = mended("<script>a()</script>")
    page.script.string = "b()"
    (policy,) = policies(BeautifulSoup(mend(str(page)), "html.parser"))
    assert policy["script-src"] == {"'self'", script_hash("b()")}


def test_only_the_search_page_may_read_others():
    assert policies(mended("", '<div id="search-results"></div>'))[0]["connect-src"] == {"'self'"}
    assert policies(mended("", "<p>words</p>"))[0]["connect-src"] == {"'none'"}


def test_the_printing_button_is_marked_for_the_script():
    page = mended("", '<button onclick="window.print()">Print</button><button onclick="other()">Other</button>')
    first, second = page.find_all("button")
    assert first.attrs == {"data-print": ""}
    assert second.attrs == {"onclick": "other()"}, "what is not known is left, and the test above fails"


# --- what is said about serving ---

SERVING = (ROOT / "book" / "serving.md").read_text(encoding="utf-8")


def test_the_page_on_serving_lists_the_policy():
    rows = [row.split(" ", 1) for row in re.findall(r"^\| `([^`]+)` \|", SERVING, re.MULTILINE)]
    said = {name: set(sources.replace(" 'sha256-...'", "").split()) for name, sources in rows}
    assert said == STRICTEST


def test_the_page_on_serving_lists_the_headers():
    nginx = dict(re.findall(r'^add_header (\S+) "([^"]+)" always;$', SERVING, re.MULTILINE))
    apache = dict(re.findall(r'^Header always set (\S+) "([^"]+)"$', SERVING, re.MULTILINE))
    assert nginx == apache == HEADERS


def test_the_server_sends_the_headers_also_with_an_error(tmp_path):
    (tmp_path / "index.html").write_text("the book", encoding="utf-8")
    with make_server(tmp_path, port=0) as server:
        server.RequestHandlerClass.func.log_message = lambda *_: None
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name, code in (("index.html", 200), ("gone.html", 404)):
            try:
                response = urllib.request.urlopen(f"http://127.0.0.1:{server.server_address[1]}/{name}", timeout=10)
            except urllib.error.HTTPError as error:
                response = error
            assert response.status == code
            assert {header: response.headers[header] for header in HEADERS} == HEADERS
        server.shutdown()
