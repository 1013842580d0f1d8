"""`multiprocessing.shared_memory` whose blocks the judge holds. Start at `SharedMemory`.

`buf` is a view in place of a `memoryview` (`Window`). `ShareableList` stays Python's own: all that it does goes through
`SharedMemory` and `struct`, whose functions know windows from here on. So a look at one of its items is several reads,
as it is in Python.
"""

import multiprocessing.resource_tracker
import multiprocessing.shared_memory
import os
import struct
import sys
from typing import Any

from grader.runtime.agent import channel, uncontrolled
from grader.runtime.agent.internals import mp_process, replace
from grader.runtime.agent.views import Block
from grader.runtime.agent.window import Window

_module: Any = multiprocessing.shared_memory
_tracker: Any = multiprocessing.resource_tracker
_Real: Any = _module.SharedMemory
_CAN_TRACK = sys.version_info >= (3, 13)
_tracked = False


class SharedMemory(_Real):  # type: ignore[misc]
    """A named block of bytes."""

    __module__ = "multiprocessing.shared_memory"
    _block: Block

    def __init__(self, name: str | None = None, create: bool = False, size: int = 0, **how: Any) -> None:
        self._track = how.pop("track", True) if _CAN_TRACK else True
        if how:
            raise TypeError(f"SharedMemory.__init__() got an unexpected keyword argument {next(iter(how))!r}")
        if not size >= 0:
            raise ValueError("'size' must be a positive integer")
        if create and size == 0:
            raise ValueError("'size' must be a positive number different from zero")
        if name is None and not create:
            raise ValueError("'name' can only be None if create=True")
        if create:
            self._create(name, size)
        else:
            self._attach(f"/{name}")
        if self._track:
            _track()
        self._window = Window(self._block, 0, self._size)
        self._buf: Any = self._window

    def _create(self, name: str | None, size: int) -> None:
        uncontrolled.check_size("shared memory", size)
        here = channel.current()
        target = here.create("memory", typecode="B", number=size, length=size)
        path = f"/psm_{target:08x}" if name is None else f"/{name}"
        if here.request("shm.create", object=_NAMES, text=_whole(path), targets=[target]).get("error"):
            raise FileExistsError(17, os.strerror(17), path)
        self._name, self._size, self._block = path, size, Block(target)

    def _attach(self, path: str) -> None:
        answer = channel.current().request("shm.attach", object=_NAMES, text=_whole(path))
        if answer.get("error"):
            raise FileNotFoundError(2, os.strerror(2), path)
        self._name, self._block = path, Block(int(answer.get("number", 0)))
        self._size = int(answer["numbers"][0])

    def close(self) -> None:
        """This process uses the block no more. Raises BufferError if a part of `buf` is still in use."""
        if self._buf is not None:
            self._buf.release()
            self._buf = None
        if "_window" in vars(self):
            if self._window.is_exported():
                raise BufferError("cannot close exported pointers exist")
            del self._window  # not so if it fails: then the interpreter tries again at the end

    def unlink(self) -> None:
        """Nobody can attach to the block any more. Raises FileNotFoundError if that was done already."""
        if channel.current().request("shm.unlink", object=_NAMES, text=_whole(self._name)).get("error"):
            raise FileNotFoundError(2, os.strerror(2), self._name)


_NAMES = 2**62
_WITH_GAPS = memoryview(bytearray(4))[::2]
"""What no function of `struct` takes: each has its own words for that."""


def _whole(path: str) -> str:
    """A name without the character that ends a name in C (before Python 3.13, the rest of it was ignored)."""
    if "\0" in path:
        raise ValueError("embedded null character")
    return path


def _track() -> None:
    """Python's resource tracker starts with the first block of a process, and goes on in all its children.

    That of a forked child alone would remove the child's blocks when the child ends.
    """
    global _tracked
    if not _tracked and mp_process.parent_process() is not None and not _spawned():
        uncontrolled.announce("shared memory first used in a forked child, whose end would remove it")
    _tracked = True


def _spawned() -> bool:
    """Whether this process was started clean: then it has the tracker of its parent."""
    return getattr(sys.modules.get("__main__"), "__name__", "") == "__mp_main__"


def _nothing(*_details: Any) -> None:
    """Nobody tracks what only the judge has."""


def _with_windows(name: str) -> Any:
    """A function of `struct` that reads or writes the part of a window that it needs, in one operation."""
    original = getattr(struct, name)

    def function(layout: Any, /, *args: Any, **kwargs: Any) -> Any:
        buffer = args[0] if args else kwargs.get("buffer")
        if not isinstance(buffer, Window):
            return original(layout, *args, **kwargs)
        if not buffer.contiguous:
            return original(layout, _WITH_GAPS, *args[1:])
        if name == "unpack":
            return original(layout, buffer.tobytes())
        rest = args[1:]
        offset = rest[0] if rest else kwargs.get("offset", 0)
        scratch = bytearray(buffer.nbytes)
        done = original(
            layout, scratch, *rest, **({} if rest else {"offset": offset})
        )  # as ever, if it fails
        first = offset if offset >= 0 else len(scratch) + offset
        part = slice(first, first + struct.calcsize(layout))
        if name == "pack_into":
            buffer.write(part.start, bytes(scratch[part]))
            return done
        return struct.unpack(layout, buffer.read(part.start, part.stop - part.start))

    function.__name__ = function.__qualname__ = name
    return function


def install() -> None:
    """Replace the class, and what looks after forgotten blocks."""
    replace(_module, SharedMemory=SharedMemory)
    replace(_tracker, register=_nothing, unregister=_nothing)
    replace(struct, **{name: _with_windows(name) for name in ("pack_into", "unpack_from", "unpack")})
