"""Programs in which one process starts identical ones; the truth about them, with and without the names.

Start at `Family`, which says what the parent does, and `renamed`, which gives the outcomes of an execution under
every exchange of names, by executing it again under the other names.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import partial
from itertools import permutations, product
from typing import Any, NamedTuple

from grader.core.execution import Budget, Execution
from grader.core.operations import (
    NO_OBJECT,
    ObjectId,
    Operation,
    OperationKind,
    Result,
    Step,
    TaskId,
    process_object,
    task_of,
)
from grader.engine.explorer import OnProgress
from grader.engine.scripted import Asked, Script, ScriptedProgram
from grader.engine.strategies.dpor import Dpor
from grader.engine.symmetry import explore_identical
from grader.engine.tasks import TaskTable
from grader.primitives.registry import depends
from tests.exploring import PLENTY, UNBOUNDED, Explored
from tests.oracle import Ending, Oracle, Situation, State, ask, in_order

_KIND = OperationKind
ALL = -1
"""Stands for all children in `Family.parent`."""


class Start(NamedTuple):
    """The parent starts a process that does `script`; two with the same script are identical."""

    script: Script


class About(NamedTuple):
    """The parent does something that names its children: the one with this place, or `ALL`, one after the other."""

    child: int
    operation: Operation


class IfFailed(NamedTuple):
    """The parent does this if the last child that it looked at had failed."""

    operation: Operation


class Family(NamedTuple):
    """What the one first process does."""

    parent: tuple[Start | About | IfFailed | Operation, ...]

    def script(self) -> Generator[Any, Result, None]:
        """The parent, which says whom a child is like."""
        children: list[tuple[Script, ObjectId]] = []
        code = 0
        for act in self.parent:
            if isinstance(act, Start):
                same = [child for script, child in children if script is act.script]
                like = same[-1] if same else NO_OBJECT
                started = yield Asked(Operation(_KIND.PROCESS_START, like=like), child=act.script)
                children.append((act.script, process_object(started.number)))
            elif isinstance(act, About):
                chosen = children if act.child == ALL else children[act.child : act.child + 1]
                for _, child in chosen:
                    code = (yield _about(act.operation, child)).number
            elif isinstance(act, IfFailed):
                if code:
                    yield act.operation
            else:
                yield act


def _about(operation: Operation, child: ObjectId) -> Operation:
    targets = (child,) if operation.kind is _KIND.PROCESS_WAIT else ()
    return Operation(
        operation.kind,
        child,
        block=operation.block,
        timed=operation.timed,
        number=operation.number,
        targets=targets,
    )


JOIN_ALL = About(ALL, Operation(_KIND.PROCESS_JOIN))


def family(*scripts: tuple[Script, int]) -> Family:
    """A parent that starts so many of each script and joins them all."""
    starts = [Start(script) for script, count in scripts for _ in range(count)]
    return Family((*starts, JOIN_ALL))


def explore_family(
    objects: Mapping[ObjectId, Any],
    parent: Family,
    tasks: TaskTable | None = None,
    budget: Budget = PLENTY,
    on_progress: OnProgress | None = None,
) -> Explored:
    """Every execution that symmetry leaves, or every one if there is none."""
    executions: list[Execution] = []
    table = tasks or TaskTable()
    program = ScriptedProgram(objects, [parent.script])

    def restart() -> Dpor:
        executions.clear()
        return Dpor(UNBOUNDED)

    def keep(execution: Execution) -> bool:
        executions.append(execution)
        return True

    total = explore_identical(program, Dpor(UNBOUNDED), budget, keep, table, on_progress, restart=restart)
    return Explored(total, executions, table)


def order_of_beginning(oracle: Oracle) -> dict[TaskId, TaskId]:
    """For each of some identical tasks, but for the first, the one before it, which has got the same ends of pipes."""
    starts = {
        step.operation.object: step.operation
        for state in oracle.states()
        for step, _ in state.next.values()
        if step.operation.kind is _KIND.PROCESS_START
    }
    return {
        task_of(target): task_of(start.like)
        for target, start in starts.items()
        if start.like != NO_OBJECT and starts[start.like].targets == start.targets
    }


class InOrder(Oracle):
    """The interleavings in which identical tasks begin in the order in which they were started."""

    behind: Mapping[TaskId, TaskId] = {}

    def may(self, now: Situation, task: TaskId, operation: Operation) -> bool:
        waits = task in self.behind and operation.kind is not _KIND.SLEEP
        return super().may(now, task, operation) and not (
            waits and not self._has_begun(now, self.behind[task])
        )

    def _has_begun(self, now: Situation, task: TaskId) -> bool:
        told = now.told.get(task, ())
        asked = (ask(now.scripts[task], told[:length]) for length in range(len(told)))
        return any(one.operation.kind is not _KIND.SLEEP for one in asked)

    def normal_forms(self) -> list[tuple[Step, ...]]:
        return self.sequences(lambda made, step: not self._stands_earlier(made, step))

    def _stands_earlier(self, made: tuple[Step, ...], step: Step) -> bool:
        first = _first_of(made, self.behind.get(step.task))
        begins = step.operation.kind is not _KIND.SLEEP and _first_of(made, step.task) is None
        for earlier in reversed(made):
            if in_order(earlier, step) or (begins and earlier is first):
                return False
            if step.task < earlier.task:
                return True
        return False


def _first_of(made: Sequence[Step], task: TaskId | None) -> Step | None:
    own = (step for step in made if step.task == task and step.operation.kind is not _KIND.SLEEP)
    return next(own, None)


def classes(behind: Mapping[TaskId, TaskId]) -> list[list[TaskId]]:
    """The tasks that are identical with each other."""
    found: list[list[TaskId]] = []
    for task, before in sorted(behind.items()):
        known = next((members for members in found if before in members), None)
        if known is None:
            found.append([before, task])
        else:
            known.append(task)
    return found


def renamed(oracle: Oracle, execution: Execution, members: Sequence[Sequence[TaskId]]) -> Iterator[Ending]:
    """What comes of an execution under every possible exchange of names of identical tasks, its own among them.

    Not possible is one that lets a task act before it is started.
    """
    for exchange in product(*(permutations(group) for group in members)):
        names = {old: new for group, fresh in zip(members, exchange) for old, new in zip(group, fresh)}
        ending = _again(oracle, execution, partial(_renamed, names))
        if ending is not None:
            yield ending


def _renamed(names: Mapping[TaskId, TaskId], task: TaskId) -> TaskId:
    return names.get(task, task)


def _again(oracle: Oracle, execution: Execution, name: Callable[[TaskId], TaskId]) -> Ending | None:
    """Execute it once more under other names, in an equivalent order that lets every task be started first.

    Joins change nothing, and are made when their task does something else.
    """
    steps = [step for step in execution.trace if not _is_join(step)]
    before = [{k for k in range(j) if _stays_behind(steps[k], steps[j])} for j in range(len(steps))]
    state, left = oracle.first, list(range(len(steps)))
    while left:
        for j in left:
            task = _new_name(oracle.tasks, steps[j], name)
            joined = _past_joins(state, task)
            if task in joined.next and before[j].isdisjoint(left):
                state = joined.next[task][1]
                left.remove(j)
                break
        else:
            return None
    for task in sorted(state.now.told):
        state = _past_joins(state, task)
    assert not state.next, "an execution under other names goes on"
    return state.ending


def _stays_behind(earlier: Step, later: Step) -> bool:
    return earlier.task == later.task or depends(earlier, later)


def _new_name(tasks: TaskTable, step: Step, name: Callable[[TaskId], TaskId]) -> TaskId:
    if tasks.is_feeder(step.task):
        return tasks.feeder(name(tasks.owner(step.task)), step.operation.object)
    return name(step.task)


def _past_joins(state: State, task: TaskId) -> State:
    while task in state.next and _is_join(state.next[task][0]):
        state = state.next[task][1]
    return state


def _is_join(step: Step) -> bool:
    return step.operation.kind is _KIND.PROCESS_JOIN and step.operation.may_wait
