"""The processes that student code begins in: the host of a submission, that of a program, and spawned ones.

Start at `host`, which imports the submission under control and is forked for each call (`_Calls`); `script_host` is
forked for each execution of a program.
"""

import binascii
import functools
import inspect
import json
import os
import pickle
import socket
from collections.abc import Callable
from types import ModuleType
from typing import Any

from grader.runtime.agent import (
    alike,
    chance,
    channel,
    clock,
    draws,
    ending,
    forking,
    frames,
    install,
    memory,
    process,
    queues,
    reuse,
    synchronize,
    warmup,
)
from grader.runtime.agent.channel import Channel
from grader.runtime.agent.loader import Submission

_IDENTITIES = ("pid", "ident", "native_id")
"""Words without one of which a program asks for no process id. Python itself asks for them often."""


def _enter(descriptor: int, task: int) -> Channel:
    """Make this freshly forked process controlled: its channel, and its stack on demand, also for its children."""
    own = channel.adopt(descriptor, task)
    frames.show_stack_on(channel.DESCRIPTOR)
    return own


def host(descriptor: int, submission: Submission, task: int, draw: int) -> None:
    """Import the submission under control, then be forked for each call."""
    own = _enter(descriptor, task)
    install.install()
    chance.wanted = submission.mentions(chance.WORDS)
    synchronize.may_be_cleared = submission.mentions(synchronize.CLEARING)
    draws.learn(submission.source)
    draws.begin(draw)
    if submission.mentions(_IDENTITIES):
        draws.asked(draws.CLOCK)
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
    draws.learn(script.source)
    warmup.warm_up()
    while True:
        command = control.receive()
        given = control.take_descriptor()
        child = forking.attempt(forking.fork)
        if child == 0:
            control.close()
            task, draw = command["task"], command["draw"]
            forking.guarded(functools.partial(_run_script, given, script, task, draw))
        if child is None:
            forking.refuse(given, command["task"])
        os.close(given)


def _run_script(descriptor: int, script: Submission, task: int, draw: int) -> None:
    _enter(descriptor, task)
    draws.begin(draw)
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
        child = forking.attempt(forking.fork)
        if child == 0:
            forking.guarded(lambda: self._run(given, call, arguments))
        if child is None:
            forking.refuse(given, call["task"])
        os.close(given)

    def _run(self, given: int, call: dict[str, Any], arguments: list[Any]) -> None:
        own = channel.adopt(given, call["task"])
        began = clock.elapsed()
        while True:
            draws.begin(call["draw"])
            process.begin_call(call["name"], self._first_child)
            function = getattr(self._module, call["function"])
            process.call(function, arguments, None, self._freshness.main_unchanged, call["times"])
            call = own.receive()["call"]
            own.begin(call["task"])
            clock.start(began)
            self._freshness.begin_again()
            arguments = _arguments(call)


def _arguments(call: dict[str, Any]) -> list[Any]:
    return [_argument(dict(description)) for description in call["arguments"]]


def _argument(description: dict[str, Any]) -> Any:
    """An argument as the judge describes it: a plain value, or a shared object by its number."""
    if "plain" in description:
        # Only the judge's own values come this way.
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
    draws.learn(submission.source)
    process.run_spawned(data, submission.load_in_child)
