"""The judge's handle on the runner of one submission, which takes everything that the submission started with it.

Start at `Runner`.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

import msgspec

from grader.runtime import blame
from grader.runtime.allowance import Allowance
from grader.runtime.blame import Blame, Room
from grader.runtime.protocol import Ended, Malformed, Silent, Wire, pair
from grader.runtime.silence import Figures

_ANSWER_SECONDS = 30.0
_NOTE = b'{"note"'
_RAW = msgspec.json.Decoder(msgspec.Raw)


class RunnerLost(blame.Lost):
    """The runner is gone."""


class RunnerSilent(RunnerLost):
    """The runner does not answer; it may only not get to run."""


class Usage(msgspec.Struct, frozen=True):
    """CPU seconds used by everything below a runner."""

    cpu: float


class _Note(msgspec.Struct, frozen=True):
    """What a runner says without being asked."""

    note: str


class Runner:
    """One submission's process tree. A context manager; at its end nothing of the tree is left."""

    def __init__(
        self,
        wire: Wire,
        source: str = "",
        *,
        protected: bool = False,
        ended: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._wire = wire
        self._late = False
        self.source = source
        """What the submission consists of."""
        self.allowance = Allowance()
        """How much the tasks of the submission may compute by themselves."""
        self.protected = protected
        """Whether it is out of the submission's reach."""
        self.noted = self.exceeded = ""
        """What the submission took that was near to our limits, and beyond them, in words."""
        self.ended = ended
        """How it has ended, as its parent says."""
        self.blame = Blame(self)
        """Whose fault it is if something ends."""

    def __enter__(self) -> "Runner":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def host(self, task: int, draw: int = 0) -> Wire:
        """Have a host forked that imports the submission as task number `task`; its channel.

        `draw` decides what chance and the clock say (`grader.runtime.agent.draws`).
        """
        return self._forked({"do": "host", "task": task, "draw": draw})

    def script(self) -> Wire:
        """Have a process forked that executes a program as often as it is told to; its channel."""
        return self._forked({"do": "script"})

    def spawn(self, task: int, payload: bytes) -> Wire:
        """Have a process started the `spawn` way, from a clean interpreter; its channel."""
        return self._forked({"do": "spawn", "task": task, "payload": payload})

    def _forked(self, command: dict[str, Any]) -> Wire:
        wire, other = pair()
        with other, suppress(RunnerLost):  # noticed when the process does not say anything
            self._tell(command, other.fileno())
        return wire

    def _tell(self, command: dict[str, Any], descriptor: int | None = None) -> None:
        try:
            self._wire.send(command, descriptor)
        except Ended as error:
            raise RunnerLost from error

    def ask(self, command: dict[str, Any], seconds: float = _ANSWER_SECONDS) -> bytes:
        """Send a command and return the undecoded JSON of its answer.

        Raises:
            RunnerSilent: no answer came in time. From then on none is waited for: it could be that to another question.
            RunnerLost: the runner is gone.
        """
        if self._late:
            raise RunnerSilent
        try:
            self._tell(command)
            return self._answer(seconds)
        except Silent as error:
            self._late = True
            raise RunnerSilent from error
        except RunnerLost:
            with suppress(Ended, Malformed, Silent):
                self._answer(0.0)  # there may be a note
            raise
        except (Ended, Malformed) as error:
            raise RunnerLost from error

    def _answer(self, seconds: float) -> bytes:
        """What comes next, and is no note."""
        deadline = time.monotonic() + seconds
        while True:
            raw = bytes(self._wire.receive(_RAW, max(0.0, deadline - time.monotonic())))
            if not raw.startswith(_NOTE):
                return raw
            self.noted = msgspec.json.decode(raw, type=_Note).note

    def sweep(self, *, spare_hosts: bool = False) -> None:
        """Kill everything below the runner; with `spare_hosts` all but the hosts."""
        self.ask({"do": "sweep", "spare_hosts": spare_hosts})

    def usage(self) -> Usage:
        """What the submission's processes use now."""
        return msgspec.json.decode(self.ask({"do": "usage"}), type=Usage)

    def figures(self, wire: Wire) -> Figures:
        """What the process at the other end of a channel has used by now, and whether it sleeps."""
        answer = self.ask({"do": "figures", "socket": wire.other_end})
        figures = msgspec.json.decode(answer, type=Figures)
        self.exceeded = figures.exceeded or self.exceeded
        return figures

    def room(self, processes: int) -> Room:
        """Whether so many processes can be started; tried out by the runner itself."""
        return msgspec.json.decode(self.ask({"do": "room", "processes": processes}), type=Room)

    def ask_for_stack(self, wire: Wire) -> None:
        """Have the process at the other end of a channel write its stack there: no frame can be read from it then."""
        self.ask({"do": "stack", "socket": wire.other_end})

    def close(self) -> None:
        """End the runner and everything below it."""
        with suppress(RunnerLost):
            self.sweep()
        self._wire.close()
