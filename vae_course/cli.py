"""The command line, `vae-course VERB` (level 6). What a verb does lives in vae_course/commands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from vae_course.commands.shell import CommandError

EXAMPLES = """examples:
  vae-course book                               build the book, say where it is
  vae-course serve --port 8000                  serve it to this machine
  vae-course test --fast                        the tests that take seconds
  vae-course nightly                            other seeds: does every verdict still stand?
  vae-course notebooks notebooks/01-*.ipynb     run chapters again, store their outputs
  vae-course release --to students              notebooks for students, without solutions
  vae-course grade handed-in --to grades        their grades, and pages to hand back
  vae-course data --root ~/datasets             fetch all of MNIST
  vae-course zoo --scheduler tcp://HOST:8786    train all models on a Dask cluster
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the verb says. Returns the exit code: 0, 1 if the work failed, 2 if it could not be begun."""
    options = _parser().parse_args(arguments)
    try:
        return _do(options)
    except CommandError as error:
        print(f"vae-course {options.verb}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\nvae-course {options.verb}: stopped", file=sys.stderr)
        return 130


def _do(options: argparse.Namespace) -> int:
    # Imported where they are used, so that --help and the small verbs need neither torch nor Jupyter.
    match options.verb:
        case "book" | "serve" | "lab":
            from vae_course.commands import site

            if options.verb == "book":
                return site.build_book()
            return site.serve(port=options.port) if options.verb == "serve" else site.open_lab()
        case "pdf" | "zip":
            from vae_course.commands import publishing

            make = publishing.make_pdf if options.verb == "pdf" else publishing.make_zip
            return make(site=options.site, to=options.to)
        case "equations":
            from vae_course.commands.equations import set_equations

            return set_equations()
        case "notebooks":
            from vae_course.commands.notebooks import execute_notebooks

            return execute_notebooks(options.notebooks)
        case "portable":
            from vae_course.commands.portable import write_portable

            return write_portable(options.notebooks, source=options.source, to=options.to)
        case "nightly":
            from vae_course.commands.nightly import nightly

            tests = not options.no_tests
            return nightly(options.notebooks, seed=options.seed, tests=tests, keep=options.store)
        case "coverage":
            from vae_course.commands.covering import measure_coverage

            return measure_coverage(keep=options.store)
        case "test":
            from vae_course.commands.testing import run_tests

            return run_tests(fast=options.fast, keep=options.store)
        case "release" | "grade" | "check":
            from vae_course.commands import classroom

            if options.verb == "release":
                return classroom.release(options.chapters, to=options.to, hints=not options.without_hints)
            if options.verb == "check":
                return classroom.check(options.notebook, seconds=options.seconds)
            return classroom.grade(
                options.submissions,
                to=options.to,
                chapters=options.chapters,
                seconds=options.seconds,
                memory=options.memory,
                slip_share=options.slip_share,
                again=options.again,
            )
    from vae_course.commands import upkeep

    match options.verb:
        case "data":
            return upkeep.fetch_data(root=options.root, progress=not options.quiet)
        case "zoo":
            return upkeep.retrain_zoo(
                options.models, jobs=options.jobs, scheduler=options.scheduler, progress=not options.quiet
            )
        case "maps":
            return upkeep.remake_maps(options.maps, progress=not options.quiet)
        case "runs":
            return upkeep.remake_runs(options.runs, progress=not options.quiet)
        case "sweeps":
            return upkeep.remake_sweeps(options.sweeps, jobs=options.jobs, progress=not options.quiet)
        case "bench":
            return upkeep.run_benchmarks(options.names)
        case "format":
            return upkeep.format_code()
    return upkeep.clean()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vae-course",
        description="Builds, runs and tests the course on the latent space of variational autoencoders.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

    def verb(name: str, text: str, example: str) -> argparse.ArgumentParser:
        return verbs.add_parser(
            name,
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            epilog=f"example:\n  vae-course {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    verb("book", "build the book into _build/html; a warning is an error", "book")
    serve = verb("serve", "serve the built book to this machine", "serve --port 8000")
    serve.add_argument("--port", type=int, default=8000, help="0 takes any free one (default: %(default)s)")
    pdf = verb("pdf", "print the built book into one PDF (needs Chromium)", "pdf --to book.pdf")
    archive = verb("zip", "pack the built book into one zip, to be read without network", "zip --to book.zip")
    for whole in (pdf, archive):
        whole.add_argument("--site", type=Path, metavar="FOLDER", help="the built book (default: _build/html)")
        whole.add_argument("--to", type=Path, metavar="FILE", help="what to write (default: beside the built book)")
    verb("lab", "open JupyterLab in the clone", "lab")

    test = verb("test", "test all: code, package, notebooks, book, browser", "test --fast")
    test.add_argument("--fast", action="store_true", help="only ruff, mypy and the package's quick tests")
    nightly = verb(
        "nightly",
        "draw a seed that no one looked at: run the notebooks and the long tests with it, see which verdicts change",
        "nightly --seed 598544012 notebooks/04-*.ipynb",
    )
    nightly.add_argument(
        "notebooks", nargs="*", type=Path, metavar="NOTEBOOK", help="all of the book's if none is named"
    )
    nightly.add_argument("--seed", type=int, help="the seed of an earlier night (default: a new one)")
    nightly.add_argument("--no-tests", action="store_true", help="the notebooks only")
    coverage = verb(
        "coverage", "say which lines of the package the tests run; under 95 %% it fails", "coverage --store"
    )
    for kept in (test, nightly, coverage):
        kept.add_argument("--store", action="store_true", help='also keep the figures for the page "How is it tested?"')
    notebooks = verb(
        "notebooks", "execute notebooks in place and store their outputs", "notebooks notebooks/01-*.ipynb"
    )
    notebooks.add_argument(
        "notebooks", nargs="*", type=Path, metavar="NOTEBOOK", help="all of the book's if none is named"
    )

    verb("equations", "set the built book's equations again and keep them for its next build (Chromium)", "equations")

    portable = verb(
        "portable",
        "copy notebooks with a first cell that installs the course where it is missing (Colab, VS Code)",
        "portable --source git+https://HOST/vae-course --to copies",
    )
    portable.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK", help="default: all chapters")
    portable.add_argument("--source", required=True, help="what pip installs the course from: a folder, wheel, address")
    portable.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="where to write the copies")
    check = verb(
        "check", "check a notebook's answers: exit code 0 if all are right", "check notebooks/01-bottleneck.ipynb"
    )
    check.add_argument("notebook", type=Path, metavar="NOTEBOOK")
    release = verb("release", "make students' notebooks, without solutions and outputs", "release 1 2 --to students")
    release.add_argument("chapters", nargs="*", metavar="CHAPTER", help="number or name (default: all)")
    release.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="where to write them")
    release.add_argument(
        "--without-hints",
        action="store_true",
        help="leave out the cells that show hints (the package still has them: exercises.hints(NAME) shows them)",
    )
    grade = verb("grade", "grade a folder of submissions; a stopped run is gone on with", "grade handed-in --to grades")
    grade.add_argument("submissions", type=Path, metavar="SUBMISSIONS", help="a folder or a notebook for each student")
    grade.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="for grades.csv and the feedback pages")
    grade.add_argument("--chapters", nargs="+", default=[], metavar="CHAPTER", help="default: those handed in")
    grade.add_argument("--memory", type=int, default=1024, help="megabytes for one answer (default: %(default)s)")
    grade.add_argument(
        "--slip-share", type=float, default=0.5, help="of the points, for one known slip (default: %(default)s)"
    )
    grade.add_argument("--again", action="store_true", help="also what has been graded before")
    for timed in (check, grade):
        timed.add_argument("--seconds", type=int, default=20, help="for one answer (default: %(default)s)")

    data = verb("data", "fetch all of MNIST, checked; a killed download is gone on with", "data --root ~/datasets")
    data.add_argument("--root", type=Path, help="default: VAE_COURSE_DATA, else the cache folder")
    zoo = verb(
        "zoo",
        "train the models of the zoo again (needs all of MNIST); a stopped run is gone on with",
        "zoo --scheduler tcp://127.0.0.1:8786",
    )
    zoo.add_argument("models", nargs="*", metavar="NAME", help="the models to train (default: all)")
    zoo.add_argument("--jobs", type=int, default=-1, help="models trained at a time (default: one for each core)")
    zoo.add_argument("--scheduler", metavar="ADDRESS", help="let the workers of this Dask scheduler train them")
    maps = verb(
        "maps", "compute the stored PCA, t-SNE and UMAP maps again (UMAP needs umap-learn)", "maps pca tsne-30-s0"
    )
    maps.add_argument("maps", nargs="*", metavar="NAME", help="the maps to compute (default: all)")
    runs = verb("runs", "train for the stored training runs again (needs all of MNIST)", "runs vae-2d")
    runs.add_argument("runs", nargs="*", metavar="NAME", help="the runs to make (default: all)")
    sweeps = verb(
        "sweeps",
        "train for the stored sweeps again (needs all of MNIST); a stopped run is gone on with",
        "sweeps constraints",
    )
    sweeps.add_argument("sweeps", nargs="*", metavar="NAME", help="the sweeps to make (default: all)")
    sweeps.add_argument("--jobs", type=int, default=-1, help="models trained at a time (default: one for each core)")
    for parser_with_bar in (data, zoo, maps, runs, sweeps):
        parser_with_bar.add_argument("--quiet", action="store_true", help="no progress bar")
    bench = verb("bench", "run the benchmarks", "bench")
    bench.add_argument(
        "names", nargs="*", metavar="NAME", help="a file of benchmarks/ without its .py; all if none is named"
    )
    verb("format", "lay the code out, mend what ruff can mend", "format")
    verb("clean", "remove what was built", "clean")
    return parser


if __name__ == "__main__":
    sys.exit(main())
