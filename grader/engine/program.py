"""The seam between what is explored and how it runs: `Program` launches a `Session`, one for each execution.

Two implementations stand behind it: `grader.engine.scripted` runs generators in this process (tests, and the
co-operating processes of a scenario), `grader.runtime.session` drives real processes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import msgspec

from grader.core.execution import Outcome
from grader.core.operations import Creation, ObjectId, Operation, Step, TaskId, Update
from grader.engine.tasks import TaskTable


class Announcement(msgspec.Struct, frozen=True):
    """What a task is about to do, the objects it has made meanwhile, and what it has printed.

    `place` identifies the position in the program (0: unknown), see `grader.engine.waits`. `updates` is what has come
    of the change to a manager's object that the task was let make last. `clock` is the time by the task's own clock, in
    milliseconds since some moment. `sources` is what it has asked meanwhile
    that no order decides, as bits (`grader.core.execution.Consulted`).
    """

    task: TaskId
    operation: Operation
    created: tuple[Creation, ...] = ()
    place: int = 0
    out: str = ""
    err: str = ""
    updates: tuple[Update, ...] = ()
    clock: int = 0
    sources: int = 0


class Anomaly(msgspec.Struct, frozen=True):
    """A task did not announce anything any more: it hung, or its process broke."""

    outcome: Outcome


Report: TypeAlias = Announcement | Anomaly


class Session(Protocol):
    """One execution under way. Every task is stopped at its announced operation, except while `resume` runs it."""

    def start(self) -> Sequence[Report]:
        """Let the initial tasks run up to their first operations."""

    def resume(self, step: Step) -> Sequence[Report]:
        """Tell a task its result and let it run up to its next operation (a new child up to its first)."""

    def computed(self) -> float:
        """CPU seconds that the processes which are there now have used, in all their lives."""

    def kill(self, task: TaskId) -> None:
        """End a task where it stands."""

    def close(self) -> None:
        """End every task that is left. Called exactly once, however the execution ended."""


class Program(Protocol):
    """Something that can be executed again and again, from the same start."""

    def initial_objects(self) -> Mapping[ObjectId, Any]:
        """The states of the objects that exist before the first step, the first processes among them."""

    def launch(self, tasks: TaskTable) -> Session:
        """A new execution, with the numbers of tasks that `tasks` gives out."""


class LastingProgram(Program, Protocol):
    """A program that may use processes for several executions, until it is closed."""

    @property
    def has_reused(self) -> bool:
        """Whether a process was used for more than one execution, or none was asked for what was known."""

    @property
    def remembers(self) -> bool:
        """Whether what is known of a task is not executed again."""

    def close(self) -> None:
        """End the processes that are kept for further executions."""
