"""Every mutant of a right answer that computes something else is rejected, and no slip is named that it has not.

A sample of the mutants is tried; all of them where VAE_COURSE_NIGHTLY is set to a whole number, from which the
checks' seeds are drawn.
"""

import importlib
import random
import sys
import time
from pathlib import Path

import composing
import mutant_verdicts
import pytest
from mutant_sources import all_sources
from mutant_verdicts import Case
from mutation import Mutant, make_mutants
from nightly import NIGHTLY, report

from vae_course import exercises
from vae_course.exercises import _EXERCISES
from vae_course.exercises.sampling_answers import Sampling
from vae_course.exercises.verdict import Verdict

N_SAMPLED = 5  # mutants of each exercise
N_SEEDS = 3  # checks of each mutant by night
WITH_SLIPS = {**composing.MODULES, 1: "test_exercise_slips"}  # of each chapter, where answers with slips are
pytestmark = pytest.mark.filterwarnings("ignore")  # mutants divide by 0, and take logarithms of what is below it
MEMORY = 4 * 2**30  # bytes that mutants may allocate: a power in the place of a product asks for more than there is


@pytest.fixture(autouse=True)
def quick(no_rehearsal, trials_made_once):
    """Without the forked child: no mutant ends the process, and `little_memory` bounds what one may allocate."""


@pytest.fixture(autouse=True)
def little_memory():
    """Bounds the memory that can be allocated here, where the system can do that."""
    if sys.platform != "linux":
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize("name", exercises.names())
@pytest.mark.timeout(4 * 3600 if NIGHTLY else 300)
def test_the_check_judges_mutants_as_they_behave(name):
    cases, seeds = mutant_verdicts.cases(name), [1]
    if NIGHTLY:
        once = isinstance(_EXERCISES[name], Sampling)  # each check takes thousands of draws
        seeds = [NIGHTLY + i for i in range(1 if once else N_SEEDS)]
    else:
        cases = random.Random(name).sample(cases, min(N_SAMPLED, len(cases)))
    found, start = [], time.monotonic()
    for number, case in enumerate(cases, 1):
        found.append(mutant_verdicts.examine(case, seeds))
        if NIGHTLY and (number % 50 == 0 or number == len(cases)):
            words = mutant_verdicts.in_words(mutant_verdicts.tally(found))
            print(f"\n{name}, {number} of {len(cases)}, {time.monotonic() - start:.0f} s: {words}", file=sys.__stderr__)
    report("mutants", exercise=name, **mutant_verdicts.tally(found))
    troubles = [one.trouble for one in found if one.trouble]
    assert not troubles, f"seeds {seeds}\n" + "\n\n".join(troubles)


# ---- the tester itself


def test_mutants_are_other_programs_each_once():
    source = "def f(x, y):\n    z = x.mean(dim=0) - 2 * y\n    return z[0] if z[1] > 0 else z"
    texts = [mutant.source for mutant in make_mutants(source)]
    assert len(texts) == len(set(texts)) and source not in texts
    for part in ("x.mean(dim=1)", "x.sum(dim=0)", "x.mean()", "+ 2 * y", "2 ** y", "2 * x", "z[1] < 0", "return z\n"):
        assert any(part in f"{text}\n" for text in texts), part
    for text in texts:
        compile(text, "<mutant>", "exec")


@pytest.mark.parametrize("name", exercises.names())
def test_the_sources_are_right(name):
    for source in all_sources()[name]:
        assert mutant_verdicts.examine(Case(source, Mutant("none", 1, source.text)), [5])[:2] == ("same", False)


def _examine_one(monkeypatch, change, **verdict):
    """A mutant of chapter 1 examined with a check that gives this verdict, whatever it is handed."""
    given = Verdict("kl_standard_normal", explanation="", given_as="torch tensors", **verdict)
    monkeypatch.setattr(exercises, "check", lambda *args, **options: given)
    source = all_sources()["kl_standard_normal"][1]
    text = source.text.replace(*change)
    assert text != source.text or change == ("", "")
    return mutant_verdicts.examine(Case(source, Mutant("as above", 1, text)), [1]).trouble


def test_a_check_that_lets_a_mutant_pass_is_noticed(monkeypatch):
    assert "passes" in _examine_one(monkeypatch, ("- 1", "+ 1"), status="passed")


def test_a_check_that_rejects_a_right_answer_is_noticed(monkeypatch):
    assert "is right, and rejected" in _examine_one(monkeypatch, ("", ""), status="wrong")


def test_a_slip_that_is_none_is_noticed(monkeypatch):
    wrong = {"status": "wrong", "diagnosis": "missing_half"}
    assert "wrongly named ['missing_half']" in _examine_one(monkeypatch, ("- 1", ""), **wrong)
    assert _examine_one(monkeypatch, ("0.5 *", "1 *"), **wrong) == ""


def test_a_second_slip_must_be_there_too(monkeypatch):
    wrong = {"status": "wrong", "diagnosis": "missing_half", "also": ("wrong_sign",)}
    assert "wrongly named" in _examine_one(monkeypatch, ("0.5 *", "1 *"), **wrong)
    assert _examine_one(monkeypatch, ("0.5 *", "-1 *"), **wrong) == ""


@pytest.mark.parametrize(("name", "slip"), list(mutant_verdicts.PREDICATES))
def test_the_slip_said_anew_is_that_of_the_written_answers(name, slip):
    """It shows in the answers that were written with it, and not in a right one."""
    assert not mutant_verdicts.has_slips(name, exercises.reference(name), {slip}, "torch tensors")
    written = importlib.import_module(WITH_SLIPS[_EXERCISES[name].chapter]).WRONG
    for answer in written[name][slip][:3]:
        kind = exercises.check(name, answer, seed=1, time_limit=60.0).given_as
        assert mutant_verdicts.has_slips(name, answer, {slip}, kind)
