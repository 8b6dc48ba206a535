"""The ES modules' own tests, run by Node's test runner."""

import subprocess
from pathlib import Path

import pytest

FILES = sorted((Path(__file__).parent / "js").glob("*.test.mjs"))


def test_there_are_javascript_tests():
    assert len(FILES) >= 5


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_javascript(file, node):
    run = subprocess.run([node, "--test", str(file)], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "pass 0" not in run.stdout, "the file holds no test"
