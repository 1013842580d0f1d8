"""Whether two executions are the same but for what cannot matter. Start at `digest` and `same_but_for_the_clock`.

The first compares what was announced, told and printed, apart from how long anybody sleeps and what processes are
called. The second lets numbers and dates differ as far as a clock that was moved explains it.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from grader.core.execution import Execution, OutcomeKind
from grader.core.operations import ObjectId, Operation, OperationKind, Result, TaskId
from grader.engine.waits import bare
from grader.grading.values import OPAQUE, decode_items, unpickle
from grader.primitives.memory import MemoryState

_KIND = OperationKind
_NUMBER = re.compile(r"(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)")
_DATE = re.compile(
    r"\b\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?)?\b|\b\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?\b"
    r"|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b|\b\d{4}/\d{2}/\d{2}\b|\b\d{8}[T_-]?\d{6}\b"
)
_NAME = re.compile(
    r"\b(Mon|Tues?|Wed(nes)?|Thu(rs)?|Fri|Sat(ur)?|Sun)(day)?\b|\b[AP]M\b"
    r"|\b(Jan(uary)?|Feb(ruary)?|Mar(ch)?|Apr(il)?|May|June?|July?|Aug(ust)?|Sep(tember)?|Oct(ober)?|Nov(ember)?"
    r"|Dec(ember)?)\b( +\d{1,2}\b)?"
)
_UNITS = (1.0, 60.0, 3_600.0, 86_400.0, 31_556_952.0, 1e-3, 1e-6, 1e-9)
"""In seconds: what numbers that tell the time may count."""
_ROUNDING = 1e-3


class _Said(msgspec.Struct, frozen=True):
    """What one step, or the end, shows: what must be equal, and bytes and texts, which can be compared as values."""

    fixed: object
    told: tuple[bytes | str, ...]
    about: ObjectId


def digest(execution: Execution, steps: int, *, prints: bool) -> int:
    """Stands for an execution; to be compared within one process of ours, of executions with the same numbers of tasks.

    What is printed counts only if it `prints`. Of one that has no end only so many `steps` count: how often it goes
    round before that is found out depends on where one begins to look.
    """
    return hash(tuple((said.fixed, said.told) for said in _sayings(execution, steps, prints)))


def same_but_for_the_clock(
    one: Execution, other: Execution, shifts: Sequence[float], *, prints: bool
) -> bool:
    """Whether the two differ in nothing but what clocks explain that are ahead by `shifts` in the other one."""
    return _same(one, other, prints, lambda a, b: _like_times(_text(one, a), _text(other, b), shifts))


def same_but_for_order_in_sets(one: Execution, other: Execution, *, prints: bool) -> bool:
    """Whether the two differ in nothing but the order in which equal sets were sent."""

    def equal(a: tuple[ObjectId, Any], b: tuple[ObjectId, Any]) -> bool:
        if not isinstance(a[1], bytes) or not isinstance(b[1], bytes):
            return False
        values = unpickle(a[1]), unpickle(b[1])
        return OPAQUE not in values and type(values[0]) is type(values[1]) and bool(values[0] == values[1])

    return _same(one, other, prints, equal)


def _same(one: Execution, other: Execution, prints: bool, alike: Any) -> bool:
    steps = len(one.trace)
    these, those = list(_sayings(one, steps, prints)), list(_sayings(other, steps, prints))
    if len(these) != len(those):
        return False
    for this, that in zip(these, those):
        if this.fixed != that.fixed or len(this.told) != len(that.told):
            return False
        for a, b in zip(this.told, that.told):
            if a != b and not alike((this.about, a), (that.about, b)):
                return False
    return True


def _sayings(execution: Execution, steps: int, prints: bool) -> Iterator[_Said]:
    endless = execution.outcome.kind is OutcomeKind.LIVELOCK
    for step in execution.trace[:steps] if endless else execution.trace:
        fixed, told = _announced(step.operation)
        result = bare(step.result) or Result()
        answer = msgspec.structs.replace(result, data=b"")
        yield _Said((step.task, fixed, answer), (*told, result.data), step.operation.object)
    if endless:
        yield _Said(execution.outcome.kind, (), 0)
        return
    for task, operation in sorted(execution.pending.items()):
        fixed, told = _announced(operation)
        yield _Said((task, fixed), told, operation.object)
    for number, creation in sorted(execution.creations.items()):
        yield _Said((number, creation.kind, creation.number), (creation.data,), number)
    outcome = execution.outcome
    yield _Said((outcome.kind, outcome.task, outcome.line), (outcome.detail,), 0)
    if prints:
        for task, text in sorted(execution.output.items()):
            yield _Said(task, (text,), 0)


def _announced(operation: Operation) -> tuple[object, tuple[bytes | str, ...]]:
    kind, failure = operation.kind, operation.failure
    told: tuple[bytes | str, ...] = (operation.data, operation.text)
    if kind in (_KIND.PROCESS_START, _KIND.THREAD_START):
        told = ()  # what it is called, and what it is given, which shows in what it does
    elif failure is not None:
        told = (operation.data, operation.text, failure.message)
    number = 0 if kind is _KIND.SLEEP else operation.number
    died = (failure.type, failure.line) if failure is not None else None
    fixed = msgspec.structs.replace(operation, number=number, data=b"", text="", failure=None)
    return (fixed, died), told


def _text(execution: Execution, said: tuple[ObjectId, bytes | str]) -> str:
    """Bytes as what they mean: the content of memory, or a pickled value."""
    about, content = said
    if isinstance(content, str):
        return content
    state = execution.objects.get(about)
    if isinstance(state, MemoryState):
        return repr(decode_items(state.typecode, content))
    value = unpickle(content)
    return f"<{len(content)} bytes>" if value is OPAQUE else repr(value)


def _like_times(one: str, other: str, shifts: Sequence[float]) -> bool:
    """Whether two texts differ in nothing but numbers and dates that tell the time."""
    one, other = (_NAME.sub("<name>", _DATE.sub("<date>", text)) for text in (one, other))
    these, those = _NUMBER.split(one), _NUMBER.split(other)
    if these[::2] != those[::2]:
        return False
    return all(a == b or _explained(float(a), float(b), shifts) for a, b in zip(these[1::2], those[1::2]))


def _explained(one: float, other: float, shifts: Sequence[float]) -> bool:
    difference = abs(other - one)
    if difference <= _ROUNDING:
        return one != int(one) or other != int(other)
    return any(
        abs(difference - shift / unit) <= max(1.0, 1e-9 * other)
        for shift in shifts
        for unit in _UNITS
        if shift / unit >= _LEAST
    )


_LEAST = 10.0
"""Smaller differences say nothing."""


def done(execution: Execution) -> list[tuple[TaskId, Operation, Result | None]]:
    """Who did what with which result: a step's other marks depend on what a strategy has learned."""
    return [(step.task, step.operation, step.result) for step in execution.trace]


def switches(execution: Execution) -> int:
    """How often the processor went from one process to another: a bound of the preemptions."""
    return sum(1 for one, other in pairwise(execution.schedule) if one != other)
