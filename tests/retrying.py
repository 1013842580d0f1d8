"""Programs that wait by trying again, made by picking: with counters of their own, naps, back-off, and giving up.

Start at `retrying`. A program is data (`Plan`), so that one that goes wrong can be printed and made again.
"""

from collections.abc import Generator, Sequence
from typing import Any, NamedTuple, TypeAlias

from grader.core.operations import Operation, Result, Update, end_target, process_object
from grader.engine.scripted import Asked, Script
from tests.programs import (
    EVENT,
    KIND,
    LOCK,
    MANAGED,
    MEMORY,
    OTHER_REFERENT,
    PIPE,
    QUEUE,
    REFERENT,
    RLOCK,
    SEMAPHORE,
    Pick,
    acquire,
    close,
    do,
    get,
    put,
    read,
    receive,
    release,
    send,
    wait,
    write,
)

Steps: TypeAlias = Generator[Any, Result, Any]
LOOKS: dict[str, tuple[Operation, ...]] = {
    "flag": (read(MEMORY, 0),),
    "two flags": (read(MEMORY, 0), read(MEMORY, 1)),
    "event": (do(KIND.EVENT_IS_SET, EVENT),),
    "timed event": (do(KIND.EVENT_WAIT, EVENT, timed=True),),
    "entered event": (do(KIND.EVENT_ENTER, EVENT), do(KIND.EVENT_WAIT, EVENT, timed=True)),
    "queue": (get(QUEUE, block=False),),
    "empty": (do(KIND.QUEUE_EMPTY, QUEUE),),
    "first task": (do(KIND.PROCESS_JOIN, process_object(0), timed=True),),
    "last task": (do(KIND.PROCESS_POLL, process_object(1)),),
    "flag under lock": (acquire(LOCK), read(MEMORY, 0), release(LOCK)),
    "two flags under lock": (acquire(LOCK), read(MEMORY, 0), read(MEMORY, 1), release(LOCK)),
    "trylock": (acquire(LOCK, block=False),),
    "semaphore": (acquire(SEMAPHORE, timed=True),),
    "content": (do(KIND.REFERENT_READ, REFERENT),),
    "two contents": (do(KIND.REFERENT_READ, REFERENT), do(KIND.REFERENT_READ, OTHER_REFERENT)),
    "taking": (do(KIND.REFERENT_CHANGE, REFERENT),),
    "pipe": (wait(end_target(PIPE, 0), block=False),),
    "timed pipe and process": (wait(end_target(PIPE, 0), process_object(0), timed=True),),
    "managed queue": (do(KIND.MANAGED_QUEUE_GET, MANAGED, block=False),),
}
"""The operations of one round, by name."""
_KEPT = {"trylock": LOCK, "semaphore": SEMAPHORE}
"""What a look that succeeds has taken."""
_LONGER = 3
"""Who sleeps before every third try sleeps longer each time."""
_TWO_LOCKS = ("lock then rlock", "rlock then lock")


class Wait(NamedTuple):
    """Look again and again, until what is seen adds up to `wanted` (0 and 1 for calls that fail and succeed).

    `limit` is the number of tries after which the task gives up, and does `otherwise`; 0: it never does. It sleeps
    before every `nap`-th try, and before every second one does `also`, both counted privately. `sign` is a cell in
    which it says that it tries, and takes that back before the next try.
    """

    look: str
    wanted: int = 1
    limit: int = 0
    nap: int = 0
    also: tuple[Operation, ...] = ()
    sign: int = 0
    otherwise: tuple[Operation, ...] = ()


Segment: TypeAlias = "Wait | tuple[Operation, ...]"


class Plan(NamedTuple):
    """What one task does. `shared` says that all its waits are one function, called from one place."""

    segments: tuple[Segment, ...]
    shared: bool = False

    def waits(self) -> int:
        """How many loops it has."""
        return sum(isinstance(segment, Wait) for segment in self.segments)

    def may_go_on(self) -> bool:
        """Whether a loop of it may never end."""
        return any(isinstance(segment, Wait) and not segment.limit for segment in self.segments)


def script(plan: Plan) -> Script:
    """The script of a task."""
    if plan.shared:
        return lambda: _together(plan.segments)
    return lambda: _one_by_one(plan.segments)


def _together(segments: Sequence[Segment]) -> Steps:
    for segment in segments:
        yield from _segment(segment)


def _one_by_one(segments: Sequence[Segment]) -> Steps:
    if len(segments) > 0:
        yield from _segment(segments[0])
    if len(segments) > 1:
        yield from _segment(segments[1])
    if len(segments) > 2:
        yield from _segment(segments[2])
    if len(segments) > 3:
        yield from _segment(segments[3])


def _segment(segment: Segment) -> Steps:
    if not isinstance(segment, Wait):
        yield from _do(segment)
    elif segment.look in _TWO_LOCKS:
        yield from _two_locks(segment)
    elif (yield from _look_again(segment)):
        if segment.look in _KEPT:
            yield release(_KEPT[segment.look])
    else:
        yield from _do(segment.otherwise)


def _do(operations: Sequence[Operation]) -> Steps:
    for operation in operations:
        result = yield operation
        if operation.kind is KIND.REFERENT_CHANGE and operation.data:
            content = result.data + operation.data
            yield Asked(Operation(KIND.SLEEP), updates=(Update(operation.object, content),))


def _look_again(segment: Wait) -> Steps:
    tries = 0
    while True:
        if segment.nap and tries % segment.nap == segment.nap - 1:
            yield Operation(KIND.SLEEP, number=tries if segment.nap == _LONGER else 0)
        if tries % 2:
            yield from _do(segment.also)
        if segment.sign:
            yield write(b"\1", MEMORY, segment.sign)
        seen = 0
        for operation in LOOKS[segment.look]:
            seen += _worth((yield operation), operation)
        if seen == segment.wanted:
            return True
        if segment.sign:
            yield write(b"\0", MEMORY, segment.sign)
        tries += 1
        if tries == segment.limit:
            return False


def _two_locks(segment: Wait) -> Steps:
    first, second = (LOCK, RLOCK) if segment.look == _TWO_LOCKS[0] else (RLOCK, LOCK)
    tries = 0
    while True:
        yield acquire(first)
        if (yield acquire(second, block=False)).ok:
            break
        yield release(first)
        tries += 1
        if tries == segment.limit:
            yield from _do(segment.otherwise)
            return
    yield release(second)
    yield release(first)


def _worth(result: Result, operation: Operation) -> int:
    kind = operation.kind
    if kind is KIND.EVENT_ENTER or (kind in (KIND.LOCK_ACQUIRE, KIND.LOCK_RELEASE) and operation.block):
        return int(kind is KIND.LOCK_ACQUIRE and operation.timed and result.ok)
    if kind is KIND.MEMORY_READ:
        return result.data[0]
    if kind in (KIND.REFERENT_READ, KIND.REFERENT_CHANGE):
        return int(b"a" in result.data)
    numbers = (KIND.EVENT_IS_SET, KIND.QUEUE_EMPTY)
    return result.number if kind in numbers else int(result.ok)


def retrying(pick: Pick, tasks: int = 0, waits: int = 0) -> tuple[Plan, ...]:
    """Two or three tasks, of which one at least waits; or so many `tasks` with so many short `waits` each."""
    count = tasks or pick((2, 2, 2, 3))
    looks = [pick((*LOOKS, *_TWO_LOCKS)) for _ in range(pick((1, 1, 2)))]
    deeds = [deed for deed in _DEEDS if any(_meet(look, deed) for look in looks)]
    plans = []
    for place in range(count):
        many = waits or (pick((1, 1, 1, 2)) if place == 0 else pick((0, 0, 1)))
        segments: list[Segment] = [(_short if waits else _wait)(pick, looks, deeds) for _ in range(many)]
        for _ in range(0 if waits else pick((0, 0, 1)) if many else pick((1, 2, 2))):
            segments.insert(pick(range(len(segments) + 1)), pick(pick((deeds, deeds, deeds, _DEEDS))))
        plans.append(Plan(tuple(segments[:4]), pick((False, True))))
    return tuple(plans[::-1] if pick((False, True)) else plans)


def _meet(look: str, deed: Sequence[Operation]) -> bool:
    """Whether what is done may make a difference to who looks."""
    if look in _TWO_LOCKS:
        return any(operation.object in (LOCK, RLOCK) for operation in deed)
    looked_at = {target for operation in LOOKS[look] for target in (operation.object, *operation.targets)}
    ends = {end_target(operation.object, end) for operation in deed for end in (0, 1)}
    return bool(looked_at & ({operation.object for operation in deed} | ends))


def _wait(pick: Pick, looks: Sequence[str], deeds: Sequence[tuple[Operation, ...]]) -> Wait:
    look = pick(looks)
    if look in _TWO_LOCKS:
        look = pick(_TWO_LOCKS)
    limit = pick((0, 0, 1, 2, 2, 3, 4))
    several = look == "flag" or len(LOOKS.get(look, ())) > 1
    return Wait(
        look,
        pick((0, 1, 1, 1, 2)) if several else pick((0, 1, 1, 1)),
        limit,
        pick((0, 0, 0, 0, 1, 1, 2, _LONGER)),
        pick(((), (), (), *_ALSO)),
        pick((0, 0, 0, 0, 1, 2)),
        pick(((), *deeds)) if limit else (),
    )


def _short(pick: Pick, looks: Sequence[str], deeds: Sequence[tuple[Operation, ...]]) -> Wait:
    """One with few steps, so that there are not too many interleavings of several."""
    limit = pick((0, 1, 1, 2))
    single = [deed for deed in deeds if len(deed) == 1]
    return Wait(pick(looks), pick((0, 1, 1)), limit, otherwise=pick(((), *single)) if limit else ())


_ALSO: tuple[tuple[Operation, ...], ...] = (
    (read(MEMORY, 2),),
    (do(KIND.EVENT_SET, EVENT),),
    (acquire(RLOCK), release(RLOCK)),
    (get(QUEUE, block=False),),
)


def _set(cell: int, value: bytes) -> Operation:
    return write(value, MEMORY, cell)


_DEEDS: tuple[tuple[Operation, ...], ...] = (
    (send(1),),
    (send(1), receive(0)),
    (close(0), close(1)),
    (_set(0, b"\1"),),
    (_set(0, b"\1"),),
    (_set(0, b"\0"),),
    (_set(1, b"\1"),),
    (_set(2, b"\1"),),
    (read(MEMORY, 2),),
    (acquire(LOCK), _set(0, b"\1"), release(LOCK)),
    (acquire(LOCK), release(LOCK)),
    (acquire(RLOCK), release(RLOCK)),
    (acquire(LOCK), _set(0, b"\1"), _set(1, b"\1"), release(LOCK)),
    (acquire(SEMAPHORE), release(SEMAPHORE)),
    (do(KIND.EVENT_SET, EVENT),),
    (do(KIND.EVENT_SET, EVENT), do(KIND.EVENT_CLEAR, EVENT)),
    (do(KIND.EVENT_CLEAR, EVENT),),
    (put(b"a", QUEUE),),
    (put(b"a", QUEUE), put(b"b", QUEUE)),
    (do(KIND.PROCESS_KILL, process_object(0), number=15),),
    (do(KIND.REFERENT_CHANGE, REFERENT, data=b"a"),),
    (do(KIND.REFERENT_CHANGE, REFERENT, data=b"b"),),
    (do(KIND.REFERENT_CHANGE, OTHER_REFERENT, data=b"a"),),
    (do(KIND.MANAGED_QUEUE_PUT, MANAGED, data=b"a"),),
)
