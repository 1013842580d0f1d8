"""Grades submissions for their records, some at a time. Start at `graded`.

The work is done by the workers of a batch: whatever one submission does costs no other its record.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from grader.batch.crew import Crew
from grader.batch.worker import Task
from grader.core.verdict import Grade
from grader.errors import InternalError, UsageError
from grader.grading.check import CheckOptions
from grader.grading.submission import Submission, from_data
from tests.golden.record import SubmissionRecord, of_grade, of_problem
from tests.golden.stability import LEFT_OUT
from tests.manifest import HOSTILE_EXERCISES, SUBMISSIONS, entries

OPTIONS = CheckOptions(free_runs=False)
"""More seconds than by default: executions decide where an exploration ends, even on a busy machine."""
_PATIENCE = 1_000.0


class Graded(NamedTuple):
    """A submission, by its name in the corpus, and what came of it. `grade` is None where it could not be graded."""

    name: str
    record: SubmissionRecord
    grade: Grade | None = None


def submissions() -> dict[str, str]:
    """The exercise of every submission that has a record, by its name in the corpus."""
    listed = {entry.path: entry.exercise for entry in entries()}
    hostile = {
        f"hostile/{path.name}": HOSTILE_EXERCISES.get(path.stem, "counter")
        for path in sorted((SUBMISSIONS / "hostile").glob("*.py"))
    }
    return {name: exercise for name, exercise in {**listed, **hostile}.items() if name not in LEFT_OUT}


def read(name: str) -> Submission:
    """The submission of that name; its path is the one within the corpus.

    Raises:
        UsageError: it is no Python text.
    """
    return from_data(Path(name), (SUBMISSIONS / name).read_bytes())


def graded(names: Sequence[str], jobs: int) -> Iterator[Graded]:
    """Grade them, in whatever order they are finished.

    Raises:
        UsageError: the machine does not allow the processes for it.
    """
    exercises = submissions()
    waiting = list(reversed(names))
    with Crew[str](jobs, OPTIONS, _PATIENCE) as crew:
        while waiting or crew.busy:
            while waiting and crew.has_room:
                name = waiting.pop()
                try:
                    data = read(name).data
                except UsageError as error:
                    yield Graded(name, of_problem(str(error)))
                    continue
                crew.give(name, Task(Path(name).name, data, exercises[name]))
            yield from _finished(crew)


def _finished(crew: Crew[str]) -> Iterator[Graded]:
    try:
        for name, answer in crew.results(1.0):
            result = answer.result
            if result.grade is None:
                yield Graded(name, of_problem(result.problem))
            else:
                yield Graded(name, of_grade(result.grade), result.grade)
    except InternalError as error:
        raise UsageError(f"nothing can be graded: {error}") from error
