"""The grade sheet: one short line for each submission of a book, whatever the format. Start at `Sheet`.

Whole grades are large, and there may be thousands: `read` looks at one at a time and keeps a `Line` of it.
"""

import dataclasses
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from grader.batch import versions
from grader.batch.book import Book, Entry
from grader.batch.model import Handed, Leftover, Result, Roll, Student, Verdict
from grader.batch.run import key_of
from grader.core.verdict import CheckResult, CheckStatus, EvidenceLevel, Finding, Grade
from grader.report import sanitize, words

_MESSAGE_LIMIT = 300
_SLUG_LIMIT = 60
_SLUG_BYTES = 120
NOT_GRADED = "not graded yet"
_DAMAGED = "its record in the grade book is damaged; a batch over it writes a new one"


@dataclass(frozen=True, slots=True)
class Mistake:
    """What a finding has in common with those of others. `shape` is the witness without its names and numbers."""

    kind: str
    help: str
    shape: str
    message: str


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One check of one submission; `evidence` are the levels that its pass rests on."""

    name: str
    title: str
    function: str
    status: CheckStatus
    score: float
    max_score: float
    evidence: tuple[EvidenceLevel, ...]
    mistakes: tuple[Mistake, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Line:
    """One submission. `page` is the name of its files without a suffix.

    `verdict` is None while it has no result; `was` and `current` are those of the book's `Entry`, `unprotected` says
    what it could have reached. `graded_by` is the grader that has given the grade, if that is not the one that runs.
    `remarks` are for the instructor only.
    """

    handed: Handed
    page: str
    verdict: Verdict | None
    score: float = 0.0
    max_score: float = 0.0
    seconds: float = 0.0
    checks: tuple[CheckLine, ...] = ()
    problem: str = ""
    was: float | None = None
    current: bool = True
    unprotected: str = ""
    graded_by: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StudentLine:
    """One student, with what they have handed in, by exercise.

    `absent` has nothing that can be graded. `besides` are further submissions for the same exercises, by one who is
    in several groups, say; the best one counts.
    """

    student: Student
    lines: dict[str, Line]
    absent: bool = False
    besides: list[Line] = field(default_factory=list)

    @property
    def score(self) -> float:
        """The total of all exercises."""
        return sum(line.score for line in self.lines.values())


@dataclass(slots=True)
class Sheet:
    """Everything that the reports on a whole batch are made of. `exercises` maps each to the points there are.

    Of the folders in `damaged` nothing is known any more.
    """

    folders: tuple[str, ...]
    lines: list[Line] = field(default_factory=list)
    students: list[StudentLine] = field(default_factory=list)
    exercises: dict[str, float] = field(default_factory=dict)
    leftovers: list[Leftover] = field(default_factory=list)
    strangers: list[Student] = field(default_factory=list)
    damaged: tuple[str, ...] = ()

    @property
    def max_score(self) -> float:
        """The points of all exercises."""
        return sum(self.exercises.values())

    @property
    def counts(self) -> dict[Verdict, int]:
        """How many submissions came off how."""
        return {verdict: sum(line.verdict is verdict for line in self.lines) for verdict in Verdict}


def read(book: Book, seen: Callable[[Line, Result | None], None] = lambda line, result: None) -> Sheet:
    """The sheet of a grade book. `seen` is called with each line and the whole result that it stands for.

    Raises:
        UsageError: the book cannot be read.
    """
    rolls = book.rolls()
    sheet = Sheet(tuple(roll.folder for roll in rolls), damaged=book.damaged_rolls())
    sheet.leftovers += [Leftover(folder, _DAMAGED) for folder in sheet.damaged]
    current: dict[tuple[str, ...], tuple[Roll, Handed]] = {}
    for roll in rolls:
        for handed in roll.found.handed:
            current[handed.whose] = roll, handed
        sheet.leftovers += roll.found.leftovers
        sheet.strangers += roll.strangers
    pages: set[str] = set()
    for roll, handed in sorted(current.values(), key=lambda pair: _order(pair[1])):
        entry = book.entry(key_of(roll, handed))
        page = _page(handed, pages)
        result = entry.result if entry is not None else None
        line = _line(handed, page, entry)
        sheet.lines.append(line)
        seen(line, result)
    for line in sheet.lines:
        best = sheet.exercises.get(line.handed.exercise, 0.0)
        sheet.exercises[line.handed.exercise] = max(best, line.max_score)
    sheet.exercises = dict(sorted(sheet.exercises.items()))
    sheet.students = _students(sheet.lines, rolls)
    return sheet


def _order(handed: Handed) -> tuple[str, str, str]:
    return handed.students[0].name.casefold(), handed.exercise, handed.shown


def _page(handed: Handed, taken: set[str]) -> str:
    """A name for the files about a submission, harmless everywhere, and nobody else's."""
    names = "+".join(student.name for student in handed.students[:3])
    plain = unicodedata.normalize("NFKC", f"{names}-{handed.exercise}")
    slug = re.sub(r"[^\w+-]+", "_", plain)[:_SLUG_LIMIT]
    slug = slug.encode("utf-8")[:_SLUG_BYTES].decode("utf-8", "ignore").strip("_+-") or "submission"
    name, number = slug, 1
    while name.casefold() in taken:
        number += 1
        name = f"{slug}-{number}"
    taken.add(name.casefold())
    return name


def _line(handed: Handed, page: str, entry: Entry | None) -> Line:
    if entry is None:
        return Line(handed, page, None)
    result, grade = entry.result, entry.result.grade
    line = Line(
        handed,
        page,
        result.verdict,
        was=entry.was,
        current=entry.current,
        graded_by=sanitize.line(versions.other(entry.grader)),
    )
    if grade is None:
        return dataclasses.replace(line, problem=sanitize.line(result.problem))
    return dataclasses.replace(
        line,
        score=grade.score,
        max_score=grade.max_score,
        seconds=grade.seconds,
        checks=tuple(_check(check) for check in grade.checks),
        unprotected=words.unprotected(grade),
        remarks=words.for_the_instructor(grade),
    )


def _check(check: CheckResult) -> CheckLine:
    return CheckLine(
        check.name,
        sanitize.line(check.title or check.name),
        sanitize.line(check.function),
        check.status,
        check.score,
        check.max_score,
        tuple(entry.level for entry in check.evidence),
        tuple(_mistake(finding) for finding in check.findings),
        sanitize.line(check.reason),
    )


def _mistake(finding: Finding) -> Mistake:
    message = sanitize.line(" ".join(finding.message.split()), _MESSAGE_LIMIT)
    return Mistake(finding.kind.value, sanitize.line(finding.help), _shape(finding), message)


def _shape(finding: Finding) -> str:
    """What the processes did that clashed, and what they waited for, with processes named as they appear."""
    names: dict[str, str] = {}
    parts = []
    for step in finding.steps:
        if step.executed and not step.conflict:
            continue
        who = names.setdefault(step.task, f"{len(names) + 1}")
        parts.append(f"{who} {step.operation}{'' if step.executed else ' waits'}")
    return sanitize.line(", ".join(parts[:12]))


def _students(lines: Iterable[Line], rolls: Sequence[Roll]) -> list[StudentLine]:
    found: dict[str, StudentLine] = {}
    for line in lines:
        for student in line.handed.students:
            _add(found.setdefault(student.key, StudentLine(student, {})), line)
    for roll in rolls:
        for student in roll.found.without:
            found.setdefault(student.key, StudentLine(student, {}, absent=True))
    for student in _absent(rolls):
        found[f"absent:{student.key}"] = StudentLine(student, {}, absent=True)
    return sorted(found.values(), key=lambda one: (one.student.name.casefold(), one.student.key))


def _add(student: StudentLine, line: Line) -> None:
    """Add a submission; of two for one exercise the better one counts."""
    other = student.lines.get(line.handed.exercise)
    best = line if other is None or line.score > other.score else other
    student.lines[line.handed.exercise] = best
    if other is not None:
        student.besides.append(other if best is line else line)


def _absent(rolls: Sequence[Roll]) -> list[Student]:
    """Who handed in nothing to any of the folders that were compared with a roster on which they are."""

    def plain(students: Iterable[Student]) -> list[Student]:
        return [replace(student, key="") for student in students]

    absent = [student for roll in rolls for student in plain(roll.absent)]
    present = {student for roll in rolls for student in {*plain(roll.roster)} - {*plain(roll.absent)}}
    found = dict.fromkeys(student for student in absent if student not in present)
    return [replace(student, key=f"{number}") for number, student in enumerate(found)]


def grade_of(result: Result | None) -> Grade | None:
    """The grade of a result, if there is one."""
    return result.grade if result is not None else None
