"""A cheap fork: without the interpreter's hooks, which touch, and so copy, hundreds of pages in every child.

Start at `fork`. The hooks reset what a second thread could have held (few processes of ours have one), seed `random`
from the system's entropy (we want it determined), and call what `os.register_at_fork` was given: as soon as student
code registers anything there, it is the interpreter's own fork again.
"""

import ctypes
import errno
import os
import threading
from typing import Any

from grader.runtime.agent import channel

_real_fork = os.fork
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


def _register_at_fork(**functions: Any) -> None:
    """`os.register_at_fork`, which from then on is heeded."""
    global _hooks
    _real_register(**functions)
    _hooks = True


def install() -> None:
    """Notice hooks from now on."""
    os.register_at_fork = _register_at_fork
