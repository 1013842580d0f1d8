"""The grade sheet as CSV, as JSON (`grader/grades/v1`) and as JUnit XML. Start at `csv_text`, `document`, `junit`."""

import csv
import io
import re
from typing import Any
from xml.etree import ElementTree

from grader import __version__
from grader.batch.model import Student, Verdict
from grader.core.verdict import CheckStatus
from grader.report import sanitize, words
from grader.report.json_report import rounded
from grader.report.sheet import NOT_GRADED, CheckLine, Line, Sheet, StudentLine

SCHEMA = "grader/grades/v1"
# Spreadsheets take the wide forms, too; where lists are separated by semicolons, a cell may begin after each.
_FORMULA = re.compile(r"\s*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_AFTER_SEMICOLON = re.compile(r"(;[\s\"']*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
_NOT_HANDED_IN = "not handed in"


def csv_text(sheet: Sheet) -> str:
    """One row for each student: who, the points and the verdict for each exercise, the total."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\r\n")
    heads = ["student", "sid", "email", "username"]
    for exercise in sheet.exercises:
        heads += [exercise, f"{exercise} verdict"]
    writer.writerow(map(cell, [*heads, "score", "max_score", "remarks"]))
    for line in sheet.students:
        writer.writerow(map(cell, _row(sheet, line)))
    return stream.getvalue()


def cell(text: str) -> str:
    """`text` such that no spreadsheet takes it for a formula."""
    harmless = _AFTER_SEMICOLON.sub(r"\1'", sanitize.line(text))
    return f"'{harmless}" if _FORMULA.match(text) or _FORMULA.match(harmless) else harmless


def _row(sheet: Sheet, line: StudentLine) -> list[str]:
    student = line.student
    row = [student.name, student.sid, student.email, student.username]
    for exercise in sheet.exercises:
        handed = line.lines.get(exercise)
        row += [words.points(handed.score), _verdict(handed)] if handed else ["0", _NOT_HANDED_IN]
    return [*row, words.points(line.score), words.points(sheet.max_score), "; ".join(_remarks(line))]


def _verdict(line: Line) -> str:
    return line.verdict.value if line.verdict is not None else NOT_GRADED


def _remarks(line: StudentLine) -> list[str]:
    remarks = [_NOT_HANDED_IN] if line.absent else []
    remarks += [
        f"{other.handed.exercise} twice: {other.handed.shown} ({words.points(other.score)}) does not count"
        for other in line.besides
    ]
    for exercise, handed in line.lines.items():
        remarks += [f"{exercise} late"] if handed.handed.late else []
        remarks += [f"{exercise}: {handed.problem}"] if handed.problem else []
        if handed.was is not None and handed.score < handed.was:
            remarks.append(f"{exercise} was {words.points(handed.was)}")
        remarks += [f"{exercise} graded by {handed.graded_by}"] if handed.graded_by else []
    return remarks


def document(sheet: Sheet) -> dict[str, Any]:
    """The sheet as `grader/grades/v1`."""
    return {
        "schema": SCHEMA,
        "exercises": [
            {"name": name, "max_score": rounded(points)} for name, points in sheet.exercises.items()
        ],
        "verdicts": {verdict.value: number for verdict, number in sheet.counts.items()},
        "students": [
            {
                **_student(line.student),
                "score": rounded(line.score),
                "max_score": rounded(sheet.max_score),
                "submissions": [
                    *(_submission(handed) for handed in line.lines.values()),
                    *({**_submission(handed), "counts": False} for handed in line.besides),
                ],
            }
            for line in sheet.students
        ],
        "not_on_roster": [_student(student) for student in sheet.strangers],
        "not_graded": [{"path": over.path, "why": over.why} for over in sheet.leftovers],
        "grader_version": __version__,
    }


def _student(student: Student) -> dict[str, str]:
    return {
        "student": student.name,
        "sid": student.sid,
        "email": student.email,
        "username": student.username,
    }


def _submission(line: Line) -> dict[str, Any]:
    return {
        "exercise": line.handed.exercise,
        "file": line.handed.shown,
        "sha256": line.handed.sha256,
        "verdict": _verdict(line),
        "score": rounded(line.score),
        "max_score": rounded(line.max_score),
        "seconds": rounded(line.seconds),
        "late": line.handed.late,
        "group": [student.name for student in line.handed.students[1:] and line.handed.students],
        "checks": {check.name: check.status.value for check in line.checks},
        "report": f"submissions/{line.page}.json",
        **({"problem": line.problem} if line.problem else {}),
        **({"previous_score": rounded(line.was)} if line.was is not None else {}),
        **({} if line.current else {"outdated": True}),
        **({"graded_by": line.graded_by} if line.graded_by else {}),
    }


def junit(sheet: Sheet) -> bytes:
    """The sheet as JUnit XML: a suite for each submission, a case for each check."""
    root = ElementTree.Element("testsuites", _attributes(name="grader"))
    for line in sheet.lines:
        who = ", ".join(student.name for student in line.handed.students)
        suite = ElementTree.SubElement(root, "testsuite")
        cases = [_case(suite, check, line) for check in line.checks]
        if not line.checks:
            cases.append(_problem(suite, line))
        suite.attrib.update(
            _attributes(
                name=f"{who}: {line.handed.exercise}",
                tests=str(len(cases)),
                failures=str(sum(case == "failure" for case in cases)),
                errors=str(sum(case == "error" for case in cases)),
                skipped=str(sum(case == "skipped" for case in cases)),
                time=f"{line.seconds:.3f}",
                file=line.handed.shown,
            )
        )
    for name in ("tests", "failures", "errors"):  # Jenkins' schema has no more of them here
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _case(suite: ElementTree.Element, check: CheckLine, line: Line) -> str:
    """Add a check; how it came off, as JUnit has it."""
    name = f"{line.handed.exercise}.{check.function or check.name}"
    case = ElementTree.SubElement(suite, "testcase", _attributes(name=check.title, classname=name, time="0"))
    if check.status is CheckStatus.PASSED:
        return "passed"
    if check.status is CheckStatus.SKIPPED:
        ElementTree.SubElement(case, "skipped", _attributes(message=check.reason))
        return "skipped"
    tag = "failure" if check.status is CheckStatus.FAILED else "error"
    mistakes = check.mistakes
    kind = mistakes[0].kind if mistakes else check.status.value
    message = mistakes[0].message if mistakes else check.reason
    body = ElementTree.SubElement(case, tag, _attributes(type=kind, message=message))
    body.text = "\n".join(sanitize.line(text) for one in mistakes for text in (one.message, one.help) if text)
    return tag


def _problem(suite: ElementTree.Element, line: Line) -> str:
    """A case for a submission without any check."""
    exercise = line.handed.exercise
    case = ElementTree.SubElement(
        suite, "testcase", _attributes(name="is graded", classname=exercise, time="0")
    )
    tag = {None: "skipped", Verdict.UNREADABLE: "failure"}.get(line.verdict, "error")
    ElementTree.SubElement(case, tag, _attributes(message=line.problem or _verdict(line)))
    return tag


def _attributes(**attributes: str) -> dict[str, str]:
    return {name: sanitize.line(text) for name, text in attributes.items()}
