"""How much CPU time a task may use by itself between two announcements. Start at `Allowance`.

That of a check is fixed: what the exercises ask for takes microseconds. In the exploration of a program nobody knows
what it has to compute, so its first execution is the measure (`Measured`), and whoever goes beyond cannot be judged.
"""

from typing import TypeAlias

CHECK_SECONDS = 10.0
AGAIN_SECONDS = 2.0
"""The limit from where a task has gone on to compute for `CHECK_SECONDS` before, in the same grading."""
FIRST_SECONDS = 60.0
"""The limit in the first execution of a program, in which nobody is interrupted."""
TIMES_THE_FIRST = 20
BUSY_SECONDS = 300.0
"""Seconds on the wall after which a silent task that has not used up its limit is given up: the machine is too busy.
Ten times the seconds that a check may take."""

Origin: TypeAlias = tuple[str, int]
"""Where a task was when it went silent: the function that was called, and the place of its last operation there."""


class Allowance:
    """The limits in the checks of one submission."""

    decides = True
    """Whether it is a `hang` if a task goes beyond; otherwise it cannot be judged."""

    def __init__(self) -> None:
        self._computed: set[Origin] = set()

    def begin(self) -> None:
        """A new execution begins."""

    def limit(self, origin: Origin) -> float:
        """CPU seconds that a task which goes silent there may use."""
        return AGAIN_SECONDS if origin in self._computed else CHECK_SECONDS

    def spoke(self, seconds: float) -> None:
        """A task has used so much in silence, and then announced something."""

    def exceeded(self, origin: Origin) -> None:
        """A task has used up its limit."""
        self._computed.add(origin)


class Measured(Allowance):
    """The limits in the exploration of a program; `seconds`: the same for all, if somebody has said so."""

    decides = False

    def __init__(self, seconds: float | None = None) -> None:
        super().__init__()
        self._given = seconds
        self._executions = 0
        self._most = 0.0

    def begin(self) -> None:
        self._executions += 1

    def limit(self, origin: Origin) -> float:
        if self._given is not None:
            return self._given
        if self._executions <= 1:
            return FIRST_SECONDS
        return max(CHECK_SECONDS, TIMES_THE_FIRST * self._most)

    def spoke(self, seconds: float) -> None:
        if self._executions <= 1:
            self._most = max(self._most, seconds)

    def exceeded(self, origin: Origin) -> None:
        pass
