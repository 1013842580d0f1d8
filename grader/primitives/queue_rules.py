"""Which steps on a queue commute, exactly, from the numbers that each step carries in its marks.

Start at `depends`. Marks of a put: the get that gave its place back (0: none), the queue's `maxsize`, the number
among the sender's puts, the sender (a process, whichever of its threads puts). Of a flush, and of a put on a
`SimpleQueue`: its number, the get that made its room, the number among the sender's puts. Of a get: its number. Of
`join_thread`: the get it had to wait for (0: none), the process. Of `task_done`: 1 if it could not have failed.
"""

from collections.abc import Callable

from grader.core.operations import OperationKind, Step, TaskId

_PUT = OperationKind.QUEUE_PUT
_FLUSH = OperationKind.QUEUE_FLUSH
_GET = OperationKind.QUEUE_GET
_EMPTY = OperationKind.QUEUE_EMPTY
_JOIN_THREAD = OperationKind.QUEUE_JOIN_THREAD
_TASK_DONE = OperationKind.QUEUE_TASK_DONE
_JOIN = OperationKind.QUEUE_JOIN
_PLACES = (OperationKind.QUEUE_FULL, OperationKind.QUEUE_SIZE)
_FLUSH_MARKS = 3


def put_marks(place: int, maxsize: int, number: int, sender: TaskId) -> tuple[int, ...]:
    """The marks of a put that goes through a buffer."""
    return (place, maxsize, number, sender)


def flush_marks(number: int, room: int, message: int) -> tuple[int, ...]:
    """The marks of whatever writes to the pipe."""
    return (number, room, message)


def done_marks(certain: bool) -> tuple[int, ...]:
    """The marks of a `task_done`; `certain` if every task has got as much as it called done, so that none can fail."""
    return (1,) if certain else ()


def depends(a: Step, b: Step) -> bool:
    """Whether two steps of different tasks on one queue must keep their order."""
    if a.result is None or b.result is None:
        return True
    for one, other in ((a, b), (b, a)):
        rule = _RULES.get((_role(one), _role(other)))
        if rule is not None:
            return rule(one, other)
    return False


def _role(step: Step) -> OperationKind:
    """A put on a `SimpleQueue` writes to the pipe itself, as a flush does."""
    kind = step.operation.kind
    if kind is _PUT and step.result is not None and len(step.result.marks) == _FLUSH_MARKS:
        return _FLUSH
    return kind


def _marks(step: Step) -> tuple[int, ...]:
    return step.result.marks if step.result is not None else ()


def _ok(step: Step) -> bool:
    return step.result is not None and step.result.ok


def _put_put(a: Step, b: Step) -> bool:
    if _ok(a) and _ok(b):
        return _marks(a)[1] > 0 or _marks(a)[3] == _marks(b)[3]
    return _ok(a) or _ok(b)


def _put_flush(put: Step, flush: Step) -> bool:
    return _ok(put) and flush.operation.number == _marks(put)[3] and _marks(flush)[2] == _marks(put)[2]


def _put_get(put: Step, get: Step) -> bool:
    if not _ok(get):
        return False
    return not _ok(put) or _marks(put)[0] == _marks(get)[0]


def _flush_get(flush: Step, get: Step) -> bool:
    return not _ok(get) or _marks(get)[0] in _marks(flush)[:2]


def _get_get(a: Step, b: Step) -> bool:
    return _ok(a) or _ok(b)


def _place_change(look: Step, change: Step) -> bool:
    return _ok(change)


def _join_thread_flush(join: Step, flush: Step) -> bool:
    return flush.operation.number == _marks(join)[1]


def _join_thread_get(join: Step, get: Step) -> bool:
    return _ok(get) and _marks(join)[0] == _marks(get)[0]


def _done_done(a: Step, b: Step) -> bool:
    if _ok(a) and _ok(b):
        return not (_marks(a) and _marks(b))
    return _ok(a) or _ok(b)


def _done_put(done: Step, put: Step) -> bool:
    return _ok(put) and not _marks(done)


def _always(a: Step, b: Step) -> bool:
    return True


_RULES: dict[tuple[OperationKind, OperationKind], Callable[[Step, Step], bool]] = {
    (_PUT, _PUT): _put_put,
    (_PUT, _FLUSH): _put_flush,
    (_PUT, _GET): _put_get,
    (_FLUSH, _FLUSH): _always,
    (_FLUSH, _GET): _flush_get,
    (_GET, _GET): _get_get,
    (_EMPTY, _FLUSH): _always,
    (_EMPTY, _GET): _place_change,
    (_JOIN_THREAD, _FLUSH): _join_thread_flush,
    (_JOIN_THREAD, _GET): _join_thread_get,
    (_TASK_DONE, _TASK_DONE): _done_done,
    (_TASK_DONE, _PUT): _done_put,
    (_TASK_DONE, _JOIN): _always,
    (_JOIN, _PUT): _always,
    **{(look, change): _place_change for look in _PLACES for change in (_PUT, _GET)},
}
