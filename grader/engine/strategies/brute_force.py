"""Every interleaving, one after the other, without any reduction: the oracle; and with a bound, the short witnesses.

Start at `BruteForce`. With `preemptions`, only interleavings that switch away from a task that could go on at most so
often (Musuvathi, Qadeer: Iterative context bounding, PLDI 2007).
"""

from typing import NamedTuple

from grader.core.execution import Execution
from grader.core.operations import TaskId
from grader.engine.machine import World
from grader.engine.strategies.base import Choice, Diverged, Strategy


class _Node(NamedTuple):
    chosen: TaskId
    untried: list[TaskId]
    goes_on: TaskId | None
    """The task whose turn it was, if it could have gone on."""
    spent: int
    """Preemptions before this step."""

    def preemptions(self) -> int:
        """Preemptions up to and with this step."""
        return self.spent + int(self.goes_on is not None and self.chosen != self.goes_on)


class BruteForce(Strategy):
    """Depth-first over all schedules, least switching first."""

    def __init__(self, preemptions: int | None = None) -> None:
        self._bound = preemptions
        self._stack: list[_Node] = []
        self._started = False
        self.exhaustive = self.systematic = preemptions is None

    def begin(self) -> bool:
        if not self._started:
            self._started = True
            return True
        while self._stack:
            node = self._stack.pop()
            if node.untried:
                self._stack.append(node._replace(chosen=node.untried[0], untried=node.untried[1:]))
                return True
        return False

    def choose(self, choice: Choice) -> TaskId | None:
        if choice.position < len(self._stack):
            task = self._stack[choice.position].chosen
            if task not in choice.machine.pending:
                raise Diverged(f"step {choice.position + 1} cannot be made again")
            return task
        spent = self._stack[-1].preemptions() if self._stack else 0
        first = choice.keep_going(choice.candidates)
        others = [task for task in choice.candidates if task != first]
        goes_on = first if first == choice.last else None
        if goes_on is not None and self._bound is not None and spent >= self._bound:
            others = []
        self._stack.append(_Node(first, others, goes_on, spent))
        return first

    def finished(self, execution: Execution, world: World) -> None:
        del self._stack[len(execution.trace) :]
