"""The lives of the workers of pools: they take tasks from the judge and give it the results.

Start at `work_for_pool`, or at `work_for_executor`; `Worker` is what both ask the judge with.
"""

import pickle
from typing import Any

from grader.runtime.agent import channel, uncontrolled
from grader.runtime.agent.internals import futures_process, mp_context, mp_pool

_pickler = mp_context.reduction.ForkingPickler


def dumps(value: Any) -> bytes:
    """`value` pickled for another process. Raises whatever pickling raises."""
    data = bytes(_pickler.dumps(value))
    uncontrolled.check_size("a task or a result of a pool", len(data))
    return data


def loads(data: bytes) -> Any:
    """What `dumps` was given. Raises whatever unpickling raises."""
    return pickle.loads(data)


class Worker:
    """A worker's end of the pool `target`, at `place`."""

    def __init__(self, target: int, place: int) -> None:
        self._target = target
        self._place = place
        self.number = 0

    def take(self) -> Any:
        """The next task; None if there will be no more. Raises whatever unpickling raises."""
        answer = channel.current().request("pool.take", object=self._target, number=self._place)
        if not answer.get("ok", True):
            return None
        self.number = int(answer["number"])
        return loads(answer.get("data", b""))

    def done(self, data: bytes, failed: bool) -> None:
        """Send the result of the task."""
        channel.current().request(
            "pool.done", object=self._target, number=self.number, data=data, offset=int(failed)
        )


def work_for_pool(
    target: int, place: int, initializer: Any, initargs: Any, maxtasks: int | None, wrap: bool
) -> None:
    """The life of a worker, as `multiprocessing.pool.worker` lives it."""
    own = Worker(target, place)
    if initializer is not None:
        initializer(*initargs)
    completed = 0
    while maxtasks is None or completed < maxtasks:
        task = own.take()
        if task is None:
            break
        job, index, function, args, kwargs = task
        outcome: tuple[bool, Any]
        try:
            outcome = True, function(*args, **kwargs)
        except Exception as error:
            if wrap and function is not mp_pool._helper_reraises_exception:
                place_of_error = error.__traceback__.tb_next if error.__traceback__ else None
                outcome = False, mp_pool.ExceptionWithTraceback(error, place_of_error)
            else:
                outcome = False, error
        try:
            data = dumps((job, index, outcome))
        except Exception as error:
            outcome = False, mp_pool.MaybeEncodingError(error, outcome[1])
            data = dumps((job, index, outcome))
        own.done(data, failed=not outcome[0])
        completed += 1


def work_for_executor(target: int, place: int, initializer: Any, initargs: Any, most: int | None) -> None:
    """The life of a worker, as `concurrent.futures.process._process_worker` lives it."""
    own = Worker(target, place)
    if initializer is not None:
        try:
            initializer(*initargs)
        except BaseException:
            futures_process._base.LOGGER.critical("Exception in initializer:", exc_info=True)
            return
    completed = 0
    while most is None or completed < most:
        task = own.take()
        if task is None:
            return
        function, args, kwargs = task
        try:
            outcome = True, function(*args, **kwargs)
        except BaseException as error:
            outcome = False, _told(error)
        try:
            data = dumps(outcome)
        except BaseException as error:
            outcome = False, _told(error)
            data = dumps(outcome)
        own.done(data, failed=not outcome[0])
        completed += 1


def _told(error: BaseException) -> Any:
    place = error.__traceback__.tb_next if error.__traceback__ else None
    return futures_process._ExceptionWithTraceback(error, place)
