"""Queues whose contents the judge holds. Start at `Queue`.

An item is pickled where it is put and unpickled where it is taken; the judge moves it through buffer and pipe as
the feeder thread would.
"""

import multiprocessing.queues
import pickle
from collections.abc import Callable
from queue import Empty, Full
from typing import Any

from grader.runtime.agent import channel, clock, synchronize, uncontrolled
from grader.runtime.agent.internals import mp_context, mp_queues, mp_util, replace

_pickler = mp_context.reduction.ForkingPickler


def _dumps(item: Any) -> bytes:
    data = bytes(_pickler.dumps(item))
    uncontrolled.check_size("an item on a queue", len(data))
    return data


class _End:
    """One end of a queue's pipe, which only the judge has: any use of it is out of our control."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        uncontrolled.announce(f"{self._name}.{attribute}")


class _Base:
    """What all queues share: their number, and how they travel to a process that is being started."""

    _object: int
    _forked: bool
    _closed: bool

    def _create(self, maxsize: int, ctx: Any, simple: bool) -> None:
        self._forked = ctx.get_start_method() == "fork"
        self._object = channel.current().create("queue", number=maxsize, simple=simple)

    def _ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        return channel.current().request(kind, object=self._object, **fields)

    def empty(self) -> bool:
        """Whether nothing is in the pipe at this moment (what is in a feeder's buffer does not count)."""
        return bool(self._ask("queue.empty").get("number", 0))

    @property
    def _reader(self) -> Any:
        return _End(f"{type(self).__name__}._reader")

    @property
    def _writer(self) -> Any:
        return _End(f"{type(self).__name__}._writer")


class Queue(_Base, multiprocessing.queues.Queue):  # type: ignore[type-arg]
    """A queue with a feeder in each process that puts."""

    __module__ = "multiprocessing.queues"
    _on_queue_feeder_error: Callable[[BaseException, Any], None]

    def __init__(self, maxsize: int = 0, *, ctx: Any) -> None:
        unbounded = maxsize <= 0
        self._maxsize = synchronize.SEM_VALUE_MAX if unbounded else maxsize
        self._create(0 if unbounded else maxsize, ctx, simple=False)
        self._reset()
        mp_util.register_after_fork(self, Queue._reset)

    def __getstate__(self) -> Any:
        synchronize.assert_spawning(type(self).__name__, self._forked)
        return self._object, self._maxsize

    def __setstate__(self, state: Any) -> None:
        self._object, self._maxsize = state
        self._forked = False
        self._reset()
        mp_util.register_after_fork(self, Queue._reset)

    def _reset(self, after_fork: bool = False) -> None:
        """What a process knows of a queue that it has not used yet."""
        self._closed = False
        self._has_put = False
        self._joined = False

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError(f"Queue {self!r} is closed")

    def put(self, obj: Any, block: bool = True, timeout: float | None = None) -> None:
        """Leave `obj` to the feeder. Raises ValueError (closed) and Full."""
        self._check_open()
        how = clock.waiting(block, timeout)
        try:
            data = _dumps(obj)
        except Exception as error:
            self._on_queue_feeder_error(error, obj)  # the real feeder meets it, and drops the item
            return
        answer = self._ask("queue.put", data=data, **how)
        if not answer.get("ok", True):
            clock.give_up(how, timeout)
            raise Full
        self._has_put = True

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take the first item from the pipe. Raises ValueError (closed) and Empty."""
        self._check_open()
        if block and timeout is not None:
            timeout = 0.0 + timeout  # fails as Python's sum of the clock and a timeout that is no number
        how = clock.waiting(block, timeout)
        answer = self._ask("queue.get", **how)
        if not answer.get("ok", True):
            clock.give_up(how, timeout)
            raise Empty
        return pickle.loads(answer.get("data", b""))

    def empty(self) -> bool:
        """Whether nothing is in the pipe. Raises OSError once the feeder, told to end, has closed the pipe."""
        if self._closed and self._has_put:
            if not self._joined:
                uncontrolled.announce("Queue.empty() after close() and before join_thread()")
            raise OSError("handle is closed")
        return super().empty()

    def qsize(self) -> int:
        return int(self._ask("queue.size").get("number", 0))

    def full(self) -> bool:
        return bool(self._ask("queue.full").get("number", 0))

    def get_nowait(self) -> Any:
        return self.get(False)

    def put_nowait(self, obj: Any) -> None:
        self.put(obj, False)

    def close(self) -> None:
        """This process puts and takes nothing more."""
        self._closed = True

    def join_thread(self) -> None:
        """Wait until the feeder has written everything. Raises AssertionError unless closed."""
        assert self._closed, f"Queue {self!r} not closed"
        if self._has_put:
            self._ask("queue.join_thread")
        self._joined = True

    def cancel_join_thread(self) -> None:
        """Let this process exit without its feeder."""
        self._ask("queue.cancel_join")


class JoinableQueue(Queue):
    """A queue that counts the items which are not done yet."""

    __module__ = "multiprocessing.queues"

    def task_done(self) -> None:
        """One item is done. Raises ValueError if there were not so many."""
        if self._ask("queue.task_done").get("error"):
            raise ValueError("task_done() called too many times")

    def join(self) -> None:
        """Wait until every item is done."""
        self._ask("queue.join")


class _SimpleEnd(_End):
    """One end of a `SimpleQueue`'s pipe, of which it is known whether this process has closed it."""

    def __init__(self, name: str, closed: bool) -> None:
        super().__init__(name)
        self.closed = closed


class SimpleQueue(_Base, multiprocessing.queues.SimpleQueue):  # type: ignore[type-arg]
    """A locked pipe: no feeder, no limit but the pipe's."""

    __module__ = "multiprocessing.queues"

    def __init__(self, *, ctx: Any) -> None:
        self._create(0, ctx, simple=True)
        self._closed = False

    def __getstate__(self) -> Any:
        synchronize.assert_spawning(type(self).__name__, self._forked)
        return self._object

    def __setstate__(self, state: Any) -> None:
        self._object, self._forked, self._closed = state, False, False

    @property
    def _reader(self) -> Any:
        return _SimpleEnd("SimpleQueue._reader", self._closed)

    @property
    def _writer(self) -> Any:
        return _SimpleEnd("SimpleQueue._writer", self._closed)

    def _check_open(self) -> None:
        if self._closed:
            raise OSError("handle is closed")

    def close(self) -> None:
        self._closed = True

    def empty(self) -> bool:
        self._check_open()
        return super().empty()

    def get(self) -> Any:
        """Take the first item. Raises OSError if closed."""
        self._check_open()
        return pickle.loads(self._ask("queue.get").get("data", b""))

    def put(self, obj: Any) -> None:
        """Write one item into the pipe. Raises OSError if closed, and what pickling raises."""
        data = _dumps(obj)
        self._check_open()
        self._ask("queue.put", data=data)


def install() -> None:
    """Replace the three classes."""
    replace(mp_queues, Queue=Queue, JoinableQueue=JoinableQueue, SimpleQueue=SimpleQueue)


def proxy(object: int, maxsize: int = 0, flavour: str = "Queue") -> Any:
    """The queue `object` that the judge made, as a scenario passes it in; `flavour` is its class's name."""
    if flavour == "SimpleQueue":
        simple = SimpleQueue.__new__(SimpleQueue)
        simple.__setstate__(object)
        return simple
    cls = JoinableQueue if flavour == "JoinableQueue" else Queue
    queue = cls.__new__(cls)
    queue.__setstate__((object, maxsize if maxsize > 0 else synchronize.SEM_VALUE_MAX))
    return queue
