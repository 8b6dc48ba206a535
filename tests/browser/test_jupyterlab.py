"""The explorers live in JupyterLab: a real server, a real kernel, hands on the figure and its traits read in Python."""

import json
import os
import re
import secrets
import signal
import subprocess
import time
from contextlib import contextmanager
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from vae_course.commands.shell import environment, module
from vae_course.data import load_digits

pytestmark = [pytest.mark.browser, pytest.mark.slow]

START = """\
import json
import torch
import vae_course as vc
from vae_course import explore, runs, zoo

torch.set_num_threads(1)
digits = vc.load_digits()
flat = zoo.load("vae-bernoulli-2d-s0")
deep = zoo.load("vae-bernoulli-20d-s0")
stored = {"run_2d": runs.load("vae-2d"), "run_8d": runs.load("vae-8d")}"""
MAKE = {
    "LatentMap": "flat, digits, n_points=200, z=(0.5, -1)",
    "DrawDigit": "deep, digits, n_points=100",
    "Latents": "deep, digits",
    "ClassGaussianMap": "flat, digits, n_points=200",
    "LinkedMaps": "explore.MAP_SETS, digits, n_points=200, point=7",
    "PosteriorViews": "flat, digits, n_points=100",
    "PcnChain": "flat, digits, n_steps=50",
    "TrainingScrubber": "**stored",
    "BetaExplorer": "digits, n_points=200",
}
SETTINGS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


# ---- the server and the page


@contextmanager
def serve_lab(folder):
    """A JupyterLab server on a free port of this machine, with a home of its own; gives its address and its token."""
    token, runtime = secrets.token_hex(16), folder / "runtime"
    own = {name: str(folder / name.lower()) for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    own |= {"JUPYTER_RUNTIME_DIR": str(runtime), "JUPYTER_TOKEN": token, "VAE_COURSE_PROGRESS": "off"}
    for path in [*own.values()][:5]:
        if os.path.isabs(path):
            os.makedirs(path, exist_ok=True)
    options = ["--no-browser", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", "--ServerApp.allow_root=True"]
    options += [f"--ServerApp.root_dir={folder / 'notebooks'}", "--LabApp.extension_manager=readonly"]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [str(word) for word in module("jupyterlab", *options)],
            cwd=folder, env=environment(own), stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            told = runtime / f"jpserver-{server.pid}.json"
            until = time.monotonic() + 90
            while not told.exists():
                assert server.poll() is None and time.monotonic() < until, (folder / "server.log").read_text()
                time.sleep(0.1)
            time.sleep(0.2)
            yield json.loads(told.read_text())["url"], token
        finally:
            server.terminate()
            server.wait(30)
