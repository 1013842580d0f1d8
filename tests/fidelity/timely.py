"""Schedules in which time counts for something. Start at `Timely`, which is an infinitely fast machine."""

import random

import msgspec

from grader.core.execution import Execution
from grader.core.operations import Operation, OperationKind, Step, TaskId
from grader.engine.machine import Machine, World
from grader.engine.steps import is_enabled
from grader.engine.strategies.base import Choice, Strategy
from grader.engine.waits import Bounds


class Timely(Strategy):
    """Nothing takes any time but what says so. Among those that can go at once: the one that went last (the first
    execution), or one drawn at random.

    The agent must tell how long a timeout is, in milliseconds, as the offset of the operation (see `driver`).
    """

    bounds = Bounds(10**9)
    """Who polls here waits for the clock, which only moves when everybody waits."""

    def __init__(self, seed: int, executions: int) -> None:
        self._random = random.Random(seed)
        self._left = executions
        self._draws = False
        self._now = 0
        self._due: dict[TaskId, tuple[Operation, int]] = {}

    def begin(self) -> bool:
        self._left -= 1
        self._now = 0
        self._due = {}
        return self._left >= 0

    def choose(self, choice: Choice) -> TaskId | None:
        machine = choice.machine
        for task, operation in machine.pending.items():
            known = self._due.get(task)
            if known is None or known[0] is not operation:
                self._due[task] = operation, self._now + _length(operation)
        ready = [task for task in choice.candidates if not _waits(machine, task)]
        if ready:
            return self._random.choice(ready) if self._draws else choice.keep_going(ready)
        first = min(choice.candidates, key=lambda task: self._due[task][1])
        self._now = max(self._now, self._due[first][1])
        return first

    def finished(self, execution: Execution, world: World) -> None:
        self._draws = True


def _length(operation: Operation) -> int:
    return operation.number if operation.kind is OperationKind.SLEEP else operation.offset * operation.timed


def _waits(machine: Machine, task: TaskId) -> bool:
    operation = machine.pending[task]
    if operation.kind is OperationKind.SLEEP:
        return True
    wholly = msgspec.structs.replace(operation, timed=False)
    return operation.timed and not is_enabled(machine.objects, task, wholly)


class Patient(Strategy):
    """Another strategy's schedules, but a timeout of many seconds does not expire while anybody can move."""

    _MANY = 5_000

    def __init__(self, inner: Strategy) -> None:
        self._inner = inner

    def begin(self) -> bool:
        return self._inner.begin()

    def choose(self, choice: Choice) -> TaskId | None:
        machine = choice.machine
        ready = [
            task
            for task in choice.candidates
            if machine.pending[task].offset * machine.pending[task].timed < self._MANY
            or not _waits(machine, task)
        ]
        return self._inner.choose(choice._replace(candidates=ready or choice.candidates))

    def executed(self, step: Step) -> None:
        self._inner.executed(step)

    def finished(self, execution: Execution, world: World) -> None:
        self._inner.finished(execution, world)
