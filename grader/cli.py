"""The command line. Start at `main`; each command is one function here, and its work is done elsewhere.

Exit status: 0 all passed, 1 not, 2 the user's mistake, 3 ours. Everything heavy is imported by the command that
needs it, so that `grader list` answers at once.
"""

import argparse
import errno
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from grader import __version__, cli_batch, cli_own
from grader.cli_arguments import add_grading, count, seconds
from grader.errors import ExitStatus, MachineError, UsageError
from grader.report import sanitize

if TYPE_CHECKING:
    from grader.core.verdict import Grade
    from grader.report.outcome import Outcome

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

_EPILOG = "exit status: 0 all passed, 1 not, 2 wrong usage, 3 the machine or the grader failed"


def main(argv: Sequence[str] | None = None) -> ExitStatus:
    """Run one command and return its exit status."""
    _make_streams_lenient()
    try:
        status = _run(argv)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        _abandon_stdout()
        return ExitStatus.PIPE_CLOSED
    except UsageError as error:
        _complain(str(error))
        return ExitStatus.USAGE
    except MachineError as error:
        _complain(str(error))
        return ExitStatus.INTERNAL
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _NO_ROOM and error.filename is None:
            _abandon_stdout()
            _complain(f"cannot write the report: {error.strerror}; make room, or write to another place")
            return ExitStatus.USAGE
        from grader.report import bug

        if missing := bug.missing_package(error):
            print(f"grader: {missing}", file=sys.stderr)
            return ExitStatus.USAGE
        bug.report(error, sys.stderr)
        return ExitStatus.INTERNAL


def _run(argv: Sequence[str] | None) -> ExitStatus:
    given = list(sys.argv[1:] if argv is None else argv)
    own, program = given, []
    if given[:1] == ["explore"] and "--" in given:
        end = given.index("--")
        own, program = given[:end], given[end + 1 :]
    arguments = build_parser().parse_args(own)
    if program:
        arguments.arguments += program
    command: Callable[[argparse.Namespace], ExitStatus] = arguments.command
    return command(arguments)


def build_parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    parser = _Parser(
        prog="grader",
        description="Grade multiprocessing programs in every order that their processes may run.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"grader {__version__}")
    parser.set_defaults(command=lambda _: _no_command(parser))
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)
    _add_check(commands)
    _add_explore(commands)
    _add_replay(commands)
    cli_batch.add_batch(commands)
    cli_batch.add_report(commands)
    cli_own.add_new(commands)
    cli_own.add_validate(commands)
    cli_own.add_list(commands)
    cli_own.add_start(commands)
    commands.add_parser("sandbox", help="try out how code is closed off").set_defaults(command=sandbox)
    return parser


if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction["_Parser"]


def _add_check(commands: "_Commands") -> None:
    parser = commands.add_parser("check", help="grade submissions", epilog=_EPILOG)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a submission, a Python file")
    parser.add_argument(
        "--exercise",
        metavar="NAME",
        help="the exercise, or the folder of one of your own (default: the file's name without .py)",
    )
    _add_format(parser, "text", "json", "html")
    parser.add_argument("--no-free-runs", action="store_true", help="leave out the runs that nobody controls")
    add_grading(parser, "a secret of yours")
    parser.add_argument("--show-all-steps", action="store_true", help="show long failures from end to end")
    parser.set_defaults(command=check)


def _add_explore(commands: "_Commands") -> None:
    parser = commands.add_parser(
        "explore", help="try out any multiprocessing program in every order that matters", epilog=_EPILOG
    )
    parser.add_argument("script", type=Path, metavar="SCRIPT", help="a Python program")
    parser.add_argument(
        "arguments",
        nargs="*",
        metavar="ARGS",
        help="arguments for the program; those that begin with - after a --",
    )
    _add_format(parser, "text", "json", "html")
    parser.add_argument(
        "--strategy",
        choices=("dpor", "exhaustive", "pct", "random"),
        default="dpor",
        help="how orders are chosen: dpor (default) makes one of each class of equivalent ones",
    )
    parser.add_argument(
        "--max-preemptions", type=count, metavar="N", help="only orders with so few interruptions (bounded)"
    )
    parser.add_argument(
        "--budget", type=seconds, metavar="SECONDS", help="stop after this long (default: 60)"
    )
    parser.add_argument("--executions", type=count, metavar="N", help="stop after so many (default: 10,000)")
    parser.add_argument(
        "--cpu",
        type=seconds,
        metavar="SECONDS",
        help="how long a process may compute without using anything shared (default: as the first execution shows)",
    )
    parser.add_argument("--seed", type=count, metavar="N", help="for the strategies pct and random")
    parser.add_argument("--show-all-steps", action="store_true", help="show long failures from end to end")
    parser.set_defaults(command=explore)


def _add_replay(commands: "_Commands") -> None:
    parser = commands.add_parser("replay", help="show the order behind a failure again", epilog=_EPILOG)
    parser.add_argument("token", metavar="TOKEN", help="the token that a failure was shown with")
    parser.add_argument("file", type=Path, metavar="FILE", help="the submission it was shown for")
    parser.add_argument("--exercise", metavar="FOLDER", help="where an exercise of your own lies")
    _add_format(parser, "text", "html")
    parser.set_defaults(command=replay)


def _add_format(parser: argparse.ArgumentParser, *formats: str) -> None:
    parser.add_argument("--format", choices=formats, default="text", help="what to print (default: text)")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="where the page of --format html goes, a folder for several, - for standard output "
        "(default: where standard output is redirected to, on a terminal to a file named after FILE)",
    )


def _page_files(arguments: argparse.Namespace, files: Sequence[Path]) -> "list[Path | None]":
    """Where the pages go, decided before any work; nowhere if none are asked for."""
    from grader.report import page_files

    if arguments.format == "html":
        return page_files.targets(files, arguments.output, sys.stdout)
    if arguments.output is not None:
        raise UsageError("--output goes with --format html; redirect what is printed to keep it")
    return []


def _write_page(page: str, target: Path | None, summary: str) -> None:
    from grader.report import page_files

    page_files.write(page, target, sys.stdout)
    if target is not None:
        print(sanitize.hanging(f"{summary}: wrote {sanitize.line(str(target))}", sys.stdout))


def check(arguments: argparse.Namespace) -> ExitStatus:
    """`grader check`: grade every file; one that cannot be graded does not lose the grades of the others."""
    from grader.report import json_report, terminal, text, view

    pages = _page_files(arguments, arguments.files)
    if pages:
        return _check_into_pages(arguments, pages)
    outcomes: list[Outcome] = []
    printer = None
    if arguments.format == "text":
        printer = text.Printer(terminal.console(sys.stdout), show_all_steps=arguments.show_all_steps)
    for path in arguments.files:
        outcome = _grade(path, arguments)
        outcomes.append(outcome)
        if printer is not None and outcome.grade is not None:
            printer.grade(view.of_grade(outcome.grade, str(path), _own(arguments)))
    if printer is None:
        json_report.write([json_report.entry(outcome) for outcome in outcomes], sys.stdout)
    elif len(outcomes) > 1:
        printer.table(outcomes)
    return max(outcome.status for outcome in outcomes)


def _check_into_pages(arguments: argparse.Namespace, pages: "list[Path | None]") -> ExitStatus:
    from grader.report import html, view

    status = ExitStatus.PASSED
    for path, target in zip(arguments.files, pages, strict=True):
        outcome = _grade(path, arguments)
        status = max(status, outcome.status)
        if outcome.grade is not None:
            shown = view.of_grade(outcome.grade, str(path), _own(arguments))
            _write_page(html.of_grade(shown), target, f"{shown.submission}: {shown.summary}")
    return status


def _own(arguments: argparse.Namespace) -> str:
    """The folder of an exercise that is not ours, as the user gave it."""
    named: str | None = arguments.exercise
    return named if named is not None and Path(named).is_dir() else ""


def _grade(path: Path, arguments: argparse.Namespace) -> "Outcome":
    from grader.grading import seeds
    from grader.grading.check import CheckOptions, grade_file
    from grader.report import bug
    from grader.report.outcome import Outcome
    from grader.report.progress import ProgressLine

    secret = seeds.of_user() if arguments.seed is None else seeds.from_text(arguments.seed)
    options = CheckOptions(not arguments.no_free_runs, arguments.budget, arguments.unsafe, secret)
    try:
        with ProgressLine(sys.stderr, path.name) as progress:
            grade = grade_file(path, arguments.exercise, options, progress.update)
        return Outcome(str(path), _status(grade), grade)
    except UsageError as error:
        _complain(str(error))
        return Outcome(str(path), ExitStatus.USAGE, error=str(error))
    except MachineError as error:
        _complain(str(error))
        return Outcome(str(path), ExitStatus.INTERNAL, error=str(error))
    except Exception as error:
        if bug.missing_package(error):
            raise
        bug.report(error, sys.stderr)
        return Outcome(str(path), ExitStatus.INTERNAL, error=f"a bug in the grader: {error!r}")


def _status(grade: "Grade") -> ExitStatus:
    from grader.core.verdict import CheckStatus

    if any(check.status is CheckStatus.ERROR for check in grade.checks):
        return ExitStatus.INTERNAL
    return ExitStatus.PASSED if grade.passed else ExitStatus.NOT_PASSED


def explore(arguments: argparse.Namespace) -> ExitStatus:
    """`grader explore`: what a program can come to, in every order that matters."""
    from grader.exploring.explore import Options, explore_script
    from grader.exploring.script import load_script
    from grader.report import json_report, script_json, script_text, script_view, terminal, text
    from grader.report.progress import ProgressLine

    given = {
        "strategy": arguments.strategy,
        "preemptions": arguments.max_preemptions,
        "executions": arguments.executions,
        "seconds": arguments.budget,
        "seed": arguments.seed,
        "cpu": arguments.cpu,
    }
    options = Options(**{name: value for name, value in given.items() if value is not None})
    pages = _page_files(arguments, [arguments.script])
    script = load_script(arguments.script, arguments.arguments)
    with ProgressLine(sys.stderr, arguments.script.name) as progress:
        report = explore_script(script, options, lambda now: progress.orders(now.executions, now.left))
    path = str(arguments.script)
    if pages:
        from grader.report import html

        shown = script_view.of_report(report, path)
        _write_page(html.of_script(shown), pages[0], f"{shown.script}: {shown.summary}")
    elif arguments.format == "json":
        json_report.write([script_json.of_report(report, path)], sys.stdout)
    else:
        printer = text.Printer(terminal.console(sys.stdout), show_all_steps=arguments.show_all_steps)
        script_text.print_report(printer, script_view.of_report(report, path))
    return ExitStatus.PASSED if report.passed else ExitStatus.NOT_PASSED


def replay(arguments: argparse.Namespace) -> ExitStatus:
    """`grader replay`: run the order behind a token once more, and show all of it."""
    from grader.exploring.replay import replay as run
    from grader.report import terminal, text

    pages = _page_files(arguments, [arguments.file])
    seen = run(arguments.token, arguments.file, arguments.exercise)
    path = str(arguments.file)
    if pages:
        from grader.report import html

        _write_page(html.of_replay(seen, path), pages[0], sanitize.line(path))
    else:
        text.Printer(terminal.console(sys.stdout), show_all_steps=True).replay(seen, path)
    return ExitStatus.PASSED if seen.finding is None else ExitStatus.NOT_PASSED


def sandbox(arguments: argparse.Namespace) -> ExitStatus:
    """`grader sandbox`: the level of isolation, and the attacks that it stops."""
    from grader.report import sandbox_text
    from grader.runtime.sandbox import selftest

    tried = selftest.run()
    print(*sandbox_text.lines(tried), sep="\n")
    return ExitStatus.PASSED if tried.passed else ExitStatus.NOT_PASSED


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        super().error(sanitize.line(message))


def _no_command(parser: argparse.ArgumentParser) -> ExitStatus:
    parser.print_help(sys.stderr)
    return ExitStatus.USAGE


def _complain(message: str) -> None:
    sys.stdout.flush()
    print(sanitize.hanging(f"grader: {sanitize.line(message, limit=500)}", sys.stderr), file=sys.stderr)


def _make_streams_lenient() -> None:
    """Let no character that a terminal cannot show end a report, nor a stream that is closed."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (stays open to the end)
        reconfigure = getattr(getattr(sys, name), "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _abandon_stdout() -> None:
    """Nobody reads our output any more (`| head`), or there is no room for it: make no further attempt."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)
