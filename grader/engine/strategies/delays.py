"""Waits that fail more often than is explored, and then do not. Start at `Delays`.

The bound on waits is a stated one, and bursts go beyond it for who gives up. What is left are programs that count how
often they were unlucky, and do something else for it once they get what they wait for. So at each place where the
bound has held somebody back, the wait is let fail so many times: each small number, then numbers that grow by half,
drawn so that nobody knows which are left out. That finds a program which is wrong in a range of counts of some width;
it proves nothing, and no claim rests on it.
"""

import enum
import random
from collections.abc import Iterator, Sequence

from grader.core.operations import Result, TaskId
from grader.engine.machine import Machine
from grader.engine.steps import perform
from grader.engine.strategies.base import Choice, Strategy
from grader.engine.strategies.bursts import LONGEST_ALONE, MOST_ROUNDS, Led, can_move
from grader.engine.strategies.probes import Held
from grader.engine.strategies.waits import BoundedWaits
from grader.engine.waits import Bounds, Place, Waiting

EACH_UP_TO = 12
GROWTH = 1.5
LARGE = 7
"""So many larger numbers: the last is near the most that anybody has to wait (`MOST_ROUNDS`)."""
IN_ALL = 24
"""Executions of one exploration."""
LEAST = 6
"""Executions for each place, if there are many."""
WAYS = 3
ALONE = (LONGEST_ALONE, 0, 3, 1, 5, 2, 4)
"""For how many steps a task that has got what it waited for goes on before all others, in turn."""


class Delays(Strategy):
    """The executions for what `waits` has found; to be asked once that has come to its end.

    `aims` are counts that the program may do something else for: these are tried in several ways.
    """

    only_looks_for_mistakes = True

    def __init__(self, waits: BoundedWaits, seed: int, aims: Sequence[int] = ()) -> None:
        self._waits = waits
        self._seed = seed
        self._aims = aims
        self._planned: Iterator[Late] | None = None
        self._current: Led | None = None

    @property
    def bounds(self) -> Bounds:  # type: ignore[override]
        """As `Strategy.bounds`."""
        return Bounds() if self._current is None else self._current.bounds

    def begin(self) -> bool:
        if self._planned is None:
            self._planned = self._plan()
        self._current = next(self._planned, None)
        return self._current is not None and self._current.begin()

    def _plan(self) -> Iterator["Late"]:
        bounds, found = self._waits.level_bounds, self._waits.held
        for number, (place, held) in enumerate(list(found.items())[: IN_ALL // LEAST]):
            lowest = max(bounds.most, bounds.places.get(place, 0)) + 1
            pick = random.Random(f"{self._seed} {number}")
            counts = _counts(lowest, pick, max(LEAST, IN_ALL // len(found)))
            aims = [aim for aim in self._aims for _ in range(WAYS) if lowest <= aim <= MOST_ROUNDS]
            for turn, rounds in enumerate([*counts, *aims]):
                yield Late(held, bounds, rounds, ALONE[(turn + number) % len(ALONE)])

    def insists(self, choice: Choice) -> TaskId | None:
        assert self._current is not None
        return self._current.insists(choice)

    def choose(self, choice: Choice) -> TaskId | None:
        assert self._current is not None
        return self._current.choose(choice)


def _counts(lowest: int, pick: random.Random, most: int) -> list[int]:
    """How often a wait is let fail: at most so many numbers, from `lowest` on, the larger ones drawn."""
    limits = [EACH_UP_TO * GROWTH**power for power in range(LARGE)]
    large = {int(limit * GROWTH ** pick.random()) for limit in limits}
    small = pick.sample(range(lowest, EACH_UP_TO), min(max(most - LARGE, 0), max(EACH_UP_TO - lowest, 0)))
    drawn = [count for count in sorted({*small, *large}) if lowest <= count <= MOST_ROUNDS]
    return drawn if len(drawn) <= most else sorted(pick.sample(drawn, most))


def _made(waiting: Waiting) -> int:
    """How often a task has tried in vain already at the place where it is."""
    here = (
        times for one, times in waiting.counts.items() if any(sign.place == waiting.place for sign in one)
    )
    return max(here, default=0)


class _Phase(enum.Enum):
    TRIES, WAITS, GOES_ON = range(3)


class Late(Led):
    """A task tries in vain until it has done so `rounds` times where it was held back.

    Then the others go on until it would see something else there. It makes `alone` steps, and after these the others
    go first, whenever they can.
    """

    def __init__(self, held: Held, bounds: Bounds, rounds: int, alone: int) -> None:
        super().__init__(held.schedule, bounds)
        self._task = held.task
        self._left = rounds
        self._alone = alone
        self._place: Place | None = None
        self._seen: Result | None = None
        self._phase = _Phase.TRIES

    def insists(self, choice: Choice) -> TaskId | None:
        led = super().insists(choice)
        if led is not None:
            return led
        if self._phase is _Phase.TRIES:
            if self._tries_again(choice):
                return self._task
            self._phase, self._seen = _Phase.WAITS, self._would_see(choice.machine)
        return self._at_once() if self._goes_on(choice.machine) else None

    def choose(self, choice: Choice) -> TaskId | None:
        waits = self._phase is _Phase.WAITS and self._task in choice.candidates
        if waits and self._would_see(choice.machine) != self._seen:
            self._phase = _Phase.GOES_ON
            if self._alone > 0:
                return self._at_once()
        others = [task for task in choice.candidates if task != self._task]
        return choice.keep_going(others or choice.candidates)

    def _at_once(self) -> TaskId:
        self._alone -= 1
        return self._task

    def _goes_on(self, machine: Machine) -> bool:
        """Whether it goes on before all others; not if it would only try in vain again."""
        if self._phase is not _Phase.GOES_ON or self._alone <= 0 or not can_move(machine, self._task):
            return False
        return not machine.waiting_of(self._task).holds_back(machine.objects, machine.pending[self._task])

    def _tries_again(self, choice: Choice) -> bool:
        """Whether the task is to try once more, or is in the middle of it."""
        machine = choice.machine
        if not can_move(machine, self._task) or choice.position - len(self._schedule) >= LONGEST_ALONE:
            return False
        waiting = machine.waiting_of(self._task)
        if self._place is None:
            self._place = waiting.place
            self._left -= _made(waiting)
        self._left -= waiting.place == self._place
        return self._left >= 0

    def _would_see(self, machine: Machine) -> Result | None:
        """What its next operation would give the task; None if it cannot be done."""
        if not can_move(machine, self._task):
            return None
        return perform(dict(machine.objects), self._task, machine.pending[self._task]).result
