"""Whatever an answer does, the check comes back with a sentence, and leaves the notebook as it was."""

import itertools
import os
import random
import re
import sys
import threading
import time

import numpy as np
import pytest
import torch

from vae_course import exercises
from vae_course.exercises import running

NAME = "kl_standard_normal"
LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="needs the rehearsal in a child process, Linux only")


def right(mu, logvar):
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)


def loops_for_ever(mu, logvar):
    while True:
        pass


def loops_and_catches_everything(mu, logvar):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass


def sleeps(mu, logvar):
    time.sleep(30)


def waits(mu, logvar):
    threading.Event().wait(30)


def prints_for_ever(mu, logvar):
    while True:
        print("more")


def loops_in_c(mu, logvar):
    return sum(itertools.repeat(0))


def multiplies_big_numbers(mu, logvar):
    return 9**9**9


def backtracks(mu, logvar):
    return re.match("(a+)+$", "a" * 60 + "b")


@pytest.mark.unwatched
@pytest.mark.parametrize("answer", [loops_for_ever, loops_and_catches_everything, sleeps, waits, prints_for_ever])
@pytest.mark.parametrize("rehearse", [True, False])
def test_endless_answers(answer, rehearse, monkeypatch):
    monkeypatch.setattr(running, "REHEARSE", rehearse)
    if answer is loops_and_catches_everything and not rehearse:
        pytest.skip("may go on burning a processor in this process; test_exercise_kernel.py gives it its own")
    start = time.monotonic()
    verdict = exercises.check(NAME, answer, time_limit=0.4)
    assert time.monotonic() - start < 20  # seconds; the limit and little more on an idle machine
    assert verdict.status == "broken"
    assert "did not come to an end within 0.4 seconds" in verdict.message


@LINUX_ONLY
@pytest.mark.parametrize("answer", [loops_in_c, multiplies_big_numbers, backtracks])
def test_endless_loops_that_never_let_go_of_the_interpreter(answer):
    start = time.monotonic()
    assert "did not come to an end" in exercises.check(NAME, answer, time_limit=0.5).message
    assert time.monotonic() - start < 20  # seconds; the limit and little more on an idle machine


@LINUX_ONLY
def test_work_that_queues_for_a_processor_is_not_taken_for_idle(monkeypatch):
    """On a busy machine the clock of the child stands still for seconds, and the thread could not end this loop."""
    monkeypatch.setattr(running, "_processor_seconds", lambda pid: 0.05)
    monkeypatch.setattr(running, "IDLE", 0.2)
    monkeypatch.setattr(running, "_run_in_thread", lambda *args: pytest.fail("the rehearsal was not believed"))
    assert "did not come to an end" in exercises.check(NAME, loops_in_c, time_limit=0.8).message


@LINUX_ONLY
def test_ends_the_process():
    assert "ends the whole Python process" in exercises.check(NAME, lambda mu, logvar: os._exit(0)).message
    assert "ends the whole Python process" in exercises.check(NAME, lambda mu, logvar: os.kill(os.getpid(), 9)).message
    assert exercises.check(NAME, right).passed


@LINUX_ONLY
def test_fills_the_memory(monkeypatch):
    monkeypatch.setattr(running, "CHILD_MEMORY", 2**28)
    assert "memory" in exercises.check(NAME, lambda mu, logvar: list(itertools.count())).message


@pytest.mark.unwatched
def test_a_thread_that_cannot_be_stopped_is_left_behind_and_said_so(monkeypatch):
    monkeypatch.setattr(running, "REHEARSE", False)
    assert "still runs" in exercises.check(NAME, lambda mu, logvar: time.sleep(3), time_limit=0.2).message
    assert "still runs" not in exercises.check(NAME, loops_for_ever, time_limit=0.2).message
    assert exercises.check(NAME, right).passed


def test_an_interrupt_by_the_user_gets_through(monkeypatch):
    def interrupted(self, timeout=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(running.threading.Thread, "join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        exercises.check(NAME, lambda mu, logvar: time.sleep(0.5))


def test_works_after_torch_has_used_its_threads_and_gradients():
    weight = torch.randn(600, 600, generator=torch.Generator().manual_seed(0), requires_grad=True)
    (weight @ weight).square().mean().backward()
    for _ in range(3):
        assert exercises.check(
            NAME, lambda mu, logvar: right(mu, logvar) + 0 * (weight @ weight).mean().detach()
        ).passed


class Nasty(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class Awkward:
    def __array__(self, *args, **kwargs):
        raise SystemExit

    def __repr__(self):
        raise RuntimeError


def raises(error):
    def answer(mu, logvar):
        raise error

    return answer


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (raises(ValueError("bad value")), "ValueError: bad value."),
        (raises(SystemExit(1)), "tries to end Python"),
        (raises(KeyboardInterrupt()), "KeyboardInterrupt"),
        (raises(GeneratorExit()), "GeneratorExit"),
        (raises(Nasty()), "Nasty"),
        (raises(BaseException("odd")), "BaseException: odd"),
        (lambda mu, logvar: sys.exit(), "tries to end Python"),
        (lambda mu, logvar: exit(), ""),
        (lambda mu, logvar: input("?"), "input() cannot be used"),
        (lambda mu, logvar: undefined_name, "undefined_name"),  # noqa: F821
        (lambda mu, logvar: answer(mu, logvar), ""),  # noqa: F821
        (lambda mu, logvar: mu @ logvar, "The line is: `(lambda mu, logvar: mu @ logvar"),
        (lambda mu: mu, "must take the arguments (mu, logvar)"),
        (lambda: 0, "must take the arguments (mu, logvar)"),
        (lambda mu, logvar: "abc", "returned a str, where numbers are wanted"),
        (lambda mu, logvar: {"kl": 1}, "returned a dict"),
        (lambda mu, logvar: (row for row in mu), "returned a generator"),
        (lambda mu, logvar: right, "returned a function"),
        (lambda mu, logvar: torch.Tensor, "wanted"),
        (lambda mu, logvar: [[1.0], [1.0, 2.0]], "different lengths"),
        (lambda mu, logvar: ["a", "b"], "returned a str"),
        (lambda mu, logvar: np.array([object()]), "returned an object"),
        (lambda mu, logvar: torch.zeros(()).expand(10**10), "far more than there should be"),
        (lambda mu, logvar: np.broadcast_to(0.0, (10**10,)), "far more than there should be"),
        (lambda mu, logvar: right(mu, logvar) + 1e-9j, "complex"),
        (lambda mu, logvar: Awkward(), "tries to end Python"),
        (5, "Hand over the function itself"),
        ("text", "Hand over the function itself"),
        (torch.zeros(3), "Hand over the function itself"),
    ],
)
def test_broken_answers_get_a_sentence(answer, words):
    verdict = exercises.check(NAME, answer)
    assert verdict.status == "broken", verdict
    assert not verdict.passed
    assert verdict.diagnosis is None
    assert words in verdict.message
    assert verdict._repr_html_()


async def coroutine(mu, logvar):
    return right(mu, logvar)


@pytest.mark.filterwarnings("error")
def test_a_coroutine_is_dismissed_quietly():
    assert "returned a coroutine" in exercises.check(NAME, coroutine).message


def stub(mu, logvar):
    z = ...
    return z


def half_done(mu, logvar):
    spread = ...
    return mu + spread * logvar


def only_prints(mu, logvar):
    print(right(mu, logvar))


@pytest.mark.parametrize(
    "answer",
    [..., None, stub, half_done, only_prints, lambda *_: None, lambda mu, logvar: torch.exp(...),
     lambda mu, logvar: np.exp(...), lambda mu, logvar: [..., ...], raises(NotImplementedError())],
)  # fmt: skip
def test_not_answered_yet_is_neither_right_nor_wrong(answer):
    shown = set()
    for _ in range(2):
        verdict = exercises.check(NAME, answer)
        assert verdict.status == "not answered yet"
        assert not verdict.passed
        assert verdict.diagnosis is None
        shown.add(verdict.explanation)
    assert len(shown) == 1


def changes_in_place(mu, logvar):
    mu *= mu
    return 0.5 * (mu + logvar.exp() - 1 - logvar).sum(1)


def changes_at_the_end(mu, logvar):
    out = right(mu, logvar)
    logvar.zero_()
    return out


def changes_shape(mu, logvar):
    out = right(mu, logvar)
    mu.unsqueeze_(0)
    return out


def changes_float64_alone(mu, logvar):
    mu = mu.double()  # no copy of a float64 tensor, a copy of any other
    return 0.5 * (mu.mul_(mu) + logvar.exp() - 1 - logvar).sum(1)


def changes_through_numpy(mu, logvar):
    lv = np.asarray(logvar)
    np.exp(lv, out=lv)
    return 0.5 * (np.asarray(mu) ** 2 + lv - 1 - np.log(lv)).sum(1)


@pytest.mark.parametrize(
    ("answer", "which"),
    [
        (changes_in_place, "`mu`"),
        (changes_at_the_end, "`logvar`"),
        (changes_shape, "`mu`"),
        (changes_through_numpy, "`logvar`"),
        (changes_float64_alone, "`mu`"),
    ],
)
def test_changing_an_input_is_said(answer, which):
    verdict = exercises.check(NAME, answer)
    assert verdict.status == "broken"
    assert f"changes its input {which} in place" in verdict.message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda mu, logvar: right(mu, logvar)[:, None], "has shape (3, 1); wanted is one number for each image"),
        (lambda mu, logvar: right(mu, logvar)[None], "The numbers themselves are right."),
        (lambda mu, logvar: right(mu, logvar)[:, None] - right(mu, logvar) * 0, "shape (3, 3)"),
        (lambda mu, logvar: right(mu, logvar).int(), "whole numbers"),
        (lambda mu, logvar: right(mu, logvar) * float("nan"), "nan or infinite"),
        (lambda mu, logvar: right(mu, logvar) / 0, "nan or infinite"),
        (lambda mu, logvar: right(mu, logvar) + random.random(), "different results for the same inputs"),
    ],
)  # fmt: skip
def test_wrong_values_get_a_sentence(answer, words):
    verdict = exercises.check(NAME, answer)
    assert verdict.status == "wrong"
    assert verdict.diagnosis is None
    assert words in verdict.message


def test_a_slip_with_a_wrong_shape_is_still_named():
    verdict = exercises.check(NAME, lambda mu, logvar: right(mu, logvar)[:, None] / mu.shape[1])
    assert verdict.diagnosis == "mean_over_latents"
    assert "shape (3, 1)" in verdict.message


def test_opposite_sign_is_said_where_it_is_no_slip():
    answer = exercises.reference("negative_elbo")
    assert "opposite sign" in exercises.check("negative_elbo", lambda *inputs: -answer(*inputs)).message


def test_a_memory_of_earlier_calls_is_noticed():
    calls = itertools.count()
    verdict = exercises.check(NAME, lambda mu, logvar: right(mu, logvar) * (1 + next(calls)))
    assert not verdict.passed


def test_an_input_given_once_more_must_give_the_same(no_rehearsal):
    calls = itertools.count(1)
    verdict = exercises.check(NAME, lambda mu, logvar: right(mu, logvar) + (next(calls) > 6))  # one example, five draws
    assert "different results for the same inputs" in verdict.message


def test_hard_coded_examples_do_not_pass():
    shown = {0.0: [0.0, 0.5, 2.8591409]}
    verdict = exercises.check(NAME, lambda mu, logvar: shown.get(float(mu[0, 0]), [1.0] * len(mu)))
    assert verdict.status == "wrong"


def test_what_is_printed_is_kept_from_the_notebook(capsys):
    def chatty(mu, logvar):
        print("mu is", mu[1])
        print("x" * 10**6, file=sys.stderr)
        return mu.sum(1)

    verdict = exercises.check(NAME, chatty)
    assert capsys.readouterr() == ("", "")
    assert "mu is tensor([1., 0.]" in verdict.message
    assert len(verdict.printed) <= running.KEPT_CHARACTERS
    print("back")
    assert capsys.readouterr().out == "back\n"


def test_a_check_leaves_the_global_generators_alone():
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    for answer in (lambda mu, logvar, eps: mu, lambda mu, logvar, eps: mu + eps):
        exercises.check("reparameterize", answer)
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002
    assert before[2] == random.getstate()


def test_inputs_are_fresh_at_every_call_and_repeat_with_a_seed():
    def seen(**kwargs):
        log = []
        exercises.check(
            NAME, lambda mu, logvar: log.append(np.asarray(mu).ravel().tolist()) or right(mu, logvar), **kwargs
        )
        return log

    assert seen() != seen()
    assert seen(seed=3) == seen(seed=3)
