"""A process that grades one submission after the other, on one core. Start at `main`.

It is a judge like the one of `grader check`, with a template that stays warm. It dies with its batch, and everything
that it has started dies with it.
"""

import os
import signal
import sys
import traceback
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from grader.batch.model import Result, Verdict, of_grade
from grader.batch.packing import pack
from grader.core.verdict import Grade
from grader.errors import InternalError, UsageError
from grader.grading import catalogue
from grader.grading.check import CheckOptions, grade
from grader.grading.submission import from_data
from grader.runtime.agent import kernel
from grader.runtime.blame import of_error
from grader.runtime.pinning import pinned
from grader.runtime.template import Template

SERVED = 200
"""So many submissions, and a worker makes room for a new one, whatever may have piled up in it."""
_ATTEMPTS = 2
_MOST_LOGGED = 100_000


class Task(msgspec.Struct, frozen=True):
    """A submission to be graded: the file as bytes, and for what."""

    filename: str
    data: bytes
    exercise: str


class Answer(msgspec.Struct, frozen=True):
    """What came of a task.

    `refused` is what the user has to mend first, if that was the reason; `machine` says that it was the machine's
    fault, and `lost` that the process which had the task is gone. `log` is what the developers want to know of a
    failure of the grader.
    """

    result: Result
    refused: str = ""
    machine: bool = False
    lost: bool = False
    log: str = ""


class Orders(msgspec.Struct, frozen=True):
    """What a worker is told once: its channel, the process that it serves, its core, how to grade."""

    channel: int
    batch: int
    core: int | None
    options: CheckOptions


class _Grading:
    """A template that is warm, and replaced when it has died."""

    def __init__(self, options: CheckOptions) -> None:
        self._options = options
        self._open: ExitStack | None = None
        self._template: Template | None = None

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
        self._open = self._template = None

    def __call__(self, task: Task) -> Answer:
        """Grade; whatever fails may be the fault of the submission before, so it is tried once more.

        What is the machine's fault was tried twice already.
        """
        problem: Exception | None = None
        for _ in range(_ATTEMPTS):
            try:
                return Answer(of_grade(self._grade(task)))
            except Exception as error:
                problem = error
                self.close()
                if of_error(error) is not None:
                    break
        assert problem is not None
        return _failed(problem)

    def _grade(self, task: Task) -> Grade:
        if self._open is None or self._template is None:
            self._open = ExitStack()
            self._template = self._open.enter_context(Template(unsafe=self._options.unsafe))
        submission = from_data(Path(task.filename), task.data)
        exercise = catalogue.resolve(Path(task.filename), task.exercise)
        return grade(self._template, submission, exercise, self._options)


def _failed(problem: Exception) -> Answer:
    """The answer where there is no grade: whose fault it is, and what to do about it."""
    fault = of_error(problem)
    if fault is not None:
        return Answer(Result(Verdict.ERROR, problem=str(fault)), machine=True)
    if isinstance(problem, UsageError):
        return Answer(Result(Verdict.ERROR, problem=str(problem)), refused=str(problem))
    token = (
        f"replay token: {problem.replay}\n" if isinstance(problem, InternalError) and problem.replay else ""
    )
    log = f"{token}{''.join(traceback.format_exception(problem))}"
    return Answer(Result(Verdict.ERROR, problem=f"a bug in the grader: {problem!r}"), log=log[-_MOST_LOGGED:])


def main(orders: str) -> None:
    """Serve until the batch hangs up."""
    told = msgspec.json.decode(orders, type=Orders)
    _die_with(told.batch)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _be_silent()
    channel = Connection(told.channel)
    grading = _Grading(told.options)
    try:
        with pinned(told.core):
            for _ in range(SERVED):
                task = msgspec.json.decode(channel.recv_bytes(), type=Task)
                channel.send_bytes(pack(grading(task)))
    except (EOFError, OSError):
        return
    finally:
        grading.close()


def _die_with(batch: int) -> None:
    """Have the kernel end this process when the batch has ended, however it did."""
    if sys.platform == "linux":
        kernel.die_with_parent(signal.SIGKILL)
    if os.getppid() != batch:
        sys.exit("the batch has ended")


def _be_silent() -> None:
    """Nothing but the channel leads out."""
    if os.environ.get("GRADER_DEBUG"):
        return
    devnull = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(devnull, descriptor)
    os.close(devnull)
