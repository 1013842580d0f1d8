"""Which executions beyond the bound on waits are worth making. Start at `Probes.plan`."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from grader.core.operations import TaskId
from grader.engine.strategies.base import Strategy
from grader.engine.strategies.bursts import Burst
from grader.engine.waits import Bounds, Place, Waiting

AT_A_PLACE = 8
IN_ALL = 24
FOR_LATE_ONES = 30

_T = TypeVar("_T")


class _Bite(NamedTuple):
    """Where the bound holds a task back: the place of its look, and what the task has done before."""

    place: Place
    history: int


class _Held(NamedTuple):
    """How a task came to be held back."""

    schedule: tuple[TaskId, ...]
    task: TaskId


class Probes:
    """Where the bound has held tasks back so far, each with a schedule that leads there."""

    def __init__(self) -> None:
        self._found: dict[_Bite, _Held] = {}
        self._tried: set[_Bite] = set()
        self._tried_at: Counter[Place] = Counter()
        self._late: set[Place] = set()

    def note(self, waiting: Waiting, schedule: Sequence[TaskId]) -> None:
        """The bound holds a task back after `schedule`."""
        history = waiting.past.digest if waiting.past is not None else 0
        bite = _Bite(waiting.place, history)
        if bite not in self._found and bite not in self._tried:
            self._found[bite] = _Held(tuple(schedule), waiting.task)

    def gives_up_late(self, places: Iterable[Place]) -> None:
        """Tasks give up at these places after more rounds than are explored: try them more often."""
        self._late.update(places)

    def plan(self, bounds: Bounds) -> list[Strategy]:
        """Bursts that were not made yet, spread over what was found."""
        planned: list[Strategy] = []
        places: dict[Place, list[_Bite]] = {}
        for bite in self._found:
            places.setdefault(bite.place, []).append(bite)
        for place, bites in places.items():
            late = place in self._late
            left = (FOR_LATE_ONES if late else AT_A_PLACE) - self._tried_at[place]
            for bite in _spread(bites, left if late else min(left, IN_ALL - len(self._tried))):
                held = self._found.pop(bite)
                planned.append(Burst(held.schedule, bounds, held.task))
                self._tried.add(bite)
                self._tried_at[place] += 1
        return planned


def _spread(things: Sequence[_T], most: int) -> list[_T]:
    """At most so many of them, evenly from first to last."""
    if len(things) <= most:
        return list(things)
    return [things[number * len(things) // most] for number in range(most)] if most > 0 else []
