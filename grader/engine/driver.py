"""Runs one execution: asks the strategy who goes, lets the machine do the step, tells the session.

Start at `run`.
"""

import time
from collections import deque
from collections.abc import Sequence

import msgspec

from grader.core.execution import Execution, Outcome, OutcomeKind
from grader.core.operations import NO_OBJECT, OperationKind, Step, TaskId, task_of
from grader.engine.fairness import same
from grader.engine.machine import Machine, ProtocolError, World
from grader.engine.program import Announcement, Program, Report, Session
from grader.engine.strategies.base import Choice, Diverged, Strategy
from grader.engine.tasks import TaskTable
from grader.engine.turns import TURNS
from grader.primitives.process import ended_by

PATIENCE = 100
"""How often resting tasks may have to go on by themselves, and meet nothing new, before it is a livelock."""

OUTPUT_LIMIT = 16_384
_TEXT_LIMIT = 500

MOST_SECONDS = 60.0
"""For one execution. The longest ones that keep to the limit of steps take a few, on a slow machine."""
MOST_COPIED = 2 * 2**30
"""Bytes of the states of memory in one execution: every write makes a new one, and all are kept."""
TOO_LARGE = "shared memory that is too large to be written so often"
TOO_SLOW = f"more than {MOST_SECONDS:g} s for a single execution"

SPINS = "a thread that goes on without using a lock, a queue or the like while other threads wait"


class _Driver:
    def __init__(
        self, program: Program, strategy: Strategy, tasks: TaskTable, max_steps: int, symmetric: bool
    ) -> None:
        self.initial = program.initial_objects()
        self.machine = Machine(self.initial, tasks, symmetric, strategy.rounds)
        self.strategy = strategy
        self.tasks = tasks
        self.max_steps = max_steps
        self.trace: list[Step] = []
        self.out: dict[TaskId, str] = {}
        self.err: dict[TaskId, str] = {}
        self.fruitless = 0
        self.deadline = time.monotonic() + MOST_SECONDS
        self.copied = 0
        self.stuck_at: deque[World] = deque(maxlen=len(self.initial) + 8)

    def drive(self, session: Session) -> Outcome:
        outcome = self._take(session.start())
        while outcome is None:
            candidates = self.machine.enabled()
            if not candidates:
                candidates = self._in_turn(self.machine.restless())
                outcome = self._nobody_can_move(candidates)
            if outcome is None:
                outcome = self._one_step(session, candidates)
        return outcome

    def _in_turn(self, restless: list[TaskId]) -> list[TaskId]:
        return [restless[self.fruitless % len(restless)]] if restless else []

    def _nobody_can_move(self, restless: list[TaskId]) -> Outcome | None:
        if not restless:
            alive = self.machine.alive()
            return Outcome(OutcomeKind.DEADLOCK if alive else OutcomeKind.COMPLETED)
        world = self.machine.snapshot()
        known = any(same(world.objects, earlier.objects) for earlier in self.stuck_at)
        self.fruitless = self.fruitless + 1 if known else 0
        if not known:
            self.stuck_at.append(world)
        if self.fruitless <= PATIENCE:
            return None
        task = restless[0]
        return Outcome(OutcomeKind.LIVELOCK, task, self.machine.pending[task].line)

    def _one_step(self, session: Session, candidates: list[TaskId]) -> Outcome | None:
        if len(self.trace) >= self.max_steps:
            task = self.trace[-1].task
            return Outcome(OutcomeKind.STEP_LIMIT, task, self.trace[-1].operation.line)
        last = self.trace[-1].task if self.trace else -1
        if time.monotonic() > self.deadline or self.copied > MOST_COPIED:
            line = self.trace[-1].operation.line if self.trace else 0
            why = TOO_LARGE if self.copied > MOST_COPIED else TOO_SLOW
            return Outcome(OutcomeKind.UNCONTROLLED, last, line, why)
        try:
            chosen = self.strategy.choose(Choice(len(self.trace), self.machine, candidates, last))
        except Diverged as difference:
            return Outcome(OutcomeKind.DIVERGED, detail=str(difference))
        if chosen is None:
            return Outcome(OutcomeKind.PRUNED)
        step = self.machine.execute(chosen)
        self.trace.append(step)
        self.strategy.executed(step)
        if step.operation.kind is OperationKind.MEMORY_WRITE:
            self.copied += len(self.machine.objects[step.operation.object].data)
        if step.operation.kind is OperationKind.QUEUE_FLUSH:
            return None
        for victim in ended_by(step):
            if victim != step.task or step.operation.kind is OperationKind.PROCESS_KILL:
                session.kill(victim)
        return self._take(session.resume(step))

    def _take(self, reports: Sequence[Report]) -> Outcome | None:
        for report in reports:
            if not isinstance(report, Announcement):
                return self._explained(report.outcome)
            self._keep_output(report)
            if report.operation.kind is OperationKind.UNCONTROLLED:
                operation = report.operation
                return Outcome(
                    OutcomeKind.UNCONTROLLED, report.task, operation.line, operation.text[:_TEXT_LIMIT]
                )
            try:
                self.machine.announce(report)
            except ProtocolError as error:
                return Outcome(OutcomeKind.CRASHED, report.task, report.operation.line, str(error))
        return None

    def _explained(self, outcome: Outcome) -> Outcome:
        """A thread that goes on without an operation may look at what the other threads could change, if they ran."""
        if outcome.kind is not OutcomeKind.HUNG or not self.machine.has_other_threads(outcome.task):
            return outcome
        line = next((step.operation.line for step in reversed(self.trace) if step.task == outcome.task), 0)
        return Outcome(OutcomeKind.UNCONTROLLED, outcome.task, outcome.line or line, SPINS)

    def _keep_output(self, report: Announcement) -> None:
        for kept, text in ((self.out, report.out), (self.err, report.err)):
            if text:
                kept[report.task] = (kept.get(report.task, "") + text)[:OUTPUT_LIMIT]


def run(
    program: Program, strategy: Strategy, tasks: TaskTable, max_steps: int, symmetric: bool = False
) -> Execution:
    """Execute `program` once, with `strategy` choosing, and report how it went. Leaves no task behind.

    If `symmetric`, identical processes begin in the order of their starting (`grader.engine.symmetry`).
    """
    driver = _Driver(program, strategy, tasks, max_steps, symmetric)
    session = program.launch(tasks)
    try:
        outcome = driver.drive(session)
    finally:
        session.close()
    machine = driver.machine
    execution = Execution(
        schedule=tuple(step.task for step in driver.trace),
        trace=tuple(map(_plain, driver.trace)),
        outcome=outcome,
        objects={target: state for target, state in machine.objects.items() if target != TURNS},
        pending=dict(machine.pending),
        labels=tasks.labels(),
        paths=tasks.paths(),
        creations=machine.creations,
        alike=_likenesses(driver.trace),
        output=driver.out,
        errors=driver.err,
        initial=driver.initial,
    )
    strategy.finished(execution, machine.snapshot())
    return execution


def _likenesses(trace: Sequence[Step]) -> dict[TaskId, TaskId]:
    operations = (step.operation for step in trace if step.operation.like != NO_OBJECT)
    return {task_of(operation.object): task_of(operation.like) for operation in operations}


def _plain(step: Step) -> Step:
    """A step as it is where nobody asks who is like whom."""
    if step.operation.like == NO_OBJECT:
        return step
    operation = msgspec.structs.replace(step.operation, like=NO_OBJECT)
    return msgspec.structs.replace(step, operation=operation)
