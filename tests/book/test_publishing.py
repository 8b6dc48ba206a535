"""The zip of the site, and what the pages say of themselves before they are printed."""

from __future__ import annotations

import shutil
import zipfile

import pytest
from book_site import ROOT, page_names

from vae_course import cli
from vae_course.commands.pages import read_pages
from vae_course.commands.publishing import NAME
from vae_course.commands.shell import CommandError


@pytest.fixture(scope="module")
def archive(site, tmp_path_factory):
    path = tmp_path_factory.mktemp("zip") / "book.zip"
    assert cli.main(["zip", "--site", str(site), "--to", str(path)]) == 0
    return path


def test_the_zip_has_one_folder_with_all_pages(archive):
    with zipfile.ZipFile(archive) as zipped:
        names = zipped.namelist()
        assert zipped.testzip() is None
    assert {name.split("/")[0] for name in names} == {NAME}
    assert {f"{NAME}/index.html", *(f"{NAME}/{name}.html" for name in page_names())} <= set(names)
    assert names == sorted(names)
    assert [name for name in names if ".." in name or "\\" in name or name.startswith("/")] == []


def test_no_file_of_the_zip_names_a_place_of_this_machine(archive, site):
    places = [str(ROOT).encode(), str(site).encode(), b"file:///"]
    with zipfile.ZipFile(archive) as zipped:
        own = [name for name in zipped.namelist() if name.endswith((".html", ".ipynb", ".md", "searchindex.js"))]
        found = [(name, place) for name in own for place in places if place in zipped.read(name)]
    assert found == []


def test_every_link_and_picture_of_the_unpacked_pages_is_there(archive, parse, tmp_path):
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(tmp_path)
    for name in page_names():
        path = tmp_path / NAME / f"{name}.html"
        for tag in parse(path).select("[src], link[href], a[href]"):
            url = (tag.get("src") or tag.get("href")).partition("#")[0].partition("?")[0]
            if url and ":" not in url:
                assert (path.parent / url).resolve().is_file(), (name, url)


def test_the_same_site_gives_the_same_bytes(archive, site, tmp_path):
    copy = tmp_path / "site"
    shutil.copytree(site, copy, copy_function=shutil.copyfile)  # new times
    assert cli.main(["zip", "--site", str(copy), "--to", str(tmp_path / "again.zip")]) == 0
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


@pytest.mark.parametrize("verb", ["pdf", "zip"])
def test_what_cannot_be_packed_is_said(verb, site, tmp_path, capsys):
    assert cli.main([verb, "--site", str(tmp_path), "--to", str(tmp_path / "book")]) == 2
    assert "build the book first with `make book`" in capsys.readouterr().err
    assert cli.main([verb, "--site", str(site), "--to", str(tmp_path)]) == 2
    assert "is a folder; name a file" in capsys.readouterr().err
    assert cli.main([verb, "--site", str(site), "--to", str(site / "book.x")]) == 2
    assert "lies in the site itself" in capsys.readouterr().err


def test_the_pages_come_in_the_order_of_the_contents(site):
    pages = read_pages(ROOT, site)
    assert [page.name for page in pages] == page_names()
    chapters = [page for page in pages if page.part == "Chapters"]
    assert [page.title.partition(".")[0] for page in chapters] == [str(n) for n in range(1, len(chapters) + 1)]
    assert all(page.sections[0].depth == 1 for page in pages)
    assert all({section.depth for section in page.sections[1:]} <= {2} for page in pages)


def small_book(root, *, link):
    (root / "_toc.yml").write_text("root: a\nparts:\n  - caption: Part\n    chapters:\n      - file: b\n")
    heading = '<h1>Of <span class="math">\\(\\beta_{1}\\)</span><a class="headerlink" href="#one">#</a></h1>'
    for name in ("a", "b"):
        body = f'<section id="one">{heading}<section id="two"><h2>Two</h2></section></section>'
        body += f'<a href="{link}">b</a>' if name == "a" else ""
        (root / f"{name}.html").write_text(f"<article>{body}</article>", encoding="utf-8")


def test_headings_are_plain_words_and_anchors_those_that_are_led_to(tmp_path):
    small_book(tmp_path, link="b.html#two")
    first, second = read_pages(tmp_path, tmp_path)
    assert [(s.depth, s.anchor, s.title) for s in second.sections] == [(1, "one", "Of β_1"), (2, "two", "Two")]
    assert (first.part, second.part) == ("", "Part")
    assert second.anchors == {"one", "two"}


@pytest.mark.parametrize("link", ["b.html#three", "c.html", "#three"])
def test_a_dead_link_is_named(tmp_path, link):
    small_book(tmp_path, link=link)
    with pytest.raises(CommandError, match=f"a -> {link}"):
        read_pages(tmp_path, tmp_path)


def test_a_missing_page_is_named(tmp_path):
    small_book(tmp_path, link="b.html")
    (tmp_path / "b.html").unlink()
    with pytest.raises(CommandError, match=r"b\.html is not there; build the book first"):
        read_pages(tmp_path, tmp_path)
