"""The processes between the judge and student code: template, runner, host.

Start at `template`: a clean interpreter with everything loaded that is needed later, so that a fork gives a new
process in a millisecond. It forks one *runner* for each submission; the runner forks the *host*, which imports the
submission under control and is forked for every call that an execution makes. Template and runner never execute
student code.

Commands come as JSON frames (see `channel`); `do` names the command, a descriptor may come along.
"""

import binascii
import functools
import gc
import inspect
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from grader.runtime.agent import (
    alike,
    chance,
    channel,
    clock,
    confine_check,
    ending,
    forking,
    frames,
    free,
    install,
    memory,
    process,
    queues,
    reaper,
    reuse,
    room,
    synchronize,
    warmup,
    watchdog,
)
from grader.runtime.agent.channel import Channel
from grader.runtime.agent.confine import Confinement, Failed
from grader.runtime.agent.loader import Script, Submission
from grader.runtime.agent.runners import Runners

_fork = os.fork
_leave = os._exit
_MAIN = 0


def template(descriptor: int) -> None:
    """Serve `runner` commands until the judge hangs up."""
    install.preload()
    free.preload()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    control = Channel(socket.socket(fileno=descriptor), -1)
    runners = Runners()
    control.at_end = runners.end
    while True:
        command = control.receive()
        given = control.take_descriptor()
        runners.bury()
        child = _forked(_fork)
        if child == 0:
            control.close()
            _guarded(functools.partial(runner, given, command))
        runners.add(child, command.get("sandbox") or {})
        control.send({"forked": child is not None})
        os.close(given)


def _forked(fork: Callable[[], int]) -> int | None:
    """What `fork` returns, None if there is no room for another process."""
    try:
        return fork()
    except OSError as error:
        if room.refuses(error):
            return None
        raise


def _refuse(given: int, task: int, why: str = room.NO_ROOM) -> None:
    """There is no process for the task with this channel, so somebody else has to say it in its place."""
    its_own = channel.of(given, task)
    its_own.send({"operation": {"kind": "agent.uncontrolled", "line": 0, "text": why}})


def _guarded(body: Callable[[], None]) -> None:
    """Run `body` and leave; an error of ours is told on stderr, never carried on with."""
    try:
        body()
    except BaseException:
        if os.environ.get("GRADER_DEBUG"):
            sys.__excepthook__(*sys.exc_info())
        _leave(70)
    _leave(0)


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
        control.send({"problem": ""})
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
        self._exceeded = ""
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
            "stacks": self._stacks,
            "free": self._free,
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
            if self._control.ready(watchdog.PERIOD):
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
        child = _forked(_fork)
        if child == 0:
            self._control.close()
            _guarded(lambda: self._closed_in(body, given, task))
        if child is None:
            _refuse(given, task)
        os.close(given)
        return child

    def _closed_in(self, body: Callable[[int], None], given: int, task: int) -> None:
        """Run `body` as what it is: a process that executes student code."""
        try:
            self._confinement.let_go()
            self._confinement.drop()
            self._confinement.enter()
        except OSError as error:
            _refuse(given, task, f"{room.NOT_CLOSED_OFF} ({error})")
            return
        body(given)

    def _host(self, command: dict[str, Any]) -> None:
        task = command["task"]
        child = self._fork(task, lambda given: host(given, self._submission, task))
        if child is not None:
            self._hosts.add(child)

    def _script(self, command: dict[str, Any]) -> None:
        child = self._fork(_MAIN, lambda given: script_host(given, self._submission))
        if child is not None:
            self._hosts.add(child)

    def _spawn(self, command: dict[str, Any]) -> None:
        task, data = command["task"], binascii.a2b_base64(command["payload"])
        self._fork(task, lambda given: spawned(given, self._submission, task, data))

    def _sweep(self, command: dict[str, Any]) -> dict[str, Any]:
        spare = self._hosts if command.get("spare_hosts") else ()
        return {"swept": self._confinement.sweep(spare)}

    def _usage(self, command: dict[str, Any]) -> dict[str, Any]:
        seconds, runnable = reaper.usage()
        exceeded, self._exceeded = self._exceeded, ""
        return {"cpu": seconds, "runnable": runnable, "exceeded": exceeded}

    def _stacks(self, command: dict[str, Any]) -> dict[str, Any]:
        for pid in reaper.descendants(os.getpid()):
            try:
                os.kill(pid, signal.SIGUSR1)
            except OSError:
                continue
        return {}

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


def _enter(descriptor: int, task: int) -> Channel:
    """Make this freshly forked process controlled: its channel, and its stack on demand, also for its children."""
    own = channel.adopt(descriptor, task)
    frames.show_stack_on(channel.DESCRIPTOR)
    return own


def host(descriptor: int, submission: Submission, task: int) -> None:
    """Import the submission under control, then be forked for each call."""
    own = _enter(descriptor, task)
    install.install()
    chance.wanted = submission.mentions(chance.WORDS)
    synchronize.may_be_cleared = submission.mentions(synchronize.CLEARING)
    process.begin_main()
    module = process.guard(submission.load)
    command = own.request("agent.ready")
    warmup.warm_up()
    calls = _Calls(module, submission.source)
    while True:
        if "probe" in command:
            own.send({"probed": [_probe(module, name, count) for name, count in command["probe"]]})
        elif "call" in command:
            calls.fork(own.take_descriptor(), command["call"])
        command = own.receive()


def script_host(descriptor: int, script: Submission) -> None:
    """Replace `multiprocessing`, then be forked for each execution of a program."""
    control = Channel(socket.socket(fileno=descriptor), -1)
    install.install()
    chance.wanted = script.mentions(chance.WORDS)
    synchronize.may_be_cleared = script.mentions(synchronize.CLEARING)
    alike.learn(script.source)
    warmup.warm_up()
    while True:
        command = control.receive()
        given = control.take_descriptor()
        child = _forked(forking.fork)
        if child == 0:
            control.close()
            _guarded(functools.partial(_run_script, given, script, command["task"]))
        if child is None:
            _refuse(given, command["task"])
        os.close(given)


def _run_script(descriptor: int, script: Submission, task: int) -> None:
    _enter(descriptor, task)
    process.begin_main()
    process.guard(script.load)
    ending.leave_main(0)


def _probe(module: ModuleType, name: str, count: int) -> str:
    """What a required function is: `missing`, `not-callable`, `arguments` (it does not take `count`) or `ok`."""
    function = getattr(module, name, None)
    if function is None:
        return "missing"
    if not callable(function):
        return "not-callable"
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return "arguments"
    except ValueError:
        return "ok"
    return "ok"


class _Calls:
    """Forks a process for each call. Arguments are built here, once, and not in every child."""

    def __init__(self, module: ModuleType, source: str) -> None:
        self._module = module
        self._freshness = reuse.Freshness(module, source)
        reuse.remember(self._freshness)
        self._arguments: dict[str, list[Any]] = {}
        self._first_child = process.next_child()

    def fork(self, given: int, call: dict[str, Any]) -> None:
        """Start the process of one call, whose channel is `given`."""
        described = json.dumps(call["arguments"])
        if described not in self._arguments:
            self._arguments = {described: _arguments(call)}
        arguments = self._arguments[described]
        child = _forked(forking.fork)
        if child == 0:
            _guarded(lambda: self._run(given, call, arguments))
        if child is None:
            _refuse(given, call["task"])
        os.close(given)

    def _run(self, given: int, call: dict[str, Any], arguments: list[Any]) -> None:
        own = channel.adopt(given, call["task"])
        began = clock.elapsed()
        while True:
            process.begin_call(call["name"], self._first_child)
            function = getattr(self._module, call["function"])
            process.call(function, arguments, None, self._freshness.main_unchanged, call["times"])
            call = own.receive()["call"]
            own.begin(call["task"])
            frames.forget()
            clock.start(began)
            self._freshness.begin_again()
            arguments = _arguments(call)


def _arguments(call: dict[str, Any]) -> list[Any]:
    return [_argument(dict(description)) for description in call["arguments"]]


def _argument(description: dict[str, Any]) -> Any:
    """An argument as the judge describes it: a plain value, or a shared object by its number."""
    if "plain" in description:
        import pickle  # only the judge's own values come this way

        return pickle.loads(binascii.a2b_base64(description["plain"]))
    kind = description.pop("kind")
    makers: dict[str, Callable[..., Any]] = {
        "memory": memory.proxy,
        "lock": synchronize.proxy,
        "queue": queues.proxy,
    }
    return makers[kind](**description)


def spawned(descriptor: int, submission: Submission, task: int, data: bytes) -> None:
    """A process of the `spawn` start method: a fresh import, then what was pickled."""
    _enter(descriptor, task)
    install.install()
    process.run_spawned(data, submission.load_in_child)
