"""What a batch says on the terminal: one line while it works, a few at its end. Start at `BatchLine`."""

import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from grader.batch.model import Handed, Leftover, Verdict
from grader.batch.unpack import no_python
from grader.report import sanitize, words
from grader.report.status_line import StatusLine

if TYPE_CHECKING:
    from grader.batch.run import Ended, Standing

_EVERY = 0.2
_EVERY_IN_A_LOG = 15.0
_LISTED = 20
_ALIKE = 3


class BatchLine:
    """A context manager whose `update` shows how far a batch is: a line that changes, or now and then one in a log."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._line = StatusLine(stream)
        self._next = 0.0 if self._line.live else time.monotonic() + _EVERY_IN_A_LOG

    def __enter__(self) -> "BatchLine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.clear()

    def update(self, standing: "Standing") -> None:
        """Show `standing`, five times a second at most; in a log four times a minute."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + (_EVERY if self._line.live else _EVERY_IN_A_LOG)
        text = progress(standing)
        if self._line.live:
            self._line.show(text)
        else:
            self._stream.write(f"{text}\n")
            self._stream.flush()


def progress(standing: "Standing") -> str:
    """`120/300 graded · 8.1 a second · 0:22 left · 80 passed, 35 failed, 5 inconclusive · anna_counter.py`."""
    parts = [f"{standing.done}/{standing.total} graded"]
    if standing.rate:
        parts.append(f"{standing.rate:.1f} a second")
    if standing.remaining is not None and standing.done < standing.total:
        minutes, seconds = divmod(round(standing.remaining), 60)
        parts.append(f"{minutes}:{seconds:02} left")
    if standing.done:
        parts.append(verdicts(standing.counts))
    if standing.last:
        parts.append(sanitize.line(standing.last, 60))
    return " · ".join(parts)


def verdicts(counts: Mapping[Verdict, int]) -> str:
    """How many submissions came off how: `80 passed, 35 failed`."""
    return ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts.get(verdict))


def summary(ended: "Ended") -> Iterator[str]:
    """The last lines about a batch."""
    standing, roll = ended.standing, ended.roll
    yield f"{words.count(standing.total, 'submission')}: {verdicts(standing.counts) or 'none graded'}"
    known = standing.done - standing.graded
    yield f"{standing.graded} graded now in {words.seconds(standing.seconds)}, {known} known already"
    if ended.errors:
        yield f"{words.count(len(ended.errors), 'submission')} could not be graded, and will be the next time:"
        yield from _some(_by_problem(ended.errors))
    if ended.log is not None:
        yield f"{sanitize.line(str(ended.log), 200)} says more about the bug; please report it"
    if ended.given_up:
        left = words.count(standing.total - standing.done, "submission")
        yield f"{left} not begun, because it is the same for each: {sanitize.line(ended.given_up, 400)}"
    if ended.went_down:
        why = "because the exercise, the grader or the options have changed"
        yield f"{words.count(len(ended.went_down), 'grade')} went down, {why}:"
        lines = [
            f"{', '.join(student.name for student in handed.students)}, {handed.exercise}: "
            f"{words.points(before)} → {words.points(now)}"
            for handed, before, now in ended.went_down
        ]
        yield from _some(lines)
    if ended.gone:
        yield f"{words.count(len(ended.gone), 'submission')} of the last time {_are(ended.gone)} not there any more:"
        yield from _some(
            [f"{', '.join(s.name for s in gone.students)}, {gone.exercise}" for gone in ended.gone]
        )
    for moved in ended.moved:
        number = words.count(len(moved.found.handed), "submission")
        yield f"{sanitize.line(moved.folder, 200)} is not there any more, and left out of the reports with its {number}"
    if roll.found.without:
        yield f"{words.count(len(roll.found.without), 'student')} handed in nothing that can be graded:"
        yield from _some([student.name for student in roll.found.without])
    if roll.absent:
        yield f"{words.count(len(roll.absent), 'student')} of the roster handed in nothing:"
        yield from _some([student.name for student in roll.absent])
    if roll.strangers:
        yield f"{words.count(len(roll.strangers), 'student')} handed in and {_are(roll.strangers)} not on the roster:"
        yield from _some([student.name for student in roll.strangers])
    if roll.found.leftovers:
        yield f"{words.count(len(roll.found.leftovers), 'file')} not graded:"
        yield from _some(_grouped(roll.found.leftovers))


def _by_problem(errors: Sequence[tuple[Handed, str]]) -> list[str]:
    """A line for each problem, however many submissions have it."""
    groups: dict[str, list[str]] = {}
    for handed, problem in errors:
        groups.setdefault(problem, []).append(handed.shown)
    return [
        f"{', '.join(shown[:_ALIKE])}{f' and {len(shown) - _ALIKE} more' if len(shown) > _ALIKE else ''}: {problem}"
        for problem, shown in groups.items()
    ]


def _grouped(leftovers: Sequence[Leftover]) -> list[str]:
    """A line each, but one for many of one student with the same reason; what may be somebody's work comes first."""
    groups: dict[tuple[str, str], list[str]] = {}
    for over in leftovers:
        groups.setdefault((over.path.partition("/")[0], over.why), []).append(over.path)
    lines = []
    for (top, why), paths in sorted(groups.items(), key=lambda group: group[0][1] == no_python("")):
        few = len(paths) <= _ALIKE
        lines += [f"{path}: {why}" for path in paths] if few else [f"{top}/…, {len(paths)} files: {why}"]
    return lines


def _are(things: Sequence[object]) -> str:
    return "is" if len(things) == 1 else "are"


def _some(lines: list[str]) -> Iterator[str]:
    for line in lines[:_LISTED]:
        yield f"  {sanitize.line(line, 200)}"
    if len(lines) > _LISTED:
        yield f"  … and {len(lines) - _LISTED} more, all of them in the report"
