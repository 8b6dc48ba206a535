"""Checks in a real Jupyter kernel, and in processes of their own where the answer may leave a thread behind."""

import subprocess
import sys

import pytest

PRELUDE = """
from vae_course import exercises
def check(answer, limit=5.0):
    verdict = exercises.check("kl_standard_normal", answer, time_limit=limit)
    print(verdict.status, "|", verdict.message[:60])
"""
CELLS = {
    "import torch\nw = torch.randn(400, 400, requires_grad=True); (w @ w).sum().backward()": "",
    PRELUDE + "check(lambda mu, lv: 0.5 * (mu**2 + lv.exp() - 1 - lv).sum(1))": "passed",
    "def forever(mu, lv):\n    while True: pass\ncheck(forever, 0.5)": "broken | Your function did not come to an end",
    "import time\ncheck(lambda mu, lv: time.sleep(20), 0.5)": "broken | Your function did not come to an end",
    "check(lambda mu, lv: input())": "broken | It stops with EOFError",
    "check(lambda mu, lv: exit())": "broken | It tries to end Python",
    "check(lambda mu, lv: quit())": "broken | It tries to end Python",
    "import time; time.sleep(1); print('alive')": "alive",  # a kernel told to exit ends with a delay
    "def f(mu, lv):\n    return mu @ nothing": "",
    "print(exercises.check('kl_standard_normal', f).message)": "`return mu @ nothing`",
}
C_LOOP = "import itertools\ncheck(lambda mu, lv: sum(itertools.repeat(0)), 0.5)"


@pytest.fixture(scope="module")
def kernel():
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3")
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run_cell(client, code):
    printed = []

    def keep(message):
        kind, content = message["msg_type"], message["content"]
        printed.append(content.get("text", "") if kind == "stream" else "".join(content.get("traceback", [])))

    client.execute_interactive(code, timeout=40, output_hook=keep, allow_stdin=False)
    return "".join(printed)


def test_checks_in_a_kernel(kernel):
    cells = dict(CELLS)
    if sys.platform == "linux":
        cells[C_LOOP] = "broken | Your function did not come to an end"
    for code, words in cells.items():
        printed = run_cell(kernel, code)
        assert words in printed, (code, printed)
        assert "Traceback" not in printed


def test_a_loop_that_catches_everything_does_not_hold_up_the_check_without_the_rehearsal():
    code = (
        PRELUDE
        + """
from vae_course.exercises import running
running.REHEARSE = False
def stubborn(mu, lv):
    while True:
        try:
            while True: pass
        except BaseException: pass
print(exercises.check("kl_standard_normal", stubborn, time_limit=0.3).message)
right = exercises.reference("kl_standard_normal")
print(exercises.check("kl_standard_normal", right, time_limit=60).passed, flush=True)
import os; os._exit(0)
"""
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200, check=False)
    assert ran.stdout.count("did not come to an end within 0.3 seconds") == 1, ran.stderr
    assert ran.stdout.strip().endswith("True"), ran.stderr
