"""The state of one execution under way: shared objects, pending operations, and what each step does to them.

Start at `Machine`. It knows nothing of strategies and processes: `grader.engine.driver` connects it with both.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from grader.core.operations import (
    NO_OBJECT,
    Creation,
    ObjectId,
    ObjectKind,
    Operation,
    OperationKind,
    Step,
    TaskId,
    Update,
    creator_of,
    end_of,
    process_object,
    task_of,
)
from grader.engine.program import Announcement
from grader.engine.steps import is_enabled, perform
from grader.engine.tasks import TaskTable
from grader.engine.turns import TURNS, Turns
from grader.engine.waits import Bounds, Waiting, plain
from grader.primitives.base import Objects
from grader.primitives.lock import LockState
from grader.primitives.manager import ManagerState, ReferentState, settled
from grader.primitives.memory import MemoryState
from grader.primitives.pipe import handed_over, made_by
from grader.primitives.pipe_state import PipeState
from grader.primitives.process import ProcessState, ended_by
from grader.primitives.queue import QueueState
from grader.primitives.registry import BY_OBJECT, BY_OPERATION
from grader.primitives.shm import SharedNames
from grader.primitives.thread import ThreadState, live_threads, process_of, started_by

_KIND = OperationKind
_AT_ONE_END = (_KIND.PIPE_SEND, _KIND.PIPE_FINISH, _KIND.PIPE_RECEIVE, _KIND.PIPE_CLOSE)
_OF_THREADS = (_KIND.THREAD_START, _KIND.THREAD_BEGIN, _KIND.THREAD_EXIT)
_SEVERAL = (_KIND.PROCESS_WAIT, _KIND.PIPE_WAIT)
"""What is about its targets, and about no object of its own."""
MAX_OBJECTS = 10_000
MOST_BYTES = 256 * 2**20
"""Of all memory together that is announced as so many zeros."""


class World(msgspec.Struct, frozen=True):
    """A snapshot: the objects, what every task is about to do, and what each has done so far."""

    objects: Mapping[ObjectId, Any]
    pending: Mapping[TaskId, Operation]
    waiting: Mapping[TaskId, Waiting]

    def can_go(self, task: TaskId) -> bool:
        """Whether the task can do what it is about to do, within the bound on waits."""
        operation = self.pending[task]
        return is_enabled(self.objects, task, operation) and not self.held_back(task)

    def held_back(self, task: TaskId) -> bool:
        """Whether only the bound on waits keeps the task from going."""
        waiting = self.waiting.get(task)
        return waiting is not None and waiting.holds_back(self.objects, self.pending[task])


class ProtocolError(Exception):
    """A task announced something that no agent of ours would: its execution ends as crashed."""


class Machine:
    """Mutable while an execution runs. Pending operations include those of the queues' feeders.

    If `symmetric`, identical processes begin in the order of their starting (see `grader.engine.turns`). `bounds` say
    how often a task may look in vain (see `grader.engine.waits`).
    """

    def __init__(
        self, objects: Objects, tasks: TaskTable, symmetric: bool = False, bounds: Bounds | None = None
    ) -> None:
        self._bounds = bounds or Bounds()
        self.objects: dict[ObjectId, Any] = dict(objects)
        self._symmetric = symmetric
        if symmetric:
            self.objects.setdefault(TURNS, Turns())
        self.pending: dict[TaskId, Operation] = {}
        self.births: dict[ObjectId, Any] = {}
        """The first states of the objects made in this execution."""
        self.creations: dict[ObjectId, Creation] = {}
        self.tasks = tasks
        self._waiting: dict[TaskId, Waiting] = {}
        self._zeros = 0
        self._ends: dict[ObjectId, tuple[ObjectId, ...]] = {}
        """The pipe ends that each process got at its start."""
        self._open: dict[TaskId, ObjectId] = {}
        """The managers' objects that tasks were let change and have not said anything about yet."""
        self._opened: dict[TaskId, Any] = {}
        """What those were before."""

    @classmethod
    def at(cls, world: World, tasks: TaskTable, bounds: Bounds) -> "Machine":
        """A machine in a state that another was in, to try what comes of a step; not for more than that."""
        machine = cls(world.objects, tasks, bounds=bounds)
        machine.pending, machine._waiting = dict(world.pending), dict(world.waiting)
        return machine

    def takes(self, task: TaskId, operation: Operation | None, waiting: Waiting) -> None:
        """A task is about to do an operation (None: it has ended), as it was seen to be after the same history."""
        if operation is None:
            self.pending.pop(task, None)
        else:
            self.pending[task] = operation
        self._waiting[task] = waiting

    def snapshot(self) -> World:
        """The state as it is now."""
        return World(dict(self.objects), dict(self.pending), dict(self._waiting))

    def announce(self, announcement: Announcement) -> None:
        """Take what a task is about to do.

        Raises:
            ProtocolError: it names an object that does not exist, or one that is not its own to create or change.
        """
        task, operation = announcement.task, announcement.operation
        self._settle(task, announcement.updates)
        for creation in announcement.created:
            self._create(task, creation)
        if operation.kind is _KIND.PROCESS_START:
            operation = self._with_child(task, operation)
        elif operation.kind is _KIND.PROCESS_EXIT:
            process = process_of(self.objects, task)
            operation = msgspec.structs.replace(operation, object=process_object(process))
        elif operation.kind in _OF_THREADS:
            operation = self._of_thread(task, operation)
        else:
            self._check_objects(operation)
        self.pending[task] = operation
        waiting = self.waiting_of(task)
        created = len(announcement.created)
        self._waiting[task] = waiting.announced(operation, announcement.place, created, self._bounds)

    def waiting_of(self, task: TaskId) -> Waiting:
        """What a task has done so far."""
        return self._waiting.get(task) or Waiting(task)

    def _create(self, task: TaskId, creation: Creation) -> None:
        """Take a new object. Raises ProtocolError if it may not be made, not by this task, or not any more."""
        if (
            creation.object in self.objects
            or len(self.objects) >= MAX_OBJECTS
            or creation.kind is ObjectKind.PROCESS  # those are made by being started
            or creator_of(creation.object) != task
            or not 0 <= _zeros(creation) <= MOST_BYTES - self._zeros
            or (creation.lock != NO_OBJECT and creation.lock not in self.objects)
            or not self._may_guard(creation)
        ):
            raise ProtocolError(f"object {creation.object} cannot be created")
        self._zeros += _zeros(creation)
        state = BY_OBJECT[creation.kind].create(creation)
        if type(state) is PipeState:
            state = made_by(state, process_of(self.objects, task))
        self.creations[creation.object] = creation
        self.objects[creation.object] = self.births[creation.object] = state

    def _may_guard(self, creation: Creation) -> bool:
        """Whether what an object names as its lock is one; a condition has to have one."""
        if creation.kind is ObjectKind.MEMORY and creation.lock == NO_OBJECT:
            return True
        guarded = creation.kind in (ObjectKind.MEMORY, ObjectKind.CONDITION)
        return not guarded or type(self.objects.get(creation.lock)) is LockState

    def _settle(self, task: TaskId, updates: Sequence[Update]) -> None:
        """Close the object that the task was let change: with its new content, or as it was."""
        target = self._open.pop(task, None)
        if len(updates) > 1 or any(update.object != target for update in updates):
            raise ProtocolError("a change of an object that it was not let change")
        if target is not None:
            state: ReferentState = self.objects[target]
            after = settled(state, updates[0].data if updates else state.data)
            self.objects[target] = after
            self._waiting[task] = self._waiting[task].settled(after != self._opened.pop(task))

    def _with_child(self, task: TaskId, operation: Operation) -> Operation:
        children = self.objects[process_object(task)].children
        child = self.tasks.child(task, len(children) + 1, operation.text)
        ends = handed_over(self.objects, task, operation)
        like = self._twin(children, operation.like, ends) if self._symmetric else NO_OBJECT
        self._ends[process_object(child)] = ends
        return msgspec.structs.replace(operation, object=process_object(child), targets=ends, like=like)

    def _of_thread(self, task: TaskId, operation: Operation) -> Operation:
        """What a task does to a thread that it starts, or to itself."""
        if operation.kind is _KIND.THREAD_START:
            thread = self.tasks.thread(task, started_by(self.objects, task) + 1, operation.text)
            return msgspec.structs.replace(operation, object=process_object(thread))
        if type(self.objects[process_object(task)]) is not ThreadState:
            raise ProtocolError(f"{operation.kind.value} of a process")
        return msgspec.structs.replace(operation, object=process_object(task))

    def has_other_threads(self, task: TaskId) -> bool:
        """Whether a task is one of several threads of its process."""
        process = process_of(self.objects, task)
        return any(other != task for other in live_threads(self.objects, process)) or (
            process != task and process in self.pending
        )

    def _twin(self, children: tuple[TaskId, ...], like: ObjectId, ends: tuple[ObjectId, ...]) -> ObjectId:
        """The process that a new child is identical with: it must have got the same ends of pipes."""
        if like != NO_OBJECT and task_of(like) not in children:
            raise ProtocolError(f"a process like {like}, which is none")
        return like if self._ends.get(like) == ends else NO_OBJECT

    def _check_objects(self, operation: Operation) -> None:
        primitive = BY_OPERATION.get(operation.kind)
        if primitive is None or operation.kind in (_KIND.PROCESS_CHILDREN, _KIND.PROCESS_RETURN):
            return
        if isinstance(primitive, SharedNames):
            self._check_block(operation)
            return
        if operation.manager != NO_OBJECT and type(self.objects.get(operation.manager)) is not ManagerState:
            raise ProtocolError(f"{operation.manager} is no manager")
        if operation.kind not in _SEVERAL and not primitive.handles(self.objects.get(operation.object)):
            raise ProtocolError(f"{operation.kind.value} of {operation.object}")
        for target in operation.targets:
            pipe_end = operation.kind is _KIND.PIPE_WAIT and target >= 0
            state = self.objects.get(end_of(target)[0] if pipe_end else target)
            if type(state) is not (PipeState if pipe_end else ProcessState):
                raise ProtocolError(f"{operation.kind.value} with {target}")
        if operation.kind in _AT_ONE_END and operation.number not in (0, 1):
            raise ProtocolError(f"{operation.kind.value} at end {operation.number}")

    def _check_block(self, operation: Operation) -> None:
        """There is always a set of names, but what gets a name must be memory."""
        blocks = [self.objects.get(target) for target in operation.targets]
        expected = 1 if operation.kind is _KIND.SHM_CREATE else 0
        if len(blocks) != expected or not all(type(block) is MemoryState for block in blocks):
            raise ProtocolError(f"{operation.kind.value} of {operation.targets}")

    def enabled(self) -> list[TaskId]:
        """The tasks that can go within the bound on waits, in the order of their numbers."""
        return [task for task in self.movable() if not self._held_back(task)]

    def movable(self) -> list[TaskId]:
        """The tasks that can go, whatever the bound, in the order of their numbers."""
        return sorted(
            task for task, operation in self.pending.items() if is_enabled(self.objects, task, operation)
        )

    def held_back(self) -> list[TaskId]:
        """The tasks that only the bound on waits keeps from going, in the order of their numbers."""
        return [task for task in sorted(self.pending) if self._held_back(task)]

    def _held_back(self, task: TaskId) -> bool:
        waiting = self._waiting.get(task)
        return waiting is not None and waiting.holds_back(self.objects, self.pending[task])

    def most_rounds(self) -> int:
        """How often some task has made the same vain round."""
        return max(
            (times for waiting in self._waiting.values() for times in waiting.counts.values()), default=0
        )

    def state_to_compare(self) -> object:
        """All that the judge knows of the present, to be compared with another present of the same execution."""
        places = {task: self.waiting_of(task).place for task in self.pending}
        return dict(self.objects), {task: plain(op) for task, op in self.pending.items()}, places

    def execute(self, task: TaskId) -> Step:
        """Do the pending operation of `task`. A killed task's pending operation disappears."""
        operation = self.pending.pop(task)
        before = self.objects.get(operation.object)
        step = perform(self.objects, task, operation)
        if task in self._waiting:
            self._waiting[task] = self._waiting[task].stepped(step)
        if operation.kind is _KIND.REFERENT_CHANGE and step.touches:
            self._open[task], self._opened[task] = operation.object, before
        for victim in ended_by(step):
            self.pending.pop(victim, None)
        self._tend_feeders(step)
        return step

    def _tend_feeders(self, step: Step) -> None:
        for target in self.objects if step.operation.kind is _KIND.PROCESS_KILL else step.touches:
            state = self.objects.get(target)
            if type(state) is not QueueState or state.simple:
                continue
            waiting = {self.tasks.feeder(owner, target): owner for owner, _ in state.buffers}
            for feeder, owner in waiting.items():
                if feeder not in self.pending:
                    self.pending[feeder] = Operation(_KIND.QUEUE_FLUSH, target, number=owner)
            for task, operation in list(self.pending.items()):
                flushes = operation.kind is _KIND.QUEUE_FLUSH and operation.object == target
                if flushes and task not in waiting:
                    del self.pending[task]

    def alive(self) -> list[TaskId]:
        """The processes that have not ended."""
        return sorted(
            task_of(target)
            for target, state in self.objects.items()
            if type(state) is ProcessState and state.alive and task_of(target) in self.pending
        )


def _zeros(creation: Creation) -> int:
    """How many bytes an object takes that nobody had to send."""
    return creation.number if creation.kind is ObjectKind.MEMORY else 0
