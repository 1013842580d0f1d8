"""What came of one file on the command line: its grade, or why there is none."""

from dataclasses import dataclass

from grader.core.verdict import Grade
from grader.errors import ExitStatus


@dataclass(frozen=True, slots=True)
class Outcome:
    """`submission` is the path as the user gave it, `status` the exit status that this file alone would cause."""

    submission: str
    status: ExitStatus
    grade: Grade | None = None
    error: str = ""
