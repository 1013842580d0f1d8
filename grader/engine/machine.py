"""The state of one execution under way: shared objects, pending operations, and what each step does to them.

Start at `Machine`. It knows nothing of strategies and processes: `grader.engine.driver` connects it with both.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from grader.core.operations import (
    DONE,
    NO_OBJECT,
    Creation,
    ErrorCode,
    ObjectId,
    Operation,
    OperationKind,
    Result,
    Step,
    TaskId,
    creator_of,
    process_object,
    task_of,
)
from grader.engine.fairness import NOT_IDLING, Idling
from grader.engine.program import Announcement
from grader.engine.tasks import TaskTable
from grader.primitives.base import Objects
from grader.primitives.process import ProcessState
from grader.primitives.queue import QueueState
from grader.primitives.registry import BY_OBJECT, BY_OPERATION

_KIND = OperationKind
MAX_OBJECTS = 10_000


class World(msgspec.Struct, frozen=True):
    """A snapshot: the objects, what every task is about to do, and which tasks only re-read unchanged state."""

    objects: Mapping[ObjectId, Any]
    pending: Mapping[TaskId, Operation]
    idling: Mapping[TaskId, Idling]
    resting: frozenset[TaskId]


class ProtocolError(Exception):
    """A task announced something that no agent of ours would: its execution ends as crashed."""


class Machine:
    """Mutable while an execution runs. Pending operations include those of the queues' feeders."""

    def __init__(self, objects: Objects, tasks: TaskTable) -> None:
        self.objects: dict[ObjectId, Any] = dict(objects)
        self.pending: dict[TaskId, Operation] = {}
        self.resting: set[TaskId] = set()
        self.births: dict[ObjectId, Any] = {}
        """The first states of the objects made in this execution."""
        self.creations: dict[ObjectId, Creation] = {}
        self.tasks = tasks
        self._idling: dict[TaskId, Idling] = {}
        self._marks: dict[TaskId, int] = {}

    def snapshot(self) -> World:
        """The state as it is now."""
        return World(dict(self.objects), dict(self.pending), dict(self._idling), frozenset(self.resting))

    def announce(self, announcement: Announcement) -> None:
        """Take what a task is about to do.

        Raises:
            ProtocolError: it names an object that does not exist, or one that is not its own to create.
        """
        task, operation = announcement.task, announcement.operation
        for creation in announcement.created:
            known = creation.object in self.objects or len(self.objects) >= MAX_OBJECTS
            if known or creator_of(creation.object) != task or creation.lock not in (NO_OBJECT, *self.objects):
                raise ProtocolError(f"object {creation.object} cannot be created")
            state = BY_OBJECT[creation.kind].create(creation)
            self.creations[creation.object] = creation
            self.objects[creation.object] = self.births[creation.object] = state
        if operation.kind is _KIND.PROCESS_START:
            operation = self._with_child(task, operation)
        elif operation.kind is _KIND.PROCESS_EXIT:
            operation = msgspec.structs.replace(operation, object=process_object(task))
        else:
            self._check_objects(operation)
        self.pending[task] = operation
        self._marks[task] = announcement.mark
        if self._idling.get(task, NOT_IDLING).rests(operation, announcement.mark, self.objects):
            self.resting.add(task)

    def _with_child(self, task: TaskId, operation: Operation) -> Operation:
        place = len(self.objects[process_object(task)].children) + 1
        child = self.tasks.child(task, place, operation.text)
        return msgspec.structs.replace(operation, object=process_object(child))

    def _check_objects(self, operation: Operation) -> None:
        primitive = BY_OPERATION.get(operation.kind)
        if primitive is None or operation.kind in (_KIND.PROCESS_CHILDREN, _KIND.PROCESS_RETURN):
            return
        named = operation.targets if operation.kind is _KIND.PROCESS_WAIT else (operation.object,)
        for target in named:
            state = self.objects.get(target)
            if state is None or not primitive.handles(state):
                raise ProtocolError(f"{operation.kind.value} of {target}")

    def enabled(self) -> list[TaskId]:
        """The tasks that can move, resting ones left out, in the order of their numbers."""
        return sorted(
            task
            for task, operation in self.pending.items()
            if task not in self.resting and is_enabled(self.objects, task, operation)
        )

    def restless(self) -> list[TaskId]:
        """The resting tasks that could go round once more."""
        return sorted(task for task in self.resting if is_enabled(self.objects, task, self.pending[task]))

    def execute(self, task: TaskId) -> Step:
        """Do the pending operation of `task`. A killed task's pending operation disappears."""
        operation = self.pending.pop(task)
        self.resting.discard(task)
        step = perform(self.objects, task, operation)
        idling = self._idling.get(task, NOT_IDLING)
        self._idling[task] = idling.after(step, self._marks.pop(task, 0), self.objects)
        if step.changed and self.resting:
            self._wake(step)
        if operation.kind is _KIND.PROCESS_KILL and step.result is not None and step.result.ok:
            self._bury(task_of(operation.object))
        self._tend_feeders(step)
        return step

    def _wake(self, step: Step) -> None:
        for task in list(self.resting):
            if not self._idling[task].unchanged(self.objects):
                self.resting.discard(task)
                self._idling[task] = NOT_IDLING

    def _bury(self, victim: TaskId) -> None:
        self.pending.pop(victim, None)
        self.resting.discard(victim)

    def _tend_feeders(self, step: Step) -> None:
        for target in self.objects if step.operation.kind is _KIND.PROCESS_KILL else step.touches:
            state = self.objects.get(target)
            if type(state) is not QueueState or state.simple:
                continue
            waiting = {self.tasks.feeder(owner, target): owner for owner, _ in state.buffers}
            for feeder, owner in waiting.items():
                if feeder not in self.pending:
                    self.pending[feeder] = Operation(_KIND.QUEUE_FLUSH, target, number=owner)
            for task, operation in list(self.pending.items()):
                flushes = operation.kind is _KIND.QUEUE_FLUSH and operation.object == target
                if flushes and task not in waiting:
                    del self.pending[task]

    def alive(self) -> list[TaskId]:
        """The processes that have not ended."""
        return sorted(
            task_of(target)
            for target, state in self.objects.items()
            if type(state) is ProcessState and state.alive and task_of(target) in self.pending
        )


def is_enabled(objects: Objects, task: TaskId, operation: Operation) -> bool:
    """Whether an operation can happen in this state."""
    primitive = BY_OPERATION.get(operation.kind)
    return primitive is None or primitive.enabled(objects, task, operation)


def perform(objects: dict[ObjectId, Any], task: TaskId, operation: Operation) -> Step:
    """Do an operation on `objects`, in place, and record it."""
    primitive = BY_OPERATION.get(operation.kind)
    if primitive is None:
        return Step(task, operation, DONE, (), changed=False)
    touches = primitive.touches(objects, task, operation)
    before = [objects.get(target) for target in touches]
    try:
        result = primitive.apply(objects, task, operation)
    except KeyError:
        result = Result(ok=False, error=ErrorCode.NO_SUCH_OBJECT)
    changed = any(objects.get(target) is not state for target, state in zip(touches, before))
    return Step(task, operation, result, touches, changed)


def touches_of(objects: Objects, task: TaskId, operation: Operation) -> tuple[ObjectId, ...]:
    """The objects whose state an operation would meet."""
    primitive = BY_OPERATION.get(operation.kind)
    return primitive.touches(objects, task, operation) if primitive is not None else ()
