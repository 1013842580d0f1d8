"""Whose fault it is that something ended: the submission's, the machine's, or the grader's. Start at `Blame`.

What the submission has done is an `Outcome`, and judged. What the machine has done is a `MachineError`: everything is
tried once more with a new runner (`once_more`), and then it is an error, which is no verdict and never final. What
is left is a bug of ours.

A submission must not gain by looking like a fault of the machine, so that is believed only where the judge sees it in
something that the submission cannot reach: how the runner ended, as the process above it says; whether a process can
be started now, as the runner tries it; how often the kernel has ended a process for want of memory. Where our own
limits were near, the fault is the submission's. A process of the submission that vanished without a word may be either.
It counts against nobody the first time; if it happens again in another runner, it was the submission itself.
"""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, TypeVar

import msgspec

from grader.core.execution import Outcome, OutcomeKind, Silence
from grader.core.operations import TaskId
from grader.errors import InternalError, MachineError
from grader.runtime.agent import room

MOST_THREADS = 128
"""Processes and threads at a time from where it is the submission that is short of them. Exercises need a few dozen."""
_KERNEL_COUNTS = "/proc/vmstat"
_SHORT_OF = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO),
    *(errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM, errno.ENOBUFS),
)
AGAIN = "nothing is graded, try it again"
NO_PROCESS = (
    "this machine allows no more processes, and the grader and the program need some; see `ulimit -u`, or the limit "
    f"of the container, and raise it; {AGAIN}"
)
TOO_BUSY = f"this machine is too busy: the program did not get to run for minutes; {AGAIN}"

T = TypeVar("T")


class Lost(Exception):
    """There is nobody to ask any more."""


class Room(msgspec.Struct, frozen=True):
    """What the runner has found out by trying: so many processes could be started, and closed off.

    `threads` is how many the submission has now, the first ones of its processes included.
    """

    made: int = 0
    closed: bool = True
    threads: int = 0


class Asked(Protocol):
    """What is asked about a submission's runner."""

    @property
    def protected(self) -> bool:
        """Whether the submission cannot end the runner, or keep it from running."""

    @property
    def noted(self) -> str:
        """What the submission took that was near to our limits, in words; empty if nothing ever was."""

    @property
    def exceeded(self) -> str:
        """What the submission took too much of, in words, so that the runner has ended it."""

    def ended(self) -> int | None:
        """The exit status of the runner (negative: a signal), None if it is not known."""

    def room(self, processes: int) -> Room:
        """Try to start so many processes. Raises Lost."""


class Blame:
    """Decides for one runner.

    If it is not the `last` try, what may have been the machine is not held against anybody.
    """

    def __init__(self, runner: Asked, *, last: bool = True) -> None:
        self._runner = runner
        self._last = last
        self._kills = kernel_kills()

    def died(self, task: TaskId, *, host_too: bool = False) -> Outcome:
        """The process of a task is gone, and has not said why; `host_too`: so is the one that it was forked from.

        Raises:
            MachineError: it was the machine, or may have been.
        """
        if self._runner.exceeded:
            return Outcome(
                OutcomeKind.CRASHED, task, detail=f"it was ended for taking {self._runner.exceeded}"
            )
        if not self._last:
            raise _ended_by_machine("a process of the program")
        if not self._runner.noted and kernel_kills() > self._kills:
            raise MachineError(f"this machine has run out of memory and ended the program; {AGAIN}")
        if host_too:
            return Outcome(OutcomeKind.SILENT, task, silence=Silence.ENDED)
        return Outcome(OutcomeKind.CRASHED, task, detail="the process died")

    def lost(self, task: TaskId) -> Outcome:
        """The runner is gone, and everything below it.

        Raises:
            MachineError: it was the machine, or may have been.
            InternalError: it has failed by itself.
        """
        if self._runner.noted:
            return Outcome(OutcomeKind.UNCONTROLLED, task, detail=self._runner.noted)
        status = self._runner.ended()
        if status == room.BROKEN:
            raise InternalError("the process above the submission has failed")
        if self._runner.protected or not self._last:
            raise _ended_by_machine("a process of the grader", status)
        return Outcome(OutcomeKind.SILENT, task, silence=Silence.ENDED)

    def late(self, task: TaskId) -> Outcome:
        """The runner does not answer in time.

        Raises:
            MachineError: it was the machine, or may have been.
        """
        if self._runner.protected or not self._last:
            raise MachineError(TOO_BUSY)
        return Outcome(OutcomeKind.SILENT, task, silence=Silence.STALLED)

    def busy(self) -> MachineError:
        """The program wants to run, and does not get to."""
        return MachineError(TOO_BUSY)

    def refused(self, task: TaskId, line: int, processes: int = 2) -> Outcome:
        """A task says that it cannot get a process, or one that is closed off.

        Raises:
            MachineError: that is so, or may have been.
        """
        try:
            found = self._runner.room(processes)
        except Lost:
            return self.lost(task)
        if found.threads >= MOST_THREADS:
            detail = f"{found.threads} processes and threads at a time"
            return Outcome(OutcomeKind.UNCONTROLLED, task, line, detail)
        if not found.closed:
            raise MachineError(f"this machine does not close off a process as it did before; {AGAIN}")
        if found.made < processes or not self._last:
            raise MachineError(NO_PROCESS)
        return Outcome(OutcomeKind.SILENT, task, line, silence=Silence.REFUSED)


def _ended_by_machine(whom: str, status: int | None = None) -> MachineError:
    how = f" (signal {-status})" if status is not None and status < 0 else ""
    return MachineError(f"this machine has ended {whom}{how}, as it does when memory is short; {AGAIN}")


def kernel_kills() -> int:
    """How many processes the kernel has ended for want of memory since it runs; 0 where it does not say."""
    with suppress(OSError, ValueError), open(_KERNEL_COUNTS, "rb") as counts:
        for line in counts:
            if line.startswith(b"oom_kill "):
                return int(line.split()[1])
    return 0


def shared_memory() -> None:
    """Raises MachineError if `multiprocessing` cannot be used here."""
    if missing := room.shared_memory(os.geteuid()):
        raise MachineError(f"this machine has no use of shared memory: {missing}; {AGAIN}")


def of_error(error: BaseException) -> MachineError | None:
    """The machine's fault behind an exception in the judge itself; None if it is the grader's."""
    if isinstance(error, MachineError):
        return error
    if isinstance(error, MemoryError):
        return MachineError(f"this machine has no more memory for the grader; {AGAIN}")
    if isinstance(error, OSError) and error.errno in _SHORT_OF:
        return MachineError(f"this machine does not let the grader work: {error.strerror}; {AGAIN}")
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return MachineError(NO_PROCESS)
    return None


def once_more(attempt: Callable[[bool], T]) -> T:
    """What `attempt` returns; if the machine was to blame, that of another one. It is told whether it is the last.

    Raises:
        MachineError: it was the machine again.
    """
    try:
        return attempt(False)
    except Exception as error:
        if of_error(error) is None:
            raise
    try:
        return attempt(True)
    except Exception as error:
        fault = of_error(error)
        if fault is None or fault is error:
            raise
        raise fault from error
