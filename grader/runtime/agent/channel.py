"""The task's end of its channel to the judge: announce an operation, wait, go on with the answer.

One channel belongs to one task: a process, or one of its threads. Of all the tasks of a program only one runs at a
time, so there is a `current` one: that of the task that was answered last. A frame is a big-endian 32-bit length and
that many bytes of JSON, both ways. Start at `Channel.request`. Whatever goes wrong with the channel ends this process
at once and silently: the judge has closed it because the execution is over, or because this process was killed.
"""

import array
import binascii
import json
import os
import select
import socket
import struct
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from grader.runtime.agent import frames

_LENGTH = struct.Struct(">I")
_CHUNK = 65_536
_SHORT = 4_096
_FD_SPACE = socket.CMSG_SPACE(array.array("i", [0]).itemsize)
OBJECTS_PER_TASK = 2**20
OUTPUT_LIMIT = 16_384
NAME_LIMIT = 1_000

# What `json.dumps` and `json.loads` come down to, without what they set up anew for every call: each page of memory
# that a freshly forked process touches is copied, and there are many such processes.
_encode: Any = json.encoder.c_make_encoder(  # type: ignore[attr-defined]
    None, repr, json.encoder.encode_basestring_ascii, None, ":", ",", False, False, False
)
_scan: Any = json.scanner.make_scanner(json.JSONDecoder())  # type: ignore[attr-defined]

_UNCONTROLLED = "agent.uncontrolled"
_WAITS = frozenset(
    {
        *("lock.acquire", "event.wait", "condition.resume", "queue.get", "queue.join"),
        *(
            "process.join",
            "process.wait",
            "thread.join",
            "pipe.send",
            "pipe.finish",
            "pipe.receive",
            "pipe.wait",
        ),
    }
)
"""What waits without end, unless it says that it does not, or has a time limit."""
_NO_GAIN = frozenset(
    {
        *("memory.read", "lock.acquire", "lock.release", "lock.value", "event.is_set", "condition.sleepers"),
        *("queue.empty", "queue.full", "queue.size", "process.poll", "process.children", "thread.poll"),
        *("managed_queue.empty", "managed_queue.full", "managed_queue.size", "referent.read", "time.sleep"),
    }
)
"""What a task may do again and again while it waits, besides what fails."""

THREAD_EXIT = "thread.exit"
FIRST_IDENT = 140_000_000_000_000
_BETWEEN_IDENTS = 8_392_704

DESCRIPTOR = 200
"""Where a controlled process has its channel."""

_leave, _dup2, _close = os._exit, os.dup2, os.close  # student code may replace the public names
_Socket = socket.socket


class ManagerGoneError(Exception):
    """The manager that was to do an operation has been shut down."""


class Channel:
    """A task's channel; `task` is its number, `process` that of its process (the same but for further threads).

    `objects` counts the shared objects that it has made.

    `asked` counts the requests, `gained` those that got it further than a round of waiting would, and `manager` is the
    one that operates for this process at the moment, if any.
    `at_end` is called before this process ends because nobody listens any more.
    """

    def __init__(self, sock: socket.socket, task: int, at_end: Callable[[], object] | None = None) -> None:
        self._socket = sock
        self.at_end = at_end
        self.ident = FIRST_IDENT
        """What `threading.get_ident` says."""
        self._kept: list[Any] = []
        """What the parts named in `of_each_thread` know of this thread while another one runs."""
        self._written: dict[str, list[str]] = {"out": [], "err": []}
        self.begin(task)

    def begin(self, task: int) -> None:
        """Be the channel of a task that has just begun."""
        self.task = self.process = task
        self.threads: list[Any] = []
        """The threads that this process has started, in order; kept by its first one."""
        self.joined: set[int] = set()
        """The threads that this task has seen end."""
        self.objects = 0
        self.asked = self.gained = 0
        self.manager: int | None = None
        self._updates: list[dict[str, Any]] = []
        self.started: list[Any] = []
        """The children that the task has started, as `alike` remembers them."""
        self._created: list[dict[str, Any]] = []
        self._written["out"].clear()
        self._written["err"].clear()
        self._room = OUTPUT_LIMIT
        self._pending_fd = -1
        self._rest = b""
        self.alone = ""
        """What is going on in this process that must not use anything shared, if something is."""
        self.duty = ""
        """What it would mean if this process waited without end now, if that is out of our control."""
        self.overlooked = ""
        """What is not controlled and was met where it could not be announced."""

    def create(self, kind: str, **fields: Any) -> int:
        """A new shared object; the judge hears of it with the next request. Returns its id."""
        number = (self.task + 1) * OBJECTS_PER_TASK + self.objects
        self.objects += 1
        self._created.append(_plain({"object": number, "kind": kind, "line": frames.line(), **fields}))
        return number

    def update(self, target: int, data: bytes) -> None:
        """The new content of a manager's object, which goes along with the next request."""
        self._updates.append(_plain({"object": target, "data": data}))

    def request(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Announce one operation, wait until the judge lets it happen, return its result.

        `fields` are those of `grader.core.operations.Operation`; bytes are encoded here. The place in the program goes
        along, so that a task that comes back to it in vain can be told from one that gets on.

        Raises:
            ManagerGoneError: the operation is a manager's, and that was shut down.
        """
        endless = kind in _WAITS and fields.get("block", True) and not fields.get("timed")
        refused = self.overlooked or self.alone or (self.duty if endless else "")
        if refused and kind != _UNCONTROLLED:
            kind, fields = _UNCONTROLLED, {"text": refused}
        line, place = frames.line_and_place()
        answer = self._ask({"kind": kind, "line": line, **fields}, place)
        self.gained += kind not in _NO_GAIN and answer.get("ok", True)
        return answer

    def write(self, stream: str, text: str) -> None:
        """Keep what the task printed on `out` or `err` (bounded) until the next request takes it along."""
        if self._room > 0:
            text = text[: self._room]
            self._room -= len(text)
            self._written[stream].append(text)

    def _ask(self, operation: dict[str, Any], place: int) -> dict[str, Any]:
        message: dict[str, Any] = {"operation": _plain(operation), "place": place, "clock": clock()}
        self.asked += 1
        if self.manager is not None:
            message["operation"]["manager"] = self.manager
        if self._updates:
            message["updates"], self._updates = self._updates, []
        if self._created:
            message["created"], self._created = self._created, []
        if sources:
            message["sources"] = _told()
        for stream, texts in self._written.items():
            if texts:
                message[stream] = _text("".join(texts))
                texts.clear()
        self.send(message)
        answer = self.receive()
        if _several and _current is not self and operation["kind"] != THREAD_EXIT:
            self._take_over()
        if answer.get("error") == "manager-gone":
            raise ManagerGoneError
        return answer

    def _take_over(self) -> None:
        """This thread runs now."""
        global _current
        if _current is not None:
            _current._keep()
        for (_, enter), value in zip(of_each_thread, self._kept):
            enter(value)
        _current = self

    def _keep(self) -> None:
        self._kept = [leave() for leave, _ in of_each_thread]

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one frame; this process ends if nobody listens any more."""
        body = "".join(_encode(message, 0)).encode("ascii")
        try:
            self._socket.sendall(_LENGTH.pack(len(body)) + body)
        except OSError:
            self._end()

    def fileno(self) -> int:
        """The descriptor, to wait for it."""
        return self._socket.fileno()

    def ready(self, seconds: float) -> bool:
        """Whether a frame, or the end, has come within this time."""
        return bool(self._rest) or bool(select.select([self._socket], [], [], seconds)[0])

    def receive(self) -> dict[str, Any]:
        """Wait for one frame; a descriptor that came with it can be had from `take_descriptor`."""
        try:
            data = bytearray(self._rest or self._first_bytes())
            while len(data) < _LENGTH.size:
                data += self._more()
            size = _LENGTH.unpack_from(data)[0] + _LENGTH.size
            while len(data) < size:
                data += self._more()
        except OSError:
            self._end()
        self._rest = bytes(data[size:])
        answer: dict[str, Any] = _scan(data[_LENGTH.size : size].decode("utf-8"), 0)[0]
        if "data" in answer:
            answer["data"] = binascii.a2b_base64(answer["data"])
        return answer

    def _first_bytes(self) -> bytes:
        data, ancillary, _, _ = self._socket.recvmsg(_SHORT, _FD_SPACE)
        if not data:
            self._end()
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                self._pending_fd = array.array("i", content)[0]
        return data

    def _more(self) -> bytes:
        data = self._socket.recv(_CHUNK)
        if not data:
            self._end()
        return data

    def _end(self) -> NoReturn:
        if self.at_end is not None:
            self.at_end()
        _leave(0)

    def take_descriptor(self) -> int:
        """The descriptor that came with the last answer: a new process's end of its own channel."""
        descriptor, self._pending_fd = self._pending_fd, -1
        return descriptor

    def close(self) -> None:
        """Let go of the channel (in a new child, of its parent's)."""
        self._socket.close()


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields as JSON can carry them: bytes in base64, characters that are no text replaced."""
    for name, value in fields.items():
        if isinstance(value, bytes):
            fields[name] = binascii.b2a_base64(value, newline=False).decode("ascii")
        elif isinstance(value, str):
            fields[name] = _text(value)
        elif isinstance(value, dict):
            fields[name] = _plain(dict(value))
    return fields


def _text(value: str) -> str:
    """Lone surrogates are no characters, and no decoder of JSON takes them."""
    return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode("utf-8")


sources = 0
"""What the running task has asked since its last request, as bits (see `draws`)."""


def _told() -> int:
    global sources
    told, sources = sources, 0
    return told


_current: Channel | None = None
_first: Channel | None = None
_others: list[Channel] = []
_several = False
_ever = False
of_each_thread: list[tuple[Callable[[], Any], Callable[[Any], None]]] = []
"""What each thread has for itself though it is kept in a module: how to get it, and how to set it."""


def clock() -> int:
    """Milliseconds by the clock of the thread that runs; `clock` of the agent replaces it."""
    return 0


def exists() -> bool:
    """Whether this process is controlled at all."""
    return _current is not None


def current() -> Channel:
    """The channel of the task that runs."""
    if _current is None:
        raise RuntimeError("this process has no channel to the judge")
    return _current


def of(descriptor: int, task: int) -> Channel:
    """The channel of another task, to be used and closed by the owner of `descriptor`."""
    return Channel(_Socket(fileno=os.dup(descriptor)), task)


def adopt(descriptor: int, task: int) -> Channel:
    """Make `descriptor` this process's channel, in place of the one inherited from its parent.

    It moves to `DESCRIPTOR`, where it is in every process: so a fork has as little as possible to set up anew. Of
    several threads only the one that forked is there afterwards, as the first.
    """
    global _current, _first, _several
    for other in _others:
        other.close()
    _others.clear()
    _several = False
    if descriptor != DESCRIPTOR:
        _dup2(descriptor, DESCRIPTOR, False)
        _close(descriptor)
    if _first is None:
        _first = Channel(_Socket(fileno=DESCRIPTOR), task)
    else:
        _first.begin(task)
    if _current is not None:
        _first.ident = _current.ident
    _current = _first
    return _first


def of_thread(descriptor: int, task: int) -> Channel:
    """The channel of a thread that this process is about to start."""
    global _several, _ever
    _several = _ever = True
    here = current()
    thread = Channel(_Socket(fileno=descriptor), task)
    thread.process = here.process
    thread.ident = FIRST_IDENT + task * _BETWEEN_IDENTS
    here._keep()
    thread._kept = list(here._kept)
    _others.append(thread)
    return thread


def forget_thread(thread: Channel) -> None:
    """That thread has announced its end."""
    _others.remove(thread)
    thread.close()


def first() -> Channel:
    """The channel of this process's first thread."""
    assert _first is not None
    return _first


def several() -> bool:
    """Whether this process has ever started a thread."""
    return _several


def had_threads() -> bool:
    """Whether this process, or one of those that it is a fork of, has ever started a thread."""
    return _ever


def exchange(new: Channel | None) -> Channel | None:
    """Make `new` this process's channel and return the one it had, open."""
    global _current
    old, _current = _current, new
    return old
