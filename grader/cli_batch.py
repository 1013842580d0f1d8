"""The commands `grader batch` and `grader report`. Start at `batch`; the work is done in `grader.batch`."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.cli_arguments import add_grading
from grader.errors import ExitStatus
from grader.report import sanitize

if TYPE_CHECKING:
    from grader.batch.run import Ended
    from grader.report.batch_files import Written

_MOST_JOBS = 512
_EPILOG = "exit status: 0 all passed, 1 not, 2 wrong usage, 3 the machine or the grader failed, 130 stopped with Ctrl-C"


def _jobs(text: str) -> int:
    number = int(text) if text.isascii() and text.isdecimal() else 0
    if not 0 < number <= _MOST_JOBS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {_MOST_JOBS}")
    return number


def add_batch(commands: Any) -> None:
    """The grammar of `grader batch`."""
    parser = commands.add_parser(
        "batch", help="grade a whole folder of submissions, or go on where that stopped", epilog=_EPILOG
    )
    parser.add_argument(
        "folder",
        type=Path,
        metavar="FOLDER",
        help="files, a folder for each student, or an export of Gradescope, Canvas, Moodle or GitHub Classroom",
    )
    parser.add_argument(
        "--output", type=Path, required=True, metavar="GRADES", help="where the grade book and the reports go"
    )
    parser.add_argument(
        "--exercise",
        metavar="NAME",
        help="the one exercise they are for, or the folder of one of your own (default: names of files tell)",
    )
    parser.add_argument("--roster", type=Path, metavar="CSV", help="the list of the class")
    parser.add_argument("--jobs", type=_jobs, metavar="N", help="so many at once (default: one a core)")
    parser.add_argument(
        "--free-runs",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="whether to make the runs that nobody controls (default: yes, or as the last time)",
    )
    add_grading(parser, "the book's secret")
    parser.set_defaults(command=batch)


def add_report(commands: Any) -> None:
    """The grammar of `grader report`."""
    parser = commands.add_parser(
        "report", help="write the reports of a grade book again; grades nothing", epilog=_EPILOG
    )
    parser.add_argument("grades", type=Path, metavar="GRADES", help="the folder that `grader batch` wrote")
    parser.set_defaults(command=report)


def batch(arguments: argparse.Namespace) -> ExitStatus:
    """`grader batch`: grade what the grade book in the output folder does not have yet, and write the reports."""
    from grader.batch.run import Wishes, run
    from grader.report import batch_files
    from grader.report.batch_progress import BatchLine

    wishes = Wishes(
        exercise=arguments.exercise,
        roster=arguments.roster,
        free_runs=arguments.free_runs,
        executions=arguments.budget,
        seed=arguments.seed,
        unsafe=arguments.unsafe,
        jobs=arguments.jobs,
    )
    with BatchLine(sys.stderr) as line:
        ended = run(arguments.folder, arguments.output, wishes, line.update)
    _tell(ended)
    if ended.stopped:
        print("Stopped. What is graded is kept, and the same command goes on.", file=sys.stderr)
        return ExitStatus.INTERRUPTED
    return _written(batch_files.write(arguments.output, anew=False))


def report(arguments: argparse.Namespace) -> ExitStatus:
    """`grader report`: write everything again from the grade book."""
    from grader.report import batch_files

    return _written(batch_files.write(arguments.grades))


def _written(written: "Written") -> ExitStatus:
    for text in written.graded_by:
        print(sanitize.hanging(text, sys.stdout))
    print(f"wrote {sanitize.line(str(written.index))}")
    return written.status


def _tell(ended: "Ended") -> None:
    from grader.report import batch_progress

    for text in batch_progress.summary(ended):
        print(sanitize.hanging(text, sys.stdout))
