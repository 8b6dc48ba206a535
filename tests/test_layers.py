"""Imports go down the levels only, and importing the package stays cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = "vae_course"
# The table of the house style. A module or folder that is not named here is an error: decide where it belongs.
LEVELS = {
    "types": 0,
    "checks": 0,
    "configs": 0,
    "files": 0,
    "cpu": 0,
    "data": 1,
    "models": 1,
    "objectives": 1,
    "sprites": 1,
    "schedules": 2,
    "training": 2,
    "classification": 2,
    "evaluation": 2,
    "measures": 2,
    "latent": 2,
    "linear": 2,
    "sampling": 2,
    "zoo": 3,
    "retraining": 3,
    "embeddings": 3,
    "runs": 3,
    "sweeps": 3,
    "sweeping": 3,
    "plots": 4,
    "explore": 5,
    "exercises": 5,
    "claims": 5,
    "cli": 6,
    "commands": 6,
    "classroom": 6,
    "__init__": 7,  # the names for users; modules of the package import from where a name is defined
}
HEAVY = ("torchvision", "sklearn", "scipy", "pandas", "matplotlib.pyplot", "seaborn", "anywidget", "IPython", "mlxtend")


def imported(source: str, module: str) -> set[str]:
    """The parts of the package (its modules' first names) that a module's source imports, wherever it does."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                package = module.split(".")[: -node.level]
                base = ".".join([*package, *(node.module or "").split(".")]).rstrip(".")
            else:
                base = node.module or ""
            # "from vae_course import zoo" names a module after the import.
            names = [f"{base}.{alias.name}" for alias in node.names] if base == PACKAGE else [base]
        else:
            continue
        parts = [name.split(".") for name in names]
        found |= {part[1] if len(part) > 1 else "__init__" for part in parts if part[0] == PACKAGE}
    return found


def faults(modules: dict[str, str]) -> list[str]:
    """What is wrong with the imports of a package given as {"vae_course.training": source}."""
    wrong = []
    for module, source in modules.items():
        part = module.split(".")[1]
        if part not in LEVELS:
            wrong.append(f"{module} has no level; add it to the table")
            continue
        for name in sorted(imported(source, module) - {part}):
            if name not in LEVELS:
                wrong.append(f"{module} imports {PACKAGE}.{name}, which has no level")
            elif LEVELS[name] > LEVELS[part]:
                wrong.append(f"{module} (level {LEVELS[part]}) imports {PACKAGE}.{name} (level {LEVELS[name]})")
    return wrong


def test_imports_go_down_only(root: Path) -> None:
    files = sorted((root / PACKAGE).rglob("*.py"))
    names = [".".join(file.relative_to(root).with_suffix("").parts) for file in files]
    assert len(names) > 10
    assert faults({name: file.read_text("utf-8") for name, file in zip(names, files, strict=True)}) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("vae_course.objectives", "from vae_course.training import fit"),
        ("vae_course.objectives", "import vae_course.training"),
        ("vae_course.objectives", "from vae_course import training"),
        ("vae_course.objectives", "from .training import fit"),
        ("vae_course.models.mlp", "from ..training import fit"),
        ("vae_course.models.mlp", "from .. import training"),
        ("vae_course.objectives", "def f():\n    from vae_course.cli import main"),
        ("vae_course.plots.style", "if True:\n    import vae_course.explore.latent_map"),
        ("vae_course.objectives", "import vae_course"),
        ("vae_course.objectives", "from vae_course import VAE"),
        ("vae_course.mystery", ""),
        ("vae_course.training", "from vae_course.mystery import riddle"),
    ],
)
def test_a_wrong_import_is_found(module: str, source: str) -> None:
    assert len(faults({module: source})) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("vae_course.training", "from vae_course.data import to_unit"),
        ("vae_course.training", "from vae_course.sampling import pcn"),
        ("vae_course.models.mlp", "from .heads import Heads"),
        ("vae_course.cli", "from vae_course import zoo, types"),
        ("vae_course.types", "import vae_coursework"),
    ],
)
def test_a_right_import_is_let_through(module: str, source: str) -> None:
    assert faults({module: source}) == []


@pytest.mark.parametrize("modules", ["vae_course", "vae_course.data, vae_course.training, vae_course.models"])
def test_importing_the_package_imports_nothing_heavy(modules: str) -> None:
    code = f"import sys, {modules}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == []
