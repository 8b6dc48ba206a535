"""Each mistake in each argument of each public function gets an error that names the argument and says what is wanted.

The errors are ValueError and TypeError: an IndexError, a RuntimeError of PyTorch's or a result from wrong input fails.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator

import matplotlib.pyplot as plt
import pytest
import subjects_course
import subjects_latent
import subjects_plots
import subjects_sampling
import torch
from profiles import SEED
from spoiling import Subject

SUBJECTS: dict[str, Subject] = {
    f"{prefix}.{name}": subject
    for prefix, module in (
        ("vae_course", subjects_course),
        ("latent", subjects_latent),
        ("sampling", subjects_sampling),
        ("plots", subjects_plots),
    )
    for name, subject in module.SUBJECTS.items()
}
SAYS_WHAT_IS_WANTED = re.compile(
    r"\b(must|needs?|no|holds?|have|is not|is no|has|fit|wanted|required|start where|set|leave|take)\b"
)


@pytest.fixture(autouse=True)
def _figures_are_closed() -> Iterator[None]:
    yield
    plt.close("all")


def verdict(subject: Subject, argument: str, arguments: dict[str, object]) -> str | None:
    """What is wrong with how the function takes wrong arguments; None if nothing is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy would warn before it fails
            result = subject.function(**arguments)
    except (ValueError, TypeError) as error:
        message, words = str(error), subject.called.get(argument, argument)
        if not re.search(rf"\b({words})\b", message):
            return f"{type(error).__name__} does not name {words}: {message}"
        if not SAYS_WHAT_IS_WANTED.search(message):
            return f"{type(error).__name__} does not say what is wanted: {message}"
        return None
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return f"no error, but {str(result)[:80]!r}"


@pytest.mark.parametrize("name", SUBJECTS)
def test_every_mistake_is_named(name: str) -> None:
    subject = SUBJECTS[name]
    subject.function(**subject.make(SEED))  # the right arguments are right
    plt.clf()
    faults = {
        f"{argument}, {mistake}": fault
        for (argument, mistake), arguments in subject.spoilt(SEED).items()
        if (fault := verdict(subject, argument, arguments))
    }
    assert faults == {}


def test_the_errors_are_told_apart() -> None:
    """The judge itself: it lets clear errors pass and catches a silent result, a depth's error and unclear words."""

    def with_error(error: Exception | None) -> Subject:
        def function(z: torch.Tensor) -> None:
            if error:
                raise error

        return Subject(function, lambda seed: {"z": torch.zeros(1)}, {})

    def fault(error: Exception | None) -> str | None:
        return verdict(with_error(error), "z", {"z": torch.zeros(1)})

    assert fault(ValueError("z must have shape (n, d)")) is None
    assert "no error" in str(fault(None))
    assert "IndexError" in str(fault(IndexError("index 3 is out of bounds for z")))
    assert "does not name z" in str(fault(ValueError("it must be (n, d)")))
    assert "what is wanted" in str(fault(ValueError("bad z")))
