"""Executions beyond the bound on waits: one task goes on alone, or a long execution comes to a fair end.

Start at `Burst`: does a task leave its loop by itself, and after how many rounds? Only its own history decides that, as
long as what it sees stays the same, so few executions are enough to know.
"""

from collections.abc import Sequence

from grader.core.operations import OperationKind, TaskId
from grader.engine.machine import Machine
from grader.engine.steps import is_enabled, perform
from grader.engine.strategies.base import Choice, Diverged, Strategy
from grader.engine.waits import Bounds, Round, Sign

MOST_ROUNDS = 200
"""Of one burst. Who gives up later than that has tried long enough (the contract says so)."""


LONGEST_ALONE = 2_000
"""Steps in which nobody yields."""


class Led(Strategy):
    """One execution that begins with a given schedule, and then goes on by itself."""

    def __init__(self, schedule: Sequence[TaskId], bounds: Bounds) -> None:
        self._schedule = schedule
        self.bounds = bounds
        self._begun = False

    def begin(self) -> bool:
        first, self._begun = not self._begun, True
        return first

    def insists(self, choice: Choice) -> TaskId | None:
        if choice.position >= len(self._schedule):
            return None
        task = self._schedule[choice.position]
        if not can_move(choice.machine, task):
            raise Diverged(f"step {choice.position + 1} cannot be made again")
        return task

    def choose(self, choice: Choice) -> TaskId | None:
        return choice.keep_going(choice.candidates)


class OneByOne(Led):
    """Nobody is interrupted, and nobody yields, as long as that may be: is it right at least then?"""

    def __init__(self) -> None:
        super().__init__((), Bounds())

    def insists(self, choice: Choice) -> TaskId | None:
        movable = choice.machine.movable()
        if choice.position >= LONGEST_ALONE or not movable:
            return None
        return choice.last if choice.last in movable else movable[0]


class Contrary(Led):
    """One execution in which every try fails that can: for whoever counts how often it was unlucky.

    Whoever would try in vain goes first, then whoever takes a lock that it waits for. Nobody tries in vain again before
    somebody has done something else, so that all go on.
    """

    def __init__(self) -> None:
        super().__init__((), Bounds(MOST_ROUNDS))
        self._failed: set[TaskId] = set()
        """Those that have tried in vain since somebody has done anything else."""

    def choose(self, choice: Choice) -> TaskId | None:
        for task in choice.candidates:
            if task not in self._failed and _would_fail(choice.machine, task):
                self._failed.add(task)
                return task
        patient = [task for task in choice.candidates if _waits_for_a_lock(choice.machine, task)]
        chosen = choice.keep_going(patient or choice.candidates)
        if chosen not in self._failed:
            self._failed.clear()
        return chosen


class Burst(Led):
    """After the schedule `task`, which the bound on waits holds back there, goes on alone until it leaves its loop.

    `gave_up_after` is how often it had done the same in vain when it left by itself; None if it did not, or saw
    something else before. If it goes on `to_the_end`, nobody else does before it ends, or has to wait.
    """

    def __init__(
        self, schedule: Sequence[TaskId], bounds: Bounds, task: TaskId, *, to_the_end: bool = False
    ) -> None:
        super().__init__(schedule, bounds)
        self._task = task
        self._to_the_end = to_the_end
        self._rounds: tuple[Round, ...] = ()
        self._signs: frozenset[Sign] = frozenset()
        self._made = 0
        self._over = False
        self.gave_up_after: int | None = None

    @property
    def rounds(self) -> tuple[Round, ...]:
        """The rounds that the task had made as often as the bound lets it."""
        return self._rounds

    def insists(self, choice: Choice) -> TaskId | None:
        led = super().insists(choice)
        if led is not None:
            return led
        if self._over:
            return self._task if self._goes_on(choice) else None
        waiting = choice.machine.waiting_of(self._task)
        if not self._made:
            self._rounds = waiting.awaited
            self._signs = frozenset(sign for one in self._rounds for sign in one)
        elif waiting.past is None or waiting.past.sign not in self._signs:
            self._over = True  # it has seen something new
            return self._task if self._goes_on(choice) else None
        self._made += 1
        places = {sign.place for sign in self._signs}
        # Any round of these steps counts: what it had done last may have become a shorter round, or a longer one.
        times = max((made for one, made in waiting.counts.items() if self._signs.issuperset(one)), default=0)
        if self._task not in choice.machine.pending or waiting.place not in places:
            self._over, self.gave_up_after = True, times + 1
        elif times > MOST_ROUNDS or not can_move(choice.machine, self._task):
            self._over = True
        return self._task if not self._over or self._goes_on(choice) else None

    def _goes_on(self, choice: Choice) -> bool:
        """Whether the task goes on alone though it has left its loop."""
        short = choice.position - len(self._schedule) < LONGEST_ALONE
        return self._to_the_end and short and can_move(choice.machine, self._task)


def can_move(machine: Machine, task: TaskId) -> bool:
    return task in machine.pending and is_enabled(machine.objects, task, machine.pending[task])


def _would_fail(machine: Machine, task: TaskId) -> bool:
    result = perform(dict(machine.objects), task, machine.pending[task]).result
    return result is not None and not result.ok


def _waits_for_a_lock(machine: Machine, task: TaskId) -> bool:
    operation = machine.pending[task]
    return operation.kind is OperationKind.LOCK_ACQUIRE and operation.may_wait
