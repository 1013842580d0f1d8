"""How long a process has to wait before giving up costs nothing. Start at `Patience` and `Leniency`.

Giving up is a mistake if the result is wrong then, because the others can be kept from running for any time. But a time
beyond all reason is a remark only. That holds for a give-up that going on waiting would have prevented: who waits for
what can never come gives up in every order, so that patience would not help. Whether it would is not guessed but tried:
the same order is executed again up to the last try, and then everybody else goes on (`Waits`).
"""

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

import msgspec

from grader.core.execution import Execution
from grader.core.operations import ObjectId, OperationKind, TaskId
from grader.core.verdict import FindingKind
from grader.engine.machine import Machine
from grader.engine.steps import is_enabled, perform
from grader.engine.strategies.base import Choice
from grader.engine.strategies.bursts import Led
from grader.engine.waits import Bounds
from grader.grading.flaws import Flaw
from grader.grading.giving_up import GiveUp, duration_words, give_ups, what
from grader.grading.names import Names
from grader.grading.observed import Observed
from grader.grading.scenario import Scenario

ALWAYS_GIVES_UP = (
    "In every order that was tried somebody gives up waiting, so it cannot be told whether the rest is right."
)
_ANY_NUMBER = 10**9


class Patience(msgspec.Struct, frozen=True):
    """Who gives up after more than `tries`, or more than `seconds` by its own clock, has waited long enough."""

    tries: int = 200
    seconds: float = 600.0

    def is_exceeded(self, given_up: GiveUp) -> bool:
        """Whether nobody can ask for more."""
        return len(given_up.tries) > self.tries or given_up.milliseconds > self.seconds * 1000


PATIENCE = Patience()
"""What the exercises' contracts say."""


class Place(msgspec.Struct, frozen=True):
    """Where somebody gives up: doing what, with which object, in which line."""

    kind: OperationKind
    object: ObjectId
    line: int


class Forgiven(msgspec.Struct, frozen=True):
    """An execution that is wrong, and in which somebody has given up after so long a time that it does not count."""

    flaws: Sequence[Flaw]
    execution: Execution
    given_up: GiveUp


class Tallies(Protocol):
    """What counts executions: `grader.grading.tally.Tally`."""

    judged: int
    blocked: Flaw | None
    forgiven: list[Forgiven]

    def add(self, flaws: Sequence[Flaw], execution: Execution) -> None:
        """Count one execution that could be judged."""


def place_of(given_up: GiveUp) -> Place:
    """Where somebody gives up."""
    return Place(given_up.operation.kind, given_up.operation.object, given_up.line)


def exceeding(seen: Observed, patience: Patience | None, hopeless: Collection[Place]) -> GiveUp | None:
    """The first give-up after more than patience asks for, leaving out where waiting longer is hopeless."""
    if patience is None:
        return None
    for given_up in give_ups(seen):
        if patience.is_exceeded(given_up) and place_of(given_up) not in hopeless:
            return given_up
    return None


class Leniency:
    """Sees to it that executions do not count which are wrong only because somebody gave up after so long a time.

    Without `patience` all count.
    """

    def __init__(self, patience: Patience | None) -> None:
        self._patience = patience
        self._hopeless: set[Place] = set()
        """Where somebody gives up who would wait in vain, however long."""

    def count(self, flaws: Sequence[Flaw], seen: Observed, tally: Tallies) -> None:
        """Count an execution, or forgive it."""
        given_up = exceeding(seen, self._patience, self._hopeless) if flaws else None
        if given_up is None:
            tally.add(flaws, seen.execution)
        else:
            tally.forgiven.append(Forgiven(flaws, seen.execution, given_up))

    def look_again(self, tally: Tallies, scenario: Scenario, explore: "Callable[[Waits], object]") -> None:
        """Take back what was forgiven where waiting longer would not have helped; `explore` executes."""
        forgiven, tally.forgiven = tally.forgiven, []
        executions = [Observed(scenario, one.execution) for one in forgiven]
        tried: dict[tuple[TaskId, ...], bool] = {}
        known = -1
        while known < len(self._hopeless):
            known = len(self._hopeless)
            for seen in executions:
                given_up = exceeding(seen, self._patience, self._hopeless)
                if given_up is not None and _waits_in_vain(seen.execution, given_up, explore, tried):
                    self._hopeless.add(place_of(given_up))
        for one, seen in zip(forgiven, executions):
            self.count(one.flaws, seen, tally)
        if tally.forgiven and not tally.judged and tally.blocked is None:
            line = tally.forgiven[0].given_up.line
            tally.blocked = Flaw(FindingKind.INCONCLUSIVE, ALWAYS_GIVES_UP, line=line)

    def for_the_time(self, tally: Tallies) -> list[Execution]:
        """Those that were forgiven for the time that went by, and not for the number of tries."""
        if self._patience is None:
            return []
        most = self._patience.tries
        return [one.execution for one in tally.forgiven if len(one.given_up.tries) <= most]

    def remark(self, tally: Tallies, scenario: Scenario, names: Callable[[Execution], Names]) -> str:
        """What was forgiven, if anything was: the first of it."""
        if not tally.forgiven or self._patience is None:
            return ""
        first = tally.forgiven[0]
        seen, given_up = Observed(scenario, first.execution), first.given_up
        where = f" in line {given_up.line}" if given_up.line else ""
        after = f"after {duration_words(given_up.milliseconds)}"
        if given_up.milliseconds <= self._patience.seconds * 1000:
            after = f"after more than {self._patience.tries} failed tries"
        waiting = f"waiting for {what(seen, names(first.execution), given_up)}{where}"
        return f"{seen.label(given_up.task)} would give up {waiting} {after}, which costs nothing."


def _waits_in_vain(
    execution: Execution,
    given_up: GiveUp,
    explore: "Callable[[Waits], object]",
    tried: dict[tuple[TaskId, ...], bool],
) -> bool:
    """Whether what somebody gave up waiting for would never have come."""
    schedule = (*execution.schedule[: given_up.tries[-1]], given_up.task)
    if schedule not in tried:
        waits = Waits(schedule[:-1], given_up.task)
        explore(waits)
        tried[schedule] = waits.in_vain
    return tried[schedule]


class Waits(Led):
    """After the schedule up to its last try, `task` goes on waiting as long as anybody else can do something.

    `in_vain` is false as soon as what it waits for has come.
    """

    def __init__(self, schedule: Sequence[TaskId], task: TaskId) -> None:
        super().__init__(schedule, Bounds(_ANY_NUMBER))
        self._task = task
        self.in_vain = True

    def choose(self, choice: Choice) -> TaskId | None:
        if _would_succeed(choice.machine, self._task):
            self.in_vain = False
            return None
        others = [task for task in choice.candidates if task != self._task]
        return choice.keep_going(others) if others else None


def _would_succeed(machine: Machine, task: TaskId) -> bool:
    operation = machine.pending.get(task)
    if operation is None or not is_enabled(machine.objects, task, operation):
        return False
    result = perform(dict(machine.objects), task, operation).result
    return result is not None and result.ok
