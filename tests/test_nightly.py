"""The night's other draws: seeds are moved where they are used, and a verdict that changes is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from vae_course.claims import MIME, verdict
from vae_course.commands import nightly
from vae_course.commands.nightly import FIRST, REPORT, VARIABLE, Found
from vae_course.commands.reseeding import reseed, reseed_notebook
from vae_course.commands.shell import CommandError

SEED = FIRST + 7


# --- the seeds of a notebook ---


@pytest.mark.parametrize(
    ("code", "moved"),
    [
        ("rng = vc.make_generator(0)", "rng = vc.make_generator(((0) + 9))"),
        ("make_generator(seed=c)", "make_generator(seed=((c) + 9))"),
        ("vc.make_generator(names.index(name))[:3]", "vc.make_generator(((names.index(name)) + 9))[:3]"),
        ("vc.make_generator(\n    3 * row\n    + seed\n)", "vc.make_generator(\n    ((3 * row\n    + seed) + 9)\n)"),
        ("é = vc.make_generator(1), np.random.default_rng(2)", None),
        ("torch.Generator().manual_seed(5)", "torch.Generator().manual_seed(((5) + 9))"),
        ("replace(vc.QUICK, epochs=5, seed=s)", "replace(vc.QUICK, epochs=5, seed=((s) + 9))"),
        ("vc.TrainConfig(seed=s, lr=1)", "vc.TrainConfig(seed=((s) + 9), lr=1)"),
        ("KMeans(10, random_state=s)", "KMeans(10, random_state=((s) + 9))"),
    ],
)
def test_a_seed_is_moved_where_it_is_used(code: str, moved: str | None) -> None:
    both = "é = vc.make_generator(((1) + 9)), np.random.default_rng(((2) + 9))"
    assert reseed(code, 9) == (moved or both)


@pytest.mark.parametrize(
    "code",
    [
        "start(50, 2, seed=1)",  # passes a seed on; it is moved where the generator is made
        "for seed in range(5):\n    runs[seed] = zoo.load(f'vae-2d-s{seed}')",
        "KMeans(10, random_state=None)",
        "make_generator(*seeds)",
        "text = 'make_generator(0)'  # make_generator(0)",
        "",
    ],
)
def test_the_rest_of_the_code_is_left_as_it_is(code: str) -> None:
    assert reseed(code, 9) == code


def test_every_draw_of_the_chapters_is_moved(root: Path) -> None:
    """Every call of make_generator in the notebooks gets the shift, and the code can still be read."""
    calls = moved = 0
    for path in nightly.book_notebooks(root):
        notebook = nbformat.read(path, as_version=4)
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        calls += sum(cell.source.count("make_generator(") for cell in cells)
        assert reseed_notebook(notebook, 4242) == []
        moved += sum(cell.source.count("make_generator(((") for cell in cells)
        for cell in cells:
            compile(cell.source, path.name, "exec")
    assert calls == moved > 80


def test_a_cell_that_is_no_python_is_named() -> None:
    notebook = new_notebook(cells=[new_markdown_cell("words"), new_code_cell("%time vc.make_generator(0)")])
    (fault,) = reseed_notebook(notebook, 9)
    assert fault.startswith("cell 2: its seeds can't be moved")


# --- a night ---

EXPERIMENT = """import vae_course as vc
from vae_course import claims

drawn = int(vc.make_generator(3).initial_seed())
kind = "holds" if drawn < 1000 else "does not hold"
claims.verdict("A1", kind, evidence=f"drawn with {drawn}")"""
STEADY = 'claims.verdict("A2", "holds", evidence="no draw at all")'


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with one notebook, whose first verdict holds with the stored seed alone, and whose last cell fails."""
    stored = [verdict("A1", "holds", evidence="drawn with 3"), verdict("A2", "holds", evidence="no draw at all")]
    cells = [
        new_code_cell(source, outputs=[new_output("execute_result", data=found._repr_mimebundle_())])
        for source, found in zip((EXPERIMENT, STEADY), stored, strict=True)
    ]
    (tmp_path / "notebooks").mkdir()
    notebook = new_notebook(cells=[*cells, new_code_cell("1 / 0")])
    nbformat.write(notebook, tmp_path / "notebooks" / "01-a.ipynb")
    monkeypatch.setattr(nightly, "clone_root", lambda: tmp_path)
    return tmp_path


def test_a_night_says_which_verdict_changed(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (clone / "notebooks" / "01-a.ipynb").read_bytes()
    assert nightly.nightly(seed=SEED, tests=False) == 1
    text = capsys.readouterr().out
    assert f"The seed of this night is {SEED}" in text
    assert f"A1 in 01-a: holds -> does not hold\n  stored: drawn with 3\n  now:    drawn with {SEED + 3}" in text
    assert "FAILED: 01-a.ipynb, cell 3: ZeroDivisionError: division by zero" in text
    assert f"Of 2 verdicts 1 stand with seed {SEED}, 1 changed; 1 say other figures." in text
    assert "Tests with this seed: left out." in text
    assert (clone / "notebooks" / "01-a.ipynb").read_bytes() == before
    (file,) = (clone / "build" / "nightly").rglob("verdicts.json")
    stored = json.loads(file.read_text(encoding="utf-8"))
    assert stored["seed"] == SEED
    assert [(found["claim"], found["stands"], found["drawn"]) for found in stored["verdicts"]] == [
        ("A1", False, True),
        ("A2", True, False),
    ]


@pytest.fixture
def quiet_night(clone: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A night whose notebooks are found as they are stored; what pytest was given stands in the answer."""
    given: dict[str, Any] = {"code": 0}

    def run(words: Any, *, cwd: Path, env: dict[str, str]) -> int:
        given.update(words=list(map(str, words)), env=env)
        Path(env[REPORT]).write_text('{"part": "faults", "trials": 3}\n', encoding="utf-8")
        report = next(str(word) for word in words if str(word).startswith("--junit-xml="))
        Path(report.partition("=")[2]).write_text('<testcase classname="tests.test_a" name="b" time="2"/>')
        return given["code"]

    found = Found("01-a", "A1", *[{"verdict": "holds", "condition": "", "evidence": "3 seeds"}] * 2)
    monkeypatch.setattr(nightly, "run_again", lambda path, shift: ([found], []))
    monkeypatch.setattr(nightly, "run", run)
    return given


def test_a_night_hands_its_seed_to_all_tests(clone: Path, quiet_night: dict[str, Any], capsys: Any) -> None:
    assert nightly.nightly(seed=SEED) == 0
    assert quiet_night["words"][1:5] == ["-m", "pytest", "-q", "tests"]
    folder = clone / "build" / "nightly" / str(SEED)
    assert quiet_night["env"].items() >= {VARIABLE: str(SEED), REPORT: str(folder / "notes.jsonl")}.items()
    assert "Of 1 verdicts 1 stand" in capsys.readouterr().out
    night = json.loads((folder / "night.json").read_text(encoding="utf-8"))
    assert night["seed"] == SEED and night["tests"]["passed"] == 1 and night["notes"][0]["trials"] == 3
    assert not (clone / "tests").exists(), "figures are stored for the book only when that is asked for"
    quiet_night["code"] = 1
    assert nightly.nightly(seed=SEED) == 1
    assert "Tests with this seed: FAILED." in capsys.readouterr().out


def test_a_whole_night_can_be_stored_for_the_book(clone: Path, quiet_night: dict[str, Any]) -> None:
    assert nightly.nightly(seed=SEED, keep=True) == 0
    stored = (clone / "tests" / "results" / "night.json").read_bytes()
    assert stored == (clone / "build" / "nightly" / str(SEED) / "night.json").read_bytes()
    for part in ({"tests": False}, {"notebooks": [clone / "notebooks" / "01-a.ipynb"]}):
        with pytest.raises(CommandError, match="for a whole night"):
            nightly.nightly(seed=SEED, keep=True, **part)


def test_two_nights_draw_two_seeds(
    clone: Path, quiet_night: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert nightly.nightly(tests=False) == 0
    first, second = sorted(path.name for path in (clone / "build" / "nightly").iterdir())
    assert first != second
    assert f"seed of this night is {first}" in (text := capsys.readouterr().out)
    assert f"seed of this night is {second}" in text


def test_what_can_t_be_run_is_said(clone: Path, quiet_night: dict[str, Any]) -> None:
    with pytest.raises(CommandError, match="smaller ones were looked at"):
        nightly.nightly(seed=3)
    with pytest.raises(CommandError, match=r"a\.txt is no notebook"):
        nightly.nightly([clone / "a.txt"])


def test_a_kernel_that_dies_leaves_no_verdict_standing(clone: Path) -> None:
    path = clone / "notebooks" / "01-a.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source = "import os\nos._exit(1)"
    nbformat.write(notebook, path)
    found, errors = nightly.run_again(path, SEED)
    assert [(verdict.claim, verdict.now, verdict.stands) for verdict in found] == [
        ("A1", None, False),
        ("A2", None, False),
    ]
    assert len(errors) == 1
    assert "died" in errors[0].lower()
    table = nightly.table(found, errors, passed=True, tests=False, seed=SEED)
    assert "A2 in 01-a: holds -> not reached" in table


def test_a_verdict_is_found_by_its_own_type() -> None:
    other = new_output("display_data", data={"text/plain": "A1 holds"})
    assert nightly.verdicts_in(new_notebook(cells=[new_code_cell("", outputs=[other])])) == {}
    bundle = verdict("C1", "holds", evidence="as seen")._repr_mimebundle_()
    cell = new_code_cell("", outputs=[other, new_output("display_data", data=bundle)])
    assert nightly.verdicts_in(new_notebook(cells=[cell]))["C1"] == bundle[MIME]
