"""Programs with polling loops that count nothing, made by picking; with marks for the oracle (`tests.oracle`)."""

from collections.abc import Generator, Sequence
from typing import Any

from grader.core.operations import Operation, Result, end_target
from grader.engine.scripted import Script
from tests.oracle import marked
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
    Pick,
    acquire,
    close,
    do,
    get,
    put,
    read,
    receive,
    release,
    script_of,
    send,
    wait,
    write,
)

Steps = Generator[Any, Result, None]
LOOKS: dict[str, tuple[Operation, ...]] = {
    "flag": (read(MEMORY, 0),),
    "two flags": (read(MEMORY, 0), read(MEMORY, 1)),
    "event": (do(KIND.EVENT_IS_SET, EVENT),),
    "timed event": (do(KIND.EVENT_WAIT, EVENT, timed=True),),
    "queue": (get(QUEUE, block=False),),
    "empty": (do(KIND.QUEUE_EMPTY, QUEUE),),
    "first task": (do(KIND.PROCESS_JOIN, -1, timed=True),),
    "flag under lock": (acquire(LOCK), read(MEMORY, 0), release(LOCK)),
    "two flags under lock": (acquire(LOCK), read(MEMORY, 0), read(MEMORY, 1), release(LOCK)),
    "trylock": (acquire(LOCK, block=False),),
    "content": (do(KIND.REFERENT_READ, REFERENT),),
    "two contents": (do(KIND.REFERENT_READ, REFERENT), do(KIND.REFERENT_READ, OTHER_REFERENT)),
    "taking": (do(KIND.REFERENT_CHANGE, REFERENT),),
    "pipe": (wait(end_target(PIPE, 0), block=False),),
    "timed pipe and process": (wait(end_target(PIPE, 0), -1, timed=True),),
    "managed queue": (do(KIND.MANAGED_QUEUE_GET, MANAGED, block=False),),
}


def poller(look: str, wanted: int, has_mark: Sequence[bool], then: Sequence[Operation]) -> Script:
    """Looks until what it sees adds up to `wanted` (0 and 1 for calls that fail and succeed), then does the rest.

    `has_mark` tells which operations of a round carry a mark of the local state.
    """

    def script() -> Steps:
        while True:
            seen = 0
            for place, operation in enumerate(LOOKS[look]):
                mark = 1 + 10 * place + 100 * seen if has_mark[place] else 0
                seen += _worth((yield marked(operation, mark)), operation)
            if seen == wanted:
                break
        yield from plain(then)()
        if look == "trylock":
            yield release(LOCK)

    return script


def _worth(result: Result, operation: Operation) -> int:
    if operation.kind in (KIND.LOCK_ACQUIRE, KIND.LOCK_RELEASE) and operation.block:
        return 0
    if operation.kind is KIND.MEMORY_READ:
        return result.data[0]
    if operation.kind in (KIND.REFERENT_READ, KIND.REFERENT_CHANGE):
        return int(b"a" in result.data)
    return result.number if operation.kind in (KIND.EVENT_IS_SET, KIND.QUEUE_EMPTY) else int(result.ok)


def plain(operations: Sequence[Operation]) -> Script:
    """Just these operations."""
    return script_of(tuple(operations))


def polling_scripts(pick: Pick, looks: Sequence[str] = tuple(LOOKS)) -> list[Script]:
    """One or two polling tasks, and one or two that do what may let them go on."""
    scripts: list[Script] = []
    for _ in range(pick((1, 1, 2))):
        look = pick(looks)
        length = len(LOOKS[look])
        has_mark = pick(((True,) * 4, tuple(op.kind in _OBSERVERS for op in LOOKS[look])))
        wanted = pick((0, 1, 1, 1, 2)) if length > 1 or look == "flag" else pick((0, 1, 1, 1))
        scripts.append(poller(look, wanted, has_mark, _deeds(pick, pick((0, 1)))))
    for _ in range(pick((1, 1, 2)) if len(scripts) == 1 else 1):
        scripts.append(plain(_deeds(pick, pick((1, 2, 3)))))
    return scripts[::-1] if pick((True, False)) else scripts


_OBSERVERS = (
    *(KIND.MEMORY_READ, KIND.EVENT_IS_SET, KIND.QUEUE_EMPTY, KIND.QUEUE_GET, KIND.EVENT_WAIT),
    *(KIND.REFERENT_READ, KIND.REFERENT_CHANGE, KIND.MANAGED_QUEUE_GET, KIND.PIPE_WAIT),
)


def _deeds(pick: Pick, number: int) -> list[Operation]:
    made: list[Operation] = []
    for _ in range(number):
        made.extend(pick(_DEEDS))
    return made


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
    (acquire(LOCK), _set(0, b"\1"), _set(1, b"\1"), release(LOCK)),
    (do(KIND.EVENT_SET, EVENT),),
    (do(KIND.EVENT_CLEAR, EVENT),),
    (put(b"a", QUEUE),),
    (do(KIND.REFERENT_CHANGE, REFERENT, data=b"a"),),
    (do(KIND.REFERENT_CHANGE, REFERENT, data=b"b"),),
    (do(KIND.REFERENT_CHANGE, OTHER_REFERENT, data=b"a"),),
    (do(KIND.MANAGED_QUEUE_PUT, MANAGED, data=b"a"),),
)
