"""Trying and doing an operation on shared objects, whoever asks: the machine, a strategy that rehearses, fairness."""

from typing import Any

from grader.core.operations import (
    DONE,
    NO_OBJECT,
    ErrorCode,
    ObjectId,
    Operation,
    OperationKind,
    Result,
    Step,
    TaskId,
    process_object,
)
from grader.engine.turns import TURNS, Turns, begins
from grader.primitives.base import Objects
from grader.primitives.manager import ManagerState
from grader.primitives.registry import BY_OPERATION

_KIND = OperationKind
_ABOUT_NO_OBJECT = frozenset(
    {
        *(
            _KIND.PROCESS_START,
            _KIND.THREAD_START,
            _KIND.PROCESS_WAIT,
            _KIND.PIPE_WAIT,
            _KIND.PROCESS_CHILDREN,
        ),
        *(_KIND.PROCESS_RETURN, _KIND.SHM_CREATE, _KIND.SHM_ATTACH, _KIND.SHM_UNLINK, _KIND.QUEUE_FLUSH),
    }
)
"""What makes its object, is about several, or about the task itself; or is done by a feeder."""


def is_enabled(objects: Objects, task: TaskId, operation: Operation) -> bool:
    """Whether an operation can happen in this state. One of a manager that is gone fails, and need not wait.

    In a rehearsal, what existed in the trace need not be there (yet): then it cannot happen.
    """
    primitive = BY_OPERATION.get(operation.kind)
    if primitive is None:
        return True
    turns: Turns | None = objects.get(TURNS)
    if turns is not None and not turns.allow(task):
        return False
    try:
        return _has_lost_its_manager(objects, operation) or primitive.enabled(objects, task, operation)
    except KeyError:
        return False


def perform(objects: dict[ObjectId, Any], task: TaskId, operation: Operation) -> Step:
    """Do an operation on `objects`, in place, and record it."""
    turns: Turns | None = objects.get(TURNS)
    if turns is not None and begins(operation):
        objects[TURNS] = turns.after(task, operation)
    if _has_lost_its_manager(objects, operation):
        return Step(task, operation, Result(ok=False, error=ErrorCode.MANAGER_GONE), (), changed=False)
    primitive = BY_OPERATION.get(operation.kind)
    if primitive is None:
        return Step(task, operation, DONE, (), changed=False)
    touches = primitive.touches(objects, task, operation)
    before = [objects.get(target) for target in touches]
    try:
        result = primitive.apply(objects, task, operation)
    except KeyError:
        result = Result(ok=False, error=ErrorCode.NO_SUCH_OBJECT)
    changed = any(objects.get(target) is not state for target, state in zip(touches, before))
    return Step(task, operation, result, touches, changed)


def fits(objects: Objects, task: TaskId, operation: Operation) -> bool:
    """Whether what an operation is about is there, and of its kind: in a rehearsal it may be something else."""
    primitive = BY_OPERATION.get(operation.kind)
    if primitive is None or operation.kind in _ABOUT_NO_OBJECT:
        return True
    return primitive.handles(objects.get(operation.object)) and process_object(task) in objects


def touches_of(objects: Objects, task: TaskId, operation: Operation) -> tuple[ObjectId, ...]:
    """The objects whose state an operation would meet."""
    if _has_lost_its_manager(objects, operation):
        return ()
    primitive = BY_OPERATION.get(operation.kind)
    return primitive.touches(objects, task, operation) if primitive is not None else ()


def _has_lost_its_manager(objects: Objects, operation: Operation) -> bool:
    if operation.manager == NO_OBJECT:
        return False
    state = objects.get(operation.manager)
    return isinstance(state, ManagerState) and not state.running
