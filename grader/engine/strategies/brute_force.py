"""Every interleaving, one after the other, without any reduction: the oracle; and with a bound, the short witnesses.

Start at `BruteForce`. With `preemptions`, only interleavings that switch away from a task that could go on at most so
often (Musuvathi, Qadeer: Iterative context bounding, PLDI 2007).
"""

from typing import NamedTuple

from grader.core.execution import Claim, Execution, OutcomeKind
from grader.core.operations import TaskId
from grader.engine.machine import World
from grader.engine.strategies.base import Choice, Diverged, Strategy
from grader.engine.waits import Bounds


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
    """Depth-first over all schedules within the bound on waits, least switching first."""

    def __init__(self, preemptions: int | None = None, bounds: Bounds | None = None) -> None:
        self.bounds = bounds or Bounds()
        self._bound = preemptions
        self._stack: list[_Node] = []
        self._started = self._done = self._held_back = False
        self.exhaustive = self.systematic = preemptions is None

    @property
    def claim(self) -> Claim | None:
        """As `Strategy.claim`: nothing before the end, and no more than the bound on waits let happen."""
        if not (self._done and self.exhaustive):
            return None
        return Claim(self.bounds.most if self._held_back else None)

    def begin(self) -> bool:
        if not self._started:
            self._started = True
            return True
        while self._stack:
            node = self._stack.pop()
            if node.untried:
                self._stack.append(node._replace(chosen=node.untried[0], untried=node.untried[1:]))
                return True
        self._done = True
        return False

    def choose(self, choice: Choice) -> TaskId | None:
        if choice.position < len(self._stack):
            task = self._stack[choice.position].chosen
            if task not in choice.machine.pending:
                raise Diverged(f"step {choice.position + 1} cannot be made again")
            return task
        self._held_back = self._held_back or bool(choice.machine.held_back())
        spent = self._stack[-1].preemptions() if self._stack else 0
        first = choice.keep_going(choice.candidates)
        others = [task for task in choice.candidates if task != first]
        goes_on = first if first == choice.last else None
        if goes_on is not None and self._bound is not None and spent >= self._bound:
            others = []
        self._stack.append(_Node(first, others, goes_on, spent))
        return first

    def finished(self, execution: Execution, world: World) -> None:
        self._held_back = self._held_back or any(world.held_back(task) for task in world.pending)
        self.exhaustive = self.exhaustive and execution.outcome.kind is not OutcomeKind.STEP_LIMIT
        del self._stack[len(execution.trace) :]
