"""Which steps on a pool commute, from the numbers that each step carries in its marks. Start at `depends`.

Marks of a submit: the number of the task. Of a take: that number, and the place that the task was meant for (0: any);
none if the worker was told to end. Of a done: the number, and the place among the results (0: it does not count). Of
a result or a next: the number; none if nothing was there.
"""

from collections.abc import Callable

from grader.core.operations import OperationKind, Step

_SUBMIT = OperationKind.POOL_SUBMIT
_TAKE = OperationKind.POOL_TAKE
_DONE = OperationKind.POOL_DONE
_CANCEL = OperationKind.POOL_CANCEL
_CLOSE = OperationKind.POOL_CLOSE
_RESULT = OperationKind.POOL_RESULT
_NEXT = OperationKind.POOL_NEXT
_ENDS = (OperationKind.PROCESS_EXIT, OperationKind.PROCESS_KILL)


def take_marks(number: int, place: int) -> tuple[int, ...]:
    """The marks of a take that got a task."""
    return (number, place)


def depends(a: Step, b: Step) -> bool:
    """Whether two steps of different tasks on one pool must keep their order."""
    for one, other in ((a, b), (b, a)):
        rule = _RULES.get((one.operation.kind, other.operation.kind))
        if rule is not None:
            return rule(one, other)
    return True  # both are the parent's, of which there is but one


def depends_on_process(pool: Step, process: Step) -> bool:
    """Whether the end of a worker and its parent's look at the results must keep their order."""
    return process.operation.kind in _ENDS and _about(pool) is None


def _marks(step: Step) -> tuple[int, ...] | None:
    """None if the step met nothing, or has not happened yet."""
    return step.result.marks if step.result is not None and step.result.marks else None


def _about(step: Step) -> int | None:
    """The task that a step met."""
    marks = _marks(step)
    return marks[0] if marks else None


def _happened(step: Step) -> bool:
    return step.result is not None


def _submit_take(submit: Step, take: Step) -> bool:
    taken = _about(take)
    return taken is None or _about(submit) in (None, taken)


def _take_take(a: Step, b: Step) -> bool:
    for one, other in ((a, b), (b, a)):
        met = _marks(one)
        if met is not None and met[1]:
            return other.operation.number == met[1] or _passed_over(other, met[0])
    # Whoever is told to end could have had a task before that; but two who are told to end are in nobody's way.
    return not (_happened(a) and _happened(b)) or _marks(a) is not None or _marks(b) is not None


def _passed_over(take: Step, number: int) -> bool:
    """Whether a take got an earlier task than this one, and one that was there for anybody."""
    marks = _marks(take)
    return marks is not None and not marks[1] and marks[0] < number


def _take_done(take: Step, done: Step) -> bool:
    taken = _about(take)
    return taken is None or taken == done.operation.number


def _take_cancel(take: Step, cancel: Step) -> bool:
    taken = _about(take)
    if taken is None or not _happened(cancel):
        return True
    succeeded = cancel.result is not None and cancel.result.ok
    return cancel.operation.number <= taken if succeeded else cancel.operation.number == taken


def _take_close(take: Step, close: Step) -> bool:
    return _about(take) is None or not close.operation.block


def _done_done(a: Step, b: Step) -> bool:
    one, other = _marks(a), _marks(b)
    return one is None or other is None or (one[1] > 0 and other[1] > 0)


def _done_result(done: Step, result: Step) -> bool:
    return done.operation.number == result.operation.number


def _done_next(done: Step, following: Step) -> bool:
    met = _about(following)
    return met is None or met == done.operation.number


def _never(a: Step, b: Step) -> bool:
    return False


_RULES: dict[tuple[OperationKind, OperationKind], Callable[[Step, Step], bool]] = {
    (_SUBMIT, _TAKE): _submit_take,
    (_SUBMIT, _DONE): _never,
    (_TAKE, _TAKE): _take_take,
    (_TAKE, _DONE): _take_done,
    (_TAKE, _CANCEL): _take_cancel,
    (_TAKE, _CLOSE): _take_close,
    (_TAKE, _RESULT): _never,
    (_TAKE, _NEXT): _never,
    (_DONE, _DONE): _done_done,
    (_DONE, _CANCEL): _never,
    (_DONE, _CLOSE): _never,
    (_DONE, _RESULT): _done_result,
    (_DONE, _NEXT): _done_next,
}
