"""`Event`: a flag to wait for."""

from typing import ClassVar

import msgspec

from grader.core.operations import DONE, GAVE_UP, Creation, Operation, OperationKind, Result, Step, TaskId
from grader.primitives.base import MutableObjects, Objects, Primitive


class EventState(msgspec.Struct, frozen=True):
    """Whether it is set."""

    flag: bool = False


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
        return bool(objects[operation.object].flag)

    def apply(self, objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
        flag: bool = objects[operation.object].flag
        if operation.kind in _CHANGES:
            objects[operation.object] = EventState(operation.kind is OperationKind.EVENT_SET)
            return DONE
        if operation.kind is OperationKind.EVENT_IS_SET:
            return Result(number=int(flag))
        return DONE if flag else GAVE_UP

    def depends(self, a: Step, b: Step) -> bool:
        one, other = a.operation.kind, b.operation.kind
        if one not in _CHANGES and other not in _CHANGES:
            return False
        return one is not other
