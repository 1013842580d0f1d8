"""The locks, conditions, events, barriers and queues of a manager: `threading`'s and `queue`'s, held by the judge.

Start at `MAKERS`. In CPython they live in the server, in one thread for each process that uses them; here they are the
judge's own primitives, with the error messages of `threading` and `queue`. So a recursive lock belongs to a process,
and an item is on a queue as soon as it was put: there is no feeder.
"""

import pickle
import queue
import threading
from collections.abc import Callable
from typing import Any

from grader.runtime.agent import channel, clock, referents, synchronize, uncontrolled
from grader.runtime.agent.internals import mp_context, mp_managers, mp_synchronize

_allocate = threading.Lock
_pickler = mp_context.reduction.ForkingPickler
_registered: Any = mp_managers.SyncManager._registry


class Service:
    """What answers the calls of a proxy; its attributes are what travels to other processes."""

    readable = False
    blocking: tuple[str, ...] = ()

    def __init__(self, manager: int, kind: str, **details: Any) -> None:
        self.manager = manager
        self.object = channel.current().create(kind, **details)

    def waits(self, name: str) -> bool:
        """Whether a method may have waited for something when the manager was gone."""
        return name in self.blocking

    def call(self, name: str, args: Any, kwds: Any) -> Any:
        """Call a method, as the server would."""
        if name == "#GETVALUE":
            raise mp_managers.RemoteError(f"Unserializable message: a {type(self).__name__}")
        return getattr(self, name)(*referents.copied(args), **kwds)

    def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """One operation of this object."""
        return channel.current().request(kind, object=self.object, **fields)

    def ask_timed(self, kind: str, timeout: Any, block: Any = True, **fields: Any) -> dict[str, Any]:
        """One operation that may give up waiting; time goes by if it does."""
        how = clock.waiting(block, timeout)
        answer = self.ask(kind, **how, **fields)
        if not answer.get("ok", True):
            clock.give_up(how, timeout)
        return answer


class Lock(Service):
    """`threading.Lock`."""

    blocking = ("acquire",)
    complaint: tuple[type[Exception], str] = (RuntimeError, "release unlocked lock")

    def acquire(self, blocking: Any = True, timeout: Any = -1) -> bool:
        """Take it; false if it was not to be had (in time)."""
        _allocate().acquire(blocking, timeout)  # complains about its arguments as ever
        return self._take(blocking, None if timeout == -1 else timeout)

    def _take(self, blocking: Any, timeout: Any) -> bool:
        return bool(self.ask_timed("lock.acquire", timeout, blocking).get("ok", True))

    def release(self) -> None:
        """Give it back. Raises what `threading`'s class raises if it is free."""
        if self.ask("lock.release").get("error"):
            kind, message = self.complaint
            raise kind(message)

    def locked(self) -> bool:
        return not self.ask("lock.value").get("number", 0)


class RLock(Lock):
    """`threading.RLock`, of which each process is one owner."""

    complaint = (RuntimeError, "cannot release un-acquired lock")


class Semaphore(Lock):
    """`threading.Semaphore`."""

    complaint = (ValueError, "Semaphore released too many times")

    def acquire(self, blocking: Any = True, timeout: Any = None) -> bool:
        """Take a unit; false if there was none (in time)."""
        if not blocking and timeout is not None:
            raise ValueError("can't specify timeout for non-blocking acquire")
        return self._take(blocking, timeout)


class Event(Service):
    """`threading.Event`."""

    blocking = ("wait",)

    def is_set(self) -> bool:
        return bool(self.ask("event.is_set").get("number", 0))

    def set(self) -> None:
        self.ask("event.set")

    def clear(self) -> None:
        self.ask("event.clear")

    def wait(self, timeout: Any = None) -> bool:
        """Wait until the flag is set; false if the time was up before that."""
        return bool(self.ask_timed("event.wait", timeout).get("ok", True))


class Condition(Service):
    """`threading.Condition`, which wakes its waiters in the order of waiting."""

    blocking = ("acquire", "wait")

    def __init__(self, manager: int, lock: Lock) -> None:
        self.lock = lock
        super().__init__(manager, "condition", lock=lock.object, simple=True)

    def acquire(self, *how: Any) -> bool:
        return self.lock.acquire(*how)

    def release(self) -> None:
        self.lock.release()

    def wait(self, timeout: Any = None) -> bool:
        """Let go of the lock until notified; false if the time was up before that."""
        answer = self.ask("condition.wait")
        if answer.get("error"):
            raise RuntimeError("cannot wait on un-acquired lock")
        awake = False
        try:
            awake = bool(self.ask_timed("condition.resume", timeout).get("ok", True))
        finally:
            for _ in range(int(answer.get("number", 1))):
                self.lock.acquire()
            if not awake:
                self.ask("condition.leave")
        return awake

    def notify(self, n: int = 1) -> None:
        """Wake the `n` that have waited longest. Raises RuntimeError unless the lock is held."""
        if self.ask("condition.notify", number=n).get("error"):
            raise RuntimeError("cannot notify on un-acquired lock")

    def notify_all(self) -> None:
        self.notify(-1)


class Queue(Service):
    """`queue.Queue`."""

    blocking = ("get", "put", "join")

    def put(self, item: Any, block: Any = True, timeout: Any = None) -> None:
        """Append an item. Raises Full."""
        self._check(block, timeout)
        data = bytes(_pickler.dumps(item))
        uncontrolled.check_size("an item on a queue", len(data))
        if not self.ask_timed("managed_queue.put", timeout, block, data=data).get("ok", True):
            raise queue.Full

    def get(self, block: Any = True, timeout: Any = None) -> Any:
        """Take the first item. Raises Empty."""
        self._check(block, timeout)
        answer = self.ask_timed("managed_queue.get", timeout, block)
        if not answer.get("ok", True):
            raise queue.Empty
        return pickle.loads(answer.get("data", b""))

    def _check(self, block: Any, timeout: Any) -> None:
        if block and timeout is not None and timeout < 0:
            raise ValueError("'timeout' must be a non-negative number")

    def put_nowait(self, item: Any) -> None:
        self.put(item, block=False)

    def get_nowait(self) -> Any:
        return self.get(block=False)

    def _look(self, what: str) -> int:
        return int(self.ask(f"managed_queue.{what}").get("number", 0))

    def qsize(self) -> int:
        return self._look("size")

    def empty(self) -> bool:
        return bool(self._look("empty"))

    def full(self) -> bool:
        return bool(self._look("full"))

    def task_done(self) -> None:
        """One item is done with. Raises ValueError if all are."""
        if self.ask("managed_queue.task_done").get("error"):
            raise ValueError("task_done() called too many times")

    def join(self) -> None:
        """Wait until all items are done with."""
        self.ask("managed_queue.join")

    def shutdown(self, immediate: Any = False) -> None:
        uncontrolled.announce("shutdown() of a manager's queue")


class Barrier:
    """`threading.Barrier`, over memory and a condition that the judge holds."""

    readable = False

    def __init__(self, manager: int, parties: int, timeout: Any) -> None:
        self.manager = manager
        fork = mp_context._concrete_contexts["fork"]
        barrier = mp_synchronize.Barrier(parties, None, timeout, ctx=fork)
        condition, memory = barrier._cond, barrier._wrapper
        self._parts = (parties, timeout, condition._object, condition._lock._semlock.handle, memory)
        self._barrier: Any = barrier

    def __getstate__(self) -> Any:
        return self.manager, self._parts

    def __setstate__(self, state: Any) -> None:
        self.manager, self._parts = state
        parties, timeout, condition, lock, memory = self._parts
        guard = synchronize.proxy_condition(condition, synchronize.proxy(lock, "RLock"))
        self._barrier = mp_synchronize.Barrier.__new__(mp_synchronize.Barrier)
        self._barrier.__setstate__((parties, None, timeout, guard, memory))

    def waits(self, name: str) -> bool:
        return name == "wait"

    def call(self, name: str, args: Any, kwds: Any) -> Any:
        """Call a method, or look at an attribute."""
        if name == "#GETVALUE":
            raise mp_managers.RemoteError("Unserializable message: a Barrier")
        method = getattr(self._barrier, args[0] if name == "__getattribute__" else name)
        return method if name == "__getattribute__" else method(*args, **kwds)


def _make_lock(cls: type[Lock], flavour: str) -> Callable[..., Any]:
    def make(manager: int, value: int = 1) -> Any:
        if value < 0:
            raise ValueError("semaphore initial value must be >= 0")
        return cls(manager, "lock", flavour=flavour, number=value), ()

    return make


def _make_condition(manager: int, lock: Any = None) -> Any:
    if lock is None:
        lock, _ = _make_lock(RLock, "RLock")(manager)
    else:
        lock = getattr(lock, "_id", None)
        if type(lock) is not Lock:
            uncontrolled.announce("a manager's Condition with something else than a manager's Lock")
    return Condition(manager, lock), ()


def _make_barrier(manager: int, parties: int, action: Any = None, timeout: Any = None) -> Any:
    if action is not None:
        uncontrolled.announce("the action of a manager's Barrier")
    if parties < 1:
        raise ValueError("parties must be >= 1")
    return Barrier(manager, parties, timeout), ()


def _make_event(manager: int) -> Any:
    return Event(manager, "event"), ()


def _make_queue(manager: int, maxsize: int = 0) -> Any:
    methods = tuple(mp_managers.public_methods(queue.Queue()))
    return Queue(manager, "managed_queue", number=max(0, maxsize)), methods


MAKERS: dict[Any, Callable[..., Any]] = {
    _registered["Lock"][0]: _make_lock(Lock, "Lock"),
    _registered["RLock"][0]: _make_lock(RLock, "RLock"),
    _registered["Semaphore"][0]: _make_lock(Semaphore, "Semaphore"),
    _registered["BoundedSemaphore"][0]: _make_lock(Semaphore, "BoundedSemaphore"),
    _registered["Condition"][0]: _make_condition,
    _registered["Event"][0]: _make_event,
    _registered["Barrier"][0]: _make_barrier,
    _registered["Queue"][0]: _make_queue,
}
"""What the classes that a `SyncManager` registers become; each gives a service and its public methods."""
UNCONTROLLED = (_registered["Pool"][0],)
