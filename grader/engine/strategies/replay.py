"""Follow a given schedule, exactly or as far as it goes."""

from collections.abc import Sequence

from grader.core.operations import TaskId
from grader.engine.steps import is_enabled
from grader.engine.strategies.base import Choice, Diverged, Strategy
from grader.engine.tasks import TaskPath


class Replay(Strategy):
    """One execution along `schedule` (paths of tasks, see `grader.engine.tasks`); on its own behind the end.

    A step that cannot be made is a divergence; a `lenient` replay, of a program that has changed since, goes on
    without it. The bound on waits only counts behind the end. `endless` is a schedule that ends with a cycle.
    """

    def __init__(self, schedule: Sequence[TaskPath], *, lenient: bool = False, endless: bool = False) -> None:
        self.endless = endless
        self._schedule = schedule
        self._lenient = lenient
        self._done = False

    def begin(self) -> bool:
        first, self._done = not self._done, True
        return first

    def insists(self, choice: Choice) -> TaskId | None:
        if choice.position >= len(self._schedule):
            return None
        machine = choice.machine
        task = machine.tasks.by_path(self._schedule[choice.position])
        operation = machine.pending.get(task) if task is not None else None
        if task is not None and operation is not None and is_enabled(machine.objects, task, operation):
            return task
        if self._lenient:
            return None
        raise Diverged(f"step {choice.position + 1} of the schedule cannot be made")

    def choose(self, choice: Choice) -> TaskId | None:
        return choice.keep_going(choice.candidates)
