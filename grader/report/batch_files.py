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
from grader.errors import UsageError
from grader.grading import catalogue
from grader.report import html, json_report, overview, overview_html, sanitize, sheet, sheet_formats, view
from grader.report.outcome import Outcome
from grader.report.sheet import Line, Sheet

PAGES = "submissions"
_MARKS = ".pages"
_OLD_SECONDS = 3600.0
_PASSED, _NOT_PASSED, _INTERNAL = 0, 1, 3


@dataclass(frozen=True, slots=True)
class Written:
    """The page to begin with, and the exit status that the grades make."""

    index: Path
    status: int


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
    _replace(index, overview_html.page(shown, passed=status == _PASSED, more_leftovers=more).encode("utf-8"))
    return Written(index, status)


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
    told = repr((versions.reports(), line.handed, line.problem, result))
    return hashlib.sha256(told.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _stubs() -> set[str]:
    return {hashlib.sha256(exercise.stub.read_bytes()).hexdigest() for exercise in catalogue.exercises()}


def _status(found: Sheet) -> int:
    verdicts = {line.verdict for line in found.lines}
    if Verdict.ERROR in verdicts:
        return _INTERNAL
    everyone = not any(line.absent for line in found.students)
    return _PASSED if verdicts == {Verdict.PASSED} and everyone else _NOT_PASSED


def _page(line: Line, result: Result | None) -> str:
    """The page for the student."""
    who = ", ".join(sanitize.line(student.name) for student in line.handed.students)
    grade = sheet.grade_of(result)
    if grade is not None:
        return html.of_grade(view.of_grade(grade, line.handed.filename), lead=(who,))
    verdict = line.problem or "not graded yet"
    status = CheckStatus.FAILED if line.verdict is Verdict.UNREADABLE else CheckStatus.ERROR
    lead = (who, f"exercise {line.handed.exercise}")
    return html.page(sanitize.line(line.handed.filename), [], lead=lead, verdict=verdict, status=status)


def _entry(line: Line, result: Result | None) -> dict[str, Any]:
    outcome = Outcome(line.handed.filename, 0, sheet.grade_of(result), line.problem or "not graded yet")
    entry = json_report.entry(outcome)
    return {**entry, "submission": line.handed.filename, "students": [s.name for s in line.handed.students]}


def json_bytes(document: Mapping[str, Any]) -> bytes:
    """A JSON document as a file."""
    text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
    return (sanitize.escape_hidden(sanitize.json_text(text)) + "\n").encode("utf-8")


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
        if path.name in known or not html.is_ours(path):
            continue
        for old in (path, path.with_suffix(".json")):
            with suppress(OSError):
                old.unlink()
