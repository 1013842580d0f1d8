"""`Pipe` and `Connection`, over messages that the judge holds. Start at `Connection`.

The class is Python's own down to the single message (its checks and error texts are those of each version); sending,
receiving and closing are operations. The descriptor is a number that means nothing to the system: whoever reads,
writes or selects on it is told that this is not controlled. Waiting (`poll` is a wait) is in `waiting`.

A connection that nobody refers to any more is closed, as Python does, at the very moment; only what the collector of
reference cycles finds it finds at no determined time, so that is announced.
"""

import functools
import gc
import io
import os
import selectors
from collections.abc import Callable
from typing import Any

from grader.runtime.agent import channel, uncontrolled
from grader.runtime.agent.internals import mp_connection, mp_context, replace

_FIRST_HANDLE = 2**40
_WITH_DESCRIPTORS = (
    *("read", "readv", "pread", "preadv", "write", "writev", "pwrite", "pwritev", "sendfile", "splice"),
    *("close", "dup", "dup2", "fdopen", "fstat", "set_blocking", "get_blocking", "lseek", "isatty"),
    *("set_inheritable", "get_inheritable"),
)
_ERRORS: dict[str, Callable[[], Exception]] = {
    "bad-handle": lambda: OSError(9, "Bad file descriptor"),
    "broken-pipe": lambda: BrokenPipeError(32, "Broken pipe"),
    "connection-reset": lambda: ConnectionResetError(104, "Connection reset by peer"),
    "cut-off": lambda: OSError("got end of file during message"),
    "end-of-file": EOFError,
}
_TOO_LONG = "too-long"

_real_pipe: Any = mp_connection.Pipe
_open: set[int] = set()
"""The handles that are open in this process."""
_collecting = False


def end_behind(handle: object) -> int:
    """The pipe end (`operations.end_target`) behind the number of a descriptor, -1 if it is none of ours."""
    return handle - _FIRST_HANDLE if isinstance(handle, int) and handle >= _FIRST_HANDLE else -1


def open_handles() -> frozenset[int]:
    """What this process has open."""
    return frozenset(_open)


class Connection(mp_connection.Connection):  # type: ignore[misc]
    """One end of a pipe."""

    __module__ = "multiprocessing.connection"
    _handle: int | None

    def __init__(self, handle: Any, readable: bool = True, writable: bool = True) -> None:
        super().__init__(handle, readable, writable)
        if end_behind(self._handle) >= 0:
            _open.add(handle)
        elif channel.exists():
            self._handle = None
            uncontrolled.announce("multiprocessing.connection.Connection() of a file descriptor")

    def __del__(self) -> None:
        if self._handle is None or not channel.exists():
            return
        if _collecting:
            channel.current().overlooked = "closing a Connection by the collection of a reference cycle"
        else:
            self._close()

    def _ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Make an operation on this end. Raises what the real call would raise."""
        pipe, end = divmod(end_behind(self._handle), 2)
        answer = channel.current().request(kind, object=pipe, number=end, **fields)
        error = answer.get("error")
        if error in _ERRORS:
            raise _ERRORS[error]()
        if error and error != _TOO_LONG:
            uncontrolled.announce("receiving from a pipe after an incomplete message")
        return answer

    def _close(self, *_unused: Any) -> None:
        _open.discard(self._handle or 0)
        self._ask("pipe.close")

    def _send_bytes(self, buf: Any) -> None:
        data = bytes(buf)
        uncontrolled.check_size("a message in a pipe", len(data))
        if self._ask("pipe.send", data=data).get("number", 0):
            self._ask("pipe.finish")

    def _recv_bytes(self, maxsize: int | None = None) -> io.BytesIO | None:
        answer = self._ask("pipe.receive", offset=0 if maxsize is None else maxsize + 1)
        if answer.get("error"):
            return None
        received = io.BytesIO()
        received.write(answer.get("data", b""))
        return received


def Pipe(duplex: bool = True) -> tuple[Any, Any]:
    """Returns pair of connection objects at either end of a pipe"""
    if not channel.exists():
        return _real_pipe(duplex)  # type: ignore[no-any-return]
    if _note_collections not in gc.callbacks:
        gc.callbacks.append(_note_collections)
    pipe = channel.current().create("pipe", simple=not duplex)
    first = Connection(_FIRST_HANDLE + 2 * pipe, writable=bool(duplex))
    return first, Connection(_FIRST_HANDLE + 2 * pipe + 1, readable=bool(duplex))


def _note_collections(phase: str, info: object) -> None:
    global _collecting
    _collecting = phase == "start"


def _reduce(connection: Connection) -> Any:
    """Hand a connection to a process that is being started with pickled arguments."""
    handle = connection.fileno()
    starting = mp_context.get_spawning_popen()
    if starting is None:
        uncontrolled.announce("sending a Connection to a running process")
    starting.ends.append(end_behind(handle))
    return Connection, (handle, connection.readable, connection.writable)


def _guarded(name: str, original: Any) -> Any:
    @functools.wraps(original, assigned=("__name__", "__qualname__", "__doc__", "__module__"), updated=())
    def guard(*args: Any, **kwargs: Any) -> Any:
        if any(end_behind(value) >= 0 or isinstance(value, Connection) for value in args[:2]):
            uncontrolled.announce(f"{name}() on a Connection")
        return original(*args, **kwargs)

    return guard


def install() -> None:
    """Replace the two names, and guard what works on descriptors."""
    replace(mp_connection, Connection=Connection, Pipe=Pipe)
    mp_context.reduction.register(Connection, _reduce)
    for name in _WITH_DESCRIPTORS:
        if hasattr(os, name):
            setattr(os, name, _guarded(f"os.{name}", getattr(os, name)))
    base: Any = vars(selectors)["_BaseSelectorImpl"]
    for name in ("register", "unregister"):
        setattr(base, name, _guarded(f"selectors.{name}", getattr(base, name)))


Connection.__qualname__ = "Connection"
