"""What a check is shown of one execution: the final state, and who did what. Start at `Observed`.

Everything here is read from the judge's own objects and trace. What a process said about itself (an exception, a
returned value) is a claim, and comes with the task that made it.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from grader.core.execution import Execution, OutcomeKind
from grader.core.operations import (
    ObjectId,
    OperationKind,
    Step,
    TaskId,
    process_object,
    task_of,
)
from grader.engine.strategies.order import HappensBefore
from grader.grading.scenario import Scenario, Shared
from grader.grading.values import decode_memory, unpickle
from grader.primitives.lock import LockState
from grader.primitives.memory import MemoryState
from grader.primitives.process import ProcessState, descendants
from grader.primitives.queue import QueueState
from grader.primitives.thread import ThreadState

_KIND = OperationKind
NOT_RETURNED = object()
"""Stands for the result of a call that never returned."""


class Observed:
    """One execution of a scenario."""

    def __init__(self, scenario: Scenario, execution: Execution) -> None:
        self.scenario = scenario
        self.execution = execution

    @property
    def completed(self) -> bool:
        """Whether every process came to its end."""
        return self.execution.outcome.kind is OutcomeKind.COMPLETED

    def label(self, task: TaskId) -> str:
        """The shown name of a process."""
        return self.execution.labels.get(task, f"process {task}")

    def value(self, shared: Shared) -> Any:
        """What a `Value` or `Array` holds at the end."""
        state: MemoryState = self.execution.objects[shared.object]  # type: ignore[assignment]
        return decode_memory(state)

    def items(self, shared: Shared) -> list[Any]:
        """What is still on a queue at the end, oldest first."""
        state: QueueState = self.execution.objects[shared.object]  # type: ignore[assignment]
        buffered = [message for _, messages in state.buffers for message in messages]
        return [unpickle(message.data) for message in (*state.pipe, *buffered)]

    def lock_holders(self, shared: Shared) -> tuple[TaskId, ...]:
        """Who holds a lock at the end."""
        state: LockState = self.execution.objects[shared.object]  # type: ignore[assignment]
        return state.holders if state.value < 1 else ()

    @cached_property
    def _owners(self) -> dict[TaskId, TaskId]:
        objects = self.execution.objects
        return {
            task_of(target): state.process
            for target, state in objects.items()
            if isinstance(state, ThreadState)
        }

    def owner(self, task: TaskId) -> TaskId:
        """The process that a thread belongs to; any other task itself."""
        return self._owners.get(task, task)

    def process(self, task: TaskId) -> ProcessState:
        """How a process stands at the end."""
        state: ProcessState = self.execution.objects[process_object(task)]  # type: ignore[assignment]
        return state

    def processes(self) -> Iterator[tuple[TaskId, ProcessState]]:
        """Every process of the submission, the calls first."""
        for task in self.scenario.tasks():
            yield task, self.process(task)
            for child in self.children(task):
                yield child, self.process(child)

    def children(self, task: TaskId) -> tuple[TaskId, ...]:
        """All processes that a call has started, directly or not."""
        return descendants(self.execution.objects, task)

    def child_above(self, task: TaskId, main: TaskId) -> TaskId | None:
        """The process started by `main` that a task is, or is below of; None if there is none."""
        process = self.owner(task)
        while process != main:
            state = self.execution.objects.get(process_object(process))
            if not isinstance(state, ProcessState):
                return None
            if state.parent == main:
                return process
            process = state.parent
        return None

    def is_pool_worker(self, task: TaskId) -> bool:
        """Whether a process says that it is a worker of a pool, and lives as one."""
        pending = self.execution.pending.get(task)
        takes = (step.operation.kind is _KIND.POOL_TAKE for _, step in self.steps(task=task))
        waits = pending is not None and pending.kind is _KIND.POOL_TAKE
        return self.process(task).worker and (waits or self.process(task).killed or any(takes))

    def returned(self, task: TaskId) -> Any:
        """What a call returned (`NOT_RETURNED` if it did not; `OPAQUE` if that is not plain data)."""
        state = self.process(task)
        if state.returned is None:
            return NOT_RETURNED
        return unpickle(state.returned)

    def steps(
        self, *, task: TaskId | None = None, shared: ObjectId | None = None
    ) -> Iterator[tuple[int, Step]]:
        """The numbered steps of a task (of a process those of all its threads), or on an object, or both."""
        for number, step in enumerate(self.execution.trace):
            if (task is None or task in (step.task, self.owner(step.task))) and (
                shared is None or step.operation.object == shared
            ):
                yield number, step

    def step_of(self, task: TaskId, kind: OperationKind) -> int | None:
        """The number of a task's last step of a kind, None if it made none."""
        numbers = [number for number, step in self.steps(task=task) if step.operation.kind is kind]
        return numbers[-1] if numbers else None

    def start_of(self, task: TaskId) -> int | None:
        """The number of the step that started a process."""
        target = process_object(task)
        for number, step in self.steps(shared=target):
            if step.operation.kind is _KIND.PROCESS_START:
                return number
        return None

    @cached_property
    def order(self) -> HappensBefore:
        """Which steps must precede which."""
        order = HappensBefore()
        for step in self.execution.trace:
            order.add(step)
        return order

    def must_precede(self, earlier: int, later: int) -> bool:
        """Whether a step comes before another in every equivalent order."""
        return bool(self.order.past[later] >> earlier & 1)

    def end_of(self, task: TaskId) -> int | None:
        """The number of the step that ended a process: its exit, or its being killed."""
        number = self.step_of(task, _KIND.PROCESS_EXIT)
        if number is not None:
            return number
        for number, step in self.steps(shared=process_object(task)):
            if step.operation.kind is _KIND.PROCESS_KILL:
                return number
        return None

    def one_after_the_other(self, tasks: tuple[TaskId, ...]) -> tuple[TaskId, TaskId] | None:
        """Two processes of which the second cannot start before the first has ended, None if there are none."""
        for first in tasks:
            end = self.end_of(first)
            if end is None:
                continue
            for second in tasks:
                start = self.start_of(second)
                if second != first and start is not None and start > end and self.must_precede(end, start):
                    return first, second
        return None
