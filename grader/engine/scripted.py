"""The in-memory executor: tasks are generators in this process that yield operations and are sent results.

Used by tests and by the co-operating processes of a scenario. Start at `ScriptedProgram`. A script yields an
`Operation`, or an `Asked` where it has more to say: the script of the child that it starts, the objects that it has
made, the new content of a manager's object. Its place in its program is where its generators stand.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, Union

from grader.core.operations import (
    JUDGE,
    Creation,
    ObjectId,
    Operation,
    OperationKind,
    Result,
    Step,
    TaskId,
    Update,
    process_object,
    task_of,
)
from grader.engine.program import Announcement, Report
from grader.engine.tasks import TaskTable
from grader.primitives.process import ProcessState

_STARTS = (OperationKind.PROCESS_START, OperationKind.THREAD_START)
_ENDS = (OperationKind.PROCESS_EXIT, OperationKind.THREAD_EXIT)

Script: TypeAlias = Callable[[], Generator[Union[Operation, "Asked"], Result, None]]


class Asked(NamedTuple):
    """An operation with what goes along with it. `child` is what a started process does (nothing, if None).

    `clock` is the task's own time, in milliseconds; 0 is the same as before.
    """

    operation: Operation
    created: tuple[Creation, ...] = ()
    child: Script | None = None
    updates: tuple[Update, ...] = ()
    clock: int = 0


class ScriptedTask:
    """One generator, run from operation to operation."""

    def __init__(self, task: TaskId, script: Script, end: OperationKind = OperationKind.PROCESS_EXIT) -> None:
        self.task = task
        self._end = end
        self.child: Script | None = None
        """What the process does that the announced operation would start."""
        self._generator = script()
        self._clock = 0

    def advance(self, result: Result | None) -> Announcement:
        """Run up to the next operation; the end of the generator is the task's exit."""
        try:
            said = next(self._generator) if result is None else self._generator.send(result)
        except StopIteration:
            said = Operation(self._end)
        asked = said if isinstance(said, Asked) else Asked(said)
        self.child = asked.child
        self._clock = asked.clock or self._clock
        place = _place_of(self._generator)
        return Announcement(
            self.task, asked.operation, asked.created, place, updates=asked.updates, clock=self._clock
        )


def _place_of(generator: Any) -> int:
    """Where a generator stands, and those that it waits for; 0 if it has ended."""
    place: tuple[tuple[str, int, int], ...] = ()
    while generator is not None and getattr(generator, "gi_frame", None) is not None:
        frame = generator.gi_frame
        place += ((frame.f_code.co_name, frame.f_code.co_firstlineno, frame.f_lasti),)
        generator = generator.gi_yieldfrom
    return hash(place) & 0x7FFF_FFFF_FFFF if place else 0


class ScriptedProgram:
    """Scripts that run beside each other on given objects."""

    def __init__(self, objects: Mapping[ObjectId, Any], scripts: Sequence[Script]) -> None:
        self._objects = objects
        self._scripts = scripts

    def initial_objects(self) -> Mapping[ObjectId, Any]:
        processes = {process_object(task): ProcessState(JUDGE) for task in range(len(self._scripts))}
        return {**self._objects, **processes}

    def launch(self, tasks: TaskTable) -> "ScriptedSession":
        numbers = [tasks.top(place, f"P{place + 1}") for place in range(len(self._scripts))]
        return ScriptedSession(
            [ScriptedTask(number, script) for number, script in zip(numbers, self._scripts)]
        )


class ScriptedSession:
    """One execution of a scripted program."""

    def __init__(self, tasks: Sequence[ScriptedTask]) -> None:
        self._tasks = {task.task: task for task in tasks}

    def start(self) -> Sequence[Report]:
        return [task.advance(None) for task in self._tasks.values()]

    def resume(self, step: Step) -> Sequence[Report]:
        kind = step.operation.kind
        task = self._tasks.get(step.task)
        if task is None or kind in _ENDS:
            return []
        if kind not in _STARTS:
            return [task.advance(step.result)]
        child = ScriptedTask(
            task_of(step.operation.object), task.child or _nothing, _ENDS[_STARTS.index(kind)]
        )
        self._tasks[child.task] = child
        return [task.advance(step.result), child.advance(None)]

    def computed(self) -> float:
        return 0.0

    def kill(self, task: TaskId) -> None:
        self._tasks.pop(task, None)

    def close(self) -> None:
        self._tasks.clear()


def _nothing() -> Generator[Operation, Result, None]:
    yield from ()
