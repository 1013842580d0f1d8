"""The classic small programs of the literature on partial order reduction, as texts and scripts.

Each is a function that gives the objects and one script for each task.
"""

from collections.abc import Generator
from typing import Any, NamedTuple, TypeAlias

from grader.core.operations import LockFlavour, ObjectId, Operation, Result
from grader.engine.scripted import Script
from grader.primitives.condition import ConditionState
from grader.primitives.event import EventState
from grader.primitives.pipe_state import PipeState
from grader.primitives.queue import QueueState
from tests.programs import (
    KIND,
    acquire,
    close,
    do,
    finish,
    get,
    lock_state,
    memory_state,
    pipe_state,
    put,
    read,
    receive,
    release,
    send,
    write,
)

Steps: TypeAlias = Generator[Operation, Result, None]

CELL, OTHER, FLAG = 1, 2, 3
LOCK, SECOND_LOCK, THIRD_LOCK = 11, 12, 13
EVENT, CONDITION, QUEUE, SEMAPHORE = 21, 22, 23, 24
PIPE, SECOND_PIPE = 31, 32


class Classic(NamedTuple):
    """A program."""

    objects: dict[ObjectId, Any]
    scripts: list[Script]


def _increment(cell: ObjectId = CELL, by: int = 1) -> Steps:
    seen = yield read(cell)
    yield write(bytes([(seen.data[0] + by) % 256]), cell)


def _locked(body: Script, lock: ObjectId = LOCK) -> Script:
    def script() -> Steps:
        yield acquire(lock)
        yield from body()
        yield release(lock)

    return script


def _times(count: int, body: Script) -> Script:
    def script() -> Steps:
        for _ in range(count):
            yield from body()

    return script


def unlocked_counter(tasks: int, increments: int) -> Classic:
    return Classic({CELL: memory_state(b"\0")}, [_times(increments, _increment)] * tasks)


def locked_counter(tasks: int, increments: int) -> Classic:
    body = _times(increments, _locked(_increment))
    return Classic({CELL: memory_state(b"\0"), LOCK: lock_state()}, [body] * tasks)


def two_sections(tasks: int) -> Classic:
    """Read in one locked section, write in a second."""

    def script() -> Steps:
        yield acquire(LOCK)
        seen = yield read(CELL)
        yield release(LOCK)
        yield acquire(LOCK)
        yield write(bytes([seen.data[0] + 1]), CELL)
        yield release(LOCK)

    return Classic({CELL: memory_state(b"\0"), LOCK: lock_state()}, [script] * tasks)


def philosophers(number: int) -> Classic:
    """Everyone takes the left fork first; two of them are the inversion of two locks."""

    def philosopher(left: ObjectId, right: ObjectId) -> Script:
        def script() -> Steps:
            yield acquire(left)
            yield acquire(right)
            yield release(right)
            yield release(left)

        return script

    forks = list(range(LOCK, LOCK + number))
    scripts = [philosopher(fork, after) for fork, after in zip(forks, [*forks[1:], forks[0]])]
    return Classic({fork: lock_state() for fork in forks}, scripts)


def philosophers_with_a_footman(number: int) -> Classic:
    """One less than there are may sit down at once."""
    table = philosophers(number)

    def seated(script: Script) -> Script:
        def steps() -> Steps:
            yield acquire(SEMAPHORE)
            yield from script()
            yield release(SEMAPHORE)

        return steps

    objects = {**table.objects, SEMAPHORE: lock_state(LockFlavour.SEMAPHORE, number - 1)}
    return Classic(objects, [seated(script) for script in table.scripts])


def readers(number: int) -> Classic:
    """One writer, and readers of one value."""

    def writer() -> Steps:
        yield write(b"\1", CELL)

    def reader() -> Steps:
        yield read(CELL)

    return Classic({CELL: memory_state(b"\0")}, [writer, *[reader] * number])


def last_zero(number: int) -> Classic:
    """One task looks from the end for a zero; the others each write one cell from the one before it."""

    def search() -> Steps:
        place = number
        while (yield read(CELL, place)).data[0]:
            place -= 1

    def writer(place: int) -> Script:
        def script() -> Steps:
            seen = yield read(CELL, place - 1)
            yield write(bytes([seen.data[0] + 1]), CELL, place)

        return script

    cells = memory_state(bytes(number + 1))
    return Classic({CELL: cells}, [search, *[writer(place) for place in range(1, number + 1)]])


def account() -> Classic:
    """Deposit, withdraw and a look at the balance, each in a lock of its own."""

    def change(by: int) -> Script:
        return _locked(lambda: _increment(CELL, by))

    def look() -> Steps:
        yield read(CELL)

    objects = {CELL: memory_state(b"\5"), LOCK: lock_state()}
    return Classic(objects, [change(2), change(-3), _locked(look)])


def wrong_lock() -> Classic:
    """Two tasks that guard one cell with two different locks."""
    objects = {CELL: memory_state(b"\0"), LOCK: lock_state(), SECOND_LOCK: lock_state()}
    return Classic(objects, [_locked(_increment, LOCK), _locked(_increment, SECOND_LOCK)])


def lazy_counter(tasks: int) -> Classic:
    """Each counts for itself before it adds to the sum, under the lock."""

    def script(own: int) -> Script:
        def steps() -> Steps:
            yield write(b"\1", OTHER, own)
            yield from _locked(_increment)()

        return steps

    objects = {CELL: memory_state(b"\0"), OTHER: memory_state(bytes(tasks)), LOCK: lock_state()}
    return Classic(objects, [script(own) for own in range(tasks)])


def reorder(setters: int) -> Classic:
    """Setters write a then b; a checker must not see b without a."""

    def setter() -> Steps:
        yield write(b"\1", CELL)
        yield write(b"\2", OTHER)

    def checker() -> Steps:
        yield read(OTHER)
        yield read(CELL)

    return Classic({CELL: memory_state(b"\0"), OTHER: memory_state(b"\0")}, [*[setter] * setters, checker])


def two_stage() -> Classic:
    """One task writes two cells in two sections; another reads the first and then the second."""

    def writer() -> Steps:
        yield from _locked(_increment, LOCK)()
        yield acquire(SECOND_LOCK)
        seen = yield read(CELL)
        yield write(bytes([seen.data[0] + 1]), OTHER)
        yield release(SECOND_LOCK)

    def reader() -> Steps:
        yield acquire(LOCK)
        seen = yield read(CELL)
        yield release(LOCK)
        if seen.data[0]:
            yield acquire(SECOND_LOCK)
            yield read(OTHER)
            yield release(SECOND_LOCK)

    locks = {LOCK: lock_state(), SECOND_LOCK: lock_state()}
    return Classic({CELL: memory_state(b"\0"), OTHER: memory_state(b"\0"), **locks}, [writer, reader])


def token_ring(number: int) -> Classic:
    """Each task waits for its semaphore and gives the next one; the first has the token."""

    def member(own: ObjectId, after: ObjectId) -> Script:
        def script() -> Steps:
            yield acquire(own)
            yield from _increment()
            yield release(after)

        return script

    ring = list(range(SEMAPHORE, SEMAPHORE + number))
    objects = {place: lock_state(LockFlavour.SEMAPHORE, int(place == ring[0])) for place in ring}
    scripts = [member(own, after) for own, after in zip(ring, [*ring[1:], ring[0]])]
    return Classic({CELL: memory_state(b"\0"), **objects}, scripts)


def bluetooth() -> Classic:
    """The driver of Qadeer and Wu (KISS, PLDI 2004): an entry is counted after the stop was looked for."""

    def add() -> Steps:
        stopping = yield read(FLAG)
        if stopping.data[0]:
            return
        yield from _locked(lambda: _increment(CELL))()
        yield read(OTHER)  # must not be stopped
        yield from _locked(lambda: _increment(CELL, -1))()

    def stop() -> Steps:
        yield write(b"\1", FLAG)
        yield acquire(LOCK)
        pending = yield read(CELL)
        yield release(LOCK)
        if not pending.data[0]:
            yield write(b"\1", OTHER)

    cells = {cell: memory_state(b"\0") for cell in (CELL, OTHER, FLAG)}
    return Classic({**cells, LOCK: lock_state()}, [add, stop])


def buffer_by_queue(items: int, maxsize: int) -> Classic:
    """One producer, one consumer, a queue with `maxsize` places (0: without end)."""

    def producer() -> Steps:
        for item in range(items):
            yield put(bytes([item]), QUEUE)

    def consumer() -> Steps:
        for _ in range(items):
            yield get(QUEUE)

    return Classic({QUEUE: QueueState(maxsize, False)}, [producer, consumer])


def bounded_buffer(producers: int, consumers: int, places: int) -> Classic:
    """Each producer puts an item of its own, each consumer takes its share."""

    def producer(item: int) -> Script:
        def script() -> Steps:
            yield put(bytes([item]), QUEUE)

        return script

    def consumer() -> Steps:
        for _ in range(producers // consumers):
            yield get(QUEUE)

    scripts = [*[producer(item) for item in range(producers)], *[consumer] * consumers]
    return Classic({QUEUE: QueueState(places, False)}, scripts)


def buffer_by_condition() -> Classic:
    """One place, guarded by a condition."""

    def producer() -> Steps:
        yield acquire(LOCK)
        yield write(b"\7", CELL)
        yield do(KIND.CONDITION_NOTIFY, CONDITION, number=1)
        yield release(LOCK)

    def consumer() -> Steps:
        yield acquire(LOCK)
        while not (yield read(CELL)).data[0]:
            yield do(KIND.CONDITION_WAIT, CONDITION)
            yield do(KIND.CONDITION_RESUME, CONDITION)
            yield acquire(LOCK)
        yield release(LOCK)

    objects = {
        CELL: memory_state(b"\0"),
        LOCK: lock_state(LockFlavour.RLOCK),
        CONDITION: ConditionState(LOCK),
    }
    return Classic(objects, [producer, consumer])


def sentinels(consumers: int, given: int) -> Classic:
    """A producer of one item and `given` sentinels; consumers stop at a sentinel and add up what they got."""

    def producer() -> Steps:
        yield put(b"\5", QUEUE)
        for _ in range(given):
            yield put(b"\0", QUEUE)

    def consumer() -> Steps:
        while (item := (yield get(QUEUE))).data[0]:
            yield write(item.data, CELL)

    objects = {CELL: memory_state(b"\0"), QUEUE: QueueState(0, False)}
    return Classic(objects, [producer, *[consumer] * consumers])


def two_producers() -> Classic:
    """Items of two producers may come in either order, and `empty` may lie."""

    def producer(item: bytes) -> Script:
        def script() -> Steps:
            yield put(item, QUEUE)

        return script

    def consumer() -> Steps:
        yield do(KIND.QUEUE_EMPTY, QUEUE)
        yield get(QUEUE)
        yield get(QUEUE)

    return Classic({QUEUE: QueueState(0, False)}, [producer(b"a"), producer(b"b"), consumer])


def event_gate(waiters: int) -> Classic:
    """A value is written, then the event set: who waits sees the value."""

    def setter() -> Steps:
        yield write(b"\1", CELL)
        yield do(KIND.EVENT_SET, EVENT)

    def waiter() -> Steps:
        yield do(KIND.EVENT_WAIT, EVENT)
        yield read(CELL)

    return Classic({CELL: memory_state(b"\0"), EVENT: EventState()}, [setter, *[waiter] * waiters])


def event_cleared_too_early() -> Classic:
    def setter() -> Steps:
        yield do(KIND.EVENT_SET, EVENT)
        yield do(KIND.EVENT_CLEAR, EVENT)

    def waiter() -> Steps:
        yield do(KIND.EVENT_WAIT, EVENT)

    return Classic({EVENT: EventState()}, [setter, waiter])


def at_most(units: int, tasks: int) -> Classic:
    """So many may be inside at once."""

    def script() -> Steps:
        yield acquire(SEMAPHORE)
        yield from _increment()
        yield release(SEMAPHORE)

    objects = {CELL: memory_state(b"\0"), SEMAPHORE: lock_state(LockFlavour.SEMAPHORE, units)}
    return Classic(objects, [script] * tasks)


def timed_acquires() -> Classic:
    """Whoever gives up waiting leaves without having counted."""

    def script() -> Steps:
        taken = yield acquire(LOCK, timed=True)
        if taken.ok:
            yield from _increment()
            yield release(LOCK)

    return Classic({CELL: memory_state(b"\0"), LOCK: lock_state()}, [script] * 2)


def terminated_beside_a_pipe() -> Classic:
    """All three have both ends of a pipe; one is killed, which is nothing to the other that leaves."""

    def writer() -> Steps:
        yield write(b"\1", CELL)

    def killer() -> Steps:
        for victim in (-1, -2):
            yield do(KIND.PROCESS_KILL, victim, number=15)

    return Classic({CELL: memory_state(b"\0"), PIPE: pipe_state(3)}, [writer, writer, killer])


def terminated_while_holding() -> Classic:
    """A task is killed, perhaps with the lock in its hands; the killer then wants that lock."""

    def victim() -> Steps:
        yield acquire(LOCK)
        yield write(b"\1", CELL)
        yield release(LOCK)

    def killer() -> Steps:
        yield do(KIND.PROCESS_KILL, -1, number=15)
        yield acquire(LOCK)
        yield read(CELL)
        yield release(LOCK)

    return Classic({CELL: memory_state(b"\0"), LOCK: lock_state()}, [victim, killer])


def request_and_reply(rounds: int) -> Classic:
    """One asks and the other answers, on a pipe of two directions."""

    def asks() -> Steps:
        for _ in range(rounds):
            yield send(0, b"?", PIPE)
            yield receive(0, PIPE)

    def answers() -> Steps:
        for _ in range(rounds):
            yield receive(1, PIPE)
            yield send(1, b"!", PIPE)

    return Classic({PIPE: pipe_state()}, [asks, answers])


def replies_on_own_pipes(number: int) -> Classic:
    """Each child has a pipe of its own to its parent, the first task, and all have copies of everybody's ends."""
    pipes = range(PIPE, PIPE + number)
    ends: dict[ObjectId, PipeState] = {pipe: pipe_state(number + 1, False, parent=True) for pipe in pipes}

    def collects() -> Steps:
        for pipe in pipes:
            yield receive(0, pipe)

    def replies(pipe: ObjectId) -> Script:
        def script() -> Steps:
            yield close(0, pipe)
            yield send(1, b"!", pipe)

        return script

    return Classic(dict(ends), [collects, *(replies(pipe) for pipe in pipes)])


def until_the_end_of_file(senders: int, *, keeps_open: bool) -> Classic:
    """Some send on one pipe, one receives until the end of file; with `keeps_open` it has the other end open itself."""

    def receives() -> Steps:
        if not keeps_open:
            yield close(1, PIPE)
        while (yield receive(0, PIPE)).ok:
            pass

    def sends() -> Steps:
        yield send(1, b"!", PIPE)

    return Classic({PIPE: pipe_state(senders + 1, two_way=False)}, [receives, *[sends] * senders])


def long_letters() -> Classic:
    """Both send more than a pipe holds before they receive."""

    def script(there: ObjectId, here: ObjectId) -> Script:
        def body() -> Steps:
            sent = yield send(1, bytes(70_000), there)
            if sent.number:
                yield finish(1, there)
            yield receive(0, here)

        return body

    shared: dict[ObjectId, Any] = {pipe: pipe_state(two_way=False) for pipe in (PIPE, SECOND_PIPE)}
    return Classic(shared, [script(PIPE, SECOND_PIPE), script(SECOND_PIPE, PIPE)])
