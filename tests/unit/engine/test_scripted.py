"""Scripts that start others, make objects, and kill."""

from collections.abc import Generator
from typing import Any

from grader.core.execution import OutcomeKind
from grader.core.operations import (
    Creation,
    ObjectKind,
    Operation,
    OperationKind,
    Result,
    object_id,
    process_object,
)
from grader.engine.scripted import Asked
from tests.exploring import run_all
from tests.oracle import Oracle
from tests.polling import plain
from tests.programs import KIND, Child, do, memory_state, read, script_of, write

Steps = Generator[Any, Result, None]
START = Operation(KIND.PROCESS_START)


def test_children_are_numbered_as_they_come_and_run_beside_their_parent() -> None:
    def parent() -> Steps:
        for _ in range(2):
            started = yield Asked(START, child=plain([write(b"\1")]))
            yield do(KIND.PROCESS_JOIN, process_object(started.number))
        yield read()

    explored = run_all({1: memory_state(b"\0")}, [parent])
    assert [execution.outcome.kind for execution in explored.executions] == [OutcomeKind.COMPLETED]
    assert sorted(explored.executions[0].labels.values()) == ["P1", "P1.1", "P1.2"]


def test_a_grandchild_and_its_races_are_explored() -> None:
    text = (Child((Child((write(b"\1"),)), read())), read())
    objects, scripts = {1: memory_state(b"\0")}, [script_of(text)]
    explored = run_all(objects, scripts)
    assert explored.endings == Oracle(objects, scripts, explored.tasks).endings()
    assert explored.total.traces == 4


def test_an_object_that_a_task_makes_is_shared_with_its_children() -> None:
    made = object_id(0, 1)
    creation = Creation(made, ObjectKind.MEMORY, typecode="b", data=b"\0")

    def parent() -> Steps:
        yield Asked(START, created=(creation,), child=plain([write(b"\1", made)]))
        yield read(made)

    explored = run_all({}, [parent])
    assert explored.total.traces == 2
    assert {e.objects[made].data for e in explored.executions} == {b"\1"}  # type: ignore[attr-defined]


def test_an_object_of_somebody_else_cannot_be_made() -> None:
    foreign = Creation(object_id(5, 1), ObjectKind.EVENT)

    def script() -> Steps:
        yield Asked(Operation(OperationKind.SLEEP), created=(foreign,))

    assert set(run_all({}, [script]).kinds) == {OutcomeKind.CRASHED}


def test_who_is_killed_may_have_done_any_part_of_its_work_before() -> None:
    killer = plain([do(KIND.PROCESS_KILL, process_object(1), number=9)])
    worker = plain([write(b"\1"), write(b"\2")])
    explored = run_all({1: memory_state(b"\0")}, [killer, worker])
    seen = {e.objects[1].data for e in explored.executions}  # type: ignore[attr-defined]
    assert seen == {b"\0", b"\1", b"\2"}


def test_what_a_feeder_had_moved_before_its_process_left_without_it_differs() -> None:
    from grader.primitives.queue import QueueState

    leaver = plain(
        [do(KIND.QUEUE_PUT, 1, data=b"a"), do(KIND.QUEUE_PUT, 1, data=b"b"), do(KIND.QUEUE_CANCEL_JOIN, 1)]
    )
    explored = run_all({1: QueueState(0, False)}, [leaver])
    left = {len(e.objects[1].pipe) for e in explored.executions}  # type: ignore[attr-defined]
    assert left == {0, 1, 2}


def test_a_wait_that_two_clears_would_stop_is_found_before_both() -> None:
    """Neither clear alone lets the wait go when it is taken back; DPOR must leave out both."""
    from grader.primitives.event import EventState

    clear = plain([do(KIND.EVENT_CLEAR, 1)])
    waiter = plain([do(KIND.EVENT_WAIT, 1)])
    explored = run_all({1: EventState(True)}, [clear, clear, waiter])
    assert set(explored.kinds) == {OutcomeKind.COMPLETED, OutcomeKind.DEADLOCK}
