"""What one execution costs, whatever number of steps it makes. Start at `Effort.outcome`.

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
"""Seconds on the wall after which the machine counts as too busy."""
TOO_SLOW = "more than a minute of processor time for a single execution"

_clock = time.monotonic


class Effort:
    """The cost of an execution that begins now."""

    def __init__(self) -> None:
        self._began = _clock()
        self._next = self._began + LOOK_SECONDS
        self._first: float | None = None

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
            return Outcome(OutcomeKind.SILENT, task, line, silence=Silence.BUSY)
        return None
