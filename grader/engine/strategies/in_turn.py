"""The one order in which an unhurried machine would run a program: everybody in turn, nobody interrupted.

Start at `InTurn`. It is for trying many inputs, each in one execution.
"""

from grader.core.operations import TaskId
from grader.engine.strategies.base import Choice, Strategy

LONGEST_TURN = 2_000
"""Steps that a task makes in a row while others could go; so one that only waits for them lets them, in the end."""


class InTurn(Strategy):
    """One execution: a task goes on until it has to wait (or for too long), then the next one by number."""

    def __init__(self) -> None:
        self._made = False
        self._in_a_row = 0

    def begin(self) -> bool:
        first, self._made = not self._made, True
        return first

    def choose(self, choice: Choice) -> TaskId | None:
        candidates, last = choice.candidates, choice.last
        if last in candidates and (self._in_a_row < LONGEST_TURN or len(candidates) == 1):
            self._in_a_row += 1
            return last
        self._in_a_row = 1
        return min((task for task in candidates if task > last), default=min(candidates))
