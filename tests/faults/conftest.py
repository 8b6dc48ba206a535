"""The process that starts works to be killed, once for all tests of a worker."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
from killing import TESTS, Killer

sys.path.append(str(TESTS / "classroom"))  # for the small chapter and its submissions


@pytest.fixture(scope="session")
def killer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killer]:
    """Runs works and kills them."""
    if not hasattr(os, "fork"):
        pytest.skip("needs fork and SIGKILL")
    one = Killer(tmp_path_factory.mktemp("killer"))
    yield one
    one.close()
