"""Makes a long witness readable: rounds of a loop are told once, and a middle that is still too long is counted.

Start at `fold`, `marked` and `elide`. Nothing disappears silently: a `Gap` stands for what is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from grader.report.view import Pairs, StepView

_LONGEST_ROUND = 8
_FEWEST_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Gap:
    """Steps that are left out; `round` of them if they only repeat the steps before, as many at a time.

    `changes` are the shared objects that hold something else behind the gap. One without steps only says something, in
    `words`: where the steps begin and end that come again and again.
    """

    steps: int
    round: int = 0
    changes: Pairs = ()
    words: str = ""

    def __str__(self) -> str:
        if self.words:
            return self.words
        if not self.round:
            return f"… {self.steps:,} more steps …"
        again = f"the same {self.round} steps" if self.round > 1 else "the same"
        return f"… {again} {self.steps // self.round:,} more times …"


Row: TypeAlias = "StepView | Gap"


@dataclass(frozen=True, slots=True)
class Length:
    """How many rows are too many, and how many of them are kept at each end and around steps that clash."""

    long: int
    head: int
    tail: int
    conflicts: int


SHORT = Length(long=24, head=6, tail=12, conflicts=6)


BEGINS = Gap(0, words="… from here on the same again and again:")
RETURNS = Gap(0, words="… and so on, for ever …")


def fold(steps: Sequence[StepView]) -> list[Row]:
    """The steps, with what repeats itself round after round shown once and then counted."""
    rows: list[Row] = []
    place = 0
    while place < len(steps):
        length, rounds = _rounds(steps, place)
        rows.extend(steps[place : place + length])
        if rounds > 1:
            rows.append(Gap(length * (rounds - 1), length))
        place += length * rounds
    return rows


def _rounds(steps: Sequence[StepView], place: int) -> tuple[int, int]:
    """The length of the shortest round that begins here, and how often it is made; one step, once, if there is none."""
    for length in range(1, _LONGEST_ROUND + 1):
        first = steps[place : place + length]
        rounds = 1
        while steps[place + length * rounds : place + length * (rounds + 1)] == first:
            rounds += 1
        if rounds >= _FEWEST_ROUNDS:
            return length, rounds
    return 1, 1


def marked(rows: Sequence[Row]) -> list[Row]:
    """The rows, with words around those that come again and again."""
    numbers = [number for number, row in enumerate(rows) if isinstance(row, StepView) and row.repeats]
    if not numbers:
        return list(rows)
    begin, end = numbers[0], numbers[-1] + 1
    while end < len(rows) and isinstance(rows[end], Gap):
        end += 1
    return [*rows[:begin], BEGINS, *rows[begin:end], RETURNS, *rows[end:]]


def elide(rows: Sequence[Row], length: Length = SHORT) -> list[Row]:
    """The first rows, the last ones, and those that clash; the rest as gaps that say how much is missing."""
    if len(rows) <= length.long:
        return list(rows)
    kept = {*range(length.head), *range(len(rows) - length.tail, len(rows))}
    conflicts = [number for number, row in enumerate(rows) if isinstance(row, StepView) and row.conflict]
    for number in conflicts[-length.conflicts :]:
        kept |= {number - 1, number, number + 1}
    kept |= {number for number, row in enumerate(rows) if row in (BEGINS, RETURNS)}
    return _with_gaps(rows, sorted(number for number in kept if 0 <= number < len(rows)))


def _with_gaps(rows: Sequence[Row], kept: Sequence[int]) -> list[Row]:
    shown: list[Row] = []
    following = 0
    for number in kept:
        missing = rows[following:number]
        shown.extend(missing if len(missing) <= 2 else [_gap(missing)])
        shown.append(rows[number])
        following = number + 1
    return shown


def _gap(missing: Sequence[Row]) -> Gap:
    changes: dict[str, str] = {}
    for row in missing:
        changes.update(row.changes)
    return Gap(sum(row.steps if isinstance(row, Gap) else 1 for row in missing), 0, tuple(changes.items()))
