"""Whether a number that a call returned is the work of the processes that it has started, as the trace shows it.

A right number alone says little: a call may start processes that do something else, and make the number up, or share
it in a way that the judge cannot read. What counts is a *slot*: one number in shared memory, of which the judge knows
every change. Start at `counted`; what a slot is, and who changed it, is in `grader.grading.slots`.
"""

import math
from collections.abc import Sequence

from grader.core.operations import ObjectId, OperationKind, TaskId
from grader.core.verdict import FindingKind
from grader.grading.flaws import Flaw, Wrong
from grader.grading.observed import Observed
from grader.grading.slots import Slot, is_number, slots_like_values, slots_of_values
from grader.grading.values import show
from grader.primitives.manager import ReferentState
from grader.primitives.memory import MemoryState

_KIND = OperationKind
_READS = (_KIND.MEMORY_READ, _KIND.REFERENT_READ, _KIND.REFERENT_CHANGE)


def counted(seen: Observed, main: TaskId, expected: int | float, call: str) -> list[Flaw] | None:
    """`main` has read `expected` from a `Value` to which each process that it has started had added 1 by then.

    The workers of a pool share the work as it comes; of them, all together have to have added as often as there are.
    Where there is no `Value` at all, something with an attribute `value` that the judge can read does as well: a
    structure, or a manager's `Value` or `Namespace`. None if `main` has read that number nowhere.
    """
    values = slots_of_values(seen)
    problems = _problems(seen, main, values, expected, call)
    if problems:
        return [] if None in problems else [flaw for flaw in problems[:1] if flaw is not None]
    if not values and None in _problems(seen, main, slots_like_values(seen), expected, call):
        return []
    unreadable = _unreadable(seen, main)
    return None if unreadable is None else [_doubt(unreadable, expected, call)]


def _problems(
    seen: Observed, main: TaskId, slots: Sequence[Slot], expected: int | float, call: str
) -> list[Flaw | None]:
    """For each time that the number was read what is wrong with it, None if nothing is."""
    return [_problem(seen, main, slot, until, call) for slot in slots for until in slot.reads(main, expected)]


def _problem(seen: Observed, main: TaskId, slot: Slot, until: int, call: str) -> Flaw | None:
    children = seen.process(main).children
    starts = [number for child in children if (number := seen.start_of(child)) is not None]
    shares: dict[TaskId | None, float] = {}
    for change in slot.changes:
        if change.number > until:
            break
        child, added = seen.child_above(change.task, main), change.added
        if child is None and added and change.number > min(starts, default=math.inf):
            message = f"{call} has changed the number itself, after it had started processes to do that."
            return Flaw(Wrong.VALUE, message, line=change.line, conflict=(change.number,))
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


def _unreadable(seen: Observed, main: TaskId) -> str | None:
    """What `main` has read besides numbers of which every change is known, in words; None if there is nothing."""
    for _, step in seen.steps(task=main):
        if step.operation.kind in _READS:
            words = _words(seen, step.operation.object)
            if words:
                return words
    return None


def _words(seen: Observed, target: ObjectId) -> str:
    state = seen.execution.objects.get(target)
    if isinstance(state, ReferentState):
        return f"an object of a manager ({state.typeid})"
    if not isinstance(state, MemoryState):
        return ""
    if state.length >= 0:
        return "an array, or a block of memory"
    return "" if is_number(state.typecode) else f"shared memory of the type {state.typecode}"


def _doubt(unreadable: str, expected: int | float, call: str) -> Flaw:
    message = (
        f"{call} returned {show(expected)}, but not from a shared Value to which each process has added 1: its process "
        f"has read {unreadable}, and who has counted what in there cannot be judged. Count in one "
        "multiprocessing.Value, and return what that holds."
    )
    return Flaw(FindingKind.INCONCLUSIVE, message)


def is_cell(state: object) -> bool:
    """Whether this holds data that processes share: memory, or an object of a manager."""
    return isinstance(state, (MemoryState, ReferentState))
