"""One number that processes share: who changed it, by how much, and when it was read. Start at `Slot`.

Memory is read by its bytes alone: a `Value` by its typecode; of a structure or a union, whose layout only the
submission knows, each range that somebody has written at once, as the integer or the float of that size. The content
of a manager's object is a pickle that is read without executing anything. What a submission says about a type can
thus make a number unreadable, but it cannot make up a change.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from grader.core.operations import ObjectId, OperationKind, Step, TaskId
from grader.grading.observed import Observed
from grader.grading.values import decode_items, item_size, unpickle
from grader.primitives.manager import ReferentState
from grader.primitives.memory import MemoryState
from grader.primitives.registry import BY_OBJECT

_KIND = OperationKind
_NUMBERS = "bBhHiIlLqQfd"
_BY_SIZE = {1: ("<b",), 2: ("<h",), 4: ("<i", "<f"), 8: ("<q", "<d")}
_MOST_RANGES = 32
"""Of one structure; whoever writes to more of them is no counter."""

Number = int | float
_Read = Callable[[bytes], Number | None]


class Change(NamedTuple):
    """A step that may have changed a slot, and what it has added."""

    number: int
    task: TaskId
    line: int
    added: Number


class Slot:
    """One number of an object; `history` has, for each step on it, the number before and after."""

    def __init__(self, seen: Observed, history: list[tuple[int, Step, Number | None, Number | None]]) -> None:
        self._seen = seen
        self._history = history

    @property
    def changes(self) -> Iterator[Change]:
        """All changes, in their order. One to or from what is no number adds infinitely much."""
        for number, step, before, after in self._history:
            if before != after:
                known = before is not None and after is not None
                added = after - before if known else float("inf")  # type: ignore[operator]
                yield Change(number, step.task, step.operation.line, added)

    def reads(self, main: TaskId, expected: Number) -> list[int]:
        """The last step at which `main` has met this number, as a list; empty if it never has."""
        found = [
            number
            for number, step, before, _ in self._history
            if step.operation.kind is not _KIND.MEMORY_WRITE
            and self._seen.owner(step.task) == main
            and before == expected
        ]
        return found[-1:]


def is_number(typecode: str) -> bool:
    """Whether a typecode is that of a number."""
    return len(typecode) == 1 and typecode in _NUMBERS


def slots_of_values(seen: Observed) -> list[Slot]:
    """Every `Value` that holds a number, in the order in which they were made."""
    return [
        _in_memory(seen, target, 0, item_size(state.typecode), _by_code(state.typecode))
        for target, state in sorted(_memory(seen))
        if state.length < 0 and is_number(state.typecode) and len(state.data) == item_size(state.typecode)
    ]


def slots_like_values(seen: Observed) -> list[Slot]:
    """The numbers in structures and unions, and the `value` of a manager's `Value` or `Namespace`."""
    slots = [
        _in_memory(seen, target, offset, size, read)
        for target, state in sorted(_memory(seen))
        if state.length < 0 and not is_number(state.typecode)
        for offset, size in _written(seen, target)
        for read in map(_by_format, _BY_SIZE.get(size, ()))
    ]
    return slots + [
        _managed(seen, target)
        for target, state in sorted(seen.execution.objects.items())
        if isinstance(state, ReferentState) and state.typeid in ("Value", "Namespace")
    ]


def _memory(seen: Observed) -> Iterator[tuple[ObjectId, MemoryState]]:
    return (
        (target, state) for target, state in seen.execution.objects.items() if isinstance(state, MemoryState)
    )


def _by_code(typecode: str) -> _Read:
    def read(data: bytes) -> Number | None:
        items = decode_items(typecode, data)
        return items[0] if items else None

    return read


def _by_format(layout: str) -> _Read:
    return lambda data: struct.unpack(layout, data)[0]


def _written(seen: Observed, target: ObjectId) -> list[tuple[int, int]]:
    """The ranges of memory, offset and size, that were each written at once."""
    ranges: dict[tuple[int, int], None] = {}
    for _, step in seen.steps(shared=target):
        if step.operation.kind is _KIND.MEMORY_WRITE:
            ranges[step.operation.offset, len(step.operation.data)] = None
    return list(ranges) if len(ranges) <= _MOST_RANGES else []


def _in_memory(seen: Observed, target: ObjectId, offset: int, size: int, read: _Read) -> Slot:
    state = _at_first(seen, target)
    now = bytearray(state.data[offset : offset + size]) if isinstance(state, MemoryState) else bytearray()
    history = []
    for number, step in seen.steps(shared=target):
        operation = step.operation
        before = read(bytes(now)) if len(now) == size else None
        if operation.kind is _KIND.MEMORY_WRITE and step.result is not None and step.result.ok:
            for place, byte in enumerate(operation.data, operation.offset - offset):
                if 0 <= place < size:
                    now[place] = byte
        elif operation.kind is not _KIND.MEMORY_READ or not _covers(
            operation.offset, operation.number, offset, size
        ):
            continue
        history.append((number, step, before, read(bytes(now)) if len(now) == size else None))
    return Slot(seen, history)


def _covers(first: int, length: int, offset: int, size: int) -> bool:
    return first <= offset and offset + size <= first + length


def _at_first(seen: Observed, target: ObjectId) -> object:
    known = seen.execution.initial.get(target)
    creation = seen.execution.creations.get(target)
    return BY_OBJECT[creation.kind].create(creation) if known is None and creation is not None else known


def _managed(seen: Observed, target: ObjectId) -> Slot:
    """A step's result has the content before it; what it was after it, the next step's result has, or the end."""
    steps = [
        (number, step)
        for number, step in seen.steps(shared=target)
        if step.result is not None and step.result.ok
    ]
    last: Any = seen.execution.objects[target]
    contents = [_value_in(step.result.data) for _, step in steps if step.result is not None]
    after = [*contents[1:], _value_in(last.data)]
    return Slot(seen, [(number, step, *pair) for (number, step), pair in zip(steps, zip(contents, after))])


def _value_in(data: bytes) -> Number | None:
    """The number that the attribute `value` has, in the content of a manager's `Value` or `Namespace`."""
    content = unpickle(data, references=True)
    if isinstance(content, tuple) and len(content) == 2:
        found = content[1]
    else:
        found = content.get("value") if isinstance(content, dict) else None
    return found if type(found) in (int, float) else None
