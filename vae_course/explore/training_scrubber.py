"""A training, scrubbed: loss terms, KL by latent, latent scatter, reconstructions at each snapshot (level 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from vae_course.data import load_digits
from vae_course.explore.base import Explorer
from vae_course.explore.packing import pack_bytes, pack_sparse
from vae_course.explore.training_scrubber_data import LIMITS, PHASES, key_of, nearest_snapshot, pack_run
from vae_course.explore.training_scrubber_picture import draw_snapshot
from vae_course.plots.style import DIGIT_COLOURS
from vae_course.runs import TrainingRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

SIDE = 28
AXES = ("same", "fitted")


class TrainingScrubber(Explorer, module="training_scrubber.mjs"):
    """Stored training runs, to be dragged through from before the first step to the last, and to be played.

    run_2d, run_8d: two runs on the same digits with different numbers of latents, as `runs.load` gives them.

    Traits: `run`, which of them, by its number of latents ("2d", "8d") or its index; `step`, one of the snapshots'
    steps (another step becomes the nearest of them; without one, the last); `latents`, the two that the map shows,
    counted from 0 (the two with the largest KL at the end, until others are chosen); `axes`, "same" at all steps or
    "fitted" to the points; `playing`. Chapter 8.
    """

    # Not `playing`: a page never sets out by itself.
    state_names = ("run", "step", "latents", "axes")

    run = traitlets.Union([traitlets.Unicode(), traitlets.Int()]).tag(sync=True)
    step = traitlets.Int().tag(sync=True)
    latents = traitlets.List(traitlets.Int()).tag(sync=True)
    axes = traitlets.Enum(AXES, "same").tag(sync=True)
    playing = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self,
        run_2d: TrainingRun,
        run_8d: TrainingRun,
        *,
        run: str | int = "2d",
        step: int | None = None,
        latents: Sequence[int] | None = None,
        axes: str = "same",
        playing: bool = False,
        name: str = "training-scrubber",
    ) -> None:
        _check(run_2d, run_8d)
        self._runs = {key_of(each): each for each in (run_2d, run_8d)}
        packed = {key: pack_run(each) for key, each in self._runs.items()}
        self._rows = run_2d.rows[run_2d.decoded].numpy()
        self._originals = load_digits().images[self._rows].numpy()
        self._packed = packed
        payload = {
            "kind": "training-scrubber",
            "side": SIDE,
            "runs": list(packed.values()),
            "labels": pack_bytes(run_2d.labels),
            "decoded": run_2d.decoded.tolist(),
            "originals": pack_sparse(self._originals),
            "phase_names": PHASES,
            "limits": list(LIMITS),
            "colours": DIGIT_COLOURS,
        }
        key = self._key_of(run)
        step = packed[key]["steps"][-1] if step is None else step
        latents = packed[key]["latents"] if latents is None else list(latents)
        state = {"run": key, "step": step, "latents": latents, "axes": axes, "playing": playing}
        super().__init__(name=name, payload=payload, **state)
        self.observe(self._change_run, "run")

    @traitlets.validate("run")
    def _check_run(self, proposal: Any) -> str:
        return self._key_of(proposal.value)

    @traitlets.validate("step")
    def _check_step(self, proposal: Any) -> int:
        steps, step = self.packed["steps"], proposal.value
        if not 0 <= step <= steps[-1]:
            raise traitlets.TraitError(f"step must lie between 0 and {steps[-1]}, got {step}")
        return int(steps[nearest_snapshot(steps, step)])

    @traitlets.validate("latents")
    def _check_latents(self, proposal: Any) -> list[int]:
        pair, n = list(proposal.value), self.packed["latent_dim"]
        if len(pair) != 2 or pair[0] == pair[1] or not all(0 <= latent < n for latent in pair):
            raise traitlets.TraitError(f"latents must be two different ones from 0 to {n - 1}, got {pair}")
        return pair

    def _change_run(self, _change: Any) -> None:
        with self.hold_sync():
            self.latents = self.packed["latents"]
            self.step = self.step  # the other run's snapshots may lie elsewhere

    def _key_of(self, run: str | int) -> str:
        keys = list(self._runs)
        if run in keys:
            return str(run)
        if isinstance(run, int) and 0 <= run < len(keys):
            return keys[run]
        raise traitlets.TraitError(f"run must be {' or '.join(map(repr, keys))} or an index of these, got {run!r}")

    @property
    def training(self) -> TrainingRun:
        """The run that is shown."""
        return self._runs[str(self.run)]

    @property
    def packed(self) -> dict[str, Any]:
        """The run that is shown, as the page has it."""
        chosen: dict[str, Any] = self._packed[str(self.run)]
        return chosen

    @property
    def snapshot(self) -> int:
        """The index of the snapshot that is shown."""
        return int(self.packed["steps"].index(self.step))

    @property
    def phases(self) -> dict[str, int]:
        """The steps at which the phases of the KL begin, by the definition of the exercise `locate_phases`."""
        return {phase["name"]: phase["step"] for phase in self.packed["phases"]}

    @property
    def rows(self) -> NDArray[np.int64]:
        """The rows of load_digits() whose reconstructions are shown."""
        return self._rows.astype(np.int64)

    def where(self) -> str:
        """Between which phases the shown snapshot lies, or at which."""
        steps, here = self.packed["steps"], self.snapshot
        found = [(PHASES[name], nearest_snapshot(steps, step)) for name, step in self.phases.items()]
        at = [name for name, index in found if index == here]
        if at:
            return f"at the {' and the '.join(at)}"
        past = [name for name, index in found if index < here]
        if not found:
            return "with no phases to be found"
        if not past:
            return f"before the {found[0][0]}"
        if past[-1] == found[-1][0]:
            return f"in the {past[-1]}"
        return f"between the {past[-1]} and the {found[len(past)][0]}"

    def summary(self) -> str:
        """What the figure shows, in words; the page says the same."""
        packed, i = self.packed, self.snapshot
        n = f"{packed['n_steps']:,}"
        if self.step == 0:
            when = "before the first step"
        elif self.step == packed["steps"][-1]:
            when = f"after the last of {n} steps"
        else:
            when = f"before step {self.step:,} of {n}"
        parts = ", ".join(f"z{j + 1} {kl:.2f}" for j, kl in enumerate(packed["kl_per_latent"][i]))
        across, up = (f"z{latent + 1}" for latent in self.latents)
        return (
            f"{packed['latent_dim']} latents, {when}, {self.where()}. On one batch, in nats per image: "
            f"NLL {packed['nll'][i]:.1f}, KL {packed['kl'][i]:.2f} ({parts}). The map shows {across} and {up}."
        )

    def picture_alt(self) -> str:
        """What is seen in the static picture."""
        return (
            "Two curves of a training over a stretched axis of steps, the NLL above and the KL below, with a line at "
            "the chosen step and dotted lines at the phases of the KL. Below, a bar for the KL of each latent, the "
            f"means of {len(self.training.labels)} digits as points in the plane of two latents, coloured by digit, "
            f"and {len(self._rows)} digits over their reconstructions at that step."
        )

    def picture(self) -> Figure:
        """The curves, and at the chosen step the bars, the scatter and the reconstructions."""
        return draw_snapshot(
            self.training,
            self.packed,
            snapshot=self.snapshot,
            latents=(self.latents[0], self.latents[1]),
            fitted=self.axes == "fitted",
            originals=self._originals,
        )


def _check(*given: TrainingRun) -> None:
    """Raises TypeError or ValueError unless the two runs can be shown side by side."""
    for run in given:
        if not isinstance(run, TrainingRun):
            raise TypeError(f"a run must be what runs.load() gives, got {type(run).__name__}")
        if run.mu.shape[2] < 2:
            raise ValueError(f"run {run.name!r} has {run.mu.shape[2]} latent; the map needs two at least")
    one, other = given
    if one.mu.shape[2] == other.mu.shape[2]:
        raise ValueError(f"the runs must differ in their number of latents, both have {one.mu.shape[2]}")
    for name in ("rows", "decoded"):
        if getattr(one, name).tolist() != getattr(other, name).tolist():
            raise ValueError(f"the runs must show the same digits, but differ in {name}; take two of runs.names()")
