"""Printed pages bound to one PDF: numbered sheets, an outline, links that jump inside it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urldefrag

from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    Fit,
    FloatObject,
    IndirectObject,
    NameObject,
    NullObject,
    NumberObject,
    TextStringObject,
)

from vae_course.commands.pages import BookPage
from vae_course.commands.shell import CommandError

OUTSIDE = ("http:", "https:", "mailto:")
SHEET_TOP = 842.0  # of A4, in points
# The number's place, in points from the lower right corner: 16 mm, and the line of the footer's title.
NUMBER_RIGHT, NUMBER_UP = 45.4, 16.5
NUMBER_SIZE, DIGIT_WIDTH = 8, 0.556  # a digit's width, in the size of the type


@dataclass(frozen=True)
class Place:
    """Where an anchor is: the sheet (from 0, in its own PDF) and the point, in points from the lower left corner."""

    sheet: int
    left: float
    top: float


@dataclass(frozen=True)
class Printed:
    """A page's PDF, read."""

    page: BookPage | None  # None for the list of contents
    reader: PdfReader
    places: dict[str, Place]

    @property
    def sheets(self) -> int:
        """The number of its sheets."""
        return len(self.reader.pages)


def read_print(page: BookPage | None, content: bytes) -> Printed:
    """Reads what the browser printed. Raises CommandError if a place that a link needs is not in it."""
    reader = PdfReader(io.BytesIO(content))
    places = {}
    for name, target in reader.named_destinations.items():
        sheet = reader.get_destination_page_number(target)
        if sheet is not None and sheet >= 0:
            left, top = (float(value) if isinstance(value, int | float) else 0.0 for value in (target.left, target.top))
            places[unquote(str(name).removeprefix("/"))] = Place(sheet, left, top)
    if page is not None and (lost := sorted(page.anchors - places.keys())):
        raise CommandError(f"the page {page.name} was printed without the places {', '.join(lost)}")
    return Printed(page, reader, places)


def first_sheets(prints: Sequence[Printed], *, before: int = 0) -> list[int]:
    """The sheet on which each begins, from 0, after `before` others."""
    starts = [before]
    for printed in prints[:-1]:
        starts.append(starts[-1] + printed.sheets)
    return starts


def bind(prints: Sequence[Printed], *, title: str, author: str) -> bytes:
    """One PDF of all. Raises CommandError, naming the page, when a link leads neither inside nor to the web."""
    writer = PdfWriter()
    links = [_take_links(printed) for printed in prints]
    for printed in prints:
        for sheet in printed.reader.pages:  # sheet by sheet, without the names of places: most pages have "exercises"
            writer.add_page(sheet)
    bound = list(zip(first_sheets(prints), prints, strict=True))
    addresses = {printed.page.path.resolve().as_uri(): (start, printed) for start, printed in bound if printed.page}
    font = writer._add_object(_helvetica())
    for number, sheet in enumerate(writer.pages, start=1):
        _stamp(writer, sheet, number, font)
    for (start, printed), its_links in zip(bound, links, strict=True):
        for sheet_number, sheet_links in enumerate(its_links):
            new = [_new_link(writer, link, (start, printed), addresses) for link in sheet_links]
            kept = ArrayObject(writer._add_object(link) for link in new if link is not None)
            writer.pages[start + sheet_number][NameObject("/Annots")] = kept
        _add_outline(writer, start, printed)
    writer.compress_identical_objects(remove_duplicates=True, remove_unreferenced=True)
    writer.metadata = {"/Title": title, "/Author": author}
    writer.page_mode = "/UseOutlines"
    writer.root_object[NameObject("/Lang")] = TextStringObject("en-GB")
    content = io.BytesIO()
    writer.write(content)
    return content.getvalue()


def _take_links(printed: Printed) -> list[list[DictionaryObject]]:
    """The links of each sheet. They are taken off: copied as they are they would lead into the single prints."""
    links = []
    for sheet in printed.reader.pages:
        annotations = [annotation.get_object() for annotation in sheet.annotations or ()]
        links.append([annotation for annotation in annotations if annotation.get("/Subtype") == "/Link"])
        sheet.pop("/Annots", None)
    return links


def _new_link(
    writer: PdfWriter, link: DictionaryObject, source: tuple[int, Printed], addresses: dict[str, tuple[int, Printed]]
) -> DictionaryObject | None:
    """The link as it is in the whole; None for one to a file that is not in it, whose words stay as text."""
    new = DictionaryObject({NameObject("/Type"): NameObject("/Annot"), NameObject("/Subtype"): NameObject("/Link")})
    corners: Any = link["/Rect"]
    new[NameObject("/Rect")] = ArrayObject(FloatObject(value) for value in corners)
    new[NameObject("/Border")] = ArrayObject([NumberObject(0)] * 3)
    new[NameObject("/F")] = NumberObject(4)  # is printed
    action: Any = link.get("/A")
    address = str(action.get_object().get("/URI", "")) if action else ""
    if address.lower().startswith(OUTSIDE):
        new[NameObject("/A")] = DictionaryObject(
            {NameObject("/S"): NameObject("/URI"), NameObject("/URI"): TextStringObject(address)}
        )
        return new
    where = source[1].page.name if source[1].page else "contents"
    path, anchor = urldefrag(address)
    if address and path not in addresses:
        if path.startswith("file:"):
            return None
        raise CommandError(f"the page {where} links to {address}, which is neither in the book nor on the web")
    start, target = addresses[path] if address else source
    anchor = unquote(anchor if address else str(link.get("/Dest", "")).removeprefix("/"))
    place = target.places.get(anchor) if anchor else Place(0, 0.0, SHEET_TOP)
    if place is None:
        raise CommandError(f"the page {where} links to {address or anchor}, which has no place in the PDF")
    sheet = writer.pages[start + place.sheet].indirect_reference or NullObject()
    point = (FloatObject(place.left), FloatObject(place.top), NullObject())
    new[NameObject("/Dest")] = ArrayObject([sheet, NameObject("/XYZ"), *point])
    return new


def _add_outline(writer: PdfWriter, start: int, printed: Printed) -> None:
    if printed.page is None:
        writer.add_outline_item(title="Contents", page_number=start)
        return
    page_item = None
    for section in printed.page.sections:
        place = printed.places[section.anchor]
        item = writer.add_outline_item(
            title=section.title,
            page_number=start + place.sheet,
            parent=None if section.depth == 1 else page_item,
            fit=Fit.xyz(left=place.left, top=place.top),
            is_open=False,
        )
        page_item = item if section.depth == 1 else page_item
    writer.add_named_destination(printed.page.name, start)  # for links from elsewhere: book.pdf#notebooks/06-pcn


def _helvetica() -> DictionaryObject:
    # Every reader has it, so that it need not be in the file.
    names = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica", "/Encoding": "/WinAnsiEncoding"}
    return DictionaryObject({NameObject(key): NameObject(value) for key, value in names.items()})


def _stamp(writer: PdfWriter, sheet: PageObject, number: int, font: IndirectObject) -> None:
    """Writes the number at the foot of the sheet, on the right."""
    resources: Any = sheet["/Resources"].get_object()
    fonts = resources.setdefault(NameObject("/Font"), DictionaryObject()).get_object()
    fonts[NameObject("/SheetNumber")] = font
    left = float(sheet.mediabox.right) - NUMBER_RIGHT - NUMBER_SIZE * DIGIT_WIDTH * len(str(number))
    before, after = DecodedStreamObject(), DecodedStreamObject()
    before.set_data(b"q\n")  # the browser leaves its own scale behind
    words = f"0.33 g BT /SheetNumber {NUMBER_SIZE} Tf {left:.2f} {NUMBER_UP} Td ({number}) Tj ET"
    after.set_data(f"\nQ q {words} Q\n".encode("ascii"))
    drawn: Any = sheet.raw_get("/Contents")
    streams = list(drawn.get_object()) if isinstance(drawn.get_object(), ArrayObject) else [drawn]
    sheet[NameObject("/Contents")] = ArrayObject(
        [writer._add_object(before), *streams, writer._add_object(after)],
    )
