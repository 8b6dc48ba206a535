"""Exercises whose answers draw random numbers: they are judged by the law of what they draw, not by its values.

There are many right ways to draw (randn or normal_, randint or multinomial, torch or NumPy), and each
gives other numbers. So a check takes many draws on inputs that make every step of the recipe visible, and computes how
likely they are if the answer is right (`chances`). A slip is named if they are not, and follow the slip's own law.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch

from vae_course.exercises.asking import AsItIs, Reply, ask
from vae_course.exercises.base import Inputs, Question
from vae_course.exercises.chances import likely
from vae_course.exercises.judging import can_be_called, explain_stop
from vae_course.exercises.running import Sink, Stopped, run_guarded
from vae_course.exercises.verdict import Verdict

KINDS = ("torch tensors", "float32 torch tensors", "NumPy arrays")
NO_FINDING = "The draws do not follow the law that is wanted, and this is none of the slips that the check knows."
STARTS_AFRESH = (
    "It gives the same draws again when it is called again with the same generator. A generator moves on with every "
    "number that is drawn from it: draw from `generator` itself, and do not seed another one."
)
NOT_USED = (
    "It gives the same numbers whatever the generator is: none of them is drawn from it. Hand `generator` to every "
    "function that draws."
)
OWN_RANDOMNESS = (
    "Its random numbers do not all come from `generator`: from the same state of it, other draws come. Nobody could "
    "repeat a result of it. Hand `generator` to every function that draws."
)
GLOBAL_RANDOMNESS = (
    "It draws from the global generator, which any other code may seed or use, so nobody could repeat a result of it. "
    "Hand `generator` to every function that draws."
)


@dataclass(frozen=True)
class Finding:
    """What the draws of an answer show.

    tests: p-values under the right law, by name; one below chances.LIMIT is taken as proof. slips and remark
    say what is wrong, comparison shows it in numbers.
    """

    tests: Mapping[str, float]
    slips: tuple[str, ...] = ()
    remark: str = ""
    comparison: tuple[tuple[str, str], ...] = ()

    @property
    def right(self) -> bool:
        """Whether nothing speaks against the answer."""
        return likely(self.tests.values()) and not self.slips and not self.remark


@dataclass(frozen=True, kw_only=True)
class Sampling(Question):
    """An exercise whose answer draws at random, from a generator that it is given last.

    arguments: their names. kinds: of arrays and generator to try. examine: asks the answer for draws and says what
    they show; its random inputs come from the generator that it is given.
    """

    arguments: tuple[str, ...]
    examine: Callable[[Interview, np.random.Generator], Finding]
    kinds: tuple[str, ...] = KINDS


class Unusable(Exception):
    """A call that gave no draws to judge. reply: what it gave."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


class Misshapen(Unusable):
    """Draws of a wrong shape. given: these. text: what is wrong."""

    def __init__(self, given: np.ndarray, text: str) -> None:
        super().__init__(Reply(problem="raised", text=text))
        self.given = given


@dataclass
class Interview:
    """Calls the answer with arrays and generators of one kind."""

    exercise: Sampling
    answer: Callable[..., Any]
    kind: str
    sink: Sink
    printed: list[str] = field(default_factory=list)

    def draw(
        self,
        inputs: Inputs,
        shape: tuple[int, ...],
        rng: np.random.Generator | None = None,
        *,
        generator: Any = None,
        blanks: bool = False,
    ) -> np.ndarray:
        """The draws, with a generator newly seeded from `rng`, or with a given one. blanks: NaN are let through.

        Raises Unusable, or Misshapen, if there are none.
        """
        if generator is None and rng is not None:
            generator = self.make_generator(int(rng.integers(2**31)))
        handed = {**inputs, "generator": AsItIs(generator)}
        reply = ask(self.answer, handed, kind=self.kind, n_outputs=1, sink=self.sink)
        self.printed.append(reply.printed)
        if reply.problem:
            raise Unusable(reply)
        values = reply.values[0].astype(float)
        if values.shape != shape:
            wanted = f"wanted is {self.exercise.returns}, here {shape}"
            raise Misshapen(values, f"The result has shape {values.shape}; {wanted}.")
        if not blanks and not np.isfinite(values).all():
            raise Unusable(Reply(problem="raised", text="Some of the values are nan or infinite."))
        return values

    def compare(self, inputs: Inputs, shape: tuple[int, ...]) -> np.ndarray | None:
        """Draws to show beside what is wanted, the same at every check; None if there are none."""
        try:
            return self.draw(inputs, shape, generator=self.make_generator(0))
        except Unusable:
            return None

    def make_generator(self, seed: int) -> torch.Generator | np.random.Generator:
        """A generator of torch, or of NumPy where the arrays are NumPy's."""
        return np.random.default_rng(seed) if self.kind == "NumPy arrays" else torch.Generator().manual_seed(seed)

    def misuse_of_generator(self, inputs: Inputs, shape: tuple[int, ...], rng: np.random.Generator) -> str:
        """How the answer fails to draw all from the generator, the generator alone, and move it on; "" if it does not.

        inputs: such that two right calls cannot give the same.
        """
        seed, other = (int(value) for value in rng.choice(2**31, size=2, replace=False))
        before = _global_states()
        generator = self.make_generator(seed)
        first, second = (self.draw(inputs, shape, generator=generator) for _ in range(2))
        untouched = _global_states() == before
        again, different = (self.draw(inputs, shape, generator=self.make_generator(s)) for s in (seed, other))
        if not untouched:
            return GLOBAL_RANDOMNESS
        if not np.array_equal(first, again):
            return OWN_RANDOMNESS
        if np.array_equal(first, different):
            return NOT_USED
        return STARTS_AFRESH if np.array_equal(first, second) else ""


def judge_draws(exercise: Sampling, answer: Any, *, rng: np.random.Generator, time_limit: float) -> Verdict:
    """The verdict on an answer that draws, which is run under guard on inputs from `rng`."""
    verdict = partial(Verdict, exercise.name)
    wanted = ", ".join(exercise.arguments)
    if answer is ... or answer is None:
        return verdict("not answered yet", "Write your function and hand it to the check.")
    if not callable(answer):
        return verdict("broken", f"Hand over the function itself, `f({wanted})`, not the result of calling it.")
    if not can_be_called(answer, len(exercise.arguments)):
        return verdict("broken", f"Your function must take the arguments ({wanted}), in this order.")
    seed = int(rng.integers(2**31))
    outcome = run_guarded(lambda sink: _examine(exercise, answer, seed, sink), time_limit=time_limit)
    return explain_stop(exercise, outcome, time_limit) if isinstance(outcome, Stopped) else outcome


def _examine(exercise: Sampling, answer: Callable[..., Any], seed: int, sink: Sink) -> Verdict:
    """Tries all kinds until one passes; else the verdict that tells most."""
    verdicts: list[tuple[int, Verdict]] = []
    with _global_generators_kept():
        for kind in exercise.kinds:
            interview = Interview(exercise, answer, kind, sink)
            try:
                finding = exercise.examine(interview, np.random.default_rng(seed))
            except Unusable as trouble:
                verdict = _explain_trouble(interview, trouble)
                if trouble.reply.problem in ("unanswered", "changed"):
                    return verdict
                rank = 1 if isinstance(trouble, Misshapen) else 3 if trouble.reply.wrong_kind else 2
            else:
                verdict = _explain_finding(interview, finding)
                rank = 0 if finding.slips else 1
            verdicts.append((rank, verdict))
            if verdict.passed:
                return verdict
    return min(verdicts, key=lambda pair: pair[0])[1]


def _explain_finding(interview: Interview, finding: Finding) -> Verdict:
    exercise = interview.exercise
    if finding.right:
        return Verdict(exercise.name, "passed", exercise.praise, given_as=interview.kind)
    messages = [exercise.slips[key].message for key in finding.slips]
    if len(messages) > 1:
        messages = ["There are two slips." if len(messages) == 2 else "There are several slips.", *messages]
    return Verdict(
        exercise.name,
        "wrong",
        " ".join(messages) or finding.remark or NO_FINDING,
        diagnosis=finding.slips[0] if finding.slips else None,
        also=finding.slips[1:],
        comparison=() if finding.slips else finding.comparison,
        given_as=interview.kind,
        printed=interview.printed[0],
    )


def _explain_trouble(interview: Interview, trouble: Unusable) -> Verdict:
    reply = trouble.reply
    verdict = partial(Verdict, interview.exercise.name, given_as=interview.kind, printed=interview.printed[0])
    if isinstance(trouble, Misshapen):
        return verdict("wrong", reply.text)
    if reply.problem == "unanswered":
        return verdict("not answered yet", reply.text)
    if reply.problem == "changed":
        text = "Whoever called it still needs those values: make new ones."
        return verdict("broken", f"It changes its input {reply.text} in place. {text}")
    if reply.problem == "type":
        return verdict("broken", f"{reply.text} Wanted: {interview.exercise.returns}.")
    return verdict("broken", reply.text)


def _global_states() -> tuple[bytes, bytes, object]:
    """Of the global generators of torch, NumPy and Python."""
    _, keys, *rest = np.random.get_state()  # noqa: NPY002
    return torch.get_rng_state().numpy().tobytes(), np.asarray(keys).tobytes() + repr(rest).encode(), random.getstate()


@contextlib.contextmanager
def _global_generators_kept() -> Iterator[None]:
    """Leaves the global generators as they were, whatever an answer draws from them."""
    before = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        yield
    finally:
        torch.set_rng_state(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
        random.setstate(before[2])
