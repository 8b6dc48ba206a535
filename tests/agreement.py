"""Comparisons with another library or a paper's definition: asserted, and noted for the book's page on the tests."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from nightly import report
from torch import Tensor


def library(package: str, called: str | None = None) -> str:
    """A package's version under the name that a reader knows it by: `library("pot", "POT")` is "POT 0.9.7"."""
    return f"{called or package} {version(package).partition('+')[0]}"  # PyTorch's says "+cpu"


def agree(what: str, against: str, ours: Any, theirs: Any, *, rtol: float = 0.0, atol: float = 0.0) -> None:
    """Asserts that |ours - theirs| <= atol + rtol |theirs| for every number, and notes how far apart they were.

    `what` and `against` are a row of the book's page: what a reader of the course calls it, and the library with its
    version or the paper. ours and theirs: tensors, arrays, lists or single numbers, of one shape, without NaN; of one
    dtype if both are tensors.

    With an rtol, the difference noted is the largest |ours - theirs| / (|theirs| + scale), where scale = atol / rtol,
    and rtol is what is allowed: one is above the other just if the assertion fails. Without, it is the largest
    |ours - theirs|, and atol is allowed.
    """
    one, other = _tensor(ours), _tensor(theirs)
    dtyped = isinstance(ours, Tensor) and isinstance(theirs, Tensor)
    torch.testing.assert_close(
        one,
        other,
        rtol=rtol,
        atol=atol,
        check_dtype=dtyped,
        msg=lambda words: f"{what} is not that of {against}.\n{words}",
    )
    assert one.numel(), f"{what} was compared with {against} on no number at all"
    one, other = one.double(), other.double()
    apart = torch.where(one == other, 0.0, (one - other).abs())  # infinities may agree
    scale = atol / rtol if rtol else 0.0
    if rtol:
        apart = torch.where(apart > 0, apart / (other.abs() + scale), 0.0)
    _note(what, against, apart, allowed=rtol or atol, measure="relative" if rtol else "absolute", scale=scale)


def agree_within_errors(what: str, against: str, differences: Any, *, limit: float) -> None:
    """Asserts that differences, each divided by its own standard error, are smaller than limit, and notes the largest.

    For what is drawn at random: means, standard deviations, integrals. what and against as in `agree`.
    """
    apart = _tensor(differences).abs()
    assert apart.numel(), f"{what} was compared with {against} on no number at all"
    assert bool((apart < limit).all()), (
        f"{what} is not that of {against}: {float(apart.max()):.2f} standard errors apart, less than {limit} allowed"
    )
    _note(what, against, apart, allowed=limit, measure="standard errors", scale=0.0)


def _tensor(values: Any) -> Tensor:
    """A tensor as it is; the rest through NumPy, so that a Python float keeps its 64 bits."""
    return values.detach() if isinstance(values, Tensor) else torch.from_numpy(np.asarray(values))


def _note(what: str, against: str, apart: Tensor, *, allowed: float, measure: str, scale: float) -> None:
    report(
        "oracles",
        what=what,
        against=against,
        difference=float(apart.max()),
        allowed=allowed,
        measure=measure,
        scale=scale,
        compared=apart.numel(),
    )
