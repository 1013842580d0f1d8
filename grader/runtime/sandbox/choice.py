"""Which level of isolation a template's runners get: the strongest one that holds. Start at `Choice.plan`."""

import dataclasses
import sys
from typing import Any

import msgspec

from grader.errors import UsageError
from grader.runtime.agent import cgroup
from grader.runtime.sandbox import cgroups, copies, levels, plan
from grader.runtime.sandbox.cgroups import Subtree
from grader.runtime.sandbox.copies import Interpreter
from grader.runtime.sandbox.levels import Isolation, Level


class Choice:
    """Goes down the levels until one has held for a first runner, and stays there.

    Without `close_off` there is only the level OFF.
    """

    def __init__(self, *, close_off: bool) -> None:
        self._levels = list(levels.wanted(not close_off))
        self._found = cgroups.find() if close_off else cgroups.Found()
        cgroup.remove_stale(msgspec.to_builtins(self._found.subtrees))
        self._subtrees = self._found.subtrees
        self._trying: Isolation | None = None
        self._interpreter: Interpreter | None = None
        self._refused: tuple[str, ...] = ()
        self.isolation: Isolation | None = None
        """What has held; None until then."""

    @property
    def level(self) -> Level:
        """The level that is next, or that has held."""
        return self._levels[0]

    def interpreter(self) -> Interpreter:
        """What the template is to be started with at this level.

        Raises:
            NotHere: student code could not reach it.
        """
        if self._interpreter is None:
            try:
                self._interpreter = copies.of_level(self.level)
            except OSError as error:
                raise plan.NotHere(
                    f"{sys.executable} is not for everybody, and cannot be copied: {error}"
                ) from error
        return self._interpreter

    def plan(self, spared: tuple[int, ...], memory: int) -> dict[str, Any]:
        """The plan for a runner, see `grader.runtime.sandbox.plan`; what was never applied is to be verified.

        Raises:
            NotHere: this level cannot be had.
        """
        self._trying = self.isolation or plan.isolation(self.level, self._refused)
        made = plan.make(self._trying, spared, memory, self._subtrees, self.interpreter().places)
        if made.get("scratch"):
            made["verify"] = self.isolation is None
        return made

    def holds(self, held: tuple[Subtree, ...], lacking: tuple[str, ...]) -> None:
        """A runner has applied the last plan; if it was to verify it, with these cgroups and no others."""
        if self.isolation is not None or self._trying is None:
            return
        self._subtrees = held
        parts = tuple(sorted({part for subtree in held for part in subtree.parts}))
        why = (*self._found.lacking, *lacking) if self.level is not Level.OFF else ()
        self.isolation = dataclasses.replace(self._trying, cgroup=parts, lacking=why)

    def remove(self) -> None:
        """Remove a copy of the interpreter, if there is one."""
        if self._interpreter is not None:
            self._interpreter.remove()
            self._interpreter = None

    def weaken(self, reason: str) -> None:
        """Go on with the next level.

        Raises:
            UsageError: there is none.
        """
        self._refused = (*self._refused, f"{self._levels.pop(0).value}: {reason}")
        self.isolation = None
        self._subtrees = self._found.subtrees
        self.remove()
        if not self._levels:
            raise UsageError(f"student code cannot be closed off here: {'; '.join(self._refused)}")
