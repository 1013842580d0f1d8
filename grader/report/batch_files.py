"""Writes everything that there is to read about a grade book, beside it. Start at `write`.

Every file is replaced as a whole, so whoever reads one meanwhile sees the old or the new one.
"""

import hashlib
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from grader.batch import versions
from grader.batch.book import Book
from grader.batch.model import Result, Verdict
from grader.core.verdict import CheckStatus
from grader.errors import ExitStatus, UsageError
from grader.grading import catalogue
from grader.report import (
    html,
    json_report,
    overview,
    overview_html,
    page_files,
    sanitize,
    sheet,
    sheet_formats,
    view,
)
from grader.report.sheet import Line, Sheet

PAGES = "submissions"
_MARKS = ".pages"
_OLD_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Written:
    """The page to begin with, the exit status that the grades make, and which other graders have given some."""

    index: Path
    status: ExitStatus
    graded_by: tuple[str, ...] = ()


def write(folder: Path, *, anew: bool = True) -> Written:
    """Write all reports on the grade book in `folder`; unless `anew`, no page again that says the same as before.

    Raises:
        UsageError: there is no book, or no room.
    """
    with Book(folder, create=False) as book:
        pages = folder / PAGES
        _make(pages)
        before = _take_marks(folder)
        marks: dict[str, str] = {}

        def one(line: Line, result: Result | None) -> None:
            marks[line.page] = mark = _mark(line, result)
            same = before.get(line.page) == mark and not anew
            if same and all((pages / f"{line.page}{suffix}").exists() for suffix in (".html", ".json")):
                return
            _replace(pages / f"{line.page}.html", _page(line, result).encode("utf-8"))
            _replace(pages / f"{line.page}.json", json_bytes(_entry(line, result)))

        found = sheet.read(book, one)
    _remove_others(pages, {f"{name}.html" for name in marks})
    _replace(folder / _MARKS, json.dumps(marks).encode())
    _replace(folder / "grades.csv", sheet_formats.csv_text(found).encode("utf-8"))
    _replace(folder / "grades.json", json_bytes(sheet_formats.document(found)))
    _replace(folder / "junit.xml", sheet_formats.junit(found))
    index = folder / "index.html"
    shown = overview.of_sheet(found, _stubs())
    more = len(found.leftovers) - len(shown.leftovers)
    status = _status(found)
    _replace(
        index,
        overview_html.page(shown, passed=status is ExitStatus.PASSED, more_leftovers=more).encode("utf-8"),
    )
    return Written(index, status, shown.graded_by)


def _take_marks(folder: Path) -> dict[str, str]:
    """What the pages were made of when all of them had been written; forgotten until they are once more."""
    path = folder / _MARKS
    try:
        marks = msgspec.json.decode(path.read_bytes(), type=dict[str, str])
        path.unlink()
    except (OSError, msgspec.DecodeError):
        return {}
    return marks


def _mark(line: Line, result: Result | None) -> str:
    """Changes whenever the page of a submission does."""
    told = repr((versions.reports(), line.handed, line.problem, line.graded_by, result))
    return hashlib.sha256(told.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _stubs() -> set[str]:
    return {hashlib.sha256(exercise.stub.read_bytes()).hexdigest() for exercise in catalogue.exercises()}


def _status(found: Sheet) -> ExitStatus:
    verdicts = {line.verdict for line in found.lines}
    if Verdict.ERROR in verdicts or found.damaged:
        return ExitStatus.INTERNAL
    everyone = not any(line.absent for line in found.students)
    return ExitStatus.PASSED if verdicts == {Verdict.PASSED} and everyone else ExitStatus.NOT_PASSED


def _page(line: Line, result: Result | None) -> str:
    """The page for the student."""
    who = ", ".join(sanitize.line(student.name) for student in line.handed.students)
    by = (f"graded by {line.graded_by}",) if line.graded_by else ()
    grade = sheet.grade_of(result)
    if grade is not None:
        return html.of_grade(view.of_grade(grade, line.handed.filename), lead=(who, *by))
    verdict = line.problem or sheet.NOT_GRADED
    status = CheckStatus.FAILED if line.verdict is Verdict.UNREADABLE else CheckStatus.ERROR
    lead = (who, *by, f"exercise {line.handed.exercise}")
    return html.page(sanitize.line(line.handed.filename), [], lead=lead, verdict=verdict, status=status)


def _entry(line: Line, result: Result | None) -> dict[str, Any]:
    grade, filename = sheet.grade_of(result), line.handed.filename
    entry = (
        json_report.of_grade(grade, filename)
        if grade is not None
        else json_report.of_error(filename, line.problem or sheet.NOT_GRADED)
    )
    return {
        **entry,
        "submission": filename,
        "students": [student.name for student in line.handed.students],
        **json_report.if_any(graded_by=line.graded_by),
    }


def json_bytes(document: Mapping[str, Any]) -> bytes:
    """A JSON document as a file."""
    return json_report.text_of(document).encode("utf-8")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder {folder}: {error.strerror}") from None


def _replace(path: Path, data: bytes) -> None:
    scratch = path.with_name(f".{path.name[:150]}.{os.getpid()}")
    try:
        scratch.write_bytes(data)
        scratch.replace(path)
    except OSError as error:
        with suppress(OSError):
            scratch.unlink()
        raise UsageError(
            f"cannot write {path}: {error.strerror}; make room, then `grader report` writes the reports again"
        ) from None


def _remove_others(folder: Path, known: set[str]) -> None:
    """Pages of ours about what is not in the book any more, and what a batch that was killed has left half written."""
    for path in folder.glob(".*.*.*"):
        with suppress(OSError):
            half = path.suffix[1:].isdecimal() and path.with_suffix("").suffix in (".html", ".json")
            if half and time.time() - path.stat().st_mtime > _OLD_SECONDS:
                path.unlink()
    for path in folder.glob("*.html"):
        if path.name in known or not page_files.is_ours(path):
            continue
        for old in (path, path.with_suffix(".json")):
            with suppress(OSError):
                old.unlink()
