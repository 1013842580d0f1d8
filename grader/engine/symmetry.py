"""Identical processes: the orders among them count once, as long as nothing tells them apart.

Start at `explore_identical`. Processes are taken for identical if the operation that starts one says that it is `like`
one before (the agent says so of a child with the same function, the same arguments, and the same of everything else
that it can see). Such processes begin in the order in which they were started (`grader.engine.turns`): in any
execution in which Y begins before X, which was started earlier, the two can change names, because nothing has happened
yet that one would know of and the other not. So every outcome is found, but for the names.

That holds only while nobody else looks at one of them in particular, which cannot be known beforehand. `Classes` looks
at every execution, and where it objects, everything is explored again without symmetry. Every execution is a renaming
of one that is explored, up to the first objection; so, if there is anything to object to, it is met. What is printed
is told by process: where identical processes print different things, they are not the same to the reader, either.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from grader.core.execution import Budget, Execution, OutcomeKind, StopReason
from grader.core.operations import (
    NO_OBJECT,
    ObjectId,
    Operation,
    OperationKind,
    Result,
    TaskId,
    creator_of,
    process_object,
    task_of,
)
from grader.engine.explorer import Exploration, OnProgress, Watcher, explore
from grader.engine.program import Program
from grader.engine.strategies.base import Strategy
from grader.engine.tasks import TaskTable

_KIND = OperationKind
_LOOKS = frozenset(
    {
        *(_KIND.PROCESS_JOIN, _KIND.PROCESS_POLL, _KIND.PROCESS_WAIT),
        *(_KIND.PROCESS_KILL, _KIND.PROCESS_CHILDREN, _KIND.PIPE_WAIT),
    }
)
_TELLING = _LOOKS | {_KIND.PROCESS_START, _KIND.PROCESS_EXIT, _KIND.THREAD_START}


class _Made(NamedTuple):
    """An operation of a task, and what it was told; None if it waits with it in the end."""

    operation: Operation
    result: Result | None


class _Family(NamedTuple):
    """Who is identical with whom in one execution: the first of its kind for each member, and the parents."""

    kinds: Mapping[TaskId, TaskId]
    parents: Mapping[TaskId, TaskId]
    made: Mapping[TaskId, list[_Made]]
    ended: frozenset[TaskId]

    def has_beside(self, task: TaskId) -> bool:
        """Whether a process is identical with others, or has the same parent as some that are."""
        parent = self.parents.get(task)
        return parent is not None and any(self.parents.get(member) == parent for member in self.kinds)


class Classes:
    """The identical processes of an exploration, and whether anything told them apart (`objection`)."""

    def __init__(self) -> None:
        self.objection = ""
        self._sizes: dict[TaskId, int] = {}
        self._does: dict[int, Operation] = {}
        """What a member does next, by what it has done and was told."""
        self._stuck: set[int] = set()
        self._passed: set[int] = set()

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many processes each class has, the largest first."""
        return tuple(sorted(self._sizes.values(), reverse=True))

    def admit(self, execution: Execution) -> bool:
        """Take an execution into account; false if it tells processes apart that were taken for identical."""
        family = _family(execution)
        if family.kinds and not self.objection:
            self.objection = next(self._objections(execution, family), "")
            for kind in family.kinds.values():
                members = sum(1 for other in family.kinds.values() if other == kind)
                self._sizes[kind] = max(members, self._sizes.get(kind, 0))
        return not self.objection

    def settle(self) -> bool:
        """To be asked when everything was explored: whether it is known what every parent does after its joins."""
        if self._stuck - self._passed and not self.objection:
            self.objection = "nobody knows what comes after a join that never returned"
        return not self.objection

    def _objections(self, execution: Execution, family: _Family) -> Iterator[str]:
        if any(creator_of(target) in family.kinds for target in execution.creations):
            yield "one makes shared objects of its own"
        printed = {(kind, execution.output.get(task, "")) for task, kind in family.kinds.items()}
        if execution.outcome.kind is OutcomeKind.COMPLETED and len(printed) > len({*family.kinds.values()}):
            yield "they do not print the same"
        for task, made in family.made.items():
            telling = (one for one in made if one.operation.kind in _TELLING)
            yield from filter(None, (_objection_to(one, task, family) for one in telling))
            if task in family.kinds:
                yield from self._behaves(task, family.kinds[task], made)
        for parent in {family.parents[task] for task in family.kinds if task in family.parents}:
            yield from self._joins(parent, family)

    def _behaves(self, task: TaskId, kind: TaskId, made: list[_Made]) -> Iterator[str]:
        """Members that did the same, and were told the same, do the same next."""
        history = kind
        for operation, result in made:
            if operation.object == process_object(task):
                operation = msgspec.structs.replace(operation, object=NO_OBJECT)
            if self._does.setdefault(history, operation) != operation:
                yield "they do not do the same"
            history = _and_then(history, operation, result)

    def _joins(self, parent: TaskId, family: _Family) -> Iterator[str]:
        """The parent joins all that it has started so far, one right after the other, or none."""
        history, run = parent, list[int]()
        started, joined = defaultdict[TaskId, set[TaskId]](set), defaultdict[TaskId, set[TaskId]](set)
        for operation, result in family.made[parent]:
            task = task_of(operation.object)
            kind = family.kinds.get(task)
            if operation.kind is _KIND.PROCESS_JOIN and operation.may_wait:
                run.append(history)
                if kind is not None and result is not None:
                    joined[kind].update(
                        {task} & started[kind]
                    )  # another join of one that is gone says nothing
                elif kind is not None and family.ended & started[kind] - joined[kind]:
                    self._stuck.add(history)
            else:
                for known in [known for known in joined if joined[known]]:
                    if joined.pop(known) != started.pop(known):
                        yield "some are joined before the others"
                self._passed.update(run)
                run = []
                if operation.kind is _KIND.PROCESS_START and kind is not None:
                    started[kind].add(task)
            history = _and_then(history, operation, result)


def _family(execution: Execution) -> _Family:
    kinds: dict[TaskId, TaskId] = {}
    parents: dict[TaskId, TaskId] = {}
    made: dict[TaskId, list[_Made]] = defaultdict(list)
    for step in execution.trace:
        operation = step.operation
        made[step.task].append(_Made(operation, step.result))
        if operation.kind is _KIND.PROCESS_START:
            child = task_of(operation.object)
            parents[child] = step.task
            if child in execution.alike:
                other = execution.alike[child]
                kinds[child] = kinds.setdefault(other, other)
    ended = (step.task for step in execution.trace if step.operation.kind is _KIND.PROCESS_EXIT)
    for task, operation in execution.pending.items():
        made[task].append(_Made(operation, None))
    return _Family(kinds, parents, made, frozenset(ended))


def _objection_to(made: _Made, task: TaskId, family: _Family) -> str:
    operation, result = made
    kind = operation.kind
    if kind is _KIND.PROCESS_START and task in family.kinds:
        return "one starts processes of its own"
    if kind is _KIND.THREAD_START and task in family.kinds:
        return "one starts threads"
    if kind is _KIND.PROCESS_EXIT:
        return "one, or one beside them, fails" if operation.number and family.has_beside(task) else ""
    if kind not in _LOOKS:
        return ""
    if kind is _KIND.PROCESS_KILL and family.has_beside(task_of(operation.object)):
        return "one, or one beside them, is killed"
    looked_at = [other for other in _looked_at(operation, task, family) if other in family.kinds]
    waits = kind is _KIND.PROCESS_JOIN and operation.may_wait and (result is None or result.ok)
    if looked_at and not (waits and all(family.parents.get(other) == task for other in looked_at)):
        return "one is looked at by itself"
    return ""


def _looked_at(operation: Operation, task: TaskId, family: _Family) -> list[TaskId]:
    if operation.kind is _KIND.PROCESS_CHILDREN:
        return [child for child, parent in family.parents.items() if parent == task]
    targets: tuple[ObjectId, ...] = (operation.object,)
    return [task_of(target) for target in (*targets, *operation.targets)]


def _and_then(history: int, operation: Operation, result: Result | None) -> int:
    told = None if result is None else (result.ok, result.number, result.data, result.error, result.numbers)
    return hash((history, operation, told))


def explore_identical(
    program: Program,
    strategy: Strategy,
    budget: Budget,
    watcher: Watcher,
    tasks: TaskTable | None = None,
    on_progress: OnProgress | None = None,
    *,
    restart: Callable[[], Strategy],
) -> Exploration:
    """Explore up to the names of identical processes; if they turn out not to be identical, once more, every order.

    Before it all begins anew, `restart` is called for a new strategy: what `watcher` has seen until then is real, but
    will be seen again. What the watcher makes of an execution must not depend on which of several identical processes
    did what. The totals are those of the exploration that counts, with the budget that was left; `identical` says
    which processes could change names.
    """
    table = tasks if tasks is not None else TaskTable()
    classes = Classes()
    first = explore(program, strategy, budget, watcher, table, on_progress, classes=classes)
    if first.stopped is not StopReason.NOT_IDENTICAL:
        return msgspec.structs.replace(first, identical=classes.sizes)
    left = msgspec.structs.replace(
        budget,
        executions=max(budget.executions - first.executions, 1),
        seconds=max(budget.seconds - first.seconds, 0.0),
    )
    return explore(program, restart(), left, watcher, table, on_progress)
