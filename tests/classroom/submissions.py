"""Submissions, honest and hostile: twenty kinds of five. Each hostile one has the first exercise right, worth 1 of 3.

A kind is a list of variants. A variant is a pair (points that are due, what writes it into a student's folder).
"""

from __future__ import annotations

import contextlib
import copy
import json
import tempfile
from pathlib import Path

import nbformat
from small_chapter import NAME

OUTSIDE = Path(tempfile.gettempdir())  # where no answer may write
CANARY = OUTSIDE / "vae-course-canary"
TRACE = "vae-course-was-here"
KL = "kl_standard_normal"
RIGHT = {
    "count_outputs": "def count_outputs(latent_dim):\n    return 2 * latent_dim",
    KL: "def kl_standard_normal(mu, logvar):\n    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(dim=1)",
}


def fill(notebook, answers):
    """A copy with these answers in their cells."""
    made = copy.deepcopy(notebook)
    for cell in made.cells:
        key = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        cell.source = answers.get(key.removeprefix("answer-"), cell.source)
    return made


def write(folder, notebook, name=f"{NAME}.ipynb"):
    folder.mkdir(parents=True, exist_ok=True)
    # not nbformat.write, which would mend some of what is wrong
    (folder / name).write_text(json.dumps(notebook), "utf-8")


def code(*bodies, due=1.0):
    """Variants whose cell of the second exercise is this code; a body that defines nothing becomes the function's."""

    def variant(body):
        source = (
            body if "def kl" in body else "def kl_standard_normal(mu, logvar):\n    " + body.replace("\n", "\n    ")
        )
        return due, lambda folder, blank: write(folder, fill(blank, RIGHT | {KL: source}))

    return [variant(body) for body in bodies]


def edited(*changes, due=3.0):
    """Variants of the right notebook, changed in place."""

    def variant(change):
        def make(folder, blank):
            notebook = fill(blank, RIGHT)
            write(folder, change(notebook) or notebook)

        return due, make

    return [variant(change) for change in changes]


def raw(*contents, due=0.0):
    """Files with these bytes."""

    def variant(content):
        def make(folder, blank):
            folder.mkdir(parents=True, exist_ok=True)
            text = nbformat.writes(fill(blank, RIGHT))
            (folder / f"{NAME}.ipynb").write_bytes(content(text) if callable(content) else content)

        return due, make

    return [variant(content) for content in contents]


def linked(target):
    def make(folder, blank):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{NAME}.ipynb").symlink_to(target(folder))

    return 0.0, make


def large(size):
    def make(folder, blank):
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{NAME}.ipynb").open("wb") as file:
            file.write(b'{"cells": [')
            file.truncate(size)

    return 0.0, make


def answer(notebook, name):
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == name)


def only(keep):
    def change(notebook):
        notebook.cells = [cell for cell in notebook.cells if keep(cell)]

    return change


def key(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def reordered(order):
    def change(notebook):
        notebook.cells = order(notebook.cells)

    return change


def with_metadata(**values):
    def change(notebook):
        notebook.metadata = values

    return change


def with_test(source, **metadata):
    def change(notebook):
        for cell in notebook.cells:
            if key(cell).startswith("test-"):
                cell.source = source
                cell.metadata["nbgrader"] |= metadata

    return change


def with_keys(rename):
    def change(notebook):
        for cell in notebook.cells:
            if "nbgrader" in cell.metadata:
                rename(cell)

    return change


def with_outputs(text, count):
    def change(notebook):
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = [nbformat.v4.new_output("stream", text=text * count)]

    return change


def another_chapter(answers, name=f"{NAME}.ipynb"):
    cells = [nbformat.v4.new_code_cell(f"def {each}(z):\n    return z") for each in answers]
    return 0.0, lambda folder, blank: write(folder, nbformat.v4.new_notebook(cells=cells), name)


DEF = "def kl_standard_normal(mu, logvar):\n    return 0 * mu.sum(1)\n"
TWICE_FORKED = """\
import os
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True: pass
    os._exit(0)
return mu"""
FROM_THE_MODULE = """\
import importlib
module = importlib.import_module("vae_course.exercises.chapter01.loss")
return module.kl_standard_normal(mu, logvar)"""
FROM_MEMORY = """\
import gc
for thing in gc.get_objects():
    if getattr(thing, "name", "") == "kl_standard_normal":
        return thing.reference(mu, logvar)"""
FROM_THE_FILE = """\
import pathlib, vae_course
source = pathlib.Path(vae_course.__file__).parent / "exercises" / "chapter01" / "loss.py"
space = {}
exec(source.read_text(), space)
return space["kl_standard_normal"](mu, logvar)"""
FORGED = """\
import os
for fd in range(3, 60):
    try: os.write(fd, b'\\0\\0\\0\\x14{"returned": [true]}')
    except OSError: pass"""
HOSTILE = {
    "endless": code(
        "while True:\n    pass",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "import itertools\nreturn sum(itertools.repeat(0))",
        "import time\ntime.sleep(10_000)",
        DEF + "while True:\n    pass",
    ),
    "exits": code(
        "import sys\nsys.exit(0)",
        DEF + "import sys\nsys.exit(3)",
        "raise SystemExit('done')",
        "exit()",
        DEF + "raise KeyboardInterrupt",
    ),
    "dies": code(
        "import os\nos._exit(0)",
        DEF + "import os\nos._exit(0)",
        "import os\nos.abort()",
        "import ctypes\nctypes.string_at(0)",
        "import os\nos.kill(os.getpid(), 9)",
    ),
    "deleted": [
        *edited(only(lambda cell: not key(cell).startswith("test-"))),
        *edited(only(lambda cell: key(cell) != f"answer-{KL}"), due=1.0),
        *edited(only(lambda cell: cell.cell_type == "markdown"), due=0.0),
        *edited(only(lambda cell: False), due=0.0),
        *edited(only(lambda cell: key(cell).startswith("answer-"))),
    ],
    "reordered": edited(
        reordered(lambda cells: cells[::-1]),
        reordered(lambda cells: cells[5:] + cells[:5]),
        reordered(lambda cells: sorted(cells, key=lambda cell: cell.source)),
        reordered(lambda cells: sorted(cells, key=lambda cell: cell.cell_type)),
        reordered(lambda cells: cells + cells),
    ),
    "loud": [
        *code(
            "while True:\n    print('x' * 10**6)",
            "import torch\nreturn torch.zeros(10**7)",
            "raise ValueError('x' * 10**7)",
            "return ['a' * 10**6] * 1000",
        ),
        *edited(with_outputs("x" * 1000, 1000)),
    ],
    "hogs memory": code(
        "return [0] * 10**11",
        "kept = []\nwhile True:\n    kept.append(bytearray(10**7))",
        "import torch\nreturn torch.ones(10**11)",
        "text = 'ab'\nwhile True:\n    text += text",
        DEF + "import numpy\nhog = numpy.ones(10**11)",
    ),
    "no JSON": raw(
        lambda text: text.encode()[:1000],
        b"",
        b"Dear teacher, the dog ate it.",
        b"[1, 2, 3]",
        b"[" * 100_000,
    ),
    "wrong kernel": edited(
        with_metadata(kernelspec={"name": "ir", "display_name": "R", "language": "R"}),
        with_metadata(kernelspec={"name": "../../bin/sh", "display_name": "x" * 10_000}),
        with_metadata(kernelspec=None, language_info=[1]),
        with_metadata(),
        with_metadata(vae_course={"chapter": "99-none"}),
    ),
    "edited tests": [
        *edited(with_test("1000"), with_test("", points=1000), with_test("1/0")),
        *edited(with_test("while True: pass", locked=False)),
        (1.0, lambda folder, blank: write(folder, _cheat(fill(blank, RIGHT | {KL: DEF}), "2.0", points=2, grade=True))),
    ],
    "writes outside": code(
        f"open({str(OUTSIDE / TRACE)!r}, 'w').write('x')\nreturn mu",
        f"import pathlib\nfor up in pathlib.Path.cwd().parents: (up / {TRACE!r}).write_text('x')",
        f"import shutil\nshutil.rmtree({str(CANARY)!r})",
        f"import os\nos.rename({str(CANARY)!r}, {str(OUTSIDE / TRACE)!r})",
        "for i in range(10**4): open(f'junk{i}', 'wb').write(b'x' * 10**8)",
    ),
    "leaves children": code(
        "import os\nif os.fork() == 0:\n    while True: pass\nreturn mu",
        TWICE_FORKED,
        "import subprocess\nsubprocess.Popen(['sleep', '9973'], start_new_session=True)\nreturn mu",
        "import os\nwhile True: os.fork()",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(9973,)).start()\nreturn mu",
    ),
    "patches": code(
        "from vae_course import exercises\nexercises.check = lambda *a: True\nreturn mu",
        DEF + "import sys\nfor name in list(sys.modules):\n    if 'vae_course' in name: del sys.modules[name]",
        DEF + "import builtins\nbuiltins.all = builtins.any = lambda *a: True\nbuiltins.__import__ = None",
        DEF + "import numpy, torch\nnumpy.array_equal = torch.equal = lambda *a, **k: True",
        DEF + "import json\njson.dumps = lambda *a, **k: '{}'",
    ),
    "identities": edited(
        with_keys(lambda cell: cell.metadata.pop("nbgrader")),
        with_keys(lambda cell: cell.metadata["nbgrader"].update(grade_id="answer-count_outputs")),
        with_keys(lambda cell: cell.update(metadata="nothing", id=7)),
        with_keys(lambda cell: cell.metadata["nbgrader"].update(grade_id=["x"], schema_version=99)),
        with_keys(lambda cell: cell.metadata.update(nbgrader=None)),
    ),
    "links": [
        linked(lambda folder: "/etc/passwd"),
        linked(lambda folder: folder.parent / "honest-0" / f"{NAME}.ipynb"),
        linked(lambda folder: folder / "nowhere"),
        linked(lambda folder: folder / f"{NAME}.ipynb"),
        linked(lambda folder: "/dev/zero"),
    ],
    "large": [large(100 * 2**20), large(21 * 2**20), large(10**9), *edited(with_outputs("x" * 1000, 8000), due=0.0),
              *edited(lambda notebook: setattr(notebook, "cells", notebook.cells * 500), due=3.0)],
    "another chapter": [
        another_chapter(["traversal", "repair_heads"]),
        another_chapter(["mh_accept"], "06-pcn.ipynb"),
        another_chapter([]),
        another_chapter(["class_mean"], "homework.ipynb"),
        another_chapter(["x"], "03-small (copy).ipynb"),
    ],
    "no UTF-8": [
        *raw(lambda text: text.replace("exp", "é").encode("latin-1"), lambda text: text.encode("utf-16")),
        *raw(bytes(range(256)) * 20),
        *raw(lambda text: b"\xef\xbb\xbf" + text.encode(), due=3.0),
        *code("return '\udce9' * 3"),
    ],
    "looks for the answer": code(
        "from vae_course import exercises\nreturn exercises.reference('kl_standard_normal')(mu, logvar)",
        FROM_THE_MODULE,
        FROM_MEMORY,
        FROM_THE_FILE,
        FORGED,
    ),
    "attacks": code(
        "import os\nos.kill(os.getppid(), 9)\nreturn mu",
        "import os\nos.kill(-1, 9)\nreturn mu",
        "import os\nos.closerange(0, 100)\nreturn mu",
        "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))\nreturn [0] * 10**11",
        "import sys\nsys.setrecursionlimit(10**9)\nf = lambda: f()\nreturn f()",
    ),
}  # fmt: skip


def _cheat(notebook, source, **metadata):
    with_test(source, **metadata)(notebook)
    return notebook


def honest(folder, blank):
    write(folder, fill(blank, RIGHT))


def hostile_students(variants=range(5), kinds=tuple(HOSTILE)):
    """Student -> (points that are due, what writes the submission)."""
    return {f"{kind.replace(' ', '_')}-{index}": HOSTILE[kind][index] for kind in kinds for index in variants}


def running_commands():
    """The command lines of all processes."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(file.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
    return found
