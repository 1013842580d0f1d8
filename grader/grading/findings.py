"""Makes a finding of a flaw: its place, help, witness and replay token. Start at `FindingMaker.finding`."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import msgspec

from grader.core.execution import Execution
from grader.core.operations import Creation, ObjectId
from grader.core.verdict import Finding, FindingKind, Location
from grader.engine.driver import BROKE_IN
from grader.engine.tasks import TaskPath
from grader.grading import tokens
from grader.grading.flaws import Flaw, Wrong
from grader.grading.hints import hint
from grader.grading.names import Names
from grader.grading.observed import Observed
from grader.grading.scenario import Scenario
from grader.grading.witness import witness
from grader.runtime.template import SubmissionText

_SOURCE_LIMIT = 160
OUTPUT_LIMIT = 2_000
_LAST_WORDS = re.compile(r"^(Process \S+:\n)?Traceback \(most recent call last\):$", re.MULTILINE)


class Origin(msgspec.Struct, frozen=True):
    """Where findings come from: the file, the objects that its import made, and what a replay has to know.

    That is the exercise, the check and the number of its scenario; or, where `exercise` is empty, that a program was
    run as `__main__` with these `arguments`. `checks` is the digest of checks that are not ours, `draw` what decides
    chance and the clock, `hash_seed` that of Python itself.
    """

    submission: SubmissionText
    sha256: str
    creations: Mapping[ObjectId, Creation] = {}
    exercise: str = ""
    check: str = ""
    number: int = 0
    arguments: tuple[str, ...] = ()
    checks: str = ""
    draw: int = 0
    hash_seed: int = 0


class FindingMaker:
    """Makes the findings of one scenario."""

    def __init__(self, origin: Origin, scenario: Scenario) -> None:
        self._origin = origin
        self._scenario = scenario
        self._lines = tuple(origin.submission.source.split("\n"))

    def names(self, execution: Execution) -> Names:
        """The shown names of an execution's objects."""
        creations = {**self._origin.creations, **execution.creations}
        return Names(self._origin.submission.source, self._scenario.shared, execution, creations)

    def schedule(self, execution: Execution) -> tuple[TaskPath, ...]:
        """The schedule of an execution, to be followed again."""
        return tokens.paths_of(execution)

    def location(self, line: int) -> Location | None:
        """A place in the submission; None if the line is unknown."""
        if not 0 < line <= len(self._lines):
            return None
        return Location(self._origin.submission.filename, line, self._lines[line - 1].strip()[:_SOURCE_LIMIT])

    def finding(self, flaw: Flaw, execution: Execution, *, schedule_dependent: bool) -> Finding:
        """The finding for a flaw and the execution that shows it."""
        seen = Observed(self._scenario, execution)
        names = self.names(execution)
        kind = flaw.kind
        if isinstance(kind, Wrong):
            kind = FindingKind.RACE if schedule_dependent else FindingKind.WRONG_RESULT
        line = flaw.line or self._line_of_conflict(flaw, execution)
        told = witness(seen, names, self._lines, flaw)
        return Finding(
            kind=kind,
            message=self._told(flaw),
            schedule_dependent=schedule_dependent,
            processes=self._scenario.processes,
            help=hint(kind, flaw, seen, names, self._origin.submission.source),
            location=self.location(line),
            expected=flaw.expected,
            got=flaw.got,
            replay=self.token(execution, kind, schedule_dependent=schedule_dependent),
            output=_output(execution),
            failure=flaw.failure,
            steps=told.steps,
            start=told.start,
        )

    def token(
        self, execution: Execution, kind: FindingKind | None = None, *, schedule_dependent: bool = True
    ) -> str:
        """The replay token of an execution that shows a finding of a kind, or nothing wrong."""
        origin = self._origin
        return tokens.encode(
            origin.exercise,
            origin.check,
            origin.number,
            origin.sha256,
            execution,
            kind,
            schedule_dependent=schedule_dependent,
            arguments=origin.arguments,
            checks=origin.checks,
            draw=origin.draw,
            hash_seed=origin.hash_seed,
        )

    @contextmanager
    def traced(self, execution: Execution | None = None) -> Iterator[None]:
        """Let an exception of ours tell, as `replay`, the order in which it came up: this one, or that under way."""
        try:
            yield
        except Exception as error:
            about = execution or getattr(error, BROKE_IN, None)
            if about is not None and not getattr(error, "replay", ""):
                with suppress(Exception):  # the first one counts
                    setattr(error, "replay", self.token(about))  # noqa: B010 (exceptions of any class)
            raise

    def _line_of_conflict(self, flaw: Flaw, execution: Execution) -> int:
        lines = [execution.trace[number].operation.line for number in flaw.conflict]
        return next((line for line in lines if line), 0)

    def inconclusive(self, flaw: Flaw) -> Finding:
        """The finding for what could not be judged."""
        return Finding(FindingKind.INCONCLUSIVE, self._told(flaw), location=self.location(flaw.line))

    def _told(self, flaw: Flaw) -> str:
        about = self._scenario.about
        return f"With {about}: {flaw.message}" if about else flaw.message


def _output(execution: Execution) -> str:
    """What the processes printed on stderr and stdout, bounded, for those that printed anything."""
    texts = []
    for task in sorted({*execution.output, *execution.errors}):
        text = execution.output.get(task, "") + without_traceback(execution.errors.get(task, ""))
        if text.strip():
            texts.append(f"{execution.labels.get(task, task)}: {text.strip()}")
    return "\n".join(texts)[:OUTPUT_LIMIT]


def without_traceback(text: str) -> str:
    """What was printed on stderr before the interpreter's last words, which the finding tells already."""
    return re.split(_LAST_WORDS, text, maxsplit=1)[0]
