"""Threads inside a controlled process: started, waited for, asked whether they live. Start at `ThreadState`.

A thread is a task of its own. Which objects it can use, its children and its place in a queue are those of its
process (`process_of`), and it ends with it. `begin` is its first operation, before any code of the submission.
"""

from collections.abc import Iterator
from typing import ClassVar

import msgspec

from grader.core.operations import (
    DONE,
    Creation,
    Failure,
    Operation,
    OperationKind,
    Result,
    Step,
    TaskId,
    process_object,
    task_of,
)
from grader.primitives.base import MutableObjects, Objects, Primitive


class ThreadState(msgspec.Struct, frozen=True):
    """The process it belongs to, the task that started it, the processes that it started, how it ended.

    `worker` says whether it is a worker of a pool of threads (a claim).
    """

    process: TaskId
    starter: TaskId
    name: str = ""
    daemon: bool = False
    alive: bool = True
    children: tuple[TaskId, ...] = ()
    failure: Failure | None = None
    worker: bool = False


_KIND = OperationKind
_CHANGES = (_KIND.THREAD_START, _KIND.THREAD_EXIT)


class Thread(Primitive):
    """The life of threads. A thread's object has the number that a process of its number would have."""

    family: ClassVar[str] = "thread"
    state: ClassVar[type] = ThreadState

    def create(self, creation: Creation) -> ThreadState:
        raise ValueError("a thread is made by being started")

    def enabled(self, objects: Objects, task: TaskId, operation: Operation) -> bool:
        if operation.kind is not _KIND.THREAD_JOIN or not operation.may_wait:
            return True
        return not objects[operation.object].alive

    def apply(self, objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
        kind = operation.kind
        if kind is _KIND.THREAD_BEGIN:
            return DONE
        if kind is _KIND.THREAD_START:
            process = process_of(objects, task)
            daemon, worker = bool(operation.number), bool(operation.offset)
            objects[operation.object] = ThreadState(process, task, operation.text, daemon, worker=worker)
            return Result(number=task_of(operation.object))
        state: ThreadState = objects[operation.object]
        if kind is _KIND.THREAD_EXIT:
            objects[operation.object] = msgspec.structs.replace(state, alive=False, failure=operation.failure)
            return DONE
        return Result(ok=not state.alive)

    def touches(self, objects: Objects, task: TaskId, operation: Operation) -> tuple[int, ...]:
        return () if operation.kind is _KIND.THREAD_BEGIN else (operation.object,)

    def depends(self, a: Step, b: Step) -> bool:
        return a.operation.kind in _CHANGES or b.operation.kind in _CHANGES


def process_of(objects: Objects, task: TaskId) -> TaskId:
    """The process that a task is a thread of; the task itself if it is a process."""
    state = objects.get(process_object(task))
    return state.process if type(state) is ThreadState else task


def threads_of(objects: Objects, process: TaskId) -> Iterator[tuple[TaskId, ThreadState]]:
    """The threads that a process has ever started besides its first one, in the order of starting."""
    for target, state in objects.items():
        if type(state) is ThreadState and state.process == process:
            yield task_of(target), state


def started_by(objects: Objects, task: TaskId) -> int:
    """How many threads a task has started itself."""
    return sum(type(state) is ThreadState and state.starter == task for state in objects.values())


def live_threads(objects: Objects, process: TaskId) -> tuple[TaskId, ...]:
    """The threads of a process that have not ended, without its first one."""
    return tuple(task for task, state in threads_of(objects, process) if state.alive)
