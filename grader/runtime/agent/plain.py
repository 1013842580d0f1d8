"""Plain values as JSON can carry them, without loss and without any type of the sender's own.

Start at `encode` and `decode`. `None`, booleans, numbers, text and lists stand for themselves, everything else is an
object with one key: `tuple`, `bytes`, `dict`, `int` (a large one), `float` (no finite one), or `opaque`, a short text
about something that is not plain. Only exact types are plain: an `int` of a subclass may lie about its value.
"""

import binascii
import math
from collections.abc import Callable
from typing import Any

_DEPTH = 40
_NODES = 50_000
_TEXT = 200_000
_EXACT_BITS = 53
_SHOWN = 200


class TooLargeError(Exception):
    """The value has too many parts, or too large ones."""


class _Encoder:
    """Encodes one value; counts what it has cost so far."""

    def __init__(self) -> None:
        self._nodes = _NODES
        self._room = _TEXT

    def encode(self, value: Any, depth: int = 0) -> Any:
        kind = type(value)
        self._nodes -= 1
        if self._nodes < 0 or depth > _DEPTH:
            raise TooLargeError
        if value is None or kind is bool:
            return value
        if kind is int:
            return value if value.bit_length() <= _EXACT_BITS else {"int": self._text(hex(value))}
        if kind is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if kind is str:
            return self._text(value) if _is_text(value) else {"opaque": ascii(value[:_SHOWN])}
        if kind is bytes:
            return {"bytes": self._text(binascii.b2a_base64(value, newline=False).decode("ascii"))}
        return self._container(kind, value, depth + 1)

    def _text(self, text: str) -> str:
        self._room -= len(text)
        if self._room < 0:
            raise TooLargeError
        return text

    def _container(self, kind: type, value: Any, depth: int) -> Any:
        if kind is list:
            return [self.encode(item, depth) for item in value]
        if kind is tuple:
            return {"tuple": [self.encode(item, depth) for item in value]}
        if kind is dict:
            pairs = [[self.encode(key, depth), self.encode(item, depth)] for key, item in value.items()]
            return {"dict": pairs}
        return {"opaque": describe(value)}


def encode(value: Any) -> Any:
    """`value` as JSON; what is not plain, or too large, becomes `opaque`."""
    try:
        return _Encoder().encode(value)
    except TooLargeError:
        return {"opaque": f"a {type(value).__name__} too large to look at"}


def decode(value: Any, opaque: Callable[[str], Any] | None = None) -> Any:
    """The plain value that `encode` was given; `opaque` makes something of what was not plain.

    Raises:
        ValueError: it was not plain, or this is not what `encode` makes.
    """
    try:
        return _decode(value, opaque)
    except (TypeError, RecursionError, OverflowError) as error:
        raise ValueError(f"not a plain value: {error}") from None


def _decode(value: Any, opaque: Callable[[str], Any] | None) -> Any:
    if isinstance(value, list):
        return [_decode(item, opaque) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((kind, content),) = value.items()
        if kind == "tuple" and isinstance(content, list):
            return tuple(_decode(item, opaque) for item in content)
        if kind == "dict" and isinstance(content, list):
            return {_decode(key, opaque): _decode(item, opaque) for key, item in content}
        if isinstance(content, str):
            if kind == "opaque" and opaque is not None:
                return opaque(content)
            if kind in _FROM_TEXT:
                return _FROM_TEXT[kind](content)
    raise ValueError(f"not a plain value: {str(value)[:_SHOWN]}")


_FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "bytes": binascii.a2b_base64,
    "int": lambda text: int(text, 16),
    "float": float,
}


def describe(value: Any) -> str:
    """A short text about any object. Runs the object's own `__repr__`, and believes nothing of it."""
    try:
        name = type(value).__name__
        text = repr(value)
    except BaseException:
        return "an object that cannot be shown"
    return f"{clean(str(name), 60)}: {clean(text, _SHOWN)}"


def clean(text: str, limit: int) -> str:
    """Bounded text without lone surrogates, which no decoder of JSON takes."""
    return text[:limit].encode("utf-8", "backslashreplace").decode("utf-8")


def _is_text(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
