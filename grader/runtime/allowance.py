"""How much CPU time a task may use by itself between two announcements. Start at `Allowance`.

That of a check is fixed: what the exercises ask for takes microseconds. In the exploration of a program nobody knows
what it has to compute, so its first execution is the measure (`Measured`), and whoever goes beyond cannot be judged.
"""

import math
from typing import TypeAlias

CHECK_SECONDS = 10.0
AGAIN_SECONDS = 2.0
"""The limit from where a task has gone on to compute for `CHECK_SECONDS` before, in the same grading."""
FIRST_SECONDS = 60.0
"""The limit in the first execution of a program, in which nobody is interrupted."""
TIMES_THE_FIRST = 20
OF_AN_OPERATION = 0.002
"""CPU seconds that an operation may cost a process, ours included: ten times what it does. They do not count, so that
who only tries again and again has not computed."""
MOST_COMPUTED = 10.0
"""CPU seconds that the tasks of a submission may use by themselves in all its executions. What the exercises ask for
takes a thousandth of that; who computes more is not explored to the end."""
TIMES_THE_LIMIT = 30
"""After so many times its limit a silent task that has not used it up is given up: the machine is too busy."""
BUSY_SECONDS = 300.0
"""The shortest such time: ten times what the exploration of a check may take."""

Origin: TypeAlias = tuple[str, int]
"""Where a task was when it went silent: the function that was called, and the place of its last operation there."""


def longest_wait(limit: float) -> float:
    """Seconds on the wall after which a task that has not used up this limit, and does not sleep, is given up."""
    return max(BUSY_SECONDS, TIMES_THE_LIMIT * limit)


class Allowance:
    """The limits in the checks of one submission."""

    decides = True
    """Whether it is a `hang` if a task goes beyond; otherwise it cannot be judged."""

    def __init__(self) -> None:
        self._computed: set[Origin] = set()
        self.computed = 0.0
        """CPU seconds that tasks have used by themselves, as far as it was worth looking, and then gone on."""

    @property
    def is_spent(self) -> bool:
        """Whether they compute so much that not many executions more can be made."""
        return self.decides and self.computed > MOST_COMPUTED

    def begin(self) -> None:
        """A new execution begins."""

    def limit(self, origin: Origin, *, threads: bool) -> float:
        """CPU seconds that a task which goes silent there may use; `threads`: there are others in its process."""
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

    def limit(self, origin: Origin, *, threads: bool) -> float:
        if self._given is not None:
            return self._given
        if (
            threads
        ):  # it may wait for what another one would do, if that could run: more time tells nothing more
            return CHECK_SECONDS
        if self._executions <= 1:
            return FIRST_SECONDS
        return max(CHECK_SECONDS, math.ceil(TIMES_THE_FIRST * self._most))

    def spoke(self, seconds: float) -> None:
        if self._executions <= 1:
            self._most = max(self._most, seconds)

    def exceeded(self, origin: Origin) -> None:
        pass
