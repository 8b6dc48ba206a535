"""A chapter's exercises, read from its notebook: the one source of what students get and of what is graded."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

_BLOCK = re.compile(
    r"^(?P<fence>`{3,})\{(?P<kind>exercise|solution)\} *(?P<title>[^\n]*)\n(?P<body>.*?)^(?P=fence)[ \t]*$\n?",
    re.MULTILINE | re.DOTALL,
)
_LABEL = re.compile(r"^:label: *(\S+) *$", re.MULTILINE)
_OPTION = re.compile(r"^:\w+:.*\n", re.MULTILINE)
_DIFFICULTY = re.compile(r"Difficulty (\d)(?:, (\d+) minutes?)?")
_CODE = re.compile(r"^(`{3,})python\n(.*?)^\1", re.MULTILINE | re.DOTALL)


LONGEST_CELL = 50_000  # characters


class SourceError(ValueError):
    """A chapter's notebook is not as exercises are written in this book."""


@dataclass(frozen=True)
class Task:
    """One exercise of a chapter. statement: Markdown. stub: the code to be filled in. solution: code."""

    name: str
    title: str
    statement: str
    stub: str
    solution: str
    points: int


@dataclass(frozen=True)
class Chapter:
    """name: that of the notebook's file. imports: all import statements of the notebook, one name each."""

    name: str
    title: str
    tasks: tuple[Task, ...]
    imports: tuple[str, ...]

    @property
    def points(self) -> int:
        """The most that can be reached."""
        return sum(task.points for task in self.tasks)


def read_chapters(folder: Path, wanted: Sequence[str] = ()) -> dict[str, tuple[Chapter, Any]]:
    """Chapter and notebook of all chapters in `folder`, or of those wanted, by name or number ("06-pcn", "6").

    Raises SourceError if one is not there, or is not as it should be.
    """
    paths = {path.stem: path for path in sorted(folder.glob("*.ipynb"))}
    if not paths:
        raise SourceError(f"{folder} holds no notebooks")
    chosen = list(paths) if not wanted else [_find(word, list(paths)) for word in wanted]
    found = {}
    for name in dict.fromkeys(chosen):
        notebook = nbformat.read(paths[name], as_version=4)
        found[name] = (read_chapter(name, notebook), notebook)
    return found


def _find(word: str, names: list[str]) -> str:
    stem = Path(word).stem if word.endswith(".ipynb") else word
    for name in names:
        if stem == name or (stem.isdigit() and name.split("-")[0].isdigit() and int(stem) == int(name.split("-")[0])):
            return name
    raise SourceError(f"there is no chapter {word!r}; there are {', '.join(names)}")


def read_chapter(name: str, notebook: Any) -> Chapter:
    """The chapter's exercises, in order. Raises SourceError if one lacks statement, difficulty or solution."""
    statements: list[tuple[str, str, str, int]] = []
    solutions: dict[str, str] = {}
    checks: list[tuple[str, str, int]] = []
    imports: list[str] = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for block in _BLOCK.finditer(cell.source):
                if block["kind"] == "solution":
                    solutions[block["title"].strip()] = "\n\n".join(
                        m[2].rstrip() for m in _CODE.finditer(block["body"])
                    )
                else:
                    statements.append(_read_statement(name, block))
        elif cell.cell_type == "code":
            imports += imports_of(cell.source)
            checks += [(exercise, stub, len(statements)) for exercise, stub in find_checks(cell.source)]
    tasks = []
    for exercise, stub, number in checks:
        if number == 0:
            raise SourceError(f"{name}: the check of {exercise} stands before any exercise")
        label, title, text, points = statements[number - 1]
        if label not in solutions:
            raise SourceError(f"{name}: exercise {label} has no solution; add one, ````{{solution}} {label}")
        tasks.append(Task(exercise, title, text, stub, solutions[label], points))
    headings = (line for cell in notebook.cells for line in cell.source.splitlines() if line.startswith("# "))
    return Chapter(name, next(headings, f"# {name}")[2:].strip(), tuple(tasks), tuple(dict.fromkeys(imports)))


def _read_statement(name: str, block: re.Match[str]) -> tuple[str, str, str, int]:
    label, difficulty = _LABEL.search(block["body"]), _DIFFICULTY.search(block["body"])
    if label is None or difficulty is None:
        raise SourceError(f"{name}: the exercise {block['title']!r} lacks its :label: or its difficulty")
    return label[1], block["title"].strip(), _OPTION.sub("", block["body"]).strip(), int(difficulty[1])


def without_solutions(text: str) -> str:
    """Markdown without its solutions."""
    return _BLOCK.sub(lambda block: "" if block["kind"] == "solution" else block[0], text).strip()


def find_checks(source: str) -> list[tuple[str, str]]:
    """Each exercise that the cell checks, with the cell's source without its checks."""
    names, kept = [], []
    for statement, text in _statements(source):
        name = _checked(statement)
        names += [name] if name else []
        kept += [] if name else [text]
    stub = "\n".join(kept).strip()
    return [(name, stub) for name in names]


def _checked(statement: ast.stmt) -> str:
    match statement:
        case ast.Expr(
            value=ast.Call(
                func=ast.Attribute(value=ast.Name(id="exercises"), attr="check"), args=[ast.Constant(name), _]
            )
        ):
            return str(name)
    return ""


def parse(source: str) -> ast.Module | None:
    """The cell's statements; None if it is not Python, or longer or more nested than anybody writes."""
    try:
        return ast.parse(source) if len(source) <= LONGEST_CELL else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _statements(source: str) -> Iterator[tuple[ast.stmt, str]]:
    """Top-level statements of a cell with their text, along with the comments before them."""
    tree = parse(source)
    if tree is None:
        return
    lines = source.splitlines()
    start = 0
    for statement in tree.body:
        end = statement.end_lineno or statement.lineno
        yield statement, "\n".join(lines[start:end])
        start = end


def imports_of(source: str) -> list[str]:
    """The cell's import statements, one for each name."""
    found = []
    for statement, _ in _statements(source):
        if isinstance(statement, ast.Import):
            found += [ast.unparse(ast.Import([alias])) for alias in statement.names]
        elif isinstance(statement, ast.ImportFrom):
            found += [ast.unparse(ast.ImportFrom(statement.module, [a], statement.level)) for a in statement.names]
    return found


def imported_name(line: str) -> str:
    """The name that one import statement of one name binds."""
    statement = ast.parse(line).body[0]
    assert_import = statement.names[0] if isinstance(statement, ast.Import | ast.ImportFrom) else ast.alias(line)
    return assert_import.asname or assert_import.name.split(".")[0]


def needed_imports(imports: Sequence[str], source: str) -> list[str]:
    """Those of the imports whose names the source mentions."""
    words = set(re.findall(r"\w+", source))
    return [line for line in imports if imported_name(line) in words]
