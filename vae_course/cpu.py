"""What machine runs here, and which of PyTorch's two float32 matrix products it runs best (level 0).

PyTorch hands float32 products to MKL under the setting "highest" and to oneDNN under "medium". On some AMD machines
MKL keeps to older instructions and oneDNN is twice as fast and as precise; elsewhere there is no gain, or
oneDNN rounds to bfloat16. So both are tried once, and the choice holds only while a model is trained.
"""

from __future__ import annotations

import functools
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from vae_course.checks import check_choice

MATMULS: tuple[str, ...] = ("highest", "medium")
VARIABLE = "VAE_COURSE_MATMUL"
_WORTH_IT = 0.8  # "medium" must take less than this share of the time of "highest"
_AS_PRECISE = 4.0  # and may err at most so many times as much; sums in another order differ by 2, bfloat16 by 1,000


def choose_matmul() -> str:
    """The setting to train with: what VAE_COURSE_MATMUL says, else the faster one that is as precise.

    The probe takes some milliseconds, once a process. Raises ValueError if the variable names no known setting.
    """
    if chosen := os.environ.get(VARIABLE):
        check_choice(VARIABLE, chosen, MATMULS)
        return chosen
    return _probe()


@contextmanager
def matmul(setting: str) -> Iterator[None]:
    """While it lasts, PyTorch multiplies under `setting`, "highest" or "medium"; afterwards as before."""
    check_choice("setting", setting, MATMULS)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(setting)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@functools.cache
def _probe() -> str:
    seconds = measure(_seconds_of_a_product)
    errors = measure(_error_of_a_product, rounds=1)
    faster = seconds["medium"] < _WORTH_IT * seconds["highest"]
    precise = errors["medium"] <= _AS_PRECISE * errors["highest"]
    return "medium" if faster and precise else "highest"


def measure(cost: Callable[[torch.Tensor, torch.Tensor], float], *, rounds: int = 20) -> dict[str, float]:
    """The least `cost` of a (128, 784) @ (784, 400) product under each setting, taken in turns."""
    generator = torch.Generator().manual_seed(0)  # never the global one: a probe must not change a result
    a = torch.rand(128, 784, generator=generator)
    b = torch.rand(784, 400, generator=generator) - 0.5
    least = dict.fromkeys(MATMULS, float("inf"))
    for _ in range(rounds):
        for setting in MATMULS:
            with matmul(setting):
                least[setting] = min(least[setting], cost(a, b))
    return least


def _seconds_of_a_product(a: torch.Tensor, b: torch.Tensor) -> float:
    start = time.perf_counter()
    a @ b
    return time.perf_counter() - start


def _error_of_a_product(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a @ b - (a.double() @ b.double())).abs().max())


def describe_machine() -> dict[str, Any]:
    """Processor with its instructions, cores, the load of the last minute, and the versions of Python and PyTorch."""
    cpuinfo, model = Path("/proc/cpuinfo"), platform.processor() or "unknown"
    if cpuinfo.is_file():
        lines = [line for line in cpuinfo.read_text("utf-8").splitlines() if line.startswith("model name")]
        model = lines[0].partition(":")[2].strip() if lines else model
    return {
        "processor": f"{platform.machine()}, {model}, {torch.backends.cpu.get_cpu_capability()}",
        "cores": os.cpu_count(),
        "load when it began": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
