"""Files that are read: whoever reads one that another process has opened is told that this is not controlled.

A process that is forked has the open files of its parent, and the position in each is one for both of them. So it is
something shared that the judge does not see: a counter that is read and moved in one step. Start at `_opened`. A file
that a process opens itself is its own affair, and so is one whose content was read before the fork.
"""

import builtins
import functools
import io
import os
import stat
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from grader.runtime.agent import channel, clock, uncontrolled
from grader.runtime.agent.internals import replace

SHARED = "a file that another process has opened, and whose position they share"
_WITH_POSITION = ("lseek", "read", "readv", "sendfile", "copy_file_range", "splice", "fdopen", "dup", "dup2")
"""Functions of `os` that look at the position of a file, move it, or give it another number."""

_process = os.getpid
"""The system's, as long as nothing is replaced."""
_opener_of: dict[int, int] = {}
"""By descriptor: the process that has opened it, by its real number."""


def _opened(descriptor: int) -> None:
    """This process has opened a file."""
    _opener_of.pop(descriptor, None)
    if channel.exists() and stat.S_ISREG(os.fstat(descriptor).st_mode):
        _opener_of[descriptor] = _process()


def _check(descriptor: Any) -> None:
    """Announce the use of a file that another process has opened."""
    opener = _opener_of.get(descriptor) if isinstance(descriptor, int) else None
    if opener is not None and opener != _process() and channel.exists():
        uncontrolled.announce(SHARED)


class _Raw(io.FileIO):
    """The lowest part of a file object: what has a position."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._opener = _process()

    def _check(self) -> None:
        if self._opener != _process() and channel.exists():
            uncontrolled.announce(SHARED)

    def readinto(self, buffer: Any, /) -> Any:
        self._check()
        return super().readinto(buffer)

    def readall(self) -> Any:
        self._check()
        return super().readall()

    def read(self, size: int | None = -1, /) -> Any:
        self._check()
        return super().read(-1 if size is None else size)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._check()
        return super().seek(offset, whence)

    def tell(self) -> int:
        self._check()
        return super().tell()


_Raw.__name__ = _Raw.__qualname__ = "FileIO"
_Raw.__module__ = "_io"


def _noticing(real_open: Callable[..., Any]) -> Callable[..., Any]:
    """`open`, whose files know which process has opened them, where the program itself calls it."""

    def open(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        _check(file)
        opened = real_open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        if not _is_noticed(file, mode, opened, sys._getframe(1)):
            return opened
        opened.close()
        raw = _Raw(file, "r", True, opener)
        if buffering == 0:
            return raw
        buffered = io.BufferedReader(raw, buffering if buffering > 1 else io.DEFAULT_BUFFER_SIZE)
        if "b" in mode:
            return buffered
        text: Any = io.TextIOWrapper(buffered, opened.encoding, opened.errors, newline)
        text.mode = mode
        return text

    functools.update_wrapper(open, real_open, updated=())
    return open


def _is_noticed(file: Any, mode: str, opened: Any, caller: FrameType) -> bool:
    """Whether the program has opened a file to read it, that is, whether it may leave it open."""
    if not channel.exists() or isinstance(file, int) or set(mode) - set("rbt"):
        return False
    asks: FrameType | None = caller
    while asks is not None and asks.f_globals.get("__name__", "").partition(".")[0] == "pathlib":
        asks = asks.f_back
    is_file = stat.S_ISREG(os.fstat(opened.fileno()).st_mode)
    return is_file and asks is not None and not clock.from_library(asks.f_code.co_filename)


def _noticing_descriptors(real_open: Callable[..., int]) -> Callable[..., int]:
    """`os.open`, likewise."""

    @functools.wraps(real_open, updated=())
    def open(*args: Any, **kwargs: Any) -> int:
        descriptor = real_open(*args, **kwargs)
        _opened(descriptor)
        return descriptor

    return open


def _checking(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function, assigned=("__name__", "__qualname__", "__doc__", "__module__"), updated=())
    def checked(*args: Any, **kwargs: Any) -> Any:
        for value in args[:2]:
            _check(value)
        return function(*args, **kwargs)

    return checked


def _closing(close: Callable[[int], None]) -> Callable[[int], None]:
    @functools.wraps(close, updated=())
    def closing(fd: int) -> None:
        close(fd)
        _opener_of.pop(fd, None)

    return closing


def install() -> None:
    """Replace what opens files, and what works on descriptors."""
    replace(io, open=_noticing(io.open))
    replace(builtins, open=io.open)
    replace(os, open=_noticing_descriptors(os.open), close=_closing(os.close))
    for name in _WITH_POSITION:
        if hasattr(os, name):
            replace(os, **{name: _checking(getattr(os, name))})
