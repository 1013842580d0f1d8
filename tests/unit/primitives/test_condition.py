"""Conditions: wait gives the lock back, notify wakes some of those asleep, and nobody else."""

import pytest

from grader.core.operations import ErrorCode, LockFlavour, Operation
from grader.primitives.condition import ConditionState
from grader.primitives.registry import depends
from tests.programs import KIND, acquire, do, lock_state, release
from tests.unit.primitives.doing import Bench

CONDITION, LOCK = 1, 2
WAIT, RESUME = do(KIND.CONDITION_WAIT, CONDITION), do(KIND.CONDITION_RESUME, CONDITION)
TIMED = do(KIND.CONDITION_RESUME, CONDITION, timed=True)
LEAVE, SLEEPERS = do(KIND.CONDITION_LEAVE, CONDITION), do(KIND.CONDITION_SLEEPERS, CONDITION)


def notify(number: int) -> Operation:
    return do(KIND.CONDITION_NOTIFY, CONDITION, number=number)


@pytest.fixture
def place() -> Bench:
    return Bench({CONDITION: ConditionState(LOCK), LOCK: lock_state(LockFlavour.RLOCK)})


@pytest.mark.parametrize("operation", [WAIT, notify(1), notify(-1)])
def test_without_the_lock_it_is_an_error(place: Bench, operation: Operation) -> None:
    assert place.do(0, operation).error is ErrorCode.NOT_OWNER
    place.do(1, acquire(LOCK))
    assert place.do(0, operation).error is ErrorCode.NOT_OWNER


def test_who_waits_lets_the_lock_go_and_goes_on_once_notified(place: Bench) -> None:
    place.do(0, acquire(LOCK), WAIT)
    assert not place.can(0, RESUME)
    place.do(1, acquire(LOCK))
    assert place.do(1, notify(1)).number == 1
    assert place.do(0, RESUME).ok
    assert not place.can(0, acquire(LOCK))
    place.do(1, release(LOCK))
    place.do(0, acquire(LOCK))


def test_a_recursive_lock_is_given_back_whole_and_the_wait_tells_how_deep_it_was(place: Bench) -> None:
    assert place.do(0, acquire(LOCK), acquire(LOCK), WAIT).number == 2
    assert place.can(1, acquire(LOCK))


def test_a_notification_nobody_waits_for_is_lost(place: Bench) -> None:
    assert place.do(0, acquire(LOCK), notify(1)).number == 0
    place.do(0, WAIT)
    assert not place.can(0, RESUME)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(("number", "woken"), [(0, 0), (1, 1), (2, 2), (5, 2), (-1, 2)])
def test_as_many_wake_as_are_notified_and_any_may_be_first(
    place: Bench, number: int, woken: int, first: int
) -> None:
    for task in (0, 1):
        place.do(task, acquire(LOCK), WAIT)
    assert place.do(2, SLEEPERS).number == 2
    assert place.do(2, acquire(LOCK), notify(number)).number == woken
    assert place.do(2, SLEEPERS).number == 2 - woken
    assert place.can(first, RESUME) == (woken > 0)
    if woken:
        assert place.do(first, RESUME).ok
        assert place.can(1 - first, RESUME) == (woken == 2)


def test_who_waits_after_the_notification_cannot_take_it(place: Bench) -> None:
    place.do(0, acquire(LOCK), WAIT)
    place.do(1, acquire(LOCK), notify(1), WAIT)
    assert not place.can(1, RESUME)
    assert place.do(2, acquire(LOCK), notify(1)).number == 1
    assert place.do(1, RESUME).ok
    assert place.do(0, RESUME).ok


def test_each_of_two_notifications_wakes_one_of_those_asleep_by_then(place: Bench) -> None:
    for task in (0, 1):
        place.do(task, acquire(LOCK), WAIT)
    place.do(2, acquire(LOCK), notify(1), WAIT)
    place.do(0, acquire(LOCK), notify(1))
    assert place.do(2, RESUME).ok
    assert place.do(0, RESUME).ok
    assert not place.can(1, RESUME)


def test_a_timed_wait_gives_up_and_no_longer_takes_a_notification(place: Bench) -> None:
    for task in (0, 1):
        place.do(task, acquire(LOCK), WAIT)
    assert not place.do(0, TIMED).ok
    place.do(0, LEAVE, acquire(LOCK), notify(1), release(LOCK))
    assert place.do(1, RESUME).ok


def test_a_notification_may_be_lost_on_a_waiter_whose_time_is_just_up(place: Bench) -> None:
    for task in (0, 1):
        place.do(task, acquire(LOCK), WAIT)
    assert not place.do(0, TIMED).ok
    place.do(2, acquire(LOCK), notify(1))
    assert place.can(1, RESUME)
    place.do(0, LEAVE)
    assert not place.can(1, RESUME)


def test_a_timed_wait_gives_up_while_another_holds_the_lock(place: Bench) -> None:
    place.do(0, acquire(LOCK), WAIT)
    place.do(1, acquire(LOCK))
    assert not place.do(0, TIMED).ok
    place.do(0, LEAVE)
    assert place.do(1, notify(1)).number == 0


def test_a_timed_wait_tells_whether_it_was_notified(place: Bench) -> None:
    place.do(0, acquire(LOCK), WAIT)
    place.do(1, acquire(LOCK), notify(1), release(LOCK))
    assert place.do(0, TIMED).ok


def test_two_that_one_notification_wakes_may_go_on_in_either_order(place: Bench) -> None:
    for task in (0, 1):
        place.do(task, acquire(LOCK), WAIT)
    place.do(2, acquire(LOCK), notify(-1), release(LOCK))
    assert not depends(place.step(0, RESUME), place.step(1, RESUME))


def test_who_takes_the_only_notification_matters(place: Bench) -> None:
    for task in (0, 1):
        place.do(task, acquire(LOCK), WAIT)
    place.do(2, acquire(LOCK), notify(1), notify(1), release(LOCK))
    assert depends(place.step(0, RESUME), place.step(1, RESUME))


def test_a_condition_of_threading_wakes_whoever_has_waited_longest() -> None:
    place = Bench({CONDITION: ConditionState(LOCK, in_order=True), LOCK: lock_state(LockFlavour.LOCK)})
    for task in (1, 0):
        place.do(task, acquire(LOCK), WAIT)
    place.do(2, acquire(LOCK), notify(1), release(LOCK))
    place.do(2, acquire(LOCK), WAIT)
    assert not place.can(0, RESUME)
    assert not place.can(2, RESUME)
    assert place.do(1, RESUME, acquire(LOCK), notify(-1)).number == 2
    assert place.do(2, RESUME).ok
    assert place.do(0, TIMED).ok
