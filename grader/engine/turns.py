"""The order in which identical tasks begin: the part of a state that says who has, and who comes after whom.

Start at `Turns`. Of identical tasks the one that was started first also begins first, that is, makes the first step
that meets something shared (to sleep is none). Every execution is a renaming of one that obeys this, so it takes no
outcome away but for the names (`grader.engine.symmetry` says when that is so). For the search it is a way for a step
to enable another, like the start of a process. The idea is that of symmetry breaking constraints (Crawford, Ginsberg,
Luks, Roy: Symmetry-breaking predicates for search problems, KR 1996).
"""

from collections.abc import Mapping

import msgspec

from grader.core.operations import NO_OBJECT, ObjectId, Operation, OperationKind, TaskId, task_of
from grader.primitives.registry import BY_OPERATION

TURNS: ObjectId = NO_OBJECT + 1
"""Where a state keeps its `Turns`, if identical tasks count at all."""


class Turns(msgspec.Struct, frozen=True):
    """Who has to begin before whom (each task the next of its kind), and which tasks have begun."""

    behind: Mapping[TaskId, TaskId] = {}
    begun: frozenset[TaskId] = frozenset()

    def allow(self, task: TaskId) -> bool:
        """Whether a task may meet something shared now."""
        before = self.behind.get(task)
        return before is None or before in self.begun

    def after(self, task: TaskId, operation: Operation) -> "Turns":
        """How it is when `task` has done `operation`, which met something shared."""
        turns = self if task in self.begun else Turns(self.behind, self.begun | {task})
        if operation.kind is OperationKind.PROCESS_START and operation.like != NO_OBJECT:
            behind = {**turns.behind, task_of(operation.object): task_of(operation.like)}
            return Turns(behind, turns.begun)
        return turns


def begins(operation: Operation) -> bool:
    """Whether an operation meets something shared, so that a task begins with it."""
    return operation.kind in BY_OPERATION
