"""DPOR for programs that wait by trying again: a ladder of bounds, and bursts that look beyond them.

Start at `BoundedWaits`. It explores the program in which each vain round may be made once (`grader.engine.waits`).
Where that bound holds a task back, a burst shows what the task would do if nobody else moved: a task that leaves its
loop by itself after few rounds gives up, and then everything is explored anew with as many rounds allowed there. A
task that does so only after more rounds leaves the exploration incomplete. If the bounded program is too large, the one
in which no known round is made again comes first: it costs what a blocking version of the program would.
"""

from collections.abc import Mapping, Sequence

from grader.core.execution import Claim, Execution, OutcomeKind
from grader.core.operations import Step, TaskId
from grader.engine.machine import World
from grader.engine.strategies.base import Choice, Strategy
from grader.engine.strategies.bursts import MOST_ROUNDS, Burst, Led
from grader.engine.strategies.dpor import Dpor
from grader.engine.strategies.probes import Held, Probes
from grader.engine.waits import Bounds, Place, Round, Waiting
from grader.primitives.base import Objects

FIRST = 16
"""Executions after which to look for the first time what the bound has kept from happening."""
MOST_ROUNDS_EXPLORED = 12
"""Who gives up after more rounds is shown by bursts only: with m critical sections, k rounds cost C(k + m + 1, m)."""
HIGHEST_BOUND = 3
MOST_LED = 2
"""Executions that bring one that was too long to a fair end."""
MOST_BEGINNINGS = 6
SHARE = 4
"""The part of the budget (one in so many) for the level in which no known round is made again."""
HOPELESS = 2
"""A level is too large if it seems to take so many times the budget. Mostly it takes more than it seems to."""
_DEARER = 12
"""A higher bound is tried if so many times what the last one took is left of the budget."""


class _Level:
    """One exploration with bounds that do not change, and what it has shown."""

    def __init__(self, bounds: Bounds, probes: Probes) -> None:
        self.dpor = Dpor(bounds)
        self.dpor.on_held_back = self.note
        self._probes = probes
        self.executions = 0
        self.traces = 0
        self.held_back = False

    def note(self, waiting: Waiting, schedule: Sequence[TaskId], objects: Objects) -> None:
        """The bound holds a task back after `schedule`, which led to `objects`."""
        self.held_back = True
        self._probes.note(waiting, schedule, objects)

    def claim(self) -> Claim | None:
        """What is known once it is exhausted."""
        if not self.dpor.exhaustive:
            return None
        return Claim(self.dpor.bounds.most if self.held_back else None)


class BoundedWaits(Strategy):
    """Explores like `Dpor`, which it uses, with a bound on waits; `executions` is the budget to be shared out."""

    systematic = True

    def __init__(self, executions: int = 2_000) -> None:
        self._budget = executions
        self._made = 0
        self._beginnings = 1
        self._probes = Probes()
        self._level = _Level(Bounds(), self._probes)
        self._aside: _Level | None = None
        """A level that is large, so that another comes first."""
        self._may_set_aside = True
        self._claimed: _Level | None = None
        self._current: Strategy = self._level.dpor
        self._extra: list[Strategy] = []
        self._led = 0
        self._places: dict[Place, int] = {}
        """How many rounds are explored where a task was seen to give up."""
        self._anew = self._late = False
        self._known: set[Round] = set()
        self._path: list[TaskId] = []

    @property
    def bounds(self) -> Bounds:  # type: ignore[override]
        """As `Strategy.bounds`."""
        return self._current.bounds

    @property
    def level_bounds(self) -> Bounds:
        """The bounds of the level that was explored last."""
        return self._level.dpor.bounds

    @property
    def held(self) -> Mapping[Place, Held]:
        """How the bound has held somebody back at each place, after the fewest steps."""
        return self._probes.soonest

    @property
    def exhaustive(self) -> bool:  # type: ignore[override]
        """As `Strategy.exhaustive`."""
        return self.claim is not None

    @property
    def claim(self) -> Claim | None:
        """As `Strategy.claim`. Nothing is, if a task gives up later than was explored."""
        return None if self._late or self._claimed is None else self._claimed.claim()

    @property
    def repeated(self) -> int:
        """As `Strategy.repeated`: all but those of one level."""
        return self._made - (self._claimed or self._aside or self._level).traces

    def estimate(self) -> float | None:
        return self._level.dpor.estimate()

    def begin(self) -> bool:
        self._path.clear()
        while True:
            if self._extra:
                self._current = self._extra.pop(0)
            elif self._anew or self._is_too_large():
                self._begin_anew()
                continue
            elif self._aside is not None and self._level.executions >= self._budget // SHARE:
                self._level, self._aside = self._aside, None
                continue
            else:
                self._current = self._level.dpor
                if self._level.executions == FIRST and self._has_planned():
                    continue
            if self._has_spent_enough():
                return False
            if self._current.begin():
                self._made += 1
                return True
            if not self._has_planned() and not self._next_level():
                return False

    def _has_planned(self) -> bool:
        """Whether there is something to be seen beyond the bound first."""
        self._extra += self._probes.plan(self._level.dpor.bounds)
        return bool(self._extra)

    def _has_spent_enough(self) -> bool:
        """Whether the smallest part is covered, and a larger one cannot be with what is left of the budget."""
        claimed = self._claimed is not None and self._claimed.dpor.bounds.most == 0
        return claimed and self._is_hopeless()

    def _is_too_large(self) -> bool:
        """Whether it is time to explore what comes of it if no known round is made again."""
        worth_it = self._level.held_back and self._claimed is None and bool(self._known)
        if not worth_it or not self._may_set_aside:
            return False
        return self._level.executions >= self._budget // 2 or self._is_hopeless()

    def _is_hopeless(self) -> bool:
        """Whether the level looks far too large for the budget."""
        executions, fraction = self._level.executions, self._level.dpor.estimate()
        return executions >= 2 * FIRST and executions > fraction * HOPELESS * self._budget

    def _begin_anew(self) -> None:
        if self._anew:
            self._anew, self._aside, self._claimed = False, None, None
            self._beginnings += 1
            self._level = _Level(Bounds(1, dict(self._places)), self._probes)
        else:
            self._aside, self._may_set_aside = self._level, False
            bounds = Bounds(0, dict(self._places), frozenset(self._known))
            self._level = _Level(bounds, self._probes)

    def _next_level(self) -> bool:
        """Whether there is more to explore, now that a level is exhausted."""
        done = self._level
        if self._anew:
            return True
        if done.claim() is not None:
            self._claimed = done
        if self._aside is not None:
            self._level, self._aside = self._aside, None
            return True
        most = done.dpor.bounds.most
        affordable = done.executions * _DEARER <= self._budget - self._made
        if (
            not done.held_back
            or done.claim() is None
            or most >= HIGHEST_BOUND
            or not affordable
            or self._late
        ):
            return False
        self._level = _Level(Bounds(most + 1, dict(self._places)), self._probes)
        return True

    def insists(self, choice: Choice) -> TaskId | None:
        return self._current.insists(choice)

    def choose(self, choice: Choice) -> TaskId | None:
        if self._current is self._level.dpor and choice.position >= self._level.dpor.depth:
            for task in choice.machine.held_back():
                self._level.note(choice.machine.waiting_of(task), self._path, choice.machine.objects)
        return self._current.choose(choice)

    def executed(self, step: Step) -> None:
        self._path.append(step.task)
        self._current.executed(step)

    def finished(self, execution: Execution, world: World) -> None:
        self._current.finished(execution, world)
        if isinstance(self._current, Burst):
            self._learn(self._current)
        elif self._current is self._level.dpor:
            self._level.executions += 1
            self._level.traces += execution.outcome.kind is not OutcomeKind.PRUNED
            for waiting in world.waiting.values():
                self._known.update(waiting.counts)
            self._note_end(execution, world)

    def _note_end(self, execution: Execution, world: World) -> None:
        """See which tasks the bound holds back in the end, and try a fair end of an execution that was too long."""
        for task in world.pending:
            if world.held_back(task):
                self._level.note(world.waiting[task], self._path, world.objects)
        endless = execution.outcome.kind is OutcomeKind.LIVELOCK
        if len(execution.trace) > len(self._path) and not endless and execution.rounds > MOST_ROUNDS:
            self._late = (
                True  # nobody waits for anybody: a long loop has ended by itself, and what comes then counts
            )
        if execution.outcome.kind is OutcomeKind.STEP_LIMIT and self._led < MOST_LED:
            self._led += 1
            self._extra.append(Led(self._path[: len(self._path) // 2], self._level.dpor.bounds))

    def _learn(self, burst: Burst) -> None:
        """A task that leaves its loop by itself has to be explored up to there."""
        rounds = burst.gave_up_after
        places = _places(burst.rounds)
        if rounds is None:
            return
        if rounds <= MOST_ROUNDS_EXPLORED and self._beginnings < MOST_BEGINNINGS:
            if any(self._places.get(place, 0) < rounds for place in places):
                self._anew = True
                self._places.update({place: max(rounds, self._places.get(place, 0)) for place in places})
        else:
            self._late = True
            self._probes.gives_up_late(places)


def _places(rounds: Sequence[Round]) -> set[Place]:
    """All places in some rounds: the same loop is a round from each of them."""
    return {sign.place for one in rounds for sign in one}
