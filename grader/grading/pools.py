"""Words for what happens in pools: who waits for which task, what a task was, what came of it. Start at `waits`."""

from typing import Any

from grader.core.execution import Execution
from grader.core.operations import OperationKind, Step, TaskId, process_object, task_of
from grader.grading.names import Names
from grader.grading.observed import Observed
from grader.grading.values import OPAQUE, show, unpickle
from grader.primitives.pool import PoolState, Taken
from grader.primitives.process import ProcessState

_KIND = OperationKind
_STAFF = (
    *(_KIND.PROCESS_START, _KIND.PROCESS_JOIN, _KIND.PROCESS_KILL, _KIND.PROCESS_EXIT),
    _KIND.PROCESS_POLL,
)
_SHOWN = 40


def is_worker(execution: Execution, task: TaskId) -> bool:
    """Whether a process is a worker of a pool."""
    state = execution.objects.get(process_object(task))
    return isinstance(state, ProcessState) and state.worker


def is_housekeeping(execution: Execution, step: Step) -> bool:
    """Whether a step only starts or ends a worker, which the program has not asked for itself."""
    operation = step.operation
    if operation.kind not in _STAFF or (operation.kind is _KIND.PROCESS_EXIT and operation.number):
        return False
    state = execution.objects.get(operation.object)
    return isinstance(state, ProcessState) and state.worker and state.parent in (step.task, *_self(step))


def _self(step: Step) -> tuple[TaskId, ...]:
    return () if step.operation.kind is not _KIND.PROCESS_EXIT else (task_of(step.operation.object),)


def waits(seen: Observed, names: Names, target: int, number: int) -> str:
    """What stands in the way of a result that a process waits for: half a sentence."""
    state = seen.execution.objects.get(target)
    if not isinstance(state, PoolState):
        return ""
    if not number:
        return ", but its results are not taken in any more, because that has failed"
    taken = next((one for one in state.taken if one.chunk.number == number), None)
    if taken is not None:
        return f", {_at_work(seen, taken)}"
    if state.ended:
        return ", but the pool has been terminated"
    return ""


def _at_work(seen: Observed, taken: Taken) -> str:
    what = f" on {taken.chunk.text}" if taken.chunk.text else " on it"
    process = seen.execution.objects.get(process_object(taken.worker))
    who = seen.label(taken.worker)
    if isinstance(process, ProcessState) and not process.alive:
        return f"but {who} ended while it worked{what}, so that it never comes"
    return f"{who} still works{what}"


def say(state: PoolState, label: Any) -> str:
    """What a pool holds, in words."""
    parts = [f"{label(taken.worker)} works on {_text(taken.chunk.text)}" for taken in state.taken[:3]]
    parts += [f"{len(state.waiting)} waiting"] if state.waiting else []
    parts += [f"results: {len(state.results)}"] if state.results else []
    return " · ".join(parts) or "nothing to do"


def _text(text: str) -> str:
    return text or "a task"


def value(execution: Execution, step: Step) -> str:
    """The task of a submit or take, the result of a done, a result or a next."""
    operation, result = step.operation, step.result
    if result is None or not result.ok:
        return ""
    if operation.kind is _KIND.POOL_SUBMIT:
        return show_text(operation.text)
    if operation.kind is _KIND.POOL_TAKE:
        return show_text(_submitted(execution, operation.object, result.number))
    return _outcome(operation.data if operation.kind is _KIND.POOL_DONE else result.data)


def show_text(text: str) -> str:
    """What a task said of itself, at the length of a cell."""
    return text[:_SHOWN]


def _submitted(execution: Execution, pool: int, number: int) -> str:
    submits = (step for step in execution.trace if step.operation.kind is _KIND.POOL_SUBMIT)
    return next(
        (
            step.operation.text
            for step in submits
            if step.operation.object == pool and step.result is not None and step.result.number == number
        ),
        "",
    )


def _outcome(data: bytes) -> str:
    """The last part of what a worker sends: whether all went well, and the value."""
    sent = unpickle(data)
    outcome = sent[2] if isinstance(sent, tuple) and len(sent) == 3 else sent  # of a Pool, and of an executor
    if outcome is OPAQUE or not isinstance(outcome, tuple) or len(outcome) != 2 or outcome[0] is not True:
        return ""
    return show(outcome[1], _SHOWN)
