"""The locks of `threading`, and all that is built on them. Start at `Lock`.

`Condition`, `Event`, `Semaphore`, `Barrier` and `queue.Queue` are Python's own, over this lock; so is `RLock`, in the
variant that is written in Python. As long as a process has only one thread, such a lock is its own affair: it never
keeps anybody out, and only where the one thread would wait for itself is the judge told, so that a wait without end is
seen as one. From the first thread on that it starts, the judge keeps the lock, from its first use on, and the process
knows its state as well: in a forked child, which has only one thread, it is the child's own affair again.
"""

import functools
import queue
import sys
import threading
from concurrent.futures import thread as futures_thread
from types import FrameType
from typing import Any

from grader.runtime.agent import channel, clock, frames, synchronize
from grader.runtime.agent.channel import Channel
from grader.runtime.agent.internals import replace

_NOBODY = -1
_real_allocate = threading.Lock
_c_thread: Any = sys.modules["_thread"]


class Lock:
    """`threading.Lock`."""

    __module__ = "_thread"

    def __init__(self) -> None:
        self._locked = False
        self._object = 0
        self._known_in = _NOBODY
        """The process whose judge's object `_object` is."""
        self._holder = _NOBODY
        """The task that took it, if the judge keeps it."""
        self._line = frames.line()
        self._moment = _moment() if channel.several() else None
        self._wakes_at = _condition(sys._getframe(1)) if self._moment else None
        """The lock of the condition at which a thread waits that this lock is there to wake up."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take it; false if it is taken already, after the time-out if there is one."""
        if not blocking and timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        if timeout < 0 and timeout != -1:
            raise ValueError("timeout value must be a non-negative number")
        here = self._kept_by_judge() if channel.several() else None
        if here is None and not self._locked:
            self._locked = True
            return True
        if channel.several():
            return self._ask(here or self._register(), blocking, timeout)
        if blocking and timeout < 0:
            synchronize.never(line=self._line)  # the only thread of this process waits for itself
        if blocking:
            clock.pause(timeout)
        return False

    def _kept_by_judge(self) -> Channel | None:
        """The channel by which the judge is asked; None while nobody else can have seen this lock."""
        here = channel.current()
        if self._known_in == here.process:
            return here
        return None if self._moment == _moment() else self._register()

    def _register(self) -> Channel:
        here = channel.current()
        free = int(not self._locked)
        waits = self._wakes_at
        at = {"lock": waits._object} if waits is not None and waits._known_in == here.process else {}
        self._object = here.create("lock", flavour="Lock", number=free, line=self._line, simple=True, **at)
        self._known_in, self._holder = here.process, _NOBODY
        return here

    def _ask(self, here: Channel, blocking: bool, timeout: float) -> bool:
        limit = None if timeout < 0 else timeout
        how = clock.waiting(blocking, limit)
        answer = here.request("lock.acquire", object=self._object, **how)
        if answer.get("ok", True):
            self._locked, self._holder = True, here.task
            return True
        clock.give_up(how, limit)
        return False

    def release(self) -> None:
        """Give it back. Raises RuntimeError if it is free."""
        here = self._kept_by_judge() if channel.several() else None
        free = not self._locked
        if here is not None:
            free = bool(here.request("lock.release", object=self._object).get("error"))
        if free:
            raise RuntimeError("release unlocked lock")
        self._locked, self._holder = False, _NOBODY

    def locked(self) -> bool:
        here = self._kept_by_judge() if channel.several() else None
        if here is None:
            return self._locked
        return not here.request("lock.value", object=self._object).get("number", 0)

    def _is_owned(self) -> bool:
        """Whether it is taken, which is what `Condition` asks. The holder need not ask the judge."""
        if channel.several() and self._holder != channel.current().task:
            return self.locked()
        return self._locked

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_details: object) -> None:
        self.release()

    def _at_fork_reinit(self) -> None:
        self._locked, self._known_in = False, _NOBODY

    def __repr__(self) -> str:
        state = "locked" if self._locked else "unlocked"
        return f"<{state} _thread.lock object at {id(self):#x}>"

    def __reduce__(self) -> Any:
        raise TypeError("cannot pickle '_thread.lock' object")

    acquire_lock, release_lock, locked_lock = acquire, release, locked


Lock.__name__ = Lock.__qualname__ = "lock"


def _condition(caller: FrameType) -> Lock | None:
    """The lock of the condition that `caller` waits at, if that is what it does."""
    if caller.f_code is not threading.Condition.wait.__code__:
        return None
    lock = caller.f_locals["self"]._lock
    lock = getattr(lock, "_block", lock)
    return lock if isinstance(lock, Lock) else None


class _Quiet(Lock):
    """The lock of all `ThreadPoolExecutor`s, which is taken at the end of every program, executors or not."""

    def _kept_by_judge(self) -> Channel | None:
        used = self._known_in != _NOBODY or futures_thread._threads_queues
        return super()._kept_by_judge() if used else None


def _moment() -> tuple[int, int, int]:
    """Equal as long as no other thread has run meanwhile."""
    here = channel.current()
    return here.process, here.task, here.asked


def _allocate() -> Any:
    """`_thread.allocate_lock`; the lock of a module that is being imported stays Python's."""
    importing = sys._getframe(1).f_globals.get("__name__", "").startswith("importlib")
    return _real_allocate() if importing else Lock()


def _refuse_pickling(self: Any) -> Any:
    raise TypeError("cannot pickle '_thread.RLock' object")


def install() -> None:
    """Replace the lock, and what C code would make wait."""
    recursive: Any = vars(threading)["_PyRLock"]
    replace(recursive, __reduce__=_refuse_pickling, __module__="_thread", __qualname__="RLock")
    replace(threading, Lock=Lock, _allocate_lock=Lock, _CRLock=None)
    replace(_c_thread, allocate_lock=_allocate, allocate=_allocate)
    replace(functools, RLock=recursive)
    replace(queue, SimpleQueue=vars(queue)["_PySimpleQueue"])
    replace(futures_thread, _global_shutdown_lock=_Quiet())
