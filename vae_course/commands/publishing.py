"""The whole book in one file: a PDF to print, a zip of the site to hand on."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from vae_course.commands.shell import CommandError, clone_root, in_words, stopwatch
from vae_course.commands.site import start_page
from vae_course.files import replace_file

if TYPE_CHECKING:
    from vae_course.commands.binding import Printed

NAME = "inside-the-latent-space"  # of the files, and of the folder in the zip
EARLIEST = (1980, 1, 1, 0, 0, 0)  # the time of all files in the zip: the same site gives the same bytes


def make_pdf(*, site: Path | None, to: Path | None) -> int:
    """Prints the pages of the built book into one PDF. Returns the exit code: 1 if a page could not be printed."""
    root = clone_root()
    site, to = _places(root, site, to, ".pdf")
    try:
        import yaml  # type: ignore[import-untyped,unused-ignore]

        from vae_course.commands import binding, pages, printing
    except ModuleNotFoundError as error:
        raise CommandError(f"{error.name} is not there; install it with `pip install {error.name}`") from error
    settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    names = {"title": settings["title"], "author": settings["author"]}
    book = pages.read_pages(root, site)
    prints: list[Printed] = []
    faults = []
    with stopwatch() as seconds, printing.open_browser() as browser:
        for number, page in enumerate(book, start=1):
            with stopwatch() as its_seconds:
                try:
                    prints.append(binding.read_print(page, printing.print_page(browser, page)))
                    outcome = f"{prints[-1].sheets} sheets"
                except CommandError as error:
                    faults.append(str(error))
                    outcome = f"NOT printed: {error}"
            print(f"[{number}/{len(book)}] {page.name}: {outcome} ({in_words(its_seconds[0])})", flush=True)
        if faults:
            print(f"{to} was NOT written: {len(faults)} of {len(book)} pages could not be printed (see above).")
            return 1

        def contents(before: int) -> Printed:
            numbers = _numbers(prints, before)
            return binding.read_print(None, printing.print_contents(browser, book, numbers, **names))

        first = contents(0)
        whole = [contents(first.sheets), *prints]
    _store(to, content := binding.bind(whole, **names))
    sheets = sum(printed.sheets for printed in whole)
    print(f"The book was printed in {in_words(seconds[0])}: {to}, {sheets} sheets, {len(content) / 1e6:.1f} MB.")
    print("Left out: live figures, whose pictures are printed, and the notebooks to download.")
    return 0


def make_zip(*, site: Path | None, to: Path | None) -> int:
    """Packs the built book into one zip, to be read without network or server."""
    site, to = _places(clone_root(), site, to, ".zip")
    # Left out: what only a debugger of scripts or the next build reads.
    files = sorted(
        (path.relative_to(site).as_posix(), path)
        for path in site.rglob("*")
        if path.is_file() and path.suffix != ".map" and not path.name.startswith(".")
    )
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, path in files:
            entry = zipfile.ZipInfo(f"{NAME}/{name}", EARLIEST)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # as on Unix, wherever it is made
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, compresslevel=9)
    _store(to, content.getvalue())
    print(f"The site was packed: {to}, {len(files)} files, {to.stat().st_size / 1e6:.1f} MB.")
    print(f"Unpack it and open {NAME}/index.html; it needs neither network nor server.")
    return 0


def _places(root: Path, site: Path | None, to: Path | None, suffix: str) -> tuple[Path, Path]:
    site = site or start_page(root).parent
    if not (site / "index.html").is_file():
        raise CommandError(f"{site / 'index.html'} is not there; build the book first with `make book`")
    to = to or root / "_build" / f"{NAME}{suffix}"
    if to.is_dir():
        raise CommandError(f"{to} is a folder; name a file, such as {to / (NAME + suffix)}")
    if to.resolve().is_relative_to(site.resolve()):
        raise CommandError(f"{to} lies in the site itself; write it elsewhere")
    return site.resolve(), to


def _store(to: Path, content: bytes) -> None:
    try:
        replace_file(to, content)
    except OSError as error:
        raise CommandError(f"the book can't be stored: {error}; name another file with --to") from error


def _numbers(prints: Sequence[Printed], before: int) -> list[list[int]]:
    """For each page the numbers, from 1, of the sheets on which its sections begin, after `before` others."""
    from vae_course.commands.binding import first_sheets

    return [
        [start + printed.places[section.anchor].sheet + 1 for section in printed.page.sections]
        for start, printed in zip(first_sheets(prints, before=before), prints, strict=True)
        if printed.page is not None
    ]
