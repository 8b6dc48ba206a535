import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright._impl._driver import compute_driver_executable

from vae_course import zoo
from vae_course.data import load_digits
from vae_course.explore import LatentMap
from vae_course.models import VAE
from vae_course.types import Digits

JS_TESTS = Path(__file__).parent / "js"


@pytest.fixture(scope="session")
def node() -> str:
    """The Node that playwright's wheel brings, so that none need be installed."""
    return str(compute_driver_executable()[0])


@pytest.fixture(scope="session")
def ask_node(node):
    """Runs a module of tests/explore/js with a JSON question on its input, and gives its JSON answer."""

    def ask(module: str, question: Any) -> Any:
        run = subprocess.run(
            [node, str(JS_TESTS / module)], input=json.dumps(question), capture_output=True, text=True, timeout=60
        )
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    return ask


@pytest.fixture(scope="session")
def digits() -> Digits:
    return load_digits()


@pytest.fixture(scope="session")
def model() -> VAE:
    """The trained model of the book's own map."""
    return zoo.load("vae-bernoulli-2d-s0")


@pytest.fixture(scope="session")
def latent_map(model, digits) -> LatentMap:
    return LatentMap(model, digits, z=(0.4, -1.2))
