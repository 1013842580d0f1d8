"""`Condition`: waiters that gave up its lock, and those among them that were notified.

Waiting is two operations: `wait` gives the lock back and enters the list, `resume` takes the lock again once
notified, or gives up when timed. As in CPython (Lib/multiprocessing/synchronize.py) there are no spurious wake-ups.
CPython's waiters are woken by a semaphore, so any of the waiters can be first; here the longest waiting is
notified, and all orders of resuming are explored.
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
    """The lock, the waiting tasks (task, depth of its recursive lock) in order, and those that were notified."""

    lock: ObjectId
    waiting: tuple[tuple[TaskId, int], ...] = ()
    notified: tuple[tuple[TaskId, int], ...] = ()


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
        woken = operation.timed or any(waiter == task for waiter, _ in state.notified)
        return woken and lock.acquirable(task)

    def apply(self, objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
        state: ConditionState = objects[operation.object]
        lock: LockState = objects[state.lock]
        if operation.kind is OperationKind.CONDITION_RESUME:
            return self._resume(objects, task, operation)
        if task not in lock.holders:
            return Result(ok=False, error=ErrorCode.NOT_OWNER)
        if operation.kind is OperationKind.CONDITION_WAIT:
            objects[state.lock] = lock.released(task, completely=True)
            waiting = (*state.waiting, (task, lock.depth))
            objects[operation.object] = msgspec.structs.replace(state, waiting=waiting)
            return DONE
        count = len(state.waiting) if operation.number < 0 else operation.number
        objects[operation.object] = msgspec.structs.replace(
            state, waiting=state.waiting[count:], notified=state.notified + state.waiting[:count]
        )
        return Result(number=min(count, len(state.waiting)))

    def _resume(self, objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
        state: ConditionState = objects[operation.object]
        entries = dict(state.waiting + state.notified)
        woken = any(waiter == task for waiter, _ in state.notified)
        taken = objects[state.lock].acquired(task)
        objects[state.lock] = msgspec.structs.replace(taken, depth=max(1, entries.get(task, 1)))
        objects[operation.object] = msgspec.structs.replace(
            state,
            waiting=tuple(entry for entry in state.waiting if entry[0] != task),
            notified=tuple(entry for entry in state.notified if entry[0] != task),
        )
        return Result(ok=woken)

    def depends(self, a: Step, b: Step) -> bool:
        return True
