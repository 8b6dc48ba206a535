"""The built book, parsed."""

from __future__ import annotations

from pathlib import Path

import pytest
from book_site import make_site
from bs4 import BeautifulSoup


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder with the built book."""
    return make_site()


@pytest.fixture(scope="session")
def parse(site):
    """Gives a page, parsed, by its path inside the book."""
    parsed = {}

    def parse(path: Path) -> BeautifulSoup:
        if path not in parsed:
            parsed[path] = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        return parsed[path]

    return parse
