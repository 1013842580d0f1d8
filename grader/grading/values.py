"""Between Python values and what crosses the trust boundary: the bytes of shared memory, and pickled items.

Start at `decode_memory` and `unpickle`. Pickles come from the submission, so they are read by an unpickler that
knows no globals at all: plain numbers, text, bytes and containers, or `OPAQUE`.
"""

import ctypes
import io
import itertools
import math
import pickle
import pickletools
import struct
import sys
from collections.abc import Sequence
from typing import Any

from grader.primitives.memory import MemoryState
from grader.runtime.agent.thing import Thing

_TYPES: dict[str, type[Any]] = {
    "c": ctypes.c_char,
    "u": ctypes.c_wchar,
    "b": ctypes.c_byte,
    "B": ctypes.c_ubyte,
    "h": ctypes.c_short,
    "H": ctypes.c_ushort,
    "i": ctypes.c_int,
    "I": ctypes.c_uint,
    "l": ctypes.c_long,
    "L": ctypes.c_ulong,
    "q": ctypes.c_longlong,
    "Q": ctypes.c_ulonglong,
    "f": ctypes.c_float,
    "d": ctypes.c_double,
}
_CHARACTER = "=I" if ctypes.sizeof(ctypes.c_wchar) == 4 else "=H"
"""A character as a plain number, for `struct`."""
_SIZE_LIMIT = 2**20
_TEXT_LIMIT = 60


class Opaque:
    """Stands for an item that is not made of plain data; equal to nothing but itself."""

    def __repr__(self) -> str:
        return "an object"


OPAQUE = Opaque()


def encode_memory(typecode: str, values: Sequence[Any]) -> bytes:
    """The bytes of a `Value` (one value) or an `Array`, as ctypes lays them out on this machine."""
    block = (_TYPES[typecode] * len(values))(*values)
    return bytes(block)


def counted_up(typecode: str, start: Any, times: int = 1) -> Any:
    """`start` after 1 was added so many times, each time as a variable of that type in C holds it."""
    value = _TYPES[typecode](start).value
    for _ in range(times):
        value = _TYPES[typecode](value + 1).value
    return value


def limits(typecode: str) -> tuple[int, int]:
    """The smallest and the largest number that an integer type holds."""
    bits = 8 * item_size(typecode)
    signed = _TYPES[typecode](-1).value < 0
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)


def item_size(typecode: str) -> int:
    """Bytes of one item."""
    return ctypes.sizeof(_TYPES[typecode])


def decode_items(typecode: str, data: bytes) -> list[Any] | None:
    """The items in `data`, None if its type is not one of the simple ones or the length does not fit.

    A number in the place of a character, which is none, is `OPAQUE`; Python refuses to read it.
    """
    kind = _TYPES.get(typecode)
    if kind is None or len(data) % ctypes.sizeof(kind):
        return None
    count = len(data) // ctypes.sizeof(kind)
    if kind is ctypes.c_wchar:
        numbers = (number for (number,) in struct.iter_unpack(_CHARACTER, data))
        return [chr(number) if number <= sys.maxunicode else OPAQUE for number in numbers]
    return list((kind * count).from_buffer_copy(data))


def decode_memory(state: MemoryState) -> Any:
    """The value of a `Value`, or the list of an `Array`'s items; `OPAQUE` where the type is not a simple one."""
    items = decode_items(state.typecode, state.data)
    if items is None:
        return OPAQUE
    if state.length >= 0:
        return items
    return items[0] if len(items) == 1 else OPAQUE


class Reference:
    """Stands for a manager's object inside another one."""

    def __repr__(self) -> str:
        return "a manager's object"


class _NoGlobals(pickle.Unpickler):
    """Knows no globals, and no references either."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        raise pickle.UnpicklingError("globals are not allowed")

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("references are not allowed")


class _WithReferences(_NoGlobals):
    """Here they stand for objects of a manager; nothing about them is believed."""

    def persistent_load(self, pid: Any) -> Any:
        return Reference()


THINGS = [Thing(7), Thing(7)]
"""Items of a class with its own `__eq__`. Pickles are read without globals, so those of one and of both are known."""
_BY_HEART: dict[bytes, Any] = {
    pickle.dumps(value, protocol): value
    for value in (THINGS[0], THINGS)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
}
_LONGEST_BY_HEART = 200


class Instance:
    """Stands for an object of a class that the judge does not have: what it was made from, in `parts`.

    Each class of the submission is a subclass of its own, with the name that the pickle gives in `origin`.
    """

    origin = ""
    parts: list[Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> "Instance":
        made = super().__new__(cls)
        made.parts = [*args, *kwargs.values()]
        return made

    def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    def __setstate__(self, state: Any) -> None:
        self.parts.append(state)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.parts.append((key, value))

    def append(self, part: Any) -> None:
        """What a pickle does with a class that is a list."""
        self.parts.append(part)


class _WithInstances(_WithReferences):
    """Here a global stands for itself, and calling it makes an `Instance`; nothing is looked up."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        return type("Instance", (Instance,), {"origin": f"{module_name}.{global_name}"})


def unpickle(data: bytes, *, references: bool = False, instances: bool = False) -> Any:
    """A pickled item made of plain data (or one of `THINGS`, or both), else `OPAQUE`. Never executes anything.

    With `references`, objects of a manager may be in it (`Reference`); with `instances`, those and objects of any
    class (`Instance`).
    """
    if len(data) > _SIZE_LIMIT * 16:
        return OPAQUE
    if not instances and len(data) < _LONGEST_BY_HEART and data in _BY_HEART:
        return _BY_HEART[data]
    try:
        if _may_explode(data):
            return OPAQUE
        reader = _WithInstances if instances else _WithReferences if references else _NoGlobals
        return reader(io.BytesIO(data)).load()
    except (
        pickle.UnpicklingError,
        ValueError,
        EOFError,
        IndexError,
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        MemoryError,
        RecursionError,
        struct.error,
    ):
        return OPAQUE


_HARMLESS = frozenset(
    {
        "SHORT_BINUNICODE",
        "BINUNICODE",
        "BINUNICODE8",
        "SHORT_BINBYTES",
        "BINBYTES",
        "BINBYTES8",
        "BYTEARRAY8",
        "EMPTY_LIST",
        "EMPTY_DICT",
        "EMPTY_SET",
        "FROZENSET",
    }
)
"""What is memoised right behind one of these is no tuple."""
_GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})
_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_MOST_REPEATS = 40


def _may_explode(data: bytes) -> bool:
    """Whether hashing what is in the pickle could take exponential time: tuples of the same tuples, as a key.

    With n repeats of tuples in all, hashing them takes no more than 3 ** (n / 3) times as long as without.
    """
    if not any(code in data for code in (b"h", b"j", b"g", b"2")):
        return False  # nothing is fetched from the memo, so nothing is repeated
    harmless: set[Any] = set()
    memoised = repeats = 0
    before = ""
    for opcode, argument, _ in pickletools.genops(data):
        name = opcode.name
        if name == "MEMOIZE" or name in _PUTS:
            place = memoised if name == "MEMOIZE" else argument
            memoised += 1
            (harmless.add if before in _HARMLESS else harmless.discard)(place)
        elif name == "DUP" or (name in _GETS and argument not in harmless):
            repeats += 1
        before = name
    return repeats > _MOST_REPEATS


def plain_pickle(value: Any) -> bytes:
    """A value of ours on its way to a task."""
    return pickle.dumps(value, protocol=4)


def same(got: Any, expected: Any) -> bool:
    """Whether `got` is `expected`, types included: `1`, `1.0` and `True` are three different things.

    `expected` is ours and bounded, and bounds the comparison; `got` may be anything that `unpickle` returns.
    """
    if type(got) is not type(expected):
        return False
    if isinstance(expected, (list, tuple)):
        return len(got) == len(expected) and all(same(a, b) for a, b in zip(got, expected))
    if isinstance(expected, dict):
        return len(got) == len(expected) and all(
            key in got and same(got[key], value) for key, value in expected.items()
        )
    if isinstance(expected, float) and math.isnan(expected):
        return math.isnan(got)
    return bool(got == expected)


def show(value: Any, limit: int = _TEXT_LIMIT) -> str:
    """A short text for a value; bounded in time and length even for nested and huge ones."""
    return _show_most(value, limit, _TEXT_LIMIT, 12)


def brief(value: Any) -> str:
    """As `show`, shorter: for a table in which a value is one among many."""
    return _show_most(value, _TEXT_LIMIT, 24, 6)


def tiny(value: Any) -> str:
    """As `show`, for one of many items: what it is can be told, its size cannot."""
    text = _show(value, 2, 8, 3)
    return text if len(text) <= 20 else f"{text[:19]}…"


def _show_most(value: Any, limit: int, characters: int, items: int) -> str:
    """The text, with the size of what is only shown in part behind it."""
    text = _show(value, 3, characters, items)
    size = _size(value) if len(text) > limit or _is_cut(value, characters, items) else ""
    if len(text) + len(size) <= limit:
        return text + size
    return f"{text[: limit - len(size) - 1]}…{size}" if len(size) < limit else f"{text[: limit - 1]}…"


def _is_cut(value: Any, characters: int, items: int) -> bool:
    longest = items if isinstance(value, (list, tuple, dict)) else characters
    return isinstance(value, (str, bytes, list, tuple, dict)) and len(value) > longest


def _size(value: Any) -> str:
    for types, noun in ((str, "characters"), (bytes, "bytes"), ((list, tuple, dict), "items")):
        if isinstance(value, types):
            return f" ({len(value):,} {noun})"
    return ""


def _show(value: Any, depth: int, characters: int, items: int) -> str:
    if isinstance(value, (str, bytes)):
        text = repr(value[:characters])
        return text if len(value) <= characters else f"{text[:-1]}…{text[-1]}"
    if isinstance(value, bool) or value is None or isinstance(value, (float, Opaque, Reference)):
        return repr(value)
    if isinstance(value, int):
        return repr(value) if value.bit_length() < 200 else "a huge number"
    if isinstance(value, (list, tuple)):
        if not depth:
            return "[…]"
        shown = ", ".join(_show(item, depth - 1, characters, items) for item in value[:items])
        more = ", …" if len(value) > items else ""
        return f"[{shown}{more}]" if isinstance(value, list) else f"({shown}{more})"
    if type(value) is dict:
        return _show_dict(value, depth, characters, items)
    return f"a {type(value).__name__}"


def _show_dict(value: dict[Any, Any], depth: int, characters: int, items: int) -> str:
    if not depth:
        return "{…}"
    shown = [
        f"{_show(key, depth - 1, characters, items)}: {_show(part, depth - 1, characters, items)}"
        for key, part in itertools.islice(value.items(), items)
    ]
    return f"{{{', '.join(shown)}{', …' if len(value) > items else ''}}}"
