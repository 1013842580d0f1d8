"""What the silence of a task means, read off the figures of its own process. Start at `Watch.look`.

A task that announces nothing either computes, or sleeps where only something outside can wake it, or does not get to
run. Time on the wall tells none of them apart, so it decides nothing: what counts is the CPU time of that process
itself, and whether it has run at all between two looks that the judge's own timer was in time for.
"""

import msgspec

from grader.core.execution import Silence

STILL_LOOKS = 20
"""So many looks in a row must find a process where it was before it is said to wait for something outside."""
STILL_SECONDS = 2.0
MOSTLY_LOOKS = 100
"""The same for a process that wakes up now and then, to see whether something has come."""
MOSTLY_AWAKE = 10
"""Of those looks so many may find it awake."""
UNSEEN_LOOKS = 100
"""So many looks in a row in which the process of a task cannot be found, though its channel is open."""


class Figures(msgspec.Struct, frozen=True):
    """One look at the process of a task; nothing but `found` and `exceeded` counts if it was not found.

    `cpu` are the seconds that it has used itself (user and system, all its threads), `switches` how often its threads
    have left a core; `asleep` says that none of them runs or wants to, `ready` that one does (one that waits for a disk
    or the like does neither). `exceeded` is what everything below the runner took too much of, in words, if it was
    killed for that.
    """

    found: bool = False
    cpu: float = 0.0
    switches: int = 0
    asleep: bool = False
    exceeded: str = ""
    ready: bool = False


class Watch:
    """Looks at one silent task, from when its silence was noticed (`now`, in seconds) until it means something.

    `limit` is how much CPU it may use, `most` the seconds after which the machine counts as too busy.
    """

    def __init__(self, limit: float, most: float, now: float) -> None:
        self._limit = limit
        self._end = now + most
        self._first: Figures | None = None
        self._last: Figures | None = None
        self._still = self._mostly = self._awake = self._unseen = 0
        self._looks = self._starved = 0
        self._still_since = now

    @property
    def used(self) -> float:
        """CPU seconds between the first look and the last one."""
        if self._first is None or self._last is None:
            return 0.0
        return self._last.cpu - self._first.cpu

    def look(self, figures: Figures, now: float, *, in_time: bool) -> Silence | None:
        """What the silence means by now; None: nothing yet. `in_time`: the judge's timer was, before this look."""
        self._looks += 1
        self._starved += not in_time or figures.ready
        if not figures.found:
            return self._not_found(now, in_time)
        self._unseen = 0
        before, self._last = self._last, figures
        if self._first is None:
            self._first = figures
        if self.used >= self._limit:
            return Silence.COMPUTES
        self._count(before, figures, now, in_time)
        if self._still >= STILL_LOOKS and now - self._still_since >= STILL_SECONDS:
            return Silence.WAITS
        if self._mostly >= MOSTLY_LOOKS:
            return Silence.WAITS
        return self._at_the_end(now)

    def _at_the_end(self, now: float) -> Silence | None:
        """The machine is too busy only if it kept the process, or the judge, from running most of the time."""
        if now < self._end:
            return None
        return Silence.BUSY if 2 * self._starved >= self._looks else Silence.STALLED

    def _not_found(self, now: float, in_time: bool) -> Silence | None:
        self._unseen = self._unseen + 1 if in_time else 0
        if self._unseen >= UNSEEN_LOOKS:
            return Silence.HIDES
        return self._at_the_end(now)

    def _count(self, before: Figures | None, figures: Figures, now: float, in_time: bool) -> None:
        """Count the looks in a row that find it asleep: where it was, or at least nearly always."""
        if in_time and figures.asleep and figures == before:
            self._still += 1
        else:
            self._still, self._still_since = 0, now
        self._awake += not figures.asleep
        self._mostly += 1
        if not in_time or self._awake > MOSTLY_AWAKE:
            self._mostly = self._awake = 0
