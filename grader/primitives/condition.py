"""`Condition`: waiters that gave up its lock, and how many of them may wake up.

Waiting is two operations: `wait` gives the lock back and enters the list, `resume` takes the lock again once there is
a wake-up, or gives up when timed. As in CPython (Lib/multiprocessing/synchronize.py) a notification is a unit of a
semaphore: any of the waiters may take it, and there are no spurious wake-ups.
"""

from typing import ClassVar

import msgspec

from grader.core.operations import (
    DONE,
    Creation,
    ErrorCode,
    ObjectId,
    Operation,
    OperationKind,
    Result,
    Step,
    TaskId,
)
from grader.primitives.base import MutableObjects, Objects, Primitive
from grader.primitives.lock import LockState


class ConditionState(msgspec.Struct, frozen=True):
    """The lock, the waiting tasks (task, depth of its recursive lock) by number, and the wake-ups not yet taken."""

    lock: ObjectId
    waiting: tuple[tuple[TaskId, int], ...] = ()
    wakeups: int = 0


class Condition(Primitive):
    """Wait, resume, notify."""

    family: ClassVar[str] = "condition"
    state: ClassVar[type] = ConditionState

    def create(self, creation: Creation) -> ConditionState:
        return ConditionState(creation.lock)

    def touches(self, objects: Objects, task: TaskId, operation: Operation) -> tuple[ObjectId, ...]:
        return (operation.object, objects[operation.object].lock)

    def enabled(self, objects: Objects, task: TaskId, operation: Operation) -> bool:
        if operation.kind is not OperationKind.CONDITION_RESUME:
            return True
        state: ConditionState = objects[operation.object]
        lock: LockState = objects[state.lock]
        return (operation.timed or state.wakeups > 0) and lock.acquirable(task)

    def apply(self, objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
        state: ConditionState = objects[operation.object]
        lock: LockState = objects[state.lock]
        if operation.kind is OperationKind.CONDITION_RESUME:
            return self._resume(objects, task, operation)
        if task not in lock.holders:
            return Result(ok=False, error=ErrorCode.NOT_OWNER)
        if operation.kind is OperationKind.CONDITION_WAIT:
            objects[state.lock] = lock.released(task, completely=True)
            waiting = tuple(sorted((*state.waiting, (task, lock.depth))))
            objects[operation.object] = msgspec.structs.replace(state, waiting=waiting)
            return DONE
        asleep = len(state.waiting) - state.wakeups
        count = asleep if operation.number < 0 else min(operation.number, asleep)
        objects[operation.object] = msgspec.structs.replace(state, wakeups=state.wakeups + count)
        return Result(number=count)

    def _resume(self, objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
        state: ConditionState = objects[operation.object]
        woken = state.wakeups > 0
        taken = objects[state.lock].acquired(task)
        depth = dict(state.waiting).get(task, 1)
        objects[state.lock] = msgspec.structs.replace(taken, depth=max(1, depth))
        objects[operation.object] = msgspec.structs.replace(
            state,
            waiting=tuple(entry for entry in state.waiting if entry[0] != task),
            wakeups=state.wakeups - int(woken),
        )
        return Result(ok=woken)

    def depends(self, a: Step, b: Step) -> bool:
        return True
