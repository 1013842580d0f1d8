"""A pool: who may take which task, which result is whose, and when the workers may go."""

from typing import Any

from grader.core.operations import GAVE_UP, OperationKind, process_object
from grader.primitives.pool import PoolState
from grader.primitives.registry import depends
from tests.programs import KIND, POOL, do, exits, pool_state
from tests.unit.primitives.doing import Bench


def bench(*tasks: tuple[int, int]) -> Bench:
    return Bench({POOL: pool_state(tasks)})


def pool(kind: OperationKind, number: int = 0, **details: Any) -> Any:
    return do(kind, POOL, number=number, **details)


def test_tasks_are_taken_in_the_order_of_submission_by_those_they_are_for() -> None:
    place = bench((2, 0), (0, 0))
    assert place.do(0, pool(KIND.POOL_TAKE, 1)).number == 2
    assert not place.can(0, pool(KIND.POOL_TAKE, 1))
    assert place.do(1, pool(KIND.POOL_TAKE, 2)).number == 1
    assert place.do(2, pool(KIND.POOL_SUBMIT, data=b"more")).number == 3
    taken = place.do(0, pool(KIND.POOL_TAKE, 1))
    assert (taken.number, taken.data) == (3, b"more")


def test_a_result_is_there_when_the_worker_is_done_and_only_then() -> None:
    place = bench((0, 0))
    place.do(1, pool(KIND.POOL_TAKE, 1))
    assert not place.can(0, pool(KIND.POOL_RESULT, 1))
    assert place.do(0, pool(KIND.POOL_RESULT, 1, block=False)) == GAVE_UP
    assert place.do(2, pool(KIND.POOL_DONE, 1, data=b"not mine")) == GAVE_UP
    place.do(1, pool(KIND.POOL_DONE, 1, data=b"done"))
    assert place.do(0, pool(KIND.POOL_RESULT, 1)).data == b"done"
    assert not place.can(0, pool(KIND.POOL_RESULT, 1))


def test_results_whose_order_counts_come_in_turn() -> None:
    place = bench((0, 2), (0, 2), (0, 0))
    for task in range(3):
        place.do(task, pool(KIND.POOL_TAKE, 1))
    for task in (2, 1, 0):
        place.do(task, pool(KIND.POOL_DONE, task + 1))
    assert [place.do(0, pool(KIND.POOL_NEXT)).number for _ in range(2)] == [2, 1]
    assert not place.can(0, pool(KIND.POOL_NEXT))
    assert place.do(0, pool(KIND.POOL_RESULT, 3)).numbers == (0,)


def test_workers_may_go_when_a_closed_pool_has_all_results() -> None:
    place = bench((0, 0))
    place.do(0, pool(KIND.POOL_CLOSE))
    place.do(1, pool(KIND.POOL_TAKE, 1))
    assert not place.can(2, pool(KIND.POOL_TAKE, 2))
    place.do(1, pool(KIND.POOL_DONE, 1))
    assert place.do(2, pool(KIND.POOL_TAKE, 2)) == place.do(1, pool(KIND.POOL_TAKE, 1)) == GAVE_UP


def test_nobody_takes_anything_from_a_terminated_pool() -> None:
    place = bench((0, 0))
    place.do(0, pool(KIND.POOL_CLOSE, block=False))
    assert not place.can(1, pool(KIND.POOL_TAKE, 1))


def test_a_task_can_be_cancelled_until_it_is_taken() -> None:
    place = bench((0, 0), (0, 0))
    place.do(1, pool(KIND.POOL_TAKE, 1))
    assert place.do(0, pool(KIND.POOL_CANCEL, 1)) == GAVE_UP
    assert place.do(0, pool(KIND.POOL_CANCEL, 2)).ok
    assert not place.can(2, pool(KIND.POOL_TAKE, 2))


def test_a_parent_is_told_that_a_worker_has_ended() -> None:
    place = bench((0, 0))
    worker = process_object(1)
    place.do(1, pool(KIND.POOL_TAKE, 1))
    waiting = pool(KIND.POOL_RESULT, 1, targets=(worker,))
    assert not place.can(0, waiting)
    place.do(1, exits())
    told = place.do(0, waiting)
    assert not told.ok
    assert told.numbers == (worker,)
    state = place.objects[POOL]
    assert isinstance(state, PoolState)
    assert state.taken[0].worker == 1


def test_results_commute_unless_their_order_counts() -> None:
    for orders, dependent in (((0, 0), False), ((2, 0), False), ((2, 2), True), ((1, 1), False)):
        place = bench(*((0, order) for order in orders))
        takes = [place.step(task, pool(KIND.POOL_TAKE, 1)) for task in (0, 1)]
        done = [place.step(task, pool(KIND.POOL_DONE, task + 1)) for task in (0, 1)]
        assert depends(*takes)
        assert depends(*done) is dependent
    place = bench((0, 1), (0, 1))
    for task in (0, 1):
        place.do(task, pool(KIND.POOL_TAKE, 1))
    assert depends(*(place.step(task, pool(KIND.POOL_DONE, task + 1, offset=1)) for task in (0, 1)))
