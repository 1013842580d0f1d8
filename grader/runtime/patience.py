"""Waits for what a task announces, and says what became of one that announces nothing. Start at `Patience.receive`.

What its silence means is decided in `grader.runtime.silence`, and how much it may compute in
`grader.runtime.allowance`; where it is, is read off a few stacks (`grader.runtime.stacks`).
"""

import time
from contextlib import suppress
from typing import TypeVar

import msgspec

from grader.core.execution import Outcome, OutcomeKind, Silence
from grader.core.operations import Failure, TaskId
from grader.runtime.allowance import OF_AN_OPERATION, Origin, longest_wait
from grader.runtime.protocol import Silent, Wire
from grader.runtime.runner import Runner, RunnerLost, RunnerSilent
from grader.runtime.silence import Figures, Watch
from grader.runtime.stacks import line_of, loop_line

_SLICE = 0.1
"""Seconds between two looks; the first look comes only after as long."""
_WORTH_A_LOOK = 0.05
"""Seconds of waiting for one process after which its figures are asked for."""
_LATE = 2.0
"""A timer is in time if it takes at most so many times as long as it should."""
_STACKS = 5
_STACK_SECONDS = 10.0
"""How long a process may take to write a stack: on a machine that works, no time at all."""

T = TypeVar("T")
_clock = time.monotonic


class Patience:
    """Waits for the tasks of one execution."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._allowance = runner.allowance
        self._allowance.begin()
        self._silence = Silence.BUSY
        self._limit = 0.0

    def receive(
        self, wire: Wire, decoder: "msgspec.json.Decoder[T]", origin: Origin, *, threads: bool = False
    ) -> T:
        """One frame of a task that was at `origin`, in a process that has had further `threads` or not.

        Raises:
            Silent: it has not come, for a reason that `silent` tells.
            RunnerLost: there is nobody to ask about the task any more.
            Ended, Malformed: as `Wire.receive`.
        """
        before = _clock()
        try:
            frame = wire.receive(decoder, _SLICE)
        except Silent:
            pass
        else:
            wire.waited += _clock() - before
            wire.heard += 1
            if wire.waited >= _WORTH_A_LOOK:
                self._charge(wire, self._look(wire))
            return frame
        self._limit = self._allowance.limit(origin, threads=threads)
        watch = Watch(self._limit, longest_wait(self._limit), _clock())
        in_time = True
        while True:
            silence = watch.look(self._look(wire), _clock(), in_time=in_time)
            if silence is not None:
                self._give_up(silence, origin)
            before = _clock()
            try:
                frame = wire.receive(decoder, _SLICE)
            except Silent:
                in_time = _clock() - before <= _LATE * _SLICE
                continue
            figures = self._look(wire)
            watch.look(figures, _clock(), in_time=False)
            self._charge(wire, figures)
            self._allowance.spoke(watch.used + _SLICE)
            return frame

    def _charge(self, wire: Wire, figures: Figures) -> None:
        """Count what the process has used since the last look beyond what its operations cost."""
        if figures.found:
            free = wire.heard * OF_AN_OPERATION
            self._allowance.computed += max(0.0, figures.cpu - wire.charged - free)
            wire.charged = figures.cpu
        wire.waited, wire.heard = 0.0, 0

    def _give_up(self, silence: Silence, origin: Origin) -> None:
        self._silence = silence
        if silence is Silence.COMPUTES:
            self._allowance.exceeded(origin)
        raise Silent

    def _look(self, wire: Wire) -> Figures:
        return self._runner.figures(wire)

    def death(self, wire: Wire, task: TaskId, *, host_too: bool = False) -> Outcome:
        """The outcome for a process that is gone and has not said anything before; see `grader.runtime.blame`.

        Raises:
            MachineError: it was the machine, or may have been.
        """
        try:
            self._look(wire)
        except RunnerSilent:
            return self._runner.blame.late(task)
        except RunnerLost:
            return self._runner.blame.lost(task)
        return self._runner.blame.died(task, host_too=host_too)

    @property
    def hung(self) -> bool:
        """Whether the last silence was a failure: a task that computes more than it may."""
        return self._silence is Silence.COMPUTES and self._allowance.decides

    def silent(self, wire: Wire, task: TaskId, *, thread: bool = False) -> Outcome:
        """The outcome for a silent task, with the line that it was in, unless it is a `thread` besides the first one.

        A process says where its first thread is, on that thread's channel.

        Raises:
            MachineError: it did not get to run.
        """
        if self._silence is Silence.BUSY:
            raise self._runner.blame.busy()
        kind = OutcomeKind.HUNG if self.hung else OutcomeKind.SILENT
        known = not thread
        line = loop_line(self._stacks(wire), self._runner.source) if known else 0
        return Outcome(kind, task, line, silence=self._silence, seconds=self._limit)

    def _stacks(self, wire: Wire) -> list[bytes]:
        """What the process says about where it is; all that its channel is good for from then on.

        One that computes is asked a few times. One that sleeps may be woken up by being asked, and go on.
        """
        stacks: list[bytes] = []
        with suppress(RunnerLost):
            while len(stacks) < (_STACKS if self._silence is Silence.COMPUTES else 1):
                wire.forget()
                self._runner.ask_for_stack(wire)
                stack = wire.noise(_STACK_SECONDS)
                if not stack:
                    break
                stacks.append(stack)
        return stacks


def fatal_error(task: TaskId, raw: bytes, reason: str) -> Outcome:
    """The outcome for a task whose channel carried something else than a frame.

    The interpreter's own last words, after a segmentation fault say, come that way.
    """
    if not raw.startswith(b"Fatal Python error"):
        return Outcome(OutcomeKind.CRASHED, task, detail=f"it broke the protocol: {reason}")
    words = raw.split(b"\n", 1)[0].removeprefix(b"Fatal Python error: ").decode("ascii", "replace")[:80]
    return Outcome(
        OutcomeKind.CRASHED, task, line_of(raw), words, Failure("fatal error", words, line_of(raw))
    )
