"""One guess at the mistake behind a finding, where the evidence matches a known one. Start at `hint`.

Every rule looks at what the processes did, and answers with a sentence or two, or with nothing. The first that
answers wins, so the more special ones come first.
"""

from collections.abc import Callable
from typing import TypeAlias

from grader.core.operations import OperationKind
from grader.core.verdict import FindingKind
from grader.grading.evidence import Access, Facts
from grader.grading.flaws import Flaw
from grader.grading.names import Names
from grader.grading.observed import Observed

_KIND = OperationKind
Rule: TypeAlias = Callable[[Facts], str]


def hint(kind: FindingKind, flaw: Flaw, seen: Observed, names: Names, source: str) -> str:
    """A guess at the mistake, "" if nothing known fits."""
    facts = Facts(kind, flaw, seen, names, source)
    for rule in _RULES.get(kind, ()):
        sentence = rule(facts)
        if sentence:
            return sentence
    return ""


def _gave_up_and_went_on(facts: Facts) -> str:
    step = facts.went_on_without_lock()
    if step is None:
        return ""
    return (
        f"acquire() in line {step.operation.line} may give up without the lock; it tells so by returning False. "
        "Look at what it returns, or let it wait: `with lock:`."
    )


def _wrong_lock(facts: Facts) -> str:
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
    if own is not None and own.made_by_call:
        return (
            f"Every process makes a lock of its own in line {own.line}, and nobody else knows that one. "
            f"Use the lock that is passed in: `with {facts.lock_name}:`."
        )
    if own is not None:
        return (
            f"The lock of line {own.line} is not the one that is passed in, so it does not keep others out. "
            f"Use `with {facts.lock_name}:`."
        )
    return ""


def _thread_lock(facts: Facts) -> str:
    if not facts.uses_threading_lock():
        return ""
    return (
        "A threading.Lock works only between the threads of one process; every process has its own copy. "
        "Between processes it takes a multiprocessing.Lock, the one that is passed in."
    )


def _no_lock(facts: Facts) -> str:
    if facts.takes_any_lock() or not facts.writes_memory():
        return ""
    return (
        "Nobody takes the lock. `+= 1` is two steps, reading and writing, and another process can come in between: "
        f"put it inside `with {facts.lock_name}:`."
    )


def _outside(facts: Facts) -> str:
    """The lock is taken, but not around everything."""
    access = facts.unprotected_access()
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


def _two_sections(facts: Facts) -> str:
    if not facts.reads_and_writes_in_two_sections():
        return ""
    return (
        "The value is read under the lock, then the lock is given back, and taken again for writing. In between "
        "another process may have changed it: hold the lock from reading to writing."
    )


def _never_released(facts: Facts) -> str:
    line = facts.kept_lock_line()
    if not line:
        return ""
    return (
        f"The lock taken in line {line} is not given back on every way out of the function. "
        "`with lock:` gives it back whatever happens."
    )


def _taken_twice(facts: Facts) -> str:
    line = facts.waits_for_itself()
    if not line:
        return ""
    return (
        f"Line {line} takes a lock that this process already holds. A Lock cannot be taken twice; "
        "take it once, around everything."
    )


def _released_too_often(facts: Facts) -> str:
    if facts.failure_type != "ValueError" or "released too many times" not in facts.failure_message:
        return ""
    return "The lock is given back without being held. Each acquire() needs exactly one release(); `with lock:` counts."


def _queue_looked_empty(facts: Facts) -> str:
    look = facts.look_at_queue()
    if look is None:
        return ""
    return (
        f"In line {look.operation.line} the queue looks empty only because the next item has not arrived yet. "
        "That says nothing about the end: get() waits, and the sentinel None tells when to stop."
    )


def _get_gave_up(facts: Facts) -> str:
    step = facts.gave_up(_KIND.QUEUE_GET)
    if step is None and facts.failure_type not in ("Empty", "queue.Empty"):
        return ""
    line = step.operation.line if step is not None else facts.line
    return (
        f"get() in line {line} gives up when nothing has arrived yet, however long it waits: a producer may always be "
        "slower. Use get() without a timeout, and stop at the sentinel None."
    )


def _join_gave_up(facts: Facts) -> str:
    step = facts.gave_up(_KIND.PROCESS_JOIN)
    if step is None:
        return ""
    return (
        f"join() with a timeout in line {step.operation.line} may return while the process still runs. "
        "Leave the timeout out."
    )


def _killed(facts: Facts) -> str:
    line = facts.line_of(_KIND.PROCESS_KILL)
    if not line:
        return ""
    return f"Line {line} ends a process before its work is done. Wait for it with join() instead."


def _no_join(facts: Facts) -> str:
    if not facts.children() or facts.line_of(_KIND.PROCESS_JOIN):
        return ""
    return "Nobody waits for the processes. Call join() on every one of them before you read the result and return."


def _some_joined(facts: Facts) -> str:
    if facts.joined() >= len(facts.children()) or not facts.children():
        return ""
    return "Not every process is joined. Call join() on each one that was started."


def _sentinel_missing(facts: Facts) -> str:
    if not facts.consumer_waits():
        return ""
    return (
        "A consumer waits for an item that never comes. Each consumer takes exactly one sentinel, so there must be "
        "one None for each of them, put after everything else."
    )


def _join_before_drain(facts: Facts) -> str:
    if not facts.cannot_deliver():
        return ""
    return (
        "A process ends only when everything that it has put on a queue has been taken out. Take the results from "
        "the queue first, and join() afterwards."
    )


def _full(facts: Facts) -> str:
    if not facts.waits_for(_KIND.QUEUE_PUT):
        return ""
    return (
        "The queue is full, and nobody is there to take something out. Start the consumers before filling it."
    )


def _run_instead_of_start(facts: Facts) -> str:
    if facts.children() and not facts.not_started():
        return ""
    if ".run()" in facts.source:
        return "run() calls the function in this process. start() makes a new process that calls it."
    return "No new process does the work. Make a Process for each, with target= and args=, and start() it."


def _join_in_loop(facts: Facts) -> str:
    if not facts.one_after_the_other():
        return ""
    return "Start all processes first, in one loop, and join them in a second loop; else each waits for the one before."


def _falsy(facts: Facts) -> str:
    if not facts.missing_falsy_item():
        return ""
    return "Items like 0, '' or [] count as false. Compare with the sentinel itself: `if item is None:`."


_VALUE_RULES: tuple[Rule, ...] = (
    _gave_up_and_went_on,
    _thread_lock,
    _wrong_lock,
    _join_gave_up,
    _killed,
    _queue_looked_empty,
    _get_gave_up,
    _falsy,
    _two_sections,
    _outside,
    _no_lock,
    _no_join,
    _some_joined,
)
_RULES: dict[FindingKind, tuple[Rule, ...]] = {
    FindingKind.RACE: _VALUE_RULES,
    FindingKind.WRONG_RESULT: _VALUE_RULES,
    FindingKind.DEADLOCK: (
        _taken_twice,
        _never_released,
        _join_before_drain,
        _full,
        _queue_looked_empty,
        _get_gave_up,
        _falsy,
        _sentinel_missing,
    ),
    FindingKind.HANG: (_queue_looked_empty, _get_gave_up),
    FindingKind.CRASH: (_released_too_often, _get_gave_up),
    FindingKind.LEAK: (_never_released, _join_gave_up, _no_join, _some_joined),
    FindingKind.NOT_CONCURRENT: (_run_instead_of_start, _join_in_loop),
}
