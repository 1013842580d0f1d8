"""`multiprocessing.Pool` under control. Start at `_init` and `_TaskQueue`.

Python's own class stays: how a job is cut into chunks, which errors there are and in which words, results, iterators
and callbacks. Its two pipes and three threads are replaced by a `Desk`: tasks go straight to the judge, and results
are taken when the parent waits for one or looks.

What differs from CPython: callbacks run in the main thread, where it waits, looks or sleeps; tasks are pickled, and
iterators of tasks consumed, by the call that submits them. A pool that nobody refers to any more is terminated, and
so is one that is left at exit, as CPython's is.
"""

import collections
import os
from collections.abc import Iterable
from multiprocessing import TimeoutError
from typing import Any

from grader.runtime.agent import clock, uncontrolled
from grader.runtime.agent.desk import Desk, Order, alone, describe, unwrapped
from grader.runtime.agent.internals import mp_context, mp_pool, mp_util, replace
from grader.runtime.agent.places import Places
from grader.runtime.agent.workers import dumps, loads, work_for_pool

_MOST_TASKS = 2_000
_FUTILE = 3
"""How often a place is filled anew after a worker there has died."""
_CALLBACK = "a callback of a pool that uses shared objects"
_ITERABLE = "an iterable of a pool that uses shared objects"
_outstanding: dict[int, Any] = {}
"""The results that are still to come: as long as there are any, their pool lives."""


class _Cache(dict[int, Any]):
    """The results of one pool that are still to come, by job."""

    def __setitem__(self, job: int, result: Any) -> None:
        super().__setitem__(job, result)
        _outstanding[job] = result

    def __delitem__(self, job: int) -> None:
        super().__delitem__(job)
        _outstanding.pop(job, None)


class _Staff:
    """The workers of one pool, and the jobs that they do. It does not know the pool, which may be given up."""

    def __init__(self, pool: Any) -> None:
        self.processes: list[Any] = pool._pool
        self.cache: _Cache = pool._cache
        self.numbers: dict[int, list[int]] = {}
        """The tasks without a result, by job."""
        self.initialised = pool._initializer is not None
        self.desk = Desk(self._received, self._refill)
        self.desk.restocks = pool._maxtasksperchild is not None
        self._places = Places(
            pool._processes, pool._initializer, pool._initargs, replaced=pool._maxtasksperchild is not None
        )
        self.desk.looked = self._places.looked
        self._make, self._ctx = pool.Process, pool._ctx
        self._arguments = (pool._initializer, pool._initargs, pool._maxtasksperchild, pool._wrap_exception)
        self._jobs: dict[int, int] = {}
        self._failed: dict[int, list[tuple[int, int, Any]]] = {}
        self._deaths: collections.Counter[int] = collections.Counter()

    def start(self, place: int) -> None:
        """A worker at this place."""
        worker = self._make(self._ctx, target=work_for_pool, args=(self.desk.object, place, *self._arguments))
        worker.name = worker.name.replace("Process", "PoolWorker")
        worker.daemon = True
        worker.is_pool_worker = True
        worker.start()
        self.processes.append(worker)
        self.desk.workers[place] = worker

    def _refill(self, place: int, exit_code: int) -> None:
        """A worker has ended, and another one takes its place; not for ever if it dies each time."""
        self.processes[:] = [worker for worker in self.processes if worker._popen.returncode is None]
        self._deaths[place] += 1 if exit_code else 0
        if self._deaths[place] <= _FUTILE:
            self.start(place)

    def submit(self, task: tuple[Any, ...]) -> None:
        """Send one task: job, index, function, arguments, keywords. Raises whatever pickling raises."""
        result = self.cache[task[0]]
        calls_back = bool(getattr(result, "_callback", None) or getattr(result, "_error_callback", None))
        if calls_back or self.desk.due or isinstance(result, mp_pool.IMapUnorderedIterator):
            order = Order.TURNS
        else:
            order = Order.FAILURES if isinstance(result, mp_pool.MapResult) else Order.FREE
        data = dumps(task)
        place = self._places.place(*unwrapped(*task[2:]), order)
        number = self.desk.submit(data, order, calls_back, place, describe(*task[2:]))
        self._jobs[number] = task[0]
        self.numbers.setdefault(task[0], []).append(number)

    def _received(self, number: int, data: bytes) -> None:
        job = self._jobs.pop(number)
        self.numbers[job].remove(number)
        _, index, outcome = loads(data)
        if outcome[0] or not self.desk.position:
            self._deliver(job, index, outcome)
        else:
            failed = self._failed.setdefault(job, [])
            failed.append((self.desk.position, index, outcome))
            if len(failed) > 1 and self._places.rounds:
                uncontrolled.announce("a map() of a pool with several tasks that raise an exception")
        if not self.numbers[job] or self.desk.orders.get(self.numbers[job][0]) is Order.TURNS:
            for _, index, outcome in sorted(self._failed.pop(job, ()), key=lambda failed: failed[0]):
                self._deliver(job, index, outcome)

    def _deliver(self, job: int, index: int, outcome: Any) -> None:
        if job in self.cache:
            with alone(_CALLBACK):
                self.cache[job]._set(index, outcome)

    def await_job(self, job: int, how: dict[str, bool]) -> bool:
        """Handle all results of a job; false if they are not there (in time)."""
        return all(self.desk.fetch(number, how) for number in list(self.numbers.get(job, ())))

    def fetch_next(self, job: int, how: dict[str, bool]) -> bool:
        """Handle the next result of a job; false if there is none (in time)."""
        numbers = self.numbers.get(job)
        number = numbers[0] if numbers else 0
        return self.desk.fetch(number, how, by_turn=True)

    def terminate(self) -> None:
        """End all workers, whatever they do."""
        done = self.desk.closed and not self.desk.orders and not self.initialised
        if not done:  # otherwise they are about to end, and nobody can tell how they did
            self.desk.close(at_once=True)
            for worker in self.processes:
                worker.terminate()
        self.desk.forget()
        for worker in self.processes:
            worker.join()


class _TaskQueue:
    """Takes the place of the queue from which CPython's thread sends tasks: sends them at once."""

    def __init__(self, staff: _Staff) -> None:
        self._staff = staff

    def put(self, job: tuple[Iterable[tuple[Any, ...]], Any]) -> None:
        """All tasks of a job; `job[1]` wants to know how many there were."""
        tasks, set_length = job
        with alone(_ITERABLE):
            listed = list(_first(tasks, _MOST_TASKS + 1))
        if len(listed) > _MOST_TASKS:
            uncontrolled.announce(f"a pool with more than {_MOST_TASKS:,} tasks at a time")
        for task in listed:
            try:
                self._staff.submit(task)
            except Exception as error:
                if task[0] in self._staff.cache:
                    self._staff.cache[task[0]]._set(task[1], (False, error))
        if set_length:
            set_length(len(listed))


def _first(items: Iterable[Any], count: int) -> Iterable[Any]:
    for _, item in zip(range(count), items):
        yield item


def _init(
    self: Any,
    processes: int | None = None,
    initializer: Any = None,
    initargs: Any = (),
    maxtasksperchild: Any = None,
    context: Any = None,
) -> None:
    """`Pool.__init__`: the same checks, no threads."""
    self._pool = []
    self._state = mp_pool.INIT
    self._ctx = context or mp_context._default_context.get_context()
    self._cache = _Cache()
    self._maxtasksperchild = maxtasksperchild
    self._initializer = initializer
    self._initargs = initargs
    if processes is None:
        processes = os.cpu_count() or 1
    if processes < 1:
        raise ValueError("Number of processes must be at least 1")
    if maxtasksperchild is not None and (not isinstance(maxtasksperchild, int) or maxtasksperchild <= 0):
        raise ValueError("maxtasksperchild must be a positive int or None")
    if initializer is not None and not callable(initializer):
        raise TypeError("initializer must be a callable")
    self._processes = processes
    self._staff = _Staff(self)
    self._taskqueue = _TaskQueue(self._staff)
    try:
        for place in range(1, processes + 1):
            self._staff.start(place)
    except Exception:
        for worker in self._pool:
            worker.terminate()
        for worker in self._pool:
            worker.join()
        raise
    self._terminate = mp_util.Finalize(self, self._staff.terminate, exitpriority=15)
    self._state = mp_pool.RUN


def _close(self: Any) -> None:
    """`Pool.close`."""
    if self._state == mp_pool.RUN:
        self._state = mp_pool.CLOSE
        self._staff.desk.close()


def _join(self: Any) -> None:
    """`Pool.join`: waits for the results and then for the workers."""
    if self._state == mp_pool.RUN:
        raise ValueError("Pool is still running")
    if self._state not in (mp_pool.CLOSE, mp_pool.TERMINATE):
        raise ValueError("In unknown state")
    if self._state == mp_pool.CLOSE:
        for number in self._staff.desk.outstanding:
            self._staff.desk.fetch(number, {})
    for worker in list(self._pool):
        worker.join()


def _wait(self: Any, timeout: float | None = None) -> None:
    """`AsyncResult.wait`."""
    pool = self._pool
    if pool is None or self._event.is_set():
        return
    how = clock.waiting(True, timeout)
    if not pool._staff.await_job(self._job, how):
        clock.give_up(how, timeout)
    pool._staff.desk.look()


def _ready(self: Any) -> bool:
    """`AsyncResult.ready`: looks whether the results are there."""
    pool = self._pool
    if pool is not None and not self._event.is_set():
        pool._staff.await_job(self._job, {"block": False})
        pool._staff.desk.look()
    return bool(self._event.is_set())


def _next(self: Any, timeout: float | None = None) -> Any:
    """`IMapIterator.next`, and that of the unordered one."""
    if not self._items:
        pool = self._pool
        if self._index == self._length or pool is None:
            self._pool = None
            raise StopIteration
        how = clock.waiting(True, timeout)
        while not self._items:
            if not pool._staff.fetch_next(self._job, how):
                clock.give_up(how, timeout)
                raise TimeoutError
    success, value = self._items.popleft()
    if success:
        return value
    raise value


def install() -> None:
    """Put these in the places of CPython's."""
    replace(mp_pool.Pool, __init__=_init, close=_close, join=_join)
    replace(mp_pool.ApplyResult, wait=_wait, ready=_ready)
    replace(mp_pool.IMapIterator, next=_next, __next__=_next)
