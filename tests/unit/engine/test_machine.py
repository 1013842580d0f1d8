"""What no agent of ours would announce about threads and processes is refused."""

import pytest

from grader.core.operations import (
    JUDGE,
    Creation,
    ObjectKind,
    Operation,
    OperationKind,
    object_id,
    process_object,
)
from grader.engine.machine import Machine, ProtocolError
from grader.engine.program import Announcement
from grader.engine.tasks import TaskTable
from grader.primitives.process import ProcessState
from grader.primitives.thread import ThreadState

KIND = OperationKind


def machine() -> Machine:
    """A main process that has started one thread, task 1."""
    tasks = TaskTable()
    main = tasks.top(0, "main")
    made = Machine({process_object(main): ProcessState(JUDGE)}, tasks)
    made.announce(Announcement(main, Operation(KIND.THREAD_START, text="Thread-1 (work)")))
    step = made.execute(main)
    assert step.result is not None
    assert step.result.number == 1
    made.announce(Announcement(main, Operation(KIND.THREAD_JOIN, process_object(1))))
    made.announce(Announcement(1, Operation(KIND.THREAD_BEGIN)))
    return made


def test_a_thread_is_a_task_of_its_process() -> None:
    here = machine()
    assert here.objects[process_object(1)] == ThreadState(0, 0, "Thread-1 (work)")
    assert here.has_other_threads(0)
    assert here.has_other_threads(1)
    assert here.enabled() == [1]


def test_an_exit_by_a_thread_is_that_of_the_process_and_buries_the_others() -> None:
    here = machine()
    here.execute(1)
    here.announce(Announcement(1, Operation(KIND.PROCESS_EXIT, block=False)))
    assert here.execute(1).operation.object == process_object(0)
    assert (here.pending, here.alive()) == ({}, [])


@pytest.mark.parametrize(
    "announcement",
    [
        Announcement(0, Operation(KIND.THREAD_EXIT)),
        Announcement(0, Operation(KIND.THREAD_BEGIN)),
        Announcement(0, Operation(KIND.THREAD_JOIN, process_object(0))),
        Announcement(0, Operation(KIND.PROCESS_JOIN, process_object(1))),
        Announcement(0, Operation(KIND.PROCESS_KILL, process_object(1))),
        Announcement(0, Operation(KIND.READY), created=(Creation(object_id(0, 0), ObjectKind.PROCESS),)),
    ],
    ids=lambda announcement: announcement.operation.kind.value,
)
def test_what_no_agent_would_announce(announcement: Announcement) -> None:
    with pytest.raises(ProtocolError):
        machine().announce(announcement)
