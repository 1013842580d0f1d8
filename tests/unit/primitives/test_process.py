"""The life of processes."""

import pytest

from grader.core.operations import Operation, OperationKind, TaskId, process_object
from grader.primitives.registry import depends
from tests.programs import KIND, do
from tests.unit.primitives.doing import Bench

CHILD, GRANDCHILD = 5, 6


@pytest.fixture
def place() -> Bench:
    return Bench({})


def about(kind: OperationKind, task: TaskId, **details: object) -> Operation:
    return do(kind, process_object(task), **details)


def leave(task: TaskId, code: int = 0) -> Operation:
    return about(KIND.PROCESS_EXIT, task, number=code)


def test_join_waits_for_the_exit_and_tells_its_code(place: Bench) -> None:
    assert not place.can(0, about(KIND.PROCESS_JOIN, 1))
    assert not place.do(0, about(KIND.PROCESS_JOIN, 1, timed=True)).ok
    assert not place.do(0, about(KIND.PROCESS_POLL, 1)).ok
    place.do(1, leave(1, 3))
    joined = place.do(0, about(KIND.PROCESS_JOIN, 1))
    assert (joined.ok, joined.number) == (True, 3)
    polled = place.do(0, about(KIND.PROCESS_POLL, 1))
    assert (polled.ok, polled.number) == (True, 3)


def test_wait_goes_on_with_the_first_that_is_ready(place: Bench) -> None:
    wait = Operation(KIND.PROCESS_WAIT, targets=(process_object(1), process_object(2)))
    assert not place.can(0, wait)
    place.do(2, leave(2))
    assert place.do(0, wait).numbers == (process_object(2),)


def test_a_wait_for_nobody_never_ends_unless_timed(place: Bench) -> None:
    assert not place.can(0, Operation(KIND.PROCESS_WAIT))
    assert not place.do(0, Operation(KIND.PROCESS_WAIT, timed=True)).ok


def test_a_started_process_is_its_parents_child_until_it_ends(place: Bench) -> None:
    place.do(0, about(KIND.PROCESS_START, CHILD, text="worker"))
    assert place.do(0, Operation(KIND.PROCESS_CHILDREN)).numbers == (CHILD,)
    place.do(CHILD, leave(CHILD))
    assert place.do(0, Operation(KIND.PROCESS_CHILDREN)).numbers == ()


def test_a_kill_ends_it_with_the_signal_and_comes_too_late_after_the_exit(place: Bench) -> None:
    assert place.do(0, about(KIND.PROCESS_KILL, 1, number=15)).ok
    assert place.do(0, about(KIND.PROCESS_JOIN, 1)).number == -15
    place.do(2, leave(2, 1))
    assert not place.do(0, about(KIND.PROCESS_KILL, 2, number=15)).ok
    assert place.do(0, about(KIND.PROCESS_JOIN, 2)).number == 1


def test_a_return_tells_who_is_left_running_below(place: Bench) -> None:
    place.do(0, about(KIND.PROCESS_START, CHILD))
    place.do(CHILD, about(KIND.PROCESS_START, GRANDCHILD))
    place.do(CHILD, leave(CHILD))
    assert place.do(0, Operation(KIND.PROCESS_RETURN, data=b"x")).numbers == (GRANDCHILD,)
    state = place.objects[process_object(0)]
    assert (state.returned, state.left_running) == (b"x", (GRANDCHILD,))


def test_a_start_conflicts_with_a_return_above_it_and_with_nothing_of_its_parent(place: Bench) -> None:
    place.do(0, about(KIND.PROCESS_START, CHILD))
    returned = Bench(place.objects).step(0, Operation(KIND.PROCESS_RETURN))
    polled = Bench(place.objects).step(0, about(KIND.PROCESS_POLL, CHILD))
    started = place.step(CHILD, about(KIND.PROCESS_START, GRANDCHILD))
    assert depends(started, returned)
    assert not depends(started, polled)


def test_a_kill_conflicts_with_every_step_of_its_victim_only(place: Bench) -> None:
    killed = Bench(place.objects).step(0, about(KIND.PROCESS_KILL, 1, number=9))
    slept = place.step(1, Operation(KIND.SLEEP))
    assert depends(killed, slept)
    assert not depends(killed, place.step(2, Operation(KIND.SLEEP)))


def test_two_exits_commute_and_an_exit_and_a_join_do_not(place: Bench) -> None:
    looked = place.step(0, about(KIND.PROCESS_POLL, 1))
    one, other = place.step(1, leave(1)), place.step(2, leave(2))
    assert not depends(one, other)
    assert depends(looked, one)
    assert not depends(looked, other)
