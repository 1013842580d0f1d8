"""Which limits of a cgroup really hold here, found out by running into them. Start at `holding`."""

import mmap
import os
import select
from collections.abc import Callable, Mapping
from typing import Any

from grader.runtime.agent.cgroup import Group, Part, Tree

_LITTLE = 32 * 2**20
_TOO_MUCH = 3 * _LITTLE
_SECONDS = 10.0
_ENTERED, _DONE = b"e", b"d"
_fork, _leave = os.fork, os._exit


def holding(plan: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """The trees of a plan with those parts that hold, and why the others do not, in words."""
    held, lacking = [], []
    for description in plan["cgroup"]:
        parts = []
        for part in description["parts"]:
            problem = _problem({**description, "parts": [part]}, str(plan["name"]))
            if problem:
                lacking.append(f"{part}: {problem}")
            else:
                parts.append(part)
        if parts:
            held.append({**description, "parts": parts})
    return held, lacking


def _problem(description: Mapping[str, Any], name: str) -> str:
    """Why the one part of this tree cannot be had; empty if it holds."""
    tree = Tree(description, name)
    part = tree.parts[0]
    try:
        group = Group([tree], 1, _LITTLE)
        try:
            return "" if _TRIALS[part](group) else "it was tried and does not hold"
        finally:
            group.let_go()
    except OSError as error:
        return str(error.strerror or error)
    finally:
        tree.remove()


class _Inside:
    """A child that has entered the group, then does something, and says so if it comes to its end."""

    def __init__(self, group: Group, body: Callable[[], object]) -> None:
        self._reader, writer = os.pipe()
        self._pid = _fork()
        if self._pid == 0:
            try:
                os.close(self._reader)
                group.enter()
                os.write(writer, _ENTERED)
                if body():
                    os.write(writer, _DONE)
            finally:
                _leave(0)
        os.close(writer)

    def says(self) -> bytes:
        """The next word of it; nothing if it is gone. Raises OSError if neither happens."""
        if not select.select([self._reader], [], [], _SECONDS)[0]:
            raise TimeoutError("a process in the group does not answer")
        return os.read(self._reader, 1)

    def end(self) -> None:
        """See that it is gone."""
        os.close(self._reader)
        try:
            os.kill(self._pid, 9)
            os.waitpid(self._pid, 0)
        except OSError:
            return


def _pids(group: Group) -> bool:
    return _outcome(group, _cannot_fork) == _DONE


def _memory(group: Group) -> bool:
    return _outcome(group, _takes_too_much) == b"" and group.out_of_memory()


def _kill(group: Group) -> bool:
    inside = _Inside(group, lambda: select.select([], [], []))
    try:
        if inside.says() != _ENTERED:
            return False
        group.kill()
        return inside.says() == b""
    finally:
        inside.end()


def _outcome(group: Group, body: Callable[[], object]) -> bytes | None:
    """What a child says after it has entered, None if it cannot enter."""
    inside = _Inside(group, body)
    try:
        return inside.says() if inside.says() == _ENTERED else None
    finally:
        inside.end()


def _cannot_fork() -> bool:
    try:
        if _fork() == 0:
            _leave(0)
    except BlockingIOError:
        return True
    return False


def _takes_too_much() -> bool:
    with mmap.mmap(-1, _TOO_MUCH, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        for place in range(0, _TOO_MUCH, mmap.PAGESIZE):
            memory[place] = 1
    return True


_TRIALS: dict[Part, Callable[[Group], bool]] = {Part.PIDS: _pids, Part.MEMORY: _memory, Part.KILL: _kill}
