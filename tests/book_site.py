"""The built book for the tests of its pages: one build, made or refreshed once, used by all workers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[1]

# The screens and colour modes in which the pages are tested.
SIZES = {"phone": 390, "laptop": 1280}
SCHEMES = ("light", "dark")


def build(root: Path) -> subprocess.CompletedProcess[str]:
    """Builds the book of a tree as `make book` does: warnings are errors. Seconds when nothing changed."""
    program = Path(sys.executable).with_name("jupyter-book")
    command = [str(program), "build", str(root), "-W", "--keep-going"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=280, check=False)


def make_site() -> Path:
    """The folder of the built pages: VAE_COURSE_SITE if that is set, else the clone's, brought up to date."""
    if given := os.environ.get("VAE_COURSE_SITE"):
        site = Path(given).resolve()
        assert (site / "index.html").is_file(), f"VAE_COURSE_SITE={given} holds no built book; build it or unset it"
        return site
    (ROOT / "_build").mkdir(exist_ok=True)
    with FileLock(ROOT / "_build" / "tests.lock"):
        result = build(ROOT)
    assert result.returncode == 0, f"the book does not build without warnings:\n{result.stdout}\n{result.stderr}"
    return ROOT / "_build" / "html"


def page_names() -> list[str]:
    """Every page of the table of contents, without suffix, the start page first."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"]] + [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
