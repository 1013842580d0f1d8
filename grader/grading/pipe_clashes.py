"""Two processes in a call at the same time that only one may make: their messages get mixed up. Start at `find_clash`.

In the model a message is received as a whole; the real `recv` reads its length and then the rest, and a long `send`
writes in parts. Two calls by different processes could overlap if the one was ready to go before the other had
happened: that is read off the happens-before order of a single trace, so no order has to be tried for it, and what a
lock or a message keeps apart does not count.
"""

from collections.abc import Iterator

import msgspec

from grader.core.execution import Execution
from grader.core.operations import Operation, OperationKind, Step, TaskId
from grader.engine.strategies.order import HappensBefore
from grader.primitives.pipe_rules import clashes

_CALLS = (OperationKind.PIPE_RECEIVE, OperationKind.PIPE_SEND, OperationKind.PIPE_FINISH)


class Clash(msgspec.Struct, frozen=True):
    """Steps of the trace that could overlap, or one with what `task` was still waiting to do."""

    numbers: tuple[int, ...]
    task: TaskId


def find_clash(execution: Execution) -> Clash | None:
    """The first pair of calls that could overlap, None if there is none."""
    if not _worth_a_look(execution):
        return None
    order = HappensBefore()
    for step in execution.trace:
        order.add(step)
    calls = [n for n, step in enumerate(execution.trace) if step.operation.kind in _CALLS]
    for number in calls:
        step = execution.trace[number]
        known = order.own_past[number]
        for earlier in calls:
            if earlier < number and not known >> earlier & 1 and _mix_up(execution.trace[earlier], step):
                return Clash((earlier, number), step.task)
    for task, operation in execution.pending.items():
        if operation.kind in _CALLS:
            known = order.known_to(task, operation)
            for earlier in calls:
                if not known >> earlier & 1 and _mix_up(
                    execution.trace[earlier], Step(task, operation, None, ())
                ):
                    return Clash((earlier,), task)
    return None


def _mix_up(earlier: Step, later: Step) -> bool:
    happened = any(step.result is not None and step.result.ok for step in (earlier, later))
    return earlier.task != later.task and happened and clashes(earlier.operation, later.operation)


def _worth_a_look(execution: Execution) -> bool:
    """Whether there are any two calls by different tasks that must not overlap."""
    seen: dict[tuple[int, int, bool], TaskId] = {}
    return any(
        seen.setdefault((made.object, made.number, made.kind is _CALLS[0]), task) != task
        for task, made in _operations(execution)
    )


def _operations(execution: Execution) -> Iterator[tuple[TaskId, Operation]]:
    for step in execution.trace:
        if step.operation.kind in _CALLS:
            yield step.task, step.operation
    for task, operation in execution.pending.items():
        if operation.kind in _CALLS:
            yield task, operation
