"""Whether a confinement holds, found out by entering it in a throw-away process and trying. Start at `verify`."""

import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from typing import Any

from grader.runtime.agent.confine import Confinement, Failed

_LIMIT = 65_536
_fork, _leave = os.fork, os._exit


def verify(confinement: Confinement, plan: Mapping[str, Any]) -> None:
    """Enter the confinement in a child and try what it should stop, and what it should leave possible.

    Raises:
        Failed: it cannot be entered, it does not hold, or nothing would work inside.
    """
    reader, writer = os.pipe()
    child = _fork()
    if child == 0:
        try:
            problem = _from_inside(confinement, plan)
        except BaseException as error:
            problem = f"{type(error).__name__}: {error}"
        os.write(writer, json.dumps({"problem": problem[:500]}).encode("ascii"))
        _leave(0)
    os.close(writer)
    data = b""
    while len(data) < _LIMIT and (piece := os.read(reader, _LIMIT)):
        data += piece
    os.close(reader)
    try:
        problem = str(json.loads(data)["problem"])
    except (ValueError, KeyError) as error:
        raise Failed("a process that enters it dies") from error
    if problem:
        raise Failed(problem)


def _from_inside(confinement: Confinement, plan: Mapping[str, Any]) -> str:
    """What is wrong, in words; empty if nothing is."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        confinement.let_go()
        confinement.drop()
        confinement.enter()
    except OSError as error:
        return f"cannot be entered: {error}"
    if not _starts_python():
        return f"{sys.executable} does not start inside"
    for path in plan.get("secret", ()):
        if _opens(path):
            return f"{path} can be read from inside"
    if (plan.get("seccomp") or plan.get("namespaces")) and _reaches_network():
        return "the network can be reached from inside"
    return ""


def _starts_python() -> bool:
    """Whether a new interpreter can be started, as the start method `spawn` does."""
    command = [sys.executable, "-s", "-S", "-c", "import os, json"]
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        actions = [(os.POSIX_SPAWN_DUP2, nothing, descriptor) for descriptor in range(3)]
        child = os.posix_spawn(sys.executable, command, os.environ, file_actions=actions)
        return os.waitpid(child, 0)[1] == 0
    except OSError:
        return False


def _opens(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def _reaches_network() -> bool:
    """Whether a packet can be sent at all; nobody listens there."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.connect(("127.0.0.1", 9))
            return sender.send(b"x") > 0
    except OSError:
        return False
