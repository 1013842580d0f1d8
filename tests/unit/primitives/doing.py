"""Do operations on shared objects, one after the other, as tasks of the given numbers."""

from collections.abc import Mapping
from typing import Any

from grader.core.operations import JUDGE, ObjectId, Operation, Result, Step, TaskId, process_object
from grader.engine.steps import is_enabled, perform
from grader.primitives.process import ProcessState


class Bench:
    """Objects, with three processes beside them."""

    def __init__(self, objects: Mapping[ObjectId, Any]) -> None:
        self.objects = {**{process_object(task): ProcessState(JUDGE) for task in range(3)}, **objects}

    def can(self, task: TaskId, operation: Operation) -> bool:
        return is_enabled(self.objects, task, operation)

    def step(self, task: TaskId, operation: Operation) -> Step:
        assert self.can(task, operation), "the operation would wait"
        return perform(self.objects, task, operation)

    def do(self, task: TaskId, *operations: Operation) -> Result:
        """The result of the last operation."""
        results = [self.step(task, operation).result for operation in operations]
        assert results[-1] is not None
        return results[-1]
