"""What is committed: lock file, environments, workflows, notebooks; and that nothing names a machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from vae_course.commands.tallies import read_slow

ROOT = Path(__file__).resolve().parents[1]
LOCKED = re.compile(r"[a-z0-9][a-z0-9._-]*==[0-9][0-9a-z.+!]*( ; [a-z0-9_ '.<>=!()-]+)?", re.IGNORECASE)
CONDA_NAMES = {
    "torch": ("pytorch",),
    "matplotlib": ("matplotlib", "matplotlib-base"),
    "seaborn": ("seaborn", "seaborn-base"),
    "playwright": ("playwright-python",),
}
# Written with "~" inside, so that this file does not hold what it looks for.
HOSTS = r"pypi~\.org|python~hosted|npm~js\.org|ana~conda\.org|index-~url[ =]\w"
FOLDERS = r"(?<![\w.:/$}\])-])/(?:wo~rk|ro~ot|tm~p|ho~me/\w+|Us~ers/\w+|opt/whe~els)\b"
MACHINES = re.compile(f"{HOSTS}|{FOLDERS}".replace("~", ""))


def committed() -> list[Path]:
    """All files that are committed or would be."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("this is no git clone, so what is committed can't be told")
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]  # type: ignore[no-any-return]


def requirements(*extras: str) -> list[Requirement]:
    lists = [project()["dependencies"], *(project()["optional-dependencies"][extra] for extra in extras)]
    return [Requirement(text) for texts in lists for text in texts]


# --- tests ---


def test_what_is_left_out_as_slow_is_there() -> None:
    tests = {test: test.split("::") for test in read_slow(ROOT)}
    gone = [test for test, (file, name) in tests.items() if f"def {name}(" not in (ROOT / file).read_text("utf-8")]
    assert not gone, f"no tests any more (`make test ARGS=--store` measures anew): {gone}"


def test_the_slow_tests_are_left_out() -> None:
    file = "tests/test_linear.py"
    words = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "-m", "slow", file]
    found = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False).stdout.splitlines()
    slow = {test for test in read_slow(ROOT) if test.startswith(file)}
    assert slow and {line.partition("[")[0] for line in found if "::" in line} == slow


# --- the lock file and the environments ---


def locked() -> dict[str, list[str]]:
    """The versions of each package in the lock; several where they depend on the platform or Python."""
    versions: dict[str, list[str]] = {}
    for line in (ROOT / "requirements.lock").read_text("utf-8").splitlines():
        assert LOCKED.fullmatch(line), f"no plain NAME==VERSION, or an address: {line}"
        requirement = Requirement(line)
        version = next(iter(requirement.specifier)).version
        versions.setdefault(canonicalize_name(requirement.name), []).append(version)
    return versions


def test_the_lock_has_names_and_versions_only() -> None:
    assert len(locked()) > 100


@pytest.mark.parametrize(
    "line", ["--extra-index~url https://x/simple", "a @ https://x/a.whl", "a==1 --hash=sha256:0", "# a"]
)
def test_a_lock_with_an_address_would_be_noticed(line: str) -> None:
    assert not LOCKED.fullmatch(line)


def test_the_lock_holds_all_that_pyproject_asks_for() -> None:
    versions = locked()
    for requirement in requirements("book", "test"):
        found = versions.get(canonicalize_name(requirement.name), [])
        assert found, f"{requirement} is not locked; run `make lock`"
        assert all(requirement.specifier.contains(version) for version in found), f"{requirement}, locked {found}"


def test_the_conda_environment_lists_each_dependency() -> None:
    listed = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    texts = [text for text in listed if isinstance(text, str)]
    conda = {requirement.name: requirement for requirement in map(Requirement, texts)}
    assert conda["python"].specifier.contains("3.11")
    assert str(project()["requires-python"]) in str(conda["python"].specifier)
    for requirement in requirements("book"):
        names = CONDA_NAMES.get(requirement.name, (requirement.name,))
        same = [conda[name] for name in names if name in conda]
        assert same, f"environment.yml lacks {requirement}"
        assert same[0].specifier == requirement.specifier
    assert {"pip": ["--no-deps --editable ."]} in listed


# --- continuous integration ---


def test_the_ci_script_can_be_run() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    assert "make test" in script.read_text("utf-8")


@pytest.mark.parametrize("name", ["everywhere", "nightly", "publish", "test"])
def test_workflows_pin_the_major_versions_of_actions(name: str) -> None:
    text = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text("utf-8")
    workflow = yaml.safe_load(text)
    (job,) = workflow["jobs"].values()
    uses = [step["uses"] for step in job["steps"] if "uses" in step]
    assert uses
    assert [use for use in uses if not re.fullmatch(r"actions/[a-z-]+@v\d+", use)] == []


# --- no committed file names a machine ---


def test_no_file_names_a_machine_or_a_registry() -> None:
    found = []
    for path in committed():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {hit.group()}" for hit in MACHINES.finditer(text)]
    assert found == []


@pytest.mark.parametrize(
    "text", ["see '/wo~rk/main'", "File /tm~p/ipykernel_1/2.py", "https://pypi~.org/simple", "=/ho~me/ann/x"]
)
def test_a_machine_would_be_noticed(text: str) -> None:
    assert MACHINES.search(text.replace("~", ""))


@pytest.mark.parametrize("text", ["network/work/x", "./tmp/x", "homework", "a/root/b", "$(X)/tmp"])
def test_other_paths_are_let_through(text: str) -> None:
    assert not MACHINES.search(text)


def test_no_file_is_large() -> None:
    large = [path.name for path in committed() if path.stat().st_size > 5_000_000]
    assert large == []


# --- the notebooks ---

LONGEST_CELL = 25
LONGEST_LINE, LONGEST_IN_BOX = 80, 75  # what a page of 1280 pixels shows, and a folded solution on it
CODE_CELLS_IN_A_ROW = 2
WORDS_PER_LINE = 5


def notebook_faults(notebook: Any) -> Iterator[str]:
    """What a stored notebook breaks of the house style."""
    if "widgets" in notebook.metadata:
        yield "stores the state of widgets"
    in_a_row = lines = words = 0
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            in_a_row = 0
            prose = re.sub(r"^(```|~~~).*?^\1", "", cell.source, flags=re.MULTILINE | re.DOTALL)
            for block in re.findall(r"^(```+)python\n(.*?)^\1", cell.source, flags=re.MULTILINE | re.DOTALL):
                if (width := max(map(len, block[1].splitlines()), default=0)) > LONGEST_IN_BOX:
                    yield f"cell {number}: a line of code with {width} characters, at most {LONGEST_IN_BOX}"
            words += len(re.findall(r"\b[^\W\d_]{2,}\b|\b[aAI]\b", prose))
            continue
        in_a_row += 1
        lines += sum(bool(line.strip()) for line in cell.source.splitlines())
        if in_a_row > CODE_CELLS_IN_A_ROW:
            yield f"cell {number}: more than {CODE_CELLS_IN_A_ROW} code cells in a row"
        if (length := len(cell.source.splitlines())) > LONGEST_CELL:
            yield f"cell {number}: {length} lines, at most {LONGEST_CELL}"
        if "claims.verdict(" in cell.source and "hide-input" not in cell.metadata.get("tags", []):
            yield f"cell {number}: a verdict whose code is not folded; tag it hide-input"
        if not cell.source.strip():
            yield f"cell {number}: empty"
        elif cell.execution_count is None:
            yield f"cell {number}: was not executed"
        if any(output.output_type == "error" for output in cell.outputs):
            yield f"cell {number}: stores an error"
        if any("application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in cell.outputs):
            yield f"cell {number}: stores a widget's view"
    if words < WORDS_PER_LINE * lines:
        yield f"{words} words of prose for {lines} lines of code, at least {WORDS_PER_LINE} for each"
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    if counts != list(range(1, len(counts) + 1)):
        yield "was not executed from top to bottom in one go; run `make notebooks`"


def all_notebooks() -> list[Path]:
    return [*sorted((ROOT / "notebooks").glob("*.ipynb")), *sorted((ROOT / "book").glob("*.ipynb"))]


def test_there_are_notebooks() -> None:
    assert (ROOT / "notebooks" / "01-bottleneck.ipynb") in all_notebooks()


@pytest.mark.parametrize("path", all_notebooks(), ids=lambda path: path.name)
def test_notebooks_keep_the_house_style(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert list(notebook_faults(notebook)) == []
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert outputs


def code(source: str = "x = 1", count: int | None = 1, **outputs: Any) -> Any:
    return new_code_cell(source, execution_count=count, **outputs)


PROSE = new_markdown_cell("word " * 300)
VIEW = new_output("display_data", data={"application/vnd.jupyter.widget-view+json": {}})


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ([PROSE, code(), code(count=2), code(count=3)], "in a row"),
        ([PROSE, code("x\n" * 26)], "26 lines"),
        ([PROSE, code(count=None)], "was not executed"),
        ([PROSE, code(count=7)], "top to bottom"),
        ([PROSE, code(outputs=[new_output("error", ename="E", evalue="", traceback=[])])], "an error"),
        ([PROSE, code(outputs=[VIEW])], "a widget's view"),
        ([new_markdown_cell("four words are few"), code()], "4 words"),
        ([new_markdown_cell("two words\n```\nmany words of code that are not prose\n```"), code()], "2 words"),
        ([PROSE, code("", count=1)], "empty"),
        ([PROSE, code("claims.verdict('A1')")], "not folded"),
        ([PROSE, code(), new_markdown_cell("````\n```python\n" + "x" * 76 + "\n```\n````")], "76 characters"),
    ],
)
def test_a_notebook_that_breaks_it_is_noticed(cells: list[Any], fault: str) -> None:
    assert [text for text in notebook_faults(new_notebook(cells=cells)) if fault in text]


def test_a_notebook_that_keeps_it_is_let_through() -> None:
    assert (
        list(
            notebook_faults(
                new_notebook(cells=[PROSE, code(), code(count=2), new_markdown_cell("more"), code(count=3)])
            )
        )
        == []
    )


@pytest.mark.parametrize(("width", "code"), [(LONGEST_LINE, 0), (LONGEST_LINE + 1, 1)])
def test_ruff_minds_the_width_of_the_page(width: int, code: int) -> None:
    """Wider lines of a notebook would scroll on the page; elsewhere they may be longer."""
    line = "x = 1  # " + "long " * 20
    notebook = nbformat.writes(new_notebook(cells=[new_code_cell(line[:width])]))
    words = [sys.executable, "-m", "ruff", "check", "--no-cache", "--stdin-filename", "notebooks/wide.ipynb", "-"]
    answer = subprocess.run(words, cwd=ROOT, input=notebook, capture_output=True, text=True, check=False)
    assert answer.returncode == code, answer.stdout
    assert ("E501" in answer.stdout) == bool(code)
