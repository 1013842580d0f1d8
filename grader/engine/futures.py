"""What tasks may still do, as far as it was seen: for a search that leaves out orders which make no difference.

Start at `Futures`. A node is a moment in the life of a task: the task, and a digest of what it did and was told until
then. What may come from there on is everything that was ever seen behind it. Operations are numbered, so that a set of
them is the bits of a number, and whether one of a set is dependent on an operation is a single `and`.
"""

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

import msgspec

from grader.core.operations import ObjectId, Operation, OperationKind, Step, TaskId, process_object
from grader.engine.waits import Waiting
from grader.primitives.registry import depends

NodeId: TypeAlias = tuple[TaskId, int]
"""A task, and the digest of its history."""


class Next(NamedTuple):
    """What came after a step of a task: its next operation (None: it has ended), and the objects it has made."""

    operation: Operation | None
    waiting: Waiting
    births: tuple[tuple[ObjectId, object], ...]


class Futures:
    """The moments that were seen, what is done at each, and which come after which."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[Operation, tuple[ObjectId, ...]], int] = {}
        self._steps: list[Step] = []
        self._dependent: list[int] = []
        self._own: dict[NodeId, int] = {}
        self._after: dict[NodeId, set[NodeId]] = {}
        self._masks: dict[NodeId, int] = {}
        self._private = 0
        """What each task does to itself alone, and has an operation of its own for."""
        self._same: dict[tuple[int, tuple[ObjectId, ...]], tuple[Operation, int]] = {}
        """Numbers by the id of an operation (which is kept)."""

    def number(self, task: TaskId, operation: Operation, touches: tuple[ObjectId, ...]) -> int:
        """The number of an operation; the same for all that are dependent on the same."""
        same = self._same.get((id(operation), touches))
        if same is not None:
            return same[1]
        number = self._look_up(task, operation, touches)
        self._same[id(operation), touches] = operation, number
        return number

    def _look_up(self, task: TaskId, operation: Operation, touches: tuple[ObjectId, ...]) -> int:
        plain = _plain(operation)
        number = self._numbers.get((plain, touches))
        if number is None:
            number = self._numbers[plain, touches] = len(self._steps)
            step = Step(task, operation, None, touches)
            mask = 0
            for other, known in enumerate(self._steps):
                if _are_dependent(known, step):
                    mask |= 1 << other
                    self._dependent[other] |= 1 << number
            self._steps.append(step)
            self._private |= (touches == (process_object(task),)) << number
            self._dependent.append(mask | (1 << number if _are_dependent(step, step) else 0))
        return number

    def see(self, node: NodeId, numbers: Iterable[int], before: Iterable[NodeId]) -> bool:
        """At a moment that comes after others, operations with these numbers are to be done. Whether that is new."""
        mask, new = 0, False
        for number in numbers:
            mask |= 1 << number
        for earlier in before:
            if node not in self._after.setdefault(earlier, set()):
                self._after[earlier].add(node)
                new = True
        if self._own.get(node, 0) | mask != self._own.get(node):
            self._own[node] = self._own.get(node, 0) | mask
            new = True
        if new:
            self._masks.clear()
        return new

    def may_meet(self, node: NodeId, number: int) -> bool:
        """Whether anything at a moment, or after it, is dependent on an operation."""
        return bool(self._mask(node) & self._dependent[number])

    def behind(self, node: NodeId) -> int:
        """What may come at a moment or after it, as a number that is the same for identical tasks."""
        return self._mask(node) & ~self._private

    def dependent(self, one: int, other: int) -> bool:
        """Whether two operations are."""
        return bool(self._dependent[one] >> other & 1)

    def _mask(self, node: NodeId) -> int:
        """Everything at a moment or after it. Moments do not come round again, and may be very many in a row."""
        known = self._masks.get(node)
        if known is not None:
            return known
        stack = [node]
        while stack:
            top = stack[-1]
            missing = [after for after in self._after.get(top, ()) if after not in self._masks]
            if missing:
                stack += missing
                continue
            mask = self._own.get(top, 0)
            for after in self._after.get(top, ()):
                mask |= self._masks[after]
            self._masks[stack.pop()] = mask
        return self._masks[node]


def _are_dependent(one: Step, other: Step) -> bool:
    """Whether two operations may not commute, whoever does them; a kill is about whatever its victim does."""
    if OperationKind.PROCESS_KILL in (one.operation.kind, other.operation.kind):
        return True
    return depends(one, other) or depends(other, one)


def _plain(operation: Operation) -> Operation:
    """An operation without what makes no difference to dependence: the line, and what is written."""
    if operation.kind is OperationKind.MEMORY_WRITE:
        return msgspec.structs.replace(operation, line=0, number=len(operation.data), data=b"")
    data = b"" if operation.kind is not OperationKind.REFERENT_CHANGE else operation.data
    return msgspec.structs.replace(operation, line=0, data=data, failure=None, text="")
