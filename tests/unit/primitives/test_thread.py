"""Threads: what they share with their process, and what ends them."""

from grader.core.operations import (
    NO_OBJECT,
    LockFlavour,
    Operation,
    OperationKind,
    Step,
    end_target,
    process_object,
)
from grader.primitives.lock import LockState
from grader.primitives.pipe_state import Holder, PipeState
from grader.primitives.process import ended_by
from grader.primitives.queue import QueueState
from grader.primitives.registry import depends
from grader.primitives.thread import live_threads, process_of, started_by
from tests.unit.primitives.doing import Bench

KIND = OperationKind
QUEUE, RLOCK, PIPE, LOCAL = 1, 2, 3, 4
THREAD, OTHER = 10, 11


def do(kind: OperationKind, target: int = NO_OBJECT, **details: object) -> Operation:
    return Operation(kind, target, **details)  # type: ignore[arg-type]


def bench(*threads: int) -> Bench:
    """Process 0 with some threads, beside process 1."""
    holder = (Holder(0),)
    made = Bench(
        {
            QUEUE: QueueState(0, False),
            RLOCK: LockState(LockFlavour.RLOCK, 1, 1),
            PIPE: PipeState(False, (holder, holder)),
        }
    )
    for thread in threads:
        made.do(0, start(thread))
    return made


def start(thread: int) -> Operation:
    return do(KIND.THREAD_START, process_object(thread))


def join(thread: int, **how: bool) -> Operation:
    return do(KIND.THREAD_JOIN, process_object(thread), **how)


def ends(thread: int) -> Operation:
    return do(KIND.THREAD_EXIT, process_object(thread))


def test_a_join_waits_until_the_thread_has_ended_or_gives_up() -> None:
    here = bench(THREAD)
    assert not here.can(0, join(THREAD))
    assert not here.do(0, join(THREAD, timed=True)).ok
    assert not here.do(0, do(KIND.THREAD_POLL, process_object(THREAD))).ok
    here.do(THREAD, ends(THREAD))
    assert here.do(0, join(THREAD)).ok
    assert live_threads(here.objects, 0) == ()


def test_a_thread_of_a_thread_belongs_to_the_same_process() -> None:
    here = bench(THREAD)
    here.do(THREAD, start(OTHER))
    assert process_of(here.objects, OTHER) == 0
    assert process_of(here.objects, 1) == 1
    assert (started_by(here.objects, 0), started_by(here.objects, THREAD)) == (1, 1)


def test_what_threads_put_goes_through_the_buffer_of_their_process() -> None:
    here = bench(THREAD, OTHER)
    first = here.step(THREAD, do(KIND.QUEUE_PUT, QUEUE, data=b"a"))
    second = here.step(OTHER, do(KIND.QUEUE_PUT, QUEUE, data=b"b"))
    elsewhere = here.step(1, do(KIND.QUEUE_PUT, QUEUE, data=b"c"))
    assert [message.data for message in here.objects[QUEUE].buffer(0)] == [b"a", b"b"]
    assert depends(first, second)
    assert not depends(second, elsewhere)
    assert not here.can(0, do(KIND.PROCESS_EXIT))


def test_a_recursive_lock_keeps_the_threads_of_one_process_apart() -> None:
    here = bench(THREAD)
    here.do(THREAD, do(KIND.LOCK_ACQUIRE, RLOCK), do(KIND.LOCK_ACQUIRE, RLOCK))
    assert not here.can(0, do(KIND.LOCK_ACQUIRE, RLOCK))


def test_a_pipe_is_open_in_every_thread() -> None:
    here = bench(THREAD)
    here.do(THREAD, do(KIND.PIPE_SEND, PIPE, number=1, data=b"x"))
    assert here.do(0, do(KIND.PIPE_RECEIVE, PIPE, number=0)).data == b"x"
    child = 5
    here.do(THREAD, do(KIND.PROCESS_START, process_object(child), targets=(end_target(PIPE, 0),)))
    assert here.objects[PIPE].holds(child, 0)
    assert here.objects[process_object(child)].parent == 0
    assert here.do(0, do(KIND.PROCESS_CHILDREN)).numbers == (child,)


def test_a_process_takes_its_threads_along() -> None:
    here = bench(THREAD, OTHER)
    begin = here.step(OTHER, do(KIND.THREAD_BEGIN, process_object(OTHER)))
    kill = here.step(1, do(KIND.PROCESS_KILL, process_object(0), number=9))
    assert ended_by(kill) == (0, THREAD, OTHER)
    assert depends(begin, kill)
    assert not any(here.objects[process_object(thread)].alive for thread in (THREAD, OTHER))


def test_a_thread_can_end_its_process() -> None:
    here = bench(THREAD)
    step = here.step(THREAD, do(KIND.PROCESS_EXIT, process_object(0), block=False, number=3))
    assert ended_by(step) == (0, THREAD)
    assert here.objects[process_object(0)].exit_code == 3


def test_an_exit_without_threads_depends_on_nobody_else() -> None:
    here = bench()
    step = here.step(0, do(KIND.PROCESS_EXIT, process_object(0)))
    assert not depends(step, Step(1, do(KIND.THREAD_BEGIN), None, ()))


def test_a_fork_reads_the_locks_of_its_threads_but_a_spawned_process_does_not() -> None:
    number = 2**20 + LOCAL  # made by process 0
    here = bench(THREAD)
    here.objects[number] = LockState(LockFlavour.LOCK, 1, 1, local=True)
    take = here.step(0, do(KIND.LOCK_ACQUIRE, number))
    fork = here.step(THREAD, do(KIND.PROCESS_START, process_object(5)))
    spawn = here.step(THREAD, do(KIND.PROCESS_START, process_object(6), data=b"x"))
    assert depends(take, fork)
    assert not depends(take, spawn)
