"""`multiprocessing.Manager()`: a server that runs or is gone, and the objects it holds for others (its referents).

The content of a referent (a `dict`, a `Namespace` ...) is one pickle that the judge keeps and never reads for
deciding. A call is atomic: the task is given the content, applies the method itself, and sends the new content along
with its next operation; until then the referent is `open`. Only that task may settle it, and only once (see
`grader.engine.machine`). A step that is only rehearsed leaves the referent open, and whatever is read from it then is
marked as unknown, so that it equals nothing that was ever read.

Any operation may belong to a manager (`Operation.manager`) and fails once that is shut down; the engine sees to it.
"""

from typing import ClassVar

import msgspec

from grader.core.operations import (
    DONE,
    NO_OBJECT,
    Creation,
    ObjectId,
    Operation,
    OperationKind,
    Result,
    Step,
    TaskId,
)
from grader.primitives.base import MutableObjects, Objects, Primitive


class ManagerState(msgspec.Struct, frozen=True):
    """Whether its server runs."""

    running: bool = True


class ReferentState(msgspec.Struct, frozen=True):
    """The pickled content, and the name of its class. While it is `open`, somebody is about to say what it is now."""

    data: bytes
    typeid: str
    open: bool = False


class Manager(Primitive):
    """Making an object in the server, and shutting the server down."""

    family: ClassVar[str] = "manager"
    state: ClassVar[type] = ManagerState

    def create(self, creation: Creation) -> ManagerState:
        return ManagerState()

    def enabled(self, objects: Objects, task: TaskId, operation: Operation) -> bool:
        return True

    def apply(self, objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
        if operation.kind is OperationKind.MANAGER_SHUTDOWN:
            objects[operation.object] = ManagerState(running=False)
        return DONE

    def depends(self, a: Step, b: Step) -> bool:
        return OperationKind.MANAGER_SHUTDOWN in (a.operation.kind, b.operation.kind)


class Referent(Primitive):
    """Calls of methods that only read, and of those that may change the content."""

    family: ClassVar[str] = "referent"
    state: ClassVar[type] = ReferentState

    def create(self, creation: Creation) -> ReferentState:
        return ReferentState(creation.data, creation.typecode)

    def enabled(self, objects: Objects, task: TaskId, operation: Operation) -> bool:
        return True

    def apply(self, objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
        state: ReferentState = objects[operation.object]
        if operation.kind is OperationKind.REFERENT_CHANGE:
            objects[operation.object] = msgspec.structs.replace(state, open=True)
        return Result(data=state.data, number=int(state.open))

    def depends(self, a: Step, b: Step) -> bool:
        return OperationKind.REFERENT_CHANGE in (a.operation.kind, b.operation.kind)


def settled(state: ReferentState, data: bytes) -> ReferentState:
    """The referent once its new content is known."""
    return ReferentState(data, state.typeid)


def shuts_down(a: Step, b: Step) -> bool:
    """Whether one of two steps ends the manager whose server does the other, or an operation that led to it."""
    return _ends(a, b) or _ends(b, a)


def _ends(end: Step, other: Step) -> bool:
    return end.operation.kind is OperationKind.MANAGER_SHUTDOWN and end.operation.object in managers_of(other)


_NONE: frozenset[ObjectId] = frozenset()


def managers_of(step: Step) -> frozenset[ObjectId]:
    """The manager whose server does a step, if there is one."""
    manager = step.operation.manager
    return _NONE if manager == NO_OBJECT else frozenset((manager,))
