"""What one process of a free run tells the one above it: one frame, a length and JSON, read with a bound."""

import json
import os
import struct
from collections.abc import Mapping
from typing import Any

CLAIM_LIMIT = 2**20
_LENGTH = struct.Struct(">I")
_CHUNK = 65_536


def send(descriptor: int, message: Mapping[str, Any]) -> None:
    """Write one frame: a length and JSON."""
    body = json.dumps(message).encode("ascii")
    data = memoryview(_LENGTH.pack(len(body)) + body)
    while data:
        data = data[os.write(descriptor, data) :]


class Frame:
    """Collects one frame from a descriptor, bounded."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._data = b""
        self.ended = False

    def read(self) -> None:
        """Take what is there; call it when the descriptor is ready."""
        data = os.read(self.descriptor, _CHUNK)
        self._data += data
        self.ended = self.ended or not data or len(self._data) > CLAIM_LIMIT + _LENGTH.size

    @property
    def complete(self) -> bool:
        """Whether the whole frame is here."""
        if len(self._data) < _LENGTH.size:
            return False
        (size,) = _LENGTH.unpack_from(self._data)
        return len(self._data) >= int(size) + _LENGTH.size

    def message(self) -> dict[str, Any] | None:
        """What it says; None if it is not complete, or not what `send` makes."""
        if not self.complete:
            return None
        try:
            found = json.loads(self._data[_LENGTH.size : _LENGTH.size + _LENGTH.unpack_from(self._data)[0]])
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None
