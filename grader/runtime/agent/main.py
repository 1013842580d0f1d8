"""The processes between the judge and student code: template and runner.

Start at `template`: a clean interpreter with everything loaded that is needed later, so that a fork gives a new
process in a millisecond. It forks one *runner* for each submission; the runner forks the *host*, which imports the
submission under control and is forked for every call that an execution makes (`hosts`). Template and runner never
execute student code.

Commands come as JSON frames (see `channel`); `do` names the command, a descriptor may come along.
"""

import binascii
import functools
import gc
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from grader.runtime.agent import (
    confine_check,
    forking,
    free,
    hosts,
    install,
    ordinary,
    probe,
    reaper,
    room,
)
from grader.runtime.agent.channel import Channel
from grader.runtime.agent.confine import Confinement, Failed
from grader.runtime.agent.figures import Figures
from grader.runtime.agent.loader import Script, Submission
from grader.runtime.agent.runners import Runners

_fork = os.fork
_MAIN = 0


def template(descriptor: int) -> None:
    """Fork a runner on each command `runner`, and tell how one has ended (`ended`), until the judge hangs up."""
    install.preload()
    free.preload()
    if sys.flags.no_site:  # it is for submissions; a user's own program may know how it is run
        ordinary.become()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    control = Channel(socket.socket(fileno=descriptor), -1)
    runners = Runners()
    control.at_end = runners.end
    while True:
        command = control.receive()
        if command["do"] == "ended":
            control.send({"status": runners.status(command["runner"])})
            continue
        given = control.take_descriptor()
        runners.bury()
        plan = command.get("sandbox") or {}
        plan["name"] = runners.name()
        child = forking.attempt(_fork)
        if child == 0:
            control.close()
            forking.guarded(functools.partial(runner, given, command))
        runners.add(child, plan)
        control.send({"runner": child or 0})
        os.close(given)


def runner(descriptor: int, settings: dict[str, Any]) -> None:
    """Serve the commands for one submission; the judge hanging up ends it with everything below it.

    First it closes itself off and says whether that went well: `problem` is empty, or why there is no runner.
    """
    control = Channel(socket.socket(fileno=descriptor), -1)
    plan = settings.get("sandbox") or {}
    confinement = Confinement(plan)
    reaper.become_reaper()
    control.at_end = confinement.clean_up
    try:
        try:
            confinement.apply()
            if plan.get("verify"):
                confine_check.verify(confinement, plan)
        except (Failed, OSError) as error:
            confinement.clean_up()
            full = room.refuses(error) or (error.__cause__ is not None and room.refuses(error.__cause__))
            control.send({"problem": room.NO_ROOM if full else str(error)})
            return
        control.send({"problem": "", **confinement.held})
        Runner(control, settings, confinement).serve()
    except BaseException:
        confinement.sweep()
        confinement.clean_up()
        raise


class Runner:
    """The process at the top of everything that one submission does."""

    def __init__(self, control: Channel, settings: dict[str, Any], confinement: Confinement) -> None:
        self._control = control
        self._confinement = confinement
        control.at_end = self._leave_nothing
        self._hosts: set[int] = set()
        self._watchdog = confinement.watchdog()
        self._watchdog.listener = control.fileno()
        self._watchdog.note = lambda text: control.send({"note": text})
        self._exceeded = ""
        self._figures = Figures()
        _limit(settings)
        if settings["cores"]:
            os.sched_setaffinity(0, settings["cores"])
        self._submission = _submission(settings)
        self._submission.preload()

    def serve(self) -> None:
        """Answer commands for ever; ends with the process."""
        commands: dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]] = {
            "host": self._host,
            "script": self._script,
            "spawn": self._spawn,
            "sweep": self._sweep,
            "usage": self._usage,
            "figures": self._look_at,
            "stack": self._stack,
            "free": self._free,
            "room": self._room,
        }
        while True:
            self._watch()
            command = self._control.receive()
            answer = commands[command["do"]](command)
            if answer is not None:
                self._control.send(answer)

    def _watch(self) -> None:
        """Until the next command comes: end everything below if it takes too much."""
        while True:
            if self._watchdog.due():
                self._look()
            if self._control.ready(self._watchdog.wait()):
                return

    def _look(self) -> None:
        exceeded = self._watchdog.look()
        if exceeded:
            self._exceeded = exceeded
            self._confinement.sweep(self._hosts)
            if self._watchdog.look():
                self._confinement.sweep()

    def _leave_nothing(self) -> None:
        self._confinement.sweep()
        self._confinement.clean_up()

    def _fork(self, task: int, body: Callable[[int], None]) -> int | None:
        given = self._control.take_descriptor()
        child = forking.attempt(_fork)
        if child == 0:
            self._control.close()
            forking.guarded(lambda: self._closed_in(body, given, task))
        if child is None:
            forking.refuse(given, task)
        os.close(given)
        return child

    def _closed_in(self, body: Callable[[int], None], given: int, task: int) -> None:
        """Run `body` as what it is: a process that executes student code."""
        try:
            self._confinement.let_go()
            self._confinement.drop()
            self._confinement.enter()
        except OSError as error:
            forking.refuse(given, task, f"{room.NOT_CLOSED_OFF} ({error})")
            return
        body(given)

    def _host(self, command: dict[str, Any]) -> None:
        task, draw = command["task"], command["draw"]
        child = self._fork(task, lambda given: hosts.host(given, self._submission, task, draw))
        if child is not None:
            self._hosts.add(child)

    def _script(self, command: dict[str, Any]) -> None:
        child = self._fork(_MAIN, lambda given: hosts.script_host(given, self._submission))
        if child is not None:
            self._hosts.add(child)

    def _spawn(self, command: dict[str, Any]) -> None:
        task, data = command["task"], binascii.a2b_base64(command["payload"])
        self._fork(task, lambda given: hosts.spawned(given, self._submission, task, data))

    def _sweep(self, command: dict[str, Any]) -> dict[str, Any]:
        spare = self._hosts if command.get("spare_hosts") else ()
        return {"swept": self._confinement.sweep(spare)}

    def _usage(self, command: dict[str, Any]) -> dict[str, Any]:
        return {"cpu": reaper.used()}

    def _look_at(self, command: dict[str, Any]) -> dict[str, Any]:
        exceeded, self._exceeded = self._exceeded or self._watchdog.ended_by_kernel(), ""
        return {**self._figures.of(command["socket"]), "exceeded": exceeded}

    def _stack(self, command: dict[str, Any]) -> dict[str, Any]:
        pid = self._figures.find(command["socket"])
        return {"asked": pid != 0 and reaper.kill(pid, signal.SIGUSR1)}

    def _room(self, command: dict[str, Any]) -> dict[str, Any]:
        return probe.room(command["processes"], self._confinement)

    def _free(self, command: dict[str, Any]) -> dict[str, Any]:
        return free.run(self._submission, command, frozenset(self._hosts), self._confinement, self._watchdog)


def _limit(settings: dict[str, Any]) -> None:
    """Apply resource limits that nothing below can lift again."""
    for name, value in settings.get("limits", {}).items():
        kind = getattr(resource, f"RLIMIT_{name}", None)
        if kind is not None:
            _, hard = resource.getrlimit(kind)
            bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (bound, bound))


def _submission(settings: dict[str, Any]) -> Submission:
    text, script = settings["submission"], settings.get("script")
    if script is None:
        return Submission(text["name"], text["filename"], text["source"])
    program = Script(text["filename"], text["source"], script["path"], script["arguments"])
    os.chdir(script["folder"])
    program.enter()
    return program
