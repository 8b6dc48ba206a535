"""Finding a Chromium for the browser tests, and installing Debian's where that is allowed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

VARIABLE = "VAE_COURSE_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
MAC_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def find_browser() -> str | None:
    """The program to test with: VAE_COURSE_BROWSER, else a Chromium or Chrome that starts; None if there is none."""
    if chosen := os.environ.get(VARIABLE):
        return chosen if _starts(chosen) else None
    programs = [found for name in NAMES if (found := shutil.which(name))]
    if sys.platform == "darwin":
        programs += MAC_PLACES
    return next((program for program in programs if _starts(program)), None)


def why_not_installable() -> str | None:
    """The reason why Chromium can't be installed here without asking anyone; None if it can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "only root may install one"
    if not shutil.which("apt-get") or not Path("/etc/debian_version").is_file():
        return "this is no Debian or Ubuntu"
    return None


def install_browser() -> bool:
    """Installs Debian's Chromium. Returns whether there is a browser afterwards."""
    print("No Chromium found; installing Debian's package (for the browser tests only).", flush=True)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (
        ["update", "-q"],
        ["install", "-q", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"],
    ):
        print("$ apt-get " + " ".join(words), flush=True)
        if subprocess.run(["apt-get", *words], env=env, stdout=subprocess.DEVNULL, check=False).returncode:
            return False
    return find_browser() is not None


def _starts(program: str) -> bool:
    # Ubuntu's package "chromium-browser" may be a shell script that only says that there is none.
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0
