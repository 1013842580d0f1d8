"""`Value`, `Array` and their raw variants: some bytes, and perhaps a lock that guards every access.

An access of a guarded object waits while another task holds its lock, as `Synchronized.value` does by acquiring it
for the length of the access (CPython: Lib/multiprocessing/sharedctypes.py); one that does not `block` goes past the
lock, as through `get_obj()`.
"""

from typing import ClassVar

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
)
from grader.primitives.base import MutableObjects, Objects, Primitive
from grader.primitives.lock import LockState


class MemoryState(msgspec.Struct, frozen=True):
    """The bytes, how to read them (ctypes code; `length` is -1 for a single value), and the guarding lock."""

    data: bytes
    typecode: str
    length: int
    lock: ObjectId


class Memory(Primitive):
    """Reads and writes of a range of bytes, each atomic."""

    family: ClassVar[str] = "memory"
    state: ClassVar[type] = MemoryState

    def create(self, creation: Creation) -> MemoryState:
        return MemoryState(
            creation.data or bytes(creation.number), creation.typecode, creation.length, creation.lock
        )

    def enabled(self, objects: Objects, task: TaskId, operation: Operation) -> bool:
        lock = objects[operation.object].lock
        if lock == NO_OBJECT or not operation.block:
            return True
        guard: LockState = objects[lock]
        return guard.acquirable(task)

    def apply(self, objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
        state: MemoryState = objects[operation.object]
        first, last = _range(operation)
        if not 0 <= first <= last <= len(state.data):
            return Result(ok=False, error=ErrorCode.OUT_OF_RANGE)
        if operation.kind is OperationKind.MEMORY_READ:
            return Result(data=state.data[first:last])
        data = state.data[:first] + operation.data + state.data[last:]
        objects[operation.object] = msgspec.structs.replace(state, data=data)
        return DONE

    def touches(self, objects: Objects, task: TaskId, operation: Operation) -> tuple[ObjectId, ...]:
        lock = objects[operation.object].lock
        passes = lock == NO_OBJECT or not operation.block
        return (operation.object,) if passes else (operation.object, lock)

    def depends(self, a: Step, b: Step) -> bool:
        one, other = a.operation, b.operation
        if one.object != other.object:
            return False
        if one.kind is OperationKind.MEMORY_READ and other.kind is OperationKind.MEMORY_READ:
            return False
        first, last = _range(one)
        start, end = _range(other)
        return first < end and start < last


def _range(operation: Operation) -> tuple[int, int]:
    size = operation.number if operation.kind is OperationKind.MEMORY_READ else len(operation.data)
    return operation.offset, operation.offset + size
