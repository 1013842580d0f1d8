"""Processes: started, joined, polled, killed, and what they leave.

A process is alive from its start to its exit. It exits when it has said so and its queue buffers are in their pipes
(CPython joins the feeder threads), or at once when it is killed or leaves abruptly. Whatever lock it holds then
stays held; pipe ends are closed. A process that starts gets ends of pipes: `targets` of the start.
The threads of a process end with it (`ended_by`).
"""

from collections.abc import Iterable
from typing import ClassVar

import msgspec

from grader.core.operations import (
    JUDGE,
    Creation,
    Failure,
    ObjectId,
    Operation,
    OperationKind,
    Result,
    Step,
    TaskId,
    creator_of,
    end_of,
    process_object,
    task_of,
)
from grader.primitives.base import MutableObjects, Objects, Primitive
from grader.primitives.lock import LockState
from grader.primitives.pipe import given_back, held
from grader.primitives.pipe_state import PipeState
from grader.primitives.queue import QueueState
from grader.primitives.thread import live_threads, process_of, threads_of

_TYPE_LIMIT = 100


class ProcessState(msgspec.Struct, frozen=True):
    """Who started it, whom it started, and how it ended. `returned` is what a call's function gave (pickled)."""

    parent: TaskId
    name: str = ""
    daemon: bool = False
    alive: bool = True
    children: tuple[TaskId, ...] = ()
    exit_code: int = 0
    killed: bool = False
    failure: Failure | None = None
    returned: bytes | None = None
    returned_type: str = ""
    left_running: tuple[TaskId, ...] = ()
    worker: bool = False
    """Whether it is a worker of a pool (a claim)."""


_KIND = OperationKind
_CHANGES = (_KIND.PROCESS_START, _KIND.PROCESS_EXIT, _KIND.PROCESS_KILL)
_ENDS = (_KIND.PROCESS_EXIT, _KIND.PROCESS_KILL)


class Process(Primitive):
    """The life of processes. A process's object exists from its start."""

    family: ClassVar[str] = "process"
    state: ClassVar[type] = ProcessState

    def create(self, creation: Creation) -> ProcessState:
        return ProcessState(JUDGE, creation.name)

    def enabled(self, objects: Objects, task: TaskId, operation: Operation) -> bool:
        kind = operation.kind
        if kind is _KIND.PROCESS_JOIN:
            return not objects[operation.object].alive or not operation.may_wait
        if kind is _KIND.PROCESS_WAIT:
            waits = operation.may_wait
            return not waits or any(not objects[target].alive for target in operation.targets)
        if kind is _KIND.PROCESS_EXIT and operation.block:
            process = process_of(objects, task)
            return all(
                state.delivered(process) or process in state.abandoned
                for _, state in _queues(objects, process)
            )
        return True

    def apply(self, objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
        kind = operation.kind
        if kind is _KIND.PROCESS_START:
            return _start(objects, task, operation)
        if kind is _KIND.PROCESS_EXIT:
            return _exit(objects, process_of(objects, task), operation)
        if kind is _KIND.PROCESS_KILL:
            return _kill(objects, operation)
        if kind is _KIND.PROCESS_RETURN:
            return _return(objects, process_of(objects, task), operation)
        if kind is _KIND.PROCESS_WAIT:
            ready = tuple(target for target in operation.targets if not objects[target].alive)
            return Result(ok=bool(ready), numbers=ready)
        if kind is _KIND.PROCESS_CHILDREN:
            children = children_of(objects, process_of(objects, task))
            return Result(numbers=tuple(child for child in children if is_alive(objects, child)))
        state: ProcessState = objects[operation.object]
        return Result(ok=not state.alive, number=state.exit_code)

    def touches(self, objects: Objects, task: TaskId, operation: Operation) -> tuple[ObjectId, ...]:
        kind = operation.kind
        if kind is _KIND.PROCESS_WAIT:
            return operation.targets
        if kind is _KIND.PROCESS_CHILDREN:
            return tuple(map(process_object, _family(objects, process_of(objects, task))))
        if kind is _KIND.PROCESS_RETURN:
            process = process_of(objects, task)
            return tuple(map(process_object, (process, *descendants(objects, process))))
        if kind is _KIND.PROCESS_START:
            copied = _local_locks(objects, task) if not operation.data else ()
            return (operation.object, process_object(task), *_pipes(operation.targets), *copied)
        if kind is _KIND.PROCESS_EXIT:
            process = process_of(objects, task)
            queues = (queue for queue, _ in _queues(objects, process))
            return (*_with_threads(objects, process), *queues, *_pipes(held(objects, process)))
        if kind is _KIND.PROCESS_KILL:
            victim = task_of(operation.object)
            return (*_with_threads(objects, victim), *_pipes(held(objects, victim)))
        return (operation.object,)

    def depends(self, a: Step, b: Step) -> bool:
        one, other = a.operation.kind, b.operation.kind
        if one in _ENDS and other in _ENDS:
            # Two that end may touch the same queue or pipe, which each leaves in its own way.
            return a.touches[0] == b.touches[0]
        if one is _KIND.PROCESS_RETURN and other is _KIND.PROCESS_RETURN:
            return a.touches[:1] == b.touches[:1]  # what threads of one process say
        for start, step in ((a, b), (b, a)):
            if start.operation.kind is _KIND.PROCESS_START:
                # The parent has one child more: that only a `return` above it can see, and its other threads.
                sees = step.operation.kind in (_KIND.PROCESS_RETURN, _KIND.PROCESS_CHILDREN)
                return sees or start.operation.object in step.touches
        return one in _CHANGES or other in _CHANGES


def descendants(objects: Objects, task: TaskId) -> tuple[TaskId, ...]:
    """All processes that `task` and its children have started, in the order of starting, depth first."""
    found: list[TaskId] = []
    for child in children_of(objects, task):
        found.append(child)
        found.extend(descendants(objects, child))
    return tuple(found)


def children_of(objects: Objects, process: TaskId) -> tuple[TaskId, ...]:
    """The processes that a process, that is any of its threads, has started."""
    others = (child for _, thread in threads_of(objects, process) for child in thread.children)
    return (*objects[process_object(process)].children, *others)


def ended_by(step: Step) -> tuple[TaskId, ...]:
    """The tasks that a step ends: a process that exits or is killed, and the threads that it has left."""
    kind = step.operation.kind
    killed = kind is _KIND.PROCESS_KILL and step.result is not None and step.result.ok
    return victims_of(step) if killed or kind is _KIND.PROCESS_EXIT else ()


def victims_of(step: Step) -> tuple[TaskId, ...]:
    """The tasks that an exit or a kill ends, or would end if the process still lived; the process first."""
    return tuple(task_of(target) for target in step.touches if target < 0)


def is_alive(objects: Objects, task: TaskId) -> bool:
    """Whether a started process has not ended yet."""
    return bool(objects[process_object(task)].alive)


def exit_depends_on_queue(exit_step: Step, queue_step: Step) -> bool:
    """Whether an exit and another task's step on a queue that it wrote to must keep their order."""
    operation, result = queue_step.operation, queue_step.result
    if operation.kind is _KIND.QUEUE_FLUSH:
        return operation.number in victims_of(exit_step)[:1]
    if operation.kind is not _KIND.QUEUE_GET or result is None or exit_step.result is None:
        return exit_step.result is None or result is None
    if not result.ok:
        return False
    marks = exit_step.result.marks
    return (operation.object, result.marks[0]) in zip(marks[::2], marks[1::2])


def _queues(objects: Objects, task: TaskId) -> list[tuple[ObjectId, QueueState]]:
    """The queues that `task` has put something on."""
    found: list[tuple[ObjectId, QueueState]] = []
    for number, state in objects.items():
        if type(state) is QueueState and state.sent:
            for sender, _ in state.sent:
                if sender == task:
                    found.append((number, state))
    return found


def _family(objects: Objects, process: TaskId) -> tuple[TaskId, ...]:
    """A process, its threads, and whatever these have started."""
    threads = (task for task, _ in threads_of(objects, process))
    return (process, *threads, *children_of(objects, process))


def _with_threads(objects: Objects, process: TaskId) -> tuple[ObjectId, ...]:
    """All its threads, the ended ones as well: had the process ended before, they would not have come so far."""
    return (process_object(process), *(process_object(task) for task, _ in threads_of(objects, process)))


def _local_locks(objects: Objects, task: TaskId) -> tuple[ObjectId, ...]:
    """The locks of `threading` that a fork of a process with several threads copies, as they are then."""
    process = process_of(objects, task)
    if not any(True for _ in threads_of(objects, process)):
        return ()
    return tuple(
        number
        for number, state in objects.items()
        if type(state) is LockState and state.local and process_of(objects, creator_of(number)) == process
    )


def _end_threads(objects: MutableObjects, process: TaskId) -> None:
    for thread in live_threads(objects, process):
        target = process_object(thread)
        objects[target] = msgspec.structs.replace(objects[target], alive=False)


def _pipes(ends: Iterable[int]) -> tuple[ObjectId, ...]:
    return tuple(dict.fromkeys(end_of(target)[0] for target in ends))


def _close_pipes(objects: MutableObjects, task: TaskId) -> tuple[int, ...]:
    """Give back the pipe ends of a process that has ended; what its marks say about them."""
    marks = given_back(objects, task)
    for pipe in _pipes(held(objects, task)):
        state: PipeState = objects[pipe]
        objects[pipe] = state.without(task)
    return marks


def _start(objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
    child = task_of(operation.object)
    for target in operation.targets:
        pipe, end = end_of(target)
        objects[pipe] = objects[pipe].opened(child, end, process_of(objects, task))
    own = process_object(task)
    parent: ProcessState = objects[own]
    objects[own] = msgspec.structs.replace(parent, children=(*parent.children, child))
    parent_process = process_of(objects, task)
    objects[operation.object] = ProcessState(
        parent_process, operation.text, bool(operation.number), worker=bool(operation.offset)
    )
    return Result(number=child)


def _exit(objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
    own = process_object(task)
    marks: list[int] = []
    for queue, state in _queues(objects, task):
        if operation.block and task not in state.abandoned:
            marks += (queue, state.delivering_get(task))
        objects[queue] = state.without_sender(task)
    marks += _close_pipes(objects, task)
    _end_threads(objects, task)
    objects[own] = msgspec.structs.replace(
        objects[own], alive=False, exit_code=operation.number, failure=operation.failure
    )
    return Result(marks=tuple(marks))


def _kill(objects: MutableObjects, operation: Operation) -> Result:
    state: ProcessState = objects[operation.object]
    if not state.alive:
        return Result(ok=False)
    for queue, queue_state in _queues(objects, task_of(operation.object)):
        objects[queue] = queue_state.without_sender(task_of(operation.object))
    marks = _close_pipes(objects, task_of(operation.object))
    _end_threads(objects, task_of(operation.object))
    objects[operation.object] = msgspec.structs.replace(
        state, alive=False, killed=True, exit_code=-operation.number
    )
    return Result(marks=marks)


def _return(objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
    own = process_object(task)
    left = tuple(child for child in descendants(objects, task) if is_alive(objects, child))
    objects[own] = msgspec.structs.replace(
        objects[own], returned=operation.data, returned_type=operation.text[:_TYPE_LIMIT], left_running=left
    )
    return Result(numbers=left)
