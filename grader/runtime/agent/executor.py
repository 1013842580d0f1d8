"""`concurrent.futures.ProcessPoolExecutor` under control. Start at `_init` and `Future`.

Python's own class stays, as do its futures, `wait` and `as_completed`; its thread and its queues are replaced by a
`Desk`, as in `pool`. A future is settled when somebody waits for it or looks.

What differs from CPython: a future can be cancelled exactly as long as no worker has taken its task (CPython also
refuses if it lies in the queue of the workers already), `running()` is not controlled for that reason, and a worker's
death is noticed when its parent looks.
"""

import concurrent.futures
import functools
import linecache
import multiprocessing
import os
import threading
import traceback
from collections.abc import Callable
from typing import Any

from grader.runtime.agent import channel, clock, frames, uncontrolled
from grader.runtime.agent.desk import Desk, Order, alone, describe, look_after, unwrapped
from grader.runtime.agent.internals import futures_process, replace
from grader.runtime.agent.places import Places
from grader.runtime.agent.workers import dumps, loads, work_for_executor

_process = futures_process
_base = futures_process._base
_CALLBACK = "a callback of a future that uses shared objects"
_IN_ORDER = ("as_completed", "wait", "add_done_callback")
"""What makes the order visible in which futures are settled."""
_BROKEN = "A child process terminated abruptly, the process pool is not usable anymore"
_WHY = "A process in the process pool was terminated abruptly while the future was running or pending."
_offices: list["_Office"] = []
_STARTS_ALL = hasattr(_process.ProcessPoolExecutor, "_launch_processes")
"""Whether an executor that forks starts all its workers with the first task."""


class Future(concurrent.futures.Future):  # type: ignore[type-arg]
    """A future that looks for its result when it is asked."""

    __module__ = "concurrent.futures._base"
    _office: "_Office"
    _state: str
    _number = 0

    def __hash__(self) -> int:
        return self._number  # so that a set of futures has the same order in every execution

    def __eq__(self, other: object) -> bool:
        return self is other

    @property
    def _settled(self) -> bool:
        return self._state not in (_base.PENDING, _base.RUNNING)

    def _look(self, how: dict[str, bool], timeout: float | None = None) -> None:
        if self._settled and channel.current().alone:
            return  # a callback looks at its own future
        if not self._settled and not self._office.desk.fetch(self._number, how):
            clock.give_up(how, timeout)
        self._office.desk.look()

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the result."""
        self._look(clock.waiting(True, timeout), timeout)
        return super().result(0)

    def exception(self, timeout: float | None = None) -> Any:
        """Wait for the exception, None if there was none."""
        self._look(clock.waiting(True, timeout), timeout)
        return super().exception(0)

    def done(self) -> bool:
        """Look whether it is settled."""
        self._look({"block": False})
        return self._settled

    def running(self) -> bool:
        """Whether it can no more be cancelled, and has no result."""
        if not self._settled:
            uncontrolled.announce("concurrent.futures.Future.running()")
        return False

    def cancel(self) -> bool:
        """Take the task back, if nobody has taken it."""
        if not self._settled and self._office.desk.cancel(self._number):
            super().cancel()
            self.set_running_or_notify_cancel()
            self._office.futures.pop(self._number, None)
        return self._state in (_base.CANCELLED, _base.CANCELLED_AND_NOTIFIED)

    def add_done_callback(self, fn: Callable[[Any], Any]) -> None:
        """Call `fn` when it is settled."""
        if not self._settled:
            self._office.check_order("Future.add_done_callback()")
            self._office.desk.due.add(self._number)
            look_after(self._office.desk)
        super().add_done_callback(fn)


Future.__qualname__ = "Future"


class _Office:
    """The workers and the futures of one executor."""

    def __init__(self, executor: Any) -> None:
        self.futures: dict[int, Future] = {}
        self.desk = Desk(self._received, self._ended)
        self.desk.restocks = executor._max_tasks_per_child is not None
        self.broken = ""
        self.processes: dict[int, Any] = executor._processes
        self._ctx = executor._mp_context
        self._arguments = (executor._initializer, executor._initargs, executor._max_tasks_per_child)
        self._most = executor._max_workers
        self._all = _STARTS_ALL and self._ctx.get_start_method() == "fork"
        self._places = Places(
            self._most, executor._initializer, executor._initargs, replaced=self.desk.restocks
        )
        self.desk.looked = self._places.looked
        self._order = Order.TURNS if _mentions(_IN_ORDER) else Order.FREE
        self._task = channel.current().task
        _offices.append(self)

    @property
    def is_here(self) -> bool:
        """Whether it is this process's own, and not inherited from the parent."""
        return self._task == channel.current().task

    def check_order(self, what: str) -> None:
        """Announce `what` if it would have to know in which order futures are settled."""
        if self._order is not Order.TURNS and self.desk.orders:
            uncontrolled.announce(f"concurrent.futures.{what} by another name")

    def submit(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Future:
        """A future for one call."""
        if self._all:
            while len(self.desk.workers) < self._most and not self.broken:
                self._start(len(self.desk.workers) + 1)
            self._all = False
        future = Future()
        future._office = self
        try:
            data = dumps((function, args, kwargs))
        except Exception as error:
            error.__cause__ = _process._RemoteTraceback(f'\n"""\n{traceback.format_exc()}"""')
            future.set_exception(error)
        else:
            place = self._places.place(*unwrapped(function, args, kwargs), self._order)
            text = describe(function, args, kwargs)
            future._number = self.desk.submit(data, self._order, place=place, text=text)
            self.futures[future._number] = future
        if len(self.desk.workers) < self._most:
            self._start(len(self.desk.workers) + 1)
        return future

    def _start(self, place: int) -> None:
        worker = self._ctx.Process(target=work_for_executor, args=(self.desk.object, place, *self._arguments))
        worker.is_pool_worker = True
        worker.start()
        self.desk.workers[place] = self.processes[worker.pid] = worker

    def _received(self, number: int, data: bytes) -> None:
        future = self.futures.pop(number)
        try:
            went_well, value = loads(data)
        except BaseException:
            self.futures[number] = future
            self._break(traceback.format_exc())
            return
        with alone(_CALLBACK):
            if went_well:
                future.set_result(value)
            else:
                future.set_exception(value)

    def _ended(self, place: int, exit_code: int) -> None:
        for pid in [pid for pid, one in self.processes.items() if one._popen.returncode is not None]:
            del self.processes[pid]
        if self.desk.restocks and not exit_code:
            self._start(place)
        else:
            self._break("")

    def _break(self, cause: str) -> None:
        """A worker has died: nothing more is done, for nobody."""
        self.broken = _BROKEN
        error = _process.BrokenProcessPool(_WHY)
        if cause:
            error.__cause__ = _process._RemoteTraceback(f"\n'''\n{cause}'''")
        self.desk.orders.clear()
        self.desk.forget()
        futures, self.futures = self.futures, {}
        with alone(_CALLBACK):
            for future in futures.values():
                future.set_exception(error)
        self.desk.close(at_once=True)
        for worker in self.processes.values():
            worker.terminate()
        for worker in self.processes.values():
            worker.join()

    def leave(self, wait: bool, cancel: bool) -> None:
        """No more tasks; with `wait`, until all is done and the workers have ended."""
        if cancel:
            for _, future in sorted(self.futures.items(), reverse=True):  # so that the first ones are left
                future.cancel()
        if not self.desk.closed:
            self.desk.close()
        if wait:
            for number in self.desk.outstanding:
                self.desk.fetch(number, {})
            for worker in list(self.processes.values()):
                worker.join()
            if self in _offices:
                _offices.remove(self)


def _mentions(words: tuple[str, ...]) -> bool:
    texts = ("".join(linecache.getlines(filename)) for filename in frames.files())
    return any(word in text for text in texts for word in words)


def _init(
    self: Any,
    max_workers: int | None = None,
    mp_context: Any = None,
    initializer: Any = None,
    initargs: Any = (),
    *,
    max_tasks_per_child: Any = None,
) -> None:
    """`ProcessPoolExecutor.__init__`: the same checks, no thread."""
    if max_workers is None:
        max_workers = os.cpu_count() or 1
    elif max_workers <= 0:
        raise ValueError("max_workers must be greater than 0")
    self._max_workers = max_workers
    if mp_context is None:
        mp_context = multiprocessing.get_context("spawn" if max_tasks_per_child is not None else None)
    if initializer is not None and not callable(initializer):
        raise TypeError("initializer must be a callable")
    if max_tasks_per_child is not None:
        if not isinstance(max_tasks_per_child, int):
            raise TypeError("max_tasks_per_child must be an integer")
        if max_tasks_per_child <= 0:
            raise ValueError("max_tasks_per_child must be >= 1")
        if mp_context.get_start_method(allow_none=False) == "fork":
            raise ValueError(
                "max_tasks_per_child is incompatible with the 'fork' multiprocessing start method;"
                " supply a different mp_context."
            )
    self._mp_context = mp_context
    self._initializer, self._initargs = initializer, initargs
    self._max_tasks_per_child = max_tasks_per_child
    self._processes = {}
    self._shutdown_thread = False
    self._office = _Office(self)


def _init_3_10(
    self: Any,
    max_workers: int | None = None,
    mp_context: Any = None,
    initializer: Any = None,
    initargs: Any = (),
) -> None:
    """The same, before there was a limit of tasks for each worker."""
    _init(self, max_workers, mp_context, initializer, initargs)


def _submit(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Future:
    """`ProcessPoolExecutor.submit`."""
    office: _Office = self._office
    if office.broken:
        raise _process.BrokenProcessPool(office.broken)
    if self._shutdown_thread:
        raise RuntimeError("cannot schedule new futures after shutdown")
    if _leaving:
        raise RuntimeError("cannot schedule new futures after interpreter shutdown")
    return office.submit(fn, args, kwargs)


def _shutdown(self: Any, wait: bool = True, *, cancel_futures: bool = False) -> None:
    """`ProcessPoolExecutor.shutdown`."""
    self._shutdown_thread = True
    self._office.leave(wait, cancel_futures)
    self._processes = None


_leaving = False


def _at_exit() -> None:
    """A program does not end before its executors have done everything."""
    global _leaving
    own = [office for office in _offices if channel.exists() and office.is_here]
    _leaving = bool(own)
    for office in own:
        office.leave(wait=True, cancel=False)


class _Settled:
    """The event on which `wait` and `as_completed` wait for futures: waiting, they look for results."""

    def __init__(self) -> None:
        self._flag = False

    def set(self) -> None:
        self._flag = True

    def clear(self) -> None:
        self._flag = False

    def is_set(self) -> bool:
        return self._flag

    def wait(self, timeout: float | None = None) -> bool:
        """Handle results until a future of interest is settled; false if the time is up before that."""
        how = clock.waiting(True, timeout)
        while not self._flag:
            busy = [office for office in _offices if office.is_here and office.desk.orders]
            if len(busy) > 1:
                uncontrolled.announce("waiting for the futures of several executors at a time")
            for office in busy:
                office.check_order("wait()")
                if not office.desk.fetch(office.desk.outstanding[0], how, by_turn=True):
                    clock.give_up(how, timeout)
                    return False
            if not busy:
                break
        for office in _offices:
            if office.is_here:
                office.desk.look_for_more()
        return self._flag


def _waiter_init(self: Any) -> None:
    self.event = _Settled()
    self.finished_futures = []


def install() -> None:
    """Put these in the places of CPython's."""
    executor = _process.ProcessPoolExecutor
    limited = "max_tasks_per_child" in executor.__init__.__code__.co_varnames
    replaced = _init if limited else _init_3_10
    functools.update_wrapper(replaced, executor.__init__, updated=())
    replace(executor, __init__=replaced, submit=_submit, shutdown=_shutdown)
    replace(_base._Waiter, __init__=_waiter_init)
    vars(threading)["_register_atexit"](_at_exit)
