"""When a task that announces nothing is given up: after its CPU limit, or when it sleeps where nothing can wake it.

Start at `Patience.receive`. Wall-clock time alone proves nothing on a busy machine, so what counts is the CPU time
that the submission's processes have used, or that none of them has wanted to run for a while.
"""

import re
import time
from contextlib import suppress
from typing import TypeVar

import msgspec

from grader.core.execution import Outcome, OutcomeKind
from grader.core.operations import Failure, TaskId
from grader.runtime.protocol import Silent, Wire
from grader.runtime.template import Runner, RunnerLost, Usage

CPU_SECONDS = 1.5
IDLE_SECONDS = 1.5
WALL_SECONDS = 30.0
_SLICE = 0.1
_STACK_SECONDS = 1.0

T = TypeVar("T")
_FRAME = re.compile(rb'File "(?P<file>[^"]{1,300})", line (?P<line>\d{1,7}) in (?P<name>[^\n]{1,80})')


class Patience:
    """Waits for the tasks of one runner."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._busy = True
        self._exceeded = ""

    def receive(self, wire: Wire, decoder: "msgspec.json.Decoder[T]") -> T:
        """One frame; raises what `Wire.receive` does, `Silent` only once the limits are reached."""
        try:
            return wire.receive(decoder, _SLICE)
        except Silent:
            pass
        started = quiet_since = time.monotonic()
        first = self._usage().cpu
        while True:
            try:
                return wire.receive(decoder, _SLICE)
            except Silent:
                now = (
                    time.monotonic()
                )  # before the question: the runner may be busy killing, and then nobody is idle
                usage = self._usage()
            if usage.runnable or usage.exceeded:
                quiet_since = time.monotonic()
            self._busy = usage.cpu - first >= CPU_SECONDS
            if self._busy or now - quiet_since >= IDLE_SECONDS or now - started >= WALL_SECONDS:
                raise Silent

    def _usage(self) -> Usage:
        usage = self._runner.usage()
        self._exceeded = usage.exceeded or self._exceeded
        return usage

    def death(self) -> str:
        """What is known of the end of a process that has not said anything before."""
        with suppress(RunnerLost):
            self._usage()
        return f"it was ended for taking {self._exceeded}" if self._exceeded else "the process died"

    def hung(self, wire: Wire, task: TaskId) -> Outcome:
        """The outcome for a silent task, with the line that it was in."""
        self._runner.ask_for_stacks()
        line = _line(wire.noise(_STACK_SECONDS))
        what = "it keeps computing" if self._busy else "it waits for something outside"
        return Outcome(OutcomeKind.HUNG, task, line, what)


def _line(stack: bytes) -> int:
    """The line of the innermost frame that belongs to a submission, 0 if there is none.

    A submission's file has no folder in its name, the standard library's have.
    """
    for frame in _FRAME.finditer(stack):
        if b"/" not in frame["file"] and not frame["file"].startswith(b"<"):
            return int(frame["line"])
    return 0


def fatal_error(task: TaskId, raw: bytes, reason: str) -> Outcome:
    """The outcome for a task whose channel carried something else than a frame.

    The interpreter's own last words, after a segmentation fault say, come that way.
    """
    if not raw.startswith(b"Fatal Python error"):
        return Outcome(OutcomeKind.CRASHED, task, detail=f"it broke the protocol: {reason}")
    words = raw.split(b"\n", 1)[0].removeprefix(b"Fatal Python error: ").decode("ascii", "replace")[:80]
    return Outcome(OutcomeKind.CRASHED, task, _line(raw), words, Failure("fatal error", words, _line(raw)))
