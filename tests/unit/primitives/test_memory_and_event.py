"""Bytes, alone and behind a lock; the flag that is waited for."""

import pytest

from grader.core.operations import ErrorCode, LockFlavour
from grader.primitives.event import EventState
from grader.primitives.registry import depends
from tests.programs import KIND, acquire, do, lock_state, memory_state, read, release, write
from tests.unit.primitives.doing import Bench

CELLS, GUARD, EVENT = 1, 2, 3


def guarded(flavour: LockFlavour = LockFlavour.RLOCK) -> Bench:
    return Bench({CELLS: memory_state(b"\1\2\3\4", GUARD), GUARD: lock_state(flavour)})


def test_a_range_is_read_and_written() -> None:
    place = Bench({CELLS: memory_state(b"\1\2\3\4")})
    assert place.do(0, write(b"\7\7", CELLS, 1), read(CELLS, 0, 4)).data == b"\1\7\7\4"


@pytest.mark.parametrize(
    "operation", [read(CELLS, 3, 2), read(CELLS, -1, 1), write(b"\1\1", CELLS, 3), write(b"\1", CELLS, -1)]
)
def test_outside_is_an_error_and_changes_nothing(operation: object) -> None:
    place = Bench({CELLS: memory_state(b"\1\2\3\4")})
    assert place.do(0, operation).error is ErrorCode.OUT_OF_RANGE  # type: ignore[arg-type]
    assert place.objects[CELLS].data == b"\1\2\3\4"


def test_a_guarded_cell_waits_while_another_holds_its_lock_but_not_for_its_own() -> None:
    place = guarded()
    place.do(0, acquire(GUARD))
    assert place.can(0, read(CELLS))
    assert not place.can(1, read(CELLS))
    assert not place.can(1, write(b"\1", CELLS))
    place.do(0, release(GUARD))
    assert place.can(1, read(CELLS))


def test_a_cell_behind_a_lock_that_is_not_recursive_dead_locks_its_holder() -> None:
    place = guarded(LockFlavour.LOCK)
    place.do(0, acquire(GUARD))
    assert not place.can(0, read(CELLS))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (read(CELLS), read(CELLS), False),
        (read(CELLS), write(b"\1", CELLS), True),
        (write(b"\1", CELLS), write(b"\1", CELLS), True),
        (write(b"\1\1", CELLS, 0), read(CELLS, 1, 2), True),
        (write(b"\1\1", CELLS, 0), read(CELLS, 2, 2), False),
    ],
)
def test_accesses_conflict_where_their_ranges_meet_and_one_writes(
    one: object, other: object, expected: bool
) -> None:
    place = Bench({CELLS: memory_state(bytes(4))})
    first, second = place.step(0, one), place.step(1, other)  # type: ignore[arg-type]
    assert depends(first, second) is depends(second, first) is expected


def test_two_objects_behind_one_lock_do_not_conflict() -> None:
    other = 9
    place = Bench(
        {
            CELLS: memory_state(b"\0", GUARD),
            other: memory_state(b"\0", GUARD),
            GUARD: lock_state(LockFlavour.RLOCK),
        }
    )
    assert not depends(place.step(0, write(b"\1", CELLS)), place.step(1, write(b"\1", other)))
    assert depends(place.step(0, write(b"\1", CELLS)), place.step(1, acquire(GUARD)))


def test_an_event_is_waited_for_until_it_is_set() -> None:
    place = Bench({EVENT: EventState()})
    wait, asks = do(KIND.EVENT_WAIT, EVENT), do(KIND.EVENT_IS_SET, EVENT)
    assert not place.can(0, wait)
    assert not place.do(0, do(KIND.EVENT_WAIT, EVENT, timed=True)).ok
    assert place.do(1, asks).number == 0
    place.do(1, do(KIND.EVENT_SET, EVENT), do(KIND.EVENT_SET, EVENT))
    assert place.do(0, wait).ok
    assert place.do(0, asks).number == 1
    place.do(1, do(KIND.EVENT_CLEAR, EVENT))
    assert not place.can(0, wait)


def test_who_slept_when_an_event_was_set_goes_on_and_is_told_whether_it_still_is() -> None:
    enter, wait = do(KIND.EVENT_ENTER, EVENT), do(KIND.EVENT_WAIT, EVENT)
    place = Bench({EVENT: EventState()})
    assert not place.do(0, enter).ok
    assert not place.do(1, enter).ok
    assert not place.can(0, wait)
    place.do(2, do(KIND.EVENT_SET, EVENT))
    assert place.do(0, wait).ok
    assert place.do(0, enter).ok
    place.do(2, do(KIND.EVENT_CLEAR, EVENT))
    assert not place.do(1, wait).ok
    assert not place.do(0, enter).ok
    assert not place.can(0, wait)
    assert not place.can(1, wait)
