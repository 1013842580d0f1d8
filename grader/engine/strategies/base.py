"""What a strategy is: it picks the next task, and decides from each execution whether and how to go on."""

import abc
from typing import NamedTuple

from grader.core.execution import Execution
from grader.core.operations import Step, TaskId
from grader.engine.fairness import Rounds
from grader.engine.machine import Machine, World


class Diverged(Exception):
    """The program did not do again what it did before under the same choices."""


class Choice(NamedTuple):
    """A scheduling point: its position in the trace, the state, who can go, and who went last (-1: nobody)."""

    position: int
    machine: Machine
    candidates: list[TaskId]
    last: TaskId


class Strategy(abc.ABC):
    """Chooses the schedules of an exploration, one execution after the other."""

    exhaustive = False
    """Whether running out of schedules means that every class of equivalent interleavings was covered."""

    rounds: Rounds | None = None
    """Polling rounds that are not to be made, because they are known to lead nowhere; takes what is learned."""

    @abc.abstractmethod
    def begin(self) -> bool:
        """Get ready for another execution; false if there is none left to make."""

    @abc.abstractmethod
    def choose(self, choice: Choice) -> TaskId | None:
        """The next task, None to give this execution up as redundant.

        Raises:
            Diverged: the schedule cannot be followed.
        """

    def executed(self, step: Step) -> None:  # noqa: B027 - most strategies need not know
        """The chosen operation was executed."""

    def finished(self, execution: Execution, world: World) -> None:  # noqa: B027
        """The execution is over; `world` is the state in which it ended."""

    def estimate(self) -> float | None:
        """The part of all its executions that the strategy has made, up to 1; None if it cannot tell."""
        return None


def keep_going(candidates: list[TaskId], last: TaskId) -> TaskId:
    """The choice that switches least: whoever went last, else the lowest number."""
    return last if last in candidates else candidates[0]
