"""The workers of a batch, one a core. Start at `Crew`.

A worker that dies, or does not answer in time, costs the submission that it was at one try; another takes its place.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from types import TracebackType
from typing import Generic, TypeVar

import msgspec

from grader.batch.model import Result, Verdict
from grader.batch.packing import unpack
from grader.batch.worker import SERVED, Answer, Orders, Task
from grader.errors import InternalError, UsageError
from grader.grading.check import CheckOptions
from grader.runtime.pinning import cores

PATIENCE = 1_800.0
"""Seconds for one submission. Everything in a grading has smaller limits, so this never ends one that works."""
_BOOT = "import sys; sys.path[:] = {path!r}; from grader.batch.worker import main; main({orders!r})"
_STILLBORN = 3
_REFUSED = 3
T = TypeVar("T")


class _Worker(Generic[T]):
    """One process, and what it is at."""

    def __init__(self, core: int | None, options: CheckOptions) -> None:
        self.core = core
        self.served = 0
        self.tag: T | None = None
        self.deadline = 0.0
        self.channel, other = Pipe()
        orders = Orders(other.fileno(), os.getpid(), core, options)
        boot = _BOOT.format(path=sys.path, orders=msgspec.json.encode(orders).decode())
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-c", boot],
                pass_fds=[other.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            self.channel.close()
            raise UsageError(f"cannot start a process that grades: {error.strerror}") from None
        finally:
            other.close()

    def end(self) -> None:
        self.channel.close()
        self.process.kill()
        self.process.wait()


class Crew(Generic[T]):
    """Workers that grade what they are given. A context manager; at its end nothing of them is left.

    Every task has a tag of the caller's, which its result comes with.
    """

    def __init__(self, jobs: int, options: CheckOptions, patience: float = PATIENCE) -> None:
        places = cores()
        self._options = options
        self._patience = patience
        self._cores = [places[number % len(places)] if places else None for number in range(jobs)]
        self._workers: list[_Worker[T]] = []
        self._stillborn = 0
        self._refused = 0

    def __enter__(self) -> "Crew[T]":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    @property
    def busy(self) -> int:
        """How many tasks were given and are not yet answered."""
        return sum(worker.tag is not None for worker in self._workers)

    @property
    def has_room(self) -> bool:
        """Whether somebody is free for a task."""
        return self.busy < len(self._cores)

    def give(self, tag: T, task: Task) -> None:
        """Have a task worked at.

        Raises:
            UsageError: the machine does not allow another process.
        """
        worker = next((worker for worker in self._workers if worker.tag is None), None)
        if worker is None:
            free = [*self._cores]
            for other in self._workers:
                free.remove(other.core)
            worker = _Worker(free[0], self._options)
            self._workers.append(worker)
        worker.tag = tag
        worker.deadline = time.monotonic() + self._patience
        with suppress(OSError):  # it has died; `results` will see it
            worker.channel.send_bytes(msgspec.json.encode(task))

    def results(self, seconds: float) -> Iterator[tuple[T, Answer]]:
        """What was finished, after waiting for `seconds` at most.

        Raises:
            UsageError: the machine refuses again and again what grading needs.
            InternalError: workers do not even start.
        """
        busy = {worker.channel: worker for worker in self._workers if worker.tag is not None}
        for channel in wait([*busy], seconds):
            assert isinstance(channel, Connection)
            yield self._answer(busy[channel])
        now = time.monotonic()
        for worker in [
            worker for worker in self._workers if worker.tag is not None and worker.deadline < now
        ]:
            yield self._lost(worker, f"the grader gave it up after {self._patience:.0f} s")

    def _answer(self, worker: _Worker[T]) -> tuple[T, Answer]:
        try:
            answer = unpack(worker.channel.recv_bytes(), Answer, Path("a worker"))
        except (EOFError, OSError):
            return self._lost(worker, "")
        self._refused = self._refused + 1 if answer.refused else 0
        if self._refused >= _REFUSED:
            raise UsageError(answer.refused)
        tag, worker.tag = worker.tag, None
        assert tag is not None
        worker.served += 1
        if worker.served == SERVED:
            self._dismiss(worker)
        self._stillborn = 0
        return tag, answer

    def _lost(self, worker: _Worker[T], why: str) -> tuple[T, Answer]:
        self._dismiss(worker)
        code = worker.process.returncode
        killed = code == -signal.SIGKILL
        self._stillborn = self._stillborn + 1 if not worker.served and not why and not killed else 0
        if self._stillborn >= _STILLBORN * len(self._cores):
            raise InternalError(f"the processes that grade do not start (status {code})")
        assert worker.tag is not None
        how = f"signal {-code}" if code < 0 else f"status {code}"
        problem = why or (
            f"this machine has ended the process that graded it ({how})"
            if killed
            else f"a bug in the grader: the process that graded it has died ({how})"
        )
        return worker.tag, Answer(
            Result(Verdict.ERROR, problem=problem), machine=killed and not why, lost=not why
        )

    def _dismiss(self, worker: _Worker[T]) -> None:
        self._workers.remove(worker)
        worker.end()
