"""Managers: their objects' content is given out and taken back; whatever is theirs fails once they are gone."""

import pytest

from grader.core.operations import ErrorCode, Operation
from grader.primitives.managed_queue import ManagedQueueState
from grader.primitives.manager import ManagerState, ReferentState
from tests.programs import KIND, acquire, do, lock_state
from tests.unit.primitives.doing import Bench

MANAGER, REFERENT, LOCK, QUEUE = range(1, 5)
READ = do(KIND.REFERENT_READ, REFERENT, manager=MANAGER)
CHANGE = do(KIND.REFERENT_CHANGE, REFERENT, manager=MANAGER)
SHUTDOWN = do(KIND.MANAGER_SHUTDOWN, MANAGER)
GET, JOIN = do(KIND.MANAGED_QUEUE_GET, QUEUE), do(KIND.MANAGED_QUEUE_JOIN, QUEUE)
DONE, FULL = do(KIND.MANAGED_QUEUE_TASK_DONE, QUEUE), do(KIND.MANAGED_QUEUE_FULL, QUEUE)


def put(data: bytes = b"a", block: bool = True) -> Operation:
    return do(KIND.MANAGED_QUEUE_PUT, QUEUE, data=data, block=block)


@pytest.fixture
def place() -> Bench:
    return Bench(
        {
            MANAGER: ManagerState(),
            REFERENT: ReferentState(b"content", "dict"),
            LOCK: lock_state(number=0),
            QUEUE: ManagedQueueState(2),
        }
    )


def test_a_call_is_given_the_content_and_what_a_change_will_make_of_it_is_not_known(place: Bench) -> None:
    assert place.do(0, READ).data == b"content"
    known = place.do(0, CHANGE)
    unknown = place.do(1, READ)
    assert known.data == b"content"
    assert known != unknown


def test_everything_of_a_manager_fails_and_nothing_waits_once_it_is_gone(place: Bench) -> None:
    waits = do(KIND.LOCK_ACQUIRE, LOCK, manager=MANAGER)
    assert not place.can(0, waits)
    place.do(1, SHUTDOWN)
    for operation in (waits, READ, CHANGE, do(KIND.MANAGER_CREATE, MANAGER, manager=MANAGER)):
        assert place.do(0, operation).error is ErrorCode.MANAGER_GONE
    assert not place.can(0, acquire(LOCK))


def test_an_item_is_there_at_once_and_in_order(place: Bench) -> None:
    assert not place.can(0, GET)
    place.do(0, put(b"a"), put(b"b"))
    assert not place.can(1, put())
    assert place.do(1, FULL).number == 1
    assert not place.do(1, put(block=False)).ok
    assert [place.do(1, GET).data, place.do(2, GET).data] == [b"a", b"b"]
    assert not place.do(1, do(KIND.MANAGED_QUEUE_GET, QUEUE, block=False)).ok


def test_join_waits_until_all_items_are_called_done(place: Bench) -> None:
    place.do(0, put(), GET)
    assert not place.can(0, JOIN)
    place.do(1, DONE)
    assert place.do(0, JOIN).ok
    assert place.do(1, DONE).error is ErrorCode.TOO_MANY_DONE
