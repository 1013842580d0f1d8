"""DPOR for programs with polling loops: learns which rounds lead nowhere, and begins anew without them.

Start at `Learning`. Every time that a poll finds nothing is one more order of the steps, though the program is
afterwards where it was before; with n items there are exponentially many such orders. A round that is known leaves
its task at rest until it would find something (`grader.engine.fairness.Rounds`), as if it had waited. What is known
must not change while DPOR goes on, so what was learned counts only from the next beginning on. The last exploration
is complete by itself, whatever those before it have left out.
"""

from grader.core.execution import Execution
from grader.core.operations import Step, TaskId
from grader.engine.fairness import Rounds
from grader.engine.machine import World
from grader.engine.strategies.base import Choice, Strategy
from grader.engine.strategies.dpor import Dpor
from grader.engine.strategies.extremes import Extremes

FIRST = 16
"""Executions after which it is time to begin anew, if anything was learned; each further exploration gets twice as
many."""
PILOT = 12
"""Executions with one task in a hurry, which meets empty queues and unset flags wherever that is possible."""
MOST_BEGINNINGS = 3


class Learning(Strategy):
    """Explores like `Dpor`, which it uses, until every class of interleavings without idle rounds was executed."""

    def __init__(self, first: int = FIRST) -> None:
        self._first = self._left = first
        self._beginnings = 1
        self.rounds: Rounds = Rounds()
        self._strategy: Strategy = Dpor(self.rounds)

    @property
    def exhaustive(self) -> bool:  # type: ignore[override]
        """As `Strategy.exhaustive`."""
        return self._strategy.exhaustive

    def begin(self) -> bool:
        if isinstance(self._strategy, Dpor) and self._tired():
            self._pilot()
        self._left -= 1
        if self._strategy.begin():
            return True
        if isinstance(self._strategy, Dpor):
            return False
        self._begin_anew()
        return self._strategy.begin()

    def _tired(self) -> bool:
        return self._left <= 0 and self._beginnings < MOST_BEGINNINGS and self.rounds.learned > 0

    def _pilot(self) -> None:
        self.rounds = self.rounds.with_learned()
        self._strategy = Extremes(PILOT)

    def _begin_anew(self) -> None:
        self.rounds = self.rounds.with_learned()
        self._strategy = Dpor(self.rounds)
        self._left = self._first << self._beginnings
        self._beginnings += 1

    def choose(self, choice: Choice) -> TaskId | None:
        return self._strategy.choose(choice)

    def executed(self, step: Step) -> None:
        self._strategy.executed(step)

    def finished(self, execution: Execution, world: World) -> None:
        self._strategy.finished(execution, world)
