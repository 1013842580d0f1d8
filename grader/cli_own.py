"""The commands about exercises: `grader list` and `start`, `new` and `validate` for an instructor's own."""

import argparse
from pathlib import Path
from typing import Any

from grader.errors import ExitStatus
from grader.report import sanitize

_EPILOG = "exit status: 0 everything is as it should be, 1 not, 2 wrong usage, 3 a bug in the grader"


def add_new(commands: Any) -> None:
    """The grammar of `grader new`."""
    parser = commands.add_parser(
        "new", help="write an exercise of your own, ready to be changed", epilog=_EPILOG
    )
    parser.add_argument(
        "name", type=Path, metavar="NAME", help="its name, and that of the folder, which is made"
    )
    parser.set_defaults(command=new)


def add_validate(commands: Any) -> None:
    """The grammar of `grader validate`."""
    parser = commands.add_parser(
        "validate", help="try the checks of your exercise on its own files", epilog=_EPILOG
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the folder of the exercise")
    parser.set_defaults(command=validate)


def add_list(commands: Any) -> None:
    """The grammar of `grader list`."""
    parser = commands.add_parser("list", help="list the exercises")
    parser.set_defaults(command=list_exercises)


def add_start(commands: Any) -> None:
    """The grammar of `grader start`."""
    parser = commands.add_parser("start", help="write the exercises into a folder, ready to edit")
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(), metavar="FOLDER", help="default: here"
    )
    parser.add_argument("--exercise", metavar="NAME", help="only this one (default: all)")
    parser.add_argument("--force", action="store_true", help="overwrite files that are already there")
    parser.set_defaults(command=start)


def new(arguments: argparse.Namespace) -> ExitStatus:
    """`grader new`: a working exercise in a new folder."""
    from grader.grading import own

    for path in own.write(arguments.name):
        print(f"wrote {sanitize.line(str(path))}")
    print(f"Change it, then try its checks:  {sanitize.command('grader', 'validate', str(arguments.name))}")
    return ExitStatus.PASSED


def validate(arguments: argparse.Namespace) -> ExitStatus:
    """`grader validate`: the reference must pass, the stub and everything in `wrong/` must fail."""
    from grader.grading import own
    from grader.report import words

    shown_wrong: list[str] = []
    mistakes = 0
    for trial in own.validate(arguments.folder):
        mistakes += trial.name.startswith(f"{own.WRONG}/")
        if not trial.as_it_should:
            shown_wrong.append(trial.name)
        grade = trial.grade
        glyph = "✓" if trial.as_it_should else "✗"
        points = f"{words.points(grade.score)}/{words.points(grade.max_score)}"
        wanted = "must pass" if trial.must_pass else "must fail"
        kinds = ", ".join(
            dict.fromkeys(finding.kind.value for check in grade.checks for finding in check.findings)
        )
        name = sanitize.line(trial.name)
        print(
            f"{glyph} {name:30} {wanted}  {points:>9}  {words.tally(grade)}{f'  ({kinds})' if kinds else ''}"
        )
        if trial.why_not:
            print(f"    {sanitize.line(trial.why_not, 200)}")
    folder = arguments.folder
    if not mistakes:
        print(
            f"There is nothing in {sanitize.line(str(folder / own.WRONG))}: put a file there for each mistake."
        )
    if shown_wrong:
        path = str(folder / shown_wrong[0])
        shown = f"{sanitize.command('grader', 'check', path)} --exercise {sanitize.command(str(folder.resolve()))}"
        print(f"See more with:  {shown}")
    return ExitStatus.NOT_PASSED if shown_wrong else ExitStatus.PASSED


def list_exercises(arguments: argparse.Namespace) -> ExitStatus:
    """`grader list`: one line per exercise."""
    from grader.grading import catalogue

    known = catalogue.exercises()
    width = max((len(exercise.name) for exercise in known), default=0)
    for exercise in known:
        print(f"{exercise.name:{width}}  {exercise.title}")
    return ExitStatus.PASSED


def start(arguments: argparse.Namespace) -> ExitStatus:
    """`grader start`: write the stubs of all exercises, or of one, into a folder."""
    from grader.grading import catalogue, starting

    wanted, folder = starting.wanted(catalogue.exercises(), arguments.folder, arguments.exercise)
    kept = False
    for path, written in starting.write_stubs(wanted, folder, arguments.force):
        kept = kept or not written
        shown = sanitize.line(str(path))
        print(f"wrote {shown}" if written else f"kept  {shown}, it was there already")
    if kept:
        print("With --force the files that are there already are overwritten.")
    first = sanitize.command("grader", "check", str(folder / wanted[0].stub.name))
    print(f"Edit a file, then grade it:  {sanitize.line(first)}")
    return ExitStatus.PASSED
