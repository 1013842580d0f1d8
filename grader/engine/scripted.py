"""The in-memory executor: tasks are generators in this process that yield operations and are sent results.

Used by tests and by the co-operating processes of a scenario. Start at `ScriptedProgram`.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, TypeAlias

from grader.core.operations import JUDGE, ObjectId, Operation, OperationKind, Result, Step, TaskId, process_object
from grader.engine.program import Announcement, Report
from grader.engine.tasks import TaskTable
from grader.primitives.process import ProcessState

Script: TypeAlias = Callable[[], Generator[Operation, Result, None]]


class ScriptedTask:
    """One generator, run from operation to operation."""

    def __init__(self, task: TaskId, script: Script) -> None:
        self.task = task
        self._generator = script()

    def advance(self, result: Result | None) -> Announcement:
        """Run up to the next operation; the end of the generator is the task's exit."""
        try:
            operation = next(self._generator) if result is None else self._generator.send(result)
        except StopIteration:
            operation = Operation(OperationKind.PROCESS_EXIT)
        return Announcement(self.task, operation)


class ScriptedProgram:
    """Scripts that run beside each other on given objects; they do not start further tasks."""

    def __init__(self, objects: Mapping[ObjectId, Any], scripts: Sequence[Script]) -> None:
        self._objects = objects
        self._scripts = scripts

    def initial_objects(self) -> Mapping[ObjectId, Any]:
        processes = {process_object(task): ProcessState(JUDGE) for task in range(len(self._scripts))}
        return {**self._objects, **processes}

    def launch(self, tasks: TaskTable) -> "ScriptedSession":
        numbers = [tasks.top(place, f"P{place + 1}") for place in range(len(self._scripts))]
        return ScriptedSession([ScriptedTask(number, script) for number, script in zip(numbers, self._scripts)])


class ScriptedSession:
    """One execution of a scripted program."""

    def __init__(self, tasks: Sequence[ScriptedTask]) -> None:
        self._tasks = {task.task: task for task in tasks}

    def start(self) -> Sequence[Report]:
        return [task.advance(None) for task in self._tasks.values()]

    def resume(self, step: Step) -> Sequence[Report]:
        task = self._tasks.get(step.task)
        if task is None or step.operation.kind is OperationKind.PROCESS_EXIT:
            return []
        return [task.advance(step.result)]

    def kill(self, task: TaskId) -> None:
        self._tasks.pop(task, None)

    def close(self) -> None:
        self._tasks.clear()
