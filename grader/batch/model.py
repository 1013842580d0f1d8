"""What a batch knows besides grades: who handed in what, and what could not be made sense of. Start at `Roll`."""

import enum
from collections.abc import Mapping

import msgspec

from grader.core.verdict import CheckStatus, Grade


class Student(msgspec.Struct, frozen=True, omit_defaults=True):
    """One person. `key` tells students of a batch apart; whatever else the export says may be empty."""

    key: str
    name: str
    sid: str = ""
    email: str = ""
    username: str = ""


class Handed(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file for one exercise. Several `students` are a group.

    `path` is where it lies now, `shown` its name in the folder of the batch, `filename` what its author calls it.
    """

    students: tuple[Student, ...]
    exercise: str
    path: str
    shown: str
    filename: str
    sha256: str = ""
    late: bool = False

    @property
    def whose(self) -> tuple[str, ...]:
        """The exercise and the students: what a later file takes the place of."""
        return (self.exercise, *sorted(student.key for student in self.students))


class Leftover(msgspec.Struct, frozen=True):
    """Something in the folder that is not graded, and why, in a few words."""

    path: str
    why: str


class Found(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a folder holds. `without` are students that it names, and for whom there is nothing to be graded."""

    handed: tuple[Handed, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    without: tuple[Student, ...] = ()


class Roll(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the last batch over one folder has found, and what the roster says to that.

    `absent` are students of the roster who handed in nothing, `strangers` those that handed in and are not on it. The
    rest is what the grades depend on besides the files.
    """

    folder: str
    exercise: str = ""
    found: Found = Found()
    absent: tuple[Student, ...] = ()
    strangers: tuple[Student, ...] = ()
    roster: tuple[Student, ...] = ()
    free_runs: bool = True
    executions: int | None = None
    unsafe: bool = False
    secret: str = ""
    """Which secret random orders were drawn by: its identity, not itself. "" in rolls of earlier graders."""
    budget: float | None = None
    """Seconds for one exploration, in rolls of earlier graders."""
    grader_version: str = ""
    exercise_versions: Mapping[str, str] = {}


class Verdict(str, enum.Enum):
    """How a submission came off, in one word. `UNREADABLE` is no Python text, `ERROR` our own failure."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    UNREADABLE = "unreadable"
    ERROR = "error"


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of one file: its grade, or why there is none (`problem`)."""

    verdict: Verdict
    grade: Grade | None = None
    problem: str = ""

    @property
    def score(self) -> float:
        """Points earned."""
        return self.grade.score if self.grade is not None else 0.0


def of_grade(grade: Grade) -> Result:
    """A grade as a result. What is inconclusive and not wrong besides is `INCONCLUSIVE`."""
    statuses = {check.status for check in grade.checks}
    if CheckStatus.ERROR in statuses:
        verdict = Verdict.ERROR
    elif grade.passed:
        verdict = Verdict.PASSED
    elif CheckStatus.INCONCLUSIVE in statuses and CheckStatus.FAILED not in statuses:
        verdict = Verdict.INCONCLUSIVE
    else:
        verdict = Verdict.FAILED
    return Result(verdict, grade)
