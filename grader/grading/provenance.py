"""Whether a number that a call returned is the work of the processes that it has started, as the trace shows it.

A right number alone says little: a call may start processes that do something else, and make the number up, or share
it in a way that the judge does not see. What the judge does see are the changes of each cell. Start at `counted`.
"""

import math
from collections.abc import Iterator

from grader.core.operations import ObjectId, OperationKind, Step, TaskId
from grader.core.verdict import FindingKind
from grader.grading.flaws import Flaw, Wrong
from grader.grading.observed import Observed
from grader.grading.values import decode_items
from grader.primitives.manager import ReferentState
from grader.primitives.memory import MemoryState
from grader.primitives.registry import BY_OBJECT

_KIND = OperationKind
_CHANGES = (_KIND.MEMORY_WRITE, _KIND.REFERENT_CHANGE)


def counted(seen: Observed, main: TaskId, read: tuple[ObjectId, ...], call: str) -> list[Flaw]:
    """In one of the cells that were `read` each process that `main` has started added 1, and `main` nothing.

    The workers of a pool share the work as it comes; of them, all together have to have added as often as there are.
    """
    problems = [_problem(seen, main, cell, call) for cell in read]
    return [] if not problems or None in problems else [flaw for flaw in problems[:1] if flaw is not None]


def _problem(seen: Observed, main: TaskId, cell: ObjectId, call: str) -> Flaw | None:
    children = seen.process(main).children
    starts = [number for child in children if (number := seen.start_of(child)) is not None]
    shares: dict[TaskId | None, float] = {}
    for number, step, added in _changes(seen, cell):
        child = seen.child_above(step.task, main)
        if child is None and added and number > min(starts, default=math.inf):
            message = f"{call} has changed the number itself, after it had started processes to do that."
            return Flaw(Wrong.VALUE, message, line=step.operation.line, conflict=(number,))
        shares[child] = shares.get(child, 0) + added
    if children and all(seen.is_pool_worker(child) for child in children):
        total = sum(share for child, share in shares.items() if child is not None)
        return (
            None if math.isclose(total, len(children)) else _idle(f"{call} has workers that add {total:g}.")
        )
    for child in children:
        if not math.isclose(shares.get(child, 0), 1):
            what = f"adds {shares.get(child, 0):g} to the number that was returned, and not 1"
            return _idle(f"{call} has started {seen.label(child)}, but that process {what}.")
    return None


def _idle(message: str) -> Flaw:
    return Flaw(FindingKind.NOT_CONCURRENT, message)


def _changes(seen: Observed, cell: ObjectId) -> Iterator[tuple[int, Step, float]]:
    """The steps that may change a cell, each with what it has added; 1 where that is not known."""
    state = _at_first(seen, cell)
    for number, step in seen.steps(shared=cell):
        operation = step.operation
        if operation.kind not in _CHANGES or step.result is None or not step.result.ok:
            continue
        if not isinstance(state, MemoryState):
            yield number, step, 1
            continue
        end = operation.offset + len(operation.data)
        after = state.data[: operation.offset] + operation.data + state.data[end:]
        yield number, step, _added(state.typecode, state.data, after)
        state = MemoryState(after, state.typecode, state.length, state.lock)


def _at_first(seen: Observed, cell: ObjectId) -> object:
    known = seen.execution.initial.get(cell)
    creation = seen.execution.creations.get(cell)
    return BY_OBJECT[creation.kind].create(creation) if known is None and creation is not None else known


def _added(typecode: str, before: bytes, after: bytes) -> float:
    """By how much the sum of the items has grown; 1 for any change of what is not numbers."""
    old, new = decode_items(typecode, before), decode_items(typecode, after)
    try:
        return float(sum(new or ()) - sum(old or ())) if old and new else float(before != after)
    except (TypeError, OverflowError):  # characters
        return float(before != after)


def is_cell(state: object) -> bool:
    """Whether this holds data that processes share: memory, or an object of a manager."""
    return isinstance(state, (MemoryState, ReferentState))
