"""Questions to an execution that the hints ask: who took which lock, who gave up, who was not waited for.

Start at `Facts`.
"""

import enum
from collections.abc import Iterator
from functools import cached_property

import msgspec

from grader.core.operations import (
    MAIN,
    ObjectId,
    OperationKind,
    Step,
    TaskId,
    creator_of,
)
from grader.core.verdict import FindingKind
from grader.grading.flaws import Flaw
from grader.grading.names import Names
from grader.grading.observed import Observed
from grader.grading.values import unpickle
from grader.primitives.lock import LockState
from grader.primitives.memory import MemoryState
from grader.primitives.queue import QueueState

_KIND = OperationKind
_NEEDS_LOCK = (_KIND.MEMORY_WRITE, _KIND.MEMORY_READ, _KIND.LOCK_RELEASE)
_LOOKS = (_KIND.QUEUE_EMPTY, _KIND.QUEUE_SIZE)


class Access(enum.Enum):
    """How an access lies outside of the lock."""

    READ_BEFORE = enum.auto()
    WRITE_AFTER = enum.auto()
    OUTSIDE = enum.auto()


class Unprotected(msgspec.Struct, frozen=True):
    """An access without the lock."""

    kind: Access
    line: int


class OwnLock(msgspec.Struct, frozen=True):
    """A lock that the submission has made itself, in a line, perhaps within the call."""

    line: int
    made_by_call: bool


class Facts:
    """One execution, asked about."""

    def __init__(self, kind: FindingKind, flaw: Flaw, seen: Observed, names: Names, source: str) -> None:
        self.kind = kind
        self.flaw = flaw
        self.seen = seen
        self.names = names
        self.source = source

    @property
    def failure_type(self) -> str:
        """The type of the exception that ended a process, "" if none did."""
        return self.flaw.failure.type if self.flaw.failure is not None else ""

    @property
    def failure_message(self) -> str:
        """The text of that exception."""
        return self.flaw.failure.message if self.flaw.failure is not None else ""

    @property
    def line(self) -> int:
        """The line that the flaw is about."""
        return self.flaw.line

    @cached_property
    def trace(self) -> tuple[Step, ...]:
        """The steps of the submission's own processes."""
        partners = len(self.seen.scenario.scripts)
        own = set(self.seen.scenario.tasks())
        if not partners:
            return self.seen.execution.trace
        return tuple(step for step in self.seen.execution.trace if step.task in own)

    @cached_property
    def lock(self) -> ObjectId | None:
        """The lock that the scenario passes in."""
        for shared in self.seen.scenario.shared.values():
            if shared.description.get("kind") == "lock":
                return shared.object
        return None

    @property
    def lock_name(self) -> str:
        """Its name."""
        return self.seen.scenario.shared[self.lock].name if self.lock is not None else "lock"

    def _acquires(self) -> Iterator[Step]:
        return (step for step in self.trace if step.operation.kind is _KIND.LOCK_ACQUIRE)

    def takes(self, lock: ObjectId) -> bool:
        """Whether anybody acquires it."""
        return any(step.operation.object == lock for step in self._acquires())

    def takes_any_lock(self) -> bool:
        """Whether anybody acquires any lock."""
        return any(True for _ in self._acquires())

    def guard_taken(self) -> str:
        """The name of a value's own lock that is acquired explicitly."""
        guards = {
            state.lock for state in self.seen.execution.objects.values() if isinstance(state, MemoryState)
        }
        return next(
            (self.names.of(s.operation.object) for s in self._acquires() if s.operation.object in guards), ""
        )

    def own_lock(self) -> OwnLock | None:
        """A lock of the submission's own making that is acquired."""
        for step in self._acquires():
            target = step.operation.object
            line = self.names.line_of(target)
            if target >= 0 and creator_of(target) >= MAIN and line:
                return OwnLock(line, creator_of(target) != MAIN and creator_of(target) == step.task)
        return None

    def uses_threading_lock(self) -> bool:
        """Whether the submission makes locks of the `threading` module."""
        return "threading" in self.source and not (self.lock is not None and self.takes(self.lock))

    def writes_memory(self) -> bool:
        """Whether anybody writes shared memory."""
        return any(step.operation.kind is _KIND.MEMORY_WRITE for step in self.trace)

    def went_on_without_lock(self) -> Step | None:
        """An acquire that gave up, and was followed by an access of the same process without any lock."""
        held: dict[TaskId, int] = {}
        gave_up: dict[TaskId, Step] = {}
        for step in self.trace:
            kind, ok = step.operation.kind, step.result is not None and step.result.ok
            if kind is _KIND.LOCK_ACQUIRE and ok:
                held[step.task] = held.get(step.task, 0) + 1
                gave_up.pop(step.task, None)
            elif kind is _KIND.LOCK_ACQUIRE:
                gave_up[step.task] = step
            elif kind is _KIND.LOCK_RELEASE and ok:
                held[step.task] = held.get(step.task, 0) - 1
            elif kind in _NEEDS_LOCK and step.task in gave_up and held.get(step.task, 0) <= 0:
                return gave_up[step.task]
        return None

    def unprotected_access(self) -> Unprotected | None:
        """An access of a process that holds no lock then, though it takes one before or after."""
        for task in sorted({step.task for step in self.trace}):
            own = [step for step in self.trace if step.task == task]
            locks = [i for i, step in enumerate(own) if step.operation.kind is _KIND.LOCK_ACQUIRE]
            if not locks:
                continue
            found = _first_unprotected(own, locks)
            if found is not None:
                return found
        return None

    def reads_and_writes_in_two_sections(self) -> bool:
        """Whether a process writes under a lock that it has taken after its last read."""
        for task in {step.task for step in self.trace}:
            since_acquire: bool | None = None
            for step in self.trace:
                if step.task != task:
                    continue
                kind = step.operation.kind
                if kind is _KIND.LOCK_ACQUIRE:
                    since_acquire = False
                elif kind is _KIND.MEMORY_READ and since_acquire is not None:
                    since_acquire = True
                elif kind is _KIND.MEMORY_WRITE and since_acquire is False and self._has_read(task):
                    return True
        return False

    def _has_read(self, task: TaskId) -> bool:
        held = False
        for step in self.trace:
            if step.task != task:
                continue
            if step.operation.kind is _KIND.LOCK_ACQUIRE:
                held = True
            elif step.operation.kind is _KIND.LOCK_RELEASE:
                held = False
            elif step.operation.kind is _KIND.MEMORY_READ and held:
                return True
        return False

    def kept_lock_line(self) -> int:
        """The line that took a lock which an ended process still holds, 0 if there is none."""
        for target, state in self.seen.execution.objects.items():
            if not isinstance(state, LockState) or state.value > 0:
                continue
            for step in reversed(self.trace):
                ended = step.task in state.holders and step.task not in self.seen.execution.pending
                if ended and step.operation.object == target and step.operation.kind is _KIND.LOCK_ACQUIRE:
                    return step.operation.line
        return 0

    def waits_for_itself(self) -> int:
        """The line that waits for a lock which the same process holds, 0 if there is none."""
        for task, operation in self.seen.execution.pending.items():
            state = self.seen.execution.objects.get(operation.object)
            if (
                operation.kind is _KIND.LOCK_ACQUIRE
                and isinstance(state, LockState)
                and task in state.holders
            ):
                return operation.line
        return 0

    def look_at_queue(self) -> Step | None:
        """A look at a queue which found it empty."""
        for step in self.trace:
            if step.operation.kind in _LOOKS and step.result is not None:
                empty = step.result.number == (1 if step.operation.kind is _KIND.QUEUE_EMPTY else 0)
                if empty:
                    return step
        return None

    def gave_up(self, kind: OperationKind) -> Step | None:
        """A timed or non-blocking call that gave up."""
        for step in self.trace:
            if step.operation.kind is kind and step.result is not None and not step.result.ok:
                return step
        return None

    def line_of(self, kind: OperationKind) -> int:
        """The line of the first step, or waiting operation, of a kind; 0 if there is none."""
        operations = [step.operation for step in self.trace] + list(self.seen.execution.pending.values())
        return next((operation.line for operation in operations if operation.kind is kind), 0)

    def waits_for(self, kind: OperationKind) -> bool:
        """Whether somebody waits with an operation of this kind at the end."""
        return any(operation.kind is kind for operation in self.seen.execution.pending.values())

    def children(self) -> tuple[TaskId, ...]:
        """The processes that the submission has started."""
        return tuple(child for task in self.seen.scenario.tasks() for child in self.seen.children(task))

    def joined(self) -> int:
        """How many processes were waited for."""
        joins = (_KIND.PROCESS_JOIN, _KIND.PROCESS_WAIT)
        return len({step.operation.object for step in self.trace if step.operation.kind in joins})

    def consumer_waits(self) -> bool:
        """Whether a process other than the main one waits for an item for ever."""
        return any(
            operation.kind is _KIND.QUEUE_GET and self.seen.label(task) != "main"
            for task, operation in self.seen.execution.pending.items()
        )

    def cannot_deliver(self) -> bool:
        """Whether a process cannot end because of what it has put on a queue."""
        return any(
            isinstance(state, QueueState) and any(not state.delivered(task) for task, _ in state.sent)
            for state in self.seen.execution.objects.values()
        ) and self.waits_for(_KIND.PROCESS_EXIT)

    def not_started(self) -> bool:
        """Whether the work was not done in the processes that were started."""
        return not any(step.task in self.children() for step in self.trace)

    def one_after_the_other(self) -> bool:
        """Whether one process could only start when another had ended."""
        return self.seen.one_after_the_other(self.children()) is not None

    def missing_falsy_item(self) -> bool:
        """Whether somebody took an item that counts as false, though it is not the sentinel, and then no more."""
        last: dict[TaskId, Step] = {}
        for step in self.trace:
            if step.operation.kind is _KIND.QUEUE_GET and step.result is not None and step.result.ok:
                last[step.task] = step
        for step in last.values():
            item = unpickle(step.result.data) if step.result is not None else None
            if item is not None and not item:
                return True
        return False


def _first_unprotected(own: list[Step], locks: list[int]) -> Unprotected | None:
    held = 0
    for position, step in enumerate(own):
        kind, ok = step.operation.kind, step.result is not None and step.result.ok
        if kind is _KIND.LOCK_ACQUIRE and ok:
            held += 1
        elif kind is _KIND.LOCK_RELEASE and ok:
            held -= 1
        elif held <= 0 and kind is _KIND.MEMORY_READ:
            before = position < locks[0]
            return Unprotected(Access.READ_BEFORE if before else Access.OUTSIDE, step.operation.line)
        elif held <= 0 and kind is _KIND.MEMORY_WRITE:
            after = position > locks[-1]
            return Unprotected(Access.WRITE_AFTER if after else Access.OUTSIDE, step.operation.line)
    return None
