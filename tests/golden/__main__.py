"""`python -m tests.golden`: where does the grader say something else than its golden records? Start at `main`.

    python -m tests.golden -j 2                       # everything, on two cores
    python -m tests.golden 'counter/wrong/*' litmus   # some of it: patterns, folders or names
    python -m tests.golden --update 'any/*'           # write what the grader says now

Each difference is shown as a unified diff (-: the record, +: now). The exit status is 0 if there is none, 1 if there
is, 2 for wrong usage.
"""

import argparse
import difflib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from grader.errors import UsageError
from tests.golden import corpus, litmus, reports
from tests.golden.files import FOLDER, PYTHON, Book, Record, lines_of
from tests.golden.record import SubmissionRecord

_EVERY = 25


def main(argv: Sequence[str] | None = None) -> int:
    """Compare or update; the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        return _run(arguments)
    except UsageError as error:
        print(f"golden: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.golden", description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="PATTERN", help="only these records (default: all)")
    parser.add_argument("-j", "--jobs", type=int, default=1, help="submissions at a time (default: 1)")
    parser.add_argument("--update", action="store_true", help="write the records anew")
    parser.add_argument("--force", action="store_true", help="whatever the version of Python is")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the records lie")
    return parser


def _run(arguments: argparse.Namespace) -> int:
    if sys.version_info[:2] != PYTHON and not arguments.force:
        wanted = ".".join(map(str, PYTHON))
        raise UsageError(
            f"the records are for Python {wanted}; messages differ in others (--force: do it anyway)"
        )
    if arguments.jobs < 1:
        raise UsageError("--jobs takes a number from 1 on")
    os.environ["NO_COLOR"] = "1"
    book = Book(arguments.folder)
    wanted_names = _chosen({*known(), *book.records}, arguments.names)
    differing = 0
    now: dict[str, Record | None] = {}
    try:
        for made in _shown(made_now(wanted_names, arguments.jobs), len(wanted_names)):
            now.update(made)
            for name, record in made.items():
                differing += _compare(name, book.records.get(name), record, in_full=not arguments.update)
    finally:
        if arguments.update:
            book.update(now)
    print(f"{differing} of {len(wanted_names)} records differ" + (", updated" if arguments.update else ""))
    return 1 if differing and not arguments.update else 0


def known() -> list[str]:
    """The names of all records that there should be."""
    submissions = corpus.submissions()
    extra = [name for submission in submissions for name in reports.names_of(submission)]
    return [*submissions, *litmus.PROGRAMS, *extra, *reports.MAKERS]


def _chosen(names: set[str], patterns: Sequence[str]) -> list[str]:
    """The names that a pattern, the name itself, its last part or a folder of it fits.

    Raises:
        UsageError: a pattern fits none.
    """
    fitting = {pattern: {name for name in names if _fits(name, pattern)} for pattern in patterns}
    for pattern, found in fitting.items():
        if not found:
            raise UsageError(f"no record is called {pattern}")
    return sorted(set().union(*fitting.values()) if patterns else names)


def _fits(name: str, pattern: str) -> bool:
    last = name.rpartition("/")[2]
    alike = pattern in (last, last.rpartition(".")[0]) or name.startswith(f"{pattern.rstrip('/')}/")
    return alike or fnmatchcase(name, pattern)


def made_now(names: Sequence[str], jobs: int) -> Iterator[Mapping[str, Record | None]]:
    """What the records would be now, as they are finished; None for what is not there any more."""
    wanted, submissions = set(names), corpus.submissions()
    for name in names:
        if name in litmus.PROGRAMS:
            yield {name: litmus.PROGRAMS[name]()}
    made: set[str] = set()
    for name in names:
        if name in reports.MAKERS and name not in made:
            both = _program(name)
            made |= both.keys()
            yield {one: report for one, report in both.items() if one in wanted}
    graded = [one for one in submissions if wanted & {one, *reports.names_of(one)}]
    for one in corpus.graded(graded, jobs):
        found: dict[str, Record | None] = {one.name: one.record}
        if one.grade is not None:
            found.update(reports.of_grade(one.name, one.grade))
        yield {name: record for name, record in found.items() if name in wanted}
    there = set(known())
    yield {name: None for name in names if name not in there}


def _program(name: str) -> Mapping[str, str]:
    try:
        return reports.MAKERS[name]()
    except Exception as error:  # a program that cannot be explored must not cost the others their records
        return {name: f"not explored: {error!r}\n"}


def _shown(made: Iterator[Mapping[str, Record | None]], total: int) -> Iterator[Mapping[str, Record | None]]:
    """The same, with the progress on standard error."""
    done = 0
    for one in made:
        before, done = done, done + len(one)
        yield one
        if before // _EVERY != done // _EVERY:
            print(f"{done} of {total}", file=sys.stderr, flush=True)


def _compare(name: str, old: Record | None, new: Record | None, *, in_full: bool) -> bool:
    """Print the difference, if there is one, or only what it comes to."""
    before, after = lines_of(old), lines_of(new)
    if before == after:
        return False
    print(f"== {name}{_in_short(old, new)}")
    shown = list(difflib.unified_diff(before, after, "record", "now", n=2, lineterm=""))[2:]
    print("".join(f"{line}\n" for line in shown if in_full), flush=True, end="\n" if in_full else "")
    return True


def _in_short(old: Record | None, new: Record | None) -> str:
    """What the difference comes to."""
    if old is None or new is None:
        return ": new" if old is None else ": gone"
    if not isinstance(old, SubmissionRecord) or not isinstance(new, SubmissionRecord):
        return ""
    changes = []
    if old.score != new.score:
        changes.append(f"points {old.score or 0} -> {new.score or 0}")
    kinds = [sorted({finding.kind for finding in record.findings}) for record in (old, new)]
    if kinds[0] != kinds[1]:
        changes.append(f"kinds {', '.join(kinds[0]) or 'none'} -> {', '.join(kinds[1]) or 'none'}")
    return f": {'; '.join(changes) or 'same points, same kinds'}"


if __name__ == "__main__":
    sys.exit(main())
