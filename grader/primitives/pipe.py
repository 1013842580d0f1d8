"""`multiprocessing.Pipe`: two ends, who holds them, and the messages on their way. Start at `PipeState`.

Messages are kept whole, and counted in bytes. A pipe of one direction is `os.pipe`: it takes 65,536 bytes (Linux,
pipe(7)), a write of at most 4,096 all or none. One of two directions is a socket pair: each direction takes 212,992
bytes (Linux, net.core.wmem_default), of which every message costs 768 on top of its own (measured: 277 of one byte).
A send starts as soon as there is room for its beginning; if it does not fit in whole it has to be *finished*: the
sender waits until so much was received that the rest went in.

Ends are held as descriptors are: a child that is forked gets copies of all that its parent has open, a spawned one
those that its arguments hold; closing, and dying, gives them back. A task that receives meets the end of file when
nothing is left and nobody holds the other end; one that sends, a broken pipe. If a socket was closed with unread
messages in it, whoever receives at the other end meets a reset first (Linux, net/unix/af_unix.c).

When two steps commute is in `pipe_rules`.
"""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import msgspec

from grader.core.operations import (
    JUDGE,
    Creation,
    ErrorCode,
    ObjectId,
    Operation,
    OperationKind,
    Result,
    Step,
    TaskId,
    creator_of,
    end_of,
    end_target,
)
from grader.primitives import pipe_rules
from grader.primitives.base import MutableObjects, Objects, Primitive
from grader.primitives.thread import process_of

HEADER_BYTES = 4
ONE_WAY_CAPACITY = 65_536
ONE_WAY_ATOMIC = 4_096
TWO_WAY_CAPACITY = 212_992
TWO_WAY_OVERHEAD = 768

_KIND = OperationKind


class Sent(msgspec.Struct, frozen=True):
    """A message on its way, the `number`-th of its lane.

    `end` is the position behind it among everything ever written to the lane. It is `cut` if its sender was killed
    before it had finished, `headless` if a receiver has taken its length and then refused the rest.
    """

    data: bytes
    number: int
    end: int
    cut: bool = False
    headless: bool = False


class Lane(msgspec.Struct, frozen=True):
    """One direction: the messages that are not received yet, and running totals.

    `taken` has, for each message received, the position behind it; `sending` are the tasks that have yet to finish
    a message, with its number and the position behind it. `told` tells that a receiver has met the reset.
    """

    messages: tuple[Sent, ...] = ()
    sent: int = 0
    written: int = 0
    taken: tuple[int, ...] = ()
    sending: tuple[tuple[TaskId, int, int], ...] = ()
    told: bool = False

    @property
    def position(self) -> int:
        """How much was received."""
        return self.taken[-1] if self.taken else 0

    def receive_that_freed(self, position: int) -> int:
        """The number of the message with which receiving had come to `position` (0: with none)."""
        return sum(1 for end in self.taken if end < position) + 1 if position > 0 else 0

    def unfinished(self, task: TaskId) -> tuple[int, int] | None:
        """Number and end of the message that `task` has yet to finish."""
        return next(((number, end) for sender, number, end in self.sending if sender == task), None)

    def sender_of(self, number: int) -> TaskId:
        """Who has yet to finish that message, `JUDGE` if nobody."""
        return next((sender for sender, unfinished, _ in self.sending if unfinished == number), JUDGE)

    def without_sending(self, task: TaskId) -> "Lane":
        """The lane after `task` has finished its message."""
        rest = tuple(entry for entry in self.sending if entry[0] != task)
        return msgspec.structs.replace(self, sending=rest)

    def cut(self, task: TaskId) -> "Lane":
        """The lane after `task` was killed: of a message that it had not finished, the rest never comes."""
        unfinished = self.unfinished(task)
        if unfinished is None:
            return self
        messages = tuple(
            msgspec.structs.replace(sent, cut=True) if sent.number == unfinished[0] else sent
            for sent in self.messages
        )
        return msgspec.structs.replace(self.without_sending(task), messages=messages)


class Holder(msgspec.Struct, frozen=True):
    """A task that has an end open so many times; `rank` is the number of starts by which it came to the pipe."""

    task: TaskId
    count: int = 1
    rank: int = 0

    @property
    def place(self) -> int:
        """Its place among the holders of an end, see `pipe_rules.place`."""
        return pipe_rules.place(self.rank, self.task)


class PipeState(msgspec.Struct, frozen=True):
    """`holders` has for each end who has it open, by their places; `lanes` what is on its way *to* an end.

    With `two_way`, both ends send and receive; otherwise end 0 receives and end 1 sends.
    """

    two_way: bool
    holders: tuple[tuple[Holder, ...], tuple[Holder, ...]]
    lanes: tuple[Lane, Lane] = (Lane(), Lane())

    def is_open(self, end: int) -> bool:
        """Whether anybody has an end open."""
        return bool(self.holders[end])

    def keeper(self, task: TaskId, end: int) -> int:
        """On whose place it rests that `task` finds an end open: that of the first who has it; nobody's, if it has."""
        itself = self.holds(task, end)
        return pipe_rules.NOBODY if itself or not self.holders[end] else self.holders[end][0].place

    def holds(self, task: TaskId, end: int) -> bool:
        """Whether `task` has that end open."""
        return self.holder(task, end) is not None

    def holder(self, task: TaskId, end: int) -> Holder | None:
        """How `task` has that end open."""
        return next((holder for holder in self.holders[end] if holder.task == task), None)

    def held_by(self, task: TaskId) -> Iterator[int]:
        """The ends that `task` has open, each as often as it has."""
        for end in (0, 1):
            holder = self.holder(task, end)
            yield from [end] * holder.count if holder is not None else ()

    def receives(self, task: TaskId, end: int) -> bool:
        """Whether `task` can receive there."""
        return (self.two_way or end == 0) and self.holds(task, end)

    def sends(self, task: TaskId, end: int) -> bool:
        """Whether `task` can send there."""
        return (self.two_way or end == 1) and self.holds(task, end)

    @property
    def capacity(self) -> int:
        """Bytes that a direction takes before a sender has to wait."""
        return TWO_WAY_CAPACITY if self.two_way else ONE_WAY_CAPACITY

    def size(self, data: bytes) -> int:
        """What a message takes of the capacity."""
        return len(data) + (TWO_WAY_OVERHEAD if self.two_way else HEADER_BYTES)

    def room_for(self, end: int, data: bytes) -> int:
        """How much must have been received at an end, as a position, before a message can begin to go in."""
        size = self.size(data)
        at_once = size if size <= ONE_WAY_ATOMIC and not self.two_way else 1
        return self.lanes[end].written + at_once - self.capacity

    def with_lane(self, end: int, lane: Lane) -> "PipeState":
        """The state with another lane to `end`."""
        lanes = (lane, self.lanes[1]) if end == 0 else (self.lanes[0], lane)
        return msgspec.structs.replace(self, lanes=lanes)

    def opened(self, task: TaskId, end: int, giver: TaskId) -> "PipeState":
        """The state after `task` got an end from `giver`, who started it."""
        given, mine = self.holder(giver, end), self.holder(task, end)
        rank = given.rank + 1 if given is not None else 0
        return self._with_holder(end, mine or Holder(task, 0, rank), 1)

    def closed(self, task: TaskId, end: int) -> "PipeState":
        """The state after `task` closed an end once."""
        mine = self.holder(task, end)
        return self._with_holder(end, mine, -1) if mine is not None else self

    def _with_holder(self, end: int, holder: Holder, change: int) -> "PipeState":
        changed = msgspec.structs.replace(holder, count=holder.count + change)
        others = [other for other in self.holders[end] if other.task != holder.task]
        now = tuple(sorted([*others, *([changed] if changed.count else [])], key=lambda one: one.place))
        return msgspec.structs.replace(
            self, holders=(now, self.holders[1]) if end == 0 else (self.holders[0], now)
        )

    def without(self, task: TaskId) -> "PipeState":
        """The state after `task` died."""
        state = msgspec.structs.replace(self, lanes=(self.lanes[0].cut(task), self.lanes[1].cut(task)))
        for end in self.held_by(task):
            state = state.closed(task, end)
        return state

    def readiness(self, task: TaskId, end: int) -> tuple[int, int]:
        """What one who waits at an end meets: the number of the next message, and who keeps the other end open.

        The number is 0 if there is none, and `pipe_rules.OVER` if there never will be.
        """
        lane = self.lanes[end]
        if not self.holds(task, end):
            return pipe_rules.OVER, pipe_rules.NOBODY
        if lane.messages and self.receives(task, end):
            return len(lane.taken) + 1, pipe_rules.NOBODY
        return (0 if self.is_open(1 - end) else pipe_rules.OVER), self.keeper(task, 1 - end)


class Pipe(Primitive):
    """Everything that connections can do."""

    family: ClassVar[str] = "pipe"
    state: ClassVar[type] = PipeState

    def create(self, creation: Creation) -> PipeState:
        mine = (Holder(creator_of(creation.object)),)
        return PipeState(not creation.simple, (mine, mine))

    def enabled(self, objects: Objects, task: TaskId, operation: Operation) -> bool:
        kind, end = operation.kind, operation.number
        task = process_of(objects, task)
        if kind is _KIND.PIPE_WAIT:
            waits = operation.may_wait
            return not waits or any(_looked_at(objects, task, target)[1] for target in operation.targets)
        state: PipeState = objects[operation.object]
        if kind is _KIND.PIPE_RECEIVE:
            return _may_receive(state, task, end)
        there = 1 - end
        if kind is _KIND.PIPE_SEND:
            if not state.sends(task, end) or not state.is_open(there):
                return True
            return state.lanes[there].position >= state.room_for(there, operation.data)
        if kind is _KIND.PIPE_FINISH:
            unfinished = state.lanes[there].unfinished(task)
            if unfinished is None or not state.is_open(there):
                return True
            return state.lanes[there].position >= unfinished[1] - state.capacity
        return True

    def apply(self, objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
        kind = operation.kind
        task = process_of(objects, task)
        if kind is _KIND.PIPE_WAIT:
            return _wait(objects, task, operation)
        state: PipeState = objects[operation.object]
        if kind is _KIND.PIPE_SEND:
            after, result = _send(state, task, operation)
        elif kind is _KIND.PIPE_FINISH:
            after, result = _finish(state, task, operation.number)
        elif kind is _KIND.PIPE_RECEIVE:
            after, result = _receive(state, task, operation)
        else:
            after, result = _close(state, task, operation.number)
        objects[operation.object] = after
        return result

    def touches(self, objects: Objects, task: TaskId, operation: Operation) -> tuple[ObjectId, ...]:
        if operation.kind is not _KIND.PIPE_WAIT:
            return (operation.object,)
        return tuple(dict.fromkeys(t if t < 0 else end_of(t)[0] for t in operation.targets))

    def depends(self, a: Step, b: Step) -> bool:
        return pipe_rules.depends(a, b)


def held(objects: Objects, task: TaskId) -> tuple[int, ...]:
    """All pipe ends that `task` has open, as `end_target` numbers them."""
    return tuple(
        end_target(pipe, end)
        for pipe, state in objects.items()
        if type(state) is PipeState
        for end in state.held_by(task)
    )


def made_by(state: PipeState, process: TaskId) -> PipeState:
    """A new pipe as a process has it; `create` gives it to the task that made it."""
    mine = (Holder(process),)
    return msgspec.structs.replace(state, holders=(mine, mine))


def given_back(objects: Objects, task: TaskId) -> tuple[int, ...]:
    """What the end of a process gives back, as `pipe_rules.death_marks`."""
    marks: list[int] = []
    for target in dict.fromkeys(held(objects, task)):
        pipe, end = end_of(target)
        holder: Holder = objects[pipe].holder(task, end)
        marks += pipe_rules.death_marks(target, holder.place)
    return tuple(marks)


def handed_over(objects: Objects, task: TaskId, operation: Operation) -> tuple[int, ...]:
    """The pipe ends that a process starts with: all of its parent's after a fork, else those among its arguments."""
    mine = held(objects, process_of(objects, task))
    return tuple(target for target in operation.targets if target in mine) if operation.data else mine


def inherited(objects: Objects, giver: TaskId, takers: Iterable[TaskId]) -> dict[ObjectId, Any]:
    """The objects with the pipe ends of one task in the hands of others instead."""
    after = dict(objects)
    for target in held(objects, giver):
        pipe, end = end_of(target)
        state: PipeState = after[pipe]
        for taker in takers:
            state = state.opened(taker, end, giver)
        after[pipe] = state.closed(giver, end)
    return after


def _looked_at(objects: Objects, task: TaskId, target: int) -> tuple[int, int, int]:
    """A target of a wait, whether it is ready (what one meets there), and who keeps it from becoming so."""
    if target < 0:
        return target, int(not objects[target].alive), pipe_rules.NOBODY
    pipe, end = end_of(target)
    return target, *objects[pipe].readiness(task, end)


def _wait(objects: Objects, task: TaskId, operation: Operation) -> Result:
    seen = [_looked_at(objects, task, target) for target in operation.targets]
    ready = tuple(target for target, met, _ in seen if met)
    return Result(ok=bool(ready), numbers=ready, marks=tuple(number for look in seen for number in look))


def _error(code: ErrorCode) -> Result:
    return Result(ok=False, error=code)


def _send(state: PipeState, task: TaskId, operation: Operation) -> tuple[PipeState, Result]:
    end = operation.number
    if not state.sends(task, end):
        return state, _error(ErrorCode.BAD_HANDLE)
    there = 1 - end
    lane = state.lanes[there]
    if not state.is_open(there):
        return state, _error(ErrorCode.BROKEN_PIPE)
    number = lane.sent + 1
    behind = lane.written + state.size(operation.data)
    at_once = state.two_way and len(operation.data) <= pipe_rules.ONE_WRITE
    fits = at_once or behind - lane.position <= state.capacity
    room = lane.receive_that_freed(state.room_for(there, operation.data))
    after = msgspec.structs.replace(
        lane,
        messages=(*lane.messages, Sent(operation.data, number, behind)),
        sent=number,
        written=behind,
        sending=lane.sending if fits else tuple(sorted((*lane.sending, (task, number, behind)))),
    )
    return state.with_lane(there, after), Result(
        number=int(not fits), marks=pipe_rules.send_marks(number, room, state.keeper(task, there))
    )


def _finish(state: PipeState, task: TaskId, end: int) -> tuple[PipeState, Result]:
    there = 1 - end
    lane = state.lanes[there]
    unfinished = lane.unfinished(task)
    if unfinished is None:
        return state, Result(marks=pipe_rules.finish_marks(0, 0, pipe_rules.NOBODY))
    number, behind = unfinished
    after = state.with_lane(there, lane.without_sending(task))
    freed = lane.receive_that_freed(behind - state.capacity)
    if number <= len(lane.taken):
        return after, Result(marks=pipe_rules.finish_marks(number, freed, pipe_rules.NOBODY))
    if not state.is_open(there):
        return after, _error(ErrorCode.BROKEN_PIPE)
    return after, Result(marks=pipe_rules.finish_marks(number, freed, state.keeper(task, there)))


def _may_receive(state: PipeState, task: TaskId, end: int) -> bool:
    lane = state.lanes[end]
    if not state.receives(task, end) or not state.is_open(1 - end):
        return True
    return len(lane.messages) > 1 or bool(lane.messages and not lane.messages[0].cut)


def _receive(state: PipeState, task: TaskId, operation: Operation) -> tuple[PipeState, Result]:
    end = operation.number
    if not state.receives(task, end):
        return state, _error(ErrorCode.BAD_HANDLE)
    lane = state.lanes[end]
    if not lane.messages:
        return _at_the_end(state, end)
    oldest, *rest = lane.messages
    if oldest.headless or (oldest.cut and rest):
        return state, _error(ErrorCode.MIXED_UP)
    limit = operation.offset - 1
    if 0 <= limit < len(oldest.data):
        refused = msgspec.structs.replace(oldest, headless=True)
        return state.with_lane(end, msgspec.structs.replace(lane, messages=(refused, *rest))), _error(
            ErrorCode.TOO_LONG
        )
    after = state.with_lane(
        end, msgspec.structs.replace(lane, messages=tuple(rest), taken=(*lane.taken, oldest.end))
    )
    if oldest.cut:
        return after, _error(ErrorCode.CUT_OFF)
    marks = pipe_rules.receive_marks(oldest.number, lane.sender_of(oldest.number))
    return after, Result(data=oldest.data, marks=marks)


def _at_the_end(state: PipeState, end: int) -> tuple[PipeState, Result]:
    """Nothing is left, and nobody to send more."""
    lane = state.lanes[end]
    if not state.lanes[1 - end].messages or lane.told:
        return state, _error(ErrorCode.END_OF_FILE)
    told = msgspec.structs.replace(lane, told=True)
    return state.with_lane(end, told), _error(ErrorCode.CONNECTION_RESET)


def _close(state: PipeState, task: TaskId, end: int) -> tuple[PipeState, Result]:
    mine = state.holder(task, end)
    if mine is None:
        return state, _error(ErrorCode.BAD_HANDLE)
    return state.closed(task, end), Result(marks=pipe_rules.close_marks(mine.place))
