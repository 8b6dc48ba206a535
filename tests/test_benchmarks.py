"""The benchmarks' own arithmetic, and that what they stored for the book's page is what they measured."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vae_course import exercises

NAMES = ("exercises", "growth", "latent_statistics", "notebooks", "pages", "sampling", "training")


@pytest.fixture
def program(root: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Gives a benchmark's names, by its own; the samplers' peers, which are not installed, stay empty."""
    monkeypatch.syspath_prepend(root / "benchmarks")
    for peer, names in (("cuqipy_pcn", ("CuqipyChain", "from_torch", "in_numpy")), ("blackjax_nuts", ("NutsChains",))):
        empty = types.ModuleType(f"peers.{peer}")
        empty.__dict__.update(dict.fromkeys(names))
        monkeypatch.setitem(sys.modules, empty.__name__, empty)
    return lambda name: runpy.run_path(str(root / "benchmarks" / f"{name}.py"), run_name="benchmark")


@pytest.mark.parametrize("name", NAMES)
def test_the_stored_works_are_those_of_the_stored_measurements(name: str, root: Path, program: Any) -> None:
    stored = json.loads((root / "benchmarks" / "results" / f"{name}.json").read_text("utf-8"))
    works = stored.pop("works")
    assert works == program(name)["list_works"](stored)
    assert {"processor", "cores", "threads", "load when it began", "python", "torch"} <= set(stored["machine"])
    for work in works:
        assert work["reached"]["min"] <= work["reached"]["median"] <= work["reached"]["max"]


def test_ratios_are_taken_round_by_round(program: Any) -> None:
    measuring = program("_measuring")
    # Both slow down in the second round: the ratio does not notice, as it would if medians were divided.
    assert measuring["ratios"]([6.0, 60.0, 8.0], [2.0, 20.0, 2.0]) == {"median": 3.0, "min": 3.0, "max": 4.0}
    with pytest.raises(ValueError, match=r'"more" or "less", got \'most\''):
        measuring["make_work"]("a work", measuring["quartet"]([1.0]), "s", better="most")


def test_the_time_of_children_counts_and_waiting_does_not(program: Any) -> None:
    taken = program("_measuring")["seconds_with_children"]
    busy = "import time\nwhile time.process_time() < 0.4: pass"
    waiting = "import time\ntime.sleep(0.4)"
    long, short = (
        taken(lambda s=s: subprocess.run([sys.executable, "-S", "-c", s], check=True)) for s in (busy, waiting)
    )
    assert long >= 0.4
    assert short < 0.35


def test_the_exponent_of_a_power_law_is_found_whatever_its_factor(program: Any) -> None:
    growth = program("growth")
    sizes = np.array([4, 8, 16, 32, 64])
    for power in (0.5, 1.0, 2.0):
        assert growth["fit_exponent"](sizes, 0.003 * sizes**power) == pytest.approx(power)
    assert growth["fit_exponent"](sizes, 0.1 + 0.003 * sizes) < 0.8  # a fixed cost makes it smaller


def test_growth_of_the_distances_is_measured(program: Any) -> None:
    growth = program("growth")
    found = growth["measure"]("classes", rounds=1)
    assert found["sizes"] == [4, 8, 16, 32, 64] and len(found["seconds"]) == 5
    assert 0.3 < found["exponent"]["median"] < 2.5
    (work,) = growth["list_works"]({"growth": {"classes": found}})
    assert work["work"] == "classes: distances between all pairs of 4 to 64 classes"


def test_a_check_is_timed_with_its_answer_and_must_pass(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    time_check = program("exercises")["time_check"]
    taken, answer = time_check("count_outputs", 0)
    assert answer.calls > 1
    assert 0 < answer.seconds < taken
    monkeypatch.setattr(exercises, "reference", lambda name: lambda latent_dim: latent_dim)
    with pytest.raises(RuntimeError, match="count_outputs refuses the right answer"):
        time_check("count_outputs", 0)
