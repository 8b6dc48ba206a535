"""The helper that compares with other libraries: it fails where it should, and notes what it found."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from agreement import agree, agree_within_errors, library


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAE_COURSE_REPORT", str(tmp_path / "report.json"))
    return tmp_path / "report.json"


def line(notes: Path) -> dict[str, Any]:
    (found,) = notes.read_text(encoding="utf-8").splitlines()
    return json.loads(found)


def test_a_version_has_no_build_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert library("numpy", "NumPy") == f"NumPy {np.__version__}"
    monkeypatch.setattr("agreement.version", lambda package: "2.9.1+cpu")
    assert library("torch") == "torch 2.9.1"


def test_a_relative_difference_is_measured_on_the_scale_below_which_the_absolute_tolerance_counts(notes: Path) -> None:
    agree("a sum", "Gauss 1.0", torch.tensor([4.0, -0.25]).double(), [4.0, -0.5], rtol=0.25, atol=0.25)
    found = line(notes)
    assert (found["part"], found["what"], found["against"]) == ("oracles", "a sum", "Gauss 1.0")
    assert found["difference"] == pytest.approx(0.25 / (0.5 + 1))
    assert (found["allowed"], found["measure"], found["scale"], found["compared"]) == (0.25, "relative", 1, 2)


def test_without_rtol_the_difference_is_absolute(notes: Path) -> None:
    agree("a sum", "Gauss 1.0", np.array([[100.0, 0.0]]), np.array([[100.5, 0.25]]), atol=0.5)
    found = line(notes)
    assert (found["difference"], found["allowed"], found["measure"], found["compared"]) == (0.5, 0.5, "absolute", 2)


@pytest.mark.parametrize("allowed", [{"rtol": 1e-9}, {"atol": 1e-9}, {}])
def test_equal_numbers_zeros_and_infinities_differ_by_nothing(allowed: dict[str, float], notes: Path) -> None:
    agree("a limit", "Gauss 1.0", [0.0, math.inf, 3.0], [0.0, math.inf, 3.0], **allowed)
    assert line(notes)["difference"] == 0


@pytest.mark.parametrize(("rtol", "atol"), [(1e-6, 0.0), (1e-6, 1e-3), (0.0, 1e-3)])
@pytest.mark.parametrize("kind", [torch.tensor, np.array, list])
def test_it_fails_just_where_the_noted_difference_is_above_what_is_allowed(
    kind: Callable[[Any], Any], rtol: float, atol: float, notes: Path
) -> None:
    theirs = np.array([1.0, -300.0])
    almost, beyond = (theirs - np.array([0.0, share * (atol + rtol * 300)]) for share in (0.999, 1.001))
    agree("a sum", "Gauss 1.0", kind(almost), theirs, rtol=rtol, atol=atol)
    assert line(notes)["difference"] == pytest.approx(0.999 * line(notes)["allowed"], rel=1e-6)
    with pytest.raises(AssertionError, match=r"a sum is not that of Gauss 1\.0"):
        agree("a sum", "Gauss 1.0", kind(beyond), theirs, rtol=rtol, atol=atol)
    line(notes)  # only what agreed is noted


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (math.nan, math.nan),
        (1.0, math.nan),
        (torch.ones(2), torch.ones(1)),
        (torch.ones(1), 1.0),
        (torch.ones(2), torch.ones(2).double()),
        (1.0, math.inf),
        ([], []),
    ],
)
def test_nan_another_shape_another_dtype_and_nothing_at_all_never_agree(ours: Any, theirs: Any, notes: Path) -> None:
    with pytest.raises(AssertionError, match=r"a sum .* Gauss 1\.0"):
        agree("a sum", "Gauss 1.0", ours, theirs, rtol=1.0, atol=1.0)
    assert not notes.exists()


def test_single_numbers_keep_their_64_bits() -> None:
    with pytest.raises(AssertionError, match="a sum"):
        agree("a sum", "Gauss 1.0", 1 + 1e-9, 1.0, atol=1e-12)


def test_differences_in_standard_errors(notes: Path) -> None:
    agree_within_errors("a mean", "Gauss 1.0", torch.tensor([[-4.5, 0.0], [1.0, 2.0]]), limit=5)
    found = line(notes)
    assert (found["difference"], found["allowed"], found["measure"]) == (4.5, 5, "standard errors")
    assert found["compared"] == 4


@pytest.mark.parametrize("differences", [[0.0, -5.0], 5.1, [0.0, math.nan], []])
def test_a_difference_at_the_limit_or_without_a_number_is_refused(differences: Any, notes: Path) -> None:
    with pytest.raises(AssertionError, match=r"a mean .* Gauss 1\.0"):
        agree_within_errors("a mean", "Gauss 1.0", differences, limit=5)
    assert not notes.exists()


def test_by_day_nothing_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VAE_COURSE_REPORT", raising=False)
    monkeypatch.chdir(tmp_path)
    agree("a sum", "Gauss 1.0", 1.0, 1.0)
    assert list(tmp_path.iterdir()) == []
