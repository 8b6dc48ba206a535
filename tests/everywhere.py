"""Is it the same everywhere? Notebooks and package on several Pythons, numbers of threads and sets of instructions.

    .venv/bin/python tests/everywhere.py --to tests/results/everywhere.json

Each setting gets an environment of its own Python, made once from requirements.lock with this clone. It is noted in the
file as soon as it has ended: a run that was interrupted, or in which something failed, goes on with what has not yet
passed; to run all again, delete the file. The book's page on the tests shows the one that is named above. Pythons are
those that uv finds (pyenv shows it several at once if PYENV_VERSION=3.12.1:3.13.0 names them). Instructions are limited
for PyTorch, MKL and oneDNN alike; "own" limits none. What is noted is what Python and PyTorch then say.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vae_course.commands.shell import PATIENT_THREADS, kernel_environment, run, stopwatch
from vae_course.commands.tallies import tally
from vae_course.commands.testing import notebook_words, package_words
from vae_course.cpu import describe_machine
from vae_course.files import replace_file, sha256_of_file, write_json_text

ROOT = Path(__file__).resolve().parents[1]
CAPABILITIES: dict[str, dict[str, str]] = {
    "default": {"ATEN_CPU_CAPABILITY": "default", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2", "ONEDNN_MAX_CPU_ISA": "SSE41"},
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2", "ONEDNN_MAX_CPU_ISA": "AVX2"},
    "own": {},
}
PATIENCE = {  # how fast it is, is asked elsewhere
    "notebooks": ("--timeout=1800", "--nbval-cell-timeout=1500"),
    "package": ("--timeout=1800",),
}
PROBE = """import json, platform, torch, vae_course
print(json.dumps({"python": platform.python_version(), "torch": torch.__version__, "threads": torch.get_num_threads(),
                  "capability": torch.backends.cpu.get_cpu_capability()}))"""


class Missing(Exception):
    """This machine does not have what a setting asks for; the message says what."""


class Setting(NamedTuple):
    """What is run, and under what."""

    what: str
    python: str
    threads: int
    capability: str

    @property
    def name(self) -> str:
        return f"{self.what}-{self.python}-{self.threads}-{self.capability}"

    def environment(self, venv: Path) -> dict[str, str]:
        """The variables for its processes; for the notebooks those too that kernels are given."""
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(self.threads))
        path = os.pathsep.join([str(venv / "bin"), os.environ.get("PATH", os.defpath)])
        kernel = kernel_environment() if self.what == "notebooks" else {}
        return {**PATIENT_THREADS, **kernel, **threads, **CAPABILITIES[self.capability], "PATH": path}


SETTINGS = (
    Setting("notebooks", "3.12", 1, "default"),
    Setting("notebooks", "3.13", 2, "avx2"),
    Setting("notebooks", "3.11", 1, "own"),
    Setting("notebooks", "3.11", 2, "own"),
    Setting("package", "3.13", 1, "own"),
    Setting("package", "3.12", 1, "own"),
    Setting("package", "3.11", 1, "own"),
)


def find_uv() -> str:
    """The program that makes environments; the course's own set-up has it. Raises Missing."""
    uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if uv is None:
        raise Missing("uv is not on this machine; install it (`pip install uv`)")
    return uv


def find_python(version: str) -> str:
    """The program of that Python. Raises Missing where there is none."""
    words = [find_uv(), "python", "find", "--system", "--no-python-downloads", version]
    found = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if found.returncode:
        raise Missing(f"Python {version} is not on this machine; install it, or show it to uv")
    return found.stdout.strip()


def make_venv(version: str, folder: Path) -> Path:
    """The environment of that Python with the locked packages and this clone, made or brought up to date."""
    venv = folder / f"py{version.replace('.', '')}"
    stamp, state = venv / "set-up", f"{sha256_of_file(ROOT / 'requirements.lock')} {ROOT}\n"
    if stamp.is_file() and stamp.read_text("utf-8") == state:
        return venv
    program, own = find_python(version), venv / "bin" / "python"
    into = [find_uv(), "pip", "install", "--quiet", "--python", str(own)]
    steps = [] if own.exists() else [[find_uv(), "venv", "--python", program, str(venv)]]
    steps += [[*into, "--compile-bytecode", "-r", "requirements.lock"], [*into, "--no-deps", "-e", "."]]
    if any(run(step, cwd=ROOT) for step in steps):  # stops at the first that fails
        raise Missing(f"{venv} could not be set up (see above); delete it and run this again")
    replace_file(stamp, state.encode())
    return venv


def probe(setting: Setting, venv: Path) -> dict[str, Any]:
    """What Python and PyTorch say of themselves there. Raises Missing if they don't do what the setting asks."""
    words, env = [str(venv / "bin" / "python"), "-c", PROBE], {**os.environ, **setting.environment(venv)}
    answer = subprocess.run(words, cwd=ROOT, env=env, stdout=subprocess.PIPE, check=False)
    if answer.returncode:
        raise Missing(f"PyTorch does not start (exit code {answer.returncode}, see above)")
    found: dict[str, Any] = json.loads(answer.stdout)
    version, threads, capability = found["python"], found["threads"], found["capability"].lower()
    asked = (setting.python, setting.threads, capability if setting.capability == "own" else setting.capability)
    if (version.rpartition(".")[0], threads, capability) != asked:
        raise Missing(f"here it would be Python {version}, {threads} threads and {capability} instructions")
    return found


def try_out(setting: Setting, venvs: Path, extra: Sequence[str] = ()) -> dict[str, Any]:
    """Runs a setting with pytest's words `extra` at the end, and returns what is noted of it."""
    venv = make_venv(setting.python, venvs)
    found = {"what": setting.what, **probe(setting, venv)}
    words = notebook_words(ROOT) if setting.what == "notebooks" else package_words(fast=False)
    with tempfile.TemporaryDirectory() as folder, stopwatch() as seconds:
        report = Path(folder, "report.xml")
        given = [*words, *PATIENCE[setting.what], f"--junit-xml={report}", *extra]
        code = run([venv / "bin" / "python", "-m", "pytest", "-q", *given], cwd=ROOT, env=setting.environment(venv))
        counts = tally(report) if report.is_file() else {}
    ends = {end: counts.get(end, 0) for end in ("passed", "failed", "skipped")}
    return {**found, "verdict": "failed" if code else "passed", **ends, "seconds": round(seconds[0])}


def run_all(settings: Sequence[Setting], to: Path, venvs: Path, extra: Sequence[str] = ()) -> int:
    """Runs the settings that `to` does not note as passed, and notes each. Returns 0 if all of them have passed now."""
    notes = {note["setting"]: note for note in json.loads(to.read_bytes())["settings"]} if to.is_file() else {}
    machine = {key: value for key, value in describe_machine().items() if key in ("processor", "cores")}
    told: dict[str, str] = {}
    for number, setting in enumerate(settings, 1):
        name = setting.name
        print(f"\n== {number}/{len(settings)} {name}", flush=True)
        try:
            if not passed(notes.get(name)):
                notes[name] = {"setting": name, **try_out(setting, venvs, extra)}
                replace_file(to, write_json_text({"machine": machine, "settings": list(notes.values())}).encode())
            words = "{verdict}: {passed} passed, {failed} failed, {skipped} skipped, {seconds} s"
            told[name] = words.format(**notes[name])
        except Missing as error:
            told[name] = f"MISSING: {error}"
        print(f"== {name}: {told[name]}", flush=True)
    print("\n" + "\n".join(f"  {name}: {text}" for name, text in told.items()), flush=True)
    return 0 if all(passed(notes.get(setting.name)) for setting in settings) else 1


def passed(note: Mapping[str, Any] | None) -> bool:
    """Whether a setting is noted as passed."""
    return note is not None and note["verdict"] == "passed"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [setting.name for setting in SETTINGS]
    parser.add_argument("--to", type=Path, default=ROOT / "build" / "everywhere.json", help="the file of notes")
    parser.add_argument("--venvs", type=Path, default=ROOT / "build" / "everywhere", help="where environments are kept")
    parser.add_argument(
        "--only", nargs="+", choices=names, metavar="SETTING", default=names, help="these settings alone"
    )
    parser.add_argument("--list", action="store_true", help="name the settings and end")
    parser.add_argument("extra", nargs="*", metavar="-- WORDS", help="words for pytest, after its own, such as -n 0")
    options = parser.parse_args(arguments)
    if options.list:
        print("\n".join(names))
        return 0
    chosen = [setting for setting in SETTINGS if setting.name in options.only]
    return run_all(chosen, options.to.absolute(), options.venvs.absolute(), options.extra)


if __name__ == "__main__":
    sys.exit(main())
