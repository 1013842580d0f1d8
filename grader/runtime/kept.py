"""Processes that have come to their end and can run once more. Start at `KeptProcesses`."""

from contextlib import suppress
from typing import Any

from grader.core.operations import TaskId
from grader.runtime.protocol import Ended, Wire

MOST_KEPT = 64


class KeptProcesses:
    """Processes of earlier executions that have come to their end and can run once more.

    A process is known by its number and the history of its parent up to its start (a hash of the parent's steps): the
    same history led the parent to the same state, and a new fork of it would be the same process again.
    """

    def __init__(self) -> None:
        self._wires: dict[tuple[TaskId, int], Wire] = {}
        self.used = False
        """Whether any process did run again."""

    def add(self, task: TaskId, history: int, wire: Wire) -> None:
        """Keep a process that waits to be told to run again."""
        if len(self._wires) >= MOST_KEPT:
            self._wires.pop(next(iter(self._wires))).close()
        self._wires[task, history] = wire

    def take(self, task: TaskId, history: int, command: dict[str, Any]) -> Wire | None:
        """Tell the process, if there is one, to run again; its channel."""
        wire = self._wires.pop((task, history), None)
        if wire is not None:
            self.used = True
            with suppress(Ended):  # it will be found dead
                wire.send(command)
        return wire

    def close(self) -> None:
        """End them all."""
        for wire in self._wires.values():
            wire.close()
        self._wires.clear()
