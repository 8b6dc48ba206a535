"""Joins the ES modules of `static/` into one module, which the page and Jupyter both run (level 5).

A browser refuses to import modules from `file://`, and anywidget takes one module. The modules are ours, so the
bundler asks for a plain style instead of parsing JavaScript: at the start of a line `import { a, b } from "./x.mjs";`
or `export function|class|const|let ...`, every top-level name used once over all modules.
"""

from __future__ import annotations

import re
from pathlib import Path

STATIC = Path(__file__).parent / "static"

_IMPORT = re.compile(r'^import\s*\{([\w\s,]*)\}\s*from\s*"\./([\w./-]+)";[ \t]*\n?', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function\b|class\b|const\b|let\b)", re.MULTILINE)
_DEFAULT = re.compile(r"^export default \{[\w\s,]*\};\s*\Z", re.MULTILINE)
_DECLARED = re.compile(r"^(export )?(?:async )?(?:function\*?|class|const|let|var) +([\w$]+|\S)", re.MULTILINE)
_LEFT_OVER = re.compile(r"^(?:import|export)\b.*|\bimport\s*\(.*|\bimport\.meta\b.*", re.MULTILINE)


class BundleError(ValueError):
    """The modules cannot be joined: not of the plain style, a name used twice, a cycle or a missing export."""


def bundle(entry: str, *, folder: Path = STATIC) -> str:
    """One ES module with all that `entry`, a file name in `folder`, imports directly or not.

    Only the entry's `export default { ... };` stays. The text is safe inside a <script> element.
    Raises BundleError.
    """
    parts: dict[str, str] = {}
    owners: dict[str, str] = {}
    _add(entry, folder, parts, owners, path=())
    for name, text in parts.items():
        found = _LEFT_OVER.search(_DEFAULT.sub("", text) if name == entry else text)
        if found:
            raise BundleError(
                f'{name}: cannot join "{found[0]}"; write import {{ name }} from "./file.mjs"; and '
                "export before function, class, const or let (export default { ... }; only at the entry's end)"
            )
    return script_safe("\n".join(f"// {name}\n{text}" for name, text in parts.items()))


def script_safe(source: str) -> str:
    """JavaScript in which no string can end the <script> element that holds it, and whose meaning is the same."""
    return re.sub(r"<(?=/script|!--)", r"\\x3c", source, flags=re.IGNORECASE)


def _add(name: str, folder: Path, parts: dict[str, str], owners: dict[str, str], *, path: tuple[str, ...]) -> None:
    """Puts module `name` into `parts` after the modules it imports."""
    if name in path:
        raise BundleError(f"modules import each other: {' -> '.join((*path, name))}; move what they share to a third")
    if name in parts:
        return
    file = folder / name
    if not file.is_file():
        raise BundleError(f"{path[-1] if path else 'the entry'} needs {name}, but {folder.name}/ has no such file")
    text = file.read_text(encoding="utf-8")
    for names, source in _IMPORT.findall(text):
        _add(source, folder, parts, owners, path=(*path, name))
        exported = {found[1] for found in _DECLARED.findall((folder / source).read_text(encoding="utf-8")) if found[0]}
        missing = {word.strip() for word in names.split(",") if word.strip()} - exported
        if missing:
            raise BundleError(f"{name} imports {', '.join(sorted(missing))}, which {source} does not export")
    for _, declared in _DECLARED.findall(text):
        if not re.fullmatch(r"[\w$]+", declared):
            raise BundleError(f"{name}: declare top-level names one by one, not by taking a value apart")
        if declared in owners:
            raise BundleError(f'"{declared}" is declared in {owners[declared]} and in {name}; rename one')
        owners[declared] = name
    parts[name] = _EXPORT.sub("", _IMPORT.sub("", text)).strip() + "\n"
