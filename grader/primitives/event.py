"""`Event`: a flag to wait for.

A wait without a timeout, where the flag may be cleared again, is two operations: `enter` looks at the flag and goes to
sleep, and `wait` goes on once `set` has woken it up, whatever the flag is by then: that is what it returns, as in
CPython (Lib/multiprocessing/synchronize.py). Otherwise `wait` alone has the same outcomes, in fewer orders.
"""

from typing import ClassVar

import msgspec

from grader.core.operations import DONE, GAVE_UP, Creation, Operation, OperationKind, Result, Step, TaskId
from grader.primitives.base import MutableObjects, Objects, Primitive


class EventState(msgspec.Struct, frozen=True):
    """Whether it is set, who sleeps until it is, and who has been woken up and did not look yet."""

    flag: bool = False
    asleep: tuple[TaskId, ...] = ()
    woken: tuple[TaskId, ...] = ()

    def turned(self, flag: bool) -> "EventState":
        """The state after the flag was set or cleared."""
        if not flag:
            return EventState(False, self.asleep, self.woken)
        return EventState(True, (), tuple(sorted((*self.asleep, *self.woken))))

    def without(self, task: TaskId) -> "EventState":
        """The state after `task` went on."""
        asleep = tuple(other for other in self.asleep if other != task)
        return EventState(self.flag, asleep, tuple(other for other in self.woken if other != task))


_CHANGES = (OperationKind.EVENT_SET, OperationKind.EVENT_CLEAR)


class Event(Primitive):
    """Set, clear, ask, wait."""

    family: ClassVar[str] = "event"
    state: ClassVar[type] = EventState

    def create(self, creation: Creation) -> EventState:
        return EventState()

    def enabled(self, objects: Objects, task: TaskId, operation: Operation) -> bool:
        if operation.kind is not OperationKind.EVENT_WAIT or not operation.may_wait:
            return True
        state: EventState = objects[operation.object]
        return state.flag or task in state.woken

    def apply(self, objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
        state: EventState = objects[operation.object]
        if operation.kind in _CHANGES:
            objects[operation.object] = state.turned(operation.kind is OperationKind.EVENT_SET)
            return DONE
        if operation.kind is OperationKind.EVENT_IS_SET:
            return Result(number=int(state.flag))
        if operation.kind is OperationKind.EVENT_ENTER and not state.flag:
            asleep = tuple(sorted((*state.asleep, task)))
            objects[operation.object] = EventState(False, asleep, state.woken)
        elif task in state.asleep or task in state.woken:
            objects[operation.object] = state.without(task)
        return DONE if state.flag else GAVE_UP

    def depends(self, a: Step, b: Step) -> bool:
        one, other = a.operation.kind, b.operation.kind
        if one not in _CHANGES and other not in _CHANGES:
            return False
        return one is not other
