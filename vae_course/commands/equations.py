"""Setting the book's equations once, so that no reader's browser has to: MathJax's HTML of each, kept for the build.

What is kept lies in book/equations.json, the style sheet beside the book's own (book/_static/equations.css);
book/_ext/vae_book_equations.py puts them into the pages.
"""

from __future__ import annotations

import html
import json
import re
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped,unused-ignore]
from bs4 import BeautifulSoup

from vae_course.commands.printing import open_browser
from vae_course.commands.shell import CommandError, clone_root
from vae_course.commands.site import make_server, start_page
from vae_course.files import replace_file

MATHJAX = "vendor/mathjax/startup.js"
# What belongs to more than one equation can't be kept for one.
SHARED = re.compile(r"\\(newcommand|renewcommand|def|let|require|label|tag|ref|eqref|newenvironment)\b")
START = "(config) => { window.MathJax = {...config, startup: {typeset: false}}; }"
SET = """async (equations) => {
  const set = [];
  for (const [tex, display] of equations) {
    const box = await MathJax.tex2chtmlPromise(tex, {display});
    set.push([box.innerHTML, [...box.attributes].map(({name, value}) => `${name}=${value}`)]);
  }
  return [set, MathJax.chtmlStylesheet().textContent];
}"""
# The attributes of an equation's box that the build writes; with any other it would not look the same.
WRITTEN = {"class=MathJax", "jax=CHTML", "display=true"}
# An x is as high in an equation as in the text around it: MathJax's x is 0.442 em high. It measures that in each place
# and writes it into the box; a style can say it.
SIZE = 'mjx-container[jax="CHTML"]{font-size:2.2624ex}'


def set_equations() -> int:
    """Sets all equations of the built book anew and keeps them. Returns 0.

    Raises CommandError if there is no book, no browser, or an equation that MathJax can't set or that can't be kept.
    """
    root = clone_root()
    site, static = start_page(root).parent, root / "book" / "_static"
    sources = read_equations(site)
    equations, styles = typeset(sources, static, read_settings(root))
    lines = json.dumps(equations, ensure_ascii=False, indent=0, sort_keys=True)
    replace_file(root / "book" / "equations.json", f"{lines}\n".encode())
    replace_file(static / "equations.css", styles.encode())
    print(f"{len(equations)} equations are set and kept in book/equations.json ({len(lines) / 1000:.0f} kB).")
    print("Build the book again (`make book`), so that its pages have them.")
    return 0


def read_equations(site: Path) -> list[str]:
    """The TeX of all equations of the built pages, with the marks around it, each once, in order."""
    if not (site / "index.html").is_file():
        raise CommandError(f"{site} holds no book; build it first with `make book`")
    return sorted({tex for path in site.rglob("*.html") for tex in tex_of(path.read_text(encoding="utf-8"))})


def tex_of(page: str) -> Iterable[str]:
    """The TeX of a page's equations, those that are set and those that are not."""
    for box in BeautifulSoup(page, "html.parser").select(".math"):
        for part in box.find_all("mjx-container", recursive=False):
            yield str(part["data-tex"])
        for words in box.find_all(string=True, recursive=False):
            if words.strip():
                yield str(words).strip()


def read_settings(root: Path) -> dict[str, Any]:
    """The book's settings of MathJax, without those of finding equations in a page."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["sphinx"]["config"]
    return {key: value for key, value in config["mathjax3_config"].items() if key in ("loader", "tex", "chtml")}


def typeset(sources: Iterable[str], static: Path, settings: dict[str, Any]) -> tuple[dict[str, str], str]:
    """MathJax's HTML for each equation, and the styles that all of them need.

    sources: TeX with its marks. static: the folder with MathJax. Raises CommandError for TeX that can't be set or kept.
    """
    from playwright.sync_api import Error

    sources = list(sources)
    parts = [parse(tex) for tex in sources]
    with make_server(static, port=0) as server, open_browser() as browser:
        server.RequestHandlerClass.func.log_message = lambda *_: None  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        try:
            tab = browser.new_page()
            tab.goto(address)
            tab.evaluate(START, settings)
            tab.add_script_tag(url=MATHJAX)
            tab.evaluate("MathJax.startup.promise.then(() => 0)")
            found, styles = tab.evaluate(SET, parts)
        except Error as error:
            raise CommandError(f"MathJax could not be run: {error.message.splitlines()[0]}") from error
        finally:
            server.shutdown()
    equations = {tex: check(tex, *one) for tex, one in zip(sources, found, strict=True)}
    return equations, slim(styles.replace(address, "")) + SIZE + "\n"


def parse(tex: str) -> tuple[str, bool]:
    r"""What stands between the marks \( \) or \[ \], and whether it is displayed.

    Raises CommandError for other marks, and for TeX that has a part in other equations.
    """
    if found := SHARED.search(tex):
        raise CommandError(f"the equation {tex} has {found[0]}, which other equations need too; write it without")
    if found := re.fullmatch(r"\\\((.*)\\\)|\\\[(.*)\\\]", tex, re.DOTALL):
        inline, displayed = found.groups()
        return (displayed, True) if inline is None else (inline, False)
    if tex.startswith("\\begin{"):
        return tex, True
    raise CommandError(
        rf"the equation {tex} stands between no marks; write it as $...$, or $$...$$ on a line of its own"
    )


def check(tex: str, equation: str, attributes: list[str]) -> str:
    """The equation's HTML, if it looks the same wherever it is put. Raises CommandError if not."""
    if found := re.search(r'data-mjx-error="(.*?)"', equation):
        raise CommandError(f"MathJax can't set the equation {tex}: {html.unescape(found[1])}; mend its TeX")
    if found := re.search(r'style="color: red;?"[^>]*>(.*?)</mjx-mtext>', equation):
        letters = "".join(chr(int(code, 16)) for code in re.findall(r"mjx-c([0-9A-F]+)", found[1]))
        raise CommandError(f"MathJax does not know {letters}, which the equation {tex} has; write it otherwise")
    if "mjx-utext" in equation:
        raise CommandError(f"MathJax's fonts lack a character of the equation {tex}; write it in TeX, or beside it")
    if others := {name for name in attributes if not name.startswith("style=font-size")} - WRITTEN:
        raise CommandError(f"the equation {tex} is set with {', '.join(sorted(others))}, which can't be kept")
    return equation


def slim(styles: str) -> str:
    """MathJax's style sheet with a line for each rule, and without remarks."""
    rules = re.sub(r"/\*.*?\*/", "", styles, flags=re.DOTALL).split("\n\n")
    return "".join(f"{' '.join(rule.split())}\n" for rule in rules if rule.strip())
