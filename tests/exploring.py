"""Explore a scripted program with the engine, and keep what was seen."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from grader.core.execution import Budget, Execution, OutcomeKind
from grader.core.operations import ObjectId
from grader.engine import fairness
from grader.engine.explorer import Exploration, explore
from grader.engine.scripted import Script, ScriptedProgram
from grader.engine.strategies.base import Strategy
from grader.engine.strategies.dpor import Dpor
from grader.engine.tasks import TaskTable
from grader.engine.waits import Bounds
from tests.oracle import Ending, Oracle, ending_of

PLENTY = Budget(executions=1_000_000, seconds=math.inf, steps=2_000)
UNBOUNDED = Bounds(most=1_000_000)
"""No bound on waits: for programs that come to an end by themselves, all of which is compared with the truth.

In a text (`tests.programs`) all instructions stand in one place, so the same one twice would be a round.
"""


def give_up_cycles_early() -> None:
    """Let a fair execution count as endless after few cycles: no program of the tests counts far without a limit."""
    fairness.REPETITIONS = fairness.FEWEST_REPETITIONS = 12


class Explored(NamedTuple):
    """The totals of an exploration, and its executions."""

    total: Exploration
    executions: list[Execution]
    tasks: TaskTable

    @property
    def endings(self) -> set[Ending]:
        """What the executions came to."""
        return {ending_of(execution) for execution in self.executions}

    @property
    def kinds(self) -> Counter[OutcomeKind]:
        """How the executions ended, and how many each way."""
        return Counter(execution.outcome.kind for execution in self.executions)


def run_all(
    objects: Mapping[ObjectId, Any],
    scripts: Sequence[Script],
    strategy: Strategy | None = None,
    budget: Budget = PLENTY,
    tasks: TaskTable | None = None,
) -> Explored:
    """Every execution that the strategy (DPOR without a bound on waits, if none is given) makes."""
    executions: list[Execution] = []

    def keep(execution: Execution) -> bool:
        executions.append(execution)
        return True

    tasks = tasks or TaskTable()
    total = explore(ScriptedProgram(objects, scripts), strategy or Dpor(UNBOUNDED), budget, keep, tasks)
    return Explored(total, executions, tasks)


def truth(objects: Mapping[ObjectId, Any], scripts: Sequence[Script], explored: Explored) -> Oracle:
    """The oracle of the same program, with the same numbers for its tasks."""
    return Oracle(objects, scripts, explored.tasks)
