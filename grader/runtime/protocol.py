"""What may come over a channel from the untrusted side, and the frames that carry it.

Start at `Wire.receive`: one frame, bounded, decoded against a schema. Whatever does not fit is `Malformed`, which
ends that execution and nothing else.
"""

import array
import json
import os
import select
import socket
import struct
import time
from contextlib import suppress
from typing import Annotated, TypeVar

import msgspec

from grader.core.operations import Creation, Operation, Update

_LENGTH = struct.Struct(">I")
_CHUNK = 65_536
MAX_FRAME = 64 * 2**20
MAX_CREATED = 10_000
MOST_CLOCK = 2**53
"""Milliseconds that a process can have lived by its own clock."""
_NOISE = 65_536
_QUIET = 0.05
_SEND_TIMEOUT = struct.pack("@ll", 60, 0)
"""Seconds and microseconds after which nobody reads any more: whoever waits for an answer takes it at once, or as soon
as it gets to run."""
_CREDENTIALS = struct.Struct("iII")
_ROOM_FOR_CREDENTIALS = socket.CMSG_LEN(_CREDENTIALS.size)
"""There must be no room for anything else: descriptors that are sent along would be opened in the judge."""

T = TypeVar("T")


class Message(msgspec.Struct, frozen=True):
    """What a task sends: the operation that it is about to do, and what has come up since its last one."""

    operation: Operation
    place: int = 0
    clock: Annotated[int, msgspec.Meta(ge=0, le=MOST_CLOCK)] = 0
    sources: int = 0
    created: Annotated[tuple[Creation, ...], msgspec.Meta(max_length=MAX_CREATED)] = ()
    updates: tuple[Update, ...] = ()
    out: str = ""
    err: str = ""


class Malformed(Exception):
    """The other side broke the protocol; `raw` is how its frame began."""

    def __init__(self, reason: str, raw: bytes = b"") -> None:
        super().__init__(reason)
        self.raw = raw


class Ended(Exception):
    """The other side has closed its end: its process is gone."""


class Silent(Exception):
    """Nothing came in time."""


MESSAGES = msgspec.json.Decoder(Message)
_ENCODER = msgspec.json.Encoder()


def _encoded(message: object) -> bytes:
    try:
        return _ENCODER.encode(message)
    except UnicodeEncodeError:  # the name of a file, or an argument, that is no UTF-8
        return json.dumps(msgspec.to_builtins(message)).encode("ascii")


class Wire:
    """The judge's end of one channel."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _SEND_TIMEOUT)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.senders: set[int] = set()
        """The process ids of all that have ever sent something, as the kernel says."""
        self.size = 0
        """Bytes of the last frame."""
        self.other_end = 0
        """The number that the system knows the socket at the other end by (0: unknown)."""
        self.waited = self.charged = 0.0
        """Seconds that were waited for frames since the process was looked at, and its CPU seconds by then."""
        self.heard = 0
        """Frames since then."""
        self._data = b""
        self._poll = select.poll()
        self._poll.register(sock.fileno(), select.POLLIN)

    def send(self, message: object, descriptor: int | None = None) -> None:
        """Send one frame, with a descriptor for the other side if given.

        Raises:
            Ended: nobody listens any more, or the other side does not read what it is sent.
        """
        body = _encoded(message)
        frame = _LENGTH.pack(len(body)) + body
        try:
            if descriptor is None:
                self._socket.sendall(frame)
            else:
                rights = array.array("i", [descriptor])
                sent = self._socket.sendmsg([frame], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
                self._socket.sendall(frame[sent:])
        except OSError as error:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)  # half a frame makes everything behind it worthless
            raise Ended from error

    def receive(self, decoder: "msgspec.json.Decoder[T]", seconds: float) -> T:
        """One decoded frame.

        Raises:
            Silent: it did not come in `seconds`; what came of it is kept.
            Ended: the process is gone.
            Malformed: the frame is too large, or not what the decoder expects.
        """
        deadline = time.monotonic() + seconds
        self._fill(_LENGTH.size, deadline)
        (size,) = _LENGTH.unpack_from(self._data)
        if size > MAX_FRAME:
            raise Malformed("a frame is too large", self._data[:_NOISE])
        self._fill(_LENGTH.size + size, deadline)
        self.size = size
        frame = self._data[_LENGTH.size : _LENGTH.size + size]
        self._data = self._data[_LENGTH.size + size :]
        try:
            return decoder.decode(frame)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise Malformed(str(error)[:200], frame[:_NOISE]) from error

    def _fill(self, size: int, deadline: float) -> None:
        if len(self._data) >= size:
            return
        parts, have = [self._data], len(self._data)
        try:
            while have < size:
                if not self._poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                    raise Silent
                data = self._receive()
                if not data:
                    raise Ended
                parts.append(data)
                have += len(data)
        except OSError as error:
            raise Ended from error
        finally:
            self._data = b"".join(parts)

    def _receive(self) -> bytes:
        """What has come from one process (see unix(7), SO_PASSCRED)."""
        data, ancillary, _, _ = self._socket.recvmsg(_CHUNK, _ROOM_FOR_CREDENTIALS)
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
                self.senders.add(_CREDENTIALS.unpack(content)[0])
        return data

    def noise(self, seconds: float) -> bytes:
        """Whatever comes, unframed and bounded: a stack that the interpreter writes, in small pieces.

        Ends once something came and then nothing more for a moment, or after `seconds`.
        """
        deadline = time.monotonic() + seconds
        try:
            while len(self._data) < _NOISE:
                left = deadline - time.monotonic()
                if not self._poll.poll(max(0.0, min(left, _QUIET) if self._data else left) * 1000):
                    break
                data = self._socket.recv(_CHUNK)
                if not data:
                    break
                self._data += data
        except OSError:
            pass
        return self._data[:_NOISE]

    @property
    def has_ended(self) -> bool:
        """Whether the other side is gone, and has left nothing to be read."""
        try:
            return not self._data and self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def forget(self) -> None:
        """Drop what has come and was not read as a frame."""
        self._data = b""

    def close(self) -> None:
        """Hang up: the other side's process ends."""
        self._socket.close()


def pair() -> tuple[Wire, socket.socket]:
    """A new channel: the judge's end, and the other end, to be passed on and closed."""
    own, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    wire = Wire(own)
    wire.other_end = os.fstat(other.fileno()).st_ino
    return wire, other
