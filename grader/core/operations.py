"""What a task is about to do (`Operation`), and what came of it (`Result`, `Step`).

Start at `Operation`: it is announced by a task *before* it happens, decided by the scheduler, applied to the
state that the judge holds, and then recorded as a `Step`. The same struct travels over the wire between the
untrusted runner and the judge (see `grader.runtime.protocol`), so every field has a plain type that msgspec
checks while decoding.

Identifiers
-----------
A `TaskId` numbers the controlled processes; `MAIN` is 0. An `ObjectId` numbers the shared objects: the creating
task's number (plus one) in the high bits, and a counter of that task in the low ones, so that the number of an
object does not depend on the schedule. A process is a shared object as well (it can be joined, polled and
killed); its `ObjectId` is the negative number `process_object(task)`.
"""

import enum
from typing import Annotated, TypeAlias

import msgspec

TaskId: TypeAlias = int
ObjectId: TypeAlias = int

MAIN: TaskId = 0
JUDGE: TaskId = -1
NO_OBJECT: ObjectId = -(2**62)
SHARED_NAMES: ObjectId = 2**62
"""The names of shared memory, of which there is one set for all."""
OBJECTS_PER_TASK = 2**20
MAX_TARGETS = 1_000


def object_id(creator: TaskId, number: int) -> ObjectId:
    """The id of the `number`-th object that `creator` makes (`JUDGE` for those of a scenario)."""
    return (creator + 1) * OBJECTS_PER_TASK + number


def creator_of(target: ObjectId) -> TaskId:
    """The task that made an object, the inverse of `object_id`."""
    return target // OBJECTS_PER_TASK - 1


def process_object(task: TaskId) -> ObjectId:
    """The id under which a task itself is a shared object."""
    return -1 - task


def end_target(pipe: ObjectId, end: int) -> int:
    """The number of one end (0 or 1) of a pipe among the `targets` of an operation; processes are negative there."""
    return pipe * 2 + end


def end_of(target: int) -> tuple[ObjectId, int]:
    """The pipe and its end, the inverse of `end_target`."""
    return target >> 1, target & 1


def task_of(target: ObjectId) -> TaskId:
    """The task behind a process object, the inverse of `process_object`."""
    return -1 - target


class OperationKind(str, enum.Enum):
    """Everything a task can ask for. The part before the dot names the primitive that knows the semantics."""

    MEMORY_READ = "memory.read"
    MEMORY_WRITE = "memory.write"
    LOCK_ACQUIRE = "lock.acquire"
    LOCK_RELEASE = "lock.release"
    LOCK_VALUE = "lock.value"
    EVENT_SET = "event.set"
    EVENT_CLEAR = "event.clear"
    EVENT_IS_SET = "event.is_set"
    EVENT_ENTER = "event.enter"
    EVENT_WAIT = "event.wait"
    CONDITION_WAIT = "condition.wait"
    CONDITION_RESUME = "condition.resume"
    CONDITION_LEAVE = "condition.leave"
    CONDITION_NOTIFY = "condition.notify"
    CONDITION_SLEEPERS = "condition.sleepers"
    QUEUE_PUT = "queue.put"
    QUEUE_FLUSH = "queue.flush"
    QUEUE_GET = "queue.get"
    QUEUE_EMPTY = "queue.empty"
    QUEUE_FULL = "queue.full"
    QUEUE_SIZE = "queue.size"
    QUEUE_JOIN_THREAD = "queue.join_thread"
    QUEUE_CANCEL_JOIN = "queue.cancel_join"
    QUEUE_TASK_DONE = "queue.task_done"
    QUEUE_JOIN = "queue.join"
    POOL_SUBMIT = "pool.submit"
    POOL_TAKE = "pool.take"
    POOL_DONE = "pool.done"
    POOL_RESULT = "pool.result"
    POOL_NEXT = "pool.next"
    POOL_CANCEL = "pool.cancel"
    POOL_CLOSE = "pool.close"
    PIPE_SEND = "pipe.send"
    PIPE_FINISH = "pipe.finish"
    PIPE_RECEIVE = "pipe.receive"
    PIPE_WAIT = "pipe.wait"
    PIPE_CLOSE = "pipe.close"
    PROCESS_START = "process.start"
    PROCESS_EXIT = "process.exit"
    PROCESS_JOIN = "process.join"
    PROCESS_POLL = "process.poll"
    PROCESS_WAIT = "process.wait"
    PROCESS_KILL = "process.kill"
    PROCESS_CHILDREN = "process.children"
    PROCESS_RETURN = "process.return"
    THREAD_START = "thread.start"
    THREAD_BEGIN = "thread.begin"
    THREAD_EXIT = "thread.exit"
    THREAD_JOIN = "thread.join"
    THREAD_POLL = "thread.poll"
    MANAGER_CREATE = "manager.create"
    MANAGER_SHUTDOWN = "manager.shutdown"
    REFERENT_READ = "referent.read"
    REFERENT_CHANGE = "referent.change"
    MANAGED_QUEUE_PUT = "managed_queue.put"
    MANAGED_QUEUE_GET = "managed_queue.get"
    MANAGED_QUEUE_EMPTY = "managed_queue.empty"
    MANAGED_QUEUE_FULL = "managed_queue.full"
    MANAGED_QUEUE_SIZE = "managed_queue.size"
    MANAGED_QUEUE_TASK_DONE = "managed_queue.task_done"
    MANAGED_QUEUE_JOIN = "managed_queue.join"
    SHM_CREATE = "shm.create"
    SHM_ATTACH = "shm.attach"
    SHM_UNLINK = "shm.unlink"
    SLEEP = "time.sleep"
    READY = "agent.ready"
    UNCONTROLLED = "agent.uncontrolled"


class ObjectKind(str, enum.Enum):
    """What a shared object is; decides the primitive that holds its state."""

    MEMORY = "memory"
    LOCK = "lock"
    EVENT = "event"
    CONDITION = "condition"
    QUEUE = "queue"
    POOL = "pool"
    PIPE = "pipe"
    PROCESS = "process"
    MANAGER = "manager"
    REFERENT = "referent"
    MANAGED_QUEUE = "managed_queue"


class LockFlavour(str, enum.Enum):
    """The classes of `multiprocessing.synchronize` that are one semaphore underneath."""

    LOCK = "Lock"
    RLOCK = "RLock"
    SEMAPHORE = "Semaphore"
    BOUNDED = "BoundedSemaphore"


class Creation(msgspec.Struct, frozen=True, omit_defaults=True):
    """A new shared object, as its creator announces it.

    `typecode` and `data` belong to memory (its ctypes code and first bytes; without those, `number` zeros), `flavour`
    and `number` to locks (the initial value; a `Lock` with 0 is taken for ever), `number` to queues (`maxsize`, 0 for
    none), `lock` to memory and conditions (the lock that guards them, if any) and to the locks by which those of
    `threading` wake a thread, `simple` to `SimpleQueue` (no feeder), to pipes (one way only), to the locks of
    `threading` and to conditions that wake their sleepers in order (those of `threading`), and `length` to arrays (-1
    for a single value). A manager's object has its class's name as `typecode` and its first content, pickled, as
    `data`.
    """

    object: ObjectId
    kind: ObjectKind
    line: int = 0
    typecode: str = ""
    data: bytes = b""
    flavour: LockFlavour = LockFlavour.LOCK
    number: int = 0
    lock: ObjectId = NO_OBJECT
    simple: bool = False
    length: int = -1
    name: str = ""


_Short = Annotated[str, msgspec.Meta(max_length=2_000)]
_Long = Annotated[str, msgspec.Meta(max_length=64_000)]


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """An exception that ended a task or an import, as the task itself told it: a claim, shown and never trusted."""

    type: _Short
    message: _Long = ""
    line: int = 0
    traceback: _Long = ""


class Operation(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a task is about to do to `object`, from source `line` of the submission (0 if unknown).

    `block` and `timed` say how a call waits: without `block` never, with `timed` until it is told that the time
    is up. `offset` and `data` address memory (bytes); `number` is a size (memory), an exit code (exit), a signal
    (kill), a count (notify) or the end of a pipe (0 or 1); `targets` are the processes, and pipe ends
    (`end_target`), of a `wait`, or the pipe ends that a starting process gets; `text` names what is not controlled, a
    starting process, or the method of a manager's object, whose pickled arguments are `data`. `like` is the process,
    started before by the same one, that a starting process is identical with. `manager` is the one whose server does
    the operation: when that is gone, it fails. What the others mean to a pool is told in `grader.primitives.pool`.
    """

    kind: OperationKind
    object: ObjectId = NO_OBJECT
    line: int = 0
    block: bool = True
    timed: bool = False
    offset: int = 0
    number: int = 0
    data: bytes = b""
    text: str = ""
    targets: Annotated[tuple[ObjectId, ...], msgspec.Meta(max_length=MAX_TARGETS)] = ()
    failure: Failure | None = None
    manager: ObjectId = NO_OBJECT
    like: ObjectId = NO_OBJECT

    @property
    def may_wait(self) -> bool:
        """Whether the call waits without end for its condition."""
        return self.block and not self.timed


class Update(msgspec.Struct, frozen=True):
    """The new content of a manager's object, from the task that was just let change it."""

    object: ObjectId
    data: bytes = b""


class ErrorCode(str, enum.Enum):
    """Why an operation is answered by an exception in the task."""

    NOT_OWNER = "not-owner"
    TOO_MANY_RELEASES = "too-many-releases"
    TOO_MANY_DONE = "too-many-done"
    NO_SUCH_OBJECT = "no-such-object"
    OUT_OF_RANGE = "out-of-range"
    MANAGER_GONE = "manager-gone"
    BAD_HANDLE = "bad-handle"
    END_OF_FILE = "end-of-file"
    BROKEN_PIPE = "broken-pipe"
    CONNECTION_RESET = "connection-reset"
    CUT_OFF = "cut-off"
    TOO_LONG = "too-long"
    MIXED_UP = "mixed-up"
    NAME_EXISTS = "name-exists"


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an operation gave: a number (0 and 1 for no and yes), bytes, or an error.

    `ok` is false where a call gave up waiting. `marks` identify what the operation met (the number of the message
    taken from a pipe, say), so that two steps can be told to commute exactly; they mean nothing to the task.
    """

    ok: bool = True
    number: int = 0
    data: bytes = b""
    error: ErrorCode | None = None
    numbers: tuple[int, ...] = ()
    marks: tuple[int, ...] = ()


DONE = Result()
GAVE_UP = Result(ok=False)


class Step(msgspec.Struct, frozen=True):
    """An executed operation. `touches` lists the objects whose state it met, the only ones it can conflict on."""

    task: TaskId
    operation: Operation
    result: Result | None
    touches: tuple[ObjectId, ...]
    changed: bool = True
