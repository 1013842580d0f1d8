"""`Manager().Queue()`: a `queue.Queue` in the manager's server, without buffers, feeders or pipe.

An item that was put is there at once (CPython: Lib/queue.py). Puts and gets are numbered, and the numbers are the
steps' marks: the n-th get takes what the n-th put brought, and the n-th put needs the place that get number
n - maxsize gave back. Any other put and get commute.
"""

from typing import ClassVar

import msgspec

from grader.core.operations import (
    DONE,
    GAVE_UP,
    Creation,
    ErrorCode,
    Operation,
    OperationKind,
    Result,
    Step,
    TaskId,
)
from grader.primitives.base import MutableObjects, Objects, Primitive

_KIND = OperationKind
_PUT, _GET, _DONE, _JOIN = (
    _KIND.MANAGED_QUEUE_PUT,
    _KIND.MANAGED_QUEUE_GET,
    _KIND.MANAGED_QUEUE_TASK_DONE,
    _KIND.MANAGED_QUEUE_JOIN,
)


class ManagedQueueState(msgspec.Struct, frozen=True):
    """The items, oldest first, how many were put and taken in all, and how many are not called done."""

    maxsize: int
    items: tuple[bytes, ...] = ()
    puts: int = 0
    gets: int = 0
    unfinished: int = 0

    @property
    def full(self) -> bool:
        """Whether a put would have to wait for a place."""
        return 0 < self.maxsize <= len(self.items)


class ManagedQueue(Primitive):
    """Put, get, look, and `task_done` with `join`."""

    family: ClassVar[str] = "managed_queue"
    state: ClassVar[type] = ManagedQueueState

    def create(self, creation: Creation) -> ManagedQueueState:
        return ManagedQueueState(max(creation.number, 0))

    def enabled(self, objects: Objects, task: TaskId, operation: Operation) -> bool:
        if not operation.may_wait:
            return True
        state: ManagedQueueState = objects[operation.object]
        if operation.kind is _GET:
            return bool(state.items)
        if operation.kind is _PUT:
            return not state.full
        return operation.kind is not _JOIN or not state.unfinished

    def apply(self, objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
        state: ManagedQueueState = objects[operation.object]
        kind = operation.kind
        if kind is _PUT:
            after, result = _put(state, operation.data)
        elif kind is _GET:
            after, result = _get(state)
        elif kind is _DONE:
            after, result = _task_done(state)
        else:
            return _look(state, kind)
        objects[operation.object] = after
        return result

    def depends(self, a: Step, b: Step) -> bool:
        if a.result is None or b.result is None:
            return True
        for one, other in ((a, b), (b, a)):
            if one.operation.kind is _PUT and other.operation.kind is _GET:
                return _put_get(one, other)
        kinds = {a.operation.kind, b.operation.kind}
        if not (_changes(a) or _changes(b)):
            return False
        if _DONE in kinds or _JOIN in kinds:
            return _GET not in kinds and kinds.isdisjoint(_LOOKS)
        return True


_LOOKS = (_KIND.MANAGED_QUEUE_EMPTY, _KIND.MANAGED_QUEUE_FULL, _KIND.MANAGED_QUEUE_SIZE)


def _changes(step: Step) -> bool:
    return step.operation.kind in (_PUT, _GET, _DONE) and step.result is not None and step.result.ok


def _put_get(put: Step, get: Step) -> bool:
    assert put.result is not None
    assert get.result is not None
    if not (put.result.ok and get.result.ok):
        return put.result.ok or get.result.ok
    number, place = put.result.marks
    return get.result.marks[0] in (number, place)


def _put(state: ManagedQueueState, data: bytes) -> tuple[ManagedQueueState, Result]:
    if state.full:
        return state, GAVE_UP
    number = state.puts + 1
    after = msgspec.structs.replace(
        state, items=(*state.items, data), puts=number, unfinished=state.unfinished + 1
    )
    return after, Result(marks=(number, number - state.maxsize if state.maxsize else 0))


def _get(state: ManagedQueueState) -> tuple[ManagedQueueState, Result]:
    if not state.items:
        return state, GAVE_UP
    oldest, *rest = state.items
    after = msgspec.structs.replace(state, items=tuple(rest), gets=state.gets + 1)
    return after, Result(data=oldest, marks=(after.gets,))


def _task_done(state: ManagedQueueState) -> tuple[ManagedQueueState, Result]:
    if state.unfinished <= 0:
        return state, Result(ok=False, error=ErrorCode.TOO_MANY_DONE)
    return msgspec.structs.replace(state, unfinished=state.unfinished - 1), DONE


def _look(state: ManagedQueueState, kind: OperationKind) -> Result:
    if kind is _KIND.MANAGED_QUEUE_EMPTY:
        return Result(number=int(not state.items))
    if kind is _KIND.MANAGED_QUEUE_FULL:
        return Result(number=int(state.full))
    if kind is _KIND.MANAGED_QUEUE_SIZE:
        return Result(number=len(state.items))
    return Result(ok=state.unfinished == 0)
