"""Locks and semaphores answer as CPython's `SemLock` does.

The same sequences are played on the real objects and on ours, and must give the same.
"""

import multiprocessing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.core.operations import ErrorCode, LockFlavour
from tests.programs import KIND, acquire, do, lock_state, release
from tests.unit.primitives.doing import Bench

LOCK = 1
FLAVOURS = list(LockFlavour)


def bench(flavour: LockFlavour, number: int = 1) -> Bench:
    return Bench({LOCK: lock_state(flavour, number)})


def real(flavour: LockFlavour, number: int) -> Any:
    context = multiprocessing.get_context("fork")
    made = getattr(context, flavour.value)
    return made(number) if flavour in (LockFlavour.SEMAPHORE, LockFlavour.BOUNDED) else made()


def played_for_real(lock: Any, moves: list[str]) -> list[object]:
    seen: list[object] = []
    for move in moves:
        try:
            seen.append(lock.acquire(False) if move == "acquire" else lock.release())
        except (ValueError, AssertionError):
            seen.append("error")
    return seen


def played_by_us(place: Bench, moves: list[str]) -> list[object]:
    seen: list[object] = []
    for move in moves:
        operation = acquire(LOCK, block=False) if move == "acquire" else release(LOCK)
        result = place.do(0, operation)
        seen.append("error" if result.error else result.ok if move == "acquire" else None)
    return seen


@pytest.mark.parametrize("flavour", FLAVOURS)
@settings(max_examples=40, derandomize=True, deadline=None)
@given(moves=st.lists(st.sampled_from(["acquire", "release"]), max_size=8), number=st.integers(0, 2))
def test_one_process_sees_what_it_sees_in_cpython(
    flavour: LockFlavour, moves: list[str], number: int
) -> None:
    if flavour in (LockFlavour.LOCK, LockFlavour.RLOCK):
        number = 1  # with 0 it is a lock that nobody can ever take, which CPython does not have
    assert played_by_us(bench(flavour, number), moves) == played_for_real(real(flavour, number), moves)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_one_holds_another_waits_for_or_gives_up(flavour: LockFlavour) -> None:
    place = bench(flavour)
    place.do(0, acquire(LOCK))
    assert not place.can(1, acquire(LOCK))
    assert not place.do(1, acquire(LOCK, block=False)).ok
    assert not place.do(1, acquire(LOCK, timed=True)).ok
    place.do(0, release(LOCK))
    assert place.do(1, acquire(LOCK)).ok


@pytest.mark.parametrize(
    ("flavour", "error"),
    [
        (LockFlavour.LOCK, None),
        (LockFlavour.RLOCK, ErrorCode.NOT_OWNER),
        (LockFlavour.SEMAPHORE, None),
        (LockFlavour.BOUNDED, None),
    ],
)
def test_all_but_a_recursive_lock_may_be_released_by_another(
    flavour: LockFlavour, error: ErrorCode | None
) -> None:
    place = bench(flavour)
    place.do(0, acquire(LOCK))
    assert place.do(1, release(LOCK)).error is error
    assert place.objects[LOCK].value == (0 if error else 1)


def test_a_recursive_lock_is_free_after_as_many_releases() -> None:
    place = bench(LockFlavour.RLOCK)
    place.do(0, acquire(LOCK), acquire(LOCK), release(LOCK))
    assert not place.can(1, acquire(LOCK))
    place.do(0, release(LOCK))
    assert place.can(1, acquire(LOCK))


@pytest.mark.parametrize("flavour", [LockFlavour.LOCK, LockFlavour.RLOCK, LockFlavour.BOUNDED])
def test_one_release_too_many_is_an_error(flavour: LockFlavour) -> None:
    assert bench(flavour).do(0, release(LOCK)).error is not None


def test_a_semaphore_has_no_end() -> None:
    place = bench(LockFlavour.SEMAPHORE, 0)
    place.do(0, release(LOCK), release(LOCK))
    assert place.do(1, do(KIND.LOCK_VALUE, LOCK)).number == 2


def test_the_holders_are_named_in_one_order_whoever_came_first() -> None:
    one, other = bench(LockFlavour.SEMAPHORE, 2), bench(LockFlavour.SEMAPHORE, 2)
    for task in (0, 1):
        one.do(task, acquire(LOCK))
        other.do(1 - task, acquire(LOCK))
    assert one.objects[LOCK] == other.objects[LOCK]
    assert one.objects[LOCK].holders == (0, 1)


@pytest.mark.parametrize(
    ("flavour", "commute"), [(LockFlavour.SEMAPHORE, True), (LockFlavour.BOUNDED, False)]
)
def test_two_releases_commute_only_where_none_can_be_too_many(flavour: LockFlavour, commute: bool) -> None:
    from grader.primitives.registry import depends

    place = bench(flavour)
    place.do(0, acquire(LOCK))
    one, other = (Bench(place.objects).step(task, release(LOCK)) for task in (0, 1))
    assert depends(one, other) is not commute
