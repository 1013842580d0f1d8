"""How results and rolls are kept and passed on: compressed JSON. Start at `pack`."""

import zlib
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from grader.errors import UsageError

T = TypeVar("T")


def pack(thing: msgspec.Struct) -> bytes:
    """`thing` as bytes. What is no Unicode is replaced: a submission may hold half a surrogate pair."""
    try:
        plain = msgspec.json.encode(thing)
    except UnicodeEncodeError:
        plain = msgspec.json.encode(_repaired(msgspec.to_builtins(thing)))
    return zlib.compress(plain)


def unpack(packed: bytes, kind: type[T], source: Path) -> T:
    """What `pack` was given.

    Raises:
        UsageError: `source`, where it comes from, is damaged.
    """
    try:
        return msgspec.json.decode(zlib.decompress(packed), type=kind)
    except (zlib.error, TypeError, ValueError, RecursionError, msgspec.DecodeError) as error:
        raise UsageError(f"{source} is damaged ({error}); put it aside and grade again") from None


def is_whole(packed: bytes) -> bool:
    """Whether nothing has happened to what `pack` gave: it holds a checksum."""
    try:
        zlib.decompress(packed)
    except (zlib.error, TypeError):
        return False
    return True


def _repaired(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_repaired(key): _repaired(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_repaired(entry) for entry in value]
    return value
