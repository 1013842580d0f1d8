"""A cheap fork: without the interpreter's hooks, which touch, and so copy, hundreds of pages in every child.

Start at `fork`. The hooks reset what a second thread could have held (few processes of ours have one), seed `random`
from the system's entropy (we want it determined), and call what `os.register_at_fork` was given: as soon as student
code registers anything there, it is the interpreter's own fork again. `attempt`, `refuse` and `guarded` are what
template, runner and hosts do about every fork.
"""

import ctypes
import errno
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from grader.runtime.agent import channel, room

_real_fork = os.fork
_leave = os._exit
_real_register = os.register_at_fork
_libc_fork: Any = ctypes.PyDLL(None).fork
_hooks = False


def fork() -> int:
    """As `os.fork`, by the shortest way."""
    if _hooks or channel.several() or threading.active_count() > 1:
        return _real_fork()
    pid = int(_libc_fork())
    if pid < 0:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return pid


def attempt(fork: Callable[[], int]) -> int | None:
    """What `fork` returns, None if there is no room for another process."""
    try:
        return fork()
    except OSError as error:
        if room.refuses(error):
            return None
        raise


def refuse(given: int, task: int, why: str = room.NO_ROOM) -> None:
    """There is no process for the task with this channel, so somebody else has to say it in its place."""
    its_own = channel.of(given, task)
    its_own.send({"operation": {"kind": "agent.uncontrolled", "line": 0, "text": why}})


def guarded(body: Callable[[], None]) -> None:
    """Run `body` and leave; an error of ours is told on stderr, never carried on with."""
    try:
        body()
    except BaseException:
        if os.environ.get("GRADER_DEBUG"):
            sys.__excepthook__(*sys.exc_info())
        _leave(room.BROKEN)
    _leave(0)


def _register_at_fork(**functions: Any) -> None:
    """`os.register_at_fork`, which from then on is heeded."""
    global _hooks
    _real_register(**functions)
    _hooks = True


def install() -> None:
    """Notice hooks from now on."""
    os.register_at_fork = _register_at_fork
