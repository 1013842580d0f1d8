"""What one execution costs, whatever number of steps it makes. Start at `Effort.outcome`; `Held` is about the machine.

Each of many steps may compute for a while. The time on the wall only says when to look, and at last that nothing comes
of it: on a busy machine it proves nothing.
"""

import time

from grader.core.execution import Outcome, OutcomeKind, Silence
from grader.core.operations import TaskId
from grader.engine.program import Session

LOOK_SECONDS = 60.0
"""Every so often it is looked. Most executions never are: they take a few seconds at the most."""
MOST_COMPUTED = 60.0
"""CPU seconds of the judge and of the processes that are there, from the first look on."""
MOST_SECONDS = 1_200.0
"""Seconds on the wall after which an execution is given up."""
TOO_SLOW = "more than a minute of processor time for a single execution"

MOST_HELD = 0.25
"""The part of its time that the judge may wait for a core of its own before the machine counts as too busy."""
_OWN_SCHEDULING = "/proc/self/schedstat"
_clock = time.monotonic


class Held:
    """Whether the machine has kept the judge from running since now, by the kernel's account."""

    def __init__(self) -> None:
        self._began = _clock()
        self._waited = _waited()

    @property
    def seconds(self) -> float:
        """How long that is ago."""
        return _clock() - self._began

    @property
    def too_much(self) -> bool:
        """Whether it was kept from running for so long that nothing can be said about what it judges."""
        return _waited() - self._waited > MOST_HELD * self.seconds


def _waited() -> float:
    """Seconds that this process wanted to run and did not get to; 0 where the kernel does not count them."""
    try:
        with open(_OWN_SCHEDULING, "rb") as counts:
            return int(counts.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


class Effort:
    """The cost of an execution that begins now."""

    def __init__(self) -> None:
        self._began = _clock()
        self._next = self._began + LOOK_SECONDS
        self._first: float | None = None
        self._held = Held()

    def outcome(self, session: Session, task: TaskId, line: int) -> Outcome | None:
        """How the execution ends because it costs too much, None if it does not; `task` has made its last step."""
        now = _clock()
        if now < self._next:
            return None
        self._next = now + LOOK_SECONDS
        computed = time.process_time() + session.computed()
        if self._first is None:
            self._first = computed
        if computed - self._first > MOST_COMPUTED:
            return Outcome(OutcomeKind.UNCONTROLLED, task, line, TOO_SLOW)
        if now - self._began > MOST_SECONDS:
            why = Silence.BUSY if self._held.too_much else Silence.STALLED
            return Outcome(OutcomeKind.SILENT, task, line, silence=why)
        return None
