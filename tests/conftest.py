"""What all tests share: a fixed number of threads, a cache of their own, and where full MNIST is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from nightly import NIGHTLY

from vae_course.commands.tallies import read_slow

ROOT = Path(__file__).resolve().parents[1]


@pytest.hookimpl(tryfirst=True)  # before pytest looks at marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks what was slow when last measured. By day the nightly tests are deselected: counted, not skipped."""
    slow = frozenset(read_slow(ROOT))
    for item in items:
        if item.nodeid.partition("[")[0] in slow:
            item.add_marker("slow")
    if not NIGHTLY and (left_out := [item for item in items if item.get_closest_marker("nightly")]):
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


@pytest.fixture(scope="session", autouse=True)
def _one_thread_a_worker() -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:
        torch.set_num_threads(1)  # two workers with all cores' threads each get in each other's way


@pytest.fixture(scope="session", autouse=True)
def _no_progress_kept() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_COURSE_PROGRESS", "off")  # a kernel that a test starts notes nothing of a person's
        yield


@pytest.fixture(scope="session")
def root() -> Path:
    """The clone."""
    return ROOT


@pytest.fixture(scope="session")
def mnist_root() -> Path:
    """The folder that holds MNIST/raw; skips the test where there is none."""
    chosen = os.environ.get("VAE_COURSE_DATA")
    places = [Path(chosen)] if chosen else [ROOT.parent / "shared" / "datasets"]
    for place in places:
        if (place / "MNIST" / "raw").is_dir():
            return place
    pytest.skip("full MNIST is not on this machine: run `vae-course data --root FOLDER`, set VAE_COURSE_DATA=FOLDER")
