"""What a primitive is: four pure functions over an immutable state.

`Primitive.enabled` tells whether an operation can go now, `apply` does it, `touches` names the objects whose state
it meets, and `depends` whether two steps do *not* commute. All shared state of an execution is one dictionary from
`ObjectId` to an immutable value, so a snapshot is a shallow copy, and a step can be tried without being done.
"""

import abc
from collections.abc import Mapping, MutableMapping
from typing import Any, ClassVar, TypeAlias

from grader.core.operations import Creation, ObjectId, Operation, Result, Step, TaskId

Objects: TypeAlias = Mapping[ObjectId, Any]
MutableObjects: TypeAlias = MutableMapping[ObjectId, Any]


class Primitive(abc.ABC):
    """The semantics of one family of operations (`family` is the part of the operation kind before the dot)."""

    family: ClassVar[str]
    state: ClassVar[type]

    def handles(self, state: Any) -> bool:
        """Whether a state is one of this primitive's objects."""
        return isinstance(state, self.state)

    @abc.abstractmethod
    def create(self, creation: Creation) -> Any:
        """The first state of a new object."""

    @abc.abstractmethod
    def enabled(self, objects: Objects, task: TaskId, operation: Operation) -> bool:
        """Whether the operation can happen now. One that would wait, and may give up waiting, can."""

    @abc.abstractmethod
    def apply(self, objects: MutableObjects, task: TaskId, operation: Operation) -> Result:
        """Do it: replace states in `objects`, return what the task is told."""

    def touches(self, objects: Objects, task: TaskId, operation: Operation) -> tuple[ObjectId, ...]:
        """The objects whose state the operation reads or changes."""
        return (operation.object,)

    @abc.abstractmethod
    def depends(self, a: Step, b: Step) -> bool:
        """Whether the order of two steps on a common object matters.

        Asked of two steps of this family by different tasks. A step without a result has not happened yet:
        answer for whatever it might give. When in doubt, they depend.
        """
