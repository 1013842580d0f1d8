"""Guesses about shared values and their locks. Each rule answers with a sentence, or with nothing."""

from collections.abc import Iterator
from typing import Any

from grader.core.operations import ObjectId, OperationKind, Step, TaskId, creator_of
from grader.core.verdict import FindingKind
from grader.grading import hints_waiting as waiting
from grader.grading.evidence import Access, Facts
from grader.grading.values import decode_items, show
from grader.primitives.lock import LockState
from grader.primitives.memory import MemoryState

_KIND = OperationKind


def gave_up_and_went_on(facts: Facts) -> str:
    """acquire() gave up, and the work was done all the same."""
    step = facts.went_on_without_lock()
    if step is None:
        return ""
    for given_up in facts.given_up:
        if facts.seen.execution.trace[given_up.tries[-1]] is step:
            look = "Look at what acquire() returns, and try until it works; or wait without a limit: `with lock:`."
            return waiting.told(facts, given_up, "goes on without it", look)
    return (
        f"acquire() in line {step.operation.line} may give up without the lock; it tells so by returning False. "
        "Look at what it returns, or let it wait: `with lock:`."
    )


def gave_up_and_left_out(facts: Facts) -> str:
    """acquire() gave up, and so did the function."""
    given_up = facts.gave_up(_KIND.LOCK_ACQUIRE)
    if given_up is None or any(True for _ in facts.steps(_KIND.MEMORY_WRITE, given_up.task)):
        return ""
    return waiting.loses_its_update(facts, given_up) if waiting.comes_back(facts, given_up) else ""


def thread_lock(facts: Facts) -> str:
    """A lock of the module `threading`."""
    if not facts.uses_threading_lock():
        return ""
    return (
        "A threading.Lock works only between the threads of one process; every process has its own copy. "
        "Between processes it takes a multiprocessing.Lock, the one that is passed in."
    )


def wrong_lock(facts: Facts) -> str:
    """Another lock than the one that was passed in."""
    if facts.lock is None or facts.takes(facts.lock):
        return ""
    guard = facts.guard_taken()
    if guard:
        return (
            f"{guard} is another lock than `{facts.lock_name}`. Whoever holds `{facts.lock_name}` is not kept out "
            f"by it: use `with {facts.lock_name}:`."
        )
    own = facts.own_lock()
    if own is None:
        return ""
    if own.made_by_call:
        return (
            f"Every process makes a lock of its own in line {own.line}, and nobody else knows that one. "
            f"Use the lock that is passed in: `with {facts.lock_name}:`."
        )
    return (
        f"The lock of line {own.line} is not the one that is passed in, so it does not keep others out. "
        f"Use `with {facts.lock_name}:`."
    )


def no_lock(facts: Facts) -> str:
    """Nobody takes a lock."""
    if facts.takes_any_lock() or not facts.writes_memory() or facts.kind is not FindingKind.RACE:
        return ""
    return (
        "Nobody takes the lock here. `+= 1` is two steps, reading and writing, and another process can come in "
        f"between: put it inside `with {facts.lock_name}:`."
    )


def outside(facts: Facts) -> str:
    """The lock is taken, but not around everything."""
    access = facts.unprotected_access() if facts.kind is FindingKind.RACE else None
    if access is None:
        return ""
    line = access.line
    if access.kind is Access.READ_BEFORE:
        return (
            f"The value is read in line {line}, before the lock is taken. When it is written, it may be out of date: "
            "read and write inside the same `with`."
        )
    if access.kind is Access.WRITE_AFTER:
        return f"The value is written in line {line}, when the lock is given back already. Write it inside the `with`."
    return (
        f"Line {line} uses the value without holding the lock; reading and writing belong inside one and the same "
        "`with`."
    )


def two_sections(facts: Facts) -> str:
    """Read under the lock, then written under the lock, but not in one go."""
    if not facts.reads_and_writes_in_two_sections():
        return ""
    return (
        "The value is read under the lock, then the lock is given back, and taken again for writing. In between "
        "another process may have changed it: hold the lock from reading to writing."
    )


def never_released(facts: Facts) -> str:
    """A process has ended, or its function has returned, with the lock."""
    line = facts.kept_lock_line()
    if not line:
        return ""
    return (
        f"The lock taken in line {line} is not given back on every way out of the function. "
        "`with lock:` gives it back whatever happens."
    )


def taken_twice(facts: Facts) -> str:
    """A process waits for a lock that it holds."""
    line = facts.waits_for_itself()
    if not line:
        return ""
    return (
        f"Line {line} takes a lock that this process already holds. A Lock cannot be taken twice; "
        "take it once, around everything."
    )


def _holder_of_what_is_awaited(facts: Facts, task: TaskId) -> TaskId | None:
    """Who holds the lock that a process waits for."""
    operation = facts.waiting.get(task)
    target: ObjectId | None = None
    if operation is not None and operation.kind is _KIND.LOCK_ACQUIRE:
        target = operation.object
    elif operation is not None and operation.kind in (_KIND.MEMORY_READ, _KIND.MEMORY_WRITE):
        memory = facts.seen.execution.objects.get(operation.object)
        target = memory.lock if isinstance(memory, MemoryState) else None
    state = facts.seen.execution.objects.get(target) if target is not None else None
    return state.holders[0] if isinstance(state, LockState) and state.holders else None


def holder_waits(facts: Facts) -> str:
    """The main process holds the lock while it waits for those who need it."""
    for task in facts.waiting:
        holder = _holder_of_what_is_awaited(facts, task)
        waits = facts.waiting.get(holder) if holder is not None else None
        if holder is None or waits is None or waits.kind not in (_KIND.PROCESS_JOIN, _KIND.PROCESS_WAIT):
            continue
        return (
            f"{facts.label(holder)} holds the lock while it waits in line {waits.line} for a process that needs it. "
            "Give the lock back before you wait."
        )
    return ""


def lock_order(facts: Facts) -> str:
    """Two processes hold one lock each and wait for the other's."""
    for task in facts.waiting:
        holder = _holder_of_what_is_awaited(facts, task)
        if holder is not None and holder != task and _holder_of_what_is_awaited(facts, holder) == task:
            return (
                f"{facts.label(task)} and {facts.label(holder)} each hold a lock that the other one waits for. "
                "Take the locks in the same order everywhere, or only one of them."
            )
    return ""


def _writes_with_locks(facts: Facts) -> Iterator[tuple[Step, frozenset[ObjectId]]]:
    """The writes of started processes, each with the locks that its process held; values' own locks left out."""
    guards = {s.lock for s in facts.seen.execution.objects.values() if isinstance(s, MemoryState)}
    held: dict[TaskId, set[ObjectId]] = {}
    children = facts.children()
    for step in facts.trace:
        operation, ok = step.operation, step.result is not None and step.result.ok
        mine = held.setdefault(step.task, set())
        if operation.kind is _KIND.LOCK_ACQUIRE and ok and operation.object not in guards:
            mine.add(operation.object)
        elif operation.kind is _KIND.LOCK_RELEASE and ok:
            mine.discard(operation.object)
        elif operation.kind is _KIND.MEMORY_WRITE and step.task in children:
            yield step, frozenset(mine)


def made_per_process(facts: Facts) -> str:
    """Every process works on a value of its own."""
    written = {step.task: step.operation.object for step, _ in _writes_with_locks(facts)}
    targets = set(written.values())
    own = next((target for task, target in written.items() if creator_of(target) == task), None)
    if own is not None:
        return (
            f"The processes change a value that they have made themselves (line {facts.names.line_of(own)}), not the "
            "one that is read at the end. Make it once and pass it with args=."
        )
    if len(targets) < 2 or len(targets) != len(written):
        return _read_elsewhere(facts, targets)
    line = facts.names.line_of(min(targets))
    return f"Line {line} makes a new value for every process. Make one, before the loop, and pass it to all of them."


def _read_elsewhere(facts: Facts, written: set[ObjectId]) -> str:
    """The main process reads another value than the one that is changed."""
    reads = [step.operation.object for step in facts.steps(_KIND.MEMORY_READ, facts.main)]
    if facts.main is None or not reads or not written or reads[-1] in written:
        return ""
    changed, read = facts.names.line_of(min(written)), facts.names.line_of(reads[-1])
    return f"The processes change the value of line {changed}, but the one of line {read} is read at the end."


def different_locks(facts: Facts) -> str:
    """Two processes hold different locks while they change the same value."""
    writes = list(_writes_with_locks(facts))
    for step, locks in writes:
        for other, others in writes:
            same_value = step.operation.object == other.operation.object and step.task != other.task
            if not same_value or not locks or not others or locks & others:
                continue
            lines = sorted({facts.names.line_of(lock) for lock in locks | others})
            if len(lines) == 1:
                made = f"Line {lines[0]} makes more than one lock"
            else:
                made = f"{facts.label(step.task)} and {facts.label(other.task)} hold different locks"
            return f"{made}, so they do not keep each other out. Make one lock and pass it to all of them."
    return ""


def unlocked_child(facts: Facts) -> str:
    """One process changes the value without the lock that others hold."""
    writes = list(_writes_with_locks(facts))
    if not any(locks for _, locks in writes):
        return ""
    for step, locks in writes:
        if not locks:
            return (
                f"{facts.label(step.task)} changes the value in line {step.operation.line} without the lock that the "
                "others take."
            )
    return ""


def not_run(facts: Facts) -> str:
    """`async def` and generators: calling them does nothing yet."""
    for call in facts.seen.scenario.calls:
        kind = facts.source.kind_of_function(call.function)
        if kind == "async":
            return f"`async def` makes {call.function} a coroutine, and calling it does not run it. Use a plain `def`."
        if kind == "generator":
            return (
                f"With a `yield` in it, {call.function} does not run when it is called. Leave the yield out."
            )
    return ""


def never_written(facts: Facts) -> str:
    """A value that was to be changed, and nobody writes it."""
    if facts.writes_memory() or not _memories(facts):
        return ""
    name, state = _memories(facts)[0]
    what = f"{name}[…]" if state.length >= 0 else f"{name}.value"
    return f"On the way that was taken, nothing is written to `{what}`. Others see only what is stored there."


def _memories(facts: Facts) -> list[tuple[str, MemoryState]]:
    objects = facts.seen.execution.objects
    return [
        (s.name, m)
        for s in facts.seen.scenario.shared.values()
        if isinstance(m := objects[s.object], MemoryState)
    ]


def wrong_sum(facts: Facts) -> str:
    """A write that is not one more than what was read."""
    if (
        facts.kind is not FindingKind.WRONG_RESULT
        or len(_memories(facts)) != 1
        or _memories(facts)[0][1].length >= 0
    ):
        return ""
    state = _memories(facts)[0][1]
    read: Any = None
    for step in facts.trace:
        if step.operation.kind is _KIND.MEMORY_READ and step.result is not None:
            read = _number(state, step.result.data)
        elif step.operation.kind is _KIND.MEMORY_WRITE:
            written = _number(state, step.operation.data)
            if read is None:
                return (
                    f"Line {step.operation.line} writes {show(written)} without having read what was there."
                )
            if written != read + 1:
                return f"Line {step.operation.line} writes {show(written)} where {show(read)} was read. Write 1 more."
    return ""


def _number(state: MemoryState, data: bytes) -> Any:
    items = decode_items(state.typecode, data)
    return items[0] if items and len(items) == 1 else 0


def items_left_out(facts: Facts) -> str:
    """Items of an array that are never written."""
    memories = _memories(facts)
    if len(memories) != 1 or memories[0][1].length < 1:
        return ""
    name, state = memories[0]
    size = len(state.data) // state.length
    changed = {
        (step.operation.offset + place) // size
        for step in facts.steps(_KIND.MEMORY_WRITE)
        for place in range(0, len(step.operation.data), size)
    }
    missing = [index for index in range(state.length) if index not in changed]
    if not missing:
        return ""
    return f"Nothing is ever written to `{name}[{missing[0]}]`. Look at where the loop begins, and where it ends."
