"""The locks of `threading`, for a program that takes them where it needs those of `multiprocessing`. Start at `Lock`.

Threads are not controlled, so a process has only one, and each process has its own copy of such a lock: it never
keeps anybody out, which is what the real one would (not) do too. Only where the one thread would wait for itself
does it tell the judge, so that a wait without end is seen as one. `threading.Condition`, `Event`, `Semaphore` and
`queue.Queue` are built on this lock. A recursive lock cannot make its only thread wait and stays as it is.
"""

import queue
import threading
from typing import Any, NoReturn

from grader.runtime.agent import clock, synchronize
from grader.runtime.agent.internals import replace


class Lock:
    """`threading.Lock` of a process with one thread."""

    __module__ = "_thread"

    def __init__(self) -> None:
        self._locked = False

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take it; false if it is taken already, after the time-out if there is one."""
        if not blocking and timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        if timeout < 0 and timeout != -1:
            raise ValueError("timeout value must be a non-negative number")
        if not self._locked:
            self._locked = True
            return True
        if blocking and timeout < 0:
            wait_for_ever()
        if blocking:
            clock.pause(timeout)
        return False

    def release(self) -> None:
        """Give it back. Raises RuntimeError if it is free."""
        if not self._locked:
            raise RuntimeError("release unlocked lock")
        self._locked = False

    def locked(self) -> bool:
        return self._locked

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_details: object) -> None:
        self.release()

    def _at_fork_reinit(self) -> None:
        self._locked = False

    def __repr__(self) -> str:
        state = "locked" if self._locked else "unlocked"
        return f"<{state} _thread.lock object at {id(self):#x}>"

    def __reduce__(self) -> Any:
        raise TypeError("cannot pickle '_thread.lock' object")

    acquire_lock, release_lock, locked_lock = acquire, release, locked


Lock.__name__ = Lock.__qualname__ = "lock"


def wait_for_ever() -> NoReturn:
    """The only thread of this process waits for itself."""
    synchronize.never()


def install() -> None:
    """Replace the lock, and the queue that C code would make wait."""
    replace(threading, Lock=Lock, _allocate_lock=Lock)
    replace(queue, SimpleQueue=vars(queue)["_PySimpleQueue"])
