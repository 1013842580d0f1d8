"""What is inside a message: the items that it may carry, whatever they are wrapped in. Start at `Cargo`.

Messages come from the submission as pickles. They are read without executing anything, objects of own classes as
what they were made from (`grader.grading.values.Instance`), and compared by keys that are equal for equal plain data
only, types included.
"""

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

from grader.grading.values import OPAQUE, Instance, plain_pickle, unpickle

_DEEPEST = 12
_WRAPPED = 6
"""So deep an item may be wrapped."""
_MOST_PARTS = 50_000
_PICKLE = b"\x80"


class _TooMuchError(Exception):
    """A message is too large, or too deep, to be looked at."""


class Cargo:
    """The keys of everything in one message, that of the `whole`, and whether a part cannot be read (`opaque`)."""

    def __init__(self, data: bytes) -> None:
        self.keys: Counter[Hashable] = Counter()
        self.whole: Hashable = None
        self.opaque = False
        self._left = _MOST_PARTS
        try:
            value = unpickle(data, instances=True)
            self.whole = self._key(value, _DEEPEST)
            self._add(value, _WRAPPED)
        except (_TooMuchError, RecursionError):
            self.opaque = True

    def _add(self, value: Any, depth: int) -> None:
        self.keys[self._key(value, _DEEPEST)] += 1
        self.opaque = self.opaque or value is OPAQUE
        if isinstance(value, bytes) and value.startswith(_PICKLE):
            value = [unpickle(value, instances=True)]
        elif isinstance(value, bytes):
            self.opaque = True  # it may be anything, compressed perhaps
        for part in _parts(value) if depth else ():
            self._add(part, depth - 1)

    def _key(self, value: Any, depth: int) -> Hashable:
        self._left -= 1
        if self._left < 0 or not depth:
            raise _TooMuchError
        name = type(value).__name__
        if isinstance(value, Instance):
            return "instance", value.origin, tuple(self._key(part, depth - 1) for part in value.parts)
        if isinstance(value, dict):
            return name, frozenset(
                (self._key(key, depth - 1), self._key(part, depth - 1)) for key, part in value.items()
            )
        if isinstance(value, (list, tuple)):
            return name, tuple(self._key(part, depth - 1) for part in value)
        if isinstance(value, (set, frozenset)):
            return name, frozenset(self._key(part, depth - 1) for part in value)
        if isinstance(value, float) and math.isnan(value):
            return name, "nan"
        if value is None or isinstance(value, (int, float, str, bytes, bytearray, complex)):
            return name, bytes(value) if isinstance(value, bytearray) else value
        return "class", getattr(value, "origin", name)


def _parts(value: Any) -> Sequence[Any]:
    if isinstance(value, Instance):
        return value.parts
    if isinstance(value, dict):
        return [*value, *value.values()]
    return list(value) if isinstance(value, (list, tuple, set, frozenset)) else ()


def keys_of(items: Sequence[Any]) -> Iterator[Hashable]:
    """The keys that our own items have in messages."""
    for item in items:
        yield next(iter(Cargo(plain_pickle(item)).keys))
