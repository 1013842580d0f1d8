"""Runs one execution: asks the strategy who goes, lets the machine do the step, tells the session.

Start at `run`.
"""

from collections.abc import Sequence

import msgspec

from grader.core.execution import Consulted, Execution, Outcome, OutcomeKind, Silence, Source
from grader.core.operations import NO_OBJECT, OperationKind, Step, TaskId, task_of
from grader.engine.effort import Effort
from grader.engine.fairness import Continuation, Fairness
from grader.engine.machine import Machine, ProtocolError, World
from grader.engine.program import Announcement, Program, Report, Session
from grader.engine.strategies.base import Choice, Diverged, Strategy
from grader.engine.tasks import TaskTable
from grader.engine.turns import TURNS
from grader.primitives.process import ended_by

BROKE_IN = "broke_in"
"""The attribute of an exception of ours that tells the execution in which it came up, as far as that went."""

MOST_BEYOND = 20_000
"""Steps of an execution from where only the bound on waits keeps everybody waiting."""

OUTPUT_LIMIT = 16_384
_TEXT_LIMIT = 500

MOST_COPIED = 2 * 2**30
"""Bytes of the states of memory in one execution: every write makes a new one, and all are kept."""
TOO_LARGE = "shared memory that is too large to be written so often"

SPINS = "a thread that goes on without using a lock, a queue or the like while other threads wait"


class _Driver:
    def __init__(
        self, program: Program, strategy: Strategy, tasks: TaskTable, max_steps: int, symmetric: bool
    ) -> None:
        self.initial = program.initial_objects()
        self.machine = Machine(self.initial, tasks, symmetric, strategy.bounds)
        self.strategy = strategy
        self.tasks = tasks
        self.max_steps = max_steps
        self.trace: list[Step] = []
        self.clocks: list[int] = []
        """What its task's clock showed when each step was announced."""
        self.last_clocks: dict[TaskId, int] = {}
        self.out: dict[TaskId, str] = {}
        self.err: dict[TaskId, str] = {}
        self.consulted: list[Consulted] = []
        self.fairness = Fairness()
        self.beyond: Continuation | None = None
        """How it goes on since only the bound on waits kept everybody waiting."""
        self.within: World | None = None
        """The state in which that happened."""
        self.effort = Effort()
        self.copied = 0

    def drive(self, session: Session) -> Outcome:
        outcome = self._take(session.start())
        while outcome is None:
            outcome = self._one_step(session)
        return outcome

    def _one_step(self, session: Session) -> Outcome | None:
        movable = self.machine.movable()
        outcome = self._nobody_can_move(movable) or self._too_long(session)
        if outcome is not None:
            return outcome
        try:
            chosen = self._chosen(movable)
        except Diverged as difference:
            return Outcome(OutcomeKind.DIVERGED, detail=str(difference))
        if chosen is None:
            return Outcome(OutcomeKind.PRUNED)
        if chosen not in movable:
            return Outcome(OutcomeKind.DIVERGED, detail=f"step {len(self.trace) + 1} cannot be made again")
        if self.beyond is not None and self.beyond.cycles:
            return self._goes_on_for_ever()
        return self._made(session, self.machine.execute(chosen), movable)

    def _nobody_can_move(self, movable: Sequence[TaskId]) -> Outcome | None:
        if movable:
            return None
        return Outcome(OutcomeKind.DEADLOCK if self.machine.alive() else OutcomeKind.COMPLETED)

    def _too_long(self, session: Session) -> Outcome | None:
        task, line = (self.trace[-1].task, self.trace[-1].operation.line) if self.trace else (-1, 0)
        beyond = self.beyond.steps if self.beyond is not None else 0
        if len(self.trace) - beyond >= self.max_steps or beyond >= MOST_BEYOND:
            return Outcome(OutcomeKind.STEP_LIMIT, task, line)
        if self.copied > MOST_COPIED:
            return Outcome(OutcomeKind.UNCONTROLLED, task, line, TOO_LARGE)
        return self.effort.outcome(session, task, line)

    def _chosen(self, movable: list[TaskId]) -> TaskId | None:
        """Who goes next: as the strategy insists, as it chooses within the bound on waits, or beyond it."""
        last = self.trace[-1].task if self.trace else -1
        choice = Choice(len(self.trace), self.machine, [], last, self.fairness)
        chosen = self.strategy.insists(choice)
        if chosen is not None:
            return chosen
        if self.beyond is None:
            candidates = self.machine.enabled()
            if candidates and not self.strategy.endless:
                return self.strategy.choose(choice._replace(candidates=candidates))
            self.within = self.machine.snapshot()
            self.beyond = Continuation(self.trace)
        return self.beyond.choose(self.machine, movable, len(self.trace))

    def _goes_on_for_ever(self) -> Outcome:
        """A cycle: what comes after its first time is the same, and need not be told."""
        assert self.beyond is not None
        chance = self._is_left_to_chance(self.beyond.anchor, self.beyond.length)
        del self.trace[self.beyond.anchor + self.beyond.length :]
        del self.clocks[len(self.trace) :]
        operation, task = self.trace[-1].operation, self.trace[-1].task
        length = self.beyond.length
        return Outcome(OutcomeKind.LIVELOCK, task, operation.line, cycle=length, chance=chance)

    def _is_left_to_chance(self, anchor: int, length: int) -> bool:
        """Whether in a cycle somebody draws a number, or sleeps for other times again and again.

        Those times may be drawn from a generator with a seed of the program's own, of which each use is not told. Where
        no step of the cycle changes anything, no other times help: whoever comes first, all see what they see here.
        """
        if not any(step.changed for step in self.trace[anchor : anchor + length]):
            return False
        if any(one.step >= anchor and one.sources & Source.CHANCE for one in self.consulted):
            return True
        if not any(one.sources & Source.SEEDED for one in self.consulted):
            return False
        slept: dict[int, set[int]] = {}
        for number, step in enumerate(self.trace[anchor:]):
            if step.operation.kind is OperationKind.SLEEP:
                slept.setdefault(number % length, set()).add(step.operation.number)
        return any(len(times) > 2 for times in slept.values())

    def _made(self, session: Session, step: Step, movable: Sequence[TaskId]) -> Outcome | None:
        self.trace.append(step)
        self.clocks.append(self.last_clocks.get(step.task, 0))
        self.fairness.stepped(step, self.machine.waiting_of(step.task), movable)
        if self.beyond is None:
            self.strategy.executed(step)
        else:
            self.beyond.stepped(step, len(self.trace))
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
            self.last_clocks[report.task] = report.clock
            if report.sources:
                last = len(self.trace) - 1
                self.consulted.append(Consulted(last, report.task, report.sources, report.place))
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
        if outcome.silence is None or not self.machine.has_other_threads(outcome.task):
            return outcome
        line = next((step.operation.line for step in reversed(self.trace) if step.task == outcome.task), 0)
        if outcome.silence is Silence.COMPUTES:
            return Outcome(OutcomeKind.UNCONTROLLED, outcome.task, outcome.line or line, SPINS)
        return msgspec.structs.replace(outcome, line=outcome.line or line)

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
    except Exception as error:
        broken = Outcome(OutcomeKind.CRASHED, detail="the grader has failed")
        setattr(error, BROKE_IN, _execution(driver, broken))
        raise
    finally:
        session.close()
    execution = _execution(driver, outcome)
    strategy.finished(execution, driver.within or driver.machine.snapshot())
    return execution


def _execution(driver: _Driver, outcome: Outcome) -> Execution:
    machine, tasks = driver.machine, driver.tasks
    return Execution(
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
        rounds=machine.most_rounds(),
        clocks=tuple(driver.clocks),
        last_clocks=driver.last_clocks,
        consulted=tuple(driver.consulted),
    )


def _likenesses(trace: Sequence[Step]) -> dict[TaskId, TaskId]:
    operations = (step.operation for step in trace if step.operation.like != NO_OBJECT)
    return {task_of(operation.object): task_of(operation.like) for operation in operations}


def _plain(step: Step) -> Step:
    """A step as it is where nobody asks who is like whom."""
    if step.operation.like == NO_OBJECT:
        return step
    operation = msgspec.structs.replace(step.operation, like=NO_OBJECT)
    return msgspec.structs.replace(step, operation=operation)
