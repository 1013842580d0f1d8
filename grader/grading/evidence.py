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
    Operation,
    OperationKind,
    Step,
    TaskId,
    creator_of,
)
from grader.core.verdict import FindingKind
from grader.grading.flaws import Flaw
from grader.grading.giving_up import GiveUp, give_ups
from grader.grading.names import Names
from grader.grading.observed import Observed
from grader.grading.sourcecode import SourceFacts
from grader.primitives.lock import LockState
from grader.primitives.memory import MemoryState
from grader.primitives.thread import ThreadState

_KIND = OperationKind
_NEEDS_LOCK = (_KIND.MEMORY_WRITE, _KIND.MEMORY_READ, _KIND.LOCK_RELEASE)


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
        self.source = SourceFacts(source)

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
    def own(self) -> tuple[TaskId, ...]:
        """The submission's own processes: the calls, and what they have started."""
        return tuple(task for task, _ in self.seen.processes())

    @cached_property
    def trace(self) -> tuple[Step, ...]:
        """The steps of the submission's own processes."""
        if not self.seen.scenario.scripts:
            return self.seen.execution.trace
        own = set(self.own)
        return tuple(step for step in self.seen.execution.trace if self.seen.owner(step.task) in own)

    def steps(self, kind: OperationKind, task: TaskId | None = None) -> Iterator[Step]:
        """The submission's steps of a kind, of one process or of all."""
        return (s for s in self.trace if s.operation.kind is kind and task in (None, s.task))

    @cached_property
    def waiting(self) -> dict[TaskId, Operation]:
        """What the submission's processes were still waiting to do."""
        return {task: op for task, op in self.seen.execution.pending.items() if task in self.own}

    @property
    def main(self) -> TaskId | None:
        """The process that runs the call which starts others, if it has started any."""
        return next((task for task in self.seen.scenario.tasks() if self.seen.children(task)), None)

    def label(self, task: TaskId) -> str:
        """The shown name of a process."""
        return self.seen.label(task)

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
        if any(isinstance(state, ThreadState) for state in self.seen.execution.objects.values()):
            return False  # there are threads for them
        return "threading" in self.source.text and not (self.lock is not None and self.takes(self.lock))

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

    @cached_property
    def given_up(self) -> tuple[GiveUp, ...]:
        """The submission's own give-ups, by their last tries."""
        own = set(self.own)
        return tuple(one for one in give_ups(self.seen) if self.seen.owner(one.task) in own)

    def gave_up(self, kind: OperationKind) -> GiveUp | None:
        """Somebody who has given up waiting, by timed or non-blocking calls of a kind."""
        return next((one for one in self.given_up if one.operation.kind is kind), None)

    def line_of(self, kind: OperationKind) -> int:
        """The line of the first step, or waiting operation, of a kind; 0 if there is none."""
        operations = [step.operation for step in self.trace] + list(self.waiting.values())
        return next((operation.line for operation in operations if operation.kind is kind), 0)

    def waits_for(self, kind: OperationKind) -> bool:
        """Whether somebody waits with an operation of this kind at the end."""
        return any(operation.kind is kind for operation in self.waiting.values())

    def children(self) -> tuple[TaskId, ...]:
        """The processes that the submission has started."""
        return tuple(child for task in self.seen.scenario.tasks() for child in self.seen.children(task))


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
