"""Follow a given schedule, exactly."""

from collections.abc import Sequence

from grader.core.operations import TaskId
from grader.engine.strategies.base import Choice, Diverged, Strategy, keep_going
from grader.engine.tasks import TaskPath


class Replay(Strategy):
    """One execution along `schedule` (paths of tasks, see `grader.engine.tasks`); on its own behind the end."""

    def __init__(self, schedule: Sequence[TaskPath]) -> None:
        self._schedule = schedule
        self._done = False

    def begin(self) -> bool:
        first, self._done = not self._done, True
        return first

    def choose(self, choice: Choice) -> TaskId | None:
        if choice.position >= len(self._schedule):
            return keep_going(choice.candidates, choice.last)
        task = choice.machine.tasks.by_path(self._schedule[choice.position])
        if task is None or task not in choice.machine.pending:
            raise Diverged(f"step {choice.position + 1} of the schedule cannot be made")
        return task
