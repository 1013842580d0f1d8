"""The schedules in which one task is as slow, or as fast, as it can be. Start at `Extremes`.

There are only two for each task, and many a mistake needs just that: a producer that is late, a child that has not
begun when its parent is done. A queue's feeder is as slow as its owner.
"""

from grader.core.operations import TaskId
from grader.engine.strategies.base import Choice, Strategy


class Extremes(Strategy):
    """For each task that has come up so far: one execution with it last wherever possible, and one with it first."""

    def __init__(self, executions: int) -> None:
        self._left = executions
        self._known: list[TaskId] = []
        self._plans: list[tuple[TaskId, bool]] = []
        self._plan: tuple[TaskId, bool] | None = None
        self._started = False

    def begin(self) -> bool:
        self._left -= 1
        first, self._started = not self._started, True
        if not first and not self._plans:
            return False
        self._plan = self._plans.pop(0) if self._plans else None
        return self._left >= 0

    def choose(self, choice: Choice) -> TaskId | None:
        tasks = choice.machine.tasks
        for task in choice.candidates:
            owner = tasks.owner(task)
            if owner not in self._known:
                self._known.append(owner)
                self._plans += ((owner, False), (owner, True))
        candidates = choice.candidates
        if self._plan is not None:
            extreme, first = self._plan
            preferred = [task for task in candidates if (tasks.owner(task) == extreme) == first]
            candidates = preferred or candidates
        return choice.keep_going(candidates)
