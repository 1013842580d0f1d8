"""Schedules in which one task is interrupted once, right after it has used an object that others use, too.

For programs that have far too many schedules: a lost update needs no more than that, but a search that sees a corner
of them, or picks points at random, may never interrupt a task there. The objects that the judge made come first, and
then those that are used least, so that nobody can hide an access among a thousand others. Start at `Interrupted`.
"""

from collections.abc import Sequence

from grader.core.execution import Execution
from grader.core.operations import JUDGE, ObjectId, TaskId, creator_of
from grader.engine.machine import World
from grader.engine.strategies.base import Choice, Strategy


class Interrupted(Strategy):
    """One execution in which nobody is interrupted; then a task goes up to a point, all others, and it again."""

    def __init__(self, executions: int) -> None:
        self._left = executions
        self._started = False
        self._plans: list[tuple[TaskId, int]] = []
        self._plan: tuple[TaskId, int] | None = None
        self._steps = 0

    def begin(self) -> bool:
        self._left -= 1
        if self._started and not self._plans:
            return False
        self._plan, self._steps = (self._plans.pop(0) if self._started else None), 0
        return self._left >= 0

    def choose(self, choice: Choice) -> TaskId | None:
        if self._plan is None:
            return choice.keep_going(choice.candidates)
        task, steps = self._plan
        if task in choice.candidates and self._steps < steps:
            self._steps += 1
            return task
        others = [other for other in choice.candidates if other != task]
        return choice.keep_going(others or choice.candidates)

    def finished(self, execution: Execution, world: World) -> None:
        if not self._started:
            self._started = True
            self._plans = interruptions(execution)


def interruptions(execution: Execution) -> list[tuple[TaskId, int]]:
    """Tasks, each with the number of its steps after which it is worth interrupting; the best ones first."""
    uses: dict[ObjectId, list[tuple[TaskId, int]]] = {}
    steps: dict[TaskId, int] = {}
    for step in execution.trace:
        steps[step.task] = steps.get(step.task, 0) + 1
        for target in step.touches:
            if target >= 0:
                uses.setdefault(target, []).append((step.task, steps[step.task]))
    shared = [target for target, found in uses.items() if len({task for task, _ in found}) > 1]
    shared.sort(key=lambda target: (creator_of(target) != JUDGE, len(uses[target]), target))
    return list(dict.fromkeys(point for target in shared for point in _not_last(uses[target])))


def _not_last(uses: Sequence[tuple[TaskId, int]]) -> list[tuple[TaskId, int]]:
    """The uses after which the same task uses the object again."""
    last = dict(uses)
    return [(task, number) for task, number in uses if number < last[task]]
