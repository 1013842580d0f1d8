"""Polling loops: a task that only re-reads unchanged state is set aside until something that it read changes.

A task *rests* when it announces an operation that it has already done in the same local state (same place, same
mark), with nothing changed by it since, and nothing that it has read in between changed by others: going on would
lead it exactly here again. Resting is a heuristic of the scheduler, never a verdict by itself: when nobody else can
move, the driver lets resting tasks run on, and only a long time without any progress is a livelock.

The idea is the fair scheduler of CHESS (Musuvathi, Qadeer: Fair stateless model checking, PLDI 2008), with the
comparison of local states in place of its yield heuristics.
"""

from typing import Any, TypeAlias

import msgspec

from grader.core.operations import ObjectId, Operation, Step
from grader.primitives.base import Objects

_Visit: TypeAlias = tuple[Operation, int]


class Idling(msgspec.Struct, frozen=True):
    """What a task has done since it last changed anything: its visits, and the states that it has read."""

    visits: frozenset[_Visit] = frozenset()
    reads: tuple[tuple[ObjectId, Any], ...] = ()

    def after(self, step: Step, mark: int, objects: Objects) -> "Idling":
        """The same, one executed step later."""
        if step.changed:
            return NOT_IDLING
        seen = dict(self.reads)
        if any(objects.get(target) is not state for target, state in seen.items()):
            return NOT_IDLING
        for target in step.touches:
            seen[target] = objects.get(target)
        return Idling(self.visits | {(step.operation, mark)}, tuple(seen.items()))

    def rests(self, operation: Operation, mark: int, objects: Objects) -> bool:
        """Whether `operation` would only go round once more."""
        if not mark or (operation, mark) not in self.visits:
            return False
        return self.unchanged(objects)

    def unchanged(self, objects: Objects) -> bool:
        """Whether everything that was read still is as it was."""
        return all(objects.get(target) is state for target, state in self.reads)


NOT_IDLING = Idling()
