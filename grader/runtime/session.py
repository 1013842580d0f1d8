"""One execution with every task in a process of its own, each stopped before its next operation.

Start at `ProcessSession`. `grader.runtime.programs` says what is executed so, and `grader.runtime.remembered` how most
of the processes can be spared.
"""

import abc
from collections.abc import Iterable, Sequence
from contextlib import suppress

from grader.core.operations import OperationKind, Step, TaskId, task_of
from grader.engine.program import Anomaly, Report
from grader.engine.scripted import ScriptedTask
from grader.runtime.allowance import Origin
from grader.runtime.hearing import Hearing, Line, announcement
from grader.runtime.kept import KeptProcesses
from grader.runtime.patience import Patience
from grader.runtime.protocol import Wire, pair
from grader.runtime.runner import Runner, RunnerLost

_KIND = OperationKind
STARTS = (_KIND.PROCESS_START, _KIND.THREAD_START)

REUSABLE = "reusable"
"""The text of an exit by a process that would run once more as if it were new (`agent.reuse`)."""
RUNS_AGAIN = b"again"
"""Tells a parent that the child which it starts is one from an earlier execution, so it must not fork."""


class LiveSession(abc.ABC):
    """What sessions have in common whose tasks are processes: scripted tasks beside them, and the end."""

    def __init__(
        self,
        runner: Runner,
        patience: Patience,
        kept: KeptProcesses | None = None,
        parent: Wire | None = None,
    ) -> None:
        self._runner = runner
        self._kept = kept
        self._scripted: dict[TaskId, ScriptedTask] = {}
        self.hearing = Hearing(runner, patience, parent)

    def add_scripted(self, task: ScriptedTask) -> None:
        """A task that runs in the judge."""
        self._scripted[task.task] = task

    def start(self) -> Sequence[Report]:
        """As `grader.engine.program.Session`, and so are the others."""
        scripted = [task.advance(None) for task in self._scripted.values()]
        return [*self._begin(), *scripted]

    def resume(self, step: Step) -> Sequence[Report]:
        scripted = self._scripted.get(step.task)
        if scripted is None:
            return self._go_on(step)
        return [] if step.operation.kind is _KIND.PROCESS_EXIT else [scripted.advance(step.result)]

    def computed(self) -> float:
        with suppress(RunnerLost):
            return self._runner.usage().cpu
        return 0.0

    def kill(self, task: TaskId) -> None:
        self._scripted.pop(task, None)
        self._hang_up(task)

    def close(self) -> None:
        for task in self._living():
            self._hang_up(task)
        if self.hearing.broken:
            if self._kept is not None:
                self._kept.close()
            self.hearing.sweep()

    @abc.abstractmethod
    def _begin(self) -> list[Report]:
        """What the processes announce first."""

    @abc.abstractmethod
    def _go_on(self, step: Step) -> Sequence[Report]:
        """What is announced after a step of one that is not scripted."""

    @abc.abstractmethod
    def _living(self) -> list[TaskId]:
        """The tasks that have not ended and are not scripted."""

    @abc.abstractmethod
    def _hang_up(self, task: TaskId) -> None:
        """End the process of a task, if it has one."""


class ProcessSession(LiveSession):
    """Every task is a process behind its channel."""

    def __init__(
        self,
        runner: Runner,
        patience: Patience,
        kept: KeptProcesses | None = None,
        parent: Wire | None = None,
    ) -> None:
        super().__init__(runner, patience, kept, parent)
        self._histories: dict[TaskId, int] = {}
        self._begins: dict[TaskId, int] = {}
        self._lines: dict[TaskId, Line] = {}

    def add(self, task: TaskId, wire: Wire, function: str = "", history: int = 0) -> None:
        """A process that is about to announce its first operation, in the function that it calls if it is known.

        `history` tells what it was told to do.
        """
        self._lines[task] = Line(task, wire, (function, 0))
        self._histories[task] = history

    def _begin(self) -> list[Report]:
        return self._collect(list(self._lines))

    def _go_on(self, step: Step) -> Sequence[Report]:
        kind = step.operation.kind
        self._histories[step.task] = hash((self._histories.get(step.task, 0), step.operation, step.result))
        if kind is _KIND.READY:
            self._lines.pop(step.task, None)
            return []
        if kind in STARTS and step.result is not None and step.result.ok:
            return self._start_child(step) if kind is _KIND.PROCESS_START else self._start_thread(step)
        if step.task not in self._lines:
            return []  # it has just killed itself
        self._lines[step.task].answer(step.result)
        if kind is _KIND.THREAD_EXIT:
            self._hang_up(step.task)
            return []
        if kind is _KIND.PROCESS_EXIT:
            if self._kept is not None and step.operation.text == REUSABLE:
                begun = self._begins.get(step.task, 0)
                self._kept.add(step.task, begun, self._lines.pop(step.task).wire)
                self.hearing.voices.gone(step.task)
            self._hang_up(step.task)
            return []
        return self._collect([step.task])

    def _start_child(self, step: Step) -> Sequence[Report]:
        child = task_of(step.operation.object)
        history = self._histories[step.task]
        self._histories[child] = self._begins[child] = history
        starter = self._lines[step.task]
        kept = self._kept.take(child, history, {"again": True}) if self._kept is not None else None
        if step.operation.data:
            wire = self._runner.spawn(child, step.operation.data)
            starter.answer(step.result)
        elif kept is not None:
            wire = kept
            starter.answer(step.result, word=RUNS_AGAIN)
        else:
            wire, other = pair()
            with other:
                starter.answer(step.result, other.fileno())
        self._lines[child] = Line(child, wire, begun_at(starter.origin))
        return self._collect([step.task, child])

    def _start_thread(self, step: Step) -> Sequence[Report]:
        thread, starter = task_of(step.operation.object), self._lines[step.task]
        self.hearing.voices.thread(thread, step.task)
        wire, other = pair()
        self._lines[thread] = Line(thread, wire, begun_at(starter.origin))
        with other:
            starter.answer(step.result, other.fileno())
        wire.other_end = starter.wire.other_end  # its process is known by the first one
        return self._collect([step.task, thread])

    def _collect(self, awaited: Iterable[TaskId]) -> list[Report]:
        return [self._await(task) for task in awaited]

    def _await(self, task: TaskId) -> Report:
        heard = self.hearing.hear(self._lines[task])
        return heard if isinstance(heard, Anomaly) else announcement(task, heard)

    def _hang_up(self, task: TaskId) -> None:
        line = self._lines.pop(task, None)
        if line is not None:
            self.hearing.hang_up(line)

    def _living(self) -> list[TaskId]:
        return list(self._lines)


def begun_at(starter: Origin) -> Origin:
    """Where a task is that was started there and has done nothing yet."""
    function, place = starter
    return function, -place
