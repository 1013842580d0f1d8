"""The loop of an exploration: execute, judge, count, until exhausted, failed or out of budget. Start at `explore`."""

import time
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from grader.core.execution import Budget, Execution, OutcomeKind, StopReason
from grader.engine.driver import run
from grader.engine.program import Program
from grader.engine.strategies.base import Strategy
from grader.engine.tasks import TaskTable

Watcher: TypeAlias = Callable[[Execution], bool]
"""Is shown each execution (pruned ones excepted) and says whether to go on."""


class Exploration(msgspec.Struct, frozen=True):
    """Totals: `executions` made, `traces` completed and pairwise inequivalent (if the strategy is exhaustive)."""

    executions: int
    traces: int
    pruned: int
    stopped: StopReason
    seconds: float


def explore(
    program: Program,
    strategy: Strategy,
    budget: Budget,
    watcher: Watcher,
    tasks: TaskTable | None = None,
) -> Exploration:
    """Execute `program` under `strategy` again and again, showing every execution to `watcher`."""
    table = tasks if tasks is not None else TaskTable()
    started = time.monotonic()
    executions = traces = pruned = 0
    stopped = StopReason.EXHAUSTED
    while strategy.begin():
        execution = run(program, strategy, table, budget.steps)
        executions += 1
        if execution.outcome.kind is OutcomeKind.PRUNED:
            pruned += 1
        else:
            traces += 1
            if not watcher(execution):
                stopped = StopReason.FAILURE
                break
        if executions >= budget.executions:
            stopped = StopReason.EXECUTIONS
            break
        if time.monotonic() - started > budget.seconds:
            stopped = StopReason.SECONDS
            break
    if stopped is StopReason.EXHAUSTED and not strategy.exhaustive:
        stopped = StopReason.EXECUTIONS
    return Exploration(executions, traces, pruned, stopped, time.monotonic() - started)
