"""The real executor: one execution with every task in a process of its own.

Start at `HostedProgram`: calls of a submission's functions, each forked from the host that has imported it, beside
scripted tasks that live in the judge. `ImportProgram` is the import itself, executed once; the objects that it makes
are part of the initial state of every later execution, because hosts are forked only after it.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from grader.core.operations import (
    JUDGE,
    MAIN,
    ObjectId,
    OperationKind,
    Result,
    Step,
    TaskId,
    process_object,
    task_of,
)
from grader.engine.program import Announcement, Anomaly, Report
from grader.engine.scripted import Script, ScriptedTask
from grader.engine.tasks import TaskTable
from grader.primitives.pipe import inherited
from grader.primitives.process import ProcessState
from grader.runtime.agent.room import is_refusal
from grader.runtime.allowance import Origin
from grader.runtime.announced import known
from grader.runtime.kept import KeptProcesses
from grader.runtime.patience import Patience, fatal_error
from grader.runtime.protocol import MESSAGES, Ended, Malformed, Message, Silent, Wire, pair
from grader.runtime.runner import Runner, RunnerLost, RunnerSilent
from grader.runtime.voices import Voices

_KIND = OperationKind
_STARTS = (_KIND.PROCESS_START, _KIND.THREAD_START)
_LAST_WORDS_SECONDS = 0.1


class Call(msgspec.Struct, frozen=True):
    """A function of the submission to be called as one task; arguments as `grader.runtime.agent.hosts` reads them.

    It is called `times` times, one after the other; what the last call returns is what the task returns.
    """

    function: str
    arguments: tuple[dict[str, Any], ...] = ()
    label: str = ""
    name: str = "MainProcess"
    times: int = 1


class ProcessSession:
    """Tasks behind channels, and scripted ones beside them."""

    def __init__(
        self,
        runner: Runner,
        tasks: TaskTable,
        patience: Patience,
        kept: "KeptProcesses | None" = None,
        parent: Wire | None = None,
    ) -> None:
        self._kept = kept
        self._parent = parent
        self._histories: dict[TaskId, int] = {}
        self._begins: dict[TaskId, int] = {}
        self._runner = runner
        self._tasks = tasks
        self._patience = patience
        self._wires: dict[TaskId, Wire] = {}
        self._origins: dict[TaskId, Origin] = {}
        self._scripted: dict[TaskId, ScriptedTask] = {}
        self._broken = False
        self._voices = Voices()
        self.host: TaskId | None = None
        """The task that will say that it is ready to be forked, and do nothing more."""

    def add(self, task: TaskId, wire: Wire, function: str = "", history: int = 0) -> None:
        """A process that is about to announce its first operation, in the function that it calls if it is known.

        `history` tells what it was told to do.
        """
        self._wires[task] = wire
        self._histories[task] = history
        self._origins[task] = (function, 0)

    def add_scripted(self, task: ScriptedTask) -> None:
        """A task that runs in the judge."""
        self._scripted[task.task] = task

    def start(self) -> Sequence[Report]:
        scripted = [task.advance(None) for task in self._scripted.values()]
        return [*self._collect(list(self._wires)), *scripted]

    def resume(self, step: Step) -> Sequence[Report]:
        scripted = self._scripted.get(step.task)
        if scripted is not None:
            return [] if step.operation.kind is _KIND.PROCESS_EXIT else [scripted.advance(step.result)]
        kind = step.operation.kind
        self._histories[step.task] = hash((self._histories.get(step.task, 0), step.operation, step.result))
        if kind is _KIND.READY:
            self._wires.pop(step.task, None)
            return []
        if kind in _STARTS and step.result is not None and step.result.ok:
            return self._start_child(step) if kind is _KIND.PROCESS_START else self._start_thread(step)
        if step.task not in self._wires:
            return []  # it has just killed itself
        self._answer(step)
        if kind is _KIND.THREAD_EXIT:
            self._hang_up(step.task)
            return []
        if kind is _KIND.PROCESS_EXIT:
            if self._kept is not None and step.operation.text == REUSABLE:
                self._kept.add(step.task, self._begins.get(step.task, 0), self._wires.pop(step.task))
            self._hang_up(step.task)
            return []
        return self._collect([step.task])

    def _answer(self, step: Step, descriptor: int | None = None, word: bytes = b"") -> None:
        result = step.result if step.result is not None else Result()
        plain = msgspec.structs.replace(result, marks=()) if result.marks else result
        if word:
            plain = msgspec.structs.replace(plain, data=word)
        with suppress(Ended):  # noticed when its next announcement does not come
            self._wires[step.task].send(plain, descriptor)

    def _start_child(self, step: Step) -> Sequence[Report]:
        child = task_of(step.operation.object)
        history = self._histories[step.task]
        self._histories[child] = self._begins[child] = history
        self._origins[child] = self._begun_at(step.task)
        kept = self._kept.take(child, history, {"again": True}) if self._kept is not None else None
        if step.operation.data:
            self._wires[child] = self._runner.spawn(child, step.operation.data)
            self._answer(step)
        elif kept is not None:
            self._wires[child] = kept
            self._answer(step, word=RUNS_AGAIN)
        else:
            wire, other = pair()
            self._wires[child] = wire
            with other:
                self._answer(step, other.fileno())
        return self._collect([step.task, child])

    def _start_thread(self, step: Step) -> Sequence[Report]:
        thread = task_of(step.operation.object)
        self._voices.thread(thread, step.task)
        self._origins[thread] = self._begun_at(step.task)
        self._wires[thread], other = pair()
        with other:
            self._answer(step, other.fileno())
        self._wires[thread].other_end = self._wires[
            step.task
        ].other_end  # its process is known by the first one
        return self._collect([step.task, thread])

    def _begun_at(self, starter: TaskId) -> Origin:
        """Where a task is that was started there and has done nothing yet."""
        function, place = self._origins[starter]
        return function, -place

    def _collect(self, awaited: Iterable[TaskId]) -> list[Report]:
        return [self._await(task) for task in awaited]

    def _await(self, task: TaskId) -> Report:
        wire = self._wires[task]
        try:
            message = self._heard(task, wire)
        except Silent:
            self._broken = True
            return Anomaly(self._patience.silent(wire, task, thread=self._voices.is_thread(task)))
        except Ended:
            host_too = self._parent is not None and self._parent.has_ended
            return Anomaly(self._patience.death(wire, task, host_too=host_too))
        except Malformed as error:
            self._broken = True
            return Anomaly(fatal_error(task, wire.noise(_LAST_WORDS_SECONDS), str(error)))
        except RunnerSilent:
            self._broken = True
            return Anomaly(self._runner.blame.late(task))
        except RunnerLost:
            return Anomaly(self._runner.blame.lost(task))
        operation = message.operation
        if operation.kind is _KIND.UNCONTROLLED:
            if is_refusal(operation.text):
                return Anomaly(self._runner.blame.refused(task, operation.line))
            operation = msgspec.structs.replace(operation, text=known(operation.text))
        self._origins[task] = (self._origins[task][0], message.place)
        return Announcement(
            task,
            operation,
            message.created,
            message.place,
            message.out,
            message.err,
            message.updates,
            message.clock,
            message.sources,
        )

    def _heard(self, task: TaskId, wire: Wire) -> Message:
        """What a task says. For one for which there is no process somebody else says that, and nothing but that."""
        message = self._patience.receive(
            wire, MESSAGES, self._origins[task], threads=self._voices.has_threads(task)
        )
        if message.operation.kind is not _KIND.UNCONTROLLED:
            self._voices.hears(task, wire.senders, wire.size)
        kind = message.operation.kind
        if kind is _KIND.QUEUE_FLUSH or (kind is _KIND.READY and task != self.host):
            raise Malformed(f"{kind.value} is not for it to say")
        return message

    def _hang_up(self, task: TaskId) -> None:
        self._voices.gone(task)
        wire = self._wires.pop(task, None)
        if wire is not None:
            wire.close()

    def computed(self) -> float:
        with suppress(RunnerLost):
            return self._runner.usage().cpu
        return 0.0

    def kill(self, task: TaskId) -> None:
        self._scripted.pop(task, None)
        self._hang_up(task)

    def close(self) -> None:
        for task in list(self._wires):
            self._hang_up(task)
        if self._broken:
            if self._kept is not None:
                self._kept.close()
            with suppress(RunnerLost):
                self._runner.sweep(spare_hosts=True)


HOST_PLACE = 0
REUSABLE = "reusable"
"""The text of an exit by a process that would run once more as if it were new (`agent.reuse`)."""
RUNS_AGAIN = b"again"
"""Tells a parent that the child which it starts is one from an earlier execution, so it must not fork."""


class ImportProgram:
    """The import of the submission; the host stays behind, on `host`, when it was a success."""

    def __init__(self, runner: Runner, draw: int = 0) -> None:
        self._runner = runner
        self._draw = draw
        self.host: Wire | None = None

    def initial_objects(self) -> Mapping[ObjectId, Any]:
        return {process_object(MAIN): ProcessState(JUDGE, "import")}

    def launch(self, tasks: TaskTable) -> ProcessSession:
        task = tasks.top(HOST_PLACE, "main")
        self.host = self._runner.host(task, self._draw)
        session = ProcessSession(self._runner, tasks, Patience(self._runner))
        session.add(task, self.host)
        session.host = task
        return session


class _OfHost:
    """What programs have in common whose processes are forked from a host; with `fresh`, anew for each execution.

    Processes that are `kept` for several programs are ended by whoever has made them. `draw` decides what chance and
    the clock say (`grader.runtime.agent.draws`).
    """

    def __init__(
        self,
        runner: Runner,
        host: Wire,
        *,
        fresh: bool = False,
        kept: KeptProcesses | None = None,
        draw: int = 0,
    ) -> None:
        self._runner = runner
        self._host = host
        self._draw = draw
        self._is_shared = kept is not None
        self._kept = None if fresh else kept or KeptProcesses()

    def _forked(self, command: Mapping[str, Any]) -> Wire:
        """A new process that does what it is told."""
        wire, other = pair()
        with other, suppress(Ended):  # a host that was killed: the task will be found dead
            self._host.send(command, other.fileno())
        return wire

    @property
    def has_reused(self) -> bool:
        """Whether a process was used for more than one execution."""
        return self._kept is not None and self._kept.used

    def close(self) -> None:
        """End the processes that are kept for further executions of this program only."""
        if self._kept is not None and not self._is_shared:
            self._kept.close()


class HostedProgram(_OfHost):
    """Calls of functions of an imported submission, and scripted tasks, on given objects.

    With `fresh`, no process is used for more than one execution. Processes that are `kept` may come from other
    programs of the same host, and go on to them.
    """

    def __init__(
        self,
        runner: Runner,
        host: Wire,
        objects: Mapping[ObjectId, Any],
        calls: Sequence[Call],
        scripts: Sequence[tuple[str, Script]] = (),
        *,
        fresh: bool = False,
        kept: KeptProcesses | None = None,
        draw: int = 0,
    ) -> None:
        super().__init__(runner, host, fresh=fresh, kept=kept, draw=draw)
        self._objects = objects
        self._calls = calls
        self._scripts = scripts

    def _places(self) -> range:
        return range(HOST_PLACE + 1, HOST_PLACE + 1 + len(self._calls) + len(self._scripts))

    def initial_objects(self) -> Mapping[ObjectId, Any]:
        processes = {process_object(place): ProcessState(JUDGE) for place in self._places()}
        calls = [place for place, _ in zip(self._places(), self._calls)]
        return {**inherited(self._objects, HOST_PLACE, calls), **processes}

    def launch(self, tasks: TaskTable) -> ProcessSession:
        tasks.top(HOST_PLACE, "import")
        session = ProcessSession(self._runner, tasks, Patience(self._runner), self._kept, self._host)
        places = list(self._places())
        for place, call in zip(places, self._calls):
            task = tasks.top(place, call.label)
            # Its children are the same again only where the call was, too.
            told = hash((call.function, msgspec.json.encode(call.arguments), call.times))
            session.add(task, self._process_for(task, call), call.function, told)
        for place, (label, script) in zip(places[len(self._calls) :], self._scripts):
            session.add_scripted(ScriptedTask(tasks.top(place, label), script))
        return session

    def _process_for(self, task: TaskId, call: Call) -> Wire:
        command = _command(task, call, self._draw)
        kept = self._kept.take(task, 0, command) if self._kept is not None else None
        return kept if kept is not None else self._forked(command)


class ScriptProgram(_OfHost):
    """A program that is executed as `__main__`, each time in a new process.

    With `fresh`, the processes that it starts are new as well.
    """

    def in_new_processes(self) -> "ScriptProgram":
        """The same program, executed in new processes only."""
        return ScriptProgram(self._runner, self._host, fresh=True, draw=self._draw)

    def under(self, draw: int, *, fresh: bool = False) -> "ScriptProgram":
        """The same program with what another draw decides."""
        return ScriptProgram(self._runner, self._host, fresh=fresh, draw=draw)

    def initial_objects(self) -> Mapping[ObjectId, Any]:
        return {process_object(MAIN): ProcessState(JUDGE)}

    def launch(self, tasks: TaskTable) -> ProcessSession:
        task = tasks.top(HOST_PLACE, "main")
        session = ProcessSession(self._runner, tasks, Patience(self._runner), self._kept, self._host)
        session.add(task, self._forked({"task": task, "draw": self._draw}))
        return session


def _command(task: TaskId, call: Call, draw: int) -> dict[str, Any]:
    return {
        "call": {
            "task": task,
            "function": call.function,
            "arguments": call.arguments,
            "name": call.name,
            "times": call.times,
            "draw": draw,
        }
    }
