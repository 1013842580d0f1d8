"""What is wrong with an execution of a program of which nobody says what it should print. Start at `SameOutput`.

Deadlocks, deaths and endless loops are wrong in any program (`grader.grading.flaws`). Beyond that there is one rule:
what is printed must not depend on the order in which the processes run.
"""

from collections.abc import Sequence
from itertools import zip_longest

import msgspec

from grader.core.execution import Execution
from grader.core.verdict import FindingKind
from grader.exploring.data_races import races_of
from grader.exploring.outcomes import Ending, Outcomes, ending_of, process_count
from grader.grading.expect import overwritten
from grader.grading.flaws import Flaw, Wrong
from grader.grading.observed import Observed
from grader.grading.scenario import Shared
from grader.grading.tally import Tally
from grader.primitives.memory import MemoryState
from grader.primitives.thread import ThreadState

AFTER_FAILURE = 40
"""How many more executions are made after the first failure, to see what else can come out."""
_SHOWN = 80


class SameOutput:
    """Compares what is printed with what the first completed execution printed, in which nobody was interrupted."""

    def __init__(self) -> None:
        self._reference: Ending | None = None

    def __call__(self, seen: Observed) -> Sequence[Flaw]:
        ending = ending_of(seen.execution)
        if self._reference is None:
            self._reference = ending
        if ending.stdout == self._reference.stdout:
            return ()
        who, before, now = _difference(self._reference, ending)
        message = (
            f"What {who} prints depends on the order in which the {_runners(seen)} run: "
            f"{_quoted(now)} in one order, {_quoted(before)} in another."
        )
        return [Flaw(Wrong.VALUE, message, _quoted(before), _quoted(now), conflict=_conflict(seen))]


def _runners(seen: Observed) -> str:
    states = seen.execution.objects.values()
    if not any(isinstance(state, ThreadState) for state in states):
        return "processes"
    return "processes and threads" if process_count(seen.execution) > 1 else "threads"


def _difference(one: Ending, other: Ending) -> tuple[str, str, str]:
    """The first process that printed something else, and its first line that differs."""
    before, now = dict(one.stdout), dict(other.stdout)
    for who in dict.fromkeys((*before, *now)):
        lines = zip_longest(before.get(who, "").splitlines(), now.get(who, "").splitlines(), fillvalue="")
        for old, new in lines:
            if old != new:
                return who, old, new
    return "the program", "", ""


def _quoted(line: str) -> str:
    if not line:
        return "nothing"
    short = line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"
    return f"“{short}”"


def _conflict(seen: Observed) -> tuple[int, ...]:
    """The steps behind it, if they can be told: an update that was lost, or else a data race."""
    for number, state in seen.execution.objects.items():
        if isinstance(state, MemoryState):
            lost = overwritten(seen, Shared(number, "", {}))
            if lost:
                return lost
    return next(races_of(seen.execution), ())


class OutcomeTally(Tally):
    """Counts outcomes as well, and goes on for a while after a failure to see what else there is."""

    outcomes: Outcomes = msgspec.field(default_factory=Outcomes)

    def add(self, flaws: Sequence[Flaw], execution: Execution) -> None:
        if not execution.outcome.chance:  # that is no end
            self.outcomes.add(execution)
        super().add(flaws, execution)

    @property
    def undecided(self) -> bool:
        """Whether it is worth going on after a failure."""
        return (
            self.blocked is None
            and FindingKind.HANG not in self.first  # costs its whole CPU limit, again and again
            and self.since_failure < AFTER_FAILURE
        )
