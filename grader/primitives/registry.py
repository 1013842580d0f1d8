"""Finds the primitive of an operation, and answers for pairs of different primitives.

Unknown pairs count as dependent: that costs executions, never a missed interleaving.
"""

from grader.core.operations import ObjectKind, OperationKind, Step
from grader.primitives.base import Primitive
from grader.primitives.condition import Condition
from grader.primitives.event import Event
from grader.primitives.lock import Lock
from grader.primitives.managed_queue import ManagedQueue
from grader.primitives.manager import Manager, Referent, shuts_down
from grader.primitives.memory import Memory
from grader.primitives.pipe import Pipe
from grader.primitives.pipe_rules import death_depends
from grader.primitives.pool import Pool
from grader.primitives.pool_rules import depends_on_process
from grader.primitives.process import Process, exit_depends_on_queue, victims_of
from grader.primitives.queue import Queue
from grader.primitives.shm import SharedNames
from grader.primitives.thread import Thread

_PRIMITIVES: tuple[Primitive, ...] = (
    Memory(),
    Lock(),
    Event(),
    Condition(),
    Queue(),
    Pipe(),
    Pool(),
    Process(),
    Thread(),
    Manager(),
    Referent(),
    ManagedQueue(),
    SharedNames(),
)
_BY_FAMILY = {primitive.family: primitive for primitive in _PRIMITIVES}

BY_OBJECT: dict[ObjectKind, Primitive] = {kind: _BY_FAMILY[kind.value] for kind in ObjectKind}
BY_OPERATION: dict[OperationKind, Primitive] = {
    kind: _BY_FAMILY[kind.value.split(".")[0]]
    for kind in OperationKind
    if kind.value.split(".")[0] in _BY_FAMILY
}
_PROCESS = _BY_FAMILY["process"]
_QUEUE = _BY_FAMILY["queue"]
_POOL = _BY_FAMILY["pool"]
_PIPE = _BY_FAMILY["pipe"]


def depends(a: Step, b: Step) -> bool:
    """Whether two steps of different tasks must keep their order (Mazurkiewicz dependence)."""
    kinds = (a.operation.kind, b.operation.kind)
    if (OperationKind.PROCESS_KILL in kinds or OperationKind.PROCESS_EXIT in kinds) and _ends(a, b):
        return True
    if OperationKind.MANAGER_SHUTDOWN in kinds and shuts_down(a, b):
        return True
    if not _overlap(a.touches, b.touches):
        return False
    one, other = BY_OPERATION.get(a.operation.kind), BY_OPERATION.get(b.operation.kind)
    if one is None or other is None:
        return False
    if one is other:
        return one.depends(a, b)
    if one is _PROCESS and other is _QUEUE:
        return exit_depends_on_queue(a, b)
    if one is _QUEUE and other is _PROCESS:
        return exit_depends_on_queue(b, a)
    if one is _POOL and other is _PROCESS:
        return depends_on_process(a, b)
    if one is _PROCESS and other is _POOL:
        return depends_on_process(b, a)
    if one is _PROCESS and other is _PIPE:
        return death_depends(a, b)
    if one is _PIPE and other is _PROCESS:
        return death_depends(b, a)
    return True


def _overlap(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    if len(one) == 1 and len(other) == 1:
        return one[0] == other[0]
    return any(target in other for target in one)


def _ends(a: Step, b: Step) -> bool:
    """A kill must keep its order against every step of its victim, the victim's feeders and threads included.

    So must an exit against every step of the process's other threads.
    """
    for end, other in ((a, b), (b, a)):
        kind = end.operation.kind
        killed = kind is OperationKind.PROCESS_KILL
        threads = kind is OperationKind.PROCESS_EXIT and len(end.touches) > 1 and end.touches[1] < 0
        if killed or threads:
            victims = victims_of(end)
            if other.task in victims and other.task != end.task:
                return True
            flushes = killed and other.operation.kind is OperationKind.QUEUE_FLUSH
            if flushes and other.operation.number in victims[:1]:
                return True
    return False
