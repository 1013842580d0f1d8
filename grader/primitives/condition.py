"""`Condition`: waiters that gave up its lock, and how many of them may wake up.

Waiting is two operations: `wait` gives the lock back and enters the list, `resume` takes the lock again once there is
a wake-up, or gives up when timed. As in CPython (Lib/multiprocessing/synchronize.py) a notification is a unit of a
semaphore: any of the waiters may take it, and there are no spurious wake-ups. A condition of a manager is one of
`threading`'s, which wakes those that have waited longest.
"""

from typing import ClassVar

import msgspec

from grader.core.operations import (
    DONE,
    Creation,
    ErrorCode,
    LockFlavour,
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
    """The lock, the waiting tasks (task, depth of its recursive lock) by number, and the wake-ups not yet taken.

    With `in_order`, the tasks are in the order of waiting, and `woken` are those that were notified.
    """

    lock: ObjectId
    waiting: tuple[tuple[TaskId, int], ...] = ()
    wakeups: int = 0
    in_order: bool = False
    woken: tuple[TaskId, ...] = ()

    def wakes(self, task: TaskId) -> bool:
        """Whether there is a wake-up that `task` may take."""
        return task in self.woken if self.in_order else self.wakeups > 0

    def with_waiting(self, task: TaskId, depth: int) -> "ConditionState":
        """The state after `task` has begun to wait."""
        waiting = (*self.waiting, (task, depth))
        return msgspec.structs.replace(self, waiting=waiting if self.in_order else tuple(sorted(waiting)))

    def notified(self, number: int) -> "ConditionState":
        """The state with `number` more wake-ups, or one for everybody if that is negative."""
        asleep = [task for task, _ in self.waiting if task not in self.woken]
        count = len(asleep) - self.wakeups
        count = count if number < 0 else min(number, count)
        if self.in_order:
            return msgspec.structs.replace(self, woken=(*self.woken, *asleep[:count]))
        return msgspec.structs.replace(self, wakeups=self.wakeups + count)

    def resumed(self, task: TaskId) -> "ConditionState":
        """The state after `task` has taken its wake-up, or given up."""
        taken = self.wakeups > 0
        return msgspec.structs.replace(
            self,
            waiting=tuple(entry for entry in self.waiting if entry[0] != task),
            wakeups=self.wakeups - int(taken),
            woken=tuple(other for other in self.woken if other != task),
        )


class Condition(Primitive):
    """Wait, resume, notify."""

    family: ClassVar[str] = "condition"
    state: ClassVar[type] = ConditionState

    def create(self, creation: Creation) -> ConditionState:
        return ConditionState(creation.lock, in_order=creation.simple)

    def touches(self, objects: Objects, task: TaskId, operation: Operation) -> tuple[ObjectId, ...]:
        return (operation.object, objects[operation.object].lock)

    def enabled(self, objects: Objects, task: TaskId, operation: Operation) -> bool:
        if operation.kind is not OperationKind.CONDITION_RESUME:
            return True
        state: ConditionState = objects[operation.object]
        lock: LockState = objects[state.lock]
        return (operation.timed or state.wakes(task)) and lock.acquirable(task)

    def apply(self, objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
        state: ConditionState = objects[operation.object]
        lock: LockState = objects[state.lock]
        if operation.kind is OperationKind.CONDITION_RESUME:
            return self._resume(objects, task, operation)
        if not _owns(state, lock, task):
            return Result(ok=False, error=ErrorCode.NOT_OWNER)
        if operation.kind is OperationKind.CONDITION_WAIT:
            objects[state.lock] = lock.released(task, completely=True)
            objects[operation.object] = state.with_waiting(task, lock.depth)
            return DONE
        after = objects[operation.object] = state.notified(operation.number)
        return Result(number=after.wakeups - state.wakeups + len(after.woken) - len(state.woken))

    def _resume(self, objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
        state: ConditionState = objects[operation.object]
        woken = state.wakes(task)
        taken = objects[state.lock].acquired(task)
        depth = dict(state.waiting).get(task, 1)
        objects[state.lock] = msgspec.structs.replace(taken, depth=max(1, depth))
        objects[operation.object] = state.resumed(task)
        return Result(ok=woken)

    def depends(self, a: Step, b: Step) -> bool:
        return True


def _owns(state: ConditionState, lock: LockState, task: TaskId) -> bool:
    """Whether `task` may wait and notify. `threading` only asks whether a plain lock is taken, by whomever."""
    if state.in_order and lock.flavour is not LockFlavour.RLOCK:
        return lock.value < 1
    return task in lock.holders
