"""The parent's end of a pool of worker processes. Start at `Desk`; the other end is `Worker` in `workers`.

A pool of Python's has threads in the parent that move tasks to the workers and results back, call callbacks and
start new workers in place of those that end. Here nothing lies between parent and workers but the judge
(`grader.primitives.pool`), and the parent does the rest when it waits for a result or looks at one. Where that could
be told from threads that do it at once, it announces itself as not controlled:

* a callback, or an iterator of tasks, that uses shared objects itself;
* a process that waits for something else while callbacks are due or workers may have to be replaced.
"""

import enum
import functools
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from grader.runtime.agent import channel, clock, reuse, uncontrolled
from grader.runtime.agent.internals import futures_process, mp_pool


class Order(enum.IntEnum):
    """What can be seen of the order in which the results of a job come; the judge is told the number.

    `FREE`: nothing. `FAILURES`: which failure was first. `TURNS`: all of it.
    """

    FREE = 0
    FAILURES = 1
    TURNS = 2


_LATE = 0.7
"""Seconds of its own time that a process may compute on while callbacks are due."""
_SHOWN = 60
_PLAIN = (int, float, str, bool, type(None))
_real_setitimer, _real_signal = signal.setitimer, signal.signal
_Received = Callable[[int, bytes], None]


class Desk:
    """Hands out tasks and takes results. `workers` are the processes that live, by place.

    `received` is called with each result; `replaced` with the place and the exit code of each worker that has ended.
    """

    def __init__(self, received: _Received, replaced: Callable[[int, int], None]) -> None:
        reuse.spoil()  # jobs are numbered, for one
        here = channel.current()
        self.object = here.create("pool")
        self.workers: dict[int, Any] = {}
        self.due: set[int] = set()
        """The tasks whose results are to be handled as soon as they come: there are callbacks."""
        self.restocks = False
        """Whether workers end after some tasks, and others take their places."""
        self.deaf = False
        """Whether results are not handled any more, because that has failed once."""
        self._owner = here.task
        self.orders: dict[int, Order] = {}
        """What can be seen of the order of the tasks that have no result yet."""
        self.closed = False
        self.looked: Callable[[], None] = lambda: None
        """Called before somebody looks for results without waiting for them to come."""
        self._received = received
        self._replaced = replaced
        self.position = 0
        """The place of the last result among those whose order counts."""

    def _ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        if channel.current().task != self._owner:
            uncontrolled.announce("a pool in another process or thread than the one that made it")
        return channel.current().request(kind, object=self.object, **fields)

    def submit(self, data: bytes, order: Order, due: bool = False, place: int = 0, text: str = "") -> int:
        """One task for the workers, or for the one at `place`; returns its number.

        With `due`, its result is to be handled as soon as it comes.
        """
        number = int(self._ask("pool.submit", data=data, number=order, offset=place, text=text)["number"])
        self.orders[number] = order
        if due:
            self.due.add(number)
        look_after(self)
        return number

    def fetch(self, number: int, how: dict[str, bool], by_turn: bool = False) -> bool:
        """Handle the result of this task; false if it is not there. If its turn counts, those before it come first.

        With `by_turn`, any result whose turn counts will do. A task that there is not never has a result.
        """
        before = len(self.orders)
        while number in self.orders or not number:
            turns = self.orders.get(number) is Order.TURNS
            if not self._collect("pool.next" if turns else "pool.result", number, how):
                return False
            if by_turn and len(self.orders) < before:
                break
        return True

    def _collect(self, kind: str, number: int, how: dict[str, bool]) -> bool:
        """Ask for a result; nothing comes any more once handling one has failed."""
        if how and self.orders:
            self.looked()
        targets = [-1 - worker._popen.task for worker in self.workers.values()]
        wanted: dict[str, Any] = {"number": number, "targets": targets}
        if self.deaf:
            kind, wanted = "pool.result", {"number": 0}
        return self._handle(self._ask(kind, **wanted, **how))

    def _handle(self, answer: dict[str, Any]) -> bool:
        """Whether an answer had a result, or a worker that has ended, to be dealt with."""
        if not answer.get("ok", True):
            ended = set(answer.get("numbers", ()))
            for place, worker in list(self.workers.items()):
                if -1 - worker._popen.task in ended:
                    code = worker.exitcode
                    worker.join()
                    del self.workers[place]
                    self._replaced(place, code)
            return bool(ended)
        number = int(answer["number"])
        order = self.orders.pop(number)
        self.due.discard(number)
        try:
            self.position = answer.get("numbers", [0])[0]
            self._received(number, answer.get("data", b""))
        except Exception:
            sys.stderr.write("Exception in thread Thread-3 (_handle_results):\n")
            traceback.print_exc()
            self.deaf = True
            self.orders[number] = order
        watch_the_time()
        return True

    @property
    def busy(self) -> bool:
        """Whether something may have to be done here while the tasks are at work."""
        return bool(self.due) or (self.restocks and bool(self.orders))

    def look(self) -> None:
        """Handle what has come, as far as somebody waits to be called back."""
        while self.busy and not self.deaf and self._collect("pool.next", 0, {"block": False}):
            pass

    def look_for_more(self) -> None:
        """Handle what has come of the results whose turn counts."""
        while Order.TURNS in self.orders.values() and self._collect("pool.next", 0, {"block": False}):
            pass

    def cancel(self, number: int) -> bool:
        """Take a task back; false if a worker has it."""
        if not self._ask("pool.cancel", number=number).get("ok", True):
            return False
        del self.orders[number]
        self.due.discard(number)
        return True

    def forget(self) -> None:
        """The workers are about to be ended: nothing has to be looked after any more."""
        self.workers.clear()
        self.due.clear()
        self.restocks = False
        watch_the_time()

    def close(self, at_once: bool = False) -> None:
        """No more tasks; with `at_once`, nobody takes one any more."""
        self.closed = True
        self._ask("pool.close", block=not at_once)

    @property
    def outstanding(self) -> list[int]:
        """The tasks without a result."""
        return sorted(self.orders)


_busy: dict[int, Desk] = {}
"""The pools of this process that have to be looked after, by number."""


def watch_the_time() -> None:
    """A process with a pool to look after may sleep and use it, but neither wait elsewhere nor go on for long."""
    for number, desk in list(_busy.items()):
        if not desk.busy:
            del _busy[number]
    due = any(desk.due for desk in _busy.values())
    what = "callbacks of a pool are due" if due else "workers of a pool may have to be replaced"
    channel.current().duty = f"waiting for something else while {what}" if _busy else ""
    _real_setitimer(signal.ITIMER_VIRTUAL, _LATE if due else 0.0)


def look_after(desk: Desk) -> None:
    """Until its tasks are done, this pool needs its parent."""
    if desk.busy:
        _busy[desk.object] = desk
        watch_the_time()


def look_around() -> None:
    """Handle what has come in every pool that has to be looked after."""
    for desk in list(_busy.values()):
        desk.look()


def _late(_number: int, _frame: Any) -> None:
    if any(desk.due for desk in _busy.values()):
        uncontrolled.announce("computing for long while callbacks of a Pool are due")


@contextmanager
def alone(what: str) -> Iterator[None]:
    """Code of the student's that CPython runs in a thread, at any time: it must not use anything shared."""
    here = channel.current()
    before, here.alone = here.alone, what
    try:
        yield
    finally:
        here.alone = before


def describe(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """A task in short, for a reader: the function, and its arguments if they are plain and few."""
    part = _part_of_map(function, args)
    if part is None:
        return _call(function, args, kwargs)
    inner, items = part
    one = _call(inner, (items[0],) if function is mp_pool.mapstar else items[0], {})
    return one if len(items) == 1 else f"{one} and {len(items) - 1} more"


def unwrapped(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, list[Any]]:
    """The function that a task calls, perhaps for several items, and all that it is called with."""
    return _part_of_map(function, args) or (function, [*args, *kwargs.values()])


def _part_of_map(function: Any, args: tuple[Any, ...]) -> tuple[Any, list[Any]] | None:
    """The function of a `map` and the items of one part of it; None if a task is a call by itself."""
    if function in (mp_pool.mapstar, mp_pool.starmapstar) and args:
        return args[0][0], list(args[0][1])
    if isinstance(function, functools.partial) and function.func is futures_process._process_chunk and args:
        return function.args[0], list(args[0])
    return None


def _call(function: Any, args: Any, kwargs: dict[str, Any]) -> str:
    name = str(getattr(function, "__name__", type(function).__name__))
    plain = type(args) is tuple and all(type(value) in _PLAIN for value in (*args, *kwargs.values()))
    shown = (
        ", ".join([*map(repr, args), *(f"{key}={value!r}" for key, value in kwargs.items())])
        if plain
        else "..."
    )
    return f"{name}({shown})"[:_SHOWN]


def install() -> None:
    """Look for results when a process sleeps; notice one that does not."""
    clock.after_pause.append(look_around)
    _real_signal(signal.SIGVTALRM, _late)
