"""Ready-made expectations for check modules: each looks at one final state and says what is wrong, or nothing.

Start at `final_value` and `all_together`. They return lists of flaws, so that a check can add them up; the root cause
comes first.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from grader.core.operations import ObjectId, Operation, OperationKind, Result, TaskId
from grader.core.verdict import FindingKind
from grader.engine.scripted import Script
from grader.grading import calls
from grader.grading.flaws import Flaw, Wrong
from grader.grading.observed import NOT_RETURNED, Observed
from grader.grading.provenance import counted, is_cell
from grader.grading.scenario import Shared
from grader.grading.values import OPAQUE, decode_items, encode_memory, item_size, same, show

_KIND = OperationKind
_WRITES = (_KIND.MEMORY_WRITE,)
_SHOWN_WHOLE = 12
"""Elements of an array; of longer ones a message would show the first ones only."""


def wrong(message: str, expected: Any = None, got: Any = None, conflict: tuple[int, ...] = ()) -> Flaw:
    """A wrong result, or a race, whichever all executions together turn out to show."""
    return Flaw(
        Wrong.VALUE,
        message,
        expected="" if expected is None else show(expected),
        got="" if got is None and expected is None else show(got),
        conflict=conflict,
    )


def final_value(seen: Observed, shared: Shared, expected: Any) -> list[Flaw]:
    """The `Value` or `Array` holds `expected` at the end."""
    got = seen.value(shared)
    if same(got, expected):
        return []
    conflict = overwritten(seen, shared)
    message = _differs(shared.name, got, expected)
    flaw = wrong(message + _told(seen, conflict), expected, got, conflict)
    return [flaw if conflict else msgspec.structs.replace(flaw, line=_line_of_last_write(seen, shared))]


def above(seen: Observed, shared: Shared, expected: Any) -> list[Flaw]:
    """Whether what only grows holds more than `expected` already, before the end: then it is wrong, if it ever ends."""
    got = seen.value(shared)
    pairs = zip(got, expected) if isinstance(got, list) else [(got, expected)]
    if not any(one > other for one, other in pairs):
        return []
    message = f"{shared.name} should become {show(expected)}, but it is {show(got)} already, and grows."
    return [msgspec.structs.replace(wrong(message, expected, got), line=_line_of_last_write(seen, shared))]


def _differs(name: str, got: Any, expected: Any) -> str:
    """What is at the end, and should be; of a long array only the first element that is wrong."""
    if isinstance(got, list) and len(got) == len(expected) > _SHOWN_WHOLE:
        place = next(place for place, pair in enumerate(zip(got, expected)) if not same(*pair))
        name, got, expected = f"{name}[{place}]", got[place], expected[place]
    return f"{name} should be {show(expected)} at the end, but it is {show(got)}."


def _told(seen: Observed, conflict: tuple[int, ...]) -> str:
    """Whose write was lost, as another sentence."""
    if not conflict:
        return ""
    loser, winner = (seen.label(seen.execution.trace[number].task) for number in conflict[1:])
    return f" {winner} has overwritten what {loser} had written."


def _line_of_last_write(seen: Observed, shared: Shared) -> int:
    own = set(seen.scenario.tasks())
    steps = [step for _, step in seen.steps(shared=shared.object) if seen.owner(step.task) in own]
    return next((step.operation.line for step in reversed(steps) if step.operation.kind in _WRITES), 0)


def overwritten(seen: Observed, shared: Shared) -> tuple[int, ...]:
    """A read, a write of another process after it, and the reader's own write that undoes it; () if there is none."""
    return _lost_update(seen, shared.object)


def _lost_update(seen: Observed, memory: ObjectId) -> tuple[int, ...]:
    trace = seen.execution.trace
    steps = [number for number, _ in seen.steps(shared=memory)]
    for position, write in enumerate(steps):
        if _access(trace[write].operation) != "write":
            continue
        for index in range(position - 1, -1, -1):
            read = steps[index]
            mine = trace[read].task == trace[write].task
            if mine and _place(trace[read].operation) == _place(trace[write].operation):
                if _access(trace[read].operation) == "read":
                    between = _foreign_write(seen, steps[index + 1 : position], write)
                    if between is not None:
                        return (read, between, write)
                break
    return ()


def _access(operation: Operation) -> str:
    """Whether an operation is a plain `read` or `write` of memory or of a manager's object, "" for any other."""
    if operation.kind in calls.KINDS:
        return calls.place(operation)[0]
    return {_KIND.MEMORY_READ: "read", _KIND.MEMORY_WRITE: "write"}.get(operation.kind, "")


def _place(operation: Operation) -> int | str:
    return calls.place(operation)[1] if operation.kind in calls.KINDS else operation.offset


def _foreign_write(seen: Observed, numbers: Sequence[int], write: int) -> int | None:
    trace = seen.execution.trace
    for number in numbers:
        operation = trace[number].operation
        same_place = _place(operation) == _place(trace[write].operation)
        if _access(operation) == "write" and same_place and trace[number].task != trace[write].task:
            return number
    return None


def returned(seen: Observed, task: TaskId, expected: Any, call: str) -> list[Flaw]:
    """A call returned exactly `expected`, type included."""
    got = seen.returned(task)
    if got is NOT_RETURNED or same(got, expected):
        return []
    text = f"a {seen.process(task).returned_type} object" if got is OPAQUE else show(got)
    lost = [_lost_update(seen, number) for number, state in seen.execution.objects.items() if is_cell(state)]
    last = seen.step_of(task, _KIND.PROCESS_RETURN)
    conflict = next((steps for steps in lost if steps), () if last is None else (last,))
    message = f"{call} should return {show(expected)}, but it returned {text}."
    message += next((_told(seen, steps) for steps in lost if steps), "")
    if same_number(got, expected):
        message += f" That is a {type(got).__name__}, not an {type(expected).__name__}."
    return [Flaw(Wrong.VALUE, message, show(expected), text, conflict=conflict)]


def has_read(seen: Observed, main: TaskId, expected: Any, call: str) -> list[Flaw]:
    """What `main` returned, the number `expected`, it has read from a shared `Value`: the processes made it.

    Each of them has added 1 to it. What the judge cannot read is inconclusive (`grader.grading.provenance`).
    """
    if not same(seen.returned(main), expected):
        return []
    flaws = counted(seen, main, expected, call)
    if flaws is not None:
        return flaws
    lost = (_lost_update(seen, number) for number, state in seen.execution.objects.items() if is_cell(state))
    conflict = next((steps for steps in lost if steps), ())
    message = f"{call} returned {show(expected)}, but it has never read that from a shared value or array."
    return [wrong(message + _told(seen, conflict), conflict=conflict)]


def same_number(got: Any, expected: Any) -> bool:
    """Whether only the type differs."""
    return isinstance(got, (int, float)) and isinstance(expected, (int, float)) and got == expected


def returns_nothing(seen: Observed, function: str) -> list[Flaw]:
    """Every call of `function` returned None."""
    for task, call in zip(seen.scenario.tasks(), seen.scenario.calls):
        got = seen.returned(task)
        if call.function == function and got is not NOT_RETURNED and got is not None:
            text = f"a {seen.process(task).returned_type} object" if got is OPAQUE else show(got)
            return [
                Flaw(Wrong.VALUE, f"{function} should return nothing, but it returned {text}.", "None", text)
            ]
    return []


def lock_is_free(seen: Observed, shared: Shared) -> list[Flaw]:
    """Nobody holds the lock at the end."""
    holders = seen.lock_holders(shared)
    if not holders:
        return []
    taken = [
        n
        for n, s in seen.steps(task=holders[0], shared=shared.object)
        if s.operation.kind is _KIND.LOCK_ACQUIRE
    ]
    line = seen.execution.trace[taken[-1]].operation.line if taken else 0
    message = f"{seen.label(holders[0])} has returned, but {shared.name} is still taken."
    return [Flaw(FindingKind.LEAK, message, "free", "taken", line=line, conflict=tuple(taken[-1:]))]


def all_under(seen: Observed, shared: Shared, lock: Shared) -> list[Flaw]:
    """Every access of the submission to `shared` happened while its process held `lock`."""
    held: dict[TaskId, int] = {}
    calls = set(seen.scenario.tasks())
    for number, step in enumerate(seen.execution.trace):
        operation, process = step.operation, seen.owner(step.task)
        if operation.object == lock.object and step.result is not None and step.result.ok:
            change = {_KIND.LOCK_ACQUIRE: 1, _KIND.LOCK_RELEASE: -1}.get(operation.kind, 0)
            held[process] = held.get(process, 0) + change
        elif operation.object == shared.object and process in calls and held.get(process, 0) <= 0:
            verb = "reads" if operation.kind is _KIND.MEMORY_READ else "writes"
            where = f" in line {operation.line}" if operation.line else ""
            message = f"{seen.label(step.task)} {verb} {shared.name}{where} without holding {lock.name}."
            return [Flaw(FindingKind.RACE, message, line=operation.line, conflict=(number,))]
    return []


def all_together(seen: Observed, main: TaskId, count: int, call: str) -> list[Flaw]:
    """`main` has started `count` processes that can all be alive at the same time."""
    children = seen.process(main).children
    if len(children) < count:
        message = f"{call} should start {_processes(count)}, but it started {len(children) or 'none'}."
        return [Flaw(FindingKind.NOT_CONCURRENT, message, str(count), str(len(children)))]
    pair = seen.one_after_the_other(children)
    if pair is None:
        return []
    first, second = (seen.label(task) for task in pair)
    start, end = seen.start_of(pair[1]), seen.end_of(pair[0])
    assert start is not None
    assert end is not None
    line = seen.execution.trace[start].operation.line
    message = f"{second} is started only after {first} has ended, so the processes run one after the other."
    return [Flaw(FindingKind.NOT_CONCURRENT, message, line=line, conflict=(end, start))]


def started_again(seen: Observed, main: TaskId, each: int, call: str, times: int = 2) -> list[Flaw]:
    """The last of so many calls has started `each` processes, as those before it have."""
    started = len(seen.process(main).children) - each * (times - 1)
    if started >= each:
        return []
    message = f"{call} should start {_processes(each)}, but it started {max(started, 0) or 'none'}."
    return [Flaw(FindingKind.NOT_CONCURRENT, message, str(each), str(max(started, 0)))]


def exactly(seen: Observed, main: TaskId, count: int, call: str) -> list[Flaw]:
    """`main` has started no more than `count` processes."""
    started = len(seen.process(main).children)
    if started <= count:
        return []
    return [wrong(f"{call} should start {_processes(count)}, but it started {started}.", count, started)]


def _does_something(seen: Observed, child: TaskId) -> bool:
    """Whether a process has changed something shared, the pool that it works for left out."""
    return any(
        step.changed and step.operation.object >= 0 and not step.operation.kind.value.startswith("pool.")
        for _, step in seen.steps(task=child)
    )


def each_does_its_share(seen: Observed, main: TaskId, call: str) -> list[Flaw]:
    """Every process that `main` has started has changed something shared; of a pool's workers, at least one has."""
    children = seen.process(main).children
    workers = [child for child in children if seen.is_pool_worker(child)]
    if workers and not any(_does_something(seen, child) for child in workers):
        message = f"{call} has started a pool, but its workers do none of the work."
        return [Flaw(FindingKind.NOT_CONCURRENT, message)]
    for child in children:
        if seen.process(child).killed or child in workers:
            continue
        if not _does_something(seen, child):
            message = f"{call} has started {seen.label(child)}, but that process does none of the work."
            return [Flaw(FindingKind.NOT_CONCURRENT, message)]
    return []


def nothing_left(seen: Observed, main: TaskId, call: str) -> list[Flaw]:
    """When `main`'s function returned, every process that it had started had ended."""
    left = seen.process(main).left_running
    if not left:
        return []
    number = seen.step_of(main, _KIND.PROCESS_RETURN)
    names = ", ".join(seen.label(task) for task in left[:4])
    are = "is" if len(left) == 1 else "are"
    message = f"{call} has returned, but {names} {are} still running."
    start = seen.start_of(left[0])
    line = seen.execution.trace[start].operation.line if start is not None else 0
    return [Flaw(FindingKind.LEAK, message, line=line, conflict=() if number is None else (number,))]


def nobody_killed(seen: Observed, main: TaskId, call: str) -> list[Flaw]:
    """Every process that `main` has started ended by itself."""
    for child in seen.children(main):
        if seen.process(child).killed:
            end = seen.end_of(child)
            line = seen.execution.trace[end].operation.line if end is not None else 0
            message = f"{call} kills {seen.label(child)} instead of letting it come to its end."
            return [Flaw(FindingKind.CRASH, message, line=line, conflict=() if end is None else (end,))]
    return []


def zero(typecode: str) -> Any:
    """Zero as a `Value` of that type reads it."""
    return 0.0 if typecode in "fd" else 0


def _processes(count: int) -> str:
    return "1 process" if count == 1 else f"{count} processes"


def adding_at_once(shared: Shared, lock: Shared, typecode: str, length: int) -> Script:
    """As `adding_partner`, but it reads the whole array in one step, and writes it in one."""

    def script():  # type: ignore[no-untyped-def]
        yield Operation(_KIND.LOCK_ACQUIRE, lock.object)
        read = Operation(_KIND.MEMORY_READ, shared.object, number=length * item_size(typecode))
        result: Result = yield read
        items = decode_items(typecode, result.data) or []
        data = encode_memory(typecode, [item + 1 for item in items])
        yield Operation(_KIND.MEMORY_WRITE, shared.object, data=data)
        yield Operation(_KIND.LOCK_RELEASE, lock.object)

    return script


def adding_partner(shared: Shared, lock: Shared, typecode: str, length: int = -1) -> Script:
    """A process of ours that adds 1 to a value, or to each item of an array, while holding `lock`."""

    def script():  # type: ignore[no-untyped-def]
        size = item_size(typecode)
        result: Result = yield Operation(_KIND.LOCK_ACQUIRE, lock.object)
        for index in range(max(length, 1)):
            offset = index * size
            result = yield Operation(_KIND.MEMORY_READ, shared.object, offset=offset, number=size)
            items = decode_items(typecode, result.data) or [0]
            data = encode_memory(typecode, [items[0] + 1])
            yield Operation(_KIND.MEMORY_WRITE, shared.object, offset=offset, data=data)
        yield Operation(_KIND.LOCK_RELEASE, lock.object)

    return script
