"""What the real executor runs: calls of a submission's functions, its import, or a whole program.

Start at `HostedProgram`: calls, each forked from the host that has imported the submission, beside scripted tasks that
live in the judge. `ImportProgram` is the import itself, executed once; the objects that it makes are part of the
initial state of every later execution, because hosts are forked only after it.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec

from grader.core.operations import JUDGE, MAIN, ObjectId, TaskId, process_object
from grader.engine.program import Session
from grader.engine.scripted import Script, ScriptedTask
from grader.engine.tasks import TaskTable
from grader.primitives.pipe import inherited
from grader.primitives.process import ProcessState
from grader.runtime.kept import KeptProcesses
from grader.runtime.patience import Patience
from grader.runtime.protocol import Ended, Wire, pair
from grader.runtime.remembered.session import RememberingSession
from grader.runtime.remembered.trie import Memory
from grader.runtime.runner import Runner
from grader.runtime.session import ProcessSession

HOST_PLACE = 0


class Call(msgspec.Struct, frozen=True):
    """A function of the submission to be called as one task; arguments as `grader.runtime.agent.hosts` reads them.

    It is called `times` times, one after the other; what the last call returns is what the task returns.
    """

    function: str
    arguments: tuple[dict[str, Any], ...] = ()
    label: str = ""
    name: str = "MainProcess"
    times: int = 1


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
        session = ProcessSession(self._runner, Patience(self._runner))
        session.add(task, self.host)
        session.hearing.host = task
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
        memory: Memory | None = None,
        draw: int = 0,
    ) -> None:
        self._runner = runner
        self._host = host
        self._draw = draw
        self._memory = None if fresh else memory
        self._is_shared = kept is not None
        self._kept = None if fresh or draw else kept or KeptProcesses()

    def _forked(self, command: Mapping[str, Any]) -> Wire:
        """A new process that does what it is told."""
        wire, other = pair()
        with other, suppress(Ended):  # a host that was killed: the task will be found dead
            self._host.send(command, other.fileno())
        return wire

    @property
    def has_reused(self) -> bool:
        """Whether a process was used for more than one execution, or none was asked for what was known."""
        remembered = self._memory is not None and self._memory.used
        return remembered or (self._kept is not None and self._kept.used)

    @property
    def remembers(self) -> bool:
        """Whether what is known of a task is not executed again."""
        return self._memory is not None and not self._memory.lost

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
        memory: Memory | None = None,
        draw: int = 0,
    ) -> None:
        super().__init__(runner, host, fresh=fresh, kept=kept, memory=memory, draw=draw)
        self._objects = objects
        self._calls = calls
        self._scripts = scripts

    def _places(self) -> range:
        return range(HOST_PLACE + 1, HOST_PLACE + 1 + len(self._calls) + len(self._scripts))

    def initial_objects(self) -> Mapping[ObjectId, Any]:
        processes = {process_object(place): ProcessState(JUDGE) for place in self._places()}
        calls = [place for place, _ in zip(self._places(), self._calls)]
        return {**inherited(self._objects, HOST_PLACE, calls), **processes}

    def launch(self, tasks: TaskTable) -> Session:
        tasks.top(HOST_PLACE, "import")
        patience = Patience(self._runner)
        places = list(self._places())
        calls = [(tasks.top(place, call.label), call) for place, call in zip(places, self._calls)]
        scripts = zip(places[len(self._calls) :], self._scripts)
        scripted = [ScriptedTask(tasks.top(place, label), script) for place, (label, script) in scripts]
        session: ProcessSession | RememberingSession
        if self._memory is not None and self.remembers:
            session = RememberingSession(self._runner, patience, self._memory, self._kept, self._host)
            for task, call in calls:
                root = self._memory.root((task, self._draw, *_told(call)))
                session.add(task, root, partial(self._process_for, task, call), call.function)
        else:
            session = ProcessSession(self._runner, patience, self._kept, self._host)
            for task, call in calls:
                # Its children are the same again only where the call was, too.
                session.add(task, self._process_for(task, call), call.function, hash(_told(call)))
        for one in scripted:
            session.add_scripted(one)
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
        return self.under(self._draw, fresh=True)

    def under(self, draw: int, *, fresh: bool = False) -> "ScriptProgram":
        """The same program with what another draw decides."""
        return ScriptProgram(self._runner, self._host, fresh=fresh, memory=self._memory, draw=draw)

    def initial_objects(self) -> Mapping[ObjectId, Any]:
        return {process_object(MAIN): ProcessState(JUDGE)}

    def launch(self, tasks: TaskTable) -> Session:
        task = tasks.top(HOST_PLACE, "main")
        patience = Patience(self._runner)
        fork = partial(self._forked, {"task": task, "draw": self._draw})
        if self._memory is not None and self.remembers:
            remembering = RememberingSession(self._runner, patience, self._memory, self._kept, self._host)
            remembering.add(task, self._memory.root((task, self._draw)), fork)
            return remembering
        session = ProcessSession(self._runner, patience, self._kept, self._host)
        session.add(task, fork())
        return session


def _told(call: Call) -> tuple[Any, ...]:
    """What decides what a call does, beside the number of its task."""
    return call.function, msgspec.json.encode(call.arguments), call.name, call.times


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
