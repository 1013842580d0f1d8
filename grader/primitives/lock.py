"""`Lock`, `RLock`, `Semaphore`, `BoundedSemaphore`: one counting semaphore, as CPython's `SemLock` is.

A `Lock` may be released by a task that did not acquire it; an `RLock` may not (CPython:
Modules/_multiprocessing/semaphore.c).
"""

from typing import ClassVar

import msgspec

from grader.core.operations import (
    DONE,
    GAVE_UP,
    JUDGE,
    Creation,
    ErrorCode,
    LockFlavour,
    Operation,
    OperationKind,
    Result,
    Step,
    TaskId,
)
from grader.primitives.base import MutableObjects, Objects, Primitive


class LockState(msgspec.Struct, frozen=True):
    """The free units. `holders` are the tasks that took one and did not give it back, in the order of
    their numbers, for messages.

    For an `RLock`, `holders[0]` is the owner, and `depth` how often it has acquired. A lock of `threading` is
    `local`: of the process that made it, and a fork has a copy.
    """

    flavour: LockFlavour
    value: int
    maximum: int
    holders: tuple[TaskId, ...] = ()
    depth: int = 0
    local: bool = False

    def acquirable(self, task: TaskId) -> bool:
        """Whether `task` could take it without waiting."""
        return self.value > 0 or (self.flavour is LockFlavour.RLOCK and task in self.holders)

    def acquired(self, task: TaskId) -> "LockState":
        """The state after `task` took it."""
        if self.flavour is LockFlavour.RLOCK and task in self.holders:
            return msgspec.structs.replace(self, depth=self.depth + 1)
        holders = tuple(sorted((*self.holders, task)))
        return msgspec.structs.replace(self, value=self.value - 1, holders=holders, depth=1)

    def released(self, task: TaskId, *, completely: bool = False) -> "LockState":
        """The state after `task` gave back what it, or for a lock anybody, took."""
        if self.flavour is LockFlavour.RLOCK and self.depth > 1 and not completely:
            return msgspec.structs.replace(self, depth=self.depth - 1)
        giver = task if task in self.holders else next(iter(self.holders), JUDGE)
        position = self.holders.index(giver) if giver in self.holders else len(self.holders)
        rest = self.holders[:position] + self.holders[position + 1 :]
        return msgspec.structs.replace(self, value=self.value + 1, holders=rest, depth=0)


_UNBOUNDED = 2**31 - 1
_UNLIMITED = Result(marks=(1,))
"""A release that could not have been one too many."""
_BOUNDED_FLAVOURS = (LockFlavour.LOCK, LockFlavour.RLOCK)


class Lock(Primitive):
    """Acquire and release."""

    family: ClassVar[str] = "lock"
    state: ClassVar[type] = LockState

    def create(self, creation: Creation) -> LockState:
        flavour = creation.flavour
        if flavour in _BOUNDED_FLAVOURS:
            return LockState(flavour, min(creation.number, 1), 1, local=creation.simple)
        maximum = creation.number if flavour is LockFlavour.BOUNDED else _UNBOUNDED
        return LockState(flavour, creation.number, maximum)

    def enabled(self, objects: Objects, task: TaskId, operation: Operation) -> bool:
        if operation.kind is not OperationKind.LOCK_ACQUIRE or not operation.may_wait:
            return True
        state: LockState = objects[operation.object]
        return state.acquirable(task)

    def apply(self, objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
        state: LockState = objects[operation.object]
        if operation.kind is OperationKind.LOCK_VALUE:
            return Result(number=state.value)
        if operation.kind is OperationKind.LOCK_RELEASE:
            return self._release(objects, task, operation)
        if not state.acquirable(task):
            return GAVE_UP
        objects[operation.object] = state.acquired(task)
        return DONE

    def _release(self, objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
        state: LockState = objects[operation.object]
        if state.flavour is LockFlavour.RLOCK and task not in state.holders:
            return Result(ok=False, error=ErrorCode.NOT_OWNER)
        if state.value >= state.maximum:
            return Result(ok=False, error=ErrorCode.TOO_MANY_RELEASES)
        objects[operation.object] = state.released(task)
        return _UNLIMITED if state.flavour is LockFlavour.SEMAPHORE else DONE

    def depends(self, a: Step, b: Step) -> bool:
        kinds = {a.operation.kind, b.operation.kind}
        if kinds == {OperationKind.LOCK_VALUE}:
            return False
        if kinds == {OperationKind.LOCK_ACQUIRE}:
            return not (_gave_up(a) and _gave_up(b))
        if kinds == {OperationKind.LOCK_RELEASE}:
            # Two releases add up in either order, unless after the one the other is one too many.
            return not (_unlimited(a) and _unlimited(b))
        return True


def _gave_up(step: Step) -> bool:
    return step.result is not None and not step.result.ok


def _unlimited(step: Step) -> bool:
    return step.result is not None and bool(step.result.marks)
