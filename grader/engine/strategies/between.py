"""Schedules in which one task is interrupted once, at a moment when it holds no lock that others want.

For programs with long loops: what is right for three items may be a race for a hundred, because the work is done in
several sections. There are far too many such moments to try them all, but most of them are the same place in the
source; so each place comes once before any comes twice, the rarest first. Start at `Between`.
"""

from collections.abc import Iterator
from itertools import zip_longest
from typing import TypeAlias

from grader.core.execution import Execution
from grader.core.operations import ObjectId, OperationKind, Step, TaskId
from grader.engine.machine import World
from grader.engine.strategies.base import Choice, Strategy
from grader.engine.strategies.in_turn import InTurn

Point: TypeAlias = tuple[TaskId, int]
"""A task, and the number of its steps after which it is interrupted."""

_KIND = OperationKind


class Between(Strategy):
    """One execution in which nobody is interrupted; then a task goes up to a point, all others, and it again.

    No more than `executions`, and as many as fit into so many `steps`.
    """

    def __init__(self, executions: int, steps: int) -> None:
        self._executions = executions
        self._steps = steps
        self._started = False
        self._plans: list[Point] = []
        self._plan: Point | None = None
        self._made = 0
        self._others = InTurn()

    def begin(self) -> bool:
        if self._started and not self._plans:
            return False
        self._plan, self._made = (self._plans.pop(0) if self._started else None), 0
        self._others = InTurn()
        return True

    def choose(self, choice: Choice) -> TaskId | None:
        if self._plan is None:
            return self._others.choose(choice)
        task, steps = self._plan
        if task in choice.candidates and self._made < steps:
            self._made += 1
            return task
        others = [other for other in choice.candidates if other != task]
        return self._others.choose(choice._replace(candidates=others or choice.candidates))

    def finished(self, execution: Execution, world: World) -> None:
        if not self._started:
            self._started = True
            affordable = self._steps // max(len(execution.trace), 1)
            self._plans = points(execution)[: min(self._executions, affordable) - 1]


def points(execution: Execution) -> list[Point]:
    """Where it is worth interrupting, the best first."""
    wanted = _used_by_several(execution)
    places: dict[object, list[Point]] = {}
    for task in dict.fromkeys(execution.schedule):
        own = [step for step in execution.trace if step.task == task]
        for number in _outside(own, wanted):
            place = (task, _place(own[number - 1]), _place(own[number]))
            places.setdefault(place, []).append((task, number))
    rarest_first = sorted(places.values(), key=len)
    rounds = zip_longest(*map(_spread, rarest_first))
    return [point for each in rounds for point in each if point is not None]


def _used_by_several(execution: Execution) -> set[ObjectId]:
    users: dict[ObjectId, set[TaskId]] = {}
    for step in execution.trace:
        for target in step.touches:
            users.setdefault(target, set()).add(step.task)
    return {target for target, tasks in users.items() if target >= 0 and len(tasks) > 1}


def _outside(own: list[Step], wanted: set[ObjectId]) -> Iterator[int]:
    """Numbers of steps of a task after which it has used what others use, holds no such lock, and will use more."""
    uses = [number for number, step in enumerate(own, 1) if not wanted.isdisjoint(step.touches)]
    held = 0
    for number in uses[:-1]:
        step = own[number - 1]
        if step.result is not None and step.result.ok:
            held += {_KIND.LOCK_ACQUIRE: 1, _KIND.LOCK_RELEASE: -1}.get(step.operation.kind, 0)
        if held <= 0:
            yield number


def _place(step: Step) -> tuple[OperationKind, int]:
    return step.operation.kind, step.operation.line


def _spread(found: list[Point]) -> list[Point]:
    """Some of many, from all parts: the first, the last, the middle, the second."""
    chosen = (found[0], found[-1], found[len(found) // 2], found[min(1, len(found) - 1)])
    return list(dict.fromkeys(chosen))
