"""The loop of an exploration: execute, judge, count, until exhausted, failed or out of budget. Start at `explore`."""

import time
from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeAlias

import msgspec

from grader.core.execution import NO_LIMIT, Budget, Claim, Execution, OutcomeKind, StopReason
from grader.engine.driver import run
from grader.engine.program import Program
from grader.engine.stack import with_room
from grader.engine.strategies.base import Strategy
from grader.engine.tasks import TaskTable

Watcher: TypeAlias = Callable[[Execution], bool]
"""Is shown each execution (pruned ones excepted) and says whether to go on."""


class Exploration(msgspec.Struct, frozen=True):
    """Totals: `executions` made, `traces` completed and pairwise inequivalent (if the strategy is exhaustive).

    `covered` is what they cover, whatever the exploration stopped for; None if not every order that matters.
    `identical` has the size of each class of identical processes, among which orders counted once (empty: there were
    none, or every order was made).
    """

    executions: int
    traces: int
    pruned: int
    stopped: StopReason
    seconds: float
    identical: tuple[int, ...] = ()
    covered: Claim | None = None


class Progress(NamedTuple):
    """How far an exploration has come. Asking for an estimate costs something, to be shown this costs nothing."""

    executions: int
    seconds: float
    strategy: Strategy

    def fraction(self) -> float | None:
        """The part of all executions that has been made, from 0 to 1, as far as the strategy can guess it."""
        return self.strategy.estimate()

    def left(self) -> int | None:
        """About how many executions are left, at least; None if there is no telling."""
        fraction = self.fraction()
        return round(self.executions / fraction) - self.executions if fraction else None


OnProgress: TypeAlias = Callable[[Progress], object]


class Admission(Protocol):
    """Says whether processes that were taken for identical are (`grader.engine.symmetry.Classes`)."""

    def admit(self, execution: Execution) -> bool:
        """Whether an execution does not contradict it."""

    def settle(self) -> bool:
        """Whether all executions together do not."""


@with_room
def explore(
    program: Program,
    strategy: Strategy,
    budget: Budget,
    watcher: Watcher,
    tasks: TaskTable | None = None,
    on_progress: OnProgress | None = None,
    *,
    classes: Admission | None = None,
) -> Exploration:
    """Execute `program` under `strategy` again and again, showing every execution to `watcher`.

    With `classes`, orders of identical processes count once, and it ends as `NOT_IDENTICAL` as soon as they object:
    `grader.engine.symmetry.explore_identical` is the way to have that looked after.
    """
    table = tasks if tasks is not None else TaskTable()
    started, cpu = time.monotonic(), time.process_time()
    executions = pruned = steps = 0
    stopped: StopReason | None = None
    while stopped is None and strategy.begin():
        execution = run(program, strategy, table, budget.steps, classes is not None)
        executions += 1
        steps += len(execution.trace)
        is_pruned = execution.outcome.kind is OutcomeKind.PRUNED
        pruned += is_pruned
        if classes is not None and not classes.admit(execution):
            stopped = StopReason.NOT_IDENTICAL
            break
        if on_progress is not None:
            on_progress(Progress(executions, time.monotonic() - started, strategy))
        if not is_pruned and not watcher(execution):
            stopped = StopReason.FAILURE
        elif executions >= budget.executions:
            stopped = StopReason.EXECUTIONS
        elif budget.all_steps is not None and steps >= budget.all_steps:
            stopped = StopReason.STEPS
        elif budget.cpu is not None and time.process_time() - cpu > budget.cpu:
            stopped = StopReason.CPU
        elif time.monotonic() - started > budget.seconds:
            stopped = StopReason.SECONDS
    if stopped is None:
        stopped = StopReason.EXHAUSTED if strategy.exhaustive else StopReason.EXECUTIONS
        if classes is not None and not classes.settle():
            stopped = StopReason.NOT_IDENTICAL
    covered = strategy.claim or (NO_LIMIT if stopped is StopReason.EXHAUSTED else None)
    if stopped is StopReason.NOT_IDENTICAL or (classes is not None and not classes.settle()):
        covered = None
    traces = executions - pruned - strategy.repeated
    return Exploration(executions, traces, pruned, stopped, time.monotonic() - started, covered=covered)
