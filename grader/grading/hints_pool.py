"""Guesses about pools. Each rule answers with a sentence or two, or with nothing."""

from grader.core.operations import ObjectKind, OperationKind, process_object
from grader.grading.evidence import Facts
from grader.primitives.pool import PoolState
from grader.primitives.process import ProcessState

_KIND = OperationKind


def has_pool(facts: Facts) -> bool:
    """Whether the program has made a pool."""
    return any(made.kind is ObjectKind.POOL for made in facts.seen.execution.creations.values())


def ended_early(facts: Facts) -> str:
    """A pool that is terminated before its results are in: at the end of `with`, or of the program."""
    awaited: dict[int, int] = {}
    for step in facts.trace:
        pool, kind = step.operation.object, step.operation.kind
        if kind is _KIND.POOL_SUBMIT:
            awaited[pool] = awaited.get(pool, 0) + 1
        elif kind in (_KIND.POOL_RESULT, _KIND.POOL_NEXT) and step.result is not None and step.result.ok:
            awaited[pool] = awaited.get(pool, 0) - 1
        elif kind is _KIND.POOL_CLOSE and not step.operation.block and awaited.get(pool, 0) > 0:
            line = step.operation.line
            who = f"Line {line} ends the pool" if line else "The program ends, and its pool with it,"
            return (
                f"{who} without having waited for its tasks: what is not done by then is never done. Take the result "
                "of each with get(), or close() the pool and join() it."
            )
    return ""


def lost_task(facts: Facts) -> str:
    """A worker that has ended in the middle of a task."""
    for state in facts.seen.execution.objects.values():
        if not isinstance(state, PoolState) or state.ended:
            continue
        for taken in state.taken:
            worker = facts.seen.execution.objects.get(process_object(taken.worker))
            if isinstance(worker, ProcessState) and not worker.alive:
                return (
                    "A task ends with its worker, and its result never comes: a Pool does not notice. Let the task "
                    "return, or raise an exception, which the parent gets to see."
                )
    return ""
