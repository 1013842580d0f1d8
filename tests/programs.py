"""Small programs as data: what the litmus tests write by hand, and the property tests generate.

Start at `script_of`, which turns a `Text` (instructions of one task) into a script; `Generator` makes texts.
An instruction is an `Operation`, or a `Branch` on the last result, or a `Child` to start; as the object of an operation
`MY_CHILD` stands for the latest child, and `MY_THREAD` for the latest thread.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec

from grader.core.operations import (
    NO_OBJECT,
    Creation,
    LockFlavour,
    ObjectId,
    ObjectKind,
    Operation,
    OperationKind,
    Result,
    Update,
    end_target,
    process_object,
)
from grader.engine.scripted import Asked, Script
from grader.primitives.condition import ConditionState
from grader.primitives.event import EventState
from grader.primitives.lock import LockState
from grader.primitives.managed_queue import ManagedQueueState
from grader.primitives.manager import ManagerState, ReferentState
from grader.primitives.memory import MemoryState
from grader.primitives.pipe_state import Holder, PipeState
from grader.primitives.pool import Chunk, PoolState
from grader.primitives.queue import QueueState
from grader.primitives.registry import BY_OBJECT

KIND = OperationKind
Pick: TypeAlias = Callable[[Sequence[Any]], Any]

(
    MEMORY,
    GUARDED,
    GUARD,
    LOCK,
    RLOCK,
    SEMAPHORE,
    BOUNDED,
    CONDITION,
    CONDITION_LOCK,
    EVENT,
    QUEUE,
    JOINABLE,
    SIMPLE,
    POOL,
    MANAGER,
    REFERENT,
    OTHER_REFERENT,
    MANAGED,
    MANAGED_LOCK,
    ORDERED,
    ORDERED_LOCK,
    PIPE,
    ONE_WAY,
    CELLS,
) = range(1, 25)
MY_CHILD: ObjectId = -(2**40)
MY_THREAD: ObjectId = -(2**40) - 1
FIRST_TASK, SECOND_TASK = process_object(0), process_object(1)
LARGE = bytes(70_000)
TWO_WAY_LARGE = bytes(220_000)


class Branch(NamedTuple):
    """Go on with `then` if the last result was a success with something in it, else with `otherwise`."""

    then: "Text"
    otherwise: "Text" = ()


class Child(NamedTuple):
    """Start a process, or a `thread`, that does `text`."""

    text: "Text"
    thread: bool = False


Text: TypeAlias = "tuple[Operation | Branch | Child, ...]"


def script_of(text: Text) -> Script:
    """The script that does what `text` says."""

    def script() -> Generator[Any, Result, None]:
        known: dict[str, Any] = {}
        yield from _run(text, known)
        if "update" in known:
            yield _said(Operation(KIND.PROCESS_EXIT), known)

    return script


def _said(operation: Operation, known: dict[str, Any]) -> "Operation | Asked":
    """The operation, along with the new content of the object that was changed last."""
    update = known.pop("update", None)
    return operation if update is None else Asked(operation, updates=(update,))


def _remember_change(operation: Operation, known: dict[str, Any]) -> None:
    """A change appends its data to the content; without any, it leaves the content as it was."""
    result = known["last"]
    if operation.kind is KIND.REFERENT_CHANGE and result.ok and operation.data:
        known["update"] = Update(operation.object, result.data + operation.data)


def _run(text: Text, known: dict[str, Any]) -> Generator[Any, Result, None]:
    for instruction in text:
        if isinstance(instruction, Branch):
            yield from _run(instruction.then if _truth(known.get("last")) else instruction.otherwise, known)
        elif isinstance(instruction, Child):
            updates = (known.pop("update"),) if "update" in known else ()
            child = _script_once(instruction)
            start = KIND.THREAD_START if instruction.thread else KIND.PROCESS_START
            started = yield Asked(Operation(start), child=child, updates=updates)
            known["thread" if instruction.thread else "child"] = process_object(started.number)
        elif instruction.object == MY_THREAD:
            if "thread" in known:
                about = msgspec.structs.replace(instruction, object=known["thread"])
                known["last"] = yield _said(about, known)
        elif instruction.object == MY_CHILD:
            if "child" in known:
                named = {"targets": (known["child"],)} if instruction.kind is KIND.PROCESS_WAIT else {}
                about = msgspec.structs.replace(instruction, object=known["child"], **named)
                known["last"] = yield _said(about, known)
        else:
            known["last"] = yield _said(instruction, known)
            _remember_change(instruction, known)


_SCRIPTS: dict[int, tuple[Child, Script]] = {}


def _script_once(child: Child) -> Script:
    """The same script for the same child: the oracle knows scripts by identity."""
    return _SCRIPTS.setdefault(id(child), (child, script_of(child.text)))[1]


def _truth(result: Result | None) -> bool:
    if result is None or not result.ok:
        return False
    return any(result.data) if result.data else result.number != 0 or not result.data


def lock_state(flavour: LockFlavour = LockFlavour.LOCK, number: int = 1) -> LockState:
    """A new lock or semaphore."""
    state = BY_OBJECT[ObjectKind.LOCK].create(Creation(0, ObjectKind.LOCK, flavour=flavour, number=number))
    assert isinstance(state, LockState)
    return state


def pipe_state(tasks: int = 2, two_way: bool = True, parent: bool = False) -> PipeState:
    """A pipe of which the first so many tasks hold both ends; with `parent`, the first has started the others."""
    everybody = [Holder(task, rank=int(parent and task > 0)) for task in range(tasks)]
    by_place = tuple(sorted(everybody, key=lambda holder: holder.place))
    return PipeState(two_way, (by_place, by_place))


def memory_state(data: bytes, lock: ObjectId = NO_OBJECT) -> MemoryState:
    """Some bytes."""
    return MemoryState(data, "b", len(data), lock)


def pool_state(tasks: Sequence[tuple[int, int]] = ()) -> PoolState:
    """A pool with tasks for the workers at some places (0: any), whose order among the results counts so much."""
    waiting = tuple(Chunk(n, b"task", place, order) for n, (place, order) in enumerate(tasks, 1))
    return PoolState(waiting, submitted=len(waiting))


def objects(
    places: int = 0,
    units: int = 1,
    condition: LockFlavour = LockFlavour.RLOCK,
    tasks: Sequence[tuple[int, int]] = (),
    holders: int = 2,
) -> dict[ObjectId, Any]:
    """One object of every kind: queues of `places`, semaphores of `units`, a pool with `tasks`, pipes of `holders`."""
    return {
        MEMORY: memory_state(bytes(3)),
        GUARDED: memory_state(bytes(2), GUARD),
        GUARD: lock_state(LockFlavour.RLOCK),
        LOCK: lock_state(),
        RLOCK: lock_state(LockFlavour.RLOCK),
        SEMAPHORE: lock_state(LockFlavour.SEMAPHORE, units),
        BOUNDED: lock_state(LockFlavour.BOUNDED, units),
        CONDITION: ConditionState(CONDITION_LOCK),
        CONDITION_LOCK: lock_state(condition),
        EVENT: EventState(),
        QUEUE: QueueState(places, False),
        JOINABLE: QueueState(places, False),
        SIMPLE: QueueState(0, True),
        POOL: pool_state(tasks),
        MANAGER: ManagerState(),
        REFERENT: ReferentState(b"", "list"),
        OTHER_REFERENT: ReferentState(b"", "list"),
        MANAGED: ManagedQueueState(places),
        MANAGED_LOCK: lock_state(),
        ORDERED: ConditionState(ORDERED_LOCK, in_order=True),
        ORDERED_LOCK: lock_state(condition),
        PIPE: pipe_state(holders),
        ONE_WAY: pipe_state(holders, two_way=False),
        CELLS: memory_state(bytes(4)),
    }


def do(kind: OperationKind, target: ObjectId, **details: Any) -> Operation:
    """An operation."""
    return Operation(kind, target, **details)


def read(target: ObjectId = MEMORY, offset: int = 0, size: int = 1) -> Operation:
    return Operation(KIND.MEMORY_READ, target, offset=offset, number=size)


def write(data: bytes, target: ObjectId = MEMORY, offset: int = 0) -> Operation:
    return Operation(KIND.MEMORY_WRITE, target, offset=offset, data=data)


def acquire(target: ObjectId = LOCK, block: bool = True, timed: bool = False) -> Operation:
    return Operation(KIND.LOCK_ACQUIRE, target, block=block, timed=timed)


def release(target: ObjectId = LOCK) -> Operation:
    return Operation(KIND.LOCK_RELEASE, target)


def put(data: bytes = b"a", target: ObjectId = QUEUE, block: bool = True, timed: bool = False) -> Operation:
    return Operation(KIND.QUEUE_PUT, target, data=data, block=block, timed=timed)


def get(target: ObjectId = QUEUE, block: bool = True, timed: bool = False) -> Operation:
    return Operation(KIND.QUEUE_GET, target, block=block, timed=timed)


def send(end: int = 1, data: bytes = b"a", target: ObjectId = PIPE) -> Operation:
    return Operation(KIND.PIPE_SEND, target, number=end, data=data)


def finish(end: int = 1, target: ObjectId = PIPE) -> Operation:
    return Operation(KIND.PIPE_FINISH, target, number=end)


def receive(end: int = 0, target: ObjectId = PIPE, limit: int | None = None) -> Operation:
    return Operation(KIND.PIPE_RECEIVE, target, number=end, offset=0 if limit is None else limit + 1)


def close(end: int = 0, target: ObjectId = PIPE) -> Operation:
    return Operation(KIND.PIPE_CLOSE, target, number=end)


def wait(*targets: int, block: bool = True, timed: bool = False) -> Operation:
    """Wait for processes, and for ends of pipes as `end_target` numbers them."""
    return Operation(KIND.PIPE_WAIT, targets=targets, block=block, timed=timed)


def exits(block: bool = True, code: int = 0) -> Operation:
    return Operation(KIND.PROCESS_EXIT, block=block, number=code)


class ProgramText(NamedTuple):
    """Some tasks on some objects."""

    objects: dict[ObjectId, Any]
    texts: tuple[Text, ...]

    def scripts(self) -> list[Script]:
        """A script for each task."""
        return [script_of(text) for text in self.texts]


_MANAGED = (
    *(KIND.MANAGED_QUEUE_PUT, KIND.MANAGED_QUEUE_PUT, KIND.MANAGED_QUEUE_PUT),
    *(KIND.MANAGED_QUEUE_GET, KIND.MANAGED_QUEUE_GET, KIND.MANAGED_QUEUE_GET),
    *(KIND.MANAGED_QUEUE_EMPTY, KIND.MANAGED_QUEUE_FULL, KIND.MANAGED_QUEUE_SIZE),
    *(KIND.MANAGED_QUEUE_TASK_DONE, KIND.MANAGED_QUEUE_TASK_DONE, KIND.MANAGED_QUEUE_JOIN),
)
_WAITS = ({}, {}, {"block": False}, {"timed": True})
FAMILIES = (
    "memory",
    "guarded",
    "lock",
    "rlock",
    "semaphore",
    "bounded",
    "condition",
    "event",
    "queue",
    "joinable",
    "simple",
    "pool",
    "pipe",
    "one_way",
    "child",
    "thread",
    "other",
    "ordered",
    "referent",
    "managed",
    "manager",
)


class ProgramMaker:
    """Makes programs by picking from lists, so that chance or hypothesis may decide alike."""

    def __init__(self, pick: Pick, families: Sequence[str] = FAMILIES) -> None:
        self._pick = pick
        self._families = families

    def program(self, tasks: Sequence[int] = (2, 2, 3), length: Sequence[int] = (1, 2, 3)) -> ProgramText:
        """Two or three tasks that meet on one to three kinds of objects."""
        pick = self._pick
        waiting = [(pick((0, 0, 1)), pick((0, 1, 2))) for _ in range(pick((1, 2, 3)))]
        count, condition = pick(tasks), pick((LockFlavour.RLOCK, LockFlavour.LOCK))
        shared = objects(pick((0, 0, 1, 2)), pick((0, 1, 1, 2)), condition, waiting, count)
        palette = [pick(self._families) for _ in range(pick((1, 1, 2, 3)))]
        return ProgramText(shared, tuple(self.text(palette, pick(length), 1) for _ in range(count)))

    def text(self, palette: Sequence[str], length: int, depth: int) -> Text:
        made: list[Any] = []
        for _ in range(length):
            made.extend(getattr(self, "_" + self._pick(palette))(palette, depth))
            if depth and self._pick((False, False, False, True)):
                made.append(Branch(self.text(palette, 1, 0), self.text(palette, self._pick((0, 1)), 0)))
        if depth and not self._pick(range(6)):
            made.append(exits(block=self._pick((True, False)), code=self._pick((0, 1))))
        return tuple(made)

    def _memory(self, palette: Sequence[str], depth: int, target: ObjectId = MEMORY) -> list[Any]:
        offset = self._pick((0, 0, 1))
        if self._pick((False, True)):
            return [read(target, offset, self._pick((1, 1, 2)))]
        return [write(self._pick((b"\1", b"\2", b"\1\2", b"\0")), target, offset)]

    def _cells(self, palette: Sequence[str], depth: int) -> list[Any]:
        """One write, or reads of single cells as long as they hold something: most steps do not meet."""
        places = (0, 1, 2, 3)
        if self._pick((True, False)):
            return [write(self._pick((b"\1", b"\2")), CELLS, self._pick(places))]
        looks: Text = ()
        for _ in range(self._pick((1, 2, 3))):
            looks = (read(CELLS, self._pick(places)), *((Branch(looks),) if looks else ()))
        return list(looks)

    def _guarded(self, palette: Sequence[str], depth: int) -> list[Any]:
        if self._pick((True, True, False)):
            return self._memory(palette, depth, GUARDED)
        return self._lock_use(GUARD, palette, depth)

    def _lock_use(self, target: ObjectId, palette: Sequence[str], depth: int) -> list[Any]:
        kind = self._pick(("both", "both", "both", "acquire", "release", "value"))
        if kind == "value":
            return [do(KIND.LOCK_VALUE, target)]
        if kind == "release":
            return [release(target)]
        taking = do(KIND.LOCK_ACQUIRE, target, **self._pick(_WAITS))
        if kind == "acquire":
            return [taking]
        inner = self.text(palette, self._pick((0, 1)), 0) if depth else ()
        if taking.may_wait:
            return [taking, *inner, release(target)]
        return [taking, Branch((*inner, release(target)))]

    def _lock(self, palette: Sequence[str], depth: int) -> list[Any]:
        return self._lock_use(LOCK, palette, depth)

    def _rlock(self, palette: Sequence[str], depth: int) -> list[Any]:
        return self._lock_use(RLOCK, palette, depth)

    def _semaphore(self, palette: Sequence[str], depth: int) -> list[Any]:
        return self._lock_use(SEMAPHORE, palette, depth)

    def _bounded(self, palette: Sequence[str], depth: int) -> list[Any]:
        return self._lock_use(BOUNDED, palette, depth)

    def _ordered(self, palette: Sequence[str], depth: int) -> list[Any]:
        return self._condition(palette, depth, ORDERED, ORDERED_LOCK)

    def _condition(
        self,
        palette: Sequence[str],
        depth: int,
        condition: ObjectId = CONDITION,
        lock: ObjectId = CONDITION_LOCK,
    ) -> list[Any]:
        kind = self._pick(("wait", "wait", "notify", "notify", "bare", "lock"))
        if kind == "lock":
            return self._lock_use(lock, palette, depth)
        notify = do(KIND.CONDITION_NOTIFY, condition, number=self._pick((1, 1, -1)))
        if kind == "bare":
            return [notify]
        taken, given = acquire(lock), release(lock)
        if kind == "notify":
            return [taken, notify, given]
        timed = self._pick((False, False, True))
        resume = do(KIND.CONDITION_RESUME, condition, timed=timed)
        left = [do(KIND.CONDITION_LEAVE, condition)] if timed else []
        return [taken, do(KIND.CONDITION_WAIT, condition), resume, *left, taken, given]

    def _event(self, palette: Sequence[str], depth: int) -> list[Any]:
        kind = self._pick(
            (
                KIND.EVENT_SET,
                KIND.EVENT_SET,
                KIND.EVENT_CLEAR,
                KIND.EVENT_IS_SET,
                KIND.EVENT_WAIT,
                KIND.EVENT_ENTER,
            )
        )
        if kind is KIND.EVENT_ENTER:
            return [do(kind, EVENT), do(KIND.EVENT_WAIT, EVENT)]
        return [do(kind, EVENT, **(self._pick(_WAITS) if kind is KIND.EVENT_WAIT else {}))]

    def _queue(self, palette: Sequence[str], depth: int, target: ObjectId = QUEUE) -> list[Any]:
        kind = self._pick(("put", "put", "put", "get", "get", "look", "end"))
        if kind == "put":
            return [do(KIND.QUEUE_PUT, target, data=self._item(), **self._pick(_WAITS))]
        if kind == "get":
            return [do(KIND.QUEUE_GET, target, **self._pick(_WAITS))]
        if kind == "look":
            return [do(self._pick((KIND.QUEUE_EMPTY, KIND.QUEUE_FULL, KIND.QUEUE_SIZE)), target)]
        return [do(self._pick((KIND.QUEUE_JOIN_THREAD, KIND.QUEUE_CANCEL_JOIN)), target)]

    def _item(self) -> bytes:
        return self._pick((b"a", b"a", b"b", LARGE))

    def _joinable(self, palette: Sequence[str], depth: int) -> list[Any]:
        if self._pick((True, False)):
            return self._queue(palette, depth, JOINABLE)
        kind = self._pick((KIND.QUEUE_TASK_DONE, KIND.QUEUE_TASK_DONE, KIND.QUEUE_JOIN))
        return [do(kind, JOINABLE, **(self._pick(_WAITS) if kind is KIND.QUEUE_JOIN else {}))]

    def _simple(self, palette: Sequence[str], depth: int) -> list[Any]:
        kind = self._pick(("put", "put", "get", "empty"))
        if kind == "put":
            return [put(self._item(), SIMPLE)]
        return [get(SIMPLE) if kind == "get" else do(KIND.QUEUE_EMPTY, SIMPLE)]

    def _pool(self, palette: Sequence[str], depth: int) -> list[Any]:
        kind = self._pick(("work", "work", "work", "take", "result", "next", "submit", "cancel", "close"))
        number = self._pick((1, 2))
        take = do(KIND.POOL_TAKE, POOL, number=self._pick((1, 2)))
        if kind == "work":
            return [take, do(KIND.POOL_DONE, POOL, number=number, offset=self._pick((0, 1)))]
        if kind == "take":
            return [take]
        if kind == "submit":
            return [do(KIND.POOL_SUBMIT, POOL, offset=self._pick((0, 2)), number=self._pick((0, 1, 2)))]
        if kind == "cancel":
            return [do(KIND.POOL_CANCEL, POOL, number=number)]
        if kind == "close":
            return [do(KIND.POOL_CLOSE, POOL, block=self._pick((True, True, False)))]
        targets = self._pick(((), (FIRST_TASK,), (FIRST_TASK, SECOND_TASK)))
        which = KIND.POOL_RESULT if kind == "result" else KIND.POOL_NEXT
        return [do(which, POOL, number=number, targets=targets, **self._pick(_WAITS))]

    def _referent(self, palette: Sequence[str], depth: int) -> list[Any]:
        kind = self._pick((KIND.REFERENT_READ, KIND.REFERENT_CHANGE, KIND.REFERENT_CHANGE))
        target = self._pick((REFERENT, REFERENT, OTHER_REFERENT))
        changes = kind is KIND.REFERENT_CHANGE
        return [do(kind, target, manager=MANAGER, data=self._pick((b"a", b"b", b"")) if changes else b"")]

    def _managed(self, palette: Sequence[str], depth: int) -> list[Any]:
        kind = self._pick(_MANAGED)
        waits = kind in (KIND.MANAGED_QUEUE_PUT, KIND.MANAGED_QUEUE_GET, KIND.MANAGED_QUEUE_JOIN)
        data = self._pick((b"a", b"b")) if kind is KIND.MANAGED_QUEUE_PUT else b""
        return [do(kind, MANAGED, manager=MANAGER, data=data, **(self._pick(_WAITS) if waits else {}))]

    def _manager(self, palette: Sequence[str], depth: int) -> list[Any]:
        kind = self._pick((KIND.MANAGER_SHUTDOWN, KIND.MANAGER_CREATE, KIND.LOCK_ACQUIRE, KIND.LOCK_RELEASE))
        if kind in (KIND.MANAGER_SHUTDOWN, KIND.MANAGER_CREATE):
            return [do(kind, MANAGER)]
        waits = self._pick(_WAITS) if kind is KIND.LOCK_ACQUIRE else {}
        return [do(kind, MANAGED_LOCK, manager=MANAGER, **waits)]

    def _pipe(self, palette: Sequence[str], depth: int, target: ObjectId = PIPE) -> list[Any]:
        end = self._pick((0, 1))
        kind = self._pick(("send", "send", "receive", "receive", "close", "close both", "wait"))
        if kind == "send":
            way = end if target == PIPE else 1
            data = self._pick((b"a", b"a", b"b", LARGE if target == ONE_WAY else TWO_WAY_LARGE))
            sent: list[Any] = [send(way, data, target)]
            return [*sent, Branch((finish(way, target),))] if len(data) > 1 else sent
        if kind == "receive":
            return [receive(end if target == PIPE else 0, target, self._pick((None, None, 0)))]
        if kind == "wait":
            targets = {end_target(target, end), self._pick((end_target(PIPE, 0), FIRST_TASK))}
            return [wait(*sorted(targets), **self._pick(_WAITS))]
        return [close(end, target)] if kind == "close" else [close(0, target), close(1, target)]

    def _one_way(self, palette: Sequence[str], depth: int) -> list[Any]:
        return self._pipe(palette, depth, ONE_WAY)

    def _child(self, palette: Sequence[str], depth: int) -> list[Any]:
        if not depth:
            return self._memory(palette, depth)
        plain = [family for family in palette if family != "child"] or ["memory"]
        made: list[Any] = [Child(self.text(plain, self._pick((0, 1, 1, 2)), 0))]
        for _ in range(self._pick((0, 1, 1, 2))):
            made.append(self._about(MY_CHILD))
        return made

    def _thread(self, palette: Sequence[str], depth: int) -> list[Any]:
        if not depth:
            return self._memory(palette, depth)
        plain = [family for family in palette if family != "thread"] or ["memory"]
        text = [do(KIND.THREAD_BEGIN, NO_OBJECT)] if self._pick((False, True)) else []
        text.extend(self.text(plain, self._pick((0, 1, 1, 2)), 0))
        if not self._pick(range(6)):
            text.append(exits(block=False, code=1))
        made: list[Any] = [Child(tuple(text), thread=True)]
        for _ in range(self._pick((0, 1, 1, 2))):
            kind = self._pick((KIND.THREAD_JOIN, KIND.THREAD_JOIN, KIND.THREAD_POLL))
            made.append(do(kind, MY_THREAD, **(self._pick(_WAITS) if kind is KIND.THREAD_JOIN else {})))
        return made

    def _other(self, palette: Sequence[str], depth: int) -> list[Any]:
        return [self._about(self._pick((FIRST_TASK, SECOND_TASK)))]

    def _about(self, process: ObjectId) -> Operation:
        kind = self._pick(
            (
                KIND.PROCESS_JOIN,
                KIND.PROCESS_JOIN,
                KIND.PROCESS_POLL,
                KIND.PROCESS_WAIT,
                KIND.PROCESS_KILL,
                KIND.PROCESS_KILL,
                KIND.PROCESS_CHILDREN,
                KIND.PROCESS_RETURN,
            )
        )
        if kind is KIND.PROCESS_KILL:
            return do(kind, process, number=15)
        if kind is KIND.PROCESS_WAIT:
            return do(kind, process, targets=(process,), **self._pick(_WAITS))
        return do(kind, process, **(self._pick(_WAITS) if kind is KIND.PROCESS_JOIN else {}))
