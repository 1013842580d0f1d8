"""Happens-before of a trace: which steps must precede which, as bit masks of step numbers.

Start at `HappensBefore.add`. Step i happens before step j if they are of one task, or dependent, or by transitivity.
A task starts after the step that started it, and of identical tasks each begins after the one before it
(`grader.engine.turns`).
"""

from grader.core.operations import NO_OBJECT, ObjectId, Operation, OperationKind, Step, TaskId, task_of
from grader.engine.turns import begins
from grader.primitives.manager import managers_of
from grader.primitives.process import victims_of
from grader.primitives.registry import depends

_STARTS = (OperationKind.PROCESS_START, OperationKind.THREAD_START)
_ENDS = (OperationKind.PROCESS_KILL, OperationKind.PROCESS_EXIT)


class HappensBefore:
    """Grows with a trace, and shrinks back to any prefix of it."""

    def __init__(self) -> None:
        self.trace: list[Step] = []
        self.past: list[int] = []
        """For each step, the mask of all steps that happen before it."""
        self.own_past: list[int] = []
        """The same without what only the step's own operation depends on: what its task knew before it."""
        self._by_task: dict[TaskId, list[int]] = {}
        self._by_object: dict[ObjectId, list[int]] = {}
        self._begins: dict[TaskId, int] = {}
        self._first: dict[TaskId, int] = {}
        """For each task its first step that meets something shared."""
        self.behind: dict[TaskId, TaskId] = {}
        """For each of some identical tasks, but for the first, the one that has to begin before it."""

    def add(self, step: Step) -> None:
        """The next step of the trace."""
        number = len(self.trace)
        own = self.known_to(step.task, step.operation)
        mask = own
        for earlier in self.candidates(step):
            if not mask >> earlier & 1 and depends(self.trace[earlier], step):
                mask |= self.past[earlier] | 1 << earlier
        self.trace.append(step)
        self.past.append(mask)
        self.own_past.append(own)
        self._by_task.setdefault(step.task, []).append(number)
        for target in step.touches:
            self._by_object.setdefault(target, []).append(number)
        if begins(step.operation):
            self._first.setdefault(step.task, number)
        if step.operation.kind in _STARTS:
            child = task_of(step.operation.object)
            self._begins[child] = mask | 1 << number
            if step.operation.like != NO_OBJECT:
                self.behind[child] = task_of(step.operation.like)

    def known_to(self, task: TaskId, operation: Operation) -> int:
        """The steps that happen before `operation`, the next one of `task`, whatever it depends on."""
        steps = self._by_task.get(task)
        mask = self.past[steps[-1]] | 1 << steps[-1] if steps else self._begins.get(task, 0)
        if task in self.behind and task not in self._first and begins(operation):
            first = self._first.get(self.behind[task])
            mask |= self.past[first] | 1 << first if first is not None else 0
        return mask

    def candidates(self, step: Step) -> list[int]:
        """Earlier steps on which `step` may depend, the latest first."""
        found: set[int] = set()
        for target in step.touches:
            found.update(self._by_object.get(target, ()))
        for manager in managers_of(step):
            found.update(self._by_object.get(manager, ()))
        if step.operation.kind is OperationKind.MANAGER_SHUTDOWN:
            target = step.operation.object
            found.update(n for n, other in enumerate(self.trace) if target in managers_of(other))
        if step.operation.kind in _ENDS and (step.operation.kind is not _ENDS[1] or len(step.touches) > 1):
            victims = victims_of(step)  # none, if its manager was gone
            found.update(
                number
                for number, other in enumerate(self.trace)
                if other.task in victims or _flushes_for(other, victims[:1])
            )
        return sorted(found, reverse=True)

    def cut(self, length: int) -> None:
        """Forget all steps from number `length` on."""
        for _ in range(len(self.trace) - length):
            step = self.trace.pop()
            self.past.pop()
            self.own_past.pop()
            self._by_task[step.task].pop()
            for target in step.touches:
                self._by_object[target].pop()
            if self._first.get(step.task) == len(self.trace):
                del self._first[step.task]
            if step.operation.kind in _STARTS:
                child = task_of(step.operation.object)
                del self._begins[child]
                self.behind.pop(child, None)


def _flushes_for(step: Step, owners: tuple[TaskId, ...]) -> bool:
    return step.operation.kind is OperationKind.QUEUE_FLUSH and step.operation.number in owners
