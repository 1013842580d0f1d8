"""`Condition`: tasks that gave up its lock, and the calls to wake up that they have not heeded yet.

Waiting is several operations: `wait` gives the lock back and enters the list, `resume` leaves it on a call or, when
timed, finds that the time is up; then the lock is taken again, by operations of the lock. A waiter whose time was up
also has to `leave` the list: until then it counts as asleep, and a call that was meant for it or another is lost on it.

This is what CPython does. In Lib/multiprocessing/synchronize.py a notification is a unit of a semaphore, which any of
the present sleepers may take, and nobody who comes later, because `notify` goes on only when so many have woken up. A
condition of a manager is one of `threading`'s, which wakes those that have waited longest. There are no spurious
wake-ups. Departure: `notify` does not wait for a sleeper that was killed.
"""

from typing import ClassVar

import msgspec

from grader.core.operations import (
    DONE,
    GAVE_UP,
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

_KIND = OperationKind
_WITH_LOCK = (_KIND.CONDITION_WAIT, _KIND.CONDITION_NOTIFY)


class Call(msgspec.Struct, frozen=True):
    """One `notify`: its number, how many may still wake up by it, and which sleepers those can be."""

    number: int
    count: int
    sleepers: tuple[TaskId, ...]

    @property
    def for_all(self) -> bool:
        """Whether all of these sleepers wake up."""
        return self.count == len(self.sleepers)

    def without(self, task: TaskId, heeded: int) -> "Call":
        """The call after `task` has left the list, and `heeded` (0 or 1) units of the call have been taken."""
        rest = tuple(sleeper for sleeper in self.sleepers if sleeper != task)
        return Call(self.number, self.count - heeded, rest)


class ConditionState(msgspec.Struct, frozen=True):
    """The lock, the tasks in the list, the calls that are not used up, and how many calls there have been.

    The list is in the order of waiting if they are woken `in_order`, and else by number.
    """

    lock: ObjectId
    waiting: tuple[TaskId, ...] = ()
    calls: tuple[Call, ...] = ()
    called: int = 0
    in_order: bool = False

    @property
    def wakeups(self) -> int:
        """How many of those in the list have been notified."""
        return sum(call.count for call in self.calls)

    def call_for(self, task: TaskId) -> Call | None:
        """The call that would wake up this task, None if there is none."""
        return next((call for call in self.calls if task in call.sleepers), None)

    def with_waiting(self, task: TaskId) -> "ConditionState":
        """The state after `task` has begun to wait."""
        waiting = (*self.waiting, task)
        return msgspec.structs.replace(self, waiting=waiting if self.in_order else tuple(sorted(waiting)))

    def notified(self, number: int) -> "ConditionState":
        """The state with a call for `number` sleepers, or for all if that is negative."""
        asleep = len(self.waiting) - self.wakeups
        count = asleep if number < 0 else min(number, asleep)
        if not count:
            return self
        sleepers = self.waiting
        if self.in_order:
            sleepers = tuple(task for task in self.waiting if self.call_for(task) is None)[:count]
        call = Call(self.called + 1, count, sleepers)
        return msgspec.structs.replace(self, calls=(*self.calls, call), called=call.number)

    def without(self, task: TaskId, heeded: Call | None) -> "ConditionState":
        """The state after `task` has left the list, by a call or because its time was up."""
        waiting = tuple(other for other in self.waiting if other != task)
        calls = tuple(call.without(task, int(call is heeded)) for call in self.calls)
        left = tuple(call for call in calls if call.count)
        return msgspec.structs.replace(self, waiting=waiting, calls=left)


class Condition(Primitive):
    """Wait, resume, leave, notify, and a look at the number of sleepers."""

    family: ClassVar[str] = "condition"
    state: ClassVar[type] = ConditionState

    def create(self, creation: Creation) -> ConditionState:
        return ConditionState(creation.lock, in_order=creation.simple)

    def touches(self, objects: Objects, task: TaskId, operation: Operation) -> tuple[ObjectId, ...]:
        if operation.kind in _WITH_LOCK:
            return (operation.object, objects[operation.object].lock)
        return (operation.object,)

    def enabled(self, objects: Objects, task: TaskId, operation: Operation) -> bool:
        if operation.kind is not _KIND.CONDITION_RESUME or not operation.may_wait:
            return True
        state: ConditionState = objects[operation.object]
        return state.call_for(task) is not None

    def apply(self, objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
        state: ConditionState = objects[operation.object]
        if operation.kind is _KIND.CONDITION_SLEEPERS:
            return Result(number=len(state.waiting) - state.wakeups)
        if operation.kind in _WITH_LOCK:
            return self._with_lock(objects, task, operation)
        call = state.call_for(task)
        if operation.kind is _KIND.CONDITION_RESUME and call is None:
            return GAVE_UP
        objects[operation.object] = state.without(task, call)
        return Result(marks=(call.number, int(call.for_all))) if call is not None else DONE

    def _with_lock(self, objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
        state: ConditionState = objects[operation.object]
        lock: LockState = objects[state.lock]
        if not _owns(state, lock, task):
            return Result(ok=False, error=ErrorCode.NOT_OWNER)
        if operation.kind is _KIND.CONDITION_WAIT:
            objects[state.lock] = lock.released(task, completely=True)
            objects[operation.object] = state.with_waiting(task)
            return Result(number=max(1, lock.depth))
        after = objects[operation.object] = state.notified(operation.number)
        if after is state:
            return Result(number=0)
        return Result(number=after.calls[-1].count, marks=(after.called,))

    def depends(self, a: Step, b: Step) -> bool:
        """Marks of a notify: the number of its call, if anybody heard it. Of a resume: the number of the call that it
        heeds, and 1 if everybody heeds that one; none if its time was up. A `wait` tells how deep the lock was held.
        """
        one, other = a.operation, b.operation
        if a.result is None or b.result is None or one.object != other.object:
            return True
        kinds = {one.kind, other.kind}
        if kinds == {_KIND.CONDITION_SLEEPERS} or kinds == {_KIND.CONDITION_RESUME, _KIND.CONDITION_WAIT}:
            return False
        if kinds == {_KIND.CONDITION_RESUME}:
            return not (a.result.marks == b.result.marks and all(a.result.marks[1:]))
        if kinds == {_KIND.CONDITION_RESUME, _KIND.CONDITION_NOTIFY}:
            return not (a.result.ok and b.result.ok) or a.result.marks[:1] == b.result.marks[:1]
        return True


def _owns(state: ConditionState, lock: LockState, task: TaskId) -> bool:
    """Whether `task` may wait and notify. `threading` only asks whether a plain lock is taken, by whomever."""
    if state.in_order and lock.flavour is not LockFlavour.RLOCK:
        return lock.value < 1
    return task in lock.holders
