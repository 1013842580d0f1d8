"""Tries whether the machine has room for more processes, and closes them off. Start at `room`.

A process of a submission that gets none may say so; but only the runner, which executes no student code, is believed.
"""

import contextlib
import os
import select
from typing import Any

from grader.runtime.agent import forking, reaper
from grader.runtime.agent.confine import Confinement

_SECONDS = 10.0
_NOT_CLOSED = b"x"
_fork, _leave = os.fork, os._exit


def room(processes: int, confinement: Confinement) -> dict[str, Any]:
    """How many processes can be started beside those that there are, up to `processes`, as what student code runs in.

    See `grader.runtime.blame.Room`.
    """
    found: dict[str, Any] = {"made": 0, "closed": True, "threads": _threads()}
    try:
        answer, told = os.pipe()
    except OSError:
        return found
    child = forking.attempt(_fork)
    if child == 0:
        os.close(answer)
        forking.guarded(lambda: _try(processes, told, confinement))
    os.close(told)
    if child is not None:
        said = os.read(answer, 16) if select.select([answer], [], [], _SECONDS)[0] else b""
        found["closed"] = said != _NOT_CLOSED
        found["made"] = int(said) if said.isdigit() else 0
        reaper.kill(child)
    os.close(answer)
    return found


def _try(processes: int, told: int, confinement: Confinement) -> None:
    """This process is the first; each other one waits until this one has ended."""
    try:
        confinement.let_go()
        confinement.drop()
        confinement.enter()
    except OSError:
        os.write(told, _NOT_CLOSED)
        return
    made = 1
    with contextlib.suppress(OSError):
        held, holding = os.pipe()
        while made < processes:
            if _fork() == 0:
                os.close(holding)
                os.read(held, 1)
                _leave(0)
            made += 1
    os.write(told, b"%d" % made)


def _threads() -> int:
    """How many threads there are below this process."""
    count = 0
    for pid in reaper.descendants(os.getpid()):
        with contextlib.suppress(OSError):
            count += len(os.listdir(f"/proc/{pid}/task"))
    return count
