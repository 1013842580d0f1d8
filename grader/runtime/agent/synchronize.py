"""Locks, semaphores, conditions and events whose state the judge holds. Start at `SemLock`.

Python's `Lock`, `RLock`, `Semaphore` and `BoundedSemaphore` are thin covers of one C type, so replacing that type
keeps everything else about them as it is in each version. What a semaphore counts is in the judge; how often this
process took it (`_count`) is local knowledge, as it is in the C type. `Barrier` is Python's own, over memory that
the judge holds (see `memory.BufferWrapper`).
"""

import math
import multiprocessing.synchronize
import operator
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from grader.runtime.agent import channel, clock
from grader.runtime.agent.internals import c_multiprocessing, mp_context, mp_synchronize, mp_util, replace

NO_OBJECT = -(2**62)
RECURSIVE = 0
SEM_VALUE_MAX: int = c_multiprocessing.SemLock.SEM_VALUE_MAX
_TOO_OFTEN = "semaphore or lock released too many times"
_NOT_OWNED = "attempt to release recursive lock not owned by thread"


class SemLock:
    """`_multiprocessing.SemLock`: one counter, or one recursive mutex, of which the judge keeps the value."""

    SEM_VALUE_MAX = SEM_VALUE_MAX
    name = None

    def __init__(self, kind: int, value: int, maxvalue: int, name: str, unlink: bool) -> None:
        value = operator.index(value)
        if max(value, maxvalue) > SEM_VALUE_MAX:
            raise OverflowError("Python int too large to convert to C int")
        if value < 0:
            raise OSError(22, "Invalid argument")
        flavour = _flavour(kind, value, maxvalue)
        self._be(channel.current().create("lock", flavour=flavour, number=value), kind, maxvalue)

    def _be(self, handle: int, kind: int, maxvalue: int) -> None:
        self.handle = handle
        self.kind = kind
        self.maxvalue = maxvalue
        self._taken = 0
        self._last = -1
        """The task that took it last."""

    @classmethod
    def _rebuild(cls, handle: int, kind: int, maxvalue: int, name: str | None) -> "SemLock":
        """The same object in another process."""
        self = cls.__new__(cls)
        self._be(handle, kind, maxvalue)
        return self

    def acquire(self, block: Any = True, timeout: float | None = None) -> bool:
        """Take it; false if it was not to be had (in time)."""
        how = clock.waiting(block, timeout)
        here = channel.current()
        answer = here.request("lock.acquire", object=self.handle, **how)
        if answer.get("ok", True):
            self._taken += 1
            self._last = here.task
            return True
        clock.give_up(how, timeout)
        return False

    def release(self) -> None:
        """Give it back. Raises AssertionError (a recursive lock of another) or ValueError (more than was taken)."""
        if self.kind == RECURSIVE and not self._is_mine():
            raise AssertionError(_NOT_OWNED)
        error = channel.current().request("lock.release", object=self.handle).get("error")
        if error == "not-owner":
            raise AssertionError(_NOT_OWNED)
        if error:
            raise ValueError(_TOO_OFTEN)
        self._taken -= 1
        if not self._taken:
            self._last = -1

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_details: object) -> None:
        self.release()

    def _get_value(self) -> int:
        answer = channel.current().request("lock.value", object=self.handle)
        return int(answer.get("number", 0))

    def _is_zero(self) -> bool:
        return self._get_value() == 0

    def _is_mine(self) -> bool:
        return self._taken > 0 and self._last == channel.current().task

    def _count(self) -> int:
        return self._taken

    def _after_fork(self) -> None:
        self._taken = 0


def _flavour(kind: int, value: int, maxvalue: int) -> str:
    if kind == RECURSIVE:
        return "RLock"
    if maxvalue == SEM_VALUE_MAX:
        return "Semaphore"
    return "Lock" if value == maxvalue == 1 else "BoundedSemaphore"


def controlled(lock: object) -> SemLock | None:
    """The controlled lock inside one of `multiprocessing`'s, None for anything else."""
    inside = getattr(lock, "_semlock", None)
    return inside if isinstance(inside, SemLock) else None


FORK_CHECKED = "_is_fork_ctx" in mp_synchronize.SemLock.__init__.__code__.co_names


def assert_spawning(name: str, forked: bool = False) -> None:
    """Objects may be pickled only for a process that is being started, and not from a fork context to another.

    Raises RuntimeError otherwise, in the words of this version of Python; `name` is the class that it names.
    """
    mp_context.assert_spawning(type(name, (), {})())
    if forked and FORK_CHECKED:
        raise RuntimeError(
            "A SemLock created in a fork context is being shared with a process in a spawn context. This is "
            "not supported. Please use the same context to create multiprocessing objects and Process."
        )


class Condition(multiprocessing.synchronize.Condition):
    """A condition whose sleepers the judge keeps; the lock is any of `multiprocessing`'s."""

    __module__ = "multiprocessing.synchronize"
    _object: int
    _lock: Any
    _make_methods: Callable[[], None]

    def __init__(self, lock: Any = None, *, ctx: Any) -> None:
        self._lock = lock or ctx.RLock()
        inside = controlled(self._lock)
        guard = inside.handle if inside else NO_OBJECT
        self._object = channel.current().create("condition", lock=guard)
        self._make_methods()

    def __getstate__(self) -> Any:
        assert_spawning(type(self).__name__)
        return self._lock, self._object

    def __setstate__(self, state: Any) -> None:
        self._lock, self._object = state
        self._make_methods()

    def wait(self, timeout: float | None = None) -> bool:
        """Let go of the lock until notified; false if the time was up before that."""
        assert self._lock._semlock._is_mine(), "must acquire() condition before using wait()"
        error = channel.current().request("condition.wait", object=self._object).get("error")
        assert not error, "must acquire() condition before using wait()"
        depth, self._lock._semlock._taken = self._lock._semlock._taken, 0
        try:
            return self._sleep(timeout)
        finally:
            for _ in range(depth):
                self._lock.acquire()

    def _sleep(self, timeout: float | None) -> bool:
        here = channel.current()
        awake = False
        try:
            how = clock.waiting(True, timeout)
            answer = here.request("condition.resume", object=self._object, **how)
            awake = bool(answer.get("ok", True))
        finally:
            if not awake:
                here.request("condition.leave", object=self._object)
        if not awake:
            clock.give_up(how, timeout)
        return awake

    def notify(self, n: int = 1) -> None:
        """Wake `n` sleepers. Raises AssertionError unless the lock is held."""
        assert self._lock._semlock._is_mine(), "lock is not owned"
        woken = 0
        number = (-1 if n >= sys.maxsize else math.ceil(n)) if woken < n else woken
        error = channel.current().request("condition.notify", object=self._object, number=number).get("error")
        assert not error, "lock is not owned"

    def _sleepers(self) -> int:
        answer = channel.current().request("condition.sleepers", object=self._object)
        return int(answer.get("number", 0))

    @property
    def _sleeping_count(self) -> Any:
        return _Count(self._sleepers)

    @property
    def _woken_count(self) -> Any:
        return _Count(lambda: 0)

    _wait_semaphore = _woken_count


class _Count:
    """What can be asked of the semaphores of Python's `Condition`, for its `__repr__` and for tests."""

    def __init__(self, get_value: Callable[[], int]) -> None:
        self.get_value = self._get_value = get_value
        self._semlock = self


CLEARING = ("clear",)
may_be_cleared = True
"""Whether an event may be cleared after it was set: whether the program mentions that."""


class Event(multiprocessing.synchronize.Event):
    """A flag that the judge keeps."""

    __module__ = "multiprocessing.synchronize"
    _object: int

    def __init__(self, *, ctx: Any) -> None:
        self._forked = ctx.get_start_method() == "fork"
        self._object = channel.current().create("event")

    def __getstate__(self) -> Any:
        assert_spawning("Condition", self._forked)
        return self._object

    def __setstate__(self, state: Any) -> None:
        self._object, self._forked = state, False

    def is_set(self) -> bool:
        answer = channel.current().request("event.is_set", object=self._object)
        return bool(answer.get("number", 0))

    def set(self) -> None:
        channel.current().request("event.set", object=self._object)

    def clear(self) -> None:
        channel.current().request("event.clear", object=self._object)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the flag is set; false if the time was up before that, or it was set and cleared again."""
        how, here = clock.waiting(True, timeout), channel.current()
        if may_be_cleared and not how and here.request("event.enter", object=self._object).get("ok", True):
            return True
        answer = here.request("event.wait", object=self._object, **how)
        if answer.get("ok", True):
            return True
        clock.give_up(how, timeout)
        return False


def _unnamed() -> str:
    return "/mp-controlled"  # no semaphore of the system stands behind it, so its name need not be unique


def install() -> None:
    """Replace the C type and the classes that the judge knows as a whole."""
    replace(c_multiprocessing, SemLock=SemLock)
    replace(mp_synchronize.SemLock, _make_name=staticmethod(_unnamed))
    replace(mp_synchronize, Condition=Condition, Event=Event)


def proxy(object: int, flavour: str = "Lock", number: int = 1) -> Any:
    """The lock or semaphore `object` that the judge made, as a scenario passes it in.

    `flavour` is a class name of `multiprocessing.synchronize`, `number` the first value of a semaphore.
    """
    cls: Any = getattr(mp_synchronize, flavour)
    lock = cls.__new__(cls)
    most = SEM_VALUE_MAX if flavour == "Semaphore" else number
    lock.__setstate__((object, RECURSIVE if flavour == "RLock" else 1, most, None))
    _register(lock)
    return lock


def proxy_event(object: int) -> Event:
    """The event `object` that the judge made."""
    event = Event.__new__(Event)
    event.__setstate__(object)
    return event


def proxy_condition(object: int, lock: Any) -> Condition:
    """The condition `object` that the judge made, with its lock (a proxy as well)."""
    condition = Condition.__new__(Condition)
    condition.__setstate__((lock, object))
    return condition


def _forget(lock: Any) -> None:
    lock._semlock._after_fork()


def _register(lock: Any) -> None:
    """Forks start with no lock taken. (`__init__` does this by itself.)"""
    mp_util.register_after_fork(lock, _forget)


def never(**made: int) -> NoReturn:
    """Wait for a lock that nobody will release; `made` may say in which `line` it was made."""
    here = channel.current()
    here.request("lock.acquire", object=here.create("lock", flavour="Lock", number=0, **made))
    raise RuntimeError("a lock that nobody holds was released")
