"""An answer in a process of its own gets the verdict that it would get in a notebook."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from vae_course import exercises
from vae_course.classroom import judging, walls
from vae_course.classroom.chapters import needed_imports, read_chapters
from vae_course.classroom.limits import Bounds
from vae_course.classroom.nursery import Nursery

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")
FORKS = """import os, time
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(9931)
            os._exit(0)
    return mu"""
IMPORTS = (
    "import math",
    "import numpy as np",
    "import torch",
    "import sympy",
    "from vae_course import exercises, sampling",
)
BOUNDS = Bounds(seconds=20, waiting=240.0)
KL = "def kl_standard_normal(mu, logvar):\n    "
PRIOR = "def sample_prior(n, d, generator):\n    "
FORM = "(z**2 + w**2 - 2 * sympy.sqrt(1 - b**2) * z * w) / b**2"
LONG_FORM = "z**2 + (w - sympy.sqrt(1 - b**2) * z)**2 / b**2"
SAYS = "It stops with NameError: name 'nothing' is not defined. The line is: `return mu @ nothing`"
HALVES = "def reparameterize(mu, logvar, eps):\n    "


@pytest.fixture(scope="module")
def nursery():
    with Nursery(("sympy", "vae_course.sampling")) as started:
        yield started


def judge(nursery, name, source, imports=IMPORTS, bounds=BOUNDS):
    return judging.judge_source(name, source, prelude=imports, nursery=nursery, bounds=bounds, seed=7)


def here(name, source):
    """The verdict of the check in this process: the oracle."""
    space = {}
    for line in IMPORTS:
        exec(line, space)
    exec(source, space)
    return exercises.check(name, space[name], seed=7)


SAME = [
    ("kl_standard_normal", KL + "return 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(dim=1)"),
    ("kl_standard_normal", KL + "return 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean(dim=1)"),
    ("kl_standard_normal", KL + "return (mu**2 + logvar.exp() - 1 - logvar).sum(dim=1)[:, None]"),
    ("kl_standard_normal", KL + "print('mu is', mu)\n    return mu.sum(dim=1)"),
    ("kl_standard_normal", KL + "mu *= 2\n    return mu.sum(dim=1)"),
    ("kl_standard_normal", KL + "out = mu.sum(dim=1)\n    logvar.unsqueeze_(0)\n    return out"),
    ("kl_standard_normal", KL + "return ..."),
    ("kl_standard_normal", KL + "return None"),
    ("kl_standard_normal", KL + "return 'text'"),
    ("kl_standard_normal", KL + "return (row for row in mu)"),
    ("kl_standard_normal", KL + "return torch.zeros(()).expand(10**10)"),
    ("kl_standard_normal", KL + "return {1: 2}"),
    ("kl_standard_normal", KL + "return mu.sum(dim=1) + 0j"),
    ("kl_standard_normal", KL + "return torch.rand(len(mu))"),
    ("kl_standard_normal", "def kl_standard_normal(mu):\n    return mu"),
    ("kl_standard_normal", "kl_standard_normal = 5"),
    ("kl_standard_normal", "kl_standard_normal = ..."),
    ("symmetric_form", f"z, w, b = sympy.symbols('z w b')\nsymmetric_form = {LONG_FORM}"),
    ("reparameterize", HALVES + "return mu + torch.exp(logvar) * eps"),
    ("reparameterize", HALVES + "return mu + torch.randn(mu.shape)"),
    ("sample_prior", PRIOR + "return torch.randn(n, d)"),
    ("sample_prior", PRIOR + "return torch.randn(n, d, generator=torch.Generator().manual_seed(0))"),
    ("sample_prior", PRIOR + "return torch.rand(n, d, generator=generator)"),
    ("acceptance_log_ratio", "def acceptance_log_ratio(z, z_new, loglik):\n    return loglik(z) - loglik(z_new)"),
    ("acceptance_log_ratio", "def acceptance_log_ratio(z, z_new, loglik):\n    return loglik(z_new)"),
    ("symmetric_form", "symmetric_form = 'z**2 + (w - sqrt(1 - b**2) * z)**2 / b**2'"),
    ("symmetric_form", f"def symmetric_form(z, w, b):\n    return {FORM}"),
    ("symmetric_form", f"z, w, b = sympy.symbols('z w b')\nsymmetric_form = {LONG_FORM}"),
    ("symmetric_form", "symmetric_form = [1, 2]"),
    ("order_the_proof", "order_the_proof = ['ratio', 'bayes', 'cancel']"),
    ("order_the_proof", "order_the_proof = ['ratio', 'nonsense']"),
    ("order_the_proof", "order_the_proof = ..."),
]  # fmt: skip


@pytest.mark.parametrize(("name", "source"), SAME)
def test_the_verdict_is_that_of_the_notebook(nursery, name, source):
    got, wanted = judge(nursery, name, source), here(name, source)
    assert (got.status, got.diagnosis, got.also) == (wanted.status, wanted.diagnosis, wanted.also)
    assert got.explanation == wanted.explanation
    assert got.comparison == wanted.comparison
    assert got.printed == wanted.printed


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (KL + "return mu @ nothing", SAYS),
        (KL + "x = 1\n    return mu @ logvar", "The line is: `return mu @ logvar`"),
        (KL + "import sys; sys.exit()", "tries to end Python (SystemExit)"),
        ("def kl_standard_normal(mu, logvar)\n    return 1", "The cell stops with SyntaxError: expected ':'"),
        (KL + "return 1\nnothing", "The cell stops with NameError: name 'nothing' is not defined. The line is"),
        ("kl = 1", "The cell defines no `kl_standard_normal`."),
        (KL + "import os; os._exit(0)", "ends the whole Python process."),
        (KL + "return [0] * 10**11", "asks for more memory"),
    ],
)  # fmt: skip
def test_what_breaks_is_said(nursery, source, words):
    verdict = judge(nursery, "kl_standard_normal", source)
    assert not verdict.passed
    assert words in verdict.message, verdict


def test_endless_answers_are_ended_by_processor_time(nursery):
    bounds = Bounds(seconds=1, waiting=240.0)
    verdict = judge(nursery, "kl_standard_normal", KL + "while True: pass", bounds=bounds)
    assert "did not come to an end within 1 seconds" in verdict.message


def test_sleeping_answers_are_ended_by_the_clock(nursery):
    bounds = Bounds(seconds=20, waiting=6.0)
    verdict = judge(nursery, "kl_standard_normal", KL + "import time; time.sleep(1000)", bounds=bounds)
    assert "did not come to an end within 6 seconds" in verdict.message


def test_without_walls_children_are_ended_all_the_same(nursery):
    """Where the kernel has no filter of system calls, the nursery ends what an answer leaves behind."""
    source = KL + FORKS
    bounds = Bounds(seconds=20, waiting=240.0, walled=False)
    verdict = judge(nursery, "kl_standard_normal", source, bounds=bounds)
    assert "processes behind, which the grader ended" in verdict.message, verdict
    from vae_course.classroom.processes import descendants

    assert descendants(nursery._process.pid) == []


def test_a_nursery_that_is_gone_is_started_again(nursery):
    nursery._process.kill()
    assert judge(nursery, *SAME[0]).passed


@pytest.mark.skipif("files" not in walls.enforced(), reason="this kernel has no Landlock")
def test_an_answer_reads_neither_the_exercises_nor_other_files(nursery, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("x")
    for path in (secret, Path(exercises.__file__), Path(judging.__file__)):
        verdict = judge(nursery, "kl_standard_normal", KL + f"return open({str(path)!r}).read()")
        assert "PermissionError" in verdict.message, verdict


def test_the_right_functions_are_not_in_the_answer_s_process(nursery):
    for body in (
        "return exercises.reference('kl_standard_normal')(mu, logvar)",
        "import vae_course.exercises.base",
        "import sys; return [0] if any('exercises.' in name for name in sys.modules) else ...",
    ):
        assert not judge(nursery, "kl_standard_normal", KL + body).passed


def test_a_check_in_the_cell_does_nothing(nursery):
    name, source = SAME[0]
    assert judge(nursery, name, source + f"\nexercises.check('{name}', {name})").passed


def test_all_solutions_of_the_book_pass(nursery, root):
    for chapter, _ in read_chapters(root / "notebooks").values():
        for task in chapter.tasks:
            source = f"{task.stub}\n\n{task.solution}"  # a stub may hold more than the answer
            verdict = judge(nursery, task.name, source, needed_imports(chapter.imports, source))
            assert verdict.passed, (task.name, verdict)
