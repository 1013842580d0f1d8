"""Small programs that wait by trying again, as they are met in courses: retry loops, polls, give-ups, livelocks.

Each is a list of scripts on `tests.programs.objects()`. Every loop asks in one place only: a test in the head of a
`while` stands twice in the bytecode of CPython, before the loop and at its end, and makes a round of its own for each.
Cell 0 of the memory is what is polled or counted; `DONE_CELL` is set by who has got what it waited for, `LOST_CELL` by
who has given up.
"""

from collections.abc import Generator, Iterable
from typing import Any, NamedTuple, TypeAlias

from grader.core.operations import Operation, Result, Update, process_object
from grader.engine.scripted import Asked, Script
from tests.programs import (
    EVENT,
    KIND,
    LOCK,
    MEMORY,
    QUEUE,
    REFERENT,
    RLOCK,
    acquire,
    do,
    get,
    put,
    read,
    release,
    write,
)

Steps: TypeAlias = Generator[Any, Result, Any]
DONE_CELL, LOST_CELL, TURN_CELL = 1, 2, 2
NAP = Operation(KIND.SLEEP)


class Counter:
    """What a program counts for itself, where no judge sees it."""

    def __init__(self) -> None:
        self.failures = 0


def holder(sections: int = 1) -> Script:
    """Takes the lock and gives it back, so often."""

    def script() -> Steps:
        for _ in range(sections):
            yield acquire(LOCK)
            yield release(LOCK)

    return script


def trylock(count: bool = False) -> Script:
    """Tries for the lock for ever; may count the failures, and sleep longer and longer."""

    def script() -> Steps:
        failures = 0
        while True:
            if (yield acquire(LOCK, block=False)).ok:
                break
            failures += 1
            if count:
                yield Operation(KIND.SLEEP, number=failures)
        yield release(LOCK)

    return script


def gives_up(delays: "Iterable[int] | Script") -> Script:
    """Tries for the lock once for each delay; says whether it has got it."""

    def script() -> Steps:
        for _ in delays() if callable(delays) else delays:
            if (yield acquire(LOCK, block=False)).ok:
                yield write(b"\1", MEMORY, DONE_CELL)
                yield release(LOCK)
                return
        yield write(b"\1", MEMORY, LOST_CELL)

    return script


def gives_up_by(attribute: bool, tries: int) -> Script:
    """As `gives_up`, counting in a dict or in an attribute of an object that outlives the loop's frame."""

    def script() -> Steps:
        kept: Any = Counter() if attribute else {"failures": 0}
        while True:
            if (yield acquire(LOCK, block=False)).ok:
                yield write(b"\1", MEMORY, DONE_CELL)
                yield release(LOCK)
                return
            if attribute:
                kept.failures += 1
            else:
                kept["failures"] += 1
            if (kept.failures if attribute else kept["failures"]) == tries:
                break
        yield write(b"\1", MEMORY, LOST_CELL)

    return script


def doubling(cap: int) -> Generator[int, None, None]:
    """Delays that double up to a cap."""
    delay = 1
    while delay <= cap:
        yield delay
        delay *= 2


def get_again(items: int) -> Script:
    """Takes so many items, trying again whenever there was none."""

    def script() -> Steps:
        taken = 0
        while taken < items:
            taken += (yield get(QUEUE, block=False)).ok

    return script


def get_up_to(items: int, failures: int) -> Script:
    """As `get_again`, but gives up after so many failures in all."""

    def script() -> Steps:
        taken = failed = 0
        while taken < items and failed < failures:
            if (yield get(QUEUE, block=False)).ok:
                taken += 1
            else:
                failed += 1
        yield write(bytes([taken]), MEMORY, DONE_CELL)

    return script


def putter(items: int) -> Script:
    """Puts so many items."""

    def script() -> Steps:
        for number in range(items):
            yield put(bytes([number]), QUEUE)

    return script


def drains() -> Steps:
    """Asks whether the first task lives, then takes all that is there; the last time once it has ended."""
    taken, over = 0, False
    while not over:
        over = (yield do(KIND.PROCESS_POLL, process_object(0))).ok
        while True:
            if not (yield get(QUEUE, block=False)).ok:
                break
            taken += 1
    yield write(bytes([taken]), MEMORY, DONE_CELL)


def stops_early() -> Steps:
    """While the first task lives takes what there is, and does not look again when it has ended."""
    taken = 0
    while True:
        if (yield do(KIND.PROCESS_POLL, process_object(0))).ok:
            break
        if not (yield do(KIND.QUEUE_EMPTY, QUEUE)).number:
            taken += (yield get(QUEUE, block=False)).ok
    yield write(bytes([taken]), MEMORY, DONE_CELL)


def two_locks(first: int, second: int) -> Script:
    """Takes one lock and tries for another; if that is taken, gives the first one back."""

    def script() -> Steps:
        while True:
            yield acquire(first)
            if (yield acquire(second, block=False)).ok:
                break
            yield release(first)
        yield release(second)
        yield release(first)

    return script


def after_you(me: int) -> Script:
    """Says that it wants to go, and withdraws if the other wants to as well."""

    def script() -> Steps:
        while True:
            yield write(b"\1", MEMORY, me)
            if not (yield read(MEMORY, 1 - me)).data[0]:
                break
            yield write(b"\0", MEMORY, me)
        yield write(b"\0", MEMORY, me)

    return script


def peterson(me: int) -> Script:
    """One of two with a flag each and a turn (Peterson: Myths about the mutual exclusion problem, 1981)."""

    def script() -> Steps:
        yield write(b"\1", MEMORY, me)
        yield write(bytes([1 - me]), MEMORY, TURN_CELL)
        while True:
            if not (yield read(MEMORY, 1 - me)).data[0]:
                break
            if (yield read(MEMORY, TURN_CELL)).data[0] != 1 - me:
                break
        yield write(b"\0", MEMORY, me)

    return script


def dekker(me: int) -> Script:
    """One of two with a flag each and a turn, who withdraws while it is the other's (Dekker, 1962)."""

    def script() -> Steps:
        yield write(b"\1", MEMORY, me)
        while True:
            if not (yield read(MEMORY, 1 - me)).data[0]:
                break
            if (yield read(MEMORY, TURN_CELL)).data[0] != me:
                yield write(b"\0", MEMORY, me)
                while True:
                    if (yield read(MEMORY, TURN_CELL)).data[0] == me:
                        break
                yield write(b"\1", MEMORY, me)
        yield write(bytes([1 - me]), MEMORY, TURN_CELL)
        yield write(b"\0", MEMORY, me)

    return script


def polls(*round_: Operation, until: int = 1) -> Script:
    """Goes round until the byte that is read last is `until`."""

    def script() -> Steps:
        while True:
            for operation in round_:
                result = yield operation
                seen = result.data[0] if result.data else -1
                if operation.kind is KIND.MEMORY_READ:
                    last = seen
            if last == until:
                return

    return script


def sets(cell: int = 0, *more: bytes) -> Script:
    """Writes 1, and what comes then."""

    def script() -> Steps:
        yield write(b"\1", MEMORY, cell)
        for data in more:
            yield write(data, MEMORY, cell)

    return script


def sets_under_the_lock() -> Steps:
    """Sets the flag with the lock in hand."""
    yield acquire(LOCK)
    yield write(b"\1", MEMORY, 0)
    yield release(LOCK)


def reads_elsewhere() -> Steps:
    """Has nothing to do with the flag."""
    yield read(MEMORY, 1)


def polls_event() -> Steps:
    """Asks an event again and again whether it is set."""
    while True:
        if (yield do(KIND.EVENT_IS_SET, EVENT)).number:
            return
        yield NAP


def sets_event() -> Steps:
    """Sets the event."""
    yield do(KIND.EVENT_SET, EVENT)


def torn() -> Steps:
    """Waits until it sees the second flag and not the first; goes on alike if it sees both."""
    while True:
        first = (yield read(MEMORY, 0)).data[0]
        second = (yield read(MEMORY, 1)).data[0]
        if second:
            break
    yield write(bytes([5 + first]), MEMORY, 2)


def sets_both() -> Steps:
    """Sets the one flag, then the other."""
    yield write(b"\1", MEMORY, 0)
    yield write(b"\1", MEMORY, 1)


def either() -> Steps:
    """Waits for one of two flags, and says which."""
    while True:
        if (yield read(MEMORY, 0)).data[0]:
            yield write(b"\5", MEMORY, 2)
            return
        if (yield read(MEMORY, 1)).data[0]:
            yield write(b"\6", MEMORY, 2)
            return


def calls_until_it_holds() -> Steps:
    """Calls a method of a manager's list that may change it, and does not, until the list holds something."""
    while True:
        if (yield do(KIND.REFERENT_CHANGE, REFERENT)).data:
            return


def appends() -> Steps:
    """Appends to the list."""
    content = (yield do(KIND.REFERENT_CHANGE, REFERENT)).data + b"a"
    yield Asked(NAP, updates=(Update(REFERENT, content),))


def reads_ten_times() -> Steps:
    """Looks ten times, whatever it sees."""
    for _ in range(10):
        yield read(MEMORY, 0)


class Orders(NamedTuple):
    """How many orders a program has within the bounds 0 (with its rounds known), 1 and 2."""

    none: int
    one: int
    two: int


class Row(NamedTuple):
    """A line of the table."""

    scripts: list[Script]
    orders: Orders


TABLE: dict[str, Row] = {
    "trylock for ever": Row([trylock(), holder()], Orders(2, 3, 4)),
    "trylock with a counter": Row([trylock(count=True), holder()], Orders(2, 3, 4)),
    "four equal delays": Row([gives_up((1, 1, 1, 1)), holder()], Orders(2, 3, 4)),
    "fifty tries": Row([gives_up(range(50)), holder()], Orders(2, 3, 4)),
    "fifty tries, three sections": Row([gives_up(range(50)), holder(3)], Orders(4, 10, 20)),
    "two that give up": Row([gives_up(range(4)), gives_up(range(4)), holder()], Orders(6, 22, 54)),
    "generator of delays": Row([gives_up(lambda: doubling(8)), holder()], Orders(2, 3, 4)),
    "counter in a dict": Row([gives_up_by(False, 4), holder()], Orders(2, 3, 4)),
    "counter in an attribute": Row([gives_up_by(True, 4), holder()], Orders(2, 3, 4)),
    "get again": Row([get_again(6), putter(6)], Orders(1, 7, 28)),
    "get gives up": Row([get_up_to(3, 100), putter(3)], Orders(1, 4, 10)),
    "drain with a last look": Row([putter(3), drains], Orders(4, 14, 34)),
    "drain without": Row([putter(3), stops_early], Orders(19, 56, 118)),
    "two locks in opposite order": Row([two_locks(LOCK, RLOCK), two_locks(RLOCK, LOCK)], Orders(3, 13, 87)),
    "two locks in the same order": Row([two_locks(LOCK, RLOCK)] * 2, Orders(2, 2, 2)),
    "after you": Row([after_you(0), after_you(1)], Orders(3, 13, 87)),
    "Peterson": Row([peterson(0), peterson(1)], Orders(8, 18, 32)),
    "Dekker": Row([dekker(0), dekker(1)], Orders(7, 27, 62)),
    "flag": Row([polls(read(MEMORY, 0), NAP), sets()], Orders(1, 2, 3)),
    "flag under the lock": Row(
        [polls(acquire(), read(MEMORY, 0), release()), sets_under_the_lock], Orders(2, 3, 4)
    ),
    "two pollers under the lock": Row(
        [polls(acquire(), read(MEMORY, 0), release())] * 2 + [sets_under_the_lock], Orders(4, 16, 58)
    ),
    "flag that is never set": Row([polls(read(MEMORY, 0), NAP), reads_elsewhere], Orders(1, 1, 1)),
    "event": Row([polls_event, sets_event], Orders(1, 2, 3)),
    "torn": Row([torn, sets_both], Orders(2, 6, 12)),
    "either of two flags": Row([either, sets(0), sets(1)], Orders(2, 4, 6)),
    "flag that toggles": Row([polls(read(MEMORY, 0), until=2), sets(0, b"\0", b"\2")], Orders(1, 6, 18)),
    "list of a manager": Row([calls_until_it_holds, appends], Orders(1, 2, 3)),
    "the same ten times": Row([reads_ten_times, sets()], Orders(1, 2, 3)),
}
"""The numbers are those of the design; the oracle has to agree."""
