"""The names of `multiprocessing.shared_memory`: who made a block under which name, until it is unlinked.

The blocks themselves are memory (see `memory`). All names are one object, which is there from the start; steps about
different names do not meet. Creating, as the system's `shm_open`, fails if the name is taken, attaching if it is not.
"""

from typing import ClassVar

import msgspec

from grader.core.operations import (
    DONE,
    SHARED_NAMES,
    Creation,
    ErrorCode,
    ObjectId,
    Operation,
    OperationKind,
    Result,
    Step,
    TaskId,
)
from grader.primitives.base import MutableObjects, Objects, Primitive

_KIND = OperationKind


class NamesState(msgspec.Struct, frozen=True):
    """Names and the blocks behind them, in the order of names."""

    blocks: tuple[tuple[str, ObjectId], ...] = ()

    def find(self, name: str) -> ObjectId | None:
        """The block of a name."""
        return dict(self.blocks).get(name)


class SharedNames(Primitive):
    """Create (`targets` is the block), attach, unlink; `text` is the name."""

    family: ClassVar[str] = "shm"
    state: ClassVar[type] = NamesState

    def create(self, creation: Creation) -> NamesState:
        return NamesState()

    def enabled(self, objects: Objects, task: TaskId, operation: Operation) -> bool:
        return True

    def apply(self, objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
        names: NamesState = objects.get(SHARED_NAMES, NamesState())
        known = names.find(operation.text)
        if operation.kind is _KIND.SHM_CREATE:
            if known is not None:
                return Result(ok=False, error=ErrorCode.NAME_EXISTS)
            blocks = (*names.blocks, (operation.text, operation.targets[0]))
            objects[SHARED_NAMES] = NamesState(tuple(sorted(blocks)))
            return DONE
        if known is None:
            return Result(ok=False, error=ErrorCode.NO_SUCH_OBJECT)
        if operation.kind is _KIND.SHM_ATTACH:
            return Result(number=known, numbers=(len(objects[known].data),))
        rest = tuple(entry for entry in names.blocks if entry[0] != operation.text)
        objects[SHARED_NAMES] = NamesState(rest)
        return DONE

    def depends(self, a: Step, b: Step) -> bool:
        if a.operation.text != b.operation.text:
            return False
        return not a.operation.kind is b.operation.kind is _KIND.SHM_ATTACH
