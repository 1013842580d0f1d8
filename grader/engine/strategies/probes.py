"""Which executions beyond the bound on waits are worth making. Start at `Probes.plan`."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from grader.core.operations import TaskId
from grader.engine.strategies.base import Strategy
from grader.engine.strategies.bursts import Burst
from grader.engine.waits import Bounds, Place, Waiting
from grader.primitives.base import Objects

AT_A_PLACE = 8
IN_ALL = 24
FOR_LATE_ONES = 30
"""Each time that a task was seen to give up late."""
MOST_STATES = 1_000

_T = TypeVar("_T")


class _Bite(NamedTuple):
    """Where the bound holds a task back: the place of its look, and what the task has done before."""

    place: Place
    history: int


class Held(NamedTuple):
    """How a task came to be held back: who, and after which schedule."""

    schedule: tuple[TaskId, ...]
    task: TaskId


class Probes:
    """Where the bound has held tasks back so far, each with a schedule that leads there."""

    def __init__(self) -> None:
        self._found: dict[_Bite, Held] = {}
        self._in_states: dict[tuple[_Bite, int], Held] = {}
        """The same for each state of what is shared, which matters where a task is known to give up."""
        self._tried: set[_Bite] = set()
        self._tried_at: Counter[Place] = Counter()
        self._late: set[Place] = set()
        self.soonest: dict[Place, Held] = {}
        """How a task was held back at each place after the fewest steps: the others have most to do yet."""

    def note(self, waiting: Waiting, schedule: Sequence[TaskId], objects: Objects) -> None:
        """The bound holds a task back after `schedule`, which led to `objects`."""
        bite = _Bite(waiting.place, waiting.digest)
        held = Held(tuple(schedule), waiting.task)
        known = self.soonest.get(waiting.place)
        if known is None or len(known.schedule) > len(schedule):
            self.soonest[waiting.place] = held
        if bite not in self._tried:
            self._found.setdefault(bite, held)
        if len(self._in_states) < MOST_STATES:
            self._in_states.setdefault((bite, _digest(objects, schedule)), held)

    def gives_up_late(self, places: Iterable[Place]) -> None:
        """Tasks give up at these places after more rounds than are explored: try them in every state."""
        self._late.update(places)

    def plan(self, bounds: Bounds) -> list[Strategy]:
        """Bursts that were not made yet, spread over what was found."""
        planned: list[Strategy] = []
        places: dict[Place, list[_Bite]] = {}
        for bite in self._found:
            places.setdefault(bite.place, []).append(bite)
        for place, bites in places.items():
            for bite in _spread(bites, min(AT_A_PLACE - self._tried_at[place], IN_ALL - len(self._tried))):
                held = self._found.pop(bite)
                planned.append(Burst(held.schedule, bounds, held.task))
                self._tried.add(bite)
                self._tried_at[place] += 1
        return [*planned, *self._of_late_ones(bounds)]

    def _of_late_ones(self, bounds: Bounds) -> list[Strategy]:
        """Bursts of tasks that are known to give up: on to their ends, and up to there only."""
        found = [key for key in self._in_states if key[0].place in self._late]
        held = [self._in_states.pop(key) for key in _spread(found, FOR_LATE_ONES // 2)]
        for key in found:
            self._in_states.pop(key, None)
        return [
            Burst(one.schedule, bounds, one.task, to_the_end=to_the_end)
            for one in held
            for to_the_end in (True, False)
        ]


def _digest(objects: Objects, schedule: Sequence[TaskId]) -> int:
    """Stands for what is shared and how far each task has come; to be compared within one process of ours."""
    steps = frozenset(Counter(schedule).items())
    try:
        return hash((frozenset(objects.items()), steps))
    except TypeError:
        return hash(steps)


def _spread(things: Sequence[_T], most: int) -> list[_T]:
    """At most so many of them, evenly from first to last."""
    if len(things) <= most:
        return list(things)
    return [things[number * len(things) // most] for number in range(most)] if most > 0 else []
