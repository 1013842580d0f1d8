"""Whether the items that a pipeline returned went through its processes, as the trace shows it.

The caller has the items from the beginning, so that it returns them says nothing. Each has to have been put on a
queue by one process, taken from it by another and sent on by that one, and to have reached the caller. Start at
`passed_on` and `has_received`. An item may be wrapped: numbered, in an object, pickled once more, in a batch of what
one consumer has taken. What wraps all items at once says nothing about any of them.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from grader.core.operations import ObjectId, OperationKind, Step, TaskId
from grader.core.verdict import FindingKind
from grader.grading.cargo import Cargo, keys_of
from grader.grading.expect import wrong
from grader.grading.flaws import Flaw
from grader.grading.observed import NOT_RETURNED, Observed
from grader.grading.values import show

_KIND = OperationKind
_PUTS = (_KIND.QUEUE_PUT, _KIND.MANAGED_QUEUE_PUT)
_GETS = (_KIND.QUEUE_GET, _KIND.MANAGED_QUEUE_GET)
_SENDS = (*_PUTS, _KIND.PIPE_SEND, _KIND.POOL_DONE)
_RECEIVES = (*_GETS, _KIND.PIPE_RECEIVE, _KIND.POOL_RESULT, _KIND.POOL_NEXT)
_OBJECTS = (_KIND.REFERENT_READ, _KIND.REFERENT_CHANGE)
_ALL = 3
"""A message with all of at least so many different items is no wrapped item (a number may be equal to an item)."""
_UNMISTAKABLE = 4
"""Letters of a text that is nothing but an item."""

_Keys: TypeAlias = "Counter[Hashable]"


class _Moved(NamedTuple):
    """A message that a process has put on an object, or taken from it."""

    process: TaskId
    object: ObjectId
    keys: _Keys
    whole: Hashable


def has_received(seen: Observed, main: TaskId, items: Sequence[Any], call: str) -> list[Flaw]:
    """Every item that `main` returned it has got from the other processes, as often as it is among them."""
    if seen.returned(main) is NOT_RETURNED or not items:
        return []
    wanted = list(keys_of(items))
    received: _Keys = Counter()
    in_objects: dict[ObjectId, _Keys] = {}
    opaque = False
    for _, step in seen.steps(task=main):
        kind, data = step.operation.kind, _received(step)
        opaque = opaque or kind is _KIND.MEMORY_READ
        if data is None:
            continue
        cargo = _cargo(data)
        opaque = opaque or cargo.opaque
        if kind in _OBJECTS:
            found = in_objects.setdefault(step.operation.object, Counter())
            found |= cargo.keys
        else:
            received += cargo.keys
    for found in in_objects.values():
        received += found
    missing = _missing(wanted, received, items)
    if not missing:
        return []
    if opaque:
        return [_doubt(f"{call} returned {show(missing[0])}, but how that has reached its process")]
    return [
        wrong(f"{call} returned {show(missing[0])}, but its process has never got that from another one.")
    ]


def passed_on(seen: Observed, main: TaskId, items: Sequence[Any], call: str) -> list[Flaw]:
    """Every item was put on a queue by one process that `main` started, and taken from it and sent on by another."""
    if seen.returned(main) is NOT_RETURNED or not items:
        return []
    moves = _Moves(seen, main, list(keys_of(items)))
    missing = _missing(moves.wanted, moves.handed_on(), items)
    if not missing and moves.taken >= len(items):
        return []
    missing = missing or list(items)
    if moves.opaque:
        return [_doubt(f"{call} returned {show(missing[0])}, but what its processes hand on")]
    if moves.containers:
        what = "but a message with all items in it does not show whether each of them"
        return [_doubt(f"{call} returned {show(missing[0])}, {what}", " has gone through the processes")]
    message = (
        f"{call} returned {show(missing[0])}, but no consumer has got that from a producer and put it on."
    )
    return [wrong(message)]


def _doubt(message: str, end: str = "") -> Flaw:
    advice = (
        "Put each item on the queue by itself, as it is, and let the consumers do the same with the results."
    )
    return Flaw(FindingKind.INCONCLUSIVE, f"{message}{end} cannot be judged. {advice}")


def _missing(wanted: Sequence[Hashable], there: _Keys, items: Sequence[Any]) -> list[Any]:
    left = Counter(there)
    missing = []
    for key, item in zip(wanted, items):
        if left[key] <= 0:
            missing.append(item)
        left[key] -= 1
    return missing


class _Moves:
    """The messages of the processes that `main` has started, as far as they may carry one of the `wanted` items."""

    def __init__(self, seen: Observed, main: TaskId, wanted: list[Hashable]) -> None:
        self.wanted = wanted
        self.opaque = self.containers = False
        self.taken = 0
        """How many messages with an item in it some process has taken that another one has put."""
        self._different = set(wanted)
        self._puts: list[_Moved] = []
        self._gets: list[_Moved] = []
        self._sent: list[_Moved] = []
        for step in seen.execution.trace:
            child = seen.child_above(step.task, main)
            if child is not None and step.result is not None and step.result.ok:
                self._note(child, step)

    def _note(self, child: TaskId, step: Step) -> None:
        operation, kind = step.operation, step.operation.kind
        self.opaque = self.opaque or kind is _KIND.MEMORY_WRITE
        if kind in _GETS and step.result is not None:
            self._gets.append(self._moved(child, operation.object, step.result.data))
        elif kind in _SENDS or kind is _KIND.REFERENT_CHANGE:
            moved = self._moved(child, operation.object, operation.data)
            self._sent.append(moved)
            if kind in _PUTS:
                self._puts.append(moved)

    def _moved(self, child: TaskId, target: ObjectId, data: bytes) -> _Moved:
        cargo = _cargo(data)
        self.opaque = self.opaque or cargo.opaque
        keys = {key: cargo.keys[key] for key in self._different & cargo.keys.keys()}
        return _Moved(child, target, Counter(keys), cargo.whole)

    def handed_on(self) -> _Keys:
        """How often each item was taken from a queue, on which another process had put it, and sent on."""
        givers: dict[tuple[ObjectId, Hashable], set[TaskId]] = {}
        for put in self._puts:
            for key in put.keys if not self._is_container(put) else ():
                givers.setdefault((put.object, key), set()).add(put.process)
        carried: dict[TaskId, _Keys] = {}
        sources: dict[TaskId, set[ObjectId]] = {}
        for got in self._gets:
            keys = [key for key in got.keys if givers.get((got.object, key), set()) - {got.process}]
            if keys:
                self.taken += 1
                carried.setdefault(got.process, Counter()).update(keys)
                sources.setdefault(got.process, set()).add(got.object)
        total: _Keys = Counter()
        for process, keys_taken in carried.items():
            total += keys_taken & self._sent_on(process, sources[process], keys_taken)
        return total

    def _is_container(self, put: _Moved) -> bool:
        everything = len(self._different) >= _ALL and put.keys.keys() == self._different
        self.containers = self.containers or everything
        return everything

    def _sent_on(self, process: TaskId, sources: set[ObjectId], carried: _Keys) -> _Keys:
        """What a process has sent, the most over any one way; a way on which it says more than it knows is none."""
        ways: dict[ObjectId, list[_Moved]] = {}
        for sent in self._sent:
            if sent.process == process and sent.object not in sources:
                ways.setdefault(sent.object, []).append(sent)
        most: _Keys = Counter()
        for target, messages in ways.items():
            keys: _Keys = Counter()
            for message in messages:
                keys.update(message.keys)
            on_queue = any(put.object == target for put in self._puts)
            if on_queue and (self._exceed(keys, carried) or any(map(self._is_made_up, messages))):
                self.containers = True
            else:
                most |= keys
        return most

    def _exceed(self, keys: _Keys, carried: _Keys) -> bool:
        return any(_is_unmistakable(key) and keys[key] > carried[key] for key in keys)

    def _is_made_up(self, sent: _Moved) -> bool:
        """Whether this is a list of more items than the process has taken messages, and none of these."""
        if not (isinstance(sent.whole, tuple) and sent.whole[0] == "list"):
            return False
        taken = [got for got in self._gets if got.process == sent.process]
        parts = sent.whole[1]
        known = any(got.whole == sent.whole for got in taken)
        return not known and len(parts) > len(taken) and self._different.issuperset(parts)


def _is_unmistakable(key: Hashable) -> bool:
    """Whether this is an item wherever it is found, and not a number that something else may be equal to."""
    return isinstance(key, tuple) and key[0] == "str" and len(str(key[1])) >= _UNMISTAKABLE


def _received(step: Step) -> bytes | None:
    """What a step has brought, pickled; None if it has brought nothing."""
    if step.result is None or not step.result.ok or step.operation.kind not in (*_RECEIVES, *_OBJECTS):
        return None
    return step.result.data


@lru_cache(maxsize=512)
def _cargo_kept(data: bytes) -> Cargo:
    return Cargo(data)


def _cargo(data: bytes) -> Cargo:
    """What is in a message; the same messages come in every order, so that those that are small are kept."""
    return _cargo_kept(data) if len(data) < 2_000 else Cargo(data)
