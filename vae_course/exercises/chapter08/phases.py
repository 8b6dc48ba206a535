"""Exercise of chapter 8: the phases of the KL during training, as steps of its history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from vae_course.exercises.asking import WrongTypeError, describe, to_array
from vae_course.exercises.base import Exercise, Faulty, Slip
from vae_course.exercises.chapter08.histories import RECORDED, draw_history
from vae_course.exercises.chapter08.reading import reader
from vae_course.exercises.chapter08.smoothing import finds_only_what_lasts

KEYS = ("spike", "trough", "sharp_rise", "slow_rise")


class Phases(dict[str, int]):
    """Step indices by the names of the phases; as an array they stand in the order of KEYS."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array([self[key] for key in KEYS], dtype=dtype)


def locate_phases(kl_history: Tensor) -> Phases:
    """The steps at which the phases of the KL begin: spike, trough, sharp_rise, slow_rise.

    kl_history: (n,), the KL of every step, n >= 10. From spike to trough the KL falls more than between any other two
    steps, the first before the second. After the trough, sharp_rise and slow_rise are the first steps at which a
    tenth and a half are done of the climb from the trough's KL to the mean of the last tenth of the steps.
    Raises ValueError if the trough lies in the last tenth, or the KL ends no higher. Chapter 8.
    """
    if kl_history.ndim != 1 or len(kl_history) < 10 or not kl_history.isfinite().all():
        raise ValueError(
            f"kl_history must hold at least 10 finite numbers in a row, got shape {tuple(kl_history.shape)}; "
            "pass history.kl, say"
        )
    kl = kl_history.double()
    trough = int((kl.cummax(dim=0).values - kl).argmax())
    spike = int(kl[: trough + 1].argmax())
    tenth = len(kl) // 10
    low, high = kl[trough], kl[-tenth:].mean()
    if trough >= len(kl) - tenth or not high > low:
        raise ValueError("the KL must rise again after its trough, and does not; pass a longer history")
    sharp_rise, slow_rise = (_first(kl, trough, float(low + share * (high - low))) for share in (0.1, 0.5))
    return Phases(spike=spike, trough=trough, sharp_rise=sharp_rise, slow_rise=slow_rise)


def _first(kl: Tensor, start: int, level: float) -> int:
    """The first step from `start` on at which the KL is not below `level`; the last step if there is none."""
    reached = (kl[start:] >= level).nonzero()
    return start + int(reached[0]) if len(reached) else len(kl) - 1


def _phases(kl_history: Tensor, *, spike: str = "", trough: str = "", rise: str = "") -> Phases:
    """The steps, with one of them found in another way."""
    kl = kl_history.double()
    found = locate_phases(kl_history)
    tail = kl[-(len(kl) // 10) :]
    high = {"last": kl[-1], "highest": tail.max(), "highest of all": kl.max()}.get(rise, tail.mean())
    at_trough = int(kl.argmin()) if trough == "lowest of all" else found["trough"]
    low = kl[at_trough] if rise != "from zero" else 0 * high
    start = 0 if rise == "from the start" else at_trough
    steps = [_first(kl, start, float(low + share * (high - low))) for share in (0.1, 0.5)]
    if rise == "counted from the trough":
        steps = [step - at_trough for step in steps]
    at_spike = int(kl.argmax()) if spike == "highest of all" else found["spike"]
    return Phases(zip(KEYS, (at_spike, at_trough, *steps), strict=True))


def _found(remark: str, **ways: str) -> Faulty:
    """The steps with some of them found in other ways."""
    return Faulty((), lambda kl: _phases(kl, **ways), remark)


def _rising(remark: str, way: str) -> Faulty:
    return _found(f"Your spike and trough are right. {remark}", rise=way)


def _read(returned: Any, kl_history: np.ndarray) -> Any:
    """The dict's numbers in the order of KEYS."""
    if not isinstance(returned, Mapping):
        raise WrongTypeError(f"It returned {describe(returned)}, where a dict is wanted.")
    missing = [key for key in KEYS if key not in returned]
    if missing:
        raise WrongTypeError(f"The dict lacks {', '.join(f'`{key}`' for key in missing)}.")
    if any(returned[key] is None or returned[key] is ... for key in KEYS):
        return ...
    steps = [to_array(returned[key]) for key in KEYS]
    for key, step in zip(KEYS, steps, strict=True):
        if step.size != 1:
            raise WrongTypeError(f"`{key}` holds {step.size} numbers, where one step is wanted.")
    return np.array([float(step.ravel()[0]) for step in steps])


LOCATE_PHASES = Exercise(
    name="locate_phases",
    chapter=8,
    returns="a dict with the steps `spike`, `trough`, `sharp_rise` and `slow_rise`, compared in this order",
    draw=draw_history,
    examples=(
        # soon above its spike again
        {"kl_history": np.array([0.5, 1, 4, 9, 6, 3, 2, 1, 1.5, 1.2, 3, 5, 6, 7, 9.5, 10, 10, 10.5, 11, 10])},
        {"kl_history": np.array(RECORDED)},
        # all of it late
        {"kl_history": np.array([0.2, 0.3, 0.2, 0.4, 0.3, 0.5, 0.4, 0.6, 0.8, 1, 3, 8, 5, 2, 1, 1.6, 3, 5, 6, 6])},
    ),
    reference=locate_phases,
    read=reader("kl_history", then=_read),
    slips={
        "smoothed_away": Slip(
            "It looks at a smoothed or thinned-out history, where the early spike is lost.",
            "You lost the early spike: it lasts a few steps, and your steps are those of a smoothed or thinned-out "
            "history. A moving average spreads a short spike until it is no higher than its surroundings, and one "
            "value an epoch may not hold it at all. Take the raw value of every step.",
            shown_by=finds_only_what_lasts,
        ),
    },
    faulty=(
        _found(
            "Your spike is the highest KL of the whole training. The slow rise may end higher than the spike: look for "
            "the deepest FALL.",
            spike="highest of all",
        ),
        _found(
            "Your trough is the lowest KL of the whole training. That may be at step 0, before the spike: the trough "
            "is where the deepest fall ends.",
            trough="lowest of all",
        ),
        _found(
            "You took the highest and the lowest KL of the whole training. The lowest may be at step 0, and the slow "
            "rise may end higher than the spike: look for the deepest FALL.",
            spike="highest of all",
            trough="lowest of all",
        ),
        _rising("The climb begins at the KL of the trough, not at 0.", "from zero"),
        _rising(
            "You look for the two rises from step 0 on, and find the way up to the spike. Look after the trough.",
            "from the start",
        ),
        _rising(
            "You count the steps of the two rises from the trough. Count them from step 0.", "counted from the trough"
        ),
        _rising(
            "Your climb ends at the KL of the last step, which is one noisy batch. Take the mean of the last tenth of "
            "the steps.",
            "last",
        ),
        _rising("Your climb ends at the highest of the last steps. Take their mean.", "highest"),
    ),
    hints=(
        "The highest value so far, minus the value now, is the deepest fall that ends now. Where is it largest? Where "
        "was the highest value so far?",
        r"With $\mathrm{low}$ the KL at the trough and $\mathrm{high}$ the mean of the last tenth, the share of the "
        r"climb done at step $t$ is $(\mathrm{KL}_t - \mathrm{low}) / (\mathrm{high} - \mathrm{low})$.",
        "`kl.cummax(dim=0).values - kl` gives the falls; its `argmax` is the trough, and the `argmax` of what comes "
        "before is the spike. For the rises, `(share[trough:] >= 0.1).int().argmax()` counts from the trough: add it.",
    ),
    praise="Found in the raw history, step by step, with no window to choose.",
)
