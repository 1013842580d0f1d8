"""`Queue`, `JoinableQueue`, `SimpleQueue`: buffers, feeders and one pipe.

`put` takes a free place (if there is a `maxsize`) and appends to the putting task's own buffer; that task's feeder,
an actor that is scheduled like a task, moves the oldest item of the buffer into the pipe (`flush`); `get` takes from
the pipe and gives the place back. So is CPython's (Lib/multiprocessing/queues.py), and hence `empty()` looks at the
pipe, `full()` and `qsize()` at the places. A pipe has room for 65,536 bytes; a longer item fills it and stays
unfinished until it is read.

When do two steps commute? Places and messages are numbered, and the numbers go into the step's marks: the n-th put
needs the place that get number n - maxsize gave back, get number n takes the message of flush number n, and a flush
needs the room that a certain get made. Any other put and get, flush and get, commute exactly; the rules are in
`queue_rules`.
"""

from typing import ClassVar, TypeVar

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
from grader.primitives import queue_rules
from grader.primitives.base import MutableObjects, Objects, Primitive
from grader.primitives.thread import process_of

PIPE_CAPACITY = 65_536
HEADER_BYTES = 4


class Message(msgspec.Struct, frozen=True):
    """A pickled item on its way: the `number`-th of its sender.

    `end` is the position behind its last byte among all bytes ever written to the pipe.
    """

    data: bytes
    sender: TaskId
    number: int = 0
    end: int = 0


_Entry = TypeVar("_Entry")


def _with(
    entries: tuple[tuple[TaskId, _Entry], ...], task: TaskId, entry: _Entry | None
) -> tuple[tuple[TaskId, _Entry], ...]:
    """The entries with that of `task` set, or without it; in the order of tasks, whatever came first."""
    others = {owner: kept for owner, kept in entries if owner != task}
    if entry is not None:
        others[task] = entry
    return tuple((owner, others[owner]) for owner in sorted(others))


class QueueState(msgspec.Struct, frozen=True):
    """Buffers by task, the pipe, and running totals.

    `puts` and `gets` count items, `sent` the puts of each task, `flushes` what went into the pipe, `written` and
    `taken` bytes. `ends` holds the byte position behind the last item of each task, `get_ends` that after each
    get, so that a flush knows which get made its room. `owed` are the gets of each task less its calls of
    `task_done`, and `overdone` tells whether a task has ever called that more often than it got something.
    """

    maxsize: int
    simple: bool
    buffers: tuple[tuple[TaskId, tuple[Message, ...]], ...] = ()
    pipe: tuple[Message, ...] = ()
    sent: tuple[tuple[TaskId, int], ...] = ()
    ends: tuple[tuple[TaskId, int], ...] = ()
    puts: int = 0
    gets: int = 0
    flushes: int = 0
    written: int = 0
    taken: int = 0
    get_ends: tuple[int, ...] = ()
    unfinished: int = 0
    owed: tuple[tuple[TaskId, int], ...] = ()
    overdone: bool = False
    abandoned: frozenset[TaskId] = frozenset()

    def buffer(self, task: TaskId) -> tuple[Message, ...]:
        """What `task` has put and its feeder not yet moved."""
        return next((messages for owner, messages in self.buffers if owner == task), ())

    def with_buffer(self, task: TaskId, messages: tuple[Message, ...]) -> "QueueState":
        """The state with another buffer for `task`."""
        return msgspec.structs.replace(self, buffers=_with(self.buffers, task, messages or None))

    @property
    def full(self) -> bool:
        """Whether a put would have to wait for a place."""
        return 0 < self.maxsize <= self.puts - self.gets

    @property
    def has_room(self) -> bool:
        """Whether the pipe takes at least one more byte."""
        return self.written - self.taken < PIPE_CAPACITY

    def delivered(self, task: TaskId) -> bool:
        """Whether everything that `task` has put is in the pipe to its last byte, so that it may exit."""
        if self.buffer(task):
            return False
        overfull = self.written - self.taken > PIPE_CAPACITY
        return not (overfull and self.pipe[-1].sender == task)

    def get_that_freed(self, position: int) -> int:
        """The number of the get after which all but a pipe's capacity of the first `position` bytes were taken.

        0 if that was so from the start.
        """
        needed = position - PIPE_CAPACITY
        return sum(1 for end in self.get_ends if end < needed) + 1 if needed > 0 else 0

    def delivering_get(self, task: TaskId) -> int:
        """The number of the get that let the last item of `task` into the pipe whole (0: none was needed)."""
        return self.get_that_freed(dict(self.ends).get(task, 0))

    def without_sender(self, task: TaskId) -> "QueueState":
        """The state after `task` died: what its feeder had not moved is lost."""
        return self.with_buffer(task, ()) if self.buffer(task) else self


_KIND = OperationKind


class Queue(Primitive):
    """Everything that queues can do, the feeder's step included."""

    family: ClassVar[str] = "queue"
    state: ClassVar[type] = QueueState

    def create(self, creation: Creation) -> QueueState:
        return QueueState(max(creation.number, 0), creation.simple)

    def enabled(self, objects: Objects, task: TaskId, operation: Operation) -> bool:
        state: QueueState = objects[operation.object]
        kind = operation.kind
        if kind is _KIND.QUEUE_FLUSH:
            return bool(state.buffer(operation.number)) and state.has_room
        if kind is _KIND.QUEUE_GET:
            return bool(state.pipe) or not operation.may_wait
        if kind is _KIND.QUEUE_PUT:
            if state.simple:
                return state.has_room
            return not state.full or not operation.may_wait
        if kind is _KIND.QUEUE_JOIN:
            return state.unfinished == 0 or not operation.may_wait
        if kind is _KIND.QUEUE_JOIN_THREAD:
            process = process_of(objects, task)
            return state.delivered(process) or process in state.abandoned
        return True

    def apply(self, objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
        state: QueueState = objects[operation.object]
        kind = operation.kind
        process = process_of(objects, task)
        if kind is _KIND.QUEUE_PUT:
            after, result = _put(state, process, operation)
        elif kind is _KIND.QUEUE_FLUSH:
            after, result = _flush(state, operation.number)
        elif kind is _KIND.QUEUE_GET:
            after, result = _get(state, task)
        elif kind is _KIND.QUEUE_TASK_DONE:
            after, result = _task_done(state, task)
        elif kind is _KIND.QUEUE_CANCEL_JOIN:
            after, result = msgspec.structs.replace(state, abandoned=state.abandoned | {process}), DONE
        else:
            return _look(state, process, kind)
        objects[operation.object] = after
        return result

    def depends(self, a: Step, b: Step) -> bool:
        return queue_rules.depends(a, b)


def _put(state: QueueState, task: TaskId, operation: Operation) -> tuple[QueueState, Result]:
    number = dict(state.sent).get(task, 0) + 1
    message = Message(operation.data, task, number)
    counted = msgspec.structs.replace(state, sent=_with(state.sent, task, number), puts=state.puts + 1)
    if state.simple:
        return _write(counted, message)
    if state.full:
        return state, GAVE_UP
    after = counted.with_buffer(task, (*state.buffer(task), message))
    after = msgspec.structs.replace(after, unfinished=state.unfinished + 1)
    place = max(0, state.puts + 1 - state.maxsize) if state.maxsize else 0
    return after, Result(marks=queue_rules.put_marks(place, state.maxsize, number, task))


def _flush(state: QueueState, owner: TaskId) -> tuple[QueueState, Result]:
    oldest, *rest = state.buffer(owner)
    return _write(state.with_buffer(owner, tuple(rest)), oldest)


def _write(state: QueueState, message: Message) -> tuple[QueueState, Result]:
    room = state.get_that_freed(state.written + 1)
    written = state.written + len(message.data) + HEADER_BYTES
    sent = msgspec.structs.replace(message, end=written)
    flushes = state.flushes + 1
    ends = _with(state.ends, message.sender, written)
    after = msgspec.structs.replace(
        state, pipe=(*state.pipe, sent), ends=ends, written=written, flushes=flushes
    )
    return after, Result(marks=queue_rules.flush_marks(flushes, room, message.number))


def _get(state: QueueState, task: TaskId) -> tuple[QueueState, Result]:
    if not state.pipe:
        return state, GAVE_UP
    oldest, *rest = state.pipe
    after = msgspec.structs.replace(
        state,
        pipe=tuple(rest),
        gets=state.gets + 1,
        taken=oldest.end,
        get_ends=(*state.get_ends, oldest.end),
        owed=_with(state.owed, task, dict(state.owed).get(task, 0) + 1),
    )
    return after, Result(data=oldest.data, marks=(state.gets + 1,))


def _task_done(state: QueueState, task: TaskId) -> tuple[QueueState, Result]:
    if state.unfinished <= 0:
        return state, Result(ok=False, error=ErrorCode.TOO_MANY_DONE)
    owed = dict(state.owed).get(task, 0)
    overdone = state.overdone or owed <= 0
    after = msgspec.structs.replace(
        state, unfinished=state.unfinished - 1, owed=_with(state.owed, task, owed - 1), overdone=overdone
    )
    return after, Result(marks=queue_rules.done_marks(not overdone))


def _look(state: QueueState, task: TaskId, kind: OperationKind) -> Result:
    if kind is _KIND.QUEUE_EMPTY:
        return Result(number=int(not state.pipe))
    if kind is _KIND.QUEUE_FULL:
        return Result(number=int(state.full))
    if kind is _KIND.QUEUE_SIZE:
        return Result(number=state.puts - state.gets)
    if kind is _KIND.QUEUE_JOIN_THREAD:
        return Result(marks=(0 if task in state.abandoned else state.delivering_get(task), task))
    return Result(ok=state.unfinished == 0)
