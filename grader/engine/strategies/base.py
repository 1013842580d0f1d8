"""What a strategy is: it picks the next task, and decides from each execution whether and how to go on."""

import abc
from typing import NamedTuple

from grader.core.execution import Claim, Execution
from grader.core.operations import Step, TaskId
from grader.engine.fairness import Fairness
from grader.engine.machine import Machine, World
from grader.engine.waits import Bounds


class Diverged(Exception):
    """The program did not do again what it did before under the same choices."""


class Choice(NamedTuple):
    """A scheduling point: its position in the trace, the state, who can go, and who went last (-1: nobody).

    `candidates` are those that can go within the bound on waits, `fairness` knows who has yielded.
    """

    position: int
    machine: Machine
    candidates: list[TaskId]
    last: TaskId
    fairness: Fairness

    def keep_going(self, candidates: list[TaskId]) -> TaskId:
        """The choice that switches least: whoever went last, unless it has yielded, else the lowest number."""
        return self.fairness.pick(candidates, self.last)


class Strategy(abc.ABC):
    """Chooses the schedules of an exploration, one execution after the other."""

    exhaustive = False
    """Whether running out of schedules means that every class of equivalent interleavings was covered."""

    systematic = False
    """Whether the strategy sets out to cover every class of equivalent interleavings."""

    only_looks_for_mistakes = False
    """Whether executions that it makes too long say nothing of the program."""

    bounds: Bounds = Bounds()
    """How often a task may look in vain. Does not change during an execution."""

    endless = False
    """Whether an execution that is no more insisted on goes round in a cycle (`engine.fairness.Continuation`)."""

    @property
    def claim(self) -> Claim | None:
        """What the executions made so far have covered, before all are made; None if nothing that has a name."""
        return None

    @property
    def repeated(self) -> int:
        """How many executions so far are no classes of their own."""
        return 0

    @abc.abstractmethod
    def begin(self) -> bool:
        """Get ready for another execution; false if there is none left to make."""

    @abc.abstractmethod
    def choose(self, choice: Choice) -> TaskId | None:
        """The next task, None to give this execution up as redundant.

        Raises:
            Diverged: the schedule cannot be followed.
        """

    def insists(self, choice: Choice) -> TaskId | None:
        """The task that has to go next, whatever the bound on waits; None to leave it to `choose`.

        Raises:
            Diverged: the schedule cannot be followed.
        """
        return None

    def executed(self, step: Step) -> None:  # noqa: B027 - most strategies need not know
        """The chosen operation was executed."""

    def finished(self, execution: Execution, world: World) -> None:  # noqa: B027
        """The execution is over; `world` is the state in which it ended, or from which on it was not ours to choose."""

    def estimate(self) -> float | None:
        """The part of all its executions that the strategy has made, up to 1; None if it cannot tell."""
        return None
