"""The runs on other Pythons, threads and instructions: what counts as passed, what is missing, what is gone on with."""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path
from typing import Any

import everywhere
import nbformat
import pytest
import yaml
from everywhere import CAPABILITIES, SETTINGS, Missing, Setting, main, make_venv, probe, run_all
from nbformat.v4 import new_code_cell, new_notebook, new_output

HERE = ".".join(platform.python_version_tuple()[:2])
TESTS = """import pytest

def test_right(): assert True
def test_wrong(): assert not __import__("pathlib").Path("wrong").exists()
@pytest.fixture
def broken(): raise OSError
def test_broken(broken): pass
@pytest.mark.skip
def test_left_out(): pass
def test_with(capsys): print("1 passed, failed")
"""

QUICK_PROBE = """import json, os, platform
print(json.dumps({"python": platform.python_version(), "torch": "9.9", "threads": int(os.environ["OMP_NUM_THREADS"]),
                  "capability": os.environ.get("ATEN_CPU_CAPABILITY", "most").upper()}))"""


@pytest.fixture
def clone(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone without tests or notebooks; its environment is the one that runs this, without PyTorch."""
    for name in ("tests/notebooks/sanitize.cfg", "pyproject.toml", "requirements.lock"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).symlink_to(root / name)
    monkeypatch.setattr(everywhere, "ROOT", tmp_path)
    monkeypatch.setattr(everywhere, "make_venv", lambda *_: Path(sys.prefix))
    monkeypatch.setattr(everywhere, "PROBE", QUICK_PROBE)
    return tmp_path


def noted(file: Path) -> dict[str, Any]:
    return {note.pop("setting"): note for note in json.loads(file.read_bytes())["settings"]}


# --- a run ---


def test_a_run_goes_on_with_what_has_not_passed(
    clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two of five tests fail; then none is chosen, which is no pass; then three pass, and nothing is left to run."""
    setting = Setting("package", HERE, 1, "own")
    (clone / "tests" / "test_a.py").write_text(TESTS, "utf-8")
    (clone / "wrong").touch()
    arguments = ([setting], clone / "notes" / "all.json", clone)
    quick = ("-n", "0", "-p", "no:cacheprovider", "-p", "no:nbval")
    assert run_all(*arguments, quick) == 1
    (note,) = noted(arguments[1]).values()
    assert 0 <= note.pop("seconds") < 250
    assert note == {
        **{"what": "package", "python": platform.python_version(), "torch": "9.9", "threads": 1, "capability": "MOST"},
        **{"verdict": "failed", "passed": 2, "failed": 2, "skipped": 1},
    }
    assert f"{setting.name}: failed: 2 passed, 2 failed, 1 skipped" in capsys.readouterr().out
    assert run_all(*arguments, (*quick, "-k", "nothing")) == 1
    (note,) = noted(arguments[1]).values()
    assert (note["verdict"], note["passed"], note["failed"]) == ("failed", 0, 0)
    (clone / "wrong").unlink()
    assert run_all(*arguments, (*quick, "-k", "not broken")) == 0
    (note,) = noted(arguments[1]).values()
    assert (note["verdict"], note["passed"], note["failed"]) == ("passed", 3, 0)
    monkeypatch.setattr(everywhere, "try_out", lambda *_: pytest.fail("what has passed was run again"))
    assert run_all(*arguments) == 0
    assert json.loads(arguments[1].read_bytes())["machine"]["cores"] > 0


@pytest.mark.nightly
def test_kernels_run_as_the_setting_says(clone: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A notebook prints what reached its kernel; as stored for another setting it fails, and is named."""
    wanted = {"OMP_NUM_THREADS": "2", **CAPABILITIES["default"], "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    cell = new_code_cell(
        execution_count=1, source=f"import os\nfor name in {sorted(wanted)}:\n    print(name, os.environ.get(name))"
    )
    text = "".join(f"{name} {wanted[name]}\n" for name in sorted(wanted))
    cell.outputs = [new_output("stream", name="stdout", text=text)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    (clone / "notebooks").mkdir()
    nbformat.write(new_notebook(cells=[cell], metadata=kernel), clone / "notebooks" / "01-a.ipynb")
    settings = [Setting("notebooks", HERE, threads, "default") for threads in (2, 1)]
    assert run_all(settings, clone / "all.json", clone, ("-n", "0", "-p", "no:cacheprovider")) == 1
    right, wrong = noted(clone / "all.json").values()
    assert (right["verdict"], right["capability"], right["threads"], right["passed"]) == ("passed", "DEFAULT", 2, 1)
    assert (wrong["verdict"], wrong["threads"], wrong["failed"]) == ("failed", 1, 1)
    assert "01-a.ipynb::Cell 0" in capfd.readouterr().out


# --- what a machine lacks ---


def test_a_python_that_is_not_here_is_missing_and_not_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_all([Setting("package", "3.99", 1, "own")], tmp_path / "all.json", tmp_path) == 1
    assert "package-3.99-1-own: MISSING: Python 3.99 is not on this machine" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_do_as_asked_is_missing(clone: Path) -> None:
    found = probe(Setting("package", HERE, 2, "avx2"), Path(sys.prefix))
    assert (found["threads"], found["capability"]) == (2, "AVX2")
    with pytest.raises(Missing, match=rf"it would be Python {HERE}\.\d+, 1 threads and most instr"):
        probe(Setting("package", "3.10", 1, "own"), Path(sys.prefix))


@pytest.mark.nightly
def test_pytorch_itself_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CAPABILITIES, "avx2", CAPABILITIES["default"])  # as on a processor that has no more
    with pytest.raises(Missing, match=r"1 threads and default instructions"):
        probe(Setting("package", HERE, 1, "avx2"), Path(sys.prefix))


def test_a_pytorch_that_does_not_start_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(everywhere, "PROBE", "import os; os.abort()")
    with pytest.raises(Missing, match="PyTorch does not start"):
        probe(Setting("package", HERE, 1, "own"), Path(sys.prefix))


def test_an_environment_is_made_once_for_each_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[list[str]] = []
    codes = iter([0, 1, 0, 0, 0, 0])

    def run(words: list[str], *, cwd: Path) -> int:
        assert cwd == tmp_path
        steps.append([word for word in words[1:3] if word != "install"])
        (tmp_path / "py377" / "bin").mkdir(parents=True, exist_ok=True)
        (tmp_path / "py377" / "bin" / "python").touch()
        return next(codes)

    monkeypatch.setattr(everywhere, "ROOT", tmp_path)
    monkeypatch.setattr(everywhere, "run", run)
    monkeypatch.setattr(everywhere, "find_python", lambda version: f"python{version}")
    (tmp_path / "requirements.lock").write_text("a==1\n", "utf-8")
    with pytest.raises(Missing, match=r"py377 could not be set up .* delete it"):
        make_venv("3.77", tmp_path)
    assert steps == [["venv", "--python"], ["pip"]]
    assert make_venv("3.77", tmp_path) == make_venv("3.77", tmp_path) == tmp_path / "py377"
    assert steps[2:] == [["pip"], ["pip"]]
    (tmp_path / "requirements.lock").write_text("a==2\n", "utf-8")
    make_venv("3.77", tmp_path)
    assert len(steps) == 6


# --- the settings, and what is stored of them ---


def test_all_that_the_course_promises_is_among_the_settings() -> None:
    notebooks = [setting for setting in SETTINGS if setting.what == "notebooks"]
    pythons = {"3.11", "3.12", "3.13"}
    assert {setting.python for setting in notebooks} == pythons
    assert {setting.threads for setting in notebooks} == {1, 2}
    assert {setting.capability for setting in notebooks} == set(CAPABILITIES)
    assert {setting.python for setting in SETTINGS if setting.what == "package"} == pythons
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)


def test_settings_are_listed_and_chosen(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["--list"]) == 0
    names = capsys.readouterr().out.split()
    assert names == [setting.name for setting in SETTINGS]
    given: list[Any] = []
    monkeypatch.setattr(everywhere, "run_all", lambda *words: len(given.extend(words) or given))
    assert main(["--to", "all.json", "--venvs", "envs", "--only", names[4], names[1], "--", "-n", "0"]) == 4
    assert given == [[SETTINGS[1], SETTINGS[4]], Path("all.json").absolute(), Path("envs").absolute(), ["-n", "0"]]
    with pytest.raises(SystemExit):
        main(["--only", "notebooks-2.7-1-own"])


def test_what_is_stored_for_the_book_is_what_the_settings_say(root: Path) -> None:
    stored = json.loads((root / "tests" / "results" / "everywhere.json").read_text("utf-8"))
    assert set(stored["machine"]) == {"processor", "cores"}
    settings = {setting.name: setting for setting in SETTINGS}
    for note in stored["settings"]:
        what, python, threads, capability = settings.pop(note["setting"])
        assert (note["what"], note["threads"]) == (what, threads)
        assert note["python"].startswith(f"{python}.")
        assert capability in ("own", note["capability"].lower())
        assert note["verdict"] != "passed" or note["failed"] == 0 < note["passed"]


# --- the workflows that run it ---


def test_the_matrix_names_every_setting(root: Path) -> None:
    workflow = yaml.safe_load((root / ".github" / "workflows" / "everywhere.yml").read_text("utf-8"))
    (job,) = workflow["jobs"].values()
    listed = job["strategy"]["matrix"]["include"]
    assert listed == [{"setting": setting.name, "python": setting.python} for setting in SETTINGS]


@pytest.mark.parametrize(
    ("name", "command", "kept"),
    [("nightly", "make nightly", "build/nightly"), ("everywhere", "tests/everywhere.py", "build/everywhere.json")],
)
def test_a_scheduled_workflow_keeps_what_it_found(name: str, command: str, kept: str, root: Path) -> None:
    """It starts by the clock and by hand, has the time it needs, and keeps its files also after a failure."""
    text = (root / ".github" / "workflows" / f"{name}.yml").read_text("utf-8")
    workflow = yaml.safe_load(text)
    started = workflow[True]  # YAML 1.1 reads the key "on" as true
    assert set(started) == {"schedule", "workflow_dispatch"}
    assert [len(when["cron"].split()) for when in started["schedule"]] == [5]
    assert workflow["permissions"] == {"contents": "read"}
    (job,) = workflow["jobs"].values()
    (work,) = (step for step in job["steps"] if command in step.get("run", ""))
    assert work["timeout-minutes"] < job["timeout-minutes"] <= 350
    last = job["steps"][-1]
    assert last["uses"].startswith("actions/upload-artifact@")
    assert (last["if"], last["with"]["path"]) == ("always()", kept)
