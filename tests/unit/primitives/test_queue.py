"""Queues: places, buffers, feeders and the pipe, as CPython's."""

import pytest

from grader.core.operations import ErrorCode, Operation, TaskId
from grader.primitives.process import ProcessState
from grader.primitives.queue import PIPE_CAPACITY, QueueState
from grader.primitives.registry import depends
from tests.programs import KIND, do, get, put
from tests.unit.primitives.doing import Bench

QUEUE = 1
FEEDER: TaskId = 9
EMPTY, FULL, SIZE = (do(kind, QUEUE) for kind in (KIND.QUEUE_EMPTY, KIND.QUEUE_FULL, KIND.QUEUE_SIZE))
DONE, JOIN, JOIN_THREAD = (
    do(kind, QUEUE) for kind in (KIND.QUEUE_TASK_DONE, KIND.QUEUE_JOIN, KIND.QUEUE_JOIN_THREAD)
)
CANCEL = do(KIND.QUEUE_CANCEL_JOIN, QUEUE)
HUGE = bytes(PIPE_CAPACITY + 1)


def puts(data: bytes = b"a", **how: bool) -> Operation:
    return put(data, QUEUE, **how)


def gets(**how: bool) -> Operation:
    return get(QUEUE, **how)


def flush(owner: TaskId) -> Operation:
    return do(KIND.QUEUE_FLUSH, QUEUE, number=owner)


def bench(maxsize: int = 0, simple: bool = False) -> Bench:
    return Bench({QUEUE: QueueState(maxsize, simple)})


def leaves(task: TaskId, **how: bool) -> Operation:
    return do(KIND.PROCESS_EXIT, -1 - task, **how)


def test_an_item_is_on_its_way_until_the_feeder_has_moved_it() -> None:
    place = bench()
    place.do(0, puts(b"x"))
    assert place.do(1, EMPTY).number == 1
    assert place.do(1, SIZE).number == 1
    assert not place.can(1, gets())
    place.do(FEEDER, flush(0))
    assert place.do(1, EMPTY).number == 0
    assert place.do(1, gets()).data == b"x"
    assert place.do(1, SIZE).number == 0


def test_items_of_one_task_keep_their_order_and_those_of_two_that_of_their_feeders() -> None:
    place = bench()
    place.do(0, puts(b"1"), puts(b"2"))
    place.do(1, puts(b"3"))
    place.do(FEEDER, flush(1), flush(0), flush(0))
    assert [place.do(2, gets()).data for _ in range(3)] == [b"3", b"1", b"2"]


@pytest.mark.parametrize("how", [{"block": False}, {"timed": True}])
def test_nothing_there_and_no_place_left_may_be_given_up(how: dict[str, bool]) -> None:
    place = bench(maxsize=1)
    assert not place.do(0, gets(**how)).ok
    assert place.do(0, puts(**how)).ok
    assert not place.do(0, puts(**how)).ok
    assert place.do(0, FULL).number == 1
    assert not place.can(0, puts())


def test_a_place_is_free_again_when_its_item_is_taken() -> None:
    place = bench(maxsize=1)
    place.do(0, puts())
    place.do(FEEDER, flush(0))
    assert not place.can(0, puts())
    place.do(1, gets())
    assert place.can(0, puts())
    assert place.do(0, FULL).number == 0


@pytest.mark.parametrize("maxsize", [0, -3])
def test_without_a_positive_maxsize_there_is_no_end(maxsize: int) -> None:
    from grader.core.operations import Creation, ObjectKind
    from grader.primitives.registry import BY_OBJECT

    state = BY_OBJECT[ObjectKind.QUEUE].create(Creation(QUEUE, ObjectKind.QUEUE, number=maxsize))
    place = Bench({QUEUE: state})
    place.do(0, *[puts()] * 10)
    assert place.do(0, FULL).number == 0


def test_a_process_leaves_only_when_its_buffer_is_in_the_pipe() -> None:
    place = bench()
    place.do(0, puts())
    assert not place.can(0, leaves(0))
    assert place.can(1, leaves(1))
    place.do(FEEDER, flush(0))
    assert place.can(0, leaves(0))


def test_an_item_larger_than_the_pipe_holds_its_process_until_it_is_read() -> None:
    place = bench()
    place.do(0, puts(HUGE))
    place.do(FEEDER, flush(0))
    assert not place.can(0, leaves(0))
    assert not place.can(0, JOIN_THREAD)
    place.do(1, puts(b"b"))
    assert not place.can(FEEDER, flush(1))
    assert place.do(2, gets()).data == HUGE
    assert place.can(0, leaves(0))
    assert place.can(0, JOIN_THREAD)
    assert place.can(FEEDER, flush(1))


def test_with_cancel_join_thread_a_process_leaves_and_what_was_not_moved_is_lost() -> None:
    place = bench()
    place.do(0, puts(b"1"), puts(b"2"), CANCEL)
    place.do(FEEDER, flush(0))
    place.do(0, leaves(0))
    assert place.do(1, gets()).data == b"1"
    assert not place.can(FEEDER, flush(0))
    assert not place.do(1, gets(block=False)).ok


def test_who_leaves_at_once_waits_for_nothing() -> None:
    place = bench()
    place.do(0, puts(b"1"))
    assert place.can(0, leaves(0, block=False))


def test_who_leaves_at_once_depends_on_no_get_and_who_waited_on_the_one_that_let_it_go() -> None:
    place = bench()
    place.do(0, puts(HUGE))
    place.do(FEEDER, flush(0))
    abrupt = Bench(place.objects).step(0, leaves(0, block=False))
    taken = place.step(1, gets())
    patient = place.step(0, leaves(0))
    assert depends(taken, patient)
    assert not depends(taken, abrupt)


def test_a_killed_process_takes_its_buffer_along_but_its_places_stay_taken() -> None:
    place = bench(maxsize=1)
    place.do(0, puts(b"1"))
    place.do(1, do(KIND.PROCESS_KILL, -1, number=9))
    assert not place.can(FEEDER, flush(0))
    assert place.do(1, FULL).number == 1
    state: ProcessState = place.objects[-1]
    assert (state.alive, state.killed, state.exit_code) == (False, True, -9)


def test_join_waits_until_all_is_called_done() -> None:
    place = bench()
    place.do(0, puts(), puts())
    assert not place.can(0, JOIN)
    assert not place.do(0, do(KIND.QUEUE_JOIN, QUEUE, timed=True)).ok
    place.do(1, DONE)
    assert not place.can(0, JOIN)
    place.do(1, DONE)
    assert place.do(0, JOIN).ok


def test_done_once_too_often_is_an_error() -> None:
    place = bench()
    assert place.do(0, DONE).error is ErrorCode.TOO_MANY_DONE
    place.do(0, puts())
    assert place.do(0, DONE).ok
    assert place.do(0, DONE).error is ErrorCode.TOO_MANY_DONE


def test_a_simple_queue_has_no_feeder() -> None:
    place = bench(simple=True)
    place.do(0, puts(b"1"))
    assert place.do(1, EMPTY).number == 0
    assert place.do(1, gets()).data == b"1"


def test_a_full_pipe_makes_a_simple_put_wait() -> None:
    place = bench(simple=True)
    place.do(0, puts(HUGE))
    assert not place.can(1, puts(b"1"))
    place.do(2, gets())
    assert place.can(1, puts(b"1"))


def test_a_get_depends_on_the_flush_of_its_own_message_only() -> None:
    place = bench()
    place.do(0, puts(), puts())
    first = place.step(FEEDER, flush(0))
    taken = place.step(1, gets())
    second = place.step(FEEDER, flush(0))
    assert depends(first, taken)
    assert not depends(taken, second)


def test_a_put_depends_on_the_get_that_made_its_place_only() -> None:
    place = bench(maxsize=2)
    for _ in range(2):
        place.do(0, puts())
        place.do(FEEDER, flush(0))
    one, other = place.step(1, gets()), place.step(1, gets())
    added = place.step(0, puts())
    assert depends(one, added)
    assert not depends(other, added)


def test_done_depends_on_a_put_unless_everybody_called_done_only_what_was_got() -> None:
    place = bench()
    place.do(0, puts())
    careless = Bench(place.objects).step(1, DONE)
    place.do(FEEDER, flush(0))
    place.do(1, gets())
    careful = Bench(place.objects).step(1, DONE)
    added = place.step(0, puts())
    assert depends(careless, added)
    assert not depends(careful, added)
