"""What a `multiprocessing.Pipe` is at a moment: who holds its ends, and what is on its way. Start at `PipeState`.

Messages are kept whole, and counted in bytes. A pipe of one direction is `os.pipe`: it takes 65,536 bytes (Linux,
pipe(7)), a write of at most 4,096 all or none. One of two directions is a socket pair: each direction takes 212,992
bytes (Linux, net.core.wmem_default), of which every message costs 768 on top of its own (measured: 277 of one byte).

Ends are held as descriptors are: a child that is forked gets copies of all that its parent has open, a spawned one
those that its arguments hold; closing, and dying, gives them back. What can be done with a pipe is in `pipe`.
"""

from collections.abc import Iterator

import msgspec

from grader.core.operations import JUDGE, TaskId
from grader.primitives import pipe_rules

HEADER_BYTES = 4
ONE_WAY_CAPACITY = 65_536
ONE_WAY_ATOMIC = 4_096
TWO_WAY_CAPACITY = 212_992
TWO_WAY_OVERHEAD = 768


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
